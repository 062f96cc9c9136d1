#include "ingest/document-private.h"
#include "ingest/frames-private.h"
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

static IngestDocument *make_document (void)
{
  IngestDocument *document = ingest_document_new ("application/pdf");
  document->title = g_strdup ("Night shift");
  document->language = g_strdup ("en");
  document->date = g_strdup ("2024-05-06");
  ingest_document_add_page (document, "i", 595, 842, 1);
  IngestBox box = { 10, 20, 300, 40 };
  ingest_document_add_block (document, INGEST_BLOCK_HEADING, 1, &box, "1 Rules", -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, &box, "Wash your hands — é.", -1);
  ingest_document_add_page (document, NULL, 595, 842, 0.5f);
  ingest_document_add_block (document, INGEST_BLOCK_TABLE_ROW, 0, NULL, "drug\tdose", -1);
  ingest_document_add_block (document, INGEST_BLOCK_TABLE_ROW, 0, NULL, "\t5 mg", -1);
  ingest_document_finish (document);
  return document;
}

static GByteArray *write_frames (const IngestDocument *document)
{
  int fd = memfd_create ("frames", MFD_CLOEXEC);
  ck_assert (ingest_frames_write_document (fd, document));
  ck_assert_int_eq (lseek (fd, 0, SEEK_SET), 0);
  GByteArray *frames = g_byte_array_new ();
  guint8 buffer[4096];
  gssize n;
  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_byte_array_append (frames, buffer, n);
  close (fd);
  return frames;
}

/* NULL when the reader refuses them. */
static IngestDocument *read_frames (const guint8 *data, gsize length, gsize step,
                                    const char **ret_problem)
{
  g_autoptr (IngestFrameReader) reader = ingest_frame_reader_new ();
  *ret_problem = NULL;
  for (gsize i = 0; i < length; i += step)
    if (!ingest_frame_reader_feed (reader, data + i, MIN (step, length - i), ret_problem))
      return NULL;
  IngestError code;
  g_autofree char *detail = NULL;
  return ingest_frame_reader_finish (reader, &code, &detail);
}

START_TEST (test_a_document_arrives_as_it_was_sent_however_the_stream_is_cut)
{
  g_autoptr (IngestDocument) sent = make_document ();
  g_autoptr (GByteArray) frames = write_frames (sent);
  for (gsize step = 1; step <= frames->len; step++)
    {
      const char *problem;
      g_autoptr (IngestDocument) got = read_frames (frames->data, frames->len, step, &problem);
      ck_assert_msg (got != NULL, "step %zu: %s", step, problem);
      ck_assert_str_eq (got->text, "1 Rules\n\nWash your hands — é.\n\ndrug\tdose\n\t5 mg");
      ck_assert_str_eq (got->title, "Night shift");
      ck_assert_str_eq (got->language, "en");
      ck_assert_str_eq (got->date, "2024-05-06");
      ck_assert_uint_eq (got->pages->len, 2);
      ck_assert_str_eq (g_array_index (got->pages, IngestPage, 0).label, "i");
      ck_assert_ptr_null (g_array_index (got->pages, IngestPage, 1).label);
      ck_assert_uint_eq (got->blocks->len, 4);
      ck_assert_float_eq (block_at (got, 1)->box.x1, 300);
      check_document (got);
    }
}
END_TEST

START_TEST (test_every_truncation_is_refused)
{
  g_autoptr (IngestDocument) sent = make_document ();
  g_autoptr (GByteArray) frames = write_frames (sent);
  for (gsize length = 0; length < frames->len; length++)
    {
      const char *problem;
      ck_assert_ptr_null (read_frames (frames->data, length, length + 1, &problem));
    }
}
END_TEST

START_TEST (test_every_flipped_bit_gives_a_sound_document_or_none)
{
  g_autoptr (IngestDocument) sent = make_document ();
  g_autoptr (GByteArray) frames = write_frames (sent);
  guint refused = 0;
  for (gsize bit = 0; bit < frames->len * 8; bit++)
    {
      const char *problem;
      frames->data[bit / 8] ^= 1 << (bit % 8);
      g_autoptr (IngestDocument) got
          = read_frames (frames->data, frames->len, frames->len, &problem);
      frames->data[bit / 8] ^= 1 << (bit % 8);
      if (got != NULL)
        check_document (got);
      refused += got == NULL;
    }
  ck_assert_uint_gt (refused, frames->len);
}
END_TEST

typedef struct
{
  const char *what;
  guint type;
  const char *payload;
  gsize length;
} Forged;

#define META "\0\0\0\0\1\0\0\0x\0\0\0\0\0\0\0\0", 17
#define PAGE(n) n "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24

static void put_frame (GByteArray *out, guint32 magic, guint32 type, const char *payload,
                       guint32 length)
{
  const guint32 header[] = { GUINT32_TO_LE (magic), GUINT32_TO_LE (type), GUINT32_TO_LE (length) };
  g_byte_array_append (out, (const guint8 *)header, sizeof header);
  g_byte_array_append (out, (const guint8 *)payload, length);
}

static void check_refused (const Forged *frames, const char *expected)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  for (; frames->payload != NULL; frames++)
    put_frame (stream, 0x31466344u, frames->type, frames->payload, frames->length);
  const char *problem;
  ck_assert_ptr_null (read_frames (stream->data, stream->len, stream->len, &problem));
  ck_assert_msg (problem != NULL && strstr (problem, expected) != NULL, "%s instead of %s",
                 problem != NULL ? problem : "nothing", expected);
}

START_TEST (test_frames_out_of_order_are_refused)
{
  check_refused ((const Forged[]){ { "", 2, PAGE ("\1") }, { 0 } }, "before the document");
  check_refused ((const Forged[]){ { "", 1, META }, { "", 1, META }, { 0 } }, "second document");
  check_refused ((const Forged[]){ { "", 1, META }, { "", 2, PAGE ("\2") }, { 0 } },
                 "out of order");
  check_refused ((const Forged[]){ { "", 1, META },
                                   { "", 2, PAGE ("\1") },
                                   { "", 5, "\1\0\0\0\0\0\0\0", 8 },
                                   { "", 2, PAGE ("\2") },
                                   { 0 } },
                 "after the end");
  check_refused ((const Forged[]){ { "", 1, META }, { "", 5, "\0\0\0\0\0\0\0\0", 8 }, { 0 } },
                 "does not match");
  check_refused ((const Forged[]){ { "", 9, "", 0 }, { 0 } }, "unknown type");
}
END_TEST

/* kind, level, page, box, text */
#define BLOCK(kind, level, page, text, length)                                                     \
  3, kind "\0\0\0" level "\0\0\0" page "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" text, 28 + length

START_TEST (test_blocks_that_no_parser_makes_are_refused)
{
  const struct
  {
    Forged block;
    const char *problem;
  } cases[] = { { { "", BLOCK ("\0", "\0", "\1", "\2\0\0\0\xC3(", 6) }, "malformed" },
                { { "", BLOCK ("\0", "\0", "\1", "\2\0\0\0a\033", 6) }, "malformed" },
                { { "", BLOCK ("\0", "\0", "\1", "\0\0\0\0", 4) }, "malformed" },
                { { "", BLOCK ("\0", "\0", "\1", "\377\377\377\377a", 5) }, "malformed" },
                { { "", BLOCK ("\10", "\0", "\1", "\1\0\0\0a", 5) }, "malformed" },
                { { "", BLOCK ("\1", "\0", "\1", "\1\0\0\0a", 5) }, "malformed" },
                { { "", BLOCK ("\1", "\7", "\1", "\1\0\0\0a", 5) }, "malformed" },
                { { "", BLOCK ("\0", "\0", "\2", "\1\0\0\0a", 5) }, "another page" },
                { { "", BLOCK ("\0", "\0", "\1", "\1\0\0\0ab", 6) }, "wrong length" } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check_refused (
        (const Forged[]){ { "", 1, META }, { "", 2, PAGE ("\1") }, cases[i].block, { 0 } },
        cases[i].problem);
}
END_TEST

START_TEST (test_a_huge_frame_is_refused_before_it_is_read)
{
  g_autoptr (IngestFrameReader) reader = ingest_frame_reader_new ();
  const guint32 header[] = { GUINT32_TO_LE (0x31466344u), GUINT32_TO_LE (3), 0xFFFFFFFFu };
  const char *problem = NULL;
  ck_assert (!ingest_frame_reader_feed (reader, (const guint8 *)header, sizeof header, &problem));
  ck_assert_ptr_nonnull (strstr (problem, "too large"));
}
END_TEST

START_TEST (test_long_text_is_split_at_white_space)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("text/plain");
  g_autoptr (GString) text = g_string_new (NULL);
  while (text->len < 3 * INGEST_BLOCK_MAX_BYTES)
    g_string_append (text, "wörd ");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, text->str, -1);
  ingest_document_finish (document);
  ck_assert_uint_ge (document->blocks->len, 3);
  check_document (document);
  for (guint i = 0; i < document->blocks->len; i++)
    {
      g_autofree char *block = block_text (document, i);
      ck_assert_uint_le (strlen (block), INGEST_BLOCK_MAX_BYTES);
      ck_assert (g_str_has_prefix (block, "wörd") && g_str_has_suffix (block, "wörd"));
    }
  g_autoptr (GByteArray) frames = write_frames (document);
  const char *problem;
  g_autoptr (IngestDocument) got = read_frames (frames->data, frames->len, 65536, &problem);
  ck_assert_str_eq (got->text, document->text);
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_a_document_arrives_as_it_was_sent_however_the_stream_is_cut,
                                 test_every_truncation_is_refused,
                                 test_every_flipped_bit_gives_a_sound_document_or_none,
                                 test_frames_out_of_order_are_refused,
                                 test_blocks_that_no_parser_makes_are_refused,
                                 test_a_huge_frame_is_refused_before_it_is_read,
                                 test_long_text_is_split_at_white_space };
  return run_suite ("ingest frames", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

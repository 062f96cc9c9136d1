/* Damaged, cut off and exploding files of every format end in a document or in one phrase. */
#include "ingest/parse-private.h"
#include "support.h"

#include <archive.h>
#include <archive_entry.h>

/* Returns the problem, NULL when there is a document. */
static GError *parse (const guint8 *data, gsize length, const char *hint)
{
  GError *error = NULL;
  /* An allocation of its own, so that the sanitizer sees a read past its end. */
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  g_autoptr (IngestDocument) document = ingest_parse (bytes, hint, 0, &error);
  ck_assert ((document != NULL) != (error != NULL));
  if (document != NULL)
    check_document (document);
  return error;
}

typedef void (*FixtureFunc) (const guint8 *data, gsize length, const char *hint);

static void for_each_fixture (FixtureFunc func)
{
  static const char *const names[]
      = { "note.docx", "talk.pptx", "sheet.xlsx", "text.odt", "sheet.ods", "talk.odp",
          "book.epub", "note.rtf",  "mail.eml",   "box.mbox", "bundle.zip" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path
          = g_build_filename (SOURCE_ROOT, "tests", "ingest", "formats", names[i], NULL);
      g_autofree char *data = NULL;
      gsize length;
      ck_assert (g_file_get_contents (path, &data, &length, NULL));
      func ((const guint8 *)data, length, strchr (names[i], '.') + 1);
    }
}

static void cut (const guint8 *data, gsize length, const char *hint)
{
  for (gsize n = 1; n < length; n += 1 + length / 97)
    {
      g_autoptr (GError) error = parse (data, n, hint);
      (void)error;
    }
}

START_TEST (test_files_cut_off_anywhere)
{
  for_each_fixture (cut);
}
END_TEST

static void flip (const guint8 *data, gsize length, const char *hint)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  for (guint i = 0; i < 120; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (data, length);
      for (guint k = 0; k <= i % 4; k++)
        copy[g_rand_int_range (random, 0, length)] ^= 1u << g_rand_int_range (random, 0, 8);
      g_autoptr (GError) error = parse (copy, length, hint);
      (void)error;
    }
}

START_TEST (test_files_with_flipped_bits)
{
  for_each_fixture (flip);
}
END_TEST

static la_ssize_t append (struct archive *archive, void *out, const void *data, size_t length)
{
  g_byte_array_append (out, data, length);
  return length;
}

/* A ZIP of N members of SIZE zeros each. */
static GByteArray *make_zip (guint n, gsize size)
{
  GByteArray *out = g_byte_array_new ();
  struct archive *writer = archive_write_new ();
  g_autofree char *zeros = g_strnfill (1 << 20, '0');
  archive_write_set_format_zip (writer);
  archive_write_set_options (writer, "compression-level=1");
  archive_write_open (writer, out, NULL, append, NULL);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.txt", i);
      struct archive_entry *entry = archive_entry_new ();
      archive_entry_set_pathname (entry, name);
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_size (entry, size);
      archive_write_header (writer, entry);
      for (gsize left = size; left > 0; left -= MIN (left, 1 << 20))
        archive_write_data (writer, zeros, MIN (left, 1 << 20));
      archive_entry_free (entry);
    }
  archive_write_free (writer);
  return out;
}

START_TEST (test_bombs_are_refused)
{
  g_autoptr (GByteArray) large = make_zip (4, 60 << 20);
  ck_assert_uint_lt (large->len, 4 << 20);
  g_autoptr (GError) size = parse (large->data, large->len, "docx");
  ck_assert (g_error_matches (size, INGEST_ERROR, INGEST_ERROR_LIMIT));
  g_autoptr (GByteArray) many = make_zip (10001, 0);
  g_autoptr (GError) count = parse (many->data, many->len, "zip");
  ck_assert (g_error_matches (count, INGEST_ERROR, INGEST_ERROR_LIMIT));
}
END_TEST

START_TEST (test_archives_within_archives_end)
{
  g_autoptr (GByteArray) inner = make_zip (1, 5);
  for (guint i = 0; i < 10; i++)
    {
      GByteArray *out = g_byte_array_new ();
      struct archive *writer = archive_write_new ();
      struct archive_entry *entry = archive_entry_new ();
      archive_write_set_format_zip (writer);
      archive_write_open (writer, out, NULL, append, NULL);
      archive_entry_set_pathname (entry, "inner.zip");
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_size (entry, inner->len);
      archive_write_header (writer, entry);
      archive_write_data (writer, inner->data, inner->len);
      archive_entry_free (entry);
      archive_write_free (writer);
      g_byte_array_unref (inner);
      inner = out;
    }
  g_autoptr (GError) error = parse (inner->data, inner->len, "zip");
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_LIMIT));
}
END_TEST

START_TEST (test_groups_and_parts_without_end)
{
  g_autofree char *groups = g_strnfill (100000, '{');
  g_autofree char *rtf = g_strconcat ("{\\rtf1 x", groups, NULL);
  g_autoptr (GError) error = parse ((const guint8 *)rtf, strlen (rtf), "rtf");
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_LIMIT));
  g_autoptr (GString) mail = g_string_new ("From: a\nDate: b\nSubject: c\nMIME-Version: 1.0\n");
  for (guint i = 0; i < 3000; i++)
    g_string_append (mail, "Content-Type: multipart/mixed; boundary=x\n\n--x\n");
  g_autoptr (GError) other = parse ((const guint8 *)mail->str, mail->len, "eml");
  ck_assert (other == NULL || other->domain == INGEST_ERROR);
}
END_TEST

int main (void)
{
  const TTest *tests[]
      = { test_files_cut_off_anywhere, test_files_with_flipped_bits, test_bombs_are_refused,
          test_archives_within_archives_end, test_groups_and_parts_without_end };
  return run_suite ("ingest damaged", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

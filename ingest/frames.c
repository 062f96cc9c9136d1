/* A document on its way through the pipe. The child writes what it parsed as frames; the parent
 * reads them into a new IngestDocument and refuses everything that a correct child cannot have
 * sent: sizes, types, order, page numbers, text that is not clean UTF-8. The idea: offsets never
 * travel, the parent counts them itself, so a lying child cannot point outside of the text. */
#include "ingest/frames-private.h"
#include "ingest/document-private.h"
#include "ingest/prose-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MAGIC 0x31466344u /* "DcF1" */
#define HEADER_SIZE 12u

enum
{
  FRAME_META = 1,
  FRAME_PAGE,
  FRAME_BLOCK,
  FRAME_ERROR,
  FRAME_END,
};

/* ---- Writer ---- */

static void put_u32 (GByteArray *out, guint32 value)
{
  value = GUINT32_TO_LE (value);
  g_byte_array_append (out, (const guint8 *)&value, sizeof value);
}

static void put_f32 (GByteArray *out, float value)
{
  guint32 bits;
  memcpy (&bits, &value, sizeof bits);
  put_u32 (out, bits);
}

static void put_string (GByteArray *out, const char *text, gsize length)
{
  put_u32 (out, length);
  g_byte_array_append (out, (const guint8 *)text, length);
}

static void put_title (GByteArray *out, const char *text)
{
  put_string (out, text != NULL ? text : "", text != NULL ? strlen (text) : 0);
}

static void begin_frame (GByteArray *out, guint32 type)
{
  put_u32 (out, MAGIC);
  put_u32 (out, type);
  put_u32 (out, 0);
}

static void end_frame (GByteArray *out, guint begin)
{
  guint32 length = GUINT32_TO_LE (out->len - begin - HEADER_SIZE);
  memcpy (out->data + begin + 8, &length, sizeof length);
}

static gboolean flush_frames (int fd, GByteArray *out, guint keep_below)
{
  if (out->len <= keep_below)
    return TRUE;
  for (gsize done = 0; done < out->len;)
    {
      gssize n = write (fd, out->data + done, out->len - done);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      done += n;
    }
  g_byte_array_set_size (out, 0);
  return TRUE;
}

static void put_page (GByteArray *out, const IngestPage *page, guint number)
{
  guint begin = out->len;
  begin_frame (out, FRAME_PAGE);
  put_u32 (out, number);
  put_f32 (out, page->width);
  put_f32 (out, page->height);
  put_f32 (out, page->quality);
  put_u32 (out, page->source);
  put_title (out, page->label);
  end_frame (out, begin);
}

static void put_block (GByteArray *out, const IngestBlock *block, const char *text)
{
  guint begin = out->len;
  begin_frame (out, FRAME_BLOCK);
  put_u32 (out, block->kind);
  put_u32 (out, block->level);
  put_u32 (out, block->page);
  put_f32 (out, block->box.x0);
  put_f32 (out, block->box.y0);
  put_f32 (out, block->box.x1);
  put_f32 (out, block->box.y1);
  put_string (out, text + block->start, block->end - block->start);
  end_frame (out, begin);
}

gboolean ingest_frames_write_document (int fd, const IngestDocument *document)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  begin_frame (out, FRAME_META);
  put_title (out, document->title);
  put_title (out, document->mime_type);
  put_title (out, document->language);
  put_title (out, document->date);
  end_frame (out, 0);
  guint b = 0;
  for (guint p = 0; p < document->pages->len; p++)
    {
      put_page (out, ingest_document_page (document, p), p + 1);
      for (; b < document->blocks->len && ingest_document_block (document, b)->page == p + 1; b++)
        {
          put_block (out, ingest_document_block (document, b), document->text);
          if (!flush_frames (fd, out, 32 * 1024))
            return FALSE;
        }
    }
  guint begin = out->len;
  begin_frame (out, FRAME_END);
  put_u32 (out, document->pages->len);
  put_u32 (out, document->blocks->len);
  end_frame (out, begin);
  return flush_frames (fd, out, 0);
}

gboolean ingest_frames_write_error (int fd, IngestError code, const char *detail)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  begin_frame (out, FRAME_ERROR);
  put_u32 (out, code);
  put_string (out, detail, MIN (strlen (detail), 4096));
  end_frame (out, 0);
  return flush_frames (fd, out, 0);
}

/* ---- Reader ---- */

struct _IngestFrameReader
{
  GByteArray *pending;      /* at most one frame plus what arrived with it */
  IngestDocument *document; /* NULL before META */
  gboolean ended;           /* END or ERROR seen: nothing may follow */
  IngestError code;
  char *detail; /* non-NULL after ERROR */
};

typedef struct
{
  const guint8 *at;
  gsize left;
  gboolean bad;
} Cursor;

static guint32 get_u32 (Cursor *cursor)
{
  guint32 value = 0;
  if (cursor->left < sizeof value)
    {
      cursor->bad = TRUE;
      return 0;
    }
  memcpy (&value, cursor->at, sizeof value);
  cursor->at += sizeof value;
  cursor->left -= sizeof value;
  return GUINT32_FROM_LE (value);
}

/* A coordinate: finite and within any sheet of paper that PDF allows. */
static float get_f32 (Cursor *cursor)
{
  guint32 bits = get_u32 (cursor);
  float value;
  memcpy (&value, &bits, sizeof value);
  if (!isfinite (value) || fabsf (value) > 1e6f)
    cursor->bad = TRUE;
  return value;
}

/* NULL when empty. Never copies text that is not clean. */
static char *get_string (Cursor *cursor)
{
  guint32 length = get_u32 (cursor);
  if (cursor->bad || length > cursor->left
      || !ingest_prose_is_clean ((const char *)cursor->at, length))
    {
      cursor->bad = TRUE;
      return NULL;
    }
  char *text = length > 0 ? g_strndup ((const char *)cursor->at, length) : NULL;
  cursor->at += length;
  cursor->left -= length;
  return text;
}

static const char *read_meta (IngestFrameReader *reader, Cursor *cursor)
{
  if (reader->document != NULL)
    return "a second document";
  g_autofree char *title = get_string (cursor);
  g_autofree char *mime_type = get_string (cursor);
  g_autofree char *language = get_string (cursor);
  g_autofree char *date = get_string (cursor);
  if (cursor->bad || mime_type == NULL)
    return "a malformed description of the document";
  reader->document = ingest_document_new (mime_type);
  reader->document->title = g_steal_pointer (&title);
  reader->document->language = g_steal_pointer (&language);
  reader->document->date = g_steal_pointer (&date);
  return NULL;
}

static const char *read_page (IngestFrameReader *reader, Cursor *cursor)
{
  if (reader->document == NULL)
    return "a page before the document";
  guint32 number = get_u32 (cursor);
  float width = get_f32 (cursor), height = get_f32 (cursor), quality = get_f32 (cursor);
  guint32 source = get_u32 (cursor);
  g_autofree char *label = get_string (cursor);
  if (cursor->bad || quality < 0 || quality > 1 || width < 0 || height < 0
      || source > INGEST_PAGE_OCR)
    return "a malformed page";
  if (number != reader->document->pages->len + 1 || number > INGEST_PAGES_MAX)
    return "a page out of order";
  ingest_document_add_page (reader->document, label, width, height, quality);
  ingest_document_page (reader->document, number - 1)->source = source;
  return NULL;
}

static const char *read_block (IngestFrameReader *reader, Cursor *cursor)
{
  if (reader->document == NULL || reader->document->pages->len == 0)
    return "text before the first page";
  guint32 kind = get_u32 (cursor), level = get_u32 (cursor), page = get_u32 (cursor);
  IngestBox box;
  box.x0 = get_f32 (cursor);
  box.y0 = get_f32 (cursor);
  box.x1 = get_f32 (cursor);
  box.y1 = get_f32 (cursor);
  g_autofree char *text = get_string (cursor);
  if (cursor->bad || text == NULL || strlen (text) > INGEST_BLOCK_MAX_BYTES
      || kind > INGEST_BLOCK_HIDDEN || level > 6 || (kind == INGEST_BLOCK_HEADING) != (level > 0))
    return "a malformed block of text";
  if (page != reader->document->pages->len)
    return "text of another page";
  ingest_document_add_block (reader->document, kind, level, &box, text, -1);
  return NULL;
}

static const char *read_error (IngestFrameReader *reader, Cursor *cursor)
{
  guint32 code = get_u32 (cursor);
  g_autofree char *detail = get_string (cursor);
  if (cursor->bad || code > INGEST_ERROR_LIMIT)
    return "a malformed error";
  reader->code = code;
  reader->detail = detail != NULL ? g_steal_pointer (&detail) : g_strdup ("");
  reader->ended = TRUE;
  return NULL;
}

static const char *read_end (IngestFrameReader *reader, Cursor *cursor)
{
  guint32 n_pages = get_u32 (cursor), n_blocks = get_u32 (cursor);
  if (cursor->bad || reader->document == NULL || n_pages == 0
      || n_pages != reader->document->pages->len || n_blocks != reader->document->blocks->len)
    return "an end that does not match";
  ingest_document_finish (reader->document);
  reader->ended = TRUE;
  return NULL;
}

static const char *read_frame (IngestFrameReader *reader, guint32 type, const guint8 *payload,
                               gsize length)
{
  Cursor cursor = { payload, length, FALSE };
  const char *problem;
  if (reader->ended)
    return "data after the end";
  switch (type)
    {
    case FRAME_META:
      problem = read_meta (reader, &cursor);
      break;
    case FRAME_PAGE:
      problem = read_page (reader, &cursor);
      break;
    case FRAME_BLOCK:
      problem = read_block (reader, &cursor);
      break;
    case FRAME_ERROR:
      problem = read_error (reader, &cursor);
      break;
    case FRAME_END:
      problem = read_end (reader, &cursor);
      break;
    default:
      problem = "a frame of unknown type";
    }
  return problem == NULL && cursor.left > 0 ? "a frame with a wrong length" : problem;
}

IngestFrameReader *ingest_frame_reader_new (void)
{
  IngestFrameReader *reader = g_new0 (IngestFrameReader, 1);
  reader->pending = g_byte_array_new ();
  return reader;
}

void ingest_frame_reader_free (IngestFrameReader *reader)
{
  if (reader == NULL)
    return;
  g_byte_array_unref (reader->pending);
  ingest_document_free (reader->document);
  g_free (reader->detail);
  g_free (reader);
}

gboolean ingest_frame_reader_feed (IngestFrameReader *reader, const guint8 *data, gsize length,
                                   const char **ret_problem)
{
  g_byte_array_append (reader->pending, data, length);
  gsize done = 0;
  while (reader->pending->len - done >= HEADER_SIZE)
    {
      Cursor header = { reader->pending->data + done, HEADER_SIZE, FALSE };
      guint32 magic = get_u32 (&header), type = get_u32 (&header), size = get_u32 (&header);
      const char *problem = NULL;
      if (magic != MAGIC)
        problem = "something that is not a frame";
      else if (size > INGEST_FRAME_MAX)
        problem = "a frame that is too large";
      else if (reader->pending->len - done - HEADER_SIZE < size)
        break;
      else
        problem = read_frame (reader, type, header.at, size);
      if (problem != NULL)
        {
          *ret_problem = problem;
          return FALSE;
        }
      done += HEADER_SIZE + size;
    }
  if (done > 0)
    g_byte_array_remove_range (reader->pending, 0, done);
  return TRUE;
}

IngestDocument *ingest_frame_reader_finish (IngestFrameReader *reader, IngestError *ret_code,
                                            char **ret_detail)
{
  if (reader->ended && reader->detail == NULL && reader->pending->len == 0)
    return g_steal_pointer (&reader->document);
  *ret_code = reader->code;
  *ret_detail = g_steal_pointer (&reader->detail);
  return NULL;
}

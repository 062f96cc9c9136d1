/* Mail: one message, or a mailbox of many. A message is a section under its subject, with who, to
 * whom and when in its first line; attachments follow as sections of their own, read by whatever
 * parser their bytes ask for. Quoted mail stays in: it is often the only copy. */
#include "ingest/html-private.h"
#include "ingest/mime-private.h"
#include "ingest/prose-private.h"

#include <string.h>

typedef struct
{
  IngestDocument *document;
  guint depth;
  guint level; /* of the heading of messages */
} Reader;

static void add_message (Reader *reader, const MimePart *message);

static char *body_text (const MimePart *part)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (part->body, &length);
  return length > 0 ? ingest_decode (data, length, part->charset) : NULL;
}

/* Appends a document read from a part, its headings below those of messages. */
static void add_text_part (Reader *reader, const MimePart *part)
{
  g_autofree char *text = body_text (part);
  if (text == NULL)
    return;
  if (strcmp (part->type, "text/html") == 0)
    {
      ingest_html_write_fragment (reader->document, text, reader->level);
      return;
    }
  g_autoptr (IngestDocument) plain = ingest_parse_text (text, NULL);
  for (guint i = 0; plain != NULL && i < plain->blocks->len; i++)
    {
      const IngestBlock *block = ingest_document_block (plain, i);
      guint level = block->level > 0 ? block->level + reader->level : 0;
      ingest_document_add_block (reader->document, block->kind, level, NULL,
                                 plain->text + block->start, block->end - block->start);
    }
}

static void add_attachment (Reader *reader, const MimePart *part)
{
  const char *name = part->name != NULL ? part->name : part->type;
  const char *dot = strrchr (name, '.');
  g_autofree char *hint = g_ascii_strdown (dot != NULL ? dot + 1 : "", -1);
  g_autoptr (GError) problem = NULL;
  if (g_bytes_get_size (part->body) == 0)
    return;
  g_autoptr (IngestDocument) inner = ingest_parse (part->body, hint, reader->depth + 1, &problem);
  if (inner != NULL)
    ingest_document_append (reader->document, inner,
                            part->name == NULL && inner->title != NULL ? inner->title : name);
  else
    { /* Say that it is there: it is what the message speaks of. */
      g_autofree char *line = g_strdup_printf ("Attachment not read: %s", name);
      ingest_document_add_text (reader->document, INGEST_BLOCK_PARAGRAPH, 0, line);
    }
}

/* Of alternatives, HTML has the structure; plain text when there is none. */
static const MimePart *best_alternative (const MimePart *part)
{
  const MimePart *best = NULL;
  for (guint i = 0; i < part->parts->len; i++)
    {
      const MimePart *at = g_ptr_array_index (part->parts, i);
      if (best == NULL || strcmp (at->type, "text/html") == 0 || at->parts != NULL)
        best = at;
    }
  return best;
}

/* ATTACHMENTS: only those, or all but them, because they come after the text. */
static void add_part (Reader *reader, const MimePart *part, gboolean attachments)
{
  gboolean text
      = !part->attached
        && (strcmp (part->type, "text/plain") == 0 || strcmp (part->type, "text/html") == 0);
  if (part->parts != NULL && strcmp (part->type, "multipart/alternative") == 0)
    {
      const MimePart *best = best_alternative (part);
      if (best != NULL)
        add_part (reader, best, attachments);
    }
  else if (part->parts != NULL)
    for (guint i = 0; i < part->parts->len; i++)
      add_part (reader, g_ptr_array_index (part->parts, i), attachments);
  else if (text != attachments)
    {
      if (text)
        add_text_part (reader, part);
      else if (!g_str_has_prefix (part->type, "image/"))
        add_attachment (reader, part);
    }
}

static void add_message (Reader *reader, const MimePart *message)
{
  g_autofree char *subject = mime_header (message, "subject");
  g_autofree char *from = mime_header (message, "from");
  g_autofree char *to = mime_header (message, "to");
  g_autofree char *when = mime_header (message, "date");
  g_autofree char *date = ingest_parse_date (when);
  g_autoptr (GString) line = g_string_new (date);
  if (from != NULL)
    g_string_append_printf (line, "%sFrom: %s", line->len > 0 ? " · " : "", from);
  if (to != NULL)
    g_string_append_printf (line, "%sTo: %s", line->len > 0 ? " · " : "", to);
  ingest_document_add_text (reader->document, INGEST_BLOCK_HEADING, reader->level,
                            subject != NULL ? subject : "(no subject)");
  ingest_document_add_text (reader->document, INGEST_BLOCK_PARAGRAPH, 0, line->str);
  if (reader->document->date == NULL)
    reader->document->date = g_steal_pointer (&date);
  add_part (reader, message, FALSE);
  add_part (reader, message, TRUE);
}

IngestDocument *ingest_parse_mail (GBytes *bytes, guint depth, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  if (depth > INGEST_DEPTH_MAX)
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_LIMIT, "it holds mail within mail");
      return NULL;
    }
  IngestDocument *document = ingest_document_new ("message/rfc822");
  Reader reader = { document, depth, 1 };
  g_autoptr (MimePart) message = mime_read (data, length);
  document->title = mime_header (message, "subject");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  add_message (&reader, message);
  return ingest_parsed (document, error);
}

/* The next "From " at the beginning of a line after a blank one, or END. */
static const char *next_message (const char *at, const char *end)
{
  while (at < end)
    {
      const char *found = memmem (at, end - at, "\nFrom ", 6);
      if (found == NULL)
        return end;
      if (found[-1] == '\n' || (found[-1] == '\r' && found[-2] == '\n'))
        return found + 1;
      at = found + 1;
    }
  return end;
}

IngestDocument *ingest_parse_mbox (GBytes *bytes, guint depth, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length), *end = data + length;
  IngestDocument *document = ingest_document_new ("application/mbox");
  Reader reader = { document, depth, 1 };
  for (const char *at = data; at < end;)
    {
      const char *line_end = memchr (at, '\n', end - at);
      const char *begin = line_end != NULL ? line_end + 1 : end;
      const char *next = next_message (begin, end);
      g_autoptr (MimePart) message = mime_read (begin, next - begin);
      ingest_document_add_page (document, NULL, 0, 0, 1);
      add_message (&reader, message);
      at = next;
    }
  return ingest_parsed (document, error);
}

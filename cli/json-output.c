/* Writes results as one line of JSON, for scripts.
 *
 * The keys are a promise (docs/docent.1 lists them): they may be added to, never renamed. What
 * could command a terminal is written as \uXXXX, which is the same string to a parser, so that
 * looking at the output is safe too. */
#include <math.h>
#include <string.h>

#include "cli-private.h"

void cli_json_string (JsonBuilder *json, const char *name, const char *value)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  if (value == NULL)
    {
      json_builder_add_null_value (json);
      return;
    }
  g_autofree char *valid = g_utf8_make_valid (value, -1);
  json_builder_add_string_value (json, valid);
}

void cli_json_int (JsonBuilder *json, const char *name, gint64 value)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

void cli_json_double (JsonBuilder *json, const char *name, double value)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  if (isfinite (value))
    json_builder_add_double_value (json, value);
  else
    json_builder_add_null_value (json);
}

void cli_json_bool (JsonBuilder *json, const char *name, gboolean value)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  json_builder_add_boolean_value (json, value);
}

void cli_json_object (JsonBuilder *json, const char *name)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  json_builder_begin_object (json);
}

void cli_json_array (JsonBuilder *json, const char *name)
{
  if (name != NULL)
    json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
}

void cli_json_objects (JsonBuilder *json, const char *name, const GPtrArray *elements,
                       CliJsonMembers members)
{
  cli_json_array (json, name);
  for (guint i = 0; elements != NULL && i < elements->len; i++)
    {
      cli_json_object (json, NULL);
      members (json, g_ptr_array_index (elements, i));
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
}

static void failure_members (JsonBuilder *json, gconstpointer element)
{
  const RagFailure *failure = element;
  cli_json_string (json, "document", failure->document);
  cli_json_string (json, "reason", failure->reason);
}

void cli_json_failures (JsonBuilder *json, const char *name, const GPtrArray *failures)
{
  cli_json_objects (json, name, failures, failure_members);
}

void cli_json_coverage (JsonBuilder *json, const RagCoverage *coverage)
{
  cli_json_object (json, "coverage");
  cli_json_int (json, "documents", coverage->documents);
  cli_json_int (json, "searched", coverage->searched);
  cli_json_failures (json, "skipped", coverage->skipped);
  json_builder_end_object (json);
}

void cli_json_document (JsonBuilder *json, const RagDocument *document)
{
  cli_json_string (json, "document", document->path);
  cli_json_string (json, "title", document->title);
  cli_json_string (json, "collection", document->collection);
  cli_json_string (json, "mime_type", document->mime_type);
  cli_json_string (json, "language", document->language);
  cli_json_string (json, "sha256", document->sha256);
  cli_json_string (json, "date", document->date);
  cli_json_int (json, "size_bytes", document->size_bytes);
  cli_json_int (json, "added_at", document->added_at);
  cli_json_int (json, "pages", document->n_pages);
  cli_json_int (json, "chunks", document->n_chunks);
  cli_json_string (json, "failure", document->failure);
}

void cli_json_hits (JsonBuilder *json, const char *name, const GPtrArray *hits)
{
  cli_json_array (json, name);
  for (guint i = 0; hits != NULL && i < hits->len; i++)
    {
      const RagHit *hit = g_ptr_array_index (hits, i);
      cli_json_object (json, NULL);
      cli_json_int (json, "rank", i + 1);
      cli_json_double (json, "score", hit->score);
      cli_json_double (json, "bm25", hit->bm25);
      cli_json_double (json, "cosine", hit->cosine);
      cli_json_int (json, "copies", hit->n_copies);
      cli_json_string (json, "document", hit->document);
      cli_json_string (json, "title", hit->title);
      cli_json_int (json, "page", hit->page);
      cli_json_int (json, "last_page", hit->last_page);
      cli_json_string (json, "page_label", hit->page_label);
      cli_json_string (json, "section", hit->section);
      cli_json_string (json, "text", hit->text);
      cli_json_string (json, "collection", hit->collection);
      cli_json_bool (json, "ocr", hit->ocr);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
}

/* Characters that json-glib leaves as they are and a terminal would obey. */
static gboolean needs_escape (gunichar c)
{
  const GUnicodeType type = g_unichar_type (c);
  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR
         || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void append_escaped (GString *out, gunichar c)
{
  if (c > 0xFFFF)
    g_string_append_printf (out, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10),
                            0xDC00 + ((c - 0x10000) & 0x3FF));
  else
    g_string_append_printf (out, "\\u%04x", c);
}

/* json-glib writes .1 as 0.10000000000000001; nine digits are more than any figure here has. */
static const char *append_number (GString *out, const char *p)
{
  const gsize length = strspn (p, "+-.0123456789eE");
  if (length > 12 && memchr (p, '.', length) != NULL)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];
      g_ascii_formatd (digits, sizeof digits, "%.9g", g_ascii_strtod (p, NULL));
      g_string_append (out, digits);
    }
  else
    g_string_append_len (out, p, length);
  return p + length;
}

void cli_json_print (JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, FALSE);
  g_autoptr (GString) out = g_string_sized_new (strlen (text));
  gboolean in_string = FALSE;
  for (const char *p = text; *p != '\0';)
    {
      if (!in_string && (*p == '-' || g_ascii_isdigit (*p)))
        {
          p = append_number (out, p);
          continue;
        }
      const gunichar c = g_utf8_get_char (p);
      if (in_string && c == '\\')
        {
          g_string_append_len (out, p, 2);
          p += 2;
          continue;
        }
      if (c == '"')
        in_string = !in_string;
      if (needs_escape (c))
        append_escaped (out, c);
      else
        g_string_append_unichar (out, c);
      p = g_utf8_next_char (p);
    }
  puts (out->str);
  fflush (stdout);
}

/* Markdown into blocks. libcmark reads it as CommonMark says; added are the two things that people
 * use and CommonMark lacks: a front matter with title and language, and tables, which libcmark
 * hands over as paragraphs with bars in them. Emphasis, links and HTML tags leave only their text:
 * a citation should read like the page, not like its source. */
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <cmark.h>
#include <string.h>

/* ---- Front matter ---- */

static char *front_value (const char *line, gsize length, const char *key)
{
  gsize n = strlen (key);
  if (length <= n || strncmp (line, key, n) != 0)
    return NULL;
  gsize i = n + strspn (line + n, " ");
  if (i >= length || (line[i] != ':' && line[i] != '='))
    return NULL;
  g_autofree char *value = g_strstrip (g_strndup (line + i + 1, length - i - 1));
  gsize end = strlen (value);
  if (end >= 2 && strchr ("\"'", value[0]) != NULL && value[end - 1] == value[0])
    return g_strndup (value + 1, end - 2);
  return g_steal_pointer (&value);
}

/* The text after the front matter; title and language are stored on the way. */
static const char *skip_front_matter (const char *text, IngestDocument *document)
{
  const char *fence = g_str_has_prefix (text, "---\n") ? "---" : "+++";
  if (!g_str_has_prefix (text, fence) || text[3] != '\n')
    return text;
  for (const char *line = text + 4; *line != '\0';)
    {
      gsize length = strcspn (line, "\n");
      if (length == 3 && (strncmp (line, fence, 3) == 0 || strncmp (line, "...", 3) == 0))
        return line + length;
      g_autofree char *title = front_value (line, length, "title");
      g_autofree char *language = front_value (line, length, "lang");
      if (title != NULL && document->title == NULL)
        document->title = ingest_usable_title (title);
      if (document->language == NULL)
        document->language = ingest_usable_language (language);
      line += length + (line[length] == '\n');
    }
  return text; /* never closed: it was a rule at the top */
}

/* ---- Inlines ---- */

static void append_inlines (GString *out, cmark_node *block)
{
  cmark_iter *iter = cmark_iter_new (block);
  for (cmark_event_type event = cmark_iter_next (iter); event != CMARK_EVENT_DONE;
       event = cmark_iter_next (iter))
    {
      if (event != CMARK_EVENT_ENTER)
        continue;
      cmark_node *node = cmark_iter_get_node (iter);
      const char *literal = cmark_node_get_literal (node);
      switch (cmark_node_get_type (node))
        {
        case CMARK_NODE_TEXT:
        case CMARK_NODE_CODE:
          g_string_append (out, literal);
          break;
        case CMARK_NODE_SOFTBREAK:
        case CMARK_NODE_LINEBREAK:
          g_string_append_c (out, '\n');
          break;
        case CMARK_NODE_HTML_INLINE:
          if (g_ascii_strncasecmp (literal, "<br", 3) == 0)
            g_string_append_c (out, ' ');
          break;
        default:
          break;
        }
    }
  cmark_iter_free (iter);
}

/* ---- Tables ---- */

/* "|---|:-:|" */
static gboolean is_delimiter_row (const char *line)
{
  return strchr (line, '|') != NULL && strchr (line, '-') != NULL
         && line[strspn (line, "|-: \t")] == '\0';
}

static void add_row (IngestDocument *document, char *line)
{
  g_strstrip (line);
  gsize length = strlen (line);
  if (length > 0 && line[length - 1] == '|')
    line[length - 1] = '\0';
  g_auto (GStrv) cells = g_strsplit (*line == '|' ? line + 1 : line, "|", -1);
  for (gsize i = 0; cells[i] != NULL; i++)
    ingest_prose_squeeze (cells[i]);
  g_autofree char *row = g_strjoinv ("\t", cells);
  ingest_document_add_block (document, INGEST_BLOCK_TABLE_ROW, 0, NULL, row, -1);
}

static gboolean add_table (IngestDocument *document, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  if (g_strv_length (lines) < 2 || strchr (lines[0], '|') == NULL || !is_delimiter_row (lines[1]))
    return FALSE;
  for (gsize i = 0; lines[i] != NULL; i++)
    if (i != 1)
      add_row (document, lines[i]);
  return TRUE;
}

/* ---- Blocks ---- */

/* "• " or "3. " before the first paragraph of a list item. */
static char *item_marker (cmark_node *item)
{
  cmark_node *list = cmark_node_parent (item);
  if (cmark_node_get_list_type (list) != CMARK_ORDERED_LIST)
    return g_strdup ("• ");
  int number = cmark_node_get_list_start (list);
  for (cmark_node *node = cmark_node_previous (item); node != NULL;
       node = cmark_node_previous (node))
    number++;
  return g_strdup_printf ("%d. ", number);
}

static void add_paragraph (IngestDocument *document, cmark_node *node)
{
  g_autoptr (GString) text = g_string_new (NULL);
  append_inlines (text, node);
  if (add_table (document, text->str))
    return;
  ingest_prose_squeeze (text->str);
  cmark_node *parent = cmark_node_parent (node);
  if (cmark_node_get_type (parent) != CMARK_NODE_ITEM || cmark_node_previous (node) != NULL)
    {
      ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, text->str, -1);
      return;
    }
  g_autofree char *marker = item_marker (parent);
  g_autofree char *item = g_strconcat (marker, text->str, NULL);
  ingest_document_add_block (document, INGEST_BLOCK_LIST_ITEM, 0, NULL, item, -1);
}

/* The text between the tags of an HTML block; comments, scripts and styles have none. */
static void add_html (IngestDocument *document, const char *html)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *at = html;
  while (*at != '\0')
    {
      const char *end = NULL;
      if (g_str_has_prefix (at, "<!--"))
        end = strstr (at, "-->");
      else if (g_ascii_strncasecmp (at, "<script", 7) == 0
               || g_ascii_strncasecmp (at, "<style", 6) == 0)
        end = strstr (at, "</");
      else if (*at == '<')
        end = strchr (at, '>');
      if (*at == '<' && end == NULL)
        break;
      if (end != NULL)
        {
          g_string_append_c (text, ' ');
          at = *end == '-' ? end + 3 : end + (*end == '>');
          if (*at == '<' && at == end)
            at = strchr (at, '>') != NULL ? strchr (at, '>') + 1 : at + strlen (at);
        }
      else
        g_string_append_c (text, *at++);
    }
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL,
                             ingest_prose_squeeze (text->str), -1);
}

static void add_node (IngestDocument *document, cmark_node *node)
{
  switch (cmark_node_get_type (node))
    {
    case CMARK_NODE_HEADING:
      {
        g_autoptr (GString) text = g_string_new (NULL);
        append_inlines (text, node);
        ingest_document_add_block (document, INGEST_BLOCK_HEADING,
                                   cmark_node_get_heading_level (node), NULL,
                                   ingest_prose_squeeze (text->str), -1);
        break;
      }
    case CMARK_NODE_PARAGRAPH:
      add_paragraph (document, node);
      break;
    case CMARK_NODE_CODE_BLOCK:
      ingest_document_add_block (document, INGEST_BLOCK_CODE, 0, NULL,
                                 cmark_node_get_literal (node), -1);
      break;
    case CMARK_NODE_HTML_BLOCK:
      add_html (document, cmark_node_get_literal (node));
      break;
    default:
      break;
    }
}

IngestDocument *ingest_parse_markdown (const char *text, GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("text/markdown");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  const char *body = skip_front_matter (text, document);
  cmark_node *root = cmark_parse_document (body, strlen (body), CMARK_OPT_DEFAULT);
  cmark_iter *iter = cmark_iter_new (root);
  for (cmark_event_type event = cmark_iter_next (iter); event != CMARK_EVENT_DONE;
       event = cmark_iter_next (iter))
    if (event == CMARK_EVENT_ENTER)
      add_node (document, cmark_iter_get_node (iter));
  cmark_iter_free (iter);
  cmark_node_free (root);
  return ingest_parsed (g_steal_pointer (&document), error);
}

/* JSON Feed (jsonfeed.org), the third way to write a feed. */
#include "ingest/feed-private.h"
#include "ingest/prose-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* JSON nests as deep as its stack allows; json-glib's parser recurses. */
#define NESTING_MAX 64

static gboolean nests_deeply (const char *text)
{
  guint depth = 0;
  gboolean quoted = FALSE;
  for (; *text != '\0'; text++)
    {
      if (quoted && *text == '\\' && text[1] != '\0')
        text++;
      else if (*text == '"')
        quoted = !quoted;
      else if (!quoted && (*text == '{' || *text == '['))
        depth++;
      else if (!quoted && (*text == '}' || *text == ']') && depth > 0)
        depth--;
      if (depth > NESTING_MAX)
        return TRUE;
    }
  return FALSE;
}

/* NULL when there is no such string. */
static const char *member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static char *line_of (JsonObject *object, const char *name)
{
  const char *text = member (object, name);
  return text != NULL ? ingest_prose_squeeze (ingest_prose_clean (text, -1)) : NULL;
}

/* `authors` of version 1.1, `author` of 1.0. */
static char *find_author (JsonObject *item)
{
  JsonNode *authors = json_object_get_member (item, "authors");
  JsonNode *author = json_object_get_member (item, "author");
  if (authors != NULL && JSON_NODE_HOLDS_ARRAY (authors)
      && json_array_get_length (json_node_get_array (authors)) > 0)
    author = json_array_get_element (json_node_get_array (authors), 0);
  return author != NULL && JSON_NODE_HOLDS_OBJECT (author)
             ? line_of (json_node_get_object (author), "name")
             : NULL;
}

static void write_item (IngestDocument *document, JsonObject *item)
{
  const char *published = member (item, "date_published");
  g_auto (IngestFeedEntry) entry = { .title = line_of (item, "title"),
                                     .date = ingest_parse_date (published),
                                     .author = find_author (item),
                                     .link = line_of (item, "url") };
  ingest_feed_begin_entry (document, &entry);
  const char *html = member (item, "content_html"), *text = member (item, "content_text");
  if (html != NULL)
    ingest_feed_write (document, html);
  else if (text != NULL)
    {
      g_autofree char *escaped = g_markup_escape_text (text, -1);
      ingest_feed_write (document, escaped);
    }
  else if (member (item, "summary") != NULL)
    ingest_feed_write (document, member (item, "summary"));
}

IngestDocument *ingest_parse_json_feed (const char *text, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  if (nests_deeply (text) || !json_parser_load_from_data (parser, text, -1, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT, "is a damaged JSON feed");
      return NULL;
    }
  JsonObject *feed = json_node_get_object (json_parser_get_root (parser));
  IngestDocument *document = ingest_document_new ("application/feed+json");
  document->title = line_of (feed, "title");
  document->language = ingest_usable_language (member (feed, "language"));
  ingest_document_add_page (document, NULL, 0, 0, 1);
  if (member (feed, "description") != NULL)
    ingest_feed_write (document, member (feed, "description"));
  JsonNode *items = json_object_get_member (feed, "items");
  JsonArray *array
      = items != NULL && JSON_NODE_HOLDS_ARRAY (items) ? json_node_get_array (items) : NULL;
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *item = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (item))
        write_item (document, json_node_get_object (item));
    }
  return ingest_feed_end (document, error);
}

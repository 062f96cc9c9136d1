/* RSS and Atom feeds: every entry becomes a section under its title, with its date, author and link
 * in the first line, so that a passage found in it says where it is from. Feeds are written by
 * thousands of programs and half of them are wrong somewhere; so elements are known by their local
 * names in any version of RSS, RDF and Atom, and text may be HTML, escaped HTML or base64. */
#include "ingest/feed-private.h"
#include "ingest/html-private.h"
#include "ingest/prose-private.h"

#include <string.h>

/* ---- What all feeds share ---- */

void ingest_feed_entry_clear (IngestFeedEntry *entry)
{
  g_free (entry->title);
  g_free (entry->date);
  g_free (entry->author);
  g_free (entry->link);
}

void ingest_feed_begin_entry (IngestDocument *document, const IngestFeedEntry *entry)
{
  const char *parts[4] = { NULL };
  guint n = 0;
  if (entry->date != NULL)
    parts[n++] = entry->date;
  if (entry->author != NULL && *entry->author != '\0')
    parts[n++] = entry->author;
  if (entry->link != NULL && *entry->link != '\0')
    parts[n++] = entry->link;
  g_autofree char *line = g_strjoinv (" · ", (char **)parts);
  const char *title = entry->title != NULL && *entry->title != '\0' ? entry->title : entry->date;
  if (title != NULL)
    ingest_document_add_block (document, INGEST_BLOCK_HEADING, 1, NULL, title, -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, line, -1);
}

void ingest_feed_write (IngestDocument *document, const char *text)
{
  if (strpbrk (text, "<&") != NULL)
    {
      ingest_html_write_fragment (document, text, 1);
      return;
    }
  g_autofree char *plain = ingest_prose_clean (text, -1);
  g_auto (GStrv) paragraphs = g_strsplit (plain, "\n\n", -1);
  for (guint i = 0; paragraphs[i] != NULL; i++)
    ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL,
                               ingest_prose_squeeze (paragraphs[i]), -1);
}

IngestDocument *ingest_feed_end (IngestDocument *document, GError **error)
{
  if (document->blocks->len == 0 && document->title != NULL)
    ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, document->title, -1);
  if (document->blocks->len > 0)
    return ingest_parsed (document, error);
  ingest_document_free (document);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT, "is a feed without any text");
  return NULL;
}

/* ---- RSS, RDF and Atom ---- */

/* Media RSS and podcasts have titles and descriptions of their own. */
static gboolean is_foreign (const xmlNode *node)
{
  static const char *const prefixes[] = { "media", "itunes", "image", "thr", "geo" };
  const char *prefix = node->ns != NULL ? (const char *)node->ns->prefix : NULL;
  for (gsize i = 0; prefix != NULL && i < G_N_ELEMENTS (prefixes); i++)
    if (strcmp (prefix, prefixes[i]) == 0)
      return TRUE;
  return FALSE;
}

/* The first child that has one of the space-separated NAMES, in the order of NAMES. */
static const xmlNode *child_of (const xmlNode *node, const char *names)
{
  g_auto (GStrv) all = g_strsplit (names, " ", -1);
  for (guint i = 0; all[i] != NULL; i++)
    for (const xmlNode *at = ingest_xml_child (node, all[i]); at != NULL;
         at = ingest_xml_next (at, all[i]))
      if (!is_foreign (at))
        return at;
  return NULL;
}

/* What an element holds, as the HTML or text that it is; NULL when it holds elements. */
static char *content_of (const xmlNode *node)
{
  if (ingest_xml_child (node, NULL) != NULL)
    return NULL;
  xmlChar *raw = xmlNodeGetContent (node);
  g_autofree char *text = g_strdup (raw != NULL ? (const char *)raw : "");
  xmlFree (raw);
  g_autofree char *mode = ingest_xml_attribute (node, "mode");
  g_autofree char *type = ingest_xml_attribute (node, "type");
  gboolean base64 = mode != NULL && strcmp (mode, "base64") == 0;
  /* Text that says it is plain keeps its angle brackets. */
  gboolean plain = type != NULL && (strcmp (type, "text") == 0 || strcmp (type, "text/plain") == 0);
  if (!base64)
    return plain ? g_markup_escape_text (text, -1) : g_steal_pointer (&text);
  gsize length = 0;
  g_autofree guchar *bytes = g_base64_decode (text, &length);
  return ingest_decode (bytes, length, NULL);
}

/* One line of text, without tags. */
static char *line_of (const xmlNode *node)
{
  if (node == NULL)
    return NULL;
  g_autofree char *content = content_of (node);
  if (content == NULL || strpbrk (content, "<&") == NULL)
    return content == NULL ? ingest_xml_text (node)
                           : ingest_prose_squeeze (ingest_prose_clean (content, -1));
  g_autoptr (xmlDoc) doc = ingest_html_read (content, NULL);
  return doc != NULL ? ingest_html_text (xmlDocGetRootElement (doc)) : g_strdup ("");
}

static void write_content (IngestDocument *document, const xmlNode *node)
{
  g_autofree char *content = content_of (node);
  if (content != NULL)
    ingest_feed_write (document, content);
  else
    ingest_html_write (document, node, 1);
}

static char *find_link (const xmlNode *entry)
{
  for (const xmlNode *at = ingest_xml_child (entry, "link"); at != NULL;
       at = ingest_xml_next (at, "link"))
    {
      g_autofree char *rel = ingest_xml_attribute (at, "rel");
      g_autofree char *href = ingest_xml_attribute (at, "href");
      if (rel != NULL && strcmp (rel, "alternate") != 0)
        continue;
      char *link = href != NULL ? ingest_prose_clean (href, -1) : ingest_xml_text (at);
      if (*link != '\0')
        return link;
      g_free (link);
    }
  return NULL;
}

static char *find_date (const xmlNode *entry)
{
  static const char *const names[] = { "pubDate", "published", "issued",   "date",
                                       "created", "updated",   "modified", "lastBuildDate" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *text = line_of (child_of (entry, names[i]));
      char *date = ingest_parse_date (text);
      if (date != NULL)
        return date;
    }
  return NULL;
}

static char *find_author (const xmlNode *entry)
{
  const xmlNode *author = child_of (entry, "author creator contributor managingEditor");
  const xmlNode *name = ingest_xml_child (author, "name");
  return line_of (name != NULL ? name : author);
}

/* The summary only when it is not the beginning of the whole. */
static void write_entry (IngestDocument *document, const xmlNode *node)
{
  g_auto (IngestFeedEntry) entry = { .title = line_of (child_of (node, "title")),
                                     .date = find_date (node),
                                     .author = find_author (node),
                                     .link = find_link (node) };
  ingest_feed_begin_entry (document, &entry);
  const xmlNode *content = child_of (node, "encoded content fullitem body");
  const xmlNode *summary = child_of (node, "summary description abstract");
  g_autofree char *whole = line_of (content), *brief = line_of (summary);
  gsize length = brief != NULL ? MIN (strlen (brief), 60) : 0;
  gboolean repeated = whole != NULL && length > 0 && strncmp (whole, brief, length) == 0;
  if (length > 0 && !repeated)
    write_content (document, summary);
  if (whole != NULL && *whole != '\0')
    write_content (document, content);
}

IngestDocument *ingest_parse_feed (xmlDoc *doc, GError **error)
{
  IngestDocument *document = ingest_document_new ("application/feed+xml");
  const xmlNode *root = xmlDocGetRootElement (doc);
  const xmlNode *channel = ingest_xml_child (root, "channel");
  channel = channel != NULL ? channel : root;
  document->title = line_of (child_of (channel, "title"));
  document->date = find_date (channel);
  g_autofree char *language = line_of (child_of (channel, "language"));
  g_autofree char *lang = ingest_xml_attribute (root, "lang");
  document->language = ingest_usable_language (language != NULL ? language : lang);
  ingest_document_add_page (document, NULL, 0, 0, 1);
  const xmlNode *about = child_of (channel, "description subtitle tagline info");
  if (about != NULL)
    write_content (document, about);
  for (const xmlNode *at = ingest_xml_walk (root, root, FALSE); at != NULL;)
    {
      gboolean entry = (ingest_xml_is (at, "item") || ingest_xml_is (at, "entry"));
      if (entry)
        write_entry (document, at);
      at = ingest_xml_walk (at, root, entry);
    }
  return ingest_feed_end (document, error);
}

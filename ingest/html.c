/* Web pages. In comes a saved page, out comes its article as blocks, under the title that the page
 * gives itself; the title is not repeated in the text. Pages without an article (lists, forms,
 * short notes) come out whole. */
#include "ingest/html-private.h"
#include "ingest/prose-private.h"

#include <string.h>

/* `content` of the first <meta> whose name or property is NAME. */
static char *meta_content (const xmlNode *head, const char *name)
{
  for (const xmlNode *at = ingest_xml_find (head, "meta"); at != NULL;
       at = ingest_xml_walk (at, head, FALSE))
    {
      if (!ingest_xml_is (at, "meta"))
        continue;
      g_autofree char *key = ingest_xml_attribute (at, "property");
      if (key == NULL)
        key = ingest_xml_attribute (at, "name");
      if (key == NULL)
        key = ingest_xml_attribute (at, "itemprop");
      if (key != NULL && g_ascii_strcasecmp (key, name) == 0)
        return ingest_xml_attribute (at, "content");
    }
  return NULL;
}

static char *find_title (const xmlNode *root)
{
  g_autofree char *meta = meta_content (root, "og:title");
  char *title = ingest_usable_title (meta);
  if (title != NULL)
    return title;
  g_autofree char *own = ingest_xml_text (ingest_xml_find (root, "title"));
  return ingest_usable_title (own);
}

static char *find_date (const xmlNode *root)
{
  static const char *const names[]
      = { "article:published_time", "datePublished",        "date", "dc.date",
          "dcterms.created",        "article:modified_time" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *content = meta_content (root, names[i]);
      char *date = ingest_parse_date (content);
      if (date != NULL)
        return date;
    }
  return NULL;
}

static char *find_language (const xmlNode *root)
{
  g_autofree char *lang = ingest_xml_attribute (root, "lang");
  return ingest_usable_language (lang);
}

/* Does the heading say what the title says, without the name of the site? */
static gboolean repeats_title (const xmlNode *heading, const char *title)
{
  g_autofree char *text = ingest_html_text (heading);
  g_autofree char *folded = g_utf8_casefold (text, -1);
  g_autofree char *folded_title = title != NULL ? g_utf8_casefold (title, -1) : NULL;
  return *folded == '\0' || (folded_title != NULL && strstr (folded_title, folded) != NULL);
}

static void cut_title (xmlNode *content, const char *title)
{
  xmlNode *heading = ingest_xml_find (content, "h1");
  if (heading == NULL || !repeats_title (heading, title))
    return;
  xmlUnlinkNode (heading);
  xmlFreeNode (heading);
}

void ingest_html_about (const xmlNode *root, IngestDocument *document)
{
  document->title = find_title (root);
  document->date = find_date (root);
  document->language = find_language (root);
}

IngestDocument *ingest_parse_html (const char *text, GError **error)
{
  g_autoptr (xmlDoc) doc = ingest_html_read (text, error);
  if (doc == NULL)
    return NULL;
  g_autoptr (IngestDocument) document = ingest_document_new ("text/html");
  xmlNode *root = xmlDocGetRootElement (doc);
  ingest_html_about (root, document);
  ingest_document_add_page (document, NULL, 0, 0, 1);
  xmlNode *content = ingest_reader_find (doc);
  cut_title (content, document->title);
  ingest_html_write (document, content, 0);
  return ingest_parsed (g_steal_pointer (&document), error);
}

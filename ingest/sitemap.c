/* Sitemaps (sitemaps.org): which pages a site has, and when each was changed last. One paragraph for
 * each address, in the form of a feed entry's line: "2026-11-24 · https://…". */
#include "ingest/feed-private.h"
#include "ingest/xml-private.h"

#include <string.h>

IngestDocument *ingest_parse_sitemap (xmlDoc *doc, GError **error)
{
  const xmlNode *root = xmlDocGetRootElement (doc);
  const gboolean is_index = ingest_xml_is (root, "sitemapindex");
  IngestDocument *document = ingest_document_new (is_index ? "application/sitemap-index+xml"
                                                           : "application/sitemap+xml");
  document->title = g_strdup ("Sitemap");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  for (const xmlNode *at = ingest_xml_child (root, NULL); at != NULL; at = ingest_xml_next (at, NULL))
    {
      g_autofree char *address = ingest_xml_text (ingest_xml_child (at, "loc"));
      g_autofree char *changed = ingest_xml_text (ingest_xml_child (at, "lastmod"));
      g_autofree char *date = ingest_parse_date (changed);
      g_autofree char *line = date != NULL ? g_strjoin (" · ", date, address, NULL) : NULL;
      if (*address != '\0')
        ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL,
                                   line != NULL ? line : address, -1);
    }
  return ingest_feed_end (document, error);
}

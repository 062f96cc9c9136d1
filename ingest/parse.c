/* One entry point for all formats. In come bytes and the extension of their name, out comes a
 * document or a phrase that says why there is none. Containers (mail, archives) come back here for
 * what they hold, and depth is counted, because an archive can hold itself. */
#include "ingest/parse-private.h"
#include "ingest/archive-private.h"

#include <string.h>

static IngestDocument *parse_page (const char *text, const char *hint, GError **error)
{
  if (g_str_has_prefix (hint, INGEST_HINT_SELECT))
    return ingest_parse_listing (text, hint + strlen (INGEST_HINT_SELECT), error);
  return ingest_parse_html (text, error);
}

static IngestDocument *parse_markup (GBytes *bytes, const char *text, const char *hint,
                                     GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  g_autoptr (xmlDoc) doc = ingest_xml_read (data, length, TRUE, error);
  if (doc == NULL)
    return NULL;
  const xmlNode *root = xmlDocGetRootElement (doc);
  if (ingest_xml_is (root, "rss") || ingest_xml_is (root, "feed") || ingest_xml_is (root, "RDF"))
    return ingest_parse_feed (doc, error);
  if (ingest_xml_is (root, "document") && ingest_xml_child (root, "body") != NULL)
    return ingest_parse_odf (NULL, doc, error);
  if (ingest_xml_is (root, "urlset") || ingest_xml_is (root, "sitemapindex"))
    return ingest_parse_sitemap (doc, error);
  if (ingest_xml_is (root, "html"))
    return parse_page (text, hint, error);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                       "is XML of a kind that docent cannot read; save it as PDF or text");
  return NULL;
}

static IngestDocument *parse_text (GBytes *bytes, const char *hint, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  g_autofree char *text = ingest_markup_decode (data, length);
  if (text == NULL)
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT, "is not a text file");
      return NULL;
    }
  switch (ingest_sniff_text (text, hint))
    {
    case INGEST_TYPE_HTML:
      return parse_page (text, hint, error);
    case INGEST_TYPE_XML:
      return parse_markup (bytes, text, hint, error);
    case INGEST_TYPE_JSON_FEED:
      return ingest_parse_json_feed (text, error);
    case INGEST_TYPE_MARKDOWN:
      return ingest_parse_markdown (text, error);
    default:
      return ingest_parse_text (text, error);
    }
}

IngestDocument *ingest_parse (GBytes *bytes, const char *hint, guint depth, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  const char *problem = NULL;
  switch (ingest_sniff (data, length, hint, &problem))
    {
    case INGEST_TYPE_PDF:
      return ingest_parse_pdf (bytes, error);
    case INGEST_TYPE_ENCRYPTED:
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED, "");
      return NULL;
    case INGEST_TYPE_ZIP:
      return ingest_parse_zip (bytes, depth, error);
    case INGEST_TYPE_RTF:
      return ingest_parse_rtf (data, length, error);
    case INGEST_TYPE_MAIL:
      return ingest_parse_mail (bytes, depth, error);
    case INGEST_TYPE_MBOX:
      return ingest_parse_mbox (bytes, depth, error);
    case INGEST_TYPE_TEXT:
      return parse_text (bytes, hint, error);
    default:
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT, problem);
      return NULL;
    }
}

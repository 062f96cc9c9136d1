/* Books. An EPUB is a web site in an archive with a list of its pages (the spine) in reading order;
 * each becomes a page here, so that a citation leads to its chapter. */
#include "ingest/archive-private.h"
#include "ingest/html-private.h"

#include <string.h>

/* The path of the package document that META-INF/container.xml names. */
static char *find_package (const IngestArchive *archive)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, "META-INF/container.xml", NULL);
  const xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  g_autofree char *path = ingest_xml_attribute (ingest_xml_find (root, "rootfile"), "full-path");
  return path != NULL ? ingest_archive_resolve ("", path) : NULL;
}

static const xmlNode *manifest_item (const xmlNode *package, const char *id)
{
  for (const xmlNode *at = ingest_xml_child (ingest_xml_child (package, "manifest"), "item");
       at != NULL; at = ingest_xml_next (at, "item"))
    {
      g_autofree char *own = ingest_xml_attribute (at, "id");
      if (own != NULL && id != NULL && strcmp (own, id) == 0)
        return at;
    }
  return NULL;
}

static void describe (const xmlNode *package, IngestDocument *document)
{
  const xmlNode *metadata = ingest_xml_child (package, "metadata");
  g_autofree char *title = ingest_xml_text (ingest_xml_find (metadata, "title"));
  g_autofree char *language = ingest_xml_text (ingest_xml_find (metadata, "language"));
  g_autofree char *date = ingest_xml_text (ingest_xml_find (metadata, "date"));
  document->title = ingest_usable_title (title);
  document->language = ingest_usable_language (language);
  document->date = ingest_parse_date (date);
}

static void add_chapter (const IngestArchive *archive, const char *path, IngestDocument *document)
{
  GBytes *bytes = g_hash_table_lookup (archive->parts, path);
  if (bytes == NULL)
    return;
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  g_autofree char *text = ingest_markup_decode (data, length);
  g_autoptr (xmlDoc) doc = text != NULL ? ingest_html_read (text, NULL) : NULL;
  if (doc == NULL)
    return;
  const xmlNode *root = xmlDocGetRootElement (doc);
  const xmlNode *body = ingest_xml_find (root, "body");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  ingest_html_write (document, body != NULL ? body : root, 0);
}

/* Fonts may be scrambled, which is no matter; chapters that are cannot be read. */
static gboolean is_encrypted (const IngestArchive *archive, const char *path)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, "META-INF/encryption.xml", NULL);
  const xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  for (const xmlNode *at = ingest_xml_find (root, "CipherReference"); at != NULL;
       at = ingest_xml_walk (at, root, FALSE))
    {
      g_autofree char *uri = ingest_xml_attribute (at, "URI");
      g_autofree char *target = uri != NULL ? ingest_archive_resolve ("", uri) : NULL;
      if (target != NULL && strcmp (target, path) == 0)
        return TRUE;
    }
  return FALSE;
}

IngestDocument *ingest_parse_epub (const IngestArchive *archive, GError **error)
{
  g_autofree char *path = find_package (archive);
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, path, error);
  if (doc == NULL)
    return NULL;
  const xmlNode *package = xmlDocGetRootElement (doc);
  g_autoptr (IngestDocument) document = ingest_document_new ("application/epub+zip");
  describe (package, document);
  const xmlNode *spine = ingest_xml_child (package, "spine");
  for (const xmlNode *at = ingest_xml_child (spine, "itemref"); at != NULL;
       at = ingest_xml_next (at, "itemref"))
    {
      g_autofree char *id = ingest_xml_attribute (at, "idref");
      const xmlNode *item = manifest_item (package, id);
      g_autofree char *href = ingest_xml_attribute (item, "href");
      g_autofree char *properties = ingest_xml_attribute (item, "properties");
      g_autofree char *chapter = href != NULL ? ingest_archive_resolve (path, href) : NULL;
      if (chapter == NULL || (properties != NULL && strstr (properties, "nav") != NULL))
        continue;
      if (is_encrypted (archive, chapter))
        {
          g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED, "");
          return NULL;
        }
      add_chapter (archive, chapter, document);
    }
  return ingest_parsed (g_steal_pointer (&document), error);
}

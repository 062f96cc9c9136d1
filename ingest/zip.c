/* What kind of ZIP is this? Office files and books are archives with a known member; any other
 * archive is a bundle of documents, and becomes one document with a section for each. */
#include "ingest/archive-private.h"
#include "ingest/prose-private.h"

#include <string.h>

static IngestDocument *parse_office (const IngestArchive *archive, const char *path, GError **error)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, path, error);
  if (doc == NULL)
    return NULL;
  const xmlNode *root = xmlDocGetRootElement (doc);
  if (ingest_xml_is (root, "document"))
    return ingest_parse_docx (archive, doc, path, error);
  if (ingest_xml_is (root, "presentation"))
    return ingest_parse_pptx (archive, doc, path, error);
  if (ingest_xml_is (root, "workbook"))
    return ingest_parse_xlsx (archive, doc, path, error);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                       "is an Office file of a kind that docent cannot read; save it as PDF");
  return NULL;
}

/* ODF says in its manifest what is encrypted; the parts themselves look damaged. */
static gboolean is_encrypted_odf (const IngestArchive *archive)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, "META-INF/manifest.xml", NULL);
  return doc != NULL && ingest_xml_find (xmlDocGetRootElement (doc), "encryption-data") != NULL;
}

static IngestDocument *parse_odf (const IngestArchive *archive, GError **error)
{
  if (is_encrypted_odf (archive))
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED, "");
      return NULL;
    }
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, "content.xml", error);
  return doc != NULL ? ingest_parse_odf (archive, doc, error) : NULL;
}

static IngestDocument *parse_members (const IngestArchive *archive, guint depth, GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("application/zip");
  g_autoptr (GString) missed = g_string_new (NULL);
  g_autoptr (GError) first = NULL;
  for (guint i = 0; i < archive->names->len; i++)
    {
      const char *name = g_ptr_array_index (archive->names, i);
      const char *dot = strrchr (name, '.');
      g_autofree char *hint = g_ascii_strdown (dot != NULL ? dot + 1 : "", -1);
      g_autoptr (GError) problem = NULL;
      g_autoptr (IngestDocument) part
          = ingest_parse (g_hash_table_lookup (archive->parts, name), hint, depth + 1, &problem);
      if (part != NULL)
        ingest_document_append (document, part, name);
      else
        g_string_append_printf (missed, "%s%s", missed->len > 0 ? ", " : "Not read: ", name);
      if (part == NULL && first == NULL)
        first = g_steal_pointer (&problem);
    }
  if (document->blocks->len > 0 && missed->len > 0)
    { /* Under a heading of its own, so that no member seems to say it. */
      ingest_document_add_text (document, INGEST_BLOCK_HEADING, 1, "(other files)");
      ingest_document_add_text (document, INGEST_BLOCK_PARAGRAPH, 0, missed->str);
    }
  if (document->blocks->len > 0)
    return ingest_parsed (g_steal_pointer (&document), error);
  g_set_error (error, INGEST_ERROR, first != NULL ? first->code : INGEST_ERROR_FORMAT, "%s",
               first != NULL && first->code != INGEST_ERROR_FORMAT
                   ? first->message
                   : "is an archive without a document in it that docent can read");
  return NULL;
}

IngestDocument *ingest_parse_zip (GBytes *bytes, guint depth, GError **error)
{
  if (depth > INGEST_DEPTH_MAX)
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                           "it holds archives within archives");
      return NULL;
    }
  g_autoptr (IngestArchive) archive = ingest_archive_read (bytes, error);
  if (archive == NULL)
    return NULL;
  g_autofree char *office = ingest_opc_related (archive, "", "/officeDocument");
  if (office != NULL)
    return parse_office (archive, office, error);
  if (ingest_archive_has (archive, "META-INF/container.xml"))
    return ingest_parse_epub (archive, error);
  if (ingest_archive_has (archive, "content.xml") && ingest_archive_has (archive, "mimetype"))
    return parse_odf (archive, error);
  return parse_members (archive, depth, error);
}

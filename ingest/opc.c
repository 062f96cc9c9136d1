/* The package that Word, PowerPoint and Excel files share (ECMA-376 part 2): parts that point to
 * one another by relations, kept in a folder of their own beside each part. */
#include "ingest/archive-private.h"
#include "ingest/prose-private.h"

#include <string.h>

static xmlDoc *relations_of (const IngestArchive *archive, const char *part)
{
  const char *slash = strrchr (part, '/');
  const char *base = slash != NULL ? slash + 1 : part;
  g_autofree char *name = g_strdup_printf ("%.*s_rels/%s.rels", (int)(base - part), part, base);
  return ingest_archive_xml (archive, name, NULL);
}

/* The target of the first relation whose attribute KEY ends in VALUE. */
static char *find_relation (const IngestArchive *archive, const char *part, const char *key,
                            const char *value, gboolean whole)
{
  g_autoptr (xmlDoc) doc = relations_of (archive, part);
  if (doc == NULL)
    return NULL;
  for (const xmlNode *at = ingest_xml_child (xmlDocGetRootElement (doc), "Relationship");
       at != NULL; at = ingest_xml_next (at, "Relationship"))
    {
      g_autofree char *found = ingest_xml_attribute (at, key);
      g_autofree char *target = ingest_xml_attribute (at, "Target");
      g_autofree char *mode = ingest_xml_attribute (at, "TargetMode");
      gboolean inside = mode == NULL || strcmp (mode, "External") != 0;
      if (found != NULL && target != NULL && inside
          && (whole ? strcmp (found, value) == 0 : g_str_has_suffix (found, value)))
        return ingest_archive_resolve (part, target);
    }
  return NULL;
}

char *ingest_opc_related (const IngestArchive *archive, const char *part, const char *type)
{
  return find_relation (archive, part, "Type", type, FALSE);
}

char *ingest_opc_by_id (const IngestArchive *archive, const char *part, const char *id)
{
  return id != NULL ? find_relation (archive, part, "Id", id, TRUE) : NULL;
}

void ingest_opc_describe (const IngestArchive *archive, IngestDocument *document)
{
  g_autofree char *path = ingest_opc_related (archive, "", "/core-properties");
  g_autoptr (xmlDoc) doc = path != NULL ? ingest_archive_xml (archive, path, NULL) : NULL;
  if (doc == NULL)
    return;
  const xmlNode *root = xmlDocGetRootElement (doc);
  g_autofree char *title = ingest_xml_text (ingest_xml_child (root, "title"));
  g_autofree char *language = ingest_xml_text (ingest_xml_child (root, "language"));
  g_autofree char *modified = ingest_xml_text (ingest_xml_child (root, "modified"));
  g_autofree char *created = ingest_xml_text (ingest_xml_child (root, "created"));
  document->title = ingest_usable_title (title);
  document->language = ingest_usable_language (language);
  document->date = ingest_parse_date (*modified != '\0' ? modified : created);
}

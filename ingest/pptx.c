/* Presentations. Each slide is a page: its title a heading, its text in the order of its shapes,
 * tables as rows, speaker notes after them. */
#include "ingest/archive-private.h"
#include "ingest/prose-private.h"

#include <string.h>

static gboolean append_node (const xmlNode *node, GString *text, gpointer user_data)
{
  if (ingest_xml_is (node, "br"))
    g_string_append_c (text, '\n');
  else if (ingest_xml_is (node, "tab"))
    g_string_append_c (text, ' ');
  else if (node->type == XML_TEXT_NODE && ingest_xml_is (node->parent, "t"))
    g_string_append (text, (const char *)node->content);
  return FALSE;
}

/* "title", "body", "sldNum", … of a shape; "" when it is no placeholder. */
static char *placeholder_type (const xmlNode *shape)
{
  const xmlNode *placeholder = ingest_xml_find (ingest_xml_child (shape, "nvSpPr"), "ph");
  char *type = ingest_xml_attribute (placeholder, "type");
  if (type != NULL)
    return type;
  return g_strdup (placeholder != NULL ? "body" : "");
}

static gboolean is_furniture (const char *type)
{
  return strcmp (type, "sldNum") == 0 || strcmp (type, "dt") == 0 || strcmp (type, "ftr") == 0
         || strcmp (type, "hdr") == 0 || strcmp (type, "sldImg") == 0;
}

static gboolean is_title (const char *type)
{
  return strcmp (type, "title") == 0 || strcmp (type, "ctrTitle") == 0;
}

static void add_title (IngestDocument *document, const xmlNode *body)
{
  g_autoptr (GString) title = g_string_new (NULL);
  for (const xmlNode *at = ingest_xml_child (body, "p"); at != NULL; at = ingest_xml_next (at, "p"))
    {
      g_autofree char *text = ingest_xml_compose (at, append_node, NULL);
      g_string_append_printf (title, "%s ", text);
    }
  ingest_document_add_text (document, INGEST_BLOCK_HEADING, 1, title->str);
}

/* Text of body placeholders has bullets unless it says that it has none. */
static void add_body (IngestDocument *document, const xmlNode *body, gboolean bullets)
{
  for (const xmlNode *at = ingest_xml_child (body, "p"); at != NULL; at = ingest_xml_next (at, "p"))
    {
      const xmlNode *properties = ingest_xml_child (at, "pPr");
      gboolean item = (bullets || ingest_xml_child (properties, "buChar") != NULL
                       || ingest_xml_child (properties, "buAutoNum") != NULL)
                      && ingest_xml_child (properties, "buNone") == NULL;
      g_autofree char *text = ingest_xml_compose (at, append_node, NULL);
      g_autofree char *marked = g_strconcat (item && *text != '\0' ? "• " : "", text, NULL);
      ingest_document_add_text (document, item ? INGEST_BLOCK_LIST_ITEM : INGEST_BLOCK_PARAGRAPH, 0,
                                marked);
    }
}

static void add_row (IngestDocument *document, const xmlNode *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const xmlNode *cell = ingest_xml_child (row, "tc"); cell != NULL;
       cell = ingest_xml_next (cell, "tc"))
    {
      if (cell != ingest_xml_child (row, "tc"))
        g_string_append_c (text, '\t');
      const xmlNode *body = ingest_xml_child (cell, "txBody");
      for (const xmlNode *at = ingest_xml_child (body, "p"); at != NULL;
           at = ingest_xml_next (at, "p"))
        {
          g_autofree char *part = ingest_xml_compose (at, append_node, NULL);
          g_autofree char *clean = ingest_prose_squeeze (ingest_prose_clean (part, -1));
          g_string_append_printf (text, "%s%s", at != ingest_xml_child (body, "p") ? " " : "",
                                  clean);
        }
    }
  ingest_document_add_text (document, INGEST_BLOCK_TABLE_ROW, 0, text->str);
}

/* Shapes in the order of the file, those in groups included; TITLES: only titles, or all but them.
 */
static void add_shapes (IngestDocument *document, const xmlNode *tree, gboolean titles)
{
  for (const xmlNode *at = ingest_xml_walk (tree, tree, FALSE); at != NULL;)
    {
      gboolean shape = ingest_xml_is (at, "sp"), row = ingest_xml_is (at, "tr");
      if (shape)
        {
          g_autofree char *type = placeholder_type (at);
          const xmlNode *body = ingest_xml_child (at, "txBody");
          if (titles && is_title (type))
            add_title (document, body);
          else if (!titles && !is_title (type) && !is_furniture (type))
            add_body (document, body, strcmp (type, "body") == 0);
        }
      else if (row && !titles)
        add_row (document, at);
      at = ingest_xml_walk (at, tree, shape || row || ingest_xml_is (at, "Fallback"));
    }
}

static void add_notes (const IngestArchive *archive, const char *slide, IngestDocument *document)
{
  g_autofree char *path = ingest_opc_related (archive, slide, "/notesSlide");
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, path, NULL);
  const xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  for (const xmlNode *at = ingest_xml_find (root, "sp"); at != NULL;
       at = ingest_xml_walk (at, root, ingest_xml_is (at, "sp")))
    {
      g_autofree char *type = placeholder_type (at);
      if (ingest_xml_is (at, "sp") && strcmp (type, "body") == 0)
        add_body (document, ingest_xml_child (at, "txBody"), FALSE);
    }
}

static void add_slide (const IngestArchive *archive, const char *path, guint number,
                       IngestDocument *document)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, path, NULL);
  g_autofree char *label = g_strdup_printf ("%u", number);
  ingest_document_add_page (document, label, 0, 0, 1);
  if (doc == NULL)
    return;
  const xmlNode *tree = ingest_xml_find (xmlDocGetRootElement (doc), "spTree");
  if (tree == NULL)
    return;
  add_shapes (document, tree, TRUE);
  add_shapes (document, tree, FALSE);
  add_notes (archive, path, document);
}

IngestDocument *ingest_parse_pptx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new (
      "application/vnd.openxmlformats-officedocument.presentationml.presentation");
  ingest_opc_describe (archive, document);
  const xmlNode *list = ingest_xml_child (xmlDocGetRootElement (doc), "sldIdLst");
  guint number = 0;
  for (const xmlNode *at = ingest_xml_child (list, "sldId"); at != NULL;
       at = ingest_xml_next (at, "sldId"))
    {
      g_autofree char *target = NULL;
      for (const xmlAttr *attribute = at->properties; attribute != NULL;
           attribute = attribute->next)
        if (attribute->ns != NULL && strcmp ((const char *)attribute->name, "id") == 0
            && attribute->children != NULL)
          target = ingest_opc_by_id (archive, path, (const char *)attribute->children->content);
      add_slide (archive, target, ++number, document);
    }
  return ingest_parsed (g_steal_pointer (&document), error);
}

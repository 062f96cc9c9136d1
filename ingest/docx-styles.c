/* Styles and list numbers of Word documents. A heading is a heading because of its style, by name
 * or by outline level, directly or through the style that it is based on; a list number is not in
 * the text at all, but is counted by whoever shows the document. */
#include "ingest/docx-private.h"
#include "ingest/list-number-private.h"

#include <string.h>

#define LEVELS 9
#define BASED_ON_MAX 10

struct _IngestDocxStyles
{
  xmlDoc *styles, *numbering; /* NULL when the document has none */
  GHashTable *by_id;          /* style id → xmlNode* */
  GHashTable *counters;       /* abstract list id → guint[LEVELS] */
};

char *ingest_docx_value (const xmlNode *node, const char *name)
{
  return ingest_xml_attribute (ingest_xml_child (node, name), "val");
}

IngestDocxStyles *ingest_docx_styles_new (const IngestArchive *archive, const char *document)
{
  IngestDocxStyles *styles = g_new0 (IngestDocxStyles, 1);
  g_autofree char *styles_path = ingest_opc_related (archive, document, "/styles");
  g_autofree char *numbering_path = ingest_opc_related (archive, document, "/numbering");
  styles->styles = ingest_archive_xml (archive, styles_path, NULL);
  styles->numbering = ingest_archive_xml (archive, numbering_path, NULL);
  styles->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  styles->counters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  xmlNode *root = styles->styles != NULL ? xmlDocGetRootElement (styles->styles) : NULL;
  for (xmlNode *at = ingest_xml_child (root, "style"); at != NULL;
       at = ingest_xml_next (at, "style"))
    {
      char *id = ingest_xml_attribute (at, "styleId");
      if (id != NULL)
        g_hash_table_insert (styles->by_id, id, at);
    }
  return styles;
}

void ingest_docx_styles_free (IngestDocxStyles *styles)
{
  if (styles == NULL)
    return;
  g_hash_table_unref (styles->by_id);
  g_hash_table_unref (styles->counters);
  if (styles->styles != NULL)
    xmlFreeDoc (styles->styles);
  if (styles->numbering != NULL)
    xmlFreeDoc (styles->numbering);
  g_free (styles);
}

static const xmlNode *style_of (const IngestDocxStyles *styles, const xmlNode *properties)
{
  g_autofree char *id = ingest_docx_value (properties, "pStyle");
  return id != NULL ? g_hash_table_lookup (styles->by_id, id) : NULL;
}

static const xmlNode *base_of (const IngestDocxStyles *styles, const xmlNode *style)
{
  g_autofree char *id = ingest_docx_value (style, "basedOn");
  return id != NULL ? g_hash_table_lookup (styles->by_id, id) : NULL;
}

/* ---- Headings and captions ---- */

static char *style_name (const xmlNode *style)
{
  g_autofree char *name = ingest_docx_value (style, "name");
  return name != NULL ? g_utf8_strdown (name, -1) : g_strdup ("");
}

/* Outline levels count from 0; 9 is body text. */
static guint outline_level (const xmlNode *properties)
{
  g_autofree char *text = ingest_docx_value (properties, "outlineLvl");
  guint64 level;
  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, 8, &level, NULL))
    return 0;
  return MIN (level + 1, 6);
}

guint ingest_docx_heading_level (const IngestDocxStyles *styles, const xmlNode *properties)
{
  guint level = outline_level (properties);
  const xmlNode *style = style_of (styles, properties);
  for (guint i = 0; i < BASED_ON_MAX && level == 0 && style != NULL; i++)
    {
      g_autofree char *name = style_name (style);
      level = outline_level (ingest_xml_child (style, "pPr"));
      if (level == 0 && g_str_has_prefix (name, "heading ") && g_ascii_isdigit (name[8]))
        level = CLAMP (name[8] - '0', 1, 6);
      else if (level == 0 && strcmp (name, "title") == 0)
        level = 1;
      style = base_of (styles, style);
    }
  return level;
}

gboolean ingest_docx_is_caption (const IngestDocxStyles *styles, const xmlNode *properties)
{
  const xmlNode *style = style_of (styles, properties);
  g_autofree char *name = style_name (style);
  return strcmp (name, "caption") == 0;
}

/* ---- Lists ---- */

static const xmlNode *child_with (const xmlNode *parent, const char *name, const char *attribute,
                                  const char *value)
{
  for (const xmlNode *at = ingest_xml_child (parent, name); at != NULL && value != NULL;
       at = ingest_xml_next (at, name))
    {
      g_autofree char *own = ingest_xml_attribute (at, attribute);
      if (own != NULL && strcmp (own, value) == 0)
        return at;
    }
  return NULL;
}

/* The list that a paragraph is in, by itself or by its style; its level in *RET_LEVEL. */
static char *list_of (const IngestDocxStyles *styles, const xmlNode *properties, guint *ret_level)
{
  const xmlNode *list = ingest_xml_child (properties, "numPr");
  const xmlNode *style = style_of (styles, properties);
  for (guint i = 0; i < BASED_ON_MAX && list == NULL && style != NULL; i++)
    {
      list = ingest_xml_child (ingest_xml_child (style, "pPr"), "numPr");
      style = base_of (styles, style);
    }
  char *id = ingest_docx_value (list, "numId");
  g_autofree char *level = ingest_docx_value (list, "ilvl");
  *ret_level = level != NULL ? CLAMP (g_ascii_strtoll (level, NULL, 10), 0, LEVELS - 1) : 0;
  return id;
}

static const xmlNode *level_of (const xmlNode *list, guint level)
{
  g_autofree char *text = g_strdup_printf ("%u", level);
  return child_with (list, "lvl", "ilvl", text);
}

/* "%1.%2" with the numbers in it, and a blank. */
static char *expand (const xmlNode *list, const char *template, const guint *counters)
{
  GString *out = g_string_new (NULL);
  for (const char *at = template; *at != '\0'; at++)
    if (*at == '%' && at[1] >= '1' && at[1] <= '9')
      {
        guint level = *++at - '1';
        g_autofree char *format = ingest_docx_value (level_of (list, level), "numFmt");
        g_autofree char *number
            = ingest_format_number (MAX (counters[level], 1), format != NULL ? format : "decimal");
        g_string_append (out, number);
      }
    else
      g_string_append_c (out, *at);
  g_string_append_c (out, ' ');
  return g_string_free (out, FALSE);
}

static guint start_of (const xmlNode *level)
{
  g_autofree char *start = ingest_docx_value (level, "start");
  return start != NULL ? CLAMP (g_ascii_strtoll (start, NULL, 10), 0, 100000) : 1;
}

/* Counts a paragraph of LEVEL: levels below begin again. */
static const guint *count (IngestDocxStyles *styles, const char *key, const xmlNode *list,
                           guint level)
{
  guint *counters = g_hash_table_lookup (styles->counters, key);
  if (counters == NULL)
    {
      counters = g_new0 (guint, LEVELS);
      g_hash_table_insert (styles->counters, g_strdup (key), counters);
    }
  counters[level] = counters[level] == 0 ? start_of (level_of (list, level)) : counters[level] + 1;
  for (guint i = level + 1; i < LEVELS; i++)
    counters[i] = 0;
  return counters;
}

char *ingest_docx_number (IngestDocxStyles *styles, const xmlNode *properties)
{
  guint level;
  g_autofree char *id = list_of (styles, properties, &level);
  if (id == NULL || strcmp (id, "0") == 0)
    return NULL;
  const xmlNode *root = styles->numbering != NULL ? xmlDocGetRootElement (styles->numbering) : NULL;
  const xmlNode *number = child_with (root, "num", "numId", id);
  g_autofree char *abstract_id = ingest_docx_value (number, "abstractNumId");
  const xmlNode *list = child_with (root, "abstractNum", "abstractNumId", abstract_id);
  const xmlNode *at = level_of (list, level);
  g_autofree char *format = ingest_docx_value (at, "numFmt");
  g_autofree char *text = ingest_docx_value (at, "lvlText");
  if (format != NULL && strcmp (format, "none") == 0)
    return NULL;
  if (format == NULL || text == NULL || strcmp (format, "bullet") == 0)
    return g_strdup ("• ");
  /* Two lists of one abstract list count on together, unless one starts anew. */
  gboolean anew = ingest_xml_child (number, "lvlOverride") != NULL;
  return expand (list, text, count (styles, anew ? id : abstract_id, list, level));
}

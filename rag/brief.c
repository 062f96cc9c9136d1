/* A brief: sections of checked statements, as digest and dossier make them.
 *
 * In: sections as they are finished. Out: memory, or JSON in a file that only its owner may read:
 * a digest is kept for its day, a dossier until it is complete. */
#include "rag/brief-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

void rag_point_free (RagPoint *point)
{
  g_free (point->text);
  g_ptr_array_unref (point->citations);
  g_free (point);
}

static RagPoint *point_new (const char *text)
{
  RagPoint *point = g_new0 (RagPoint, 1);
  point->text = g_strdup (text);
  point->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  return point;
}

RagSection *rag_section_new (const char *title)
{
  RagSection *section = g_new0 (RagSection, 1);
  section->title = g_strdup (title);
  section->points = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_point_free);
  section->documents = g_ptr_array_new_with_free_func (g_free);
  return section;
}

void rag_section_free (RagSection *section)
{
  g_free (section->title);
  g_ptr_array_unref (section->points);
  g_ptr_array_unref (section->documents);
  g_free (section->lead);
  g_free (section);
}

RagBrief *rag_brief_new (const char *title, const char *date)
{
  RagBrief *brief = g_new0 (RagBrief, 1);
  brief->title = g_strdup (title);
  brief->date = g_strdup (date);
  brief->sections = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_section_free);
  brief->dropped = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_section_free);
  brief->notes = g_ptr_array_new_with_free_func (g_free);
  brief->reading_ease = NAN;
  brief->complete = TRUE;
  return brief;
}

void rag_brief_free (RagBrief *brief)
{
  if (brief == NULL)
    return;
  g_free (brief->title);
  g_free (brief->date);
  g_ptr_array_unref (brief->sections);
  g_ptr_array_unref (brief->dropped);
  g_ptr_array_unref (brief->notes);
  g_free (brief);
}

/* ---- To JSON ---- */

static void add_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  if (value != NULL)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

static void add_int (JsonBuilder *json, const char *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

typedef void (*AddElement) (JsonBuilder *json, gconstpointer element);

static void add_array (JsonBuilder *json, const char *name, const GPtrArray *elements,
                       AddElement add)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint i = 0; i < elements->len; i++)
    add (json, g_ptr_array_index (elements, i));
  json_builder_end_array (json);
}

static void add_text (JsonBuilder *json, gconstpointer text)
{
  json_builder_add_string_value (json, text);
}

static void add_citation (JsonBuilder *json, gconstpointer element)
{
  const RagCitation *citation = element;
  json_builder_begin_object (json);
  add_int (json, "n", citation->n);
  add_string (json, "document", citation->document);
  add_string (json, "title", citation->title);
  add_int (json, "page", citation->page);
  add_string (json, "page_label", citation->page_label);
  add_string (json, "section", citation->section);
  add_string (json, "quote", citation->quote);
  json_builder_end_object (json);
}

static void add_point (JsonBuilder *json, gconstpointer element)
{
  const RagPoint *point = element;
  json_builder_begin_object (json);
  add_string (json, "text", point->text);
  add_int (json, "quoted", point->quoted);
  add_array (json, "citations", point->citations, add_citation);
  json_builder_end_object (json);
}

static void add_section (JsonBuilder *json, gconstpointer element)
{
  const RagSection *section = element;
  json_builder_begin_object (json);
  add_string (json, "title", section->title);
  add_string (json, "lead", section->lead);
  add_array (json, "documents", section->documents, add_text);
  add_array (json, "points", section->points, add_point);
  json_builder_end_object (json);
}

gboolean rag_brief_save (const RagBrief *brief, const char *path, GError **error)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  json_builder_begin_object (json);
  add_string (json, "title", brief->title);
  add_string (json, "date", brief->date);
  add_int (json, "until", brief->until);
  add_int (json, "written", brief->written);
  add_int (json, "struck", brief->struck);
  add_array (json, "notes", brief->notes, add_text);
  add_array (json, "sections", brief->sections, add_section);
  add_array (json, "dropped", brief->dropped, add_section);
  json_builder_end_object (json);
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, TRUE);
  GError *inner = NULL;
  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* ---- From JSON. The file may have been edited: what is missing is empty, never a crash. ---- */

static JsonArray *array_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static JsonObject *object_at (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static guint length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

static const char *string_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gint64 int_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                         : 0;
}

static void read_strings (JsonArray *array, GPtrArray *strings)
{
  for (guint i = 0; i < length_of (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (json_node_get_value_type (node) == G_TYPE_STRING)
        g_ptr_array_add (strings, g_strdup (json_node_get_string (node)));
    }
}

static RagCitation *read_citation (JsonObject *object)
{
  RagCitation *citation = g_new0 (RagCitation, 1);
  const char *document = string_of (object, "document");
  citation->n = (guint)int_of (object, "n");
  citation->document = g_strdup (document != NULL ? document : "");
  citation->title = g_strdup (string_of (object, "title"));
  citation->page = (guint)int_of (object, "page");
  citation->page_label = g_strdup (string_of (object, "page_label"));
  citation->section = g_strdup (string_of (object, "section"));
  citation->quote = g_strdup (string_of (object, "quote"));
  return citation;
}

static RagPoint *read_point (JsonObject *object)
{
  const char *text = string_of (object, "text");
  RagPoint *point = point_new (text != NULL ? text : "");
  JsonArray *citations = array_of (object, "citations");
  point->quoted = int_of (object, "quoted") != 0;
  for (guint i = 0; i < length_of (citations); i++)
    if (object_at (citations, i) != NULL)
      g_ptr_array_add (point->citations, read_citation (object_at (citations, i)));
  return point;
}

static RagSection *read_section (JsonObject *object)
{
  const char *title = string_of (object, "title");
  RagSection *section = rag_section_new (title != NULL ? title : "");
  JsonArray *points = array_of (object, "points");
  section->lead = g_strdup (string_of (object, "lead"));
  read_strings (array_of (object, "documents"), section->documents);
  for (guint i = 0; i < length_of (points); i++)
    if (object_at (points, i) != NULL)
      g_ptr_array_add (section->points, read_point (object_at (points, i)));
  return section;
}

static void read_sections (JsonArray *array, GPtrArray *sections)
{
  for (guint i = 0; i < length_of (array); i++)
    if (object_at (array, i) != NULL)
      g_ptr_array_add (sections, read_section (object_at (array, i)));
}

RagBrief *rag_brief_load (const char *path, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) reason = NULL;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  if (!json_parser_load_from_file (parser, path, &reason)
      || json_parser_get_root (parser) == NULL
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be read (%s): remove it", path,
                   reason != NULL ? reason->message : "it is not an object");
      return NULL;
    }
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  const char *title = string_of (object, "title"), *date = string_of (object, "date");
  RagBrief *brief = rag_brief_new (title != NULL ? title : "", date != NULL ? date : "");
  brief->until = int_of (object, "until");
  brief->written = (guint)int_of (object, "written");
  brief->struck = (guint)int_of (object, "struck");
  read_strings (array_of (object, "notes"), brief->notes);
  read_sections (array_of (object, "sections"), brief->sections);
  read_sections (array_of (object, "dropped"), brief->dropped);
  rag_brief_finish (brief);
  return brief;
}

/* ---- Numbers ---- */

/* Gives the citations of the whole brief one row of numbers, equal ones the same. */
static void number_citations (RagBrief *brief)
{
  g_autoptr (GHashTable) numbers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      for (guint p = 0; p < section->points->len; p++)
        {
          const RagPoint *point = g_ptr_array_index (section->points, p);
          for (guint c = 0; c < point->citations->len; c++)
            {
              RagCitation *citation = g_ptr_array_index (point->citations, c);
              char *key = g_strdup_printf ("%s\n%u\n%s", citation->document, citation->page,
                                           citation->quote != NULL ? citation->quote : "");
              guint n = GPOINTER_TO_UINT (g_hash_table_lookup (numbers, key));
              if (n == 0)
                n = g_hash_table_size (numbers) + 1;
              citation->n = n;
              g_hash_table_replace (numbers, key, GUINT_TO_POINTER (n));
            }
        }
    }
}

static void measure_reading (RagBrief *brief)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      for (guint p = 0; p < section->points->len; p++)
        g_string_append_printf (text, "%s\n\n",
                                ((RagPoint *)g_ptr_array_index (section->points, p))->text);
    }
  brief->reading_ease = rag_reading_ease (text->str, rag_detect_language (text->str));
}

void rag_brief_finish (RagBrief *brief)
{
  number_citations (brief);
  measure_reading (brief);
}

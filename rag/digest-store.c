/* Where digests are kept: one file a day in the library, so that the same day gives the same digest
 * and tomorrow's knows where to go on.
 *
 * In: briefs. Out: LIBRARY/digests/COLLECTION/YYYY-MM-DD.json. They hold sentences of documents, so
 * what is forgotten is taken out of them too. */
#include "rag/digest-private.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>

static char *digests_dir (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "digests", NULL);
}

/* "in " keeps the folder of a collection named ".." apart from the parent folder. */
static char *collection_dir (const Rag *rag, const char *collection)
{
  g_autofree char *all = digests_dir (rag);
  g_autofree char *escaped
      = collection != NULL ? g_uri_escape_string (collection, " ", TRUE) : NULL;
  g_autofree char *name = escaped != NULL ? g_strconcat ("in ", escaped, NULL) : g_strdup ("all");
  return g_build_filename (all, name, NULL);
}

static gboolean is_digest_name (const char *name)
{
  return strlen (name) == strlen ("2026-01-31.json") && g_str_has_suffix (name, ".json");
}

char *rag_digest_path (const Rag *rag, const char *collection, const char *date)
{
  g_autofree char *dir = collection_dir (rag, collection);
  g_autofree char *name = g_strconcat (date, ".json", NULL);
  return g_build_filename (dir, name, NULL);
}

gboolean rag_digest_save (const Rag *rag, const RagBrief *brief, const char *collection,
                          GError **error)
{
  if (rag->keep_nothing)
    return TRUE;
  g_autofree char *path = rag_digest_path (rag, collection, brief->date);
  g_autofree char *dir = g_path_get_dirname (path);
  if (g_mkdir_with_parents (dir, 0700) != 0)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be made: %s", dir,
                   g_strerror (errno));
      return FALSE;
    }
  return rag_brief_save (brief, path, error);
}

static gint compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)b, *(const char *const *)a);
}

GPtrArray *rag_digest_earlier (const Rag *rag, const char *collection, const char *date,
                               guint limit)
{
  GPtrArray *briefs = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_brief_free);
  g_autofree char *folder = collection_dir (rag, collection);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_digest_name (name) && strncmp (name, date, strlen (date)) < 0)
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len && briefs->len < limit; i++)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);
      RagBrief *brief = rag_brief_load (path, NULL);
      if (brief != NULL)
        g_ptr_array_add (briefs, brief);
    }
  return briefs;
}

/* ---- Forgetting ---- */

/* TEXT as it stands in the JSON of a brief, without quotation marks. */
static char *in_json (const char *text)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  g_autofree char *quoted = json_to_string (node, FALSE);
  return g_strndup (quoted + 1, strlen (quoted) - 2);
}

static gboolean has_title (const IndexDocument *document)
{
  return document->title != NULL && *document->title != '\0';
}

/* A year of digests is read for every document that goes: most files need no parser to say that
 * they do not know it. */
static gboolean may_tell_of (const char *text, const GPtrArray *documents)
{
  gboolean found = FALSE;
  for (guint i = 0; i < documents->len && !found; i++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *path = in_json (document->path);
      g_autofree char *title = has_title (document) ? in_json (document->title) : NULL;
      found = strstr (text, path) != NULL || (title != NULL && strstr (text, title) != NULL);
    }
  return found;
}

static gboolean tells_of (const RagSection *section, const IndexDocument *document)
{
  return g_ptr_array_find_with_equal_func (section->documents, document->path, g_str_equal, NULL);
}

/* What was left out is named by its title, what could not be read by its path. */
static gboolean names (const char *note, const IndexDocument *document)
{
  return strstr (note, document->path) != NULL
         || (has_title (document) && strstr (note, document->title) != NULL);
}

static void forget_in_sections (GPtrArray *sections, const IndexDocument *document)
{
  for (guint i = sections->len; i-- > 0;)
    if (tells_of (g_ptr_array_index (sections, i), document))
      g_ptr_array_remove_index (sections, i);
}

static void forget_in_brief (RagBrief *brief, const IndexDocument *document)
{
  forget_in_sections (brief->sections, document);
  forget_in_sections (brief->dropped, document);
  for (guint i = brief->notes->len; i-- > 0;)
    if (names (g_ptr_array_index (brief->notes, i), document))
      g_ptr_array_remove_index (brief->notes, i);
}

static guint size_of (const RagBrief *brief)
{
  return brief->sections->len + brief->dropped->len + brief->notes->len;
}

static gboolean forget_in_file (const char *path, const GPtrArray *documents, GError **error)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL) || !may_tell_of (text, documents))
    return TRUE;
  g_autoptr (RagBrief) brief = rag_brief_load (path, NULL);
  if (brief == NULL)
    return TRUE;
  const guint before = size_of (brief);
  for (guint i = 0; i < documents->len; i++)
    forget_in_brief (brief, g_ptr_array_index (documents, i));
  return size_of (brief) == before || rag_brief_save (brief, path, error);
}

gboolean rag_digest_forget (const Rag *rag, const GPtrArray *documents, GError **error)
{
  gboolean ok = TRUE;
  g_autofree char *all = digests_dir (rag);
  g_autoptr (GDir) outer = documents->len > 0 ? g_dir_open (all, 0, NULL) : NULL;
  const char *folder, *name;
  while (ok && outer != NULL && (folder = g_dir_read_name (outer)) != NULL)
    {
      g_autofree char *dir = g_build_filename (all, folder, NULL);
      g_autoptr (GDir) inner = g_dir_open (dir, 0, NULL);
      while (ok && inner != NULL && (name = g_dir_read_name (inner)) != NULL)
        {
          g_autofree char *path = g_build_filename (dir, name, NULL);
          ok = !is_digest_name (name) || forget_in_file (path, documents, error);
        }
    }
  return ok;
}

/* Where digests are kept: one file a day in the library, so that the same day gives the same digest
 * and tomorrow's knows where to go on.
 *
 * In: briefs. Out: LIBRARY/digests/COLLECTION/YYYY-MM-DD.json. They hold sentences of documents, so
 * what is forgotten is taken out of them too. */
#include "rag/digest-private.h"

#include <errno.h>
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

static gboolean tells_of (const RagSection *section, const char *document)
{
  return g_ptr_array_find_with_equal_func (section->documents, document, g_str_equal, NULL);
}

static void forget_in_file (const char *path, const char *document)
{
  g_autoptr (RagBrief) brief = rag_brief_load (path, NULL);
  guint n_removed = 0;
  for (guint i = 0; brief != NULL && i < brief->sections->len;)
    if (tells_of (g_ptr_array_index (brief->sections, i), document))
      {
        g_ptr_array_remove_index (brief->sections, i);
        n_removed++;
      }
    else
      i++;
  /* Titles of what was left out may be the document's. */
  if (n_removed > 0 || (brief != NULL && brief->notes->len > 0))
    {
      g_ptr_array_set_size (brief->notes, 0);
      rag_brief_save (brief, path, NULL);
    }
}

void rag_digest_forget (const Rag *rag, const char *document)
{
  g_autofree char *all = digests_dir (rag);
  g_autoptr (GDir) outer = g_dir_open (all, 0, NULL);
  const char *folder, *name;
  while (outer != NULL && (folder = g_dir_read_name (outer)) != NULL)
    {
      g_autofree char *dir = g_build_filename (all, folder, NULL);
      g_autoptr (GDir) inner = g_dir_open (dir, 0, NULL);
      while (inner != NULL && (name = g_dir_read_name (inner)) != NULL)
        {
          g_autofree char *path = g_build_filename (dir, name, NULL);
          if (is_digest_name (name))
            forget_in_file (path, document);
        }
    }
}

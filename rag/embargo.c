/* Collections of which no digest may tell before a day: LIBRARY/embargo.ini.
 *
 * What came in under an embargo counts as new when the embargo ends, so it is neither told early nor
 * lost. Lifting an embargo ends it now. */
#include "rag/digest-private.h"

#include <string.h>

#define GROUP "embargo"

static char *embargo_path (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "embargo.ini", NULL);
}

/* An embargo that cannot be read must not be broken: an error, never "none". */
static GKeyFile *load (const Rag *rag, GError **error)
{
  g_autofree char *path = embargo_path (rag);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason)
      || g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer (&file);
  g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED,
               "the embargoes in %s cannot be read: %s; correct or remove that file", path,
               reason->message);
  return NULL;
}

GHashTable *rag_embargoes (const Rag *rag, GError **error)
{
  g_autoptr (GKeyFile) file = load (rag, error);
  if (file == NULL)
    return NULL;
  GHashTable *until = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      const gint64 time = g_key_file_get_int64 (file, GROUP, keys[i], NULL);
      char *collection = g_uri_unescape_string (keys[i], NULL);
      if (collection != NULL)
        g_hash_table_replace (until, collection, g_memdup2 (&time, sizeof time));
    }
  return until;
}

gint64 rag_embargo_of (GHashTable *embargoes, const char *collection)
{
  const gint64 *until = g_hash_table_lookup (embargoes, collection);
  return until != NULL ? *until : 0;
}

gboolean rag_set_embargo (Rag *rag, const char *collection, gint64 until, GError **error)
{
  g_autoptr (GKeyFile) file = load (rag, error);
  if (file == NULL)
    return FALSE;
  g_autofree char *path = embargo_path (rag);
  g_autofree char *key = g_uri_escape_string (collection, NULL, FALSE);
  g_key_file_set_int64 (file, GROUP, key, until);
  return rag_key_file_save (file, path, error);
}

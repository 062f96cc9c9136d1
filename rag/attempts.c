/* Notices a document over which docent itself dies again and again.
 *
 * Parsers run in a process of their own, but chunking and encoding do not. The files in work are
 * named in LIBRARY_DIR/attempts.ini before they are touched; a run that ends well leaves nothing
 * there. What the next run finds is counted, and a file at which docent died twice is recorded as
 * failed instead of being tried a third time. */
#include "rag/rag-private.h"

#include <glib/gstdio.h>

#define FILE_NAME "attempts.ini"
#define GROUP "attempts"

struct _RagAttempts
{
  char *path;
  GHashTable *died;    /* path → how often, from earlier runs */
  GHashTable *in_work; /* paths */
};

/* GKeyFile keys may not hold '=' or control characters, which paths may. */
static char *key_of (const char *path)
{
  return g_uri_escape_string (path, "/", FALSE);
}

RagAttempts *rag_attempts_new (const char *library_dir)
{
  RagAttempts *attempts = g_new0 (RagAttempts, 1);
  attempts->path = g_build_filename (library_dir, FILE_NAME, NULL);
  attempts->died = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  attempts->in_work = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_key_file_load_from_file (file, attempts->path, G_KEY_FILE_NONE, NULL);
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);
  for (char **key = keys; key != NULL && *key != NULL; key++)
    {
      char *path = g_uri_unescape_string (*key, NULL);
      int times = g_key_file_get_integer (file, GROUP, *key, NULL);
      if (path != NULL && times > 0)
        g_hash_table_insert (attempts->died, path, GINT_TO_POINTER (times));
      else
        g_free (path);
    }
  return attempts;
}

/* Losing this file loses only a count, so it is not synced to the disk. */
static void save (const RagAttempts *attempts)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  GHashTableIter iter;
  gpointer path, times;
  g_hash_table_iter_init (&iter, attempts->died);
  while (g_hash_table_iter_next (&iter, &path, &times))
    {
      g_autofree char *key = key_of (path);
      g_key_file_set_integer (file, GROUP, key, GPOINTER_TO_INT (times));
    }
  g_hash_table_iter_init (&iter, attempts->in_work);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    {
      g_autofree char *key = key_of (path);
      g_key_file_set_integer (file, GROUP, key, 1 + (int)rag_attempts_count (attempts, path));
    }
  gsize length;
  g_autofree char *text = g_key_file_to_data (file, &length, NULL);
  if (length > 0)
    /* Without CONSISTENT GLib 2.74 leaves the end of a longer file in place. */
    g_file_set_contents_full (attempts->path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                              NULL);
  else
    g_remove (attempts->path);
}

guint rag_attempts_count (const RagAttempts *attempts, const char *path)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (attempts->died, path));
}

void rag_attempts_begin (RagAttempts *attempts, const char *path)
{
  g_hash_table_add (attempts->in_work, g_strdup (path));
  save (attempts);
}

void rag_attempts_end (RagAttempts *attempts, const char *path)
{
  g_hash_table_remove (attempts->in_work, path);
  g_hash_table_remove (attempts->died, path);
}

void rag_attempts_free (RagAttempts *attempts)
{
  if (attempts == NULL)
    return;
  g_hash_table_remove_all (attempts->in_work);
  save (attempts);
  g_hash_table_unref (attempts->died);
  g_hash_table_unref (attempts->in_work);
  g_free (attempts->path);
  g_free (attempts);
}

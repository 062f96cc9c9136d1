/* Knows the words that a question is full of and that tell nothing, and those that deny.
 *
 * One list per language (stopwords/<language>.txt, compiled in), read when first asked for; one for all
 * languages of denials. Only questions lose stop words; documents keep them all. */
#include "index/index.h"

#include "index-resources.h"

static GHashTable *load_list (const char *name)
{
  g_autofree char *path = g_strdup_printf ("/docent/index/stopwords/%s.txt", name);
  g_autoptr (GBytes) bytes = g_resource_lookup_data (index_get_resource (), path, 0, NULL);
  GHashTable *words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!bytes)
    return words;
  g_auto (GStrv) list = g_strsplit_set (g_bytes_get_data (bytes, NULL), " \n", -1);
  for (char **word = list; *word; word++)
    if (**word)
      g_hash_table_add (words, g_strdup (*word));
  return words;
}

static GHashTable *list_of (const char *name)
{
  static GMutex mutex;
  static GHashTable *lists = NULL;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  GHashTable *words;

  if (!lists)
    lists = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                   (GDestroyNotify)g_hash_table_unref);
  words = g_hash_table_lookup (lists, name);
  if (!words)
    {
      words = load_list (name);
      g_hash_table_insert (lists, g_strdup (name), words);
    }
  return words;
}

gboolean index_is_stopword (const char *language, const char *word)
{
  return g_hash_table_contains (list_of (language && *language ? language : "en"), word);
}

gboolean index_is_denial (const char *word)
{
  return g_hash_table_contains (list_of ("denials"), word);
}

/* Regular expressions that stand in the source: each is compiled when it is first needed, and kept.
 */
#include "rag/text-private.h"

const GRegex *rag_pattern (const char *pattern, GRegexCompileFlags flags)
{
  static GMutex mutex;
  static GHashTable *compiled; /* the constant's address → GRegex */
  g_mutex_lock (&mutex);
  if (compiled == NULL)
    compiled = g_hash_table_new (NULL, NULL);
  GRegex *regex = g_hash_table_lookup (compiled, pattern);
  if (regex == NULL)
    {
      regex = g_regex_new (pattern, flags, 0, NULL);
      g_assert (regex != NULL);
      g_hash_table_insert (compiled, (gpointer)pattern, regex);
    }
  g_mutex_unlock (&mutex);
  return regex;
}

/* What the choices of an encoder and of a generator share: a model that was asked for is taken as
 * it is, otherwise one is chosen among those that have been fetched. */
#include "rag/rag-private.h"

#include <string.h>

const EngineStoreEntry *rag_find_fetched (const GPtrArray *entries, const char *name)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      if (strcmp (entry->name, name) == 0 && entry->fetched)
        return entry;
    }
  return NULL;
}

static gboolean take_asked (const RagOptions *options, const char *asked, char **ret_path,
                            char **ret_reason, GError **error)
{
  GError *inner = NULL;
  char *path = engine_store_resolve (options->models_dir, asked, &inner);
  if (path == NULL)
    return rag_translate_error (error, inner);
  *ret_path = path;
  *ret_reason = g_strdup_printf ("%s: as asked for", asked);
  return TRUE;
}

gboolean rag_choose (const RagOptions *options, const char *asked, RagChooseFunc choose,
                     char **ret_path, char **ret_reason, GError **error)
{
  GError *inner = NULL;
  if (asked != NULL)
    return take_asked (options, asked, ret_path, ret_reason, error);
  g_autoptr (GPtrArray) entries = engine_store_list (options->models_dir, &inner);
  if (entries == NULL)
    return rag_translate_error (error, inner);
  return choose (options, entries, ret_path, ret_reason, error);
}

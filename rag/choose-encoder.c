/* Decides which of the fetched encoders a new library is made with, and says why.
 *
 * In come the options, out goes a model file and a sentence for people. The multilingual encoder
 * finds what people mean in any language and takes twice the work of the English one, so it is
 * taken where it embeds fast enough that adding a folder stays bearable. A library with vectors is
 * not asked about: it belongs to the encoder that made them. */
#include "rag/rag-private.h"

#define MULTILINGUAL "e5-small"
#define ENGLISH "minilm"

#define MIN_PAGES_PER_MINUTE 100
/* A page of running text, about 3,000 characters. */
#define TOKENS_PER_PAGE 700

static gboolean pages_per_minute (const RagOptions *options, const char *path, double *ret_pages,
                                  GError **error)
{
  GError *inner = NULL;
  double tps;
  g_autoptr (EngineModel) model = engine_model_open (path, &inner);
  if (model == NULL)
    return rag_translate_error (error, inner);
  if (!rag_measure_speed (options, model, &tps, error))
    return FALSE;
  *ret_pages = tps * 60 / TOKENS_PER_PAGE;
  return TRUE;
}

static gboolean take (const EngineStoreEntry *entry, char *reason, char **ret_path,
                      char **ret_reason)
{
  *ret_path = g_strdup (entry->path);
  *ret_reason = reason;
  return TRUE;
}

static gboolean choose (const RagOptions *options, const GPtrArray *entries, char **ret_path,
                        char **ret_reason, GError **error)
{
  const EngineStoreEntry *wide = rag_find_fetched (entries, MULTILINGUAL);
  const EngineStoreEntry *fast = rag_find_fetched (entries, ENGLISH);
  double pages = 0;
  if (wide == NULL && fast == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
                   "No encoder is in %s: `docent models fetch " MULTILINGUAL "` gets one for many "
                   "languages (91 MB), `docent models fetch " ENGLISH "` a faster one for English",
                   options->models_dir);
      return FALSE;
    }
  if (wide == NULL)
    return take (fast, g_strdup (ENGLISH ": the only encoder here"), ret_path, ret_reason);
  if (!pages_per_minute (options, wide->path, &pages, error))
    return FALSE;
  if (fast == NULL || pages >= MIN_PAGES_PER_MINUTE)
    return take (wide, g_strdup_printf (MULTILINGUAL ": embeds %.0f pages a minute here", pages),
                 ret_path, ret_reason);
  return take (fast,
               g_strdup_printf (ENGLISH ": " MULTILINGUAL " would embed only %.0f pages a minute",
                                pages),
               ret_path, ret_reason);
}

gboolean rag_choose_encoder (const RagOptions *options, char **ret_path, char **ret_reason,
                             GError **error)
{
  return rag_choose (options, options->encoder, choose, ret_path, ret_reason, error);
}

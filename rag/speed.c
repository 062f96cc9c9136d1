/* How fast a model is on this machine, measured once and remembered.
 *
 * A model comes in, tokens per second go out: read by a generator, or turned into vectors by an
 * encoder. Measuring takes up to a second, so the figure is kept beside the models, one for each
 * file, instruction set and thread count. */
#include "rag/rag-private.h"

#define SPEED_FILE "speed.ini"

static guint threads_of (const RagOptions *options)
{
  return options->n_threads > 0 ? options->n_threads : engine_n_processors ();
}

/* Another build, file or thread count gets its own entry. */
static char *speed_key (const RagOptions *options, const EngineModelInfo *info)
{
  g_autofree char *base = g_path_get_basename (info->path);
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT " %s %u", base, info->weight_bytes, engine_isa (),
                          threads_of (options));
}

gboolean rag_measure_speed (const RagOptions *options, EngineModel *model, double *ret_tps,
                            GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = g_build_filename (options->models_dir, SPEED_FILE, NULL);
  g_autofree char *group = speed_key (options, engine_model_info (model));
  const gboolean writes = engine_model_info (model)->role == ENGINE_ROLE_GENERATOR;
  const char *key = writes ? "prefill_tps" : "encode_tps";
  GError *inner = NULL;
  g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  double tps = g_key_file_get_double (file, group, key, NULL);
  if (tps <= 0)
    {
      if (!(writes ? engine_estimate_prefill (model, threads_of (options), &tps, &inner)
                   : engine_estimate_encode (model, threads_of (options), &tps, &inner)))
        return rag_translate_error (error, inner);
      g_key_file_set_double (file, group, key, tps);
      /* A folder that cannot be written to only costs the next start this measurement. */
      g_key_file_save_to_file (file, path, NULL);
    }
  *ret_tps = tps;
  return TRUE;
}

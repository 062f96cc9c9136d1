/* How fast a model is on this machine: estimated once, then learnt from what it does.
 *
 * A model comes in, tokens per second go out: read by a generator, or turned into vectors by an
 * encoder. Estimating takes up to a second, so the figure is kept beside the models, one for each
 * file, instruction set and thread count. For a generator the rates of the last prompts are kept
 * too, and their median is what to expect: it follows the machine up and down within a few prompts,
 * and one that was read while something else was running changes nothing. Which model answers is
 * chosen by the estimate alone, so that a busy hour does not change it for good. */
#include "rag/rag-private.h"

#include <stdlib.h>

#define SPEED_FILE "speed.ini"
#define SEEN_KEY "read_tps"
/* Prompts remembered. */
#define N_SEEN 5

static guint threads_of (guint n_threads)
{
  return n_threads > 0 ? n_threads : engine_n_processors ();
}

/* Another build, file or thread count gets its own entry. */
static char *speed_group (const EngineModel *model, guint n_threads)
{
  const EngineModelInfo *info = engine_model_info (model);
  g_autofree char *base = g_path_get_basename (info->path);
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT " %s %u", base, info->weight_bytes, engine_isa (),
                          threads_of (n_threads));
}

static GKeyFile *load_speeds (const char *models_dir, char **ret_path)
{
  GKeyFile *file = g_key_file_new ();
  *ret_path = g_build_filename (models_dir, SPEED_FILE, NULL);
  g_key_file_load_from_file (file, *ret_path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  return file;
}

gboolean rag_measure_speed (const RagOptions *options, EngineModel *model, double *ret_tps,
                            GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GKeyFile) file = load_speeds (options->models_dir, &path);
  g_autofree char *group = speed_group (model, options->n_threads);
  const gboolean writes = engine_model_info (model)->role == ENGINE_ROLE_GENERATOR;
  const char *key = writes ? "prefill_tps" : "encode_tps";
  GError *inner = NULL;
  double tps = g_key_file_get_double (file, group, key, NULL);
  if (tps <= 0)
    {
      const guint n_threads = threads_of (options->n_threads);
      if (!(writes ? engine_estimate_prefill (model, n_threads, &tps, &inner)
                   : engine_estimate_encode (model, n_threads, &tps, &inner)))
        return rag_translate_error (error, inner);
      g_key_file_set_double (file, group, key, tps);
      /* A folder that cannot be written to only costs the next start this measurement. */
      g_key_file_save_to_file (file, path, NULL);
    }
  *ret_tps = tps;
  return TRUE;
}

/* ---- Reading, as seen ---- */

double rag_expected_speed (double estimate, const double *seen, gsize n_seen)
{
  const gsize n = MIN (n_seen, N_SEEN);
  double sorted[N_SEEN + 1] = { estimate };
  for (gsize i = 0; i < n; i++)
    sorted[1 + i] = seen[n_seen - n + i];
  /* With enough of them the estimate has no voice. */
  double *from = n < N_SEEN ? sorted : sorted + 1;
  const gsize length = n < N_SEEN ? n + 1 : n;
  qsort (from, length, sizeof *from, rag_compare_doubles);
  /* The upper one of two: nothing makes a machine read faster than it can. */
  return from[length / 2];
}

static void expect (Rag *rag)
{
  rag->prefill_tps = rag_expected_speed (
      rag->estimated_tps, (const double *)(gconstpointer)rag->seen_tps->data, rag->seen_tps->len);
}

gboolean rag_need_speed (Rag *rag, GError **error)
{
  const RagOptions options = { .models_dir = rag->models_dir, .n_threads = rag->n_threads };
  if (rag->prefill_tps > 0)
    return TRUE;
  if (!rag_measure_speed (&options, rag->generator, &rag->estimated_tps, error))
    return FALSE;
  g_autofree char *path = NULL, *group = speed_group (rag->generator, rag->n_threads);
  g_autoptr (GKeyFile) file = load_speeds (rag->models_dir, &path);
  gsize n = 0;
  g_autofree double *seen = g_key_file_get_double_list (file, group, SEEN_KEY, &n, NULL);
  rag->seen_tps = g_array_new (FALSE, FALSE, sizeof (double));
  for (gsize i = 0; i < n; i++)
    if (seen[i] > 0) /* whatever somebody wrote there */
      g_array_append_val (rag->seen_tps, seen[i]);
  expect (rag);
  return TRUE;
}

void rag_learn_speed (Rag *rag, double tps, gboolean keep)
{
  GArray *seen = rag->seen_tps;
  g_array_append_val (seen, tps);
  if (seen->len > N_SEEN)
    g_array_remove_range (seen, 0, seen->len - N_SEEN);
  expect (rag);
  if (!keep)
    return;
  g_autofree char *path = NULL, *group = speed_group (rag->generator, rag->n_threads);
  g_autoptr (GKeyFile) file = load_speeds (rag->models_dir, &path);
  g_key_file_set_double_list (file, group, SEEN_KEY, (double *)(gpointer)seen->data, seen->len);
  g_key_file_save_to_file (file, path, NULL); /* or the next start expects what this one did */
}

void rag_forget_speed (Rag *rag)
{
  rag->prefill_tps = 0;
  g_clear_pointer (&rag->seen_tps, g_array_unref);
}

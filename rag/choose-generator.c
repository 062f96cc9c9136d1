/* Decides which of the fetched generators answers on this machine, and says why.
 *
 * In come the options, out goes a model file and a sentence for people. The largest model wins that
 * reads a prompt fast enough to be pleasant and fits into memory: a prompt costs far more than an
 * answer on a processor, so the reading speed decides (see speed.c). */
#include "rag/rag-private.h"

#include <string.h>

/* Best first. A model is taken when it reads at least this fast; the last of those that are here is
 * taken however slow it is. */
static const struct
{
  const char *name;
  double min_prefill_tps;
} preferred[] = {
  { "qwen2.5-1.5b", 60 },
  { "qwen2.5-0.5b", 0 },
  { "smollm2-135m", 0 },
};

/* Weights and KV cache may take this share of what is available: documents need the rest. */
#define MEMORY_SHARE 0.6

gboolean rag_check_memory (const EngineModel *model, guint64 limit_bytes, GError **error)
{
  const EngineModelInfo *info = engine_model_info (model);
  if (limit_bytes == 0 || info->weight_bytes <= limit_bytes)
    return TRUE;
  g_autofree char *needed = g_format_size (info->weight_bytes);
  g_autofree char *limit = g_format_size (limit_bytes);
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "“%s” needs %s for its weights, which is more than the limit of %s; raise --mem or "
               "choose a smaller model",
               info->path, needed, limit);
  return FALSE;
}

guint64 rag_available_memory (guint64 limit_bytes)
{
  guint64 available = G_MAXUINT64;
  g_autofree char *text = NULL;
  if (g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    {
      const char *line = strstr (text, "MemAvailable:");
      if (line != NULL)
        available = g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10) * 1024;
    }
  return limit_bytes > 0 ? MIN (limit_bytes, available) : available;
}

typedef struct
{
  const RagOptions *options;
  GString *passed_over; /* why better models were not taken */
} Choice;

static gboolean fits (const Choice *choice, const EngineModel *model, guint64 *ret_needed)
{
  guint64 available = rag_available_memory (choice->options->mem_limit_bytes);
  const EngineSessionOptions usual = { 0 };
  EngineMemory memory;
  engine_session_memory (model, &usual, &memory);
  *ret_needed = memory.total_bytes;
  return (double)*ret_needed <= MEMORY_SHARE * (double)available;
}

static void pass_over (Choice *choice, const char *format, ...) G_GNUC_PRINTF (2, 3);
static void pass_over (Choice *choice, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_string_append (choice->passed_over, choice->passed_over->len > 0 ? "; " : "");
  g_string_append_vprintf (choice->passed_over, format, arguments);
  va_end (arguments);
}

/* Whether the machine can serve candidate I. LAST: nothing smaller is here, so speed is no bar. */
static gboolean try_candidate (Choice *choice, guint i, const EngineStoreEntry *entry,
                               gboolean last, double *ret_tps, GError **error)
{
  GError *inner = NULL;
  guint64 needed;
  g_autoptr (EngineModel) model = engine_model_open (entry->path, &inner);
  if (model == NULL)
    {
      pass_over (choice, "%s cannot be used (%s)", entry->name, inner->message);
      g_error_free (inner);
      return FALSE;
    }
  if (!fits (choice, model, &needed))
    {
      pass_over (choice, "%s needs %.1f GB", entry->name, (double)needed / 1e9);
      return FALSE;
    }
  if (!rag_measure_speed (choice->options, model, ret_tps, error))
    return FALSE;
  if (!last && *ret_tps < preferred[i].min_prefill_tps)
    {
      pass_over (choice, "%s would read only %.0f tokens/s", entry->name, *ret_tps);
      return FALSE;
    }
  return TRUE;
}

/* The entries of preferred that have been fetched, NULL for the others. */
static guint find_candidates (const GPtrArray *entries, const EngineStoreEntry **ret_found)
{
  guint n_found = 0;
  for (guint i = 0; i < G_N_ELEMENTS (preferred); i++)
    {
      ret_found[i] = rag_find_fetched (entries, preferred[i].name);
      n_found += ret_found[i] != NULL;
    }
  return n_found;
}

static void set_none_error (const Choice *choice, GError **error)
{
  if (choice->passed_over->len > 0)
    g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED,
                 "No fetched model can run here: %s; raise --mem or fetch a smaller one with "
                 "`docent models fetch smollm2-135m`",
                 choice->passed_over->str);
  else
    g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
                 "No generator is in %s: `docent models fetch qwen2.5-0.5b` gets one (491 MB)",
                 choice->options->models_dir);
}

static gboolean choose (const RagOptions *options, const GPtrArray *entries, char **ret_path,
                        char **ret_reason, GError **error)
{
  g_autoptr (GString) passed_over = g_string_new (NULL);
  Choice choice = { options, passed_over };
  const EngineStoreEntry *found[G_N_ELEMENTS (preferred)];
  guint n_found = find_candidates (entries, found);
  for (guint i = 0; i < G_N_ELEMENTS (preferred); i++)
    {
      GError *inner = NULL;
      double tps;
      if (found[i] == NULL)
        continue;
      if (try_candidate (&choice, i, found[i], --n_found == 0, &tps, &inner))
        {
          *ret_path = g_strdup (found[i]->path);
          *ret_reason = g_strdup_printf ("%s: reads %.0f tokens/s here%s%s", found[i]->name, tps,
                                         passed_over->len > 0 ? "; " : "", passed_over->str);
          return TRUE;
        }
      if (inner != NULL)
        {
          g_propagate_error (error, inner);
          return FALSE;
        }
    }
  set_none_error (&choice, error);
  return FALSE;
}

gboolean rag_choose_generator (const RagOptions *options, char **ret_path, char **ret_reason,
                               GError **error)
{
  return rag_choose (options, options->generator, choose, ret_path, ret_reason, error);
}

/* What a change to a model has cost: size, perplexity and speed before and after.
 *
 * Every command that makes a smaller model ends with these two rows, because a model that fits and
 * talks nonsense is no gain. The text to judge by should be one that the model was not fitted to:
 * the last fifth of the documents is kept apart for that. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "models-private.h"
#include "rag/rag.h"

/* Enough text for every purpose here, and little enough to read at once. */
#define MAX_TEXT_BYTES (8 * 1000 * 1000)
#define JUDGED_TOKENS 8192
#define WRITTEN_TOKENS 32
#define WRITE_CONTEXT 256

/* ---- Texts ---- */

void cli_model_texts_clear (CliModelTexts *texts)
{
  g_clear_pointer (&texts->learn, g_free);
  g_clear_pointer (&texts->judge, g_free);
}

/* Cuts the last fifth off, between two words. */
static void split (char *whole, CliModelTexts *texts)
{
  const gsize length = strlen (whole);
  char *border = whole + length / 5 * 4;
  border += strcspn (border, " \n");
  texts->judge = g_strdup (border);
  *border = '\0';
  texts->learn = whole;
}

gboolean cli_model_texts_read (const char *documents, const char *judge, CliModelTexts *ret_texts,
                               GError **error)
{
  g_auto (CliModelTexts) texts = { NULL, NULL };
  g_autofree char *own = NULL;
  if (judge != NULL && !g_file_get_contents (judge, &own, NULL, error))
    return FALSE;
  if (documents != NULL)
    {
      g_autoptr (GPtrArray) all
          = rag_read_texts (documents, MAX_TEXT_BYTES, cli_cancellable ("stopping"), error);
      if (all == NULL)
        return FALSE;
      g_ptr_array_add (all, NULL);
      split (g_strjoinv ("\n\n", (char **)all->pdata), &texts);
    }
  if (own != NULL)
    {
      g_free (texts.judge);
      texts.judge = g_steal_pointer (&own);
    }
  ret_texts->learn = g_steal_pointer (&texts.learn);
  ret_texts->judge = g_steal_pointer (&texts.judge);
  return TRUE;
}

/* ---- Worth ---- */

gboolean cli_models_on_file (const char *name, const char *step, guint64 done, guint64 total,
                             gpointer user_data)
{
  cli_progress_bytes (user_data, name, step, done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping; nothing is left behind"));
}

gboolean cli_models_on_tokens (gsize done, gsize total, gpointer user_data)
{
  cli_progress_count (user_data, "reading", done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping"));
}

static gboolean ignore_piece (const char *piece, gpointer user_data)
{
  return TRUE;
}

/* Tokens a second of writing after a short prompt. */
static double write_speed (const CliOptions *options, EngineModel *model, const char *text)
{
  const EngineSessionOptions session_options = cli_session_options (
      options, MIN (WRITE_CONTEXT, engine_model_info (model)->n_ctx_train));
  const EngineSampling sampling = { .max_tokens = WRITTEN_TOKENS };
  EngineGeneration written = { .n_tokens = 0 };
  g_autoptr (EngineSession) session = engine_session_new (model, &session_options, NULL);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  if (session == NULL || !engine_tokenize (model, text, -1, ENGINE_TOKENIZE_ADD_SPECIAL, tokens, NULL))
    return NAN;
  g_array_set_size (tokens, MIN (tokens->len, 64));
  if (!engine_session_read (session, (const gint32 *)(gconstpointer)tokens->data, tokens->len, NULL,
                            NULL, NULL)
      || !engine_generate (session, &sampling, ignore_piece, NULL, &written, NULL)
      || written.n_tokens < 2)
    return NAN;
  return (written.n_tokens - 1) * 1000.0 / (written.total_ms - written.first_token_ms);
}

static gboolean judge (const CliOptions *options, EngineModel *model, const char *text,
                       CliModelWorth *worth, GError **error)
{
  const EngineSessionOptions session = cli_session_options (options, 0);
  EnginePerplexity result;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gint64 start = g_get_monotonic_time ();
  const gboolean ok
      = engine_perplexity (model, &session, text, -1, JUDGED_TOKENS, cli_models_on_tokens,
                           progress, &result, error);
  cli_progress_clear (progress);
  if (!ok)
    return FALSE;
  worth->perplexity = result.perplexity;
  worth->uncertainty = result.uncertainty;
  worth->read_tps = result.n_tokens * 1e6 / (g_get_monotonic_time () - start);
  worth->write_tps = write_speed (options, model, text);
  return TRUE;
}

gboolean cli_model_worth (const CliOptions *options, const char *path, const char *text,
                          CliModelWorth *ret_worth, GError **error)
{
  CliModelWorth worth = { 0, NAN, NAN, NAN, NAN };
  struct stat status;
  g_autoptr (EngineModel) model = engine_model_open (path, error);
  if (model == NULL)
    return FALSE;
  if (stat (path, &status) == 0)
    worth.bytes = status.st_size;
  if (text != NULL && engine_model_info (model)->role == ENGINE_ROLE_GENERATOR
      && !judge (options, model, text, &worth, error))
    return FALSE;
  *ret_worth = worth;
  return TRUE;
}

/* ---- Output ---- */

static void add_row (CliTable *table, const char *title, const CliModelWorth *worth)
{
  g_autofree char *size = cli_format_bytes (worth->bytes);
  g_autofree char *perplexity = isnan (worth->perplexity)
                                    ? g_strdup ("–")
                                    : g_strdup_printf ("%.3f ± %.3f", worth->perplexity,
                                                       worth->uncertainty);
  g_autofree char *read = isnan (worth->read_tps) ? g_strdup ("–")
                                                  : g_strdup_printf ("%.0f/s", worth->read_tps);
  g_autofree char *written = isnan (worth->write_tps) ? g_strdup ("–")
                                                      : g_strdup_printf ("%.1f/s", worth->write_tps);
  cli_table_add (table, title, size, perplexity, read, written, NULL);
}

static void print_worth (const CliOptions *options, const CliModelWorth *before,
                         const CliModelWorth *after)
{
  g_autoptr (CliTable) table = cli_table_new ("<|>Size|>Perplexity|>Reads|>Writes");
  add_row (table, "before", before);
  add_row (table, "after", after);
  cli_table_print (table, options);
}

static void json_worth (JsonBuilder *json, const char *name, const CliModelWorth *worth)
{
  cli_json_object (json, name);
  cli_json_int (json, "bytes", worth->bytes);
  cli_json_double (json, "perplexity", worth->perplexity);
  cli_json_double (json, "uncertainty", worth->uncertainty);
  cli_json_double (json, "read_tps", worth->read_tps);
  cli_json_double (json, "write_tps", worth->write_tps);
  json_builder_end_object (json);
}

static void json_change (JsonBuilder *json, const CliModelChange *change)
{
  cli_json_string (json, "path", change->path);
  if (change->type != NULL)
    {
      cli_json_string (json, "type", change->type);
      cli_json_bool (json, "calibrated", change->calibrated);
    }
  if (change->dropped_layers == NULL)
    return;
  cli_json_array (json, "dropped_layers");
  for (guint i = 0; i < change->dropped_layers->len; i++)
    cli_json_int (json, NULL, g_array_index (change->dropped_layers, guint, i));
  json_builder_end_array (json);
  cli_json_int (json, "dropped_heads", change->dropped_heads);
}

static void print_change (const CliModelChange *change)
{
  g_autofree char *shown = cli_short_path (change->path);
  printf ("Wrote %s", shown);
  for (guint i = 0; change->dropped_layers != NULL && i < change->dropped_layers->len; i++)
    printf ("%s %u", i == 0 ? " without layers" : ",",
            g_array_index (change->dropped_layers, guint, i));
  if (change->dropped_heads > 0)
    printf ("%s %u heads of each layer",
            change->dropped_layers->len > 0 ? " and" : " without", change->dropped_heads);
  printf ("\n\n");
}

void cli_models_report (const CliOptions *options, const CliModelChange *change,
                        const CliModelWorth *before, const CliModelWorth *after)
{
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      json_change (json, change);
      json_worth (json, "before", before);
      json_worth (json, "after", after);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  else if (!options->quiet)
    {
      print_change (change);
      print_worth (options, before, after);
    }
}

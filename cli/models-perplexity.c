/* docent models perplexity: how well a generator foresees a text.
 *
 * One figure for a model's quality on a text, lower is better, that can be compared between files of
 * the same model and with what llama.cpp prints for the same text and context. */
#include <string.h>

#include "engine/engine.h"
#include "models-private.h"

#define MAX_TEXT_BYTES (64 * 1000 * 1000)
#define MAX_CONTEXT (1 << 20)

static int max_tokens, n_ctx;

const GOptionEntry cli_models_perplexity_options[] = {
  { "tokens", 0, 0, G_OPTION_ARG_INT, &max_tokens, "read the first N tokens only (default: all)",
    "N" },
  { "context", 0, 0, G_OPTION_ARG_INT, &n_ctx, "cut the text into pieces of N (default: 512)",
    "N" },
  { NULL },
};

/* FILE, or standard input for "-". */
static GBytes *read_text (const char *path, GError **error)
{
  if (strcmp (path, "-") == 0)
    return cli_read_stdin (MAX_TEXT_BYTES, "the text", error);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL)
    return NULL;
  if (g_mapped_file_get_length (file) > MAX_TEXT_BYTES)
    {
      g_autofree char *shown = cli_short_path (path);
      g_autofree char *most = cli_format_bytes (MAX_TEXT_BYTES);
      g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED,
                   "%s is longer than %s; a part of it says as much", shown, most);
      return NULL;
    }
  return g_mapped_file_get_bytes (file);
}

static gboolean on_progress (gsize done, gsize total, gpointer user_data)
{
  cli_progress_count (user_data, "reading", done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping"));
}

static void print_result (const CliOptions *options, const EngineModelInfo *info,
                          const EnginePerplexity *result)
{
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_string (json, "path", info->path);
      cli_json_double (json, "perplexity", result->perplexity);
      cli_json_double (json, "uncertainty", result->uncertainty);
      cli_json_double (json, "mean_surprise", result->mean_surprise);
      cli_json_int (json, "tokens", result->n_tokens);
      cli_json_int (json, "scored", result->n_scored);
      json_builder_end_object (json);
      cli_json_print (json);
      return;
    }
  g_autofree char *scored = cli_format_count (result->n_scored);
  g_autofree char *read = cli_format_count (result->n_tokens);
  printf ("Perplexity %.4f ± %.4f (%s tokens scored, %s read)\n", result->perplexity,
          result->uncertainty, scored, read);
}

CliExit cli_models_perplexity (const CliOptions *options, int argc, char **argv)
{
  if (max_tokens < 0 || n_ctx < 0 || n_ctx > MAX_CONTEXT)
    return cli_usage ("models perplexity", "--tokens and --context take numbers from 1");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  g_autoptr (GBytes) bytes = model != NULL ? read_text (argv[1], &error) : NULL;
  if (bytes == NULL)
    return cli_fail (error);
  const EngineSessionOptions session = cli_session_options (options, n_ctx);
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  EnginePerplexity result;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gboolean ok = engine_perplexity (model, &session, text != NULL ? text : "", length,
                                         max_tokens, on_progress, progress, &result, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  print_result (options, engine_model_info (model), &result);
  return CLI_DONE;
}

/* docent models quantise: a smaller model, fitted to the user's own documents.
 *
 * With --calibrate the model reads those documents first, and what they make much use of is rounded
 * with more care. The last fifth of them is not shown to it and tells afterwards what was lost. */
#include "engine/engine.h"
#include "models-private.h"

#define DEFAULT_TOKENS 16384

static char *calibrate, *text;
static int n_tokens = DEFAULT_TOKENS;

const GOptionEntry cli_models_quantise_options[] = {
  { "calibrate", 0, 0, G_OPTION_ARG_FILENAME, &calibrate,
    "spare the weights that these documents use (a file or folder)", "PATH" },
  { "tokens", 0, 0, G_OPTION_ARG_INT, &n_tokens, "of them to read (default: 16384)", "N" },
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text,
    "measure perplexity and speed on this text (default: a fifth of the documents)", "FILE" },
  { NULL },
};

static EngineImportance *collect (const CliOptions *options, EngineModel *model, const char *learn,
                                  GError **error)
{
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const EngineSessionOptions session = cli_session_options (options, 0);
  EngineImportance *importance = engine_importance_collect (
      model, &session, &learn, 1, n_tokens, cli_models_on_tokens, progress, error);
  cli_progress_clear (progress);
  return importance;
}

static gboolean quantise (const CliOptions *options, EngineModel *model, const char *path,
                          const char *type, const char *learn, GError **error)
{
  g_autoptr (EngineImportance) importance = NULL;
  if (learn != NULL)
    {
      importance = collect (options, model, learn, error);
      if (importance == NULL)
        return FALSE;
    }
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gboolean ok = engine_quantise_file (model, path, type, importance, cli_models_on_file,
                                            progress, error);
  cli_progress_clear (progress);
  return ok;
}

CliExit cli_models_quantise (const CliOptions *options, int argc, char **argv)
{
  if (n_tokens < 1)
    return cli_usage ("models quantise", "--tokens takes a number from 1");
  g_autoptr (GError) error = NULL;
  g_auto (CliModelTexts) texts = { NULL, NULL };
  g_autofree char *type = g_ascii_strup (argv[2], -1);
  CliModelWorth before, after;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  if (model == NULL || !cli_model_texts_read (calibrate, text, &texts, &error)
      || !quantise (options, model, argv[1], type, texts.learn, &error)
      || !cli_model_worth (options, engine_model_info (model)->path, texts.judge, &before, &error)
      || !cli_model_worth (options, argv[1], texts.judge, &after, &error))
    return cli_fail (error);
  const CliModelChange change
      = { .path = argv[1], .type = type, .calibrated = calibrate != NULL };
  cli_models_report (options, &change, &before, &after);
  return CLI_DONE;
}

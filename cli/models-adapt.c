/* docent models adapt: a model and its adapters become one file. */
#include "engine/engine.h"
#include "models-private.h"

static char *text;

const GOptionEntry cli_models_adapt_options[] = {
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text, "measure perplexity and speed on this text",
    "FILE" },
  { NULL },
};

static gboolean merge (const CliOptions *options, EngineModel *model, const char *path,
                       GError **error)
{
  g_autoptr (GArray) scales = NULL;
  g_autoptr (GPtrArray) all = NULL;
  if (!engine_adapters_open (model, (const char *const *)options->adapters, &all, &scales, error))
    return FALSE;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gboolean ok = engine_adapt_file (
      model, (EngineAdapter *const *)all->pdata, (const float *)(gconstpointer)scales->data,
      all->len, path, cli_models_on_file, progress, error);
  cli_progress_clear (progress);
  return ok;
}

CliExit cli_models_adapt (const CliOptions *options, int argc, char **argv)
{
  if (options->adapters == NULL)
    return cli_usage ("models adapt", "--adapter names what to merge");
  g_autoptr (GError) error = NULL;
  g_auto (CliModelTexts) texts = { NULL, NULL };
  CliModelWorth before, after;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  if (model == NULL || !cli_model_texts_read (NULL, text, &texts, &error)
      || !merge (options, model, argv[1], &error)
      || !cli_model_worth (options, engine_model_info (model)->path, texts.judge, &before, &error)
      || !cli_model_worth (options, argv[1], texts.judge, &after, &error))
    return cli_fail (error);
  const CliModelChange change = { .path = argv[1] };
  cli_models_report (options, &change, &before, &after);
  return CLI_DONE;
}

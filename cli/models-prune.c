/* docent models prune: a generator without the layers or heads that do least in one's documents.
 *
 * The model reads most of the documents to find those, and the last fifth of them tells afterwards
 * what was lost. */
#include "engine/engine.h"
#include "models-private.h"

#define DEFAULT_TOKENS 4096

static char *calibrate, *text;
static int n_tokens = DEFAULT_TOKENS, n_layers, n_heads;

const GOptionEntry cli_models_prune_options[] = {
  { "layers", 0, 0, G_OPTION_ARG_INT, &n_layers, "layers to drop", "N" },
  { "heads", 0, 0, G_OPTION_ARG_INT, &n_heads, "heads of each layer to drop", "N" },
  { "calibrate", 0, 0, G_OPTION_ARG_FILENAME, &calibrate,
    "see in these documents what does least (a file or folder)", "PATH" },
  { "tokens", 0, 0, G_OPTION_ARG_INT, &n_tokens, "of them to read (default: 4096)", "N" },
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text,
    "measure perplexity and speed on this text (default: a fifth of the documents)", "FILE" },
  { NULL },
};

static gboolean prune (const CliOptions *options, EngineModel *model, const char *path,
                       const char *learn, GArray **ret_layers, GError **error)
{
  const EnginePruneOptions how = { .drop_layers = n_layers,
                                   .drop_heads = n_heads,
                                   .texts = &learn,
                                   .n_texts = 1,
                                   .max_tokens = n_tokens,
                                   .session = cli_session_options (options, 0) };
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gboolean ok
      = engine_prune_file (model, &how, path, cli_models_on_tokens, progress, ret_layers, error);
  cli_progress_clear (progress);
  return ok;
}

CliExit cli_models_prune (const CliOptions *options, int argc, char **argv)
{
  if (n_layers < 0 || n_heads < 0 || n_layers + n_heads == 0 || n_tokens < 1)
    return cli_usage ("models prune", "--layers or --heads, and --tokens, take a number from 1");
  if (calibrate == NULL)
    return cli_usage ("models prune", "--calibrate names the documents to see what does least");
  g_autoptr (GError) error = NULL;
  g_auto (CliModelTexts) texts = { NULL, NULL };
  g_autoptr (GArray) layers = NULL;
  CliModelWorth before, after;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  if (model == NULL || !cli_model_texts_read (calibrate, text, &texts, &error)
      || !prune (options, model, argv[1], texts.learn, &layers, &error)
      || !cli_model_worth (options, engine_model_info (model)->path, texts.judge, &before, &error)
      || !cli_model_worth (options, argv[1], texts.judge, &after, &error))
    return cli_fail (error);
  const CliModelChange change
      = { .path = argv[1], .dropped_layers = layers, .dropped_heads = n_heads };
  cli_models_report (options, &change, &before, &after);
  return CLI_DONE;
}

/* The parts of `docent models` that look into model files: models-files.c, models-perplexity.c. */
#pragma once

#include "cli-private.h"
#include "engine/engine.h"

extern const GOptionEntry cli_models_convert_options[], cli_models_inspect_options[],
    cli_models_tokenize_options[], cli_models_perplexity_options[], cli_models_quantise_options[],
    cli_models_adapt_options[], cli_models_distil_options[],
    cli_models_prune_options[];
CliExit cli_models_inspect (const CliOptions *options, int argc, char **argv);
CliExit cli_models_convert (const CliOptions *options, int argc, char **argv);
CliExit cli_models_tokenize (const CliOptions *options, int argc, char **argv);
CliExit cli_models_perplexity (const CliOptions *options, int argc, char **argv);
CliExit cli_models_adapt (const CliOptions *options, int argc, char **argv);
CliExit cli_models_distil (const CliOptions *options, int argc, char **argv);
CliExit cli_models_prune (const CliOptions *options, int argc, char **argv);
CliExit cli_models_quantise (const CliOptions *options, int argc, char **argv);

/* MODEL is a name of the store, a file in it, or a path. */
EngineModel *cli_models_open (const CliOptions *options, const char *model, GError **error);
/* With --threads, --mem and --kv-cache. */
EngineSessionOptions cli_session_options (const CliOptions *options, int n_ctx_wanted);
/* Bytes that can be allocated without swapping, or --mem when that is less; 0: not known. */
guint64 cli_memory_available (const CliOptions *options);

/* ---- Before and after: models-measure.c ---- */

/* What a model file is worth; figures that were not taken are NaN. */
typedef struct
{
  guint64 bytes;
  double perplexity, uncertainty;
  double read_tps, write_tps; /* tokens a second */
} CliModelWorth;

/* Texts for a model: to learn from, and to be judged by. The last fifth of what DOCUMENTS (a file or
 * folder, or NULL) hold is kept for judging, unless JUDGE names a text file of its own. */
typedef struct
{
  char *learn, *judge; /* NULL: none */
} CliModelTexts;
void cli_model_texts_clear (CliModelTexts *texts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliModelTexts, cli_model_texts_clear)
gboolean cli_model_texts_read (const char *documents, const char *judge, CliModelTexts *ret_texts,
                               GError **error);

/* Judges the model at PATH by TEXT; only its size without one, or when it is no generator. */
gboolean cli_model_worth (const CliOptions *options, const char *path, const char *text,
                          CliModelWorth *ret_worth, GError **error);
/* What was done to a model. */
typedef struct
{
  const char *path; /* where the new one is */
  const char *type; /* NULL: types stayed */
  gboolean calibrated;
  const GArray *dropped_layers; /* of guint; NULL: it was not pruned */
  guint dropped_heads;          /* of each layer */
} CliModelChange;
/* Says that it was written, and what the model was and is. */
void cli_models_report (const CliOptions *options, const CliModelChange *change,
                        const CliModelWorth *before, const CliModelWorth *after);
/* As engine's progress: shows it, and stops when the user says so. */
gboolean cli_models_on_file (const char *name, const char *step, guint64 done, guint64 total,
                             gpointer user_data);
gboolean cli_models_on_tokens (gsize done, gsize total, gpointer user_data);

/* The parts of `docent models` that look into model files: models-files.c, models-perplexity.c. */
#pragma once

#include "cli-private.h"

extern const GOptionEntry cli_models_convert_options[], cli_models_tokenize_options[],
    cli_models_perplexity_options[];
CliExit cli_models_inspect (const CliOptions *options, int argc, char **argv);
CliExit cli_models_convert (const CliOptions *options, int argc, char **argv);
CliExit cli_models_tokenize (const CliOptions *options, int argc, char **argv);
CliExit cli_models_perplexity (const CliOptions *options, int argc, char **argv);

/* MODEL is a name of the store, a file in it, or a path. */
struct _EngineModel *cli_models_open (const CliOptions *options, const char *model, GError **error);
/* Bytes that can be allocated without swapping, or --mem when that is less; 0: not known. */
guint64 cli_memory_available (const CliOptions *options);

/* cli: the only room that prints, reads configuration and exits.
 *
 * One file per command, named after it; the table in commands.c has name, one-line help and
 * function, and `docent help` and the shell completions are generated from it. Options common to
 * all commands are parsed by options.c before or after the command's name. */
#pragma once

#include <glib.h>

#include "rag/rag.h"

typedef enum
{
  CLI_DONE = 0,
  CLI_FAILED = 1,
  CLI_USAGE = 2,
  CLI_REFUSED = 3, /* refused, or nothing found */
  CLI_PARTLY = 4,  /* some files failed; each is named */
} CliExit;

typedef struct
{
  char *library_dir, *models_dir, *collection, *model, *encoder;
  gboolean json, quiet, verbose;
  int threads;
  guint64 mem_bytes;
  gboolean colour;      /* standard output is a terminal and NO_COLOR is not set */
  gboolean interactive; /* standard error is a terminal: progress may be redrawn */
} CliOptions;

typedef struct
{
  const char *name;
  const char *arguments; /* "PATH…" */
  const char *help;      /* one line */
  CliExit (*run) (const CliOptions *options, int argc, char **argv);
} CliCommand;

extern const CliCommand cli_commands[]; /* ends with a NULL name */

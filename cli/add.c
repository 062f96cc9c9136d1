/* docent add PATH…: reads files and folders into the library.
 *
 * Folders are remembered, so that `docent sync` finds what changed in them. A file that cannot be
 * read is named and the others go in (exit code 4). */
#include "cli-private.h"

static RagAddOptions how;
static char *tag;

const GOptionEntry cli_add_options[] = {
  { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &how.dry_run, "say what would be done, change nothing",
    NULL },
  { "no-embed", 0, 0, G_OPTION_ARG_NONE, &how.no_embed,
    "find by words only for now; 'docent sync' adds the rest", NULL },
  { "tag", 0, 0, G_OPTION_ARG_FILENAME, &tag, "put TAG on the documents", "TAG" },
  { "unsandboxed", 0, 0, G_OPTION_ARG_NONE, &how.unsandboxed,
    "read files although this system has no sandbox for their parsers", NULL },
  { NULL },
};

CliExit cli_add (const CliOptions *options, int argc, char **argv)
{
  for (int i = 0; i < argc; i++)
    if (*argv[i] == '\0')
      return cli_usage ("add", "argument %d is empty", i + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  const CliExit code = cli_take_in (options, rag, (const char *const *)argv, argc, how);
  for (int i = 0; tag != NULL && !how.dry_run && i < argc; i++)
    if (!rag_set_tag (rag, argv[i], tag, TRUE, NULL, &error))
      return cli_fail (error);
  return code;
}

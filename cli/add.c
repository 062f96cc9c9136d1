/* docent add PATH…: reads files and folders into the library.
 *
 * Folders are remembered, so that `docent sync` finds what changed in them. A file that cannot be
 * read is named and the others go in (exit code 4). */
#include "cli-private.h"

static RagAddOptions how;
static char *ocr;
static char *tag;
static char **include, **exclude;

const GOptionEntry cli_add_options[] = {
  { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &how.dry_run, "say what would be done, change nothing",
    NULL },
  { "no-embed", 0, 0, G_OPTION_ARG_NONE, &how.no_embed,
    "find by words only for now; 'docent sync' adds the rest", NULL },
  { "tag", 0, 0, G_OPTION_ARG_FILENAME, &tag, "put TAG on the documents", "TAG" },
  { "include", 'i', 0, G_OPTION_ARG_STRING_ARRAY, &include,
    "of a folder read only files that match, such as '*.pdf' or 'reports/**'; may be repeated",
    "GLOB" },
  { "exclude", 'x', 0, G_OPTION_ARG_STRING_ARRAY, &exclude,
    "leave out files and folders that match, such as 'drafts/'; may be repeated", "GLOB" },
  CLI_READING_OPTIONS (ocr, how.unsandboxed),
  { NULL },
};

CliExit cli_add (const CliOptions *options, int argc, char **argv)
{
  if (!cli_parse_ocr (ocr, &how.ocr))
    return cli_usage ("add", CLI_OCR_PROBLEM, ocr);
  for (int i = 0; i < argc; i++)
    if (*argv[i] == '\0')
      return cli_usage ("add", "argument %d is empty", i + 1);
  g_autofree char *wanted = include != NULL ? g_strjoinv ("\n", include) : NULL;
  g_autofree char *unwanted = exclude != NULL ? g_strjoinv ("\n", exclude) : NULL;
  how.include = wanted;
  how.exclude = unwanted;
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

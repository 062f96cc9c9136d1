/* docent sync: looks again at everything that was added.
 *
 * Meant for cron: quick when nothing changed, and when another docent is at work on the library it
 * says so and leaves with exit code 0, because that run does what this one would. With --watch it
 * stays and does the same whenever something changes. */
#include "cli-private.h"

static RagAddOptions how;
static char *ocr;
static gboolean watching;

/* Long enough for a program that saves in several steps. */
#define QUIET_MS 1000
#define BUSY_WAIT_MS 5000

const GOptionEntry cli_sync_options[] = {
  { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &how.dry_run, "say what would be done, change nothing",
    NULL },
  { "watch", 'w', 0, G_OPTION_ARG_NONE, &watching,
    "stay, and look again whenever something changes, until Ctrl-C", NULL },
  { "no-embed", 0, 0, G_OPTION_ARG_NONE, &how.no_embed, "find by words only for now", NULL },
  CLI_READING_OPTIONS (ocr, how.unsandboxed),
  { NULL },
};

static CliExit leave_to_the_other (const CliOptions *options)
{
  cli_note (options, "Another docent is writing to this library; nothing was done.");
  if (options->json)
    {
      g_autoptr (GPtrArray) none = g_ptr_array_new ();
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      static const char *const counts[]
          = { "added", "updated", "unchanged", "removed", "moved", "reembedded", "pages", "chunks", "ocr_pages",
              "seconds" };
      for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
        cli_json_int (json, counts[i], 0);
      cli_json_failures (json, "failed", none);
      cli_json_failures (json, "partly", none);
      cli_json_bool (json, "busy", TRUE);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  return CLI_DONE;
}

/* Waits a while, or until Ctrl-C. */
static void wait_for_the_other (GCancellable *cancellable)
{
  GPollFD cancel;
  if (!g_cancellable_make_pollfd (cancellable, &cancel))
    return;
  g_poll (&cancel, 1, BUSY_WAIT_MS);
  g_cancellable_release_fd (cancellable);
}

/* The library is open only while it is read into, so that other commands have their turn. */
static CliExit watch (const CliOptions *options)
{
  GCancellable *cancellable = cli_cancellable ("stopping; what was read stays");
  CliExit code = CLI_DONE;
  while (!g_cancellable_is_cancelled (cancellable))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (RagWatch) changes = NULL;
      g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
      if (g_error_matches (error, RAG_ERROR, RAG_ERROR_BUSY))
        {
          wait_for_the_other (cancellable);
          continue;
        }
      if (rag == NULL || (changes = rag_watch_new (rag, &error)) == NULL)
        return cli_fail (error);
      code = cli_take_in (options, rag, NULL, 0, how);
      fflush (stdout);
      g_clear_pointer (&rag, rag_close);
      if (code == CLI_FAILED || !rag_watch_wait (changes, QUIET_MS, cancellable))
        break;
    }
  return code == CLI_FAILED && g_cancellable_is_cancelled (cancellable) ? CLI_DONE : code;
}

CliExit cli_sync (const CliOptions *options, int argc, char **argv)
{
  if (!cli_parse_ocr (ocr, &how.ocr))
    return cli_usage ("sync", CLI_OCR_PROBLEM, ocr);
  if (watching && how.dry_run)
    return cli_usage ("sync", "--watch and --dry-run exclude one another");
  if (watching)
    return watch (options);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (g_error_matches (error, RAG_ERROR, RAG_ERROR_BUSY))
    return leave_to_the_other (options);
  if (rag == NULL)
    return cli_fail (error);
  return cli_take_in (options, rag, NULL, 0, how);
}

/* What `add` and `sync` have in common: they take files in, say how far they are, and sum up.
 *
 * Every document is a transaction of its own, so stopping at any point loses nothing, and running
 * the same command again goes on. The summary names every file that was not read with its reason:
 * on standard error, also with --quiet, so that a nightly run mails exactly those. */
#include "cli-private.h"

gboolean cli_parse_ocr (const char *value, RagOcr *ret_ocr)
{
  static const char *const values[] = { "auto", "never", "always", NULL };
  for (guint i = 0; values[i] != NULL; i++)
    if (value != NULL && strcmp (value, values[i]) == 0)
      *ret_ocr = (RagOcr)i;
  return value == NULL || g_strv_contains (values, value);
}

static void on_progress (const RagAddProgress *now, gpointer user_data)
{
  CliProgress *progress = user_data;
  if (!cli_progress_due (progress))
    return;
  if (now->to_reembed > 0)
    {
      cli_progress_count (progress, "read for the encoder that takes over", now->reembedded,
                          now->to_reembed);
      return;
    }
  g_autofree char *pages = cli_format_plural (now->pages_done, "page", "pages");
  g_autofree char *name = g_path_get_basename (now->path != NULL ? now->path : "");
  g_autofree char *eta = now->eta_seconds >= 0 ? cli_format_duration (now->eta_seconds) : NULL;
  g_autofree char *bar = cli_progress_bar (progress, now->bytes_done, now->bytes_total);
  cli_progress_show (progress, "%sfile %u of %u, %s%s%s%s%s%s", bar,
                     MIN (now->files_done + 1, now->files_total), now->files_total, pages,
                     eta != NULL ? ", " : "", eta != NULL ? eta : "", eta != NULL ? " left" : "",
                     now->path != NULL ? ": " : "", now->path != NULL ? name : "");
}

static void print_json (const RagAddReport *report, gboolean dry_run)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_int (json, "added", report->added);
  cli_json_int (json, "updated", report->updated);
  cli_json_int (json, "unchanged", report->unchanged);
  cli_json_int (json, "removed", report->removed);
  cli_json_int (json, "moved", report->moved);
  cli_json_int (json, "reembedded", report->reembedded);
  cli_json_failures (json, "failed", report->failed);
  cli_json_failures (json, "partly", report->partly);
  cli_json_int (json, "ocr_pages", report->ocr_pages);
  cli_json_int (json, "pages", report->pages);
  cli_json_int (json, "chunks", report->chunks);
  cli_json_double (json, "seconds", report->seconds);
  cli_json_bool (json, "dry_run", dry_run);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void append_part (GString *line, guint n, const char *what)
{
  g_autofree char *count = cli_format_count (n);
  if (n > 0)
    g_string_append_printf (line, "%s%s %s", line->len > 0 ? ", " : "", count, what);
}

/* "12 documents added, 3 unchanged; 240 pages in 14 s." */
static void print_summary (const RagAddReport *report, gboolean dry_run)
{
  g_autoptr (GString) line = g_string_new (NULL);
  append_part (line, report->added, "added");
  append_part (line, report->updated, "updated");
  append_part (line, report->moved, "moved");
  append_part (line, report->removed, "removed");
  append_part (line, report->unchanged, "unchanged");
  append_part (line, report->failed->len, "not read");
  if (report->encoder != NULL)
    {
      g_autofree char *passages = cli_format_plural (report->reembedded, "passage", "passages");
      printf ("The library has a new encoder; it read %s.\n", passages);
    }
  if (line->len == 0)
    {
      puts ("There were no documents to read.");
      return;
    }
  g_autofree char *seconds = cli_format_duration (report->seconds);
  printf ("%sDocuments: %s", dry_run ? "Would be: " : "", line->str);
  if (!dry_run && report->pages > 0)
    {
      g_autofree char *pages = cli_format_plural (report->pages, "page", "pages");
      g_autofree char *chunks = cli_format_plural (report->chunks, "passage", "passages");
      printf ("; %s as %s in %s", pages, chunks, seconds);
    }
  puts (".");
}

static void print_failures (const CliOptions *options, const char *what, const GPtrArray *failed)
{
  fflush (stdout);
  for (guint i = 0; i < failed->len; i++)
    {
      g_autofree char *line = cli_failure_line (options, g_ptr_array_index (failed, i));
      fprintf (stderr, "%s: %s\n", what, line);
    }
}

CliExit cli_take_in (const CliOptions *options, Rag *rag, const char *const *paths, gsize n_paths,
                     RagAddOptions how)
{
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  how.collection = options->collection;
  how.progress = on_progress;
  how.user_data = progress;
  how.cancellable = cli_cancellable ("stopping; what was read stays");
  g_autoptr (GError) error = NULL;
  g_autoptr (RagAddReport) report
      = paths != NULL ? rag_add (rag, paths, n_paths, &how, &error) : rag_sync (rag, &how, &error);
  cli_progress_clear (progress);
  if (report == NULL)
    return cli_fail (error);
  if (options->json)
    print_json (report, how.dry_run);
  else if (!options->quiet)
    print_summary (report, how.dry_run);
  print_failures (options, "not read", report->failed);
  print_failures (options, "partly read", report->partly);
  return report->failed->len > 0 ? CLI_PARTLY : CLI_DONE;
}

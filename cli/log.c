/* docent log: what was done to the library, and whether the log itself is whole. */
#include <string.h>

#include "cli-private.h"

static char *path;

const GOptionEntry cli_log_options[] = {
  { "of", 0, 0, G_OPTION_ARG_FILENAME, &path, "only what concerns the document with this path",
    "PATH" },
  { NULL },
};

static void print_event (const RagEvent *event, JsonBuilder *json)
{
  g_autoptr (GDateTime) at = g_date_time_new_from_unix_utc (event->at);
  g_autofree char *date = at != NULL ? g_date_time_format_iso8601 (at) : g_strdup ("?");
  if (json != NULL)
    {
      cli_json_object (json, NULL);
      cli_json_int (json, "seq", event->seq);
      cli_json_string (json, "at", date);
      cli_json_string (json, "action", event->action);
      cli_json_string (json, "subject", event->subject);
      cli_json_string (json, "hash", event->hash);
      json_builder_end_object (json);
      return;
    }
  g_autofree char *action = cli_escape_line (event->action);
  g_autofree char *subject = cli_escape_line (event->subject);
  printf ("%6" G_GINT64_FORMAT "  %s  %-6s  %s\n", event->seq, date, action, subject);
}

static void print_events (const CliOptions *options, const GPtrArray *events, gint64 forged)
{
  g_autofree char *absolute = path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
  g_autofree char *wanted
      = absolute != NULL ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, absolute, -1) : NULL;
  g_autoptr (JsonBuilder) json = options->json ? json_builder_new () : NULL;
  if (json != NULL)
    {
      cli_json_object (json, NULL);
      cli_json_array (json, "events");
    }
  for (guint i = 0; i < events->len; i++)
    {
      const RagEvent *event = g_ptr_array_index (events, i);
      if (wanted == NULL || strcmp (event->subject, wanted) == 0)
        print_event (event, json);
    }
  if (json == NULL)
    return;
  json_builder_end_array (json);
  cli_json_bool (json, "whole", forged == 0);
  json_builder_end_object (json);
  cli_json_print (json);
}

CliExit cli_log (const CliOptions *options, int argc, char **argv)
{
  gint64 forged;
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  g_autoptr (GPtrArray) events = rag != NULL ? rag_log (rag, &forged, &error) : NULL;
  if (events == NULL)
    return cli_fail (error);
  print_events (options, events, forged);
  if (forged == 0)
    return CLI_DONE;
  cli_warn ("the log was altered or damaged at entry %" G_GINT64_FORMAT, forged);
  return CLI_FAILED;
}

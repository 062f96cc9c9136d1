/* docent fsck: is the library intact? With --repair, what can be rebuilt is rebuilt. */
#include "cli-private.h"

static gboolean repair;

const GOptionEntry cli_fsck_options[] = {
  { "repair", 0, 0, G_OPTION_ARG_NONE, &repair, "rebuild what can be rebuilt", NULL },
  { NULL },
};

typedef struct
{
  const CliOptions *options;
  JsonBuilder *json;
} Report;

static void on_problem (const char *problem, gboolean repaired, gpointer user_data)
{
  const Report *report = user_data;
  cli_json_object (report->json, NULL);
  cli_json_string (report->json, "problem", problem);
  cli_json_bool (report->json, "repaired", repaired);
  json_builder_end_object (report->json);
  if (report->options->json)
    return;
  g_autofree char *safe = cli_escape_line (problem);
  printf ("%s%s\n", safe, repaired ? " (repaired)" : "");
}

CliExit cli_fsck (const CliOptions *options, int argc, char **argv)
{
  if (options->role != NULL)
    return cli_usage ("fsck", "fsck reads everything: leave out --as");
  g_autoptr (JsonBuilder) json = json_builder_new ();
  Report report = { options, json };
  cli_json_object (json, NULL);
  cli_json_array (json, "problems");
  g_autoptr (GError) error = NULL;
  guint remaining = 0;
  if (!rag_fsck (options->library_dir, repair, on_problem, &report, &remaining, &error))
    return cli_fail (error);
  json_builder_end_array (json);
  cli_json_int (json, "remaining", remaining);
  json_builder_end_object (json);
  if (options->json)
    cli_json_print (json);
  else if (remaining == 0)
    cli_note (options, "The library is intact.");
  else
    cli_note (options, "%u %s%s", remaining, remaining == 1 ? "problem remains" : "problems remain",
              repair ? "; add the documents again to a new library (docent --library DIR add …)."
                     : "; docent fsck --repair rebuilds what can be rebuilt.");
  return remaining == 0 ? CLI_DONE : CLI_FAILED;
}

/* docent schedule digest|sync|feed --at 06:30: lets a command run every day, without a person.
 *
 * In: a command and a time. Out: a systemd user timer where systemd runs for this user, otherwise a
 * line for crontab. What would be written is shown first and written only with --yes. The job runs at
 * low priority; the library's lock keeps two from running at once. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

static char *at_text = "06:30", *kind;
static gboolean yes, remove_it;

const GOptionEntry cli_schedule_options[] = {
  { "at", 0, 0, G_OPTION_ARG_STRING, &at_text, "time of day (default: 06:30)", "HH:MM" },
  { "with", 0, 0, G_OPTION_ARG_STRING, &kind, "systemd or cron (default: what is there)", "KIND" },
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "write it, not only show it", NULL },
  { "remove", 0, 0, G_OPTION_ARG_NONE, &remove_it, "end it", NULL },
  { NULL },
};

typedef struct
{
  const char *name; /* what is scheduled */
  char *unit;       /* "docent-digest" */
  char *command;    /* quoted for a shell */
  guint hour, minute;
} Job;

static void job_clear (Job *job)
{
  g_free (job->unit);
  g_free (job->command);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

/* The program as it was called is what will run: an installed one, or the one in a build folder. */
static char *command_of (const CliOptions *options, const char *name)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *quoted = g_shell_quote (program != NULL ? program : "docent");
  g_autofree char *library = g_shell_quote (options->library_dir);
  g_autofree char *collection
      = options->collection != NULL ? g_shell_quote (options->collection) : NULL;
  return g_strdup_printf ("%s --quiet --library %s%s%s %s", quoted, library,
                          collection != NULL ? " --collection " : "",
                          collection != NULL ? collection : "",
                          strcmp (name, "feed") == 0 ? "feed poll" : name);
}

static CliExit read_job (const CliOptions *options, const char *name, Job *job)
{
  char rest = 0;
  static const char *const names[] = { "digest", "sync", "feed", NULL };
  if (!g_strv_contains (names, name))
    return cli_usage ("schedule", "digest, sync and feed can be scheduled, not “%s”", name);
  if (sscanf (at_text, "%2u:%2u%c", &job->hour, &job->minute, &rest) != 2 || job->hour > 23
      || job->minute > 59)
    return cli_usage ("schedule", "--at takes a time such as 06:30, not “%s”", at_text);
  if (kind != NULL && strcmp (kind, "systemd") != 0 && strcmp (kind, "cron") != 0)
    return cli_usage ("schedule", "--with takes systemd or cron, not “%s”", kind);
  if (strpbrk (options->library_dir, "\n%") != NULL
      || (options->collection != NULL && strpbrk (options->collection, "\n%") != NULL))
    return cli_usage ("schedule", "neither library nor collection may have %% or a line break");
  job->name = name;
  job->unit = g_strdup_printf ("docent-%s", name);
  job->command = command_of (options, name);
  return CLI_DONE;
}

/* ---- systemd ---- */

static char *unit_path (const Job *job, const char *ending)
{
  g_autofree char *file = g_strdup_printf ("%s.%s", job->unit, ending);
  return g_build_filename (g_get_user_config_dir (), "systemd", "user", file, NULL);
}

/* Exit codes 3 and 4 are results: nothing is new, some files could not be read. */
static char *service_text (const Job *job)
{
  return g_strdup_printf ("[Unit]\nDescription=docent %s\nConditionACPower=true\n\n[Service]\n"
                          "Type=oneshot\nExecStart=%s\nSuccessExitStatus=3 4\nNice=19\n"
                          "IOSchedulingClass=idle\n",
                          job->name, job->command);
}

static char *timer_text (const Job *job)
{
  return g_strdup_printf ("[Unit]\nDescription=docent %s every day\n\n[Timer]\n"
                          "OnCalendar=*-*-* %02u:%02u:00\nPersistent=true\n\n"
                          "[Install]\nWantedBy=timers.target\n",
                          job->name, job->hour, job->minute);
}

static gboolean write_unit (const char *path, const char *text, GError **error)
{
  g_autofree char *dir = g_path_get_dirname (path);
  if (g_mkdir_with_parents (dir, 0700) == 0)
    return g_file_set_contents (path, text, -1, error);
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "%s cannot be made: %s", dir,
               g_strerror (errno));
  return FALSE;
}

static CliExit use_systemd (const CliOptions *options, const Job *job)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *service_path = unit_path (job, "service"), *service = service_text (job);
  g_autofree char *timer_path = unit_path (job, "timer"), *timer = timer_text (job);
  if (remove_it)
    {
      if (yes && (unlink (timer_path) != 0 || unlink (service_path) != 0))
        {
          cli_warn ("%s cannot be removed: %s", timer_path, g_strerror (errno));
          return CLI_FAILED;
        }
      printf ("systemctl --user disable --now %s.timer\n", job->unit);
      cli_note (options, yes ? "Removed; the command above ends the timer that is running."
                             : "Nothing was changed; --yes removes the two files.");
      return CLI_DONE;
    }
  printf ("# %s\n%s\n# %s\n%s\nsystemctl --user daemon-reload\n"
          "systemctl --user enable --now %s.timer\n",
          service_path, service, timer_path, timer, job->unit);
  if (yes && (!write_unit (service_path, service, &error) || !write_unit (timer_path, timer, &error)))
    return cli_fail (error);
  cli_note (options, yes ? "Written; the two commands above start it."
                         : "Nothing was written; --yes writes the two files.");
  return CLI_DONE;
}

/* ---- cron ---- */

/* Standard error goes by mail, and --quiet leaves failures there and nothing else. */
static CliExit use_cron (const CliOptions *options, const Job *job)
{
  printf ("%u %u * * * nice -n 19 ionice -c 3 %s\n", job->minute, job->hour, job->command);
  cli_note (options, remove_it ? "Remove this line with crontab -e."
                               : "Add this line with crontab -e.");
  return CLI_DONE;
}

static gboolean has_systemd (void)
{
  g_autofree char *place = g_build_filename (g_get_user_runtime_dir (), "systemd", NULL);
  return g_file_test (place, G_FILE_TEST_IS_DIR);
}

CliExit cli_schedule (const CliOptions *options, int argc, char **argv)
{
  g_auto (Job) job = { 0 };
  const CliExit problem = read_job (options, argv[0], &job);
  if (problem != CLI_DONE)
    return problem;
  const gboolean systemd = kind != NULL ? strcmp (kind, "systemd") == 0 : has_systemd ();
  return systemd ? use_systemd (options, &job) : use_cron (options, &job);
}

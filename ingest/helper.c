/* Keeps docent-extract at arm's length. A parser of hostile files may crash, hang, flood or lie:
 * it gets a document on fd 0, a pipe on fd 3 and nothing else, and the parent watches clock and
 * output while the child limits its own CPU and memory before it looks at the first byte. Whatever
 * happens ends as one IngestHelperEnd; nothing that the child prints reaches the user. The one
 * idea: a process per document, so the worst document costs only itself. */
#include "ingest/helper-private.h"
#include "ingest/ocr-private.h"
#include "ingest/sandbox-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_KEPT 4096u

/* A parser makes and drops tens of thousands of small objects per page and lives for a second: it
 * needs larger caches, and gives no memory back in between. */
#define MALLOC_TUNABLES                                                                            \
  "glibc.malloc.tcache_count=8000:glibc.malloc.top_pad=4194304:"                                   \
  "glibc.malloc.trim_threshold=268435456:glibc.malloc.mmap_threshold=33554432"

IngestLimits ingest_limits_or_defaults (const IngestLimits *limits)
{
  IngestLimits out = { 0 };
  if (limits != NULL)
    out = *limits;
  out.wall_ms = out.wall_ms != 0 ? out.wall_ms : 60000;
  out.cpu_seconds = out.cpu_seconds != 0 ? out.cpu_seconds : 20;
  out.memory_bytes = out.memory_bytes != 0 ? out.memory_bytes : G_GUINT64_CONSTANT (1) << 30;
  out.output_bytes = out.output_bytes != 0 ? out.output_bytes : G_GUINT64_CONSTANT (64) << 20;
  return out;
}

char *ingest_helper_find (void)
{
  const char *given = g_getenv ("DOCENT_EXTRACT");
  if (given != NULL && *given != '\0')
    return g_strdup (given);
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program != NULL ? program : ".");
  char *places[] = { g_build_filename (folder, "docent-extract", NULL),
                     g_build_filename (folder, "..", "ingest", "docent-extract", NULL),
                     g_build_filename (folder, "..", "..", "ingest", "docent-extract", NULL),
                     g_build_filename (INGEST_LIBEXECDIR, "docent-extract", NULL) };
  char *found = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      if (found == NULL && g_file_test (places[i], G_FILE_TEST_IS_EXECUTABLE))
        found = g_canonicalize_filename (places[i], NULL);
      g_free (places[i]);
    }
  return found;
}

/* ---- Start ---- */

typedef struct
{
  pid_t pid;
  int pidfd;
  int frames; /* read ends */
  int errors;
} Child;

/* Only what a parser needs, so that no secret of the environment is in reach of a document. */
static char **child_environment (void)
{
  static const char *const kept[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
  char **env = g_environ_setenv (NULL, "LC_ALL", "C.UTF-8", TRUE);
  env = g_environ_setenv (env, "GLIBC_TUNABLES", MALLOC_TUNABLES, TRUE);
  env = g_environ_setenv (env, "PATH", "/usr/bin:/bin", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    if (g_getenv (kept[i]) != NULL)
      env = g_environ_setenv (env, kept[i], g_getenv (kept[i]), TRUE);
  return env;
}

static int spawn (const char *program, char *const argv[], int document_fd, int frames_fd,
                  int errors_fd, pid_t *ret_pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  posix_spawn_file_actions_adddup2 (&actions, document_fd, 0);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, errors_fd, 2);
  posix_spawn_file_actions_adddup2 (&actions, frames_fd, INGEST_FRAMES_FD);
  posix_spawn_file_actions_addclosefrom_np (&actions, INGEST_FRAMES_FD + 1);
  /* A group of its own, so that a kill reaches whatever it may have started. */
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all);
  g_auto (GStrv) env = child_environment ();
  int failed = posix_spawn (ret_pid, program, &actions, &attributes, argv, env);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return failed;
}

/* A pipe whose ends stay clear of the numbers that spawn() assigns in the child. */
static gboolean open_pipe (int ends[2])
{
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return FALSE;
  for (int i = 0; i < 2; i++)
    {
      int high = fcntl (ends[i], F_DUPFD_CLOEXEC, INGEST_FRAMES_FD + 1);
      if (high < 0)
        {
          close (ends[0]);
          close (ends[1]);
          return FALSE;
        }
      close (ends[i]);
      ends[i] = high;
    }
  return TRUE;
}

static gboolean start (const IngestLimits *limits, int document_fd, const char *hint, Child *child)
{
  g_autofree char *found = limits->extractor == NULL ? ingest_helper_find () : NULL;
  const char *program = limits->extractor != NULL ? limits->extractor : found;
  int frames[2], errors[2];
  if (program == NULL || !open_pipe (frames))
    return FALSE;
  if (!open_pipe (errors))
    {
      close (frames[0]);
      close (frames[1]);
      return FALSE;
    }
  g_autofree char *cpu = g_strdup_printf ("%u", limits->cpu_seconds);
  g_autofree char *memory = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->memory_bytes);
  char *argv[7] = { (char *)"docent-extract", cpu, memory, (char *)hint };
  gsize n = 4;
  if (limits->unsandboxed)
    argv[n++] = (char *)INGEST_SANDBOX_OFF;
  if (limits->ocr != INGEST_OCR_NEVER)
    argv[n++]
        = (char *)(limits->ocr == INGEST_OCR_ALWAYS ? INGEST_OCR_ALWAYS_OPTION : INGEST_OCR_OPTION);
  gboolean started = spawn (program, argv, document_fd, frames[1], errors[1], &child->pid) == 0;
  close (frames[1]);
  close (errors[1]);
  child->frames = frames[0];
  child->errors = errors[0];
  child->pidfd = started ? pidfd_open (child->pid, 0) : -1;
  if (started)
    return TRUE;
  close (child->frames);
  close (child->errors);
  return FALSE;
}

/* ---- Watch ---- */

typedef struct
{
  guint64 output_left;
  char errors[STDERR_KEPT + 1]; /* only to tell what killed it */
  gsize errors_length;
} Watch;

static gboolean read_frames (Child *child, Watch *watch, IngestFrameReader *reader,
                             IngestHelperResult *result)
{
  guint8 buffer[64 * 1024];
  gssize n = read (child->frames, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (n <= 0)
    {
      close (child->frames);
      child->frames = -1;
      return TRUE;
    }
  if ((guint64)n > watch->output_left)
    {
      result->end = INGEST_HELPER_OUTPUT;
      return FALSE;
    }
  watch->output_left -= n;
  if (ingest_frame_reader_feed (reader, buffer, n, &result->problem))
    return TRUE;
  result->end = INGEST_HELPER_NONSENSE;
  return FALSE;
}

/* Drains without limit but keeps only the beginning: a chatty parser must not block on the pipe. */
static void read_errors (Child *child, Watch *watch)
{
  char buffer[4096];
  gssize n = read (child->errors, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0)
    {
      close (child->errors);
      child->errors = -1;
      return;
    }
  gsize kept = MIN ((gsize)n, STDERR_KEPT - watch->errors_length);
  memcpy (watch->errors + watch->errors_length, buffer, kept);
  watch->errors_length += kept;
  watch->errors[watch->errors_length] = '\0';
}

/* Until the child has exited and its frames are read (a grandchild that holds the pipe open does
 * not count), or a limit is hit. FALSE: kill it, RESULT says why. */
static gboolean watch_child (Child *child, Watch *watch, gint64 deadline, int cancel_fd,
                             IngestFrameReader *reader, GCancellable *cancellable,
                             IngestHelperResult *result)
{
  while (TRUE)
    {
      gint64 left_ms = (deadline - g_get_monotonic_time () + 999) / 1000;
      struct pollfd fds[] = { { child->frames, POLLIN, 0 },
                              { child->errors, POLLIN, 0 },
                              { child->pidfd, POLLIN, 0 },
                              { cancel_fd, POLLIN, 0 } };
      int n = left_ms > 0 ? poll (fds, G_N_ELEMENTS (fds), (int)MIN (left_ms, G_MAXINT)) : 0;
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0 || g_cancellable_is_cancelled (cancellable))
        {
          result->end = n <= 0 ? INGEST_HELPER_WALL : INGEST_HELPER_CANCELLED;
          return FALSE;
        }
      if (fds[1].revents != 0)
        read_errors (child, watch);
      if (fds[0].revents != 0 && !read_frames (child, watch, reader, result))
        return FALSE;
      if (fds[0].revents == 0 && fds[2].revents != 0)
        return TRUE;
    }
}

/* ---- End ---- */

static gboolean ran_out_of_memory (const Watch *watch)
{
  static const char *const signs[] = { "bad_alloc", "ut of memory", "failed to allocate",
                                       "Cannot allocate memory", "length_error" };
  for (gsize i = 0; i < G_N_ELEMENTS (signs); i++)
    if (strstr (watch->errors, signs[i]) != NULL)
      return TRUE;
  return FALSE;
}

static void judge_status (int status, const Watch *watch, IngestHelperResult *result)
{
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return;
  result->end = WIFEXITED (status) ? INGEST_HELPER_EXIT : INGEST_HELPER_SIGNAL;
  result->number = WIFEXITED (status) ? WEXITSTATUS (status) : WTERMSIG (status);
  if (result->end == INGEST_HELPER_SIGNAL && result->number == SIGXCPU)
    result->end = INGEST_HELPER_CPU;
  else if (result->end == INGEST_HELPER_SIGNAL && result->number == SIGSYS)
    result->end = INGEST_HELPER_FORBIDDEN;
  else if (result->end == INGEST_HELPER_EXIT && result->number == INGEST_SANDBOX_EXIT)
    result->end = INGEST_HELPER_UNSAFE;
  else if (ran_out_of_memory (watch))
    result->end = INGEST_HELPER_MEMORY;
}

static void reap (Child *child, gboolean in_peace, const Watch *watch, IngestHelperResult *result)
{
  int status = 0;
  /* Even after a peaceful end: nothing that it started may outlive it. */
  if (!in_peace)
    kill (child->pid, SIGKILL);
  kill (-child->pid, SIGKILL);
  pid_t reaped;
  do
    reaped = waitpid (child->pid, &status, 0);
  while (reaped < 0 && errno == EINTR);
  if (in_peace && reaped == child->pid)
    judge_status (status, watch, result);
  if (child->frames >= 0)
    close (child->frames);
  if (child->errors >= 0)
    close (child->errors);
  close (child->pidfd);
}

IngestHelperResult ingest_helper_run (const IngestLimits *limits, int document_fd, const char *hint,
                                      IngestFrameReader *reader, GCancellable *cancellable)
{
  IngestHelperResult result = { .end = INGEST_HELPER_OK };
  Child child;
  Watch watch = { .output_left = limits->output_bytes };
  gint64 deadline = g_get_monotonic_time () + (gint64)limits->wall_ms * 1000;
  if (!start (limits, document_fd, hint, &child))
    {
      result.end = INGEST_HELPER_MISSING;
      return result;
    }
  GPollFD cancel = { .fd = -1 };
  gboolean watched = cancellable != NULL && g_cancellable_make_pollfd (cancellable, &cancel);
  gboolean in_peace
      = watch_child (&child, &watch, deadline, cancel.fd, reader, cancellable, &result);
  if (watched)
    g_cancellable_release_fd (cancellable);
  reap (&child, in_peace, &watch, &result);
  return result;
}

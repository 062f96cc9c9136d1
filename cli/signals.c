/* Makes Ctrl-C stop cleanly: what is in work is finished or undone, what is done stays.
 *
 * The first SIGINT or SIGTERM cancels a GCancellable that the rooms below look at; the second one
 * ends the program at once. A signal handler may do next to nothing, so it writes a byte to a pipe
 * and a thread does the rest. Handlers, unlike a signal mask, are not inherited by the processes
 * that we start. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli-private.h"

static GCancellable *cancellable;
static const char *announcement;
static int wake_pipe[2] = { -1, -1 };
static volatile sig_atomic_t n_signals;
static gboolean listening;

static void handle (int number)
{
  if (++n_signals > 1)
    {
      /* The default action, so that the shell sees how we ended. */
      signal (number, SIG_DFL);
      raise (number);
      return;
    }
  if (write (wake_pipe[1], "", 1) < 0)
    _exit (128 + number);
}

static gpointer wait_for_signals (gpointer data)
{
  char byte;
  while (read (wake_pipe[0], &byte, 1) == 1)
    {
      fprintf (stderr, "\n%s; press Ctrl-C again to stop at once\n", announcement);
      g_cancellable_cancel (cancellable);
    }
  return NULL;
}

static void listen (void (*handler) (int))
{
  struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
  sigemptyset (&action.sa_mask);
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
}

GCancellable *cli_cancellable (const char *what_happens)
{
  announcement = what_happens;
  if (cancellable == NULL)
    {
      cancellable = g_cancellable_new ();
      if (pipe2 (wake_pipe, O_CLOEXEC) == 0)
        g_thread_unref (g_thread_new ("signals", wait_for_signals, NULL));
    }
  if (!listening && wake_pipe[0] >= 0)
    listen (handle);
  listening = TRUE;
  return cancellable;
}

void cli_cancellable_reset (void)
{
  listen (SIG_DFL);
  listening = FALSE;
  n_signals = 0;
  if (cancellable != NULL)
    g_cancellable_reset (cancellable);
}

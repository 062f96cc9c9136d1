/* Says how far a long task is, and how long it will still take.
 *
 * On a terminal one line of standard error is redrawn, at most ten times a second; elsewhere (a
 * log, cron) a plain line comes every few seconds; with --quiet nothing does. Time left is
 * computed from the rate since the step began and not shown before there is one worth telling. */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli-private.h"

#define REDRAW_US (G_USEC_PER_SEC / 10)
#define LINE_US (5 * G_USEC_PER_SEC)

struct _CliProgress
{
  gboolean quiet, redraw;
  gboolean shown; /* a line is on the screen */
  gint64 next_us; /* when the next line is due */
  char *step;     /* of cli_progress_bytes and _count */
  gint64 step_us; /* when it began */
  guint64 step_from;
};

CliProgress *cli_progress_new (const CliOptions *options)
{
  CliProgress *progress = g_new0 (CliProgress, 1);
  /* A script that reads JSON reads standard error for errors only. */
  progress->quiet = options->quiet || (options->json && !options->interactive);
  progress->redraw = options->interactive;
  progress->next_us = g_get_monotonic_time () + (options->interactive ? REDRAW_US : LINE_US);
  return progress;
}

void cli_progress_free (CliProgress *progress)
{
  if (progress == NULL)
    return;
  cli_progress_clear (progress);
  g_free (progress->step);
  g_free (progress);
}

gboolean cli_progress_due (CliProgress *progress)
{
  return !progress->quiet && g_get_monotonic_time () >= progress->next_us;
}

static guint error_width (void)
{
  struct winsize size;
  return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void cli_progress_show (CliProgress *progress, const char *format, ...)
{
  if (!cli_progress_due (progress))
    return;
  va_list values;
  va_start (values, format);
  g_autofree char *text = g_strdup_vprintf (format, values);
  va_end (values);
  g_autofree char *safe = cli_escape_line (text);
  if (progress->redraw)
    {
      g_autofree char *line = cli_shorten (safe, error_width () - 1);
      fprintf (stderr, "\r\033[K%s", line);
      fflush (stderr);
      progress->shown = TRUE;
    }
  else
    fprintf (stderr, "%s\n", safe);
  progress->next_us = g_get_monotonic_time () + (progress->redraw ? REDRAW_US : LINE_US);
}

void cli_progress_clear (CliProgress *progress)
{
  if (!progress->shown)
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress->shown = FALSE;
}

/* Per second since STEP began; 0 until that can be told. */
static double step_rate (CliProgress *progress, const char *step, guint64 done)
{
  const gint64 now = g_get_monotonic_time ();
  if (g_strcmp0 (progress->step, step) != 0 || done < progress->step_from)
    {
      g_free (progress->step);
      progress->step = g_strdup (step);
      progress->step_us = now;
      progress->step_from = done;
    }
  const double seconds = (now - progress->step_us) / (double)G_USEC_PER_SEC;
  return seconds < 1 ? 0 : (done - progress->step_from) / seconds;
}

/* ", 3 min left", or "". */
static char *time_left (double rate, guint64 done, guint64 total)
{
  if (rate <= 0 || total <= done)
    return g_strdup ("");
  g_autofree char *duration = cli_format_duration ((total - done) / rate);
  return g_strdup_printf (", %s left", duration);
}

#define BAR_COLUMNS 20
/* A bar in a window narrower than this would push out the words. */
#define BAR_MIN_WINDOW 70

char *cli_progress_bar (const CliProgress *progress, guint64 done, guint64 total)
{
  if (!progress->redraw || total == 0 || error_width () < BAR_MIN_WINDOW)
    return g_strdup ("");
  const guint full = (guint)(BAR_COLUMNS * ((double)MIN (done, total) / (double)total) + .5);
  GString *text = g_string_new ("[");
  for (guint i = 0; i < BAR_COLUMNS; i++)
    g_string_append (text, i < full ? "█" : " ");
  g_string_append (text, "] ");
  return g_string_free (text, FALSE);
}

void cli_progress_bytes (CliProgress *progress, const char *name, const char *step, guint64 done,
                         guint64 total)
{
  g_autofree char *key = g_strdup_printf ("%s %s", step, name);
  const double rate = step_rate (progress, key, done);
  if (!cli_progress_due (progress))
    return;
  g_autofree char *done_text = cli_format_bytes (done);
  g_autofree char *total_text = cli_format_bytes (total);
  g_autofree char *rate_text = cli_format_bytes ((guint64)rate);
  g_autofree char *left = time_left (rate, done, total);
  g_autofree char *drawn = cli_progress_bar (progress, done, total);
  if (rate > 0)
    cli_progress_show (progress, "%s%s: %s of %s, %s/s%s", drawn, key, done_text, total_text,
                       rate_text, left);
  else
    cli_progress_show (progress, "%s%s: %s of %s", drawn, key, done_text, total_text);
}

void cli_progress_count (CliProgress *progress, const char *step, guint64 done, guint64 total)
{
  const double rate = step_rate (progress, step, done);
  if (!cli_progress_due (progress))
    return;
  g_autofree char *done_text = cli_format_count (done);
  g_autofree char *total_text = cli_format_count (total);
  g_autofree char *left = time_left (rate, done, total);
  g_autofree char *drawn = cli_progress_bar (progress, done, total);
  g_autofree char *rate_text
      = rate > 0 ? g_strdup_printf (rate < 10 ? ", %.1f/s" : ", %.0f/s", rate) : g_strdup ("");
  cli_progress_show (progress, "%s%s: %s of %s%s%s", drawn, step, done_text, total_text, rate_text,
                     left);
}

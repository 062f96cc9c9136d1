/* Tells a listener how far long work on files has come, at most ten times a second: callers may
 * report after every row or block without thinking of the terminal that draws it. */
#include "engine/progress-private.h"

#define MIN_INTERVAL_US (G_USEC_PER_SEC / 10)

gboolean engine_file_progress (EngineFileProgress *progress, guint64 done, guint64 total,
                               GError **error)
{
  if (progress == NULL || progress->func == NULL)
    return TRUE;
  gint64 now = g_get_monotonic_time ();
  if (done < total && now - progress->last_us < MIN_INTERVAL_US)
    return TRUE;
  progress->last_us = now;
  if (progress->func (progress->name, progress->step, done, total, progress->user_data))
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "Stopped while %s %s", progress->step,
               progress->name);
  return FALSE;
}

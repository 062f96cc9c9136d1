/* Progress of long work on files (download, verify, convert), thinned out for people. progress.c.
 */
#pragma once

#include "engine/engine.h"

typedef struct
{
  EngineFetchProgress func; /* NULL: nobody listens */
  gpointer user_data;
  const char *name, *step;
  gint64 last_us;
} EngineFileProgress;

/* Calls the listener ten times a second at most, and always when DONE is TOTAL. FALSE with
 * CANCELLED when it says stop. PROGRESS may be NULL. */
gboolean engine_file_progress (EngineFileProgress *progress, guint64 done, guint64 total,
                               GError **error);

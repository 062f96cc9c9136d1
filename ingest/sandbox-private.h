/* The sandbox that a helper enters before it looks at a document: one call, no way back. */
#pragma once

#include <glib.h>

typedef enum
{
  INGEST_SANDBOX_FULL = 0,
  INGEST_SANDBOX_LIMITS_ONLY = 1, /* the user said --unsandboxed */
} IngestSandboxMode;

/* Exit status of a helper that could not enter its sandbox, and so has not looked at anything. */
#define INGEST_SANDBOX_EXIT 3
/* What stands in the helper's arguments for INGEST_SANDBOX_LIMITS_ONLY. */
#define INGEST_SANDBOX_OFF "--unsandboxed"

/* From here on this process reads what is open, writes to what is open, computes within its limits,
 * reads the system's fonts and character maps (where Landlock can tell them apart), and nothing
 * else. Libraries must be loaded before. Returns NULL, or a static phrase that says what the kernel
 * refused; then nothing of a document may be read. */
const char *ingest_sandbox_enter (IngestSandboxMode mode, guint64 cpu_seconds,
                                  guint64 memory_bytes);

/* landlock.c: only the files of fonts and character maps can be opened from now on, for reading.
 * FALSE when the kernel does not know Landlock. */
gboolean ingest_landlock_enter (void);
/* sandbox-filter.c: only the system calls of a parser are left. MAY_OPEN: opening for reading is
 * among them. FALSE when the kernel does not know seccomp. */
gboolean ingest_sandbox_filter (gboolean may_open);

/* What a document would do that had taken over docent-extract. Each program here stands in for it:
 * it is started as docent-extract is, enters the same sandbox and then tries one thing. It exits
 * with MALICE_DONE when the thing was done, which must happen with --unsandboxed (or the test would
 * prove nothing) and never otherwise. */
#pragma once

#include "ingest/sandbox-private.h"

#include <stdlib.h>
#include <string.h>

#define MALICE_DONE 42
#define MALICE_DENIED 43

static inline void malice_begin (int argc, char **argv)
{
  if (argc < 4)
    exit (2);
  gboolean off = argc > 4 && strcmp (argv[4], INGEST_SANDBOX_OFF) == 0;
  if (ingest_sandbox_enter (off ? INGEST_SANDBOX_LIMITS_ONLY : INGEST_SANDBOX_FULL,
                            strtoull (argv[1], NULL, 10), strtoull (argv[2], NULL, 10))
      != NULL)
    exit (INGEST_SANDBOX_EXIT);
}

static inline int malice_end (gboolean done)
{
  return done ? MALICE_DONE : MALICE_DENIED;
}

/* Running docent-extract: one fresh process per document, held to its limits from outside. */
#pragma once

#include "ingest/frames-private.h"

/* How a run of the helper ended, when not in a document. */
typedef enum
{
  INGEST_HELPER_OK,
  INGEST_HELPER_MISSING, /* no docent-extract to be found or started */
  INGEST_HELPER_CANCELLED,
  INGEST_HELPER_WALL, /* took longer than allowed */
  INGEST_HELPER_CPU,
  INGEST_HELPER_MEMORY,
  INGEST_HELPER_OUTPUT,    /* wrote more than allowed */
  INGEST_HELPER_NONSENSE,  /* broke the protocol: PROBLEM says how */
  INGEST_HELPER_UNSAFE,    /* could not enter its sandbox */
  INGEST_HELPER_FORBIDDEN, /* tried what no parser does, and was ended by the kernel */
  INGEST_HELPER_SIGNAL,    /* died: NUMBER is the signal */
  INGEST_HELPER_EXIT,      /* exited early: NUMBER is the status */
} IngestHelperEnd;

typedef struct
{
  IngestHelperEnd end;
  int number;
  const char *problem;
} IngestHelperResult;

/* Replaces zeros by the defaults of ingest.h. */
IngestLimits ingest_limits_or_defaults (const IngestLimits *limits);
/* $DOCENT_EXTRACT, else beside the running program, ../ingest beside it, the libexec folder. NULL
 * when there is none. */
char *ingest_helper_find (void);
/* Parses what DOCUMENT_FD reads into READER. HINT: as for ingest_parse. The document itself is judged
 * by its content first. */
IngestHelperResult ingest_helper_run (const IngestLimits *limits, int document_fd, const char *hint,
                                      IngestFrameReader *reader, GCancellable *cancellable);

/* The error domain of ingest: one quark, so that callers can tell its errors from others'. */
#include "ingest/ingest.h"

G_DEFINE_QUARK (ingest - error - quark, ingest_error)

/* A sentence breaker that is opened once per document: opening ICU's rules costs far more than
 * using them. */
#pragma once

#include "ingest/ingest.h"

typedef struct _IngestBreaker IngestBreaker;
/* LANGUAGE: ISO 639-1, NULL for English rules. */
IngestBreaker *ingest_breaker_new (const char *language);
void ingest_breaker_free (IngestBreaker *breaker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestBreaker, ingest_breaker_free)
/* Appends IngestSentence spans of TEXT, without the white space between them. */
void ingest_breaker_split (IngestBreaker *breaker, const char *text, gsize length, GArray *spans);

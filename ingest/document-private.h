/* Building an IngestDocument page by page and block by block: parsers in the child and the frame
 * reader in the parent do it the same way, so offsets and separators have one definition. */
#pragma once

#include "ingest/ingest.h"

/* Longer blocks are split at white space, so that no frame and no sentence search is unbounded. */
#define INGEST_BLOCK_MAX_BYTES (64 * 1024)
#define INGEST_PAGES_MAX 1000000

IngestDocument *ingest_document_new (const char *mime_type);
/* Opens the next page; LABEL may be NULL. */
void ingest_document_add_page (IngestDocument *document, const char *label, float width,
                               float height, float quality);
/* Appends TEXT (clean: valid UTF-8, no control characters) to the page opened last. BOX may be
 * NULL. Blank text adds nothing. */
void ingest_document_add_block (IngestDocument *document, IngestBlockKind kind, guint level,
                                const IngestBox *box, const char *text, gssize length);
/* The same for TEXT as files have it: cleaned, its blanks trimmed line by line. */
void ingest_document_add_text (IngestDocument *document, IngestBlockKind kind, guint level,
                               const char *text);
/* Appends the pages of PART under a heading NAME, its own headings one level down. */
void ingest_document_append (IngestDocument *document, const IngestDocument *part,
                             const char *name);
/* Moves nothing, frees nothing: closes the last page. Call once, after the last block. */
void ingest_document_finish (IngestDocument *document);

static inline IngestBlock *ingest_document_block (const IngestDocument *document, guint i)
{
  return &g_array_index (document->blocks, IngestBlock, i);
}

static inline IngestPage *ingest_document_page (const IngestDocument *document, guint i)
{
  return &g_array_index (document->pages, IngestPage, i);
}

/* language.c: ISO 639-1 of the words of TEXT, or NULL when they are too few or unclear. Static. */
const char *ingest_guess_language (const char *text, gsize length);
/* The same for a part of a document in the language EXPECTED, which it is unless another is clear:
 * a few words look like many languages. */
const char *ingest_language_of_part (const char *text, gsize length, const char *expected);

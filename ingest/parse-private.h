/* What docent-extract does with the bytes: one parser per format behind one entry point. Parsers
 * run in the child only; they may trust the process boundary, nothing else. */
#pragma once

#include "ingest/document-private.h"

typedef enum
{
  INGEST_TYPE_UNKNOWN,
  INGEST_TYPE_PDF,
  INGEST_TYPE_TEXT,
  INGEST_TYPE_MARKDOWN,
} IngestType;

/* By content first, then by HINT (a lower-case extension without the dot, or ""). UNKNOWN:
 * *ret_problem is a phrase that follows the file's name ("is a picture"). */
IngestType ingest_sniff (const guint8 *data, gsize length, const char *hint,
                         const char **ret_problem);

/* Clean UTF-8 out of text in any common encoding: byte order mark, valid UTF-8, else ICU's guess,
 * else Windows-1252. NULL when it is not text. */
char *ingest_decode_text (const guint8 *data, gsize length);

/* Errors carry a phrase that follows the file's name. */
IngestDocument *ingest_parse_text (const char *text, GError **error);
IngestDocument *ingest_parse_markdown (const char *text, GError **error);
IngestDocument *ingest_parse_pdf (GBytes *bytes, GError **error);

/* ISO 639-1 of the words of TEXT, or NULL when they are too few or unclear. Static. */
const char *ingest_guess_language (const char *text, gsize length);
/* NULL unless TITLE, as found in a file's metadata, is one that a person would use. */
char *ingest_usable_title (const char *title);
/* Fills the language, and the title from the first heading when there is none. */
void ingest_describe (IngestDocument *document);

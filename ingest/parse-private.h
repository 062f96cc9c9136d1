/* What docent-extract does with the bytes: one parser per format behind one entry point. Parsers
 * run in the child only; they may trust the process boundary, nothing else. */
#pragma once

#include "ingest/document-private.h"

/* Containers within containers are read to this depth. */
#define INGEST_DEPTH_MAX 4

typedef enum
{
  INGEST_TYPE_UNKNOWN,
  INGEST_TYPE_ENCRYPTED,
  INGEST_TYPE_PDF,
  INGEST_TYPE_ZIP, /* Office files and books, too */
  INGEST_TYPE_RTF,
  INGEST_TYPE_MAIL,
  INGEST_TYPE_MBOX,
  INGEST_TYPE_TEXT, /* of some kind: ask ingest_sniff_text */
  INGEST_TYPE_MARKDOWN,
  INGEST_TYPE_HTML,
  INGEST_TYPE_XML,
  INGEST_TYPE_JSON_FEED,
} IngestType;

/* By content first, then by HINT (a lower-case extension without the dot, or ""). UNKNOWN:
 * *ret_problem is a phrase that follows the file's name ("is a picture"). */
IngestType ingest_sniff (const guint8 *data, gsize length, const char *hint,
                         const char **ret_problem);
/* What kind of text is this? */
IngestType ingest_sniff_text (const char *text, const char *hint);

/* parse.c: bytes of any format. DEPTH: the number of containers around them. */
/* HINT may also be this and a selector: then a page is read as a feed. No file name's extension has
 * a slash. */
#define INGEST_HINT_SELECT "select/"
IngestDocument *ingest_parse (GBytes *bytes, const char *hint, guint depth, GError **error);

/* Clean UTF-8 out of text in any common encoding: byte order mark, valid UTF-8, else what the file
 * declares (NULL: nothing), else ICU's guess, else Windows-1252. NULL when it is not text. */
char *ingest_decode (const guint8 *data, gsize length, const char *declared);

/* One parser per format. Errors carry a phrase that follows the file's name. */
struct _xmlDoc;
IngestDocument *ingest_parse_text (const char *text, GError **error);
IngestDocument *ingest_parse_markdown (const char *text, GError **error);
IngestDocument *ingest_parse_html (const char *text, GError **error);
/* A page as a feed: each element that SELECTOR matches is an entry. */
IngestDocument *ingest_parse_listing (const char *text, const char *selector, GError **error);
IngestDocument *ingest_parse_feed (struct _xmlDoc *doc, GError **error);
IngestDocument *ingest_parse_sitemap (struct _xmlDoc *doc, GError **error);
IngestDocument *ingest_parse_json_feed (const char *text, GError **error);
IngestDocument *ingest_parse_rtf (const guint8 *data, gsize length, GError **error);
/* DEPTH as for ingest_parse. */
IngestDocument *ingest_parse_mail (GBytes *bytes, guint depth, GError **error);
IngestDocument *ingest_parse_mbox (GBytes *bytes, guint depth, GError **error);
IngestDocument *ingest_parse_pdf (GBytes *bytes, GError **error);

/* NULL unless TITLE, as found in a file's metadata, is one that a person would use. */
char *ingest_usable_title (const char *title);
/* Fills the title from the first heading when there is none. */
void ingest_describe (IngestDocument *document);
/* The last step of a parser: DOCUMENT finished and described, or an error and DOCUMENT freed when
 * there is nothing in it. */
IngestDocument *ingest_parsed (IngestDocument *document, GError **error);
/* "2003-06-03" out of ISO 8601 or RFC 822; NULL when TEXT (may be NULL) is neither. */
char *ingest_parse_date (const char *text);
/* "en" out of "en-US"; NULL when TEXT (may be NULL) names no language. */
char *ingest_usable_language (const char *text);

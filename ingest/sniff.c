/* What is this file? Names lie and are missing; the first bytes rarely do. In come the bytes and
 * the name's extension, out comes the parser to use or the reason why there is none. The name only
 * decides between formats that look alike from inside: plain text and Markdown. */
#include "ingest/parse-private.h"

#include <string.h>

typedef struct
{
  const char *magic;
  gsize length;
  const char *problem;
} Signature;

static const Signature signatures[] = {
  { "PK\x03\x04", 4,
    "is a ZIP archive or an Office file, which docent cannot read; save it as PDF" },
  { "\xD0\xCF\x11\xE0", 4, "is an old Office file, which docent cannot read; save it as PDF" },
  { "{\\rtf", 5, "is an RTF file, which docent cannot read; save it as PDF" },
  { "%!PS", 4, "is a PostScript file, which docent cannot read; convert it to PDF" },
  { "\x89PNG", 4, "is a picture; run it through OCR first" },
  { "\xFF\xD8\xFF", 3, "is a picture; run it through OCR first" },
  { "GIF8", 4, "is a picture; run it through OCR first" },
  { "II*\0", 4, "is a picture; run it through OCR first" },
  { "MM\0*", 4, "is a picture; run it through OCR first" },
  { "\x7F"
    "ELF",
    4, "is a program, not a document" },
  { "\x1F\x8B", 2, "is compressed; unpack it first" },
  { "BZh", 3, "is compressed; unpack it first" },
  { "\xFD"
    "7zXZ",
    5, "is compressed; unpack it first" },
  { "SQLite format 3", 15, "is a database, not a document" },
  { "GGUF", 4, "is a model, not a document" },
};

static gboolean starts_with (const guint8 *data, gsize length, const char *magic,
                             gsize magic_length)
{
  return length >= magic_length && memcmp (data, magic, magic_length) == 0;
}

/* Writers may put up to a kilobyte before the header, and readers accept it. */
static gboolean has_pdf_header (const guint8 *data, gsize length)
{
  return memmem (data, MIN (length, 1024), "%PDF-", 5) != NULL;
}

static gboolean looks_like_html (const guint8 *data, gsize length)
{
  gsize i = starts_with (data, length, "\xEF\xBB\xBF", 3) ? 3 : 0;
  while (i < length && g_ascii_isspace (data[i]))
    i++;
  const char *at = (const char *)data + i;
  gsize left = length - i;
  return (left >= 14 && g_ascii_strncasecmp (at, "<!doctype html", 14) == 0)
         || (left >= 5 && g_ascii_strncasecmp (at, "<html", 5) == 0);
}

IngestType ingest_sniff (const guint8 *data, gsize length, const char *hint,
                         const char **ret_problem)
{
  if (has_pdf_header (data, length))
    return INGEST_TYPE_PDF;
  for (gsize i = 0; i < G_N_ELEMENTS (signatures); i++)
    if (starts_with (data, length, signatures[i].magic, signatures[i].length))
      {
        *ret_problem = signatures[i].problem;
        return INGEST_TYPE_UNKNOWN;
      }
  if (strcmp (hint, "pdf") == 0)
    *ret_problem = "is named .pdf but is not a PDF, or its beginning is damaged";
  else if (looks_like_html (data, length))
    *ret_problem = "is a web page, which docent cannot read; print it to PDF";
  else
    return strcmp (hint, "md") == 0 || strcmp (hint, "markdown") == 0 ? INGEST_TYPE_MARKDOWN
                                                                      : INGEST_TYPE_TEXT;
  return INGEST_TYPE_UNKNOWN;
}

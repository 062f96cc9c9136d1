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
  { "\xD0\xCF\x11\xE0", 4, "is an old Office file, which docent cannot read; save it as PDF" },
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

/* Office encrypts by wrapping the file in its old format, as a stream of this name in UTF-16. */
static gboolean is_encrypted_office (const guint8 *data, gsize length)
{
  static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
  return starts_with (data, length, "\xD0\xCF\x11\xE0", 4)
         && memmem (data, length, name, sizeof name - 1) != NULL;
}

/* How many of the headers that only mail has stand before the first line that is no header. */
static guint mail_headers (const guint8 *data, gsize length, gboolean after_first_line)
{
  static const char *const names[]
      = { "from:",    "date:", "message-id:",   "received:",     "mime-version:", "return-path:",
          "subject:", "to:",   "content-type:", "delivered-to:", "x-mailer:",     "reply-to:" };
  const char *at = (const char *)data, *end = at + MIN (length, 16384);
  guint found = 0;
  for (gboolean first = TRUE; at < end; first = FALSE)
    {
      const char *line_end = memchr (at, '\n', end - at);
      gsize n = (line_end != NULL ? line_end : end) - at;
      gboolean folded = *at == ' ' || *at == '\t';
      if (!(first && after_first_line) && !folded && (memchr (at, ':', n) == NULL || *at == ':'))
        break;
      for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
        found
            += n > strlen (names[i]) && g_ascii_strncasecmp (at, names[i], strlen (names[i])) == 0;
      at += n + 1;
    }
  return found;
}

/* The first element of markup, past white space, comments, declarations and a document type; ""
 * when TEXT is none. */
static const char *first_tag (const char *text)
{
  while (TRUE)
    {
      text += strspn (text, " \t\n");
      const char *close = NULL;
      if (g_str_has_prefix (text, "<!--"))
        close = "-->";
      else if (g_str_has_prefix (text, "<?"))
        close = "?>";
      else if (g_ascii_strncasecmp (text, "<!doctype", 9) == 0)
        close = ">";
      const char *end = close != NULL ? strstr (text, close) : NULL;
      if (end == NULL)
        return *text == '<' && g_ascii_isalpha (text[1]) ? text + 1 : "";
      text = end + strlen (close);
    }
}

static gboolean is_tag (const char *tag, const char *name)
{
  gsize length = strlen (name);
  return g_ascii_strncasecmp (tag, name, length) == 0
         && (tag[length] == '\0' || strchr (" \t\n>/", tag[length]) != NULL);
}

static gboolean looks_like_html (const char *text, const char *hint)
{
  static const char *const tags[]
      = { "html", "head", "body", "title", "meta", "div", "p", "h1", "table", "style", "script" };
  const char *tag = first_tag (text);
  gboolean named = g_str_has_prefix (hint, "htm") || strcmp (hint, "xhtml") == 0;
  gsize start = strspn (text, " \t\n");
  if (g_ascii_strncasecmp (text + start, "<!doctype html", 14) == 0 || is_tag (tag, "html"))
    return TRUE;
  /* Markdown may begin with a tag, too. */
  for (gsize i = 0; named && i < G_N_ELEMENTS (tags); i++)
    if (is_tag (tag, tags[i]))
      return TRUE;
  return FALSE;
}

static gboolean looks_like_xml (const char *text)
{
  static const char *const roots[] = { "rss", "feed", "rdf:RDF" };
  const char *tag = first_tag (text);
  if (g_str_has_prefix (text + strspn (text, " \t\n"), "<?xml"))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (roots); i++)
    if (is_tag (tag, roots[i]))
      return TRUE;
  return FALSE;
}

IngestType ingest_sniff_text (const char *text, const char *hint)
{
  gboolean markdown = strcmp (hint, "md") == 0 || strcmp (hint, "markdown") == 0;
  if (looks_like_html (text, hint))
    return INGEST_TYPE_HTML;
  if (looks_like_xml (text))
    return INGEST_TYPE_XML;
  if (*text == '{' && g_strstr_len (text, 2048, "//jsonfeed.org/version") != NULL)
    return INGEST_TYPE_JSON_FEED;
  return markdown ? INGEST_TYPE_MARKDOWN : INGEST_TYPE_TEXT;
}

IngestType ingest_sniff (const guint8 *data, gsize length, const char *hint,
                         const char **ret_problem)
{
  if (has_pdf_header (data, length))
    return INGEST_TYPE_PDF;
  if (starts_with (data, length, "PK\x03\x04", 4))
    return INGEST_TYPE_ZIP;
  if (starts_with (data, length, "{\\rtf", 5))
    return INGEST_TYPE_RTF;
  if (is_encrypted_office (data, length))
    return INGEST_TYPE_ENCRYPTED;
  for (gsize i = 0; i < G_N_ELEMENTS (signatures); i++)
    if (starts_with (data, length, signatures[i].magic, signatures[i].length))
      {
        *ret_problem = signatures[i].problem;
        return INGEST_TYPE_UNKNOWN;
      }
  if (starts_with (data, length, "From ", 5) && mail_headers (data, length, TRUE) >= 2)
    return INGEST_TYPE_MBOX;
  gboolean named = strcmp (hint, "eml") == 0 || strcmp (hint, "mht") == 0;
  if (mail_headers (data, length, FALSE) >= (named ? 1 : 3))
    return INGEST_TYPE_MAIL;
  if (strcmp (hint, "pdf") != 0)
    return INGEST_TYPE_TEXT;
  *ret_problem = "is named .pdf but is not a PDF, or its beginning is damaged";
  return INGEST_TYPE_UNKNOWN;
}

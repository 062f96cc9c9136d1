/* The name under which a document is cited, and what else of its metadata is of use. Metadata often
 * holds what some program put there ("Microsoft Word - draft7.doc", "untitled"): such titles are
 * worse than the first heading, and the file's name, which the parent adds, is the last resort. */
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <string.h>

#define TITLE_MAX_BYTES 300

static gboolean is_file_name (const char *title)
{
  static const char *const endings[]
      = { ".pdf", ".doc", ".docx", ".dvi",  ".tex",  ".ps",   ".txt", ".rtf",
          ".odt", ".ppt", ".pptx", ".xls",  ".xlsx", ".indd", ".qxd", ".pmd",
          ".p65", ".fm",  ".htm",  ".html", ".md",   ".ai" };
  g_autofree char *lower = g_ascii_strdown (title, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (lower, endings[i]))
      return TRUE;
  return strchr (title, '\\') != NULL || g_str_has_prefix (title, "/")
         || g_str_has_prefix (lower, "file:") || g_str_has_prefix (lower, "http:")
         || g_str_has_prefix (lower, "https:");
}

static gboolean is_placeholder (const char *title)
{
  static const char *const beginnings[] = { "microsoft word - ",
                                            "microsoft powerpoint - ",
                                            "microsoft excel - ",
                                            "untitled",
                                            "unbenannt",
                                            "sans titre",
                                            "sin título",
                                            "document",
                                            "dokument",
                                            "presentation",
                                            "slide 1",
                                            "powerpoint-präsentation",
                                            "powerpoint presentation",
                                            "title",
                                            "print",
                                            "layout 1",
                                            "no title",
                                            "(anonymous)",
                                            "scan",
                                            "new document" };
  static const gboolean whole[]
      = { FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, TRUE, TRUE, TRUE,
          TRUE,  TRUE,  TRUE,  TRUE,  TRUE,  TRUE,  TRUE,  TRUE, TRUE, TRUE };
  G_STATIC_ASSERT (G_N_ELEMENTS (beginnings) == G_N_ELEMENTS (whole));
  g_autofree char *lower = g_utf8_strdown (title, -1);
  /* "Document1" and "Untitled-3" as well. */
  for (char *end = lower + strlen (lower); end > lower && strchr ("0123456789-_ ", end[-1]); end--)
    end[-1] = '\0';
  for (gsize i = 0; i < G_N_ELEMENTS (beginnings); i++)
    if (whole[i] ? strcmp (lower, beginnings[i]) == 0 : g_str_has_prefix (lower, beginnings[i]))
      return TRUE;
  return FALSE;
}

static gboolean has_a_word (const char *title)
{
  guint run = 0, letters = 0;
  for (const char *at = title; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      run = g_unichar_isalpha (c) ? run + 1 : 0;
      letters = MAX (letters, run);
      if (c > 0x2E80 && run > 0) /* one Chinese character is a word */
        return TRUE;
    }
  return letters >= 3;
}

char *ingest_usable_title (const char *title)
{
  if (title == NULL)
    return NULL;
  g_autofree char *clean = ingest_prose_squeeze (ingest_prose_clean (title, -1));
  if (*clean == '\0' || strlen (clean) > TITLE_MAX_BYTES || strstr (clean, "\xEF\xBF\xBD") != NULL
      || !has_a_word (clean) || is_file_name (clean) || is_placeholder (clean))
    return NULL;
  return g_steal_pointer (&clean);
}

char *ingest_usable_language (const char *text)
{
  gsize letters = 0;
  while (text != NULL && g_ascii_isalpha (text[letters]))
    letters++;
  gboolean ended = letters == 2 && (text[2] == '\0' || strchr ("-_ ,", text[2]) != NULL);
  return ended ? g_ascii_strdown (text, 2) : NULL;
}

void ingest_describe (IngestDocument *document)
{
  for (guint i = 0; i < document->blocks->len && document->title == NULL && i < 50; i++)
    {
      const IngestBlock *block = ingest_document_block (document, i);
      if (block->kind != INGEST_BLOCK_HEADING)
        continue;
      g_autofree char *heading
          = g_strndup (document->text + block->start, block->end - block->start);
      document->title = ingest_usable_title (heading);
    }
}

IngestDocument *ingest_parsed (IngestDocument *document, GError **error)
{
  ingest_document_finish (document);
  if (document->blocks->len > 0)
    {
      ingest_describe (document);
      return document;
    }
  ingest_document_free (document);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT, "");
  return NULL;
}

/* Plain text into paragraphs, headings and lists. Such files mark structure with nothing but line
 * breaks, and the same break means "new paragraph" in one file and "the editor's window was 72
 * columns wide" in another. So each group of lines between blank lines is looked at as a whole:
 * lines that are nearly all as long as the longest were wrapped and are joined, others (addresses,
 * verse, logs, tables) are kept as they are. */
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <string.h>

/* Wrapped by an editor: longer lines are paragraphs of their own, shorter ones were broken by the
 * writer's intent. */
#define WRAP_MIN 40
#define WRAP_MAX 120

typedef struct
{
  const char *start;
  gsize length; /* without trailing blanks */
} Line;

static GArray *split_lines (const char *text)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (Line));
  for (const char *at = text; *at != '\0';)
    {
      gsize whole = strcspn (at, "\n");
      Line line = { at, whole };
      while (line.length > 0 && strchr (" \t", at[line.length - 1]) != NULL)
        line.length--;
      g_array_append_val (lines, line);
      at += whole + (at[whole] == '\n');
    }
  return lines;
}

static gsize indent_of (const Line *line)
{
  gsize n = 0;
  while (n < line->length && strchr (" \t", line->start[n]) != NULL)
    n++;
  return n;
}

static gboolean is_item (const Line *line)
{
  gsize indent = indent_of (line);
  return ingest_prose_marker_length (line->start + indent, line->length - indent) > 0;
}

/* A line of nothing but one of these, at least three times: it underlines what is above. */
static char underline_of (const Line *line)
{
  gsize i = indent_of (line);
  char c = i < line->length ? line->start[i] : '\0';
  if (c == '\0' || strchr ("=-~*_", c) == NULL || line->length - i < 3)
    return '\0';
  for (; i < line->length; i++)
    if (line->start[i] != c)
      return '\0';
  return c;
}

static gboolean is_upper_case (const Line *line)
{
  guint letters = 0;
  for (const char *at = line->start; at < line->start + line->length; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (g_unichar_islower (c))
        return FALSE;
      letters += g_unichar_isupper (c);
    }
  return letters >= 4;
}

/* "2.1 Patients": the depth of the number, 0 when there is none or it is not a heading. */
static guint numbered_level (const Line *line)
{
  guint level = 0;
  gsize i = indent_of (line);
  if (i > 0)
    return 0;
  while (i < line->length && g_ascii_isdigit (line->start[i]))
    {
      while (i < line->length && g_ascii_isdigit (line->start[i]))
        i++;
      level++;
      if (i < line->length && line->start[i] == '.')
        i++;
    }
  gboolean spaced = i < line->length && line->start[i] == ' ';
  while (i < line->length && line->start[i] == ' ')
    i++;
  gboolean titled = i < line->length && g_unichar_isupper (g_utf8_get_char (line->start + i));
  char last = line->length > 0 ? line->start[line->length - 1] : '.';
  return spaced && titled && level <= 4 && line->length <= 80 && strchr (".,;:!?", last) == NULL
             ? level
             : 0;
}

static void add_line (IngestDocument *document, IngestBlockKind kind, guint level, const Line *line)
{
  g_autofree char *text = ingest_prose_squeeze (g_strndup (line->start, line->length));
  ingest_document_add_block (document, kind, level, NULL, text, -1);
}

static gboolean is_wrapped (const Line *lines, guint n)
{
  gsize longest = 0;
  for (guint i = 0; i < n; i++)
    longest = MAX (longest, lines[i].length);
  if (n < 2 || longest < WRAP_MIN || longest > WRAP_MAX)
    return FALSE;
  for (guint i = 0; i + 1 < n; i++)
    if (lines[i].length * 10 < longest * 6)
      return FALSE;
  return TRUE;
}

static gboolean has_tabs (const Line *lines, guint n)
{
  for (guint i = 0; i < n; i++)
    if (memchr (lines[i].start + indent_of (&lines[i]), '\t',
                lines[i].length - indent_of (&lines[i]))
        == NULL)
      return FALSE;
  return n >= 2;
}

static void add_joined (IngestDocument *document, IngestBlockKind kind, const Line *lines, guint n,
                        const IngestVocabulary *vocabulary)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    {
      gsize indent = indent_of (&lines[i]);
      ingest_prose_join (text, lines[i].start + indent, lines[i].length - indent, vocabulary);
    }
  ingest_document_add_block (document, kind, 0, NULL, ingest_prose_squeeze (text->str), -1);
}

static void add_kept (IngestDocument *document, const Line *lines, guint n)
{
  for (guint i = 0; i < n; i++)
    if (lines[i].length > WRAP_MAX)
      { /* One paragraph per line, as word processors export them. */
        for (guint k = 0; k < n; k++)
          add_line (document, INGEST_BLOCK_PARAGRAPH, 0, &lines[k]);
        return;
      }
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    {
      g_string_append_len (text, lines[i].start, lines[i].length);
      g_string_append_c (text, '\n');
    }
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, text->str, text->len);
}

/* The lines between two blank ones, without heading or list in them. */
static void add_prose (IngestDocument *document, const Line *lines, guint n,
                       const IngestVocabulary *vocabulary)
{
  if (n == 0)
    return;
  if (has_tabs (lines, n))
    for (guint i = 0; i < n; i++)
      ingest_document_add_block (document, INGEST_BLOCK_TABLE_ROW, 0, NULL, lines[i].start,
                                 lines[i].length);
  else if (is_wrapped (lines, n))
    add_joined (document, INGEST_BLOCK_PARAGRAPH, lines, n, vocabulary);
  else
    add_kept (document, lines, n);
}

static void add_group (IngestDocument *document, const Line *lines, guint n,
                       const IngestVocabulary *vocabulary)
{
  if (n == 1 && lines[0].length <= 80 && !is_item (&lines[0]) && is_upper_case (&lines[0]))
    {
      add_line (document, INGEST_BLOCK_HEADING, 1, &lines[0]);
      return;
    }
  if (n == 1 && numbered_level (&lines[0]) > 0)
    {
      add_line (document, INGEST_BLOCK_HEADING, numbered_level (&lines[0]), &lines[0]);
      return;
    }
  for (guint i = 0; i < n;)
    {
      guint end = i + 1;
      char underline = end < n ? underline_of (&lines[end]) : '\0';
      if (underline != '\0' && lines[i].length <= 100)
        {
          add_line (document, INGEST_BLOCK_HEADING, underline == '=' || underline == '*' ? 1 : 2,
                    &lines[i]);
          i += 2;
          continue;
        }
      gboolean item = is_item (&lines[i]);
      while (end < n && !is_item (&lines[end])
             && (end + 1 >= n || underline_of (&lines[end + 1]) == '\0'))
        end++;
      if (item)
        add_joined (document, INGEST_BLOCK_LIST_ITEM, lines + i, end - i, vocabulary);
      else if (!(end - i == 1 && underline_of (&lines[i]) != '\0'))
        add_prose (document, lines + i, end - i, vocabulary);
      i = end;
    }
}

IngestDocument *ingest_parse_text (const char *text, GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("text/plain");
  g_autoptr (GArray) lines = split_lines (text);
  g_autoptr (IngestVocabulary) vocabulary = ingest_vocabulary_new ();
  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);
      ingest_vocabulary_add_line (vocabulary, line->start, line->length);
    }
  ingest_document_add_page (document, NULL, 0, 0, 1);
  for (guint i = 0; i < lines->len;)
    {
      guint end = i;
      while (end < lines->len && g_array_index (lines, Line, end).length > 0)
        end++;
      if (end > i)
        add_group (document, &g_array_index (lines, Line, i), end - i, vocabulary);
      i = end + 1;
    }
  return ingest_parsed (g_steal_pointer (&document), error);
}

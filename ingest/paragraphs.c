/* Lines into paragraphs, list items, table rows and code. Print shows where a paragraph ends by a
 * larger distance, an indent, a change of type or a line that stops early; a PDF keeps none of that
 * but positions. In come the regions of a page in reading order, out come drafts of blocks whose
 * lines are joined to readable text; what is a heading is decided later, with the whole document
 * in view. */
#include "ingest/layout-private.h"

#include <math.h>
#include <string.h>

typedef struct
{
  LayoutPage *page;
  guint number;
  const IngestVocabulary *vocabulary;
  GArray *drafts;
  const LayoutRegion *region;
  GArray *lines;
  float pitch;         /* usual distance of baselines in the region */
  gboolean new_region; /* nothing was added from it yet */
} Drafter;

static LayoutLine *line_at (const Drafter *drafter, guint i)
{
  return &g_array_index (drafter->lines, LayoutLine, i);
}

/* ---- What a line says about itself ---- */

/* "•", "– ", "3.", "(b)", "iv)": the number of bytes up to the text, 0 when there is no marker. */
static gsize marker_length (const char *text)
{
  static const char *const bullets[] = { "•", "◦", "▪", "■", "●", "○", "‣", "⁃", "–", "—", "-",
                                         "*", "·", "►", "➢", "✓", "□", "❖", "→", "",  "∙" };
  for (gsize i = 0; i < G_N_ELEMENTS (bullets); i++)
    {
      gsize n = strlen (bullets[i]);
      if (n > 0 && strncmp (text, bullets[i], n) == 0 && (text[n] == ' ' || text[n] == '\0'))
        return n + (text[n] == ' ');
    }
  gsize i = text[0] == '(' ? 1 : 0, start = i;
  while (g_ascii_isdigit (text[i]) && i - start < 3)
    i++;
  if (i == start && (g_ascii_isalpha (text[i]) || strchr ("ivx", text[i]) != NULL))
    while (text[i] != '\0' && i - start < 4 && (i == start || strchr ("ivx", text[i]) != NULL))
      i++;
  gboolean closed = i > start && (text[i] == ')' || (text[i] == '.' && start == 0));
  return closed && text[i + 1] == ' ' ? i + 2 : 0;
}

static gboolean ends_sentence (const char *text)
{
  gsize n = strlen (text);
  return n > 0 && strchr (".!?:;", text[n - 1]) != NULL;
}

/* ---- Where a paragraph ends ---- */

static int compare_floats (gconstpointer a, gconstpointer b)
{
  float first = *(const float *)a, second = *(const float *)b;
  return first < second ? -1 : first > second;
}

/* The usual distance of baselines: the lower quartile, as paragraphs may be one line long. */
static float usual_pitch (const Drafter *drafter)
{
  g_autoptr (GArray) pitches = g_array_new (FALSE, FALSE, sizeof (float));
  for (guint i = 1; i < drafter->lines->len; i++)
    {
      const LayoutLine *before = line_at (drafter, i - 1), *line = line_at (drafter, i);
      float pitch = line->y1 - before->y1;
      float size = MAX (line->y1 - line->y0, before->y1 - before->y0);
      if (pitch > 0.5f * size && pitch < 2.2f * size)
        g_array_append_val (pitches, pitch);
    }
  if (pitches->len == 0)
    return 0;
  g_array_sort (pitches, compare_floats);
  return g_array_index (pitches, float, pitches->len / 4);
}

/* Would the first word of LINE have fitted at the end of BEFORE? */
static gboolean stopped_early (const Drafter *drafter, const LayoutLine *before,
                               const LayoutLine *line, const char *text)
{
  float room = drafter->region->x1 - before->x1;
  gsize first_word = strcspn (text, " ");
  gsize length = MAX (strlen (text), 1);
  float word_width = (line->x1 - line->x0) * first_word / length;
  return room > word_width + 1.5f * line->size;
}

static gboolean ends_before (const Drafter *drafter, guint i, const char *text_before,
                             const char *text)
{
  const LayoutLine *before = line_at (drafter, i - 1), *line = line_at (drafter, i);
  float size = MAX (line->size, 1);
  float pitch = line->y1 - before->y1;
  float usual = drafter->pitch > 0 ? drafter->pitch : 1.25f * size;
  if (pitch > usual * 1.3f + 1 || line->size > before->size * 1.12f
      || line->size < before->size * 0.88f || line->mono != before->mono)
    return TRUE;
  if (marker_length (text) > 0)
    return TRUE;
  gboolean fresh = g_unichar_isupper (g_utf8_get_char (text)) || g_ascii_isdigit (*text);
  if (line->bold != before->bold && (fresh || line->bold))
    return TRUE;
  if (strchr (text_before, '\t') != NULL || strchr (text, '\t') != NULL)
    return TRUE;
  gboolean short_line = stopped_early (drafter, before, line, text);
  if (short_line && (ends_sentence (text_before) || fresh))
    return TRUE;
  /* A first line indent, or the return from a list item to the margin. */
  gboolean indented = line->x0 > before->x0 + 0.8f * size && line->x0 < before->x0 + 6 * size;
  gboolean outdented = line->x0 < before->x0 - 0.8f * size;
  if (indented && ends_sentence (text_before) && fresh && marker_length (text_before) == 0)
    return TRUE;
  return outdented && ends_sentence (text_before) && fresh
         && (i < 2 || line_at (drafter, i - 2)->x0 > line->x0 + 0.8f * size);
}

/* ---- Drafts ---- */

static LayoutDraft *last_draft (const Drafter *drafter)
{
  guint n = drafter->drafts->len;
  return n > 0 ? &g_array_index (drafter->drafts, LayoutDraft, n - 1) : NULL;
}

static void add_draft (Drafter *drafter, IngestBlockKind kind, const LayoutLine *lines, guint n,
                       char *text)
{
  if (*text == '\0')
    {
      g_free (text);
      return;
    }
  LayoutDraft draft = { .text = text,
                        .kind = kind,
                        .page = drafter->number,
                        .n_lines = n,
                        .size = lines[0].size,
                        .bold = TRUE,
                        .column_top = drafter->new_region };
  IngestBox box = { lines[0].x0, lines[0].y0, lines[0].x1, lines[0].y1 };
  for (guint i = 0; i < n; i++)
    {
      draft.bold = draft.bold && lines[i].bold;
      box.x0 = MIN (box.x0, lines[i].x0);
      box.y0 = MIN (box.y0, lines[i].y0);
      box.x1 = MAX (box.x1, lines[i].x1);
      box.y1 = MAX (box.y1, lines[i].y1);
    }
  draft.box
      = layout_unturn (drafter->page, layout_span (drafter->page, lines[0].first)->direction, box);
  drafter->new_region = FALSE;
  g_array_append_val (drafter->drafts, draft);
}

/* Code keeps its lines and their indents, in characters of its own width. */
static char *code_text (const Drafter *drafter, guint first, guint end, char **texts)
{
  float left = INFINITY;
  for (guint i = first; i < end; i++)
    left = MIN (left, line_at (drafter, i)->x0);
  g_autoptr (GString) code = g_string_new (NULL);
  for (guint i = first; i < end; i++)
    {
      const LayoutLine *line = line_at (drafter, i);
      float width = (line->x1 - line->x0) / MAX (strlen (texts[i]), 1);
      int indent = width > 0 ? (int)lroundf ((line->x0 - left) / width) : 0;
      g_string_append_printf (code, "%s%*s%s", i > first ? "\n" : "", CLAMP (indent, 0, 40), "",
                              texts[i]);
    }
  return g_string_free (g_steal_pointer (&code), FALSE);
}

static void add_lines (Drafter *drafter, guint first, guint end, char **texts)
{
  const LayoutLine *line = line_at (drafter, first);
  if (line->mono && end - first >= 2)
    {
      add_draft (drafter, INGEST_BLOCK_CODE, line, end - first,
                 code_text (drafter, first, end, texts));
      return;
    }
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = first; i < end; i++)
    ingest_prose_join (text, texts[i], strlen (texts[i]), drafter->vocabulary);
  IngestBlockKind kind = INGEST_BLOCK_PARAGRAPH;
  if (strchr (text->str, '\t') != NULL)
    kind = INGEST_BLOCK_TABLE_ROW;
  else if (marker_length (text->str) > 0)
    kind = INGEST_BLOCK_LIST_ITEM;
  add_draft (drafter, kind, line, end - first, g_string_free (g_steal_pointer (&text), FALSE));
}

/* A sentence that runs over from the column before. */
static gboolean goes_on (const Drafter *drafter, const LayoutDraft *draft, const LayoutLine *line,
                         const char *text)
{
  if (draft == NULL || !drafter->new_region || draft->page != drafter->number
      || (draft->kind != INGEST_BLOCK_PARAGRAPH && draft->kind != INGEST_BLOCK_LIST_ITEM))
    return FALSE;
  return g_unichar_islower (g_utf8_get_char (text)) && !ends_sentence (draft->text)
         && fabsf (draft->size - line->size) < 0.1f * MAX (line->size, 1) && !line->mono;
}

static void read_prose (Drafter *drafter)
{
  guint n = drafter->lines->len;
  g_autofree char **texts = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    texts[i] = layout_line_text (drafter->page, line_at (drafter, i));
  drafter->pitch = usual_pitch (drafter);
  for (guint first = 0, end; first < n; first = end)
    {
      for (end = first + 1; end < n; end++)
        if (ends_before (drafter, end, texts[end - 1], texts[end]))
          break;
      LayoutDraft *before = last_draft (drafter);
      if (goes_on (drafter, before, line_at (drafter, first), texts[first]))
        {
          g_autoptr (GString) text = g_string_new (before->text);
          for (guint i = first; i < end; i++)
            ingest_prose_join (text, texts[i], strlen (texts[i]), drafter->vocabulary);
          g_free (before->text);
          before->text = g_string_free (g_steal_pointer (&text), FALSE);
          before->n_lines += end - first;
          drafter->new_region = FALSE;
        }
      else
        add_lines (drafter, first, end, texts);
    }
  for (guint i = 0; i < n; i++)
    g_free (texts[i]);
}

/* ---- Tables ---- */

static char *row_text (const Drafter *drafter, const LayoutLine *line)
{
  g_autoptr (GString) row = g_string_new (NULL);
  for (guint i = line->first; i < line->first + line->n; i++)
    {
      const LayoutSpan *span = layout_span (drafter->page, i);
      if (row->len > 0)
        g_string_append_c (row, '\t');
      g_string_append_len (row, layout_text (drafter->page, span), span->length);
    }
  return g_string_free (g_steal_pointer (&row), FALSE);
}

static void read_table (Drafter *drafter)
{
  for (guint i = 0; i < drafter->lines->len; i++)
    {
      const LayoutLine *line = line_at (drafter, i);
      add_draft (drafter, INGEST_BLOCK_TABLE_ROW, line, 1, row_text (drafter, line));
    }
}

void layout_draft_page (LayoutPage *page, guint page_number, const IngestVocabulary *vocabulary,
                        GArray *drafts)
{
  Drafter drafter
      = { .page = page, .number = page_number, .vocabulary = vocabulary, .drafts = drafts };
  for (guint i = 0; i < page->regions->len; i++)
    {
      drafter.region = &g_array_index (page->regions, LayoutRegion, i);
      drafter.lines = layout_lines (page, drafter.region);
      drafter.new_region = TRUE;
      if (drafter.region->table)
        read_table (&drafter);
      else
        read_prose (&drafter);
      g_array_unref (drafter.lines);
    }
}

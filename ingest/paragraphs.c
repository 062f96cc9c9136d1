/* Lines into paragraphs, list items, table rows and code. Print shows where a paragraph ends by a
 * larger distance, an indent, a change of type or a line that stops early; a PDF keeps none of that
 * but positions. In come the regions of a page in reading order, out come drafts of blocks whose
 * lines are joined to readable text; what is a heading is decided later, with the whole document
 * in view. */
#include "ingest/layout-private.h"

#include <math.h>
#include <string.h>

/* A figure with its labels may stand between the halves of a paragraph. */
#define LOOK_BACK 10

typedef struct
{
  LayoutPage *page;
  guint number;
  const IngestVocabulary *vocabulary;
  GArray *drafts;
  const LayoutRegion *region;
  GArray *lines;
  float pitch;         /* usual distance of baselines in the region, in type sizes */
  gboolean new_region; /* nothing was added from it yet */
} Drafter;

static LayoutLine *line_at (const Drafter *drafter, guint i)
{
  return &g_array_index (drafter->lines, LayoutLine, i);
}

/* ---- What a line says about itself ---- */

static gboolean is_item (const char *text)
{
  return ingest_prose_marker_length (text, strlen (text)) > 0;
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

/* The usual distance of baselines in type sizes: the lower quartile, as paragraphs may be one line
 * long. */
static float usual_pitch (const Drafter *drafter)
{
  g_autoptr (GArray) pitches = g_array_new (FALSE, FALSE, sizeof (float));
  for (guint i = 1; i < drafter->lines->len; i++)
    {
      const LayoutLine *before = line_at (drafter, i - 1), *line = line_at (drafter, i);
      float pitch = (line->y1 - before->y1) / MAX (line->size, 1);
      if (pitch > 0.9f && pitch < 2.4f && fabsf (line->size - before->size) < 0.1f * line->size)
        g_array_append_val (pitches, pitch);
    }
  if (pitches->len == 0)
    return 1.25f;
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
  if (pitch > size * drafter->pitch * 1.3f + 1 || line->size > before->size * 1.12f
      || line->size < before->size * 0.88f || line->mono != before->mono)
    return TRUE;
  if (line->mono)
    return FALSE;
  if (is_item (text))
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
  if (indented && ends_sentence (text_before) && fresh && !is_item (text_before))
    return TRUE;
  return outdented && ends_sentence (text_before) && fresh
         && (i < 2 || line_at (drafter, i - 2)->x0 > line->x0 + 0.8f * size);
}

static void add_table (Drafter *drafter, guint first, guint end);

/* ---- Drafts ---- */

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
  if (line->mono)
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
  else if (is_item (text->str))
    kind = INGEST_BLOCK_LIST_ITEM;
  add_draft (drafter, kind, line, end - first, g_string_free (g_steal_pointer (&text), FALSE));
}

/* The paragraph in whose middle a column or page ended or a figure was put, and which goes on with
 * TEXT; NULL when there is none. */
static LayoutDraft *interrupted_by (const Drafter *drafter, const LayoutLine *line,
                                    const char *text)
{
  guint n = drafter->drafts->len;
  if (!g_unichar_islower (g_utf8_get_char (text)) || line->mono)
    return NULL;
  for (guint i = n; i-- > (n > LOOK_BACK ? n - LOOK_BACK : 0);)
    {
      LayoutDraft *draft = &g_array_index (drafter->drafts, LayoutDraft, i);
      gboolean prose
          = draft->kind == INGEST_BLOCK_PARAGRAPH || draft->kind == INGEST_BLOCK_LIST_ITEM;
      if (draft->page != drafter->number)
        return NULL;
      if (prose && fabsf (draft->size - line->size) < 0.1f * MAX (line->size, 1)
          && (draft->n_lines > 1 || i + 1 == n))
        return ends_sentence (draft->text) || (i + 1 == n && !drafter->new_region) ? NULL : draft;
    }
  return NULL;
}

static void read_region (Drafter *drafter)
{
  guint n = drafter->lines->len;
  g_autofree char **texts = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    texts[i] = layout_line_text (drafter->page, line_at (drafter, i));
  drafter->pitch = usual_pitch (drafter);
  for (guint first = 0, end; first < n; first = end)
    {
      end = layout_table_end (drafter->page, drafter->lines, first);
      if (end > first)
        {
          add_table (drafter, first, end);
          continue;
        }
      for (end = first + 1; end < n; end++)
        if (ends_before (drafter, end, texts[end - 1], texts[end])
            || layout_table_end (drafter->page, drafter->lines, end) > end)
          break;
      LayoutDraft *before = interrupted_by (drafter, line_at (drafter, first), texts[first]);
      if (before != NULL)
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

static void add_row (char *row, guint first, guint end, gpointer user_data)
{
  Drafter *drafter = user_data;
  add_draft (drafter, INGEST_BLOCK_TABLE_ROW, line_at (drafter, first), end - first, row);
}

static void add_table (Drafter *drafter, guint first, guint end)
{
  layout_table_rows (drafter->page, drafter->lines, first, end, drafter->vocabulary, add_row,
                     drafter);
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
      read_region (&drafter);
      g_array_unref (drafter.lines);
    }
}

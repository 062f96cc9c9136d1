/* Spans into lines: what stands side by side in a column is one line, however many fonts,
 * superscripts and gaps are in it. */
#include "ingest/layout-private.h"

#include <string.h>

/* This many dots in a row, blanks between them or not, lead the eye to a page number. */
#define LEADER_DOTS 4

/* A bullet or a section number may stand this many type sizes away from its text. */
#define MARKER_GAP 5.0f

/* ---- Markers ---- */

/* "•", "3.", "(b)", "1.2.5", a bold "4": something that never stands alone. */
static gboolean is_marker (const LayoutPage *page, const LayoutSpan *span)
{
  const char *text = layout_text (page, span);
  gsize i = 0, dots = 0, length = span->length;
  if (span->direction != LAYOUT_UPRIGHT || length > 12)
    return FALSE;
  for (; i < length && (g_ascii_isdigit (text[i]) || text[i] == '.'); i++)
    dots += text[i] == '.';
  if (i == length)
    return g_ascii_isdigit (*text) && (dots > 0 || (span->bold && length <= 2));
  g_autofree char *with_text = g_strdup_printf ("%.*s x", (int)length, text);
  return ingest_prose_marker_length (with_text, length + 2) == length + 1;
}

/* The span to the right of MARKER on its line, or NULL. */
static LayoutSpan *marked_by (LayoutPage *page, const LayoutSpan *marker)
{
  LayoutSpan *best = NULL;
  for (guint i = 0; i < page->spans->len; i++)
    {
      LayoutSpan *span = layout_span (page, i);
      float overlap = MIN (marker->y1, span->y1) - MAX (marker->y0, span->y0);
      gboolean beside = overlap > 0.4f * MIN (marker->y1 - marker->y0, span->y1 - span->y0)
                        && span->x0 >= marker->x1 - 1 && span->direction == LAYOUT_UPRIGHT
                        && !span->rtl && span->length > 0 && span != marker;
      if (beside && (best == NULL || span->x0 < best->x0))
        best = span;
    }
  return best != NULL && best->x0 - marker->x1 < MARKER_GAP * MAX (best->size, marker->size) ? best
                                                                                             : NULL;
}

void layout_join_markers (LayoutPage *page)
{
  for (guint i = page->spans->len; i-- > 0;)
    {
      LayoutSpan *marker = layout_span (page, i);
      if (!is_marker (page, marker))
        continue;
      LayoutSpan *text = marked_by (page, marker);
      gboolean heading = g_ascii_isdigit (*layout_text (page, marker));
      if (text == NULL || is_marker (page, text) || (heading && text->bold != marker->bold))
        continue;
      g_autofree char *joined
          = g_strdup_printf ("%.*s %.*s", (int)marker->length, layout_text (page, marker),
                             (int)text->length, layout_text (page, text));
      text->text = page->text->len;
      text->length += marker->length + 1;
      text->x0 = MIN (text->x0, marker->x0);
      g_string_append (page->text, joined);
      g_array_remove_index (page->spans, i);
    }
}

/* ---- Lines ---- */

static int compare_middles (gconstpointer a, gconstpointer b)
{
  const LayoutSpan *first = a, *second = b;
  float difference = first->y0 + first->y1 - second->y0 - second->y1;
  return difference < 0 ? -1 : difference > 0;
}

static int compare_lefts (gconstpointer a, gconstpointer b)
{
  const LayoutSpan *first = a, *second = b;
  return first->x0 < second->x0 ? -1 : first->x0 > second->x0;
}

static gboolean belongs (const LayoutLine *line, const LayoutSpan *span)
{
  float overlap = MIN (line->y1, span->y1) - MAX (line->y0, span->y0);
  return overlap > 0.5f * MIN (line->y1 - line->y0, span->y1 - span->y0);
}

static void close_line (LayoutPage *page, LayoutLine *line)
{
  LayoutSpan *spans = layout_span (page, line->first);
  qsort (spans, line->n, sizeof *spans, compare_lefts);
  guint widest = 0, bold = 0, mono = 0, rtl = 0, all = 0;
  for (guint i = 0; i < line->n; i++)
    {
      if (spans[i].length > spans[widest].length)
        widest = i;
      all += spans[i].length;
      bold += spans[i].bold ? spans[i].length : 0;
      mono += spans[i].mono ? spans[i].length : 0;
      rtl += spans[i].rtl ? spans[i].length : 0;
    }
  line->size = spans[widest].size;
  line->bold = bold * 10 >= all * 9;
  line->mono = mono * 10 >= all * 9;
  line->rtl = rtl * 2 > all;
}

GArray *layout_lines (LayoutPage *page, const LayoutRegion *region)
{
  GArray *lines = g_array_new (FALSE, TRUE, sizeof (LayoutLine));
  qsort (layout_span (page, region->first), region->n, sizeof (LayoutSpan), compare_middles);
  for (guint i = region->first; i < region->first + region->n; i++)
    {
      const LayoutSpan *span = layout_span (page, i);
      LayoutLine *line = lines->len > 0 ? &g_array_index (lines, LayoutLine, lines->len - 1) : NULL;
      if (line == NULL || !belongs (line, span))
        {
          if (line != NULL)
            close_line (page, line);
          LayoutLine next
              = { .first = i, .x0 = span->x0, .y0 = span->y0, .x1 = span->x1, .y1 = span->y1 };
          g_array_append_val (lines, next);
          line = &g_array_index (lines, LayoutLine, lines->len - 1);
        }
      line->n++;
      line->x0 = MIN (line->x0, span->x0);
      line->x1 = MAX (line->x1, span->x1);
      /* The line keeps the height of its tallest span, or a staircase of superscripts would chain
       * lines together. */
      if (span->y1 - span->y0 > line->y1 - line->y0)
        line->y0 = span->y0, line->y1 = span->y1;
    }
  if (lines->len > 0)
    close_line (page, &g_array_index (lines, LayoutLine, lines->len - 1));
  return lines;
}

/* The length of a run of leader dots at AT, 0 when there is none. */
static gsize leader_length (const char *at)
{
  gsize length = 0, dots = 0;
  while (TRUE)
    {
      if (at[length] == '.' || at[length] == '_')
        dots++, length++;
      else if (memcmp (at + length, "…", MIN (strlen (at + length), 3)) == 0 && at[length] != '\0')
        dots += 3, length += 3;
      else if (at[length] == ' ' && (at[length + 1] == '.' || at[length + 1] == '_'))
        length++;
      else
        break;
    }
  return dots >= LEADER_DOTS ? length : 0;
}

char *layout_line_text (const LayoutPage *page, const LayoutLine *line)
{
  g_autoptr (GString) raw = g_string_new (NULL);
  for (guint i = 0; i < line->n; i++)
    {
      guint at = line->first + (line->rtl ? line->n - 1 - i : i);
      const LayoutSpan *span = layout_span (page, at);
      if (raw->len > 0)
        g_string_append_c (raw, ' ');
      g_string_append_len (raw, layout_text (page, span), span->length);
    }
  return layout_without_leaders (raw->str);
}

char *layout_without_leaders (const char *raw)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const char *at = raw; *at != '\0';)
    {
      gsize leader = leader_length (at);
      if (leader == 0)
        {
          g_string_append_c (text, *at++);
          continue;
        }
      at += leader + strspn (at + leader, " ");
      while (text->len > 0 && text->str[text->len - 1] == ' ')
        g_string_truncate (text, text->len - 1);
      if (*at != '\0' && text->len > 0)
        g_string_append_c (text, '\t');
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Gutters: the white strips between columns of text. A gutter may be crossed, by a title or a wide
 * figure, so it is looked for among the gaps between neighbours on a line, and what it separates is
 * judged band by band: between two crossings, either columns to be read one after the other, or
 * the cells of a table, which must stay side by side. */
#include "ingest/layout-private.h"

#include <math.h>

#define BIN 3.0f /* points */
#define BINS_MAX 1024
#define CANDIDATES_MAX 12
/* Lines with a gap at the same place that make a gutter believable. */
#define LINES_MIN 3
/* Lines that stand side by side belong to a table unless both sides are running text: this many of
 * them, this long, filling their column. Others need not be as long. */
#define PROSE_LINES 5
#define PROSE_LETTERS 24
#define PROSE_FILL 0.7f
#define LIST_LETTERS 10

static const LayoutSpan *span_of (const LayoutItems *items, guint i)
{
  return layout_span (items->page, items->indices[i]);
}

/* The first item that may overlap item I vertically; they are sorted by their tops. */
static guint window_start (const LayoutItems *items, guint i, float tallest)
{
  float top = span_of (items, i)->y0 - tallest;
  while (i > 0 && span_of (items, i - 1)->y0 > top)
    i--;
  return i;
}

static float tallest_of (const LayoutItems *items)
{
  float tallest = 0;
  for (guint i = 0; i < items->n; i++)
    tallest = MAX (tallest, span_of (items, i)->y1 - span_of (items, i)->y0);
  return tallest;
}

static float shared_height (const LayoutSpan *a, const LayoutSpan *b)
{
  float overlap = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);
  return overlap / MAX (MIN (a->y1 - a->y0, b->y1 - b->y0), 0.1f);
}

/* ---- Candidates ---- */

/* The left edge of the nearest span to the right of item I, or infinity. */
static float next_edge (const LayoutItems *items, guint i, float tallest)
{
  const LayoutSpan *span = span_of (items, i);
  float edge = INFINITY;
  for (guint k = window_start (items, i, tallest); k < items->n; k++)
    {
      const LayoutSpan *other = span_of (items, k);
      if (other->y0 > span->y1)
        break;
      if (other->x0 >= span->x1 - 1 && other->x0 < edge && shared_height (span, other) > 0.3f)
        edge = other->x0;
    }
  return edge;
}

/* In how many lines is there a gap at each bin of x from LEFT on? */
static void count_gaps (const LayoutItems *items, float left, guint *gaps)
{
  float tallest = tallest_of (items);
  for (guint i = 0; i < items->n; i++)
    {
      float start = span_of (items, i)->x1, end = next_edge (items, i, tallest);
      if (end == INFINITY)
        continue;
      guint first = CLAMP (ceilf ((start - left) / BIN), 0, BINS_MAX - 1);
      guint last = CLAMP (floorf ((end - left) / BIN), 0, BINS_MAX);
      for (guint b = first; b < last; b++)
        gaps[b]++;
    }
}

/* The middles of the peaks of GAPS. */
static guint find_candidates (const guint *gaps, float left, float *candidates)
{
  guint n = 0;
  for (guint b = 0; b < BINS_MAX && n < CANDIDATES_MAX;)
    {
      guint end = b + 1;
      while (end < BINS_MAX && gaps[end] == gaps[b])
        end++;
      gboolean peak = gaps[b] >= LINES_MIN && (b == 0 || gaps[b - 1] < gaps[b])
                      && (end == BINS_MAX || gaps[end] < gaps[b]);
      if (peak)
        candidates[n++] = left + (b + end) * BIN / 2;
      b = end;
    }
  return n;
}

/* ---- What a band between crossings is ---- */

typedef struct
{
  guint n, letters;
  float x0, y0, x1, y1;
  float width, height; /* summed up */
} Side;

static void measure_side (const LayoutItems *band, float gutter, gboolean right, Side *side)
{
  side->x0 = side->y0 = INFINITY;
  side->x1 = side->y1 = -INFINITY;
  for (guint i = 0; i < band->n; i++)
    {
      const LayoutSpan *span = span_of (band, i);
      if ((span->x0 >= gutter) != right)
        continue;
      side->n++;
      side->letters += span->length;
      side->width += span->x1 - span->x0;
      side->height += span->y1 - span->y0;
      side->x0 = MIN (side->x0, span->x0);
      side->x1 = MAX (side->x1, span->x1);
      side->y0 = MIN (side->y0, span->y0);
      side->y1 = MAX (side->y1, span->y1);
    }
}

typedef struct
{
  guint n;       /* strips with white above and below */
  guint shared;  /* of those, with text on both sides of the gutter */
  guint aligned; /* of those, with both sides beginning on one line */
} Strips;

/* Cuts BAND into strips where WHITE line heights of nothing lie between two lines. The rows of a
 * table are such strips; columns that are set independently overlap one another to a few. */
static Strips cut_strips (const LayoutItems *band, float gutter, float white)
{
  Strips strips = { 0 };
  float bottom = -INFINITY, top[2] = { INFINITY, INFINITY };
  for (guint i = 0; i <= band->n; i++)
    {
      const LayoutSpan *span = i < band->n ? span_of (band, i) : NULL;
      float height = span != NULL ? span->y1 - span->y0 : 0;
      if (span == NULL || span->y0 > bottom + white * height)
        {
          gboolean both = top[0] != INFINITY && top[1] != INFINITY;
          strips.n += top[0] != INFINITY || top[1] != INFINITY;
          strips.shared += both;
          strips.aligned += both && fabsf (top[0] - top[1]) < 3;
          top[0] = top[1] = INFINITY;
        }
      if (span == NULL)
        break;
      gboolean right = span->x0 >= gutter;
      top[right] = MIN (top[right], span->y0);
      bottom = MAX (bottom, span->y1);
    }
  return strips;
}

/* The items of BAND from the first to the last line with text on both sides: what stands above or
 * below on one side only says nothing. */
static LayoutItems shared_part (const LayoutItems *band, float gutter)
{
  Side left = { 0 }, right = { 0 };
  measure_side (band, gutter, FALSE, &left);
  measure_side (band, gutter, TRUE, &right);
  float top = MAX (left.y0, right.y0), bottom = MIN (left.y1, right.y1);
  guint first = 0, end = band->n;
  while (first < end && span_of (band, first)->y1 <= top)
    first++;
  while (end > first && span_of (band, end - 1)->y0 >= bottom)
    end--;
  return (LayoutItems){ band->page, band->indices + first, end - first };
}

/* How much of its side's width does a line fill? Running text nearly all of it. */
static float fill_of (const Side *side)
{
  return side->n > 0 && side->x1 > side->x0 ? side->width / side->n / (side->x1 - side->x0) : 0;
}

/* The height of text on the lighter side when BAND is two columns, 0 when it is not. */
static float judge_band (const LayoutItems *band, float gutter)
{
  Side left = { 0 }, right = { 0 };
  LayoutItems shared = shared_part (band, gutter);
  measure_side (&shared, gutter, FALSE, &left);
  measure_side (&shared, gutter, TRUE, &right);
  guint n = MIN (left.n, right.n);
  if (n < LINES_MIN)
    return 0;
  guint letters = MIN (left.letters / left.n, right.letters / right.n);
  Strips lines = cut_strips (&shared, gutter, -0.2f), rows = cut_strips (&shared, gutter, 0.5f);
  /* A table of sentences: several rows, each beginning on one line on both sides. */
  if (letters < LIST_LETTERS || (rows.n >= 3 && rows.aligned * 5 >= rows.n * 4))
    return 0;
  gboolean side_by_side = lines.shared * 2 >= n;
  gboolean prose = n >= PROSE_LINES && letters >= PROSE_LETTERS
                   && MIN (fill_of (&left), fill_of (&right)) >= PROSE_FILL;
  return prose || !side_by_side ? MIN (left.height, right.height) : 0;
}

/* ---- Bands ---- */

/* Does a span that crosses the gutter stand on the line of item I? */
static gboolean is_crossed (const LayoutItems *items, guint i, float gutter, float tallest)
{
  const LayoutSpan *span = span_of (items, i);
  for (guint k = window_start (items, i, tallest); k < items->n; k++)
    {
      const LayoutSpan *other = span_of (items, k);
      if (other->y0 > span->y1)
        break;
      if (other->x0 < gutter && other->x1 > gutter && shared_height (span, other) > 0.5f)
        return TRUE;
    }
  return FALSE;
}

float layout_next_columns (const LayoutItems *items, float gutter, guint *first, guint *end)
{
  float tallest = tallest_of (items);
  for (guint i = *end; i < items->n;)
    {
      guint stop = i;
      while (stop < items->n && !is_crossed (items, stop, gutter, tallest))
        stop++;
      LayoutItems band = { items->page, items->indices + i, stop - i };
      float height = judge_band (&band, gutter);
      if (height > 0)
        {
          *first = i;
          *end = stop;
          return height;
        }
      i = stop;
      while (i < items->n && is_crossed (items, i, gutter, tallest))
        i++;
    }
  return 0;
}

float layout_find_gutter (const LayoutItems *items)
{
  guint gaps[BINS_MAX] = { 0 };
  float candidates[CANDIDATES_MAX];
  float left = INFINITY, most = 0, best = -1;
  for (guint i = 0; i < items->n; i++)
    left = MIN (left, span_of (items, i)->x0);
  count_gaps (items, left, gaps);
  guint n = find_candidates (gaps, left, candidates);
  for (guint c = 0; c < n; c++)
    {
      float height = 0, band;
      guint first = 0, end = 0;
      while ((band = layout_next_columns (items, candidates[c], &first, &end)) > 0)
        height += band;
      if (height > most)
        most = height, best = candidates[c];
    }
  return best;
}

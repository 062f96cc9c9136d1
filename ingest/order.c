/* Reading order. A page is cut where a reader's eye would: into columns along the white gutters
 * between them, and above and below whatever crosses a gutter, a title or a wide figure's caption.
 * In come the spans of one page in any order, out come regions in reading order, each to be read
 * line by line.
 *
 * This is the recursive X-Y cut (Nagy & Seth 1984) with two changes: the gutter may be crossed, so
 * that a title above two columns does not hide them, and a gutter between short pieces that stand
 * on the same lines belongs to a table, whose rows must not be torn. */
#include "ingest/layout-private.h"

#include <math.h>
#include <stdlib.h>

#define BIN 2.0f /* points; narrower gutters cannot be told from wide spaces */
#define BINS_MAX 2048
#define DEPTH_MAX 16
/* More spans than any readable page has: the work is quadratic, and maps and drawings have no
 * columns anyway. */
#define ITEMS_MAX 4000
/* Lines on the lighter side that make a gutter believable. */
#define LINES_MIN 3
/* Mean letters of a span from which both sides of a gutter are taken for running text, or for lists
 * and addresses when their lines are not aligned. */
#define PROSE_LETTERS 24
#define LIST_LETTERS 10

typedef struct
{
  LayoutPage *page;
  GArray *out; /* guint: indices of spans in reading order */
} Order;

typedef struct
{
  guint *items;
  guint n;
} Items;

static LayoutSpan *span_of (const Order *order, const Items *items, guint i)
{
  return layout_span (order->page, items->items[i]);
}

/* ---- Turning ---- */

/* Puts spans of rotated text into a frame in which they are upright, so that one set of rules reads
 * all. layout_unturn() is its inverse. */
static void turn (const LayoutPage *page, LayoutSpan *span)
{
  LayoutSpan old = *span;
  if (span->direction == LAYOUT_DOWN)
    {
      span->x0 = old.y0, span->x1 = old.y1;
      span->y0 = page->width - old.x1, span->y1 = page->width - old.x0;
    }
  else if (span->direction == LAYOUT_UP)
    {
      span->x0 = page->height - old.y1, span->x1 = page->height - old.y0;
      span->y0 = old.x0, span->y1 = old.x1;
    }
}

IngestBox layout_unturn (const LayoutPage *page, LayoutDirection direction, IngestBox box)
{
  if (direction == LAYOUT_DOWN)
    return (IngestBox){ page->width - box.y1, box.x0, page->width - box.y0, box.x1 };
  if (direction == LAYOUT_UP)
    return (IngestBox){ box.y0, page->height - box.x1, box.y1, page->height - box.x0 };
  return box;
}

/* ---- Gutters ---- */

/* Height of text in each bin of x. */
static guint measure_cover (const Order *order, const Items *items, float left, float *cover)
{
  guint n_bins = 0;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = span_of (order, items, i);
      guint first = CLAMP ((span->x0 - left) / BIN, 0, BINS_MAX - 1);
      guint last = CLAMP ((span->x1 - left) / BIN, 0, BINS_MAX - 1);
      for (guint b = first; b <= last; b++)
        cover[b] += span->y1 - span->y0;
      n_bins = MAX (n_bins, last + 1);
    }
  return n_bins;
}

/* How much a gutter at X separates: the height of text on its lighter side less what crosses it. */
static float judge_gutter (const Order *order, const Items *items, float x)
{
  float left = 0, right = 0, crossing = 0, size = 0;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = span_of (order, items, i);
      float height = span->y1 - span->y0;
      size += height;
      if (span->x1 <= x)
        left += height;
      else if (span->x0 >= x)
        right += height;
      else
        crossing += height;
    }
  float lighter = MIN (left, right);
  return lighter >= LINES_MIN * size / items->n ? lighter - crossing / 2 : 0;
}

/* The best place to cut ITEMS into columns, or a negative number. */
static float find_gutter (const Order *order, const Items *items)
{
  float cover[BINS_MAX] = { 0 };
  float left = INFINITY, most = 0, best_score = 0, best = -1;
  for (guint i = 0; i < items->n; i++)
    left = MIN (left, span_of (order, items, i)->x0);
  guint n_bins = measure_cover (order, items, left, cover);
  for (guint b = 0; b < n_bins; b++)
    most = MAX (most, cover[b]);
  for (guint b = 1; b + 1 < n_bins; b++)
    {
      gboolean valley = cover[b] < most * 0.3f && cover[b] <= cover[b - 1];
      if (!valley)
        continue;
      guint end = b;
      while (end + 1 < n_bins && cover[end + 1] <= cover[b])
        end++;
      float x = left + (b + end + 1) * BIN / 2;
      float score = judge_gutter (order, items, x);
      if (score > best_score)
        best_score = score, best = x;
      b = end;
    }
  return best;
}

/* ---- Bands between what crosses the gutter ---- */

static int compare_tops (gconstpointer a, gconstpointer b, gpointer data)
{
  const LayoutSpan *first = layout_span (data, *(const guint *)a);
  const LayoutSpan *second = layout_span (data, *(const guint *)b);
  return first->y0 < second->y0 ? -1 : first->y0 > second->y0;
}

static gboolean on_one_line (const LayoutSpan *a, const LayoutSpan *b)
{
  float overlap = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);
  return overlap > 0.5f * MIN (a->y1 - a->y0, b->y1 - b->y0);
}

typedef struct
{
  guint n, characters;
  float y0, y1;
} Side;

static void measure_side (const Order *order, const Items *items, float gutter, gboolean right,
                          Side *side)
{
  side->y0 = INFINITY;
  side->y1 = -INFINITY;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = span_of (order, items, i);
      if ((span->x0 >= gutter) != right)
        continue;
      side->n++;
      side->characters += span->length;
      side->y0 = MIN (side->y0, span->y0);
      side->y1 = MAX (side->y1, span->y1);
    }
}

/* How many strips of white between them does the band have with text on both sides of the gutter?
 * Rows of a table are such strips, however high their cells; lines of columns that are set
 * independently overlap one another to a few. ITEMS are sorted by their tops. */
static guint count_rows (const Order *order, const Items *items, float gutter)
{
  guint rows = 0;
  float bottom = -INFINITY;
  gboolean left = FALSE, right = FALSE;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = span_of (order, items, i);
      if (span->y0 > bottom - 0.2f * (span->y1 - span->y0))
        {
          rows += left && right;
          left = right = FALSE;
        }
      left |= span->x0 < gutter;
      right |= span->x0 >= gutter;
      bottom = MAX (bottom, span->y1);
    }
  return rows + (left && right);
}

static gboolean is_columns (const Order *order, const Items *band, float gutter)
{
  Side left = { 0 }, right = { 0 };
  measure_side (order, band, gutter, FALSE, &left);
  measure_side (order, band, gutter, TRUE, &right);
  if (left.n < 2 || right.n < 2 || MIN (left.y1, right.y1) <= MAX (left.y0, right.y0))
    return FALSE;
  guint letters = MIN (left.characters / left.n, right.characters / right.n);
  return letters >= PROSE_LETTERS
         || (letters >= LIST_LETTERS
             && count_rows (order, band, gutter) * 2 < MIN (left.n, right.n));
}

static void read_region (Order *order, const Items *items, guint depth);

static void add_leaf (Order *order, const Items *items)
{
  if (items->n == 0)
    return;
  LayoutRegion region = { .first = order->out->len, .n = items->n };
  region.x0 = INFINITY;
  region.x1 = -INFINITY;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = span_of (order, items, i);
      region.x0 = MIN (region.x0, span->x0);
      region.x1 = MAX (region.x1, span->x1);
    }
  g_array_append_vals (order->out, items->items, items->n);
  g_array_append_val (order->page->regions, region);
}

static void read_columns (Order *order, const Items *band, float gutter, guint depth)
{
  g_autofree guint *side = g_new (guint, band->n);
  for (int right = 0; right < 2; right++)
    {
      Items column = { side, 0 };
      for (guint i = 0; i < band->n; i++)
        if ((span_of (order, band, i)->x0 >= gutter) == right)
          side[column.n++] = band->items[i];
      read_region (order, &column, depth + 1);
    }
}

/* Does any span of ITEMS that crosses the gutter stand on the line of SPAN? */
static gboolean is_crossed (const Order *order, const Items *items, float gutter,
                            const LayoutSpan *span)
{
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *other = span_of (order, items, i);
      if (other->x0 < gutter && other->x1 > gutter && on_one_line (other, span))
        return TRUE;
    }
  return FALSE;
}

/* Reads ITEMS, sorted by their tops: bands of columns alternate with plain ones. */
static void read_bands (Order *order, const Items *items, float gutter, guint depth)
{
  g_autofree gboolean *crossed = g_new (gboolean, items->n);
  guint plain = 0; /* start of what is not read yet */
  for (guint i = 0; i < items->n; i++)
    crossed[i] = is_crossed (order, items, gutter, span_of (order, items, i));
  for (guint i = 0; i < items->n;)
    {
      guint end = i;
      while (end < items->n && !crossed[end])
        end++;
      Items band = { items->items + i, end - i };
      if (is_columns (order, &band, gutter))
        {
          Items before = { items->items + plain, i - plain };
          read_region (order, &before, depth + 1);
          read_columns (order, &band, gutter, depth);
          plain = end;
        }
      i = end;
      while (i < items->n && crossed[i])
        i++;
    }
  Items rest = { items->items + plain, items->n - plain };
  if (rest.n == items->n)
    add_leaf (order, &rest);
  else
    read_region (order, &rest, depth + 1);
}

static void read_region (Order *order, const Items *items, guint depth)
{
  g_qsort_with_data (items->items, items->n, sizeof (guint), compare_tops, order->page);
  gboolean worth_it = items->n >= 2 * LINES_MIN && items->n <= ITEMS_MAX && depth < DEPTH_MAX;
  float gutter = worth_it ? find_gutter (order, items) : -1;
  if (gutter < 0)
    add_leaf (order, items);
  else
    read_bands (order, items, gutter, depth);
}

/* ---- A page ---- */

static void read_direction (Order *order, LayoutDirection direction)
{
  LayoutPage *page = order->page;
  g_autofree guint *indices = g_new (guint, page->spans->len);
  Items items = { indices, 0 };
  for (guint i = 0; i < page->spans->len; i++)
    {
      LayoutSpan *span = layout_span (page, i);
      if (span->direction != direction || span->furniture)
        continue;
      turn (page, span);
      indices[items.n++] = i;
    }
  if (items.n > 0)
    read_region (order, &items, 0);
}

void layout_order (LayoutPage *page)
{
  Order order = { page, g_array_new (FALSE, FALSE, sizeof (guint)) };
  guint n[4] = { 0 };
  for (guint i = 0; i < page->spans->len; i++)
    n[layout_span (page, i)->direction] += layout_span (page, i)->length;
  guint main_direction = 0;
  for (guint d = 1; d < 4; d++)
    if (n[d] > n[main_direction])
      main_direction = d;
  for (guint d = 0; d < 4; d++)
    read_direction (&order, (main_direction + d) % 4);

  GArray *sorted = g_array_sized_new (FALSE, TRUE, sizeof (LayoutSpan), order.out->len);
  for (guint i = 0; i < order.out->len; i++)
    g_array_append_val (sorted, *layout_span (page, g_array_index (order.out, guint, i)));
  g_array_unref (page->spans);
  page->spans = sorted;
  g_array_unref (order.out);
}

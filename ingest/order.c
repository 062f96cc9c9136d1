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

#define DEPTH_MAX 16
#define ITEMS_MIN 6
/* More spans than any readable page has: maps and drawings have no columns, and looking for them
 * would take long. */
#define ITEMS_MAX 4000

typedef struct
{
  LayoutPage *page;
  GArray *out; /* guint: indices of spans in reading order */
} Order;

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

/* ---- Cutting ---- */

static int compare_tops (gconstpointer a, gconstpointer b, gpointer data)
{
  const LayoutSpan *first = layout_span (data, *(const guint *)a);
  const LayoutSpan *second = layout_span (data, *(const guint *)b);
  return first->y0 < second->y0 ? -1 : first->y0 > second->y0;
}

static void read_region (Order *order, const LayoutItems *items, guint depth);

static void add_leaf (Order *order, const LayoutItems *items)
{
  if (items->n == 0)
    return;
  LayoutRegion region = { .first = order->out->len, .n = items->n };
  region.x0 = INFINITY;
  region.x1 = -INFINITY;
  for (guint i = 0; i < items->n; i++)
    {
      const LayoutSpan *span = layout_span (order->page, items->indices[i]);
      region.x0 = MIN (region.x0, span->x0);
      region.x1 = MAX (region.x1, span->x1);
    }
  g_array_append_vals (order->out, items->indices, items->n);
  g_array_append_val (order->page->regions, region);
}

static void read_columns (Order *order, const LayoutItems *band, float gutter, guint depth)
{
  g_autofree guint *side = g_new (guint, band->n);
  for (int right = 0; right < 2; right++)
    {
      LayoutItems column = { order->page, side, 0 };
      for (guint i = 0; i < band->n; i++)
        if ((layout_span (order->page, band->indices[i])->x0 >= gutter) == right)
          side[column.n++] = band->indices[i];
      read_region (order, &column, depth + 1);
    }
}

/* Reads ITEMS, sorted by their tops: bands of columns alternate with plain ones. */
static void read_bands (Order *order, const LayoutItems *items, float gutter, guint depth)
{
  guint read = 0, first = 0, end = 0;
  while (layout_next_columns (items, gutter, &first, &end) > 0)
    {
      LayoutItems before = { items->page, items->indices + read, first - read };
      LayoutItems band = { items->page, items->indices + first, end - first };
      read_region (order, &before, depth + 1);
      read_columns (order, &band, gutter, depth);
      read = end;
    }
  LayoutItems rest = { items->page, items->indices + read, items->n - read };
  read_region (order, &rest, depth + 1);
}

static void read_region (Order *order, const LayoutItems *items, guint depth)
{
  g_qsort_with_data (items->indices, items->n, sizeof (guint), compare_tops, order->page);
  gboolean worth_it = items->n >= ITEMS_MIN && items->n <= ITEMS_MAX && depth < DEPTH_MAX;
  float gutter = worth_it ? layout_find_gutter (items) : -1;
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
  LayoutItems items = { page, indices, 0 };
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

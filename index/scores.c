/* Keeps the best of a long stream of scored chunks.
 *
 * Both searches score far more chunks than anyone wants to see. A heap of the K best so far, the
 * least of them on top, takes n chunks in n·log K steps at worst, and tells what a chunk has to
 * reach to matter. Equal scores go by chunk id, so that the same question always gets the same
 * list. */
#include "index/index-private.h"

#include <math.h>

static gboolean is_better (const IndexScore *a, const IndexScore *b)
{
  return a->score > b->score || (a->score == b->score && a->chunk < b->chunk);
}

static gint compare_best_first (gconstpointer a, gconstpointer b)
{
  return is_better (a, b) ? -1 : is_better (b, a);
}

static void swap (IndexScore *a, IndexScore *b)
{
  IndexScore kept = *a;

  *a = *b;
  *b = kept;
}

static void sink (IndexScore *heap, gsize n)
{
  for (gsize at = 0, least = 0;; at = least)
    {
      for (gsize child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
        if (is_better (&heap[least], &heap[child]))
          least = child;
      if (least == at)
        return;
      swap (&heap[at], &heap[least]);
    }
}

static void rise (IndexScore *heap, gsize at)
{
  for (; at > 0 && is_better (&heap[(at - 1) / 2], &heap[at]); at = (at - 1) / 2)
    swap (&heap[(at - 1) / 2], &heap[at]);
}

void index_top_init (IndexTop *top, gsize k)
{
  top->k = k;
  top->heap = g_array_new (FALSE, FALSE, sizeof (IndexScore));
}

void index_top_add (IndexTop *top, gint64 chunk, double score)
{
  const IndexScore candidate = { chunk, score };
  IndexScore *heap = (IndexScore *)(void *)top->heap->data;

  if (isnan (score))
    return;
  if (top->heap->len < top->k)
    {
      g_array_append_val (top->heap, candidate);
      rise ((IndexScore *)(void *)top->heap->data, top->heap->len - 1);
    }
  else if (top->k > 0 && is_better (&candidate, &heap[0]))
    {
      heap[0] = candidate;
      sink (heap, top->k);
    }
}

double index_top_least (const IndexTop *top)
{
  if (top->heap->len < top->k)
    return -INFINITY;
  return top->k > 0 ? g_array_index (top->heap, IndexScore, 0).score : INFINITY;
}

GArray *index_top_finish (IndexTop *top)
{
  g_array_sort (top->heap, compare_best_first);
  return g_steal_pointer (&top->heap);
}

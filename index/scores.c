/* Keeps the best of a long list of scored chunks.
 *
 * Both searches score far more chunks than anyone wants to see. A heap of the K best so far, worst
 * on top, turns n candidates into the first K in n·log K steps without sorting the rest. Equal
 * scores go by chunk id, so that the same question always gets the same list. */
#include "index/index-private.h"

static gboolean is_better (const IndexScore *a, const IndexScore *b)
{
  return a->score > b->score || (a->score == b->score && a->chunk < b->chunk);
}

static gint compare_best_first (gconstpointer a, gconstpointer b)
{
  return is_better (a, b) ? -1 : is_better (b, a);
}

/* Restores the order of a heap whose element AT may be better than those below it. */
static void sink (IndexScore *heap, gsize n, gsize at)
{
  for (;;)
    {
      gsize worst = at;

      for (gsize child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
        if (is_better (&heap[worst], &heap[child]))
          worst = child;
      if (worst == at)
        return;

      IndexScore swap = heap[at];
      heap[at] = heap[worst];
      heap[worst] = swap;
      at = worst;
    }
}

void index_scores_keep_top (GArray *scores, gsize k)
{
  IndexScore *all = (IndexScore *)(void *)scores->data;

  if (scores->len > k)
    {
      for (gsize i = k / 2; i-- > 0;)
        sink (all, k, i);
      for (gsize i = k; k > 0 && i < scores->len; i++)
        if (is_better (&all[i], &all[0]))
          {
            all[0] = all[i];
            sink (all, k, 0);
          }
      g_array_set_size (scores, (guint)k);
    }
  g_array_sort (scores, compare_best_first);
}

gssize index_scores_find (const GArray *scores, gint64 chunk)
{
  gsize low = 0, high = scores->len;

  while (low < high)
    {
      gsize middle = low + (high - low) / 2;

      if (g_array_index (scores, IndexScore, middle).chunk < chunk)
        low = middle + 1;
      else
        high = middle;
    }
  return low < scores->len && g_array_index (scores, IndexScore, low).chunk == chunk ? (gssize)low
                                                                                     : -1;
}

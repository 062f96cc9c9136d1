/* Makes one ranking out of two that do not measure in the same unit. */
#include "index/fusion-private.h"

#include <math.h>

#define LEXICAL_SHARE 0.3

static gint compare_best_first (gconstpointer a, gconstpointer b)
{
  const IndexCandidate *x = a, *y = b;

  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

void index_fuse (GArray *candidates)
{
  double most = 0, low = INFINITY, high = -INFINITY;

  for (guint i = 0; i < candidates->len; i++)
    {
      const IndexCandidate *candidate = &g_array_index (candidates, IndexCandidate, i);

      most = MAX (most, candidate->bm25);
      low = fmin (low, candidate->cosine);
      high = fmax (high, candidate->cosine);
    }
  for (guint i = 0; i < candidates->len; i++)
    {
      IndexCandidate *candidate = &g_array_index (candidates, IndexCandidate, i);
      double lexical = most > 0 ? candidate->bm25 / most : 0;
      double dense
          = isnan (candidate->cosine) || high <= low ? 0 : (candidate->cosine - low) / (high - low);

      candidate->score = LEXICAL_SHARE * lexical + (1 - LEXICAL_SHARE) * dense;
    }
  g_array_sort (candidates, compare_best_first);
}

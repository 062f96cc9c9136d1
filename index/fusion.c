/* Makes one ranking out of two that do not measure in the same unit.
 *
 * Candidates come in with both their scores, BM25 and cosine, and leave in one order. Each score is
 * read as "how many standard deviations above this question's other candidates", which makes the
 * two comparable, and the list whose best stands out further gets more say: BM25 towers where a
 * question's rare words sit in one passage, cosine where a passage says the same in other words,
 * and an encoder that does not know the language produces a flat list that should not matter.
 *
 *   z(x)  = (x − mean) / deviation                over the first 200 of each search
 *   share = λ·p² / (λ·p² + (1 − λ)·q²)            p, q: highest z of BM25, of cosine
 *   score = share · z(bm25) + (1 − share) · z(cosine)
 *
 * nDCG@10 (Recall@100 of SciFact) with all-MiniLM-L6-v2:
 *
 *                                      SciFact        XQuAD en     de     es     zh
 *   lexical alone                      .700 (.920)        .971   .932   .962   .961
 *   dense alone                        .666 (.941)        .950   .719   .656   .285
 *   this one, without feedback         .742 (.961)        .980   .945   .959   .957
 *   this one (feedback: search.c)      .745 (.968)        .980   .945   .959   .959
 *
 * ("Without feedback" for XQuAD as measured while a guessed word counted twice as much, see question.c.)
 * With multilingual-e5-small XQuAD en, zh: dense .976, .957, this one .984, .975. What else was tried,
 * while passages were cut and encoded in another way (this one had .742 (.972), .979, .950, .969, .960):
 *
 *   reciprocal rank fusion, k = 10     .723 (.962)        .973   .898   .879   .734
 *   min–max, .3 BM25 + .7 cosine       .731 (.965)        .976   .893   .894   .723
 *   z, .4 BM25 + .6 cosine             .741 (.968)        .980   .942   .957   .938
 *
 * λ from .25 to .35 and 100 to 300 candidates move these by less than .008. */
#include "index/fusion-private.h"

#include <math.h>

/* λ: below one half, because BM25's best stands out further on most questions. */
#define LEXICAL_SHARE 0.3

typedef struct
{
  double mean, deviation, best; /* best: in deviations above the mean */
} Spread;

/* Passages without a vector have no cosine and do not count. Nor do those beyond the first of each
 * search: the order of the best must not depend on how many passages were asked for. */
static Spread spread_of (const GArray *candidates, gboolean dense)
{
  Spread spread = { 0 };
  double sum = 0, squares = 0, best = -INFINITY;
  guint n = 0;

  for (guint i = 0; i < candidates->len; i++)
    {
      const IndexCandidate *candidate = &g_array_index (candidates, IndexCandidate, i);
      double score = dense ? candidate->meaning : candidate->bm25;

      if (isnan (score) || !candidate->leads)
        continue;
      sum += score;
      squares += score * score;
      best = fmax (best, score);
      n++;
    }
  if (n == 0)
    return spread;
  spread.mean = sum / n;
  spread.deviation = sqrt (fmax (squares / n - spread.mean * spread.mean, 0));
  if (spread.deviation > 1e-6)
    spread.best = (best - spread.mean) / spread.deviation;
  return spread;
}

static double deviations (const Spread *spread, double score)
{
  return spread->best > 0 && !isnan (score) ? (score - spread->mean) / spread->deviation : 0;
}

static gint compare_best_first (gconstpointer a, gconstpointer b)
{
  const IndexCandidate *x = a, *y = b;

  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

void index_fuse (GArray *candidates)
{
  Spread lexical = spread_of (candidates, FALSE);
  Spread dense = spread_of (candidates, TRUE);
  double p = LEXICAL_SHARE * lexical.best * lexical.best;
  double q = (1 - LEXICAL_SHARE) * dense.best * dense.best;
  double share = p + q > 0 ? p / (p + q) : LEXICAL_SHARE;

  for (guint i = 0; i < candidates->len; i++)
    {
      IndexCandidate *candidate = &g_array_index (candidates, IndexCandidate, i);

      candidate->score = share * deviations (&lexical, candidate->bm25)
                         + (1 - share) * deviations (&dense, candidate->meaning);
    }
  g_array_sort (candidates, compare_best_first);
}

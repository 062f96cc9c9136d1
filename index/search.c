/* Answers a query: filters, searches by words and by vector, fuses, loads the passages.
 *
 * Everything happens in one read transaction, so that both searches and the passages themselves
 * come from the same moment even while another process is adding documents. The cap per document
 * is applied to the fused list, and the list is made longer until it yields what was asked for. */
#include "index/index-private.h"

#include "index/dense-private.h"
#include "index/fusion-private.h"

#include <math.h>

/* Each search contributes at least this many; fusion needs more than the ten that are shown. */
#define MIN_DEPTH 200

typedef struct
{
  Index *index;
  const IndexQuery *query;
  IndexFilter *filter;
  GArray *lexical;     /* IndexScore by chunk id; NULL: no lexical search */
  const float *vector; /* NULL: no dense search */
} Search;

/* ---- Candidates ---- */

static void add_candidate (const Search *search, GArray *candidates, GHashTable *seen, gint64 chunk)
{
  IndexCandidate candidate = { .chunk = chunk, .cosine = NAN };
  gssize at = search->lexical ? index_scores_find (search->lexical, chunk) : -1;

  if (!g_hash_table_add (seen, g_memdup2 (&chunk, sizeof chunk)))
    return;
  if (at >= 0)
    candidate.bm25 = g_array_index (search->lexical, IndexScore, at).score;
  if (search->vector)
    candidate.cosine = index_dense_cosine (search->index, search->vector, chunk);
  candidate.score = search->lexical ? candidate.bm25 : candidate.cosine;
  g_array_append_val (candidates, candidate);
}

static void add_scores (const Search *search, GArray *candidates, GHashTable *seen,
                        const GArray *scores)
{
  for (guint i = 0; i < scores->len; i++)
    add_candidate (search, candidates, seen, g_array_index (scores, IndexScore, i).chunk);
}

/* The best DEPTH of each search, best first. ret_complete: there is nothing beyond. */
static GArray *rank (const Search *search, gsize depth, gboolean *ret_complete)
{
  GArray *candidates = g_array_new (FALSE, FALSE, sizeof (IndexCandidate));
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);

  *ret_complete = TRUE;
  if (search->lexical)
    {
      g_autoptr (GArray) best = g_array_copy (search->lexical);

      index_scores_keep_top (best, depth);
      *ret_complete = search->lexical->len <= depth;
      add_scores (search, candidates, seen, best);
    }
  if (search->vector)
    {
      g_autoptr (GArray) best
          = index_dense_search (search->index, search->vector, search->filter, depth);

      *ret_complete = *ret_complete && best->len < depth;
      add_scores (search, candidates, seen, best);
    }
  if (search->lexical && search->vector)
    index_fuse (candidates);
  return candidates;
}

/* ---- Hits ---- */

/* Counts a hit of DOCUMENT; FALSE when it had its share already. */
static gboolean within_cap (GHashTable *counts, gint64 document, guint cap)
{
  guint *count = g_hash_table_lookup (counts, &document);

  if (cap == 0)
    return TRUE;
  if (!count)
    {
      count = g_new0 (guint, 1);
      g_hash_table_insert (counts, g_memdup2 (&document, sizeof document), count);
    }
  return ++*count <= cap;
}

static GPtrArray *load_hits (const Search *search, const GArray *candidates, GError **error)
{
  g_autoptr (GPtrArray) hits = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  g_autoptr (GHashTable) counts
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);

  for (guint i = 0; i < candidates->len && hits->len < search->query->limit; i++)
    {
      const IndexCandidate *candidate = &g_array_index (candidates, IndexCandidate, i);
      g_autoptr (GError) failure = NULL;
      IndexHit *hit = index_load_hit (search->index, candidate->chunk, &failure);

      if (failure)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      if (!hit)
        continue;
      hit->score = candidate->score;
      hit->bm25 = candidate->bm25;
      hit->cosine = candidate->cosine;
      if (within_cap (counts, hit->document_id, search->query->per_document))
        g_ptr_array_add (hits, hit);
      else
        index_hit_free (hit);
    }
  return g_steal_pointer (&hits);
}

static GPtrArray *collect (const Search *search, GError **error)
{
  for (gsize depth = MAX (MIN_DEPTH, 2 * (gsize)search->query->limit);; depth *= 4)
    {
      gboolean complete;
      g_autoptr (GArray) candidates = rank (search, depth, &complete);
      g_autoptr (GPtrArray) hits = load_hits (search, candidates, error);

      if (!hits || complete || hits->len >= search->query->limit)
        return g_steal_pointer (&hits);
    }
}

/* ---- Search ---- */

static GPtrArray *search_now (Index *index, const IndexQuery *query, GError **error)
{
  g_autoptr (IndexFilter) filter = NULL;
  g_autoptr (GArray) lexical = NULL;
  Search search = { .index = index, .query = query };

  if (!index_filter_new (index, query, &filter, error))
    return NULL;
  search.filter = filter;
  if (query->mode != INDEX_SEARCH_DENSE)
    {
      lexical = index_lexical_search (index, query->text ? query->text : "", filter, error);
      if (!lexical)
        return NULL;
      search.lexical = lexical;
    }
  if (query->mode != INDEX_SEARCH_LEXICAL && query->vector)
    {
      if (!index_dense_refresh (index, error))
        return NULL;
      search.vector = index->dimension > 0 ? query->vector : NULL;
    }
  return collect (&search, error);
}

GPtrArray *index_search (Index *index, const IndexQuery *query, GError **error)
{
  if (query->limit == 0)
    return g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  if (!index_begin_read (index, error))
    return NULL;

  g_autoptr (GPtrArray) hits = search_now (index, query, error);
  if (!index_end (index, hits != NULL, error))
    return NULL;
  return g_steal_pointer (&hits);
}

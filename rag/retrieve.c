/* Finds passages: `search`, and the first half of `ask`.
 *
 * In comes a query, out come passages, best first, each with the sentence that matches best, and
 * what the search could not see. Without an encoder at hand hybrid search falls back to words. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

#define DEFAULT_LIMIT 10
#define MAX_LIMIT 1000

void rag_hit_free (RagHit *hit)
{
  if (hit == NULL)
    return;
  g_free (hit->document);
  g_free (hit->title);
  g_free (hit->collection);
  g_free (hit->section);
  g_free (hit->text);
  g_free (hit->page_label);
  g_free (hit);
}

RagHit *rag_hit_from_index (const IndexHit *from)
{
  RagHit *hit = g_new0 (RagHit, 1);
  hit->document = g_strdup (from->path);
  hit->title = g_strdup (from->title);
  hit->collection = g_strdup (from->collection);
  hit->section = g_strdup (from->section != NULL ? from->section : "");
  hit->text = g_strdup (from->text);
  hit->page = from->first_page;
  hit->last_page = from->last_page;
  hit->page_label = from->first_label != NULL ? g_strdup (from->first_label)
                                              : g_strdup_printf ("%u", from->first_page);
  hit->hidden = (from->flags & INDEX_CHUNK_HIDDEN) != 0;
  hit->ocr = (from->flags & INDEX_CHUNK_OCR) != 0;
  hit->score = from->score;
  hit->bm25 = from->bm25;
  hit->cosine = from->cosine;
  hit->n_copies = from->n_copies;
  return hit;
}

void rag_coverage_clear (RagCoverage *coverage)
{
  g_clear_pointer (&coverage->skipped, g_ptr_array_unref);
}

gboolean rag_coverage_fill (Rag *rag, const char *collection, RagCoverage *ret_coverage,
                            GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = rag_index_scope (rag, collection);
  guint n;
  g_autoptr (GPtrArray) failed = index_list_failed (rag->index, &scope, &n, &inner);
  if (failed == NULL)
    return rag_translate_error (error, inner);
  GPtrArray *skipped = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  for (guint i = 0; i < failed->len; i++)
    {
      const IndexDocument *document = g_ptr_array_index (failed, i);
      g_ptr_array_add (skipped, rag_failure_new (document->path, document->failure));
    }
  *ret_coverage = (RagCoverage){ .documents = n,
                                 .failed = failed->len,
                                 .searched = n - failed->len,
                                 .skipped = skipped };
  return TRUE;
}

void rag_retrieval_clear (RagRetrieval *retrieval)
{
  g_clear_pointer (&retrieval->hits, g_ptr_array_unref);
  g_clear_pointer (&retrieval->vector, g_free);
}

/* An answer compares its question with passages, with sentences and with its source. */
static gboolean embed_question (Rag *rag, const char *text, float *vector, GError **error)
{
  const gsize size = engine_encoder_dimension (rag->encoder) * sizeof *vector;
  if (g_strcmp0 (rag->asked, text) == 0)
    {
      memcpy (vector, rag->asked_vector, size);
      return TRUE;
    }
  if (!engine_encode (rag->encoder, ENGINE_TEXT_QUERY, &text, 1, vector, NULL, error))
    return FALSE;
  g_free (rag->asked);
  g_free (rag->asked_vector);
  rag->asked = g_strdup (text);
  rag->asked_vector = g_memdup2 (vector, size);
  return TRUE;
}

gboolean rag_embed (Rag *rag, const char *text, gboolean passage, float **ret_vector,
                    guint *ret_dimension, GError **error)
{
  GError *inner = NULL;
  if (!rag_need_encoder (rag, FALSE, error))
    return FALSE;
  const guint dimension = engine_encoder_dimension (rag->encoder);
  g_autofree float *vector = g_new (float, dimension);
  if (!(passage ? engine_encode (rag->encoder, ENGINE_TEXT_PASSAGE, &text, 1, vector, NULL, &inner)
                : embed_question (rag, text, vector, &inner)))
    return rag_translate_error (error, inner);
  *ret_vector = g_steal_pointer (&vector);
  *ret_dimension = dimension;
  return TRUE;
}

/* What nobody sees on the page was put there for programs: it is neither shown as found nor given
 * to a model. */
static void drop_hidden (GPtrArray *hits, guint limit)
{
  for (guint i = hits->len; i-- > 0;)
    if (((const IndexHit *)g_ptr_array_index (hits, i))->flags & INDEX_CHUNK_HIDDEN)
      g_ptr_array_remove_index (hits, i);
  if (hits->len > limit)
    g_ptr_array_set_size (hits, (int)limit);
}

gboolean rag_retrieve (Rag *rag, const char *query, RagSearchMode mode, guint limit,
                       const char *collection, gint64 only_document, RagRetrieval *ret_retrieval,
                       GError **error)
{
  static const IndexSearchMode modes[]
      = { INDEX_SEARCH_HYBRID, INDEX_SEARCH_LEXICAL, INDEX_SEARCH_DENSE };
  RagRetrieval retrieval = { 0 };
  GError *inner = NULL;
  guint dimension;
  const guint depth = rag->reranker_name != NULL ? MAX (limit, RAG_RERANK_DEPTH) : limit;
  /* A library filled with --no-embed has no vectors to compare with. */
  gboolean dense = mode != RAG_SEARCH_LEXICAL && index_encoder (rag->index, NULL) != NULL;
  gint64 start_us = g_get_monotonic_time ();
  if (dense && !rag_embed (rag, query, FALSE, &retrieval.vector, &dimension, error))
    return FALSE;
  retrieval.encode_ms = rag_milliseconds_since (start_us);
  start_us = g_get_monotonic_time ();
  IndexQuery index_query = { .mode = modes[mode],
                             .text = query,
                             .vector = retrieval.vector,
                             .encoder = dense ? engine_encoder_fingerprint (rag->encoder) : NULL,
                             .limit = 2 * depth, /* some may be hidden */
                             .collapse = TRUE,
                             .scope = rag_index_scope (rag, collection) };
  index_query.scope.documents = only_document >= 0 ? &only_document : NULL;
  index_query.scope.n_documents = only_document >= 0;
  retrieval.hits = mode == RAG_SEARCH_DENSE && !dense
                       ? g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free)
                       : index_search (rag->index, &index_query, &inner);
  if (retrieval.hits == NULL)
    {
      rag_retrieval_clear (&retrieval);
      return rag_translate_error (error, inner);
    }
  drop_hidden (retrieval.hits, depth);
  if (mode == RAG_SEARCH_HYBRID && !rag_rerank (rag, query, retrieval.hits, error))
    {
      rag_retrieval_clear (&retrieval);
      return FALSE;
    }
  if (retrieval.hits->len > limit)
    g_ptr_array_set_size (retrieval.hits, (int)limit);
  retrieval.search_ms = rag_milliseconds_since (start_us);
  *ret_retrieval = retrieval;
  return TRUE;
}

/* Marks in each hit the sentence that matches the query best. */
static GPtrArray *hits_with_best_sentence (const RagQuestion *question, const GPtrArray *found)
{
  GPtrArray *hits = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_hit_free);
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, found);
  for (guint i = 0; i < evidence->passages->len; i++)
    {
      RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      g_ptr_array_add (hits, g_steal_pointer (&passage->hit));
    }
  return hits;
}

void rag_search_result_free (RagSearchResult *result)
{
  if (result == NULL)
    return;
  if (result->hits != NULL)
    g_ptr_array_unref (result->hits);
  rag_coverage_clear (&result->coverage);
  g_free (result);
}

RagSearchResult *rag_search (Rag *rag, const char *query, RagSearchMode mode, guint limit,
                             const char *collection, GError **error)
{
  RagRetrieval retrieval;
  gint64 start_us = g_get_monotonic_time ();
  if (!rag_check_question (query, error))
    return NULL;
  g_autoptr (RagQuestion) question = rag_question_new (rag, query, error);
  if (question == NULL
      || !rag_retrieve (rag, question->text, mode,
                        limit > 0 ? MIN (limit, MAX_LIMIT) : DEFAULT_LIMIT, collection, -1,
                        &retrieval, error))
    return NULL;
  g_autoptr (RagSearchResult) result = g_new0 (RagSearchResult, 1);
  result->hits = hits_with_best_sentence (question, retrieval.hits);
  result->encode_ms = retrieval.encode_ms;
  result->search_ms = retrieval.search_ms;
  rag_retrieval_clear (&retrieval);
  if (!rag_coverage_fill (rag, collection, &result->coverage, error))
    return NULL;
  result->total_ms = rag_milliseconds_since (start_us);
  return g_steal_pointer (&result);
}

GPtrArray *rag_show (Rag *rag, const RagDocument *document, guint first_page, guint last_page,
                     GError **error)
{
  GError *inner = NULL;
  g_autoptr (IndexDocument) found = index_find_document (rag->index, document->path, &inner);
  g_autoptr (GPtrArray) chunks = NULL;
  if (found != NULL)
    chunks = index_document_chunks (rag->index, found->id, first_page, last_page, &inner);
  if (inner != NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  if (found == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND, "%s is not in the library",
                   document->path);
      return NULL;
    }
  GPtrArray *hits = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_hit_free);
  for (guint i = 0; i < chunks->len; i++)
    g_ptr_array_add (hits, rag_hit_from_index (g_ptr_array_index (chunks, i)));
  return hits;
}

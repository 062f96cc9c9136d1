/* Puts the best passages into the order of a model that reads question and passage together.
 *
 * In come passages as search ranks them, out go the same ones, those that the model had time to read
 * first. A cross-encoder is the best judge of relevance that there is, and reads each passage anew
 * for every question: on a processor that is tens of milliseconds a passage. So it goes from the
 * front, a few at a time, until the budget is spent, and what it has not read keeps its place behind
 * those that it has. */
#include "rag/answer-private.h"

#include <string.h>

#define DEFAULT_BUDGET_MS 1000
/* Read together; between batches the clock is looked at. */
#define BATCH 4

static gboolean need_reranker (Rag *rag, GError **error)
{
  if (rag->reranker != NULL)
    return TRUE;
  rag->reranker = rag_open_encoder (rag, rag->reranker_name, &rag->reranker_model, error);
  if (rag->reranker == NULL)
    return FALSE;
  if (engine_model_info (rag->reranker_model)->role == ENGINE_ROLE_RERANKER)
    return TRUE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "“%s” is no reranker: --rerank takes a cross-encoder with one output",
               rag->reranker_name);
  rag_drop_reranker (rag);
  return FALSE;
}

void rag_drop_reranker (Rag *rag)
{
  g_clear_pointer (&rag->reranker, engine_encoder_free);
  g_clear_pointer (&rag->reranker_model, engine_model_unref);
}

typedef struct
{
  gpointer hit;
  float score;
} Judged;

static gint compare_judged (gconstpointer a, gconstpointer b)
{
  const float x = ((const Judged *)a)->score, y = ((const Judged *)b)->score;
  return x > y ? -1 : x < y;
}

/* Appends the scores of the hits from JUDGED->len on, up to BATCH of them. */
static gboolean judge_batch (Rag *rag, const char *query, const GPtrArray *hits, GArray *judged,
                             GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  float scores[BATCH];
  GError *inner = NULL;
  const guint from = judged->len, n = MIN (BATCH, hits->len - from);
  for (guint i = 0; i < n; i++)
    {
      const IndexHit *hit = g_ptr_array_index (hits, from + i);
      g_ptr_array_add (texts, rag_text_to_encode (hit->title, hit->section, hit->text));
    }
  if (!engine_rerank (rag->reranker, query, (const char *const *)texts->pdata, n, scores, NULL,
                      &inner))
    return rag_translate_error (error, inner);
  for (guint i = 0; i < n; i++)
    {
      const Judged one = { g_ptr_array_index (hits, from + i), scores[i] };
      g_array_append_val (judged, one);
    }
  return TRUE;
}

gboolean rag_rerank (Rag *rag, const char *query, GPtrArray *hits, GError **error)
{
  const guint budget_ms = rag->rerank_ms > 0 ? rag->rerank_ms : DEFAULT_BUDGET_MS;
  g_autoptr (GArray) judged = g_array_new (FALSE, FALSE, sizeof (Judged));
  if (rag->reranker_name == NULL)
    return TRUE;
  if (!need_reranker (rag, error))
    return FALSE;
  const gint64 end_us = g_get_monotonic_time () + (gint64)budget_ms * 1000;
  while (judged->len < MIN (hits->len, RAG_RERANK_DEPTH) && g_get_monotonic_time () < end_us)
    if (!judge_batch (rag, query, hits, judged, error))
      return FALSE;
  g_array_sort (judged, compare_judged); /* stable: equals stay as search ranked them */
  for (guint i = 0; i < judged->len; i++)
    hits->pdata[i] = g_array_index (judged, Judged, i).hit;
  return TRUE;
}

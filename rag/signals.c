/* Gathers what tells whether an answer can be right.
 *
 * In come the question, the evidence and what was cited, out go the numbers that refuse.c weighs.
 * None of them is proof: passages may hold all of a question's words and yet not its answer. The
 * most telling place is the source, the sentence that proves most of the answer: when the question
 * is really about it, it is near in meaning, has the question's names, and is what a search for the
 * best sentence would have chosen without any model. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Passages that may still be read count, not the long tail of the ranking. */
#define MAX_PASSAGES 8
/* Each costs two or three milliseconds. */
#define MAX_SENTENCES 4
/* Without vectors: what an answerable question usually has, so that the words decide. */
const double rag_usual_cosine = 0.55;

/* ---- Before the model ---- */

/* Vectors are of length 1, so that their product is the cosine. */
gboolean rag_cosines (Rag *rag, const RagQuestion *question, const char *const *texts, gsize n,
                      double *ret_cosines, GError **error)
{
  GError *inner = NULL;
  for (gsize i = 0; i < n; i++)
    ret_cosines[i] = rag_usual_cosine;
  if (n == 0 || index_encoder (rag->index, NULL) == NULL)
    return TRUE;
  g_autofree float *x = NULL;
  guint dimension;
  if (!rag_embed (rag, question->text, FALSE, &x, &dimension, error))
    return FALSE;
  g_autofree float *y = g_new (float, n *dimension);
  if (!engine_encode (rag->encoder, ENGINE_TEXT_PASSAGE, texts, n, y, NULL, &inner))
    return rag_translate_error (error, inner);
  for (gsize i = 0; i < n; i++)
    {
      double cosine = 0;
      for (gsize k = 0; k < dimension; k++)
        cosine += (double)x[k] * y[i * dimension + k];
      ret_cosines[i] = engine_encoder_common_scale (rag->encoder, cosine);
    }
  return TRUE;
}

/* A passage that speaks of many things is far from a question about one of them, while one of its
 * sentences may be near. */
static gboolean best_sentence_cosine (Rag *rag, const RagQuestion *question,
                                      const RagEvidence *evidence, double *ret_cosine,
                                      GError **error)
{
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, MAX_SENTENCES);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  double cosines[MAX_SENTENCES];
  for (guint i = 0; i < nearest->len; i++)
    g_ptr_array_add (texts, rag_span_text (evidence, g_ptr_array_index (nearest, i)));
  if (!rag_cosines (rag, question, (const char *const *)texts->pdata, texts->len, cosines, error))
    return FALSE;
  *ret_cosine = 0;
  for (guint i = 0; i < texts->len; i++)
    *ret_cosine = MAX (*ret_cosine, cosines[i]);
  return TRUE;
}

gboolean rag_signals_before (Rag *rag, const RagQuestion *question, const RagEvidence *evidence,
                             RagSignals *ret_signals, GError **error)
{
  RagSignals signals = { 0 };
  double cosine = NAN;
  for (guint i = 0; i < MIN (evidence->passages->len, MAX_PASSAGES); i++)
    {
      const RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      cosine = fmax (cosine, passage->hit->cosine);
      signals.coverage = MAX (signals.coverage, rag_question_coverage (question, passage->forms));
    }
  if (!best_sentence_cosine (rag, question, evidence, &signals.sentence_cosine, error))
    return FALSE;
  signals.cosine = isnan (cosine) ? rag_usual_cosine : cosine;
  if (!isnan (cosine) && rag->encoder != NULL)
    signals.cosine = engine_encoder_common_scale (rag->encoder, cosine);
  *ret_signals = signals;
  return TRUE;
}

/* ---- The source ---- */

static double echo_of (const RagQuestion *question, const char *answer)
{
  g_autoptr (GHashTable) asked = rag_word_set (question->text, -1, question->language);
  g_autoptr (GHashTable) said = rag_word_set (answer, -1, question->language);
  GHashTableIter iter;
  gpointer form;
  double n = 0;
  g_hash_table_iter_init (&iter, said);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    n += g_hash_table_contains (asked, form);
  return g_hash_table_size (said) > 0 ? n / g_hash_table_size (said) : 0;
}

guint rag_count_names_missing (const RagQuestion *question, GHashTable *forms)
{
  guint n = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      n += term->kind != RAG_WORD_PLAIN && !g_hash_table_contains (forms, term->form);
    }
  return n;
}

static double best_score (const RagEvidence *evidence)
{
  double best = 0;
  for (guint i = 0; i < evidence->spans->len; i++)
    best = MAX (best, g_array_index (evidence->spans, RagSpan, i).score);
  return best;
}

gboolean rag_signals_of_source (Rag *rag, const RagQuestion *question, const RagEvidence *evidence,
                                const RagCited *cited, const char *answer, RagSignals *signals,
                                GError **error)
{
  signals->echo = echo_of (question, answer);
  if (cited->source < 0)
    return TRUE;
  const RagSpan *span = &g_array_index (evidence->spans, RagSpan, cited->source);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  double best = best_score (evidence);
  g_autofree char *source = rag_span_text (evidence, span);
  const char *text = source;
  signals->names_missing = rag_count_names_missing (question, passage->forms);
  signals->agreement = best > 0 ? span->score / best : 0;
  return rag_cosines (rag, question, &text, 1, &signals->source_cosine, error);
}

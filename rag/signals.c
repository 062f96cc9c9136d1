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
/* Without vectors: what an answerable question usually has, so that the words decide. */
#define USUAL_COSINE 0.55

void rag_signals_before (const RagQuestion *question, const RagEvidence *evidence,
                         RagSignals *ret_signals)
{
  RagSignals signals = { 0 };
  gboolean compared = FALSE;
  for (guint i = 0; i < MIN (evidence->passages->len, MAX_PASSAGES); i++)
    {
      const RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      if (!isnan (passage->hit->cosine))
        {
          compared = TRUE;
          signals.cosine = MAX (signals.cosine, passage->hit->cosine);
        }
      signals.coverage = MAX (signals.coverage, rag_question_coverage (question, passage->forms));
    }
  if (!compared)
    signals.cosine = USUAL_COSINE;
  *ret_signals = signals;
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

static guint n_names_missing (const RagQuestion *question, GHashTable *forms)
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

/* Vectors are of length 1, so that their product is the cosine. */
static gboolean cosine_with (Rag *rag, const RagQuestion *question, const char *source,
                             double *ret_cosine, GError **error)
{
  GError *inner = NULL;
  *ret_cosine = USUAL_COSINE;
  if (index_encoder (rag->index, NULL) == NULL)
    return TRUE;
  if (!rag_need_encoder (rag, FALSE, error))
    return FALSE;
  guint dimension = engine_encoder_dimension (rag->encoder);
  g_autofree float *x = g_new (float, dimension), *y = g_new (float, dimension);
  const char *asked = question->text;
  if (!engine_encode (rag->encoder, ENGINE_TEXT_QUERY, &asked, 1, x, NULL, &inner)
      || !engine_encode (rag->encoder, ENGINE_TEXT_PASSAGE, &source, 1, y, NULL, &inner))
    return rag_translate_error (error, inner);
  double cosine = 0;
  for (guint i = 0; i < dimension; i++)
    cosine += (double)x[i] * y[i];
  *ret_cosine = engine_encoder_common_scale (rag->encoder, cosine);
  return TRUE;
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
  g_autofree char *source
      = rag_one_line (passage->hit->text + span->start, span->end - span->start);
  signals->names_missing = n_names_missing (question, passage->forms);
  signals->agreement = best > 0 ? span->score / best : 0;
  return cosine_with (rag, question, source, &signals->source_cosine, error);
}

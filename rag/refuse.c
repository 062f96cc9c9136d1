/* Decides to say nothing: before the model reads, and after it has answered.
 *
 * In come signals (how near the passages are, how many of the question's words they hold, what the
 * model's probabilities say, how well the answer is supported), out goes a probability. Both
 * estimates are logistic regressions with few inputs, fitted on public questions; the table and how
 * to fit it again are in docs/answers.md. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Fitted on SQuAD 2.0 (see docs/answers.md): intercept, then one weight per signal. */
static const struct
{
  double intercept, cosine, coverage, missing, missing_names;
} before = { -2.0, 6.0, 2.5, -2.0, -0.5 };

static const struct
{
  double intercept, cosine, coverage, missing_names, refusal_logprob, mean_logprob, support,
      relevance;
} after = { -1.0, 1.0, 1.0, -0.5, -0.15, 1.0, 1.0, 1.0 };

const double rag_answerable_threshold = 0.25;
const double rag_confidence_threshold = 0.25;

static double logistic (double x)
{
  return 1 / (1 + exp (-x));
}

/* Passages that may still be read count, not the long tail of the ranking. */
#define MAX_PASSAGES 8

static gboolean any_has (const RagEvidence *evidence, const char *form)
{
  for (guint i = 0; i < MIN (evidence->passages->len, MAX_PASSAGES); i++)
    {
      const RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      if (g_hash_table_contains (passage->forms, form))
        return TRUE;
    }
  return FALSE;
}

void rag_signals_before (const RagQuestion *question, const RagEvidence *evidence,
                         RagSignals *ret_signals)
{
  RagSignals signals = { 0 };
  double missing = 0;
  for (guint i = 0; i < MIN (evidence->passages->len, MAX_PASSAGES); i++)
    {
      const RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      if (!isnan (passage->hit->cosine))
        signals.cosine = MAX (signals.cosine, passage->hit->cosine);
      signals.coverage = MAX (signals.coverage, rag_question_coverage (question, passage->forms));
    }
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      if (any_has (evidence, term->form))
        continue;
      missing += term->weight;
      signals.missing_names += term->kind != RAG_WORD_PLAIN;
    }
  if (question->total_weight > 0)
    signals.missing = missing / question->total_weight;
  *ret_signals = signals;
}

double rag_answerable (const RagSignals *signals)
{
  return logistic (before.intercept + before.cosine * signals->cosine
                   + before.coverage * signals->coverage + before.missing * signals->missing
                   + before.missing_names * signals->missing_names);
}

double rag_confidence (const RagSignals *signals)
{
  return logistic (after.intercept + after.cosine * signals->cosine
                   + after.coverage * signals->coverage
                   + after.missing_names * signals->missing_names
                   + after.refusal_logprob * MAX (signals->refusal_logprob, -15)
                   + after.mean_logprob * MAX (signals->mean_logprob, -3)
                   + after.support * signals->support + after.relevance * signals->relevance);
}

/* ---- What a refusal says ---- */

static void append_searched (GString *text, const RagCoverage *coverage)
{
  g_string_append_printf (text, "The documents do not answer this. Searched %u document%s",
                          coverage->searched, coverage->searched == 1 ? "" : "s");
  if (coverage->failed > 0)
    g_string_append_printf (text, "; %u more could not be read", coverage->failed);
  g_string_append (text, ".");
}

char *rag_refusal_text (const RagCoverage *coverage, const GPtrArray *hits)
{
  GString *text = g_string_new (NULL);
  append_searched (text, coverage);
  if (hits != NULL && hits->len > 0)
    {
      const RagHit *hit = g_ptr_array_index (hits, 0);
      g_autofree char *name = g_path_get_basename (hit->document);
      g_autofree char *quote
          = rag_one_line (hit->text + hit->best_start, hit->best_end - hit->best_start);
      g_string_append_printf (text, " Closest is %s, page %s: “%s”", name, hit->page_label, quote);
    }
  return g_string_free (text, FALSE);
}

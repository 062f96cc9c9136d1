/* Decides to say nothing: before the model reads, and after it has answered.
 *
 * In come signals (how near the passages are, how many of the question's words they hold, what the
 * model's probabilities say, how well the answer is supported), out goes a probability. Both
 * estimates are logistic regressions with few inputs, fitted on public questions; the table and how
 * to fit it again are in docs/answers.md. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Intercept, then one weight per signal; docs/answers.md says on what they were fitted. */
static const struct
{
  double intercept, cosine, coverage, sentence_cosine;
} before = { -11.15, 8.39, 10.34, 9.41 };

static const struct
{
  double intercept, mean_logprob, source_cosine, agreement, names_missing, echo;
} after = { -5.68, 2.70, 4.21, 3.72, -0.63, -0.70 };

/* Of a sentence that has most of the question's words. */
static const struct
{
  double intercept, coverage, cosine;
} quoted = { -3.54, 0.48, 4.61 };

/* Of any. */
static const struct
{
  double intercept, coverage, cosine, said, names_missing;
} excerpt = { -3.54, 0.78, 0.86, 2.46, -0.91 };

const double rag_answerable_threshold = 0.15;

static double logistic (double x)
{
  return 1 / (1 + exp (-x));
}

double rag_answerable (const RagSignals *signals)
{
  return logistic (before.intercept + before.cosine * signals->cosine
                   + before.coverage * signals->coverage
                   + before.sentence_cosine * signals->sentence_cosine);
}

double rag_confidence (const RagSignals *signals)
{
  /* Below, a few odd tokens would outweigh everything else. */
  double mean_logprob = MAX (signals->mean_logprob, -3);
  return logistic (after.intercept + after.mean_logprob * mean_logprob
                   + after.source_cosine * signals->source_cosine
                   + after.agreement * signals->agreement
                   + after.names_missing * signals->names_missing + after.echo * signals->echo);
}

double rag_quote_confidence (const RagQuoteSignals *signals)
{
  const double by_words = logistic (quoted.intercept + quoted.coverage * signals->coverage
                                    + quoted.cosine * signals->cosine);
  const double by_model
      = logistic (excerpt.intercept + excerpt.coverage * signals->coverage
                  + excerpt.cosine * signals->cosine + excerpt.said * signals->said
                  + excerpt.names_missing * signals->names_missing);
  return signals->to_the_point ? MAX (by_words, by_model) : by_model;
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

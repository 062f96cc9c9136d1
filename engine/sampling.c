/* Picks the next token.
 *
 * Logits come in, a token and its probability come out. Greedy takes the likeliest; otherwise
 * temperature, top-k, top-p and min-p shape the distribution in that order, and a small generator
 * of our own draws from it, so that a seed gives the same text on every machine. Sorting a
 * vocabulary of 150,000 for each token would cost milliseconds: candidates are collected above a
 * falling threshold instead, until they cover what the filters can keep. */
#include "engine/session-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  gint32 token;
  float p;
} Candidate;

struct _EngineSampler
{
  EngineSampling options;
  guint n_vocab;
  guint64 state;         /* of the generator */
  float *probabilities;  /* [n_vocab] */
  Candidate *candidates; /* [n_vocab]; NULL for greedy */
};

EngineSampler *engine_sampler_new (const EngineSampling *options, guint n_vocab)
{
  EngineSampler *sampler = g_new0 (EngineSampler, 1);
  sampler->options = *options;
  sampler->n_vocab = n_vocab;
  sampler->state = options->seed;
  sampler->probabilities = g_new (float, n_vocab);
  if (options->temperature > 0)
    sampler->candidates = g_new (Candidate, n_vocab);
  return sampler;
}

void engine_sampler_free (EngineSampler *sampler)
{
  if (sampler == NULL)
    return;
  g_free (sampler->probabilities);
  g_free (sampler->candidates);
  g_free (sampler);
}

/* SplitMix64 (Steele, Lea & Flood 2014); uniform in [0, 1). */
static double next_uniform (EngineSampler *sampler)
{
  guint64 z = sampler->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return (double)(z >> 11) * 0x1p-53;
}

/* The first of the largest; -1 when nothing is finite. */
static gint32 likeliest (const float *logits, guint n_vocab)
{
  gint32 best = -1;
  for (guint i = 0; i < n_vocab; i++)
    if (isfinite (logits[i]) && (best < 0 || logits[i] > logits[best]))
      best = i;
  return best;
}

static int by_probability (const void *a, const void *b)
{
  const Candidate *first = a, *second = b;
  if (first->p != second->p)
    return first->p > second->p ? -1 : 1;
  return first->token < second->token ? -1 : first->token > second->token;
}

/* All tokens at least as likely as THRESHOLD; returns their number and sum. */
static guint collect (EngineSampler *sampler, float threshold, double *ret_sum)
{
  guint n = 0;
  double sum = 0;
  for (guint i = 0; i < sampler->n_vocab; i++)
    if (sampler->probabilities[i] >= threshold)
      {
        sampler->candidates[n++] = (Candidate){ i, sampler->probabilities[i] };
        sum += sampler->probabilities[i];
      }
  *ret_sum = sum;
  return n;
}

/* The tokens that pass the filters; returns their number, at least one. */
static guint filter (EngineSampler *sampler, float largest)
{
  const EngineSampling *options = &sampler->options;
  guint top_k = options->top_k ? options->top_k : sampler->n_vocab;
  float lowest = options->min_p > 0 ? MIN (options->min_p, 1) * largest : 0;
  double top_p = options->top_p > 0 ? options->top_p : 1;
  double sum = 0;
  guint n = 0;
  gboolean unfiltered = top_p >= 1 && top_k >= sampler->n_vocab;
  for (float threshold = largest / 64;; threshold /= 64)
    {
      gboolean all = unfiltered || threshold <= lowest || threshold < 1e-30f;
      n = collect (sampler, all ? lowest : threshold, &sum);
      if (all || n >= top_k || (top_p < 1 && sum >= top_p))
        break;
    }
  if (unfiltered)
    return n;
  qsort (sampler->candidates, n, sizeof *sampler->candidates, by_probability);
  n = MIN (n, top_k);
  sum = 0;
  for (guint i = 0; i < n && top_p < 1; i++)
    {
      sum += sampler->candidates[i].p;
      if (sum >= top_p)
        n = i + 1;
    }
  return n;
}

static gint32 draw (EngineSampler *sampler, guint n)
{
  double total = 0;
  for (guint i = 0; i < n; i++)
    total += sampler->candidates[i].p;
  double rest = next_uniform (sampler) * total;
  for (guint i = 0; i + 1 < n; i++)
    {
      rest -= sampler->candidates[i].p;
      if (rest < 0)
        return sampler->candidates[i].token;
    }
  return sampler->candidates[n - 1].token;
}

/* probabilities = softmax (logits / temperature). */
static void soften (EngineSampler *sampler, const float *logits, float temperature)
{
  for (guint i = 0; i < sampler->n_vocab; i++)
    sampler->probabilities[i] = isfinite (logits[i]) ? logits[i] / temperature : -G_MAXFLOAT;
  engine_kernels ()->softmax (sampler->probabilities, sampler->n_vocab);
}

gint32 engine_sampler_pick (EngineSampler *sampler, const float *logits, double *ret_logprob)
{
  gint32 best = likeliest (logits, sampler->n_vocab), token = best;
  if (best < 0)
    return -1;
  if (sampler->options.temperature > 0)
    {
      /* A temperature so low that quotients overflow is greedy. */
      soften (sampler, logits, MAX (sampler->options.temperature, 1e-3f));
      token = draw (sampler, filter (sampler, sampler->probabilities[best]));
    }
  soften (sampler, logits, 1);
  *ret_logprob = log (MAX (sampler->probabilities[token], G_MINFLOAT));
  return token;
}

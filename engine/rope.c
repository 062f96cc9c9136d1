/* Tells attention where tokens stand, by turning pairs of each head's dimensions.
 *
 * A position comes in, cosines and sines go out, which all heads of a token share. What files do
 * to the plain frequencies (linear scaling, YaRN, Llama 3's and LongRoPE's divisors) is worked out
 * once per session; after that a position costs one product, one cosine and one sine per pair.
 *
 * Sources: RoFormer (Su et al. 2021), YaRN (Peng et al. 2023), LongRoPE (Ding et al. 2024).
 * Angles are products of two floats, as in the float32 reference: rounding them otherwise moves
 * far positions. */
#include "engine/graph-private.h"

#include <math.h>
#include <string.h>

/* Pair at which a frequency makes BETA turns within the original context. */
static double yarn_pair (const EngineRopeHyper *rope, double beta)
{
  return rope->n_rot * log (rope->n_ctx_original / (2 * G_PI * beta)) / (2 * log (rope->base));
}

/* Fast pairs keep their frequency, slow ones are interpolated, those between are mixed. */
static void scale_yarn (const EngineRopeHyper *rope, float *inv_freq)
{
  double low = MAX (0, floor (yarn_pair (rope, rope->yarn_beta_fast)));
  double high = MIN (rope->n_rot - 1.0, ceil (yarn_pair (rope, rope->yarn_beta_slow)));
  for (guint i = 0; i < rope->n_rot / 2; i++)
    {
      double ramp = CLAMP ((i - low) / MAX (0.001, high - low), 0, 1);
      inv_freq[i] = inv_freq[i] / rope->factor * ramp + inv_freq[i] * (1 - ramp);
    }
}

static double yarn_magnitude (double factor, double multiplier)
{
  return factor > 1 ? 1 + 0.1 * multiplier * log (factor) : 1;
}

static float magnitude_of (const EngineModel *model)
{
  const EngineRopeHyper *hyper = &model->hyper.rope;
  double magnitude = hyper->attn_factor > 0 ? hyper->attn_factor : 1;
  if (hyper->scaling == ENGINE_SCALING_YARN)
    magnitude *= yarn_magnitude (hyper->factor, 1)
                 / yarn_magnitude (hyper->factor, hyper->yarn_log_multiplier);
  else if (model->weights.rope_long && hyper->attn_factor <= 0
           && model->hyper.n_ctx_train > hyper->n_ctx_original && hyper->n_ctx_original > 1)
    magnitude = sqrt (1
                      + log ((double)model->hyper.n_ctx_train / hyper->n_ctx_original)
                            / log (hyper->n_ctx_original));
  return magnitude;
}

void engine_rope_init (EngineRope *rope, const EngineModel *model, guint n_ctx, gboolean local)
{
  const EngineRopeHyper *hyper = &model->hyper.rope;
  const EngineWeights *weights = &model->weights;
  double base = local ? hyper->base_local : hyper->base;
  const float *factors = weights->rope_freqs;
  if (weights->rope_long)
    factors = n_ctx > hyper->n_ctx_original ? weights->rope_long : weights->rope_short;
  rope->kind = model->arch->rope;
  rope->n_rot = hyper->n_rot;
  rope->magnitude = local ? 1 : magnitude_of (model);
  rope->inv_freq = g_new0 (float, hyper->n_rot / 2 + 1);
  for (guint i = 0; i < hyper->n_rot / 2; i++)
    rope->inv_freq[i] = 1 / pow (base, 2.0 * i / hyper->n_rot);
  if (local)
    return;
  for (guint i = 0; factors && i < hyper->n_rot / 2; i++)
    rope->inv_freq[i] /= factors[i];
  if (hyper->scaling == ENGINE_SCALING_YARN)
    scale_yarn (hyper, rope->inv_freq);
  else if (hyper->scaling == ENGINE_SCALING_LINEAR)
    for (guint i = 0; i < hyper->n_rot / 2; i++)
      rope->inv_freq[i] /= hyper->factor;
}

void engine_rope_clear (EngineRope *rope)
{
  g_clear_pointer (&rope->inv_freq, g_free);
}

void engine_rope_turns (const EngineRope *rope, gsize pos, float *ret_turns)
{
  guint n_pairs = rope->n_rot / 2;
  for (guint i = 0; i < n_pairs; i++)
    {
      float angle = (float)pos * rope->inv_freq[i];
      ret_turns[i] = cosf (angle) * rope->magnitude;
      ret_turns[n_pairs + i] = sinf (angle) * rope->magnitude;
    }
}

void engine_rope_apply (const EngineRope *rope, const float *turns, float *head)
{
  guint n_pairs = rope->n_rot / 2;
  guint stride = rope->kind == ENGINE_ROPE_PAIRS ? 2 : 1;
  guint partner = rope->kind == ENGINE_ROPE_PAIRS ? 1 : n_pairs;
  const float *cosines = turns, *sines = turns + n_pairs;
  for (guint i = 0; i < n_pairs; i++)
    {
      float a = head[i * stride], b = head[i * stride + partner];
      head[i * stride] = a * cosines[i] - b * sines[i];
      head[i * stride + partner] = a * sines[i] + b * cosines[i];
    }
}

/* portable: the vector operations in plain C, which define those of every instruction set.
 *
 * Between matrix products a model normalises rows, applies its activation function and adds
 * residuals. In go rows of floats, out come rows of floats. These loops use the mathematical
 * library and double sums where rounding would otherwise depend on the order: they are the truth
 * that the fast versions are tested against, and what runs on processors we have no version for. */
#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <math.h>
#include <string.h>

static void rms_norm (const float *x, const float *weight, gsize n, float eps, float *y)
{
  double squares = 0;
  for (gsize i = 0; i < n; i++)
    squares += (double)x[i] * x[i];
  float factor = (float)(1 / sqrt (squares / (double)n + eps));
  for (gsize i = 0; i < n; i++)
    y[i] = x[i] * factor * (weight != NULL ? weight[i] : 1);
}

static void layer_norm (const float *x, const float *weight, const float *bias, gsize n, float eps,
                        float *y)
{
  double sum = 0, squares = 0;
  for (gsize i = 0; i < n; i++)
    sum += x[i];
  float mean = (float)(sum / (double)n);
  for (gsize i = 0; i < n; i++)
    squares += (double)(x[i] - mean) * (x[i] - mean);
  float factor = (float)(1 / sqrt (squares / (double)n + eps));
  for (gsize i = 0; i < n; i++)
    {
      float normal = (x[i] - mean) * factor;
      y[i] = normal * (weight != NULL ? weight[i] : 1) + (bias != NULL ? bias[i] : 0);
    }
}

static void add (const float *a, const float *b, gsize n, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = a[i] + b[i];
}

static void scale (float *x, gsize n, float factor)
{
  for (gsize i = 0; i < n; i++)
    x[i] *= factor;
}

/* x / (1 + e⁻ˣ) */
static void silu_mul (const float *gate, const float *up, gsize n, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = gate[i] / (1 + expf (-gate[i])) * (up != NULL ? up[i] : 1);
}

/* x/2 · (1 + erf (x / √2)); erfc keeps the digits where erf is close to −1. */
static void gelu_erf_mul (const float *gate, const float *up, gsize n, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = 0.5f * gate[i] * erfcf (-gate[i] * (float)G_SQRT2 / 2) * (up != NULL ? up[i] : 1);
}

/* x/2 · (1 + tanh (√(2/π) · (x + 0.044715 x³))), which is x / (1 + e^(−2·argument)). */
static void gelu_tanh_mul (const float *gate, const float *up, gsize n, float *y)
{
  for (gsize i = 0; i < n; i++)
    {
      float x = gate[i];
      float argument = 0.797884560802865f * x * (1 + 0.044715f * x * x);
      y[i] = x / (1 + expf (-2 * argument)) * (up != NULL ? up[i] : 1);
    }
}

static float max (const float *scores, gsize n)
{
  float largest = -INFINITY;
  for (gsize i = 0; i < n; i++)
    largest = fmaxf (largest, scores[i]);
  return largest;
}

static float exp_sum (float *scores, gsize n, float largest)
{
  float sum = 0;
  for (gsize i = 0; i < n; i++)
    {
      scores[i] = expf (scores[i] - largest);
      sum += scores[i];
    }
  return sum;
}

static void softmax (float *x, gsize n)
{
  float sum = exp_sum (x, n, max (x, n));
  scale (x, n, 1 / sum);
}

static void softcap (float *scores, gsize n, float cap)
{
  for (gsize i = 0; i < n; i++)
    scores[i] = cap * tanhf (scores[i] / cap);
}

static float dot (const float *a, const float *b, gsize n)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += (double)a[i] * b[i];
  return (float)sum;
}

static void axpy (float alpha, const float *x, gsize n, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] += alpha * x[i];
}

static const struct EngineAttentionKernels attention = { max, exp_sum, softcap };

const EngineKernels engine_kernels_portable = {
  .name = "portable",
  .rms_norm = rms_norm,
  .layer_norm = layer_norm,
  .add = add,
  .scale = scale,
  .silu_mul = silu_mul,
  .gelu_erf_mul = gelu_erf_mul,
  .gelu_tanh_mul = gelu_tanh_mul,
  .softmax = softmax,
  .dot = dot,
  .axpy = axpy,
  .matmul = &engine_matmul_portable,
  .attention = &attention,
};

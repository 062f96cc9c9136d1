/* The vector operations and float products of an instruction set, written once for any register
 * width: avx2.c, avx512.c and neon.c define LANES (floats of a register) and include this file.
 *
 * The compiler's vector types stand for registers, so that the formulas are those of portable.c.
 * eˣ is range reduction and a polynomial with a relative error below 2⁻²³; the other functions are
 * made from it. Rows need not be multiples of LANES: the rest goes through a padded register. */
#pragma once

#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <math.h>
#include <string.h>

typedef float Vec __attribute__ ((vector_size (LANES * 4)));
typedef gint32 IntVec __attribute__ ((vector_size (LANES * 4)));

static inline Vec load (const float *x)
{
  Vec v;
  memcpy (&v, x, sizeof v);
  return v;
}

static inline void store (float *x, Vec v)
{
  memcpy (x, &v, sizeof v);
}

/* Fewer than LANES floats; the other lanes are 0. */
static inline Vec load_part (const float *x, gsize n)
{
  Vec v = {};
  memcpy (&v, x, n * sizeof (float));
  return v;
}

static inline Vec splat (float x)
{
  return x - (Vec){};
}

static inline float sum_lanes (Vec v)
{
  float sum = 0;
  for (guint i = 0; i < LANES; i++)
    sum += v[i];
  return sum;
}

/* mask lanes are all ones or all zeros */
static inline Vec choose (IntVec mask, Vec yes, Vec no)
{
  return (Vec)((mask & (IntVec)yes) | (~mask & (IntVec)no));
}

/* eˣ = 2ⁿ · eʳ with |r| ≤ ln 2 / 2: below −87 it is 0, above 88 it stays at e⁸⁸. The constants of
 * ln 2 are split so that n · (first part) is exact (Cody & Waite 1980). */
static inline Vec exp_vec (Vec x)
{
  const float shift = 0x1.8p23f; /* adding it rounds to a whole number */
  IntVec underflow = x < -87.0f;
  x = choose (x > 88.0f, splat (88), x);
  x = choose (underflow, splat (-87), x);
  Vec shifted = x * 1.44269504088896341f + shift;
  Vec n = shifted - shift;
  Vec r = x - n * 0.693145751953125f;
  r = r - n * 1.428606765330187e-06f;
  Vec p = splat (1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  IntVec power = ((IntVec)shifted - (IntVec)splat (shift) + 127) << 23;
  return (Vec)(~underflow & (IntVec)(p * (Vec)power));
}

static inline Vec silu_vec (Vec x)
{
  return x / (1 + exp_vec (-x));
}

static inline Vec gelu_tanh_vec (Vec x)
{
  Vec argument = 0.797884560802865f * x * (1 + 0.044715f * x * x);
  return x / (1 + exp_vec (-2 * argument));
}

/* erfc by the Chebyshev fit of Press et al., Numerical Recipes, "erfcc": relative error below
 * 1.2e-7 everywhere. x/2 · erfc (−x/√2). */
static inline Vec gelu_erf_vec (Vec x)
{
  Vec z = x * -0.70710678118654752f;
  Vec size = (Vec)((IntVec)z & 0x7fffffff);
  Vec t = 1 / (1 + 0.5f * size);
  Vec p = splat (0.17087277f);
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  Vec erfc = t * exp_vec (p - size * size);
  return 0.5f * x * choose (z < 0, 2 - erfc, erfc);
}

static inline Vec tanh_vec (Vec x)
{
  return 1 - 2 / (1 + exp_vec (2 * x));
}

static void rms_norm (const float *x, const float *weight, gsize n, float eps, float *y)
{
  Vec squares = {};
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    squares += load (x + i) * load (x + i);
  Vec rest = load_part (x + i, n - i);
  squares += rest * rest;
  float factor = 1 / sqrtf (sum_lanes (squares) / (float)n + eps);
  for (i = 0; i + LANES <= n; i += LANES)
    store (y + i, load (x + i) * factor * (weight != NULL ? load (weight + i) : splat (1)));
  for (; i < n; i++)
    y[i] = x[i] * factor * (weight != NULL ? weight[i] : 1);
}

static float sum (const float *x, gsize n)
{
  Vec sums = {};
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    sums += load (x + i);
  return sum_lanes (sums + load_part (x + i, n - i));
}

static void layer_norm (const float *x, const float *weight, const float *bias, gsize n, float eps,
                        float *y)
{
  float mean = sum (x, n) / (float)n;
  Vec squares = {};
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      Vec distance = load (x + i) - mean;
      squares += distance * distance;
    }
  float square_sum = sum_lanes (squares);
  for (; i < n; i++)
    square_sum += (x[i] - mean) * (x[i] - mean);
  float factor = 1 / sqrtf (square_sum / (float)n + eps);
  for (i = 0; i + LANES <= n; i += LANES)
    store (y + i, (load (x + i) - mean) * factor * (weight != NULL ? load (weight + i) : splat (1))
                      + (bias != NULL ? load (bias + i) : splat (0)));
  for (; i < n; i++)
    y[i] = (x[i] - mean) * factor * (weight != NULL ? weight[i] : 1) + (bias != NULL ? bias[i] : 0);
}

static void add (const float *a, const float *b, gsize n, float *y)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    store (y + i, load (a + i) + load (b + i));
  for (; i < n; i++)
    y[i] = a[i] + b[i];
}

static void scale (float *x, gsize n, float factor)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    store (x + i, load (x + i) * factor);
  for (; i < n; i++)
    x[i] *= factor;
}

static inline void store_part (float *x, Vec v, gsize n)
{
  memcpy (x, &v, n * sizeof (float));
}

#define ACTIVATION(name, activate)                                                                 \
  static void name (const float *gate, const float *up, gsize n, float *y)                         \
  {                                                                                                \
    gsize i = 0;                                                                                   \
    for (; i + LANES <= n; i += LANES)                                                             \
      store (y + i, activate (load (gate + i)) * (up != NULL ? load (up + i) : splat (1)));        \
    Vec rest = activate (load_part (gate + i, n - i));                                             \
    store_part (y + i, up != NULL ? rest * load_part (up + i, n - i) : rest, n - i);               \
  }

ACTIVATION (silu_mul, silu_vec)
ACTIVATION (gelu_erf_mul, gelu_erf_vec)
ACTIVATION (gelu_tanh_mul, gelu_tanh_vec)

static float max (const float *scores, gsize n)
{
  Vec largest = splat (-INFINITY);
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      Vec v = load (scores + i);
      largest = choose (v > largest, v, largest);
    }
  float best = -INFINITY;
  for (guint lane = 0; lane < LANES; lane++)
    best = fmaxf (best, largest[lane]);
  for (; i < n; i++)
    best = fmaxf (best, scores[i]);
  return best;
}

static float exp_sum (float *scores, gsize n, float largest)
{
  Vec sums = {};
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      Vec e = exp_vec (load (scores + i) - largest);
      store (scores + i, e);
      sums += e;
    }
  float total = sum_lanes (sums);
  Vec rest = exp_vec (load_part (scores + i, n - i) - largest);
  store_part (scores + i, rest, n - i);
  for (gsize lane = 0; lane < n - i; lane++)
    total += rest[lane];
  return total;
}

static void softmax (float *x, gsize n)
{
  scale (x, n, 1 / exp_sum (x, n, max (x, n)));
}

static void softcap (float *scores, gsize n, float cap)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    store (scores + i, cap * tanh_vec (load (scores + i) / cap));
  store_part (scores + i, cap * tanh_vec (load_part (scores + i, n - i) / cap), n - i);
}

static float dot (const float *a, const float *b, gsize n)
{
  Vec first = {}, second = {};
  gsize i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES)
    {
      first += load (a + i) * load (b + i);
      second += load (a + i + LANES) * load (b + i + LANES);
    }
  for (; i + LANES <= n; i += LANES)
    first += load (a + i) * load (b + i);
  return sum_lanes (first + second + load_part (a + i, n - i) * load_part (b + i, n - i));
}

static void axpy (float alpha, const float *x, gsize n, float *y)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    store (y + i, load (y + i) + alpha * load (x + i));
  for (; i < n; i++)
    y[i] += alpha * x[i];
}

/* ---- Float products ----------------------------------------------------------------------------
 */

/* Two registers of rows by FLOAT_TOKENS tokens: with LANES 8 that leaves 2 of 16 registers for the
 * panel and one for x, with LANES 16 six of 32. */
#define FLOAT_ROWS (2 * LANES)
#define FLOAT_TOKENS (LANES == 16 ? 12 : 6)

static inline __attribute__ ((always_inline)) void
float_multiply_n (const guint n, const float *panel, gsize panel_stride, gsize n_k, const float *x,
                  gsize x_stride, gboolean accumulate, float *y, gsize y_stride)
{
  Vec sums[FLOAT_TOKENS][2];
#pragma GCC unroll 12
  for (guint t = 0; t < n; t++)
    for (guint half = 0; half < 2; half++)
      sums[t][half] = accumulate ? load (y + t * y_stride + half * LANES) : splat (0);
  for (gsize k = 0; k < n_k; k++, panel += panel_stride)
    {
      Vec first = load (panel), second = load (panel + LANES);
#pragma GCC unroll 12
      for (guint t = 0; t < n; t++)
        {
          float value = x[t * x_stride + k];
          sums[t][0] += value * first;
          sums[t][1] += value * second;
        }
    }
#pragma GCC unroll 12
  for (guint t = 0; t < n; t++)
    for (guint half = 0; half < 2; half++)
      store (y + t * y_stride + half * LANES, sums[t][half]);
}

static void float_multiply (const float *panel, gsize panel_stride, gsize n_k, const float *x,
                            gsize x_stride, guint n_tokens, gboolean accumulate, float *y,
                            gsize y_stride)
{
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    float_multiply_n (n, panel, panel_stride, n_k, x, x_stride, accumulate, y, y_stride);          \
    return
  switch (n_tokens)
    {
      CASE (1);
      CASE (2);
      CASE (3);
      CASE (4);
      CASE (5);
      CASE (6);
#if LANES == 16
      CASE (7);
      CASE (8);
      CASE (9);
      CASE (10);
      CASE (11);
      CASE (12);
#endif
    }
#undef CASE
}

static const struct EngineAttentionKernels attention = { max, exp_sum, softcap };

/* The operations above, in the table of the instruction set that includes this file. */
#define VECTOR_OPS                                                                                 \
  .rms_norm = rms_norm, .layer_norm = layer_norm, .add = add, .scale = scale,                      \
  .silu_mul = silu_mul, .gelu_erf_mul = gelu_erf_mul, .gelu_tanh_mul = gelu_tanh_mul,              \
  .softmax = softmax, .dot = dot, .axpy = axpy, .attention = &attention
/* and in its table of products */
#define VECTOR_PRODUCTS                                                                            \
  .float_rows = FLOAT_ROWS, .float_tokens = FLOAT_TOKENS, .float_multiply = float_multiply

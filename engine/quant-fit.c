/* Finds the scales of quantised blocks: the difference between a 4-bit model that answers and one
 * that babbles.
 *
 * A group of up to 32 numbers with weights comes in, the scale (and min) that reproduces them best
 * goes out. Dividing the largest number by the largest code is a poor choice, since it spends the
 * codes on an outlier. But once the codes are known the best scale is a weighted least-squares
 * solution; so a few scales around the obvious one are tried, each gives codes, the codes give the
 * best scale for them, and the candidate with the smallest error wins. The search is that of the
 * k-quants of the ggml project. Compilers turn the vector types below into whatever this machine
 * has. */
#include "engine/quant-private.h"

#include <math.h>
#include <string.h>

#define LANES 4
typedef float Vec __attribute__ ((vector_size (LANES * 4)));
typedef gint32 IntVec __attribute__ ((vector_size (LANES * 4)));

/* Below this a group is as good as zero, and its reciprocal would overflow. */
#define TINY 1e-15f

static inline Vec load (const float *x)
{
  Vec v;
  memcpy (&v, x, sizeof v);
  return v;
}

static inline Vec splat (float x)
{
  return x - (Vec){};
}

static inline float sum_lanes (Vec v)
{
  return v[0] + v[1] + v[2] + v[3];
}

static inline Vec choose (IntVec mask, Vec yes, Vec no)
{
  return (Vec)((mask & (IntVec)yes) | (~mask & (IntVec)no));
}

/* To the nearest whole number from LOW to HIGH; adding 1.5 · 2²³ leaves no room for fractions. */
static inline Vec round_clamped (Vec v, Vec low, Vec high)
{
  const float shift = 0x1.8p23f;
  v = choose (v < low, low, v);
  v = choose (v > high, high, v);
  return (v + shift) - shift;
}

/* Weighted sums over a group with codes c. */
typedef struct
{
  float wc, wcc, wxc;
} Sums;

/* ---- x ≈ scale · code ----------------------------------------------------------------------- */

static float largest (const EngineGroup *group)
{
  float extreme = 0;
  for (gsize i = 0; i < group->n; i++)
    if (fabsf (group->x[i]) > fabsf (extreme))
      extreme = group->x[i];
  return extreme;
}

/* How much smaller the squared error is than that of zeros; keeps the better scale. */
static void keep_better (const Sums *sums, float *best_gain, float *best_scale)
{
  if (sums->wcc > 0 && sums->wxc * sums->wxc > *best_gain * sums->wcc)
    {
      *best_scale = sums->wxc / sums->wcc;
      *best_gain = *best_scale * sums->wxc;
    }
}

static Sums sums_of_codes (const EngineGroup *group, float inverse, float low, float high)
{
  Vec wcc = {}, wxc = {};
  for (gsize i = 0; i < group->n; i += LANES)
    {
      Vec x = load (group->x + i), w = load (group->w + i);
      Vec c = round_clamped (x * inverse, splat (low), splat (high));
      wcc += w * c * c;
      wxc += w * x * c;
    }
  return (Sums){ .wcc = sum_lanes (wcc), .wxc = sum_lanes (wxc) };
}

float engine_fit_scale (const EngineGroup *group, int low, int high)
{
  float extreme = largest (group), gain = 0, scale = 0;
  if (!(fabsf (extreme) > TINY))
    return 0;
  /* Signed codes reach further down than up: the extreme gets the lowest. */
  float end = low < 0 ? low : high;
  for (int step = -9; step <= 9; step++)
    {
      Sums sums = sums_of_codes (group, (end + 0.1f * step) / extreme, low, high);
      keep_better (&sums, &gain, &scale);
    }
  return scale;
}

/* ---- x ≈ scale · code − min ----------------------------------------------------------------- */

typedef struct
{
  float lowest, highest;
  float w, wx, wxx;
} Spread;

static Spread spread_of (const EngineGroup *group)
{
  Spread spread = { .lowest = group->x[0], .highest = group->x[0] };
  for (gsize i = 0; i < group->n; i++)
    {
      float x = group->x[i], w = group->w[i];
      spread.lowest = MIN (spread.lowest, x);
      spread.highest = MAX (spread.highest, x);
      spread.w += w;
      spread.wx += w * x;
      spread.wxx += w * x * x;
    }
  return spread;
}

static Sums sums_above (const EngineGroup *group, float lowest, float inverse, float high)
{
  Vec wc = {}, wcc = {}, wxc = {};
  for (gsize i = 0; i < group->n; i += LANES)
    {
      Vec x = load (group->x + i), w = load (group->w + i);
      Vec c = round_clamped ((x - lowest) * inverse, splat (0), splat (high));
      Vec weighted = w * c;
      wc += weighted;
      wcc += weighted * c;
      wxc += weighted * x;
    }
  return (Sums){ sum_lanes (wc), sum_lanes (wcc), sum_lanes (wxc) };
}

/* Least squares for scale and offset (= −min); returns the error that is left. */
static float solve (const Spread *spread, const Sums *sums, gboolean any_min, float *ret_scale,
                    float *ret_offset)
{
  float determinant = spread->w * sums->wcc - sums->wc * sums->wc;
  if (!(determinant > 1e-6f * spread->w * sums->wcc)) /* all codes are equal */
    return INFINITY;
  float scale = (spread->w * sums->wxc - spread->wx * sums->wc) / determinant;
  float offset = (sums->wcc * spread->wx - sums->wc * sums->wxc) / determinant;
  if (offset > 0 && !any_min)
    {
      offset = 0;
      scale = sums->wxc / sums->wcc;
    }
  *ret_scale = scale;
  *ret_offset = offset;
  return spread->wxx - scale * sums->wxc - offset * spread->wx;
}

float engine_fit_scale_and_min (const EngineGroup *group, int high, gboolean any_min,
                                float *ret_min)
{
  Spread spread = spread_of (group);
  float lowest = any_min ? spread.lowest : MIN (spread.lowest, 0);
  float best_error = INFINITY, scale = (spread.highest - lowest) / (float)high, offset = lowest;
  if (spread.highest - lowest > TINY)
    for (int step = -18; step <= 18; step++)
      {
        float inverse = (high + 0.05f * step) / (spread.highest - lowest);
        Sums sums = sums_above (group, lowest, inverse, high);
        float this_scale = 0, this_offset = 0;
        float error = solve (&spread, &sums, any_min, &this_scale, &this_offset);
        if (error < best_error)
          {
            best_error = error;
            scale = this_scale;
            offset = this_offset;
          }
      }
  *ret_min = -offset;
  return scale;
}

/* ---- x ≈ scale · value of a table ----------------------------------------------------------- */

guint engine_closest_in_table (const gint8 *values, float x)
{
  guint code = 0;
  for (guint i = 0; i < 15; i++)
    code += x > 0.5f * (values[i] + values[i + 1]);
  return code;
}

static Sums sums_in_table (const EngineGroup *group, const gint8 *values, float inverse)
{
  Vec wcc = {}, wxc = {};
  for (gsize i = 0; i < group->n; i += LANES)
    {
      Vec x = load (group->x + i), w = load (group->w + i);
      Vec scaled = x * inverse, c = splat (values[0]);
      for (guint j = 0; j < 15; j++)
        {
          IntVec beyond = scaled > 0.5f * (values[j] + values[j + 1]);
          c += (Vec)(beyond & (IntVec)splat (values[j + 1] - values[j]));
        }
      wcc += w * c * c;
      wxc += w * x * c;
    }
  return (Sums){ .wcc = sum_lanes (wcc), .wxc = sum_lanes (wxc) };
}

float engine_fit_table (const EngineGroup *group, const gint8 *values)
{
  float extreme = largest (group), gain = 0, scale = 0;
  if (!(fabsf (extreme) > TINY))
    return 0;
  /* Either end of the table may be the extreme's; the lower one reaches further. */
  for (int step = -7; step <= 7; step++)
    for (guint end = 0; end <= 15; end += 15)
      {
        Sums sums = sums_in_table (group, values, (values[end] + (float)step) / extreme);
        keep_better (&sums, &gain, &scale);
      }
  return scale;
}

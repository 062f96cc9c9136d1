/* Rounds floats into the quantised blocks of model files, so that a model can be made to fit a
 * small machine here, for the documents that it will read.
 *
 * Floats come in with the importance of each, blocks go out that every reader of the format
 * understands. All types but two are one recipe with different numbers: fit a scale (and a min) to
 * each group, round the scales of a block's groups to small integers where the type has those, then
 * round every number with the scales as they will be read back, so that no error is made twice. A
 * row of the table below says which numbers; a pack function lays the result out. */
#include "engine/quant-private.h"

#include "engine/kernels/matmul-private.h"

#include <math.h>
#include <string.h>

#define MAX_GROUPS 16
#define MAX_ELEMENTS 256

/* One block, rounded but not yet laid out. */
typedef struct
{
  gint codes[MAX_ELEMENTS]; /* as decoded: offsets and tables are the pack function's business */
  gint scales[MAX_GROUPS], mins[MAX_GROUPS]; /* multiples of d and dmin; blocks of 256 only */
  guint16 d, dmin;                           /* F16 */
} Rounded;

typedef struct
{
  EngineType type;
  guint group;        /* numbers that share a scale */
  int low, high;      /* of the codes; 0 to 15 where VALUES says what they mean */
  int scale_low, scale_high; /* of the groups' scales; both 0: the block is one group */
  int min_high;       /* > 0: groups have mins, from 0 to this; −1: one, as F16, of any sign */
  const gint8 *values;
  void (*pack) (const Rounded *rounded, guint8 *block);
} Recipe;

static void write_u16 (guint16 value, guint8 *bytes)
{
  bytes[0] = value & 255;
  bytes[1] = value >> 8;
}

static void write_u32 (guint32 value, guint8 *bytes)
{
  write_u16 (value & 0xffff, bytes);
  write_u16 (value >> 16, bytes + 2);
}

/* Finite: an infinite scale would make every product a NaN. */
static guint16 to_f16 (float value)
{
  return engine_f32_to_f16 (CLAMP (value, -65504, 65504));
}

/* ---- Layouts -------------------------------------------------------------------------------- */

/* 16 bytes: elements 0 to 15 in the low nibbles, 16 to 31 in the high ones. */
static void pack_nibbles (const gint *codes, gint offset, guint8 *bytes)
{
  for (guint i = 0; i < 16; i++)
    bytes[i] = ((codes[i] + offset) & 15) | ((codes[i + 16] + offset) & 15) << 4;
}

static guint32 fifth_bits (const gint *codes, gint offset)
{
  guint32 bits = 0;
  for (guint i = 0; i < 32; i++)
    bits |= (guint32)((codes[i] + offset) >> 4 & 1) << i;
  return bits;
}

static void pack_q4_0 (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  pack_nibbles (rounded->codes, 8, block + 2);
}

static void pack_q4_1 (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  write_u16 (rounded->dmin, block + 2);
  pack_nibbles (rounded->codes, 0, block + 4);
}

static void pack_q5_0 (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  write_u32 (fifth_bits (rounded->codes, 16), block + 2);
  pack_nibbles (rounded->codes, 16, block + 6);
}

static void pack_q5_1 (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  write_u16 (rounded->dmin, block + 2);
  write_u32 (fifth_bits (rounded->codes, 0), block + 4);
  pack_nibbles (rounded->codes, 0, block + 8);
}

static void pack_iq4_nl (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  pack_nibbles (rounded->codes, 0, block + 2);
}

/* 64 bytes: byte l of each half of 32 holds the low two bits of elements l, 32 + l, 64 + l and
 * 96 + l of its half of the block. */
static void pack_quarters (const gint *codes, gint offset, guint8 *bytes)
{
  for (guint i = 0; i < 256; i++)
    bytes[i / 128 * 32 + i % 32] |= ((codes[i] + offset) & 3) << i % 128 / 32 * 2;
}

static void pack_q2_k (const Rounded *rounded, guint8 *block)
{
  for (guint i = 0; i < 16; i++)
    block[i] = rounded->scales[i] | rounded->mins[i] << 4;
  pack_quarters (rounded->codes, 0, block + 16);
  write_u16 (rounded->d, block + 80);
  write_u16 (rounded->dmin, block + 82);
}

static void pack_q3_k (const Rounded *rounded, guint8 *block)
{
  guint8 *scales = block + 96;
  for (guint i = 0; i < 256; i++)
    block[i % 32] |= (rounded->codes[i] >= 0) << i / 32;
  pack_quarters (rounded->codes, 4, block + 32);
  for (guint i = 0; i < 16; i++)
    {
      guint scale = rounded->scales[i] + 32;
      scales[i % 8] |= (scale & 15) << i / 8 * 4;
      scales[8 + i % 4] |= scale >> 4 << i / 4 * 2;
    }
  write_u16 (rounded->d, block + 108);
}

/* Eight scales and eight mins of six bits in 12 bytes. */
static void pack_scales_6bit (const Rounded *rounded, guint8 *bytes)
{
  for (guint j = 0; j < 4; j++)
    {
      guint scale = rounded->scales[j + 4], min = rounded->mins[j + 4];
      bytes[j] = rounded->scales[j] | scale >> 4 << 6;
      bytes[j + 4] = rounded->mins[j] | min >> 4 << 6;
      bytes[j + 8] = (scale & 15) | (min & 15) << 4;
    }
}

/* 128 bytes: each 32 hold 64 elements, the first half of them in the low nibbles. */
static void pack_k_nibbles (const gint *codes, guint8 *bytes)
{
  for (guint i = 0; i < 256; i++)
    bytes[i / 64 * 32 + i % 32] |= (codes[i] & 15) << i / 32 % 2 * 4;
}

static void pack_q4_k (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  write_u16 (rounded->dmin, block + 2);
  pack_scales_6bit (rounded, block + 4);
  pack_k_nibbles (rounded->codes, block + 16);
}

static void pack_q5_k (const Rounded *rounded, guint8 *block)
{
  write_u16 (rounded->d, block);
  write_u16 (rounded->dmin, block + 2);
  pack_scales_6bit (rounded, block + 4);
  for (guint i = 0; i < 256; i++)
    block[16 + i % 32] |= (rounded->codes[i] >> 4) << i / 32;
  pack_k_nibbles (rounded->codes, block + 48);
}

static void pack_q6_k (const Rounded *rounded, guint8 *block)
{
  for (guint i = 0; i < 256; i++)
    {
      guint half = i / 128, quarter = i % 128 / 32, code = rounded->codes[i] + 32;
      block[half * 64 + i % 64] |= (code & 15) << quarter / 2 * 4;
      block[128 + half * 32 + i % 32] |= code >> 4 << quarter * 2;
    }
  for (guint i = 0; i < 16; i++)
    block[192 + i] = (guint8)rounded->scales[i];
  write_u16 (rounded->d, block + 208);
}

static void pack_iq4_xs (const Rounded *rounded, guint8 *block)
{
  guint high_bits = 0;
  for (guint j = 0; j < 8; j++)
    {
      guint scale = rounded->scales[j] + 32;
      block[4 + j / 2] |= (scale & 15) << j % 2 * 4;
      high_bits |= scale >> 4 << j * 2;
      pack_nibbles (rounded->codes + 32 * j, 0, block + 8 + 16 * j);
    }
  write_u16 (rounded->d, block);
  write_u16 (high_bits, block + 2);
}

static const Recipe recipes[] = {
  { ENGINE_TYPE_Q4_0, 32, -8, 7, 0, 0, 0, NULL, pack_q4_0 },
  { ENGINE_TYPE_Q4_1, 32, 0, 15, 0, 0, -1, NULL, pack_q4_1 },
  { ENGINE_TYPE_Q5_0, 32, -16, 15, 0, 0, 0, NULL, pack_q5_0 },
  { ENGINE_TYPE_Q5_1, 32, 0, 31, 0, 0, -1, NULL, pack_q5_1 },
  { ENGINE_TYPE_Q2_K, 16, 0, 3, 0, 15, 15, NULL, pack_q2_k },
  { ENGINE_TYPE_Q3_K, 16, -4, 3, -32, 31, 0, NULL, pack_q3_k },
  { ENGINE_TYPE_Q4_K, 32, 0, 15, 0, 63, 63, NULL, pack_q4_k },
  { ENGINE_TYPE_Q5_K, 32, 0, 31, 0, 63, 63, NULL, pack_q5_k },
  { ENGINE_TYPE_Q6_K, 16, -32, 31, -128, 127, 0, NULL, pack_q6_k },
  { ENGINE_TYPE_IQ4_NL, 32, 0, 15, 0, 0, 0, engine_iq4_values, pack_iq4_nl },
  { ENGINE_TYPE_IQ4_XS, 32, 0, 15, -32, 31, 0, engine_iq4_values, pack_iq4_xs },
};

static const Recipe *find_recipe (EngineType type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (recipes); i++)
    if (recipes[i].type == type)
      return &recipes[i];
  return NULL;
}

/* ---- Rounding ------------------------------------------------------------------------------- */

/* An error on a large number costs more than one on a small one, but not in proportion: with σ² as
 * twice the mean square, w = importance · √(σ² + x²). */
static void weigh (const float *x, const float *importance, guint n, float *ret_weights)
{
  float squares = 0;
  for (guint i = 0; i < n; i++)
    squares += x[i] * x[i];
  float sigma2 = 2 * squares / n;
  for (guint i = 0; i < n; i++)
    ret_weights[i] = (importance ? importance[i] : 1) * sqrtf (sigma2 + x[i] * x[i]);
}

static float inverse_of (float value)
{
  return value != 0 ? 1 / value : 0;
}

/* Makes multiples of one F16 number of the groups' SCALES, which are replaced by what they will be
 * when they are read again. */
static guint16 round_scales (float *scales, const float *weights, guint n, int low, int high,
                             gint *ret_multiples)
{
  EngineGroup group = { scales, weights, n };
  guint16 d = to_f16 (engine_fit_scale (&group, low, high));
  float step = engine_f16_to_f32 (d), inverse = inverse_of (step);
  for (guint i = 0; i < n; i++)
    {
      ret_multiples[i] = (gint)CLAMP (rintf (scales[i] * inverse), low, high);
      scales[i] = step * ret_multiples[i];
    }
  return d;
}

static void fit_groups (const Recipe *recipe, const float *x, const float *weights, guint n,
                        float *ret_scales, float *ret_mins)
{
  for (guint g = 0; g < n / recipe->group; g++)
    {
      EngineGroup group
          = { x + g * recipe->group, weights + g * recipe->group, recipe->group };
      ret_mins[g] = 0;
      if (recipe->values)
        ret_scales[g] = engine_fit_table (&group, recipe->values);
      else if (recipe->min_high != 0)
        ret_scales[g] = engine_fit_scale_and_min (&group, recipe->high, recipe->min_high < 0,
                                                  &ret_mins[g]);
      else
        ret_scales[g] = engine_fit_scale (&group, recipe->low, recipe->high);
    }
}

/* What a group's scale counts: the weights of what it scales. */
static void sum_groups (const float *weights, guint n_groups, guint group, float *ret_sums)
{
  for (guint g = 0; g < n_groups; g++)
    {
      ret_sums[g] = 0;
      for (guint i = 0; i < group; i++)
        ret_sums[g] += weights[g * group + i];
    }
}

/* The scales and mins as the block will hold them. */
static void settle_scales (const Recipe *recipe, const float *weights, guint n_groups,
                           float *scales, float *mins, Rounded *rounded)
{
  if (recipe->scale_high == 0)
    {
      rounded->d = to_f16 (scales[0]);
      rounded->dmin = to_f16 (-mins[0]);
      scales[0] = engine_f16_to_f32 (rounded->d);
      mins[0] = -engine_f16_to_f32 (rounded->dmin);
      return;
    }
  float sums[MAX_GROUPS];
  sum_groups (weights, n_groups, recipe->group, sums);
  rounded->d = round_scales (scales, sums, n_groups, recipe->scale_low, recipe->scale_high,
                             rounded->scales);
  if (recipe->min_high > 0)
    rounded->dmin = round_scales (mins, sums, n_groups, 0, recipe->min_high, rounded->mins);
}

static void round_block (const Recipe *recipe, const float *x, const float *importance, guint n,
                         Rounded *rounded)
{
  float weights[MAX_ELEMENTS], scales[MAX_GROUPS], mins[MAX_GROUPS];
  weigh (x, importance, n, weights);
  fit_groups (recipe, x, weights, n, scales, mins);
  settle_scales (recipe, weights, n / recipe->group, scales, mins, rounded);
  for (guint i = 0; i < n; i++)
    {
      guint g = i / recipe->group;
      float code = (x[i] + mins[g]) * inverse_of (scales[g]);
      if (recipe->values)
        rounded->codes[i] = (gint)engine_closest_in_table (recipe->values, code);
      else
        rounded->codes[i] = (gint)CLAMP (rintf (code), recipe->low, recipe->high);
    }
}

/* ---- The other two -------------------------------------------------------------------------- */

/* scale = max |x| / 127, kept as F16; codes are rounded with the unrounded scale, halves away from
 * zero, as the reference does it. */
static void encode_q8_0 (const float *values, guint8 *block)
{
  float largest = 0;
  for (guint i = 0; i < 32; i++)
    largest = fmaxf (largest, fabsf (values[i]));
  float scale = largest / 127;
  float inverse = inverse_of (scale);
  write_u16 (engine_f32_to_f16 (scale), block);
  for (guint i = 0; i < 32; i++)
    block[2 + i] = (guint8)(gint8)CLAMP (roundf (values[i] * inverse), -127, 127);
}

/* Codes of a sign and three bits of size, which is 0, 1, 2, 3, 4, 6, 8 or 12 times the scale. */
static guint closest_mxfp4 (float x)
{
  float size = fabsf (x);
  guint code = 0;
  for (guint i = 0; i < 7; i++)
    code += size > 0.5f * (engine_mxfp4_values[i] + engine_mxfp4_values[i + 1]);
  return x < 0 ? code | 8 : code;
}

static float mxfp4_error (const float *values, const float *weights, float scale)
{
  float error = 0;
  for (guint i = 0; i < 32; i++)
    {
      float left = values[i] - scale * engine_mxfp4_values[closest_mxfp4 (values[i] / scale)];
      error += weights[i] * left * left;
    }
  return error;
}

/* The scale is a power of two, so there are two to choose from: the smaller clips the largest
 * number, the other wastes codes. */
static void encode_mxfp4 (const float *values, const float *importance, guint8 *block)
{
  float weights[32], largest = 0;
  for (guint i = 0; i < 32; i++)
    largest = fmaxf (largest, fabsf (values[i]));
  weigh (values, importance, 32, weights);
  /* 12 is the largest value: 2^e · 12 ≥ largest > 2^(e − 1) · 12. */
  int exponent = largest > 0 ? (int)ceilf (log2f (largest / 12)) : -128;
  exponent = CLAMP (exponent, -127, 126);
  if (mxfp4_error (values, weights, ldexpf (1, exponent - 1))
      < mxfp4_error (values, weights, ldexpf (1, exponent)))
    exponent--;
  float inverse = ldexpf (1, -exponent);
  block[0] = (guint8)(exponent + 128);
  for (guint i = 0; i < 16; i++)
    block[1 + i] = closest_mxfp4 (values[i] * inverse) | closest_mxfp4 (values[i + 16] * inverse) << 4;
}

static guint16 f32_to_bf16 (float value)
{
  guint32 bits;
  memcpy (&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return bits >> 16 | 64; /* NaN stays NaN */
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* The types that are rounded number by number. */
static void encode_plain (EngineType type, const float *values, gsize n, guint8 *bytes)
{
  if (type == ENGINE_TYPE_F32)
    memcpy (bytes, values, n * sizeof *values);
  else
    for (gsize i = 0; i < n; i++)
      write_u16 (type == ENGINE_TYPE_F16 ? engine_f32_to_f16 (values[i]) : f32_to_bf16 (values[i]),
                 bytes + 2 * i);
}

void engine_quantise_weighted (EngineType type, const float *values, const float *importance,
                               gsize n_elements, void *ret_blocks)
{
  const EngineTypeInfo *info = engine_type_info (type);
  const Recipe *recipe = find_recipe (type);
  guint8 *block = ret_blocks;
  if (info->block_elements == 1)
    {
      encode_plain (type, values, n_elements, block);
      return;
    }
  for (gsize i = 0; i < n_elements; i += info->block_elements, block += info->block_bytes)
    {
      const float *of_block = importance ? importance + i : NULL;
      if (recipe)
        {
          Rounded rounded;
          memset (block, 0, info->block_bytes);
          round_block (recipe, values + i, of_block, info->block_elements, &rounded);
          recipe->pack (&rounded, block);
        }
      else if (type == ENGINE_TYPE_Q8_0)
        encode_q8_0 (values + i, block);
      else
        encode_mxfp4 (values + i, of_block, block);
    }
}

gboolean engine_quantise (EngineType type, const float *values, gsize n_elements, void *ret_blocks)
{
  const EngineTypeInfo *info = engine_type_info (type);
  if (info == NULL || n_elements % info->block_elements != 0)
    return FALSE;
  engine_quantise_weighted (type, values, NULL, n_elements, ret_blocks);
  return TRUE;
}

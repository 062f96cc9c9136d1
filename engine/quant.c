/* quant: the number formats of model files, decoded by definition.
 *
 * Models reach users as blocks of 16 to 256 weights that share scales; everything that reads them
 * starts here. In go blocks as the file has them, out come floats, or the form that the integer
 * kernels compute with: every quantised type here is w = scale · code − min, with an 8-bit code and
 * one scale (and perhaps one min) for each group of 16 or 32 weights. Each type is therefore
 * written down once, as an unpack function of one block; the exact floats follow from it, in the
 * order of roundings of the field's reference, ggml. The kernels' own unpacking is tested against
 * this file bit for bit. */
#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <math.h>
#include <string.h>

/* Little-endian and unaligned, as in the file. */
static guint16 read_u16 (const guint8 *bytes)
{
  return bytes[0] | bytes[1] << 8;
}

static guint32 read_u32 (const guint8 *bytes)
{
  return read_u16 (bytes) | (guint32)read_u16 (bytes + 2) << 16;
}

static float read_f16 (const guint8 *bytes)
{
  return engine_f16_to_f32 (read_u16 (bytes));
}

static float float_from_bits (guint32 bits)
{
  float value;
  memcpy (&value, &bits, sizeof value);
  return value;
}

static guint32 bits_from_float (float value)
{
  guint32 bits;
  memcpy (&bits, &value, sizeof bits);
  return bits;
}

float engine_f16_to_f32 (guint16 half)
{
  guint32 sign = (guint32)(half & 0x8000) << 16;
  guint32 exponent = half >> 10 & 31;
  guint32 mantissa = half & 1023;
  if (exponent == 0) /* zero and subnormals: mantissa · 2⁻²⁴, exact in float */
    return float_from_bits (sign | bits_from_float ((float)mantissa * 0x1p-24f));
  if (exponent == 31)
    return float_from_bits (sign | 0x7f800000 | mantissa << 13);
  return float_from_bits (sign | (exponent + 112) << 23 | mantissa << 13);
}

guint16 engine_f32_to_f16 (float value)
{
  guint32 bits = bits_from_float (value);
  guint16 sign = bits >> 16 & 0x8000;
  guint32 magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return sign | 0x7e00; /* NaN */
  if (magnitude >= 0x47800000)
    return sign | 0x7c00; /* 65536 and more */
  if (magnitude < 0x38800000)
    /* Subnormal: adding 0.5 leaves the value, rounded to steps of 2⁻²⁴, in the low bits. */
    return sign | (bits_from_float (float_from_bits (magnitude) + 0.5f) - 0x3f000000);
  guint32 rounded = magnitude + 0xfff + (magnitude >> 13 & 1); /* to nearest, ties to even */
  return sign | (rounded - 0x38000000) >> 13;
}

/* ---- Blocks of 32 ------------------------------------------------------------------------------
 */

/* 16 bytes: the low nibbles are elements 0 to 15, the high ones 16 to 31. */
static void unpack_nibbles (const guint8 *nibbles, gint8 offset, gint8 *codes)
{
  for (guint i = 0; i < 16; i++)
    {
      codes[i] = (nibbles[i] & 15) - offset;
      codes[i + 16] = (nibbles[i] >> 4) - offset;
    }
}

static void unpack_q4_0 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = 0;
  unpack_nibbles (block + 2, 8, codes);
}

static void unpack_q4_1 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = -read_f16 (block + 2);
  unpack_nibbles (block + 4, 0, codes);
}

/* Bit i of the 32-bit word is the fifth bit of element i. */
static void add_fifth_bits (guint32 bits, gint8 *codes)
{
  for (guint i = 0; i < 32; i++)
    codes[i] += (bits >> i & 1) << 4;
}

static void unpack_q5_0 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = 0;
  unpack_nibbles (block + 6, 16, codes);
  add_fifth_bits (read_u32 (block + 2), codes);
}

static void unpack_q5_1 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = -read_f16 (block + 2);
  unpack_nibbles (block + 8, 0, codes);
  add_fifth_bits (read_u32 (block + 4), codes);
}

static void unpack_q8_0 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = 0;
  memcpy (codes, block + 2, 32);
}

const gint8 engine_iq4_values[16] = {
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};
/* The 4-bit floats of the OCP microscaling format, doubled. */
const gint8 engine_mxfp4_values[16] = {
  0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

static void unpack_table (const guint8 *nibbles, const gint8 *values, gint8 *codes)
{
  for (guint i = 0; i < 16; i++)
    {
      codes[i] = values[nibbles[i] & 15];
      codes[i + 16] = values[nibbles[i] >> 4];
    }
}

static void unpack_iq4_nl (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = 0;
  unpack_table (block + 2, engine_iq4_values, codes);
}

static void unpack_mxfp4 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = ldexpf (1, block[0] - 128); /* one less than the exponent: the values are doubled */
  mins[0] = 0;
  unpack_table (block + 1, engine_mxfp4_values, codes);
}

/* ---- Blocks of 256 -----------------------------------------------------------------------------
 */

static void unpack_q2_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  float d = read_f16 (block + 80), dmin = read_f16 (block + 82);
  for (guint i = 0; i < 16; i++)
    {
      scales[i] = d * (block[i] & 15);
      mins[i] = dmin * (block[i] >> 4);
    }
  const guint8 *quarters = block + 16;
  for (guint i = 0; i < 256; i++)
    codes[i] = quarters[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

static void unpack_q3_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  const guint8 *high_bits = block, *quarters = block + 32, *packed = block + 96;
  float d = read_f16 (block + 108);
  for (guint i = 0; i < 16; i++)
    {
      guint low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
      guint high = packed[8 + i % 4] >> i / 4 * 2 & 3;
      scales[i] = d * ((gint)(low | high << 4) - 32);
      mins[i] = 0;
    }
  for (guint i = 0; i < 256; i++)
    {
      gint8 low = quarters[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
      gboolean high = high_bits[i % 32] >> i / 32 & 1;
      codes[i] = low - (high ? 0 : 4);
    }
}

/* Eight 6-bit scales and eight 6-bit mins in 12 bytes. */
static void unpack_scales_6bit (const guint8 *block, float *scales, float *mins)
{
  float d = read_f16 (block), dmin = read_f16 (block + 2);
  const guint8 *q = block + 4;
  for (guint j = 0; j < 8; j++)
    {
      guint scale = j < 4 ? q[j] & 63 : (q[j + 4] & 15) | q[j - 4] >> 6 << 4;
      guint min = j < 4 ? q[j + 4] & 63 : q[j + 4] >> 4 | q[j] >> 6 << 4;
      scales[j] = d * scale;
      mins[j] = dmin * min;
    }
}

/* 128 bytes: each 32 hold 64 elements, the low nibbles first. */
static gint8 k_nibble (const guint8 *nibbles, guint i)
{
  return nibbles[i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15;
}

static void unpack_q4_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  unpack_scales_6bit (block, scales, mins);
  for (guint i = 0; i < 256; i++)
    codes[i] = k_nibble (block + 16, i);
}

static void unpack_q5_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  unpack_scales_6bit (block, scales, mins);
  for (guint i = 0; i < 256; i++)
    codes[i] = k_nibble (block + 48, i) | (block[16 + i % 32] >> i / 32 & 1) << 4;
}

static void unpack_q6_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  const guint8 *low = block, *high = block + 128;
  const gint8 *multipliers = (const gint8 *)block + 192;
  float d = read_f16 (block + 208);
  for (guint i = 0; i < 16; i++)
    {
      scales[i] = d * multipliers[i];
      mins[i] = 0;
    }
  for (guint i = 0; i < 256; i++)
    {
      guint half = i / 128, quarter = i % 128 / 32;
      guint nibble = low[half * 64 + i % 64] >> quarter / 2 * 4 & 15;
      codes[i] = (nibble | (high[half * 32 + i % 32] >> quarter * 2 & 3) << 4) - 32;
    }
}

static void unpack_iq4_xs (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  float d = read_f16 (block);
  guint high_bits = read_u16 (block + 2);
  for (guint j = 0; j < 8; j++)
    {
      guint low = block[4 + j / 2] >> j % 2 * 4 & 15;
      scales[j] = d * ((gint)(low | (high_bits >> j * 2 & 3) << 4) - 32);
      mins[j] = 0;
      unpack_table (block + 8 + j * 16, engine_iq4_values, codes + j * 32);
    }
}

/* ---- Exact floats ------------------------------------------------------------------------------
 */

static void dequantise (const EngineUnpacking *unpacking, guint block_elements, guint block_bytes,
                        const guint8 *blocks, gsize n_elements, float *ret_values)
{
  gint8 codes[256];
  float scales[16], mins[16];
  for (gsize i = 0; i < n_elements; i += block_elements, blocks += block_bytes)
    {
      unpacking->block (blocks, codes, scales, mins);
      for (guint j = 0; j < block_elements; j++)
        {
          guint group = j / unpacking->group;
          ret_values[i + j] = scales[group] * codes[j] - mins[group];
        }
    }
}

static void dequantise_f32 (const void *blocks, gsize n_elements, float *ret_values)
{
  memcpy (ret_values, blocks, n_elements * sizeof (float));
}

static void dequantise_f16 (const void *blocks, gsize n_elements, float *ret_values)
{
  for (gsize i = 0; i < n_elements; i++)
    ret_values[i] = read_f16 ((const guint8 *)blocks + 2 * i);
}

static void dequantise_bf16 (const void *blocks, gsize n_elements, float *ret_values)
{
  for (gsize i = 0; i < n_elements; i++)
    ret_values[i] = float_from_bits ((guint32)read_u16 ((const guint8 *)blocks + 2 * i) << 16);
}

/* The unpacking of a type, and its dequantise function made from that. */
#define QUANTISED_TYPE(name, elements, bytes, group, has_min)                                      \
  static const EngineUnpacking name##_unpacking = { group, has_min, unpack_##name };               \
  static void dequantise_##name (const void *blocks, gsize n_elements, float *ret_values)          \
  {                                                                                                \
    dequantise (&name##_unpacking, elements, bytes, blocks, n_elements, ret_values);               \
  }

QUANTISED_TYPE (q4_0, 32, 18, 32, FALSE)
QUANTISED_TYPE (q4_1, 32, 20, 32, TRUE)
QUANTISED_TYPE (q5_0, 32, 22, 32, FALSE)
QUANTISED_TYPE (q5_1, 32, 24, 32, TRUE)
QUANTISED_TYPE (q8_0, 32, 34, 32, FALSE)
QUANTISED_TYPE (q2_k, 256, 84, 16, TRUE)
QUANTISED_TYPE (q3_k, 256, 110, 16, FALSE)
QUANTISED_TYPE (q4_k, 256, 144, 32, TRUE)
QUANTISED_TYPE (q5_k, 256, 176, 32, TRUE)
QUANTISED_TYPE (q6_k, 256, 210, 16, FALSE)
QUANTISED_TYPE (iq4_nl, 32, 18, 32, FALSE)
QUANTISED_TYPE (iq4_xs, 256, 136, 32, FALSE)
QUANTISED_TYPE (mxfp4, 32, 17, 32, FALSE)

static const struct
{
  EngineTypeInfo info;
  const EngineUnpacking *unpacking;
} types[] = {
  { { ENGINE_TYPE_F32, "F32", 1, 4, dequantise_f32 }, NULL },
  { { ENGINE_TYPE_F16, "F16", 1, 2, dequantise_f16 }, NULL },
  { { ENGINE_TYPE_BF16, "BF16", 1, 2, dequantise_bf16 }, NULL },
  { { ENGINE_TYPE_Q4_0, "Q4_0", 32, 18, dequantise_q4_0 }, &q4_0_unpacking },
  { { ENGINE_TYPE_Q4_1, "Q4_1", 32, 20, dequantise_q4_1 }, &q4_1_unpacking },
  { { ENGINE_TYPE_Q5_0, "Q5_0", 32, 22, dequantise_q5_0 }, &q5_0_unpacking },
  { { ENGINE_TYPE_Q5_1, "Q5_1", 32, 24, dequantise_q5_1 }, &q5_1_unpacking },
  { { ENGINE_TYPE_Q8_0, "Q8_0", 32, 34, dequantise_q8_0 }, &q8_0_unpacking },
  { { ENGINE_TYPE_Q2_K, "Q2_K", 256, 84, dequantise_q2_k }, &q2_k_unpacking },
  { { ENGINE_TYPE_Q3_K, "Q3_K", 256, 110, dequantise_q3_k }, &q3_k_unpacking },
  { { ENGINE_TYPE_Q4_K, "Q4_K", 256, 144, dequantise_q4_k }, &q4_k_unpacking },
  { { ENGINE_TYPE_Q5_K, "Q5_K", 256, 176, dequantise_q5_k }, &q5_k_unpacking },
  { { ENGINE_TYPE_Q6_K, "Q6_K", 256, 210, dequantise_q6_k }, &q6_k_unpacking },
  { { ENGINE_TYPE_IQ4_NL, "IQ4_NL", 32, 18, dequantise_iq4_nl }, &iq4_nl_unpacking },
  { { ENGINE_TYPE_IQ4_XS, "IQ4_XS", 256, 136, dequantise_iq4_xs }, &iq4_xs_unpacking },
  { { ENGINE_TYPE_MXFP4, "MXFP4", 32, 17, dequantise_mxfp4 }, &mxfp4_unpacking },
};

const EngineTypeInfo *engine_type_info (guint type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].info.type == type)
      return &types[i].info;
  return NULL;
}

const EngineUnpacking *engine_type_unpacking (guint type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].info.type == type)
      return types[i].unpacking;
  return NULL;
}

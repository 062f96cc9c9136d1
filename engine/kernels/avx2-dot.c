/* avx2-dot: one to four tokens against rows of quantised weights, straight from the file's blocks.
 *
 * The counterpart of avx512-dot.c with 32 codes in a register: vpmaddubsw and vpmaddwd stand for
 * vpdpbusd, and 8-bit codes lend their sign to the activation. Every type is taken apart once,
 * into codes, scales and floors, by engine_avx2_unpack_block; the types that our models are made of
 * are multiplied without going through memory. */
#include "engine/kernels/avx2-codes.h"
#include "engine/kernels/avx2-private.h"

static inline float sum8 (__m256 v)
{
  __m128 four = _mm_add_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  four = _mm_add_ps (four, _mm_movehl_ps (four, four));
  return _mm_cvtss_f32 (_mm_add_ss (four, _mm_movehdup_ps (four)));
}

EngineAvx2Codes engine_avx2_codes (EngineType type)
{
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      return (EngineAvx2Codes){ 8, 8 };
    case ENGINE_TYPE_Q4_1:
    case ENGINE_TYPE_Q4_K:
      return (EngineAvx2Codes){ 8, 0 };
    case ENGINE_TYPE_Q5_0:
      return (EngineAvx2Codes){ 4, 16 };
    case ENGINE_TYPE_Q5_1:
    case ENGINE_TYPE_Q5_K:
      return (EngineAvx2Codes){ 4, 0 };
    case ENGINE_TYPE_Q2_K:
      return (EngineAvx2Codes){ 2, 0 };
    case ENGINE_TYPE_Q3_K:
      return (EngineAvx2Codes){ 2, 4 };
    case ENGINE_TYPE_Q6_K:
      return (EngineAvx2Codes){ 2, 32 };
    default:
      return (EngineAvx2Codes){ 0, 0 };
    }
}

/* ---- Codes of one block ------------------------------------------------------------------------
 */

static inline __m256i codes_q5 (const guint8 *high, const guint8 *low)
{
  guint32 bits;
  memcpy (&bits, high, sizeof bits);
  return _mm256_or_si256 (nibbles32 (low), fifth_bits (bits));
}

/* 32 bytes: the nibbles of two groups. */
static inline void codes_q4_k (const guint8 *bytes, __m256i *ret_low, __m256i *ret_high)
{
  const __m256i mask = _mm256_set1_epi8 (15);
  __m256i packed = _mm256_loadu_si256 ((const __m256i *)bytes);
  *ret_low = _mm256_and_si256 (packed, mask);
  *ret_high = _mm256_and_si256 (_mm256_srli_epi16 (packed, 4), mask);
}

/* The four times 32 elements of one half of a Q6_K block. */
static inline void codes_q6_k (const guint8 *low, const guint8 *high, __m256i ret_codes[4])
{
  const __m256i mask = _mm256_set1_epi8 (0x30);
  __m256i bits = _mm256_loadu_si256 ((const __m256i *)high);
  codes_q4_k (low, &ret_codes[0], &ret_codes[2]);
  codes_q4_k (low + 32, &ret_codes[1], &ret_codes[3]);
  __m256i parts[4] = { _mm256_slli_epi16 (bits, 4), _mm256_slli_epi16 (bits, 2), bits,
                       _mm256_srli_epi16 (bits, 2) };
  for (guint i = 0; i < 4; i++)
    ret_codes[i] = _mm256_or_si256 (ret_codes[i], _mm256_and_si256 (parts[i], mask));
}

static void unpack_any (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                        float *floors)
{
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  guint n = engine_type_info (type)->block_elements;
  guint8 offset = engine_avx2_codes (type).offset;
  engine_avx2_unpack_codes (type, block, (gint8 *)codes, scales, floors);
  if (offset > 0)
    engine_avx2_shift_codes (codes, n, offset);
  for (guint i = 0; i < n / unpacking->group; i++)
    floors[i] += offset * scales[i];
}

static inline void store32 (guint8 *codes, __m256i values)
{
  _mm256_storeu_si256 ((__m256i *)codes, values);
}

void engine_avx2_unpack_block (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                               float *floors)
{
  switch (type)
    {
    case ENGINE_TYPE_Q5_0:
      store32 (codes, codes_q5 (block + 2, block + 6));
      scales[0] = read_f16 (block);
      floors[0] = 16 * scales[0];
      break;
    case ENGINE_TYPE_Q4_K:
      {
        __m256 scale, floor;
        scales_k (block, &scale, &floor);
        _mm256_storeu_ps (scales, scale);
        _mm256_storeu_ps (floors, floor);
        for (guint i = 0; i < 4; i++)
          {
            __m256i low, high;
            codes_q4_k (block + 16 + 32 * i, &low, &high);
            store32 (codes + 64 * i, low);
            store32 (codes + 64 * i + 32, high);
          }
        break;
      }
    case ENGINE_TYPE_Q6_K:
      {
        float d = read_f16 (block + 208);
        for (guint i = 0; i < 16; i++)
          {
            scales[i] = d * (gint8)block[192 + i];
            floors[i] = 32 * scales[i];
          }
        for (guint half = 0; half < 2; half++)
          {
            __m256i parts[4];
            codes_q6_k (block + 64 * half, block + 128 + 32 * half, parts);
            for (guint i = 0; i < 4; i++)
              store32 (codes + 128 * half + 32 * i, parts[i]);
          }
        break;
      }
    default:
      unpack_any (type, block, codes, scales, floors);
    }
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* Eight sums of four products. CODES: unsigned, at most 63. */
static inline __m256 multiply_unsigned (__m256i codes, const gint8 *x)
{
  __m256i values = _mm256_loadu_si256 ((const __m256i *)x);
  __m256i pairs = _mm256_maddubs_epi16 (codes, values);
  return _mm256_cvtepi32_ps (_mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1)));
}

static inline __m256 multiply_signed (__m256i codes, const gint8 *x)
{
  __m256i values = _mm256_sign_epi8 (_mm256_loadu_si256 ((const __m256i *)x), codes);
  __m256i pairs = _mm256_maddubs_epi16 (_mm256_abs_epi8 (codes), values);
  return _mm256_cvtepi32_ps (_mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1)));
}

#define ALWAYS_INLINE inline __attribute__ ((always_inline))
#define MAX_N ENGINE_AVX2_DOT_TOKENS

/* Rows of blocks of 32; N and TYPE are constants where this is inlined. */
static ALWAYS_INLINE void dot_blocks32 (const EngineType type, const guint n, const guint8 *row,
                                        gsize n_cols, const EngineAvx2Row *x, float *y)
{
  const gsize bytes = type == ENGINE_TYPE_Q4_0   ? 18
                      : type == ENGINE_TYPE_Q4_1 ? 20
                      : type == ENGINE_TYPE_Q5_0 ? 22
                                                 : 34;
  const float offset = type == ENGINE_TYPE_Q4_0 ? 8 : type == ENGINE_TYPE_Q5_0 ? 16 : 1;
  __m256 totals[MAX_N][2];
  float floors[MAX_N][2] = { { 0 } };
  gsize n_blocks = n_cols / 32;
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    totals[t][0] = totals[t][1] = _mm256_setzero_ps ();
#pragma GCC unroll 2
  for (gsize i = 0; i < n_blocks; i++, row += bytes)
    {
      float d = read_f16 (row), floor = type == ENGINE_TYPE_Q4_1 ? -read_f16 (row + 2) : d;
      __m256i codes = type == ENGINE_TYPE_Q4_0   ? nibbles32 (row + 2)
                      : type == ENGINE_TYPE_Q4_1 ? nibbles32 (row + 4)
                      : type == ENGINE_TYPE_Q5_0 ? codes_q5 (row + 2, row + 6)
                                                 : _mm256_loadu_si256 ((const __m256i *)(row + 2));
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          const gint8 *codes_x = x[t].codes + 32 * i;
          __m256 products = type == ENGINE_TYPE_Q8_0 ? multiply_signed (codes, codes_x)
                                                     : multiply_unsigned (codes, codes_x);
          totals[t][i % 2]
              = _mm256_fmadd_ps (products, _mm256_set1_ps (d * x[t].scales[i]), totals[t][i % 2]);
          if (type != ENGINE_TYPE_Q8_0)
            floors[t][i % 2] += floor * x[t].sums32[i];
        }
    }
  for (guint t = 0; t < n; t++)
    y[t] = sum8 (_mm256_add_ps (totals[t][0], totals[t][1]))
           - offset * (floors[t][0] + floors[t][1]);
}

static ALWAYS_INLINE void dot_q4_k (const guint n, const guint8 *row, gsize n_cols,
                                    const EngineAvx2Row *x, float *y)
{
  __m256 totals[MAX_N][2], floor_totals[MAX_N];
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    totals[t][0] = totals[t][1] = floor_totals[t] = _mm256_setzero_ps ();
  for (gsize k = 0; k < n_cols; k += 256, row += 144)
    {
      __m256 scales, floors;
      float scale[MAX_N][8];
      scales_k (row, &scales, &floors);
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          _mm256_storeu_ps (scale[t], _mm256_mul_ps (scales, _mm256_loadu_ps (x[t].scales + k / 32)));
          floor_totals[t]
              = _mm256_fmadd_ps (floors, _mm256_loadu_ps (x[t].sums32 + k / 32), floor_totals[t]);
        }
#pragma GCC unroll 4
      for (guint i = 0; i < 4; i++)
        {
          __m256i low, high;
          codes_q4_k (row + 16 + 32 * i, &low, &high);
#pragma GCC unroll 4
          for (guint t = 0; t < n; t++)
            {
              const gint8 *codes_x = x[t].codes + k + 64 * i;
              totals[t][0] = _mm256_fmadd_ps (multiply_unsigned (low, codes_x),
                                              _mm256_broadcast_ss (scale[t] + 2 * i), totals[t][0]);
              totals[t][1]
                  = _mm256_fmadd_ps (multiply_unsigned (high, codes_x + 32),
                                     _mm256_broadcast_ss (scale[t] + 2 * i + 1), totals[t][1]);
            }
        }
    }
  for (guint t = 0; t < n; t++)
    y[t] = sum8 (_mm256_add_ps (totals[t][0], totals[t][1])) - sum8 (floor_totals[t]);
}

/* Lanes 0–3 belong to one group of 16, lanes 4–7 to the next. */
static ALWAYS_INLINE void dot_q6_k (const guint n, const guint8 *row, gsize n_cols,
                                    const EngineAvx2Row *x, float *y)
{
  __m256 totals[MAX_N][2];
  float floor_totals[MAX_N] = { 0 };
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    totals[t][0] = totals[t][1] = _mm256_setzero_ps ();
  for (gsize k = 0; k < n_cols; k += 256, row += 210)
    {
      float d = read_f16 (row + 208), scale[MAX_N][16];
      const gint8 *multipliers = (const gint8 *)row + 192;
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        for (guint i = 0; i < 16; i++)
          {
            floor_totals[t] += d * multipliers[i] * x[t].sums16[k / 16 + i];
            scale[t][i] = d * multipliers[i] * x[t].scales[k / 32 + i / 2];
          }
      for (guint half = 0; half < 2; half++)
        {
          __m256i codes[4];
          codes_q6_k (row + 64 * half, row + 128 + 32 * half, codes);
#pragma GCC unroll 4
          for (guint i = 0; i < 4; i++)
#pragma GCC unroll 4
            for (guint t = 0; t < n; t++)
              {
                const float *pair = scale[t] + 8 * half + 2 * i;
                __m256 scales = _mm256_set_m128 (_mm_set1_ps (pair[1]), _mm_set1_ps (pair[0]));
                __m256 products
                    = multiply_unsigned (codes[i], x[t].codes + k + 128 * half + 32 * i);
                totals[t][i % 2] = _mm256_fmadd_ps (products, scales, totals[t][i % 2]);
              }
        }
    }
  for (guint t = 0; t < n; t++)
    y[t] = sum8 (_mm256_add_ps (totals[t][0], totals[t][1])) - 32 * floor_totals[t];
}

/* 32 elements of X at X_AT. */
static inline void add_any (__m256i codes, gboolean is_signed, const float *scales,
                            const float *floors, guint first, guint second, const EngineAvx2Row *x,
                            gsize x_at, __m256 *total, float *floor)
{
  const gint8 *codes_x = x->codes + x_at;
  float scale_x = x->scales[x_at / 32];
  __m256 products
      = is_signed ? multiply_signed (codes, codes_x) : multiply_unsigned (codes, codes_x);
  __m256 scale = _mm256_set_m128 (_mm_set1_ps (scales[second] * scale_x),
                                  _mm_set1_ps (scales[first] * scale_x));
  *total = _mm256_fmadd_ps (products, scale, *total);
  *floor += floors[first] * x->sums16[x_at / 16] + floors[second] * x->sums16[x_at / 16 + 1];
}

static void dot_any (EngineType type, guint n, const guint8 *row, gsize n_cols,
                     const EngineAvx2Row *x, float *y)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  gboolean is_signed = engine_avx2_codes (type).run == 0;
  __m256 totals[MAX_N];
  float floor_totals[MAX_N] = { 0 };
  for (guint t = 0; t < n; t++)
    totals[t] = _mm256_setzero_ps ();
  for (gsize k = 0; k < n_cols; k += info->block_elements, row += info->block_bytes)
    {
      guint8 codes[256];
      float scales[16], floors[16];
      unpack_any (type, row, codes, scales, floors);
      for (guint i = 0; i < info->block_elements; i += 32)
        for (guint t = 0; t < n; t++)
          add_any (_mm256_loadu_si256 ((const __m256i *)(codes + i)), is_signed, scales, floors,
                   i / group, (i + 16) / group, &x[t], k + i, &totals[t], &floor_totals[t]);
    }
  for (guint t = 0; t < n; t++)
    y[t] = sum8 (totals[t]) - floor_totals[t];
}

#define ROW EngineAvx2Row
#define ROW_AT engine_avx2_row_at
#define DOT_ROWS engine_avx2_dot_rows
#include "engine/kernels/x86-dot-rows.h"

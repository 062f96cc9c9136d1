/* avx512-dot: one to four tokens against rows of quantised weights, straight from the file's blocks.
 *
 * Writing an answer reads every weight once per token, so these loops must keep up with memory:
 * about five bytes per clock and processor. A block's codes are spread to unsigned bytes in a
 * register of 64, multiplied with vpdpbusd, and each group's sums meet their scale in float. What
 * does not depend on single codes (floor · Σ x) is one multiply-add per block. Four tokens share the
 * reading and spreading, each with the operations that it would have alone, in the same order. */
#include "engine/kernels/avx512-codes.h"
#include "engine/kernels/avx512-private.h"

#define ALWAYS_INLINE inline __attribute__ ((always_inline))
#define MAX_N ENGINE_AVX512_DOT_TOKENS

static inline float sum8 (__m256 v)
{
  return _mm512_reduce_add_ps (_mm512_insertf32x8 (_mm512_setzero_ps (), v, 0));
}

/* The weights stream through once. Hardware prefetches too little where the arithmetic needs half
 * of the time: asks for N bytes that come AHEAD bytes later. */
#define AHEAD 4096
static inline __attribute__ ((always_inline)) void prefetch (const guint8 *bytes, const gsize n)
{
#pragma GCC unroll 4
  for (gsize i = 0; i < n; i += 64)
    _mm_prefetch (bytes + AHEAD + i, _MM_HINT_T0);
}

/* ---- Rows of blocks of 32 ----------------------------------------------------------------------
 */

/* Bytes of a block of TYPE, and how far its codes are shifted up. */
static inline gsize bytes_of (EngineType type)
{
  return type == ENGINE_TYPE_Q4_0   ? 18
         : type == ENGINE_TYPE_Q4_1 ? 20
         : type == ENGINE_TYPE_Q5_0 ? 22
                                    : 34;
}

static inline float offset_of (EngineType type)
{
  return type == ENGINE_TYPE_Q4_0   ? 8
         : type == ENGINE_TYPE_Q5_0 ? 16
         : type == ENGINE_TYPE_Q8_0 ? 128
                                    : 1;
}

static inline __m256i codes_of (EngineType type, const guint8 *block)
{
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      return nibbles32 (block + 2);
    case ENGINE_TYPE_Q4_1:
      return nibbles32 (block + 4);
    case ENGINE_TYPE_Q5_0:
      return codes_q5 (block + 2, block + 6);
    default:
      return codes_q8_0 (block);
    }
}

/* Codes of two blocks that follow one another. */
static inline __m512i codes_of_two (EngineType type, const guint8 *block)
{
  gsize bytes = bytes_of (type);
  if (type == ENGINE_TYPE_Q8_0)
    return _mm512_inserti64x4 (_mm512_castsi256_si512 (codes_q8_0 (block)),
                               codes_q8_0 (block + bytes), 1);
  const guint8 *low = block + bytes - 16;
  __m256i packed = _mm256_set_m128i (_mm_loadu_si128 ((const __m128i *)(low + bytes)),
                                     _mm_loadu_si128 ((const __m128i *)low));
  const __m512i twice = _mm512_set_epi64 (3, 2, 3, 2, 1, 0, 1, 0);
  const __m512i shifts = _mm512_set_epi64 (0x0004000400040004, 0x0004000400040004, 0, 0,
                                           0x0004000400040004, 0x0004000400040004, 0, 0);
  __m512i both = _mm512_permutexvar_epi64 (twice, _mm512_castsi256_si512 (packed));
  __m512i nibbles = _mm512_and_si512 (_mm512_srlv_epi16 (both, shifts), _mm512_set1_epi8 (15));
  if (type != ENGINE_TYPE_Q5_0)
    return nibbles;
  guint32 first, second;
  memcpy (&first, block + 2, sizeof first);
  memcpy (&second, block + bytes + 2, sizeof second);
  return _mm512_mask_add_epi8 (nibbles, (guint64)second << 32 | first, nibbles,
                               _mm512_set1_epi8 (16));
}

/* The halves at the beginning of four blocks, as floats. */
static inline __m128 read_four_f16 (const guint8 *block, gsize bytes)
{
  guint16 halves[4];
  for (guint i = 0; i < 4; i++)
    memcpy (&halves[i], block + i * bytes, sizeof halves[i]);
  __m128i packed = _mm_cvtsi32_si128 (halves[0]);
  packed = _mm_insert_epi16 (packed, halves[1], 1);
  packed = _mm_insert_epi16 (packed, halves[2], 2);
  return _mm_cvtph_ps (_mm_insert_epi16 (packed, halves[3], 3));
}

/* N and TYPE are constants where this is inlined. Four blocks, 72 to 136 bytes, take about 40
 * instructions: their scales are read, converted and multiplied together. */
static ALWAYS_INLINE void dot_blocks32 (const EngineType type, const guint n, const guint8 *row,
                                        gsize n_cols, const EngineAvx512Row *x, float *y)
{
  const gsize bytes = bytes_of (type);
  __m512 totals[MAX_N][2];
  __m128 floors[MAX_N];
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    {
      totals[t][0] = totals[t][1] = _mm512_setzero_ps ();
      floors[t] = _mm_setzero_ps ();
    }
  const __m512i first_two = _mm512_inserti64x4 (_mm512_set1_epi32 (1), _mm256_setzero_si256 (), 0);
  const __m512i last_two = _mm512_add_epi32 (first_two, _mm512_set1_epi32 (2));
  gsize n_blocks = n_cols / 32, i = 0;
  for (; i + 4 <= n_blocks; i += 4, row += 4 * bytes)
    {
      prefetch (row, 4 * bytes);
      __m128 d = read_four_f16 (row, bytes);
      __m128 floor = type == ENGINE_TYPE_Q4_1 ? -read_four_f16 (row + 2, bytes) : d;
      __m512i codes[2] = { codes_of_two (type, row), codes_of_two (type, row + 2 * bytes) };
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          __m512 scales
              = _mm512_castps128_ps512 (_mm_mul_ps (d, _mm_loadu_ps (x[t].scales + i)));
          floors[t] = _mm_fmadd_ps (floor, _mm_loadu_ps (x[t].sums32 + i), floors[t]);
#pragma GCC unroll 2
          for (guint two = 0; two < 2; two++)
            {
              __m512i products
                  = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), codes[two],
                                         _mm512_loadu_si512 (x[t].codes + 32 * i + 64 * two));
              __m512 scale = _mm512_permutexvar_ps (two ? last_two : first_two, scales);
              totals[t][two]
                  = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products), scale, totals[t][two]);
            }
        }
    }
  for (guint t = 0; t < n; t++)
    {
      __m512 total = _mm512_add_ps (totals[t][0], totals[t][1]);
      float floor = floors[t][0] + floors[t][1] + floors[t][2] + floors[t][3];
      const guint8 *rest = row;
      for (gsize k = i; k < n_blocks; k++, rest += bytes)
        {
          __m256i codes_x = _mm256_loadu_si256 ((const __m256i *)(x[t].codes + 32 * k));
          __m256i products
              = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), codes_of (type, rest), codes_x);
          __m512 wide = _mm512_cvtepi32_ps (_mm512_zextsi256_si512 (products));
          float d = read_f16 (rest);
          total = _mm512_fmadd_ps (wide, _mm512_set1_ps (d * x[t].scales[k]), total);
          floor += (type == ENGINE_TYPE_Q4_1 ? -read_f16 (rest + 2) : d) * x[t].sums32[k];
        }
      y[t] = _mm512_reduce_add_ps (total) - offset_of (type) * floor;
    }
}

/* ---- Rows of blocks of 256 ---------------------------------------------------------------------
 */

/* 144 bytes: 4 × (load, spread, product, conversion, multiply-add) and 15 for the scales. */
static ALWAYS_INLINE void dot_q4_k (const guint n, const guint8 *row, gsize n_cols,
                                    const EngineAvx512Row *x, float *y)
{
  __m512 totals[MAX_N][2];
  __m256 floor_totals[MAX_N];
  /* Lanes 0–7 take the scale of the first group, lanes 8–15 that of the second. */
  const __m512i first_two = _mm512_inserti64x4 (_mm512_set1_epi32 (1), _mm256_setzero_si256 (), 0);
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    {
      totals[t][0] = totals[t][1] = _mm512_setzero_ps ();
      floor_totals[t] = _mm256_setzero_ps ();
    }
  for (gsize k = 0; k < n_cols; k += 256, row += 144)
    {
      __m256 scales, floors;
      __m512 wide[MAX_N];
      prefetch (row, 144);
      scales_k (row, &scales, &floors);
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          wide[t] = _mm512_castps256_ps512 (
              _mm256_mul_ps (scales, _mm256_loadu_ps (x[t].scales + k / 32)));
          floor_totals[t]
              = _mm256_fmadd_ps (floors, _mm256_loadu_ps (x[t].sums32 + k / 32), floor_totals[t]);
        }
      __m512i lanes = first_two;
#pragma GCC unroll 4
      for (guint i = 0; i < 4; i++)
        {
          __m512i codes = nibbles64 (row + 16 + 32 * i);
#pragma GCC unroll 4
          for (guint t = 0; t < n; t++)
            {
              __m512i products
                  = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), codes,
                                         _mm512_loadu_si512 (x[t].codes + k + 64 * i));
              totals[t][i % 2]
                  = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products),
                                     _mm512_permutexvar_ps (lanes, wide[t]), totals[t][i % 2]);
            }
          lanes = _mm512_add_epi32 (lanes, _mm512_set1_epi32 (2));
        }
    }
  for (guint t = 0; t < n; t++)
    y[t] = _mm512_reduce_add_ps (_mm512_add_ps (totals[t][0], totals[t][1]))
           - sum8 (floor_totals[t]);
}

/* 210 bytes: 16 groups of 16, so four lanes share a scale. */
static ALWAYS_INLINE void dot_q6_k (const guint n, const guint8 *row, gsize n_cols,
                                    const EngineAvx512Row *x, float *y)
{
  __m512 totals[MAX_N][2], floor_totals[MAX_N];
  const __m512i pairs = _mm512_set_epi32 (7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  const __m512i fours = _mm512_set_epi32 (3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    totals[t][0] = totals[t][1] = floor_totals[t] = _mm512_setzero_ps ();
  for (gsize k = 0; k < n_cols; k += 256, row += 210)
    {
      prefetch (row, 210);
      __m512 weight_scales = scales_q6_k (row), scales[MAX_N];
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          floor_totals[t] = _mm512_fmadd_ps (weight_scales, _mm512_loadu_ps (x[t].sums16 + k / 16),
                                             floor_totals[t]);
          __m512 scales_x = _mm512_castps256_ps512 (_mm256_loadu_ps (x[t].scales + k / 32));
          scales[t] = _mm512_mul_ps (weight_scales, _mm512_permutexvar_ps (pairs, scales_x));
        }
      __m512i codes[4], lanes = fours;
      codes_q6_k (row, row + 128, &codes[0], &codes[1]);
      codes_q6_k (row + 64, row + 160, &codes[2], &codes[3]);
#pragma GCC unroll 4
      for (guint i = 0; i < 4; i++)
        {
#pragma GCC unroll 4
          for (guint t = 0; t < n; t++)
            {
              __m512i products
                  = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), codes[i],
                                         _mm512_loadu_si512 (x[t].codes + k + 64 * i));
              totals[t][i % 2]
                  = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products),
                                     _mm512_permutexvar_ps (lanes, scales[t]), totals[t][i % 2]);
            }
          lanes = _mm512_add_epi32 (lanes, _mm512_set1_epi32 (4));
        }
    }
  for (guint t = 0; t < n; t++)
    y[t] = _mm512_reduce_add_ps (_mm512_add_ps (totals[t][0], totals[t][1]))
           - 32 * _mm512_reduce_add_ps (floor_totals[t]);
}

/* ---- Any other type ----------------------------------------------------------------------------
 */

/* Types without a fast way of their own: signed codes by definition, shifted up. */
static void unpack_any (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                        float *floors)
{
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  guint n = engine_type_info (type)->block_elements;
  engine_avx2_unpack_codes (type, block, (gint8 *)codes, scales, floors);
  engine_avx2_shift_codes (codes, n, 128);
  for (guint i = 0; i < n / unpacking->group; i++)
    floors[i] += 128 * scales[i];
}

/* 32 elements of X_AT: lanes 0–3 belong to the first 16, lanes 4–7 to the others. */
static inline void add_any (const guint8 *codes, const float *scales, const float *floors,
                            guint first, guint second, const EngineAvx512Row *x, gsize x_at,
                            __m256 *total, float *floor)
{
  __m256i u = _mm256_loadu_si256 ((const __m256i *)codes);
  __m256i v = _mm256_loadu_si256 ((const __m256i *)(x->codes + x_at));
  __m256i products = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), u, v);
  float scale_x = x->scales[x_at / 32];
  __m256 scale = _mm256_set_m128 (_mm_set1_ps (scales[second] * scale_x),
                                  _mm_set1_ps (scales[first] * scale_x));
  *total = _mm256_fmadd_ps (_mm256_cvtepi32_ps (products), scale, *total);
  *floor += floors[first] * x->sums16[x_at / 16] + floors[second] * x->sums16[x_at / 16 + 1];
}

static void dot_any (EngineType type, guint n, const guint8 *row, gsize n_cols,
                     const EngineAvx512Row *x, float *y)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
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
          add_any (codes + i, scales, floors, i / group, (i + 16) / group, &x[t], k + i, &totals[t],
                   &floor_totals[t]);
    }
  for (guint t = 0; t < n; t++)
    y[t] = sum8 (totals[t]) - floor_totals[t];
}

#define ROW EngineAvx512Row
#define ROW_AT engine_avx512_row_at
#define DOT_ROWS engine_avx512_dot_rows
#include "engine/kernels/x86-dot-rows.h"

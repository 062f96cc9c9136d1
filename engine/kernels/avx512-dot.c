/* avx512-dot: one token against rows of quantised weights, straight from the file's blocks.
 *
 * Writing an answer reads every weight once per token, so these loops must keep up with memory:
 * about five bytes per clock and processor. A block's codes are spread to unsigned bytes in a
 * register of 64, multiplied with vpdpbusd, and each group's sums meet their scale in float. What
 * does not depend on single codes (floor · Σ x) is one multiply-add per block. */
#include "engine/kernels/avx512-codes.h"
#include "engine/kernels/avx512-private.h"

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

/* TYPE is a constant where this is inlined. Four blocks, 72 to 136 bytes, take about 40
 * instructions: their scales are read, converted and multiplied together. */
static inline __attribute__ ((always_inline)) float
dot_blocks32 (const EngineType type, const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  const gsize bytes = bytes_of (type);
  __m512 totals[2] = { _mm512_setzero_ps (), _mm512_setzero_ps () };
  __m128 floors = _mm_setzero_ps ();
  const __m512i first_two = _mm512_inserti64x4 (_mm512_set1_epi32 (1), _mm256_setzero_si256 (), 0);
  const __m512i last_two = _mm512_add_epi32 (first_two, _mm512_set1_epi32 (2));
  gsize n_blocks = n_cols / 32, i = 0;
  for (; i + 4 <= n_blocks; i += 4, row += 4 * bytes)
    {
      prefetch (row, 4 * bytes);
      __m128 d = read_four_f16 (row, bytes);
      __m128 floor = type == ENGINE_TYPE_Q4_1 ? -read_four_f16 (row + 2, bytes) : d;
      __m512 scales = _mm512_castps128_ps512 (_mm_mul_ps (d, _mm_loadu_ps (x->scales + i)));
      floors = _mm_fmadd_ps (floor, _mm_loadu_ps (x->sums32 + i), floors);
#pragma GCC unroll 2
      for (guint two = 0; two < 2; two++)
        {
          __m512i products = _mm512_dpbusd_epi32 (
              _mm512_setzero_si512 (), codes_of_two (type, row + 2 * two * bytes),
              _mm512_loadu_si512 (x->codes + 32 * i + 64 * two));
          __m512 scale = _mm512_permutexvar_ps (two ? last_two : first_two, scales);
          totals[two] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products), scale, totals[two]);
        }
    }
  __m512 total = _mm512_add_ps (totals[0], totals[1]);
  float floor = floors[0] + floors[1] + floors[2] + floors[3];
  for (; i < n_blocks; i++, row += bytes)
    {
      __m256i codes_x = _mm256_loadu_si256 ((const __m256i *)(x->codes + 32 * i));
      __m256i products
          = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), codes_of (type, row), codes_x);
      __m512 wide = _mm512_cvtepi32_ps (_mm512_zextsi256_si512 (products));
      float d = read_f16 (row);
      total = _mm512_fmadd_ps (wide, _mm512_set1_ps (d * x->scales[i]), total);
      floor += (type == ENGINE_TYPE_Q4_1 ? -read_f16 (row + 2) : d) * x->sums32[i];
    }
  return _mm512_reduce_add_ps (total) - offset_of (type) * floor;
}

/* ---- Rows of blocks of 256 ---------------------------------------------------------------------
 */

/* 144 bytes: 4 × (load, spread, product, conversion, multiply-add) and 15 for the scales. */
static float dot_q4_k (const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  __m512 totals[2] = { _mm512_setzero_ps (), _mm512_setzero_ps () };
  __m256 floor_total = _mm256_setzero_ps ();
  /* Lanes 0–7 take the scale of the first group, lanes 8–15 that of the second. */
  const __m512i first_two = _mm512_inserti64x4 (_mm512_set1_epi32 (1), _mm256_setzero_si256 (), 0);
  for (gsize k = 0; k < n_cols; k += 256, row += 144)
    {
      __m256 scales, floors;
      prefetch (row, 144);
      scales_q4_k (row, &scales, &floors);
      scales = _mm256_mul_ps (scales, _mm256_loadu_ps (x->scales + k / 32));
      floor_total = _mm256_fmadd_ps (floors, _mm256_loadu_ps (x->sums32 + k / 32), floor_total);
      __m512 wide = _mm512_castps256_ps512 (scales);
      __m512i lanes = first_two;
#pragma GCC unroll 4
      for (guint i = 0; i < 4; i++)
        {
          __m512i products
              = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), nibbles64 (row + 16 + 32 * i),
                                     _mm512_loadu_si512 (x->codes + k + 64 * i));
          totals[i % 2] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products),
                                           _mm512_permutexvar_ps (lanes, wide), totals[i % 2]);
          lanes = _mm512_add_epi32 (lanes, _mm512_set1_epi32 (2));
        }
    }
  return _mm512_reduce_add_ps (_mm512_add_ps (totals[0], totals[1])) - sum8 (floor_total);
}

/* 210 bytes: 16 groups of 16, so four lanes share a scale. */
static float dot_q6_k (const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  __m512 totals[2] = { _mm512_setzero_ps (), _mm512_setzero_ps () };
  __m512 floor_total = _mm512_setzero_ps ();
  const __m512i pairs = _mm512_set_epi32 (7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  const __m512i fours = _mm512_set_epi32 (3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
  for (gsize k = 0; k < n_cols; k += 256, row += 210)
    {
      prefetch (row, 210);
      __m512 scales = scales_q6_k (row);
      floor_total = _mm512_fmadd_ps (scales, _mm512_loadu_ps (x->sums16 + k / 16), floor_total);
      __m512 scales_x = _mm512_castps256_ps512 (_mm256_loadu_ps (x->scales + k / 32));
      scales = _mm512_mul_ps (scales, _mm512_permutexvar_ps (pairs, scales_x));
      __m512i codes[4], lanes = fours;
      codes_q6_k (row, row + 128, &codes[0], &codes[1]);
      codes_q6_k (row + 64, row + 160, &codes[2], &codes[3]);
#pragma GCC unroll 4
      for (guint i = 0; i < 4; i++)
        {
          __m512i products = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), codes[i],
                                                  _mm512_loadu_si512 (x->codes + k + 64 * i));
          totals[i % 2] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products),
                                           _mm512_permutexvar_ps (lanes, scales), totals[i % 2]);
          lanes = _mm512_add_epi32 (lanes, _mm512_set1_epi32 (4));
        }
    }
  return _mm512_reduce_add_ps (_mm512_add_ps (totals[0], totals[1]))
         - 32 * _mm512_reduce_add_ps (floor_total);
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

/* 32 elements: lanes 0–3 belong to the first 16, lanes 4–7 to the others. */
static float dot_any (EngineType type, const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  __m256 total = _mm256_setzero_ps ();
  float floor = 0;
  for (gsize k = 0; k < n_cols; k += info->block_elements, row += info->block_bytes)
    {
      guint8 codes[256];
      float scales[16], floors[16];
      unpack_any (type, row, codes, scales, floors);
      for (guint i = 0; i < info->block_elements; i += 32)
        {
          __m256i u = _mm256_loadu_si256 ((const __m256i *)(codes + i));
          __m256i v = _mm256_loadu_si256 ((const __m256i *)(x->codes + k + i));
          __m256i products = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), u, v);
          float scale_x = x->scales[(k + i) / 32];
          guint first = i / group, second = (i + 16) / group;
          __m256 scale = _mm256_set_m128 (_mm_set1_ps (scales[second] * scale_x),
                                          _mm_set1_ps (scales[first] * scale_x));
          total = _mm256_fmadd_ps (_mm256_cvtepi32_ps (products), scale, total);
          floor += floors[first] * x->sums16[(k + i) / 16]
                   + floors[second] * x->sums16[(k + i) / 16 + 1];
        }
    }
  return sum8 (total) - floor;
}

static inline float dot_row (EngineType type, const guint8 *row, gsize n_cols,
                             const EngineAvx512Row *x)
{
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      return dot_blocks32 (ENGINE_TYPE_Q4_0, row, n_cols, x);
    case ENGINE_TYPE_Q4_1:
      return dot_blocks32 (ENGINE_TYPE_Q4_1, row, n_cols, x);
    case ENGINE_TYPE_Q5_0:
      return dot_blocks32 (ENGINE_TYPE_Q5_0, row, n_cols, x);
    case ENGINE_TYPE_Q8_0:
      return dot_blocks32 (ENGINE_TYPE_Q8_0, row, n_cols, x);
    case ENGINE_TYPE_Q4_K:
      return dot_q4_k (row, n_cols, x);
    case ENGINE_TYPE_Q6_K:
      return dot_q6_k (row, n_cols, x);
    default:
      return dot_any (type, row, n_cols, x);
    }
}

void engine_avx512_dot_rows (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                             gsize n_cols, const void *row_data, float *y)
{
  EngineAvx512Row x = engine_avx512_row_at (row_data, n_cols);
  for (gsize row = 0; row < n_rows; row++)
    y[row] = dot_row (type, rows + row * row_bytes, n_cols, &x);
}

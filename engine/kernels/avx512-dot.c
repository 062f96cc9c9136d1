/* avx512-dot: one token against rows of quantised weights, straight from the file's blocks.
 *
 * Writing an answer reads every weight once per token, so these loops must keep up with memory:
 * about five bytes per clock and processor. A block's codes are spread to unsigned bytes in a
 * register of 64, multiplied with vpdpbusd, and each group's sums meet their scale in float. What
 * does not depend on single codes (floor · Σ x) is one multiply-add per block. The same spreading
 * serves the panels of avx512-matmul.c, so that each type is taken apart in one place. */
#include "engine/kernels/avx512-private.h"

#include <immintrin.h>
#include <string.h>

static inline float read_f16 (const guint8 *bytes)
{
  guint16 half;
  memcpy (&half, bytes, sizeof half);
  return _cvtsh_ss (half);
}

static inline float sum8 (__m256 v)
{
  return _mm512_reduce_add_ps (_mm512_insertf32x8 (_mm512_setzero_ps (), v, 0));
}

/* ---- Codes of one block ------------------------------------------------------------------------
 */

/* 16 bytes: low nibbles, then high. */
static inline __m256i nibbles32 (const guint8 *bytes)
{
  __m128i packed = _mm_loadu_si128 ((const __m128i *)bytes);
  __m256i both
      = _mm256_inserti128_si256 (_mm256_castsi128_si256 (packed), _mm_srli_epi16 (packed, 4), 1);
  return _mm256_and_si256 (both, _mm256_set1_epi8 (15));
}

/* 32 bytes: low nibbles, then high. */
static inline __m512i nibbles64 (const guint8 *bytes)
{
  __m256i packed = _mm256_loadu_si256 ((const __m256i *)bytes);
  __m512i both
      = _mm512_inserti64x4 (_mm512_castsi256_si512 (packed), _mm256_srli_epi16 (packed, 4), 1);
  return _mm512_and_si512 (both, _mm512_set1_epi8 (15));
}

/* Q5_0 and Q5_1: bit i of the word at HIGH is the fifth bit of element i. */
static inline __m256i codes_q5 (const guint8 *high, const guint8 *low)
{
  guint32 bits;
  memcpy (&bits, high, sizeof bits);
  __m256i nibbles = nibbles32 (low);
  return _mm256_mask_add_epi8 (nibbles, bits, nibbles, _mm256_set1_epi8 (16));
}

static inline __m256i codes_q8_0 (const guint8 *block)
{
  __m256i codes = _mm256_loadu_si256 ((const __m256i *)(block + 2));
  return _mm256_xor_si256 (codes, _mm256_set1_epi8 (-128));
}

/* Eight scales in the low, eight mins in the high half: 6 bits each. The first four of both are
 * the low bits of bytes 0–7; the last four are nibbles of bytes 8–11 with the high bits of bytes
 * 0–7 above them. */
static inline __m128i scales_6bit (const guint8 *bytes)
{
  guint32 a, b, c;
  memcpy (&a, bytes, 4);
  memcpy (&b, bytes + 4, 4);
  memcpy (&c, bytes + 8, 4);
  guint32 last_scales = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
  guint32 last_mins = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
  return _mm_set_epi32 (last_mins, b & 0x3f3f3f3f, last_scales, a & 0x3f3f3f3f);
}

static inline void scales_q4_k (const guint8 *block, __m256 *ret_scales, __m256 *ret_floors)
{
  __m128i packed = scales_6bit (block + 4);
  __m256 scales = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (packed));
  __m256 mins = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_srli_si128 (packed, 8)));
  *ret_scales = _mm256_mul_ps (scales, _mm256_set1_ps (read_f16 (block)));
  *ret_floors = _mm256_mul_ps (mins, _mm256_set1_ps (read_f16 (block + 2)));
}

/* Elements 0–63 and 64–127 of one half of a Q6_K block: nibbles from 64 bytes at LOW, two more bits
 * from 32 bytes at HIGH, which hold them for elements i, i + 32, i + 64 and i + 96. */
static inline void codes_q6_k (const guint8 *low, const guint8 *high, __m512i *ret_first,
                               __m512i *ret_second)
{
  __m512i nibbles = _mm512_loadu_si512 (low);
  __m512i bits = _mm512_broadcast_i64x4 (_mm256_loadu_si256 ((const __m256i *)high));
  const __m512i up = _mm512_inserti64x4 (_mm512_set1_epi16 (2), _mm256_set1_epi16 (4), 0);
  const __m512i down = _mm512_inserti64x4 (_mm512_set1_epi16 (2), _mm256_setzero_si256 (), 0);
  const __m512i low4 = _mm512_set1_epi8 (15), high2 = _mm512_set1_epi8 (0x30);
  __m512i first_bits = _mm512_and_si512 (_mm512_sllv_epi16 (bits, up), high2);
  __m512i second_bits = _mm512_and_si512 (_mm512_srlv_epi16 (bits, down), high2);
  *ret_first = _mm512_or_si512 (_mm512_and_si512 (nibbles, low4), first_bits);
  *ret_second
      = _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi16 (nibbles, 4), low4), second_bits);
}

static inline __m512 scales_q6_k (const guint8 *block)
{
  __m512i multipliers = _mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *)(block + 192)));
  return _mm512_mul_ps (_mm512_cvtepi32_ps (multipliers), _mm512_set1_ps (read_f16 (block + 208)));
}

/* Types without a fast way of their own: signed codes by definition, shifted up. */
static void unpack_any (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                        float *floors)
{
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  guint n = engine_type_info (type)->block_elements;
  unpacking->block (block, (gint8 *)codes, scales, floors);
  for (guint i = 0; i < n; i++)
    codes[i] ^= 128;
  for (guint i = 0; i < n / unpacking->group; i++)
    floors[i] += 128 * scales[i];
}

static inline void store32 (guint8 *codes, __m256i values, float scale, float floor, float *scales,
                            float *floors)
{
  _mm256_storeu_si256 ((__m256i *)codes, values);
  *scales = scale;
  *floors = floor;
}

void engine_avx512_unpack_block (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                                 float *floors)
{
  float d = read_f16 (block);
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      store32 (codes, nibbles32 (block + 2), d, 8 * d, scales, floors);
      break;
    case ENGINE_TYPE_Q4_1:
      store32 (codes, nibbles32 (block + 4), d, -read_f16 (block + 2), scales, floors);
      break;
    case ENGINE_TYPE_Q5_0:
      store32 (codes, codes_q5 (block + 2, block + 6), d, 16 * d, scales, floors);
      break;
    case ENGINE_TYPE_Q8_0:
      store32 (codes, codes_q8_0 (block), d, 128 * d, scales, floors);
      break;
    case ENGINE_TYPE_Q4_K:
      {
        __m256 scale, floor;
        scales_q4_k (block, &scale, &floor);
        _mm256_storeu_ps (scales, scale);
        _mm256_storeu_ps (floors, floor);
        for (guint i = 0; i < 4; i++)
          _mm512_storeu_si512 (codes + 64 * i, nibbles64 (block + 16 + 32 * i));
        break;
      }
    case ENGINE_TYPE_Q6_K:
      {
        __m512 scale = scales_q6_k (block);
        _mm512_storeu_ps (scales, scale);
        _mm512_storeu_ps (floors, _mm512_mul_ps (scale, _mm512_set1_ps (32)));
        for (guint half = 0; half < 2; half++)
          {
            __m512i first, second;
            codes_q6_k (block + 64 * half, block + 128 + 32 * half, &first, &second);
            _mm512_storeu_si512 (codes + 128 * half, first);
            _mm512_storeu_si512 (codes + 128 * half + 64, second);
          }
        break;
      }
    default:
      unpack_any (type, block, codes, scales, floors);
    }
}

/* ---- Rows of blocks of 32 ----------------------------------------------------------------------
 */

/* TYPE is a constant where this is inlined. 22 to 34 bytes take about 14 instructions. */
static inline __attribute__ ((always_inline)) float
dot_blocks32 (const EngineType type, const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  const gsize bytes = type == ENGINE_TYPE_Q4_0   ? 18
                      : type == ENGINE_TYPE_Q4_1 ? 20
                      : type == ENGINE_TYPE_Q5_0 ? 22
                                                 : 34;
  const float offset = type == ENGINE_TYPE_Q4_0 ? 8 : type == ENGINE_TYPE_Q5_0 ? 16 : 128;
  __m256 totals[4]
      = { _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps () };
  float floors[4] = { 0 };
  gsize n_blocks = n_cols / 32;
#pragma GCC unroll 4
  for (gsize i = 0; i < n_blocks; i++, row += bytes)
    {
      float d = read_f16 (row);
      __m256i codes;
      if (type == ENGINE_TYPE_Q4_0)
        codes = nibbles32 (row + 2);
      else if (type == ENGINE_TYPE_Q4_1)
        codes = nibbles32 (row + 4);
      else if (type == ENGINE_TYPE_Q5_0)
        codes = codes_q5 (row + 2, row + 6);
      else
        codes = codes_q8_0 (row);
      __m256i codes_x = _mm256_loadu_si256 ((const __m256i *)(x->codes + 32 * i));
      __m256i products = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), codes, codes_x);
      totals[i % 4] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (products),
                                       _mm256_set1_ps (d * x->scales[i]), totals[i % 4]);
      floors[i % 4] += (type == ENGINE_TYPE_Q4_1 ? -read_f16 (row + 2) : d) * x->sums32[i];
    }
  __m256 total
      = _mm256_add_ps (_mm256_add_ps (totals[0], totals[1]), _mm256_add_ps (totals[2], totals[3]));
  float floor = floors[0] + floors[1] + floors[2] + floors[3];
  return sum8 (total) - (type == ENGINE_TYPE_Q4_1 ? 1 : offset) * floor;
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

static float dot_any (EngineType type, const guint8 *row, gsize n_cols, const EngineAvx512Row *x)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  float total = 0;
  for (gsize k = 0; k < n_cols; k += info->block_elements, row += info->block_bytes)
    {
      guint8 codes[256];
      float scales[16], floors[16];
      unpack_any (type, row, codes, scales, floors);
      for (guint i = 0; i < info->block_elements; i += 16)
        {
          __m128i u = _mm_loadu_si128 ((const __m128i *)(codes + i));
          __m128i v = _mm_loadu_si128 ((const __m128i *)(x->codes + k + i));
          __m128i products = _mm_dpbusd_epi32 (_mm_setzero_si128 (), u, v);
          products = _mm_add_epi32 (products, _mm_shuffle_epi32 (products, 0x4e));
          products = _mm_add_epi32 (products, _mm_shuffle_epi32 (products, 0xb1));
          total += scales[i / group] * x->scales[(k + i) / 32] * _mm_cvtsi128_si32 (products)
                   - floors[i / group] * x->sums16[(k + i) / 16];
        }
    }
  return total;
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

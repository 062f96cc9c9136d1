/* avx512-matmul: many tokens against quantised weights, 32 rows by 6 tokens at a time.
 *
 * y[token, row] = Σ_groups scale · scale_x · (Σ code · code_x) − min · (scale_x · Σ code_x). One
 * vpdpbusd adds four products for each of 16 rows: 64 multiply-adds in one instruction. A step of
 * four columns loads two registers of weights and broadcasts six words of activations for twelve of
 * them; a group of 32 takes 96, then 12 conversions, multiplications and multiply-adds in float (24
 * where the type has mins): four in five instructions of the multiplying pipes are products.
 *
 * vpdpbusd wants one side unsigned. That is the activations, shifted up by 128; what this adds,
 * 128 · Σ code, is known when the panel is made, and sums start from its negative. */
#include "engine/kernels/avx512-private.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ROWS ENGINE_AVX512_PANEL_ROWS
#define TOKENS ENGINE_AVX512_TILE_TOKENS

/* ---- Activations -------------------------------------------------------------------------------
 */

/* 32 values to codes; see portable-matmul.c for the rounding and what becomes of odd values. */
static inline void round_block (const float *x, gint8 *codes, float *ret_scale, float *ret_sums16)
{
  __m512 a = _mm512_loadu_ps (x), b = _mm512_loadu_ps (x + 16);
  __m512 size_a = _mm512_abs_ps (a), size_b = _mm512_abs_ps (b);
  const __m512 most = _mm512_set1_ps (G_MAXFLOAT);
  gboolean finite = (_mm512_cmp_ps_mask (size_a, most, _CMP_LE_OQ)
                     & _mm512_cmp_ps_mask (size_b, most, _CMP_LE_OQ))
                    == 0xffff;
  float largest = _mm512_reduce_max_ps (_mm512_max_ps (size_a, size_b));
  float scale = largest / 127, inverse = 127 / largest;
  if (!finite || !(inverse <= G_MAXFLOAT))
    {
      memset (codes, 0, 32);
      *ret_scale = ret_sums16[0] = ret_sums16[1] = finite ? 0 : NAN;
      return;
    }
  __m512i first = _mm512_cvtps_epi32 (_mm512_mul_ps (a, _mm512_set1_ps (inverse)));
  __m512i second = _mm512_cvtps_epi32 (_mm512_mul_ps (b, _mm512_set1_ps (inverse)));
  __m256i both = _mm256_set_m128i (_mm512_cvtepi32_epi8 (second), _mm512_cvtepi32_epi8 (first));
  __m256i sums = _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), _mm256_set1_epi8 (1), both);
  sums = _mm256_add_epi32 (sums, _mm256_shuffle_epi32 (sums, 0x4e));
  sums = _mm256_add_epi32 (sums, _mm256_shuffle_epi32 (sums, 0xb1));
  _mm256_storeu_si256 ((__m256i *)codes, both);
  *ret_scale = scale;
  ret_sums16[0] = scale * (float)_mm256_cvtsi256_si32 (sums);
  ret_sums16[1] = scale * (float)_mm256_extract_epi32 (sums, 4);
}

gsize engine_avx512_row_bytes (gsize n_cols)
{
  return n_cols + n_cols / 32 * 4 * sizeof (float);
}

void engine_avx512_round_row (const float *x, gsize n_cols, void *ret_row)
{
  EngineAvx512Row row = engine_avx512_row_at (ret_row, n_cols);
  for (gsize block = 0; block < n_cols / 32; block++)
    {
      float *sums16 = row.sums16 + 2 * block;
      round_block (x + 32 * block, row.codes + 32 * block, row.scales + block, sums16);
      row.sums32[block] = sums16[0] + sums16[1];
    }
}

gsize engine_avx512_tile_bytes (gsize n_cols, guint n_tokens)
{
  return n_tokens * engine_avx512_row_bytes (n_cols);
}

/* A tile is its tokens' rows one after the other, codes shifted up. */
void engine_avx512_round_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                               void *ret_tile)
{
  guint8 *row = ret_tile;
  for (guint t = 0; t < n_tokens; t++, row += engine_avx512_row_bytes (n_cols))
    {
      engine_avx512_round_row (x + t * x_stride, n_cols, row);
      for (gsize k = 0; k < n_cols; k += 32)
        {
          __m256i codes = _mm256_loadu_si256 ((const __m256i *)(row + k));
          _mm256_storeu_si256 ((__m256i *)(row + k),
                               _mm256_xor_si256 (codes, _mm256_set1_epi8 (-128)));
        }
    }
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* sums[t] of one group: WORDS are its codes, X[t] its activations. */
static inline __attribute__ ((always_inline)) void
multiply_group (const guint n, const guint group, const guint32 *words, const gint32 *starts,
                const gint8 *const *x, __m512i sums[TOKENS][2])
{
  __m512i start0 = _mm512_loadu_si512 (starts), start1 = _mm512_loadu_si512 (starts + 16);
#pragma GCC unroll 6
  for (guint t = 0; t < n; t++)
    {
      sums[t][0] = start0;
      sums[t][1] = start1;
    }
#pragma GCC unroll 8
  for (guint i = 0; i < group; i += 4, words += ROWS)
    {
      __m512i w0 = _mm512_loadu_si512 (words), w1 = _mm512_loadu_si512 (words + 16);
#pragma GCC unroll 6
      for (guint t = 0; t < n; t++)
        {
          gint32 four;
          memcpy (&four, x[t] + i, 4);
          __m512i values = _mm512_set1_epi32 (four);
          sums[t][0] = _mm512_dpbusd_epi32 (sums[t][0], values, w0);
          sums[t][1] = _mm512_dpbusd_epi32 (sums[t][1], values, w1);
        }
    }
}

/* N tokens; GROUP is 16 or 32. These and HAS_MIN are constants where this is inlined. */
static inline __attribute__ ((always_inline)) void
multiply_n (const guint n, const guint group, const gboolean has_min,
            const EngineAvx512Panel *panel, const EngineAvx512Row *x, gsize n_cols, float *y)
{
  __m512 total[TOKENS][2];
#pragma GCC unroll 6
  for (guint t = 0; t < n; t++)
    total[t][0] = total[t][1] = _mm512_setzero_ps ();
  for (gsize g = 0; g < n_cols / group; g++)
    {
      const gint8 *codes[TOKENS];
#pragma GCC unroll 6
      for (guint t = 0; t < n; t++)
        codes[t] = x[t].codes + g * group;
      __m512i sums[TOKENS][2];
      multiply_group (n, group, panel->codes + g * group / 4 * ROWS, panel->starts + g * ROWS,
                      codes, sums);
#pragma GCC unroll 2
      for (guint half = 0; half < 2; half++)
        {
          __m512 scale = _mm512_loadu_ps (panel->scales + g * ROWS + 16 * half);
#pragma GCC unroll 6
          for (guint t = 0; t < n; t++)
            {
              __m512 both = _mm512_mul_ps (scale, _mm512_set1_ps (x[t].scales[g * group / 32]));
              total[t][half]
                  = _mm512_fmadd_ps (_mm512_cvtepi32_ps (sums[t][half]), both, total[t][half]);
            }
          if (!has_min)
            continue;
          __m512 min = _mm512_loadu_ps (panel->mins + g * ROWS + 16 * half);
#pragma GCC unroll 6
          for (guint t = 0; t < n; t++)
            {
              const float *sums_x = group == 32 ? x[t].sums32 : x[t].sums16;
              total[t][half] = _mm512_fnmadd_ps (min, _mm512_set1_ps (sums_x[g]), total[t][half]);
            }
        }
    }
#pragma GCC unroll 6
  for (guint t = 0; t < n; t++)
    {
      _mm512_storeu_ps (y + t * ROWS, total[t][0]);
      _mm512_storeu_ps (y + t * ROWS + 16, total[t][1]);
    }
}

static inline __attribute__ ((always_inline)) void
multiply_tokens (const guint group, const gboolean has_min, const EngineAvx512Panel *panel,
                 const EngineAvx512Row *x, guint n_tokens, gsize n_cols, float *y)
{
  switch (n_tokens)
    {
    case 1:
      multiply_n (1, group, has_min, panel, x, n_cols, y);
      break;
    case 2:
      multiply_n (2, group, has_min, panel, x, n_cols, y);
      break;
    case 3:
      multiply_n (3, group, has_min, panel, x, n_cols, y);
      break;
    case 4:
      multiply_n (4, group, has_min, panel, x, n_cols, y);
      break;
    case 5:
      multiply_n (5, group, has_min, panel, x, n_cols, y);
      break;
    default:
      multiply_n (6, group, has_min, panel, x, n_cols, y);
    }
}

void engine_avx512_multiply (EngineType type, const void *panel_data, const void *tile,
                             guint n_tokens, gsize n_cols, float *y)
{
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  EngineAvx512Panel panel = engine_avx512_panel_at (panel_data, unpacking->group, n_cols);
  EngineAvx512Row x[TOKENS];
  for (guint t = 0; t < n_tokens; t++)
    x[t] = engine_avx512_row_at ((const guint8 *)tile + t * engine_avx512_row_bytes (n_cols),
                                 n_cols);
  if (unpacking->group == 32 && unpacking->has_min)
    multiply_tokens (32, TRUE, &panel, x, n_tokens, n_cols, y);
  else if (unpacking->group == 32)
    multiply_tokens (32, FALSE, &panel, x, n_tokens, n_cols, y);
  else if (unpacking->has_min)
    multiply_tokens (16, TRUE, &panel, x, n_tokens, n_cols, y);
  else
    multiply_tokens (16, FALSE, &panel, x, n_tokens, n_cols, y);
}

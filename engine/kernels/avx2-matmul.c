/* avx2-matmul: many tokens against quantised weights, 8 rows by 4 tokens at a time.
 *
 * The same sum as in avx512-matmul.c. Without vpdpbusd a step of four codes for eight rows is
 * vpmaddubsw and an addition in 16 bits; a run of up to 8 steps is widened to 32 bits once. So a
 * group of 32 four-bit codes costs per token 8 products, 7 additions, one widening, a conversion
 * and three float operations: 256 multiply-adds in about 20 instructions. */
#include "engine/kernels/avx2-private.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ROWS ENGINE_AVX2_PANEL_ROWS
#define TOKENS ENGINE_AVX2_TILE_TOKENS

/* ---- Activations -------------------------------------------------------------------------------
 */

/* 32 values to codes; see portable-matmul.c for the rounding and what becomes of odd values. */
static inline void round_block (const float *x, gint8 *codes, float *ret_scale, float *ret_sums16)
{
  const __m256 sign = _mm256_set1_ps (-0.0f), most = _mm256_set1_ps (G_MAXFLOAT);
  __m256 largest8 = _mm256_setzero_ps (), odd = _mm256_setzero_ps ();
  for (guint i = 0; i < 32; i += 8)
    {
      __m256 size = _mm256_andnot_ps (sign, _mm256_loadu_ps (x + i));
      odd = _mm256_or_ps (odd, _mm256_cmp_ps (size, most, _CMP_NLE_UQ));
      largest8 = _mm256_max_ps (largest8, size);
    }
  float lanes[8], largest = 0;
  _mm256_storeu_ps (lanes, largest8);
  for (guint i = 0; i < 8; i++)
    largest = fmaxf (largest, lanes[i]);
  gboolean finite = _mm256_movemask_ps (odd) == 0;
  float scale = largest / 127, inverse = 127 / largest;
  if (!finite || !(inverse <= G_MAXFLOAT))
    {
      memset (codes, 0, 32);
      *ret_scale = ret_sums16[0] = ret_sums16[1] = finite ? 0 : NAN;
      return;
    }
  gint sums[2] = { 0, 0 };
  for (guint i = 0; i < 32; i += 8)
    {
      gint32 rounded[8];
      __m256 scaled = _mm256_mul_ps (_mm256_loadu_ps (x + i), _mm256_set1_ps (inverse));
      _mm256_storeu_si256 ((__m256i *)rounded, _mm256_cvtps_epi32 (scaled));
      for (guint j = 0; j < 8; j++)
        {
          codes[i + j] = (gint8)rounded[j];
          sums[i / 16] += rounded[j];
        }
    }
  *ret_scale = scale;
  ret_sums16[0] = scale * sums[0];
  ret_sums16[1] = scale * sums[1];
}

gsize engine_avx2_row_bytes (gsize n_cols)
{
  return n_cols + n_cols / 32 * 4 * sizeof (float);
}

void engine_avx2_round_row (const float *x, gsize n_cols, void *ret_row)
{
  EngineAvx2Row row = engine_avx2_row_at (ret_row, n_cols);
  for (gsize block = 0; block < n_cols / 32; block++)
    {
      float *sums16 = row.sums16 + 2 * block;
      round_block (x + 32 * block, row.codes + 32 * block, row.scales + block, sums16);
      row.sums32[block] = sums16[0] + sums16[1];
    }
}

gsize engine_avx2_tile_bytes (gsize n_cols, guint n_tokens)
{
  return n_tokens * engine_avx2_row_bytes (n_cols);
}

/* A tile is its tokens' rows one after the other. */
void engine_avx2_round_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                             void *ret_tile)
{
  for (guint t = 0; t < n_tokens; t++)
    engine_avx2_round_row (x + t * x_stride, n_cols,
                           (guint8 *)ret_tile + t * engine_avx2_row_bytes (n_cols));
}

/* ---- Weights -----------------------------------------------------------------------------------
 */

/* Codes [n_cols / 4][16][4], then scales and floors [n_cols / group][16]. */
typedef struct
{
  guint8 *codes;
  float *scales, *floors;
} Panel;

static Panel panel_at (const void *panel, guint group, gsize n_cols)
{
  guint8 *codes = (guint8 *)panel;
  float *scales = (float *)(codes + n_cols * ROWS);
  return (Panel){ codes, scales, scales + n_cols / group * ROWS };
}

gsize engine_avx2_panel_bytes (EngineType type, gsize n_cols)
{
  return n_cols * ROWS + 2 * (n_cols / engine_type_unpacking (type)->group * ROWS * sizeof (float));
}

static void unpack_row (EngineType type, const guint8 *blocks, gsize n_cols, guint row,
                        const Panel *panel)
{
  guint group = engine_type_unpacking (type)->group;
  const EngineTypeInfo *info = engine_type_info (type);
  guint n_elements = info->block_elements, n_groups = n_elements / group;
  for (gsize k = 0; k < n_cols; k += n_elements, blocks += info->block_bytes)
    {
      guint8 codes[256];
      float scales[16], floors[16];
      engine_avx2_unpack_block (type, blocks, codes, scales, floors);
      for (guint i = 0; i < n_elements / 4; i++)
        memcpy (panel->codes + ((k / 4 + i) * ROWS + row) * 4, codes + 4 * i, 4);
      for (guint i = 0; i < n_groups; i++)
        {
          panel->scales[(k / group + i) * ROWS + row] = scales[i];
          panel->floors[(k / group + i) * ROWS + row] = floors[i];
        }
    }
}

void engine_avx2_unpack_panel (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                               gsize n_cols, void *ret_panel)
{
  Panel panel = panel_at (ret_panel, engine_type_unpacking (type)->group, n_cols);
  if (n_rows < ROWS)
    memset (ret_panel, 0, engine_avx2_panel_bytes (type, n_cols));
  for (guint row = 0; row < n_rows; row++)
    unpack_row (type, rows + row * row_bytes, n_cols, row, &panel);
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* products[t] (eight 32-bit sums) of one group: W are its codes, four for each of 16 rows at a
 * time, X[t] its activations. */
static inline __attribute__ ((always_inline)) void multiply_group (const guint n, const guint group,
                                                                   const guint run, const guint8 *w,
                                                                   const gint8 *const *x,
                                                                   __m256i *products)
{
  const __m256i ones = _mm256_set1_epi16 (1);
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    products[t] = _mm256_setzero_si256 ();
  const guint steps = run == 0 ? 1 : MIN (run, group / 4);
  for (guint first = 0; first < group / 4; first += steps)
    {
      __m256i sums[TOKENS];
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        sums[t] = _mm256_setzero_si256 ();
#pragma GCC unroll 8
      for (guint i = first; i < first + steps; i++)
        {
          __m256i codes = _mm256_loadu_si256 ((const __m256i *)(w + (gsize)i * ROWS * 4));
          __m256i sizes = run == 0 ? _mm256_abs_epi8 (codes) : codes;
#pragma GCC unroll 4
          for (guint t = 0; t < n; t++)
            {
              gint32 four;
              memcpy (&four, x[t] + 4 * i, 4);
              __m256i values = _mm256_set1_epi32 (four);
              if (run == 0)
                values = _mm256_sign_epi8 (values, codes);
              sums[t] = _mm256_add_epi16 (sums[t], _mm256_maddubs_epi16 (sizes, values));
            }
        }
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        products[t] = _mm256_add_epi32 (products[t], _mm256_madd_epi16 (sums[t], ones));
    }
}

/* N tokens against the eight rows from HALF · 8. N, GROUP and RUN are constants where this is
 * inlined. */
static inline __attribute__ ((always_inline)) void
multiply_half (const guint n, const guint group, const guint run, const Panel *panel,
               const EngineAvx2Row *x, gsize n_cols, guint half, float *y)
{
  __m256 total[TOKENS];
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    total[t] = _mm256_setzero_ps ();
  for (gsize g = 0; g < n_cols / group; g++)
    {
      const gint8 *codes[TOKENS];
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        codes[t] = x[t].codes + g * group;
      __m256i products[TOKENS];
      multiply_group (n, group, run, panel->codes + (g * group / 4 * ROWS + half * 8) * 4, codes,
                      products);
      __m256 scale = _mm256_loadu_ps (panel->scales + g * ROWS + half * 8);
      __m256 floor = _mm256_loadu_ps (panel->floors + g * ROWS + half * 8);
#pragma GCC unroll 4
      for (guint t = 0; t < n; t++)
        {
          const float *sums_x = group == 32 ? x[t].sums32 : x[t].sums16;
          __m256 both = _mm256_mul_ps (scale, _mm256_broadcast_ss (x[t].scales + g * group / 32));
          total[t] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (products[t]), both, total[t]);
          total[t] = _mm256_fnmadd_ps (floor, _mm256_broadcast_ss (sums_x + g), total[t]);
        }
    }
#pragma GCC unroll 4
  for (guint t = 0; t < n; t++)
    _mm256_storeu_ps (y + t * ROWS + half * 8, total[t]);
}

static inline __attribute__ ((always_inline)) void
multiply_tokens (const guint group, const guint run, const Panel *panel, const EngineAvx2Row *x,
                 guint n_tokens, gsize n_cols, float *y)
{
  for (guint half = 0; half < 2; half++)
    switch (n_tokens)
      {
      case 1:
        multiply_half (1, group, run, panel, x, n_cols, half, y);
        break;
      case 2:
        multiply_half (2, group, run, panel, x, n_cols, half, y);
        break;
      case 3:
        multiply_half (3, group, run, panel, x, n_cols, half, y);
        break;
      default:
        multiply_half (4, group, run, panel, x, n_cols, half, y);
      }
}

void engine_avx2_multiply (EngineType type, const void *panel_data, const void *tile,
                           guint n_tokens, gsize n_cols, float *y)
{
  guint group = engine_type_unpacking (type)->group, run = engine_avx2_codes (type).run;
  Panel panel = panel_at (panel_data, group, n_cols);
  EngineAvx2Row x[TOKENS];
  for (guint t = 0; t < n_tokens; t++)
    x[t] = engine_avx2_row_at ((const guint8 *)tile + t * engine_avx2_row_bytes (n_cols), n_cols);
  if (group == 32 && run == 8)
    multiply_tokens (32, 8, &panel, x, n_tokens, n_cols, y);
  else if (group == 32 && run == 4)
    multiply_tokens (32, 4, &panel, x, n_tokens, n_cols, y);
  else if (group == 32)
    multiply_tokens (32, 0, &panel, x, n_tokens, n_cols, y);
  else
    multiply_tokens (16, 2, &panel, x, n_tokens, n_cols, y); /* Q6_K; Q2_K and Q3_K need less */
}

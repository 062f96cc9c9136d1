/* avx512-matmul: many tokens against quantised weights, 16 rows by 12 tokens at a time.
 *
 * y[token, row] = Σ_groups scale · scale_x · (Σ u · x) − floor · (scale_x · Σ x). One vpdpbusd adds
 * four products for each of 16 rows: 64 multiply-adds in one instruction, its weights loaded once
 * for twelve tokens and each token's four codes broadcast from memory. A group of 32 takes 8 of
 * them per token, then a conversion, a multiplication and two multiply-adds in float: about 70 % of
 * the instructions are products. Weights are unpacked once per panel and used for all tokens. */
#include "engine/kernels/avx512-private.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ROWS ENGINE_PANEL_ROWS
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
  _mm_storeu_si128 ((__m128i *)codes, _mm512_cvtepi32_epi8 (first));
  _mm_storeu_si128 ((__m128i *)(codes + 16), _mm512_cvtepi32_epi8 (second));
  *ret_scale = scale;
  ret_sums16[0] = scale * _mm512_reduce_add_epi32 (first);
  ret_sums16[1] = scale * _mm512_reduce_add_epi32 (second);
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

/* Codes [n_cols / 4][n_tokens][4], scales [n_cols / 32][n_tokens], sums likewise per 32 and 16. */
typedef struct
{
  guint32 *codes;
  float *scales, *sums32, *sums16;
} Tile;

static Tile tile_at (const void *tile, gsize n_cols, guint n_tokens)
{
  guint32 *codes = (guint32 *)tile;
  float *scales = (float *)(codes + n_cols / 4 * n_tokens);
  float *sums32 = scales + n_cols / 32 * n_tokens;
  return (Tile){ codes, scales, sums32, sums32 + n_cols / 32 * n_tokens };
}

gsize engine_avx512_tile_bytes (gsize n_cols, guint n_tokens)
{
  return n_tokens * engine_avx512_row_bytes (n_cols);
}

void engine_avx512_round_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                               void *ret_tile)
{
  Tile tile = tile_at (ret_tile, n_cols, n_tokens);
  for (guint t = 0; t < n_tokens; t++, x += x_stride)
    for (gsize block = 0; block < n_cols / 32; block++)
      {
        gint8 codes[32];
        float scale, sums[2];
        round_block (x + 32 * block, codes, &scale, sums);
        for (guint i = 0; i < 8; i++)
          memcpy (tile.codes + (8 * block + i) * n_tokens + t, codes + 4 * i, 4);
        tile.scales[block * n_tokens + t] = scale;
        tile.sums32[block * n_tokens + t] = sums[0] + sums[1];
        tile.sums16[2 * block * n_tokens + t] = sums[0];
        tile.sums16[(2 * block + 1) * n_tokens + t] = sums[1];
      }
}

/* ---- Weights -----------------------------------------------------------------------------------
 */

/* Codes [n_cols / 4][16][4], then scales and floors [n_cols / group][16]. */
typedef struct
{
  guint32 *codes;
  float *scales, *floors;
} Panel;

static Panel panel_at (const void *panel, guint group, gsize n_cols)
{
  guint32 *codes = (guint32 *)panel;
  float *scales = (float *)(codes + n_cols / 4 * ROWS);
  return (Panel){ codes, scales, scales + n_cols / group * ROWS };
}

gsize engine_avx512_panel_bytes (EngineType type, gsize n_cols)
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
      engine_avx512_unpack_block (type, blocks, codes, scales, floors);
      for (guint i = 0; i < n_elements / 4; i++)
        memcpy (panel->codes + (k / 4 + i) * ROWS + row, codes + 4 * i, 4);
      for (guint i = 0; i < n_groups; i++)
        {
          panel->scales[(k / group + i) * ROWS + row] = scales[i];
          panel->floors[(k / group + i) * ROWS + row] = floors[i];
        }
    }
}

void engine_avx512_unpack_panel (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                                 gsize n_cols, void *ret_panel)
{
  Panel panel = panel_at (ret_panel, engine_type_unpacking (type)->group, n_cols);
  if (n_rows < ROWS)
    memset (ret_panel, 0, engine_avx512_panel_bytes (type, n_cols));
  for (guint row = 0; row < n_rows; row++)
    unpack_row (type, rows + row * row_bytes, n_cols, row, &panel);
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* N tokens; GROUP is 16 or 32. Both are constants where this is inlined. */
static inline __attribute__ ((always_inline)) void multiply_n (const guint n, const guint group,
                                                               const Panel *panel, const Tile *tile,
                                                               gsize n_cols, float *y)
{
  const guint32 *weights = panel->codes, *codes = tile->codes;
  const float *sums_x = group == 32 ? tile->sums32 : tile->sums16;
  __m512 total[TOKENS];
#pragma GCC unroll 12
  for (guint t = 0; t < n; t++)
    total[t] = _mm512_setzero_ps ();
  for (gsize g = 0; g < n_cols / group; g++)
    {
      __m512i products[TOKENS];
#pragma GCC unroll 12
      for (guint t = 0; t < n; t++)
        products[t] = _mm512_setzero_si512 ();
#pragma GCC unroll 8
      for (guint i = 0; i < group / 4; i++, weights += ROWS, codes += n)
        {
          __m512i w = _mm512_loadu_si512 (weights);
#pragma GCC unroll 12
          for (guint t = 0; t < n; t++)
            products[t] = _mm512_dpbusd_epi32 (products[t], w, _mm512_set1_epi32 (codes[t]));
        }
      __m512 scale = _mm512_loadu_ps (panel->scales + g * ROWS);
      __m512 floor = _mm512_loadu_ps (panel->floors + g * ROWS);
      const float *scales_x = tile->scales + g * group / 32 * n;
#pragma GCC unroll 12
      for (guint t = 0; t < n; t++)
        {
          __m512 both = _mm512_mul_ps (scale, _mm512_set1_ps (scales_x[t]));
          total[t] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products[t]), both, total[t]);
          total[t] = _mm512_fnmadd_ps (floor, _mm512_set1_ps (sums_x[g * n + t]), total[t]);
        }
    }
#pragma GCC unroll 12
  for (guint t = 0; t < n; t++)
    _mm512_storeu_ps (y + t * ROWS, total[t]);
}

void engine_avx512_multiply (EngineType type, const void *panel_data, const void *tile_data,
                             guint n_tokens, gsize n_cols, float *y)
{
  guint group = engine_type_unpacking (type)->group;
  Panel panel = panel_at (panel_data, group, n_cols);
  Tile tile = tile_at (tile_data, n_cols, n_tokens);
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    if (group == 32)                                                                               \
      multiply_n (n, 32, &panel, &tile, n_cols, y);                                                \
    else                                                                                           \
      multiply_n (n, 16, &panel, &tile, n_cols, y);                                                \
    break
  switch (n_tokens)
    {
      CASE (1);
      CASE (2);
      CASE (3);
      CASE (4);
      CASE (5);
      CASE (6);
      CASE (7);
      CASE (8);
      CASE (9);
      CASE (10);
      CASE (11);
      CASE (12);
    }
#undef CASE
}

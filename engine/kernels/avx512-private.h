/* What the files avx512*.c share: rounded activations, and panels of weights.
 *
 * vpdpbusd multiplies unsigned with signed bytes. Rows against one token (avx512-dot.c) have their
 * codes u shifted up to be unsigned,
 *   w = scale · (u − offset) − min = scale · u − floor,   floor = min + offset · scale
 * and panels against many tokens (avx512-panel.c, avx512-matmul.c) keep them signed and shift the
 * activations. */
#pragma once

#include "engine/kernels/matmul-private.h"

/* Six tokens by two registers of rows need twelve integer and twelve float registers, which leaves
 * eight of 32. */
#define ENGINE_AVX512_TILE_TOKENS 6
#define ENGINE_AVX512_PANEL_ROWS 32
/* Two sums, a scale and a floor of each stay in registers. */
#define ENGINE_AVX512_DOT_TOKENS 4

gsize engine_avx512_tile_bytes (gsize n_cols, guint n_tokens);
void engine_avx512_round_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                               void *ret_tile);
gsize engine_avx512_panel_bytes (EngineType type, gsize n_cols);
void engine_avx512_unpack_panel (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                                 gsize n_cols, void *ret_panel);
void engine_avx512_multiply (EngineType type, const void *panel, const void *tile, guint n_tokens,
                             gsize n_cols, float *y);
gsize engine_avx512_row_bytes (gsize n_cols);
void engine_avx512_round_row (const float *x, gsize n_cols, void *ret_row);
void engine_avx512_dot_rows (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                             gsize n_cols, const void *x, gsize x_stride, guint n_tokens,
                             float *y);

/* One row of activations: codes [n_cols], then per 32 a scale and a sum = scale · Σ codes, and the
 * sums per 16. */
typedef struct
{
  gint8 *codes;
  float *scales, *sums32, *sums16;
} EngineAvx512Row;

static inline EngineAvx512Row engine_avx512_row_at (const void *row, gsize n_cols)
{
  gint8 *codes = (gint8 *)row;
  float *scales = (float *)(codes + n_cols), *sums32 = scales + n_cols / 32;
  return (EngineAvx512Row){ codes, scales, sums32, sums32 + n_cols / 32 };
}

/* Codes [n_cols / 4][32 rows][4], then per group of columns [32 rows]: scales, what integer sums
 * start from, and mins where the type has them. */
typedef struct
{
  guint32 *codes;
  float *scales;
  gint32 *starts;
  float *mins;
} EngineAvx512Panel;

static inline EngineAvx512Panel engine_avx512_panel_at (const void *panel, guint group,
                                                        gsize n_cols)
{
  gsize n_words = n_cols / group * ENGINE_AVX512_PANEL_ROWS;
  guint32 *codes = (guint32 *)panel;
  float *scales = (float *)(codes + n_cols / 4 * ENGINE_AVX512_PANEL_ROWS);
  gint32 *starts = (gint32 *)(scales + n_words);
  return (EngineAvx512Panel){ codes, scales, starts, (float *)(starts + n_words) };
}

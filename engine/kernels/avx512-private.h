/* What the files avx512*.c share: unsigned codes and rounded activations.
 *
 * vpdpbusd multiplies unsigned with signed bytes, so codes are shifted up to be unsigned:
 *   w = scale · (u − offset) − min = scale · u − floor,   floor = min + offset · scale
 * and every type is u, scale and floor per group of 16 or 32. */
#pragma once

#include "engine/kernels/matmul-private.h"

/* Twelve tokens need twelve integer and twelve float registers, which leaves eight. */
#define ENGINE_AVX512_TILE_TOKENS 12

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
                             gsize n_cols, const void *row, float *y);

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

/* One block of TYPE as unsigned codes, scales and floors. */
void engine_avx512_unpack_block (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                                 float *floors);

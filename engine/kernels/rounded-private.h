/* The plain layout of rounded activations, which portable-matmul.c and neon-matmul.c share: one
 * token has codes [n_cols], then scales [n_cols / 32] and sums = scale · Σ codes [n_cols / 16]; a
 * tile holds its tokens one after the other. The functions are portable-matmul.c's. */
#pragma once

#include "engine/kernels/matmul-private.h"

typedef struct
{
  gint8 *codes;
  float *scales, *sums;
} EngineRounded;

gsize engine_rounded_row_bytes (gsize n_cols);
void engine_rounded_row (const float *x, gsize n_cols, void *ret_row);
gsize engine_rounded_tile_bytes (gsize n_cols, guint n_tokens);
void engine_rounded_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                          void *ret_tile);

static inline EngineRounded engine_rounded_at (const void *tile, gsize n_cols, guint token)
{
  gint8 *codes = (gint8 *)tile + token * engine_rounded_row_bytes (n_cols);
  float *scales = (float *)(codes + n_cols);
  return (EngineRounded){ codes, scales, scales + n_cols / ENGINE_ROUND_BLOCK };
}

/* What the files avx2*.c share: codes in the form that vpmaddubsw takes, and rounded activations.
 *
 * vpmaddubsw multiplies unsigned with signed bytes and adds pairs in 16 bits, which saturates.
 * Codes of up to 6 bits are shifted up to be unsigned and several pairs can be added before 16 bits
 * overflow (RUN of four-code steps; 2 · 127 · largest code · RUN < 2¹⁵). Codes of 8 bits stay
 * signed (RUN 0): their sign is moved to the activation. As in avx512-private.h
 *   w = scale · u − floor. */
#pragma once

#include "engine/kernels/matmul-private.h"

/* Four tokens take four 16-bit, four 32-bit and four float registers of sixteen. */
#define ENGINE_AVX2_TILE_TOKENS 4
#define ENGINE_AVX2_PANEL_ROWS 16

/* Steps of four codes that may be added in 16 bits, and what is added to the signed codes. */
typedef struct
{
  guint run;
  guint8 offset;
} EngineAvx2Codes;

EngineAvx2Codes engine_avx2_codes (EngineType type);
/* One block of TYPE: codes (unsigned, or signed when run is 0), scales and floors. */
void engine_avx2_unpack_block (EngineType type, const guint8 *block, guint8 *codes, float *scales,
                               float *floors);

gsize engine_avx2_tile_bytes (gsize n_cols, guint n_tokens);
void engine_avx2_round_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                             void *ret_tile);
gsize engine_avx2_panel_bytes (EngineType type, gsize n_cols);
void engine_avx2_unpack_panel (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                               gsize n_cols, void *ret_panel);
void engine_avx2_multiply (EngineType type, const void *panel, const void *tile, guint n_tokens,
                           gsize n_cols, float *y);
gsize engine_avx2_row_bytes (gsize n_cols);
void engine_avx2_round_row (const float *x, gsize n_cols, void *ret_row);
/* What two tokens need stays in registers; with four, reading and spreading once still pays. */
#define ENGINE_AVX2_DOT_TOKENS 4
void engine_avx2_dot_rows (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                           gsize n_cols, const void *x, gsize x_stride, guint n_tokens, float *y);

/* One row of activations: codes [n_cols], then per 32 a scale and a sum = scale · Σ codes, and the
 * sums per 16. */
typedef struct
{
  gint8 *codes;
  float *scales, *sums32, *sums16;
} EngineAvx2Row;

static inline EngineAvx2Row engine_avx2_row_at (const void *row, gsize n_cols)
{
  gint8 *codes = (gint8 *)row;
  float *scales = (float *)(codes + n_cols), *sums32 = scales + n_cols / 32;
  return (EngineAvx2Row){ codes, scales, sums32, sums32 + n_cols / 32 };
}

/* What the files neon*.c share. Each is compiled once with and once without the dot product
 * instructions, so that every name that leaves a file says which of the two it is. */
#pragma once

#include "engine/kernels/rounded-private.h"

#include <arm_neon.h>

#ifdef __ARM_FEATURE_DOTPROD
#define ENGINE_NEON_NAME "neon-dotprod"
#define ENGINE_NEON(function) engine_neon_dotprod_##function
#else
#define ENGINE_NEON_NAME "neon"
#define ENGINE_NEON(function) engine_neon_##function
#endif

/* Four tokens by two registers of rows: eight sums of products and eight float totals of 32. */
#define ENGINE_NEON_TILE_TOKENS 4
#define ENGINE_NEON_PANEL_ROWS 8
#define ENGINE_NEON_DOT_TOKENS 4

/* Codes [n_cols / 4][8 rows][4], then scales and mins [n_cols / group][8]. */
static inline gsize engine_neon_panel_bytes (EngineType type, gsize n_cols)
{
  gsize n_groups = n_cols / engine_type_unpacking (type)->group;
  return (n_cols + 2 * n_groups * sizeof (float)) * ENGINE_NEON_PANEL_ROWS;
}

void ENGINE_NEON (unpack_panel) (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                                 gsize n_cols, void *ret_panel);
void ENGINE_NEON (multiply) (EngineType type, const void *panel, const void *tile, guint n_tokens,
                             gsize n_cols, float *y);
void ENGINE_NEON (dot_rows) (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                             gsize n_cols, const void *x, gsize x_stride, guint n_tokens, float *y);

/* portable-matmul: matrix products on quantised weights in plain C, the definition of the fast
 * ones.
 *
 * In go weights in the file's blocks and rows of float activations; out come rows of products.
 * The layouts are the plainest that work: tokens as in rounded-private.h, a panel holds the codes
 * of 16 rows interleaved, so that the inner loop runs over rows side by side and a
 * compiler can use whatever registers it has. See matmul-private.h for the formula. */
#include "engine/kernels/rounded-private.h"

#include <math.h>
#include <string.h>

#define ROWS 16
#define BLOCK ENGINE_ROUND_BLOCK
#define TILE_TOKENS 4

/* ---- Activations -------------------------------------------------------------------------------
 */

gsize engine_rounded_row_bytes (gsize n_cols)
{
  return n_cols + n_cols / BLOCK * 3 * sizeof (float);
}

/* code = round (x · 127 / max |x|), to nearest even: the scale of a block is its largest value over
 * 127. A block whose inverse scale would not be finite becomes zero; NaN and ∞ make it NaN. */
static void round_block (const float *x, gint8 *codes, float *ret_scale, float *ret_sums)
{
  float largest = 0;
  gboolean finite = TRUE;
  for (guint i = 0; i < BLOCK; i++)
    {
      finite = finite && fabsf (x[i]) <= G_MAXFLOAT;
      largest = fmaxf (largest, fabsf (x[i]));
    }
  float scale = largest / 127, inverse = 127 / largest;
  if (!finite || !(inverse <= G_MAXFLOAT))
    {
      memset (codes, 0, BLOCK);
      scale = finite ? 0 : NAN;
      *ret_scale = ret_sums[0] = ret_sums[1] = scale;
      return;
    }
  gint sums[2] = { 0, 0 };
  for (guint i = 0; i < BLOCK; i++)
    {
      codes[i] = (gint8)rintf (x[i] * inverse);
      sums[i / 16] += codes[i];
    }
  *ret_scale = scale;
  ret_sums[0] = scale * sums[0];
  ret_sums[1] = scale * sums[1];
}

void engine_rounded_row (const float *x, gsize n_cols, void *ret_row)
{
  EngineRounded row = engine_rounded_at (ret_row, n_cols, 0);
  for (gsize i = 0; i < n_cols; i += BLOCK)
    round_block (x + i, row.codes + i, row.scales + i / BLOCK, row.sums + i / 16);
}

gsize engine_rounded_tile_bytes (gsize n_cols, guint n_tokens)
{
  return n_tokens * engine_rounded_row_bytes (n_cols);
}

void engine_rounded_tile (const float *x, gsize x_stride, guint n_tokens, gsize n_cols,
                          void *ret_tile)
{
  for (guint t = 0; t < n_tokens; t++)
    engine_rounded_row (x + t * x_stride, n_cols,
                        (guint8 *)ret_tile + t * engine_rounded_row_bytes (n_cols));
}

/* ---- Weights -----------------------------------------------------------------------------------
 */

/* Codes [n_cols][16], then scales and mins [n_cols / group][16]. */
typedef struct
{
  gint8 *codes;
  float *scales, *mins;
} Panel;

static Panel panel_at (const void *panel, guint group, gsize n_cols)
{
  gint8 *codes = (gint8 *)panel;
  float *scales = (float *)(codes + n_cols * ROWS);
  return (Panel){ codes, scales, scales + n_cols / group * ROWS };
}

static gsize panel_bytes (EngineType type, gsize n_cols)
{
  guint group = engine_type_unpacking (type)->group;
  return n_cols * ROWS + 2 * (n_cols / group * ROWS * sizeof (float));
}

static void unpack_panel (EngineType type, const guint8 *rows, gsize bytes_per_row, guint n_rows,
                          gsize n_cols, void *ret_panel)
{
  const EngineTypeInfo *info = engine_type_info (type);
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  Panel panel = panel_at (ret_panel, unpacking->group, n_cols);
  memset (ret_panel, 0, n_rows < ROWS ? panel_bytes (type, n_cols) : 0);
  for (guint row = 0; row < n_rows; row++)
    for (gsize begin = 0; begin < n_cols; begin += info->block_elements)
      {
        gint8 codes[256];
        float scales[16], mins[16];
        const guint8 *block = rows + row * bytes_per_row;
        unpacking->block (block + begin / info->block_elements * info->block_bytes, codes, scales,
                          mins);
        for (guint i = 0; i < info->block_elements; i++)
          panel.codes[(begin + i) * ROWS + row] = codes[i];
        for (guint i = 0; i < info->block_elements / unpacking->group; i++)
          {
            gsize group = begin / unpacking->group + i;
            panel.scales[group * ROWS + row] = scales[i];
            panel.mins[group * ROWS + row] = mins[i];
          }
      }
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* y[16] += the products of one group of weights, whose first column is BEGIN. */
static void multiply_group (const Panel *panel, const EngineRounded *token, guint group, gsize begin,
                            float *y)
{
  gint32 products[ROWS] = { 0 };
  for (gsize k = begin; k < begin + group; k++)
    for (guint row = 0; row < ROWS; row++)
      products[row] += panel->codes[k * ROWS + row] * token->codes[k];
  const float *scales = panel->scales + begin / group * ROWS;
  const float *mins = panel->mins + begin / group * ROWS;
  float sum = token->sums[begin / 16] + (group == 32 ? token->sums[begin / 16 + 1] : 0);
  for (guint row = 0; row < ROWS; row++)
    y[row] += scales[row] * token->scales[begin / BLOCK] * products[row] - mins[row] * sum;
}

static void multiply (EngineType type, const void *panel_data, const void *tile, guint n_tokens,
                      gsize n_cols, float *y)
{
  guint group = engine_type_unpacking (type)->group;
  Panel panel = panel_at (panel_data, group, n_cols);
  memset (y, 0, n_tokens * ROWS * sizeof (float));
  for (guint t = 0; t < n_tokens; t++, y += ROWS)
    {
      EngineRounded token = engine_rounded_at (tile, n_cols, t);
      for (gsize begin = 0; begin < n_cols; begin += group)
        multiply_group (&panel, &token, group, begin, y);
    }
}

static void dot_rows (EngineType type, const guint8 *rows, gsize bytes_per_row, gsize n_rows,
                      gsize n_cols, const void *row_data, gsize x_stride, guint n_tokens,
                      float *y)
{
  const EngineTypeInfo *info = engine_type_info (type);
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  guint group = unpacking->group;
  EngineRounded x = engine_rounded_at (row_data, n_cols, 0);
  for (gsize row = 0; row < n_rows; row++, rows += bytes_per_row)
    {
      float sum = 0;
      const guint8 *block = rows;
      for (gsize begin = 0; begin < n_cols; begin += info->block_elements)
        {
          gint8 codes[256];
          float scales[16], mins[16];
          unpacking->block (block, codes, scales, mins);
          block += info->block_bytes;
          for (guint i = 0; i < info->block_elements; i += group)
            {
              gsize k = begin + i;
              gint32 product = 0;
              for (guint j = 0; j < group; j++)
                product += codes[i + j] * x.codes[k + j];
              float x_sum = x.sums[k / 16] + (group == 32 ? x.sums[k / 16 + 1] : 0);
              sum += scales[i / group] * x.scales[k / BLOCK] * product - mins[i / group] * x_sum;
            }
        }
      y[row] = sum;
    }
}

/* ---- Float -------------------------------------------------------------------------------------
 */

#define FLOAT_ROWS 8

static void float_multiply (const float *panel, gsize panel_stride, gsize n_k, const float *x,
                            gsize x_stride, guint n_tokens, gboolean accumulate, float *y,
                            gsize y_stride)
{
  for (guint t = 0; t < n_tokens; t++)
    {
      float sums[FLOAT_ROWS] = { 0 };
      for (gsize k = 0; k < n_k; k++)
        for (guint row = 0; row < FLOAT_ROWS; row++)
          sums[row] += x[t * x_stride + k] * panel[k * panel_stride + row];
      for (guint row = 0; row < FLOAT_ROWS; row++)
        y[t * y_stride + row] = sums[row] + (accumulate ? y[t * y_stride + row] : 0);
    }
}

static void widen (EngineType type, const guint16 *halves, gsize n, float *ret_values)
{
  engine_type_info (type)->dequantise (halves, n, ret_values);
}

static void narrow (const float *values, gsize n, guint16 *ret_halves)
{
  for (gsize i = 0; i < n; i++)
    ret_halves[i] = engine_f32_to_f16 (CLAMP (values[i], -65504, 65504));
}

const struct EngineMatmulKernels engine_matmul_portable = {
  .panel_rows = ROWS,
  .tile_tokens = TILE_TOKENS,
  .few_tokens = 2,
  .dot_tokens = 1,
  .tile_bytes = engine_rounded_tile_bytes,
  .round_tile = engine_rounded_tile,
  .panel_bytes = panel_bytes,
  .unpack_panel = unpack_panel,
  .multiply = multiply,
  .row_bytes = engine_rounded_row_bytes,
  .round_row = engine_rounded_row,
  .dot_rows = dot_rows,
  .float_rows = FLOAT_ROWS,
  .float_tokens = TILE_TOKENS,
  .float_multiply = float_multiply,
  .widen = widen,
  .narrow = narrow,
};

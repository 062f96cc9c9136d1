/* matmul: the matrix products of a model, whatever type its weights have.
 *
 * Nearly all the time of reading or writing a text goes by here. In go weights in the file's own
 * blocks and rows of float activations, out come rows of products. With few tokens the weights
 * stream through once as they are, for reading them from memory is what takes the time. With many,
 * panels of rows are unpacked once into the layout that the kernel wants, and multiplied with
 * tile after tile of activations, which were rounded to int8 before. Matrices that read the same
 * activations share the rounding and one run of the thread pool. */
#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <stdlib.h>
#include <string.h>

/* One matrix with its output. */
typedef struct
{
  const EngineMatrix *w;
  const float *bias;
  float *y;
  gsize y_stride;
} Output;

/* A product of one or more matrices with the same activations. */
typedef struct
{
  EnginePool *pool;
  const struct EngineMatmulKernels *kernels;
  const Output *outputs;
  gsize n_outputs;
  const float *x;
  gsize x_stride, n_tokens, n_cols;
  gsize item_rows; /* rows of W in one item of work */
  guint tile_tokens;
  guint8 *rounded;      /* tiles, or rows when there are few tokens */
  gsize rounded_stride; /* bytes from one to the next */
} Product;

/* Work is counted in items of a few rows, over all matrices one after the other. */
static gsize count_output_items (const Product *product, const Output *output)
{
  return (output->w->n_rows + product->item_rows - 1) / product->item_rows;
}

/* The matrix of ITEM, with its first row and number of rows. */
static const Output *find_item (const Product *product, gsize item, gsize *ret_row,
                                guint *ret_n_rows)
{
  const Output *output = product->outputs;
  for (; item >= count_output_items (product, output); output++)
    item -= count_output_items (product, output);
  *ret_row = item * product->item_rows;
  *ret_n_rows = MIN (product->item_rows, output->w->n_rows - *ret_row);
  return output;
}

static gsize count_items (const Product *product)
{
  gsize n = 0;
  for (gsize i = 0; i < product->n_outputs; i++)
    n += count_output_items (product, product->outputs + i);
  return n;
}

/* Rows [row, row + n) of the output for one token, from Y, with the bias. */
static void write_rows (const Output *output, gsize token, gsize row, gsize n, const float *y)
{
  float *to = output->y + token * output->y_stride + row;
  if (output->bias == NULL)
    memcpy (to, y, n * sizeof (float));
  else
    for (gsize i = 0; i < n; i++)
      to[i] = y[i] + output->bias[row + i];
}

/* ---- Many tokens -------------------------------------------------------------------------------
 */

static void round_tiles (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Product *product = user_data;
  for (gsize tile = begin; tile < end; tile++)
    {
      gsize first = tile * product->tile_tokens;
      guint n_tokens = MIN (product->tile_tokens, product->n_tokens - first);
      product->kernels->round_tile (product->x + first * product->x_stride, product->x_stride,
                                    n_tokens, product->n_cols,
                                    product->rounded + tile * product->rounded_stride);
    }
}

static void multiply_panel (const Product *product, const Output *output, gsize row, guint n_rows,
                            void *panel)
{
  const struct EngineMatmulKernels *kernels = product->kernels;
  const EngineMatrix *w = output->w;
  kernels->unpack_panel (w->type, w->data + row * w->row_bytes, w->row_bytes, n_rows, w->n_cols,
                         panel);
  const guint8 *tile = product->rounded;
  for (gsize first = 0; first < product->n_tokens; first += product->tile_tokens)
    {
      _Alignas(ENGINE_ALIGNMENT) float y[16 * ENGINE_MAX_PANEL_ROWS];
      guint n_tokens = MIN (product->tile_tokens, product->n_tokens - first);
      kernels->multiply (w->type, panel, tile, n_tokens, w->n_cols, y);
      for (guint t = 0; t < n_tokens; t++)
        write_rows (output, first + t, row, n_rows, y + t * kernels->panel_rows);
      tile += product->rounded_stride;
    }
}

static void multiply_panels (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Product *product = user_data;
  for (gsize item = begin; item < end; item++)
    {
      gsize row;
      guint n_rows;
      const Output *output = find_item (product, item, &row, &n_rows);
      gsize bytes = product->kernels->panel_bytes (output->w->type, product->n_cols);
      multiply_panel (product, output, row, n_rows,
                      engine_pool_scratch (product->pool, thread, bytes));
    }
}

/* Seven tokens are four and three, not six and one: a kernel is at its best with many. */
static void multiply_many (Product *product)
{
  const struct EngineMatmulKernels *kernels = product->kernels;
  gsize n_tiles = (product->n_tokens + kernels->tile_tokens - 1) / kernels->tile_tokens;
  product->tile_tokens = (product->n_tokens + n_tiles - 1) / n_tiles;
  n_tiles = (product->n_tokens + product->tile_tokens - 1) / product->tile_tokens;
  product->item_rows = kernels->panel_rows;
  product->rounded_stride
      = (kernels->tile_bytes (product->n_cols, product->tile_tokens) + ENGINE_ALIGNMENT - 1)
        / ENGINE_ALIGNMENT * ENGINE_ALIGNMENT;
  product->rounded = engine_pool_shared (product->pool, n_tiles * product->rounded_stride);
  engine_pool_run (product->pool, n_tiles, 1, round_tiles, product);
  engine_pool_run (product->pool, count_items (product), 1, multiply_panels, product);
}

/* ---- Few tokens --------------------------------------------------------------------------------
 */

/* As write_rows, from Y with the values of N_TOKENS side by side. */
static void write_dots (const Output *output, gsize token, gsize row, gsize n, const float *y,
                        gsize n_tokens)
{
  float rows[ENGINE_DOT_ROWS];
  for (gsize i = 0; i < n; i++)
    rows[i] = y[i * n_tokens];
  write_rows (output, token, row, n, rows);
}

static void dot_items (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Product *product = user_data;
  for (gsize item = begin; item < end; item++)
    {
      gsize row;
      guint n_rows;
      const Output *output = find_item (product, item, &row, &n_rows);
      const EngineMatrix *w = output->w;
      gsize stride = product->rounded_stride;
      for (gsize first = 0, n; first < product->n_tokens; first += n)
        {
          float y[ENGINE_DOT_ROWS * ENGINE_MAX_DOT_TOKENS];
          n = MIN (product->kernels->dot_tokens, product->n_tokens - first);
          product->kernels->dot_rows (w->type, w->data + row * w->row_bytes, w->row_bytes, n_rows,
                                      w->n_cols, product->rounded + first * stride, stride, n, y);
          for (gsize t = 0; t < n; t++)
            write_dots (output, first + t, row, n_rows, y + t, n);
        }
    }
}

/* Long runs of weights keep memory busy, short ones the threads: what the last to finish does alone
 * is at most a sixteenth of its share. */
#define CHUNKS_PER_THREAD 16

/* Rounding a few rows takes less time than waking the others for it. */
static void multiply_few (Product *product)
{
  const struct EngineMatmulKernels *kernels = product->kernels;
  product->item_rows = ENGINE_DOT_ROWS;
  product->rounded_stride = (kernels->row_bytes (product->n_cols) + ENGINE_ALIGNMENT - 1)
                            / ENGINE_ALIGNMENT * ENGINE_ALIGNMENT;
  product->rounded
      = engine_pool_shared (product->pool, product->n_tokens * product->rounded_stride);
  for (gsize t = 0; t < product->n_tokens; t++)
    kernels->round_row (product->x + t * product->x_stride, product->n_cols,
                        product->rounded + t * product->rounded_stride);
  gsize n_items = count_items (product);
  gsize chunk = MAX (n_items / (CHUNKS_PER_THREAD * engine_pool_n_threads (product->pool)), 2);
  engine_pool_run (product->pool, n_items, chunk, dot_items, product);
}

/* ---- Float -------------------------------------------------------------------------------------
 */

/* Columns that are dequantised and multiplied at a time: a multiple of all block sizes; 32 rows of
 * them fill a quarter of a megabyte. */
#define FLOAT_COLUMNS 2048

typedef struct
{
  Product product;
  gsize panel_rows; /* float_rows of the kernels */
} FloatProduct;

/* Columns [begin, begin + n) of one row as floats. */
static void dequantise_part (const struct EngineMatmulKernels *kernels, const EngineMatrix *w,
                             gsize row, gsize begin, gsize n, float *ret_values)
{
  const EngineTypeInfo *info = engine_type_info (w->type);
  const guint8 *data
      = w->data + row * w->row_bytes + begin / info->block_elements * info->block_bytes;
  if (w->type == ENGINE_TYPE_F16 || w->type == ENGINE_TYPE_BF16)
    kernels->widen (w->type, (const guint16 *)data, n, ret_values);
  else
    info->dequantise (data, n, ret_values);
}

/* Columns [begin, begin + n) of rows [row, row + n_rows) as panel [n][panel_rows]. */
static void fill_float_panel (const FloatProduct *product, const EngineMatrix *w, gsize row,
                              gsize n_rows, gsize begin, gsize n, float *values, float *panel)
{
  gsize panel_rows = product->panel_rows;
  if (n_rows < panel_rows)
    memset (panel, 0, n * panel_rows * sizeof (float));
  for (gsize i = 0; i < n_rows; i++)
    {
      dequantise_part (product->product.kernels, w, row + i, begin, n, values);
      for (gsize k = 0; k < n; k++)
        panel[k * panel_rows + i] = values[k];
    }
}

static void float_multiply_panel (const FloatProduct *float_product, gsize row, float *scratch)
{
  const Product *product = &float_product->product;
  const struct EngineMatmulKernels *kernels = product->kernels;
  const Output *output = product->outputs;
  gsize panel_rows = float_product->panel_rows;
  gsize n_rows = MIN (panel_rows, output->w->n_rows - row);
  float *values = scratch, *panel = values + FLOAT_COLUMNS;
  float *sums = panel + FLOAT_COLUMNS * panel_rows; /* [n_tokens][panel_rows] */
  for (gsize begin = 0; begin < product->n_cols; begin += FLOAT_COLUMNS)
    {
      gsize n = MIN (FLOAT_COLUMNS, product->n_cols - begin);
      fill_float_panel (float_product, output->w, row, n_rows, begin, n, values, panel);
      for (gsize t = 0; t < product->n_tokens; t += kernels->float_tokens)
        kernels->float_multiply (panel, panel_rows, n, product->x + t * product->x_stride + begin,
                                 product->x_stride,
                                 MIN (kernels->float_tokens, product->n_tokens - t), begin > 0,
                                 sums + t * panel_rows, panel_rows);
    }
  for (gsize t = 0; t < product->n_tokens; t++)
    write_rows (output, t, row, n_rows, sums + t * panel_rows);
}

static void float_multiply_panels (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const FloatProduct *product = user_data;
  gsize n_floats
      = FLOAT_COLUMNS * (1 + product->panel_rows) + product->product.n_tokens * product->panel_rows;
  float *scratch = engine_pool_scratch (product->product.pool, thread, n_floats * sizeof (float));
  for (gsize item = begin; item < end; item++)
    float_multiply_panel (product, item * product->panel_rows, scratch);
}

/* Few tokens: each row is widened in parts that stay in the first cache. */
#define DOT_COLUMNS 1024
#define MAX_FEW_TOKENS 16

static void float_dot_rows (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Product *product = user_data;
  const EngineMatrix *w = product->outputs->w;
  const EngineKernels *kernels = engine_kernels ();
  float values[DOT_COLUMNS];
  for (gsize row = begin; row < end; row++)
    {
      float sums[MAX_FEW_TOKENS] = { 0 };
      for (gsize k = 0; k < product->n_cols; k += DOT_COLUMNS)
        {
          gsize n = MIN (DOT_COLUMNS, product->n_cols - k);
          dequantise_part (product->kernels, w, row, k, n, values);
          for (gsize t = 0; t < product->n_tokens; t++)
            sums[t] += kernels->dot (values, product->x + t * product->x_stride + k, n);
        }
      for (gsize t = 0; t < product->n_tokens; t++)
        write_rows (product->outputs, t, row, 1, &sums[t]);
    }
}

static void float_product (const Product *product, const Output *output)
{
  Product single = *product;
  single.outputs = output;
  single.n_outputs = 1;
  if (product->n_tokens <= product->kernels->few_tokens)
    {
      engine_pool_run (product->pool, output->w->n_rows, ENGINE_DOT_ROWS, float_dot_rows, &single);
      return;
    }
  FloatProduct work = { single, product->kernels->float_rows };
  gsize n_panels = (output->w->n_rows + work.panel_rows - 1) / work.panel_rows;
  engine_pool_run (product->pool, n_panels, 1, float_multiply_panels, &work);
}

/* ---- Entry points ------------------------------------------------------------------------------
 */

void engine_matmul_exact (EnginePool *pool, const EngineMatrix *w, const float *bias,
                          const float *x, gsize x_stride, gsize n_tokens, float *y, gsize y_stride)
{
  Product product = { .pool = pool,
                      .kernels = engine_kernels ()->matmul,
                      .x = x,
                      .x_stride = x_stride,
                      .n_tokens = n_tokens,
                      .n_cols = w->n_cols };
  Output output = { w, bias, y, y_stride };
  float_product (&product, &output);
}

static gboolean want_exact (void)
{
  static gsize once;
  static gboolean exact;
  if (g_once_init_enter (&once))
    {
      exact = g_strcmp0 (g_getenv ("DOCENT_EXACT"), "1") == 0;
      g_once_init_leave (&once, 1);
    }
  return exact;
}

static gboolean is_quantised (const EngineMatrix *w)
{
  return engine_type_unpacking (w->type) != NULL && !want_exact ();
}

/* Matrices of a product at a time: q, k, v or gate and up. */
#define MAX_OUTPUTS 8

void engine_matmul_many (EnginePool *pool, gsize n_matrices, const EngineMatrix *const *w,
                         const float *const *bias, const float *x, gsize x_stride, gsize n_tokens,
                         float *const *y, const gsize *y_stride)
{
  Output outputs[MAX_OUTPUTS];
  Product product = { .pool = pool,
                      .kernels = engine_kernels ()->matmul,
                      .outputs = outputs,
                      .x = x,
                      .x_stride = x_stride,
                      .n_tokens = n_tokens };
  for (gsize i = 0; i < n_matrices; i++)
    {
      Output output = { w[i], bias != NULL ? bias[i] : NULL, y[i], y_stride[i] };
      product.n_cols = w[i]->n_cols;
      if (is_quantised (w[i]))
        outputs[product.n_outputs++] = output;
      else
        float_product (&product, &output);
      if (product.n_outputs == MAX_OUTPUTS || (i + 1 == n_matrices && product.n_outputs > 0))
        {
          if (n_tokens <= product.kernels->few_tokens)
            multiply_few (&product);
          else
            multiply_many (&product);
          product.n_outputs = 0;
        }
    }
}

void engine_matmul (EnginePool *pool, const EngineMatrix *w, const float *bias, const float *x,
                    gsize x_stride, gsize n_tokens, float *y, gsize y_stride)
{
  engine_matmul_many (pool, 1, &w, &bias, x, x_stride, n_tokens, &y, &y_stride);
}

guint engine_matmul_few_tokens (void)
{
  return engine_kernels ()->matmul->few_tokens;
}

void engine_matrix_row (const EngineMatrix *w, gsize row, float *y)
{
  engine_type_info (w->type)->dequantise (w->data + row * w->row_bytes, w->n_cols, y);
}

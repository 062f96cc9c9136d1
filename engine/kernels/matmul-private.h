/* matmul kernels: what an instruction set provides to ../matmul.c and ../attention.c.
 *
 * Every quantised type is w = scale · code − min, one scale (and min) per group of 16 or 32 codes.
 * Activations are rounded to int8 with one scale per 32: x = scale · code. A product is then
 *   y = Σ_groups scale_w · scale_x · (Σ code_w · code_x) − min_w · (scale_x · Σ code_x)
 * and only the inner sums touch single weights, in integers. The layouts of panels, tiles and
 * rounded rows belong to the instruction set: matmul.c only allocates and passes them on. */
#pragma once

#include "engine/kernels/kernels-private.h"

G_BEGIN_DECLS

/* How one block of a quantised type becomes codes, scales and mins. ../quant.c */
typedef struct
{
  guint group;      /* elements that share a scale: 16 or 32 */
  gboolean has_min; /* otherwise all mins are 0 */
  void (*block) (const guint8 *block, gint8 *codes, float *scales, float *mins);
} EngineUnpacking;

/* NULL for F32, F16 and BF16, which have no codes. */
const EngineUnpacking *engine_type_unpacking (guint type);

#ifdef ENGINE_HAVE_X86
/* What the unpacking of TYPE gives, the same bits, faster: for AVX2 and AVX-512. avx2-unpack.c */
void engine_avx2_unpack_codes (EngineType type, const guint8 *block, gint8 *codes, float *scales,
                               float *mins);
/* Adds OFFSET to N codes, a multiple of 32. */
void engine_avx2_shift_codes (guint8 *codes, guint n, guint8 offset);
#endif

extern const gint8 engine_iq4_values[16], engine_mxfp4_values[16];

/* Activations: codes of 32 share a scale. */
#define ENGINE_ROUND_BLOCK 32
/* Rows of one item of work when there are few tokens, and the most tokens that share them. */
#define ENGINE_DOT_ROWS 16
#define ENGINE_MAX_DOT_TOKENS 4
/* Most rows of a panel, whatever the instruction set. */
#define ENGINE_MAX_PANEL_ROWS 32
/* Alignment of all scratch memory: a cache line and the widest register. */
#define ENGINE_ALIGNMENT 64

struct EngineMatmulKernels
{
  guint panel_rows;  /* rows that are unpacked together, at most ENGINE_MAX_PANEL_ROWS */
  guint tile_tokens; /* most tokens of a tile, at most 16 */
  guint few_tokens;  /* up to this many, dot_rows is faster than unpacking panels */

  /* Activations of N_TOKENS ≤ tile_tokens rounded to int8; n_cols is a multiple of 32. */
  gsize (*tile_bytes) (gsize n_cols, guint n_tokens);
  void (*round_tile) (const float *x, gsize x_stride, guint n_tokens, gsize n_cols, void *ret_tile);
  /* Weights of N_ROWS ≤ panel_rows rows in the kernel's order; missing rows become zeros. */
  gsize (*panel_bytes) (EngineType type, gsize n_cols);
  void (*unpack_panel) (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                        gsize n_cols, void *ret_panel);
  /* y[n_tokens, panel_rows] = tile · panelᵀ */
  void (*multiply) (EngineType type, const void *panel, const void *tile, guint n_tokens,
                    gsize n_cols, float *y);

  /* Few tokens: rows of activations X_STRIDE bytes apart, and N_ROWS rows of the file's blocks
   * against N_TOKENS ≤ dot_tokens of them; y[n_rows, n_tokens], each as if it were alone. */
  guint dot_tokens;
  gsize (*row_bytes) (gsize n_cols);
  void (*round_row) (const float *x, gsize n_cols, void *ret_row);
  void (*dot_rows) (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                    gsize n_cols, const void *x, gsize x_stride, guint n_tokens, float *y);

  /* Float products: y[n_tokens, float_rows] (+)= Σ_k x[token, k] · panel[k, row], where panel has
   * PANEL_STRIDE floats from one k to the next, and N_TOKENS ≤ float_tokens. */
  guint float_rows, float_tokens;
  void (*float_multiply) (const float *panel, gsize panel_stride, gsize n_k, const float *x,
                          gsize x_stride, guint n_tokens, gboolean accumulate, float *y,
                          gsize y_stride);
  /* F16 or BF16 to float, and float to F16 (to nearest even, kept finite). */
  void (*widen) (EngineType type, const guint16 *halves, gsize n, float *ret_values);
  void (*narrow) (const float *values, gsize n, guint16 *ret_halves);
};

struct EngineAttentionKernels
{
  /* max over scores; -∞ when n is 0 */
  float (*max) (const float *scores, gsize n);
  /* scores = exp (scores − max); returns their sum */
  float (*exp_sum) (float *scores, gsize n, float max);
  /* scores = cap · tanh (scores / cap) */
  void (*softcap) (float *scores, gsize n, float cap);
};

/* The tables; those of absent instruction sets are not compiled. */
extern const EngineKernels engine_kernels_portable;
#ifdef ENGINE_HAVE_X86
extern const EngineKernels engine_kernels_avx2;
extern const EngineKernels engine_kernels_avx512;
#endif
#ifdef ENGINE_HAVE_NEON
extern const EngineKernels engine_neon_kernels;
extern const EngineKernels engine_neon_dotprod_kernels;
#endif
extern const struct EngineMatmulKernels engine_matmul_portable;

/* The table called NAME, or NULL when this processor or this build cannot run it. ../cpu.c */
const EngineKernels *engine_kernels_by_name (const char *name);

/* ---- ../threads.c ------------------------------------------------------------------------------
 */

/* Memory of thread THREAD, at least N_BYTES, aligned and kept between runs: only that thread may
 * ask, and asking again invalidates it. */
gpointer engine_pool_scratch (EnginePool *pool, guint thread, gsize n_bytes);
/* The same for what the caller of engine_pool_run prepares and all threads read. */
gpointer engine_pool_shared (EnginePool *pool, gsize n_bytes);

G_END_DECLS

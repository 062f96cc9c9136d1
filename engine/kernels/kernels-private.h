/* kernels: the arithmetic under the engine, one table of function pointers per instruction set.
 *
 * The graph code (decoder.c, encoder.c) never sees a quantised block: it holds EngineMatrix views
 * of the mapped file and calls engine_matmul. Read in this order: Types, Pool, Matrix products,
 * Vector operations, Attention, Table. Every kernel's portable twin defines it. */
#pragma once

#include <glib.h>

#include "engine/engine.h"

/* ---- Types: ../quant.c -------------------------------------------------------------------------
 */

/* Numbers as in GGUF files. */
typedef enum
{
  ENGINE_TYPE_F32 = 0,
  ENGINE_TYPE_F16 = 1,
  ENGINE_TYPE_Q4_0 = 2,
  ENGINE_TYPE_Q4_1 = 3,
  ENGINE_TYPE_Q5_0 = 6,
  ENGINE_TYPE_Q5_1 = 7,
  ENGINE_TYPE_Q8_0 = 8,
  ENGINE_TYPE_Q2_K = 10,
  ENGINE_TYPE_Q3_K = 11,
  ENGINE_TYPE_Q4_K = 12,
  ENGINE_TYPE_Q5_K = 13,
  ENGINE_TYPE_Q6_K = 14,
  ENGINE_TYPE_IQ4_NL = 20,
  ENGINE_TYPE_IQ4_XS = 23,
  ENGINE_TYPE_BF16 = 30,
  ENGINE_TYPE_MXFP4 = 39,
} EngineType;

typedef struct
{
  EngineType type;
  const char *name;
  guint block_elements;
  guint block_bytes;
  /* Exact: the definition of the type. n_elements is a multiple of block_elements. */
  void (*dequantise) (const void *blocks, gsize n_elements, float *ret_values);
} EngineTypeInfo;

/* NULL for a number we cannot decode. */
const EngineTypeInfo *engine_type_info (guint type);
/* Rounds VALUES into blocks: ../quant-encode.c. FALSE when they are not whole blocks of TYPE. */
gboolean engine_quantise (EngineType type, const float *values, gsize n_elements, void *ret_blocks);

float engine_f16_to_f32 (guint16 half);
guint16 engine_f32_to_f16 (float value); /* round to nearest even */

/* ---- Pool: ../threads.c ------------------------------------------------------------------------
 */

typedef struct _EnginePool EnginePool;
/* Work for one thread: [begin, end) of the ITEMS handed to engine_pool_run. */
typedef void (*EngineWork) (gsize begin, gsize end, guint thread, gpointer user_data);

/* The calling thread is thread 0; n_threads - 1 others wait, spinning briefly, then asleep. */
EnginePool *engine_pool_new (guint n_threads);
void engine_pool_free (EnginePool *pool);
guint engine_pool_n_threads (const EnginePool *pool);
/* Splits N_ITEMS in steps of CHUNK among the threads, first come first served, and returns when
 * all is done. */
void engine_pool_run (EnginePool *pool, gsize n_items, gsize chunk, EngineWork work,
                      gpointer user_data);

/* ---- Matrix products: ../matmul.c --------------------------------------------------------------
 */

/* A weight matrix W[n_rows, n_cols] in the file's own blocks, row after row. */
typedef struct
{
  EngineType type;
  gsize n_rows, n_cols;
  gsize row_bytes;
  const guint8 *data;
} EngineMatrix;

/* y[n_tokens, n_rows] = x[n_tokens, n_cols] · Wᵀ (+ bias[n_rows] when not NULL). Strides in
 * floats. Few tokens: dot products on the file's blocks (bound by memory). Many: panels of rows
 * are unpacked once to bytes in a layout that the kernel wants and used for all tokens (bound by
 * arithmetic). Activations are rounded to int8 per block of 32 for quantised types; F32, F16 and
 * BF16 weights are computed in float. */
void engine_matmul (EnginePool *pool, const EngineMatrix *w, const float *bias, const float *x,
                    gsize x_stride, gsize n_tokens, float *y, gsize y_stride);
/* The same, exactly: weights dequantised, float throughout. The twin that tests compare with;
 * engine_matmul behaves like this everywhere when DOCENT_EXACT=1 is set. */
void engine_matmul_exact (EnginePool *pool, const EngineMatrix *w, const float *bias,
                          const float *x, gsize x_stride, gsize n_tokens, float *y, gsize y_stride);
/* Several matrices that read the same x (q, k, v; gate and up): x is rounded once. Same shapes as
 * engine_matmul; y and strides per matrix. */
void engine_matmul_many (EnginePool *pool, gsize n_matrices, const EngineMatrix *const *w,
                         const float *const *bias, const float *x, gsize x_stride, gsize n_tokens,
                         float *const *y, const gsize *y_stride);
/* Of so many tokens each has the same product, to the bit, as if it were alone. */
guint engine_matmul_few_tokens (void);
/* y = dequantised row ROW. */
void engine_matrix_row (const EngineMatrix *w, gsize row, float *y);

/* ---- Vector operations (threaded over tokens by the caller) ------------------------------------
 */

/* The table of one instruction set. n is in floats; pointers need no alignment. */
typedef struct
{
  const char *name;
  /* y = x / sqrt (mean (x²) + eps) · weight (weight may be NULL: 1). y may be x. */
  void (*rms_norm) (const float *x, const float *weight, gsize n, float eps, float *y);
  /* y = (x − mean) / sqrt (var + eps) · weight + bias (either may be NULL). y may be x. */
  void (*layer_norm) (const float *x, const float *weight, const float *bias, gsize n, float eps,
                      float *y);
  void (*add) (const float *a, const float *b, gsize n, float *y);
  void (*scale) (float *x, gsize n, float factor);
  /* y = act (gate) · up, in place allowed; up NULL: y = act (gate). */
  void (*silu_mul) (const float *gate, const float *up, gsize n, float *y);
  void (*gelu_erf_mul) (const float *gate, const float *up, gsize n, float *y);
  void (*gelu_tanh_mul) (const float *gate, const float *up, gsize n, float *y);
  void (*softmax) (float *x, gsize n); /* in place, the maximum subtracted first */
  float (*dot) (const float *a, const float *b, gsize n);
  void (*axpy) (float alpha, const float *x, gsize n, float *y); /* y += alpha · x */
  /* Kernels below are private to matmul.c and attention.c; they extend this table. */
  const struct EngineMatmulKernels *matmul;
  const struct EngineAttentionKernels *attention;
} EngineKernels;

/* Chosen once, at first use, from what the processor and DOCENT_ISA say. */
const EngineKernels *engine_kernels (void);
/* UNSUPPORTED when DOCENT_ISA names kernels that are not there; engine_kernels takes the best then. */
gboolean engine_kernels_check (GError **error);

/* ---- Attention: ../attention.c, with ../kv-cache.c ---------------------------------------------
 */

typedef struct
{
  guint n_head, n_head_kv, head_dim; /* keys and values have the same width */
  float scale;                       /* on q·k */
  float softcap;                     /* 0: none; otherwise c·tanh (s / c) before the mask */
  guint window; /* 0: all; causal: 0 ≤ i − j < window; else |i − j| ≤ window */
  gboolean causal;
} EngineAttention;

/* Keys and values of one layer: n_ctx positions (or a ring of window + batch, when windowed). */
typedef struct _EngineKvLayer EngineKvLayer;
EngineKvLayer *engine_kv_layer_new (EngineKvType type, guint n_head_kv, guint head_dim, guint n_ctx,
                                    guint window, guint batch);
void engine_kv_layer_free (EngineKvLayer *layer);
gsize engine_kv_layer_bytes (EngineKvType type, guint n_head_kv, guint head_dim, guint n_ctx,
                             guint window, guint batch);
/* Stores k, v [n_tokens, n_head_kv · head_dim] at positions POS and following. */
void engine_kv_layer_put (EngineKvLayer *layer, gsize pos, gsize n_tokens, const float *k,
                          const float *v);

/* Copies the first N_POSITIONS, in whole blocks, to BYTES or from there; returns how many bytes they
 * take. BYTES NULL: only counts. A windowed layer must not have gone around yet. */
gsize engine_kv_layer_copy (EngineKvLayer *layer, gsize n_positions, guint8 *bytes,
                            gboolean to_bytes);

/* out[n_tokens, n_head · head_dim] = softmax (q·kᵀ · scale) · v over the cache; the queries stand
 * at positions POS and following, whose keys are already in LAYER. Online softmax over blocks of
 * keys: no score matrix. */
void engine_attention (EnginePool *pool, const EngineAttention *attention,
                       const EngineKvLayer *layer, const float *q, gsize pos, gsize n_tokens,
                       float *out);
/* Encoder: many sequences of lengths[i] tokens, packed one after the other; not cached.
 * q, k, v, out: [Σ lengths, n_head(_kv) · head_dim] with the given row strides in floats. */
void engine_attention_packed (EnginePool *pool, const EngineAttention *attention,
                              const guint *lengths, gsize n_sequences, const float *q,
                              const float *k, const float *v, gsize qkv_stride, float *out,
                              gsize out_stride);

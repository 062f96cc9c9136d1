/* KV cache layout, shared by ../kv-cache.c (writes and widens) and ../attention.c (reads). */
#pragma once

#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

G_BEGIN_DECLS

/* Positions whose keys stand interleaved: a multiple of every kernel's float_rows. */
#define ENGINE_KV_BLOCK 32

struct _EngineKvLayer
{
  EngineKvType type;
  guint n_head_kv, head_dim;
  gsize n_slots;                    /* multiple of 32; position p lives in slot p % n_slots */
  gsize n_groups;                   /* scales per head and position, Q8_0 only */
  void *keys;                       /* [n_head_kv][n_slots / 32][head_dim][32] */
  void *values;                     /* [n_head_kv][n_slots][head_dim] */
  float *key_scales, *value_scales; /* [n_head_kv][n_slots / 32][n_groups][32]; [..][n_groups] */
};

/* The block of 32 positions that starts at POS (a multiple of 32) as floats:
 * keys [head_dim][32]; values [32] rows of head_dim, STRIDE floats apart. */
void engine_kv_read_keys (const EngineKvLayer *layer, guint head, gsize pos, float *ret_keys);
void engine_kv_read_values (const EngineKvLayer *layer, guint head, gsize pos, float *ret_values,
                            gsize stride);

G_END_DECLS

/* kv-cache: the keys and values of what a model has read, in the order in which attention reads
 * them.
 *
 * Each new token compares its query with every key before it, so the cache is read far more often
 * than written. Keys of 32 positions stand interleaved (for each dimension, 32 keys side by side):
 * a register then holds one dimension of many keys, and scores come out side by side without a
 * horizontal sum. Values stay row after row, for there the dimensions stand side by side. Q8_0
 * keeps one float scale per position and head for 32 dimensions. A windowed layer is a ring:
 * positions that no query can see any more are overwritten. */
#include "engine/kernels/kv-private.h"

#include <math.h>
#include <string.h>

#define BLOCK ENGINE_KV_BLOCK

static gsize element_bytes (EngineKvType type)
{
  return type == ENGINE_KV_F32 ? 4 : type == ENGINE_KV_F16 ? 2 : 1;
}

/* Groups of dimensions that share a scale. */
static gsize n_groups (guint head_dim)
{
  return (head_dim + 31) / 32;
}

static gsize n_slots (guint n_ctx, guint window, guint batch)
{
  gsize n = n_ctx;
  /* The window and the batch may begin and end inside a block each. */
  if (window > 0)
    n = MIN (n, (gsize)window + batch + 2 * BLOCK);
  return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* Bytes of all keys (or values) of a layer and of their scales; G_MAXSIZE when it overflows. */
static gsize plane_bytes (gsize slots, guint n_head_kv, guint head_dim, gsize bytes_per_element)
{
  gsize n;
  if (!g_size_checked_mul (&n, slots, n_head_kv) || !g_size_checked_mul (&n, n, head_dim)
      || !g_size_checked_mul (&n, n, bytes_per_element))
    return G_MAXSIZE;
  return n;
}

gsize engine_kv_layer_bytes (EngineKvType type, guint n_head_kv, guint head_dim, guint n_ctx,
                             guint window, guint batch)
{
  gsize slots = n_slots (n_ctx, window, batch), bytes, scales = 0;
  bytes = plane_bytes (slots, n_head_kv, head_dim, element_bytes (type));
  if (type == ENGINE_KV_Q8_0)
    scales = plane_bytes (slots, n_head_kv, n_groups (head_dim), sizeof (float));
  if (!g_size_checked_add (&bytes, bytes, scales) || !g_size_checked_mul (&bytes, bytes, 2))
    return G_MAXSIZE;
  return bytes;
}

EngineKvLayer *engine_kv_layer_new (EngineKvType type, guint n_head_kv, guint head_dim, guint n_ctx,
                                    guint window, guint batch)
{
  EngineKvLayer *layer = g_new0 (EngineKvLayer, 1);
  layer->type = type;
  layer->n_head_kv = n_head_kv;
  layer->head_dim = head_dim;
  layer->n_slots = n_slots (n_ctx, window, batch);
  layer->n_groups = n_groups (head_dim);
  gsize bytes = plane_bytes (layer->n_slots, n_head_kv, head_dim, element_bytes (type));
  /* Zeroed: masked positions of a block are multiplied by 0, which must not meet a NaN. */
  layer->keys = g_try_malloc0 (bytes);
  layer->values = g_try_malloc0 (bytes);
  gboolean complete = layer->keys != NULL && layer->values != NULL;
  if (complete && type == ENGINE_KV_Q8_0)
    {
      bytes = plane_bytes (layer->n_slots, n_head_kv, layer->n_groups, sizeof (float));
      layer->key_scales = g_try_malloc0 (bytes);
      layer->value_scales = g_try_malloc0 (bytes);
      complete = layer->key_scales != NULL && layer->value_scales != NULL;
    }
  if (!complete)
    g_clear_pointer (&layer, engine_kv_layer_free);
  return layer;
}

void engine_kv_layer_free (EngineKvLayer *layer)
{
  if (layer == NULL)
    return;
  g_free (layer->keys);
  g_free (layer->values);
  g_free (layer->key_scales);
  g_free (layer->value_scales);
  g_free (layer);
}

/* Element D of the key in SLOT stands at [slot / 32][d][slot % 32] of its head. */
static gsize key_index (const EngineKvLayer *layer, guint head, gsize slot)
{
  gsize head_start = (gsize)head * layer->n_slots * layer->head_dim;
  return head_start + slot / BLOCK * BLOCK * layer->head_dim + slot % BLOCK;
}

static gsize value_index (const EngineKvLayer *layer, guint head, gsize slot)
{
  return ((gsize)head * layer->n_slots + slot) * layer->head_dim;
}

static gsize key_scale_index (const EngineKvLayer *layer, guint head, gsize slot)
{
  gsize head_start = (gsize)head * layer->n_slots * layer->n_groups;
  return head_start + slot / BLOCK * BLOCK * layer->n_groups + slot % BLOCK;
}

static gsize value_scale_index (const EngineKvLayer *layer, guint head, gsize slot)
{
  return ((gsize)head * layer->n_slots + slot) * layer->n_groups;
}

static void put_f32 (EngineKvLayer *layer, guint head, gsize slot, const float *k, const float *v)
{
  float *keys = (float *)layer->keys + key_index (layer, head, slot);
  for (guint d = 0; d < layer->head_dim; d++)
    keys[(gsize)d * BLOCK] = k[d];
  memcpy ((float *)layer->values + value_index (layer, head, slot), v,
          layer->head_dim * sizeof (float));
}

static void put_f16 (EngineKvLayer *layer, guint head, gsize slot, const float *k, const float *v)
{
  const struct EngineMatmulKernels *kernels = engine_kernels ()->matmul;
  guint16 *keys = (guint16 *)layer->keys + key_index (layer, head, slot);
  for (guint begin = 0; begin < layer->head_dim; begin += 64)
    {
      guint16 halves[64];
      guint n = MIN (64, layer->head_dim - begin);
      kernels->narrow (k + begin, n, halves);
      for (guint d = 0; d < n; d++)
        keys[(gsize)(begin + d) * BLOCK] = halves[d];
    }
  kernels->narrow (v, layer->head_dim, (guint16 *)layer->values + value_index (layer, head, slot));
}

/* Rounds up to 32 values to codes STRIDE apart; returns the scale. */
static float round_group (const float *x, guint n, gint8 *codes, gsize stride)
{
  float largest = 0;
  for (guint i = 0; i < n; i++)
    largest = fmaxf (largest, fabsf (x[i]));
  float scale = largest / 127;
  float inverse = scale > 0 && scale <= G_MAXFLOAT ? 1 / scale : 0;
  if (inverse > G_MAXFLOAT)
    inverse = 0; /* all values are subnormal: zero */
  for (guint i = 0; i < n; i++)
    {
      float code = rintf (x[i] * inverse);
      codes[i * stride] = code >= -127 && code <= 127 ? (gint8)code : 0;
    }
  return inverse > 0 ? scale : 0;
}

static void put_q8_0 (EngineKvLayer *layer, guint head, gsize slot, const float *k, const float *v)
{
  gint8 *keys = (gint8 *)layer->keys + key_index (layer, head, slot);
  gint8 *values = (gint8 *)layer->values + value_index (layer, head, slot);
  float *key_scales = layer->key_scales + key_scale_index (layer, head, slot);
  float *value_scales = layer->value_scales + value_scale_index (layer, head, slot);
  for (guint group = 0; group < layer->n_groups; group++)
    {
      guint begin = group * 32, n = MIN (32, layer->head_dim - begin);
      key_scales[(gsize)group * BLOCK]
          = round_group (k + begin, n, keys + (gsize)begin * BLOCK, BLOCK);
      value_scales[group] = round_group (v + begin, n, values + begin, 1);
    }
}

void engine_kv_layer_put (EngineKvLayer *layer, gsize pos, gsize n_tokens, const float *k,
                          const float *v)
{
  gsize width = (gsize)layer->n_head_kv * layer->head_dim;
  for (gsize t = 0; t < n_tokens; t++)
    for (guint head = 0; head < layer->n_head_kv; head++)
      {
        gsize slot = (pos + t) % layer->n_slots;
        const float *key = k + t * width + (gsize)head * layer->head_dim;
        const float *value = v + t * width + (gsize)head * layer->head_dim;
        if (layer->type == ENGINE_KV_F32)
          put_f32 (layer, head, slot, key, value);
        else if (layer->type == ENGINE_KV_F16)
          put_f16 (layer, head, slot, key, value);
        else
          put_q8_0 (layer, head, slot, key, value);
      }
}

/* The first N of SLOT_BYTES each, of every head; returns where the next bytes go. */
static gsize copy_plane (const EngineKvLayer *layer, void *plane, gsize slot_bytes, gsize n,
                         guint8 *bytes, gboolean to_bytes)
{
  gsize n_bytes = n * slot_bytes;
  if (plane == NULL)
    return 0;
  for (guint head = 0; bytes != NULL && head < layer->n_head_kv; head++)
    {
      guint8 *slots = (guint8 *)plane + head * layer->n_slots * slot_bytes;
      guint8 *copy = bytes + head * n_bytes;
      memcpy (to_bytes ? copy : slots, to_bytes ? slots : copy, n_bytes);
    }
  return layer->n_head_kv * n_bytes;
}

gsize engine_kv_layer_copy (EngineKvLayer *layer, gsize n_positions, guint8 *bytes,
                            gboolean to_bytes)
{
  gsize n = MIN ((n_positions + BLOCK - 1) / BLOCK * BLOCK, layer->n_slots), used = 0;
  void *const planes[] = { layer->keys, layer->values, layer->key_scales, layer->value_scales };
  for (guint i = 0; i < G_N_ELEMENTS (planes); i++)
    {
      gsize slot_bytes = i < 2 ? layer->head_dim * element_bytes (layer->type)
                               : layer->n_groups * sizeof (float);
      used += copy_plane (layer, planes[i], slot_bytes, n, bytes != NULL ? bytes + used : NULL,
                          to_bytes);
    }
  return used;
}

void engine_kv_read_keys (const EngineKvLayer *layer, guint head, gsize pos, float *ret_keys)
{
  gsize slot = pos % layer->n_slots, n = (gsize)layer->head_dim * BLOCK;
  gsize index = key_index (layer, head, slot);
  if (layer->type == ENGINE_KV_F32)
    memcpy (ret_keys, (const float *)layer->keys + index, n * sizeof (float));
  else if (layer->type == ENGINE_KV_F16)
    engine_kernels ()->matmul->widen (ENGINE_TYPE_F16, (const guint16 *)layer->keys + index, n,
                                      ret_keys);
  else
    {
      const gint8 *codes = (const gint8 *)layer->keys + index;
      const float *scales = layer->key_scales + key_scale_index (layer, head, slot);
      for (guint d = 0; d < layer->head_dim; d++, codes += BLOCK, ret_keys += BLOCK)
        for (guint i = 0; i < BLOCK; i++)
          ret_keys[i] = codes[i] * scales[d / 32 * BLOCK + i];
    }
}

void engine_kv_read_values (const EngineKvLayer *layer, guint head, gsize pos, float *ret_values,
                            gsize stride)
{
  gsize slot = pos % layer->n_slots, index = value_index (layer, head, slot);
  guint head_dim = layer->head_dim;
  for (guint i = 0; i < BLOCK; i++, index += head_dim, ret_values += stride)
    if (layer->type == ENGINE_KV_F32)
      memcpy (ret_values, (const float *)layer->values + index, head_dim * sizeof (float));
    else if (layer->type == ENGINE_KV_F16)
      engine_kernels ()->matmul->widen (ENGINE_TYPE_F16, (const guint16 *)layer->values + index,
                                        head_dim, ret_values);
    else
      {
        const gint8 *codes = (const gint8 *)layer->values + index;
        const float *scales = layer->value_scales + value_scale_index (layer, head, slot + i);
        for (guint d = 0; d < head_dim; d++)
          ret_values[d] = codes[d] * scales[d / 32];
      }
}

/* Safetensors, the format of the weights in Hugging Face model folders, read by mmap.
 * safetensors.c.
 *
 * A file is a 64-bit header length, a JSON header (name → dtype, shape, data_offsets) and the
 * bytes. Everything is checked when it is opened: offsets lie inside the file, tensors neither
 * overlap nor leave holes, and dtype × shape is the number of bytes. */
#pragma once

#include "engine/engine.h"

typedef enum
{
  ENGINE_SAFE_F32,
  ENGINE_SAFE_F16,
  ENGINE_SAFE_BF16,
  ENGINE_SAFE_OTHER, /* integers, booleans, float64, float8: listed, but not readable as floats */
} EngineSafeType;

typedef struct
{
  char *name;
  EngineSafeType type;
  const char *dtype; /* as the file says: "F32" */
  guint n_dims;      /* 0: a scalar */
  guint64 shape[4];  /* outermost first: shape[n_dims − 1] is the row length */
  guint64 n_elements;
  guint element_bytes;
  const guint8 *data; /* unaligned, little endian */
} EngineSafeTensor;

typedef struct _EngineSafetensors EngineSafetensors;

/* PATH: a .safetensors file, or a folder that holds model.safetensors or
 * model.safetensors.index.json with its shards (which must lie in the same folder). */
EngineSafetensors *engine_safetensors_open (const char *path, GError **error);
void engine_safetensors_free (EngineSafetensors *weights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineSafetensors, engine_safetensors_free)

/* In the order of the files. */
gsize engine_safetensors_n_tensors (const EngineSafetensors *weights);
const EngineSafeTensor *engine_safetensors_tensor (const EngineSafetensors *weights, gsize i);
/* NULL when there is none. */
const EngineSafeTensor *engine_safetensors_find (const EngineSafetensors *weights,
                                                 const char *name);

/* N elements from FIRST on, which lie inside the tensor, as floats. TENSOR is F32, F16 or BF16. */
void engine_safetensors_read (const EngineSafeTensor *tensor, guint64 first, gsize n,
                              float *ret_values);

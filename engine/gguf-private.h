/* GGUF (v2, v3) read by mmap, through a cursor that cannot leave the file. gguf.c.
 *
 * A GGUF file is a header of typed key-value pairs, a directory of tensors and aligned tensor
 * data. Everything below points into the mapping and is checked once, when the file is opened:
 * every string and array lies inside the file, every tensor's bytes lie inside the data section,
 * names and keys are unique. Source: the GGUF specification of the ggml project. */
#pragma once

#include "engine/engine.h"
#include "engine/kernels/kernels-private.h"

typedef struct _EngineGguf EngineGguf;

/* A string inside the file: not NUL-terminated. */
typedef struct
{
  const char *data;
  gsize length;
} EngineGgufString;

typedef enum
{
  ENGINE_GGUF_UINT8, ENGINE_GGUF_INT8, ENGINE_GGUF_UINT16, ENGINE_GGUF_INT16, ENGINE_GGUF_UINT32,
  ENGINE_GGUF_INT32, ENGINE_GGUF_FLOAT32, ENGINE_GGUF_BOOL, ENGINE_GGUF_STRING, ENGINE_GGUF_ARRAY,
  ENGINE_GGUF_UINT64, ENGINE_GGUF_INT64, ENGINE_GGUF_FLOAT64,
} EngineGgufType;

typedef struct
{
  EngineGgufString name;
  guint n_dims;
  guint64 dims[4];   /* dims[0] is the row length (columns) */
  EngineType type;
  guint64 n_bytes;
  const guint8 *data;
} EngineGgufTensor;

EngineGguf *engine_gguf_open (const char *path, GError **error);
void engine_gguf_free (EngineGguf *gguf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineGguf, engine_gguf_free)
const char *engine_gguf_path (const EngineGguf *gguf);
/* The whole file, for fingerprints. */
const guint8 *engine_gguf_bytes (const EngineGguf *gguf, gsize *ret_n_bytes);
gboolean engine_gguf_has_key (const EngineGguf *gguf, const char *key);

/* Any integer type (or bool) that holds the value without loss; FALSE when absent or of another
 * kind. */
gboolean engine_gguf_get_uint (const EngineGguf *gguf, const char *key, guint64 *ret_value);
gboolean engine_gguf_get_float (const EngineGguf *gguf, const char *key, double *ret_value);
gboolean engine_gguf_get_bool (const EngineGguf *gguf, const char *key, gboolean *ret_value);
gboolean engine_gguf_get_string (const EngineGguf *gguf, const char *key,
                                 EngineGgufString *ret_value);
/* Number of elements and their type; FALSE when absent or not an array. */
gboolean engine_gguf_get_array (const EngineGguf *gguf, const char *key, EngineGgufType *ret_type,
                                gsize *ret_n);
/* Elements of arrays; I below the array's length. Strings are walked once at open, so that this is
 * O(1). */
EngineGgufString engine_gguf_array_string (const EngineGguf *gguf, const char *key, gsize i);
/* The raw elements of an array of fixed-size numbers (unaligned, little endian), or NULL. */
const void *engine_gguf_array_data (const EngineGguf *gguf, const char *key, EngineGgufType type,
                                    gsize *ret_n);
/* Element I of an array of integers or bools of any width; FALSE when there is no such number. */
gboolean engine_gguf_array_uint (const EngineGguf *gguf, const char *key, gsize i,
                                 guint64 *ret_value);

gsize engine_gguf_n_tensors (const EngineGguf *gguf);
const EngineGgufTensor *engine_gguf_tensor (const EngineGguf *gguf, gsize i);
const EngineGgufTensor *engine_gguf_find_tensor (const EngineGguf *gguf, const char *name);
/* For listing: number of keys, the I-th key, and its value printed shortly. */
gsize engine_gguf_n_keys (const EngineGguf *gguf);
const char *engine_gguf_key_name (const EngineGguf *gguf, gsize i);
char *engine_gguf_describe_key (const EngineGguf *gguf, gsize i);

/* An opened GGUF file from the inside: gguf.c fills it, gguf-values.c answers questions about it.
 */
#pragma once

#include "engine/gguf-private.h"

typedef struct
{
  const char *name; /* NUL-terminated, in gguf->names */
  EngineGgufType type;
  EngineGgufType element_type; /* of arrays */
  gsize n;                     /* of arrays */
  const guint8 *data;          /* the value, or the first element; unaligned */
  EngineGgufString *strings;   /* of arrays of strings, [n] */
} EngineGgufKey;

struct _EngineGguf
{
  char *path;
  GMappedFile *map;
  GStringChunk *names;
  GArray *keys;             /* of EngineGgufKey */
  GHashTable *key_index;    /* name -> position + 1 */
  GArray *tensors;          /* of EngineGgufTensor */
  GHashTable *tensor_index; /* name -> position + 1 */
};

/* Bytes of one value; 0 for strings, arrays and numbers that are no type. */
gsize engine_gguf_scalar_bytes (guint32 type);
/* Names and texts of a file, short and without escapes that could reach a terminal; the
 * caller's. */
char *engine_gguf_printable (const char *bytes, gsize length);

/* A GGUF file made from another one: keys are copied but for some, tensors get other types, shapes
 * or names. rewrite.c. Under quantise.c, adapt.c and prune.c. */
#pragma once

#include "engine/gguf-write-private.h"
#include "engine/progress-private.h"

typedef struct
{
  const EngineGgufTensor *source;
  char *name; /* in the new file */
  EngineType type;
  guint64 dims[4];         /* dims[0] is the row length */
  gboolean edited;         /* rows come from EngineRewrite.row; otherwise from the source as they are */
  gboolean moved;          /* rows are the source's, each from where EngineRewrite.source_row says */
  const float *importance; /* [dims[2], dims[0]], or NULL */
} EngineRewriteTensor;

typedef struct
{
  const EngineGguf *source;
  EngineGgufWriter *writer; /* keys that the caller sets are set in it */
  GHashTable *own_keys;     /* their names, which are not copied; may be NULL */
  GPtrArray *tensors;       /* of EngineRewriteTensor, in the new file's order */
  /* Row ROW of TENSOR as floats [dims[0]]; runs on several threads. */
  void (*row) (const EngineRewriteTensor *tensor, guint64 row, float *ret_values,
               gpointer user_data);
  guint64 (*source_row) (const EngineRewriteTensor *tensor, guint64 row, gpointer user_data);
  gpointer user_data;
} EngineRewrite;

void engine_rewrite_init (EngineRewrite *rewrite, const EngineGguf *source);
void engine_rewrite_clear (EngineRewrite *rewrite);
/* A key that replaces the source's, whatever type that has. */
void engine_rewrite_set_uint (EngineRewrite *rewrite, const char *key, guint32 value);
void engine_rewrite_set_string (EngineRewrite *rewrite, const char *key, const char *value);
/* Leaves out a key of the source. */
void engine_rewrite_drop_key (EngineRewrite *rewrite, const char *key);
/* TENSOR of the source under its own name and in its type; the caller may change that. */
EngineRewriteTensor *engine_rewrite_add (EngineRewrite *rewrite, const EngineGgufTensor *source);
/* Writes PATH, which must not be the source. FILE with the tensor's name when a weight is not a
 * number. */
gboolean engine_rewrite_run (EngineRewrite *rewrite, const char *path,
                             EngineFileProgress *progress, GError **error);

/* The type of a matrix of N_COLS columns that was meant to be TYPE: rows must consist of whole
 * blocks, and where they do not the field agrees on the next larger type that fits. */
EngineType engine_rewrite_fallback (EngineType type, guint64 n_cols);

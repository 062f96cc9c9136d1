/* Writes GGUF (version 3) in one pass. gguf-write.c.
 *
 * Order of calls: keys and tensors in any order; begin; the bytes of each tensor in the order they
 * were added; commit. */
#pragma once

#include "engine/gguf-private.h"

typedef struct _EngineGgufWriter EngineGgufWriter;

EngineGgufWriter *engine_gguf_writer_new (void);
/* Removes what was written unless it was committed. */
void engine_gguf_writer_free (EngineGgufWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineGgufWriter, engine_gguf_writer_free)

/* Keys. KEY is used once. Integers are written as 32 bits, as other writers do. */
void engine_gguf_writer_set_uint (EngineGgufWriter *writer, const char *key, guint32 value);
void engine_gguf_writer_set_float (EngineGgufWriter *writer, const char *key, float value);
void engine_gguf_writer_set_bool (EngineGgufWriter *writer, const char *key, gboolean value);
void engine_gguf_writer_set_string (EngineGgufWriter *writer, const char *key, const char *value);
void engine_gguf_writer_set_strings (EngineGgufWriter *writer, const char *key,
                                     const char *const *values, gsize n_values);
/* TYPE: UINT8, INT32 or FLOAT32; VALUES in the machine's own order. */
void engine_gguf_writer_set_numbers (EngineGgufWriter *writer, const char *key, EngineGgufType type,
                                     const void *values, gsize n_values);

/* Key I of another file, as it is there. */
void engine_gguf_writer_copy_key (EngineGgufWriter *writer, const EngineGguf *gguf, gsize i);

/* The same of an array of numbers, but only the elements of which WANTED [n] is TRUE. */
void engine_gguf_writer_copy_elements (EngineGgufWriter *writer, const EngineGguf *gguf, gsize i,
                                       const gboolean *wanted);

/* dims[0] is the row length. FALSE (INPUT) when the shape is empty, overflows, or its rows do not
 * consist of whole blocks of TYPE. */
gboolean engine_gguf_writer_add_tensor (EngineGgufWriter *writer, const char *name, EngineType type,
                                        const guint64 *dims, guint n_dims, GError **error);
/* Sum of all tensors' bytes, without padding. */
guint64 engine_gguf_writer_data_bytes (const EngineGgufWriter *writer);

/* Opens PATH.tmp and writes header, keys and directory. */
gboolean engine_gguf_writer_begin (EngineGgufWriter *writer, const char *path, GError **error);
/* Next bytes of the current tensor; never across its end. */
gboolean engine_gguf_writer_write (EngineGgufWriter *writer, const void *data, gsize n_bytes,
                                   GError **error);
/* All tensors are written: SHA-256 of the whole file, valid until the writer is freed. */
const char *engine_gguf_writer_sha256 (EngineGgufWriter *writer);
gboolean engine_gguf_writer_commit (EngineGgufWriter *writer, GError **error);

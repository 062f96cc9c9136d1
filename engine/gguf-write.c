/* Writes GGUF files that every reader of the format loads. Keys and tensor names are collected in
 * memory first, because the directory stands before the data and holds each tensor's offset; the
 * data itself, which may be gigabytes, is streamed. Everything is little endian and tensors begin
 * at multiples of 32 bytes, the format's default. Source: the GGUF specification of the ggml
 * project. */
#include "engine/gguf-write-private.h"

#include <string.h>

#include "engine/gguf-file-private.h"
#include "engine/output-private.h"

#define GGUF_VERSION 3
#define GGUF_ALIGNMENT 32

struct _EngineGgufWriter
{
  GByteArray *keys, *directory;
  guint64 n_keys;
  GArray *tensor_bytes; /* guint64 each */
  guint64 data_offset;  /* where the next tensor will begin, from the start of the data */
  guint64 data_bytes;
  EngineOutput *output;
  guint current;     /* tensor being written */
  guint64 n_written; /* of the current tensor */
};

EngineGgufWriter *engine_gguf_writer_new (void)
{
  EngineGgufWriter *writer = g_new0 (EngineGgufWriter, 1);
  writer->keys = g_byte_array_new ();
  writer->directory = g_byte_array_new ();
  writer->tensor_bytes = g_array_new (FALSE, FALSE, sizeof (guint64));
  return writer;
}

void engine_gguf_writer_free (EngineGgufWriter *writer)
{
  if (writer == NULL)
    return;
  engine_output_free (writer->output);
  g_byte_array_unref (writer->keys);
  g_byte_array_unref (writer->directory);
  g_array_unref (writer->tensor_bytes);
  g_free (writer);
}

static void put_u32 (GByteArray *bytes, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);
  g_byte_array_append (bytes, (const guint8 *)&little, sizeof little);
}

static void put_u64 (GByteArray *bytes, guint64 value)
{
  guint64 little = GUINT64_TO_LE (value);
  g_byte_array_append (bytes, (const guint8 *)&little, sizeof little);
}

static void put_string (GByteArray *bytes, const char *text)
{
  gsize length = strlen (text);
  put_u64 (bytes, length);
  g_byte_array_append (bytes, (const guint8 *)text, (guint)length);
}

static void put_key (EngineGgufWriter *writer, const char *key, EngineGgufType type)
{
  writer->n_keys++;
  put_string (writer->keys, key);
  put_u32 (writer->keys, type);
}

void engine_gguf_writer_set_uint (EngineGgufWriter *writer, const char *key, guint32 value)
{
  put_key (writer, key, ENGINE_GGUF_UINT32);
  put_u32 (writer->keys, value);
}

void engine_gguf_writer_set_float (EngineGgufWriter *writer, const char *key, float value)
{
  guint32 bits;
  memcpy (&bits, &value, sizeof bits);
  put_key (writer, key, ENGINE_GGUF_FLOAT32);
  put_u32 (writer->keys, bits);
}

void engine_gguf_writer_set_bool (EngineGgufWriter *writer, const char *key, gboolean value)
{
  guint8 byte = value ? 1 : 0;
  put_key (writer, key, ENGINE_GGUF_BOOL);
  g_byte_array_append (writer->keys, &byte, 1);
}

void engine_gguf_writer_set_string (EngineGgufWriter *writer, const char *key, const char *value)
{
  put_key (writer, key, ENGINE_GGUF_STRING);
  put_string (writer->keys, value);
}

static void put_array (EngineGgufWriter *writer, const char *key, EngineGgufType type,
                       gsize n_values)
{
  put_key (writer, key, ENGINE_GGUF_ARRAY);
  put_u32 (writer->keys, type);
  put_u64 (writer->keys, n_values);
}

void engine_gguf_writer_set_strings (EngineGgufWriter *writer, const char *key,
                                     const char *const *values, gsize n_values)
{
  put_array (writer, key, ENGINE_GGUF_STRING, n_values);
  for (gsize i = 0; i < n_values; i++)
    put_string (writer->keys, values[i]);
}

void engine_gguf_writer_set_numbers (EngineGgufWriter *writer, const char *key, EngineGgufType type,
                                     const void *values, gsize n_values)
{
  put_array (writer, key, type, n_values);
  if (type == ENGINE_GGUF_UINT8)
    {
      g_byte_array_append (writer->keys, values, (guint)n_values);
      return;
    }
  for (gsize i = 0; i < n_values; i++)
    {
      guint32 bits;
      memcpy (&bits, (const guint8 *)values + 4 * i, sizeof bits);
      put_u32 (writer->keys, bits);
    }
}

/* A string of the file with its length before it. */
static void put_file_string (GByteArray *bytes, EngineGgufString string)
{
  put_u64 (bytes, string.length);
  g_byte_array_append (bytes, (const guint8 *)string.data, (guint)string.length);
}

void engine_gguf_writer_copy_key (EngineGgufWriter *writer, const EngineGguf *gguf, gsize i)
{
  const EngineGgufKey *key = &g_array_index (gguf->keys, EngineGgufKey, i);
  EngineGgufString string;
  put_key (writer, key->name, key->type);
  if (key->type == ENGINE_GGUF_ARRAY)
    {
      put_u32 (writer->keys, key->element_type);
      put_u64 (writer->keys, key->n);
      for (gsize j = 0; key->strings && j < key->n; j++)
        put_file_string (writer->keys, key->strings[j]);
      g_byte_array_append (writer->keys, key->data,
                           (guint)(key->n * engine_gguf_scalar_bytes (key->element_type)));
    }
  else if (engine_gguf_get_string (gguf, key->name, &string))
    put_file_string (writer->keys, string);
  else
    g_byte_array_append (writer->keys, key->data, (guint)engine_gguf_scalar_bytes (key->type));
}

void engine_gguf_writer_copy_elements (EngineGgufWriter *writer, const EngineGguf *gguf, gsize i,
                                       const gboolean *wanted)
{
  const EngineGgufKey *key = &g_array_index (gguf->keys, EngineGgufKey, i);
  gsize n_bytes = engine_gguf_scalar_bytes (key->element_type), n = 0;
  for (gsize j = 0; j < key->n; j++)
    n += wanted[j] ? 1 : 0;
  put_array (writer, key->name, key->element_type, n);
  for (gsize j = 0; j < key->n; j++)
    if (wanted[j])
      g_byte_array_append (writer->keys, key->data + j * n_bytes, (guint)n_bytes);
}

/* Bytes of a tensor, or 0 when the shape is impossible for TYPE. */
static guint64 tensor_bytes (EngineType type, const guint64 *dims, guint n_dims)
{
  const EngineTypeInfo *info = engine_type_info (type);
  if (info == NULL || n_dims == 0 || n_dims > 4 || dims[0] % info->block_elements != 0)
    return 0;
  guint64 n_bytes = dims[0] / info->block_elements;
  if (!g_uint64_checked_mul (&n_bytes, n_bytes, info->block_bytes))
    return 0;
  for (guint i = 1; i < n_dims; i++)
    if (!g_uint64_checked_mul (&n_bytes, n_bytes, dims[i]))
      return 0;
  return n_bytes;
}

gboolean engine_gguf_writer_add_tensor (EngineGgufWriter *writer, const char *name, EngineType type,
                                        const guint64 *dims, guint n_dims, GError **error)
{
  guint64 n_bytes = tensor_bytes (type, dims, n_dims);
  guint64 end, padded;
  if (n_bytes == 0 || !g_uint64_checked_add (&end, writer->data_offset, n_bytes)
      || !g_uint64_checked_add (&padded, end, GGUF_ALIGNMENT - 1))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "Tensor %s has a shape that cannot be stored in this type", name);
      return FALSE;
    }
  put_string (writer->directory, name);
  put_u32 (writer->directory, n_dims);
  for (guint i = 0; i < n_dims; i++)
    put_u64 (writer->directory, dims[i]);
  put_u32 (writer->directory, type);
  put_u64 (writer->directory, writer->data_offset);
  g_array_append_val (writer->tensor_bytes, n_bytes);
  writer->data_bytes += n_bytes;
  writer->data_offset = padded - padded % GGUF_ALIGNMENT;
  return TRUE;
}

guint64 engine_gguf_writer_data_bytes (const EngineGgufWriter *writer)
{
  return writer->data_bytes;
}

static gboolean write_padding (EngineGgufWriter *writer, GError **error)
{
  static const guint8 zeros[GGUF_ALIGNMENT];
  gsize beyond = engine_output_size (writer->output) % GGUF_ALIGNMENT;
  return beyond == 0 || engine_output_write (writer->output, zeros, GGUF_ALIGNMENT - beyond, error);
}

gboolean engine_gguf_writer_begin (EngineGgufWriter *writer, const char *path, GError **error)
{
  writer->output = engine_output_new (path, error);
  if (writer->output == NULL)
    return FALSE;
  g_autoptr (GByteArray) header = g_byte_array_new ();
  g_byte_array_append (header, (const guint8 *)"GGUF", 4);
  put_u32 (header, GGUF_VERSION);
  put_u64 (header, writer->tensor_bytes->len);
  put_u64 (header, writer->n_keys);
  return engine_output_write (writer->output, header->data, header->len, error)
         && engine_output_write (writer->output, writer->keys->data, writer->keys->len, error)
         && engine_output_write (writer->output, writer->directory->data, writer->directory->len,
                                 error)
         && write_padding (writer, error);
}

gboolean engine_gguf_writer_write (EngineGgufWriter *writer, const void *data, gsize n_bytes,
                                   GError **error)
{
  g_return_val_if_fail (writer->current < writer->tensor_bytes->len, FALSE);
  guint64 n_total = g_array_index (writer->tensor_bytes, guint64, writer->current);
  g_return_val_if_fail (n_bytes <= n_total - writer->n_written, FALSE);

  if (!engine_output_write (writer->output, data, n_bytes, error))
    return FALSE;
  writer->n_written += n_bytes;
  if (writer->n_written < n_total)
    return TRUE;
  writer->current++;
  writer->n_written = 0;
  return write_padding (writer, error);
}

const char *engine_gguf_writer_sha256 (EngineGgufWriter *writer)
{
  return engine_output_sha256 (writer->output);
}

gboolean engine_gguf_writer_commit (EngineGgufWriter *writer, GError **error)
{
  g_return_val_if_fail (writer->current == writer->tensor_bytes->len, FALSE);
  return engine_output_commit (writer->output, error);
}

/* Opens a model file for everything else in the engine: what numbers the model was built with,
 * which words it knows and where its weights lie.
 *
 * A GGUF file comes in and views into its mapping go out; nothing is copied but the names. The
 * file is hostile input, so there is one way to read it: a cursor that knows what is left, gives
 * NULL instead of leaving the file and then stays failed. All of it is walked once, at open, after
 * which every string, array and tensor handed out is known to lie inside the file.
 *
 * Source: the GGUF specification of the ggml project, versions 2 and 3. */
#include "engine/gguf-file-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* The fewest bytes one entry can take, so that a count is refused before it is believed. */
#define MIN_KEY_BYTES (8 + 1 + 4 + 1)
#define MIN_TENSOR_BYTES (8 + 1 + 4 + 8 + 4 + 8)
#define MAX_NAME_BYTES 65535
#define DEFAULT_ALIGNMENT 32
#define MAX_ALIGNMENT (1u << 20)

typedef struct
{
  const guint8 *data;
  gsize left;
  gboolean failed;
} Cursor;

/* ---- Cursor --------------------------------------------------------------------------------- */

static const guint8 *cursor_take (Cursor *cursor, guint64 n_bytes)
{
  if (cursor->failed || n_bytes > cursor->left)
    {
      cursor->failed = TRUE;
      return NULL;
    }
  const guint8 *bytes = cursor->data;
  cursor->data += n_bytes;
  cursor->left -= n_bytes;
  return bytes;
}

static guint32 cursor_u32 (Cursor *cursor)
{
  guint32 value = 0;
  const guint8 *bytes = cursor_take (cursor, sizeof value);
  if (bytes)
    memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_LE (value);
}

static guint64 cursor_u64 (Cursor *cursor)
{
  guint64 value = 0;
  const guint8 *bytes = cursor_take (cursor, sizeof value);
  if (bytes)
    memcpy (&value, bytes, sizeof value);
  return GUINT64_FROM_LE (value);
}

static EngineGgufString cursor_string (Cursor *cursor)
{
  guint64 length = cursor_u64 (cursor);
  const guint8 *bytes = cursor_take (cursor, length);
  return bytes ? (EngineGgufString){ (const char *)bytes, length } : (EngineGgufString){ "", 0 };
}

/* ---- Errors --------------------------------------------------------------------------------- */

static G_GNUC_PRINTF (3, 4) gboolean
    fail (const EngineGguf *gguf, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "“%s” is not a sound GGUF file: %s; fetch or copy it again", gguf->path, what);
  return FALSE;
}

static G_GNUC_PRINTF (3, 4) gboolean
    unsupported (const EngineGguf *gguf, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED, "“%s” cannot be used: %s", gguf->path,
               what);
  return FALSE;
}

/* A name that can serve as a C string: not empty, without NUL, not too long. */
static const char *read_name (EngineGguf *gguf, Cursor *cursor, GHashTable *index, const char *what,
                              GError **error)
{
  EngineGgufString string = cursor_string (cursor);
  if (cursor->failed)
    {
      fail (gguf, error, "it ends inside the name of a %s", what);
      return NULL;
    }
  g_autofree char *shown = engine_gguf_printable (string.data, string.length);
  if (string.length == 0 || string.length > MAX_NAME_BYTES
      || memchr (string.data, 0, string.length))
    {
      fail (gguf, error, "a %s has an impossible name “%s”", what, shown);
      return NULL;
    }
  const char *name = g_string_chunk_insert_len (gguf->names, string.data, string.length);
  if (g_hash_table_contains (index, name))
    {
      fail (gguf, error, "the %s “%s” is there twice", what, shown);
      return NULL;
    }
  return name;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static gboolean read_array (EngineGguf *gguf, Cursor *cursor, EngineGgufKey *key, GError **error)
{
  guint32 element_type = cursor_u32 (cursor);
  guint64 n = cursor_u64 (cursor);
  gsize n_bytes = 0;
  key->element_type = element_type;
  key->n = n;
  key->data = cursor->data;
  if (element_type == ENGINE_GGUF_STRING)
    {
      /* Eight bytes of length each: this also bounds the index below by the file's own size. */
      if (cursor->failed || n > cursor->left / 8)
        return fail (gguf, error, "key “%s” claims more strings than the file holds", key->name);
      key->strings = g_try_new (EngineGgufString, n);
      if (n > 0 && key->strings == NULL)
        {
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_MEMORY,
                       "there is not enough memory to read the vocabulary of “%s”", gguf->path);
          return FALSE;
        }
      for (guint64 i = 0; i < n; i++)
        key->strings[i] = cursor_string (cursor);
    }
  else if (element_type == ENGINE_GGUF_ARRAY)
    return unsupported (gguf, error, "key “%s” is an array of arrays", key->name);
  else if (engine_gguf_scalar_bytes (element_type) == 0)
    return fail (gguf, error, "key “%s” is an array of unknown type %u", key->name, element_type);
  else if (!g_size_checked_mul (&n_bytes, n, engine_gguf_scalar_bytes (element_type))
           || !cursor_take (cursor, n_bytes))
    cursor->failed = TRUE;
  if (cursor->failed)
    return fail (gguf, error, "it ends inside the array “%s”", key->name);
  return TRUE;
}

static gboolean read_value (EngineGguf *gguf, Cursor *cursor, EngineGgufKey *key, GError **error)
{
  guint32 type = cursor_u32 (cursor);
  key->type = type;
  key->data = cursor->data;
  if (type == ENGINE_GGUF_ARRAY)
    return read_array (gguf, cursor, key, error);
  if (type == ENGINE_GGUF_STRING)
    cursor_string (cursor);
  else if (engine_gguf_scalar_bytes (type) == 0 && !cursor->failed)
    return fail (gguf, error, "key “%s” has the unknown type %u", key->name, type);
  else
    cursor_take (cursor, engine_gguf_scalar_bytes (type));
  if (cursor->failed)
    return fail (gguf, error, "it ends inside key “%s”", key->name);
  if (type == ENGINE_GGUF_BOOL && key->data[0] > 1)
    return fail (gguf, error, "key “%s” is neither true nor false", key->name);
  return TRUE;
}

static gboolean read_keys (EngineGguf *gguf, Cursor *cursor, guint64 n_keys, GError **error)
{
  for (guint64 i = 0; i < n_keys; i++)
    {
      EngineGgufKey key = { .name = read_name (gguf, cursor, gguf->key_index, "key", error) };
      if (key.name == NULL)
        return FALSE;
      if (!g_utf8_validate (key.name, -1, NULL))
        return fail (gguf, error, "the name of key %" G_GUINT64_FORMAT " is not text", i);
      if (!read_value (gguf, cursor, &key, error))
        {
          g_free (key.strings);
          return FALSE;
        }
      g_array_append_val (gguf->keys, key);
      g_hash_table_insert (gguf->key_index, (gpointer)key.name, GSIZE_TO_POINTER (gguf->keys->len));
    }
  return TRUE;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

/* Elements, and bytes in the tensor's type, of which a row must be a whole number of blocks. */
static gboolean measure_tensor (EngineGguf *gguf, EngineGgufTensor *tensor, guint32 type,
                                GError **error)
{
  const EngineTypeInfo *info = engine_type_info (type);
  if (info == NULL)
    return unsupported (gguf, error,
                        "tensor “%s” has the type number %u, which is not among those supported "
                        "(F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, K-quants, IQ4, MXFP4); "
                        "use another quantisation of the model",
                        tensor->name.data, type);
  gsize n_elements = 1, n_bytes = 0;
  for (guint i = 0; i < 4; i++)
    if (tensor->dims[i] == 0 || !g_size_checked_mul (&n_elements, n_elements, tensor->dims[i])
        || n_elements > G_MAXINT64 / 8)
      return fail (gguf, error, "tensor “%s” has an impossible shape", tensor->name.data);
  if (tensor->dims[0] % info->block_elements != 0)
    return fail (gguf, error,
                 "the rows of tensor “%s” hold %" G_GUINT64_FORMAT " numbers, not a multiple of %u",
                 tensor->name.data, tensor->dims[0], info->block_elements);
  if (!g_size_checked_mul (&n_bytes, n_elements / info->block_elements, info->block_bytes))
    return fail (gguf, error, "tensor “%s” has an impossible size", tensor->name.data);
  tensor->type = type;
  tensor->n_bytes = n_bytes;
  return TRUE;
}

/* Leaves the offset into the data section in `data`, which is not known before the directory's
 * end. */
static gboolean read_tensor (EngineGguf *gguf, Cursor *cursor, GError **error)
{
  const char *name = read_name (gguf, cursor, gguf->tensor_index, "tensor", error);
  if (name == NULL)
    return FALSE;
  if (!g_utf8_validate (name, -1, NULL))
    return fail (gguf, error, "the name of tensor %u is not text", gguf->tensors->len);
  EngineGgufTensor tensor = { .name = { name, strlen (name) }, .dims = { 1, 1, 1, 1 } };
  tensor.n_dims = cursor_u32 (cursor);
  if (!cursor->failed && (tensor.n_dims == 0 || tensor.n_dims > 4))
    return fail (gguf, error, "tensor “%s” has %u dimensions", name, tensor.n_dims);
  for (guint i = 0; i < tensor.n_dims && !cursor->failed; i++)
    tensor.dims[i] = cursor_u64 (cursor);
  guint32 type = cursor_u32 (cursor);
  guint64 offset = cursor_u64 (cursor);
  if (cursor->failed)
    return fail (gguf, error, "it ends inside the entry of tensor “%s”", name);
  if (!measure_tensor (gguf, &tensor, type, error))
    return FALSE;
  tensor.data = GSIZE_TO_POINTER (offset);
  g_array_append_val (gguf->tensors, tensor);
  g_hash_table_insert (gguf->tensor_index, (gpointer)name, GSIZE_TO_POINTER (gguf->tensors->len));
  return TRUE;
}

static gboolean read_alignment (EngineGguf *gguf, guint64 *ret_alignment, GError **error)
{
  guint64 alignment = DEFAULT_ALIGNMENT;
  if (engine_gguf_has_key (gguf, "general.alignment")
      && !engine_gguf_get_uint (gguf, "general.alignment", &alignment))
    return fail (gguf, error, "general.alignment is not a number");
  if (alignment < 8 || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) != 0)
    return fail (gguf, error, "general.alignment is %" G_GUINT64_FORMAT, alignment);
  *ret_alignment = alignment;
  return TRUE;
}

/* Turns the tensors' offsets into addresses, each checked to lie in the data section. */
static gboolean place_tensors (EngineGguf *gguf, Cursor *cursor, GError **error)
{
  guint64 alignment = 0;
  if (!read_alignment (gguf, &alignment, error))
    return FALSE;
  gsize begin = g_mapped_file_get_length (gguf->map) - cursor->left;
  cursor_take (cursor, (alignment - begin % alignment) % alignment);
  for (guint i = 0; i < gguf->tensors->len; i++)
    {
      EngineGgufTensor *tensor = &g_array_index (gguf->tensors, EngineGgufTensor, i);
      guint64 offset = GPOINTER_TO_SIZE (tensor->data);
      if (offset % alignment != 0)
        return fail (gguf, error, "tensor “%s” is not aligned", tensor->name.data);
      if (cursor->failed || offset > cursor->left || tensor->n_bytes > cursor->left - offset)
        return fail (gguf, error, "it ends before the data of tensor “%s”", tensor->name.data);
      tensor->data = cursor->data + offset;
    }
  return TRUE;
}

/* ---- Open ----------------------------------------------------------------------------------- */

static gboolean parse (EngineGguf *gguf, GError **error)
{
  Cursor cursor = { (const guint8 *)g_mapped_file_get_contents (gguf->map),
                    g_mapped_file_get_length (gguf->map), FALSE };
  const guint8 *magic = cursor_take (&cursor, 4);
  if (magic == NULL || memcmp (magic, "GGUF", 4) != 0)
    return fail (gguf, error, "it does not begin with “GGUF”");
  guint32 version = cursor_u32 (&cursor);
  if (!cursor.failed && version != 2 && version != 3)
    return unsupported (gguf, error, "it is of GGUF version %u, and versions 2 and 3 are supported",
                        version);
  guint64 n_tensors = cursor_u64 (&cursor);
  guint64 n_keys = cursor_u64 (&cursor);
  if (cursor.failed)
    return fail (gguf, error, "it ends inside its header");
  if (n_keys > cursor.left / MIN_KEY_BYTES || n_tensors > cursor.left / MIN_TENSOR_BYTES)
    return fail (gguf, error, "it claims more keys or tensors than it has room for");
  if (!read_keys (gguf, &cursor, n_keys, error))
    return FALSE;
  for (guint64 i = 0; i < n_tensors; i++)
    if (!read_tensor (gguf, &cursor, error))
      return FALSE;
  return place_tensors (gguf, &cursor, error);
}

/* A folder or a pipe would fail with a puzzling message, or wait for ever. */
static GMappedFile *map_file (const char *path, GError **error)
{
  GStatBuf status;
  g_autoptr (GError) cause = NULL;
  if (g_stat (path, &status) != 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "the model file “%s” cannot be opened: %s", path, g_strerror (errno));
      return NULL;
    }
  if (!S_ISREG (status.st_mode) || status.st_size == 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "the model file “%s” is %s", path,
                   S_ISREG (status.st_mode) ? "empty; fetch it again" : "not a regular file");
      return NULL;
    }
  GMappedFile *map = g_mapped_file_new (path, FALSE, &cause);
  if (map == NULL)
    g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "the model file “%s” cannot be read: %s",
                 path, cause->message);
  return map;
}

EngineGguf *engine_gguf_open (const char *path, GError **error)
{
  GMappedFile *map = map_file (path, error);
  if (map == NULL)
    return NULL;
  g_autoptr (EngineGguf) gguf = g_new0 (EngineGguf, 1);
  gguf->path = g_strdup (path);
  gguf->map = map;
  gguf->names = g_string_chunk_new (4096);
  gguf->keys = g_array_new (FALSE, FALSE, sizeof (EngineGgufKey));
  gguf->key_index = g_hash_table_new (g_str_hash, g_str_equal);
  gguf->tensors = g_array_new (FALSE, FALSE, sizeof (EngineGgufTensor));
  gguf->tensor_index = g_hash_table_new (g_str_hash, g_str_equal);
  if (!parse (gguf, error))
    return NULL;
  return g_steal_pointer (&gguf);
}

void engine_gguf_free (EngineGguf *gguf)
{
  if (gguf == NULL)
    return;
  for (guint i = 0; i < gguf->keys->len; i++)
    g_free (g_array_index (gguf->keys, EngineGgufKey, i).strings);
  g_array_unref (gguf->keys);
  g_hash_table_unref (gguf->key_index);
  g_array_unref (gguf->tensors);
  g_hash_table_unref (gguf->tensor_index);
  g_string_chunk_free (gguf->names);
  g_mapped_file_unref (gguf->map);
  g_free (gguf->path);
  g_free (gguf);
}

const char *engine_gguf_path (const EngineGguf *gguf)
{
  return gguf->path;
}

const guint8 *engine_gguf_bytes (const EngineGguf *gguf, gsize *ret_n_bytes)
{
  *ret_n_bytes = g_mapped_file_get_length (gguf->map);
  return (const guint8 *)g_mapped_file_get_contents (gguf->map);
}

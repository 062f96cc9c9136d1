/* Answers what an opened GGUF file says: values by key, elements of arrays, tensors by name, and
 * one printable line per key.
 *
 * Everything was checked when the file was opened (gguf.c), so that nothing here can leave it; a
 * question about a missing key, or about one of another kind, is answered with FALSE. */
#include "engine/gguf-file-private.h"

#include <string.h>

gsize engine_gguf_scalar_bytes (guint32 type)
{
  switch (type)
    {
    case ENGINE_GGUF_UINT8:
    case ENGINE_GGUF_INT8:
    case ENGINE_GGUF_BOOL:
      return 1;
    case ENGINE_GGUF_UINT16:
    case ENGINE_GGUF_INT16:
      return 2;
    case ENGINE_GGUF_UINT32:
    case ENGINE_GGUF_INT32:
    case ENGINE_GGUF_FLOAT32:
      return 4;
    case ENGINE_GGUF_UINT64:
    case ENGINE_GGUF_INT64:
    case ENGINE_GGUF_FLOAT64:
      return 8;
    default:
      return 0;
    }
}

char *engine_gguf_printable (const char *bytes, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (bytes, MIN (length, 60));
  GString *text = g_string_new (NULL);
  for (const char *p = valid; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (c == '\n')
        g_string_append (text, "\\n");
      else
        g_string_append_unichar (text, g_unichar_isprint (c) ? c : '?');
    }
  if (length > 60)
    g_string_append (text, "…");
  return g_string_free (text, FALSE);
}

/* ---- Values --------------------------------------------------------------------------------- */

static const EngineGgufKey *find_key (const EngineGguf *gguf, const char *name)
{
  gsize i = GPOINTER_TO_SIZE (g_hash_table_lookup (gguf->key_index, name));
  return i == 0 ? NULL : &g_array_index (gguf->keys, EngineGgufKey, i - 1);
}

gboolean engine_gguf_has_key (const EngineGguf *gguf, const char *key)
{
  return find_key (gguf, key) != NULL;
}

/* The integer at DATA; FALSE for negative numbers and other types. */
static gboolean integer_at (const guint8 *data, EngineGgufType type, guint64 *ret_value)
{
  gsize n_bytes = engine_gguf_scalar_bytes (type);
  guint64 value = 0;
  if (n_bytes == 0 || type == ENGINE_GGUF_FLOAT32 || type == ENGINE_GGUF_FLOAT64)
    return FALSE;
  for (gsize i = 0; i < n_bytes; i++)
    value |= (guint64)data[i] << (8 * i);
  gboolean is_signed = type == ENGINE_GGUF_INT8 || type == ENGINE_GGUF_INT16
                       || type == ENGINE_GGUF_INT32 || type == ENGINE_GGUF_INT64;
  if (is_signed && data[n_bytes - 1] & 0x80)
    return FALSE;
  *ret_value = value;
  return TRUE;
}

gboolean engine_gguf_get_uint (const EngineGguf *gguf, const char *key, guint64 *ret_value)
{
  const EngineGgufKey *found = find_key (gguf, key);
  return found && integer_at (found->data, found->type, ret_value);
}

gboolean engine_gguf_get_float (const EngineGguf *gguf, const char *key, double *ret_value)
{
  const EngineGgufKey *found = find_key (gguf, key);
  guint64 integer;
  if (found && found->type == ENGINE_GGUF_FLOAT32)
    {
      float value;
      memcpy (&value, found->data, sizeof value);
      *ret_value = value;
      return TRUE;
    }
  if (found && found->type == ENGINE_GGUF_FLOAT64)
    {
      memcpy (ret_value, found->data, sizeof *ret_value);
      return TRUE;
    }
  if (!found || !integer_at (found->data, found->type, &integer))
    return FALSE;
  *ret_value = (double)integer;
  return TRUE;
}

gboolean engine_gguf_get_bool (const EngineGguf *gguf, const char *key, gboolean *ret_value)
{
  const EngineGgufKey *found = find_key (gguf, key);
  if (!found || found->type != ENGINE_GGUF_BOOL)
    return FALSE;
  *ret_value = found->data[0] != 0;
  return TRUE;
}

gboolean engine_gguf_get_string (const EngineGguf *gguf, const char *key,
                                 EngineGgufString *ret_value)
{
  const EngineGgufKey *found = find_key (gguf, key);
  if (!found || found->type != ENGINE_GGUF_STRING)
    return FALSE;
  guint64 length;
  memcpy (&length, found->data, sizeof length);
  *ret_value = (EngineGgufString){ (const char *)found->data + 8, GUINT64_FROM_LE (length) };
  return TRUE;
}

gboolean engine_gguf_get_array (const EngineGguf *gguf, const char *key, EngineGgufType *ret_type,
                                gsize *ret_n)
{
  const EngineGgufKey *found = find_key (gguf, key);
  if (!found || found->type != ENGINE_GGUF_ARRAY)
    return FALSE;
  *ret_type = found->element_type;
  *ret_n = found->n;
  return TRUE;
}

EngineGgufString engine_gguf_array_string (const EngineGguf *gguf, const char *key, gsize i)
{
  const EngineGgufKey *found = find_key (gguf, key);
  g_return_val_if_fail (found && found->strings && i < found->n, ((EngineGgufString){ "", 0 }));
  return found->strings[i];
}

const void *engine_gguf_array_data (const EngineGguf *gguf, const char *key, EngineGgufType type,
                                    gsize *ret_n)
{
  const EngineGgufKey *found = find_key (gguf, key);
  if (!found || found->type != ENGINE_GGUF_ARRAY || found->element_type != type
      || engine_gguf_scalar_bytes (type) == 0)
    return NULL;
  *ret_n = found->n;
  return found->data;
}

gboolean engine_gguf_array_uint (const EngineGguf *gguf, const char *key, gsize i,
                                 guint64 *ret_value)
{
  const EngineGgufKey *found = find_key (gguf, key);
  if (!found || found->type != ENGINE_GGUF_ARRAY || i >= found->n)
    return FALSE;
  return integer_at (found->data + i * engine_gguf_scalar_bytes (found->element_type),
                     found->element_type, ret_value);
}

gsize engine_gguf_n_tensors (const EngineGguf *gguf)
{
  return gguf->tensors->len;
}

const EngineGgufTensor *engine_gguf_tensor (const EngineGguf *gguf, gsize i)
{
  g_return_val_if_fail (i < gguf->tensors->len, NULL);
  return &g_array_index (gguf->tensors, EngineGgufTensor, i);
}

const EngineGgufTensor *engine_gguf_find_tensor (const EngineGguf *gguf, const char *name)
{
  gsize i = GPOINTER_TO_SIZE (g_hash_table_lookup (gguf->tensor_index, name));
  return i == 0 ? NULL : &g_array_index (gguf->tensors, EngineGgufTensor, i - 1);
}

/* ---- Listing -------------------------------------------------------------------------------- */

gsize engine_gguf_n_keys (const EngineGguf *gguf)
{
  return gguf->keys->len;
}

const char *engine_gguf_key_name (const EngineGguf *gguf, gsize i)
{
  return g_array_index (gguf->keys, EngineGgufKey, i).name;
}

static char *describe_scalar (const EngineGgufKey *key)
{
  guint64 bits = 0;
  double number = 0;
  if (key->type == ENGINE_GGUF_BOOL)
    return g_strdup (key->data[0] ? "true" : "false");
  if (key->type == ENGINE_GGUF_FLOAT32)
    {
      float value;
      memcpy (&value, key->data, sizeof value);
      return g_strdup_printf ("%g", (double)value);
    }
  if (key->type == ENGINE_GGUF_FLOAT64)
    {
      memcpy (&number, key->data, sizeof number);
      return g_strdup_printf ("%g", number);
    }
  if (integer_at (key->data, key->type, &bits))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, bits);
  /* Negative: fill the bytes above the sign. */
  gsize n_bytes = engine_gguf_scalar_bytes (key->type);
  gint64 value = -1;
  memcpy (&value, key->data, n_bytes);
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

char *engine_gguf_describe_key (const EngineGguf *gguf, gsize i)
{
  static const char *const TYPE_NAMES[] = { "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                            "bool", "string", "array", "u64", "i64", "f64" };
  g_return_val_if_fail (i < gguf->keys->len, NULL);
  const EngineGgufKey *key = &g_array_index (gguf->keys, EngineGgufKey, i);
  g_autofree char *name = engine_gguf_printable (key->name, strlen (key->name));
  g_autofree char *value = NULL;
  EngineGgufString string;
  if (key->type == ENGINE_GGUF_ARRAY)
    value = g_strdup_printf ("[%s × %" G_GSIZE_FORMAT "]", TYPE_NAMES[key->element_type], key->n);
  else if (engine_gguf_get_string (gguf, key->name, &string))
    {
      g_autofree char *text = engine_gguf_printable (string.data, string.length);
      value = g_strdup_printf ("“%s”", text);
    }
  else
    value = describe_scalar (key);
  return g_strdup_printf ("%s = %s", name, value);
}

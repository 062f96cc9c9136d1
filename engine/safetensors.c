/* Reads the weights of a Hugging Face folder, one file or many shards, as one list of named
 * tensors that point into the mapping. The header is JSON from strangers, so nothing in it is
 * believed: the one idea is to sort the tensors by their offsets and to require that they tile the
 * data from the first byte to the last, which excludes overlaps, holes and leaving the file at
 * once. Source: the safetensors format description. */
#include "engine/safetensors-private.h"

#include <string.h>

#include "engine/json-private.h"
#include "engine/kernels/kernels-private.h"

/* As the reference implementation has it. */
#define MAX_HEADER_BYTES (100 * 1024 * 1024)

struct _EngineSafetensors
{
  GPtrArray *files;   /* GMappedFile */
  GPtrArray *tensors; /* EngineSafeTensor */
  GHashTable *by_name;
};

static const struct
{
  const char *dtype;
  guint element_bytes;
  EngineSafeType type;
} safe_types[] = {
  { "F32", 4, ENGINE_SAFE_F32 },       { "F16", 2, ENGINE_SAFE_F16 },
  { "BF16", 2, ENGINE_SAFE_BF16 },     { "F64", 8, ENGINE_SAFE_OTHER },
  { "I64", 8, ENGINE_SAFE_OTHER },     { "U64", 8, ENGINE_SAFE_OTHER },
  { "I32", 4, ENGINE_SAFE_OTHER },     { "U32", 4, ENGINE_SAFE_OTHER },
  { "I16", 2, ENGINE_SAFE_OTHER },     { "U16", 2, ENGINE_SAFE_OTHER },
  { "I8", 1, ENGINE_SAFE_OTHER },      { "U8", 1, ENGINE_SAFE_OTHER },
  { "BOOL", 1, ENGINE_SAFE_OTHER },    { "F8_E4M3", 1, ENGINE_SAFE_OTHER },
  { "F8_E5M2", 1, ENGINE_SAFE_OTHER },
};

static void tensor_free (gpointer data)
{
  EngineSafeTensor *tensor = data;
  g_free (tensor->name);
  g_free (tensor);
}

void engine_safetensors_free (EngineSafetensors *weights)
{
  if (weights == NULL)
    return;
  g_hash_table_unref (weights->by_name);
  g_ptr_array_unref (weights->tensors);
  g_ptr_array_unref (weights->files);
  g_free (weights);
}

static gboolean damaged (const char *path, const char *tensor, const char *what, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "%s is damaged: %s%s%s; get the model again",
               path, tensor != NULL ? tensor : "", tensor != NULL ? " " : "", what);
  return FALSE;
}

static gboolean read_dtype (JsonObject *entry, EngineSafeTensor *tensor)
{
  const char *dtype = engine_json_get_string (entry, "dtype");
  for (gsize i = 0; dtype != NULL && i < G_N_ELEMENTS (safe_types); i++)
    if (strcmp (dtype, safe_types[i].dtype) == 0)
      {
        tensor->type = safe_types[i].type;
        tensor->dtype = safe_types[i].dtype;
        tensor->element_bytes = safe_types[i].element_bytes;
        return TRUE;
      }
  return FALSE;
}

static gboolean read_shape (JsonObject *entry, EngineSafeTensor *tensor)
{
  JsonArray *shape = engine_json_get_array (entry, "shape");
  if (shape == NULL || json_array_get_length (shape) > G_N_ELEMENTS (tensor->shape))
    return FALSE;
  tensor->n_dims = json_array_get_length (shape);
  tensor->n_elements = 1;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (!engine_json_node_uint (json_array_get_element (shape, i), &tensor->shape[i])
        || !g_uint64_checked_mul (&tensor->n_elements, tensor->n_elements, tensor->shape[i]))
      return FALSE;
  return TRUE;
}

/* Begin and end must be those of dtype × shape bytes inside N_DATA. */
static gboolean read_offsets (JsonObject *entry, EngineSafeTensor *tensor, const guint8 *data,
                              guint64 n_data)
{
  JsonArray *offsets = engine_json_get_array (entry, "data_offsets");
  guint64 begin, end, n_bytes;
  if (offsets == NULL || json_array_get_length (offsets) != 2
      || !engine_json_node_uint (json_array_get_element (offsets, 0), &begin)
      || !engine_json_node_uint (json_array_get_element (offsets, 1), &end) || begin > end
      || end > n_data || !g_uint64_checked_mul (&n_bytes, tensor->n_elements, tensor->element_bytes)
      || n_bytes != end - begin)
    return FALSE;
  tensor->data = data + begin;
  return TRUE;
}

static gint compare_positions (gconstpointer a, gconstpointer b)
{
  const EngineSafeTensor *one = *(EngineSafeTensor *const *)a;
  const EngineSafeTensor *other = *(EngineSafeTensor *const *)b;
  if (one->data != other->data)
    return one->data < other->data ? -1 : 1;
  return one->n_elements < other->n_elements ? -1 : one->n_elements > other->n_elements;
}

/* TENSORS, sorted, cover [data, data + n_data) exactly. */
static gboolean tensors_tile (GPtrArray *tensors, const guint8 *data, guint64 n_data)
{
  const guint8 *expected = data;
  for (guint i = 0; i < tensors->len; i++)
    {
      const EngineSafeTensor *tensor = g_ptr_array_index (tensors, i);
      if (tensor->data != expected)
        return FALSE;
      expected += tensor->n_elements * tensor->element_bytes;
    }
  return expected == data + n_data;
}

static gboolean read_header (JsonObject *header, const char *path, const guint8 *data,
                             guint64 n_data, GPtrArray *tensors, GError **error)
{
  g_autoptr (GList) names = json_object_get_members (header);
  for (GList *item = names; item != NULL; item = item->next)
    {
      if (strcmp (item->data, "__metadata__") == 0)
        continue;
      JsonObject *entry = engine_json_get_object (header, item->data);
      EngineSafeTensor *tensor = g_new0 (EngineSafeTensor, 1);
      tensor->name = g_strdup (item->data);
      g_ptr_array_add (tensors, tensor);
      if (entry == NULL || !read_dtype (entry, tensor))
        return damaged (path, tensor->name, "has no known dtype", error);
      if (!read_shape (entry, tensor))
        return damaged (path, tensor->name, "has no usable shape", error);
      if (!read_offsets (entry, tensor, data, n_data))
        return damaged (path, tensor->name, "does not fit its place in the file", error);
    }
  g_ptr_array_sort (tensors, compare_positions);
  if (!tensors_tile (tensors, data, n_data))
    return damaged (path, NULL, "its tensors overlap or leave holes", error);
  return TRUE;
}

static gboolean add_file (EngineSafetensors *weights, const char *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &local);
  if (file == NULL)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not read %s: %s", path,
                   local->message);
      return FALSE;
    }

  gsize n_file = g_mapped_file_get_length (file);
  const guint8 *bytes = (const guint8 *)g_mapped_file_get_contents (file);
  guint64 n_header = 0;
  if (n_file < sizeof n_header)
    return damaged (path, NULL, "it is too short", error);
  memcpy (&n_header, bytes, sizeof n_header);
  n_header = GUINT64_FROM_LE (n_header);
  if (n_header > MAX_HEADER_BYTES || n_header > n_file - sizeof n_header)
    return damaged (path, NULL, "its header would be longer than the file", error);

  g_autoptr (JsonObject) header
      = engine_json_parse ((const char *)bytes + sizeof n_header, n_header, path, error);
  if (header == NULL)
    return FALSE;
  gsize data_offset = sizeof n_header + n_header;
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (tensor_free);
  if (!read_header (header, path, bytes + data_offset, n_file - data_offset, tensors, error))
    return FALSE;

  g_ptr_array_add (weights->files, g_steal_pointer (&file));
  for (guint i = 0; i < tensors->len; i++)
    {
      EngineSafeTensor *tensor = g_ptr_array_index (tensors, i);
      if (!g_hash_table_insert (weights->by_name, tensor->name, tensor))
        return damaged (path, tensor->name, "is also in another shard", error);
    }
  g_ptr_array_extend_and_steal (weights->tensors, g_steal_pointer (&tensors));
  return TRUE;
}

/* The names of an index come from outside: only plain file names of the same folder. */
static gboolean is_plain_name (const char *name)
{
  return name != NULL && name[0] != '\0' && name[0] != '.' && strchr (name, '/') == NULL;
}

static gboolean add_shards (EngineSafetensors *weights, const char *folder, const char *index_path,
                            GError **error)
{
  g_autoptr (JsonObject) index = engine_json_load (index_path, error);
  if (index == NULL)
    return FALSE;
  JsonObject *map = engine_json_get_object (index, "weight_map");
  if (map == NULL)
    return damaged (index_path, NULL, "it has no weight_map", error);

  g_autoptr (GHashTable) shards = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GList) names = json_object_get_members (map);
  for (GList *item = names; item != NULL; item = item->next)
    {
      const char *shard = engine_json_get_string (map, item->data);
      if (!is_plain_name (shard))
        return damaged (index_path, item->data, "is not in a file of this folder", error);
      if (!g_hash_table_add (shards, (gpointer)shard))
        continue;
      g_autofree char *path = g_build_filename (folder, shard, NULL);
      if (!add_file (weights, path, error))
        return FALSE;
    }
  for (GList *item = names; item != NULL; item = item->next)
    if (!g_hash_table_contains (weights->by_name, item->data))
      return damaged (index_path, item->data, "is in none of its shards", error);
  return TRUE;
}

static gboolean add_path (EngineSafetensors *weights, const char *path, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return add_file (weights, path, error);
  g_autofree char *index_path = g_build_filename (path, "model.safetensors.index.json", NULL);
  if (g_file_test (index_path, G_FILE_TEST_EXISTS))
    return add_shards (weights, path, index_path, error);
  g_autofree char *single = g_build_filename (path, "model.safetensors", NULL);
  return add_file (weights, single, error);
}

EngineSafetensors *engine_safetensors_open (const char *path, GError **error)
{
  g_autoptr (EngineSafetensors) weights = g_new0 (EngineSafetensors, 1);
  weights->files = g_ptr_array_new_with_free_func ((GDestroyNotify)g_mapped_file_unref);
  weights->tensors = g_ptr_array_new_with_free_func (tensor_free);
  weights->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return add_path (weights, path, error) ? g_steal_pointer (&weights) : NULL;
}

gsize engine_safetensors_n_tensors (const EngineSafetensors *weights)
{
  return weights->tensors->len;
}

const EngineSafeTensor *engine_safetensors_tensor (const EngineSafetensors *weights, gsize i)
{
  return g_ptr_array_index (weights->tensors, i);
}

const EngineSafeTensor *engine_safetensors_find (const EngineSafetensors *weights, const char *name)
{
  return g_hash_table_lookup (weights->by_name, name);
}

void engine_safetensors_read (const EngineSafeTensor *tensor, guint64 first, gsize n,
                              float *ret_values)
{
  const guint8 *bytes = tensor->data + first * tensor->element_bytes;
  if (tensor->type == ENGINE_SAFE_F32)
    {
      memcpy (ret_values, bytes, n * sizeof (float));
      return;
    }
  for (gsize i = 0; i < n; i++)
    {
      guint16 half;
      memcpy (&half, bytes + 2 * i, sizeof half);
      guint32 bits = (guint32)half << 16; /* BF16 is the upper half of a float */
      if (tensor->type == ENGINE_SAFE_F16)
        ret_values[i] = engine_f16_to_f32 (half);
      else
        memcpy (&ret_values[i], &bits, sizeof bits);
    }
}

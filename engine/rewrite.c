/* Makes a model file out of another one: quantised, merged with an adapter, or with parts left out.
 *
 * The caller lists the tensors of the new file and what each is made of; everything else is the
 * same for all such work and lives here. Keys are copied byte by byte, tensors that stay as they
 * are too. The others are taken through floats a few rows at a time, on all processors, so that
 * memory stays small however large the model is; and the file appears whole or not at all. */
#include "engine/rewrite-private.h"

#include "engine/kernels/matmul-private.h"

#include <math.h>
#include <string.h>

#include "engine/quant-private.h"

/* Rows in work at once: enough for all threads, and some megabytes. */
#define BATCH_FLOATS (4u << 20)

/* ---- Plan ----------------------------------------------------------------------------------- */

static void tensor_free (gpointer data)
{
  EngineRewriteTensor *tensor = data;
  g_free (tensor->name);
  g_free (tensor);
}

void engine_rewrite_init (EngineRewrite *rewrite, const EngineGguf *source)
{
  *rewrite
      = (EngineRewrite){ .source = source,
                         .writer = engine_gguf_writer_new (),
                         .own_keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                         .tensors = g_ptr_array_new_with_free_func (tensor_free) };
}

void engine_rewrite_clear (EngineRewrite *rewrite)
{
  engine_gguf_writer_free (rewrite->writer);
  g_hash_table_unref (rewrite->own_keys);
  g_ptr_array_unref (rewrite->tensors);
}

void engine_rewrite_drop_key (EngineRewrite *rewrite, const char *key)
{
  g_hash_table_add (rewrite->own_keys, g_strdup (key));
}

void engine_rewrite_set_uint (EngineRewrite *rewrite, const char *key, guint32 value)
{
  engine_rewrite_drop_key (rewrite, key);
  engine_gguf_writer_set_uint (rewrite->writer, key, value);
}

void engine_rewrite_set_string (EngineRewrite *rewrite, const char *key, const char *value)
{
  engine_rewrite_drop_key (rewrite, key);
  engine_gguf_writer_set_string (rewrite->writer, key, value);
}

EngineRewriteTensor *engine_rewrite_add (EngineRewrite *rewrite, const EngineGgufTensor *source)
{
  EngineRewriteTensor *tensor = g_new0 (EngineRewriteTensor, 1);
  tensor->source = source;
  tensor->name = g_strndup (source->name.data, source->name.length);
  tensor->type = source->type;
  memcpy (tensor->dims, source->dims, sizeof tensor->dims);
  g_ptr_array_add (rewrite->tensors, tensor);
  return tensor;
}

EngineType engine_rewrite_fallback (EngineType type, guint64 n_cols)
{
  static const struct
  {
    EngineType from, to;
  } fallbacks[] = {
    { ENGINE_TYPE_Q2_K, ENGINE_TYPE_Q4_0 }, { ENGINE_TYPE_Q3_K, ENGINE_TYPE_Q4_0 },
    { ENGINE_TYPE_Q4_K, ENGINE_TYPE_Q5_0 }, { ENGINE_TYPE_Q5_K, ENGINE_TYPE_Q5_1 },
    { ENGINE_TYPE_Q6_K, ENGINE_TYPE_Q8_0 }, { ENGINE_TYPE_IQ4_XS, ENGINE_TYPE_IQ4_NL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (fallbacks); i++)
    if (type == fallbacks[i].from && n_cols % engine_type_info (type)->block_elements != 0)
      type = fallbacks[i].to;
  return n_cols % engine_type_info (type)->block_elements == 0 ? type : ENGINE_TYPE_F16;
}

/* ---- Work ----------------------------------------------------------------------------------- */

/* Some rows of one tensor on their way. */
typedef struct
{
  const EngineRewrite *rewrite;
  const EngineRewriteTensor *tensor;
  EnginePool *pool;
  guint64 first;
  gsize row_bytes;
  guint8 *blocks;
  gint damaged; /* atomic: a weight is not a finite number */
} Batch;

static gsize bytes_of_row (EngineType type, guint64 n_cols)
{
  const EngineTypeInfo *info = engine_type_info (type);
  return n_cols / info->block_elements * info->block_bytes;
}

static void read_row (const Batch *batch, guint64 row, float *ret_values)
{
  const EngineRewriteTensor *tensor = batch->tensor;
  const EngineGgufTensor *source = tensor->source;
  if (tensor->edited)
    batch->rewrite->row (tensor, row, ret_values, batch->rewrite->user_data);
  else
    engine_type_info (source->type)
        ->dequantise (source->data + row * bytes_of_row (source->type, source->dims[0]),
                      source->dims[0], ret_values);
}

static gboolean all_finite (const float *values, gsize n)
{
  float sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += values[i] * 0; /* 0, or NaN from then on */
  return sum == 0;
}

static void work_on_rows (gsize begin, gsize end, guint thread, gpointer user_data)
{
  Batch *batch = user_data;
  const EngineRewriteTensor *tensor = batch->tensor;
  gsize n_cols = tensor->dims[0];
  float *values = engine_pool_scratch (batch->pool, thread, n_cols * sizeof (float));
  for (gsize i = begin; i < end; i++)
    {
      guint64 row = batch->first + i;
      const float *importance
          = tensor->importance ? tensor->importance + row / tensor->dims[1] * n_cols : NULL;
      read_row (batch, row, values);
      if (all_finite (values, n_cols))
        engine_quantise_weighted (tensor->type, values, importance, n_cols,
                                  batch->blocks + i * batch->row_bytes);
      else
        g_atomic_int_set (&batch->damaged, 1);
    }
}

static gboolean write_rows (EngineRewrite *rewrite, const EngineRewriteTensor *tensor,
                            EnginePool *pool, EngineFileProgress *progress, guint64 *done,
                            GError **error)
{
  guint64 n_rows = tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
  guint64 at_once = CLAMP (BATCH_FLOATS / tensor->dims[0], 1, n_rows);
  Batch batch = { .rewrite = rewrite, .tensor = tensor, .pool = pool };
  batch.row_bytes = bytes_of_row (tensor->type, tensor->dims[0]);
  g_autofree guint8 *blocks = g_malloc (at_once * batch.row_bytes);
  batch.blocks = blocks;
  for (; batch.first < n_rows; batch.first += at_once)
    {
      gsize n = MIN (at_once, n_rows - batch.first);
      engine_pool_run (pool, n, 4, work_on_rows, &batch);
      if (batch.damaged)
        {
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                       "tensor “%s” of “%s” holds weights that are not numbers; get the model again",
                       tensor->source->name.data, engine_gguf_path (rewrite->source));
          return FALSE;
        }
      *done += n * batch.row_bytes;
      if (!engine_gguf_writer_write (rewrite->writer, blocks, n * batch.row_bytes, error)
          || !engine_file_progress (progress, *done,
                                    engine_gguf_writer_data_bytes (rewrite->writer), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean move_rows (EngineRewrite *rewrite, const EngineRewriteTensor *tensor,
                           GError **error)
{
  const EngineGgufTensor *source = tensor->source;
  gsize row_bytes = bytes_of_row (source->type, source->dims[0]);
  for (guint64 row = 0; row < tensor->dims[1]; row++)
    {
      guint64 from = rewrite->source_row (tensor, row, rewrite->user_data);
      if (!engine_gguf_writer_write (rewrite->writer, source->data + from * row_bytes, row_bytes,
                                     error))
        return FALSE;
    }
  return TRUE;
}

static gboolean write_tensor (EngineRewrite *rewrite, const EngineRewriteTensor *tensor,
                              EnginePool *pool, EngineFileProgress *progress, guint64 *done,
                              GError **error)
{
  if (tensor->edited || tensor->type != tensor->source->type)
    return write_rows (rewrite, tensor, pool, progress, done, error);
  if (tensor->moved)
    return move_rows (rewrite, tensor, error);
  *done += tensor->source->n_bytes;
  return engine_gguf_writer_write (rewrite->writer, tensor->source->data, tensor->source->n_bytes,
                                   error)
         && engine_file_progress (progress, *done, engine_gguf_writer_data_bytes (rewrite->writer),
                                  error);
}

static gboolean add_tensors (EngineRewrite *rewrite, GError **error)
{
  for (guint i = 0; i < rewrite->tensors->len; i++)
    {
      const EngineRewriteTensor *tensor = g_ptr_array_index (rewrite->tensors, i);
      if (!engine_gguf_writer_add_tensor (rewrite->writer, tensor->name, tensor->type, tensor->dims,
                                          tensor->source->n_dims, error))
        return FALSE;
    }
  return TRUE;
}

/* A file that is mapped must not be replaced under the reader's hands. */
static gboolean check_target (const EngineRewrite *rewrite, const char *path, GError **error)
{
  g_autofree char *from = g_canonicalize_filename (engine_gguf_path (rewrite->source), NULL);
  g_autofree char *to = g_canonicalize_filename (path, NULL);
  if (strcmp (from, to) != 0)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
               "“%s” would be overwritten while it is read; name another file to write", path);
  return FALSE;
}

gboolean engine_rewrite_run (EngineRewrite *rewrite, const char *path,
                             EngineFileProgress *progress, GError **error)
{
  if (!check_target (rewrite, path, error))
    return FALSE;
  for (gsize i = 0; i < engine_gguf_n_keys (rewrite->source); i++)
    if (!g_hash_table_contains (rewrite->own_keys, engine_gguf_key_name (rewrite->source, i)))
      engine_gguf_writer_copy_key (rewrite->writer, rewrite->source, i);
  if (!add_tensors (rewrite, error) || !engine_gguf_writer_begin (rewrite->writer, path, error))
    return FALSE;

  EnginePool *pool = engine_pool_new (engine_n_processors ());
  guint64 done = 0;
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < rewrite->tensors->len; i++)
    ok = write_tensor (rewrite, g_ptr_array_index (rewrite->tensors, i), pool, progress, &done,
                       error);
  engine_pool_free (pool);
  return ok && engine_gguf_writer_commit (rewrite->writer, error);
}

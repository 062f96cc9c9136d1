/* Makes an adapter part of the model: a new file with W + scale · B·A in place of W, in the types
 * that the file had. */
#include "engine/adapter-private.h"
#include "engine/rewrite-private.h"

typedef struct
{
  EngineAdapter *const *adapters;
  const float *scales;
  gsize n;
} Merge;

static const EngineAdapterPair *find_pair (const EngineAdapter *adapter,
                                           const EngineGgufTensor *tensor)
{
  for (guint i = 0; i < adapter->pairs->len; i++)
    if (g_array_index (adapter->pairs, EngineAdapterPair, i).tensor == tensor)
      return &g_array_index (adapter->pairs, EngineAdapterPair, i);
  return NULL;
}

static void merge_row (const EngineRewriteTensor *tensor, guint64 row, float *ret_values,
                       gpointer user_data)
{
  const Merge *merge = user_data;
  const EngineGgufTensor *source = tensor->source;
  gsize n_cols = source->dims[0];
  engine_type_info (source->type)
      ->dequantise (source->data + source->n_bytes / source->dims[1] * row, n_cols, ret_values);
  for (gsize i = 0; i < merge->n; i++)
    {
      const EngineAdapterPair *pair = find_pair (merge->adapters[i], source);
      for (gsize r = 0; pair && r < pair->rank; r++)
        engine_kernels ()->axpy (merge->scales[i] * pair->b[row * pair->rank + r],
                                 pair->a + r * n_cols, n_cols, ret_values);
    }
}

gboolean engine_adapt_file (EngineModel *model, EngineAdapter *const *adapters, const float *scales,
                            gsize n_adapters, const char *gguf_path, EngineFetchProgress progress,
                            gpointer user_data, GError **error)
{
  Merge merge = { adapters, scales, n_adapters };
  EngineRewrite rewrite;
  EngineFileProgress reporter
      = { .func = progress, .user_data = user_data, .name = model->name, .step = "merging" };
  engine_rewrite_init (&rewrite, model->gguf);
  rewrite.row = merge_row;
  rewrite.user_data = &merge;
  for (gsize i = 0; i < engine_gguf_n_tensors (model->gguf); i++)
    {
      EngineRewriteTensor *tensor
          = engine_rewrite_add (&rewrite, engine_gguf_tensor (model->gguf, i));
      for (gsize j = 0; j < n_adapters; j++)
        tensor->edited |= find_pair (adapters[j], tensor->source) != NULL;
    }
  gboolean ok = engine_rewrite_run (&rewrite, gguf_path, &reporter, error);
  engine_rewrite_clear (&rewrite);
  return ok;
}

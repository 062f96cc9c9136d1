/* Writes a model again with its weights in fewer bits.
 *
 * A model file comes in, with texts of the kind it will read if there are any; a file goes out that
 * is a half to a seventh of the size and that other programs load, too. What each tensor becomes is
 * decided in quantise-types.c, which of its columns matter is measured in importance.c, the rounding
 * is quant-encode.c and the file rewrite.c: here they meet. */
#include "engine/quantise-private.h"

#include <string.h>

#include "engine/importance-private.h"
#include "engine/rewrite-private.h"

/* Of rounding rules that never changed since: what llama.cpp expects in quantised files. */
#define QUANTIZATION_VERSION 2

/* Importance of a tensor's matrices one after the other: [n_matrices, n_cols], or NULL when nothing
 * is known of one of them. */
static float *importance_of (const EngineImportance *importance, const EngineGgufTensor *tensor)
{
  gsize n_cols = tensor->dims[0], n = tensor->dims[2];
  g_autofree float *all = g_new (float, n *n_cols);
  for (gsize i = 0; i < n; i++)
    {
      const float *one = engine_importance_find (importance, tensor->data + tensor->n_bytes / n * i);
      if (one == NULL && n == 1)
        return NULL;
      for (gsize j = 0; j < n_cols; j++)
        all[i * n_cols + j] = one ? one[j] : 1;
    }
  return g_steal_pointer (&all);
}

static void plan (EngineRewrite *rewrite, const EngineModel *model, const EngineMixture *mixture,
                  const EngineImportance *importance, GPtrArray *kept)
{
  const EngineMixtureContext context
      = { .mixture = mixture,
          .n_layer = model->hyper.n_layer,
          .n_head_per_kv = model->hyper.n_head / MAX (model->hyper.n_head_kv, 1),
          .tied = !model->arch->bidirectional
                  && engine_gguf_find_tensor (model->gguf, "output.weight") == NULL,
          .has_importance = importance != NULL };
  engine_rewrite_set_uint (rewrite, "general.file_type", mixture->file_type);
  engine_rewrite_set_uint (rewrite, "general.quantization_version", QUANTIZATION_VERSION);
  for (gsize i = 0; i < engine_gguf_n_tensors (model->gguf); i++)
    {
      EngineRewriteTensor *tensor
          = engine_rewrite_add (rewrite, engine_gguf_tensor (model->gguf, i));
      tensor->type = engine_mixture_type (&context, tensor->source);
      if (importance)
        {
          float *columns = importance_of (importance, tensor->source);
          tensor->importance = columns;
          g_ptr_array_add (kept, columns);
        }
    }
}

gboolean engine_quantise_file (EngineModel *model, const char *gguf_path, const char *type,
                               const EngineImportance *importance, EngineFetchProgress progress,
                               gpointer user_data, GError **error)
{
  const EngineMixture *mixture = engine_mixture_find (type);
  if (mixture == NULL)
    {
      g_autofree char *known = engine_mixture_list ();
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT, "the type should be one of %s, not “%s”",
                   known, type);
      return FALSE;
    }
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  EngineRewrite rewrite;
  EngineFileProgress reporter
      = { .func = progress, .user_data = user_data, .name = model->name, .step = "quantising" };
  engine_rewrite_init (&rewrite, model->gguf);
  plan (&rewrite, model, mixture, importance, kept);
  gboolean ok = engine_rewrite_run (&rewrite, gguf_path, &reporter, error);
  engine_rewrite_clear (&rewrite);
  return ok;
}

/* Teaches a model something at run time: a language pack, a house style, a trade.
 *
 * A LoRA adapter (Hu et al. 2021) holds for some of the model's matrices two thin ones, so that the
 * model computes W·x + scale · B·(A·x). The model's own file stays as it is and is shared: adapters
 * are a few megabytes beside it, several can be used at once, and a session changes them between
 * two requests. Whatever belongs to another base is refused, for its effect would be noise: the
 * architecture, every tensor's name and every shape must fit. */
#include "engine/adapter-private.h"

#include <math.h>
#include <string.h>

#define MAX_RANK 4096

/* What is added to one matrix of the forward pass: some rows of a pair. */
typedef struct
{
  const EngineAdapterPair *pair;
  gsize first_row;
} Part;

gboolean engine_adapter_refuse (const EngineAdapter *adapter, GError **error, const char *format,
                                ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "the adapter “%s” cannot be used with “%s”: %s", adapter->path,
               adapter->model->info.path, what);
  return FALSE;
}

/* ---- Pairs ---------------------------------------------------------------------------------- */

static void pair_clear (gpointer data)
{
  EngineAdapterPair *pair = data;
  g_free (pair->a);
  g_free (pair->b);
}

static gboolean is_there (const EngineAdapter *adapter, const EngineGgufTensor *tensor)
{
  for (guint i = 0; i < adapter->pairs->len; i++)
    if (g_array_index (adapter->pairs, EngineAdapterPair, i).tensor == tensor)
      return TRUE;
  return FALSE;
}

EngineAdapterPair *engine_adapter_add_pair (EngineAdapter *adapter, const char *name, gsize rank,
                                            gsize n_cols, gsize n_rows, GError **error)
{
  const EngineGgufTensor *tensor = engine_gguf_find_tensor (adapter->model->gguf, name);
  if (tensor == NULL)
    {
      engine_adapter_refuse (adapter, error, "the model has no tensor “%s”; it was made for another",
                             name);
      return NULL;
    }
  if (tensor->dims[0] != n_cols || tensor->dims[1] != n_rows || tensor->dims[2] != 1 || rank == 0
      || rank > MAX_RANK)
    {
      engine_adapter_refuse (adapter, error,
                             "it changes “%s” [%" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
                             "] as if it were [%" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
                             "] at rank %" G_GSIZE_FORMAT "; it was made for another model",
                             name, tensor->dims[0], tensor->dims[1], n_cols, n_rows, rank);
      return NULL;
    }
  if (is_there (adapter, tensor))
    {
      engine_adapter_refuse (adapter, error, "it changes “%s” twice", name);
      return NULL;
    }
  EngineAdapterPair pair = { .tensor = tensor,
                             .rank = rank,
                             .a = g_new (float, rank * n_cols),
                             .b = g_new (float, n_rows * rank) };
  g_array_append_val (adapter->pairs, pair);
  return &g_array_index (adapter->pairs, EngineAdapterPair, adapter->pairs->len - 1);
}

/* ---- GGUF ----------------------------------------------------------------------------------- */

static gboolean key_is (const EngineGguf *gguf, const char *key, const char *wanted)
{
  EngineGgufString value;
  return engine_gguf_get_string (gguf, key, &value) && value.length == strlen (wanted)
         && memcmp (value.data, wanted, value.length) == 0;
}

static void read_floats (const EngineGgufTensor *tensor, float factor, float *ret_values)
{
  gsize n = tensor->dims[0] * tensor->dims[1];
  engine_type_info (tensor->type)->dequantise (tensor->data, n, ret_values);
  for (gsize i = 0; i < n; i++)
    ret_values[i] *= factor;
}

/* TENSOR is NAME.lora_a; its partner stands beside it. */
static gboolean read_gguf_pair (EngineAdapter *adapter, const EngineGguf *gguf,
                                const EngineGgufTensor *a, double alpha, GError **error)
{
  g_autofree char *name = g_strndup (a->name.data, a->name.length - strlen (".lora_a"));
  g_autofree char *partner = g_strconcat (name, ".lora_b", NULL);
  const EngineGgufTensor *b = engine_gguf_find_tensor (gguf, partner);
  if (b == NULL || b->dims[0] != a->dims[1])
    return engine_adapter_refuse (adapter, error, "its tensor “%s” is missing or does not fit “%s”",
                                  partner, a->name.data);
  EngineAdapterPair *pair
      = engine_adapter_add_pair (adapter, name, a->dims[1], a->dims[0], b->dims[1], error);
  if (pair == NULL)
    return FALSE;
  read_floats (a, 1, pair->a);
  read_floats (b, alpha != 0 ? (float)(alpha / pair->rank) : 1, pair->b);
  return TRUE;
}

static gboolean read_gguf (EngineAdapter *adapter, GError **error)
{
  g_autoptr (EngineGguf) gguf = engine_gguf_open (adapter->path, error);
  double alpha = 0;
  if (gguf == NULL)
    return FALSE;
  if (!key_is (gguf, "general.type", "adapter") || !key_is (gguf, "adapter.type", "lora"))
    return engine_adapter_refuse (adapter, error, "it is no LoRA adapter");
  if (!key_is (gguf, "general.architecture", adapter->model->arch->name))
    return engine_adapter_refuse (adapter, error, "it was made for another architecture than %s",
                                  adapter->model->arch->name);
  engine_gguf_get_float (gguf, "adapter.lora.alpha", &alpha);
  for (gsize i = 0; i < engine_gguf_n_tensors (gguf); i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (gguf, i);
      if (g_str_has_suffix (tensor->name.data, ".lora_a"))
        {
          if (!read_gguf_pair (adapter, gguf, tensor, alpha, error))
            return FALSE;
        }
      else if (!g_str_has_suffix (tensor->name.data, ".lora_b"))
        return engine_adapter_refuse (adapter, error, "its tensor “%s” is not supported",
                                      tensor->name.data);
    }
  return TRUE;
}

/* ---- Binding -------------------------------------------------------------------------------- */

/* Fused tensors are several matrices of the forward pass. Returns whether LINEAR lies in PAIR's. */
static gboolean bind_linear (EngineAdapter *adapter, const EngineAdapterPair *pair,
                             const EngineLinear *linear)
{
  const guint8 *begin = pair->tensor->data;
  if (linear->w.data == NULL || linear->w.data < begin
      || linear->w.data >= begin + pair->tensor->n_bytes)
    return FALSE;
  Part *part = g_new (Part, 1);
  *part = (Part){ pair, (linear->w.data - begin) / linear->w.row_bytes };
  g_hash_table_insert (adapter->parts, (gpointer)linear->w.data, part);
  return TRUE;
}

static gboolean bind_pair (EngineAdapter *adapter, const EngineAdapterPair *pair, GError **error)
{
  const EngineWeights *weights = &adapter->model->weights;
  gboolean bound = FALSE, is_table = pair->tensor->data == weights->token_embd.data;
  if (!is_table)
    bound = bind_linear (adapter, pair, &weights->output);
  for (guint il = 0; il < adapter->model->hyper.n_layer; il++)
    {
      const EngineLayer *layer = &weights->layers[il];
      const EngineLinear *const all[] = { &layer->q,    &layer->k,  &layer->v,   &layer->output,
                                          &layer->gate, &layer->up, &layer->down };
      for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
        bound |= bind_linear (adapter, pair, all[i]);
    }
  return bound
         || engine_adapter_refuse (adapter, error, "changes of “%s” are not supported",
                                   pair->tensor->name.data);
}

static gboolean all_finite (const EngineAdapterPair *pair)
{
  gsize n_a = pair->rank * pair->tensor->dims[0], n_b = pair->rank * pair->tensor->dims[1];
  for (gsize i = 0; i < n_a; i++)
    if (!isfinite (pair->a[i]))
      return FALSE;
  for (gsize i = 0; i < n_b; i++)
    if (!isfinite (pair->b[i]))
      return FALSE;
  return TRUE;
}

static gboolean bind (EngineAdapter *adapter, GError **error)
{
  if (adapter->pairs->len == 0)
    return engine_adapter_refuse (adapter, error, "there is nothing in it");
  for (guint i = 0; i < adapter->pairs->len; i++)
    {
      const EngineAdapterPair *pair = &g_array_index (adapter->pairs, EngineAdapterPair, i);
      if (!all_finite (pair))
        return engine_adapter_refuse (adapter, error, "what it adds to “%s” are no numbers",
                                      pair->tensor->name.data);
      if (!bind_pair (adapter, pair, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- Life ----------------------------------------------------------------------------------- */

EngineAdapter *engine_adapter_open (EngineModel *model, const char *path, GError **error)
{
  g_autoptr (EngineAdapter) adapter = g_new0 (EngineAdapter, 1);
  g_atomic_ref_count_init (&adapter->ref_count);
  adapter->model = engine_model_ref (model);
  adapter->path = g_strdup (path);
  adapter->pairs = g_array_new (FALSE, FALSE, sizeof (EngineAdapterPair));
  g_array_set_clear_func (adapter->pairs, pair_clear);
  adapter->parts = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  gboolean peft
      = g_file_test (path, G_FILE_TEST_IS_DIR) || g_str_has_suffix (path, ".safetensors");
  if (!(peft ? engine_adapter_read_peft (adapter, error) : read_gguf (adapter, error))
      || !bind (adapter, error))
    return NULL;
  return g_steal_pointer (&adapter);
}

/* "german.gguf=0.5" → the path and 0.5. What follows the last "=" counts only when it is a
 * number. */
static char *split_scale (const char *name, float *ret_scale)
{
  const char *mark = strrchr (name, '=');
  char *end = NULL;
  double scale = mark != NULL ? g_ascii_strtod (mark + 1, &end) : 1;
  gboolean named = mark != NULL && end != mark + 1 && *end == '\0' && scale > -100 && scale < 100;
  *ret_scale = named ? (float)scale : 1;
  return named ? g_strndup (name, (gsize)(mark - name)) : g_strdup (name);
}

gboolean engine_adapters_open (EngineModel *model, const char *const *names,
                               GPtrArray **ret_adapters, GArray **ret_scales, GError **error)
{
  g_autoptr (GPtrArray) adapters
      = g_ptr_array_new_with_free_func ((GDestroyNotify)engine_adapter_unref);
  g_autoptr (GArray) scales = g_array_new (FALSE, FALSE, sizeof (float));
  for (; *names != NULL; names++)
    {
      float scale;
      g_autofree char *path = split_scale (*names, &scale);
      EngineAdapter *adapter = engine_adapter_open (model, path, error);
      if (adapter == NULL)
        return FALSE;
      g_ptr_array_add (adapters, adapter);
      g_array_append_val (scales, scale);
    }
  *ret_adapters = g_steal_pointer (&adapters);
  *ret_scales = g_steal_pointer (&scales);
  return TRUE;
}

EngineAdapter *engine_adapter_ref (EngineAdapter *adapter)
{
  g_atomic_ref_count_inc (&adapter->ref_count);
  return adapter;
}

void engine_adapter_unref (EngineAdapter *adapter)
{
  if (adapter == NULL || !g_atomic_ref_count_dec (&adapter->ref_count))
    return;
  g_hash_table_unref (adapter->parts);
  g_array_unref (adapter->pairs);
  engine_model_unref (adapter->model);
  g_free (adapter->path);
  g_free (adapter);
}

/* ---- Use ------------------------------------------------------------------------------------ */

static EngineMatrix float_matrix (const float *values, gsize n_rows, gsize n_cols)
{
  return (EngineMatrix){ .type = ENGINE_TYPE_F32,
                         .n_rows = n_rows,
                         .n_cols = n_cols,
                         .row_bytes = n_cols * sizeof (float),
                         .data = (const guint8 *)values };
}

static void apply_part (EnginePool *pool, const Part *part, float scale, gsize n_rows,
                        const float *x, gsize x_stride, gsize n_tokens, float *y, gsize y_stride)
{
  gsize rank = part->pair->rank;
  EngineMatrix a = float_matrix (part->pair->a, rank, part->pair->tensor->dims[0]);
  EngineMatrix b = float_matrix (part->pair->b + part->first_row * rank, n_rows, rank);
  g_autofree float *inner = g_new (float, n_tokens *(rank + n_rows));
  float *added = inner + n_tokens * rank;
  engine_matmul (pool, &a, NULL, x, x_stride, n_tokens, inner, rank);
  engine_matmul (pool, &b, NULL, inner, rank, n_tokens, added, n_rows);
  for (gsize t = 0; t < n_tokens; t++)
    engine_kernels ()->axpy (scale, added + t * n_rows, n_rows, y + t * y_stride);
}

void engine_adapters_apply (EngineGraph *graph, const EngineMatrix *w, const float *x,
                            gsize x_stride, gsize n_tokens, float *y, gsize y_stride)
{
  for (gsize i = 0; i < graph->n_adapters; i++)
    {
      const Part *part = g_hash_table_lookup (graph->adapters[i]->parts, w->data);
      if (part)
        apply_part (graph->pool, part, graph->adapter_scales[i], w->n_rows, x, x_stride, n_tokens,
                    y, y_stride);
    }
}

/* Finds a model's weights in its file and checks every shape.
 *
 * Tensors of a GGUF file come in, views go out; nothing is copied. Each tensor that the family
 * needs must be there in exactly the shape that the model's numbers demand, so that nothing past
 * this file has to doubt a size. And each tensor in the file must have been asked for: a bias or a
 * norm that is silently ignored gives answers that are wrong and look right. */
#include "engine/model-private.h"

#include <string.h>

typedef struct
{
  const EngineGguf *gguf;
  const EngineArch *arch;
  const EngineHyper *hyper;
  GHashTable *used; /* of EngineGgufTensor* */
  char prefix[32];  /* "blk.7.", or empty */
  GError *error;    /* the first */
} Binder;

/* ---- Lookup --------------------------------------------------------------------------------- */

static G_GNUC_PRINTF (2, 3) void refuse (Binder *binder, const char *format, ...)
{
  va_list args;
  if (binder->error)
    return;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (&binder->error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "“%s” cannot be used as %s: %s", engine_gguf_path (binder->gguf), binder->arch->name,
               what);
}

static char *shape_to_string (const EngineGgufTensor *tensor)
{
  GString *shape = g_string_new ("[");
  for (guint i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (shape, "%s%" G_GUINT64_FORMAT, i ? ", " : "", tensor->dims[i]);
  g_string_append_c (shape, ']');
  return g_string_free (shape, FALSE);
}

static const EngineGgufTensor *lookup (Binder *binder, const char *name, const char *suffix)
{
  g_autofree char *full = g_strconcat (binder->prefix, name, suffix, NULL);
  const EngineGgufTensor *tensor = engine_gguf_find_tensor (binder->gguf, full);
  if (tensor)
    g_hash_table_add (binder->used, (gpointer)tensor);
  return tensor;
}

static gboolean has_tensor (Binder *binder, const char *name)
{
  g_autofree char *full = g_strconcat (binder->prefix, name, ".weight", NULL);
  return engine_gguf_find_tensor (binder->gguf, full) != NULL;
}

/* A vector of N floats; vectors are never quantised. */
static const float *vector (Binder *binder, const char *name, const char *suffix, gsize n,
                            gboolean required)
{
  const EngineGgufTensor *tensor = lookup (binder, name, suffix);
  if (tensor == NULL)
    {
      if (required)
        refuse (binder, "tensor “%s%s%s” [%" G_GSIZE_FORMAT "] is missing", binder->prefix, name,
                suffix, n);
      return NULL;
    }
  g_autofree char *found = shape_to_string (tensor);
  if (tensor->dims[0] != n || tensor->dims[1] != 1 || tensor->dims[2] != 1 || tensor->dims[3] != 1)
    refuse (binder, "tensor “%s” should be [%" G_GSIZE_FORMAT "] and is %s", tensor->name.data, n,
            found);
  else if (tensor->type != ENGINE_TYPE_F32)
    refuse (binder, "tensor “%s” should be of type F32 and is %s", tensor->name.data,
            engine_type_info (tensor->type)->name);
  return (const float *)(gconstpointer)tensor->data;
}

static char *wanted_shape (gsize n_cols, gsize n_rows, gsize depth)
{
  const EngineGgufTensor wanted
      = { .n_dims = depth > 1 ? 3 : 2, .dims = { n_cols, n_rows, depth } };
  return shape_to_string (&wanted);
}

/* DEPTH matrices of [n_rows, n_cols], one after the other, as one of depth · n_rows rows. */
static EngineMatrix stack (Binder *binder, const char *name, gsize n_rows, gsize n_cols,
                           gsize depth, gboolean required)
{
  const EngineMatrix none = { 0 };
  const EngineGgufTensor *tensor = lookup (binder, name, ".weight");
  if (tensor == NULL && !required)
    return none;
  g_autofree char *wanted = wanted_shape (n_cols, n_rows, depth);
  if (tensor == NULL)
    {
      refuse (binder, "tensor “%s%s.weight” %s is missing", binder->prefix, name, wanted);
      return none;
    }
  if (tensor->dims[0] != n_cols || tensor->dims[1] != n_rows || tensor->dims[2] != depth
      || tensor->dims[3] != 1)
    {
      g_autofree char *found = shape_to_string (tensor);
      refuse (binder, "tensor “%s” should be %s and is %s", tensor->name.data, wanted, found);
      return none;
    }
  const EngineTypeInfo *info = engine_type_info (tensor->type);
  return (EngineMatrix){ .type = tensor->type,
                         .n_rows = n_rows * depth,
                         .n_cols = n_cols,
                         .row_bytes = n_cols / info->block_elements * info->block_bytes,
                         .data = tensor->data };
}

static EngineMatrix matrix (Binder *binder, const char *name, gsize n_rows, gsize n_cols,
                            gboolean required)
{
  return stack (binder, name, n_rows, n_cols, 1, required);
}

/* Biases are optional everywhere: files of one family differ in them. */
static EngineLinear linear (Binder *binder, const char *name, gsize n_rows, gsize n_cols,
                            gboolean required)
{
  EngineLinear linear = { .w = matrix (binder, name, n_rows, n_cols, required) };
  if (linear.w.data)
    linear.bias = vector (binder, name, ".bias", n_rows, FALSE);
  return linear;
}

static EngineNorm norm (Binder *binder, const char *name, gboolean required)
{
  gsize n = binder->hyper->n_embd;
  EngineNorm norm = { .weight = vector (binder, name, ".weight", n, required) };
  if (norm.weight && binder->arch->norm == ENGINE_NORM_LAYER)
    norm.bias = vector (binder, name, ".bias", n, FALSE);
  return norm;
}

EngineMatrix engine_matrix_slice (const EngineMatrix *w, gsize first_row, gsize n_rows)
{
  EngineMatrix slice = *w;
  slice.n_rows = n_rows;
  slice.data = w->data + first_row * w->row_bytes;
  return slice;
}

static EngineLinear slice (const EngineLinear *fused, gsize first_row, gsize n_rows)
{
  return (EngineLinear){ .w = engine_matrix_slice (&fused->w, first_row, n_rows),
                         .bias = fused->bias ? fused->bias + first_row : NULL };
}

/* ---- Layers --------------------------------------------------------------------------------- */

static void bind_attention (Binder *binder, EngineLayer *layer)
{
  const EngineHyper *hyper = binder->hyper;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  gsize n_kv = (gsize)hyper->n_head_kv * hyper->head_dim;
  if (has_tensor (binder, "attn_qkv"))
    {
      EngineLinear fused = linear (binder, "attn_qkv", n_q + 2 * n_kv, hyper->n_embd, TRUE);
      layer->q = slice (&fused, 0, n_q);
      layer->k = slice (&fused, n_q, n_kv);
      layer->v = slice (&fused, n_q + n_kv, n_kv);
    }
  else
    {
      layer->q = linear (binder, "attn_q", n_q, hyper->n_embd, TRUE);
      layer->k = linear (binder, "attn_k", n_kv, hyper->n_embd, TRUE);
      layer->v = linear (binder, "attn_v", n_kv, hyper->n_embd, TRUE);
    }
  if (binder->arch->norms_heads)
    {
      layer->q_norm = vector (binder, "attn_q_norm", ".weight", hyper->head_dim, TRUE);
      layer->k_norm = vector (binder, "attn_k_norm", ".weight", hyper->head_dim, TRUE);
    }
  layer->output = linear (binder, "attn_output", hyper->n_embd, n_q, TRUE);
}

static void bind_experts (Binder *binder, EngineLayer *layer)
{
  const EngineHyper *hyper = binder->hyper;
  gsize n_embd = hyper->n_embd, n_expert = hyper->n_expert, n_shared = hyper->n_ff_shared;
  layer->router = matrix (binder, "ffn_gate_inp", n_expert, n_embd, TRUE);
  layer->gate_experts = stack (binder, "ffn_gate_exps", layer->n_ff, n_embd, n_expert, TRUE);
  layer->up_experts = stack (binder, "ffn_up_exps", layer->n_ff, n_embd, n_expert, TRUE);
  layer->down_experts = stack (binder, "ffn_down_exps", n_embd, layer->n_ff, n_expert, TRUE);
  if (n_shared == 0)
    return;
  layer->gate.w = matrix (binder, "ffn_gate_shexp", n_shared, n_embd, TRUE);
  layer->up.w = matrix (binder, "ffn_up_shexp", n_shared, n_embd, TRUE);
  layer->down.w = matrix (binder, "ffn_down_shexp", n_embd, n_shared, TRUE);
}

static void bind_feed_forward (Binder *binder, EngineLayer *layer)
{
  gsize n_embd = binder->hyper->n_embd, n_ff = layer->n_ff;
  switch (binder->arch->ffn)
    {
    case ENGINE_FFN_EXPERTS:
      bind_experts (binder, layer);
      return;
    case ENGINE_FFN_FUSED:
      {
        EngineLinear fused = linear (binder, "ffn_up", 2 * n_ff, n_embd, TRUE);
        layer->gate = slice (&fused, 0, n_ff);
        layer->up = slice (&fused, n_ff, n_ff);
        break;
      }
    case ENGINE_FFN_GATED:
      layer->gate = linear (binder, "ffn_gate", n_ff, n_embd, TRUE);
      layer->up = linear (binder, "ffn_up", n_ff, n_embd, TRUE);
      break;
    case ENGINE_FFN_PLAIN:
      layer->up = linear (binder, "ffn_up", n_ff, n_embd, TRUE);
      break;
    }
  layer->down = linear (binder, "ffn_down", n_embd, n_ff, TRUE);
}

static void bind_norms (Binder *binder, EngineLayer *layer, guint il)
{
  switch (binder->arch->block)
    {
    case ENGINE_BLOCK_SANDWICH:
      layer->post_attn_norm = norm (binder, "post_attention_norm", TRUE);
      layer->post_ffn_norm = norm (binder, "post_ffw_norm", TRUE);
      G_GNUC_FALLTHROUGH;
    case ENGINE_BLOCK_PRE_NORM:
      layer->attn_norm = norm (binder, "attn_norm", !(binder->arch->first_layer_bare && il == 0));
      layer->ffn_norm = norm (binder, "ffn_norm", TRUE);
      break;
    case ENGINE_BLOCK_PARALLEL:
      layer->attn_norm = norm (binder, "attn_norm", TRUE);
      break;
    case ENGINE_BLOCK_POST_NORM:
      layer->attn_output_norm = norm (binder, "attn_output_norm", TRUE);
      layer->layer_output_norm = norm (binder, "layer_output_norm", TRUE);
      break;
    }
}

static void bind_layer (Binder *binder, EngineLayer *layer, guint il)
{
  const EngineHyper *hyper = binder->hyper;
  g_snprintf (binder->prefix, sizeof binder->prefix, "blk.%u.", il);
  gboolean windowed = engine_hyper_layer_is_windowed (binder->gguf, binder->arch, hyper, il);
  layer->window = windowed ? hyper->window : 0;
  layer->local_rope = windowed && binder->arch->local_rope;
  layer->n_ff = engine_hyper_layer_n_ff (binder->gguf, binder->arch, il);
  bind_norms (binder, layer, il);
  bind_attention (binder, layer);
  bind_feed_forward (binder, layer);
  binder->prefix[0] = '\0';
}

/* ---- Ends ----------------------------------------------------------------------------------- */

/* Both ends of an encoder: what the embeddings of a token are the sum of, and what follows
 * pooling. */
static void bind_encoder_ends (Binder *binder, EngineWeights *weights)
{
  const EngineHyper *hyper = binder->hyper;
  const EngineArch *arch = binder->arch;
  if (arch->lookup_only)
    return;
  if (arch->rope == ENGINE_ROPE_NONE)
    weights->position_embd
        = matrix (binder, "position_embd", hyper->n_ctx_train, hyper->n_embd, TRUE);
  const EngineGgufTensor *types = lookup (binder, "token_types", ".weight");
  if (types)
    weights->token_types
        = matrix (binder, "token_types", MIN (types->dims[1], 256), hyper->n_embd, FALSE);
  weights->embd_norm = norm (binder, "token_embd_norm", arch->norm == ENGINE_NORM_LAYER);
  const EngineGgufTensor *dense = lookup (binder, "dense_2", ".weight");
  if (dense)
    {
      gsize n_inner = MIN (dense->dims[1], 1u << 20);
      weights->dense_2 = matrix (binder, "dense_2", n_inner, hyper->n_embd, TRUE);
      weights->dense_3 = matrix (binder, "dense_3", hyper->n_embd, n_inner, TRUE);
    }
}

/* The score of a pair is classifier (tanh (pooler (x of the first token))). Converters that drop
 * the pooler of a BERT model leave a file whose scores mean nothing. */
static void bind_reranker (Binder *binder, EngineWeights *weights)
{
  gsize n_embd = binder->hyper->n_embd;
  if (strcmp (binder->arch->name, "bert") != 0)
    refuse (binder, "rerankers are supported for the architecture bert only");
  weights->classifier = linear (binder, "cls.output", 1, n_embd, TRUE);
  if (!has_tensor (binder, "cls"))
    refuse (binder,
            "this reranker has lost its pooler (tensor “cls.weight” [%" G_GSIZE_FORMAT
            ", %" G_GSIZE_FORMAT "]), without which its scores mean nothing; convert it again "
            "from the original with the pooler",
            n_embd, n_embd);
  weights->pooler = linear (binder, "cls", n_embd, n_embd, TRUE);
}

static void bind_rope_factors (Binder *binder, EngineWeights *weights)
{
  gsize n = binder->hyper->rope.n_rot / 2;
  if (n == 0)
    return;
  weights->rope_freqs = vector (binder, "rope_freqs", ".weight", n, FALSE);
  weights->rope_long = vector (binder, "rope_factors_long", ".weight", n, FALSE);
  weights->rope_short
      = vector (binder, "rope_factors_short", ".weight", n, weights->rope_long != NULL);
  if (weights->rope_short && !weights->rope_long)
    refuse (binder, "tensor “rope_factors_long.weight” is missing beside the short ones");
}

static void bind_ends (Binder *binder, EngineWeights *weights)
{
  const EngineHyper *hyper = binder->hyper;
  weights->token_embd = matrix (binder, "token_embd", hyper->n_vocab, hyper->n_embd, TRUE);
  bind_rope_factors (binder, weights);
  if (binder->arch->block != ENGINE_BLOCK_POST_NORM)
    weights->output_norm = norm (binder, "output_norm", TRUE);
  if (binder->arch->bidirectional)
    bind_encoder_ends (binder, weights);
  else
    {
      weights->output = linear (binder, "output", hyper->n_vocab, hyper->n_embd, FALSE);
      if (weights->output.w.data == NULL)
        weights->output.w = weights->token_embd;
    }
  if (hyper->pooling == ENGINE_POOLING_RANK)
    bind_reranker (binder, weights);
}

/* Divisors of frequencies: a zero or a NaN would poison every position. */
static void check_rope_factors (Binder *binder, const float *factors)
{
  for (guint i = 0; factors && !binder->error && i < binder->hyper->rope.n_rot / 2; i++)
    if (!(factors[i] > 0 && factors[i] < 1e9f))
      refuse (binder, "a rope factor is %g, which should be positive", (double)factors[i]);
}

static void check_all_used (Binder *binder)
{
  for (gsize i = 0; i < engine_gguf_n_tensors (binder->gguf) && !binder->error; i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (binder->gguf, i);
      if (!g_hash_table_contains (binder->used, tensor))
        refuse (binder,
                "tensor “%s” has no place in this architecture as it is supported here, and "
                "leaving it out would give wrong results",
                tensor->name.data);
    }
}

gboolean engine_weights_bind (const EngineGguf *gguf, const EngineArch *arch,
                              const EngineHyper *hyper, EngineWeights *ret_weights, GError **error)
{
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);
  Binder binder = { .gguf = gguf, .arch = arch, .hyper = hyper, .used = used };
  EngineWeights weights = { .layers = g_new0 (EngineLayer, hyper->n_layer) };
  bind_ends (&binder, &weights);
  for (guint il = 0; il < hyper->n_layer && !binder.error; il++)
    bind_layer (&binder, &weights.layers[il], il);
  if (!binder.error)
    {
      check_rope_factors (&binder, weights.rope_freqs);
      check_rope_factors (&binder, weights.rope_long);
      check_rope_factors (&binder, weights.rope_short);
      check_all_used (&binder);
    }
  if (binder.error)
    {
      g_propagate_error (error, binder.error);
      engine_weights_clear (&weights);
      return FALSE;
    }
  *ret_weights = weights;
  return TRUE;
}

void engine_weights_clear (EngineWeights *weights)
{
  g_clear_pointer (&weights->layers, g_free);
}

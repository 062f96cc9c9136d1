/* Reads a model's numbers: how wide, how deep, how many heads, which scales.
 *
 * Keys of a GGUF file come in, a checked EngineHyper goes out. Defaults are those of the format
 * (engine-facts): a missing optional key means the family's usual value, a missing necessary key
 * or one out of bounds makes the file unsupported, with the key, what was expected and what was
 * found. The reader is sticky: after the first error nothing more is read, so that the code below
 * is a plain list of keys. */
#include "engine/model-private.h"

#include <math.h>
#include <string.h>

/* Bounds far above any model, so that products of two of them cannot overflow. */
#define MAX_LAYERS 1024
#define MAX_WIDTH (1u << 20)
#define MAX_HEAD_DIM 1024
#define MAX_POSITIONS (1u << 27)

typedef struct
{
  const EngineGguf *gguf;
  const EngineArch *arch;
  GError *error; /* the first */
} Reader;

static G_GNUC_PRINTF (3, 4) void refuse (Reader *reader, const char *key, const char *format, ...)
{
  va_list args;
  if (reader->error)
    return;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (&reader->error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "“%s” cannot be used: key “%s.%s” %s", engine_gguf_path (reader->gguf),
               reader->arch->name, key, what);
}

static char *full_key (Reader *reader, const char *key)
{
  return g_strconcat (reader->arch->name, ".", key, NULL);
}

/* A number, or an array that holds the same number for every layer. */
static gboolean find_uint (Reader *reader, const char *key, guint64 *ret_value)
{
  g_autofree char *full = full_key (reader, key);
  EngineGgufType type;
  gsize n;
  guint64 first, value;
  if (engine_gguf_get_uint (reader->gguf, full, ret_value))
    return TRUE;
  if (!engine_gguf_get_array (reader->gguf, full, &type, &n)
      || !engine_gguf_array_uint (reader->gguf, full, 0, &first))
    return FALSE;
  for (gsize i = 1; i < n; i++)
    if (!engine_gguf_array_uint (reader->gguf, full, i, &value) || value != first)
      {
        refuse (reader, key, "differs from layer to layer, which is not supported");
        return FALSE;
      }
  *ret_value = first;
  return TRUE;
}

static gboolean has_key (Reader *reader, const char *key)
{
  g_autofree char *full = full_key (reader, key);
  return engine_gguf_has_key (reader->gguf, full);
}

/* FALLBACK for an absent key; a number outside [MIN, MAX] is refused. */
static guint optional_uint (Reader *reader, const char *key, guint64 fallback, guint64 min,
                            guint64 max)
{
  guint64 value = fallback;
  if (!find_uint (reader, key, &value) && has_key (reader, key))
    refuse (reader, key, "is not a number that is zero or more");
  if (value < min || value > max)
    refuse (reader, key,
            "should be from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
            " and is %" G_GUINT64_FORMAT,
            min, max, value);
  return value;
}

static guint required_uint (Reader *reader, const char *key, guint64 min, guint64 max)
{
  if (!has_key (reader, key))
    refuse (reader, key, "is missing");
  return optional_uint (reader, key, min, min, max);
}

static float optional_float (Reader *reader, const char *key, double fallback, double min,
                             double max)
{
  g_autofree char *full = full_key (reader, key);
  double value = fallback;
  if (!engine_gguf_get_float (reader->gguf, full, &value) && has_key (reader, key))
    refuse (reader, key, "is not a number");
  if (!(value >= min && value <= max)) /* NaN too */
    refuse (reader, key, "should be from %g to %g and is %g", min, max, value);
  return value;
}

static gboolean optional_bool (Reader *reader, const char *key, gboolean fallback)
{
  g_autofree char *full = full_key (reader, key);
  gboolean value = fallback;
  if (!engine_gguf_get_bool (reader->gguf, full, &value) && has_key (reader, key))
    refuse (reader, key, "is neither true nor false");
  return value;
}

/* ---- Rope ----------------------------------------------------------------------------------- */

static EngineRopeScaling read_scaling (Reader *reader)
{
  g_autofree char *full = full_key (reader, "rope.scaling.type");
  EngineGgufString type;
  if (!engine_gguf_get_string (reader->gguf, full, &type))
    return has_key (reader, "rope.scaling.factor") ? ENGINE_SCALING_LINEAR : ENGINE_SCALING_NONE;
  g_autofree char *name = g_utf8_make_valid (type.data, MIN (type.length, 40));
  /* LongRoPE is all in its factor tensors and attn_factor. */
  if (strcmp (name, "none") == 0 || strcmp (name, "longrope") == 0)
    return ENGINE_SCALING_NONE;
  if (strcmp (name, "linear") == 0)
    return ENGINE_SCALING_LINEAR;
  if (strcmp (name, "yarn") == 0)
    return ENGINE_SCALING_YARN;
  refuse (reader, "rope.scaling.type", "should be none, linear, yarn or longrope and is “%s”",
          name);
  return ENGINE_SCALING_NONE;
}

static void read_rope (Reader *reader, EngineHyper *hyper)
{
  EngineRopeHyper *rope = &hyper->rope;
  rope->n_ctx_original = optional_uint (reader, "rope.scaling.original_context_length",
                                        hyper->n_ctx_train, 1, MAX_POSITIONS);
  if (reader->arch->rope == ENGINE_ROPE_NONE)
    return;
  rope->n_rot = optional_uint (reader, "rope.dimension_count", hyper->head_dim, 0, hyper->head_dim);
  if (rope->n_rot % 2 != 0)
    refuse (reader, "rope.dimension_count", "should be even and is %u", rope->n_rot);
  if (reader->arch->rope_needs_finetune && !optional_bool (reader, "rope.scaling.finetuned", TRUE))
    rope->n_rot = 0;
  rope->base = optional_float (reader, "rope.freq_base", 10000, 1, 1e12);
  rope->base_local = optional_float (reader, "rope.freq_base_swa", 10000, 1, 1e12);
  rope->scaling = read_scaling (reader);
  rope->factor = optional_float (reader, "rope.scaling.factor", 1, 0, 1e6);
  if (rope->factor == 0) /* some converters write 0 for none */
    rope->factor = 1;
  rope->attn_factor = optional_float (reader, "rope.scaling.attn_factor", 0, 0, 1e3);
  rope->yarn_beta_fast = optional_float (reader, "rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
  rope->yarn_beta_slow = optional_float (reader, "rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6);
  rope->yarn_log_multiplier
      = optional_float (reader, "rope.scaling.yarn_log_multiplier", 0, 0, 100);
  if (rope->scaling == ENGINE_SCALING_YARN && rope->base <= 1)
    refuse (reader, "rope.freq_base", "should be more than 1 for YaRN");
}

/* ---- Attention ------------------------------------------------------------------------------ */

static void read_heads (Reader *reader, EngineHyper *hyper)
{
  hyper->n_head = required_uint (reader, "attention.head_count", 1, 65536);
  hyper->n_head_kv
      = optional_uint (reader, "attention.head_count_kv", hyper->n_head, 1, hyper->n_head);
  if (reader->error)
    return;
  if (hyper->n_head % hyper->n_head_kv != 0)
    refuse (reader, "attention.head_count_kv", "is %u, which does not divide the %u heads",
            hyper->n_head_kv, hyper->n_head);
  if (!has_key (reader, "attention.key_length") && hyper->n_embd % hyper->n_head != 0)
    refuse (reader, "attention.head_count", "is %u, which does not divide the width %u",
            hyper->n_head, hyper->n_embd);
  hyper->head_dim = optional_uint (reader, "attention.key_length", hyper->n_embd / hyper->n_head, 1,
                                   MAX_HEAD_DIM);
  guint value_length
      = optional_uint (reader, "attention.value_length", hyper->head_dim, 1, MAX_HEAD_DIM);
  if (value_length != hyper->head_dim)
    refuse (reader, "attention.value_length", "should equal the key length %u and is %u",
            hyper->head_dim, value_length);
}

static void read_attention (Reader *reader, EngineHyper *hyper)
{
  const EngineArch *arch = reader->arch;
  hyper->causal = optional_bool (reader, "attention.causal", !arch->bidirectional);
  if (hyper->causal == arch->bidirectional)
    refuse (reader, "attention.causal", "should be %s for this architecture",
            arch->bidirectional ? "false" : "true");
  gboolean wide = arch->wide_n_layer && hyper->n_layer == arch->wide_n_layer;
  double usual = 1 / sqrt (wide ? (double)hyper->n_embd / hyper->n_head : hyper->head_dim);
  hyper->attention_scale = optional_float (reader, "attention.scale", usual, 0, 1e6);
  if (hyper->attention_scale == 0) /* written for "the usual" */
    hyper->attention_scale = usual;
  hyper->attention_softcap
      = optional_float (reader, "attn_logit_softcapping", arch->attention_softcap, 0, 1e6);
  hyper->temperature_scale = optional_float (reader, "attention.temperature_scale", 0, 0, 1e3);
  hyper->window
      = optional_uint (reader, "attention.sliding_window", arch->default_window, 0, G_MAXUINT32);
  /* Files hold the full width of a window that looks both ways. */
  if (arch->bidirectional)
    hyper->window /= 2;
}

static void read_experts (Reader *reader, EngineHyper *hyper)
{
  gboolean has_experts = reader->arch->ffn == ENGINE_FFN_EXPERTS;
  hyper->n_expert = optional_uint (reader, "expert_count", 0, 0, 65536);
  hyper->n_expert_used = optional_uint (reader, "expert_used_count", 0, 0, 65536);
  if (has_experts && (hyper->n_expert == 0 || hyper->n_expert_used == 0))
    refuse (reader, "expert_count", "and expert_used_count should both be there");
  if (!has_experts && hyper->n_expert != 0)
    refuse (reader, "expert_count", "is %u, and this family is supported without experts only",
            hyper->n_expert);
  if (hyper->n_expert_used > hyper->n_expert)
    refuse (reader, "expert_used_count", "is %u of %u", hyper->n_expert_used, hyper->n_expert);
  hyper->n_ff_shared = optional_uint (reader, "expert_shared_feed_forward_length", 0, 0, MAX_WIDTH);
}

/* ---- All ------------------------------------------------------------------------------------ */

guint engine_hyper_layer_n_ff (const EngineGguf *gguf, const EngineArch *arch, guint il)
{
  g_autofree char *key = g_strconcat (arch->name, ".feed_forward_length", NULL);
  guint64 n_ff = 0;
  if (!engine_gguf_get_uint (gguf, key, &n_ff))
    engine_gguf_array_uint (gguf, key, il, &n_ff);
  return n_ff <= MAX_WIDTH ? n_ff : 0;
}

gboolean engine_hyper_layer_is_windowed (const EngineGguf *gguf, const EngineArch *arch,
                                         const EngineHyper *hyper, guint il)
{
  g_autofree char *key = g_strconcat (arch->name, ".attention.sliding_window_pattern", NULL);
  guint64 value, period = arch->window_period;
  if (hyper->window == 0)
    return FALSE;
  if (engine_gguf_array_uint (gguf, key, il, &value)) /* one bool per layer */
    return value != 0;
  guint64 full = arch->window_full;
  if (engine_gguf_get_uint (gguf, key, &value) && value != period)
    {
      full = arch->window_full == 0 ? 0 : value - 1;
      period = value;
    }
  return period == 0 || il % period != full;
}

static void read_feed_forward (Reader *reader, EngineHyper *hyper)
{
  for (guint il = 0; il < hyper->n_layer && !reader->error; il++)
    {
      guint n_ff = engine_hyper_layer_n_ff (reader->gguf, reader->arch, il);
      if (n_ff == 0)
        refuse (reader, "feed_forward_length", "is missing for layer %u, or out of bounds", il);
      hyper->n_ff = MAX (hyper->n_ff, n_ff);
    }
  hyper->n_ff = MAX (hyper->n_ff, hyper->n_ff_shared);
}

static void read_pooling (Reader *reader, EngineHyper *hyper)
{
  hyper->has_pooling = has_key (reader, "pooling_type");
  hyper->pooling = optional_uint (reader, "pooling_type", ENGINE_POOLING_NONE, ENGINE_POOLING_NONE,
                                  ENGINE_POOLING_RANK);
  /* sentence-transformers may cut texts earlier than the model could read; our converter notes
   * it. */
  guint64 max_tokens = 0;
  hyper->max_tokens = hyper->n_ctx_train;
  if (engine_gguf_get_uint (reader->gguf, "docent.max_tokens", &max_tokens) && max_tokens > 0)
    hyper->max_tokens = MIN (max_tokens, hyper->n_ctx_train);
}

static void read_scales (Reader *reader, EngineHyper *hyper)
{
  const EngineArch *arch = reader->arch;
  const char *eps = arch->norm == ENGINE_NORM_RMS ? "attention.layer_norm_rms_epsilon"
                                                  : "attention.layer_norm_epsilon";
  if (!has_key (reader, eps))
    refuse (reader, eps, "is missing");
  hyper->norm_eps = optional_float (reader, eps, 1e-5, 0, 1);
  double usual = arch->scales_embedding ? sqrt (hyper->n_embd) : 1;
  hyper->embedding_scale = optional_float (reader, "embedding_scale", usual, -1e6, 1e6);
  hyper->residual_scale = optional_float (reader, "residual_scale", 1, -1e6, 1e6);
  hyper->logit_scale = optional_float (reader, "logit_scale", 1, 0, 1e6);
  if (hyper->logit_scale == 0)
    hyper->logit_scale = 1;
  hyper->logit_softcap
      = optional_float (reader, "final_logit_softcapping", arch->logit_softcap, 0, 1e6);
}

static void read_layers (Reader *reader, EngineHyper *hyper)
{
  read_heads (reader, hyper);
  if (reader->error)
    return;
  read_attention (reader, hyper);
  read_experts (reader, hyper);
  read_feed_forward (reader, hyper);
  read_scales (reader, hyper);
  read_rope (reader, hyper);
}

gboolean engine_hyper_read (const EngineGguf *gguf, const EngineArch *arch, EngineHyper *ret_hyper,
                            GError **error)
{
  Reader reader = { gguf, arch, NULL };
  EngineHyper hyper = { 0 };
  if (!arch->lookup_only)
    hyper.n_layer = required_uint (&reader, "block_count", 1, MAX_LAYERS);
  hyper.n_embd = required_uint (&reader, "embedding_length", 1, MAX_WIDTH);
  hyper.n_ctx_train = required_uint (&reader, "context_length", 1, MAX_POSITIONS);
  if (arch->lookup_only)
    hyper.embedding_scale = 1;
  else if (!reader.error)
    read_layers (&reader, &hyper);
  if (!reader.error)
    read_pooling (&reader, &hyper);
  if (reader.error)
    {
      g_propagate_error (error, reader.error);
      return FALSE;
    }
  *ret_hyper = hyper;
  return TRUE;
}

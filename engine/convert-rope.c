/* What a decoder's config.json says about positions and windows, as GGUF keys: the base and scaling
 * of rotary embeddings, which layers see a window, the scale of attention. Two kinds of scaling
 * become tensors of factors, one per rotated pair, which are computed here once: LLaMA 3 slows the
 * long waves down, LongRoPE comes with its factors. config.json has had several layouts; the
 * newest keeps all of it under "rope_parameters", perhaps once per kind of layer. Sources: the
 * reference implementations' configurations; Grattafiori et al. 2024 (LLaMA 3), Ding et al. 2024
 * (LongRoPE), Peng et al. 2023 (YaRN). */
#include "engine/convert-private.h"

#include <math.h>
#include <string.h>

typedef struct
{
  const EngineModelFolder *folder;
  EngineGgufWriter *writer;
  GPtrArray *computed;
  guint head_dim, n_rot;
  double base;
  JsonObject *rope; /* "rope_parameters" or "rope_scaling" of full layers; NULL: plain */
} Decoder;

void engine_computed_tensor_free (EngineComputedTensor *tensor)
{
  g_free (tensor->values);
  g_free (tensor);
}

static gboolean refuse (const Decoder *decoder, const char *what, GError **error)
{
  return engine_model_folder_unsupported (decoder->folder, what, error);
}

static void set_uint (const Decoder *decoder, const char *name, guint64 value)
{
  g_autofree char *key = g_strconcat (decoder->folder->family->architecture, ".", name, NULL);
  engine_gguf_writer_set_uint (decoder->writer, key, (guint32)MIN (value, G_MAXUINT32));
}

static void set_float (const Decoder *decoder, const char *name, double value)
{
  g_autofree char *key = g_strconcat (decoder->folder->family->architecture, ".", name, NULL);
  engine_gguf_writer_set_float (decoder->writer, key, (float)value);
}

static void set_string (const Decoder *decoder, const char *name, const char *value)
{
  g_autofree char *key = g_strconcat (decoder->folder->family->architecture, ".", name, NULL);
  engine_gguf_writer_set_string (decoder->writer, key, value);
}

static gboolean is_architecture (const Decoder *decoder, const char *name)
{
  return strcmp (decoder->folder->family->architecture, name) == 0;
}

static void add_computed (const Decoder *decoder, const char *name, float *values, gsize n_values)
{
  EngineComputedTensor *tensor = g_new (EngineComputedTensor, 1);
  *tensor = (EngineComputedTensor){ name, values, n_values };
  g_ptr_array_add (decoder->computed, tensor);
}

/* ---- Reading config.json -------------------------------------------------------------------- */

/* A number of the rope object, or else of config.json itself. */
static double rope_number (const Decoder *decoder, const char *key, double fallback)
{
  double value = fallback;
  if (decoder->rope == NULL || !engine_json_get_double (decoder->rope, key, &value))
    engine_json_get_double (decoder->folder->config, key, &value);
  return value;
}

static JsonObject *find_rope (JsonObject *config)
{
  JsonObject *rope = engine_json_get_object (config, "rope_parameters");
  JsonObject *full = rope != NULL ? engine_json_get_object (rope, "full_attention") : NULL;
  if (full != NULL)
    return full;
  return rope != NULL ? rope : engine_json_get_object (config, "rope_scaling");
}

static const char *scaling_type (const Decoder *decoder)
{
  const char *type = NULL;
  if (decoder->rope != NULL)
    {
      type = engine_json_get_string (decoder->rope, "rope_type");
      if (type == NULL)
        type = engine_json_get_string (decoder->rope, "type");
    }
  return type != NULL ? type : "default";
}

static gboolean read_decoder (Decoder *decoder, GError **error)
{
  JsonObject *config = decoder->folder->config;
  gboolean gemma3 = is_architecture (decoder, "gemma3");
  guint64 n_embd = 0, head_dim = gemma3 ? 256 : 0;
  engine_json_get_uint (config, "hidden_size", &n_embd);
  if (!engine_json_get_uint (config, "head_dim", &head_dim) && head_dim == 0
      && decoder->folder->n_head > 0)
    head_dim = n_embd / decoder->folder->n_head;
  if (head_dim < 2 || head_dim > G_MAXUINT16)
    return refuse (decoder, "its heads have no usable width", error);
  decoder->head_dim = (guint)head_dim;
  decoder->rope = find_rope (config);
  double share = rope_number (decoder, "partial_rotary_factor", 1);
  decoder->n_rot = share > 0 && share <= 1 ? (guint)(decoder->head_dim * share) / 2 * 2 : 0;
  decoder->base = rope_number (decoder, "rope_theta", gemma3 ? 1e6 : 10000);
  if (decoder->n_rot == 0 || !(decoder->base > 1))
    return refuse (decoder, "its rotary embedding has no usable size and base", error);
  return TRUE;
}

/* ---- Scaling of positions ------------------------------------------------------------------- */

static gboolean write_linear (const Decoder *decoder, GError **error)
{
  double factor = rope_number (decoder, "factor", 0);
  if (!(factor > 0))
    return refuse (decoder, "its linear scaling has no factor", error);
  set_string (decoder, "rope.scaling.type", "linear");
  set_float (decoder, "rope.scaling.factor", factor);
  return TRUE;
}

static gboolean write_yarn (const Decoder *decoder, GError **error)
{
  double factor = rope_number (decoder, "factor", 0);
  double original = rope_number (decoder, "original_max_position_embeddings", 0);
  if (!(factor > 0) || !(original > 0))
    return refuse (decoder, "its YaRN scaling lacks factor or original length", error);
  double magnitude;
  if (engine_json_get_double (decoder->rope, "attention_factor", &magnitude))
    return refuse (decoder, "its YaRN scaling has a magnitude of its own", error);
  set_string (decoder, "rope.scaling.type", "yarn");
  set_float (decoder, "rope.scaling.factor", factor);
  set_uint (decoder, "rope.scaling.original_context_length", (guint64)original);
  set_float (decoder, "rope.scaling.yarn_beta_fast", rope_number (decoder, "beta_fast", 32));
  set_float (decoder, "rope.scaling.yarn_beta_slow", rope_number (decoder, "beta_slow", 1));
  return TRUE;
}

/* Waves longer than the original context / low are slowed down by the factor, those shorter than
 * it / high are left alone, and between them the change is gradual. */
static gboolean write_llama3 (const Decoder *decoder, GError **error)
{
  double factor = rope_number (decoder, "factor", 8);
  double low = rope_number (decoder, "low_freq_factor", 1);
  double high = rope_number (decoder, "high_freq_factor", 4);
  double original = rope_number (decoder, "original_max_position_embeddings", 8192);
  if (!(factor > 0) || !(low > 0) || !(high > low) || !(original > 0))
    return refuse (decoder, "its LLaMA 3 scaling has unusable numbers", error);
  gsize n_pairs = decoder->n_rot / 2;
  float *factors = g_new (float, n_pairs);
  for (gsize i = 0; i < n_pairs; i++)
    {
      double wave = 2 * G_PI * pow (decoder->base, 2.0 * (double)i / decoder->n_rot);
      double mix = CLAMP ((original / wave - low) / (high - low), 0, 1);
      factors[i] = (float)(1 / ((1 - mix) / factor + mix));
    }
  add_computed (decoder, "rope_freqs.weight", factors, n_pairs);
  return TRUE;
}

static gboolean add_factors (const Decoder *decoder, const char *key, const char *name,
                             GError **error)
{
  JsonArray *array = engine_json_get_array (decoder->rope, key);
  gsize n_pairs = decoder->n_rot / 2;
  if (array == NULL || json_array_get_length (array) != n_pairs)
    return refuse (decoder, "its LongRoPE factors do not fit its heads", error);
  float *factors = g_new0 (float, n_pairs);
  add_computed (decoder, name, factors, n_pairs);
  for (gsize i = 0; i < n_pairs; i++)
    {
      double value = 0;
      if (!engine_json_node_double (json_array_get_element (array, (guint)i), &value)
          || !(value > 0))
        return refuse (decoder, "its LongRoPE factors are not all positive numbers", error);
      factors[i] = (float)value;
    }
  return TRUE;
}

static gboolean write_longrope (const Decoder *decoder, double original, double positions,
                                GError **error)
{
  double stretch = original > 1 ? positions / original : 0;
  double magnitude = stretch > 1 ? sqrt (1 + log (stretch) / log (original)) : 1;
  engine_json_get_double (decoder->rope, "attention_factor", &magnitude);
  if (!(stretch > 0))
    return refuse (decoder, "its LongRoPE scaling lacks the original length", error);
  set_float (decoder, "rope.scaling.attn_factor", magnitude);
  return add_factors (decoder, "long_factor", "rope_factors_long.weight", error)
         && add_factors (decoder, "short_factor", "rope_factors_short.weight", error);
}

static gboolean write_scaling (const Decoder *decoder, GError **error)
{
  const char *type = scaling_type (decoder);
  double positions = rope_number (decoder, "max_position_embeddings", 0);
  double original = rope_number (decoder, "original_max_position_embeddings", positions);
  gboolean phi3 = is_architecture (decoder, "phi3");
  if (phi3)
    set_uint (decoder, "rope.scaling.original_context_length", (guint64)original);
  if (strcmp (type, "default") == 0)
    return TRUE;
  if (strcmp (type, "linear") == 0)
    return write_linear (decoder, error);
  if (strcmp (type, "yarn") == 0)
    return write_yarn (decoder, error);
  if (strcmp (type, "llama3") == 0)
    return write_llama3 (decoder, error);
  if (phi3 && (strcmp (type, "longrope") == 0 || strcmp (type, "su") == 0))
    return write_longrope (decoder, original, positions, error);
  g_autofree char *what = g_strdup_printf ("its rotary scaling \"%s\" is unknown", type);
  return refuse (decoder, what, error);
}

/* ---- Windows -------------------------------------------------------------------------------- */

static gboolean layer_is_windowed (EngineWindowPattern pattern, guint layer)
{
  switch (pattern)
    {
    case ENGINE_WINDOW_ALL:
      return TRUE;
    case ENGINE_WINDOW_EVEN:
      return layer % 2 == 0;
    case ENGINE_WINDOW_FIVE_OF_SIX:
      return layer % 6 != 5;
    case ENGINE_WINDOW_NONE:
    default:
      return FALSE;
    }
}

/* GGUF does not say which layers are windowed: readers know it by the family. */
static gboolean check_layer_types (const Decoder *decoder, gboolean windowed, GError **error)
{
  const EngineModelFolder *folder = decoder->folder;
  JsonArray *types = engine_json_get_array (folder->config, "layer_types");
  for (guint i = 0; types != NULL && i < folder->n_layers; i++)
    {
      const char *type = i < json_array_get_length (types)
                             ? engine_json_node_string (json_array_get_element (types, i))
                             : NULL;
      const char *expected = windowed && layer_is_windowed (folder->family->window, i)
                                 ? "sliding_attention"
                                 : "full_attention";
      if (g_strcmp0 (type, expected) != 0)
        return refuse (decoder, "its layers are windowed in an order that GGUF cannot say", error);
    }
  return TRUE;
}

static gboolean write_window (const Decoder *decoder, GError **error)
{
  const EngineFamily *family = decoder->folder->family;
  JsonObject *config = decoder->folder->config;
  gboolean use = family->window != ENGINE_WINDOW_NONE, bidirectional = FALSE;
  guint64 window = is_architecture (decoder, "gemma3") ? 4096 : 0, pattern = 6;
  engine_json_get_bool (config, "use_sliding_window", &use);
  engine_json_get_bool (config, "use_bidirectional_attention", &bidirectional);
  engine_json_get_uint (config, "sliding_window", &window);
  engine_json_get_uint (config, "sliding_window_pattern", &pattern);
  if (bidirectional)
    return refuse (decoder, "it looks in both directions", error);
  if (use && family->window == ENGINE_WINDOW_NONE)
    return refuse (decoder, "it uses a sliding window, which its family does not", error);
  if (family->window == ENGINE_WINDOW_FIVE_OF_SIX && pattern != 6)
    return refuse (decoder, "its layers are windowed in an order that GGUF cannot say", error);
  if ((use && window > 0) || is_architecture (decoder, "phi3"))
    set_uint (decoder, "attention.sliding_window", use ? window : 0);
  return check_layer_types (decoder, use && window > 0, error);
}

/* ---- Entry ---------------------------------------------------------------------------------- */

/* Gemma scales scores by a number of its own; where it is the head's width GGUF says nothing. */
static void write_attention_scale (const Decoder *decoder)
{
  double scalar = 0;
  if (engine_json_get_double (decoder->folder->config, "query_pre_attn_scalar", &scalar)
      && scalar > 0 && scalar != decoder->head_dim)
    set_float (decoder, "attention.scale", 1 / sqrt (scalar));
}

static void write_rotary (const Decoder *decoder)
{
  JsonObject *rope = engine_json_get_object (decoder->folder->config, "rope_parameters");
  JsonObject *local = rope != NULL ? engine_json_get_object (rope, "sliding_attention") : NULL;
  double local_base = 10000;
  set_float (decoder, "rope.freq_base", decoder->base);
  if (is_architecture (decoder, "gemma3"))
    {
      engine_json_get_double (decoder->folder->config, "rope_local_base_freq", &local_base);
      if (local != NULL)
        engine_json_get_double (local, "rope_theta", &local_base);
      set_float (decoder, "rope.freq_base_swa", local_base);
    }
  if (!g_str_has_prefix (decoder->folder->family->architecture, "gemma")
      && !g_str_has_prefix (decoder->folder->family->architecture, "qwen"))
    set_uint (decoder, "rope.dimension_count", decoder->n_rot);
}

gboolean engine_convert_decoder_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                                      GPtrArray *computed, GError **error)
{
  Decoder decoder = { .folder = folder, .writer = writer, .computed = computed };
  if (!read_decoder (&decoder, error))
    return FALSE;
  write_rotary (&decoder);
  write_attention_scale (&decoder);
  return write_scaling (&decoder, error) && write_window (&decoder, error);
}

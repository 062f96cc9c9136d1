/* Reads LoRA adapters as PEFT writes them: a folder with adapter_config.json and
 * adapter_model.safetensors.
 *
 * Tensors there are called like those of the Hugging Face checkpoint, so the converter's own tables
 * say which of the model's they belong to, and whether its rows stand in another order. */
#include "engine/adapter-private.h"

#include <math.h>
#include <string.h>

#include "engine/convert-private.h"

/* The folder's config decides by how much B·A counts. */
static gboolean read_scale (const EngineAdapter *adapter, JsonObject *config, float *ret_scale,
                            GError **error)
{
  double rank = 0, alpha = 0;
  gboolean square_root = FALSE, dora = FALSE;
  const char *bias = engine_json_get_string (config, "bias");
  JsonObject *ranks = engine_json_get_object (config, "rank_pattern");
  JsonObject *alphas = engine_json_get_object (config, "alpha_pattern");
  engine_json_get_bool (config, "use_rslora", &square_root);
  engine_json_get_bool (config, "use_dora", &dora);
  if (g_strcmp0 (engine_json_get_string (config, "peft_type"), "LORA") != 0 || dora
      || (bias != NULL && strcmp (bias, "none") != 0)
      || (ranks != NULL && json_object_get_size (ranks) > 0)
      || (alphas != NULL && json_object_get_size (alphas) > 0))
    return engine_adapter_refuse (adapter, error,
                                  "only plain LoRA is supported, of one rank and without biases");
  if (!engine_json_get_double (config, "r", &rank) || !(rank >= 1)
      || !engine_json_get_double (config, "lora_alpha", &alpha))
    return engine_adapter_refuse (adapter, error, "its config lacks r or lora_alpha");
  *ret_scale = (float)(alpha / (square_root ? sqrt (rank) : rank));
  return TRUE;
}

/* LAYER of a name that is STEM with a number for "{}". */
static gboolean matches (const char *name, const char *stem, guint64 *ret_layer)
{
  const char *mark = strstr (stem, "{}");
  if (mark == NULL)
    return strcmp (name, stem) == 0;
  gsize before = (gsize)(mark - stem);
  char *end = NULL;
  if (strncmp (name, stem, before) != 0 || !g_ascii_isdigit (name[before]))
    return FALSE;
  *ret_layer = g_ascii_strtoull (name + before, &end, 10);
  return strcmp (end, mark + 2) == 0;
}

/* NAME without the wrappers of PEFT and of the family: "layers.3.self_attn.q_proj". */
static const EngineTensorRule *find_rule (const EngineFamily *family, const char *name,
                                          guint64 *ret_layer)
{
  if (g_str_has_prefix (name, "base_model.model."))
    name += strlen ("base_model.model.");
  for (const char *const *prefix = family->prefixes; *prefix != NULL; prefix++)
    for (const EngineTensorRule *rule = family->tensors; rule->source != NULL; rule++)
      if (g_str_has_prefix (name, *prefix)
          && matches (name + strlen (*prefix), rule->source, ret_layer))
        return rule;
  return NULL;
}

/* Row R of the model's tensor in the checkpoint: see source_row in convert.c. */
static gsize checkpoint_row (const EngineAdapter *adapter, const EngineTensorRule *rule, gsize row)
{
  gsize head_dim = adapter->model->hyper.head_dim, in_head = row % head_dim;
  if ((rule->flags & (ENGINE_RULE_ROTARY_Q | ENGINE_RULE_ROTARY_K)) == 0)
    return row;
  return row - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

static gboolean read_pair (EngineAdapter *adapter, const EngineTensorRule *rule, guint64 layer,
                           const EngineSafeTensor *a, const EngineSafeTensor *b, float scale,
                           GError **error)
{
  const char *mark = strstr (rule->target, "{}");
  g_autofree char *name
      = mark ? g_strdup_printf ("%.*s%" G_GUINT64_FORMAT "%s.weight", (int)(mark - rule->target),
                                rule->target, layer, mark + 2)
             : g_strconcat (rule->target, ".weight", NULL);
  EngineAdapterPair *pair
      = engine_adapter_add_pair (adapter, name, a->shape[0], a->shape[1], b->shape[0], error);
  if (pair == NULL)
    return FALSE;
  engine_safetensors_read (a, 0, a->n_elements, pair->a);
  for (gsize row = 0; row < b->shape[0]; row++)
    engine_safetensors_read (b, checkpoint_row (adapter, rule, row) * pair->rank, pair->rank,
                             pair->b + row * pair->rank);
  for (gsize i = 0; i < b->n_elements; i++)
    pair->b[i] *= scale;
  return TRUE;
}

static gboolean is_matrix (const EngineSafeTensor *tensor)
{
  return tensor != NULL && tensor->n_dims == 2 && tensor->n_elements > 0
         && tensor->type != ENGINE_SAFE_OTHER;
}

static gboolean read_tensor (EngineAdapter *adapter, const EngineFamily *family,
                             const EngineSafetensors *weights, const EngineSafeTensor *a,
                             float scale, GError **error)
{
  static const char suffix[] = ".lora_A.weight";
  if (g_str_has_suffix (a->name, ".lora_B.weight"))
    return TRUE;
  if (!g_str_has_suffix (a->name, suffix))
    return engine_adapter_refuse (adapter, error, "its tensor “%s” is not supported", a->name);
  g_autofree char *stem = g_strndup (a->name, strlen (a->name) - strlen (suffix));
  g_autofree char *partner = g_strconcat (stem, ".lora_B.weight", NULL);
  const EngineSafeTensor *b = engine_safetensors_find (weights, partner);
  if (!is_matrix (a) || !is_matrix (b) || b->shape[1] != a->shape[0])
    return engine_adapter_refuse (adapter, error, "its tensor “%s” is missing or does not fit “%s”",
                                  partner, a->name);
  guint64 layer = 0;
  const EngineTensorRule *rule = find_rule (family, stem, &layer);
  const EngineRuleFlags halves = ENGINE_RULE_FIRST_HALF | ENGINE_RULE_SECOND_HALF;
  if (rule == NULL || (rule->flags & halves) != 0)
    return engine_adapter_refuse (adapter, error, "the model has no “%s”; it was made for another",
                                  stem);
  return read_pair (adapter, rule, layer, a, b, scale, error);
}

gboolean engine_adapter_read_peft (EngineAdapter *adapter, GError **error)
{
  gboolean is_folder = g_file_test (adapter->path, G_FILE_TEST_IS_DIR);
  g_autofree char *folder = is_folder ? g_strdup (adapter->path)
                                      : g_path_get_dirname (adapter->path);
  g_autofree char *config_path = g_build_filename (folder, "adapter_config.json", NULL);
  g_autofree char *path = is_folder ? g_build_filename (folder, "adapter_model.safetensors", NULL)
                                    : g_strdup (adapter->path);
  const EngineFamily *family = engine_family_of_architecture (adapter->model->arch->name);
  float scale = 0;
  if (family == NULL)
    return engine_adapter_refuse (adapter, error, "PEFT adapters of %s models are not supported",
                                  adapter->model->arch->name);
  g_autoptr (JsonObject) config = engine_json_load (config_path, error);
  g_autoptr (EngineSafetensors) weights = config ? engine_safetensors_open (path, error) : NULL;
  if (weights == NULL || !read_scale (adapter, config, &scale, error))
    return FALSE;
  for (gsize i = 0; i < engine_safetensors_n_tensors (weights); i++)
    if (!read_tensor (adapter, family, weights, engine_safetensors_tensor (weights, i), scale,
                      error))
      return FALSE;
  return TRUE;
}

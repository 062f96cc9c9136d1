/* Opens a model folder as Hugging Face publishes it and writes down what its small files say: the
 * shape of the network from config.json, pooling, window and prefixes from the files of
 * sentence-transformers. Whatever would make the converted model compute something else than the
 * original (another activation, a dense layer after pooling) is refused here, not ignored. */
#include "engine/convert-private.h"

#include <string.h>

void engine_model_folder_free (EngineModelFolder *folder)
{
  if (folder == NULL)
    return;
  g_clear_pointer (&folder->config, json_object_unref);
  engine_safetensors_free (folder->weights);
  g_free (folder->path);
  g_free (folder);
}

gboolean engine_model_folder_unsupported (const EngineModelFolder *folder, const char *what,
                                          GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED, "%s cannot be converted: %s",
               folder->path, what);
  return FALSE;
}

JsonObject *engine_model_folder_json (const EngineModelFolder *folder, const char *name,
                                      gboolean *ret_failed, GError **error)
{
  g_autofree char *path = g_build_filename (folder->path, name, NULL);
  *ret_failed = FALSE;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  JsonObject *object = engine_json_load (path, error);
  *ret_failed = object == NULL;
  return object;
}

static const EngineSafeTensor *find_spelled (const EngineModelFolder *folder, const char *stem,
                                             const char *suffix)
{
  for (gsize i = 0; folder->family->prefixes[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (folder->family->prefixes[i], stem, suffix, NULL);
      const EngineSafeTensor *tensor = engine_safetensors_find (folder->weights, name);
      if (tensor != NULL)
        return tensor;
    }
  return NULL;
}

const EngineSafeTensor *engine_model_folder_find (const EngineModelFolder *folder, const char *stem,
                                                  const char *suffix)
{
  const EngineSafeTensor *tensor = find_spelled (folder, stem, suffix);
  if (tensor == NULL && strcmp (suffix, ".weight") == 0)
    tensor = find_spelled (folder, stem, ".gamma");
  if (tensor == NULL && strcmp (suffix, ".bias") == 0)
    tensor = find_spelled (folder, stem, ".beta");
  return tensor;
}

/* ---- Recognising ---------------------------------------------------------------------------- */

/* "BertForSequenceClassification" scores pairs when it has one label. */
static gboolean read_reranker (EngineModelFolder *folder, GError **error)
{
  JsonArray *architectures = engine_json_get_array (folder->config, "architectures");
  const char *name = architectures != NULL && json_array_get_length (architectures) > 0
                         ? engine_json_node_string (json_array_get_element (architectures, 0))
                         : NULL;
  if (name == NULL || !g_str_has_suffix (name, "ForSequenceClassification"))
    return TRUE;
  JsonObject *labels = engine_json_get_object (folder->config, "id2label");
  if (folder->family->head == NULL || labels == NULL || json_object_get_size (labels) != 1)
    return engine_model_folder_unsupported (
        folder, "it sorts texts into classes, it is not a reranker", error);
  folder->reranker = TRUE;
  return TRUE;
}

/* Encoders use the exact GELU; Gemma's "gelu" has always meant the one with tanh. */
static gboolean check_activation (const EngineModelFolder *folder, GError **error)
{
  static const char *const names[] = { "hidden_act", "hidden_activation", "activation" };
  const char *expected = folder->family->activation;
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *found = engine_json_get_string (folder->config, names[i]);
      if (found == NULL)
        continue;
      gboolean ok = folder->family->encoder ? strcmp (found, expected) == 0
                                            : g_str_has_prefix (found, expected);
      if (!ok)
        return engine_model_folder_unsupported (folder, "its activation is not its family's",
                                                error);
    }
  return TRUE;
}

static gboolean check_positions (const EngineModelFolder *folder, GError **error)
{
  const char *found = engine_json_get_string (folder->config, "position_embedding_type");
  const char *expected = folder->family->encoder ? "absolute" : "rope";
  return found == NULL || strcmp (found, expected) == 0
         || engine_model_folder_unsupported (folder, "its positions are not its family's", error);
}

static void read_numbers (EngineModelFolder *folder)
{
  guint64 n_head = 0, n_head_kv, pad = 1;
  engine_json_get_uint (folder->config, "num_attention_heads", &n_head);
  n_head_kv = n_head;
  engine_json_get_uint (folder->config, "num_key_value_heads", &n_head_kv);
  folder->n_head = (guint)MIN (n_head, G_MAXUINT16);
  folder->n_head_kv = (guint)MIN (n_head_kv, G_MAXUINT16);
  engine_json_get_bool (folder->config, "tie_word_embeddings", &folder->tied);
  if (strcmp (folder->family->model_type, "xlm-roberta") == 0)
    {
      engine_json_get_uint (folder->config, "pad_token_id", &pad);
      folder->position_offset = (guint)MIN (pad, G_MAXUINT16) + 1;
    }
}

static gboolean read_layers (EngineModelFolder *folder, GError **error)
{
  for (const EngineKeyRule *rule = folder->family->keys; rule->config != NULL; rule++)
    {
      guint64 n_layers;
      if (strcmp (rule->key, "block_count") != 0
          || !engine_json_get_uint (folder->config, rule->config, &n_layers) || n_layers == 0
          || n_layers > G_MAXUINT16)
        continue;
      folder->n_layers = (guint)n_layers;
      return TRUE;
    }
  return engine_model_folder_unsupported (
      folder, "its config.json does not say how many layers it has", error);
}

/* A model that also sees images keeps the numbers of its text part in an object of their own. */
static gboolean read_config (EngineModelFolder *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder->path, "config.json", NULL);
  folder->config = engine_json_load (path, error);
  if (folder->config == NULL)
    return FALSE;
  const char *model_type = engine_json_get_string (folder->config, "model_type");
  folder->family = model_type != NULL ? engine_family_find (model_type) : NULL;
  if (folder->family == NULL)
    {
      g_autofree char *what
          = g_strdup_printf ("its config.json names the family \"%s\", which is not among those "
                             "that can",
                             model_type != NULL ? model_type : "");
      return engine_model_folder_unsupported (folder, what, error);
    }
  JsonObject *text = engine_json_get_object (folder->config, "text_config");
  if (text != NULL)
    {
      json_object_ref (text);
      json_object_unref (folder->config);
      folder->config = text;
    }
  return TRUE;
}

EngineModelFolder *engine_model_folder_open (const char *path, GError **error)
{
  g_autoptr (EngineModelFolder) folder = g_new0 (EngineModelFolder, 1);
  folder->path = g_strdup (path);
  if (!read_config (folder, error) || !read_layers (folder, error) || !read_reranker (folder, error)
      || !check_activation (folder, error) || !check_positions (folder, error))
    return NULL;
  read_numbers (folder);
  folder->weights = engine_safetensors_open (path, error);
  return folder->weights != NULL ? g_steal_pointer (&folder) : NULL;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* A name that says something: folders called "model" or by a hash lie in one that does. */
static char *model_name (const char *path)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  for (;;)
    {
      g_autofree char *name = g_path_get_basename (absolute);
      gboolean is_hash = strlen (name) == 40 && strspn (name, "0123456789abcdef") == 40;
      if (strcmp (name, "model") != 0 && strcmp (name, "snapshots") != 0 && !is_hash)
        return g_steal_pointer (&name);
      char *parent = g_path_get_dirname (absolute);
      g_free (absolute);
      absolute = parent;
    }
}

static gboolean write_key (const EngineModelFolder *folder, EngineGgufWriter *writer,
                           const EngineKeyRule *rule, GError **error)
{
  g_autofree char *key = g_strconcat (folder->family->architecture, ".", rule->key, NULL);
  JsonNode *node = json_object_get_member (folder->config, rule->config);
  gboolean absent = node == NULL || JSON_NODE_HOLDS_NULL (node);
  double value = rule->fallback;
  guint64 number = (guint64)rule->fallback;
  if (absent && rule->presence == ENGINE_KEY_OPTIONAL)
    return TRUE;
  gboolean usable = absent ? rule->presence == ENGINE_KEY_DEFAULT
                    : rule->kind == ENGINE_KEY_FLOAT
                        ? engine_json_node_double (node, &value)
                        : engine_json_node_uint (node, &number) && number <= G_MAXUINT32;
  if (!usable)
    {
      g_autofree char *what = g_strdup_printf ("its config.json lacks \"%s\"", rule->config);
      return engine_model_folder_unsupported (folder, what, error);
    }
  if (strcmp (rule->key, "context_length") == 0 && number > folder->position_offset)
    number -= folder->position_offset;
  if (rule->kind == ENGINE_KEY_FLOAT)
    engine_gguf_writer_set_float (writer, key, (float)value);
  else
    engine_gguf_writer_set_uint (writer, key, (guint32)number);
  return TRUE;
}

/* GGUF's numbers for how token vectors become one. */
static gboolean read_pooling (const EngineModelFolder *folder, guint *ret_pooling, GError **error)
{
  static const struct
  {
    const char *key;
    guint pooling;
  } modes[] = {
    { "pooling_mode_mean_tokens", 1 },
    { "pooling_mode_cls_token", 2 },
    { "pooling_mode_lasttoken", 3 },
  };
  gboolean failed;
  g_autoptr (JsonObject) pooling
      = engine_model_folder_json (folder, "1_Pooling/config.json", &failed, error);
  if (failed)
    return FALSE;
  for (gsize i = 0; pooling != NULL && i < G_N_ELEMENTS (modes); i++)
    {
      gboolean on = FALSE;
      if (engine_json_get_bool (pooling, modes[i].key, &on) && on)
        {
          *ret_pooling = modes[i].pooling;
          return TRUE;
        }
    }
  return pooling == NULL
         || engine_model_folder_unsupported (folder, "its pooling is not mean, CLS or last", error);
}

/* A sentence encoder's folder lists its stages; one after pooling would be lost. */
static gboolean check_modules (const EngineModelFolder *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder->path, "2_Dense", NULL);
  return !g_file_test (path, G_FILE_TEST_EXISTS)
         || engine_model_folder_unsupported (folder, "it has a dense layer after pooling", error);
}

/* Texts are cut at what the encoder was trained with, which may be less than its positions. */
static gboolean write_window (const EngineModelFolder *folder, EngineGgufWriter *writer,
                              GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) settings
      = engine_model_folder_json (folder, "sentence_bert_config.json", &failed, error);
  guint64 n_tokens;
  if (settings != NULL && engine_json_get_uint (settings, "max_seq_length", &n_tokens)
      && n_tokens > 0 && n_tokens <= G_MAXUINT32)
    engine_gguf_writer_set_uint (writer, "docent.max_tokens", (guint32)n_tokens);
  return !failed;
}

static gboolean write_prefixes (const EngineModelFolder *folder, EngineGgufWriter *writer,
                                GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) settings
      = engine_model_folder_json (folder, "config_sentence_transformers.json", &failed, error);
  JsonObject *prompts = settings != NULL ? engine_json_get_object (settings, "prompts") : NULL;
  if (prompts == NULL)
    return !failed;
  const char *query = engine_json_get_string (prompts, "query");
  const char *passage = engine_json_get_string (prompts, "passage");
  if (passage == NULL)
    passage = engine_json_get_string (prompts, "document");
  if (query != NULL)
    engine_gguf_writer_set_string (writer, "docent.query_prefix", query);
  if (passage != NULL)
    engine_gguf_writer_set_string (writer, "docent.passage_prefix", passage);
  return TRUE;
}

static gboolean write_encoder_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                                    GError **error)
{
  guint pooling = 0;
  if (!check_modules (folder, error) || !read_pooling (folder, &pooling, error))
    return FALSE;
  if (strcmp (folder->family->model_type, "distilbert") == 0)
    engine_gguf_writer_set_float (writer, "bert.attention.layer_norm_epsilon", 1e-12F);
  engine_gguf_writer_set_bool (writer, "bert.attention.causal", FALSE);
  if (folder->reranker)
    {
      static const char *const labels[] = { "LABEL_0" };
      engine_gguf_writer_set_strings (writer, "bert.classifier.output_labels", labels, 1);
      pooling = 4;
    }
  if (pooling != 0)
    engine_gguf_writer_set_uint (writer, "bert.pooling_type", pooling);
  return write_window (folder, writer, error) && write_prefixes (folder, writer, error);
}

gboolean engine_convert_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                              GPtrArray *computed, GError **error)
{
  g_autofree char *name = model_name (folder->path);
  engine_gguf_writer_set_string (writer, "general.architecture", folder->family->architecture);
  engine_gguf_writer_set_string (writer, "general.type", "model");
  engine_gguf_writer_set_string (writer, "general.name", name);
  engine_gguf_writer_set_uint (writer, "general.quantization_version", 2);
  for (const EngineKeyRule *rule = folder->family->keys; rule->config != NULL; rule++)
    if (!write_key (folder, writer, rule, error))
      return FALSE;
  return folder->family->encoder ? write_encoder_keys (folder, writer, error)
                                 : engine_convert_decoder_keys (folder, writer, computed, error);
}

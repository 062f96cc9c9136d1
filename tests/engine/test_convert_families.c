/* Every family is converted and compared with what an independent converter made. The golden files
 * hold random weights converted from Hugging Face checkpoints that are gone; here each file is
 * turned back into such a checkpoint (names, order of rows, stored offsets undone, by a table
 * written for this test) and converted again: keys, tokens and tensors must come out the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/gguf-private.h"
#include "engine/json-private.h"
#include "model-folder.h"

/* ---- The golden files ----------------------------------------------------------------------- */

typedef struct
{
  const char *name, *model_type, *architecture; /* the last two as config.json says them */
} Case;

static const Case cases[] = {
  { "bert-mean", "bert", "BertModel" },
  { "bert-cls", "bert", "BertModel" },
  { "bert-reranker", "bert", "BertForSequenceClassification" },
  { "distilbert", "distilbert", "DistilBertModel" },
  { "xlm-roberta", "xlm-roberta", "XLMRobertaModel" },
  { "xlm-roberta-reranker", "xlm-roberta", "XLMRobertaForSequenceClassification" },
  { "llama-3-2", "llama", "LlamaForCausalLM" },
  { "llama-smollm2", "llama", "LlamaForCausalLM" },
  { "llama-bias", "llama", "LlamaForCausalLM" },
  { "mistral", "mistral", "MistralForCausalLM" },
  { "qwen2", "qwen2", "Qwen2ForCausalLM" },
  { "qwen3", "qwen3", "Qwen3ForCausalLM" },
  { "gemma", "gemma", "GemmaForCausalLM" },
  { "gemma2", "gemma2", "Gemma2ForCausalLM" },
  { "gemma3", "gemma3_text", "Gemma3ForCausalLM" },
  { "phi3-longrope", "phi3", "Phi3ForCausalLM" },
  { "phi3-window", "phi3", "Phi3ForCausalLM" },
  { "phi4-mini", "phi3", "Phi3ForCausalLM" },
  { "granite", "granite", "GraniteForCausalLM" },
  { "granitemoe", "granitemoe", "GraniteMoeForCausalLM" },
  { "granitemoe-shared", "granitemoeshared", "GraniteMoeSharedForCausalLM" },
};

static char *golden_folder (void)
{
  const char *shared = g_getenv ("DOCENT_SHARED");
  return shared != NULL ? g_build_filename (shared, "golden", NULL)
                        : g_build_filename (SOURCE_ROOT, "..", "shared", "golden", NULL);
}

static const Case *current;
static char *folder;
static EngineGguf *golden;
static char *architecture; /* the GGUF file's */

static gboolean is_architecture (const char *name)
{
  return strcmp (architecture, name) == 0;
}

static guint64 golden_uint (const char *key, guint64 fallback)
{
  g_autofree char *full = g_strconcat (architecture, ".", key, NULL);
  engine_gguf_get_uint (golden, full, &fallback);
  return fallback;
}

/* ---- Back to a checkpoint: tensors ---------------------------------------------------------- */

static const struct
{
  const char *architecture; /* NULL: any decoder */
  const char *gguf, *checkpoint;
} names[] = {
  { "bert", "token_embd", "embeddings.word_embeddings" },
  { "bert", "position_embd", "embeddings.position_embeddings" },
  { "bert", "token_types", "embeddings.token_type_embeddings" },
  { "bert", "token_embd_norm", "embeddings.LayerNorm" },
  { "bert", "attn_q", "encoder.layer.{}.attention.self.query" },
  { "bert", "attn_k", "encoder.layer.{}.attention.self.key" },
  { "bert", "attn_v", "encoder.layer.{}.attention.self.value" },
  { "bert", "attn_output", "encoder.layer.{}.attention.output.dense" },
  { "bert", "attn_output_norm", "encoder.layer.{}.attention.output.LayerNorm" },
  { "bert", "ffn_up", "encoder.layer.{}.intermediate.dense" },
  { "bert", "ffn_down", "encoder.layer.{}.output.dense" },
  { "bert", "layer_output_norm", "encoder.layer.{}.output.LayerNorm" },
  { "bert", "cls", "pooler.dense" },
  { "bert", "cls.output", "classifier" },
  { "xlm-roberta", "cls", "classifier.dense" },
  { "xlm-roberta", "cls.output", "classifier.out_proj" },
  { "distilbert", "attn_q", "transformer.layer.{}.attention.q_lin" },
  { "distilbert", "attn_k", "transformer.layer.{}.attention.k_lin" },
  { "distilbert", "attn_v", "transformer.layer.{}.attention.v_lin" },
  { "distilbert", "attn_output", "transformer.layer.{}.attention.out_lin" },
  { "distilbert", "attn_output_norm", "transformer.layer.{}.sa_layer_norm" },
  { "distilbert", "ffn_up", "transformer.layer.{}.ffn.lin1" },
  { "distilbert", "ffn_down", "transformer.layer.{}.ffn.lin2" },
  { "distilbert", "layer_output_norm", "transformer.layer.{}.output_layer_norm" },
  { "phi3", "ffn_up", "model.layers.{}.mlp.gate_up_proj" },
  { "phi3", "attn_qkv", "model.layers.{}.self_attn.qkv_proj" },
  { "gemma2", "ffn_norm", "model.layers.{}.pre_feedforward_layernorm" },
  { "gemma3_text", "ffn_norm", "model.layers.{}.pre_feedforward_layernorm" },
  { NULL, "token_embd", "model.embed_tokens" },
  { NULL, "output_norm", "model.norm" },
  { NULL, "output", "lm_head" },
  { NULL, "attn_norm", "model.layers.{}.input_layernorm" },
  { NULL, "ffn_norm", "model.layers.{}.post_attention_layernorm" },
  { NULL, "post_attention_norm", "model.layers.{}.post_attention_layernorm" },
  { NULL, "post_ffw_norm", "model.layers.{}.post_feedforward_layernorm" },
  { NULL, "attn_q", "model.layers.{}.self_attn.q_proj" },
  { NULL, "attn_k", "model.layers.{}.self_attn.k_proj" },
  { NULL, "attn_v", "model.layers.{}.self_attn.v_proj" },
  { NULL, "attn_output", "model.layers.{}.self_attn.o_proj" },
  { NULL, "attn_q_norm", "model.layers.{}.self_attn.q_norm" },
  { NULL, "attn_k_norm", "model.layers.{}.self_attn.k_norm" },
  { NULL, "ffn_gate", "model.layers.{}.mlp.gate_proj" },
  { NULL, "ffn_up", "model.layers.{}.mlp.up_proj" },
  { NULL, "ffn_down", "model.layers.{}.mlp.down_proj" },
  { NULL, "ffn_gate_inp", "model.layers.{}.block_sparse_moe.router.layer" },
  { NULL, "ffn_gate_exps", "model.layers.{}.block_sparse_moe.input_linear" },
  { NULL, "ffn_down_exps", "model.layers.{}.block_sparse_moe.output_linear" },
  { NULL, "ffn_gate_shexp", "model.layers.{}.shared_mlp.input_linear" },
  { NULL, "ffn_down_shexp", "model.layers.{}.shared_mlp.output_linear" },
};

/* The family's own name first, then its architecture's, then the decoders'. */
static const char *checkpoint_stem (const char *stem)
{
  const char *owners[] = { current->model_type, is_architecture ("bert") ? "bert" : NULL };
  for (gsize owner = 0; owner < G_N_ELEMENTS (owners); owner++)
    for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
      if (g_strcmp0 (names[i].architecture, owners[owner]) == 0
          && strcmp (names[i].gguf, stem) == 0)
        return names[i].checkpoint;
  return NULL;
}

/* "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight"; NULL: not in checkpoints. */
static char *checkpoint_name (const char *name)
{
  guint layer = 0;
  int skip = 0;
  const char *rest = sscanf (name, "blk.%u.%n", &layer, &skip) == 1 ? name + skip : name;
  const char *suffix = strrchr (rest, '.');
  g_autofree char *stem = g_strndup (rest, (gsize)(suffix - rest));
  const char *pattern = checkpoint_stem (stem);
  if (pattern == NULL)
    return NULL;
  g_autoptr (GString) full = g_string_new (pattern);
  g_autofree char *number = g_strdup_printf ("%u", layer);
  g_string_replace (full, "{}", number, 0);
  g_string_append (full, suffix);
  return g_string_free (g_steal_pointer (&full), FALSE);
}

/* Pairs of neighbours go half a head apart again. */
static void unrotate (float *values, guint64 n_rows, guint64 n_cols, guint64 n_head)
{
  guint64 head_rows = n_rows / n_head, half = head_rows / 2;
  g_autofree float *copy = g_memdup2 (values, n_rows * n_cols * sizeof (float));
  for (guint64 head = 0; head < n_head; head++)
    for (guint64 i = 0; i < half; i++)
      for (guint64 side = 0; side < 2; side++)
        memcpy (values + (head * head_rows + side * half + i) * n_cols,
                copy + (head * head_rows + 2 * i + side) * n_cols, n_cols * sizeof (float));
}

static float *tensor_values (const EngineGgufTensor *tensor, gsize *ret_n)
{
  ck_assert_int_eq (tensor->type, ENGINE_TYPE_F32);
  *ret_n = tensor->n_bytes / sizeof (float);
  return g_memdup2 (tensor->data, tensor->n_bytes);
}

/* Gate and up become one matrix per expert, gate first. */
static void add_fused (Checkpoint *checkpoint, const char *name, const EngineGgufTensor *gate,
                       const EngineGgufTensor *up)
{
  guint64 n_experts = gate->n_dims > 2 ? gate->dims[2] : 1;
  gsize n_one = gate->dims[0] * gate->dims[1];
  g_autofree float *fused = g_new (float, 2 * n_one * n_experts);
  for (guint64 i = 0; i < n_experts; i++)
    {
      memcpy (fused + 2 * i * n_one, (const float *)gate->data + i * n_one, n_one * 4);
      memcpy (fused + (2 * i + 1) * n_one, (const float *)up->data + i * n_one, n_one * 4);
    }
  const guint64 dims[] = { n_experts, 2 * gate->dims[1], gate->dims[0] };
  if (gate->n_dims > 2)
    checkpoint_add (checkpoint, name, dims, 3, fused);
  else
    checkpoint_add (checkpoint, name, dims + 1, 2, fused);
}

static void add_tensor (Checkpoint *checkpoint, const char *name, const EngineGgufTensor *tensor)
{
  g_autofree char *target = checkpoint_name (name);
  if (target == NULL)
    return;
  char *gate
      = strstr (name, "ffn_gate_exps") ? strstr (name, "gate_exps") : strstr (name, "gate_shexp");
  if (gate != NULL)
    {
      g_autoptr (GString) up_name = g_string_new (name);
      g_string_replace (up_name, "ffn_gate", "ffn_up", 1);
      add_fused (checkpoint, target, tensor, engine_gguf_find_tensor (golden, up_name->str));
      return;
    }
  gsize n;
  g_autofree float *values = tensor_values (tensor, &n);
  guint64 dims[4];
  for (guint i = 0; i < tensor->n_dims; i++)
    dims[i] = tensor->dims[tensor->n_dims - 1 - i];
  gboolean pairs = is_architecture ("llama") || g_str_has_prefix (architecture, "granite");
  guint64 n_cols = tensor->n_dims > 1 ? tensor->dims[0] : 1;
  if (pairs && strstr (name, "attn_q.") != NULL)
    unrotate (values, n / n_cols, n_cols, golden_uint ("attention.head_count", 0));
  if (pairs && strstr (name, "attn_k.") != NULL)
    unrotate (values, n / n_cols, n_cols, golden_uint ("attention.head_count_kv", 0));
  if (g_str_has_prefix (architecture, "gemma") && strstr (name, "norm") != NULL)
    for (gsize i = 0; i < n; i++)
      values[i] -= 1;
  if (strcmp (current->model_type, "xlm-roberta") == 0
      && strcmp (name, "position_embd.weight") == 0)
    {
      /* Two rows that the model never looks at. */
      g_autofree float *longer = g_new0 (float, n + 2 * n_cols);
      memcpy (longer + 2 * n_cols, values, n * sizeof (float));
      dims[0] += 2;
      checkpoint_add (checkpoint, target, dims, 2, longer);
      return;
    }
  checkpoint_add (checkpoint, target, dims, tensor->n_dims, values);
}

static void write_weights (void)
{
  Checkpoint checkpoint;
  checkpoint_init (&checkpoint);
  for (gsize i = 0; i < engine_gguf_n_tensors (golden); i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (golden, i);
      g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
      add_tensor (&checkpoint, name, tensor);
    }
  checkpoint_write (&checkpoint, folder, "model.safetensors");
}

/* ---- Back to a checkpoint: config.json and tokenizer ---------------------------------------- */

static void write_json (const char *name, JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, FALSE);
  write_text (folder, name, text);
}

static void write_config (const char *expect_path)
{
  g_autoptr (JsonObject) expect = engine_json_load (expect_path, NULL);
  ck_assert_ptr_nonnull (expect);
  JsonObject *source = engine_json_get_object (expect, "config");
  g_autoptr (JsonObject) config = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (source);
  for (GList *item = members; item != NULL; item = item->next)
    json_object_set_member (config, item->data,
                            json_node_copy (json_object_get_member (source, item->data)));
  JsonArray *architectures = json_array_new ();
  json_array_add_string_element (architectures, current->architecture);
  json_object_set_array_member (config, "architectures", architectures);
  json_object_set_string_member (config, "model_type", current->model_type);
  if (g_str_has_suffix (current->architecture, "ForSequenceClassification"))
    {
      JsonObject *labels = json_object_new ();
      json_object_set_string_member (labels, "0", "LABEL_0");
      json_object_set_object_member (config, "id2label", labels);
    }
  write_json ("config.json", config);
  const char *pooling = engine_json_get_string (expect, "pooling");
  if (g_strcmp0 (pooling, "mean") == 0)
    write_text (folder, "1_Pooling/config.json",
                "{\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true}");
  if (g_strcmp0 (pooling, "cls") == 0)
    write_text (folder, "1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}");
}

static char *golden_token (gsize i)
{
  EngineGgufString token = engine_gguf_array_string (golden, "tokenizer.ggml.tokens", i);
  return g_strndup (token.data, token.length);
}

static gsize array_length (const EngineGguf *gguf, const char *key)
{
  EngineGgufType type;
  gsize n = 0;
  engine_gguf_get_array (gguf, key, &type, &n);
  return n;
}

static gsize n_tokens (void)
{
  return array_length (golden, "tokenizer.ggml.tokens");
}

static guint64 token_type (gsize i)
{
  guint64 type = 0;
  engine_gguf_array_uint (golden, "tokenizer.ggml.token_type", i, &type);
  return type;
}

static float token_score (gsize i)
{
  gsize n;
  const guint8 *scores
      = engine_gguf_array_data (golden, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, &n);
  float score = 0;
  if (scores != NULL && i < n)
    memcpy (&score, scores + i * sizeof score, sizeof score);
  return score;
}

static void write_vocab_txt (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (gsize i = 0; i < n_tokens (); i++)
    {
      g_autofree char *token = golden_token (i);
      if (g_str_has_prefix (token, "\xe2\x96\x81"))
        g_string_append (text, token + 3);
      else if (token[0] == '[')
        g_string_append (text, token);
      else
        g_string_append_printf (text, "##%s", token);
      g_string_append_c (text, '\n');
    }
  write_text (folder, "vocab.txt", text->str);
}

static void write_unigram (void)
{
  g_autoptr (JsonObject) root = json_object_new ();
  JsonObject *model = json_object_new ();
  JsonArray *vocab = json_array_new ();
  for (gsize i = 0; i < n_tokens (); i++)
    {
      g_autofree char *token = golden_token (i);
      JsonArray *pair = json_array_new ();
      json_array_add_string_element (pair, token);
      json_array_add_double_element (pair, (double)token_score (i));
      json_array_add_array_element (vocab, pair);
    }
  json_object_set_string_member (model, "type", "Unigram");
  json_object_set_array_member (model, "vocab", vocab);
  json_object_set_object_member (root, "model", model);
  write_json ("tokenizer.json", root);
}

/* The steps that tokenizer.json of real models has, by GGUF's name. */
static const struct
{
  const char *pre, *json;
  gboolean whole_words;
} pre_tokenizers[] = {
  { "llama-bpe",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}|"
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"use_regex\":false}]}",
    TRUE },
  { "qwen2",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}|"
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"use_regex\":false}]}",
    FALSE },
  { "gpt-4o",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*"
    "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+"
    "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\\\p{N}{1,3}|"
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"use_regex\":false}]}",
    FALSE },
  { "smollm",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
    "{\"type\":\"ByteLevel\",\"use_regex\":true}]}",
    FALSE },
  { "refact",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
    "{\"type\":\"ByteLevel\",\"use_regex\":true}]}",
    FALSE },
};

static void write_settings (void)
{
  static const struct
  {
    const char *key, *role;
  } roles[] = {
    { "tokenizer.ggml.bos_token_id", "bos_token" },
    { "tokenizer.ggml.eos_token_id", "eos_token" },
    { "tokenizer.ggml.unknown_token_id", "unk_token" },
    { "tokenizer.ggml.padding_token_id", "pad_token" },
  };
  g_autoptr (JsonObject) settings = json_object_new ();
  gboolean add_bos = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (roles); i++)
    {
      guint64 id;
      if (!engine_gguf_get_uint (golden, roles[i].key, &id))
        continue;
      g_autofree char *token = golden_token (id);
      json_object_set_string_member (settings, roles[i].role, token);
    }
  if (engine_gguf_get_bool (golden, "tokenizer.ggml.add_bos_token", &add_bos))
    json_object_set_boolean_member (settings, "add_bos_token", add_bos);
  write_json ("tokenizer_config.json", settings);
}

static void write_byte_level (void)
{
  EngineGgufString pre = { NULL, 0 };
  ck_assert (engine_gguf_get_string (golden, "tokenizer.ggml.pre", &pre));
  gsize choice = 0, n_merges = array_length (golden, "tokenizer.ggml.merges");
  while (choice < G_N_ELEMENTS (pre_tokenizers)
         && strncmp (pre_tokenizers[choice].pre, pre.data, pre.length) != 0)
    choice++;
  ck_assert_uint_lt (choice, G_N_ELEMENTS (pre_tokenizers));

  g_autoptr (JsonObject) root = json_object_new ();
  JsonObject *model = json_object_new (), *vocab = json_object_new ();
  JsonArray *merges = json_array_new (), *added = json_array_new ();
  for (gsize i = 0; i < n_tokens (); i++)
    {
      g_autofree char *token = golden_token (i);
      if (token_type (i) == 1)
        json_object_set_int_member (vocab, token, (gint64)i);
      else
        {
          JsonObject *special = json_object_new ();
          json_object_set_int_member (special, "id", (gint64)i);
          json_object_set_string_member (special, "content", token);
          json_object_set_boolean_member (special, "special", TRUE);
          json_array_add_object_element (added, special);
        }
    }
  for (gsize i = 0; i < n_merges; i++)
    {
      EngineGgufString merge = engine_gguf_array_string (golden, "tokenizer.ggml.merges", i);
      g_autofree char *text = g_strndup (merge.data, merge.length);
      g_auto (GStrv) parts = g_strsplit (text, " ", 2);
      JsonArray *pair = json_array_new ();
      json_array_add_string_element (pair, parts[0]);
      json_array_add_string_element (pair, parts[1]);
      if (i % 2 == 0) /* both spellings occur */
        json_array_add_string_element (merges, text);
      if (i % 2 == 0)
        json_array_unref (pair);
      else
        json_array_add_array_element (merges, pair);
    }
  json_object_set_string_member (model, "type", "BPE");
  json_object_set_boolean_member (model, "ignore_merges", pre_tokenizers[choice].whole_words);
  json_object_set_object_member (model, "vocab", vocab);
  json_object_set_array_member (model, "merges", merges);
  json_object_set_object_member (root, "model", model);
  json_object_set_array_member (root, "added_tokens", added);
  json_object_set_member (root, "pre_tokenizer",
                          json_from_string (pre_tokenizers[choice].json, NULL));
  write_json ("tokenizer.json", root);
  write_settings ();
}

static void put_varint (GByteArray *bytes, guint64 value)
{
  while (value >= 0x80)
    {
      guint8 byte = (guint8)(value | 0x80);
      g_byte_array_append (bytes, &byte, 1);
      value >>= 7;
    }
  guint8 byte = (guint8)value;
  g_byte_array_append (bytes, &byte, 1);
}

static void put_bytes (GByteArray *bytes, guint number, const void *data, gsize n)
{
  put_varint (bytes, number << 3 | 2);
  put_varint (bytes, n);
  g_byte_array_append (bytes, data, (guint)n);
}

/* tokenizer.model, as SentencePiece writes it. */
static void write_sentencepiece (void)
{
  g_autoptr (GByteArray) model = g_byte_array_new ();
  gboolean adds_space = TRUE;
  for (gsize i = 0; i < n_tokens (); i++)
    {
      g_autoptr (GByteArray) piece = g_byte_array_new ();
      g_autofree char *token = golden_token (i);
      float score = token_score (i);
      put_bytes (piece, 1, token, strlen (token));
      put_varint (piece, 2 << 3 | 5);
      g_byte_array_append (piece, (const guint8 *)&score, sizeof score);
      put_varint (piece, 3 << 3);
      put_varint (piece, token_type (i));
      put_bytes (model, 1, piece->data, piece->len);
    }
  const guint8 trainer[] = { 3 << 3, 2 };
  put_bytes (model, 2, trainer, sizeof trainer);
  engine_gguf_get_bool (golden, "tokenizer.ggml.add_space_prefix", &adds_space);
  const guint8 normalizer[] = { 3 << 3, adds_space ? 1 : 0 };
  put_bytes (model, 3, normalizer, sizeof normalizer);
  g_autofree char *path = write_file (folder, "tokenizer.model", model->data, model->len);
  write_settings ();
}

static void write_tokenizer (void)
{
  EngineGgufString model = { NULL, 0 };
  ck_assert (engine_gguf_get_string (golden, "tokenizer.ggml.model", &model));
  if (strncmp (model.data, "bert", model.length) == 0)
    write_vocab_txt ();
  else if (strncmp (model.data, "t5", model.length) == 0)
    write_unigram ();
  else if (strncmp (model.data, "gpt2", model.length) == 0)
    write_byte_level ();
  else
    write_sentencepiece ();
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static void compare_tensors (const EngineGguf *made)
{
  ck_assert_uint_eq (engine_gguf_n_tensors (made), engine_gguf_n_tensors (golden));
  for (gsize i = 0; i < engine_gguf_n_tensors (golden); i++)
    {
      const EngineGgufTensor *expected = engine_gguf_tensor (golden, i);
      g_autofree char *name = g_strndup (expected->name.data, expected->name.length);
      const EngineGgufTensor *found = engine_gguf_find_tensor (made, name);
      ck_assert_msg (found != NULL, "%s: %s is missing", current->name, name);
      ck_assert_uint_eq (found->n_dims, expected->n_dims);
      ck_assert_mem_eq (found->dims, expected->dims, expected->n_dims * sizeof (guint64));
      gsize n;
      g_autofree float *a = tensor_values (expected, &n);
      g_autofree float *b = tensor_values (found, &n);
      /* Taking one away and adding it again rounds; so does computing factors. */
      gboolean rounded = strstr (name, "norm") != NULL || g_str_has_prefix (name, "rope");
      for (gsize j = 0; j < n; j++)
        ck_assert_msg (
            rounded ? fabs ((double)a[j] - (double)b[j]) <= 1e-6 * (1 + fabs (a[j])) : a[j] == b[j],
            "%s: %s[%zu] is %g, not %g", current->name, name, j, (double)b[j], (double)a[j]);
    }
}

/* Keys as they are printed for people: "bert.block_count = 2". */
static GHashTable *described_keys (const EngineGguf *gguf)
{
  GHashTable *keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (gsize i = 0; i < engine_gguf_n_keys (gguf); i++)
    {
      char *text = engine_gguf_describe_key (gguf, i);
      if (g_str_has_prefix (text, "general.") && !g_str_has_prefix (text, "general.arch"))
        g_free (text);
      else
        g_hash_table_add (keys, text);
    }
  return keys;
}

static void compare_keys (const EngineGguf *made)
{
  g_autoptr (GHashTable) expected = described_keys (golden);
  g_autoptr (GHashTable) found = described_keys (made);
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, expected);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    ck_assert_msg (g_hash_table_contains (found, key), "%s: lacks %s", current->name,
                   (const char *)key);
  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      /* Said although readers take the same for granted. */
      gboolean harmless = g_str_has_prefix (key, "gemma.rope.freq_base")
                          || g_str_has_prefix (key, "gemma2.rope.freq_base");
      ck_assert_msg (harmless || g_hash_table_contains (expected, key), "%s: has %s besides",
                     current->name, (const char *)key);
    }
}

static void compare_strings (const EngineGguf *made, const char *key)
{
  gsize n_expected = array_length (golden, key);
  ck_assert_uint_eq (array_length (made, key), n_expected);
  for (gsize i = 0; i < n_expected; i++)
    {
      EngineGgufString a = engine_gguf_array_string (golden, key, i);
      EngineGgufString b = engine_gguf_array_string (made, key, i);
      ck_assert_uint_eq (a.length, b.length);
      ck_assert_mem_eq (a.data, b.data, a.length);
    }
}

static void compare_tokens (const EngineGguf *made)
{
  compare_strings (made, "tokenizer.ggml.tokens");
  compare_strings (made, "tokenizer.ggml.merges");
  gsize n_expected, n_found;
  const void *a
      = engine_gguf_array_data (golden, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, &n_expected);
  const void *b
      = engine_gguf_array_data (made, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, &n_found);
  ck_assert ((a == NULL) == (b == NULL));
  if (a != NULL)
    ck_assert_mem_eq (a, b, n_expected * sizeof (float));
  for (gsize i = 0; i < n_tokens (); i++)
    {
      guint64 type = 0;
      ck_assert (engine_gguf_array_uint (made, "tokenizer.ggml.token_type", i, &type));
      /* "[unused7]" is a control token there; no checkpoint says so. */
      g_autofree char *token = golden_token (i);
      ck_assert (type == token_type (i) || g_str_has_prefix (token, "[unused"));
    }
}

START_TEST (test_family_converts_as_elsewhere)
{
  g_autofree char *root = golden_folder ();
  current = &cases[_i];
  g_autofree char *golden_path = g_build_filename (root, current->name, "model.gguf", NULL);
  g_autofree char *expect_path = g_build_filename (root, current->name, "expect.json", NULL);
  if (!g_file_test (golden_path, G_FILE_TEST_EXISTS))
    {
      printf ("%s skipped: there is no %s\n", current->name, golden_path);
      return;
    }
  g_autoptr (GError) error = NULL;
  golden = engine_gguf_open (golden_path, &error);
  ck_assert_msg (golden != NULL, "%s", error ? error->message : "");
  EngineGgufString name;
  ck_assert (engine_gguf_get_string (golden, "general.architecture", &name));
  architecture = g_strndup (name.data, name.length);
  folder = make_folder ();
  write_config (expect_path);
  write_tokenizer ();
  write_weights ();

  g_autofree char *path = g_build_filename (folder, "made.gguf", NULL);
  ck_assert_msg (engine_convert (folder, path, "F32", NULL, NULL, &error), "%s: %s", current->name,
                 error ? error->message : "");
  g_autoptr (EngineGguf) made = engine_gguf_open (path, &error);
  ck_assert_msg (made != NULL, "%s: %s", current->name, error ? error->message : "");
  compare_tensors (made);
  compare_keys (made);
  compare_tokens (made);

  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&architecture, g_free);
  g_clear_pointer (&golden, engine_gguf_free);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("convert-families");
  TCase *tcase = tcase_create ("convert-families");
  tcase_set_timeout (tcase, 60);
  tcase_add_loop_test (tcase, test_family_converts_as_elsewhere, 0, G_N_ELEMENTS (cases));
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

/* Writes the tokenizer of a generator into a GGUF file: byte-level BPE (GPT-2, LLaMA 3, Qwen) here,
 * SentencePiece in convert-spm.c. Pieces and merges are copied; the regular expression that cuts
 * text into words has a name in GGUF, and one that is not in the table is refused: with another
 * one the model would see other words than it learnt. */
#include "engine/convert-bpe-private.h"

#include <string.h>

gboolean engine_bpe_refuse (const EngineBpe *bpe, const char *what, GError **error)
{
  return engine_model_folder_unsupported (bpe->folder, what, error);
}

/* ---- Tokens by id --------------------------------------------------------------------------- */

gboolean engine_bpe_place (EngineBpe *bpe, guint64 id, const char *text, EngineTokenType type,
                           float score, GError **error)
{
  if (id >= bpe->n_vocab)
    return engine_bpe_refuse (bpe, "its vocabulary does not fit its token embedding", error);
  bpe->tokens[id] = (EngineBpeToken){ text, type, score };
  return TRUE;
}

static gboolean read_pieces (EngineBpe *bpe, JsonObject *pieces, GError **error)
{
  JsonObjectIter iter;
  const char *piece;
  JsonNode *node;
  json_object_iter_init (&iter, pieces);
  while (json_object_iter_next (&iter, &piece, &node))
    {
      guint64 id;
      if (!engine_json_node_uint (node, &id))
        return engine_bpe_refuse (bpe, "the ids of its vocabulary are not numbers", error);
      if (!engine_bpe_place (bpe, id, piece, ENGINE_TOKEN_NORMAL, 0, error))
        return FALSE;
    }
  return TRUE;
}

gboolean engine_bpe_read_added (EngineBpe *bpe, GError **error)
{
  JsonArray *added
      = bpe->tokenizer != NULL ? engine_json_get_array (bpe->tokenizer, "added_tokens") : NULL;
  for (guint i = 0; added != NULL && i < json_array_get_length (added); i++)
    {
      JsonNode *node = json_array_get_element (added, i);
      JsonObject *token = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *text = token != NULL ? engine_json_get_string (token, "content") : NULL;
      gboolean special = FALSE;
      guint64 id;
      if (text == NULL || !engine_json_get_uint (token, "id", &id))
        return engine_bpe_refuse (bpe, "its added tokens have no ids", error);
      engine_json_get_bool (token, "special", &special);
      float score = id < bpe->n_vocab ? bpe->tokens[id].score : 0;
      EngineTokenType type = special ? ENGINE_TOKEN_CONTROL : ENGINE_TOKEN_USER_DEFINED;
      if (strcmp (text, "<unk>") == 0)
        type = ENGINE_TOKEN_UNKNOWN;
      if (!engine_bpe_place (bpe, id, text, type, score, error))
        return FALSE;
    }
  return TRUE;
}

EngineTokenTable *engine_bpe_table (const EngineBpe *bpe)
{
  EngineTokenTable *table = engine_token_table_new ();
  for (guint64 id = 0; id < bpe->n_vocab; id++)
    {
      const EngineBpeToken *token = &bpe->tokens[id];
      if (token->text == NULL)
        engine_token_table_fill (table, id + 1);
      else
        engine_token_table_add (table, token->text, token->text, token->type, token->score);
    }
  return table;
}

/* ---- Roles ---------------------------------------------------------------------------------- */

/* A token's text in tokenizer_config.json: a string, or an object with "content". */
static const char *role_text (const EngineBpe *bpe, const char *role)
{
  if (bpe->settings == NULL)
    return NULL;
  JsonObject *object = engine_json_get_object (bpe->settings, role);
  return object != NULL ? engine_json_get_string (object, "content")
                        : engine_json_get_string (bpe->settings, role);
}

/* config.json has numbers, for the end of text perhaps several. */
static gboolean role_number (const EngineBpe *bpe, const char *key, guint64 *ret_id)
{
  JsonNode *node = json_object_get_member (bpe->folder->config, key);
  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node)
      && json_array_get_length (json_node_get_array (node)) > 0)
    node = json_array_get_element (json_node_get_array (node), 0);
  return engine_json_node_uint (node, ret_id) && *ret_id < bpe->n_vocab;
}

void engine_bpe_write_roles (const EngineBpe *bpe, const EngineTokenTable *table,
                             EngineGgufWriter *writer)
{
  static const struct
  {
    const char *text, *number, *key;
  } roles[] = {
    { "bos_token", "bos_token_id", "tokenizer.ggml.bos_token_id" },
    { "eos_token", "eos_token_id", "tokenizer.ggml.eos_token_id" },
    { "unk_token", "unk_token_id", "tokenizer.ggml.unknown_token_id" },
    { "pad_token", "pad_token_id", "tokenizer.ggml.padding_token_id" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (roles); i++)
    {
      const char *text = role_text (bpe, roles[i].text);
      guint32 id;
      guint64 number;
      if (text != NULL && engine_token_table_find (table, text, &id))
        engine_gguf_writer_set_uint (writer, roles[i].key, id);
      else if (role_number (bpe, roles[i].number, &number))
        engine_gguf_writer_set_uint (writer, roles[i].key, (guint32)number);
    }
}

/* Whether the template that is put around a text begins with a special token. */
static gboolean template_begins_special (JsonObject *processor)
{
  JsonArray *steps = engine_json_get_array (processor, "processors");
  for (guint i = 0; steps != NULL && i < json_array_get_length (steps); i++)
    {
      JsonNode *step = json_array_get_element (steps, i);
      if (JSON_NODE_HOLDS_OBJECT (step) && template_begins_special (json_node_get_object (step)))
        return TRUE;
    }
  JsonArray *single = engine_json_get_array (processor, "single");
  JsonNode *first = single != NULL && json_array_get_length (single) > 0
                        ? json_array_get_element (single, 0)
                        : NULL;
  return first != NULL && JSON_NODE_HOLDS_OBJECT (first)
         && json_object_has_member (json_node_get_object (first), "SpecialToken");
}

void engine_bpe_write_bos (const EngineBpe *bpe, gboolean usual, EngineGgufWriter *writer)
{
  JsonObject *processor
      = bpe->tokenizer != NULL ? engine_json_get_object (bpe->tokenizer, "post_processor") : NULL;
  gboolean add = processor != NULL ? template_begins_special (processor) : usual;
  if (bpe->settings != NULL)
    engine_json_get_bool (bpe->settings, "add_bos_token", &add);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_bos_token", add);
}

/* The template is only ever recognised, never run. It is a string, a list of named ones, or, in
 * newer folders, a file. */
static void write_chat_template (const EngineBpe *bpe, EngineGgufWriter *writer)
{
  g_autofree char *path = g_build_filename (bpe->folder->path, "chat_template.jinja", NULL);
  g_autofree char *file = NULL;
  const char *text
      = bpe->settings != NULL ? engine_json_get_string (bpe->settings, "chat_template") : NULL;
  JsonArray *list
      = bpe->settings != NULL ? engine_json_get_array (bpe->settings, "chat_template") : NULL;
  for (guint i = 0; text == NULL && list != NULL && i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      if (entry != NULL && g_strcmp0 (engine_json_get_string (entry, "name"), "default") == 0)
        text = engine_json_get_string (entry, "template");
    }
  if (text == NULL && g_file_get_contents (path, &file, NULL, NULL)
      && g_utf8_validate (file, -1, NULL))
    text = file;
  if (text != NULL)
    engine_gguf_writer_set_string (writer, "tokenizer.chat_template", text);
}

/* ---- Byte-level BPE ------------------------------------------------------------------------- */

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define CL100K(digits)                                                                             \
  CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                                            \
               "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(suffix, digits)                                                                      \
  "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER    \
  "*" suffix "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct
{
  const char *expression, *pre;
} pre_tokenizers[] = {
  { CL100K ("\\p{N}{1,3}"), "dbrx" }, /* "llama-bpe" when whole words are tried first */
  { CL100K ("\\p{N}"), "qwen2" },
  { CASED ("", "\\p{N}"), "tekken" },
  { CASED (CONTRACTIONS "?", "\\p{N}{1,3}"), "gpt-4o" },
};

/* What the pre-tokenizer's steps amount to. */
typedef struct
{
  const char *expression;  /* of a Split */
  gboolean digits, splits; /* Digits; a ByteLevel that splits as GPT-2 does */
} Steps;

static void collect_steps (JsonObject *step, Steps *steps)
{
  const char *type = engine_json_get_string (step, "type");
  JsonObject *pattern = engine_json_get_object (step, "pattern");
  JsonArray *children = engine_json_get_array (step, "pretokenizers");
  if (g_strcmp0 (type, "Split") == 0 && pattern != NULL)
    steps->expression = engine_json_get_string (pattern, "Regex");
  if (g_strcmp0 (type, "Digits") == 0)
    engine_json_get_bool (step, "individual_digits", &steps->digits);
  if (g_strcmp0 (type, "ByteLevel") == 0)
    {
      steps->splits = TRUE;
      engine_json_get_bool (step, "use_regex", &steps->splits);
    }
  for (guint i = 0; children != NULL && i < json_array_get_length (children); i++)
    {
      JsonNode *child = json_array_get_element (children, i);
      if (JSON_NODE_HOLDS_OBJECT (child))
        collect_steps (json_node_get_object (child), steps);
    }
}

/* GGUF's name for how text is cut into words; NULL: none of those we know. */
static const char *find_pre (const EngineBpe *bpe)
{
  JsonObject *root = engine_json_get_object (bpe->tokenizer, "pre_tokenizer");
  JsonObject *model = engine_json_get_object (bpe->tokenizer, "model");
  gboolean whole_words = FALSE, granite;
  Steps steps = { 0 };
  if (root != NULL)
    collect_steps (root, &steps);
  engine_json_get_bool (model, "ignore_merges", &whole_words);
  granite = g_str_has_prefix (bpe->folder->family->architecture, "granite");
  for (gsize i = 0; steps.expression != NULL && i < G_N_ELEMENTS (pre_tokenizers); i++)
    if (strcmp (steps.expression, pre_tokenizers[i].expression) == 0)
      return i == 0 && whole_words ? "llama-bpe" : pre_tokenizers[i].pre;
  if (steps.expression != NULL || !steps.splits)
    return NULL;
  if (steps.digits)
    return granite ? "refact" : "smollm";
  return "gpt-2";
}

/* Merges are "a b", or, since pieces may hold spaces, pairs. Byte-level pieces hold none. */
GPtrArray *engine_bpe_merges (const EngineBpe *bpe, GError **error)
{
  JsonObject *model = engine_json_get_object (bpe->tokenizer, "model");
  JsonArray *array = engine_json_get_array (model, "merges");
  g_autoptr (GPtrArray) merges = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      const char *text = engine_json_node_string (node), *first = NULL, *second = NULL;
      if (pair != NULL && json_array_get_length (pair) == 2)
        {
          first = engine_json_node_string (json_array_get_element (pair, 0));
          second = engine_json_node_string (json_array_get_element (pair, 1));
        }
      if (text == NULL && (first == NULL || second == NULL))
        {
          engine_bpe_refuse (bpe, "its merges are not pairs of pieces", error);
          return NULL;
        }
      g_ptr_array_add (merges,
                       text != NULL ? g_strdup (text) : g_strconcat (first, " ", second, NULL));
    }
  if (merges->len == 0)
    {
      engine_bpe_refuse (bpe, "its tokenizer.json has no merges", error);
      return NULL;
    }
  return g_steal_pointer (&merges);
}

static gboolean write_byte_level (EngineBpe *bpe, EngineGgufWriter *writer, GError **error)
{
  const char *pre = find_pre (bpe);
  if (pre == NULL)
    return engine_bpe_refuse (bpe, "its pre-tokenizer cuts text in a way that is not known here",
                              error);
  g_autoptr (GPtrArray) merges = engine_bpe_merges (bpe, error);
  if (merges == NULL)
    return FALSE;
  g_autoptr (EngineTokenTable) table = engine_bpe_table (bpe);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "gpt2");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", pre);
  engine_token_table_write (table, FALSE, writer);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges",
                                  (const char *const *)merges->pdata, merges->len);
  engine_bpe_write_roles (bpe, table, writer);
  engine_bpe_write_bos (bpe, FALSE, writer);
  return TRUE;
}

/* ---- Entry --------------------------------------------------------------------------------------
 */

static gboolean read_tokenizer (EngineBpe *bpe, gboolean *ret_byte_fallback, GError **error)
{
  JsonObject *model = engine_json_get_object (bpe->tokenizer, "model");
  JsonObject *pieces = model != NULL ? engine_json_get_object (model, "vocab") : NULL;
  const char *type = model != NULL ? engine_json_get_string (model, "type") : NULL;
  if (pieces == NULL || (type != NULL && strcmp (type, "BPE") != 0))
    return engine_bpe_refuse (bpe, "its tokenizer.json holds no BPE vocabulary", error);
  engine_json_get_bool (model, "byte_fallback", ret_byte_fallback);
  return read_pieces (bpe, pieces, error) && engine_bpe_read_added (bpe, error);
}

static gboolean write_tokenizer (EngineBpe *bpe, EngineGgufWriter *writer, GError **error)
{
  gboolean sentencepiece = FALSE;
  if (bpe->tokenizer == NULL)
    return engine_convert_spm (bpe, writer, error);
  if (!read_tokenizer (bpe, &sentencepiece, error))
    return FALSE;
  return sentencepiece ? engine_convert_spm (bpe, writer, error)
                       : write_byte_level (bpe, writer, error);
}

gboolean engine_convert_bpe (const EngineModelFolder *folder, JsonObject *tokenizer,
                             EngineGgufWriter *writer, GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) settings
      = engine_model_folder_json (folder, "tokenizer_config.json", &failed, error);
  EngineBpe bpe = { .folder = folder, .tokenizer = tokenizer, .settings = settings };
  if (failed || !engine_convert_n_vocab (folder, &bpe.n_vocab, error))
    return FALSE;
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  g_autofree EngineBpeToken *tokens = g_new0 (EngineBpeToken, bpe.n_vocab);
  bpe.strings = strings;
  bpe.tokens = tokens;
  if (!write_tokenizer (&bpe, writer, error))
    return FALSE;
  write_chat_template (&bpe, writer);
  return TRUE;
}

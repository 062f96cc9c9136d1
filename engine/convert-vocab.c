/* Writes the tokenizer of an encoder into a GGUF file: WordPiece from vocab.txt or tokenizer.json,
 * Unigram from tokenizer.json. GGUF marks where words begin (U+2581 before the piece), while
 * WordPiece marks where they go on ("##"), so pieces are respelled; the ids stay what they are. */
#include "engine/convert-private.h"

#include <string.h>

gboolean engine_convert_n_vocab (const EngineModelFolder *folder, guint64 *ret_n_vocab,
                                 GError **error)
{
  const char *stem = folder->family->tensors[0].source;
  const EngineSafeTensor *embedding = engine_model_folder_find (folder, stem, ".weight");
  if (embedding == NULL || embedding->n_dims != 2)
    return engine_model_folder_unsupported (folder, "it has no token embedding", error);
  *ret_n_vocab = embedding->shape[0];
  return TRUE;
}

static gboolean fill_up (const EngineModelFolder *folder, EngineTokenTable *table, GError **error)
{
  guint64 n_vocab;
  if (!engine_convert_n_vocab (folder, &n_vocab, error))
    return FALSE;
  guint n_tokens = engine_token_table_size (table);
  if (n_tokens == 0 || n_tokens > n_vocab)
    return engine_model_folder_unsupported (
        folder, "its vocabulary does not fit its token embedding", error);
  engine_token_table_fill (table, n_vocab);
  return TRUE;
}

/* ---- Special tokens ------------------------------------------------------------------------- */

typedef struct
{
  const char *role;                /* in special_tokens_map.json */
  const char *key;                 /* in GGUF; "seperator" is the format's own spelling */
  const char *wordpiece, *unigram; /* the usual texts */
} SpecialRole;

static const SpecialRole special_roles[] = {
  { "unk_token", "tokenizer.ggml.unknown_token_id", "[UNK]", "<unk>" },
  { "sep_token", "tokenizer.ggml.seperator_token_id", "[SEP]", "</s>" },
  { "pad_token", "tokenizer.ggml.padding_token_id", "[PAD]", "<pad>" },
  { "cls_token", "tokenizer.ggml.cls_token_id", "[CLS]", "<s>" },
  { "mask_token", "tokenizer.ggml.mask_token_id", "[MASK]", "<mask>" },
  { "cls_token", "tokenizer.ggml.bos_token_id", "[CLS]", "<s>" },
  { "sep_token", "tokenizer.ggml.eos_token_id", "[SEP]", "</s>" },
};

/* A role is a string, or an object with the string in "content". */
static const char *special_text (JsonObject *map, const SpecialRole *role, gboolean unigram)
{
  const char *text = map != NULL ? engine_json_get_string (map, role->role) : NULL;
  JsonObject *object = map != NULL ? engine_json_get_object (map, role->role) : NULL;
  if (object != NULL)
    text = engine_json_get_string (object, "content");
  if (text != NULL)
    return text;
  return unigram ? role->unigram : role->wordpiece;
}

static gboolean write_specials (const EngineModelFolder *folder, EngineTokenTable *table,
                                gboolean unigram, EngineGgufWriter *writer, GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) map
      = engine_model_folder_json (folder, "special_tokens_map.json", &failed, error);
  if (failed)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (special_roles); i++)
    {
      const char *text = special_text (map, &special_roles[i], unigram);
      guint32 id;
      if (!engine_token_table_find (table, text, &id))
        {
          g_autofree char *what = g_strdup_printf ("its vocabulary lacks %s", text);
          return engine_model_folder_unsupported (folder, what, error);
        }
      gboolean unknown = unigram && strcmp (special_roles[i].role, "unk_token") == 0;
      engine_token_table_set_type (table, id,
                                   unknown ? ENGINE_TOKEN_UNKNOWN : ENGINE_TOKEN_CONTROL);
      engine_gguf_writer_set_uint (writer, special_roles[i].key, id);
    }
  return TRUE;
}

/* ---- WordPiece ------------------------------------------------------------------------------ */

static void add_wordpiece (EngineTokenTable *table, const char *piece)
{
  g_autofree char *started = g_strconcat (ENGINE_WORD_START, piece, NULL);
  const char *token = started;
  if (piece[0] == '[' && g_str_has_suffix (piece, "]"))
    token = piece;
  else if (g_str_has_prefix (piece, "##"))
    token = piece + 2;
  engine_token_table_add (table, piece, token, ENGINE_TOKEN_NORMAL, 0);
}

static gboolean read_vocab_txt (const EngineModelFolder *folder, const char *path,
                                EngineTokenTable *table, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize length;
  if (!g_file_get_contents (path, &text, &length, &local))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not read %s: %s", path,
                   local->message);
      return FALSE;
    }
  if (!g_utf8_validate (text, (gssize)length, NULL))
    return engine_model_folder_unsupported (folder, "its vocab.txt is not UTF-8", error);
  for (char *line = text; *line != '\0';)
    {
      char *end = strchrnul (line, '\n');
      char *next = *end == '\n' ? end + 1 : end;
      *end = '\0';
      if (end > line && end[-1] == '\r')
        end[-1] = '\0';
      add_wordpiece (table, line);
      line = next;
    }
  return TRUE;
}

/* Object of piece → id; the ids must be 0 to n − 1. */
static gboolean read_vocab_object (const EngineModelFolder *folder, JsonObject *pieces,
                                   EngineTokenTable *table, GError **error)
{
  guint n_pieces = json_object_get_size (pieces);
  g_autofree const char **by_id = g_new0 (const char *, n_pieces + 1);
  g_autoptr (GList) names = json_object_get_members (pieces);
  for (GList *item = names; item != NULL; item = item->next)
    {
      guint64 id;
      if (!engine_json_get_uint (pieces, item->data, &id) || id >= n_pieces || by_id[id] != NULL)
        return engine_model_folder_unsupported (
            folder, "the ids of its vocabulary are not 0, 1, 2 …", error);
      by_id[id] = item->data;
    }
  for (guint i = 0; i < n_pieces; i++)
    add_wordpiece (table, by_id[i]);
  return TRUE;
}

/* Readers of GGUF lower-case before looking a word up; a cased vocabulary would not be found. */
static gboolean check_lower_case (const EngineModelFolder *folder, JsonObject *tokenizer,
                                  GError **error)
{
  gboolean failed, lower = TRUE;
  g_autoptr (JsonObject) settings
      = engine_model_folder_json (folder, "tokenizer_config.json", &failed, error);
  if (failed)
    return FALSE;
  JsonObject *normalizer
      = tokenizer != NULL ? engine_json_get_object (tokenizer, "normalizer") : NULL;
  if (normalizer != NULL)
    engine_json_get_bool (normalizer, "lowercase", &lower);
  else if (settings != NULL)
    engine_json_get_bool (settings, "do_lower_case", &lower);
  return lower
         || engine_model_folder_unsupported (
             folder, "its vocabulary tells capitals from small letters", error);
}

static gboolean write_wordpiece (const EngineModelFolder *folder, JsonObject *tokenizer,
                                 EngineGgufWriter *writer, GError **error)
{
  g_autoptr (EngineTokenTable) table = engine_token_table_new ();
  g_autofree char *path = g_build_filename (folder->path, "vocab.txt", NULL);
  JsonObject *model = tokenizer != NULL ? engine_json_get_object (tokenizer, "model") : NULL;
  JsonObject *pieces = model != NULL ? engine_json_get_object (model, "vocab") : NULL;
  if (!check_lower_case (folder, tokenizer, error))
    return FALSE;
  if (pieces != NULL ? !read_vocab_object (folder, pieces, table, error)
                     : !read_vocab_txt (folder, path, table, error))
    return FALSE;
  if (!fill_up (folder, table, error))
    return FALSE;

  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "bert");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  if (!write_specials (folder, table, FALSE, writer, error))
    return FALSE;
  engine_token_table_write (table, FALSE, writer);
  return TRUE;
}

/* ---- Unigram -------------------------------------------------------------------------------- */

static gboolean read_unigram (const EngineModelFolder *folder, JsonArray *pieces,
                              EngineTokenTable *table, GError **error)
{
  for (guint i = 0; i < json_array_get_length (pieces); i++)
    {
      JsonNode *node = json_array_get_element (pieces, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      const char *piece = pair != NULL && json_array_get_length (pair) == 2
                              ? engine_json_node_string (json_array_get_element (pair, 0))
                              : NULL;
      double score;
      if (piece == NULL || !engine_json_node_double (json_array_get_element (pair, 1), &score))
        return engine_model_folder_unsupported (
            folder, "its unigram vocabulary is not pairs of piece and score", error);
      engine_token_table_add (table, piece, piece, ENGINE_TOKEN_NORMAL, (float)score);
    }
  return TRUE;
}

/* The character map of a Precompiled normalizer, alone or in a sequence; NULL: none. */
static const char *find_charsmap (JsonObject *normalizer)
{
  const char *type = engine_json_get_string (normalizer, "type");
  if (type != NULL && strcmp (type, "Precompiled") == 0)
    return engine_json_get_string (normalizer, "precompiled_charsmap");
  JsonArray *steps = engine_json_get_array (normalizer, "normalizers");
  for (guint i = 0; steps != NULL && i < json_array_get_length (steps); i++)
    {
      JsonNode *step = json_array_get_element (steps, i);
      const char *found
          = JSON_NODE_HOLDS_OBJECT (step) ? find_charsmap (json_node_get_object (step)) : NULL;
      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Added tokens such as <mask> may stand behind the model's own pieces. */
static gboolean read_added (const EngineModelFolder *folder, JsonObject *tokenizer,
                            EngineTokenTable *table, GError **error)
{
  JsonArray *added = engine_json_get_array (tokenizer, "added_tokens");
  for (guint i = 0; added != NULL && i < json_array_get_length (added); i++)
    {
      JsonNode *node = json_array_get_element (added, i);
      JsonObject *token = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *text = token != NULL ? engine_json_get_string (token, "content") : NULL;
      guint64 id;
      if (text == NULL || !engine_json_get_uint (token, "id", &id)
          || id > engine_token_table_size (table))
        return engine_model_folder_unsupported (
            folder, "its added tokens do not follow its vocabulary", error);
      if (id == engine_token_table_size (table))
        engine_token_table_add (table, text, text, ENGINE_TOKEN_CONTROL, 0);
    }
  return TRUE;
}

static gboolean write_unigram (const EngineModelFolder *folder, JsonObject *tokenizer,
                               EngineGgufWriter *writer, GError **error)
{
  g_autoptr (EngineTokenTable) table = engine_token_table_new ();
  JsonObject *model = tokenizer != NULL ? engine_json_get_object (tokenizer, "model") : NULL;
  JsonArray *pieces = model != NULL ? engine_json_get_array (model, "vocab") : NULL;
  if (pieces == NULL)
    return engine_model_folder_unsupported (
        folder, "it has no tokenizer.json with a unigram vocabulary", error);
  if (!read_unigram (folder, pieces, table, error) || !read_added (folder, tokenizer, table, error)
      || !fill_up (folder, table, error))
    return FALSE;

  JsonObject *normalizer = engine_json_get_object (tokenizer, "normalizer");
  const char *base64 = normalizer != NULL ? find_charsmap (normalizer) : NULL;
  gsize n_charsmap = 0;
  g_autofree guchar *charsmap = base64 != NULL ? g_base64_decode (base64, &n_charsmap) : NULL;
  if (!write_specials (folder, table, TRUE, writer, error))
    return FALSE;
  engine_convert_unigram_keys (table, charsmap, n_charsmap, writer);
  return TRUE;
}

/* ---- Entry ---------------------------------------------------------------------------------- */

/* "WordPiece", "Unigram"; the files of older checkpoints name no type, or there is only vocab.txt.
 */
static const char *tokenizer_type (JsonObject *tokenizer)
{
  JsonObject *model = tokenizer != NULL ? engine_json_get_object (tokenizer, "model") : NULL;
  const char *type = model != NULL ? engine_json_get_string (model, "type") : NULL;
  if (type != NULL)
    return type;
  gboolean pairs = model != NULL && engine_json_get_array (model, "vocab") != NULL;
  return pairs ? "Unigram" : "WordPiece";
}

gboolean engine_convert_vocab (const EngineModelFolder *folder, EngineGgufWriter *writer,
                               GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) tokenizer
      = engine_model_folder_json (folder, "tokenizer.json", &failed, error);
  if (failed)
    return FALSE;
  if (!folder->family->encoder)
    return engine_convert_bpe (folder, tokenizer, writer, error);
  const EngineSafeTensor *types
      = engine_model_folder_find (folder, "embeddings.token_type_embeddings", ".weight");
  engine_gguf_writer_set_uint (
      writer, "tokenizer.ggml.token_type_count",
      types != NULL && types->n_dims == 2 ? (guint32)MIN (types->shape[0], G_MAXUINT32) : 1);
  return strcmp (tokenizer_type (tokenizer), "Unigram") == 0
             ? write_unigram (folder, tokenizer, writer, error)
             : write_wordpiece (folder, tokenizer, writer, error);
}

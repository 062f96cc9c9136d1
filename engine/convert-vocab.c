/* Writes the tokenizer of an encoder into a GGUF file: WordPiece from vocab.txt or tokenizer.json,
 * Unigram from tokenizer.json. GGUF marks where words begin (U+2581 before the piece), while
 * WordPiece marks where they go on ("##"), so pieces are respelled; the ids stay what they are.
 * The number of tokens must equal the rows of the embedding matrix: missing ones are filled up. */
#include "engine/convert-private.h"

#include <string.h>

#define WORD_START "\xe2\x96\x81" /* U+2581 */

/* GGUF's token types. */
enum
{
  TOKEN_NORMAL = 1,
  TOKEN_UNKNOWN = 2,
  TOKEN_CONTROL = 3,
  TOKEN_UNUSED = 5,
};

typedef struct
{
  GPtrArray *tokens;
  GArray *types;   /* gint32 */
  GArray *scores;  /* float */
  GHashTable *ids; /* token as the checkpoint spells it → id + 1 */
} Vocab;

static void vocab_free (Vocab *vocab)
{
  g_ptr_array_unref (vocab->tokens);
  g_array_unref (vocab->types);
  g_array_unref (vocab->scores);
  g_hash_table_unref (vocab->ids);
  g_free (vocab);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Vocab, vocab_free)

static Vocab *vocab_new (void)
{
  Vocab *vocab = g_new0 (Vocab, 1);
  vocab->tokens = g_ptr_array_new_with_free_func (g_free);
  vocab->types = g_array_new (FALSE, FALSE, sizeof (gint32));
  vocab->scores = g_array_new (FALSE, FALSE, sizeof (float));
  vocab->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return vocab;
}

/* TOKEN in GGUF's spelling is taken; ORIGINAL is the checkpoint's. */
static void vocab_add (Vocab *vocab, const char *original, char *token, gint32 type, float score)
{
  g_ptr_array_add (vocab->tokens, token);
  g_array_append_val (vocab->types, type);
  g_array_append_val (vocab->scores, score);
  g_hash_table_insert (vocab->ids, g_strdup (original), GUINT_TO_POINTER (vocab->tokens->len));
}

static gboolean vocab_error (const EngineModelFolder *folder, const char *what, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED, "%s cannot be converted: %s",
               folder->path, what);
  return FALSE;
}

static gboolean vocab_lookup (const Vocab *vocab, const char *token, guint32 *ret_id)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (vocab->ids, token));
  if (found == 0)
    return FALSE;
  *ret_id = found - 1;
  return TRUE;
}

static gboolean fill_up (const EngineModelFolder *folder, Vocab *vocab, GError **error)
{
  const char *stem = folder->family->tensors[0].source;
  const EngineSafeTensor *embedding = engine_model_folder_find (folder, stem, ".weight");
  if (embedding == NULL || embedding->n_dims != 2)
    return vocab_error (folder, "it has no token embedding", error);
  if (vocab->tokens->len == 0 || vocab->tokens->len > embedding->shape[0])
    return vocab_error (folder, "its vocabulary does not fit its token embedding", error);
  while (vocab->tokens->len < embedding->shape[0])
    {
      char *token = g_strdup_printf ("[PAD%u]", vocab->tokens->len);
      g_autofree char *original = g_strdup (token);
      vocab_add (vocab, original, token, TOKEN_UNUSED, 0);
    }
  return TRUE;
}

/* ---- Special tokens -----------------------------------------------------------------------------
 */

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

static gboolean write_specials (const EngineModelFolder *folder, Vocab *vocab, gboolean unigram,
                                EngineGgufWriter *writer, GError **error)
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
      if (!vocab_lookup (vocab, text, &id))
        {
          g_autofree char *what = g_strdup_printf ("its vocabulary lacks %s", text);
          return vocab_error (folder, what, error);
        }
      gboolean unknown = unigram && strcmp (special_roles[i].role, "unk_token") == 0;
      g_array_index (vocab->types, gint32, id) = unknown ? TOKEN_UNKNOWN : TOKEN_CONTROL;
      engine_gguf_writer_set_uint (writer, special_roles[i].key, id);
    }
  return TRUE;
}

/* ---- WordPiece ----------------------------------------------------------------------------------
 */

static char *respell_wordpiece (const char *piece)
{
  if (piece[0] == '[' && g_str_has_suffix (piece, "]"))
    return g_strdup (piece);
  if (g_str_has_prefix (piece, "##"))
    return g_strdup (piece + 2);
  return g_strconcat (WORD_START, piece, NULL);
}

static gboolean read_vocab_txt (const EngineModelFolder *folder, const char *path, Vocab *vocab,
                                GError **error)
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
    return vocab_error (folder, "its vocab.txt is not UTF-8", error);
  for (char *line = text; *line != '\0';)
    {
      char *end = strchrnul (line, '\n');
      char *next = *end == '\n' ? end + 1 : end;
      *end = '\0';
      if (end > line && end[-1] == '\r')
        end[-1] = '\0';
      vocab_add (vocab, line, respell_wordpiece (line), TOKEN_NORMAL, 0);
      line = next;
    }
  return TRUE;
}

/* Object of piece → id; the ids must be 0 to n − 1. */
static gboolean read_vocab_object (const EngineModelFolder *folder, JsonObject *pieces,
                                   Vocab *vocab, GError **error)
{
  guint n_pieces = json_object_get_size (pieces);
  g_autofree const char **by_id = g_new0 (const char *, n_pieces + 1);
  g_autoptr (GList) names = json_object_get_members (pieces);
  for (GList *item = names; item != NULL; item = item->next)
    {
      guint64 id;
      if (!engine_json_get_uint (pieces, item->data, &id) || id >= n_pieces || by_id[id] != NULL)
        return vocab_error (folder, "the ids of its vocabulary are not 0, 1, 2 …", error);
      by_id[id] = item->data;
    }
  for (guint i = 0; i < n_pieces; i++)
    vocab_add (vocab, by_id[i], respell_wordpiece (by_id[i]), TOKEN_NORMAL, 0);
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
  return lower || vocab_error (folder, "its vocabulary tells capitals from small letters", error);
}

static gboolean write_wordpiece (const EngineModelFolder *folder, JsonObject *tokenizer,
                                 EngineGgufWriter *writer, GError **error)
{
  g_autoptr (Vocab) vocab = vocab_new ();
  g_autofree char *path = g_build_filename (folder->path, "vocab.txt", NULL);
  JsonObject *model = tokenizer != NULL ? engine_json_get_object (tokenizer, "model") : NULL;
  JsonObject *pieces = model != NULL ? engine_json_get_object (model, "vocab") : NULL;
  if (!check_lower_case (folder, tokenizer, error))
    return FALSE;
  if (pieces != NULL ? !read_vocab_object (folder, pieces, vocab, error)
                     : !read_vocab_txt (folder, path, vocab, error))
    return FALSE;
  if (!fill_up (folder, vocab, error))
    return FALSE;

  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "bert");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  if (!write_specials (folder, vocab, FALSE, writer, error))
    return FALSE;
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.tokens",
                                  (const char *const *)vocab->tokens->pdata, vocab->tokens->len);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32,
                                  vocab->types->data, vocab->types->len);
  return TRUE;
}

/* ---- Unigram ------------------------------------------------------------------------------------
 */

static gboolean read_unigram (const EngineModelFolder *folder, JsonArray *pieces, Vocab *vocab,
                              GError **error)
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
        return vocab_error (folder, "its unigram vocabulary is not pairs of piece and score",
                            error);
      vocab_add (vocab, piece, g_strdup (piece), TOKEN_NORMAL, (float)score);
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

static void write_charsmap (JsonObject *tokenizer, EngineGgufWriter *writer)
{
  JsonObject *normalizer = engine_json_get_object (tokenizer, "normalizer");
  const char *base64 = normalizer != NULL ? find_charsmap (normalizer) : NULL;
  if (base64 == NULL)
    return;
  gsize n_bytes;
  g_autofree guchar *map = g_base64_decode (base64, &n_bytes);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  map, n_bytes);
}

/* Added tokens such as <mask> may stand behind the model's own pieces. */
static gboolean read_added (const EngineModelFolder *folder, JsonObject *tokenizer, Vocab *vocab,
                            GError **error)
{
  JsonArray *added = engine_json_get_array (tokenizer, "added_tokens");
  for (guint i = 0; added != NULL && i < json_array_get_length (added); i++)
    {
      JsonNode *node = json_array_get_element (added, i);
      JsonObject *token = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *text = token != NULL ? engine_json_get_string (token, "content") : NULL;
      guint64 id;
      if (text == NULL || !engine_json_get_uint (token, "id", &id) || id > vocab->tokens->len)
        return vocab_error (folder, "its added tokens do not follow its vocabulary", error);
      if (id == vocab->tokens->len)
        vocab_add (vocab, text, g_strdup (text), TOKEN_CONTROL, 0);
    }
  return TRUE;
}

static gboolean write_unigram (const EngineModelFolder *folder, JsonObject *tokenizer,
                               EngineGgufWriter *writer, GError **error)
{
  g_autoptr (Vocab) vocab = vocab_new ();
  JsonObject *model = tokenizer != NULL ? engine_json_get_object (tokenizer, "model") : NULL;
  JsonArray *pieces = model != NULL ? engine_json_get_array (model, "vocab") : NULL;
  if (pieces == NULL)
    return vocab_error (folder, "it has no tokenizer.json with a unigram vocabulary", error);
  if (!read_unigram (folder, pieces, vocab, error) || !read_added (folder, tokenizer, vocab, error)
      || !fill_up (folder, vocab, error))
    return FALSE;

  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "t5");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  if (!write_specials (folder, vocab, TRUE, writer, error))
    return FALSE;
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.tokens",
                                  (const char *const *)vocab->tokens->pdata, vocab->tokens->len);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32,
                                  vocab->scores->data, vocab->scores->len);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32,
                                  vocab->types->data, vocab->types->len);
  write_charsmap (tokenizer, writer);
  static const char *const on[]
      = { "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces",
          "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token" };
  for (gsize i = 0; i < G_N_ELEMENTS (on); i++)
    engine_gguf_writer_set_bool (writer, on[i], TRUE);
  return TRUE;
}

gboolean engine_convert_vocab (const EngineModelFolder *folder, EngineGgufWriter *writer,
                               GError **error)
{
  gboolean failed;
  g_autoptr (JsonObject) tokenizer
      = engine_model_folder_json (folder, "tokenizer.json", &failed, error);
  if (failed)
    return FALSE;
  const EngineSafeTensor *types
      = engine_model_folder_find (folder, "embeddings.token_type_embeddings", ".weight");
  engine_gguf_writer_set_uint (
      writer, "tokenizer.ggml.token_type_count",
      types != NULL && types->n_dims == 2 ? (guint32)MIN (types->shape[0], G_MAXUINT32) : 1);
  gboolean unigram = strcmp (folder->family->model_type, "xlm-roberta") == 0;
  return unigram ? write_unigram (folder, tokenizer, writer, error)
                 : write_wordpiece (folder, tokenizer, writer, error);
}

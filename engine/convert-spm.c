/* Writes a SentencePiece tokenizer (Gemma, Phi-3, older Mistral) into a GGUF file, which wants a
 * score for each piece. Scores come from tokenizer.model, the protocol buffer that SentencePiece
 * itself writes, where it is there; otherwise from the order of the merges in tokenizer.json, which
 * is the same information: the piece that is merged first has the highest score. Source:
 * sentencepiece_model.proto of the SentencePiece project (Kudo and Richardson 2018). */
#include "engine/convert-bpe-private.h"

#include <string.h>

/* ---- tokenizer.json -----------------------------------------------------------------------------
 */

/* Whether a word start is put before the text: by a Prepend normalizer or a Metaspace step. */
static gboolean prepends_space (JsonObject *step)
{
  static const char *const lists[] = { "normalizers", "pretokenizers" };
  const char *type = engine_json_get_string (step, "type");
  const char *scheme = engine_json_get_string (step, "prepend_scheme");
  gboolean prefix = FALSE;
  engine_json_get_bool (step, "add_prefix_space", &prefix);
  if (g_strcmp0 (type, "Prepend") == 0)
    return TRUE;
  if (g_strcmp0 (type, "Metaspace") == 0)
    return scheme != NULL ? strcmp (scheme, "never") != 0 : prefix;
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      JsonArray *children = engine_json_get_array (step, lists[i]);
      for (guint j = 0; children != NULL && j < json_array_get_length (children); j++)
        {
          JsonNode *child = json_array_get_element (children, j);
          if (JSON_NODE_HOLDS_OBJECT (child) && prepends_space (json_node_get_object (child)))
            return TRUE;
        }
    }
  return FALSE;
}

/* "<0x1F>" */
static gboolean is_byte_piece (const char *text)
{
  return strlen (text) == 6 && g_str_has_prefix (text, "<0x") && g_ascii_isxdigit (text[3])
         && g_ascii_isxdigit (text[4]) && text[5] == '>';
}

/* The piece that is merged first scores highest; pieces that no merge makes are single characters
 * or tokens matched as a whole, whose score is never compared. */
static gboolean score_by_merges (EngineBpe *bpe, GError **error)
{
  g_autoptr (GPtrArray) merges = engine_bpe_merges (bpe, error);
  if (merges == NULL)
    return FALSE;
  g_autoptr (GHashTable) ranks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint rank = 0; rank < merges->len; rank++)
    {
      /* The parts hold no space: SentencePiece writes spaces as U+2581. */
      char *made = g_strdup (g_ptr_array_index (merges, rank));
      char *space = strchr (made, ' ');
      if (space != NULL)
        memmove (space, space + 1, strlen (space));
      if (g_hash_table_contains (ranks, made))
        g_free (made);
      else
        g_hash_table_insert (ranks, made, GUINT_TO_POINTER (rank + 1));
    }
  for (guint64 id = 0; id < bpe->n_vocab; id++)
    {
      EngineBpeToken *token = &bpe->tokens[id];
      if (token->text == NULL)
        continue;
      token->score = -(float)GPOINTER_TO_UINT (g_hash_table_lookup (ranks, token->text));
      if (token->type == ENGINE_TOKEN_NORMAL && is_byte_piece (token->text))
        token->type = ENGINE_TOKEN_BYTE;
    }
  return TRUE;
}

/* ---- tokenizer.model ----------------------------------------------------------------------------
 */

/* A protocol buffer: fields of a number and a kind. */
typedef struct
{
  const guint8 *at, *end;
  gboolean failed;
} Message;

typedef struct
{
  guint64 number;
  guint64 value;   /* of varints and of fixed 32 bits */
  Message content; /* of strings and messages */
} Field;

static guint64 take_varint (Message *message)
{
  guint64 value = 0;
  for (guint shift = 0; shift < 64; shift += 7)
    {
      if (message->at == message->end)
        break;
      guint8 byte = *message->at++;
      value |= (guint64)(byte & 0x7F) << shift;
      if (byte < 0x80)
        return value;
    }
  message->failed = TRUE;
  return 0;
}

static const guint8 *take_bytes (Message *message, guint64 n)
{
  if (message->failed || n > (guint64)(message->end - message->at))
    {
      message->failed = TRUE;
      return NULL;
    }
  const guint8 *bytes = message->at;
  message->at += n;
  return bytes;
}

/* FALSE at the end, and when the message is damaged. */
static gboolean next_field (Message *message, Field *ret_field)
{
  if (message->failed || message->at == message->end)
    return FALSE;
  guint64 tag = take_varint (message), n = 0;
  Field field = { .number = tag >> 3 };
  const guint8 *bytes = NULL;
  switch (tag & 7)
    {
    case 0:
      field.value = take_varint (message);
      break;
    case 1:
      take_bytes (message, 8);
      break;
    case 2:
      n = take_varint (message);
      bytes = take_bytes (message, n);
      if (bytes != NULL)
        field.content = (Message){ bytes, bytes + n, FALSE };
      break;
    case 5:
      bytes = take_bytes (message, 4);
      for (guint i = 0; bytes != NULL && i < 4; i++)
        field.value |= (guint64)bytes[i] << 8 * i;
      break;
    default:
      message->failed = TRUE;
    }
  *ret_field = field;
  return !message->failed;
}

/* piece = 1, score = 2, type = 3; the types are numbered as in GGUF. */
static gboolean read_piece (EngineBpe *bpe, Message message, guint64 id, GError **error)
{
  Field field;
  char *text = NULL;
  float score = 0;
  guint64 type = ENGINE_TOKEN_NORMAL;
  while (next_field (&message, &field))
    if (field.number == 1 && text == NULL && field.content.at != NULL)
      {
        text = g_strndup ((const char *)field.content.at,
                          (gsize)(field.content.end - field.content.at));
        g_ptr_array_add (bpe->strings, text);
      }
    else if (field.number == 2)
      {
        guint32 bits = (guint32)field.value;
        memcpy (&score, &bits, sizeof score);
      }
    else if (field.number == 3)
      type = field.value;
  if (message.failed || text == NULL || !g_utf8_validate (text, -1, NULL)
      || type < ENGINE_TOKEN_NORMAL || type > ENGINE_TOKEN_BYTE)
    return engine_bpe_refuse (bpe, "a piece of its tokenizer.model cannot be read", error);
  return engine_bpe_place (bpe, id, text, (EngineTokenType)type, score, error);
}

/* A number in a sub-message, e.g. normalizer_spec.add_dummy_prefix. */
static guint64 read_number (Message message, guint64 number, guint64 fallback)
{
  Field field;
  while (next_field (&message, &field))
    if (field.number == number)
      fallback = field.value;
  return fallback;
}

/* pieces = 1, trainer_spec = 2 with model_type = 3 (2: BPE), normalizer_spec = 3 with
 * add_dummy_prefix = 3. */
static gboolean read_model (EngineBpe *bpe, Message message, gboolean *ret_adds_space,
                            GError **error)
{
  guint64 n_pieces = 0, kind = 1, adds_space = 1;
  Field field;
  while (next_field (&message, &field))
    if (field.number == 1 && !read_piece (bpe, field.content, n_pieces++, error))
      return FALSE;
    else if (field.number == 2)
      kind = read_number (field.content, 3, kind);
    else if (field.number == 3)
      adds_space = read_number (field.content, 3, adds_space);
  if (message.failed || n_pieces == 0)
    return engine_bpe_refuse (bpe, "its tokenizer.model is damaged", error);
  if (kind != 2)
    return engine_bpe_refuse (bpe, "its tokenizer.model is not of the BPE kind", error);
  *ret_adds_space = adds_space != 0;
  return TRUE;
}

/* Scores of tokenizer.model; tokens that only tokenizer.json has are read again over them. */
static gboolean read_model_file (EngineBpe *bpe, GMappedFile *file, gboolean *ret_adds_space,
                                 GError **error)
{
  const guint8 *bytes = (const guint8 *)g_mapped_file_get_contents (file);
  Message message = { bytes, bytes + g_mapped_file_get_length (file), FALSE };
  return read_model (bpe, message, ret_adds_space, error) && engine_bpe_read_added (bpe, error);
}

/* ---- Entry --------------------------------------------------------------------------------------
 */

static gboolean read_tokenizer_json (EngineBpe *bpe, gboolean *ret_adds_space, GError **error)
{
  if (bpe->tokenizer == NULL)
    return engine_bpe_refuse (bpe, "it has neither tokenizer.json nor tokenizer.model", error);
  JsonObject *normalizer = engine_json_get_object (bpe->tokenizer, "normalizer");
  JsonObject *splitter = engine_json_get_object (bpe->tokenizer, "pre_tokenizer");
  *ret_adds_space = (normalizer != NULL && prepends_space (normalizer))
                    || (splitter != NULL && prepends_space (splitter));
  return score_by_merges (bpe, error);
}

gboolean engine_convert_spm (EngineBpe *bpe, EngineGgufWriter *writer, GError **error)
{
  g_autofree char *path = g_build_filename (bpe->folder->path, "tokenizer.model", NULL);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  gboolean adds_space = TRUE;
  if (file != NULL ? !read_model_file (bpe, file, &adds_space, error)
                   : !read_tokenizer_json (bpe, &adds_space, error))
    return FALSE;
  g_autoptr (EngineTokenTable) table = engine_bpe_table (bpe);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "llama");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  engine_token_table_write (table, TRUE, writer);
  engine_bpe_write_roles (bpe, table, writer);
  engine_bpe_write_bos (bpe, TRUE, writer);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_space_prefix", adds_space);
  return TRUE;
}

/* The vocabulary of a GGUF file in the making: tokens with their types and scores by id, findable
 * by the spelling that the checkpoint used. The number of tokens must equal the rows of the
 * embedding matrix, so missing ones are filled up with tokens that no text produces. */
#include "engine/convert-private.h"

struct _EngineTokenTable
{
  GPtrArray *tokens;
  GArray *types;   /* gint32 */
  GArray *scores;  /* float */
  GHashTable *ids; /* the checkpoint's spelling → id + 1 */
};

void engine_token_table_free (EngineTokenTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->tokens);
  g_array_unref (table->types);
  g_array_unref (table->scores);
  g_hash_table_unref (table->ids);
  g_free (table);
}

EngineTokenTable *engine_token_table_new (void)
{
  EngineTokenTable *table = g_new0 (EngineTokenTable, 1);
  table->tokens = g_ptr_array_new_with_free_func (g_free);
  table->types = g_array_new (FALSE, FALSE, sizeof (gint32));
  table->scores = g_array_new (FALSE, FALSE, sizeof (float));
  table->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return table;
}

void engine_token_table_add (EngineTokenTable *table, const char *original, const char *token,
                             EngineTokenType type, float score)
{
  gint32 stored_type = (gint32)type;
  g_ptr_array_add (table->tokens, g_strdup (token));
  g_array_append_val (table->types, stored_type);
  g_array_append_val (table->scores, score);
  g_hash_table_insert (table->ids, g_strdup (original), GUINT_TO_POINTER (table->tokens->len));
}

guint engine_token_table_size (const EngineTokenTable *table)
{
  return table->tokens->len;
}

gboolean engine_token_table_find (const EngineTokenTable *table, const char *original,
                                  guint32 *ret_id)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (table->ids, original));
  if (found == 0)
    return FALSE;
  *ret_id = found - 1;
  return TRUE;
}

void engine_token_table_set_type (EngineTokenTable *table, guint32 id, EngineTokenType type)
{
  g_array_index (table->types, gint32, id) = (gint32)type;
}

void engine_token_table_fill (EngineTokenTable *table, guint64 size)
{
  while (table->tokens->len < size)
    {
      g_autofree char *token = g_strdup_printf ("[PAD%u]", table->tokens->len);
      engine_token_table_add (table, token, token, ENGINE_TOKEN_UNUSED, 0);
    }
}

void engine_token_table_write (const EngineTokenTable *table, gboolean with_scores,
                               EngineGgufWriter *writer)
{
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.tokens",
                                  (const char *const *)table->tokens->pdata, table->tokens->len);
  if (with_scores)
    engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32,
                                    table->scores->data, table->scores->len);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32,
                                  table->types->data, table->types->len);
}

void engine_convert_unigram_keys (const EngineTokenTable *table, const guint8 *charsmap,
                                  gsize n_charsmap, EngineGgufWriter *writer)
{
  static const char *const on[]
      = { "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces",
          "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token" };
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "t5");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  engine_token_table_write (table, TRUE, writer);
  if (charsmap != NULL)
    engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap",
                                    ENGINE_GGUF_UINT8, charsmap, n_charsmap);
  for (gsize i = 0; i < G_N_ELEMENTS (on); i++)
    engine_gguf_writer_set_bool (writer, on[i], TRUE);
}

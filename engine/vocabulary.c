/* Knows the words of a model: their text, their kinds, and which word a piece of text is.
 *
 * The token list of a GGUF file comes in, written in one of two ways (GPT-2's printable bytes, or
 * SentencePiece's ▁ for a space). It is translated once, when the file is opened, into the bytes
 * that text really has, so that reading and writing text never translates again. Markers such as
 * "<|im_end|>" are left out of the index: no algorithm can make one from text, because it cannot
 * find it. */
#include "engine/vocabulary-private.h"
#include "engine/hash-private.h"

#include <math.h>
#include <string.h>

/* Far above any vocabulary in use (262,144 tokens; 512 bytes; 4 MB), far below what hurts. */
#define MAX_TOKENS (1u << 24)
#define MAX_TOKEN_BYTES 4096
#define MAX_VOCABULARY_BYTES (256u << 20)

#define TOKENS_KEY "tokenizer.ggml.tokens"
#define TYPES_KEY "tokenizer.ggml.token_type"
#define SCORES_KEY "tokenizer.ggml.scores"

gboolean engine_vocabulary_damaged (const EngineGguf *gguf, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "the tokenizer in “%s” is damaged: %s; fetch or convert the model again",
               engine_gguf_path (gguf), what);
  return FALSE;
}

/* ---- Spelling ----------------------------------------------------------------------------------
 */

/* GPT-2 writes the bytes that are printable in Latin-1 as themselves and the other 68, in order,
 * as the characters from U+0100 on (Radford et al. 2019, encoder.py). */
#define N_BYTE_CHARACTERS 324

static gboolean is_own_character (guint byte)
{
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static const gint16 *byte_of_character (void)
{
  static gint16 table[N_BYTE_CHARACTERS];
  static gsize ready = 0;
  if (g_once_init_enter (&ready))
    {
      memset (table, -1, sizeof table);
      guint shifted = 256;
      for (guint byte = 0; byte < 256; byte++)
        table[is_own_character (byte) ? byte : shifted++] = byte;
      g_once_init_leave (&ready, 1);
    }
  return table;
}

static gboolean spell_bytes (EngineGgufString string, GString *bytes)
{
  const gint16 *table = byte_of_character ();
  const char *end = string.data + string.length;
  gsize before = bytes->len;
  for (const char *p = string.data; p < end; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char_validated (p, end - p);
      if (c >= N_BYTE_CHARACTERS || table[c] < 0)
        {
          g_string_truncate (bytes, before);
          return FALSE;
        }
      g_string_append_c (bytes, table[c]);
    }
  return TRUE;
}

gboolean engine_vocabulary_spell (EngineSpelling spelling, EngineGgufString string, GString *bytes)
{
  if (spelling == ENGINE_SPELLING_BYTES)
    return spell_bytes (string, bytes);
  const char *p = string.data, *end = string.data + string.length, *space;
  while ((space = memmem (p, end - p, "▁", 3)))
    {
      g_string_append_len (bytes, p, space - p);
      g_string_append_c (bytes, ' ');
      p = space + 3;
    }
  g_string_append_len (bytes, p, end - p);
  return TRUE;
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

static gboolean read_types (EngineVocabulary *vocabulary, const EngineGguf *gguf, GError **error)
{
  EngineGgufType type;
  gsize n = 0;
  memset (vocabulary->types, ENGINE_TOKEN_NORMAL, vocabulary->n_tokens);
  if (!engine_gguf_has_key (gguf, TYPES_KEY))
    return TRUE;
  if (!engine_gguf_get_array (gguf, TYPES_KEY, &type, &n) || n != vocabulary->n_tokens)
    return engine_vocabulary_damaged (gguf, error,
                                      "%s should be an array of %u numbers, one for each token",
                                      TYPES_KEY, vocabulary->n_tokens);
  for (guint i = 0; i < vocabulary->n_tokens; i++)
    {
      guint64 value = 0;
      if (!engine_gguf_array_uint (gguf, TYPES_KEY, i, &value) || value > ENGINE_TOKEN_BYTE)
        return engine_vocabulary_damaged (gguf, error, "token %u has a type that does not exist",
                                          i);
      vocabulary->types[i] = value;
    }
  return TRUE;
}

/* "<0x0A>": exactly two digits, or a hostile "<0x-1>" would index outside of byte_ids. */
static gboolean read_byte_token (EngineGgufString string, guint8 *ret_byte)
{
  if (string.length != 6 || memcmp (string.data, "<0x", 3) != 0 || string.data[5] != '>')
    return FALSE;
  int high = g_ascii_xdigit_value (string.data[3]), low = g_ascii_xdigit_value (string.data[4]);
  if (high < 0 || low < 0)
    return FALSE;
  *ret_byte = high * 16 + low;
  return TRUE;
}

static gboolean read_token (EngineVocabulary *vocabulary, EngineSpelling spelling, guint id,
                            EngineGgufString string, GString *bytes, const EngineGguf *gguf,
                            GError **error)
{
  guint8 *type = &vocabulary->types[id];
  guint8 byte = 0;
  if (string.length > MAX_TOKEN_BYTES || bytes->len > MAX_VOCABULARY_BYTES)
    return engine_vocabulary_damaged (gguf, error, "token %u is too long", id);
  if (*type == ENGINE_TOKEN_BYTE)
    {
      if (!read_byte_token (string, &byte))
        return engine_vocabulary_damaged (
            gguf, error, "token %u should stand for a byte, such as <0x0A>, and does not", id);
      vocabulary->byte_ids[byte] = id;
      g_string_append_c (bytes, byte);
    }
  else if (engine_token_type_is_plain (*type))
    {
      /* Something that stands for no bytes can never be merged from bytes: it was added by hand. */
      if (!engine_vocabulary_spell (spelling, string, bytes))
        {
          *type = ENGINE_TOKEN_USER_DEFINED;
          g_string_append_len (bytes, string.data, string.length);
        }
    }
  else if (*type == ENGINE_TOKEN_USER_DEFINED && spelling == ENGINE_SPELLING_SPACES)
    engine_vocabulary_spell (spelling, string, bytes);
  else
    g_string_append_len (bytes, string.data, string.length);
  return TRUE;
}

static gboolean read_tokens (EngineVocabulary *vocabulary, const EngineGguf *gguf,
                             EngineSpelling spelling, GError **error)
{
  g_autoptr (GString) bytes = g_string_new (NULL);
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    {
      EngineGgufString string = engine_gguf_array_string (gguf, TOKENS_KEY, id);
      vocabulary->offsets[id] = bytes->len;
      if (!read_token (vocabulary, spelling, id, string, bytes, gguf, error))
        return FALSE;
    }
  vocabulary->offsets[vocabulary->n_tokens] = bytes->len;
  vocabulary->bytes = g_string_free (g_steal_pointer (&bytes), FALSE);
  return TRUE;
}

EngineVocabulary *engine_vocabulary_new (const EngineGguf *gguf, EngineSpelling spelling,
                                         GError **error)
{
  EngineGgufType type;
  gsize n = 0;
  if (!engine_gguf_get_array (gguf, TOKENS_KEY, &type, &n) || type != ENGINE_GGUF_STRING || n == 0
      || n > MAX_TOKENS)
    {
      engine_vocabulary_damaged (gguf, error, "%s should be an array of 1 to %u strings",
                                 TOKENS_KEY, MAX_TOKENS);
      return NULL;
    }
  g_autoptr (EngineVocabulary) vocabulary = g_new0 (EngineVocabulary, 1);
  vocabulary->n_tokens = n;
  vocabulary->types = g_new (guint8, n);
  vocabulary->offsets = g_new (gsize, n + 1);
  memset (vocabulary->byte_ids, -1, sizeof vocabulary->byte_ids);
  if (!read_types (vocabulary, gguf, error) || !read_tokens (vocabulary, gguf, spelling, error))
    return NULL;
  return g_steal_pointer (&vocabulary);
}

void engine_vocabulary_free (EngineVocabulary *vocabulary)
{
  if (vocabulary == NULL)
    return;
  g_free (vocabulary->types);
  g_free (vocabulary->offsets);
  g_free (vocabulary->bytes);
  g_free (vocabulary->slots);
  g_free (vocabulary);
}

float *engine_vocabulary_read_scores (const EngineVocabulary *vocabulary, const EngineGguf *gguf,
                                      GError **error)
{
  gsize n = 0;
  const guint8 *data = engine_gguf_array_data (gguf, SCORES_KEY, ENGINE_GGUF_FLOAT32, &n);
  if (data == NULL || n != vocabulary->n_tokens)
    {
      engine_vocabulary_damaged (gguf, error,
                                 "%s should be an array of %u floats, one for each token",
                                 SCORES_KEY, vocabulary->n_tokens);
      return NULL;
    }
  g_autofree float *scores = g_new (float, n);
  memcpy (scores, data, n * sizeof *scores);
  for (gsize i = 0; i < n; i++)
    if (!isfinite (scores[i]))
      {
        engine_vocabulary_damaged (gguf, error, "token %" G_GSIZE_FORMAT " has no finite score", i);
        return NULL;
      }
  return g_steal_pointer (&scores);
}

/* ---- Finding -----------------------------------------------------------------------------------
 */

/* Where BYTES are, or the free slot where they belong. */
static inline EngineVocabularySlot *find_slot (const EngineVocabulary *vocabulary, guint32 hash,
                                               const char *bytes, gsize length)
{
  for (guint32 i = hash & vocabulary->slot_mask;; i = (i + 1) & vocabulary->slot_mask)
    {
      EngineVocabularySlot *slot = &vocabulary->slots[i];
      gsize slot_length;
      if (slot->id < 0)
        return slot;
      if (slot->hash != hash)
        continue;
      const char *text = engine_vocabulary_text (vocabulary, slot->id, &slot_length);
      if (slot_length == length && memcmp (text, bytes, length) == 0)
        return slot;
    }
}

void engine_vocabulary_index (EngineVocabulary *vocabulary)
{
  gsize n_slots = 16;
  while (n_slots < vocabulary->n_tokens * (gsize)2)
    n_slots *= 2;
  vocabulary->seed = (guint64)g_random_int () << 32 | g_random_int ();
  g_free (vocabulary->slots);
  vocabulary->slots = g_new (EngineVocabularySlot, n_slots);
  vocabulary->slot_mask = n_slots - 1;
  vocabulary->longest = 0;
  for (gsize i = 0; i < n_slots; i++)
    vocabulary->slots[i].id = -1;
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    {
      gsize length;
      const char *text = engine_vocabulary_text (vocabulary, id, &length);
      if (length == 0 || !engine_token_type_is_plain (vocabulary->types[id]))
        continue;
      /* Of two tokens with the same text the later one counts, as everywhere in the field. */
      guint32 hash = engine_hash_bytes (vocabulary->seed, text, length);
      *find_slot (vocabulary, hash, text, length) = (EngineVocabularySlot){ hash, id };
      vocabulary->longest = MAX (vocabulary->longest, length);
    }
}

gint32 engine_vocabulary_find (const EngineVocabulary *vocabulary, const char *bytes, gsize length)
{
  if (length > vocabulary->longest)
    return -1;
  guint32 hash = engine_hash_bytes (vocabulary->seed, bytes, length);
  return find_slot (vocabulary, hash, bytes, length)->id;
}

EngineTrie *engine_vocabulary_plain_trie (const EngineVocabulary *vocabulary)
{
  g_autofree EngineTrieEntry *entries = g_new (EngineTrieEntry, vocabulary->n_tokens);
  gsize n = 0;
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    if (engine_token_type_is_plain (vocabulary->types[id]))
      {
        EngineTrieEntry *entry = &entries[n++];
        entry->bytes = engine_vocabulary_text (vocabulary, id, &entry->length);
        entry->value = id;
      }
  return engine_trie_new (entries, n);
}

/* Tokenizes for the models of the GPT-2 line: Llama 3, Qwen, SmolLM, Granite, Phi, Mistral Nemo.
 *
 * Text comes in, is cut into words as the family was trained (pretokenize.c), and every word starts
 * as one token per byte; then the file's merges are applied, the earliest in its list first. The
 * merges are kept as a hash from a pair of token ids to its rank and the token it makes, so a
 * lookup touches one cache line and no string (Sennrich et al. 2016; Radford et al. 2019). */
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

#define MERGES_KEY "tokenizer.ggml.merges"
#define NO_PAIR G_MAXUINT64

typedef struct
{
  guint64 pair; /* left id << 32 | right id; NO_PAIR: free */
  guint32 rank;
  gint32 id;
} Merge;

struct _EngineBpe
{
  const EngineVocabulary *vocabulary;
  const EnginePretokenizer *pretokenizer;
  gint32 byte_ids[256]; /* plain tokens of one byte, or -1: no such byte in the training text */
  Merge *merges;        /* [merge_mask + 1], open addressing */
  gsize merge_mask;
};

static inline Merge *find_merge (const EngineBpe *bpe, guint64 pair)
{
  gsize i = pair * 0x9E3779B97F4A7C15u >> 24;
  for (i &= bpe->merge_mask; bpe->merges[i].pair != NO_PAIR && bpe->merges[i].pair != pair;)
    i = (i + 1) & bpe->merge_mask;
  return &bpe->merges[i];
}

#define A_MARKER -1
#define NOT_A_TOKEN -2

static gint32 find_token (const EngineBpe *bpe, const EngineTrie *markers, const char *bytes,
                          gsize length)
{
  gint32 id = engine_vocabulary_find (bpe->vocabulary, bytes, length);
  if (id >= 0)
    return id;
  return engine_trie_find (markers, bytes, length) >= 0 ? A_MARKER : NOT_A_TOKEN;
}

/* The merge "Ġt he" as ids; A_MARKER in its id when text must not be merged so. */
static gboolean read_merge (const EngineBpe *bpe, const EngineTrie *markers,
                            EngineGgufString string, GString *bytes, Merge *ret_merge)
{
  const char *space = string.length < 3 ? NULL : memchr (string.data + 1, ' ', string.length - 2);
  if (space == NULL)
    return FALSE;
  EngineGgufString left = { string.data, space - string.data };
  EngineGgufString right = { space + 1, string.length - left.length - 1 };
  g_string_truncate (bytes, 0);
  if (!engine_vocabulary_spell (ENGINE_SPELLING_BYTES, left, bytes))
    return FALSE;
  gsize middle = bytes->len;
  if (!engine_vocabulary_spell (ENGINE_SPELLING_BYTES, right, bytes))
    return FALSE;
  gint32 left_id = find_token (bpe, markers, bytes->str, middle);
  gint32 right_id = find_token (bpe, markers, bytes->str + middle, bytes->len - middle);
  gint32 id = find_token (bpe, markers, bytes->str, bytes->len);
  ret_merge->id = MIN (id, MIN (left_id, right_id)) < 0 ? A_MARKER : id;
  ret_merge->pair = (guint64)left_id << 32 | (guint32)right_id;
  return left_id != NOT_A_TOKEN && right_id != NOT_A_TOKEN && id != NOT_A_TOKEN;
}

static gboolean read_merges (EngineBpe *bpe, const EngineGguf *gguf, const EngineTrie *markers,
                             GError **error)
{
  EngineGgufType type;
  gsize n = 0, n_slots = 16;
  if (!engine_gguf_get_array (gguf, MERGES_KEY, &type, &n) || type != ENGINE_GGUF_STRING
      || n > G_MAXINT32)
    return engine_vocabulary_damaged (gguf, error, "%s should be an array of strings", MERGES_KEY);
  /* Two thirds full at most: Qwen's 151,387 merges then take 4 MB, near the size of a cache. */
  while (n_slots * 2 < n * 3)
    n_slots *= 2;
  bpe->merges = g_new (Merge, n_slots);
  bpe->merge_mask = n_slots - 1;
  for (gsize i = 0; i < n_slots; i++)
    bpe->merges[i].pair = NO_PAIR;
  g_autoptr (GString) bytes = g_string_new (NULL);
  for (gsize i = 0; i < n; i++)
    {
      Merge merge = { .rank = i };
      if (!read_merge (bpe, markers, engine_gguf_array_string (gguf, MERGES_KEY, i), bytes, &merge))
        return engine_vocabulary_damaged (
            gguf, error, "merge %" G_GSIZE_FORMAT " does not join two tokens to a third", i);
      if (merge.id == A_MARKER)
        continue;
      Merge *slot = find_merge (bpe, merge.pair);
      if (slot->pair == NO_PAIR)
        *slot = merge;
    }
  return TRUE;
}

EngineBpe *engine_bpe_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                           const EngineTrie *markers, const EnginePretokenizer *pretokenizer,
                           GError **error)
{
  EngineBpe *bpe = g_new0 (EngineBpe, 1);
  bpe->vocabulary = vocabulary;
  bpe->pretokenizer = pretokenizer;
  for (guint byte = 0; byte < 256; byte++)
    bpe->byte_ids[byte] = engine_vocabulary_find (vocabulary, &(char){ byte }, 1);
  if (!read_merges (bpe, gguf, markers, error))
    g_clear_pointer (&bpe, engine_bpe_free);
  return bpe;
}

void engine_bpe_free (EngineBpe *bpe)
{
  if (bpe == NULL)
    return;
  g_free (bpe->merges);
  g_free (bpe);
}

static gboolean may_join (gconstpointer table, const char *text, const EngineMergeSymbol *left,
                          const EngineMergeSymbol *right, guint32 *ret_key, gint32 *ret_id)
{
  if (left->id < 0 || right->id < 0)
    return FALSE;
  const Merge *merge = find_merge (table, (guint64)left->id << 32 | (guint32)right->id);
  if (merge->pair == NO_PAIR)
    return FALSE;
  *ret_key = merge->rank;
  *ret_id = merge->id;
  return TRUE;
}

/* Bytes without a token (SmolLM2 lacks six control characters) are left out, as in training. */
static void encode_word (const EngineBpe *bpe, const char *word, gsize length, EngineMerger *merger,
                         GArray *tokens)
{
  gint32 whole = -1;
  if (length == 1)
    whole = bpe->byte_ids[(guint8)*word];
  else if (engine_pretokenizer_ignores_merges (bpe->pretokenizer))
    whole = engine_vocabulary_find (bpe->vocabulary, word, length);
  if (whole >= 0)
    {
      g_array_append_val (tokens, whole);
      return;
    }
  if (engine_merger_recall (merger, word, length))
    return;
  guint first = tokens->len;
  engine_merger_begin (merger);
  for (gsize i = 0; i < length; i++)
    engine_merger_add (merger, i, 1, bpe->byte_ids[(guint8)word[i]]);
  engine_merger_run (merger, may_join, bpe, word);
  for (gint32 i = 0; i >= 0; i = engine_merger_symbol (merger, i)->next)
    if (engine_merger_symbol (merger, i)->id >= 0)
      g_array_append_val (tokens, engine_merger_symbol (merger, i)->id);
  engine_merger_remember (merger, word, length, first);
}

void engine_bpe_encode (const EngineBpe *bpe, const char *text, gsize length, EngineMerger *merger,
                        GArray *tokens)
{
  const char *end = text + length;
  for (const char *word = text, *next; word < end; word = next)
    {
      next = engine_pretokenizer_next (bpe->pretokenizer, word, end);
      encode_word (bpe, word, next - word, merger, tokens);
    }
}

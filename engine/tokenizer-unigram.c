/* Tokenizes for the multilingual encoders (XLM-R, multilingual-e5, bge-m3) and T5.
 *
 * Text comes in and is normalised: characters mapped (charsmap.c), spaces collapsed, one put in
 * front. Then, of all ways to cover it with pieces of the vocabulary, the one with the highest sum
 * of scores goes out (Viterbi; Kudo 2018). A character without a piece costs ten more than the
 * worst piece, and a run of them becomes one unknown token. */
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

#define UNKNOWN_PENALTY 10.0

struct _EngineUnigram
{
  EngineTrie *pieces;
  float *scores; /* [n_tokens] */
  double unknown_score;
  gint32 unknown;
  EngineCharsmap *charsmap; /* NULL: none */
  gboolean collapse_spaces;
};

EngineUnigram *engine_unigram_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                                   gint32 unknown, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree float *scores = engine_vocabulary_read_scores (vocabulary, gguf, error);
  if (scores == NULL)
    return NULL;
  g_autoptr (EngineCharsmap) charsmap = engine_charsmap_new (gguf, &cause);
  if (cause)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
  EngineUnigram *unigram = g_new0 (EngineUnigram, 1);
  unigram->unknown = unknown;
  unigram->charsmap = g_steal_pointer (&charsmap);
  unigram->pieces = engine_vocabulary_plain_trie (vocabulary);
  engine_gguf_get_bool (gguf, "tokenizer.ggml.remove_extra_whitespaces", &unigram->collapse_spaces);
  double lowest = 0;
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    if (engine_token_type_is_plain (vocabulary->types[id]))
      lowest = MIN (lowest, scores[id]);
  unigram->unknown_score = lowest - UNKNOWN_PENALTY;
  unigram->scores = g_steal_pointer (&scores);
  return unigram;
}

void engine_unigram_free (EngineUnigram *unigram)
{
  if (unigram == NULL)
    return;
  engine_trie_free (unigram->pieces);
  engine_charsmap_free (unigram->charsmap);
  g_free (unigram->scores);
  g_free (unigram);
}

/* ---- Normalising -------------------------------------------------------------------------------
 */

static EngineGgufString next_part (const EngineUnigram *unigram, const char *text, gsize length,
                                   gsize *ret_consumed)
{
  if (unigram->charsmap)
    return engine_charsmap_next (unigram->charsmap, text, length, ret_consumed);
  *ret_consumed = g_utf8_next_char (text) - text;
  return (EngineGgufString){ text, *ret_consumed };
}

static GString *normalise (const EngineUnigram *unigram, const char *text, gsize length,
                           gboolean add_space)
{
  GString *normal = g_string_sized_new (length + 2);
  gboolean after_space = unigram->collapse_spaces;
  for (gsize consumed = 0; length > 0; text += consumed, length -= consumed)
    {
      EngineGgufString part = next_part (unigram, text, length, &consumed);
      while (after_space && part.length > 0 && *part.data == ' ')
        {
          part.data++;
          part.length--;
        }
      if (part.length == 0)
        continue;
      if (normal->len == 0 && add_space)
        g_string_append_c (normal, ' ');
      after_space = unigram->collapse_spaces && part.data[part.length - 1] == ' ';
      engine_vocabulary_spell (ENGINE_SPELLING_SPACES, part, normal);
    }
  while (unigram->collapse_spaces && normal->len > 0 && normal->str[normal->len - 1] == ' ')
    g_string_truncate (normal, normal->len - 1);
  return normal;
}

/* ---- The best path -----------------------------------------------------------------------------
 */

/* The best way to cover the text up to here. */
typedef struct
{
  double score;
  guint32 start; /* of its last piece */
  gint32 id;     /* -1: not reached */
} Step;

static void offer (Step *step, double score, guint32 start, gint32 id)
{
  if (step->id < 0 || score > step->score)
    *step = (Step){ score, start, id };
}

static Step *find_best_path (const EngineUnigram *unigram, const GString *text)
{
  Step *steps = g_new (Step, text->len + 1);
  for (gsize i = 0; i <= text->len; i++)
    steps[i] = (Step){ 0, 0, -1 };
  for (gsize begin = 0, width; begin < text->len; begin += width)
    {
      width = MIN ((gsize)(g_utf8_next_char (text->str + begin) - (text->str + begin)),
                   text->len - begin);
      gboolean has_character = FALSE;
      guint32 node = 0;
      for (gsize end = begin; end < text->len; end++)
        {
          node = engine_trie_step (unigram->pieces, node, text->str[end]);
          if (node == 0)
            break;
          gint32 id = unigram->pieces->values[node];
          if (id < 0)
            continue;
          offer (&steps[end + 1], steps[begin].score + unigram->scores[id], begin, id);
          has_character |= end + 1 - begin == width;
        }
      if (!has_character)
        offer (&steps[begin + width], steps[begin].score + unigram->unknown_score, begin,
               unigram->unknown);
    }
  return steps;
}

static void append_path (const EngineUnigram *unigram, const Step *steps, gsize end, GArray *tokens)
{
  guint before = tokens->len;
  for (gint32 last = -1; end > 0; end = steps[end].start)
    {
      gint32 id = steps[end].id;
      if (id != unigram->unknown || last != unigram->unknown)
        g_array_append_val (tokens, id);
      last = id;
    }
  gint32 *ids = (gint32 *)tokens->data;
  for (guint i = before, j = tokens->len; i + 1 < j; i++)
    {
      gint32 swap = ids[i];
      ids[i] = ids[--j];
      ids[j] = swap;
    }
}

void engine_unigram_encode (const EngineUnigram *unigram, const char *text, gsize length,
                            gboolean add_space, GArray *tokens)
{
  g_autoptr (GString) normal = normalise (unigram, text, length, add_space);
  g_autofree Step *steps = find_best_path (unigram, normal);
  append_path (unigram, steps, normal->len, tokens);
}

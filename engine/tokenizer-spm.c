/* Tokenizes for the models that were trained with SentencePiece's byte-pair encoding: Llama 2,
 * Mistral 7B, Gemma, Phi-3.
 *
 * Text comes in and every character starts as a piece; the two neighbours whose union has the
 * highest score in the vocabulary are joined until none are left (Kudo and Richardson 2018).
 * Characters that the vocabulary lacks come out as bytes. There are no words here, but most
 * neighbouring bytes stand together in no token at all, and text may be cut there without any
 * effect: 8 kB of bits turn one merge over a whole document into many over words. */
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

struct _EngineSpm
{
  const EngineVocabulary *vocabulary;
  gint32 unknown;
  gboolean has_bytes;       /* every byte is a token: nothing is ever unknown */
  guint32 *keys;            /* [n_tokens]; scores as integers, the highest score smallest */
  guint8 adjacent[256][32]; /* bit set: some plain token holds the two bytes one after the other */
};

/* IEEE floats order like their bits, once the negative ones are turned over. */
static guint32 key_of_score (float score)
{
  guint32 bits;
  score += 0.0f; /* -0 becomes 0, its equal */
  memcpy (&bits, &score, sizeof bits);
  return bits >> 31 ? bits : ~bits & 0x7FFFFFFF;
}

static void note_adjacent (EngineSpm *spm, const char *text, gsize length)
{
  for (gsize i = 1; i < length; i++)
    spm->adjacent[(guint8)text[i - 1]][(guint8)text[i] / 8] |= 1u << ((guint8)text[i] % 8);
}

EngineSpm *engine_spm_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                           gint32 unknown, GError **error)
{
  g_autofree float *scores = engine_vocabulary_read_scores (vocabulary, gguf, error);
  if (scores == NULL)
    return NULL;
  EngineSpm *spm = g_new0 (EngineSpm, 1);
  spm->vocabulary = vocabulary;
  spm->unknown = unknown;
  spm->has_bytes = TRUE;
  for (guint byte = 0; byte < 256; byte++)
    spm->has_bytes = spm->has_bytes && vocabulary->byte_ids[byte] >= 0;
  spm->keys = g_new (guint32, vocabulary->n_tokens);
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    {
      gsize length;
      const char *text = engine_vocabulary_text (vocabulary, id, &length);
      spm->keys[id] = key_of_score (scores[id]);
      if (engine_token_type_is_plain (vocabulary->types[id]))
        note_adjacent (spm, text, length);
    }
  return spm;
}

void engine_spm_free (EngineSpm *spm)
{
  if (spm == NULL)
    return;
  g_free (spm->keys);
  g_free (spm);
}

static gboolean may_join (gconstpointer table, const char *text, const EngineMergeSymbol *left,
                          const EngineMergeSymbol *right, guint32 *ret_key, gint32 *ret_id)
{
  const EngineSpm *spm = table;
  gint32 id
      = engine_vocabulary_find (spm->vocabulary, text + left->start, left->length + right->length);
  if (id < 0)
    return FALSE;
  *ret_key = spm->keys[id];
  *ret_id = id;
  return TRUE;
}

/* A character that is no token. Where not all bytes are tokens, a run of such characters becomes
 * one unknown token. */
static void append_missing (const EngineSpm *spm, const char *bytes, gsize length, GArray *tokens)
{
  if (spm->has_bytes)
    for (gsize i = 0; i < length; i++)
      g_array_append_val (tokens, spm->vocabulary->byte_ids[(guint8)bytes[i]]);
  else if (spm->unknown >= 0
           && (tokens->len == 0 || g_array_index (tokens, gint32, tokens->len - 1) != spm->unknown))
    g_array_append_val (tokens, spm->unknown);
}

static void encode_part (const EngineSpm *spm, const char *part, gsize length, EngineMerger *merger,
                         GArray *tokens)
{
  guint first = tokens->len;
  /* Without byte tokens, what a part becomes depends on the unknown token before it. */
  if (spm->has_bytes && engine_merger_recall (merger, part, length))
    return;
  engine_merger_begin (merger);
  for (gsize i = 0, n; i < length; i += n)
    {
      n = g_utf8_next_char (part + i) - (part + i);
      engine_merger_add (merger, i, n, engine_vocabulary_find (spm->vocabulary, part + i, n));
    }
  engine_merger_run (merger, may_join, spm, part);
  for (gint32 i = 0; i >= 0;)
    {
      const EngineMergeSymbol *symbol = engine_merger_symbol (merger, i);
      if (symbol->id >= 0)
        g_array_append_val (tokens, symbol->id);
      else
        append_missing (spm, part + symbol->start, symbol->length, tokens);
      i = symbol->next;
    }
  if (spm->has_bytes)
    engine_merger_remember (merger, part, length, first);
}

/* The end of the shortest part of TEXT that no token can reach beyond. */
static const char *part_end (const EngineSpm *spm, const char *text, const char *end)
{
  for (const char *p = g_utf8_next_char (text); p < end; p = g_utf8_next_char (p))
    {
      guint8 left = p[-1], right = p[0];
      if (!(spm->adjacent[left][right / 8] >> (right % 8) & 1))
        return p;
    }
  return end;
}

void engine_spm_encode (const EngineSpm *spm, const char *text, gsize length, gboolean add_space,
                        EngineMerger *merger, GArray *tokens)
{
  /* A ▁ in the text means a space, too: SentencePiece cannot tell them apart. */
  g_autoptr (GString) spaced = g_string_sized_new (length + 2);
  if (add_space)
    g_string_append_c (spaced, ' ');
  engine_vocabulary_spell (ENGINE_SPELLING_SPACES, (EngineGgufString){ text, length }, spaced);
  const char *end = spaced->str + spaced->len;
  for (const char *part = spaced->str, *next; part < end; part = next)
    {
      next = part_end (spm, part, end);
      encode_part (spm, part, next - part, merger, tokens);
    }
}

/* Turns text into the numbers that a model reads, and back, whatever algorithm is behind it.
 *
 * Here is what the families share, above all how markers such as "<|im_end|>" are kept out of
 * document text. Text is first cut at the markers that may be read in it, longest first, and only
 * what lies between reaches an algorithm, which cannot make a marker because it does not know any.
 * Nothing changes after loading: threads may share a tokenizer. */
#include "engine/model-private.h"
#include "engine/tokenizer-load-private.h"

#include <string.h>

/* ---- Encoding ----------------------------------------------------------------------------------
 */

static void encode_plain (const EngineTokenizer *tokenizer, const char *text, gsize length,
                          gboolean at_start, EngineMerger *merger, GArray *tokens)
{
  gboolean add_space = tokenizer->adds_space && at_start;
  if (length == 0)
    return;
  switch (tokenizer->family)
    {
    case ENGINE_FAMILY_BPE:
      engine_bpe_encode (tokenizer->bpe, text, length, merger, tokens);
      break;
    case ENGINE_FAMILY_SPM:
      engine_spm_encode (tokenizer->spm, text, length, add_space, merger, tokens);
      break;
    case ENGINE_FAMILY_WORDPIECE:
      engine_wordpiece_encode (tokenizer->wordpiece, text, length, tokens);
      break;
    case ENGINE_FAMILY_UNIGRAM:
      engine_unigram_encode (tokenizer->unigram, text, length, add_space, tokens);
      break;
    }
}

/* The next marker at or after P; NULL when there is none. */
static const char *find_marker (const EngineTrie *trie, const char *p, const char *end,
                                gint32 *ret_id, gsize *ret_length)
{
  if (trie->n_nodes == 1)
    return NULL;
  for (; p < end; p++)
    if (trie->root[(guint8)*p] != 0)
      {
        *ret_id = engine_trie_longest (trie, 0, p, end - p, ret_length);
        if (*ret_id >= 0)
          return p;
      }
  return NULL;
}

static void encode_between_markers (const EngineTokenizer *tokenizer, const EngineTrie *trie,
                                    const char *text, const char *end, GArray *tokens)
{
  g_auto (EngineMerger) merger = { 0 };
  engine_merger_init (&merger, tokens, end - text);
  gint32 id = -1;
  gsize length = 0;
  gboolean at_start = TRUE;
  for (const char *marker; (marker = find_marker (trie, text, end, &id, &length));)
    {
      encode_plain (tokenizer, text, marker - text, at_start, &merger, tokens);
      g_array_append_val (tokens, id);
      at_start = TRUE;
      text = marker + length;
      /* Phi-3's own tokenizer keeps the white space after these three. */
      if (tokenizer->eats_space && engine_tokenizer_is_marker (tokenizer, id)
          && !engine_tokenizer_token_is (tokenizer, id, "<s>")
          && !engine_tokenizer_token_is (tokenizer, id, "<unk>")
          && !engine_tokenizer_token_is (tokenizer, id, "<|endoftext|>"))
        while (text < end && engine_tokenizer_is_space (*text))
          text++;
    }
  encode_plain (tokenizer, text, end - text, at_start, &merger, tokens);
}

static gint32 opening (const EngineTokenizer *tokenizer)
{
  return tokenizer->family == ENGINE_FAMILY_SPM || tokenizer->cls < 0 ? tokenizer->bos
                                                                      : tokenizer->cls;
}

static gint32 closing (const EngineTokenizer *tokenizer)
{
  return tokenizer->family == ENGINE_FAMILY_SPM || tokenizer->sep < 0 ? tokenizer->eos
                                                                      : tokenizer->sep;
}

static void encode_valid (const EngineTokenizer *tokenizer, const char *text, gsize length,
                          EngineTokenizeFlags flags, GArray *tokens)
{
  gint32 first = opening (tokenizer), last = closing (tokenizer);
  gboolean wrap = flags & ENGINE_TOKENIZE_ADD_SPECIAL;
  gboolean parse = flags & ENGINE_TOKENIZE_PARSE_SPECIAL;
  if (wrap && tokenizer->adds_bos)
    g_array_append_val (tokens, first);
  encode_between_markers (tokenizer, parse ? tokenizer->markers : tokenizer->spaces, text,
                          text + length, tokens);
  if (wrap && tokenizer->adds_eos)
    g_array_append_val (tokens, last);
}

gboolean engine_tokenizer_encode (const EngineTokenizer *tokenizer, const char *text, gssize length,
                                  EngineTokenizeFlags flags, GArray *tokens, GError **error)
{
  gsize n_bytes = length < 0 ? strlen (text) : (gsize)length;
  const char *bad = NULL;
  if (n_bytes > G_MAXINT32)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "a text of more than 2 GB cannot be tokenized at once; split it");
      return FALSE;
    }
  if (!g_utf8_validate_len (text, n_bytes, &bad))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "the text is not valid UTF-8 at byte %" G_GSIZE_FORMAT
                   "; convert it to UTF-8 first",
                   (gsize)(bad - text));
      return FALSE;
    }
  encode_valid (tokenizer, text, n_bytes, flags, tokens);
  return TRUE;
}

/* ---- Decoding ----------------------------------------------------------------------------------
 */

/* The algorithms other than BPE make this one themselves, of what they cannot write. */
static gboolean is_own_unknown (const EngineTokenizer *tokenizer, gint32 token)
{
  return token == tokenizer->unknown && tokenizer->family != ENGINE_FAMILY_BPE;
}

void engine_tokenizer_decode (const EngineTokenizer *tokenizer, gint32 token, GString *bytes)
{
  if (token < 0 || (guint)token >= tokenizer->vocabulary->n_tokens)
    return;
  gsize length;
  const char *text = engine_vocabulary_text (tokenizer->vocabulary, token, &length);
  if (is_own_unknown (tokenizer, token))
    {
      g_string_append (bytes, "\uFFFD");
      return;
    }
  switch (tokenizer->vocabulary->types[token])
    {
    case ENGINE_TOKEN_CONTROL:
    case ENGINE_TOKEN_UNKNOWN:
    case ENGINE_TOKEN_UNUSED:
      return;
    default:
      g_string_append_len (bytes, text, length);
    }
}

/* Encoding puts a space before the first word, and before the first after a marker; here it goes
 * again. BERT's pieces carry theirs in the vocabulary. */
static char *decode_all (const EngineTokenizer *tokenizer, const gint32 *tokens, gsize n_tokens)
{
  gboolean drops_space = tokenizer->adds_space || tokenizer->family == ENGINE_FAMILY_WORDPIECE;
  gboolean at_start = TRUE;
  g_autoptr (GString) bytes = g_string_new (NULL);
  for (gsize i = 0; i < n_tokens; i++)
    {
      gsize before = bytes->len;
      engine_tokenizer_decode (tokenizer, tokens[i], bytes);
      if (at_start && drops_space && bytes->len > before && bytes->str[before] == ' ')
        g_string_erase (bytes, before, 1);
      at_start = engine_tokenizer_is_special (tokenizer, tokens[i]);
    }
  return g_utf8_make_valid (bytes->str, bytes->len);
}

/* ---- Questions ---------------------------------------------------------------------------------
 */

guint engine_tokenizer_n_vocab (const EngineTokenizer *tokenizer)
{
  return tokenizer->vocabulary->n_tokens;
}

const char *engine_tokenizer_kind (const EngineTokenizer *tokenizer)
{
  return tokenizer->kind;
}

gint32 engine_tokenizer_bos (const EngineTokenizer *tokenizer)
{
  return tokenizer->bos;
}

gint32 engine_tokenizer_eos (const EngineTokenizer *tokenizer)
{
  return tokenizer->eos;
}

gint32 engine_tokenizer_cls (const EngineTokenizer *tokenizer)
{
  return tokenizer->cls;
}

gint32 engine_tokenizer_sep (const EngineTokenizer *tokenizer)
{
  return tokenizer->sep;
}

gboolean engine_tokenizer_adds_bos (const EngineTokenizer *tokenizer)
{
  return tokenizer->adds_bos;
}

gboolean engine_tokenizer_is_special (const EngineTokenizer *tokenizer, gint32 token)
{
  return token >= 0 && (guint)token < tokenizer->vocabulary->n_tokens
         && !is_own_unknown (tokenizer, token) && engine_tokenizer_is_marker (tokenizer, token);
}

gboolean engine_tokenizer_is_end (const EngineTokenizer *tokenizer, gint32 token)
{
  return token >= 0 && (guint)token < tokenizer->vocabulary->n_tokens && tokenizer->ends[token];
}

gint32 engine_tokenizer_find_special (const EngineTokenizer *tokenizer, const char *text)
{
  return engine_trie_find (tokenizer->markers, text, strlen (text));
}

/* ---- Public ------------------------------------------------------------------------------------
 */

gboolean engine_tokenize (const EngineModel *model, const char *text, gssize length,
                          EngineTokenizeFlags flags, GArray *tokens, GError **error)
{
  return engine_tokenizer_encode (model->tokenizer, text, length, flags, tokens, error);
}

static gsize count_tokens (const EngineTokenizer *tokenizer, const char *text, gssize length)
{
  gsize n_bytes = MIN (length < 0 ? strlen (text) : (gsize)length, (gsize)G_MAXINT32);
  g_autofree char *repaired = NULL;
  if (!g_utf8_validate_len (text, n_bytes, NULL))
    {
      repaired = g_utf8_make_valid (text, n_bytes);
      text = repaired;
      n_bytes = MIN (strlen (repaired), (gsize)G_MAXINT32);
    }
  g_autoptr (GArray) tokens = g_array_sized_new (FALSE, FALSE, sizeof (gint32), n_bytes / 4 + 1);
  encode_valid (tokenizer, text, n_bytes, ENGINE_TOKENIZE_PLAIN, tokens);
  return tokens->len;
}

gsize engine_count_tokens (const EngineModel *model, const char *text, gssize length)
{
  return count_tokens (model->tokenizer, text, length);
}

char *engine_detokenize (const EngineModel *model, const gint32 *tokens, gsize n_tokens)
{
  return decode_all (model->tokenizer, tokens, n_tokens);
}

/* Makes a tokenizer of a model file: which of the four algorithms it needs, which tokens open and
 * close a text or end an answer, and which are markers that no document may write.
 *
 * The tokenizer.ggml keys come in, checked against one another, because a file that contradicts
 * itself would garble text without a word. What the keys leave open is decided by family, as the
 * families' own programs do. */
#include "engine/tokenizer-load-private.h"

#include <string.h>

/* ---- Which tokens are what ------------------------------------------------------------
 */

/* What the file says, without escape sequences that would reach a terminal; the caller's. */
static char *printable (EngineGgufString string)
{
  g_autofree char *valid = g_utf8_make_valid (string.data, MIN (string.length, 60));
  return g_strescape (valid, NULL);
}

static gboolean key_is (const EngineGguf *gguf, const char *key, const char *value)
{
  EngineGgufString string;
  return engine_gguf_get_string (gguf, key, &string) && string.length == strlen (value)
         && memcmp (string.data, value, string.length) == 0;
}

/* Leaves RET_ID alone when the key is absent. */
static gboolean read_id (const EngineTokenizer *tokenizer, const EngineGguf *gguf, const char *key,
                         gint32 *ret_id, GError **error)
{
  guint64 value = 0;
  if (!engine_gguf_has_key (gguf, key))
    return TRUE;
  if (!engine_gguf_get_uint (gguf, key, &value) || value >= tokenizer->vocabulary->n_tokens)
    return engine_vocabulary_damaged (gguf, error, "%s is not one of the %u tokens", key,
                                      tokenizer->vocabulary->n_tokens);
  *ret_id = value;
  return TRUE;
}

gboolean engine_tokenizer_token_is (const EngineTokenizer *tokenizer, gint32 id, const char *text)
{
  gsize length;
  const char *bytes = engine_vocabulary_text (tokenizer->vocabulary, id, &length);
  return length == strlen (text) && memcmp (bytes, text, length) == 0;
}

static void add_end (EngineTokenizer *tokenizer, gint32 id)
{
  if (id >= 0)
    tokenizer->ends[id] = TRUE;
}

/* Models end a turn with other tokens than the one their file names. "</s>" is also HTML, and as
 * such ordinary text in Qwen and a user-defined token in Gemma. */
static void find_well_known_ends (EngineTokenizer *tokenizer)
{
  static const char *const NAMES[]
      = { "<|eot_id|>",      "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
          "<|end_of_text|>", "<eos>",      "</s>",    "<|eom_id|>" };
  for (guint id = 0; id < tokenizer->vocabulary->n_tokens; id++)
    for (gsize i = 0; i < G_N_ELEMENTS (NAMES); i++)
      if (tokenizer->vocabulary->types[id] == ENGINE_TOKEN_CONTROL
          && engine_tokenizer_token_is (tokenizer, id, NAMES[i]))
        add_end (tokenizer, id);
}

static gboolean read_special_ids (EngineTokenizer *tokenizer, const EngineGguf *gguf,
                                  GError **error)
{
  gint32 eot = -1, eom = -1;
  tokenizer->ends = g_new0 (guint8, tokenizer->vocabulary->n_tokens);
  if (!read_id (tokenizer, gguf, "tokenizer.ggml.bos_token_id", &tokenizer->bos, error)
      || !read_id (tokenizer, gguf, "tokenizer.ggml.eos_token_id", &tokenizer->eos, error)
      || !read_id (tokenizer, gguf, "tokenizer.ggml.unknown_token_id", &tokenizer->unknown, error)
      || !read_id (tokenizer, gguf, "tokenizer.ggml.cls_token_id", &tokenizer->cls, error)
      /* sic: the key's name is misspelt in the format itself */
      || !read_id (tokenizer, gguf, "tokenizer.ggml.seperator_token_id", &tokenizer->sep, error)
      || !read_id (tokenizer, gguf, "tokenizer.ggml.eot_token_id", &eot, error)
      || !read_id (tokenizer, gguf, "tokenizer.ggml.eom_token_id", &eom, error))
    return FALSE;
  /* What the file itself calls an end is a marker, whatever type it gives it. */
  const gint32 ends[] = { tokenizer->eos, eot, eom };
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      add_end (tokenizer, ends[i]);
      if (ends[i] >= 0 && engine_token_type_is_plain (tokenizer->vocabulary->types[ends[i]]))
        tokenizer->vocabulary->types[ends[i]] = ENGINE_TOKEN_CONTROL;
    }
  find_well_known_ends (tokenizer);
  return TRUE;
}

/* BERT files that name their markers only by text. */
static void find_bert_markers (EngineTokenizer *tokenizer)
{
  gint32 *const ids[] = { &tokenizer->cls, &tokenizer->sep, &tokenizer->unknown };
  static const char *const NAMES[] = { "[CLS]", "[SEP]", "[UNK]" };
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    for (guint id = 0; *ids[i] < 0 && id < tokenizer->vocabulary->n_tokens; id++)
      if (engine_tokenizer_token_is (tokenizer, id, NAMES[i]))
        *ids[i] = id;
}

static gboolean is_white (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!engine_tokenizer_is_space (text[i]))
      return FALSE;
  return length > 0;
}

gboolean engine_tokenizer_is_marker (const EngineTokenizer *tokenizer, gint32 id)
{
  gsize length;
  const char *text = engine_vocabulary_text (tokenizer->vocabulary, id, &length);
  switch (tokenizer->vocabulary->types[id])
    {
    case ENGINE_TOKEN_CONTROL:
    case ENGINE_TOKEN_UNKNOWN:
      return TRUE;
    case ENGINE_TOKEN_USER_DEFINED:
      return !is_white (text, length);
    default:
      return FALSE;
    }
}

static void index_markers (EngineTokenizer *tokenizer)
{
  const EngineVocabulary *vocabulary = tokenizer->vocabulary;
  g_autoptr (GArray) markers = g_array_new (FALSE, FALSE, sizeof (EngineTrieEntry));
  g_autoptr (GArray) spaces = g_array_new (FALSE, FALSE, sizeof (EngineTrieEntry));
  for (guint id = 0; id < vocabulary->n_tokens; id++)
    {
      EngineTrieEntry entry = { .value = id };
      entry.bytes = engine_vocabulary_text (vocabulary, id, &entry.length);
      gboolean marker = engine_tokenizer_is_marker (tokenizer, id);
      if (marker || vocabulary->types[id] == ENGINE_TOKEN_USER_DEFINED)
        g_array_append_val (markers, entry);
      if (!marker && vocabulary->types[id] == ENGINE_TOKEN_USER_DEFINED)
        g_array_append_val (spaces, entry);
    }
  tokenizer->markers = engine_trie_new ((EngineTrieEntry *)markers->data, markers->len);
  tokenizer->spaces = engine_trie_new ((EngineTrieEntry *)spaces->data, spaces->len);
}

/* ---- Families -------------------------------------------------------------------------
 */

static gboolean read_family (EngineTokenizer *tokenizer, const EngineGguf *gguf, GError **error)
{
  static const char *const NAMES[] = { [ENGINE_FAMILY_BPE] = "gpt2",
                                       [ENGINE_FAMILY_SPM] = "llama",
                                       [ENGINE_FAMILY_WORDPIECE] = "bert",
                                       [ENGINE_FAMILY_UNIGRAM] = "t5" };
  EngineGgufString name = { "", 0 };
  engine_gguf_get_string (gguf, "tokenizer.ggml.model", &name);
  for (gsize i = 0; i < G_N_ELEMENTS (NAMES); i++)
    if (key_is (gguf, "tokenizer.ggml.model", NAMES[i]))
      {
        tokenizer->family = i;
        tokenizer->kind = g_strdup (NAMES[i]);
        return TRUE;
      }
  g_autofree char *shown = printable (name);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "“%s” has a tokenizer of the unknown kind “%s” (tokenizer.ggml.model); gpt2, llama, "
               "bert and t5 are supported",
               engine_gguf_path (gguf), shown);
  return FALSE;
}

/* Files from before the key existed: what the architecture's models use. */
static const EnginePretokenizer *assume_pretokenizer (const EngineGguf *gguf)
{
  static const char *const ASSUMED[][2]
      = { { "qwen2", "qwen2" },       { "qwen3", "qwen2" },
          { "phi2", "phi-2" },        { "granite", "refact" },
          { "granitemoe", "refact" }, { "mistral3", "tekken" },
          { "phi3", "gpt-4o" },       { "modern-bert", "modern-bert" },
          { "llama", "llama-bpe" } };
  for (gsize i = 0; i < G_N_ELEMENTS (ASSUMED); i++)
    if (key_is (gguf, "general.architecture", ASSUMED[i][0]))
      return engine_pretokenizer_find (ASSUMED[i][1], strlen (ASSUMED[i][1]));
  return engine_pretokenizer_find ("gpt-2", strlen ("gpt-2"));
}

static gboolean read_pretokenizer (EngineTokenizer *tokenizer, const EngineGguf *gguf,
                                   GError **error)
{
  EngineGgufString name = { "", 0 };
  gboolean named = engine_gguf_get_string (gguf, "tokenizer.ggml.pre", &name)
                   && !key_is (gguf, "tokenizer.ggml.pre", "default");
  tokenizer->pretokenizer
      = named ? engine_pretokenizer_find (name.data, name.length) : assume_pretokenizer (gguf);
  if (tokenizer->pretokenizer == NULL)
    {
      g_autofree char *shown = printable (name);
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” splits words in the unknown way “%s” (tokenizer.ggml.pre), and guessing "
                   "would garble its text; use a model of a supported family",
                   engine_gguf_path (gguf), shown);
      return FALSE;
    }
  g_free (tokenizer->kind);
  tokenizer->kind = g_strconcat ("gpt2/", engine_pretokenizer_name (tokenizer->pretokenizer),
                                 named ? "" : " (assumed)", NULL);
  return TRUE;
}

/* What a text is wrapped in, unless the file says otherwise. */
static void set_defaults (EngineTokenizer *tokenizer, const EngineGguf *gguf)
{
  gboolean is_encoder = key_is (gguf, "general.architecture", "bert");
  switch (tokenizer->family)
    {
    case ENGINE_FAMILY_BPE:
      tokenizer->adds_bos = engine_pretokenizer_adds_bos (tokenizer->pretokenizer);
      tokenizer->adds_eos = engine_pretokenizer_adds_eos (tokenizer->pretokenizer);
      break;
    case ENGINE_FAMILY_SPM:
      tokenizer->adds_bos = TRUE;
      tokenizer->adds_space = TRUE;
      tokenizer->eats_space = key_is (gguf, "general.architecture", "phi3");
      break;
    case ENGINE_FAMILY_WORDPIECE:
      tokenizer->adds_bos = tokenizer->adds_eos = TRUE;
      break;
    case ENGINE_FAMILY_UNIGRAM:
      tokenizer->adds_bos = is_encoder;
      tokenizer->adds_eos = TRUE;
      tokenizer->adds_space = TRUE;
      break;
    }
}

static gboolean has_opening (const EngineTokenizer *tokenizer)
{
  return tokenizer->bos >= 0 || tokenizer->cls >= 0;
}

static gboolean has_closing (const EngineTokenizer *tokenizer)
{
  return tokenizer->eos >= 0 || tokenizer->sep >= 0;
}

static gboolean read_wrapping (EngineTokenizer *tokenizer, const EngineGguf *gguf, GError **error)
{
  gboolean wants_bos = FALSE, wants_eos = FALSE;
  set_defaults (tokenizer, gguf);
  if (engine_gguf_get_bool (gguf, "tokenizer.ggml.add_bos_token", &wants_bos))
    tokenizer->adds_bos = wants_bos;
  if (engine_gguf_get_bool (gguf, "tokenizer.ggml.add_eos_token", &wants_eos))
    tokenizer->adds_eos = wants_eos;
  if ((wants_bos && !has_opening (tokenizer)) || (wants_eos && !has_closing (tokenizer)))
    return engine_vocabulary_damaged (gguf, error,
                                      "it asks for a token at each text's %s, and names none",
                                      wants_bos && !has_opening (tokenizer) ? "beginning" : "end");
  tokenizer->adds_bos = tokenizer->adds_bos && has_opening (tokenizer);
  tokenizer->adds_eos = tokenizer->adds_eos && has_closing (tokenizer);
  if (tokenizer->family == ENGINE_FAMILY_SPM || tokenizer->family == ENGINE_FAMILY_UNIGRAM)
    engine_gguf_get_bool (gguf, "tokenizer.ggml.add_space_prefix", &tokenizer->adds_space);
  return TRUE;
}

static gboolean make_algorithm (EngineTokenizer *tokenizer, const EngineGguf *gguf, GError **error)
{
  const EngineVocabulary *vocabulary = tokenizer->vocabulary;
  if (tokenizer->unknown < 0
      && (tokenizer->family == ENGINE_FAMILY_WORDPIECE
          || tokenizer->family == ENGINE_FAMILY_UNIGRAM))
    return engine_vocabulary_damaged (gguf, error, "it has no token for unknown words");
  switch (tokenizer->family)
    {
    case ENGINE_FAMILY_BPE:
      tokenizer->bpe
          = engine_bpe_new (gguf, vocabulary, tokenizer->markers, tokenizer->pretokenizer, error);
      return tokenizer->bpe != NULL;
    case ENGINE_FAMILY_SPM:
      tokenizer->spm = engine_spm_new (gguf, vocabulary, tokenizer->unknown, error);
      return tokenizer->spm != NULL;
    case ENGINE_FAMILY_WORDPIECE:
      tokenizer->wordpiece = engine_wordpiece_new (vocabulary, tokenizer->unknown);
      return TRUE;
    case ENGINE_FAMILY_UNIGRAM:
      tokenizer->unigram = engine_unigram_new (gguf, vocabulary, tokenizer->unknown, error);
      return tokenizer->unigram != NULL;
    }
  return FALSE;
}

EngineTokenizer *engine_tokenizer_new (const EngineGguf *gguf, GError **error)
{
  g_autoptr (EngineTokenizer) tokenizer = g_new0 (EngineTokenizer, 1);
  tokenizer->bos = tokenizer->eos = tokenizer->cls = tokenizer->sep = tokenizer->unknown = -1;
  if (!read_family (tokenizer, gguf, error)
      || (tokenizer->family == ENGINE_FAMILY_BPE && !read_pretokenizer (tokenizer, gguf, error)))
    return NULL;
  tokenizer->vocabulary = engine_vocabulary_new (
      gguf, tokenizer->family == ENGINE_FAMILY_BPE ? ENGINE_SPELLING_BYTES : ENGINE_SPELLING_SPACES,
      error);
  if (tokenizer->vocabulary == NULL || !read_special_ids (tokenizer, gguf, error))
    return NULL;
  if (tokenizer->family == ENGINE_FAMILY_WORDPIECE)
    find_bert_markers (tokenizer);
  engine_vocabulary_index (tokenizer->vocabulary);
  index_markers (tokenizer);
  if (!read_wrapping (tokenizer, gguf, error) || !make_algorithm (tokenizer, gguf, error))
    return NULL;
  return g_steal_pointer (&tokenizer);
}

void engine_tokenizer_free (EngineTokenizer *tokenizer)
{
  if (tokenizer == NULL)
    return;
  engine_bpe_free (tokenizer->bpe);
  engine_spm_free (tokenizer->spm);
  engine_wordpiece_free (tokenizer->wordpiece);
  engine_unigram_free (tokenizer->unigram);
  engine_trie_free (tokenizer->markers);
  engine_trie_free (tokenizer->spaces);
  engine_vocabulary_free (tokenizer->vocabulary);
  g_free (tokenizer->ends);
  g_free (tokenizer->kind);
  g_free (tokenizer);
}

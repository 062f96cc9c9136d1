/* Turns text into the numbers that a model reads, and back.
 *
 * A model file's tokenizer keys come in; what goes out is one object that every other part of the
 * engine uses without knowing which of four algorithms is behind it. Here is what the families
 * share: which tokens open and close a text, which end an answer, and how markers such as
 * "<|im_end|>" are kept out of document text. Text is first cut at the markers that may be read
 * in it, longest first, and only what lies between reaches an algorithm, which cannot make a
 * marker because it does not know any. Nothing changes after loading: threads may share it. */
#include "engine/model-private.h"
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

typedef enum
{
  FAMILY_BPE,
  FAMILY_SPM,
  FAMILY_WORDPIECE,
  FAMILY_UNIGRAM,
} Family;

struct _EngineTokenizer
{
  Family family;
  char *kind;
  EngineVocabulary *vocabulary;
  const EnginePretokenizer *pretokenizer; /* BPE only */
  EngineBpe *bpe;
  EngineSpm *spm;
  EngineWordpiece *wordpiece;
  EngineUnigram *unigram;

  EngineTrie *markers; /* control, user-defined and unknown tokens: with PARSE_SPECIAL */
  EngineTrie *spaces;  /* user-defined runs of white space: in any text */
  gint32 bos, eos, cls, sep, unknown; /* -1: none */
  GArray *ends;                       /* of gint32 */
  gboolean adds_bos, adds_eos, adds_space;
  gboolean eats_space; /* white space after a marker is part of it (Phi-3) */
};

/* ---- Loading: which tokens are what ------------------------------------------------------------
 */

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

static gboolean token_is (const EngineTokenizer *tokenizer, guint id, const char *text)
{
  gsize length;
  const char *bytes = engine_vocabulary_text (tokenizer->vocabulary, id, &length);
  return length == strlen (text) && memcmp (bytes, text, length) == 0;
}

static void add_end (EngineTokenizer *tokenizer, gint32 id)
{
  if (id >= 0 && !engine_tokenizer_is_end (tokenizer, id))
    g_array_append_val (tokenizer->ends, id);
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
          && token_is (tokenizer, id, NAMES[i]))
        add_end (tokenizer, id);
}

static gboolean read_special_ids (EngineTokenizer *tokenizer, const EngineGguf *gguf,
                                  GError **error)
{
  gint32 eot = -1, eom = -1;
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
  for (guint i = 0; i < 3; i++)
    {
      gint32 id = (gint32[]){ tokenizer->eos, eot, eom }[i];
      add_end (tokenizer, id);
      if (id >= 0 && engine_token_type_is_plain (tokenizer->vocabulary->types[id]))
        tokenizer->vocabulary->types[id] = ENGINE_TOKEN_CONTROL;
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
      if (token_is (tokenizer, id, NAMES[i]))
        *ids[i] = id;
}

static inline gboolean is_space (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static gboolean is_white (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!is_space (text[i]))
      return FALSE;
  return length > 0;
}

/* Gemma's and Phi-2's runs of spaces, tabs and line ends are called user-defined, but they are
 * ordinary text: nobody could smuggle a marker in as white space. */
static gboolean is_marker (const EngineVocabulary *vocabulary, gint32 id)
{
  gsize length;
  switch (vocabulary->types[id])
    {
    case ENGINE_TOKEN_CONTROL:
    case ENGINE_TOKEN_UNKNOWN:
      return TRUE;
    case ENGINE_TOKEN_USER_DEFINED:
      {
        const char *text = engine_vocabulary_text (vocabulary, id, &length);
        return !is_white (text, length);
      }
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
      gboolean marker = is_marker (vocabulary, id);
      if (marker || vocabulary->types[id] == ENGINE_TOKEN_USER_DEFINED)
        g_array_append_val (markers, entry);
      if (!marker && vocabulary->types[id] == ENGINE_TOKEN_USER_DEFINED)
        g_array_append_val (spaces, entry);
    }
  tokenizer->markers = engine_trie_new ((EngineTrieEntry *)markers->data, markers->len);
  tokenizer->spaces = engine_trie_new ((EngineTrieEntry *)spaces->data, spaces->len);
}

/* ---- Loading: families -------------------------------------------------------------------------
 */

static gboolean read_family (EngineTokenizer *tokenizer, const EngineGguf *gguf, GError **error)
{
  static const char *const NAMES[] = { [FAMILY_BPE] = "gpt2",
                                       [FAMILY_SPM] = "llama",
                                       [FAMILY_WORDPIECE] = "bert",
                                       [FAMILY_UNIGRAM] = "t5" };
  EngineGgufString name = { "", 0 };
  engine_gguf_get_string (gguf, "tokenizer.ggml.model", &name);
  for (gsize i = 0; i < G_N_ELEMENTS (NAMES); i++)
    if (key_is (gguf, "tokenizer.ggml.model", NAMES[i]))
      {
        tokenizer->family = i;
        tokenizer->kind = g_strdup (NAMES[i]);
        return TRUE;
      }
  g_autofree char *shown = g_utf8_make_valid (name.data, MIN (name.length, 60));
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
      g_autofree char *shown = g_utf8_make_valid (name.data, MIN (name.length, 60));
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
    case FAMILY_BPE:
      tokenizer->adds_bos = engine_pretokenizer_adds_bos (tokenizer->pretokenizer);
      tokenizer->adds_eos = engine_pretokenizer_adds_eos (tokenizer->pretokenizer);
      break;
    case FAMILY_SPM:
      tokenizer->adds_bos = TRUE;
      tokenizer->adds_space = TRUE;
      tokenizer->eats_space = key_is (gguf, "general.architecture", "phi3");
      break;
    case FAMILY_WORDPIECE:
      tokenizer->adds_bos = tokenizer->adds_eos = TRUE;
      break;
    case FAMILY_UNIGRAM:
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
  if (tokenizer->family == FAMILY_SPM || tokenizer->family == FAMILY_UNIGRAM)
    engine_gguf_get_bool (gguf, "tokenizer.ggml.add_space_prefix", &tokenizer->adds_space);
  return TRUE;
}

static gboolean make_algorithm (EngineTokenizer *tokenizer, const EngineGguf *gguf, GError **error)
{
  const EngineVocabulary *vocabulary = tokenizer->vocabulary;
  if (tokenizer->unknown < 0
      && (tokenizer->family == FAMILY_WORDPIECE || tokenizer->family == FAMILY_UNIGRAM))
    return engine_vocabulary_damaged (gguf, error, "it has no token for unknown words");
  switch (tokenizer->family)
    {
    case FAMILY_BPE:
      tokenizer->bpe
          = engine_bpe_new (gguf, vocabulary, tokenizer->markers, tokenizer->pretokenizer, error);
      return tokenizer->bpe != NULL;
    case FAMILY_SPM:
      tokenizer->spm = engine_spm_new (gguf, vocabulary, tokenizer->unknown, error);
      return tokenizer->spm != NULL;
    case FAMILY_WORDPIECE:
      tokenizer->wordpiece = engine_wordpiece_new (vocabulary, tokenizer->unknown);
      return TRUE;
    case FAMILY_UNIGRAM:
      tokenizer->unigram = engine_unigram_new (gguf, vocabulary, tokenizer->unknown, error);
      return tokenizer->unigram != NULL;
    }
  return FALSE;
}

EngineTokenizer *engine_tokenizer_new (const EngineGguf *gguf, GError **error)
{
  g_autoptr (EngineTokenizer) tokenizer = g_new0 (EngineTokenizer, 1);
  tokenizer->ends = g_array_new (FALSE, FALSE, sizeof (gint32));
  tokenizer->bos = tokenizer->eos = tokenizer->cls = tokenizer->sep = tokenizer->unknown = -1;
  if (!read_family (tokenizer, gguf, error)
      || (tokenizer->family == FAMILY_BPE && !read_pretokenizer (tokenizer, gguf, error)))
    return NULL;
  tokenizer->vocabulary = engine_vocabulary_new (
      gguf, tokenizer->family == FAMILY_BPE ? ENGINE_SPELLING_BYTES : ENGINE_SPELLING_SPACES,
      error);
  if (tokenizer->vocabulary == NULL || !read_special_ids (tokenizer, gguf, error))
    return NULL;
  if (tokenizer->family == FAMILY_WORDPIECE)
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
  g_array_unref (tokenizer->ends);
  g_free (tokenizer->kind);
  g_free (tokenizer);
}

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
    case FAMILY_BPE:
      engine_bpe_encode (tokenizer->bpe, text, length, merger, tokens);
      break;
    case FAMILY_SPM:
      engine_spm_encode (tokenizer->spm, text, length, add_space, merger, tokens);
      break;
    case FAMILY_WORDPIECE:
      engine_wordpiece_encode (tokenizer->wordpiece, text, length, tokens);
      break;
    case FAMILY_UNIGRAM:
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
      if (tokenizer->eats_space && is_marker (tokenizer->vocabulary, id)
          && !token_is (tokenizer, id, "<s>") && !token_is (tokenizer, id, "<unk>")
          && !token_is (tokenizer, id, "<|endoftext|>"))
        while (text < end && is_space (*text))
          text++;
    }
  encode_plain (tokenizer, text, end - text, at_start, &merger, tokens);
}

static gint32 opening (const EngineTokenizer *tokenizer)
{
  return tokenizer->family == FAMILY_SPM || tokenizer->cls < 0 ? tokenizer->bos : tokenizer->cls;
}

static gint32 closing (const EngineTokenizer *tokenizer)
{
  return tokenizer->family == FAMILY_SPM || tokenizer->sep < 0 ? tokenizer->eos : tokenizer->sep;
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
  return token == tokenizer->unknown && tokenizer->family != FAMILY_BPE;
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
  gboolean drops_space = tokenizer->adds_space || tokenizer->family == FAMILY_WORDPIECE;
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
         && !is_own_unknown (tokenizer, token) && is_marker (tokenizer->vocabulary, token);
}

gboolean engine_tokenizer_is_end (const EngineTokenizer *tokenizer, gint32 token)
{
  for (guint i = 0; i < tokenizer->ends->len; i++)
    if (g_array_index (tokenizer->ends, gint32, i) == token)
      return TRUE;
  return FALSE;
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

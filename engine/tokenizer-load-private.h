/* What a tokenizer is once its file has been read: tokenizer-load.c makes it, tokenizer.c uses it,
 * nobody changes it. */
#pragma once

#include "engine/tokenizer-algorithms-private.h"
#include "engine/tokenizer-private.h"

G_BEGIN_DECLS

typedef enum
{
  ENGINE_FAMILY_BPE,
  ENGINE_FAMILY_SPM,
  ENGINE_FAMILY_WORDPIECE,
  ENGINE_FAMILY_UNIGRAM,
} EngineTokenizerFamily;

struct _EngineTokenizer
{
  EngineTokenizerFamily family;
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
  guint8 *ends;                       /* [n_tokens]; whether a token ends an answer */
  gboolean adds_bos, adds_eos, adds_space;
  gboolean eats_space; /* white space after a marker is part of it (Phi-3) */
};

/* Control, unknown or user-defined, and not just white space: Gemma's and Phi-2's runs of spaces,
 * tabs and line ends are called user-defined, but they are ordinary text. Nobody could smuggle a
 * marker in as white space. */
gboolean engine_tokenizer_is_marker (const EngineTokenizer *tokenizer, gint32 id);
/* Whether token ID is written exactly TEXT. */
gboolean engine_tokenizer_token_is (const EngineTokenizer *tokenizer, gint32 id, const char *text);

static inline gboolean engine_tokenizer_is_space (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

G_END_DECLS

/* The words of a model, as they appear in text, with their kinds and ways to find them again:
 * what all tokenizers of the engine share. vocabulary.c. */
#pragma once

#include "engine/gguf-private.h"
#include "engine/trie-private.h"

G_BEGIN_DECLS

/* tokenizer.ggml.token_type */
typedef enum
{
  ENGINE_TOKEN_UNDEFINED,
  ENGINE_TOKEN_NORMAL,
  ENGINE_TOKEN_UNKNOWN,
  ENGINE_TOKEN_CONTROL,
  ENGINE_TOKEN_USER_DEFINED,
  ENGINE_TOKEN_UNUSED,
  ENGINE_TOKEN_BYTE,
} EngineTokenType;

/* How the file writes the bytes of a token. */
typedef enum
{
  ENGINE_SPELLING_BYTES,  /* GPT-2: every byte as one printable character, "Ġthe" */
  ENGINE_SPELLING_SPACES, /* SentencePiece and WordPiece: spaces as U+2581, "▁the" */
} EngineSpelling;

typedef struct
{
  guint32 hash;
  gint32 id; /* -1: free */
} EngineVocabularySlot;

typedef struct
{
  guint n_tokens;
  guint8 *types;        /* [n_tokens] of EngineTokenType */
  gsize *offsets;       /* [n_tokens + 1] into bytes */
  char *bytes;          /* every token's text, one after the other */
  gsize longest;        /* bytes of the longest plain token */
  gint32 byte_ids[256]; /* tokens of type BYTE, or -1 */

  EngineVocabularySlot *slots; /* [slot_mask + 1], open addressing; plain tokens only */
  guint32 slot_mask;
  guint64 seed; /* differs from run to run, so that no file can prepare collisions */
} EngineVocabulary;

/* Reads tokens and their types. Call engine_vocabulary_index when the types are final. */
EngineVocabulary *engine_vocabulary_new (const EngineGguf *gguf, EngineSpelling spelling,
                                         GError **error);
void engine_vocabulary_index (EngineVocabulary *vocabulary);
void engine_vocabulary_free (EngineVocabulary *vocabulary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineVocabulary, engine_vocabulary_free)

/* The bytes that STRING stands for, appended to BYTES; FALSE when some character of it stands for
 * no byte, and BYTES is as it was. */
gboolean engine_vocabulary_spell (EngineSpelling spelling, EngineGgufString string, GString *bytes);
/* The plain token that is written exactly BYTES, or -1. Plain tokens are those that the algorithms
 * may make from any text: neither control nor user-defined nor unknown nor unused nor byte. */
gint32 engine_vocabulary_find (const EngineVocabulary *vocabulary, const char *bytes, gsize length);
/* All plain tokens as a trie of ids. */
EngineTrie *engine_vocabulary_plain_trie (const EngineVocabulary *vocabulary);
/* tokenizer.ggml.scores, one finite number for each token; NULL with ERROR otherwise. */
float *engine_vocabulary_read_scores (const EngineVocabulary *vocabulary, const EngineGguf *gguf,
                                      GError **error);
/* Sets ERROR to FILE: "the tokenizer in PATH is damaged: …". Returns FALSE. */
gboolean engine_vocabulary_damaged (const EngineGguf *gguf, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static inline gboolean engine_token_type_is_plain (guint8 type)
{
  return type == ENGINE_TOKEN_NORMAL || type == ENGINE_TOKEN_UNDEFINED;
}

static inline const char *engine_vocabulary_text (const EngineVocabulary *vocabulary, gint32 id,
                                                  gsize *ret_length)
{
  *ret_length = vocabulary->offsets[id + 1] - vocabulary->offsets[id];
  return vocabulary->bytes + vocabulary->offsets[id];
}

G_END_DECLS

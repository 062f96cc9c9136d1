/* Tokenizers behind one small interface: model.c makes one from a file's metadata, and chat.c,
 * encoder.c and the public functions in engine.h use it. tokenizer-load.c reads the metadata,
 * tokenizer.c dispatches; one file per algorithm. */
#pragma once

#include "engine/engine.h"
#include "engine/gguf-private.h"

typedef struct _EngineTokenizer EngineTokenizer;

/* Reads tokenizer.ggml.* of GGUF and copies what it needs. FILE for keys that contradict one
 * another, UNSUPPORTED for a kind of tokenizer or of splitting words that we lack. The result does
 * not change any more and may be used by several threads. */
EngineTokenizer *engine_tokenizer_new (const EngineGguf *gguf, GError **error);
void engine_tokenizer_free (EngineTokenizer *tokenizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineTokenizer, engine_tokenizer_free)

gboolean engine_tokenizer_encode (const EngineTokenizer *tokenizer, const char *text, gssize length,
                                  EngineTokenizeFlags flags, GArray *tokens, GError **error);
/* Raw bytes of one token as they appear in text (may be part of a character; empty for control
 * tokens; user-defined ones print as they are written). Appended to BYTES. */
void engine_tokenizer_decode (const EngineTokenizer *tokenizer, gint32 token, GString *bytes);

guint engine_tokenizer_n_vocab (const EngineTokenizer *tokenizer);
/* "gpt2/qwen2", "bert", "llama", "t5"; "gpt2/qwen2 (assumed)" where the file does not say how it
 * splits words. Owned by the tokenizer. */
const char *engine_tokenizer_kind (const EngineTokenizer *tokenizer);
/* -1 when there is none. */
gint32 engine_tokenizer_bos (const EngineTokenizer *tokenizer);
gint32 engine_tokenizer_eos (const EngineTokenizer *tokenizer);
gint32 engine_tokenizer_cls (const EngineTokenizer *tokenizer);
gint32 engine_tokenizer_sep (const EngineTokenizer *tokenizer);
gboolean engine_tokenizer_adds_bos (const EngineTokenizer *tokenizer);
/* Control, user-defined or unknown token: never made from document text. Two kinds are none:
 * user-defined runs of white space, and the unknown token where the algorithm itself makes it of
 * characters that the vocabulary lacks (all but BPE). */
gboolean engine_tokenizer_is_special (const EngineTokenizer *tokenizer, gint32 token);
/* Ends a generation: eos, eot, eom and control tokens with a well-known name ("<|im_end|>", …). */
gboolean engine_tokenizer_is_end (const EngineTokenizer *tokenizer, gint32 token);
/* Id of the control, user-defined or unknown token that is written exactly TEXT, or -1. */
gint32 engine_tokenizer_find_special (const EngineTokenizer *tokenizer, const char *text);

/* The four algorithms behind tokenizer.c. Each reads what it needs beside the vocabulary, and then
 * appends the tokens of plain text (valid UTF-8 without markers) to an array of gint32. None of
 * them changes after it is made, so one may serve several threads. */
#pragma once

#include "engine/merge-private.h"
#include "engine/pretokenize-private.h"
#include "engine/vocabulary-private.h"

G_BEGIN_DECLS

/* Byte-pair encoding over bytes, within words: GPT-2, Llama 3, Qwen. tokenizer-bpe.c
 * MARKERS: what may stand in the file's merges, but not be merged from text. */
typedef struct _EngineBpe EngineBpe;
EngineBpe *engine_bpe_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                           const EngineTrie *markers, const EnginePretokenizer *pretokenizer,
                           GError **error);
void engine_bpe_free (EngineBpe *bpe);
void engine_bpe_encode (const EngineBpe *bpe, const char *text, gsize length, EngineMerger *merger,
                        GArray *tokens);

/* Byte-pair encoding over characters, by score: Llama 2, Mistral, Gemma, Phi-3. tokenizer-spm.c
 * UNKNOWN: for characters that have neither a token nor byte tokens; -1 leaves them out. */
typedef struct _EngineSpm EngineSpm;
EngineSpm *engine_spm_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                           gint32 unknown, GError **error);
void engine_spm_free (EngineSpm *spm);
void engine_spm_encode (const EngineSpm *spm, const char *text, gsize length, gboolean add_space,
                        EngineMerger *merger, GArray *tokens);

/* Greedy longest pieces of normalised words: BERT. tokenizer-wordpiece.c */
typedef struct _EngineWordpiece EngineWordpiece;
EngineWordpiece *engine_wordpiece_new (const EngineVocabulary *vocabulary, gint32 unknown);
void engine_wordpiece_free (EngineWordpiece *wordpiece);
void engine_wordpiece_encode (const EngineWordpiece *wordpiece, const char *text, gsize length,
                              GArray *tokens);

/* The likeliest pieces after normalising with the file's own map: T5, XLM-R. tokenizer-unigram.c */
typedef struct _EngineUnigram EngineUnigram;
EngineUnigram *engine_unigram_new (const EngineGguf *gguf, const EngineVocabulary *vocabulary,
                                   gint32 unknown, GError **error);
void engine_unigram_free (EngineUnigram *unigram);
void engine_unigram_encode (const EngineUnigram *unigram, const char *text, gsize length,
                            gboolean add_space, GArray *tokens);

/* Rewrites text by a precompiled character map (tokenizer.ggml.precompiled_charsmap). charsmap.c */
typedef struct _EngineCharsmap EngineCharsmap;
/* NULL without ERROR when the file has none. */
EngineCharsmap *engine_charsmap_new (const EngineGguf *gguf, GError **error);
void engine_charsmap_free (EngineCharsmap *charsmap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineCharsmap, engine_charsmap_free)
/* What the beginning of TEXT (LENGTH > 0 bytes) becomes, and how many bytes of it that takes. */
EngineGgufString engine_charsmap_next (const EngineCharsmap *charsmap, const char *text,
                                       gsize length, gsize *ret_consumed);

G_END_DECLS

/* Between the two files that write the tokenizers of generators: convert-bpe.c (byte-level BPE, and
 * what both have in common) and convert-spm.c (SentencePiece). */
#pragma once

#include "engine/convert-private.h"

typedef struct
{
  const char *text; /* borrowed; NULL: no token has this id */
  EngineTokenType type;
  float score;
} EngineBpeToken;

typedef struct
{
  const EngineModelFolder *folder;
  JsonObject *tokenizer, *settings; /* tokenizer.json, tokenizer_config.json; may be NULL */
  EngineBpeToken *tokens;           /* [n_vocab] */
  guint64 n_vocab;
  GPtrArray *strings; /* texts that no JSON file owns */
} EngineBpe;

/* UNSUPPORTED, naming the folder. Always FALSE. */
gboolean engine_bpe_refuse (const EngineBpe *bpe, const char *what, GError **error);
gboolean engine_bpe_place (EngineBpe *bpe, guint64 id, const char *text, EngineTokenType type,
                           float score, GError **error);
/* Tokens that tokenizer.json lists beside its vocabulary: special ones and whole words. */
gboolean engine_bpe_read_added (EngineBpe *bpe, GError **error);
/* Merges as GGUF has them, "a b", best first. */
GPtrArray *engine_bpe_merges (const EngineBpe *bpe, GError **error);
EngineTokenTable *engine_bpe_table (const EngineBpe *bpe);
/* Ids of begin, end, unknown and padding. */
void engine_bpe_write_roles (const EngineBpe *bpe, const EngineTokenTable *table,
                             EngineGgufWriter *writer);
/* Whether texts begin with the begin token; USUAL when the folder does not say. */
void engine_bpe_write_bos (const EngineBpe *bpe, gboolean usual, EngineGgufWriter *writer);

gboolean engine_convert_spm (EngineBpe *bpe, EngineGgufWriter *writer, GError **error);

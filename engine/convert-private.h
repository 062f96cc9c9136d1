/* Between the files of the converter. What differs between model families is tables in
 * convert-families.c; convert-folder.c opens a model folder and writes what config.json says;
 * convert-vocab.c writes its tokenizer with convert-tokens.c and convert-charsmap.c; convert.c
 * plans and streams the tensors. */
#pragma once

#include "engine/gguf-write-private.h"
#include "engine/json-private.h"
#include "engine/progress-private.h"
#include "engine/safetensors-private.h"

/* How one tensor of the checkpoint becomes one of the GGUF file. */
typedef enum
{
  ENGINE_RULE_MATRIX = 0,     /* stored in the type asked for */
  ENGINE_RULE_FLOAT = 1 << 0, /* stays F32: norms, and tables that are only looked up */
  ENGINE_RULE_BIAS = 1 << 1,  /* has a bias beside its weight */
  ENGINE_RULE_OPTIONAL = 1 << 2,
  ENGINE_RULE_POSITIONS = 1 << 3, /* the first position_offset rows are cut off */
} EngineRuleFlags;

/* SOURCE and TARGET are stems: ".weight" and ".bias" are appended; "{}" is the layer's number. */
typedef struct
{
  const char *source, *target;
  EngineRuleFlags flags;
} EngineTensorRule;

typedef enum
{
  ENGINE_KEY_UINT,
  ENGINE_KEY_FLOAT,
} EngineKeyKind;

/* A number of config.json that becomes the key ARCHITECTURE.KEY; it must be there. */
typedef struct
{
  const char *config, *key;
  EngineKeyKind kind;
} EngineKeyRule;

typedef struct
{
  const char *model_type;          /* in config.json */
  const char *architecture;        /* in the GGUF file */
  const char *const *prefixes;     /* of tensor names, tried in order; ends with NULL */
  const EngineTensorRule *tensors; /* ends with a NULL source */
  const EngineTensorRule *head;    /* what rerankers have besides; NULL: no rerankers */
  const EngineKeyRule *keys;       /* ends with a NULL config */
  const char *const *ignored;      /* patterns of tensors that the model does not need */
} EngineFamily;

/* NULL for a family that is not in the tables. */
const EngineFamily *engine_family_find (const char *model_type);

/* A model folder, opened and recognised. */
typedef struct
{
  char *path;
  JsonObject *config;
  EngineSafetensors *weights;
  const EngineFamily *family;
  guint n_layers;
  guint position_offset; /* position rows that the model never uses: RoBERTa's pad + 1 */
  gboolean reranker;
} EngineModelFolder;

EngineModelFolder *engine_model_folder_open (const char *path, GError **error);
void engine_model_folder_free (EngineModelFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineModelFolder, engine_model_folder_free)

/* A JSON file of the folder. NULL without an error when it is not there; ret_failed tells. */
JsonObject *engine_model_folder_json (const EngineModelFolder *folder, const char *name,
                                      gboolean *ret_failed, GError **error);

/* The tensor PREFIX + STEM + SUFFIX (".weight", ".bias"), under any of the family's prefixes and of
 * the two spellings that LayerNorm parameters have had. NULL when there is none. */
const EngineSafeTensor *engine_model_folder_find (const EngineModelFolder *folder, const char *stem,
                                                  const char *suffix);

/* general.* and ARCHITECTURE.* keys. */
gboolean engine_convert_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                              GError **error);
/* ---- Tokens: convert-tokens.c -------------------------------------------------------------------
 */

#define ENGINE_WORD_START "\xe2\x96\x81" /* U+2581: how GGUF marks that a word begins */

/* GGUF's numbers. */
typedef enum
{
  ENGINE_TOKEN_NORMAL = 1,
  ENGINE_TOKEN_UNKNOWN = 2,
  ENGINE_TOKEN_CONTROL = 3,
  ENGINE_TOKEN_USER_DEFINED = 4,
  ENGINE_TOKEN_UNUSED = 5,
  ENGINE_TOKEN_BYTE = 6,
} EngineTokenType;

/* The vocabulary of the file to be; the index is the id. */
typedef struct _EngineTokenTable EngineTokenTable;

EngineTokenTable *engine_token_table_new (void);
void engine_token_table_free (EngineTokenTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineTokenTable, engine_token_table_free)
/* Appends a token, spelled as GGUF has it; ORIGINAL is the checkpoint's spelling. */
void engine_token_table_add (EngineTokenTable *table, const char *original, const char *token,
                             EngineTokenType type, float score);
guint engine_token_table_size (const EngineTokenTable *table);
/* By the checkpoint's spelling. */
gboolean engine_token_table_find (const EngineTokenTable *table, const char *original,
                                  guint32 *ret_id);
void engine_token_table_set_type (EngineTokenTable *table, guint32 id, EngineTokenType type);
/* Unused tokens up to SIZE, the rows of the embedding matrix. */
void engine_token_table_fill (EngineTokenTable *table, guint64 size);
/* tokenizer.ggml.tokens, .token_type and, when asked for, .scores. */
void engine_token_table_write (const EngineTokenTable *table, gboolean with_scores,
                               EngineGgufWriter *writer);
/* The keys that every Unigram tokenizer of the XLM-R kind has; CHARSMAP may be NULL. */
void engine_convert_unigram_keys (const EngineTokenTable *table, const guint8 *charsmap,
                                  gsize n_charsmap, EngineGgufWriter *writer);

/* ---- Character maps: convert-charsmap.c ---------------------------------------------------------
 */

/* Rules that rewrite characters before a Unigram tokenizer sees them, in the precompiled form that
 * SentencePiece defines. */
typedef struct _EngineCharsmapRules EngineCharsmapRules;

EngineCharsmapRules *engine_charsmap_rules_new (void);
void engine_charsmap_rules_free (EngineCharsmapRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineCharsmapRules, engine_charsmap_rules_free)
/* FROM: UTF-8, not empty; a later rule for the same text replaces the earlier one. */
void engine_charsmap_rules_add (EngineCharsmapRules *rules, const char *from, const char *to);
/* NULL when there is no rule for exactly FROM. */
const char *engine_charsmap_rules_find (const EngineCharsmapRules *rules, const char *from);
/* NULL when the rules are too many for the format. */
GByteArray *engine_charsmap_rules_compile (const EngineCharsmapRules *rules);

/* ---- Tokenizers: convert-vocab.c; other formats: convert-e5.c -----------------------------------
 */

/* tokenizer.* keys. */
gboolean engine_convert_vocab (const EngineModelFolder *folder, EngineGgufWriter *writer,
                               GError **error);
/* A file of the kind "E5S1", whose matrices are Q4_0 and stay so. */
gboolean engine_convert_e5 (const char *path, const char *gguf_path, const char *type,
                            EngineFileProgress *progress, GError **error);

/* Between the files of the converter. What differs between model families is tables in
 * convert-families.c; convert-folder.c opens a model folder and writes what config.json says;
 * convert-vocab.c writes its tokenizer with convert-tokens.c and convert-charsmap.c; convert.c
 * plans and streams the tensors. */
#pragma once

#include "engine/gguf-write-private.h"
#include "engine/json-private.h"
#include "engine/progress-private.h"
#include "engine/safetensors-private.h"
#include "engine/vocabulary-private.h"

/* ---- Families: convert-families.c ----------------------------------------------------------- */

/* How one tensor of the checkpoint becomes one of the GGUF file. */
typedef enum
{
  ENGINE_RULE_MATRIX = 0,          /* stored in the type asked for */
  ENGINE_RULE_FLOAT = 1 << 0,      /* stays F32: norms, and tables that are only looked up */
  ENGINE_RULE_BIAS = 1 << 1,       /* has a bias beside its weight */
  ENGINE_RULE_MAYBE_BIAS = 1 << 2, /* may have one */
  ENGINE_RULE_OPTIONAL = 1 << 3,   /* need not be there */
  ENGINE_RULE_UNTIED = 1 << 4,     /* output matrix: left out when it is the token embedding */
  ENGINE_RULE_POSITIONS = 1 << 5,  /* the first position_offset rows are cut off */
  ENGINE_RULE_ROTARY_Q = 1 << 6,   /* rows of a query head go from halves to pairs */
  ENGINE_RULE_ROTARY_K = 1 << 7,   /* the same for key heads */
  ENGINE_RULE_PLUS_ONE = 1 << 8,   /* the checkpoint stores weight − 1 */
  ENGINE_RULE_FIRST_HALF = 1 << 9, /* of the rows: the gate of a fused gate and up */
  ENGINE_RULE_SECOND_HALF = 1 << 10,
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

typedef enum
{
  ENGINE_KEY_REQUIRED,
  ENGINE_KEY_OPTIONAL, /* left out when config.json lacks it or says null */
  ENGINE_KEY_DEFAULT,  /* FALLBACK then: what the family's code takes for absent numbers */
} EngineKeyPresence;

/* A number of config.json that becomes the key ARCHITECTURE.KEY. */
typedef struct
{
  const char *config, *key;
  EngineKeyKind kind;
  EngineKeyPresence presence;
  double fallback;
} EngineKeyRule;

/* Which layers of a family look at a window only. */
typedef enum
{
  ENGINE_WINDOW_NONE,       /* the family has none; a checkpoint that asks for one is refused */
  ENGINE_WINDOW_ALL,        /* every layer, when config.json says sliding_window */
  ENGINE_WINDOW_EVEN,       /* gemma2: layers 0, 2, 4 … */
  ENGINE_WINDOW_FIVE_OF_SIX /* gemma3: all but layers 5, 11, 17 … */
} EngineWindowPattern;

typedef struct
{
  const char *model_type;   /* in config.json */
  const char *architecture; /* in the GGUF file */
  const char *activation;   /* how config.json's hidden_act begins */
  gboolean encoder;
  EngineWindowPattern window;
  const char *const *prefixes;     /* of tensor names, tried in order; ends with NULL */
  const EngineTensorRule *tensors; /* ends with a NULL source; the first is the token embedding */
  const EngineTensorRule *head;    /* what rerankers have besides; NULL: no rerankers */
  const EngineKeyRule *keys;       /* ends with a NULL config */
  const char *const *ignored;      /* patterns of tensors that the model does not need */
} EngineFamily;

/* NULL for a family that is not in the tables. */
const EngineFamily *engine_family_find (const char *model_type);
/* The first family whose GGUF files say ARCHITECTURE, or NULL. */
const EngineFamily *engine_family_of_architecture (const char *architecture);

/* ---- Folders: convert-folder.c -------------------------------------------------------------- */

/* A model folder, opened and recognised. */
typedef struct
{
  char *path;
  JsonObject *config; /* the text part, when the model also sees images */
  EngineSafetensors *weights;
  const EngineFamily *family;
  guint n_layers;
  guint n_head, n_head_kv; /* decoders; 0 in encoders */
  guint position_offset;   /* position rows that the model never uses: RoBERTa's pad + 1 */
  gboolean reranker;
  gboolean tied; /* the output matrix is the token embedding */
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

/* UNSUPPORTED with "PATH cannot be converted: WHAT". Always FALSE. */
gboolean engine_model_folder_unsupported (const EngineModelFolder *folder, const char *what,
                                          GError **error);

/* A tensor that is computed from config.json: one row of floats. */
typedef struct
{
  const char *name;
  float *values;
  gsize n_values;
} EngineComputedTensor;
void engine_computed_tensor_free (EngineComputedTensor *tensor);

/* general.* and ARCHITECTURE.* keys; tensors to be computed are added to COMPUTED. */
gboolean engine_convert_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                              GPtrArray *computed, GError **error);
/* The part of them that only decoders have: convert-rope.c. */
gboolean engine_convert_decoder_keys (const EngineModelFolder *folder, EngineGgufWriter *writer,
                                      GPtrArray *computed, GError **error);
/* ---- Tokens: convert-tokens.c --------------------------------------------------------------- */

#define ENGINE_WORD_START "\xe2\x96\x81" /* U+2581: how GGUF marks that a word begins */

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

/* ---- Character maps: convert-charsmap.c ----------------------------------------------------- */

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

/* ---- Tokenizers: convert-vocab.c; other formats: convert-e5.c ------------------------------- */

/* tokenizer.* keys. */
gboolean engine_convert_vocab (const EngineModelFolder *folder, EngineGgufWriter *writer,
                               GError **error);
/* The tokenizer of a generator: byte-level BPE or SentencePiece. TOKENIZER is tokenizer.json, or
 * NULL when there is only tokenizer.model. */
gboolean engine_convert_bpe (const EngineModelFolder *folder, JsonObject *tokenizer,
                             EngineGgufWriter *writer, GError **error);
/* Rows of the token embedding: how many tokens the file must have. */
gboolean engine_convert_n_vocab (const EngineModelFolder *folder, guint64 *ret_n_vocab,
                                 GError **error);
/* A file of the kind "E5S1", whose matrices are Q4_0 and stay so. */
gboolean engine_convert_e5 (const char *path, const char *gguf_path, const char *type,
                            EngineFileProgress *progress, GError **error);

/* Between the files of the converter. What differs between model families is tables in
 * convert-families.c; convert-folder.c opens a model folder and writes what config.json says;
 * convert-vocab.c writes its tokenizer; convert.c plans and streams the tensors. */
#pragma once

#include "engine/gguf-write-private.h"
#include "engine/json-private.h"
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
/* tokenizer.* keys. */
gboolean engine_convert_vocab (const EngineModelFolder *folder, EngineGgufWriter *writer,
                               GError **error);

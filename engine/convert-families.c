/* What differs between model families when a checkpoint becomes a GGUF file: tables only. A family
 * says which numbers of config.json become which keys, and which tensor stands where. A new
 * family is a new entry here. Sources: the checkpoints themselves and the files that llama.cpp's
 * converter makes of them. */
#include "engine/convert-private.h"

#include <string.h>

/* ---- BERT and its relatives ---------------------------------------------------------------------
 */

static const EngineTensorRule bert_tensors[] = {
  { "embeddings.word_embeddings", "token_embd", ENGINE_RULE_MATRIX },
  { "embeddings.position_embeddings", "position_embd", ENGINE_RULE_FLOAT | ENGINE_RULE_POSITIONS },
  { "embeddings.token_type_embeddings", "token_types", ENGINE_RULE_FLOAT },
  { "embeddings.LayerNorm", "token_embd_norm", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "encoder.layer.{}.attention.self.query", "blk.{}.attn_q", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.attention.self.key", "blk.{}.attn_k", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.attention.self.value", "blk.{}.attn_v", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.attention.output.dense", "blk.{}.attn_output", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.attention.output.LayerNorm", "blk.{}.attn_output_norm",
    ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "encoder.layer.{}.intermediate.dense", "blk.{}.ffn_up", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.output.dense", "blk.{}.ffn_down", ENGINE_RULE_BIAS },
  { "encoder.layer.{}.output.LayerNorm", "blk.{}.layer_output_norm",
    ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { NULL, NULL, 0 },
};

static const EngineTensorRule bert_head[] = {
  { "pooler.dense", "cls", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "classifier", "cls.output", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { NULL, NULL, 0 },
};

static const EngineTensorRule roberta_head[] = {
  { "classifier.dense", "cls", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "classifier.out_proj", "cls.output", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { NULL, NULL, 0 },
};

static const EngineTensorRule distilbert_tensors[] = {
  { "embeddings.word_embeddings", "token_embd", ENGINE_RULE_MATRIX },
  { "embeddings.position_embeddings", "position_embd", ENGINE_RULE_FLOAT },
  { "embeddings.LayerNorm", "token_embd_norm", ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "transformer.layer.{}.attention.q_lin", "blk.{}.attn_q", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.attention.k_lin", "blk.{}.attn_k", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.attention.v_lin", "blk.{}.attn_v", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.attention.out_lin", "blk.{}.attn_output", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.sa_layer_norm", "blk.{}.attn_output_norm",
    ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { "transformer.layer.{}.ffn.lin1", "blk.{}.ffn_up", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.ffn.lin2", "blk.{}.ffn_down", ENGINE_RULE_BIAS },
  { "transformer.layer.{}.output_layer_norm", "blk.{}.layer_output_norm",
    ENGINE_RULE_FLOAT | ENGINE_RULE_BIAS },
  { NULL, NULL, 0 },
};

static const EngineKeyRule bert_keys[] = {
  { "num_hidden_layers", "block_count", ENGINE_KEY_UINT },
  { "max_position_embeddings", "context_length", ENGINE_KEY_UINT },
  { "hidden_size", "embedding_length", ENGINE_KEY_UINT },
  { "intermediate_size", "feed_forward_length", ENGINE_KEY_UINT },
  { "num_attention_heads", "attention.head_count", ENGINE_KEY_UINT },
  { "layer_norm_eps", "attention.layer_norm_epsilon", ENGINE_KEY_FLOAT },
  { NULL, NULL, 0 },
};

static const EngineKeyRule distilbert_keys[] = {
  { "n_layers", "block_count", ENGINE_KEY_UINT },
  { "max_position_embeddings", "context_length", ENGINE_KEY_UINT },
  { "dim", "embedding_length", ENGINE_KEY_UINT },
  { "hidden_dim", "feed_forward_length", ENGINE_KEY_UINT },
  { "n_heads", "attention.head_count", ENGINE_KEY_UINT },
  { NULL, NULL, 0 },
};

/* Buffers, and the heads of pre-training. */
static const char *const bert_ignored[]
    = { "*.position_ids", "pooler.*", "cls.predictions.*", "cls.seq_relationship.*", NULL };
static const char *const roberta_ignored[] = { "*.position_ids", "pooler.*", "lm_head.*", NULL };
static const char *const distilbert_ignored[]
    = { "*.position_ids", "vocab_transform.*", "vocab_layer_norm.*", "vocab_projector.*", NULL };

static const char *const bert_prefixes[] = { "", "bert.", NULL };
static const char *const roberta_prefixes[] = { "", "roberta.", NULL };
static const char *const distilbert_prefixes[] = { "", "distilbert.", NULL };

static const EngineFamily families[] = {
  { "bert", "bert", bert_prefixes, bert_tensors, bert_head, bert_keys, bert_ignored },
  { "xlm-roberta", "bert", roberta_prefixes, bert_tensors, roberta_head, bert_keys,
    roberta_ignored },
  { "distilbert", "bert", distilbert_prefixes, distilbert_tensors, NULL, distilbert_keys,
    distilbert_ignored },
};

const EngineFamily *engine_family_find (const char *model_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (strcmp (families[i].model_type, model_type) == 0)
      return &families[i];
  return NULL;
}

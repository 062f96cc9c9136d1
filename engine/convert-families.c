/* What differs between model families when a checkpoint becomes a GGUF file: tables only. A family
 * says which numbers of config.json become which keys, and which tensor becomes which. A new
 * family is a new entry here. Sources: the checkpoints themselves and GGUF files made of them. */
#include "engine/convert-private.h"

#include <string.h>

/* ---- BERT and its relatives ----------------------------------------------------------------- */

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
  { "num_hidden_layers", "block_count", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "max_position_embeddings", "context_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "hidden_size", "embedding_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "intermediate_size", "feed_forward_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "num_attention_heads", "attention.head_count", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "layer_norm_eps", "attention.layer_norm_epsilon", ENGINE_KEY_FLOAT, ENGINE_KEY_REQUIRED, 0 },
  { NULL, NULL, 0, 0, 0 },
};

static const EngineKeyRule distilbert_keys[] = {
  { "n_layers", "block_count", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "max_position_embeddings", "context_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "dim", "embedding_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "hidden_dim", "feed_forward_length", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { "n_heads", "attention.head_count", ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0 },
  { NULL, NULL, 0, 0, 0 },
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

/* ---- Decoders ------------------------------------------------------------------------------- */

#define REQUIRED_UINT(config, key)                                                                 \
  {                                                                                                \
    config, key, ENGINE_KEY_UINT, ENGINE_KEY_REQUIRED, 0                                           \
  }
#define OPTIONAL_UINT(config, key)                                                                 \
  {                                                                                                \
    config, key, ENGINE_KEY_UINT, ENGINE_KEY_OPTIONAL, 0                                           \
  }
#define REQUIRED_FLOAT(config, key)                                                                \
  {                                                                                                \
    config, key, ENGINE_KEY_FLOAT, ENGINE_KEY_REQUIRED, 0                                          \
  }
#define OPTIONAL_FLOAT(config, key)                                                                \
  {                                                                                                \
    config, key, ENGINE_KEY_FLOAT, ENGINE_KEY_OPTIONAL, 0                                          \
  }

/* The same in all of them; more follow per family. */
#define DECODER_KEYS                                                                               \
  REQUIRED_UINT ("num_hidden_layers", "block_count"),                                              \
      REQUIRED_UINT ("max_position_embeddings", "context_length"),                                 \
      REQUIRED_UINT ("hidden_size", "embedding_length"),                                           \
      REQUIRED_UINT ("intermediate_size", "feed_forward_length"),                                  \
      REQUIRED_UINT ("num_attention_heads", "attention.head_count"),                               \
      OPTIONAL_UINT ("num_key_value_heads", "attention.head_count_kv"),                            \
      REQUIRED_FLOAT ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),                         \
      OPTIONAL_UINT ("head_dim", "attention.key_length"),                                          \
      OPTIONAL_UINT ("head_dim", "attention.value_length")
#define END_OF_KEYS                                                                                \
  {                                                                                                \
    NULL, NULL, 0, 0, 0                                                                            \
  }

static const EngineKeyRule llama_keys[]
    = { DECODER_KEYS, OPTIONAL_UINT ("vocab_size", "vocab_size"), END_OF_KEYS };
static const EngineKeyRule qwen_keys[] = { DECODER_KEYS, END_OF_KEYS };
static const EngineKeyRule gemma2_keys[]
    = { DECODER_KEYS, OPTIONAL_FLOAT ("attn_logit_softcapping", "attn_logit_softcapping"),
        OPTIONAL_FLOAT ("final_logit_softcapping", "final_logit_softcapping"), END_OF_KEYS };

#define GRANITE_KEYS                                                                               \
  DECODER_KEYS, OPTIONAL_UINT ("vocab_size", "vocab_size"),                                        \
      REQUIRED_FLOAT ("attention_multiplier", "attention.scale"),                                  \
      REQUIRED_FLOAT ("embedding_multiplier", "embedding_scale"),                                  \
      REQUIRED_FLOAT ("residual_multiplier", "residual_scale"),                                    \
      REQUIRED_FLOAT ("logits_scaling", "logit_scale")
static const EngineKeyRule granite_keys[] = { GRANITE_KEYS, END_OF_KEYS };
static const EngineKeyRule granitemoe_keys[]
    = { GRANITE_KEYS, REQUIRED_UINT ("num_local_experts", "expert_count"),
        REQUIRED_UINT ("num_experts_per_tok", "expert_used_count"),
        OPTIONAL_UINT ("shared_intermediate_size", "expert_shared_feed_forward_length"),
        END_OF_KEYS };

/* Checkpoints that also see images leave out what equals these, the defaults of Gemma 3's own
 * configuration. */
static const EngineKeyRule gemma3_keys[] = {
  REQUIRED_UINT ("num_hidden_layers", "block_count"),
  { "max_position_embeddings", "context_length", ENGINE_KEY_UINT, ENGINE_KEY_DEFAULT, 131072 },
  REQUIRED_UINT ("hidden_size", "embedding_length"),
  REQUIRED_UINT ("intermediate_size", "feed_forward_length"),
  { "num_attention_heads", "attention.head_count", ENGINE_KEY_UINT, ENGINE_KEY_DEFAULT, 8 },
  { "num_key_value_heads", "attention.head_count_kv", ENGINE_KEY_UINT, ENGINE_KEY_DEFAULT, 4 },
  { "rms_norm_eps", "attention.layer_norm_rms_epsilon", ENGINE_KEY_FLOAT, ENGINE_KEY_DEFAULT,
    1e-6 },
  { "head_dim", "attention.key_length", ENGINE_KEY_UINT, ENGINE_KEY_DEFAULT, 256 },
  { "head_dim", "attention.value_length", ENGINE_KEY_UINT, ENGINE_KEY_DEFAULT, 256 },
  END_OF_KEYS,
};

/* LLaMA files hold query and key rows in pairs, for the rotation as the paper writes it. */
#define LLAMA_ATTENTION                                                                            \
  { "embed_tokens", "token_embd", ENGINE_RULE_MATRIX },                                            \
      { "norm", "output_norm", ENGINE_RULE_FLOAT },                                                \
      { "lm_head", "output", ENGINE_RULE_UNTIED | ENGINE_RULE_OPTIONAL },                          \
      { "layers.{}.input_layernorm", "blk.{}.attn_norm", ENGINE_RULE_FLOAT },                      \
      { "layers.{}.self_attn.q_proj", "blk.{}.attn_q",                                             \
        ENGINE_RULE_ROTARY_Q | ENGINE_RULE_MAYBE_BIAS },                                           \
      { "layers.{}.self_attn.k_proj", "blk.{}.attn_k",                                             \
        ENGINE_RULE_ROTARY_K | ENGINE_RULE_MAYBE_BIAS },                                           \
      { "layers.{}.self_attn.v_proj", "blk.{}.attn_v", ENGINE_RULE_MAYBE_BIAS },                   \
      { "layers.{}.self_attn.o_proj", "blk.{}.attn_output", ENGINE_RULE_MAYBE_BIAS },              \
  {                                                                                                \
    "layers.{}.post_attention_layernorm", "blk.{}.ffn_norm", ENGINE_RULE_FLOAT                     \
  }
#define GATED_FFN                                                                                  \
  { "layers.{}.mlp.gate_proj", "blk.{}.ffn_gate", ENGINE_RULE_MAYBE_BIAS },                        \
      { "layers.{}.mlp.up_proj", "blk.{}.ffn_up", ENGINE_RULE_MAYBE_BIAS },                        \
  {                                                                                                \
    "layers.{}.mlp.down_proj", "blk.{}.ffn_down", ENGINE_RULE_MAYBE_BIAS                           \
  }
#define END_OF_TENSORS                                                                             \
  {                                                                                                \
    NULL, NULL, 0                                                                                  \
  }

static const EngineTensorRule llama_tensors[] = { LLAMA_ATTENTION, GATED_FFN, END_OF_TENSORS };

/* The router is small and decides much: it stays F32. */
static const EngineTensorRule granitemoe_tensors[] = {
  LLAMA_ATTENTION,
  { "layers.{}.block_sparse_moe.router.layer", "blk.{}.ffn_gate_inp", ENGINE_RULE_FLOAT },
  { "layers.{}.block_sparse_moe.input_linear", "blk.{}.ffn_gate_exps", ENGINE_RULE_FIRST_HALF },
  { "layers.{}.block_sparse_moe.input_linear", "blk.{}.ffn_up_exps", ENGINE_RULE_SECOND_HALF },
  { "layers.{}.block_sparse_moe.output_linear", "blk.{}.ffn_down_exps", ENGINE_RULE_MATRIX },
  { "layers.{}.shared_mlp.input_linear", "blk.{}.ffn_gate_shexp",
    ENGINE_RULE_FIRST_HALF | ENGINE_RULE_OPTIONAL },
  { "layers.{}.shared_mlp.input_linear", "blk.{}.ffn_up_shexp",
    ENGINE_RULE_SECOND_HALF | ENGINE_RULE_OPTIONAL },
  { "layers.{}.shared_mlp.output_linear", "blk.{}.ffn_down_shexp", ENGINE_RULE_OPTIONAL },
  END_OF_TENSORS,
};

/* Qwen 2 has biases where Qwen 3 has norms. */
static const EngineTensorRule qwen_tensors[] = {
  { "embed_tokens", "token_embd", ENGINE_RULE_MATRIX },
  { "norm", "output_norm", ENGINE_RULE_FLOAT },
  { "lm_head", "output", ENGINE_RULE_UNTIED | ENGINE_RULE_OPTIONAL },
  { "layers.{}.input_layernorm", "blk.{}.attn_norm", ENGINE_RULE_FLOAT },
  { "layers.{}.self_attn.q_proj", "blk.{}.attn_q", ENGINE_RULE_MAYBE_BIAS },
  { "layers.{}.self_attn.q_norm", "blk.{}.attn_q_norm", ENGINE_RULE_FLOAT | ENGINE_RULE_OPTIONAL },
  { "layers.{}.self_attn.k_proj", "blk.{}.attn_k", ENGINE_RULE_MAYBE_BIAS },
  { "layers.{}.self_attn.k_norm", "blk.{}.attn_k_norm", ENGINE_RULE_FLOAT | ENGINE_RULE_OPTIONAL },
  { "layers.{}.self_attn.v_proj", "blk.{}.attn_v", ENGINE_RULE_MAYBE_BIAS },
  { "layers.{}.self_attn.o_proj", "blk.{}.attn_output", ENGINE_RULE_MAYBE_BIAS },
  { "layers.{}.post_attention_layernorm", "blk.{}.ffn_norm", ENGINE_RULE_FLOAT },
  GATED_FFN,
  END_OF_TENSORS,
};

static const EngineTensorRule phi3_tensors[] = {
  { "embed_tokens", "token_embd", ENGINE_RULE_MATRIX },
  { "norm", "output_norm", ENGINE_RULE_FLOAT },
  { "lm_head", "output", ENGINE_RULE_UNTIED | ENGINE_RULE_OPTIONAL },
  { "layers.{}.input_layernorm", "blk.{}.attn_norm", ENGINE_RULE_FLOAT },
  { "layers.{}.self_attn.qkv_proj", "blk.{}.attn_qkv", ENGINE_RULE_MATRIX },
  { "layers.{}.self_attn.o_proj", "blk.{}.attn_output", ENGINE_RULE_MATRIX },
  { "layers.{}.post_attention_layernorm", "blk.{}.ffn_norm", ENGINE_RULE_FLOAT },
  { "layers.{}.mlp.gate_up_proj", "blk.{}.ffn_up", ENGINE_RULE_MATRIX },
  { "layers.{}.mlp.down_proj", "blk.{}.ffn_down", ENGINE_RULE_MATRIX },
  END_OF_TENSORS,
};

/* Gemma stores its norm weights less one; GGUF has them whole. */
#define GEMMA_NORM (ENGINE_RULE_FLOAT | ENGINE_RULE_PLUS_ONE)
#define GEMMA_CORE                                                                                 \
  { "embed_tokens", "token_embd", ENGINE_RULE_MATRIX }, { "norm", "output_norm", GEMMA_NORM },     \
      { "layers.{}.input_layernorm", "blk.{}.attn_norm", GEMMA_NORM },                             \
      { "layers.{}.self_attn.q_proj", "blk.{}.attn_q", ENGINE_RULE_MATRIX },                       \
      { "layers.{}.self_attn.k_proj", "blk.{}.attn_k", ENGINE_RULE_MATRIX },                       \
      { "layers.{}.self_attn.v_proj", "blk.{}.attn_v", ENGINE_RULE_MATRIX },                       \
      { "layers.{}.self_attn.o_proj", "blk.{}.attn_output", ENGINE_RULE_MATRIX }, GATED_FFN
#define GEMMA2_NORMS                                                                               \
  { "layers.{}.post_attention_layernorm", "blk.{}.post_attention_norm", GEMMA_NORM },              \
      { "layers.{}.pre_feedforward_layernorm", "blk.{}.ffn_norm", GEMMA_NORM },                    \
  {                                                                                                \
    "layers.{}.post_feedforward_layernorm", "blk.{}.post_ffw_norm", GEMMA_NORM                     \
  }

static const EngineTensorRule gemma_tensors[]
    = { GEMMA_CORE,
        { "layers.{}.post_attention_layernorm", "blk.{}.ffn_norm", GEMMA_NORM },
        END_OF_TENSORS };
static const EngineTensorRule gemma2_tensors[] = { GEMMA_CORE, GEMMA2_NORMS, END_OF_TENSORS };
static const EngineTensorRule gemma3_tensors[]
    = { GEMMA_CORE,
        GEMMA2_NORMS,
        { "layers.{}.self_attn.q_norm", "blk.{}.attn_q_norm", GEMMA_NORM },
        { "layers.{}.self_attn.k_norm", "blk.{}.attn_k_norm", GEMMA_NORM },
        END_OF_TENSORS };

/* "lm_head" stands outside "model."; a tied one may be stored all the same. */
static const char *const decoder_prefixes[] = { "model.", "", NULL };
static const char *const gemma3_prefixes[]
    = { "model.", "language_model.model.", "model.language_model.", "", NULL };
static const char *const decoder_ignored[] = { "*.rotary_emb.inv_freq", NULL };
static const char *const tied_ignored[] = { "*.rotary_emb.inv_freq", "lm_head.weight", NULL };
static const char *const gemma3_ignored[] = { "lm_head.weight", "language_model.lm_head.weight",
                                              "*vision_tower.*", "*multi_modal_projector.*", NULL };

/* ---- All ------------------------------------------------------------------------------------ */

static const EngineFamily families[] = {
  { "bert", "bert", "gelu", TRUE, ENGINE_WINDOW_NONE, bert_prefixes, bert_tensors, bert_head,
    bert_keys, bert_ignored },
  { "xlm-roberta", "bert", "gelu", TRUE, ENGINE_WINDOW_NONE, roberta_prefixes, bert_tensors,
    roberta_head, bert_keys, roberta_ignored },
  { "distilbert", "bert", "gelu", TRUE, ENGINE_WINDOW_NONE, distilbert_prefixes, distilbert_tensors,
    NULL, distilbert_keys, distilbert_ignored },
  { "llama", "llama", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes, llama_tensors, NULL,
    llama_keys, decoder_ignored },
  { "mistral", "llama", "silu", FALSE, ENGINE_WINDOW_ALL, decoder_prefixes, llama_tensors, NULL,
    llama_keys, decoder_ignored },
  { "qwen2", "qwen2", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes, qwen_tensors, NULL,
    qwen_keys, decoder_ignored },
  { "qwen3", "qwen3", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes, qwen_tensors, NULL,
    qwen_keys, decoder_ignored },
  { "phi3", "phi3", "silu", FALSE, ENGINE_WINDOW_ALL, decoder_prefixes, phi3_tensors, NULL,
    qwen_keys, decoder_ignored },
  { "granite", "granite", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes, llama_tensors, NULL,
    granite_keys, decoder_ignored },
  { "granitemoe", "granitemoe", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes,
    granitemoe_tensors, NULL, granitemoe_keys, decoder_ignored },
  { "granitemoeshared", "granitemoe", "silu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes,
    granitemoe_tensors, NULL, granitemoe_keys, decoder_ignored },
  { "gemma", "gemma", "gelu", FALSE, ENGINE_WINDOW_NONE, decoder_prefixes, gemma_tensors, NULL,
    qwen_keys, tied_ignored },
  { "gemma2", "gemma2", "gelu", FALSE, ENGINE_WINDOW_EVEN, decoder_prefixes, gemma2_tensors, NULL,
    gemma2_keys, tied_ignored },
  { "gemma3_text", "gemma3", "gelu", FALSE, ENGINE_WINDOW_FIVE_OF_SIX, gemma3_prefixes,
    gemma3_tensors, NULL, gemma3_keys, gemma3_ignored },
  { "gemma3", "gemma3", "gelu", FALSE, ENGINE_WINDOW_FIVE_OF_SIX, gemma3_prefixes, gemma3_tensors,
    NULL, gemma3_keys, gemma3_ignored },
};

const EngineFamily *engine_family_find (const char *model_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (strcmp (families[i].model_type, model_type) == 0)
      return &families[i];
  return NULL;
}

const EngineFamily *engine_family_of_architecture (const char *architecture)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (strcmp (families[i].architecture, architecture) == 0)
      return &families[i];
  return NULL;
}

/* What a model is once its file has been read: the family's traits, the numbers of this file and
 * views of its weights. arch.c holds the traits, hyper.c reads the numbers, weights.c binds the
 * tensors, model.c puts them together; graph.c computes with them and looks at nothing else.
 *
 * Fused tensors (attn_qkv, gate and up in one ffn_up) are bound as row slices of themselves, so
 * that the forward pass knows only q, k, v, gate, up and down. */
#pragma once

#include "engine/engine.h"
#include "engine/gguf-private.h"
#include "engine/kernels/kernels-private.h"
#include "engine/tokenizer-private.h"

/* ---- Traits: arch.c ------------------------------------------------------------------------- */

typedef enum
{
  ENGINE_NORM_RMS,
  ENGINE_NORM_LAYER,
} EngineNormKind;

typedef enum
{
  ENGINE_ROPE_NONE,
  ENGINE_ROPE_PAIRS,  /* "NORM": dimensions 2i and 2i + 1 turn together */
  ENGINE_ROPE_HALVES, /* "NEOX": i and i + n_rot/2 */
} EngineRopeKind;

typedef enum
{
  ENGINE_ACT_SILU,
  ENGINE_ACT_GELU_TANH,
  ENGINE_ACT_GELU_ERF,
} EngineActivation;

typedef enum
{
  ENGINE_FFN_GATED,   /* down (act (gate (x)) · up (x)) */
  ENGINE_FFN_FUSED,   /* the same, ffn_up holding the rows of gate, then those of up */
  ENGINE_FFN_PLAIN,   /* down (act (up (x))) */
  ENGINE_FFN_EXPERTS, /* gated, by the experts that a router chooses */
} EngineFfnKind;

typedef enum
{
  ENGINE_BLOCK_PRE_NORM,  /* x += attn (norm (x)); x += ffn (norm (x)) */
  ENGINE_BLOCK_SANDWICH,  /* the same with a norm of each branch before it is added */
  ENGINE_BLOCK_PARALLEL,  /* x += attn (n) + ffn (n), n = norm (x) */
  ENGINE_BLOCK_POST_NORM, /* x = norm (x + attn (x)); x = norm (x + ffn (x)) */
} EngineBlockKind;

/* Everything that differs between families and is not written in the file. */
typedef struct
{
  const char *name; /* general.architecture, and the prefix of its keys */
  EngineNormKind norm;
  EngineBlockKind block;
  EngineRopeKind rope;
  EngineFfnKind ffn;
  EngineActivation activation;
  gboolean bidirectional;       /* an encoder: every token sees every other */
  gboolean lookup_only;         /* no layers: a token is its row of token_embd, whatever stands around */
  gboolean norms_heads;         /* attn_q_norm and attn_k_norm on each head before rope */
  gboolean scales_embedding;    /* by √n_embd */
  gboolean first_layer_bare;    /* layer 0 has no attn_norm: the embedding is normed already */
  gboolean rope_needs_finetune; /* rope.scaling.finetuned = false switches rope off */
  /* Layers with a window when the file does not say: layer il is full iff il % window_period ==
   * window_full; period 0: a window, where there is one, holds for every layer. */
  guint window_period, window_full;
  guint default_window; /* files older than the key */
  gboolean local_rope;  /* windowed layers have a base of their own and no scaling */
  float attention_softcap, logit_softcap; /* defaults; 0: none */
  guint wide_n_layer; /* with this many layers the scale is 1/√(n_embd/n_head) */
} EngineArch;

/* NULL for an architecture we lack. NAME is not NUL-terminated. */
const EngineArch *engine_arch_find (const char *name, gsize length);
/* "bert, gemma, …", for errors; the caller's. */
char *engine_arch_list (void);

/* ---- Numbers: hyper.c ----------------------------------------------------------------------- */

typedef enum
{
  ENGINE_SCALING_NONE,
  ENGINE_SCALING_LINEAR,
  ENGINE_SCALING_YARN,
} EngineRopeScaling;

typedef enum
{
  ENGINE_POOLING_NONE,
  ENGINE_POOLING_MEAN,
  ENGINE_POOLING_CLS,
  ENGINE_POOLING_LAST,
  ENGINE_POOLING_RANK,
} EnginePooling; /* numbers as in the files */

typedef struct
{
  EngineRopeScaling scaling;
  guint n_rot;            /* even, ≤ head_dim; 0: no rope */
  float base, base_local; /* base_local: of windowed layers where the family has local_rope */
  float factor;           /* of linear and YaRN scaling */
  float attn_factor;      /* on cos and sin; 0: not in the file */
  float yarn_beta_fast, yarn_beta_slow;
  float yarn_log_multiplier; /* 0: none */
  guint n_ctx_original;
} EngineRopeHyper;

typedef struct
{
  guint n_layer, n_embd, n_vocab;
  guint n_head, n_head_kv, head_dim;
  guint n_ff; /* the widest layer's, experts and shared expert included */
  guint n_expert, n_expert_used, n_ff_shared;
  guint n_ctx_train; /* positions trained for */
  guint max_tokens;  /* of one text to encode: n_ctx_train, or docent.max_tokens */
  float norm_eps;
  float embedding_scale, residual_scale;
  float logit_scale;   /* logits are divided by it */
  float logit_softcap; /* 0: none */
  float attention_scale, attention_softcap;
  float temperature_scale; /* queries × 1 + s·ln (1 + ⌊pos / n_ctx_original⌋); 0: none */
  guint window;            /* 0: none; causal: 0 ≤ i − j < window, else |i − j| ≤ window */
  gboolean causal;
  EnginePooling pooling;
  gboolean has_pooling; /* the file says how to pool: an encoder or reranker */
  EngineRopeHyper rope;
} EngineHyper;

gboolean engine_hyper_read (const EngineGguf *gguf, const EngineArch *arch, EngineHyper *ret_hyper,
                            GError **error);
/* Rows of layer IL's feed-forward (a per-layer array in some files). */
guint engine_hyper_layer_n_ff (const EngineGguf *gguf, const EngineArch *arch, guint il);
/* Whether layer IL sees its window only, by the file's pattern or the family's. */
gboolean engine_hyper_layer_is_windowed (const EngineGguf *gguf, const EngineArch *arch,
                                         const EngineHyper *hyper, guint il);

/* ---- Weights: weights.c --------------------------------------------------------------------- */

/* y = W·x + bias. data NULL: this model has no such matrix; bias may be NULL. */
typedef struct
{
  EngineMatrix w;
  const float *bias;
} EngineLinear;

/* weight NULL: no such norm here. */
typedef struct
{
  const float *weight, *bias;
} EngineNorm;

typedef struct
{
  EngineNorm attn_norm; /* before attention */
  EngineLinear q, k, v, output;
  const float *q_norm, *k_norm; /* [head_dim] */
  EngineNorm post_attn_norm;    /* of the branch, before it is added */
  EngineNorm attn_output_norm;  /* of the sum (post-norm families) */
  EngineNorm ffn_norm;
  EngineLinear gate, up, down; /* of the shared expert where there are experts */
  EngineMatrix router;         /* [n_expert, n_embd] */
  EngineMatrix gate_experts, up_experts, down_experts; /* n_expert matrices, one after the other */
  EngineNorm post_ffn_norm;
  EngineNorm layer_output_norm;
  guint n_ff;   /* of one expert where there are experts */
  guint window; /* 0: the whole context */
  gboolean local_rope;
} EngineLayer;

typedef struct
{
  EngineMatrix token_embd, position_embd, token_types;
  EngineNorm embd_norm, output_norm;
  EngineLinear output;             /* token_embd again where tied; none in pure encoders */
  EngineMatrix dense_2, dense_3;   /* after pooling */
  EngineLinear pooler, classifier; /* of rerankers: classifier (tanh (pooler (x))) */
  const float *rope_freqs;         /* [n_rot / 2], divide the frequencies; NULL: ones */
  const float *rope_long, *rope_short;
  EngineLayer *layers; /* [n_layer] */
} EngineWeights;

/* Binds every tensor that ARCH needs and refuses files with tensors it would ignore: an ignored
 * bias is a wrong answer that nobody notices. */
gboolean engine_weights_bind (const EngineGguf *gguf, const EngineArch *arch,
                              const EngineHyper *hyper, EngineWeights *ret_weights, GError **error);
void engine_weights_clear (EngineWeights *weights);
/* Matrix I of N stacked in W. */
EngineMatrix engine_matrix_slice (const EngineMatrix *w, gsize first_row, gsize n_rows);

/* ---- Model: model.c ------------------------------------------------------------------------- */

struct _EngineModel
{
  gatomicrefcount ref_count;
  EngineGguf *gguf;
  EngineTokenizer *tokenizer; /* NULL only for engine_model_open_graph */
  const EngineArch *arch;
  EngineHyper hyper;
  EngineWeights weights;
  EngineModelInfo info;
  char *name; /* what info points to */
};

/* Without its tokenizer: for tests that bring their own token ids. */
EngineModel *engine_model_open_graph (const char *path, GError **error);
/* Adds to CHECKSUM the header's first 64 kB and 4 kB at 16 places of the file: another model is
 * noticed without reading all of it. */
void engine_model_digest (const EngineModel *model, GChecksum *checksum);
/* Asks the kernel to read the weights ahead: they are about to be needed, all of them. */
void engine_model_read_ahead (const EngineModel *model);

/* ---- Chat: chat.c --------------------------------------------------------------------------- */

/* Name of the format that the file's template is written in; NULL when there is none, or one we
 * do not know. Static. */
const char *engine_chat_format_name (const EngineGguf *gguf);

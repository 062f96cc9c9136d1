/* The forward pass, one for all families, and its working memory. A decoder hands it tokens and a
 * KV cache, an encoder whole sequences packed one after the other; all else is the same.
 * rope.c, graph.c, experts.c. */
#pragma once

#include "engine/model-private.h"

/* ---- Positions: rope.c ---------------------------------------------------------------------- */

/* Rotary position embedding (Su et al. 2021): pair i of a head turns by pos · inv_freq[i]. */
typedef struct
{
  EngineRopeKind kind;
  guint n_rot;     /* dimensions that turn; the others pass through */
  float magnitude; /* on cos and sin */
  float *inv_freq; /* [n_rot / 2] */
} EngineRope;

/* N_CTX, the context that is allocated, chooses between the short and the long factors of
 * LongRoPE. LOCAL: for windowed layers, whose base is their own and which are never scaled. */
void engine_rope_init (EngineRope *rope, const EngineModel *model, guint n_ctx, gboolean local);
void engine_rope_clear (EngineRope *rope);
/* ret_turns: [n_rot], the cosines of all pairs, then their sines. */
void engine_rope_turns (const EngineRope *rope, gsize pos, float *ret_turns);
/* Turns one head [head_dim] in place. */
void engine_rope_apply (const EngineRope *rope, const float *turns, float *head);

/* ---- Forward pass: graph.c ------------------------------------------------------------------ */

/* Sees what a matrix is multiplied with: X [n_tokens, w->n_cols]. */
typedef void (*EngineObserve) (const EngineMatrix *w, const float *x, gsize x_stride,
                               gsize n_tokens, gpointer user_data);

/* Sees the residual stream X [n_tokens, n_embd] as it comes to layer IL. */
typedef void (*EngineObserveStream) (guint il, const float *x, gsize n_tokens, gpointer user_data);

typedef struct
{
  const EngineModel *model;
  EnginePool *pool; /* not owned */
  EngineObserve observe; /* NULL: nobody looks */
  EngineObserveStream observe_stream;
  gpointer observe_data;
  EngineAdapter *const *adapters; /* [n_adapters], not owned */
  const float *adapter_scales;
  gsize n_adapters;
  EngineRope rope, rope_local;
  gsize capacity;             /* tokens that the buffers hold */
  float *arena;               /* all of them, one allocation */
  float *x;                   /* [capacity, n_embd]: the residual stream */
  float *h;                   /* [capacity, n_embd]: its norm, which the branches read */
  float *qkv;                 /* [capacity, (n_head + 2·n_head_kv)·head_dim] */
  float *heads;               /* [capacity, n_head·head_dim]: what attention gives */
  float *branch;              /* [capacity, n_embd]: what a branch adds to x */
  float *gate, *up;           /* [capacity, n_ff] */
  float *turns, *turns_local; /* [capacity, n_rot] */
  /* Of experts only: */
  float *router;   /* [capacity, n_expert]: logits, then probabilities */
  float *shares;   /* [capacity, n_expert]: weight of a chosen expert, else 0 */
  float *gathered; /* [capacity, n_embd]: the tokens of one expert */
  float *returned; /* [capacity, n_embd]: and what it says of them */
  gsize *rows;     /* [capacity]: where they come from */
} EngineGraph;

/* One run: either KV and POS, or LENGTHS and N_SEQUENCES. Token ids are below n_vocab. */
typedef struct
{
  const gint32 *tokens;
  const guint8 *token_types; /* NULL: all 0 */
  gsize n_tokens;            /* ≤ capacity */
  gsize n_out;               /* results wanted: of the last N_OUT tokens */
  EngineKvLayer *const *kv;  /* [n_layer] */
  gsize pos;                 /* of the first token; what came before is in the cache */
  const guint *lengths;      /* of sequences packed one after the other, Σ = n_tokens */
  gsize n_sequences;
} EngineBatch;

/* Bytes of working memory for CAPACITY tokens. */
gsize engine_graph_bytes (const EngineModel *model, gsize capacity);
/* N_CTX as for engine_rope_init. Buffers come with engine_graph_reserve. */
void engine_graph_init (EngineGraph *graph, const EngineModel *model, EnginePool *pool,
                        guint n_ctx);
void engine_graph_clear (EngineGraph *graph);
/* Makes room for N_TOKENS; what the buffers held is lost when they grow. */
gboolean engine_graph_reserve (EngineGraph *graph, gsize n_tokens, GError **error);
/* [n_out, n_embd], after the output norm: valid until the next run. NULL when n_out is 0. */
const float *engine_graph_run (EngineGraph *graph, const EngineBatch *batch);

/* engine_matmul_many of the model's matrices (at most 3), and what belongs to every product of
 * theirs: the observer and the adapters. All products of layers and of the output come by here. */
void engine_graph_multiply (EngineGraph *graph, gsize n, const EngineLinear *const *linears,
                            const float *x, gsize x_stride, gsize n_tokens, float *const *y,
                            const gsize *y_stride);
/* WORK over N_TOKENS tokens, on all threads when there are enough of them to be worth waking. */
void engine_graph_over_tokens (EngineGraph *graph, gsize n_tokens, EngineWork work,
                               gpointer user_data);
/* gate = act (gate) · up, both [n_tokens, n_ff]; without gates up = act (up) in GATE's place. */
void engine_graph_activate (EngineGraph *graph, gsize n_tokens, gsize n_ff, gboolean gated);

/* ---- Experts: experts.c --------------------------------------------------------------------- */

/* out[n_tokens, n_embd] = Σ share · expert (x) (+ shared expert (x)). */
void engine_experts_run (EngineGraph *graph, const EngineLayer *layer, const float *x,
                         gsize n_tokens, float *out);

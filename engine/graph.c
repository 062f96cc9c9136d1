/* The forward pass: what a transformer does to tokens, written once for every family.
 *
 * Token ids come in, hidden vectors go out. A layer is two branches, attention and feed-forward,
 * which read a norm of the residual stream x and are added to it; families differ in which norms
 * exist and in a few scales, all of which the model's description holds, so there is no case per
 * family below. The work between two matrix products is done token by token in one go (add, norm,
 * rotate, store), so that each row is touched once while it is in the cache and a single token
 * needs no barrier but those of its products. */
#include "engine/adapter-private.h"
#include "engine/graph-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Tokens below which waking the other threads costs more than it saves. */
#define MIN_PARALLEL_TOKENS 4
#define TOKENS_PER_CHUNK 16
#define ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

/* What the token-wise steps of a layer need. */
typedef struct
{
  EngineGraph *graph;
  const EngineBatch *batch;
  const EngineLayer *layer;
  const EngineLayer *next; /* NULL after the last */
  EngineKvLayer *kv;
  float *q, *k, *v;
  gsize q_stride, kv_stride;
  gsize first; /* rows before it are needed for their keys and values only */
} Step;

/* ---- Memory --------------------------------------------------------------------------------- */

/* Hands out the next N floats of an arena; with no arena it only counts. */
static float *carve (float *arena, gsize *used, gsize n)
{
  float *begin = arena ? arena + *used : NULL;
  gsize line = ALIGNMENT / sizeof (float);
  *used += (n + line - 1) / line * line;
  return begin;
}

/* Lays out the buffers; returns the floats they take. Widths are bounded (hyper.c), so that no
 * product here overflows 64 bits. */
static gsize lay_out (EngineGraph *graph, const EngineModel *model, float *arena, gsize capacity)
{
  const EngineHyper *hyper = &model->hyper;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  gsize n_kv = (gsize)hyper->n_head_kv * hyper->head_dim;
  gsize used = 0;
  graph->x = carve (arena, &used, capacity * hyper->n_embd);
  graph->h = carve (arena, &used, capacity * hyper->n_embd);
  graph->branch = carve (arena, &used, capacity * hyper->n_embd);
  graph->qkv = carve (arena, &used, capacity * (n_q + 2 * n_kv));
  graph->heads = carve (arena, &used, capacity * n_q);
  graph->gate = carve (arena, &used, capacity * hyper->n_ff);
  graph->up
      = carve (arena, &used, model->arch->ffn == ENGINE_FFN_PLAIN ? 0 : capacity * hyper->n_ff);
  graph->turns = carve (arena, &used, capacity * hyper->rope.n_rot);
  graph->turns_local = carve (arena, &used, capacity * hyper->rope.n_rot);
  if (hyper->n_expert == 0)
    return used;
  graph->router = carve (arena, &used, capacity * hyper->n_expert);
  graph->shares = carve (arena, &used, capacity * hyper->n_expert);
  graph->gathered = carve (arena, &used, capacity * hyper->n_embd);
  graph->returned = carve (arena, &used, capacity * hyper->n_embd);
  graph->rows = (gsize *)carve (arena, &used, capacity * (sizeof (gsize) / sizeof (float)));
  return used;
}

gsize engine_graph_bytes (const EngineModel *model, gsize capacity)
{
  EngineGraph unused;
  return lay_out (&unused, model, NULL, capacity) * sizeof (float);
}

void engine_graph_init (EngineGraph *graph, const EngineModel *model, EnginePool *pool, guint n_ctx)
{
  *graph = (EngineGraph){ .model = model, .pool = pool };
  engine_rope_init (&graph->rope, model, n_ctx, FALSE);
  engine_rope_init (&graph->rope_local, model, n_ctx, TRUE);
}

void engine_graph_clear (EngineGraph *graph)
{
  engine_rope_clear (&graph->rope);
  engine_rope_clear (&graph->rope_local);
  free (graph->arena);
  graph->arena = NULL;
  graph->capacity = 0;
}

gboolean engine_graph_reserve (EngineGraph *graph, gsize n_tokens, GError **error)
{
  if (n_tokens <= graph->capacity)
    return TRUE;
  gsize n_bytes = engine_graph_bytes (graph->model, n_tokens);
  free (graph->arena);
  graph->capacity = 0;
  graph->arena = aligned_alloc (ALIGNMENT, n_bytes);
  if (graph->arena == NULL)
    {
      g_autofree char *size = g_format_size (n_bytes);
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_MEMORY,
                   "there is not enough memory for “%s” to work on %" G_GSIZE_FORMAT
                   " tokens at once (%s)",
                   graph->model->info.path, n_tokens, size);
      return FALSE;
    }
  lay_out (graph, graph->model, graph->arena, n_tokens);
  graph->capacity = n_tokens;
  return TRUE;
}

/* ---- Token-wise steps ----------------------------------------------------------------------- */

void engine_graph_over_tokens (EngineGraph *graph, gsize n_tokens, EngineWork work,
                               gpointer user_data)
{
  if (n_tokens < MIN_PARALLEL_TOKENS)
    work (0, n_tokens, 0, user_data);
  else
    engine_pool_run (graph->pool, n_tokens, TOKENS_PER_CHUNK, work, user_data);
}

static void apply_norm (const EngineModel *model, const EngineNorm *norm, const float *x, float *y)
{
  const EngineKernels *kernels = engine_kernels ();
  gsize n = model->hyper.n_embd;
  float eps = model->hyper.norm_eps;
  if (model->arch->norm == ENGINE_NORM_RMS)
    kernels->rms_norm (x, norm->weight, n, eps, y);
  else
    kernels->layer_norm (x, norm->weight, norm->bias, n, eps, y);
}

/* Where a branch reads: the norm, or x itself in families that norm after adding. */
static float *branch_input (EngineGraph *graph, const EngineNorm *norm)
{
  return norm->weight ? graph->h : graph->x;
}

/* Row T becomes the input of attention in LAYER, or of the output when there is no layer left. */
static void enter_layer (EngineGraph *graph, const EngineLayer *layer, gsize t)
{
  gsize n_embd = graph->model->hyper.n_embd;
  float *x = graph->x + t * n_embd;
  const EngineNorm *output_norm = &graph->model->weights.output_norm;
  if (layer && layer->attn_norm.weight)
    apply_norm (graph->model, &layer->attn_norm, x, graph->h + t * n_embd);
  else if (!layer && output_norm->weight)
    apply_norm (graph->model, output_norm, x, x);
}

static gsize position_of (const EngineBatch *batch, gsize t)
{
  if (batch->lengths == NULL)
    return batch->pos + t;
  for (gsize i = 0; t >= batch->lengths[i]; i++)
    t -= batch->lengths[i];
  return t;
}

/* x = embedding of the token (+ of its type + of its position), and the angles of its position. */
static void embed (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Step *step = user_data;
  EngineGraph *graph = step->graph;
  const EngineModel *model = graph->model;
  const EngineKernels *kernels = engine_kernels ();
  gsize n_embd = model->hyper.n_embd, n_rot = model->hyper.rope.n_rot;
  for (gsize t = begin; t < end; t++)
    {
      gsize pos = position_of (step->batch, t);
      guint8 type = step->batch->token_types ? step->batch->token_types[t] : 0;
      /* h is free until enter_layer. */
      float *x = graph->x + t * n_embd, *row = graph->h + t * n_embd;
      engine_matrix_row (&model->weights.token_embd, step->batch->tokens[t], x);
      if (model->hyper.embedding_scale != 1)
        kernels->scale (x, n_embd, model->hyper.embedding_scale);
      if (model->weights.token_types.data)
        {
          engine_matrix_row (&model->weights.token_types, type, row);
          kernels->add (x, row, n_embd, x);
        }
      if (model->weights.position_embd.data)
        {
          engine_matrix_row (&model->weights.position_embd, pos, row);
          kernels->add (x, row, n_embd, x);
        }
      if (model->weights.embd_norm.weight)
        apply_norm (model, &model->weights.embd_norm, x, x);
      enter_layer (graph, step->next, t);
      engine_rope_turns (&graph->rope, pos, graph->turns + t * n_rot);
      if (model->arch->local_rope)
        engine_rope_turns (&graph->rope_local, pos, graph->turns_local + t * n_rot);
    }
}

/* Norm and turn the heads of one token. */
static void place_heads (const Step *step, gsize t, const float *norm, guint n_heads, float *heads)
{
  const EngineGraph *graph = step->graph;
  const EngineHyper *hyper = &graph->model->hyper;
  const EngineRope *rope = step->layer->local_rope ? &graph->rope_local : &graph->rope;
  const float *turns
      = (step->layer->local_rope ? graph->turns_local : graph->turns) + t * hyper->rope.n_rot;
  for (guint i = 0; i < n_heads; i++, heads += hyper->head_dim)
    {
      if (norm)
        engine_kernels ()->rms_norm (heads, norm, hyper->head_dim, hyper->norm_eps, heads);
      engine_rope_apply (rope, turns, heads);
    }
}

/* Queries far beyond the original context are sharpened (Ministral 3). */
static float temperature (const EngineHyper *hyper, gsize pos)
{
  return 1 + hyper->temperature_scale * logf (1 + floorf ((float)pos / hyper->rope.n_ctx_original));
}

/* Queries and keys get their place; keys and values go into the cache. */
static void place (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Step *step = user_data;
  const EngineHyper *hyper = &step->graph->model->hyper;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  for (gsize t = begin; t < end; t++)
    {
      place_heads (step, t, step->layer->k_norm, hyper->n_head_kv, step->k + t * step->kv_stride);
      if (t < step->first)
        continue;
      float *q = step->q + t * step->q_stride;
      place_heads (step, t, step->layer->q_norm, hyper->n_head, q);
      if (hyper->temperature_scale > 0)
        engine_kernels ()->scale (q, n_q, temperature (hyper, position_of (step->batch, t)));
    }
  if (step->kv)
    engine_kv_layer_put (step->kv, step->batch->pos + begin, end - begin,
                         step->k + begin * step->kv_stride, step->v + begin * step->kv_stride);
}

/* x += scale · norm (branch); x = norm (x). */
static void join (EngineGraph *graph, gsize t, const EngineNorm *before, const EngineNorm *after)
{
  const EngineHyper *hyper = &graph->model->hyper;
  const EngineKernels *kernels = engine_kernels ();
  float *x = graph->x + t * hyper->n_embd, *branch = graph->branch + t * hyper->n_embd;
  if (before->weight)
    apply_norm (graph->model, before, branch, branch);
  if (hyper->residual_scale == 1)
    kernels->add (x, branch, hyper->n_embd, x);
  else
    kernels->axpy (hyper->residual_scale, branch, hyper->n_embd, x);
  if (after->weight)
    apply_norm (graph->model, after, x, x);
}

static void join_attention (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Step *step = user_data;
  const EngineLayer *layer = step->layer;
  gsize n_embd = step->graph->model->hyper.n_embd;
  for (gsize t = step->first + begin; t < step->first + end; t++)
    {
      join (step->graph, t, &layer->post_attn_norm, &layer->attn_output_norm);
      if (layer->ffn_norm.weight)
        apply_norm (step->graph->model, &layer->ffn_norm, step->graph->x + t * n_embd,
                    step->graph->h + t * n_embd);
    }
}

static void join_feed_forward (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Step *step = user_data;
  for (gsize t = step->first + begin; t < step->first + end; t++)
    {
      join (step->graph, t, &step->layer->post_ffn_norm, &step->layer->layer_output_norm);
      enter_layer (step->graph, step->next, t);
    }
}

typedef struct
{
  EngineGraph *graph;
  gsize n_ff;
  gboolean gated;
} Activation;

static void activate (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Activation *activation = user_data;
  const EngineKernels *kernels = engine_kernels ();
  gsize first = begin * activation->n_ff, n = (end - begin) * activation->n_ff;
  float *gate = activation->graph->gate + first;
  const float *up = activation->gated ? activation->graph->up + first : NULL;
  switch (activation->graph->model->arch->activation)
    {
    case ENGINE_ACT_SILU:
      kernels->silu_mul (gate, up, n, gate);
      break;
    case ENGINE_ACT_GELU_TANH:
      kernels->gelu_tanh_mul (gate, up, n, gate);
      break;
    case ENGINE_ACT_GELU_ERF:
      kernels->gelu_erf_mul (gate, up, n, gate);
      break;
    }
}

void engine_graph_activate (EngineGraph *graph, gsize n_tokens, gsize n_ff, gboolean gated)
{
  Activation activation = { graph, n_ff, gated };
  engine_graph_over_tokens (graph, n_tokens, activate, &activation);
}

/* ---- Layer ---------------------------------------------------------------------------------- */

void engine_graph_multiply (EngineGraph *graph, gsize n, const EngineLinear *const *linears,
                            const float *x, gsize x_stride, gsize n_tokens, float *const *y,
                            const gsize *y_stride)
{
  const EngineMatrix *w[3] = { NULL };
  const float *bias[3] = { NULL };
  g_return_if_fail (n <= G_N_ELEMENTS (w));
  for (gsize i = 0; i < n; i++)
    {
      w[i] = &linears[i]->w;
      bias[i] = linears[i]->bias;
      if (graph->observe)
        graph->observe (w[i], x, x_stride, n_tokens, graph->observe_data);
    }
  engine_matmul_many (graph->pool, n, w, bias, x, x_stride, n_tokens, y, y_stride);
  for (gsize i = 0; graph->n_adapters > 0 && i < n; i++)
    engine_adapters_apply (graph, w[i], x, x_stride, n_tokens, y[i], y_stride[i]);
}

/* One matrix, its output without gaps. */
static void multiply (EngineGraph *graph, const EngineLinear *linear, const float *x,
                      gsize n_tokens, float *y)
{
  gsize stride = linear->w.n_rows;
  engine_graph_multiply (graph, 1, &linear, x, linear->w.n_cols, n_tokens, &y, &stride);
}

/* q, k and v of all tokens; of rows before `first` only k and v. */
static void project (const Step *step)
{
  EngineGraph *graph = step->graph;
  const EngineLayer *layer = step->layer;
  gsize n_tokens = step->batch->n_tokens, n_embd = graph->model->hyper.n_embd;
  const float *x = branch_input (graph, &layer->attn_norm);
  const EngineLinear *linears[] = { &layer->k, &layer->v, &layer->q };
  float *y[] = { step->k, step->v, step->q };
  gsize strides[] = { step->kv_stride, step->kv_stride, step->q_stride };
  engine_graph_multiply (graph, step->first == 0 ? 3 : 2, linears, x, n_embd, n_tokens, y,
                         strides);
  if (step->first > 0 && step->first < n_tokens)
    {
      float *q = step->q + step->first * step->q_stride;
      engine_graph_multiply (graph, 1, &linears[2], x + step->first * n_embd, n_embd,
                             n_tokens - step->first, &q, &step->q_stride);
    }
}

static void attend (const Step *step)
{
  EngineGraph *graph = step->graph;
  const EngineHyper *hyper = &graph->model->hyper;
  const EngineBatch *batch = step->batch;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  EngineAttention attention = { .n_head = hyper->n_head,
                                .n_head_kv = hyper->n_head_kv,
                                .head_dim = hyper->head_dim,
                                .scale = hyper->attention_scale,
                                .softcap = hyper->attention_softcap,
                                .window = step->layer->window,
                                .causal = hyper->causal };
  if (batch->kv)
    engine_attention (graph->pool, &attention, step->kv, step->q + step->first * n_q,
                      batch->pos + step->first, batch->n_tokens - step->first,
                      graph->heads + step->first * n_q);
  else
    engine_attention_packed (graph->pool, &attention, batch->lengths, batch->n_sequences, step->q,
                             step->k, step->v, step->q_stride, graph->heads, n_q);
}

/* branch = feed-forward of the rows from `first` on. */
static void feed_forward (const Step *step)
{
  EngineGraph *graph = step->graph;
  const EngineLayer *layer = step->layer;
  gsize n_embd = graph->model->hyper.n_embd, n = step->batch->n_tokens - step->first;
  gboolean parallel = graph->model->arch->block == ENGINE_BLOCK_PARALLEL;
  const float *x = branch_input (graph, parallel ? &layer->attn_norm : &layer->ffn_norm)
                   + step->first * n_embd;
  float *out = graph->branch + step->first * n_embd;
  if (layer->router.data)
    {
      engine_experts_run (graph, layer, x, n, out);
      return;
    }
  gboolean gated = layer->gate.w.data != NULL;
  const EngineLinear *linears[] = { gated ? &layer->gate : &layer->up, &layer->up };
  float *y[] = { graph->gate, graph->up };
  gsize strides[] = { layer->n_ff, layer->n_ff };
  engine_graph_multiply (graph, gated ? 2 : 1, linears, x, n_embd, n, y, strides);
  engine_graph_activate (graph, n, layer->n_ff, gated);
  multiply (graph, &layer->down, graph->gate, n, out);
}

static void run_layer (Step *step)
{
  EngineGraph *graph = step->graph;
  const EngineLayer *layer = step->layer;
  const EngineHyper *hyper = &graph->model->hyper;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  gsize n_out = step->batch->n_tokens - step->first;
  project (step);
  engine_graph_over_tokens (graph, step->batch->n_tokens, place, step);
  if (n_out == 0)
    return;
  attend (step);
  multiply (graph, &layer->output, graph->heads + step->first * n_q, n_out,
            graph->branch + step->first * hyper->n_embd);
  engine_graph_over_tokens (graph, n_out, join_attention, step);
  feed_forward (step);
  engine_graph_over_tokens (graph, n_out, join_feed_forward, step);
}

/* A cache wants q, k and v each in one piece; packed attention wants one stride for all. */
static void place_qkv (Step *step)
{
  const EngineHyper *hyper = &step->graph->model->hyper;
  gsize n_q = (gsize)hyper->n_head * hyper->head_dim;
  gsize n_kv = (gsize)hyper->n_head_kv * hyper->head_dim;
  gsize n = step->batch->kv ? step->batch->n_tokens : 1;
  step->q = step->graph->qkv;
  step->k = step->q + n * n_q;
  step->v = step->k + n * n_kv;
  step->q_stride = step->batch->kv ? n_q : n_q + 2 * n_kv;
  step->kv_stride = step->batch->kv ? n_kv : n_q + 2 * n_kv;
}

const float *engine_graph_run (EngineGraph *graph, const EngineBatch *batch)
{
  const EngineModel *model = graph->model;
  guint n_layer = model->hyper.n_layer;
  Step step = { .graph = graph, .batch = batch, .next = n_layer > 0 ? model->weights.layers : NULL };
  g_return_val_if_fail (batch->n_tokens > 0 && batch->n_tokens <= graph->capacity, NULL);
  place_qkv (&step);
  engine_graph_over_tokens (graph, batch->n_tokens, embed, &step);
  for (guint il = 0; il < n_layer; il++)
    {
      gboolean last = il + 1 == n_layer;
      step.layer = &model->weights.layers[il];
      step.next = last ? NULL : step.layer + 1;
      step.kv = batch->kv ? batch->kv[il] : NULL;
      /* Nobody reads what the last layer makes of the other tokens. */
      step.first = last ? batch->n_tokens - batch->n_out : 0;
      if (graph->observe_stream)
        graph->observe_stream (il, graph->x, batch->n_tokens, graph->observe_data);
      run_layer (&step);
    }
  return batch->n_out ? graph->x + (batch->n_tokens - batch->n_out) * model->hyper.n_embd : NULL;
}

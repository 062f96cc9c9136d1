/* Feed-forward by experts: a router sends each token to a few of many small networks.
 *
 * Rows of the norm come in, the weighted sum of what their experts say goes out. Tokens are
 * gathered by expert, so that each expert's matrices are read once for all tokens that want it,
 * however many tokens there are: one when decoding, hundreds when reading a prompt.
 *
 * Routing as in Granite MoE: softmax over all experts, the best k of them, renormalised. */
#include "engine/graph-private.h"

#include <string.h>

/* Below this the chosen probabilities are rounding noise, and dividing by their sum is not. */
#define MIN_SHARE_SUM 6.1e-5f

/* shares[n_expert] = the n_used largest of probabilities[n_expert], renormalised; else 0. */
static void choose (const float *probabilities, guint n_expert, guint n_used, float *shares)
{
  float sum = 0;
  memset (shares, 0, n_expert * sizeof (float));
  for (guint k = 0; k < n_used; k++)
    {
      guint best = n_expert;
      for (guint i = 0; i < n_expert; i++)
        if (shares[i] == 0 && (best == n_expert || probabilities[i] > probabilities[best]))
          best = i;
      if (best == n_expert)
        break;
      /* Never 0, which would mean “not chosen” above. */
      shares[best] = MAX (probabilities[best], 1e-30f);
      sum += shares[best];
    }
  for (guint i = 0; i < n_expert; i++)
    shares[i] /= MAX (sum, MIN_SHARE_SUM);
}

static void route (gsize begin, gsize end, guint thread, gpointer user_data)
{
  EngineGraph *graph = user_data;
  const EngineHyper *hyper = &graph->model->hyper;
  for (gsize t = begin; t < end; t++)
    {
      float *logits = graph->router + t * hyper->n_expert;
      engine_kernels ()->softmax (logits, hyper->n_expert);
      choose (logits, hyper->n_expert, hyper->n_expert_used, graph->shares + t * hyper->n_expert);
    }
}

/* y = down (act (gate (x)) · up (x)) with gate and up of n_ff rows. */
static void run_gated (EngineGraph *graph, const EngineLinear *gate, const EngineLinear *up,
                       const EngineLinear *down, const float *x, gsize n_tokens, float *y)
{
  const EngineLinear *linears[] = { gate, up };
  float *hidden[] = { graph->gate, graph->up };
  gsize n_ff = gate->w.n_rows, strides[] = { n_ff, n_ff };
  engine_graph_multiply (graph, 2, linears, x, gate->w.n_cols, n_tokens, hidden, strides);
  engine_graph_activate (graph, n_tokens, n_ff, TRUE);
  engine_graph_multiply (graph, 1, &down, graph->gate, n_ff, n_tokens, &y, &down->w.n_rows);
}

/* Adds what EXPERT says of the tokens that chose it to their rows of OUT. */
static void run_expert (EngineGraph *graph, const EngineLayer *layer, guint expert, const float *x,
                        gsize n_tokens, float *out)
{
  const EngineHyper *hyper = &graph->model->hyper;
  gsize n_embd = hyper->n_embd, n = 0;
  for (gsize t = 0; t < n_tokens; t++)
    if (graph->shares[t * hyper->n_expert + expert] > 0)
      {
        memcpy (graph->gathered + n * n_embd, x + t * n_embd, n_embd * sizeof (float));
        graph->rows[n++] = t;
      }
  if (n == 0)
    return;
  gsize first = (gsize)expert * layer->n_ff;
  EngineLinear gate = { .w = engine_matrix_slice (&layer->gate_experts, first, layer->n_ff) };
  EngineLinear up = { .w = engine_matrix_slice (&layer->up_experts, first, layer->n_ff) };
  EngineLinear down = { .w = engine_matrix_slice (&layer->down_experts, expert * n_embd, n_embd) };
  run_gated (graph, &gate, &up, &down, graph->gathered, n, graph->returned);
  for (gsize i = 0; i < n; i++)
    {
      float share = graph->shares[graph->rows[i] * hyper->n_expert + expert];
      engine_kernels ()->axpy (share, graph->returned + i * n_embd, n_embd,
                               out + graph->rows[i] * n_embd);
    }
}

void engine_experts_run (EngineGraph *graph, const EngineLayer *layer, const float *x,
                         gsize n_tokens, float *out)
{
  const EngineHyper *hyper = &graph->model->hyper;
  engine_matmul (graph->pool, &layer->router, NULL, x, hyper->n_embd, n_tokens, graph->router,
                 hyper->n_expert);
  engine_graph_over_tokens (graph, n_tokens, route, graph);
  if (layer->gate.w.data)
    run_gated (graph, &layer->gate, &layer->up, &layer->down, x, n_tokens, out);
  else
    memset (out, 0, n_tokens * hyper->n_embd * sizeof (float));
  for (guint expert = 0; expert < hyper->n_expert; expert++)
    run_expert (graph, layer, expert, x, n_tokens, out);
}

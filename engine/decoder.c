/* Reads tokens in blocks, with the keys and values of all that was read before at hand.
 *
 * A block of a prompt (or the one token just chosen) comes in with its position; the cache grows by
 * it, and logits come out for as many of its last tokens as are asked for: usually one, because
 * the product with the vocabulary costs as much as several layers. */
#include "engine/session-private.h"

#include <math.h>

/* Room of layer IL: a windowed layer needs its window and one block. */
static guint window_of (const EngineModel *model, guint il)
{
  return model->weights.layers[il].window;
}

guint64 engine_decoder_kv_bytes (const EngineModel *model, guint n_ctx, EngineKvType type)
{
  guint64 total = 0;
  for (guint il = 0; il < model->hyper.n_layer; il++)
    {
      gsize n_bytes = engine_kv_layer_bytes (type, model->hyper.n_head_kv, model->hyper.head_dim,
                                             n_ctx, window_of (model, il), ENGINE_DECODER_BLOCK);
      if (n_bytes > G_MAXUINT64 - total)
        return G_MAXUINT64;
      total += n_bytes;
    }
  return total;
}

static gboolean allocate (EngineDecoder *decoder, EngineKvType kv_type, GError **error)
{
  const EngineHyper *hyper = &decoder->model->hyper;
  if (!engine_graph_reserve (&decoder->graph, MIN (ENGINE_DECODER_BLOCK, decoder->n_ctx), error))
    return FALSE;
  decoder->kv = g_new0 (EngineKvLayer *, hyper->n_layer);
  for (guint il = 0; il < hyper->n_layer; il++)
    {
      decoder->kv[il]
          = engine_kv_layer_new (kv_type, hyper->n_head_kv, hyper->head_dim, decoder->n_ctx,
                                 window_of (decoder->model, il), ENGINE_DECODER_BLOCK);
      if (decoder->kv[il] == NULL)
        {
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_MEMORY,
                       "there is not enough memory for a context of %u tokens with “%s”; ask for "
                       "fewer",
                       decoder->n_ctx, decoder->model->info.path);
          return FALSE;
        }
    }
  return TRUE;
}

EngineDecoder *engine_decoder_new (EngineModel *model, guint n_ctx, EngineKvType kv_type,
                                   guint n_threads, GError **error)
{
  EngineDecoder *decoder = g_new0 (EngineDecoder, 1);
  decoder->model = engine_model_ref (model);
  decoder->n_ctx = n_ctx;
  decoder->kv_type = kv_type;
  decoder->pool = engine_pool_new (n_threads);
  decoder->logits = g_new0 (float, model->hyper.n_vocab);
  engine_graph_init (&decoder->graph, model, decoder->pool, n_ctx);
  if (!allocate (decoder, kv_type, error))
    g_clear_pointer (&decoder, engine_decoder_free);
  return decoder;
}

void engine_decoder_free (EngineDecoder *decoder)
{
  if (decoder == NULL)
    return;
  for (guint il = 0; decoder->kv && il < decoder->model->hyper.n_layer; il++)
    engine_kv_layer_free (decoder->kv[il]);
  g_free (decoder->kv);
  g_free (decoder->logits);
  engine_graph_clear (&decoder->graph);
  engine_pool_free (decoder->pool);
  engine_model_unref (decoder->model);
  g_free (decoder);
}

/* What some families do to logits before they mean anything. */
static void finish_logits (const EngineHyper *hyper, gsize n, float *logits)
{
  if (hyper->logit_scale != 1)
    engine_kernels ()->scale (logits, n, 1 / hyper->logit_scale);
  if (hyper->logit_softcap > 0)
    for (gsize i = 0; i < n; i++)
      logits[i] = hyper->logit_softcap * tanhf (logits[i] / hyper->logit_softcap);
}

void engine_decoder_run (EngineDecoder *decoder, const gint32 *tokens, gsize n_tokens, gsize pos,
                         gsize n_out, float *ret_logits)
{
  const EngineModel *model = decoder->model;
  const EngineLinear *output = &model->weights.output;
  gsize n_vocab = model->hyper.n_vocab;
  EngineBatch batch
      = { .tokens = tokens, .n_tokens = n_tokens, .n_out = n_out, .kv = decoder->kv, .pos = pos };
  const float *hidden = engine_graph_run (&decoder->graph, &batch);
  if (n_out == 0)
    return;
  engine_graph_multiply (&decoder->graph, 1, &output, hidden, model->hyper.n_embd, n_out,
                         &ret_logits, &n_vocab);
  finish_logits (&model->hyper, n_out * n_vocab, ret_logits);
}

gboolean engine_decoder_can_rewind (const EngineDecoder *decoder, gsize n_written, gsize n_keep)
{
  /* A ring holds at least its window and a block, so that going back a block at most leaves the
   * whole window of the next token in place. */
  if (n_written - n_keep <= ENGINE_DECODER_BLOCK)
    return TRUE;
  for (guint il = 0; il < decoder->model->hyper.n_layer; il++)
    {
      guint64 window = window_of (decoder->model, il);
      if (window > 0 && window + ENGINE_DECODER_BLOCK < n_written)
        return FALSE;
    }
  return TRUE;
}

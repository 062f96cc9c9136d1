/* Lets somebody look into a model while it reads texts: what importance.c and prune.c measure by.
 *
 * Texts come in, as they would in use; the model reads them, a generator in pieces of its context,
 * an encoder in texts as long as it takes; and the observer sees what goes through its matrices and
 * from layer to layer. */
#include "engine/observe-private.h"

#include "engine/encoder-private.h"
#include "engine/session-private.h"

/* Positions of a generator's context while measuring. */
#define PIECE 512
/* Fewer tokens than this say more about chance than about the documents. */
#define MIN_TOKENS 64

static void watch (EngineGraph *graph, const EngineObserver *observer)
{
  graph->observe = observer->matrix;
  graph->observe_stream = observer->stream;
  graph->observe_data = observer->user_data;
}

static gboolean too_little (gsize n_tokens, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
               "the texts have %" G_GSIZE_FORMAT " tokens, and %d are needed to see what matters",
               n_tokens, MIN_TOKENS);
  return FALSE;
}

static gboolean stopped (GError **error)
{
  g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "stopped");
  return FALSE;
}

static GArray *all_tokens (EngineModel *model, const char *const *texts, gsize n_texts,
                           gsize max_tokens, GError **error)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  for (gsize i = 0; i < n_texts && tokens->len < max_tokens; i++)
    if (!engine_tokenize (model, texts[i], -1, ENGINE_TOKENIZE_ADD_SPECIAL, tokens, error))
      return NULL;
  g_array_set_size (tokens, MIN (tokens->len, max_tokens));
  return g_steal_pointer (&tokens);
}

/* Blocks with the logits of every token, so that the output matrix sees as many as the others. */
static gboolean run_decoder (EngineDecoder *decoder, const gint32 *tokens, gsize n_tokens,
                             EngineProgressFunc progress, gpointer user_data, GError **error)
{
  gsize n_vocab = decoder->model->hyper.n_vocab;
  const gsize block = 64;
  g_autofree float *logits = g_new (float, block *n_vocab);
  for (gsize done = 0, n; done < n_tokens; done += n)
    {
      gsize pos = done % decoder->n_ctx;
      n = MIN (MIN (block, decoder->n_ctx - pos), n_tokens - done);
      engine_decoder_run (decoder, tokens + done, n, pos, n, logits);
      if (progress && !progress (done + n, n_tokens, user_data))
        return stopped (error);
    }
  return TRUE;
}

static gboolean run_generator (EngineModel *model, const EngineSessionOptions *options,
                               const EngineObserver *observer, const GArray *tokens,
                               EngineProgressFunc progress, gpointer user_data, GError **error)
{
  EngineSessionOptions own = *options;
  own.n_ctx = MIN (PIECE, model->hyper.n_ctx_train);
  if (!engine_session_check_options (model, &own, error))
    return FALSE;
  EngineDecoder *decoder = engine_decoder_new (
      model, own.n_ctx, own.kv_type, own.n_threads ? own.n_threads : engine_n_processors (), error);
  if (decoder == NULL)
    return FALSE;
  watch (&decoder->graph, observer);
  gboolean ok = run_decoder (decoder, (const gint32 *)(gpointer)tokens->data, tokens->len, progress,
                             user_data, error);
  engine_decoder_free (decoder);
  return ok;
}

static gboolean run_encoder (EngineModel *model, const EngineSessionOptions *options,
                             const EngineObserver *observer, GArray *tokens,
                             EngineProgressFunc progress, gpointer user_data, GError **error)
{
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, options->n_threads, error);
  if (encoder == NULL)
    return FALSE;
  watch (&encoder->graph, observer);
  for (guint done = 0, length; done < tokens->len; done += length)
    {
      length = MIN (model->hyper.max_tokens, tokens->len - done);
      EnginePacked packed = { .tokens = &g_array_index (tokens, gint32, done),
                              .lengths = &length,
                              .n_sequences = 1 };
      if (engine_encoder_hidden (encoder, &packed, error) == NULL)
        return FALSE;
      if (progress && !progress (done + length, tokens->len, user_data))
        return stopped (error);
    }
  return TRUE;
}

gboolean engine_observe_texts (EngineModel *model, const EngineSessionOptions *options,
                               const char *const *texts, gsize n_texts, gsize max_tokens,
                               const EngineObserver *observer, EngineProgressFunc progress,
                               gpointer user_data, GError **error)
{
  g_autoptr (GArray) tokens = all_tokens (model, texts, n_texts, max_tokens, error);
  if (tokens == NULL)
    return FALSE;
  if (tokens->len < MIN_TOKENS)
    return too_little (tokens->len, error);
  return model->info.role == ENGINE_ROLE_GENERATOR
             ? run_generator (model, options, observer, tokens, progress, user_data, error)
             : run_encoder (model, options, observer, tokens, progress, user_data, error);
}

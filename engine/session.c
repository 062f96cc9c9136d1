/* A conversation with a model: what it has read, and what it makes of the last token.
 *
 * Token ids come in, a KV cache fills, and logits are there when they are asked for. The token
 * list is the truth and the cache follows it: going back only shortens the list, and whatever of
 * it the cache does not hold is read when logits are next needed. So a new prompt that begins like
 * the last one costs only what differs. Tokens may also be read ahead of the list, on the guess
 * that they will be chosen: those that are have their logits already. */
#include "engine/adapter-private.h"
#include "engine/session-private.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_N_CTX 4096
#define MAX_THREADS 256

struct _EngineSession
{
  EngineModel *model;
  EngineDecoder *decoder;
  GArray *tokens;      /* of gint32 */
  gsize n_cached;      /* of them are in the cache */
  gsize n_written;     /* positions the cache has held since it was empty; ≥ n_cached */
  gboolean has_logits; /* after the last of tokens */
  const float *logits; /* where they are: the decoder's, or a row of ahead_logits */
  gint32 ahead[ENGINE_MAX_AHEAD];
  gsize n_ahead;       /* tokens that were read ahead and not yet chosen, from ahead + next_ahead */
  gsize next_ahead;
  float *ahead_logits; /* [ENGINE_MAX_AHEAD + 1, n_vocab]; NULL until needed */
  GPtrArray *adapters; /* of EngineAdapter */
  float *adapter_scales;
};

/* ---- Memory --------------------------------------------------------------------------------- */

static guint64 physical_memory (void)
{
  long n_pages = sysconf (_SC_PHYS_PAGES), page_bytes = sysconf (_SC_PAGESIZE);
  return n_pages > 0 && page_bytes > 0 ? (guint64)n_pages * page_bytes : G_MAXUINT64;
}

static guint64 add_bytes (guint64 a, guint64 b)
{
  return b > G_MAXUINT64 - a ? G_MAXUINT64 : a + b;
}

void engine_session_memory (const EngineModel *model, const EngineSessionOptions *options,
                            EngineMemory *ret_memory)
{
  guint n_ctx = options->n_ctx ? options->n_ctx : MIN (DEFAULT_N_CTX, model->hyper.n_ctx_train);
  EngineMemory memory = { .n_ctx = n_ctx, .weight_bytes = model->info.weight_bytes };
  if (model->info.role == ENGINE_ROLE_GENERATOR)
    {
      memory.kv_bytes = engine_decoder_kv_bytes (model, n_ctx, options->kv_type);
      memory.work_bytes = engine_graph_bytes (model, MIN (n_ctx, ENGINE_DECODER_BLOCK))
                          + model->hyper.n_vocab * sizeof (float);
    }
  memory.total_bytes
      = add_bytes (add_bytes (memory.weight_bytes, memory.kv_bytes), memory.work_bytes);
  *ret_memory = memory;
}

gboolean engine_kv_type_parse (const char *name, EngineKvType *ret_type)
{
  static const char *const names[]
      = { [ENGINE_KV_F16] = "f16", [ENGINE_KV_F32] = "f32", [ENGINE_KV_Q8_0] = "q8_0" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      {
        *ret_type = (EngineKvType)i;
        return TRUE;
      }
  return FALSE;
}

/* Weights are mapped, so they may be larger than memory; what is allocated may not. */
static gboolean check_memory (const EngineModel *model, const EngineSessionOptions *options,
                              GError **error)
{
  EngineMemory memory;
  engine_session_memory (model, options, &memory);
  guint64 limit = options->mem_limit_bytes;
  gboolean within_limit = limit == 0 || memory.total_bytes <= limit;
  if (within_limit && memory.kv_bytes < physical_memory () / 10 * 9)
    return TRUE;
  g_autofree char *weights_text = g_format_size (memory.weight_bytes);
  g_autofree char *kv_text = g_format_size (memory.kv_bytes);
  g_autofree char *work_text = g_format_size (memory.work_bytes);
  g_autofree char *limit_text = g_format_size (within_limit ? physical_memory () : limit);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_MEMORY,
               "“%s” needs %s for its weights, %s for the KV cache of %u tokens and %s to work in, "
               "which is more than %s of %s; use a smaller model or a shorter context",
               model->info.path, weights_text, kv_text, memory.n_ctx, work_text,
               within_limit ? "this machine's memory" : "the limit", limit_text);
  return FALSE;
}

/* ---- Life ----------------------------------------------------------------------------------- */

gboolean engine_session_check_options (const EngineModel *model,
                                       const EngineSessionOptions *options, GError **error)
{
  guint n_ctx = options->n_ctx;
  if (model->info.role != ENGINE_ROLE_GENERATOR)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "“%s” is %s and cannot write text; choose a generator", model->info.path,
                   model->info.role == ENGINE_ROLE_ENCODER ? "an encoder" : "a reranker");
      return FALSE;
    }
  if (n_ctx > model->hyper.n_ctx_train)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "a context of %u tokens was asked for, and “%s” was trained for %u", n_ctx,
                   model->info.path, model->hyper.n_ctx_train);
      return FALSE;
    }
  return check_memory (model, options, error);
}

EngineSession *engine_session_new (EngineModel *model, const EngineSessionOptions *options,
                                   GError **error)
{
  guint n_ctx = options->n_ctx ? options->n_ctx : MIN (DEFAULT_N_CTX, model->hyper.n_ctx_train);
  guint n_threads = options->n_threads ? options->n_threads : engine_n_processors ();
  if (!engine_session_check_options (model, options, error))
    return NULL;
  EngineDecoder *decoder
      = engine_decoder_new (model, n_ctx, options->kv_type, MIN (n_threads, MAX_THREADS), error);
  if (decoder == NULL)
    return NULL;
  engine_model_read_ahead (model);
  EngineSession *session = g_new0 (EngineSession, 1);
  session->model = engine_model_ref (model);
  session->decoder = decoder;
  session->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  session->adapters = g_ptr_array_new_with_free_func ((GDestroyNotify)engine_adapter_unref);
  return session;
}

void engine_session_free (EngineSession *session)
{
  if (session == NULL)
    return;
  g_array_unref (session->tokens);
  g_ptr_array_unref (session->adapters);
  g_free (session->adapter_scales);
  g_free (session->ahead_logits);
  engine_decoder_free (session->decoder);
  engine_model_unref (session->model);
  g_free (session);
}

static void forget_logits (EngineSession *session)
{
  session->has_logits = FALSE;
  session->n_ahead = 0;
}

gboolean engine_session_set_adapters (EngineSession *session, EngineAdapter *const *adapters,
                                      const float *scales, gsize n_adapters, GError **error)
{
  EngineGraph *graph = &session->decoder->graph;
  for (gsize i = 0; i < n_adapters; i++)
    if (adapters[i]->model != session->model)
      {
        g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                     "the adapter “%s” was opened for another model than “%s”", adapters[i]->path,
                     session->model->info.path);
        return FALSE;
      }
  for (gsize i = 0; i < n_adapters; i++)
    g_ptr_array_add (session->adapters, engine_adapter_ref (adapters[i]));
  if (session->adapters->len > n_adapters)
    g_ptr_array_remove_range (session->adapters, 0, session->adapters->len - n_adapters);
  g_free (session->adapter_scales);
  session->adapter_scales = g_memdup2 (scales, n_adapters * sizeof *scales);
  graph->adapters = (EngineAdapter *const *)session->adapters->pdata;
  graph->adapter_scales = session->adapter_scales;
  graph->n_adapters = n_adapters;
  /* Keys and values of another model, as it were. */
  session->n_cached = session->n_written = 0;
  forget_logits (session);
  return TRUE;
}

guint engine_session_n_ctx (const EngineSession *session)
{
  return session->decoder->n_ctx;
}

const EngineModel *engine_session_model (const EngineSession *session)
{
  return session->model;
}

EngineDecoder *engine_session_decoder (EngineSession *session)
{
  return session->decoder;
}

const gint32 *engine_session_tokens (const EngineSession *session, gsize *ret_n_tokens)
{
  *ret_n_tokens = session->tokens->len;
  return (const gint32 *)(gconstpointer)session->tokens->data;
}

const float *engine_session_logits (const EngineSession *session)
{
  return session->has_logits ? session->logits : NULL;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static gboolean check_tokens (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                              GError **error)
{
  guint n_ctx = session->decoder->n_ctx;
  if (n_tokens > n_ctx - session->tokens->len)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CONTEXT,
                   "%" G_GSIZE_FORMAT " tokens do not fit into the context of %u, of which %u are "
                   "taken",
                   n_tokens, n_ctx, session->tokens->len);
      return FALSE;
    }
  for (gsize i = 0; i < n_tokens; i++)
    if (tokens[i] < 0 || (guint)tokens[i] >= session->model->hyper.n_vocab)
      {
        g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                     "token %d is not in the vocabulary of “%s”, which has %u", tokens[i],
                     session->model->info.path, session->model->hyper.n_vocab);
        return FALSE;
      }
  return TRUE;
}

/* Reads the next block of what the cache lacks; logits only at the very end. */
static void read_block (EngineSession *session)
{
  const gint32 *tokens = (const gint32 *)(gconstpointer)session->tokens->data;
  gsize begin = session->n_cached;
  gsize n = MIN (ENGINE_DECODER_BLOCK, session->tokens->len - begin);
  gboolean last = begin + n == session->tokens->len;
  engine_decoder_run (session->decoder, tokens + begin, n, begin, last ? 1 : 0,
                      session->decoder->logits);
  session->n_cached += n;
  session->n_written = MAX (session->n_written, session->n_cached);
  session->has_logits = last;
  session->logits = session->decoder->logits;
}

static gboolean catch_up (EngineSession *session, EngineProgressFunc progress, gpointer user_data,
                          GError **error)
{
  gsize first = session->n_cached, total = session->tokens->len - first;
  while (session->n_cached < session->tokens->len)
    {
      read_block (session);
      if (progress && !progress (session->n_cached - first, total, user_data))
        {
          /* What was read stays: the caller may go on from there. */
          g_array_set_size (session->tokens, session->n_cached);
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED,
                       "reading the prompt was stopped after %" G_GSIZE_FORMAT
                       " of %" G_GSIZE_FORMAT " tokens",
                       session->n_cached - first, total);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean engine_session_read (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                              EngineProgressFunc progress, gpointer user_data, GError **error)
{
  if (!check_tokens (session, tokens, n_tokens, error))
    return FALSE;
  if (n_tokens > 0)
    forget_logits (session);
  g_array_append_vals (session->tokens, tokens, n_tokens);
  return catch_up (session, progress, user_data, error);
}

gboolean engine_session_adopt (EngineSession *session, const gint32 *tokens, gsize n_tokens)
{
  if (session->tokens->len > 0 || !check_tokens (session, tokens, n_tokens, NULL))
    return FALSE;
  g_array_append_vals (session->tokens, tokens, n_tokens);
  session->n_cached = session->n_written = n_tokens;
  return TRUE;
}

gboolean engine_session_read_all (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                  float *ret_logits, GError **error)
{
  if (!check_tokens (session, tokens, n_tokens, error) || !catch_up (session, NULL, NULL, error))
    return FALSE;
  forget_logits (session);
  while (n_tokens > 0)
    {
      gsize n = MIN (n_tokens, ENGINE_DECODER_BLOCK);
      engine_decoder_run (session->decoder, tokens, n, session->n_cached, n, ret_logits);
      g_array_append_vals (session->tokens, tokens, n);
      session->n_cached += n;
      session->n_written = MAX (session->n_written, session->n_cached);
      ret_logits += n * session->model->hyper.n_vocab;
      tokens += n;
      n_tokens -= n;
    }
  return TRUE;
}

void engine_session_rewind (EngineSession *session, gsize n_keep)
{
  if (n_keep >= session->tokens->len)
    return;
  g_array_set_size (session->tokens, n_keep);
  forget_logits (session);
  session->n_cached = MIN (session->n_cached, n_keep);
  if (!engine_decoder_can_rewind (session->decoder, session->n_written, session->n_cached))
    session->n_cached = 0;
  if (session->n_cached == 0)
    session->n_written = 0;
}

gboolean engine_session_ready (EngineSession *session, GError **error)
{
  if (session->has_logits)
    return TRUE;
  if (session->tokens->len == 0)
    {
      g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                           "there is nothing to continue: no prompt has been read");
      return FALSE;
    }
  session->n_cached = MIN (session->n_cached, session->tokens->len - 1);
  return catch_up (session, NULL, NULL, error);
}

guint engine_session_max_ahead (const EngineSession *session)
{
  gsize room = session->decoder->n_ctx - session->tokens->len;
  return MIN (room, MIN (ENGINE_MAX_AHEAD, engine_matmul_few_tokens () - 1));
}

gboolean engine_session_read_ahead (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                    GError **error)
{
  gsize pos = session->tokens->len - 1, n_vocab = session->model->hyper.n_vocab;
  n_tokens = MIN (n_tokens, engine_session_max_ahead (session));
  if (session->has_logits || session->n_cached != pos || n_tokens == 0)
    return engine_session_ready (session, error);
  if (session->ahead_logits == NULL)
    session->ahead_logits = g_new (float, (ENGINE_MAX_AHEAD + 1) * n_vocab);
  gint32 block[ENGINE_MAX_AHEAD + 1] = { g_array_index (session->tokens, gint32, pos) };
  memcpy (block + 1, tokens, n_tokens * sizeof *tokens);
  engine_decoder_run (session->decoder, block, n_tokens + 1, pos, n_tokens + 1,
                      session->ahead_logits);
  memcpy (session->ahead, tokens, n_tokens * sizeof *tokens);
  session->n_ahead = n_tokens;
  session->next_ahead = 0;
  session->n_cached = pos + 1;
  session->n_written = MAX (session->n_written, pos + 1 + n_tokens);
  session->has_logits = TRUE;
  session->logits = session->ahead_logits;
  return TRUE;
}

gboolean engine_session_push (EngineSession *session, gint32 token)
{
  if (session->tokens->len >= session->decoder->n_ctx)
    return FALSE;
  g_array_append_val (session->tokens, token);
  if (session->n_ahead == 0 || session->ahead[session->next_ahead] != token)
    {
      forget_logits (session);
      return TRUE;
    }
  session->n_ahead--;
  session->next_ahead++;
  session->n_cached++;
  session->logits += session->model->hyper.n_vocab;
  return TRUE;
}

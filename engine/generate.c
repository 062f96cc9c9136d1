/* Writes on after a prompt, handing out text as it is made.
 *
 * A session that has read its prompt comes in; pieces of text go to the caller one token at a
 * time, until the model ends its turn. A character may be spread over several tokens, so bytes
 * wait until they form whole characters: a terminal or a JSON writer never sees half of one. */
#include "engine/session-private.h"

#include <string.h>

typedef struct
{
  EngineSession *session;
  EnginePieceFunc func;
  gpointer user_data;
  GString *held; /* bytes that are not yet whole characters */
  double sum_logprob;
} Writer;

/* Bytes at the start of TEXT that can be shown. An incomplete character at the very end may still
 * be completed; anything else that is not UTF-8 never will be. */
static gsize n_whole (const GString *text)
{
  const char *end;
  gsize begin = 0;
  while (!g_utf8_validate (text->str + begin, text->len - begin, &end))
    {
      begin = end - text->str;
      gunichar c = g_utf8_get_char_validated (end, text->len - begin);
      if (c == (gunichar)-2)
        return begin;
      begin++;
    }
  return text->len;
}

/* Shows what is whole, or all of it at the end; FALSE when the caller has had enough. */
static gboolean show (Writer *writer, gboolean all)
{
  gsize n = all ? writer->held->len : n_whole (writer->held);
  if (n == 0)
    return TRUE;
  g_autofree char *piece = g_utf8_make_valid (writer->held->str, n);
  g_string_erase (writer->held, 0, n);
  return writer->func == NULL || writer->func (piece, writer->user_data);
}

static gboolean is_end (const EngineModel *model, gint32 token)
{
  return model->tokenizer && engine_tokenizer_is_end (model->tokenizer, token);
}

static void hold (Writer *writer, const EngineModel *model, gint32 token)
{
  /* Vocabularies are padded: rows of the output without a token decode to nothing. */
  if (model->tokenizer && (guint)token < engine_tokenizer_n_vocab (model->tokenizer))
    engine_tokenizer_decode (model->tokenizer, token, writer->held);
}

static gboolean pick (Writer *writer, EngineSampler *sampler, gint32 *ret_token,
                      double *ret_logprob, GError **error)
{
  if (!engine_session_ready (writer->session, error))
    return FALSE;
  *ret_token = engine_sampler_pick (sampler, engine_session_logits (writer->session), ret_logprob);
  if (*ret_token >= 0)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "“%s” gives no finite numbers: its weights are damaged; verify or fetch it again",
               engine_session_model (writer->session)->info.path);
  return FALSE;
}

/* One token after the other until something ends it. */
static gboolean write_tokens (Writer *writer, EngineSampler *sampler, guint max_tokens,
                              EngineGeneration *result, gint64 started, GError **error)
{
  const EngineModel *model = engine_session_model (writer->session);
  result->stop = ENGINE_STOP_LENGTH;
  while (max_tokens == 0 || result->n_tokens < max_tokens)
    {
      gint32 token;
      double logprob;
      if (!pick (writer, sampler, &token, &logprob, error))
        return FALSE;
      if (result->n_tokens == 0)
        result->first_token_ms = (g_get_monotonic_time () - started) / 1e3;
      if (is_end (model, token))
        {
          result->stop = ENGINE_STOP_END;
          break;
        }
      if (!engine_session_push (writer->session, token))
        break;
      result->n_tokens++;
      writer->sum_logprob += logprob;
      hold (writer, model, token);
      if (!show (writer, FALSE))
        {
          result->stop = ENGINE_STOP_CALLER;
          return TRUE;
        }
    }
  if (!show (writer, TRUE))
    result->stop = ENGINE_STOP_CALLER;
  return TRUE;
}

gboolean engine_generate (EngineSession *session, const EngineSampling *sampling,
                          EnginePieceFunc func, gpointer user_data, EngineGeneration *ret_result,
                          GError **error)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (EngineSampler) sampler
      = engine_sampler_new (sampling, engine_session_model (session)->hyper.n_vocab);
  g_autoptr (GString) held = g_string_new (NULL);
  Writer writer = { .session = session, .func = func, .user_data = user_data, .held = held };
  EngineGeneration result = { 0 };
  if (!write_tokens (&writer, sampler, sampling->max_tokens, &result, started, error))
    return FALSE;
  if (result.n_tokens > 0)
    result.mean_logprob = writer.sum_logprob / result.n_tokens;
  result.total_ms = (g_get_monotonic_time () - started) / 1e3;
  if (ret_result)
    *ret_result = result;
  return TRUE;
}

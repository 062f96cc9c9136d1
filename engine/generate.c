/* Writes on after a prompt, handing out text as it is made.
 *
 * A session that has read its prompt comes in; pieces of text go to the caller one token at a
 * time, until the model ends its turn. A character may be spread over several tokens, so bytes
 * wait until they form whole characters: a terminal or a JSON writer never sees half of one. Where
 * the text seems to repeat something, the next tokens are read ahead (draft.c); each is still chosen
 * from its own logits, which are the same to the bit, so the text is too. */
#include "engine/session-private.h"

#include <string.h>

typedef struct
{
  EngineSession *session;
  EnginePieceFunc func;
  gpointer user_data;
  EngineDrafter *drafter; /* NULL: one token at a time */
  gsize n_guessed; /* tokens read ahead of which nothing is known yet */
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

/* Logits for the next token, and for those after it when they can be guessed. */
static gboolean read_on (Writer *writer, GError **error)
{
  gsize n_tokens;
  const gint32 *run = NULL, *tokens = engine_session_tokens (writer->session, &n_tokens);
  gint64 started = g_get_monotonic_time ();
  if (writer->drafter == NULL)
    return engine_session_ready (writer->session, error);
  writer->n_guessed = engine_drafter_guess (writer->drafter, tokens, n_tokens,
                                            engine_session_max_ahead (writer->session), &run);
  if (!engine_session_read_ahead (writer->session, run, writer->n_guessed, error))
    return FALSE;
  engine_drafter_learn_time (writer->drafter, writer->n_guessed,
                             (g_get_monotonic_time () - started) / 1e3);
  return TRUE;
}

/* TOKEN was chosen; whether it had been guessed. */
static gboolean check_guess (Writer *writer)
{
  if (writer->n_guessed == 0)
    return FALSE;
  gboolean came_true = engine_session_logits (writer->session) != NULL;
  engine_drafter_learn_guess (writer->drafter, came_true);
  writer->n_guessed = came_true ? writer->n_guessed - 1 : 0;
  return came_true;
}

static gboolean pick (Writer *writer, EngineSampler *sampler, gint32 *ret_token,
                      double *ret_logprob, GError **error)
{
  if (engine_session_logits (writer->session) == NULL && !read_on (writer, error))
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
      result->n_drafted += check_guess (writer);
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
  g_autoptr (EngineDrafter) drafter = sampling->no_drafts ? NULL : engine_drafter_new ();
  g_autoptr (GString) held = g_string_new (NULL);
  Writer writer = { .session = session,
                    .func = func,
                    .user_data = user_data,
                    .drafter = drafter,
                    .held = held };
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

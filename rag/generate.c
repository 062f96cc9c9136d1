/* Has the model read the prompt and answer it.
 *
 * In come the messages, out go the model's words and what its probabilities tell. Of what the
 * session has read for the last question, the common beginning is kept, so a conversation does not
 * read its instructions twice; what the model made of the instructions alone, which hold no word of
 * a user's, is kept on disk beside the models. Words go to the listener as they come, except while
 * they may still become the refusal sentence: a refusal is worded by refuse.c, not by the model. */
#include "rag/answer-private.h"

#include <string.h>

#define DEFAULT_ANSWER_TOKENS 200
/* People begin to wonder after about three seconds (Nielsen's limits are 1 and 10). */
#define READING_SECONDS 3.0
#define MIN_EVIDENCE_TOKENS 200
/* Small models answer no better from more: docs/answers.md. */
#define MAX_EVIDENCE_TOKENS 300
/* With a budget of the user's: two or three sentences, or as much as any context holds. */
#define MIN_BUDGET_TOKENS 64
/* Instructions, headings of the chat format, line breaks. */
#define PROMPT_OVERHEAD_TOKENS 80
#define MIN_CONTEXT 2048
#define MAX_CONTEXT 32768
/* A few words may well stand twice. */
#define MIN_REPEATED_BYTES 24
/* Shorter readings say more about start-up than about speed. */
#define MIN_TIMED_TOKENS 64

void rag_generation_clear (RagGeneration *generation)
{
  g_clear_pointer (&generation->text, g_free);
}

static guint answer_tokens (const RagAskOptions *options)
{
  return options->max_tokens > 0 ? options->max_tokens : DEFAULT_ANSWER_TOKENS;
}

/* Tokens of evidence that the model reads in time, ELAPSED_MS of which are over. */
static guint readable_tokens (const Rag *rag, const RagAskOptions *options, guint overhead,
                              double elapsed_ms)
{
  if (options->evidence_tokens > 0)
    return options->evidence_tokens;
  gboolean chosen = options->budget_seconds > 0;
  double seconds = (chosen ? options->budget_seconds : READING_SECONDS) - elapsed_ms / 1000;
  double readable = rag->prefill_tps * MAX (seconds, 0) - overhead;
  return (guint)CLAMP (readable, chosen ? MIN_BUDGET_TOKENS : MIN_EVIDENCE_TOKENS,
                       chosen ? MAX_CONTEXT : MAX_EVIDENCE_TOKENS);
}

EngineSession *rag_session_new (Rag *rag, const RagAskOptions *options, GError **error)
{
  GError *inner = NULL;
  const EngineModelInfo *info = engine_model_info (rag->generator);
  guint64 wanted = (guint64)MAX (readable_tokens (rag, options, 0, 0), MAX_EVIDENCE_TOKENS)
                   + answer_tokens (options) + MIN_CONTEXT / 2;
  guint limit = info->n_ctx_train > 0 ? MIN (info->n_ctx_train, MAX_CONTEXT) : MAX_CONTEXT;
  const EngineSessionOptions session_options
      = { .n_ctx = (guint)CLAMP (wanted, MIN (MIN_CONTEXT, limit), limit),
          .n_threads = rag->n_threads,
          .kv_type = rag->kv_type,
          .mem_limit_bytes = rag->mem_limit_bytes };
  EngineSession *session = engine_session_new (rag->generator, &session_options, &inner);
  if (session == NULL)
    rag_translate_error (error, inner);
  else if (rag->adapters != NULL)
    engine_session_set_adapters (session, (EngineAdapter *const *)rag->adapters->pdata,
                                 (const float *)(gconstpointer)rag->adapter_scales->data,
                                 rag->adapters->len, NULL); /* of this very generator */
  return session;
}

guint rag_evidence_budget (const Rag *rag, const EngineSession *session,
                           const RagAskOptions *options, const char *question,
                           double elapsed_ms)
{
  guint overhead
      = PROMPT_OVERHEAD_TOKENS + (guint)engine_count_tokens (rag->generator, question, -1);
  guint reserved = overhead + MIN (answer_tokens (options), engine_session_n_ctx (session) / 2);
  guint room = engine_session_n_ctx (session) > reserved ? engine_session_n_ctx (session) - reserved
                                                         : MIN_EVIDENCE_TOKENS;
  return MIN (readable_tokens (rag, options, overhead, elapsed_ms), room);
}

typedef struct
{
  const RagAskEvents *events;
  GString *text;
  gsize told;       /* bytes of TEXT that the listener has */
  gsize n_repeated; /* bytes at its end that say again what stands before them */
} Listener;

static gboolean is_stopped (const Listener *listener)
{
  return listener->events != NULL && listener->events->cancellable != NULL
         && g_cancellable_is_cancelled (listener->events->cancellable);
}

static gboolean on_read (gsize done, gsize total, gpointer user_data)
{
  Listener *listener = user_data;
  if (listener->events != NULL && listener->events->reading != NULL)
    listener->events->reading (done, total, listener->events->user_data);
  return !is_stopped (listener);
}

/* Small models may go round in circles: the length of what ends TEXT twice in a row, or 0. */
static gsize repeated_length (const GString *text)
{
  for (gsize n = MIN_REPEATED_BYTES; 2 * n <= text->len; n++)
    if (memcmp (text->str + text->len - n, text->str + text->len - 2 * n, n) == 0)
      return n;
  return 0;
}

static gboolean on_piece (const char *piece, gpointer user_data)
{
  Listener *listener = user_data;
  g_string_append (listener->text, piece);
  if (listener->events != NULL && listener->events->piece != NULL
      && !rag_may_become_refusal (listener->text->str) && !rag_is_refusal (listener->text->str))
    {
      listener->events->piece (listener->text->str + listener->told, listener->events->user_data);
      listener->told = listener->text->len;
    }
  listener->n_repeated = repeated_length (listener->text);
  return listener->n_repeated == 0 && !is_stopped (listener);
}

/* Keeps what SESSION and TOKENS have in common; at least one token must be read to get logits. */
static gsize rewind_to_common (EngineSession *session, const GArray *tokens)
{
  gsize n_read, common = 0;
  const gint32 *read = engine_session_tokens (session, &n_read);
  const gint32 *wanted = (const gint32 *)tokens->data;
  while (common < n_read && common + 1 < tokens->len && read[common] == wanted[common])
    common++;
  engine_session_rewind (session, common);
  return common;
}

static GArray *chat_tokens (Rag *rag, const char *system, const char *user, GError **error)
{
  const EngineMessage messages[]
      = { { .role = "system", .text = system }, { .role = "user", .text = user } };
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  GError *inner = NULL;
  if (engine_chat_tokens (rag->generator, messages, G_N_ELEMENTS (messages), tokens, &inner))
    return g_steal_pointer (&tokens);
  rag_translate_error (error, inner);
  return NULL;
}

static gsize common_length (const GArray *a, const GArray *b)
{
  gsize n = 0;
  while (n < a->len && n < b->len && g_array_index (a, gint32, n) == g_array_index (b, gint32, n))
    n++;
  return n;
}

/* Reads the part of TOKENS that is the same for every question, by itself so that an answer does not
 * depend on whether it was kept; returns its length, 0 when nothing was read. */
static gsize read_instructions (Rag *rag, EngineSession *session, const RagPrompt *prompt,
                                const GArray *tokens, gboolean *ret_kept)
{
  if (rag->models_dir == NULL || prompt->n_fixed == 0)
    return 0;
  g_autofree char *folder = g_build_filename (rag->models_dir, "prefixes", NULL);
  g_autofree char *fixed = g_strndup (prompt->user, prompt->n_fixed);
  g_autoptr (GArray) bare = chat_tokens (rag, prompt->system, fixed, NULL);
  gsize n = bare != NULL ? common_length (tokens, bare) : 0;
  gboolean ok = n > 0 && n < tokens->len
                && engine_session_read_prefix (session, (const gint32 *)tokens->data, n, folder,
                                               ret_kept, NULL);
  return ok ? n : 0;
}

/* Reads the prompt. TRUE with ret_generation->stopped when the user stopped it. ret_tps: tokens per
 * second, 0 when that cannot be told. */
static gboolean read_prompt (Rag *rag, EngineSession *session, const RagPrompt *prompt,
                             Listener *listener, RagGeneration *generation, double *ret_tps,
                             GError **error)
{
  GError *inner = NULL;
  g_autoptr (GArray) tokens = chat_tokens (rag, prompt->system, prompt->user, error);
  if (tokens == NULL)
    return FALSE;
  gint64 start_us = g_get_monotonic_time ();
  gsize kept = rewind_to_common (session, tokens);
  gboolean reused = kept > 0;
  if (!reused)
    kept = read_instructions (rag, session, prompt, tokens, &reused);
  generation->prompt_tokens = tokens->len;
  generation->reused_tokens = reused ? (guint)kept : 0;
  gint64 rest_us = g_get_monotonic_time ();
  gboolean ok = engine_session_read (session, (const gint32 *)tokens->data + kept,
                                     tokens->len - kept, on_read, listener, &inner);
  generation->prefill_ms = rag_milliseconds_since (start_us);
  const gsize n_timed = tokens->len - kept;
  *ret_tps = ok && n_timed >= MIN_TIMED_TOKENS
                 ? (double)n_timed * 1000 / MAX (rag_milliseconds_since (rest_us), 1)
                 : 0;
  if (ok)
    return TRUE;
  generation->stopped = g_error_matches (inner, ENGINE_ERROR, ENGINE_ERROR_CANCELLED);
  if (!generation->stopped)
    return rag_translate_error (error, inner);
  g_error_free (inner);
  return TRUE;
}

gboolean rag_generate (Rag *rag, EngineSession *session, const RagPrompt *prompt,
                       const RagAskOptions *options, const RagAskEvents *events,
                       RagGeneration *ret_generation, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Listener listener = { .events = events, .text = text };
  RagGeneration generation = { 0 };
  EngineGeneration result;
  GError *inner = NULL;
  double tps;
  if (!read_prompt (rag, session, prompt, &listener, &generation, &tps, error))
    return FALSE;
  if (!generation.stopped)
    {
      const EngineSampling sampling = { .temperature = options->temperature,
                                        .top_p = 0.95f,
                                        .min_p = 0.05f,
                                        .seed = options->seed,
                                        .max_tokens = answer_tokens (options) };
      if (!engine_generate (session, &sampling, on_piece, &listener, &result, &inner))
        return rag_translate_error (error, inner);
      generation.first_token_ms = generation.prefill_ms + result.first_token_ms;
      generation.generated_tokens = result.n_tokens;
      generation.drafted_tokens = result.n_drafted;
      generation.mean_logprob = result.mean_logprob;
      g_string_truncate (text, text->len - listener.n_repeated);
      generation.stopped = result.stop == ENGINE_STOP_CALLER && listener.n_repeated == 0;
      generation.cut = result.stop == ENGINE_STOP_LENGTH;
    }
  /* Only now: nobody waits for it any more. */
  if (tps > 0)
    rag_learn_speed (rag, tps, !rag_is_private (rag, options->collection));
  generation.text = g_strdup (text->str);
  *ret_generation = generation;
  return TRUE;
}

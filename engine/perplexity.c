/* How well a model foresees a text, as the number of equally likely tokens it hesitates between.
 *
 * A text comes in and one figure goes out, with its uncertainty: it shows what quantising or
 * pruning has cost. The text is cut into pieces of one context each; the first half of a piece is
 * only read, so that every token of the second half is judged with enough before it. Cutting and
 * counting follow llama.cpp's perplexity tool, so that figures can be laid side by side. */
#include "engine/kernels/matmul-private.h"
#include "engine/session-private.h"

#include <math.h>

#define USUAL_PIECE 512
/* Tokens whose logits exist at a time: a vocabulary of 262,144 makes a megabyte of each. */
#define SCORED_AT_ONCE 32

typedef struct
{
  EngineSession *session;
  GArray *tokens; /* of gint32: the whole text */
  gsize piece;    /* tokens of one piece */
  float *logits;  /* [SCORED_AT_ONCE, n_vocab] */
  double sum, sum_of_squares;
  gsize n_scored;
  EngineProgressFunc progress;
  gpointer user_data;
} Judge;

/* -ln of the probability that LOGITS give TOKEN. */
static double surprise (const float *logits, gsize n_vocab, gint32 token)
{
  const EngineKernels *kernels = engine_kernels ();
  float largest = kernels->attention->max (logits, n_vocab);
  double sum = 0;
  for (gsize i = 0; i < n_vocab; i++)
    sum += expf (logits[i] - largest);
  return log (sum) - (logits[token] - largest);
}

/* Scores what follows each of the N tokens at BEGIN. */
static gboolean score_tokens (Judge *judge, const gint32 *tokens, gsize n, GError **error)
{
  gsize n_vocab = engine_session_model (judge->session)->hyper.n_vocab;
  if (!engine_session_read_all (judge->session, tokens, n, judge->logits, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      double value = surprise (judge->logits + i * n_vocab, n_vocab, tokens[i + 1]);
      judge->sum += value;
      judge->sum_of_squares += value * value;
    }
  judge->n_scored += n;
  return TRUE;
}

static gboolean score_piece (Judge *judge, const gint32 *tokens, GError **error)
{
  gsize pos = judge->piece / 2, last = judge->piece - 1;
  engine_session_rewind (judge->session, 0);
  if (!engine_session_read (judge->session, tokens, pos, NULL, NULL, error))
    return FALSE;
  for (; pos < last; pos += MIN (SCORED_AT_ONCE, last - pos))
    if (!score_tokens (judge, tokens + pos, MIN (SCORED_AT_ONCE, last - pos), error))
      return FALSE;
  return TRUE;
}

/* Pieces begin with the token that begins every text of this model, where it has one. */
static gboolean score_all (Judge *judge, GError **error)
{
  const EngineTokenizer *tokenizer = engine_session_model (judge->session)->tokenizer;
  gint32 *tokens = (gint32 *)(gpointer)judge->tokens->data;
  gsize total = judge->tokens->len / judge->piece * judge->piece;
  for (gsize begin = 0; begin < total; begin += judge->piece)
    {
      if (judge->progress && !judge->progress (begin, total, judge->user_data))
        {
          g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "stopped");
          return FALSE;
        }
      if (engine_tokenizer_adds_bos (tokenizer) && engine_tokenizer_bos (tokenizer) >= 0)
        tokens[begin] = engine_tokenizer_bos (tokenizer);
      if (!score_piece (judge, tokens + begin, error))
        return FALSE;
    }
  return TRUE;
}

static EnginePerplexity conclude (const Judge *judge)
{
  double n = judge->n_scored, mean = judge->sum / n;
  double variance = fmax (judge->sum_of_squares / n - mean * mean, 0);
  EnginePerplexity result = { .n_tokens = judge->tokens->len / judge->piece * judge->piece,
                              .n_scored = judge->n_scored,
                              .perplexity = exp (mean),
                              .mean_surprise = mean };
  result.uncertainty = n > 1 ? sqrt (variance / (n - 1)) * result.perplexity : 0;
  return result;
}

static gboolean tokenize_text (Judge *judge, const EngineModel *model, const char *text,
                               gssize length, gsize max_tokens, GError **error)
{
  if (!engine_tokenize (model, text, length, ENGINE_TOKENIZE_ADD_SPECIAL, judge->tokens, error))
    return FALSE;
  if (max_tokens > 0 && judge->tokens->len > max_tokens)
    g_array_set_size (judge->tokens, max_tokens);
  if (judge->tokens->len >= judge->piece)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
               "the text has %u tokens, and %" G_GSIZE_FORMAT " are needed to judge a model",
               judge->tokens->len, judge->piece);
  return FALSE;
}

gboolean engine_perplexity (EngineModel *model, const EngineSessionOptions *options,
                            const char *text, gssize length, gsize max_tokens,
                            EngineProgressFunc progress, gpointer user_data,
                            EnginePerplexity *ret_perplexity, GError **error)
{
  EngineSessionOptions own = *options;
  if (own.n_ctx == 0)
    own.n_ctx = MIN (USUAL_PIECE, model->hyper.n_ctx_train);
  g_autoptr (EngineSession) session = engine_session_new (model, &own, error);
  if (session == NULL)
    return FALSE;
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autofree float *logits = g_new (float, (gsize)SCORED_AT_ONCE *model->hyper.n_vocab);
  Judge judge = { .session = session,
                  .tokens = tokens,
                  .piece = own.n_ctx,
                  .logits = logits,
                  .progress = progress,
                  .user_data = user_data };
  if (own.n_ctx < 4)
    {
      g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                           "a perplexity needs a context of 4 tokens at the least");
      return FALSE;
    }
  if (!tokenize_text (&judge, model, text, length, max_tokens, error) || !score_all (&judge, error))
    return FALSE;
  *ret_perplexity = conclude (&judge);
  return TRUE;
}

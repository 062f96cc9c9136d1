/* Measures on the user's own documents which weights matter, so that rounding can spare those.
 *
 * Texts run through the model as they would in use. The error that a rounded weight makes is its
 * rounding error times what it is multiplied with; so the mean square of each input of a matrix is
 * the weight of its column's errors (the "importance matrix" of the ggml project). An observer of
 * the forward pass sums the squares, matrix by matrix; a matrix is known by where its weights begin
 * in the file. */
#include "engine/importance-private.h"

#include <math.h>
#include <string.h>

#include "engine/encoder-private.h"
#include "engine/session-private.h"

/* Positions of a generator's context while measuring. */
#define PIECE 512
/* Fewer tokens than this say more about chance than about the documents. */
#define MIN_TOKENS 64
/* No column counts for less than this share of the average: another text may need it. */
#define FLOOR 1e-3f

typedef struct
{
  gsize n_cols;
  guint64 n_tokens;
  double *squares;  /* [n_cols] */
  float *share;     /* [n_cols], once finished */
} Column;

struct _EngineImportance
{
  GHashTable *columns; /* data -> Column */
};

static void column_free (gpointer data)
{
  Column *column = data;
  g_free (column->squares);
  g_free (column->share);
  g_free (column);
}

void engine_importance_free (EngineImportance *importance)
{
  if (importance == NULL)
    return;
  g_hash_table_unref (importance->columns);
  g_free (importance);
}

/* ---- Summing -------------------------------------------------------------------------------- */

static void observe (const EngineMatrix *w, const float *x, gsize x_stride, gsize n_tokens,
                     gpointer user_data)
{
  EngineImportance *importance = user_data;
  Column *column = g_hash_table_lookup (importance->columns, w->data);
  if (column == NULL)
    {
      column = g_new0 (Column, 1);
      column->n_cols = w->n_cols;
      column->squares = g_new0 (double, w->n_cols);
      g_hash_table_insert (importance->columns, (gpointer)w->data, column);
    }
  column->n_tokens += n_tokens;
  for (gsize t = 0; t < n_tokens; t++, x += x_stride)
    for (gsize i = 0; i < w->n_cols; i++)
      column->squares[i] += (double)x[i] * x[i];
}

static void finish (gpointer key, gpointer value, gpointer user_data)
{
  Column *column = value;
  double sum = 0;
  column->share = g_new (float, column->n_cols);
  for (gsize i = 0; i < column->n_cols; i++)
    sum += column->squares[i];
  double mean = sum / column->n_cols;
  for (gsize i = 0; i < column->n_cols; i++)
    column->share[i] = mean > 0 ? MAX ((float)(column->squares[i] / mean), FLOOR) : 1;
  g_clear_pointer (&column->squares, g_free);
}

const float *engine_importance_find (const EngineImportance *importance, const guint8 *data)
{
  const Column *column = g_hash_table_lookup (importance->columns, data);
  return column ? column->share : NULL;
}

/* ---- Running -------------------------------------------------------------------------------- */

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
  g_autofree float *logits = g_new (float, block * n_vocab);
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

static gboolean collect_generator (EngineImportance *importance, EngineModel *model,
                                   const GArray *tokens, EngineProgressFunc progress,
                                   gpointer user_data, GError **error)
{
  guint n_ctx = MIN (PIECE, model->hyper.n_ctx_train);
  EngineDecoder *decoder
      = engine_decoder_new (model, n_ctx, ENGINE_KV_F16, engine_n_processors (), error);
  if (decoder == NULL)
    return FALSE;
  decoder->graph.observe = observe;
  decoder->graph.observe_data = importance;
  gboolean ok = run_decoder (decoder, (const gint32 *)(gpointer)tokens->data, tokens->len,
                             progress, user_data, error);
  engine_decoder_free (decoder);
  return ok;
}

static gboolean collect_encoder (EngineImportance *importance, EngineModel *model, GArray *tokens,
                                 EngineProgressFunc progress, gpointer user_data, GError **error)
{
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, 0, error);
  if (encoder == NULL)
    return FALSE;
  encoder->graph.observe = observe;
  encoder->graph.observe_data = importance;
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

EngineImportance *engine_importance_collect (EngineModel *model, const char *const *texts,
                                             gsize n_texts, gsize max_tokens,
                                             EngineProgressFunc progress, gpointer user_data,
                                             GError **error)
{
  g_autoptr (GArray) tokens = all_tokens (model, texts, n_texts, max_tokens, error);
  if (tokens == NULL)
    return NULL;
  if (tokens->len < MIN_TOKENS && !too_little (tokens->len, error))
    return NULL;
  g_autoptr (EngineImportance) importance = g_new0 (EngineImportance, 1);
  importance->columns = g_hash_table_new_full (NULL, NULL, NULL, column_free);
  gboolean ok = model->info.role == ENGINE_ROLE_GENERATOR
                    ? collect_generator (importance, model, tokens, progress, user_data, error)
                    : collect_encoder (importance, model, tokens, progress, user_data, error);
  if (!ok)
    return NULL;
  g_hash_table_foreach (importance->columns, finish, NULL);
  return g_steal_pointer (&importance);
}

/* Turns texts into vectors that stand close together when the texts mean the same, and pairs of a
 * query and a text into scores.
 *
 * Texts come in, one row or one score per text goes out, in their order. Texts are tokenised,
 * sorted by length and packed one after the other into batches of a few thousand tokens: no
 * padding is computed, weights are unpacked once per batch, and memory stays the same however many
 * texts there are. */
#include "engine/encoder-private.h"

#include <string.h>

/* Enough that unpacking weights no longer shows; a few dozen megabytes of activations. */
#define BATCH_TOKENS 2048
/* Texts that are tokenised and sorted at a time. */
#define SLICE_TEXTS 512

/* One text or pair, ready to be packed. */
typedef struct
{
  gsize index;
  GArray *tokens; /* of gint32 */
  guint n_first;  /* tokens of type 0, the others are of type 1 */
} Item;

/* Makes ITEM's tokens from text I. */
typedef gboolean (*PrepareFunc) (EngineEncoder *encoder, gsize i, Item *item,
                                 gconstpointer user_data, GError **error);
/* One row of results per sequence. */
typedef gboolean (*RunFunc) (EngineEncoder *encoder, const EnginePacked *packed, float *ret_rows,
                             GError **error);

static void clear_item (gpointer data)
{
  g_array_unref (((Item *)data)->tokens);
}

static int compare_lengths (gconstpointer a, gconstpointer b)
{
  const Item *first = a, *second = b;
  if (first->tokens->len != second->tokens->len)
    return first->tokens->len < second->tokens->len ? -1 : 1;
  return first->index < second->index ? -1 : 1;
}

/* ---- Batches -------------------------------------------------------------------------------- */

/* Items [begin, end) in one run; rows go to the places of their texts. */
static gboolean run_batch (EngineEncoder *encoder, const GArray *items, gsize begin, gsize end,
                           RunFunc run, gsize width, float *ret_rows, GError **error)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GByteArray) types = g_byte_array_new ();
  g_autofree guint *lengths = g_new (guint, end - begin);
  g_autofree float *rows = g_new (float, (end - begin) * width);
  for (gsize i = begin; i < end; i++)
    {
      const Item *item = &g_array_index (items, Item, i);
      guint first = types->len;
      lengths[i - begin] = item->tokens->len;
      g_array_append_vals (tokens, item->tokens->data, item->tokens->len);
      g_byte_array_set_size (types, first + item->tokens->len);
      memset (types->data + first, 0, item->n_first);
      memset (types->data + first + item->n_first, 1, item->tokens->len - item->n_first);
    }
  EnginePacked packed
      = { (const gint32 *)(gpointer)tokens->data, types->data, lengths, end - begin };
  if (!run (encoder, &packed, rows, error))
    return FALSE;
  for (gsize i = begin; i < end; i++)
    memcpy (ret_rows + g_array_index (items, Item, i).index * width, rows + (i - begin) * width,
            width * sizeof (float));
  return TRUE;
}

/* First item that does not fit into a batch with BEGIN. */
static gsize end_of_batch (const GArray *items, gsize begin)
{
  gsize end = begin, n_tokens = 0;
  do
    n_tokens += g_array_index (items, Item, end++).tokens->len;
  while (end < items->len
         && n_tokens + g_array_index (items, Item, end).tokens->len <= BATCH_TOKENS);
  return end;
}

static gboolean run_slice (EngineEncoder *encoder, GArray *items, RunFunc run, gsize width,
                           float *ret_rows, GCancellable *cancellable, GError **error)
{
  g_array_sort (items, compare_lengths);
  for (gsize begin = 0, end; begin < items->len; begin = end)
    {
      end = end_of_batch (items, begin);
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "encoding was stopped");
          return FALSE;
        }
      if (!run_batch (encoder, items, begin, end, run, width, ret_rows, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean run_all (EngineEncoder *encoder, gsize n_texts, PrepareFunc prepare,
                         gconstpointer user_data, RunFunc run, gsize width, float *ret_rows,
                         GCancellable *cancellable, GError **error)
{
  gsize n_numbers = n_texts * width;
  g_autofree float *rows = g_new (float, n_numbers);
  for (gsize begin = 0; begin < n_texts; begin += SLICE_TEXTS)
    {
      g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
      g_array_set_clear_func (items, clear_item);
      for (gsize i = begin; i < MIN (begin + SLICE_TEXTS, n_texts); i++)
        {
          Item item = { .index = i, .tokens = g_array_new (FALSE, FALSE, sizeof (gint32)) };
          g_array_append_val (items, item);
          if (!prepare (encoder, i, &g_array_index (items, Item, items->len - 1), user_data, error))
            return FALSE;
        }
      if (!run_slice (encoder, items, run, width, rows, cancellable, error))
        return FALSE;
    }
  memcpy (ret_rows, rows, n_numbers * sizeof (float));
  return TRUE;
}

/* ---- Vectors -------------------------------------------------------------------------------- */

typedef struct
{
  const char *prefix;
  const char *const *texts;
} Texts;

/* Cuts the middle: special tokens at the end stay. */
static void cut (const EngineModel *model, GArray *tokens)
{
  guint max_tokens = model->hyper.max_tokens;
  if (tokens->len <= max_tokens)
    return;
  gint32 last = g_array_index (tokens, gint32, tokens->len - 1);
  g_array_set_size (tokens, max_tokens);
  if (engine_tokenizer_is_special (model->tokenizer, last))
    g_array_index (tokens, gint32, max_tokens - 1) = last;
}

static gboolean prepare_text (EngineEncoder *encoder, gsize i, Item *item, gconstpointer user_data,
                              GError **error)
{
  const Texts *texts = user_data;
  g_autofree char *whole = g_strconcat (texts->prefix, texts->texts[i], NULL);
  if (!engine_tokenize (encoder->model, whole, -1, ENGINE_TOKENIZE_ADD_SPECIAL, item->tokens,
                        error))
    return FALSE;
  cut (encoder->model, item->tokens);
  if (item->tokens->len == 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "text %" G_GSIZE_FORMAT " of those to encode is empty", i + 1);
      return FALSE;
    }
  item->n_first = item->tokens->len;
  return TRUE;
}

static gboolean run_embed (EngineEncoder *encoder, const EnginePacked *packed, float *ret_rows,
                           GError **error)
{
  return engine_encoder_embed (encoder, packed, ret_rows, NULL, error);
}

gboolean engine_encode (EngineEncoder *encoder, EngineTextKind kind, const char *const *texts,
                        gsize n_texts, float *ret_vectors, GCancellable *cancellable,
                        GError **error)
{
  Texts input
      = { kind == ENGINE_TEXT_QUERY ? encoder->query_prefix : encoder->passage_prefix, texts };
  if (encoder->model->info.role != ENGINE_ROLE_ENCODER)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "“%s” is a reranker and makes no embeddings; choose an encoder",
                   encoder->model->info.path);
      return FALSE;
    }
  return run_all (encoder, n_texts, prepare_text, &input, run_embed, encoder->dimension,
                  ret_vectors, cancellable, error);
}

/* ---- Scores --------------------------------------------------------------------------------- */

typedef struct
{
  GArray *query; /* its tokens */
  const char *const *texts;
} Pairs;

static void append_special (GArray *tokens, gint32 token)
{
  if (token >= 0)
    g_array_append_val (tokens, token);
}

/* BERT: [CLS] query [SEP] text [SEP], the text being of type 1. XLM-RoBERTa: <s> query </s></s>
 * text </s>. The text is cut, never the query. */
static gboolean prepare_pair (EngineEncoder *encoder, gsize i, Item *item, gconstpointer user_data,
                              GError **error)
{
  const Pairs *pairs = user_data;
  const EngineTokenizer *tokenizer = encoder->model->tokenizer;
  gint32 sep = engine_tokenizer_sep (tokenizer);
  append_special (item->tokens, engine_tokenizer_cls (tokenizer));
  g_array_append_vals (item->tokens, pairs->query->data, pairs->query->len);
  append_special (item->tokens, sep);
  if (strcmp (engine_tokenizer_kind (tokenizer), "bert") != 0)
    append_special (item->tokens, sep);
  item->n_first = item->tokens->len;
  if (!engine_tokenize (encoder->model, pairs->texts[i], -1, ENGINE_TOKENIZE_PLAIN, item->tokens,
                        error))
    return FALSE;
  append_special (item->tokens, sep);
  cut (encoder->model, item->tokens);
  return TRUE;
}

gboolean engine_rerank (EngineEncoder *reranker, const char *query, const char *const *texts,
                        gsize n_texts, float *ret_scores, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) query_tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  Pairs pairs = { query_tokens, texts };
  if (reranker->model->info.role != ENGINE_ROLE_RERANKER)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "“%s” is an encoder and scores no pairs; choose a reranker",
                   reranker->model->info.path);
      return FALSE;
    }
  if (!engine_tokenize (reranker->model, query, -1, ENGINE_TOKENIZE_PLAIN, query_tokens, error))
    return FALSE;
  /* Half of what the model reads is left to the text, however long the query. */
  g_array_set_size (query_tokens, MIN (query_tokens->len, reranker->model->hyper.max_tokens / 2));
  return run_all (reranker, n_texts, prepare_pair, &pairs, engine_encoder_score, 1, ret_scores,
                  cancellable, error);
}

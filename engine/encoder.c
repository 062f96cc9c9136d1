/* Turns texts into vectors that stand close together when the texts mean the same.
 *
 * Texts come in, one L2-normalised row per text goes out. Texts are sorted by length and packed
 * one after the other into batches of a few thousand tokens: no padding is computed, the weights
 * are unpacked once per batch, and memory stays the same however many texts there are. */
#include "engine/encoder-private.h"

#include <math.h>
#include <string.h>

/* Enough that unpacking weights no longer shows; a few megabytes of activations. */
#define BATCH_TOKENS 2048

struct _EngineEncoder
{
  EngineModel *model;
  EnginePool *pool;
  EngineGraph graph;
  char *query_prefix, *passage_prefix;
  char *fingerprint;
  guint dimension, window;
};

/* ---- Open -------------------------------------------------------------------------------------- */

/* What a family was trained to see before texts; by name, because the files do not say. Sources:
 * the models' cards. */
static const struct
{
  const char *name; /* part of general.name, in lower case */
  const char *query, *passage;
} PREFIXES[] = {
  { "e5", "query: ", "passage: " },
  { "nomic", "search_query: ", "search_document: " },
  { "bge-small-en", "Represent this sentence for searching relevant passages: ", "" },
  { "bge-base-en", "Represent this sentence for searching relevant passages: ", "" },
  { "bge-large-en", "Represent this sentence for searching relevant passages: ", "" },
};

static char *read_prefix (const EngineModel *model, gboolean query)
{
  EngineGgufString prefix;
  const char *key = query ? "docent.query_prefix" : "docent.passage_prefix";
  if (engine_gguf_get_string (model->gguf, key, &prefix) && prefix.length < 1000)
    return g_utf8_make_valid (prefix.data, prefix.length);
  g_autofree char *name = g_ascii_strdown (model->name, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (PREFIXES); i++)
    if (strstr (name, PREFIXES[i].name))
      return g_strdup (query ? PREFIXES[i].query : PREFIXES[i].passage);
  return g_strdup ("");
}

/* The name and a digest over 64 kB at 16 places of the file: another file of the same size and name
 * is noticed without reading all of it. */
static char *make_fingerprint (const EngineModel *model)
{
  gsize n_bytes;
  const guint8 *bytes = engine_gguf_bytes (model->gguf, &n_bytes);
  const gsize piece = 4096, n_pieces = 16;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  for (gsize i = 0; i < n_pieces; i++)
    {
      gsize begin = n_bytes > piece ? (n_bytes - piece) / (n_pieces - 1) * i : 0;
      g_checksum_update (checksum, bytes + begin, MIN (piece, n_bytes - begin));
    }
  return g_strdup_printf ("%s %.16s", model->name, g_checksum_get_string (checksum));
}

static guint dimension_of (const EngineModel *model)
{
  const EngineWeights *weights = &model->weights;
  return weights->dense_3.data   ? weights->dense_3.n_rows
         : weights->dense_2.data ? weights->dense_2.n_rows
                                 : model->hyper.n_embd;
}

EngineEncoder *engine_encoder_new (EngineModel *model, guint n_threads, GError **error)
{
  if (model->info.role == ENGINE_ROLE_GENERATOR)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "“%s” is a generator and makes no embeddings; choose an encoder",
                   model->info.path);
      return NULL;
    }
  EngineEncoder *encoder = g_new0 (EngineEncoder, 1);
  encoder->model = engine_model_ref (model);
  encoder->pool = engine_pool_new (n_threads ? n_threads : engine_n_processors ());
  engine_graph_init (&encoder->graph, model, encoder->pool, model->hyper.n_ctx_train);
  encoder->dimension = dimension_of (model);
  encoder->query_prefix = read_prefix (model, TRUE);
  encoder->passage_prefix = read_prefix (model, FALSE);
  encoder->fingerprint = make_fingerprint (model);
  gsize n_prefix = 0;
  if (model->tokenizer)
    n_prefix = 2 + engine_count_tokens (model, encoder->passage_prefix, -1);
  encoder->window = model->hyper.max_tokens > n_prefix ? model->hyper.max_tokens - n_prefix : 1;
  return encoder;
}

void engine_encoder_free (EngineEncoder *encoder)
{
  if (encoder == NULL)
    return;
  engine_graph_clear (&encoder->graph);
  engine_pool_free (encoder->pool);
  engine_model_unref (encoder->model);
  g_free (encoder->query_prefix);
  g_free (encoder->passage_prefix);
  g_free (encoder->fingerprint);
  g_free (encoder);
}

guint engine_encoder_dimension (const EngineEncoder *encoder)
{
  return encoder->dimension;
}

guint engine_encoder_window (const EngineEncoder *encoder)
{
  return encoder->window;
}

const char *engine_encoder_fingerprint (const EngineEncoder *encoder)
{
  return encoder->fingerprint;
}

/* ---- Token ids to vectors ---------------------------------------------------------------------- */

static const float *run_packed (EngineEncoder *encoder, const gint32 *tokens,
                                const guint8 *token_types, const guint *lengths,
                                gsize n_sequences, GError **error)
{
  EngineBatch batch = { .tokens = tokens, .token_types = token_types, .lengths = lengths,
                        .n_sequences = n_sequences };
  for (gsize i = 0; i < n_sequences; i++)
    batch.n_tokens += lengths[i];
  batch.n_out = batch.n_tokens;
  if (!engine_graph_reserve (&encoder->graph, batch.n_tokens, error))
    return NULL;
  return engine_graph_run (&encoder->graph, &batch);
}

/* y = W·x (+ bias), one row. */
static void apply_linear (EngineEncoder *encoder, const EngineMatrix *w, const float *bias,
                          const float *x, float *y)
{
  engine_matmul (encoder->pool, w, bias, x, w->n_cols, 1, y, w->n_rows);
}

static void finish_vector (EngineEncoder *encoder, const float *pooled, float *ret_vec)
{
  const EngineWeights *weights = &encoder->model->weights;
  gsize n_embd = encoder->model->hyper.n_embd;
  if (!weights->dense_2.data)
    {
      memcpy (ret_vec, pooled, n_embd * sizeof (float));
      return;
    }
  g_autofree float *middle = g_new (float, weights->dense_2.n_rows);
  apply_linear (encoder, &weights->dense_2, NULL, pooled,
                weights->dense_3.data ? middle : ret_vec);
  if (weights->dense_3.data)
    apply_linear (encoder, &weights->dense_3, NULL, middle, ret_vec);
}

gboolean engine_encoder_run (EngineEncoder *encoder, const gint32 *tokens,
                             const guint8 *token_types, const guint *lengths, gsize n_sequences,
                             float *ret_vectors, float *ret_norms, GError **error)
{
  gsize n_embd = encoder->model->hyper.n_embd;
  const float *hidden = run_packed (encoder, tokens, token_types, lengths, n_sequences, error);
  if (hidden == NULL)
    return FALSE;
  g_autofree float *pooled = g_new (float, n_embd);
  for (gsize i = 0; i < n_sequences; hidden += lengths[i++] * n_embd)
    {
      float *vec = ret_vectors + i * encoder->dimension;
      engine_pool (encoder->model->hyper.pooling, hidden, lengths[i], n_embd, pooled);
      finish_vector (encoder, pooled, vec);
      float norm = engine_normalise (vec, encoder->dimension);
      if (ret_norms)
        ret_norms[i] = norm;
    }
  return TRUE;
}

const float *engine_encoder_hidden (EngineEncoder *encoder, const gint32 *tokens,
                                    const guint8 *token_types, guint n_tokens, GError **error)
{
  return run_packed (encoder, tokens, token_types, &n_tokens, 1, error);
}

gboolean engine_encoder_score (EngineEncoder *encoder, const gint32 *tokens,
                               const guint8 *token_types, guint n_tokens, float *ret_score,
                               GError **error)
{
  const EngineModel *model = encoder->model;
  if (model->info.role != ENGINE_ROLE_RERANKER)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT, "“%s” is not a reranker",
                   model->info.path);
      return FALSE;
    }
  const float *hidden = run_packed (encoder, tokens, token_types, &n_tokens, 1, error);
  if (hidden == NULL)
    return FALSE;
  const EngineLinear *pooler = &model->weights.pooler, *classifier = &model->weights.classifier;
  g_autofree float *pooled = g_new (float, pooler->w.n_rows);
  g_autofree float *scores = g_new (float, classifier->w.n_rows);
  apply_linear (encoder, &pooler->w, pooler->bias, hidden, pooled);
  for (gsize i = 0; i < pooler->w.n_rows; i++)
    pooled[i] = tanhf (pooled[i]);
  apply_linear (encoder, &classifier->w, classifier->bias, pooled, scores);
  *ret_score = scores[0];
  return TRUE;
}

/* ---- Texts to vectors -------------------------------------------------------------------------- */

typedef struct
{
  gsize index; /* of the text */
  GArray *tokens;
} Item;

static void clear_item (gpointer data)
{
  g_clear_pointer (&((Item *)data)->tokens, g_array_unref);
}

static int compare_lengths (gconstpointer a, gconstpointer b)
{
  const Item *x = a, *y = b;
  if (x->tokens->len != y->tokens->len)
    return x->tokens->len < y->tokens->len ? -1 : 1;
  return (x->index > y->index) - (x->index < y->index);
}

/* Prefix, text and specials, cut so that the closing special stays. */
static GArray *tokens_of (const EngineEncoder *encoder, EngineTextKind kind, const char *text)
{
  const EngineModel *model = encoder->model;
  const char *prefix
      = kind == ENGINE_TEXT_QUERY ? encoder->query_prefix : encoder->passage_prefix;
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *whole = g_strconcat (prefix, valid, NULL);
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  /* Cannot fail: the text is valid UTF-8. */
  engine_tokenize (model, whole, -1, ENGINE_TOKENIZE_ADD_SPECIAL, tokens, NULL);
  guint max_tokens = model->hyper.max_tokens;
  if (tokens->len > max_tokens)
    {
      gint32 last = g_array_index (tokens, gint32, tokens->len - 1);
      g_array_set_size (tokens, max_tokens);
      if (engine_tokenizer_is_special (model->tokenizer, last))
        g_array_index (tokens, gint32, max_tokens - 1) = last;
    }
  if (tokens->len == 0)
    {
      gint32 any = MAX (0, engine_tokenizer_eos (model->tokenizer));
      g_array_append_val (tokens, any);
    }
  return tokens;
}

/* Items [begin, end) in one run. */
static gboolean encode_batch (EngineEncoder *encoder, const GArray *items, gsize begin, gsize end,
                              float *ret_vectors, GError **error)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autofree guint *lengths = g_new (guint, end - begin);
  g_autofree float *vectors = g_new (float, (end - begin) * encoder->dimension);
  for (gsize i = begin; i < end; i++)
    {
      const Item *item = &g_array_index (items, Item, i);
      lengths[i - begin] = item->tokens->len;
      g_array_append_vals (tokens, item->tokens->data, item->tokens->len);
    }
  if (!engine_encoder_run (encoder, (const gint32 *)(gpointer)tokens->data, NULL, lengths,
                           end - begin, vectors, NULL, error))
    return FALSE;
  for (gsize i = begin; i < end; i++)
    memcpy (ret_vectors + g_array_index (items, Item, i).index * encoder->dimension,
            vectors + (i - begin) * encoder->dimension, encoder->dimension * sizeof (float));
  return TRUE;
}

gboolean engine_encode (EngineEncoder *encoder, EngineTextKind kind, const char *const *texts,
                        gsize n_texts, float *ret_vectors, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (GArray) items = g_array_sized_new (FALSE, FALSE, sizeof (Item), n_texts);
  g_array_set_clear_func (items, clear_item);
  for (gsize i = 0; i < n_texts; i++)
    {
      Item item = { i, tokens_of (encoder, kind, texts[i]) };
      g_array_append_val (items, item);
    }
  g_array_sort (items, compare_lengths);
  for (gsize begin = 0, end = 0; begin < n_texts; begin = end)
    {
      gsize n_tokens = 0;
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "encoding was stopped");
          return FALSE;
        }
      do
        n_tokens += g_array_index (items, Item, end++).tokens->len;
      while (end < n_texts
             && n_tokens + g_array_index (items, Item, end).tokens->len <= BATCH_TOKENS);
      if (!encode_batch (encoder, items, begin, end, ret_vectors, error))
        return FALSE;
    }
  return TRUE;
}

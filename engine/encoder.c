/* Runs an encoder or a reranker over token ids.
 *
 * Sequences of ids packed one after the other come in; vectors or scores go out, one per sequence.
 * What the file does not say about an encoder is settled here when it is opened: the words that it
 * was trained to see before a query and before a passage, how much text it reads, and a
 * fingerprint by which a library notices that its vectors came from something else. */
#include "engine/encoder-private.h"

#include <math.h>
#include <string.h>

#define MAX_THREADS 256

/* By name, because the files do not say; the first that fits. Sources: the models' cards. */
static const struct
{
  const char *name; /* part of general.name or of the file's, in lower case */
  const char *query, *passage;
  /* Cosines on a common scale: (cosine − nothing) · gain; gain 0: as they are. e5 was trained with a
   * temperature of .01 and finds everything alike: questions of XQuAD with their best passage of
   * 240, and 100 of PubMedQA, which have none, gave .865 and .816 on average; MiniLM .574, .252. */
  double nothing, gain;
} FAMILIES[] = {
  { "static", "", "", 0.332, 2.09 }, /* distilled from MiniLM: .607 and .453 */
  { "e5", "query: ", "passage: ", 0.779, 6.69 },
  { "nomic", "search_query: ", "search_document: ", 0, 0 },
  { "bge-small-en", "Represent this sentence for searching relevant passages: ", "", 0, 0 },
  { "bge-base-en", "Represent this sentence for searching relevant passages: ", "", 0, 0 },
  { "bge-large-en", "Represent this sentence for searching relevant passages: ", "", 0, 0 },
  { "qwen3-embedding",
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
    "Query:",
    "", 0, 0 },
  { "embeddinggemma", "task: search result | query: ", "title: none | text: ", 0, 0 },
};

/* ---- Open ----------------------------------------------------------------------------------- */

/* Spaces and underscores of a name count as hyphens: “Bge Small En v1.5”. */
static char *comparable_name (const char *name)
{
  char *lower = g_ascii_strdown (name, -1);
  return g_strdelimit (lower, " _", '-');
}

/* Index into FAMILIES, or −1. */
static int find_family (const EngineModel *model)
{
  g_autofree char *base = g_path_get_basename (model->info.path);
  g_autofree char *name = comparable_name (model->name);
  g_autofree char *file = comparable_name (base);
  for (gsize i = 0; i < G_N_ELEMENTS (FAMILIES); i++)
    if (strstr (name, FAMILIES[i].name) || strstr (file, FAMILIES[i].name))
      return (int)i;
  return -1;
}

static char *find_prefix (const EngineModel *model, int family, gboolean query)
{
  const char *key = query ? "docent.query_prefix" : "docent.passage_prefix";
  EngineGgufString prefix;
  if (engine_gguf_get_string (model->gguf, key, &prefix) && prefix.length < 1000)
    return g_utf8_make_valid (prefix.data, prefix.length);
  if (family < 0)
    return g_strdup ("");
  return g_strdup (query ? FAMILIES[family].query : FAMILIES[family].passage);
}

/* The name, and a digest of the file and what is done to texts. */
static char *make_fingerprint (const EngineEncoder *encoder)
{
  gsize n_bytes;
  engine_gguf_bytes (encoder->model->gguf, &n_bytes);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *use = g_strdup_printf ("%" G_GSIZE_FORMAT "\n%u\n%s\n%s\n", n_bytes,
                                          encoder->model->hyper.max_tokens, encoder->query_prefix,
                                          encoder->passage_prefix);
  g_checksum_update (checksum, (const guint8 *)use, strlen (use));
  engine_model_digest (encoder->model, checksum);
  return g_strdup_printf ("%s %.16s", encoder->model->name, g_checksum_get_string (checksum));
}

/* What of max_tokens is left for a passage. */
static guint measure_window (const EngineEncoder *encoder)
{
  const EngineModel *model = encoder->model;
  g_autoptr (GArray) around = g_array_new (FALSE, FALSE, sizeof (gint32));
  if (model->tokenizer)
    engine_tokenize (model, encoder->passage_prefix, -1, ENGINE_TOKENIZE_ADD_SPECIAL, around, NULL);
  return around->len < model->hyper.max_tokens ? model->hyper.max_tokens - around->len : 1;
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
  encoder->pool
      = engine_pool_new (MIN (n_threads ? n_threads : engine_n_processors (), MAX_THREADS));
  engine_graph_init (&encoder->graph, model, encoder->pool, model->hyper.n_ctx_train);
  encoder->dimension = model->hyper.n_embd;
  encoder->family = find_family (model);
  encoder->query_prefix = find_prefix (model, encoder->family, TRUE);
  encoder->passage_prefix = find_prefix (model, encoder->family, FALSE);
  encoder->fingerprint = make_fingerprint (encoder);
  encoder->window = measure_window (encoder);
  engine_model_read_ahead (model);
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

double engine_encoder_common_scale (const EngineEncoder *encoder, double cosine)
{
  if (encoder->family < 0 || FAMILIES[encoder->family].gain == 0)
    return cosine;
  return CLAMP ((cosine - FAMILIES[encoder->family].nothing) * FAMILIES[encoder->family].gain, 0,
                1);
}

/* ---- Run ------------------------------------------------------------------------------------ */

const float *engine_encoder_hidden (EngineEncoder *encoder, const EnginePacked *packed,
                                    GError **error)
{
  const EngineModel *model = encoder->model;
  EngineBatch batch = { .tokens = packed->tokens,
                        .token_types = packed->token_types,
                        .lengths = packed->lengths,
                        .n_sequences = packed->n_sequences };
  for (gsize i = 0; i < packed->n_sequences; i++)
    {
      g_return_val_if_fail (packed->lengths[i] > 0, NULL);
      g_return_val_if_fail (packed->lengths[i] <= model->hyper.n_ctx_train, NULL);
      batch.n_tokens += packed->lengths[i];
    }
  batch.n_out = batch.n_tokens;
  /* Models with one type of token, or none, have nothing to tell apart. */
  if (model->weights.token_types.n_rows < 2)
    batch.token_types = NULL;
  if (!engine_graph_reserve (&encoder->graph, batch.n_tokens, error))
    return NULL;
  return engine_graph_run (&encoder->graph, &batch);
}

/* y = W·x (+ bias) for one row. */
static void apply_matrix (EngineEncoder *encoder, const EngineMatrix *w, const float *bias,
                          const float *x, float *y)
{
  engine_matmul (encoder->pool, w, bias, x, w->n_cols, 1, y, w->n_rows);
}

void engine_encoder_apply_dense (EngineEncoder *encoder, float *vec)
{
  const EngineWeights *weights = &encoder->model->weights;
  if (weights->dense_2.data == NULL)
    return;
  g_autofree float *inner = g_new (float, weights->dense_2.n_rows);
  apply_matrix (encoder, &weights->dense_2, NULL, vec, inner);
  apply_matrix (encoder, &weights->dense_3, NULL, inner, vec);
}

gboolean engine_encoder_embed (EngineEncoder *encoder, const EnginePacked *packed,
                               float *ret_vectors, float *ret_norms, GError **error)
{
  gsize n_embd = encoder->model->hyper.n_embd;
  const float *hidden = engine_encoder_hidden (encoder, packed, error);
  if (hidden == NULL)
    return FALSE;
  for (gsize i = 0; i < packed->n_sequences; hidden += packed->lengths[i++] * n_embd)
    {
      float *vec = ret_vectors + i * encoder->dimension;
      engine_pool (encoder->model->hyper.pooling, hidden, packed->lengths[i], n_embd, vec);
      engine_encoder_apply_dense (encoder, vec);
      float norm = engine_normalise (vec, encoder->dimension);
      if (ret_norms)
        ret_norms[i] = norm;
    }
  return TRUE;
}

gboolean engine_encoder_score (EngineEncoder *encoder, const EnginePacked *packed,
                               float *ret_scores, GError **error)
{
  const EngineWeights *weights = &encoder->model->weights;
  gsize n_embd = encoder->model->hyper.n_embd;
  const float *hidden = engine_encoder_hidden (encoder, packed, error);
  if (hidden == NULL)
    return FALSE;
  g_autofree float *pooled = g_new (float, n_embd);
  for (gsize i = 0; i < packed->n_sequences; hidden += packed->lengths[i++] * n_embd)
    {
      apply_matrix (encoder, &weights->pooler.w, weights->pooler.bias, hidden, pooled);
      for (gsize j = 0; j < n_embd; j++)
        pooled[j] = tanhf (pooled[j]);
      apply_matrix (encoder, &weights->classifier.w, weights->classifier.bias, pooled,
                    ret_scores + i);
    }
  return TRUE;
}

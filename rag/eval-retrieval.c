/* Measures search on a public collection, so that a change can be judged by numbers.
 *
 * In comes a folder in BEIR's layout (corpus.jsonl, queries.jsonl, qrels/test.tsv), out come nDCG,
 * recall and time for each kind of search. A document counts by its best chunk. */
#include "rag/eval-private.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

#define N_RANKED 100
/* A document has several chunks; enough of them for a hundred documents. */
#define N_CHUNKS 500

typedef struct
{
  char *id, *text;
  GHashTable *relevant; /* document's path → double* */
} Query;

static void query_free (gpointer data)
{
  Query *query = data;
  g_free (query->id);
  g_free (query->text);
  g_hash_table_unref (query->relevant);
  g_free (query);
}

static const char *string_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

typedef gboolean (*LineFunc) (JsonObject *object, gpointer user_data, GError **error);

/* Calls FUNC with every line of a JSON-lines file. */
static gboolean for_each_line (const char *dir, const char *name, LineFunc func, gpointer user_data,
                               GError **error)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *text = NULL;
  GError *inner = NULL;
  if (!g_file_get_contents (path, &text, NULL, &inner))
    return rag_translate_error (error, inner);
  g_autoptr (JsonParser) parser = json_parser_new ();
  guint number = 1;
  for (char *line = text; *line != '\0'; number++)
    {
      gsize length = strcspn (line, "\n");
      gboolean blank = length == 0;
      if (!blank
          && (!json_parser_load_from_data (parser, line, (gssize)length, NULL)
              || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser))))
        {
          g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "%s: line %u is not a JSON object", path,
                       number);
          return FALSE;
        }
      if (!blank && !func (json_node_get_object (json_parser_get_root (parser)), user_data, error))
        return FALSE;
      line += length + (line[length] == '\n');
    }
  return TRUE;
}

/* A library names its documents by absolute paths. */
static char *path_of (const char *id)
{
  return g_strconcat ("/", id, NULL);
}

/* ---- Queries and judgments ---- */

/* QUERIES: id → GHashTable of judgments, for those that have any. */
static gboolean read_judgments (const char *dir, GHashTable *queries, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "qrels", "test.tsv", NULL);
  g_autofree char *text = NULL;
  GError *inner = NULL;
  if (!g_file_get_contents (path, &text, NULL, &inner))
    return rag_translate_error (error, inner);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) cells = g_strsplit (g_strchomp (*line), "\t", -1);
      double relevance = g_strv_length (cells) == 3 ? g_ascii_strtod (cells[2], NULL) : 0;
      if (relevance <= 0)
        continue;
      GHashTable *judgments = g_hash_table_lookup (queries, cells[0]);
      if (judgments == NULL)
        {
          judgments = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
          g_hash_table_insert (queries, g_strdup (cells[0]), judgments);
        }
      g_hash_table_insert (judgments, path_of (cells[1]), g_memdup2 (&relevance, sizeof relevance));
    }
  return TRUE;
}

typedef struct
{
  GHashTable *judgments;
  GPtrArray *queries; /* Query* */
  guint limit;
} QueryReader;

static gboolean read_query (JsonObject *object, gpointer user_data, GError **error)
{
  QueryReader *reader = user_data;
  const char *id = string_member (object, "_id");
  GHashTable *relevant = g_hash_table_lookup (reader->judgments, id);
  if (relevant == NULL || (reader->limit > 0 && reader->queries->len >= reader->limit))
    return TRUE;
  Query *query = g_new0 (Query, 1);
  query->id = g_strdup (id);
  query->text = g_strdup (string_member (object, "text"));
  query->relevant = g_hash_table_ref (relevant);
  g_ptr_array_add (reader->queries, query);
  return TRUE;
}

static GPtrArray *read_queries (const char *dir, guint limit, GError **error)
{
  g_autoptr (GHashTable) judgments
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  g_autoptr (GPtrArray) queries = g_ptr_array_new_with_free_func (query_free);
  QueryReader reader = { judgments, queries, limit };
  if (!read_judgments (dir, judgments, error)
      || !for_each_line (dir, "queries.jsonl", read_query, &reader, error))
    return NULL;
  return g_steal_pointer (&queries);
}

/* ---- Corpus ---- */

typedef struct
{
  RagTempLibrary *library;
  RagProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;
  guint64 done, total;
} Loader;

static gboolean count_document (JsonObject *object, gpointer user_data, GError **error)
{
  ((Loader *)user_data)->total++;
  return TRUE;
}

static gboolean add_document (JsonObject *object, gpointer user_data, GError **error)
{
  Loader *loader = user_data;
  if (loader->progress != NULL)
    loader->progress ("indexing", loader->done, loader->total, loader->user_data);
  loader->done++;
  g_autofree char *path = path_of (string_member (object, "_id"));
  return rag_temp_library_add (loader->library, path, string_member (object, "title"),
                               string_member (object, "text"), loader->cancellable, error);
}

static gboolean load_corpus (Loader *loader, const char *dir, GError **error)
{
  GError *inner = NULL;
  if (!for_each_line (dir, "corpus.jsonl", count_document, loader, error)
      || !for_each_line (dir, "corpus.jsonl", add_document, loader, error))
    return FALSE;
  if (!index_flush (loader->library->rag->index, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* ---- Scores ---- */

/* Relevance of the first N_RANKED documents among HITS. Returns how many there are. */
static gsize rank_documents (const Query *query, const GPtrArray *hits, double *ret_relevance)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gsize n = 0;
  for (guint i = 0; i < hits->len && n < N_RANKED; i++)
    {
      const IndexHit *hit = g_ptr_array_index (hits, i);
      const double *relevance = g_hash_table_lookup (query->relevant, hit->path);
      if (g_hash_table_add (seen, hit->path))
        ret_relevance[n++] = relevance != NULL ? *relevance : 0;
    }
  return n;
}

static void score_query (const Query *query, const GPtrArray *hits, RagRetrievalScore *score)
{
  double relevance[N_RANKED];
  gsize n = rank_documents (query, hits, relevance);
  guint n_ideal = g_hash_table_size (query->relevant), i = 0;
  g_autofree double *ideal = g_new (double, n_ideal);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, query->relevant);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    ideal[i++] = *(const double *)value;
  score->ndcg_at_10 += rag_ndcg (relevance, n, ideal, n_ideal, 10);
  score->recall_at_100 += rag_recall (relevance, n, n_ideal, 100);
  score->mrr_at_10 += rag_reciprocal_rank (relevance, n, 10);
  score->queries++;
}

static gboolean run_mode (Rag *rag, RagSearchMode mode, const GPtrArray *queries,
                          const Loader *loader, RagRetrievalScore *score, GError **error)
{
  double ms = 0;
  for (guint i = 0; i < queries->len; i++)
    {
      const Query *query = g_ptr_array_index (queries, i);
      RagRetrieval retrieval;
      GError *inner = NULL;
      if (g_cancellable_set_error_if_cancelled (loader->cancellable, &inner))
        return rag_translate_error (error, inner);
      if (loader->progress != NULL)
        loader->progress (score->mode, i, queries->len, loader->user_data);
      if (!rag_retrieve (rag, query->text, mode, N_CHUNKS, NULL, -1, &retrieval, error))
        return FALSE;
      ms += retrieval.encode_ms + retrieval.search_ms;
      score_query (query, retrieval.hits, score);
      rag_retrieval_clear (&retrieval);
    }
  double n = MAX (1, score->queries);
  score->ndcg_at_10 /= n;
  score->recall_at_100 /= n;
  score->mrr_at_10 /= n;
  score->ms_per_query = ms / n;
  return TRUE;
}

static gboolean run_all (RagTempLibrary *library, const char *dir, const GPtrArray *queries,
                         Loader *loader, RagRetrievalScore *scores, gsize n_scores, GError **error)
{
  static const RagSearchMode modes[]
      = { RAG_SEARCH_LEXICAL, RAG_SEARCH_DENSE, RAG_SEARCH_HYBRID, RAG_SEARCH_HYBRID };
  static const char *const names[] = { "lexical", "dense", "hybrid", "reranked" };
  Rag *rag = library->rag;
  g_autofree char *reranker = g_steal_pointer (&rag->reranker_name);
  if (!load_corpus (loader, dir, error))
    return FALSE;
  for (gsize i = 0; i < n_scores; i++)
    {
      scores[i].mode = names[i];
      if (i == n_scores - 1)
        rag->reranker_name = g_steal_pointer (&reranker);
      if (!run_mode (rag, modes[i], queries, loader, &scores[i], error))
        return FALSE;
    }
  return TRUE;
}

gboolean rag_eval_retrieval (const RagOptions *options, const char *dir, guint limit,
                             RagProgressFunc progress, gpointer user_data,
                             GCancellable *cancellable, RagRetrievalScore **ret_scores,
                             gsize *ret_n_scores, GError **error)
{
  const gsize n_scores = options->reranker != NULL ? 4 : 3;
  RagTempLibrary library = { 0 };
  g_autoptr (GPtrArray) queries = read_queries (dir, limit, error);
  if (queries == NULL || !rag_temp_library_open (options, &library, error))
    return FALSE;
  Loader loader = { &library, progress, user_data, cancellable, 0, 0 };
  g_autofree RagRetrievalScore *scores = g_new0 (RagRetrievalScore, n_scores);
  gboolean ok = run_all (&library, dir, queries, &loader, scores, n_scores, error);
  rag_temp_library_clear (&library);
  if (!ok)
    return FALSE;
  *ret_scores = g_steal_pointer (&scores);
  *ret_n_scores = n_scores;
  return TRUE;
}

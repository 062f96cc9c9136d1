/* Quality on a public collection: BEIR SciFact, 5,183 abstracts and 300 claims, words alone. What
 * needs an encoder is measured by `docent eval retrieval`. */
#include "support.h"

#include <json-glib/json-glib.h>

#define DEPTH 100

static char *data_dir (void)
{
  const char *shared = g_getenv ("DOCENT_SHARED");
  g_autofree char *beside = g_build_filename (SOURCE_ROOT, "..", "shared", NULL);

  return g_build_filename (shared ? shared : beside, "data", "retrieval", "scifact", NULL);
}

static char *read_file (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* Calls FUNC with every object of a JSON lines file. */
static void for_each_line (const char *text, void (*func) (JsonObject *, gpointer), gpointer data)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line; line++)
    {
      g_autoptr (JsonParser) parser = json_parser_new ();

      if (**line && json_parser_load_from_data (parser, *line, -1, NULL))
        func (json_node_get_object (json_parser_get_root (parser)), data);
    }
}

static void put_abstract (JsonObject *line, gpointer index)
{
  g_autofree char *path = g_strconcat ("/", json_object_get_string_member (line, "_id"), NULL);
  const IndexDocument document
      = { .path = path, .title = (char *)json_object_get_string_member (line, "title") };
  const IndexChunk chunk = { .id = "1", .text = json_object_get_string_member (line, "text") };

  ck_assert (index_put_document (index, &document, &chunk, 1, NULL, NULL));
}

static void note_query (JsonObject *line, gpointer queries)
{
  g_hash_table_insert (queries, g_strdup (json_object_get_string_member (line, "_id")),
                       g_strdup (json_object_get_string_member (line, "text")));
}

/* query id → GHashTable of relevant paths. Judgments of this collection are 1 or absent. */
static GHashTable *read_judgments (const char *text)
{
  GHashTable *judgments
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines + 1; *line && **line; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, "\t", 3);
      GHashTable *relevant = g_hash_table_lookup (judgments, fields[0]);

      if (!relevant)
        {
          relevant = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
          g_hash_table_insert (judgments, g_strdup (fields[0]), relevant);
        }
      g_hash_table_add (relevant, g_strconcat ("/", fields[1], NULL));
    }
  return judgments;
}

static void add_scores (const GPtrArray *hits, GHashTable *relevant, double *ndcg, double *recall)
{
  double gain = 0, ideal = 0;
  guint n_found = 0;

  for (guint i = 0; i < hits->len; i++)
    if (g_hash_table_contains (relevant, hit_at (hits, i)->path))
      {
        gain += i < 10 ? 1 / log2 (i + 2) : 0;
        n_found++;
      }
  for (guint i = 0; i < MIN (10, g_hash_table_size (relevant)); i++)
    ideal += 1 / log2 (i + 2);
  *ndcg += gain / ideal;
  *recall += (double)n_found / g_hash_table_size (relevant);
}

START_TEST (test_scifact_by_words)
{
  g_autofree char *data = data_dir ();
  g_autofree char *corpus = read_file (data, "corpus.jsonl");
  g_autofree char *questions = read_file (data, "queries.jsonl");
  g_autofree char *qrels = read_file (data, "qrels/test.tsv");
  if (!corpus || !questions || !qrels)
    {
      g_print ("skipped: %s is not here\n", data);
      return;
    }
  char *dir = make_dir ();
  Index *index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);
  g_autoptr (GHashTable) queries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) judgments = read_judgments (qrels);
  for_each_line (corpus, put_abstract, index);
  for_each_line (questions, note_query, queries);

  GHashTableIter iter;
  gpointer id, relevant;
  double ndcg = 0, recall = 0;
  guint n = 0;
  g_hash_table_iter_init (&iter, judgments);
  while (g_hash_table_iter_next (&iter, &id, &relevant))
    {
      const IndexQuery query = { .mode = INDEX_SEARCH_LEXICAL,
                                 .text = g_hash_table_lookup (queries, id),
                                 .limit = DEPTH };
      g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);

      add_scores (hits, relevant, &ndcg, &recall);
      n++;
    }

  g_print ("SciFact, words: nDCG@10 %.4f, Recall@100 %.4f, %u questions\n", ndcg / n, recall / n,
           n);
  ck_assert_double_ge (ndcg / n, 0.69);
  ck_assert_double_ge (recall / n, 0.92);
  index_close (index);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("retrieval");
  TCase *tests = tcase_create ("retrieval");

  tcase_set_timeout (tests, 300);
  tcase_add_test (tests, test_scifact_by_words);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

/* A role sees its collections as if nothing else were there: every public call is asked. */
#include "support.h"

/* "staff" may be read by "nurse"; "board" by nobody, and has more of everything. */
static char *make_library (void)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);

  ck_assert (put_texts (index, "/s/open", "staff", 1,
                        TEXTS ("the common okapi", "another common passage"), NULL));
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *path = g_strdup_printf ("/b/secret%u", i);
      ck_assert (put_texts (index, path, "board", 100 + 10 * i,
                            TEXTS ("the canary okapi okapi of the board", "common canary"), NULL));
    }
  ck_assert (index_add_source (index, &(IndexSource){ .path = "/b", .collection = "board" }, NULL));
  ck_assert (index_add_source (index, &(IndexSource){ .path = "/s", .collection = "staff" }, NULL));
  ck_assert (index_set_tag (index, "/b", "canary-tag", TRUE, NULL, NULL));
  ck_assert (index_set_reader (index, "staff", "nurse", TRUE, NULL));
  ck_assert (index_flush (index, NULL));
  return dir;
}

static Index *open_nurse (const char *dir)
{
  g_autoptr (GError) error = NULL;
  Index *index = index_open_as (dir, "nurse", &error);

  ck_assert_msg (index != NULL, "%s", error ? error->message : "");
  return index;
}

START_TEST (test_searches_find_only_what_may_be_read)
{
  char *dir = make_library ();
  g_autoptr (Index) owner = index_open (dir, INDEX_READ, NULL);
  g_autoptr (Index) nurse = open_nurse (dir);

  ck_assert_uint_eq (n_found (owner, "canary"), 10);
  ck_assert_uint_eq (n_found (nurse, "canary"), 0);
  ck_assert_uint_eq (n_found (nurse, "okapi"), 1);
  g_autoptr (GPtrArray) near = search_vector (nurse, 100, 100);
  ck_assert_uint_eq (near->len, 2);
  ck_assert_str_eq (hit_at (near, 0)->path, "/s/open");
  remove_dir (dir);
}
END_TEST

/* Scores tell how common a word is elsewhere: they must be those of a library without the rest. */
START_TEST (test_scores_tell_nothing_of_the_rest)
{
  char *dir = make_library ();
  char *alone = make_dir ();
  g_autoptr (Index) index = open_library (alone);
  ck_assert (put_texts (index, "/s/open", "staff", 1,
                        TEXTS ("the common okapi", "another common passage"), NULL));
  ck_assert (index_set_reader (index, "staff", "nurse", TRUE, NULL));
  g_autoptr (Index) nurse = open_nurse (dir);
  g_autoptr (Index) nurse_alone = open_nurse (alone);

  for (const char *const *word = TEXTS ("okapi", "common"); *word; word++)
    {
      g_autoptr (GPtrArray) here = search_text (nurse, *word);
      g_autoptr (GPtrArray) there = search_text (nurse_alone, *word);
      ck_assert_uint_eq (here->len, there->len);
      ck_assert_double_eq (hit_at (here, 0)->bm25, hit_at (there, 0)->bm25);
    }
  remove_dir (alone);
  remove_dir (dir);
}
END_TEST

static void note_count (const char *word, const char *stem, guint n_chunks, gpointer data)
{
  *(guint *)data = n_chunks;
}

START_TEST (test_lists_and_counts_show_only_what_may_be_read)
{
  char *dir = make_library ();
  g_autoptr (Index) owner = index_open (dir, INDEX_READ, NULL);
  gint64 secret = id_of (owner, "/b/secret3");
  g_autoptr (GPtrArray) seen = search_text (owner, "canary");
  gint64 chunk = hit_at (seen, 0)->chunk;
  g_autoptr (Index) nurse = open_nurse (dir);
  IndexStats stats;
  guint n_canary = 99;

  g_autoptr (GPtrArray) documents = index_list_documents (nurse, NULL, NULL);
  g_autoptr (GPtrArray) sources = index_list_sources (nurse, NULL);
  g_autoptr (GPtrArray) collections = index_list_collections (nurse, NULL);
  g_autoptr (GPtrArray) neighbours = index_neighbours (nurse, chunk, 1, 1, NULL);
  g_autoptr (GPtrArray) chunks = index_document_chunks (nurse, secret, 0, 0, NULL);
  g_autoptr (IndexDocument) by_path = index_find_document (nurse, "/b/secret3", NULL);
  g_autoptr (IndexDocument) by_digest = index_find_by_sha256 (nurse, "/b/secret3", NULL);
  g_auto (GStrv) tags = index_document_tags (nurse, secret, NULL);
  const char *id = "chunk-0";
  float vector[DIMENSION];
  gboolean known = TRUE;

  ck_assert_uint_eq (documents->len, 1);
  ck_assert_uint_eq (sources->len, 1);
  ck_assert_uint_eq (collections->len, 1);
  ck_assert_uint_eq (neighbours->len, 0);
  ck_assert_uint_eq (chunks->len, 0);
  ck_assert_ptr_null (by_path);
  ck_assert_ptr_null (by_digest);
  ck_assert_ptr_null (tags[0]);
  ck_assert (index_known_vectors (nurse, "/b/secret3", &id, 1, vector, &known, NULL));
  ck_assert (!known);
  ck_assert (index_stats (nurse, NULL, &stats, NULL));
  ck_assert_uint_eq (stats.n_documents, 1);
  ck_assert_uint_eq (stats.n_chunks, 2);
  ck_assert_uint_eq (stats.n_vectors, 2);
  ck_assert (index_terms (nurse, "canary", note_count, &n_canary, NULL));
  ck_assert_uint_eq (n_canary, 0);
  remove_dir (dir);
}
END_TEST

static void note_stem (const char *word, const char *stem, guint n_chunks, gpointer data)
{
  g_string_assign (data, stem);
}

/* A question is stemmed by the languages of what may be read. */
START_TEST (test_languages_of_the_rest_do_not_show)
{
  char *dir = make_library ();
  g_autoptr (Index) owner = index_open (dir, INDEX_WRITE, NULL);
  const IndexChunk german = { .id = "c", .text = "das Okapi", .language = "de" };
  g_autoptr (GString) stem = g_string_new ("");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *path = g_strdup_printf ("/b/deutsch%u", i);
      const IndexDocument document
          = { .path = path, .language = (char *)"es", .collection = (char *)"board" };
      ck_assert (index_put_document (owner, &document, &german, 1, NULL, NULL));
    }
  g_autoptr (Index) nurse = open_nurse (dir);
  const IndexScope scope = { .language = "de" };
  const IndexQuery query
      = { .mode = INDEX_SEARCH_LEXICAL, .text = "Okapi", .limit = 10, .scope = scope };

  ck_assert (index_terms (nurse, "Häuser", note_stem, stem, NULL));
  ck_assert_str_eq (stem->str, "hauser");
  g_autoptr (GPtrArray) hits = index_search (nurse, &query, NULL);
  ck_assert_uint_eq (hits->len, 0);
  g_autoptr (GPtrArray) documents = index_list_documents (nurse, &scope, NULL);
  ck_assert_uint_eq (documents->len, 0);
  g_autoptr (GPtrArray) all = index_search (owner, &query, NULL);
  ck_assert_uint_eq (all->len, 3);
  remove_dir (dir);
}
END_TEST

START_TEST (test_what_is_allowed_now_counts_now)
{
  char *dir = make_library ();
  g_autoptr (Index) nurse = open_nurse (dir);
  g_autoptr (Index) owner = index_open (dir, INDEX_WRITE, NULL);
  ck_assert_uint_eq (n_found (nurse, "canary"), 0);

  ck_assert (index_set_reader (owner, "board", "nurse", TRUE, NULL));
  ck_assert_uint_eq (n_found (nurse, "canary"), 10);
  ck_assert (index_set_reader (owner, "board", "nurse", FALSE, NULL));
  ck_assert_uint_eq (n_found (nurse, "canary"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_a_role_cannot_write)
{
  char *dir = make_library ();
  g_autoptr (Index) nurse = open_nurse (dir);

  ck_assert (!put_texts (nurse, "/s/new", "staff", 1, TEXTS ("one"), NULL));
  ck_assert (!index_set_reader (nurse, "board", "nurse", TRUE, NULL));
  ck_assert (!index_forget_document (nurse, id_of (nurse, "/s/open"), NULL));
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("roles");
  TCase *tests = tcase_create ("roles");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_searches_find_only_what_may_be_read);
  tcase_add_test (tests, test_scores_tell_nothing_of_the_rest);
  tcase_add_test (tests, test_lists_and_counts_show_only_what_may_be_read);
  tcase_add_test (tests, test_languages_of_the_rest_do_not_show);
  tcase_add_test (tests, test_what_is_allowed_now_counts_now);
  tcase_add_test (tests, test_a_role_cannot_write);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

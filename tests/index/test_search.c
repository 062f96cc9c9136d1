/* Both searches together: fusion, filters, caps. */
#include "index/fusion-private.h"

#include "support.h"

static GPtrArray *search_both (Index *index, const char *text, guint32 seed, IndexQuery query)
{
  g_autoptr (GError) error = NULL;
  float vector[DIMENSION];

  make_vector (seed, vector);
  query.mode = INDEX_SEARCH_HYBRID;
  query.text = text;
  query.vector = vector;
  GPtrArray *hits = index_search (index, &query, &error);
  ck_assert_msg (hits != NULL, "%s", error ? error->message : "");
  return hits;
}

START_TEST (test_hybrid_finds_what_either_finds)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/words", 1, TEXTS ("an okapi in the zoo"));
  put (index, "/meaning", 50, TEXTS ("a striped relative of the giraffe"));
  put (index, "/neither", 99, TEXTS ("the weather report"));

  g_autoptr (GPtrArray) hits = search_both (index, "okapi", 50, (IndexQuery){ .limit = 3 });

  ck_assert_uint_eq (hits->len, 3);
  ck_assert_str_eq (hit_at (hits, 2)->path, "/neither");
  for (guint i = 0; i < 3; i++)
    {
      ck_assert (!isnan (hit_at (hits, i)->cosine));
      ck_assert_int_eq (hit_at (hits, i)->bm25 > 0, g_str_equal (hit_at (hits, i)->path, "/words"));
    }
  remove_dir (dir);
}
END_TEST

START_TEST (test_hybrid_without_vector_is_lexical)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const IndexQuery query = { .text = "okapi", .limit = 3 };
  put (index, "/a", 1, TEXTS ("an okapi in the zoo", "something else"));

  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);

  ck_assert_uint_eq (hits->len, 1);
  ck_assert_double_eq (hit_at (hits, 0)->score, hit_at (hits, 0)->bm25);
  remove_dir (dir);
}
END_TEST

START_TEST (test_hybrid_without_known_words_is_dense)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("one", "two", "three"));

  g_autoptr (GPtrArray) hits = search_both (index, "zebra?", 2, (IndexQuery){ .limit = 2 });

  ck_assert_uint_eq (hits->len, 2);
  ck_assert_str_eq (hit_at (hits, 0)->text, "two");
  remove_dir (dir);
}
END_TEST

START_TEST (test_passages_without_vector_are_not_lost)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/new", 0, TEXTS ("an okapi in the zoo"));
  put (index, "/a", 1, TEXTS ("one", "two", "three"));

  g_autoptr (GPtrArray) hits = search_both (index, "okapi", 2, (IndexQuery){ .limit = 4 });

  ck_assert_uint_eq (hits->len, 4);
  ck_assert_str_eq (hit_at (hits, 0)->path, "/new");
  ck_assert (isnan (hit_at (hits, 0)->cosine));
  remove_dir (dir);
}
END_TEST

/* A vector at COSINE to the first axis, the rest along AXIS. */
static void lean (float *vector, double cosine, guint axis)
{
  memset (vector, 0, DIMENSION * sizeof *vector);
  vector[0] = (float)cosine;
  vector[axis] = (float)sqrt (1 - cosine * cosine);
}

/* Ten passages are right, "near" is like those, "far" is a little nearer to the question only. */
START_TEST (test_what_is_near_the_best_goes_first)
{
  enum { N = 200 };
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autofree IndexChunk *chunks = g_new0 (IndexChunk, N);
  g_autofree float *vectors = g_new0 (float, N * DIMENSION);
  const IndexDocument document = { .path = (char *)"/a", .collection = (char *)"default" };
  float question[DIMENSION];
  lean (question, 1, 1);
  for (guint i = 0; i < N; i++)
    {
      chunks[i] = (IndexChunk){ .id = "id", .text = i < 10 ? "best" : i == 10 ? "near" : i == 11 ? "far" : "other" };
      lean (vectors + i * DIMENSION, i < 10 ? .9 : i == 10 ? .5 : i == 11 ? .52 : 0, i <= 10 ? 1 : 2 + i % 12);
    }
  ck_assert (index_put_document (index, &document, chunks, N, vectors, NULL));
  const IndexQuery query = { .mode = INDEX_SEARCH_HYBRID, .text = "nothing of it", .vector = question, .limit = 12 };

  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);

  ck_assert_uint_eq (hits->len, 12);
  ck_assert_str_eq (hit_at (hits, 10)->text, "near");
  ck_assert_double_eq_tol (hit_at (hits, 10)->cosine, .5, 1e-6);
  ck_assert_str_eq (hit_at (hits, 11)->text, "far");
  remove_dir (dir);
}
END_TEST

/* 400 passages that match better in another collection must not hide the one that may be seen. */
START_TEST (test_filters_come_before_ranking)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  float vector[DIMENSION];
  g_autofree IndexChunk *chunks = g_new0 (IndexChunk, 400);
  g_autofree float *vectors = g_new (float, 400 * DIMENSION);
  const IndexDocument secret = { .path = (char *)"/secret", .collection = (char *)"board" };
  make_vector (7, vector);
  for (guint i = 0; i < 400; i++)
    {
      chunks[i] = (IndexChunk){ .id = "same", .text = "okapi okapi okapi" };
      memcpy (vectors + i * DIMENSION, vector, sizeof vector);
    }
  ck_assert (index_put_document (index, &secret, chunks, 400, vectors, NULL));
  ck_assert (put_texts (index, "/open", "staff", 1000,
                        TEXTS ("a long passage that mentions an okapi once and then goes on"),
                        NULL));
  ck_assert (index_flush (index, NULL));

  const IndexSearchMode modes[] = { INDEX_SEARCH_LEXICAL, INDEX_SEARCH_DENSE, INDEX_SEARCH_HYBRID };
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      const gint64 open[] = { id_of (index, "/open") };
      IndexQuery query = {
        .mode = modes[i], .text = "okapi", .vector = vector, .limit = 10, .scope.collection = "staff"
      };
      g_autoptr (GPtrArray) by_collection = index_search (index, &query, NULL);
      query.scope.collection = NULL;
      query.scope.documents = open;
      query.scope.n_documents = 1;
      g_autoptr (GPtrArray) by_document = index_search (index, &query, NULL);
      query.scope.collection = "board";
      g_autoptr (GPtrArray) by_both = index_search (index, &query, NULL);
      query.scope.n_documents = 0;
      g_autoptr (GPtrArray) by_none = index_search (index, &query, NULL);

      ck_assert_uint_eq (by_collection->len, 1);
      ck_assert_str_eq (hit_at (by_collection, 0)->path, "/open");
      ck_assert_uint_eq (by_document->len, 1);
      ck_assert_str_eq (hit_at (by_document, 0)->path, "/open");
      ck_assert_uint_eq (by_both->len, 0);
      ck_assert_uint_eq (by_none->len, 0);
    }
  remove_dir (dir);
}
END_TEST

START_TEST (test_unknown_collection_and_document_find_nothing)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const gint64 nobody[] = { 12345, -1, G_MAXINT64 };
  put (index, "/a", 1, TEXTS ("okapi"));

  g_autoptr (GPtrArray) collection
      = search_both (index, "okapi", 1, (IndexQuery){ .limit = 5, .scope.collection = "none" });
  g_autoptr (GPtrArray) document = search_both (
      index, "okapi", 1, (IndexQuery){ .limit = 5, .scope.documents = nobody, .scope.n_documents = 3 });

  ck_assert_uint_eq (collection->len, 0);
  ck_assert_uint_eq (document->len, 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_cap_per_document_goes_deeper)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autoptr (GPtrArray) many = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < 900; i++)
    g_ptr_array_add (many, g_strdup ("okapi okapi"));
  g_ptr_array_add (many, NULL);
  put (index, "/many", 100, (const char *const *)many->pdata);
  put (index, "/one", 5000, TEXTS ("one okapi among many other animals"));

  g_autoptr (GPtrArray) lexical = search_text (index, "okapi");
  g_autoptr (GPtrArray) capped
      = search_both (index, "okapi", 100, (IndexQuery){ .limit = 10, .per_document = 2 });

  ck_assert_uint_eq (lexical->len, 10);
  ck_assert_uint_eq (capped->len, 3);
  ck_assert_str_eq (hit_at (capped, 2)->path, "/one");
  remove_dir (dir);
}
END_TEST

START_TEST (test_limit_of_zero_finds_nothing)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("okapi"));

  g_autoptr (GPtrArray) hits = search_both (index, "okapi", 1, (IndexQuery){ .limit = 0 });

  ck_assert_uint_eq (hits->len, 0);
  remove_dir (dir);
}
END_TEST

/* A hundred passages asked for or ten: the ten best are the same. */
START_TEST (test_order_does_not_depend_on_the_limit)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);
  float vector[DIMENSION];
  for (guint i = 0; i < 900; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);
      g_autofree char *text = g_strdup_printf ("okapi %s number %u %s", i % 3 ? "calf" : "herd", i,
                                               i % 7 ? "runs" : "rests in the shade of the trees");
      put (index, path, i + 1, TEXTS (text));
    }
  make_vector (5000, vector);
  const IndexQuery few = { .text = "calf rests shade", .vector = vector, .limit = 10 };
  IndexQuery many = few;
  many.limit = 450;

  g_autoptr (GPtrArray) ten = index_search (index, &few, NULL);
  g_autoptr (GPtrArray) all = index_search (index, &many, NULL);

  for (guint i = 0; i < 10; i++)
    ck_assert_int_eq (hit_at (ten, i)->chunk, hit_at (all, i)->chunk);
  remove_dir (dir);
}
END_TEST

static guint n_collapsed (Index *index, const char *text, guint *ret_n_copies)
{
  const IndexQuery query
      = { .mode = INDEX_SEARCH_LEXICAL, .text = text, .limit = 10, .collapse = TRUE };
  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);

  *ret_n_copies = hit_at (hits, 0)->n_copies;
  return hits->len;
}

START_TEST (test_copies_are_collapsed_unless_a_number_differs)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  guint n_copies;
  const char *letter = "Dear colleague, the okapi must be fed within 14 days of its arrival at the "
                       "station, by the keeper who received it and signed for it at the gate.";
  put (index, "/a", 1, TEXTS (letter));
  put (index, "/b", 2, TEXTS ("Dear colleague: the okapi must be fed within 14 days of its arrival "
                              "at the station, by the keeper who received it and signed for it at "
                              "the gate!"));
  ck_assert_uint_eq (n_collapsed (index, "okapi keeper", &n_copies), 1);
  ck_assert_uint_eq (n_copies, 1);

  put (index, "/c", 3, TEXTS ("Dear colleague, the okapi must be fed within 30 days of its arrival "
                              "at the station, by the keeper who received it and signed for it at "
                              "the gate."));
  put (index, "/d", 4, TEXTS ("The okapi is fed by its keeper."));
  ck_assert_uint_eq (n_collapsed (index, "okapi keeper", &n_copies), 3);
  ck_assert_uint_eq (n_found (index, "okapi keeper"), 4);
  remove_dir (dir);
}
END_TEST

START_TEST (test_copies_are_told_apart_by_one_number_word_or_denial)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  guint n_copies;
  static const char *const differing[]
      = { "may stay for five", "may stay for ten", "may not stay for five" };
  for (guint i = 0; i < G_N_ELEMENTS (differing); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);
      g_autofree char *text = g_strdup_printf (
          "The okapi keeper feeds leaves, twigs, fruit and clay to the animal each morning before "
          "visitors "
          "arrive, cleans both stables, checks the fence along the river, writes what was seen "
          "into the "
          "book that lies beside the door, and calls the doctor when food was left; guests of the "
          "station %s hours, must not bring dogs, and leave through the northern gate, where "
          "somebody "
          "counts them and closes it behind the last of them every evening.",
          differing[i]);
      put (index, path, i + 1, TEXTS (text));
    }
  ck_assert_uint_eq (n_collapsed (index, "okapi keeper", &n_copies), 3);
  remove_dir (dir);
}
END_TEST

/* ---- Fusion by itself ---- */

static GArray *candidates_of (guint n, const double *bm25, const double *cosines)
{
  GArray *candidates = g_array_new (FALSE, FALSE, sizeof (IndexCandidate));

  for (guint i = 0; i < n; i++)
    {
      IndexCandidate candidate = {
        .chunk = i, .bm25 = bm25[i], .cosine = cosines[i], .meaning = cosines[i], .leads = TRUE
      };
      g_array_append_val (candidates, candidate);
    }
  return candidates;
}

static gint64 first_of (const GArray *candidates)
{
  return g_array_index (candidates, IndexCandidate, 0).chunk;
}

START_TEST (test_fusion_follows_the_list_that_knows)
{
  const double one_word[] = { 0, 0, 0, 0, 9, 0, 0, 0, 0, 0 };
  const double flat[] = { .31, .30, .32, .31, .29, .31, .30, .32, .31, .30 };
  const double one_meaning[] = { .1, .1, .1, .8, .1, .1, .1, .1, .1, .1 };
  const double even_words[] = { 3, 3.1, 3.2, 3, 3.1, 3, 3.2, 3, 3.1, 3 };

  g_autoptr (GArray) words = candidates_of (10, one_word, flat);
  g_autoptr (GArray) meaning = candidates_of (10, even_words, one_meaning);
  index_fuse (words);
  index_fuse (meaning);

  ck_assert_int_eq (first_of (words), 4);
  ck_assert_int_eq (first_of (meaning), 3);
}
END_TEST

START_TEST (test_fusion_survives_equal_and_missing_scores)
{
  const double zeros[] = { 0, 0, 0 }, same[] = { .5, .5, .5 }, none[] = { NAN, NAN, NAN };

  g_autoptr (GArray) equal = candidates_of (3, zeros, same);
  g_autoptr (GArray) missing = candidates_of (3, same, none);
  g_autoptr (GArray) empty = candidates_of (0, zeros, same);
  index_fuse (equal);
  index_fuse (missing);
  index_fuse (empty);

  for (guint i = 0; i < 3; i++)
    {
      ck_assert_int_eq (g_array_index (equal, IndexCandidate, i).chunk, i);
      ck_assert (isfinite (g_array_index (equal, IndexCandidate, i).score));
      ck_assert (isfinite (g_array_index (missing, IndexCandidate, i).score));
    }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("search");
  TCase *tests = tcase_create ("search");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_hybrid_finds_what_either_finds);
  tcase_add_test (tests, test_hybrid_without_vector_is_lexical);
  tcase_add_test (tests, test_hybrid_without_known_words_is_dense);
  tcase_add_test (tests, test_passages_without_vector_are_not_lost);
  tcase_add_test (tests, test_what_is_near_the_best_goes_first);
  tcase_add_test (tests, test_filters_come_before_ranking);
  tcase_add_test (tests, test_unknown_collection_and_document_find_nothing);
  tcase_add_test (tests, test_cap_per_document_goes_deeper);
  tcase_add_test (tests, test_limit_of_zero_finds_nothing);
  tcase_add_test (tests, test_order_does_not_depend_on_the_limit);
  tcase_add_test (tests, test_copies_are_collapsed_unless_a_number_differs);
  tcase_add_test (tests, test_copies_are_told_apart_by_one_number_word_or_denial);
  tcase_add_test (tests, test_fusion_follows_the_list_that_knows);
  tcase_add_test (tests, test_fusion_survives_equal_and_missing_scores);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

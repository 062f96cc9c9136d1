/* Documents go in, change, move and leave, each time as a whole. */
#include "support.h"

START_TEST (test_put_and_find)
{
  char *dir = make_dir ();
  Index *index = open_library (dir);

  put (index, "/a.txt", 1, TEXTS ("one passage", "another passage"));

  g_autoptr (IndexDocument) document = index_find_document (index, "/a.txt", NULL);
  ck_assert_str_eq (document->title, "A title");
  ck_assert_str_eq (document->collection, "default");
  ck_assert_uint_eq (document->n_chunks, 2);
  ck_assert_int_eq (document->mtime_ns, 42);
  ck_assert_int_gt (document->added_at, 1600000000);
  ck_assert_ptr_null (document->failure);
  ck_assert_ptr_null (index_find_document (index, "/b.txt", NULL));
  index_close (index);
  remove_dir (dir);
}
END_TEST

START_TEST (test_languages_are_codes_or_nothing)
{
  static const struct
  {
    const char *given, *stored;
  } cases[] = { { "de", "de" },    { "DE-at", "de" }, { "en_US", "en" }, { "German", NULL },
                { "\002x", NULL }, { "", NULL },      { NULL, NULL } };
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const IndexDocument document = { .path = (char *)"/a", .language = (char *)cases[i].given };

      ck_assert (index_put_document (index, &document, NULL, 0, NULL, NULL));
      g_autoptr (IndexDocument) stored = index_find_document (index, "/a", NULL);
      ck_assert_pstr_eq (stored->language, cases[i].stored);
    }
  remove_dir (dir);
}
END_TEST

START_TEST (test_documents_survive_closing)
{
  char *dir = make_dir ();
  Index *index = open_library (dir);
  put (index, "/a.txt", 1, TEXTS ("one passage"));
  index_close (index);

  g_autoptr (Index) again = index_open (dir, INDEX_READ, NULL);

  ck_assert_uint_eq (n_found (again, "passage"), 1);
  guint dimension = 0;
  ck_assert_str_eq (index_encoder (again, &dimension), ENCODER);
  ck_assert_uint_eq (dimension, DIMENSION);
  remove_dir (dir);
}
END_TEST

START_TEST (test_put_replaces_document_of_same_path)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.txt", 1, TEXTS ("about lions", "about tigers"));
  gint64 id = id_of (index, "/a.txt");

  put (index, "/a.txt", 5, TEXTS ("about lions and bears"));

  g_autoptr (GPtrArray) documents = index_list_documents (index, NULL, NULL);
  ck_assert_uint_eq (documents->len, 1);
  ck_assert_int_eq (id_of (index, "/a.txt"), id);
  ck_assert_uint_eq (n_found (index, "tigers"), 0);
  ck_assert_uint_eq (n_found (index, "bears"), 1);
  g_autoptr (GPtrArray) dense = search_vector (index, 5, 10);
  ck_assert_uint_eq (dense->len, 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_failure_replaces_passages)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.pdf", 1, TEXTS ("about lions"));
  const IndexDocument failed = { .path = (char *)"/a.pdf", .failure = (char *)"needs a password" };

  ck_assert (index_put_document (index, &failed, NULL, 0, NULL, NULL));

  g_autoptr (IndexDocument) document = index_find_document (index, "/a.pdf", NULL);
  ck_assert_str_eq (document->failure, "needs a password");
  ck_assert_uint_eq (n_found (index, "lions"), 0);
  IndexStats stats;
  ck_assert (index_stats (index, NULL, &stats, NULL));
  ck_assert_uint_eq (stats.n_documents, 1);
  ck_assert_uint_eq (stats.n_failed, 1);
  ck_assert_uint_eq (stats.n_chunks, 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_put_without_vectors_is_found_by_words_only)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.txt", 0, TEXTS ("about lions"));

  g_autoptr (GPtrArray) dense = search_vector (index, 1, 10);

  ck_assert_uint_eq (n_found (index, "lions"), 1);
  ck_assert_uint_eq (dense->len, 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_put_refuses_nonsense)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  float vector[DIMENSION] = { NAN };
  const IndexChunk good = { .id = "1", .text = "text" };
  const IndexChunk broken = { .id = "1", .text = "\xff\xfe" };
  const IndexDocument document = { .path = (char *)"/a" };
  const IndexDocument relative = { .path = (char *)"a" };
  g_autoptr (GError) error = NULL;

  ck_assert (!index_put_document (index, &relative, &good, 1, NULL, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_INPUT));
  g_clear_error (&error);
  ck_assert (!index_put_document (index, &document, &broken, 1, NULL, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_INPUT));
  g_clear_error (&error);
  ck_assert (!index_put_document (index, &document, &good, 1, vector, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_INPUT));
  ck_assert_ptr_null (index_find_document (index, "/a", NULL));
  remove_dir (dir);
}
END_TEST

START_TEST (test_known_vectors_are_those_of_unchanged_chunks)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const IndexChunk chunks[] = { { .id = "x", .text = "one" }, { .id = "y", .text = "two" } };
  const IndexDocument document = { .path = (char *)"/a" };
  const char *const ids[] = { "y", "z" };
  float vectors[2 * DIMENSION], known[2 * DIMENSION];
  gboolean found[2];
  make_vector (1, vectors);
  make_vector (2, vectors + DIMENSION);
  ck_assert (index_put_document (index, &document, chunks, 2, vectors, NULL));

  ck_assert (index_known_vectors (index, "/a", ids, 2, known, found, NULL));

  ck_assert (found[0]);
  ck_assert (!found[1]);
  ck_assert_mem_eq (known, vectors + DIMENSION, DIMENSION * sizeof (float));
  remove_dir (dir);
}
END_TEST

START_TEST (test_move_keeps_passages)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.txt", 1, TEXTS ("about lions"));

  ck_assert (index_move_document (index, id_of (index, "/a.txt"), "/b.txt", 7, 8, NULL));

  g_autoptr (GPtrArray) hits = search_text (index, "lions");
  ck_assert_str_eq (hit_at (hits, 0)->path, "/b.txt");
  g_autoptr (IndexDocument) document = index_find_document (index, "/b.txt", NULL);
  ck_assert_uint_eq (document->size_bytes, 7);
  ck_assert_int_eq (document->mtime_ns, 8);
  remove_dir (dir);
}
END_TEST

START_TEST (test_move_does_not_overwrite)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.txt", 1, TEXTS ("about lions"));
  put (index, "/b.txt", 2, TEXTS ("about bears"));
  g_autoptr (GError) error = NULL;

  ck_assert (!index_move_document (index, id_of (index, "/a.txt"), "/b.txt", 7, 8, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_INPUT));
  ck_assert_uint_eq (n_found (index, "bears"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_touch_changes_only_the_time)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a.txt", 1, TEXTS ("about lions"));

  ck_assert (index_touch_document (index, id_of (index, "/a.txt"), 99, NULL));

  g_autoptr (IndexDocument) document = index_find_by_sha256 (index, "/a.txt", NULL);
  ck_assert_int_eq (document->mtime_ns, 99);
  ck_assert_uint_eq (document->size_bytes, 1000);
  remove_dir (dir);
}
END_TEST

START_TEST (test_unknown_document_is_not_found)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autoptr (GError) error = NULL;

  ck_assert (!index_touch_document (index, 12345, 99, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND));
  g_clear_error (&error);
  ck_assert (!index_forget_document (index, 12345, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND));
  remove_dir (dir);
}
END_TEST

START_TEST (test_list_is_by_path_and_collection)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  ck_assert (put_texts (index, "/c", "x", 1, TEXTS ("one"), NULL));
  ck_assert (put_texts (index, "/a", "y", 2, TEXTS ("two"), NULL));
  ck_assert (put_texts (index, "/b", "x", 3, TEXTS ("three"), NULL));

  g_autoptr (GPtrArray) all = index_list_documents (index, NULL, NULL);
  g_autoptr (GPtrArray) some = index_list_documents (index, &(IndexScope){ .collection = "x" }, NULL);

  ck_assert_uint_eq (all->len, 3);
  ck_assert_str_eq (((IndexDocument *)g_ptr_array_index (all, 0))->path, "/a");
  ck_assert_uint_eq (some->len, 2);
  ck_assert_str_eq (((IndexDocument *)g_ptr_array_index (some, 1))->path, "/c");
  remove_dir (dir);
}
END_TEST

START_TEST (test_neighbours_and_pages)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("zero", "one", "two", "three", "four"));
  g_autoptr (GPtrArray) middle = search_text (index, "one");

  g_autoptr (GPtrArray) near = index_neighbours (index, hit_at (middle, 0)->chunk, 3, 1, NULL);
  g_autoptr (GPtrArray) pages = index_document_chunks (index, id_of (index, "/a"), 2, 3, NULL);
  g_autoptr (GPtrArray) all = index_document_chunks (index, id_of (index, "/a"), 0, 0, NULL);

  ck_assert_uint_eq (near->len, 3);
  ck_assert_str_eq (hit_at (near, 0)->text, "zero");
  ck_assert_str_eq (hit_at (near, 2)->text, "two");
  ck_assert_uint_eq (pages->len, 2);
  ck_assert_str_eq (hit_at (pages, 0)->text, "one");
  ck_assert_uint_eq (all->len, 5);
  ck_assert_str_eq (hit_at (all, 4)->section, "Methods");
  ck_assert_str_eq (hit_at (all, 4)->first_label, "iv");
  ck_assert_ptr_null (hit_at (all, 4)->last_label);
  ck_assert_float_eq (hit_at (all, 4)->box[3], 4.5f);
  ck_assert_int_eq (hit_at (all, 4)->end, 450);
  remove_dir (dir);
}
END_TEST

START_TEST (test_stats_count_a_collection)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  IndexStats stats;
  ck_assert (put_texts (index, "/a", "x", 1, TEXTS ("one", "two"), NULL));
  ck_assert (put_texts (index, "/b", "y", 0, TEXTS ("three"), NULL));

  ck_assert (index_stats (index, "x", &stats, NULL));
  ck_assert_uint_eq (stats.n_chunks, 2);
  ck_assert_uint_eq (stats.n_vectors, 2);
  ck_assert_uint_eq (stats.size_bytes, 1000);
  ck_assert (index_stats (index, NULL, &stats, NULL));
  ck_assert_uint_eq (stats.n_documents, 2);
  ck_assert_uint_eq (stats.n_chunks, 3);
  ck_assert_uint_eq (stats.n_pages, 3);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("documents");
  TCase *tests = tcase_create ("documents");

  tcase_add_test (tests, test_put_and_find);
  tcase_add_test (tests, test_languages_are_codes_or_nothing);
  tcase_add_test (tests, test_documents_survive_closing);
  tcase_add_test (tests, test_put_replaces_document_of_same_path);
  tcase_add_test (tests, test_failure_replaces_passages);
  tcase_add_test (tests, test_put_without_vectors_is_found_by_words_only);
  tcase_add_test (tests, test_put_refuses_nonsense);
  tcase_add_test (tests, test_known_vectors_are_those_of_unchanged_chunks);
  tcase_add_test (tests, test_move_keeps_passages);
  tcase_add_test (tests, test_move_does_not_overwrite);
  tcase_add_test (tests, test_touch_changes_only_the_time);
  tcase_add_test (tests, test_unknown_document_is_not_found);
  tcase_add_test (tests, test_list_is_by_path_and_collection);
  tcase_add_test (tests, test_neighbours_and_pages);
  tcase_add_test (tests, test_stats_count_a_collection);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

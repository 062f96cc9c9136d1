/* Opening: who may, what is refused, what the folder looks like. */
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static guint mode_of (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  struct stat info;

  ck_assert_int_eq (stat (path, &info), 0);
  return info.st_mode & 0777;
}

/* Runs SQL on the library behind docent's back. */
START_TEST (test_create_is_for_the_owner_alone)
{
  char *base = make_dir ();
  char *dir = g_build_filename (base, "new", NULL);
  umask (0);
  Index *index = open_library (dir);
  put (index, "/a", 1, TEXTS ("one"));
  ck_assert (index_flush (index, NULL));
  index_close (index);

  ck_assert_uint_eq (mode_of (base, "new"), 0700);
  ck_assert_uint_eq (mode_of (dir, "library.db"), 0600);
  ck_assert_uint_eq (mode_of (dir, "library.db-journal"), 0600);
  ck_assert_uint_eq (mode_of (dir, "lock"), 0600);
  ck_assert_uint_eq (mode_of (dir, "vectors.1.faiss"), 0600);
  remove_dir (dir);
  remove_dir (base);
}
END_TEST

START_TEST (test_missing_library_is_not_found)
{
  char *dir = make_dir ();
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (index_open (dir, INDEX_READ, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND));
  g_clear_error (&error);
  ck_assert_ptr_null (index_open ("/nonexistent/library", INDEX_WRITE, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND));
  remove_dir (dir);
}
END_TEST

START_TEST (test_newer_schema_is_refused_with_both_versions)
{
  char *dir = make_dir ();
  g_autoptr (GError) error = NULL;
  index_close (open_library (dir));
  tamper (dir, "PRAGMA user_version = 99");

  ck_assert_ptr_null (index_open (dir, INDEX_READ, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_SCHEMA));
  ck_assert_ptr_nonnull (strstr (error->message, "99"));
  ck_assert_ptr_nonnull (strstr (error->message, "reads version"));
  remove_dir (dir);
}
END_TEST

START_TEST (test_database_of_another_program_is_refused)
{
  char *dir = make_dir ();
  g_autoptr (GError) error = NULL;
  tamper (dir, "CREATE TABLE bookmarks (url)");

  ck_assert_ptr_null (index_open (dir, INDEX_WRITE | INDEX_CREATE, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_SCHEMA));
  remove_dir (dir);
}
END_TEST

START_TEST (test_file_that_is_no_database_is_corrupt)
{
  char *dir = make_dir ();
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);
  g_autofree char *noise = g_strnfill (5000, 'x');
  g_autoptr (GError) error = NULL;
  ck_assert (g_file_set_contents (path, noise, -1, NULL));

  ck_assert_ptr_null (index_open (dir, INDEX_READ, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_CORRUPT));
  ck_assert_ptr_nonnull (strstr (error->message, "fsck"));
  remove_dir (dir);
}
END_TEST

START_TEST (test_second_writer_is_told_who_is_first)
{
  char *dir = make_dir ();
  g_autoptr (Index) first = open_library (dir);
  g_autofree char *pid = g_strdup_printf ("process %d", getpid ());
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (index_open (dir, INDEX_WRITE, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_BUSY));
  ck_assert_ptr_nonnull (strstr (error->message, pid));
  remove_dir (dir);
}
END_TEST

START_TEST (test_lock_dies_with_its_process)
{
  char *dir = make_dir ();
  pid_t child = fork ();
  if (child == 0)
    {
      open_library (dir);
      raise (SIGKILL);
    }
  waitpid (child, NULL, 0);

  g_autoptr (Index) index = index_open (dir, INDEX_WRITE, NULL);

  ck_assert_ptr_nonnull (index);
  remove_dir (dir);
}
END_TEST

START_TEST (test_readers_see_what_a_writer_commits)
{
  char *dir = make_dir ();
  g_autoptr (Index) writer = open_library (dir);
  put (writer, "/a", 1, TEXTS ("about lions"));
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);
  g_autoptr (GPtrArray) before = search_vector (reader, 7, 10);
  ck_assert_uint_eq (n_found (reader, "bears"), 0);

  put (writer, "/b", 7, TEXTS ("about bears"));
  ck_assert_uint_eq (n_found (reader, "bears"), 1);
  g_autoptr (GPtrArray) after = search_vector (reader, 7, 10);
  ck_assert_uint_eq (after->len, 2);
  ck_assert_str_eq (hit_at (after, 0)->path, "/b");

  ck_assert (index_forget_document (writer, id_of (writer, "/b"), NULL));
  ck_assert_uint_eq (n_found (reader, "bears"), 0);
  g_autoptr (GPtrArray) last = search_vector (reader, 7, 10);
  ck_assert_uint_eq (last->len, 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_reader_cannot_write)
{
  char *dir = make_dir ();
  index_close (open_library (dir));
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);
  g_autoptr (GError) error = NULL;

  ck_assert (!put_texts (reader, "/a", NULL, 1, TEXTS ("one"), &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_INPUT));
  remove_dir (dir);
}
END_TEST

START_TEST (test_encoder_is_set_once)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autoptr (GError) error = NULL;
  put (index, "/a", 1, TEXTS ("one"));

  ck_assert (index_set_encoder (index, ENCODER, DIMENSION, &error));
  ck_assert (!index_set_encoder (index, "another", DIMENSION, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_MISMATCH));
  g_clear_error (&error);
  ck_assert (!index_set_encoder (index, ENCODER, DIMENSION + 1, &error));
  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_MISMATCH));
  remove_dir (dir);
}
END_TEST

START_TEST (test_library_without_vectors_takes_another_encoder)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("one"));
  ck_assert (index_flush (index, NULL));
  ck_assert (index_forget_document (index, id_of (index, "/a"), NULL));

  ck_assert (index_set_encoder (index, "another", 2, NULL));

  const float east[] = { 1, 0 }, north[] = { 0, 1 };
  const IndexDocument document = { .path = (char *)"/b" };
  const IndexChunk chunk = { .id = "1", .text = "two" };
  ck_assert (index_put_document (index, &document, &chunk, 1, north, NULL));
  ck_assert (index_flush (index, NULL));
  const IndexQuery query = { .mode = INDEX_SEARCH_DENSE, .vector = east, .limit = 5 };
  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
  ck_assert_double_eq_tol (hit_at (hits, 0)->cosine, 0, 1e-6);
  remove_dir (dir);
}
END_TEST

static gpointer keep_writing (gpointer data)
{
  const char *dir = data;
  g_autoptr (Index) writer = index_open (dir, INDEX_WRITE, NULL);

  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *path = g_strdup_printf ("/later%u", i);
      put (writer, path, 100 + i, TEXTS ("more lions"));
    }
  return NULL;
}

START_TEST (test_backup_beside_a_writer_is_complete)
{
  char *dir = make_dir ();
  g_autofree char *copy = g_build_filename (dir, "copy", NULL);
  guint n_problems = 1;
  Index *writer = open_library (dir);
  put (writer, "/a", 1, TEXTS ("about lions", "and bears"));
  ck_assert (index_flush (writer, NULL));
  index_close (writer);
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);

  GThread *thread = g_thread_new ("writer", keep_writing, dir);
  gboolean ok = index_backup (reader, copy, NULL);
  g_thread_join (thread);

  ck_assert (ok);
  ck_assert (index_fsck (copy, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  g_autoptr (Index) copied = index_open (copy, INDEX_READ, NULL);
  ck_assert_uint_ge (n_found (copied, "lions"), 1);
  remove_dir (g_strdup (copy));
  remove_dir (dir);
}
END_TEST

START_TEST (test_sources_are_remembered)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  ck_assert (index_add_source (index, &(IndexSource){ .path = "/b" }, NULL));
  ck_assert (index_add_source (index, &(IndexSource){ .path = "/a", .collection = "x" }, NULL));
  ck_assert (index_add_source (index, &(IndexSource){ "/a", "y", "*.pdf", "old/" }, NULL));
  ck_assert (index_add_source (index, &(IndexSource){ .path = "/c", .collection = "z" }, NULL));
  ck_assert (index_remove_source (index, "/c", NULL));

  g_autoptr (GPtrArray) sources = index_list_sources (index, NULL);

  ck_assert_uint_eq (sources->len, 2);
  const IndexSource *a = g_ptr_array_index (sources, 0), *b = g_ptr_array_index (sources, 1);
  ck_assert_str_eq (a->path, "/a");
  ck_assert_str_eq (a->collection, "y");
  ck_assert_str_eq (b->collection, "default");
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("library");
  TCase *tests = tcase_create ("library");

  tcase_add_test (tests, test_create_is_for_the_owner_alone);
  tcase_add_test (tests, test_missing_library_is_not_found);
  tcase_add_test (tests, test_newer_schema_is_refused_with_both_versions);
  tcase_add_test (tests, test_database_of_another_program_is_refused);
  tcase_add_test (tests, test_file_that_is_no_database_is_corrupt);
  tcase_add_test (tests, test_second_writer_is_told_who_is_first);
  tcase_add_test (tests, test_lock_dies_with_its_process);
  tcase_add_test (tests, test_readers_see_what_a_writer_commits);
  tcase_add_test (tests, test_reader_cannot_write);
  tcase_add_test (tests, test_encoder_is_set_once);
  tcase_add_test (tests, test_library_without_vectors_takes_another_encoder);
  tcase_add_test (tests, test_backup_beside_a_writer_is_complete);
  tcase_add_test (tests, test_sources_are_remembered);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

/* Taking documents in: what add and sync do with new, changed, moved, broken and vanished files. No
 * model is needed: nothing is embedded here. */
#include <check.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "rag/rag-private.h"

static char *dir, *library, *docs;

static void set_up (void)
{
  dir = g_dir_make_tmp ("docent-test-XXXXXX", NULL);
  library = g_build_filename (dir, "library", NULL);
  docs = g_build_filename (dir, "docs", NULL);
  ck_assert_int_eq (g_mkdir (docs, 0700), 0);
}

static void remove_tree (const char *path)
{
  GDir *folder = g_dir_open (path, 0, NULL);
  for (const char *name; folder != NULL && (name = g_dir_read_name (folder)) != NULL;)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);
      remove_tree (inner);
    }
  g_clear_pointer (&folder, g_dir_close);
  g_remove (path);
}

static void tear_down (void)
{
  remove_tree (dir);
  g_clear_pointer (&dir, g_free);
  g_clear_pointer (&library, g_free);
  g_clear_pointer (&docs, g_free);
}

static char *doc (const char *name)
{
  return g_build_filename (docs, name, NULL);
}

static void write_doc (const char *name, const char *text)
{
  g_autofree char *path = doc (name);
  ck_assert (g_file_set_contents (path, text, -1, NULL));
}

static Rag *open_library (RagMode mode)
{
  GError *error = NULL;
  const RagOptions options = { .library_dir = library, .models_dir = dir };
  Rag *rag = rag_open (&options, mode, &error);
  ck_assert_msg (rag != NULL, "%s", error != NULL ? error->message : "");
  return rag;
}

static RagAddReport *add_with (const RagAddOptions *options, const char *path)
{
  GError *error = NULL;
  g_autoptr (Rag) rag = open_library (RAG_WRITE);
  RagAddReport *report = rag_add (rag, &path, 1, options, &error);
  ck_assert_msg (report != NULL, "%s", error != NULL ? error->message : "");
  return report;
}

static RagAddReport *add_docs (void)
{
  const RagAddOptions options = { .no_embed = TRUE };
  return add_with (&options, docs);
}

static RagAddReport *sync_docs (void)
{
  GError *error = NULL;
  const RagAddOptions options = { .no_embed = TRUE };
  g_autoptr (Rag) rag = open_library (RAG_WRITE);
  RagAddReport *report = rag_sync (rag, &options, &error);
  ck_assert_msg (report != NULL, "%s", error != NULL ? error->message : "");
  return report;
}

static guint n_documents (void)
{
  g_autoptr (Rag) rag = open_library (RAG_READ);
  g_autoptr (GPtrArray) documents = rag_list (rag, NULL, NULL);
  return documents->len;
}

static guint n_found (const char *query)
{
  g_autoptr (Rag) rag = open_library (RAG_READ);
  g_autoptr (RagSearchResult) result = rag_search (rag, query, RAG_SEARCH_LEXICAL, 10, NULL, NULL);
  ck_assert_ptr_nonnull (result);
  return result->hits->len;
}

START_TEST (test_added_documents_are_found)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("b.md", "# Breaks\n\nA break has forty-five minutes.");
  g_autoptr (RagAddReport) report = add_docs ();
  ck_assert_uint_eq (report->added, 2);
  ck_assert_uint_eq (report->failed->len, 0);
  ck_assert_uint_eq (report->pages, 2);
  ck_assert_uint_eq (n_found ("night shift"), 1);
  ck_assert_uint_eq (n_found ("zeppelin"), 0);
}
END_TEST

START_TEST (test_second_add_changes_nothing)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autoptr (RagAddReport) second = add_docs ();
  ck_assert_uint_eq (second->added + second->updated + second->moved + second->removed, 0);
  ck_assert_uint_eq (second->unchanged, 1);
}
END_TEST

START_TEST (test_newer_time_with_the_same_bytes_is_unchanged)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autofree char *path = doc ("a.txt");
  struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  ck_assert_int_eq (utimensat (AT_FDCWD, path, times, 0), 0);
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->unchanged, 1);
  ck_assert_uint_eq (second->updated, 0);
}
END_TEST

START_TEST (test_changed_file_replaces_the_old_text)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  write_doc ("a.txt", "Quiet hours begin at ten in the evening now.");
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->updated, 1);
  ck_assert_uint_eq (n_found ("night shift"), 0);
  ck_assert_uint_eq (n_found ("quiet hours"), 1);
}
END_TEST

START_TEST (test_renamed_file_is_moved_not_read_again)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("keep.txt", "This file stays where it is.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autofree char *from = doc ("a.txt"), *to = doc ("b.txt");
  ck_assert_int_eq (g_rename (from, to), 0);
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->moved, 1);
  ck_assert_uint_eq (second->added + second->removed + second->updated, 0);
  ck_assert_uint_eq (n_documents (), 2);
}
END_TEST

START_TEST (test_copy_is_a_document_of_its_own)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  write_doc ("b.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->added, 1);
  ck_assert_uint_eq (n_documents (), 2);
}
END_TEST

START_TEST (test_deleted_file_is_removed)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("b.txt", "A break has forty-five minutes.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autofree char *path = doc ("a.txt");
  g_remove (path);
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->removed, 1);
  ck_assert_uint_eq (n_found ("night shift"), 0);
  ck_assert_uint_eq (n_documents (), 1);
}
END_TEST

START_TEST (test_missing_folder_keeps_its_documents)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autofree char *away = g_strconcat (docs, "-unmounted", NULL);
  ck_assert_int_eq (g_rename (docs, away), 0);
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->removed, 0);
  ck_assert_uint_eq (second->failed->len, 1);
  ck_assert_uint_eq (n_documents (), 1);
}
END_TEST

START_TEST (test_emptied_folder_keeps_its_documents)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  g_autoptr (RagAddReport) first = add_docs ();
  g_autofree char *path = doc ("a.txt");
  g_remove (path);
  g_autoptr (RagAddReport) second = sync_docs ();
  ck_assert_uint_eq (second->removed, 0);
  ck_assert_uint_eq (second->failed->len, 1);
}
END_TEST

START_TEST (test_broken_file_is_named_and_the_others_go_in)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("broken.pdf", "This is no PDF at all.");
  g_autoptr (RagAddReport) report = add_docs ();
  ck_assert_uint_eq (report->failed->len, 1);
  const RagFailure *failure = g_ptr_array_index (report->failed, 0);
  ck_assert (g_str_has_suffix (failure->document, "broken.pdf"));
  ck_assert_uint_gt (strlen (failure->reason), 10);
  ck_assert_uint_eq (n_found ("night shift"), 1);
  g_autoptr (Rag) rag = open_library (RAG_READ);
  g_autoptr (RagSearchResult) result
      = rag_search (rag, "night", RAG_SEARCH_LEXICAL, 10, NULL, NULL);
  ck_assert_uint_eq (result->coverage.failed, 1);
  ck_assert_uint_eq (result->coverage.skipped->len, 1);
  ck_assert_uint_eq (result->coverage.searched, 1);
}
END_TEST

START_TEST (test_path_that_is_not_there_is_a_failure)
{
  g_autofree char *path = doc ("missing.txt");
  const RagAddOptions options = { .no_embed = TRUE };
  g_autoptr (RagAddReport) report = add_with (&options, path);
  ck_assert_uint_eq (report->added, 0);
  ck_assert_uint_eq (report->failed->len, 1);
}
END_TEST

START_TEST (test_dry_run_changes_nothing)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  const RagAddOptions options = { .no_embed = TRUE, .dry_run = TRUE };
  g_autoptr (RagAddReport) report = add_with (&options, docs);
  ck_assert_uint_eq (report->added, 1);
  ck_assert_uint_eq (n_documents (), 0);
  g_autoptr (RagAddReport) later = sync_docs ();
  ck_assert_uint_eq (later->added, 0);
}
END_TEST

static void cancel_at_second (const RagAddProgress *progress, gpointer user_data)
{
  if (progress->files_done == 1)
    g_cancellable_cancel (user_data);
}

START_TEST (test_stopping_keeps_what_is_done)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("b.txt", "A break has forty-five minutes.");
  write_doc ("c.txt", "Quiet hours begin at ten.");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const RagAddOptions options = { .no_embed = TRUE,
                                  .progress = cancel_at_second,
                                  .user_data = cancellable,
                                  .cancellable = cancellable };
  g_autoptr (GError) error = NULL;
  {
    g_autoptr (Rag) rag = open_library (RAG_WRITE);
    const char *path = docs;
    ck_assert_ptr_null (rag_add (rag, &path, 1, &options, &error));
  }
  ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_CANCELLED));
  ck_assert_uint_eq (n_documents (), 1);
  g_autoptr (RagAddReport) rest = sync_docs ();
  ck_assert_uint_eq (rest->added, 2);
}
END_TEST

START_TEST (test_second_writer_is_told_that_it_is_busy)
{
  g_autoptr (Rag) first = open_library (RAG_WRITE);
  g_autoptr (GError) error = NULL;
  const RagOptions options = { .library_dir = library, .models_dir = dir };
  ck_assert_ptr_null (rag_open (&options, RAG_WRITE, &error));
  ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_BUSY));
}
END_TEST

START_TEST (test_library_that_is_not_there_is_not_found)
{
  g_autoptr (GError) error = NULL;
  const RagOptions options = { .library_dir = library, .models_dir = dir };
  ck_assert_ptr_null (rag_open (&options, RAG_READ, &error));
  ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_NOT_FOUND));
}
END_TEST

START_TEST (test_file_that_killed_docent_twice_is_not_tried_again)
{
  write_doc ("a.txt", "The night shift begins at half past nine.");
  write_doc ("b.txt", "A break has forty-five minutes.");
  g_autofree char *path = doc ("a.txt");
  {
    g_autoptr (Rag) rag = open_library (RAG_WRITE);
  }
  /* As two crashes leave it. */
  g_autofree char *attempts = g_build_filename (library, "attempts.ini", NULL);
  g_autofree char *left = g_strdup_printf ("[attempts]\n%s=2\n", path);
  ck_assert (g_file_set_contents (attempts, left, -1, NULL));
  g_autoptr (RagAddReport) report = add_docs ();
  ck_assert_uint_eq (report->added, 1);
  ck_assert_uint_eq (report->failed->len, 1);
  const RagFailure *failure = g_ptr_array_index (report->failed, 0);
  ck_assert_str_eq (failure->document, path);
}
END_TEST

START_TEST (test_deaths_are_counted_until_the_file_goes_in)
{
  g_autofree char *attempts_ini = g_build_filename (library, "attempts.ini", NULL);
  g_autofree char *left = NULL;
  ck_assert_int_eq (g_mkdir (library, 0700), 0);
  {
    g_autoptr (RagAttempts) attempts = rag_attempts_new (library);
    rag_attempts_begin (attempts, "/a b=c.txt");
    /* What a crash now would leave. */
    ck_assert (g_file_get_contents (attempts_ini, &left, NULL, NULL));
    rag_attempts_end (attempts, "/a b=c.txt");
  }
  ck_assert (!g_file_test (attempts_ini, G_FILE_TEST_EXISTS));
  ck_assert (g_file_set_contents (attempts_ini, left, -1, NULL));
  g_autoptr (RagAttempts) after = rag_attempts_new (library);
  ck_assert_uint_eq (rag_attempts_count (after, "/a b=c.txt"), 1);
  ck_assert_uint_eq (rag_attempts_count (after, "/other"), 0);
}
END_TEST

START_TEST (test_find_by_path_end_or_title)
{
  write_doc ("a.md", "# Night shift\n\nIt begins at half past nine.");
  write_doc ("other.md", "# Breaks\n\nThey are short.");
  g_autoptr (RagAddReport) report = add_docs ();
  g_autoptr (Rag) rag = open_library (RAG_READ);
  static const char *const names[] = { "a.md", "docs/a.md", "night SHIFT" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      RagDocument *document = rag_find (rag, names[i], NULL);
      ck_assert_msg (document != NULL, "%s", names[i]);
      ck_assert (g_str_has_suffix (document->path, "/a.md"));
      rag_document_free (document);
    }
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (rag_find (rag, "md", &error));
  ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_NOT_FOUND));
}
END_TEST

START_TEST (test_odd_queries_are_input_errors)
{
  g_autoptr (Rag) rag = open_library (RAG_WRITE);
  g_autofree char *long_query = g_strnfill (100000, 'a');
  const char *odd[] = { "", "  ?!", "\xff\xfe", long_query };
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (GError) error = NULL;
      ck_assert_ptr_null (rag_search (rag, odd[i], RAG_SEARCH_LEXICAL, 10, NULL, &error));
      ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_INPUT));
      g_clear_error (&error);
      ck_assert_ptr_null (rag_ask (rag, odd[i], NULL, NULL, &error));
      ck_assert (g_error_matches (error, RAG_ERROR, RAG_ERROR_INPUT));
    }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("take-in");
  TCase *tests = tcase_create ("all");
  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_added_documents_are_found);
  tcase_add_test (tests, test_second_add_changes_nothing);
  tcase_add_test (tests, test_newer_time_with_the_same_bytes_is_unchanged);
  tcase_add_test (tests, test_changed_file_replaces_the_old_text);
  tcase_add_test (tests, test_renamed_file_is_moved_not_read_again);
  tcase_add_test (tests, test_copy_is_a_document_of_its_own);
  tcase_add_test (tests, test_deleted_file_is_removed);
  tcase_add_test (tests, test_missing_folder_keeps_its_documents);
  tcase_add_test (tests, test_emptied_folder_keeps_its_documents);
  tcase_add_test (tests, test_broken_file_is_named_and_the_others_go_in);
  tcase_add_test (tests, test_path_that_is_not_there_is_a_failure);
  tcase_add_test (tests, test_dry_run_changes_nothing);
  tcase_add_test (tests, test_stopping_keeps_what_is_done);
  tcase_add_test (tests, test_second_writer_is_told_that_it_is_busy);
  tcase_add_test (tests, test_library_that_is_not_there_is_not_found);
  tcase_add_test (tests, test_file_that_killed_docent_twice_is_not_tried_again);
  tcase_add_test (tests, test_deaths_are_counted_until_the_file_goes_in);
  tcase_add_test (tests, test_find_by_path_end_or_title);
  tcase_add_test (tests, test_odd_queries_are_input_errors);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

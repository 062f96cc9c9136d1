/* Libraries of other versions: an older one is copied and brought up to date, whatever happens on
 * the way. fixtures/version-1.db.gz was written by the last docent that knew version 1: two
 * documents in the collection "travel", without vectors. */
#include "support.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *make_version_1 (void)
{
  char *dir = make_dir ();
  g_autofree char *to = g_build_filename (dir, "library.db", NULL);
  g_autoptr (GFile) from
      = g_file_new_for_path (SOURCE_ROOT "/tests/index/fixtures/version-1.db.gz");
  g_autoptr (GFile) file = g_file_new_for_path (to);
  g_autoptr (GInputStream) packed = G_INPUT_STREAM (g_file_read (from, NULL, NULL));
  g_autoptr (GZlibDecompressor) unzip = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr (GInputStream) bytes
      = g_converter_input_stream_new (packed, G_CONVERTER (unzip));
  g_autoptr (GFileOutputStream) out
      = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL, NULL);

  ck_assert_int_gt (g_output_stream_splice (G_OUTPUT_STREAM (out), bytes,
                                            G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, NULL),
                    0);
  return dir;
}

static gint64 version_of (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  sqlite3_stmt *stmt = NULL;
  gint64 version = -1;
  sqlite3 *db;

  if (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK
      && sqlite3_prepare_v2 (db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK
      && sqlite3_step (stmt) == SQLITE_ROW)
    version = sqlite3_column_int64 (stmt, 0);
  sqlite3_finalize (stmt);
  sqlite3_close (db);
  return version;
}

static guint n_found_in (Index *index, const char *language, const char *text)
{
  const IndexQuery query = {
    .mode = INDEX_SEARCH_LEXICAL, .text = text, .limit = 10, .scope = { .language = language }
  };
  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);

  ck_assert_ptr_nonnull (hits);
  return hits->len;
}

/* Of passages from before they had a language it is that of their document. */
static void assert_up_to_date (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Index) index = index_open (dir, INDEX_READ, &error);
  guint n_problems = 1;

  ck_assert_msg (index != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq (n_found (index, "ferry"), 1);
  ck_assert_uint_eq (n_found (index, "Insel"), 1);
  ck_assert_uint_eq (n_found_in (index, "en", "ferry"), 1);
  ck_assert_uint_eq (n_found_in (index, "de", "ferry"), 0);
  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
}

START_TEST (test_reader_brings_an_older_library_up_to_date)
{
  char *dir = make_version_1 ();
  ck_assert_int_eq (version_of (dir, "library.db"), 1);

  assert_up_to_date (dir);

  ck_assert_int_gt (version_of (dir, "library.db"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_older_library_is_copied_before_it_is_changed)
{
  char *dir = make_version_1 ();
  g_autofree char *copy = g_build_filename (dir, "library.db.version-1", NULL);
  struct stat info;

  index_close (index_open (dir, INDEX_WRITE, NULL));

  ck_assert_int_eq (version_of (dir, "library.db.version-1"), 1);
  ck_assert_int_eq (stat (copy, &info), 0);
  ck_assert_uint_eq (info.st_mode & 0777, 0600);
  remove_dir (dir);
}
END_TEST

START_TEST (test_forget_deletes_the_safety_copy_too)
{
  char *dir = make_version_1 ();
  g_autoptr (Index) index = index_open (dir, INDEX_WRITE, NULL);
  ck_assert (dir_holds (dir, "ferry", 5));

  ck_assert (
      index_forget_document (index, id_of (index, "/srv/docent-fixture/ferry.txt"), NULL));

  ck_assert (!dir_holds (dir, "ferry", 5));
  ck_assert_int_eq (version_of (dir, "library.db.version-1"), -1);
  remove_dir (dir);
}
END_TEST

/* A disk with room for ever more of the copy. */
START_TEST (test_full_disk_leaves_the_older_library_as_it_was)
{
  gboolean ok = FALSE;

  signal (SIGXFSZ, SIG_IGN);
  for (rlim_t room = 0; !ok; room += 32768)
    {
      char *dir = make_version_1 ();
      const struct rlimit few = { room, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };
      g_autoptr (GError) error = NULL;

      ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &few), 0);
      g_autoptr (Index) index = index_open (dir, INDEX_WRITE, &error);
      ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &all), 0);
      ok = index != NULL;
      if (!ok)
        ck_assert_int_eq (version_of (dir, "library.db"), 1);
      g_clear_pointer (&index, index_close);
      assert_up_to_date (dir);
      remove_dir (dir);
    }
}
END_TEST

START_TEST (test_kill_while_bringing_up_to_date_loses_nothing)
{
  for (guint delay_us = 0; delay_us < 20000; delay_us += 1000)
    {
      char *dir = make_version_1 ();
      pid_t child = fork ();
      if (child == 0)
        {
          index_close (index_open (dir, INDEX_WRITE, NULL));
          _exit (0);
        }
      g_usleep (delay_us);
      kill (child, SIGKILL);
      waitpid (child, NULL, 0);

      assert_up_to_date (dir);
      remove_dir (dir);
    }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("schema");
  TCase *tests = tcase_create ("schema");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_reader_brings_an_older_library_up_to_date);
  tcase_add_test (tests, test_older_library_is_copied_before_it_is_changed);
  tcase_add_test (tests, test_forget_deletes_the_safety_copy_too);
  tcase_add_test (tests, test_full_disk_leaves_the_older_library_as_it_was);
  tcase_add_test (tests, test_kill_while_bringing_up_to_date_loses_nothing);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

/* Every write, every sync and every allocation fails in turn: an error, and nothing changed. */
#include "support.h"

#include "vfs_shim.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void assert_intact (const char *dir)
{
  g_autoptr (GError) error = NULL;
  guint n_problems = 1;

  ck_assert_msg (index_fsck (dir, NULL, &n_problems, &error), "%s", error ? error->message : "");
  ck_assert_uint_eq (n_problems, 0);
}

/* Two documents, one of which says "old". */
static char *make_template (const char *text)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);

  put (index, "/other", 5, TEXTS ("other", "passages"));
  put (index, "/a", 1, TEXTS (text));
  ck_assert (index_flush (index, NULL));
  return dir;
}

/* "old" is found before the change, "new" after it, never both or neither. */
static void assert_old_or_new (Index *index, gboolean new)
{
  ck_assert_uint_eq (n_found (index, "old"), new ? 0 : 1);
  ck_assert_uint_eq (n_found (index, "new"), new ? 1 : 0);
}

/* ---- Writes ---- */

/* A document row holds the second it was written in. Written again in that second it may stay as it
 * is, which saves SQLite a page; a trial in the next one then takes four operations more. Past the
 * template's second all trials are alike. */
static void wait_for_next_second (void)
{
  g_usleep ((gulong)(G_USEC_PER_SEC - g_get_real_time () % G_USEC_PER_SEC));
}

/* Replaces a document while the N-th operation on the disk fails, for every N. */
static void fail_every_write (ShimFault fault, gboolean lasting, int expected_code)
{
  char *template = make_template ("old");
  gboolean happened = TRUE;
  guint n_late = 0;

  wait_for_next_second ();
  vfs_shim_install ();
  for (guint n = 1; happened; n++)
    {
      g_autoptr (GError) error = NULL;
      char *dir = copy_dir (template);
      Index *index = open_library (dir);

      vfs_shim_arm (fault, n, lasting, 0);
      gboolean ok = put_texts (index, "/a", NULL, 9, TEXTS ("new"), &error);
      happened = vfs_shim_disarm ();

      ck_assert (ok || happened);
      if (!ok)
        ck_assert_msg (g_error_matches (error, INDEX_ERROR, expected_code), "%s", error->message);
      /* When only the sync after the commit fails, the change has happened, though it may not
       * survive a power cut: SQLite reports that as a failure, too. */
      gboolean new = n_found (index, "new") == 1;
      n_late += !ok && new;
      ck_assert (new || !ok);
      assert_old_or_new (index, new);
      index_close (index);
      assert_intact (dir);
      g_autoptr (Index) again = open_library (dir);
      assert_old_or_new (again, new);
      remove_dir (dir);
      ck_assert_uint_lt (n, 1000);
    }
  ck_assert_uint_le (n_late, 1);
  remove_dir (template);
}

START_TEST (test_every_failed_write_changes_nothing)
{
  fail_every_write (SHIM_IO_ERROR, FALSE, INDEX_ERROR_FAILED);
}
END_TEST

START_TEST (test_every_broken_disk_changes_nothing)
{
  fail_every_write (SHIM_IO_ERROR, TRUE, INDEX_ERROR_FAILED);
}
END_TEST

START_TEST (test_every_full_disk_changes_nothing)
{
  fail_every_write (SHIM_DISK_FULL, TRUE, INDEX_ERROR_FULL);
}
END_TEST

START_TEST (test_forget_is_finished_by_the_next_writer)
{
  char *template = make_template ("zyxomandrel secret");
  gboolean happened = TRUE;
  guint n_unfinished = 0;

  vfs_shim_install ();
  for (guint n = 1; happened; n++)
    {
      char *dir = copy_dir (template);
      Index *index = open_library (dir);

      vfs_shim_arm (SHIM_IO_ERROR, n, TRUE, 0);
      gboolean ok = index_forget_document (index, id_of (index, "/a"), NULL);
      happened = vfs_shim_disarm ();
      index_close (index);

      index = open_library (dir);
      if (n_found (index, "secret") == 0)
        {
          ck_assert (!dir_holds (dir, "yxomandrel", strlen ("yxomandrel")));
          n_unfinished += !ok;
        }
      else
        ck_assert (!ok);
      index_close (index);
      assert_intact (dir);
      remove_dir (dir);
    }
  ck_assert_uint_gt (n_unfinished, 0);
  remove_dir (template);
}
END_TEST

/* ---- A real limit ---- */

START_TEST (test_file_size_limit_reads_as_full_disk)
{
  char *dir = make_dir ();
  Index *index = open_library (dir);
  put (index, "/a", 1, TEXTS ("old"));
  g_autofree char *big = g_strnfill (3 << 20, 'x');
  g_autoptr (GError) error = NULL;
  const struct rlimit limit = { 1 << 20, 1 << 20 };
  signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);

  ck_assert (!put_texts (index, "/a", NULL, 1, TEXTS (big, "new"), &error));

  ck_assert_msg (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_FULL), "%s", error->message);
  ck_assert_ptr_nonnull (strstr (error->message, "free some space"));
  assert_old_or_new (index, FALSE);
  put (index, "/b", 3, TEXTS ("still room for small things"));
  index_close (index);
  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

START_TEST (test_flush_on_full_disk_loses_no_vector)
{
  char *dir = make_dir ();
  Index *index = open_library (dir);
  put (index, "/a", 1, TEXTS ("one", "two", "three"));
  g_autoptr (GError) error = NULL;
  const struct rlimit limit = { 64, 64 };
  struct rlimit before;
  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &before);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &(struct rlimit){ limit.rlim_cur, before.rlim_max }),
                    0);

  ck_assert (!index_flush (index, &error));

  ck_assert_msg (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_FULL), "%s", error->message);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &before), 0);
  g_autoptr (GPtrArray) hits = search_vector (index, 2, 5);
  ck_assert_uint_eq (hits->len, 3);
  ck_assert (index_flush (index, NULL));
  index_close (index);
  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

/* ---- Memory ---- */

static struct
{
  sqlite3_mem_methods real;
  guint countdown; /* 0: disarmed */
  gboolean happened;
} memory;

static gboolean memory_fails (void)
{
  if (memory.countdown == 0 || --memory.countdown > 0)
    return FALSE;
  memory.happened = TRUE;
  memory.countdown = 1; /* and from now on */
  return TRUE;
}

static void *failing_malloc (int n)
{
  return memory_fails () ? NULL : memory.real.xMalloc (n);
}

static void *failing_realloc (void *old, int n)
{
  return memory_fails () ? NULL : memory.real.xRealloc (old, n);
}

START_TEST (test_every_failed_allocation_changes_nothing)
{
  sqlite3_mem_methods methods;
  ck_assert_int_eq (sqlite3_config (SQLITE_CONFIG_GETMALLOC, &memory.real), SQLITE_OK);
  methods = memory.real;
  methods.xMalloc = failing_malloc;
  methods.xRealloc = failing_realloc;
  ck_assert_int_eq (sqlite3_config (SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
  char *template = make_template ("old");
  gboolean happened = TRUE;

  for (guint n = 1; happened; n += 1 + n / 30)
    {
      g_autoptr (GError) error = NULL;
      char *dir = copy_dir (template);
      Index *index = open_with (dir, INDEX_WRITE | INDEX_SCRATCH);

      memory.happened = FALSE;
      memory.countdown = n;
      gboolean ok = put_texts (index, "/a", NULL, 9, TEXTS ("new"), &error);
      memory.countdown = 0;
      happened = memory.happened;

      if (!ok)
        ck_assert_msg (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_FAILED), "%s",
                       error->message);
      assert_old_or_new (index, ok);
      index_close (index);
      assert_intact (dir);
      remove_dir (dir);
    }
  remove_dir (template);
}
END_TEST

START_TEST (test_every_failed_allocation_of_a_search_is_an_error)
{
  sqlite3_mem_methods methods;
  ck_assert_int_eq (sqlite3_config (SQLITE_CONFIG_GETMALLOC, &memory.real), SQLITE_OK);
  methods = memory.real;
  methods.xMalloc = failing_malloc;
  methods.xRealloc = failing_realloc;
  ck_assert_int_eq (sqlite3_config (SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
  char *dir = make_dir ();
  index_close (open_library (dir));
  gboolean happened = TRUE;
  float vector[DIMENSION];
  make_vector (1, vector);

  Index *writer = open_library (dir);
  put (writer, "/a", 1, TEXTS ("an old passage", "another"));
  index_close (writer);
  for (guint n = 1; happened; n += 1 + n / 30)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
      const IndexQuery query = { .text = "old passage", .vector = vector, .limit = 5 };

      memory.happened = FALSE;
      memory.countdown = n;
      g_autoptr (GPtrArray) hits = index_search (index, &query, &error);
      memory.countdown = 0;
      happened = memory.happened;

      ck_assert (hits ? hits->len == 2 : error != NULL);
    }
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("faults");
  TCase *tests = tcase_create ("faults");

  tcase_set_timeout (tests, 200);
  tcase_add_test (tests, test_every_failed_write_changes_nothing);
  tcase_add_test (tests, test_every_broken_disk_changes_nothing);
  tcase_add_test (tests, test_every_full_disk_changes_nothing);
  tcase_add_test (tests, test_forget_is_finished_by_the_next_writer);
  tcase_add_test (tests, test_file_size_limit_reads_as_full_disk);
  tcase_add_test (tests, test_flush_on_full_disk_loses_no_vector);
  tcase_add_test (tests, test_every_failed_allocation_changes_nothing);
  tcase_add_test (tests, test_every_failed_allocation_of_a_search_is_an_error);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

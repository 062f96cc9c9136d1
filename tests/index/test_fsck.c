/* fsck: sees every kind of damage, repairs what can be repaired, is silent about the rest. */
#include "support.h"

typedef struct
{
  guint n_reported, n_repaired;
  GString *problems;
} Report;

static void note_problem (const char *problem, gboolean repaired, gpointer data)
{
  Report *report = data;

  report->n_reported++;
  report->n_repaired += repaired ? 1 : 0;
  g_string_append_printf (report->problems, "%s\n", problem);
}

/* Runs fsck and returns how many problems remain. */
static guint run_fsck (const char *dir, gboolean repair, Report *report)
{
  g_autoptr (GError) error = NULL;
  IndexFsck options = { .repair = repair, .report = note_problem, .user_data = report };
  guint n_problems = G_MAXUINT;

  report->n_reported = report->n_repaired = 0;
  report->problems = g_string_new (NULL);
  ck_assert_msg (index_fsck (dir, &options, &n_problems, &error), "%s",
                 error ? error->message : "");
  ck_assert_uint_eq (n_problems, report->n_reported - report->n_repaired);
  return n_problems;
}

static void assert_intact (const char *dir)
{
  Report report;

  ck_assert_msg (run_fsck (dir, FALSE, &report) == 0, "%s", report.problems->str);
  g_string_free (report.problems, TRUE);
}

/* Looks, expects TEXT in a sentence; repairs, expects nothing left. */
static void assert_found_and_repaired (const char *dir, const char *text)
{
  Report report;

  ck_assert_uint_gt (run_fsck (dir, FALSE, &report), 0);
  ck_assert_msg (strstr (report.problems->str, text) != NULL, "%s", report.problems->str);
  g_string_free (report.problems, TRUE);
  ck_assert_msg (run_fsck (dir, TRUE, &report) == 0, "%s", report.problems->str);
  ck_assert_uint_gt (report.n_repaired, 0);
  g_string_free (report.problems, TRUE);
  assert_intact (dir);
}

static char *make_library (void)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);

  put (index, "/a.txt", 1, TEXTS ("about lions", "about tigers", "about bears"));
  put (index, "/b.txt", 11, TEXTS ("about whales", "about dolphins"));
  ck_assert (index_add_source (index, &(IndexSource){ "/folder", "x", NULL, "drafts/" }, NULL));
  ck_assert (index_flush (index, NULL));
  put (index, "/c.txt", 21, TEXTS ("about eagles"));
  return dir;
}

START_TEST (test_intact_library_has_no_problems)
{
  char *dir = make_library ();

  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

START_TEST (test_empty_library_has_no_problems)
{
  char *dir = make_dir ();
  index_close (index_open (dir, INDEX_WRITE | INDEX_CREATE, NULL));

  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

START_TEST (test_missing_library_is_an_error)
{
  char *dir = make_dir ();
  g_autoptr (GError) error = NULL;

  ck_assert (!index_fsck (dir, NULL, NULL, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND));
  remove_dir (dir);
}
END_TEST

START_TEST (test_changed_text_is_taken_out_and_read_again)
{
  char *dir = make_library ();
  tamper (dir, "UPDATE chunk SET text = 'about lambs' WHERE text = 'about lions'");

  assert_found_and_repaired (dir, "/a.txt: a passage on page 1 is damaged");

  g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
  ck_assert_uint_eq (n_found (index, "lambs"), 0);
  ck_assert_uint_eq (n_found (index, "lions"), 0);
  ck_assert_uint_eq (n_found (index, "tigers"), 1);
  g_autoptr (IndexDocument) document = index_find_document (index, "/a.txt", NULL);
  ck_assert_ptr_null (document->sha256);
  ck_assert_int_eq (document->mtime_ns, 0);
  ck_assert_uint_eq (document->n_chunks, 2);
  remove_dir (dir);
}
END_TEST

START_TEST (test_changed_page_or_position_is_noticed)
{
  static const char *const changes[] = { "UPDATE chunk SET first_page = 7 WHERE id = 1",
                                         "UPDATE chunk SET end_byte = 51 WHERE id = 2",
                                         "UPDATE chunk SET y1 = 4.25 WHERE id = 1",
                                         "UPDATE chunk SET section = 'Results' WHERE id = 1",
                                         "UPDATE chunk SET first_label = NULL WHERE id = 1",
                                         "UPDATE chunk SET language = 'de' WHERE id = 1",
                                         "UPDATE chunk SET checksum = checksum + 1 WHERE id = 3" };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      char *dir = make_library ();
      tamper (dir, changes[i]);
      assert_found_and_repaired (dir, "/a.txt: a passage");
      remove_dir (dir);
    }
}
END_TEST

START_TEST (test_changed_vector_is_made_again)
{
  char *dir = make_library ();
  tamper (dir, "UPDATE vector SET floats = zeroblob (64) WHERE chunk = 2");

  assert_found_and_repaired (dir, "/a.txt: the vector of a passage");

  g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
  g_autoptr (GPtrArray) hits = search_vector (index, 2, 10);
  ck_assert_uint_eq (hits->len, 5);
  ck_assert_double_lt (hit_at (hits, 0)->cosine, 0.999);
  ck_assert_uint_eq (n_found (index, "tigers"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_vector_of_wrong_size_is_made_again)
{
  char *dir = make_library ();
  tamper (dir, "UPDATE vector SET floats = zeroblob (8) WHERE chunk = 6");

  assert_found_and_repaired (dir, "/c.txt: the vector of a passage");
  remove_dir (dir);
}
END_TEST

START_TEST (test_changed_document_is_read_again)
{
  char *dir = make_library ();
  tamper (dir, "UPDATE document SET title = 'Another title' WHERE path = '/b.txt'");

  assert_found_and_repaired (dir, "/b.txt: its description is damaged");
  remove_dir (dir);
}
END_TEST

START_TEST (test_lost_passages_are_read_again)
{
  char *dir = make_library ();
  tamper (dir, "PRAGMA foreign_keys = ON; DELETE FROM chunk WHERE text = 'about whales'");

  assert_found_and_repaired (dir, "/b.txt: some of its passages or vectors are missing");
  remove_dir (dir);
}
END_TEST

START_TEST (test_orphans_are_removed)
{
  char *dir = make_library ();
  tamper (dir, "PRAGMA foreign_keys = OFF; DELETE FROM document WHERE path = '/b.txt'");

  assert_found_and_repaired (dir, "belong to documents that are gone");

  g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
  ck_assert_uint_eq (n_found (index, "whales"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_lost_words_are_rebuilt)
{
  char *dir = make_library ();
  tamper (dir, "DELETE FROM passage_data WHERE id > 10");

  assert_found_and_repaired (dir, "text search does not match");

  g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
  ck_assert_uint_eq (n_found (index, "lions"), 1);
  ck_assert_uint_eq (n_found (index, "eagles"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_lost_index_entries_are_rebuilt)
{
  char *dir = make_library ();
  tamper (dir, "PRAGMA writable_schema = ON;"
               "CREATE TABLE other (sha256 TEXT); CREATE INDEX other_index ON other (sha256);"
               "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name "
               "= 'other_index') WHERE name = 'document_by_sha256';"
               "DELETE FROM sqlite_schema WHERE name IN ('other_index');");
  Report report;

  ck_assert_uint_gt (run_fsck (dir, FALSE, &report), 0);

  g_string_free (report.problems, TRUE);
  remove_dir (dir);
}
END_TEST

START_TEST (test_faiss_file_is_checked_and_made_again)
{
  char *dir = make_library ();
  g_autofree char *path = g_build_filename (dir, "vectors.1.faiss", NULL);
  g_autofree char *bytes = NULL;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  bytes[n - 1] ^= 1;
  ck_assert (g_file_set_contents (path, bytes, (gssize)n, NULL));
  assert_found_and_repaired (dir, "vectors.1.faiss");

  g_autofree char *second = g_build_filename (dir, "vectors.2.faiss", NULL);
  g_unlink (second);
  assert_found_and_repaired (dir, "vectors.2.faiss");

  tamper (dir, "UPDATE dense_cache SET last_chunk = 5");
  assert_found_and_repaired (dir, "vectors.3.faiss");
  remove_dir (dir);
}
END_TEST

START_TEST (test_changed_settings_are_noticed)
{
  static const char *const changes[] = { "UPDATE library SET encoder = 'tost-encoder'",
                                         "UPDATE library SET dimension = 15",
                                         "UPDATE source SET path = '/foldes'",
                                         "UPDATE source SET collection = 'y'",
                                         "UPDATE source SET exclude = 'draftz/'",
                                         "CREATE TABLE more (x)",
                                         "DROP INDEX document_by_sha256" };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      char *dir = make_library ();
      Report report;
      tamper (dir, changes[i]);
      ck_assert_uint_gt (run_fsck (dir, FALSE, &report), 0);
      g_string_free (report.problems, TRUE);
      remove_dir (dir);
    }
}
END_TEST

START_TEST (test_other_program_s_file_is_reported)
{
  char *dir = make_dir ();
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);
  g_autofree char *noise = g_strnfill (20000, 'x');
  Report report;
  ck_assert (g_file_set_contents (path, noise, -1, NULL));

  ck_assert_uint_eq (run_fsck (dir, TRUE, &report), 1);

  g_string_free (report.problems, TRUE);
  remove_dir (dir);
}
END_TEST

/* ---- Bit rot ---- */

/* Everything a user could get out of the library, or NULL when reading fails. */
static char *contents_of (const char *dir)
{
  g_autoptr (Index) index = index_open (dir, INDEX_READ, NULL);
  g_autoptr (GPtrArray) documents = index ? index_list_documents (index, NULL, NULL) : NULL;
  g_autoptr (GPtrArray) sources = index ? index_list_sources (index, NULL) : NULL;
  GString *contents = g_string_new (NULL);

  for (guint d = 0; documents && sources && d < documents->len; d++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, d);
      g_autoptr (GPtrArray) chunks = index_document_chunks (index, document->id, 0, 0, NULL);

      if (!chunks)
        return g_string_free (contents, TRUE);
      g_string_append_printf (contents, "%s %s %s %d\n", document->path, document->title,
                              document->sha256, (int)document->mtime_ns);
      for (guint c = 0; c < chunks->len; c++)
        g_string_append_printf (contents, "%s %s %u\n", hit_at (chunks, c)->text,
                                hit_at (chunks, c)->section, hit_at (chunks, c)->first_page);
    }
  return g_string_free (contents, documents == NULL || sources == NULL);
}

/* A version that is too new after a flip is an error rather than a problem: reported all the same.
 */
static gboolean finds_problems (const char *dir)
{
  guint n_problems = 0;

  return !index_fsck (dir, NULL, &n_problems, NULL) || n_problems > 0;
}

START_TEST (test_every_flipped_bit_is_reported_or_harmless)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20250101);
  char *dir = make_library ();
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);
  g_autofree char *good = contents_of (dir);
  g_autofree char *bytes = NULL;
  guint n_reported = 0;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));

  for (guint flip = 0; flip < 200; flip++)
    {
      gsize at = (gsize)g_rand_int_range (rand, 0, (gint32)n);
      char mask = (char)(1 << g_rand_int_range (rand, 0, 8));

      bytes[at] ^= mask;
      ck_assert (g_file_set_contents (path, bytes, (gssize)n, NULL));
      if (finds_problems (dir))
        n_reported++;
      else
        {
          g_autofree char *now = contents_of (dir);
          ck_assert_msg (g_strcmp0 (now, good) == 0, "bit %d of byte %zu went unnoticed", mask, at);
        }
      bytes[at] ^= mask;
    }
  ck_assert_uint_gt (n_reported, 0);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("fsck");
  TCase *tests = tcase_create ("fsck");

  tcase_set_timeout (tests, 100);
  tcase_add_test (tests, test_intact_library_has_no_problems);
  tcase_add_test (tests, test_empty_library_has_no_problems);
  tcase_add_test (tests, test_missing_library_is_an_error);
  tcase_add_test (tests, test_changed_text_is_taken_out_and_read_again);
  tcase_add_test (tests, test_changed_page_or_position_is_noticed);
  tcase_add_test (tests, test_changed_vector_is_made_again);
  tcase_add_test (tests, test_vector_of_wrong_size_is_made_again);
  tcase_add_test (tests, test_changed_document_is_read_again);
  tcase_add_test (tests, test_lost_passages_are_read_again);
  tcase_add_test (tests, test_orphans_are_removed);
  tcase_add_test (tests, test_lost_words_are_rebuilt);
  tcase_add_test (tests, test_lost_index_entries_are_rebuilt);
  tcase_add_test (tests, test_faiss_file_is_checked_and_made_again);
  tcase_add_test (tests, test_changed_settings_are_noticed);
  tcase_add_test (tests, test_other_program_s_file_is_reported);
  tcase_add_test (tests, test_every_flipped_bit_is_reported_or_harmless);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

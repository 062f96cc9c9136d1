/* Search by vectors: exact, whatever has happened to the FAISS file. */
#include "index/index-private.h"
#include "support.h"

#include <glob.h>

#define N 300

/* N passages of one vector each in documents of 20, vectors of seeds 1 … N. */
static void fill (Index *index, guint from, guint to)
{
  for (guint seed = from; seed <= to; seed += 20)
    {
      g_autofree char *path = g_strdup_printf ("/%05u", seed);
      g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

      for (guint i = seed; i < seed + 20; i++)
        g_ptr_array_add (texts, g_strdup_printf ("passage %u", i));
      g_ptr_array_add (texts, NULL);
      put (index, path, seed, (const char *const *)texts->pdata);
    }
}

/* The cosines to the vector of SEED of all passages must be the N highest of those made with seeds
 * FROM … TO, in order: computed here, one by one. */
static void assert_exact (Index *index, guint seed, guint from, guint to, guint n)
{
  g_autoptr (GPtrArray) hits = search_vector (index, seed, n);
  g_autoptr (GArray) expected = g_array_new (FALSE, FALSE, sizeof (double));
  float query[DIMENSION], vector[DIMENSION];

  make_vector (seed, query);
  for (guint other = from; other <= to; other++)
    {
      double cosine = 0;
      guint rank = 0;

      make_vector (other, vector);
      for (guint i = 0; i < DIMENSION; i++)
        cosine += (double)query[i] * vector[i];
      while (rank < expected->len && g_array_index (expected, double, rank) >= cosine)
        rank++;
      g_array_insert_val (expected, rank, cosine);
    }
  ck_assert_uint_eq (hits->len, MIN (n, expected->len));
  for (guint i = 0; i < hits->len; i++)
    ck_assert_double_eq_tol (hit_at (hits, i)->cosine, g_array_index (expected, double, i), 1e-5);
}

static char *faiss_file (const char *dir)
{
  g_autofree char *pattern = g_build_filename (dir, "vectors.*", NULL);
  glob_t found;

  ck_assert_int_eq (glob (pattern, 0, NULL, &found), 0);
  ck_assert_uint_eq (found.gl_pathc, 1);
  char *path = g_strdup (found.gl_pathv[0]);
  globfree (&found);
  return path;
}

START_TEST (test_exact_before_and_after_flush)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  fill (index, 1, N);

  assert_exact (index, 7, 1, N, 10);
  assert_exact (index, 999, 1, N, 250);
  ck_assert (index_flush (index, NULL));
  assert_exact (index, 7, 1, N, 10);
  assert_exact (index, 999, 1, N, 400);
  remove_dir (dir);
}
END_TEST

START_TEST (test_file_and_later_rows_together)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  fill (index, 1, N);
  ck_assert (index_flush (index, NULL));
  fill (index, N + 1, 2 * N);

  assert_exact (index, 5, 1, 2 * N, 50);

  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);
  assert_exact (reader, 5, 1, 2 * N, 50);
  remove_dir (dir);
}
END_TEST

START_TEST (test_replaced_and_forgotten_vectors_are_gone)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  fill (index, 1, N);
  ck_assert (index_flush (index, NULL));

  put (index, "/00001", 5001, TEXTS ("replaced"));
  g_autoptr (GPtrArray) hits = search_vector (index, 1, N);
  ck_assert_uint_eq (hits->len, N - 19);
  ck_assert_double_lt (hit_at (hits, 0)->cosine, 0.999);

  put (index, "/00001", 0, TEXTS ("without vector"));
  ck_assert (index_flush (index, NULL));
  assert_exact (index, 1, 21, N, N);
  ck_assert (index_forget_document (index, id_of (index, "/00021"), NULL));
  assert_exact (index, 1, 41, N, N);
  remove_dir (dir);
}
END_TEST

START_TEST (test_flush_keeps_one_generation)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  fill (index, 1, 20);
  ck_assert (index_flush (index, NULL));
  g_autofree char *first = faiss_file (dir);
  ck_assert (index_flush (index, NULL));
  g_autofree char *unchanged = faiss_file (dir);
  fill (index, 21, 40);
  ck_assert (index_flush (index, NULL));
  g_autofree char *second = faiss_file (dir);

  ck_assert_str_eq (first, unchanged);
  ck_assert_str_ne (first, second);
  remove_dir (dir);
}
END_TEST

START_TEST (test_leftover_of_a_killed_flush_is_removed)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autofree char *leftover = g_build_filename (dir, "vectors.1.tmp", NULL);
  g_autofree char *unnamed = g_build_filename (dir, "vectors.9.faiss", NULL);
  ck_assert (g_file_set_contents (leftover, "half", -1, NULL));
  ck_assert (g_file_set_contents (unnamed, "whole, but SQLite does not know it", -1, NULL));
  fill (index, 1, 20);

  ck_assert (index_flush (index, NULL));

  g_autofree char *only = faiss_file (dir);
  ck_assert (g_str_has_suffix (only, "vectors.1.faiss"));
  remove_dir (dir);
}
END_TEST

/* Overwrites the FAISS file with its own bytes, changed at AT (from the end when negative) or cut
 * to LENGTH bytes. */
static void damage_file (const char *dir, gssize at, gssize length)
{
  g_autofree char *path = faiss_file (dir);
  g_autofree char *bytes = NULL;
  gsize n;

  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  bytes[at >= 0 ? (gsize)at : n - (gsize)-at] ^= 0x40;
  ck_assert (g_file_set_contents (path, bytes, length >= 0 ? length : (gssize)n, NULL));
}

START_TEST (test_damaged_file_is_never_believed)
{
  static const struct
  {
    gssize at, length;
  } cases[] = { { 0, -1 },  { 4, -1 },   { 8, -1 },   { 12, -1 }, { 30, -1 }, { 60, -1 },
                { -1, -1 }, { -20, -1 }, { 500, -1 }, { 0, 0 },   { 0, 3 },   { 0, 100 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      char *dir = make_dir ();
      Index *index = open_library (dir);
      fill (index, 1, 40);
      ck_assert (index_flush (index, NULL));
      index_close (index);
      damage_file (dir, cases[i].at, cases[i].length);

      Index *reader = index_open (dir, INDEX_READ, NULL);
      assert_exact (reader, 3, 1, 40, 40);
      index_close (reader);
      index = index_open (dir, INDEX_WRITE, NULL);
      ck_assert (index_flush (index, NULL));
      assert_exact (index, 3, 1, 40, 40);
      index_close (index);
      guint n_problems = 1;
      ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
      ck_assert_uint_eq (n_problems, 0);
      remove_dir (dir);
    }
}
END_TEST

START_TEST (test_missing_file_is_made_again)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  fill (index, 1, 40);
  ck_assert (index_flush (index, NULL));
  index_close (g_steal_pointer (&index));
  g_autofree char *path = faiss_file (dir);
  g_unlink (path);

  index = index_open (dir, INDEX_WRITE, NULL);
  assert_exact (index, 3, 1, 40, 40);
  ck_assert (index_flush (index, NULL));

  g_autofree char *again = faiss_file (dir);
  ck_assert_str_ne (again, path);
  remove_dir (dir);
}
END_TEST

START_TEST (test_no_vectors_no_hits)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);

  ck_assert (index_flush (index, NULL));
  g_autoptr (GPtrArray) hits = search_vector (index, 1, 5);

  ck_assert_uint_eq (hits->len, 0);
  remove_dir (dir);
}
END_TEST

/* ---- Codes of large libraries ---- */

/* A library of which nothing is kept as floats. */
static Index *open_large (const char *dir)
{
  Index *index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);

  index->exact_bytes = 0;
  return index;
}

static void put_many (Index *index, const char *path, guint first, guint n)
{
  g_autofree IndexChunk *chunks = g_new0 (IndexChunk, n);
  g_autofree float *vectors = g_new (float, n * DIMENSION);
  const IndexDocument document = { .path = (char *)path };

  for (guint i = 0; i < n; i++)
    {
      chunks[i] = (IndexChunk){ .id = "x", .text = "words" };
      make_vector (first + i, vectors + i * DIMENSION);
    }
  ck_assert (index_put_document (index, &document, chunks, n, vectors, NULL));
}

/* The same documents in a library of floats and in one of codes: the same answers. */
static void assert_alike (Index *exact, Index *large)
{
  for (guint32 seed = 70000; seed < 70020; seed++)
    {
      g_autoptr (GPtrArray) expected = search_vector (exact, seed, 10);
      g_autoptr (GPtrArray) found = search_vector (large, seed, 10);

      ck_assert_uint_eq (found->len, expected->len);
      for (guint i = 0; i < found->len; i++)
        {
          ck_assert_str_eq (hit_at (found, i)->path, hit_at (expected, i)->path);
          ck_assert_double_eq_tol (hit_at (found, i)->cosine, hit_at (expected, i)->cosine, 1e-6);
        }
    }
}

START_TEST (test_codes_answer_as_floats_do)
{
  char *dirs[] = { make_dir (), make_dir () };
  g_autoptr (Index) exact = open_with (dirs[0], INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);
  Index *large = open_large (dirs[1]);
  Index *both[] = { exact, large };
  guint n_problems = 1;

  for (guint i = 0; i < 2; i++)
    {
      put_many (both[i], "/a", 1, 30000);
      put_many (both[i], "/b", 30001, 30000);
    }
  assert_alike (exact, large); /* from rows */
  ck_assert (index_flush (large, NULL));
  assert_alike (exact, large); /* from the file */
  for (guint i = 0; i < 2; i++)
    {
      put_many (both[i], "/a", 60001, 500); /* 30,000 gone, 500 new */
      put_many (both[i], "/c", 61001, 500);
    }
  assert_alike (exact, large);
  ck_assert (index_flush (large, NULL));
  index_close (large);
  large = open_large (dirs[1]);
  assert_alike (exact, large);
  ck_assert (index_forget_document (large, id_of (large, "/b"), NULL));
  ck_assert (index_forget_document (exact, id_of (exact, "/b"), NULL));
  assert_alike (exact, large);
  index_close (large);
  ck_assert (index_fsck (dirs[1], NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  remove_dir (dirs[0]);
  remove_dir (dirs[1]);
}
END_TEST

static gboolean has_file (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

START_TEST (test_library_that_grows_or_shrinks_changes_its_kind_of_file)
{
  char *dir = make_dir ();
  Index *index = open_large (dir);
  put_many (index, "/a", 1, 100);
  ck_assert (index_flush (index, NULL));
  ck_assert (has_file (dir, "vectors.1.codes"));

  index->exact_bytes = 1 << 20;
  put_many (index, "/b", 200, 1);
  g_autoptr (GPtrArray) hits = search_vector (index, 200, 1);
  ck_assert_str_eq (hit_at (hits, 0)->path, "/b");
  ck_assert (index_flush (index, NULL));
  ck_assert (has_file (dir, "vectors.2.faiss"));
  ck_assert (!has_file (dir, "vectors.1.codes"));
  index_close (index);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("dense");
  TCase *tests = tcase_create ("dense");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_exact_before_and_after_flush);
  tcase_add_test (tests, test_file_and_later_rows_together);
  tcase_add_test (tests, test_replaced_and_forgotten_vectors_are_gone);
  tcase_add_test (tests, test_flush_keeps_one_generation);
  tcase_add_test (tests, test_leftover_of_a_killed_flush_is_removed);
  tcase_add_test (tests, test_damaged_file_is_never_believed);
  tcase_add_test (tests, test_missing_file_is_made_again);
  tcase_add_test (tests, test_no_vectors_no_hits);
  tcase_add_test (tests, test_codes_answer_as_floats_do);
  tcase_add_test (tests, test_library_that_grows_or_shrinks_changes_its_kind_of_file);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

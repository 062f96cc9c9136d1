/* Forgotten means gone: neither text nor vector is left in any file of the library. */
#include "support.h"

/* Words that occur nowhere else. Terms are looked for as FTS5 stores them: folded, stemmed, and
 * without the first letter, which they share with the term before them. */
#define SECRET "Zyxomandrel quixtoplasm"
#define SECRET_TERM_1 "yxomandrel"
#define SECRET_TERM_2 "uixtoplasm"

/* What is in this library besides the secret: N documents of M passages, words from a small
 * dictionary, so that pages fill, split and merge around it. */
static void fill (Index *index, GRand *rand, guint n, guint m, const char *prefix)
{
  for (guint d = 0; d < n; d++)
    {
      g_autofree char *path = g_strdup_printf ("/%s%u", prefix, d);
      g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

      for (guint i = 0; i < m; i++)
        {
          GString *text = g_string_new (NULL);
          guint n_words = (guint)g_rand_int_range (rand, 5, 250);

          for (guint w = 0; w < n_words; w++)
            g_string_append_printf (text, "%cord%d ", g_rand_int_range (rand, 'a', 'z' + 1),
                                    g_rand_int_range (rand, 0, 900));
          g_ptr_array_add (texts, g_string_free (text, FALSE));
        }
      g_ptr_array_add (texts, NULL);
      put (index, path, (guint32)g_rand_int_range (rand, 1, 100000),
           (const char *const *)texts->pdata);
    }
}

static void assert_gone (const char *dir, guint32 seed)
{
  float vector[DIMENSION];

  make_vector (seed, vector);
  ck_assert (!dir_holds (dir, SECRET, strlen (SECRET)));
  ck_assert (!dir_holds (dir, SECRET_TERM_1, strlen (SECRET_TERM_1)));
  ck_assert (!dir_holds (dir, SECRET_TERM_2, strlen (SECRET_TERM_2)));
  ck_assert (!dir_holds (dir, "secret-path", strlen ("secret-path")));
  ck_assert (!dir_holds (dir, vector, sizeof vector));
}

static void put_secret (Index *index, guint32 seed)
{
  put (index, "/secret-path.txt", seed,
       TEXTS ("first " SECRET " passage", "second " SECRET " passage with more words in it"));
}

START_TEST (test_nothing_is_left)
{
  char *dir = make_dir ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  Index *index = open_library (dir);
  float vector[DIMENSION];
  fill (index, rand, 5, 30, "before");
  put_secret (index, 77777);
  fill (index, rand, 5, 30, "after");
  ck_assert (index_flush (index, NULL));
  make_vector (77777, vector);
  ck_assert (dir_holds (dir, SECRET_TERM_1, strlen (SECRET_TERM_1)));
  ck_assert (dir_holds (dir, vector, sizeof vector));

  ck_assert (index_forget_document (index, id_of (index, "/secret-path.txt"), NULL));
  assert_gone (dir, 77777);
  index_close (index);

  assert_gone (dir, 77777);
  guint n_problems = 1;
  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  remove_dir (dir);
}
END_TEST

/* SQLite moves rows between pages as a table grows and shrinks; old copies must not stay behind in
 * the unused part of a page. */
START_TEST (test_nothing_is_left_after_a_long_life)
{
  for (guint32 life = 0; life < 12; life++)
    {
      char *dir = make_dir ();
      g_autoptr (GRand) rand = g_rand_new_with_seed (life);
      Index *index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);

      fill (index, rand, 3, 20, "a");
      put_secret (index, 77777);
      for (guint round = 0; round < 8; round++)
        {
          g_autofree char *path = g_strdup_printf ("/a%u", round % 3);

          fill (index, rand, 3, (guint)g_rand_int_range (rand, 1, 40), round % 2 ? "a" : "b");
          if (round % 3 == 1)
            ck_assert (index_forget_document (index, id_of (index, path), NULL));
          if (round % 4 == 2)
            put_secret (index, 77777);
          if (round % 2)
            ck_assert (index_flush (index, NULL));
        }
      ck_assert (index_forget_document (index, id_of (index, "/secret-path.txt"), NULL));

      assert_gone (dir, 77777);
      index_close (index);
      remove_dir (dir);
    }
}
END_TEST

START_TEST (test_forgetting_many_is_all_or_nothing)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("lion"));
  put (index, "/b", 2, TEXTS ("bear"));
  ck_assert (index_flush (index, NULL));
  const gint64 wrong[] = { id_of (index, "/a"), 999 };
  const gint64 right[] = { id_of (index, "/a"), id_of (index, "/b") };

  ck_assert (!index_forget_documents (index, wrong, 2, NULL));
  ck_assert_uint_eq (n_found (index, "lion"), 1);
  g_autoptr (GPtrArray) before = search_vector (index, 1, 5);
  ck_assert_uint_eq (before->len, 2);

  ck_assert (index_forget_documents (index, right, 2, NULL));
  ck_assert_uint_eq (n_found (index, "lion"), 0);
  g_autoptr (GPtrArray) after = search_vector (index, 1, 5);
  ck_assert_uint_eq (after->len, 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_chunk_ids_are_never_used_again)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("lion"));
  g_autoptr (GPtrArray) first = search_text (index, "lion");
  ck_assert (index_forget_document (index, id_of (index, "/a"), NULL));

  put (index, "/a", 1, TEXTS ("lion"));

  g_autoptr (GPtrArray) second = search_text (index, "lion");
  ck_assert_int_ne (hit_at (first, 0)->chunk, hit_at (second, 0)->chunk);
  ck_assert_int_ne (hit_at (first, 0)->document_id, hit_at (second, 0)->document_id);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("forget");
  TCase *tests = tcase_create ("forget");

  tcase_set_timeout (tests, 100);
  tcase_add_test (tests, test_nothing_is_left);
  tcase_add_test (tests, test_nothing_is_left_after_a_long_life);
  tcase_add_test (tests, test_forgetting_many_is_all_or_nothing);
  tcase_add_test (tests, test_chunk_ids_are_never_used_again);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

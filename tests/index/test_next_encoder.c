/* Another encoder takes over: the old one serves until the last vector is there, and whatever
 * happens on the way the library has the vectors of one of them, whole. */
#include "support.h"

#include "vfs_shim.h"

#define NEXT "next-encoder"
#define NEXT_DIMENSION 8

static Index *open_again (const char *dir)
{
  g_autoptr (GError) error = NULL;
  Index *index = index_open (dir, INDEX_WRITE, &error);

  ck_assert_msg (index != NULL, "%s", error ? error->message : "");
  return index;
}

/* Five passages in two documents. */
static Index *make_library (const char *dir)
{
  Index *index = open_library (dir);

  put (index, "/a", 1, TEXTS ("one", "two", "three"));
  put (index, "/b", 11, TEXTS ("four", "five"));
  ck_assert (index_flush (index, NULL));
  ck_assert (index_set_next_encoder (index, NEXT, NEXT_DIMENSION, NULL));
  return index;
}

/* Whatever the text, the next encoder says its chunk's number. */
static void next_vector (gint64 chunk, float *ret_vector)
{
  memset (ret_vector, 0, NEXT_DIMENSION * sizeof (float));
  ret_vector[chunk % NEXT_DIMENSION] = 1;
}

/* Reads up to LIMIT passages; how many there were. */
static guint gather (Index *index, guint limit)
{
  g_autoptr (GPtrArray) texts = index_next_texts (index, 0, limit, NULL);
  g_autofree float *vectors = g_new (float, (limit + 1) * NEXT_DIMENSION);

  ck_assert_ptr_nonnull (texts);
  for (guint i = 0; i < texts->len; i++)
    next_vector (((IndexText *)g_ptr_array_index (texts, i))->chunk, vectors + i * NEXT_DIMENSION);
  ck_assert (index_put_next_vectors (index, texts, vectors, NULL));
  return texts->len;
}

static gboolean switch_encoder (Index *index)
{
  gboolean complete;

  ck_assert (index_switch_encoder (index, &complete, NULL));
  return complete;
}

static GPtrArray *search_next (Index *index, gint64 chunk)
{
  float vector[NEXT_DIMENSION];
  const IndexQuery query
      = { .mode = INDEX_SEARCH_DENSE, .vector = vector, .limit = 10, .encoder = NEXT };

  next_vector (chunk, vector);
  GPtrArray *hits = index_search (index, &query, NULL);
  ck_assert_ptr_nonnull (hits);
  return hits;
}

static void assert_intact (const char *dir)
{
  g_autoptr (GError) error = NULL;
  guint n_problems = 1;

  ck_assert_msg (index_fsck (dir, NULL, &n_problems, &error), "%s", error ? error->message : "");
  ck_assert_uint_eq (n_problems, 0);
}

START_TEST (test_old_vectors_serve_until_the_last_new_one)
{
  char *dir = make_dir ();
  Index *index = make_library (dir);
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);

  ck_assert_uint_eq (gather (index, 2), 2);
  ck_assert (!switch_encoder (index));
  g_autoptr (GPtrArray) old = search_vector (reader, 2, 10);
  ck_assert_uint_eq (old->len, 5);
  ck_assert_double_eq_tol (hit_at (old, 0)->cosine, 1, 1e-5);
  ck_assert_str_eq (index_encoder (reader, NULL), ENCODER);

  /* Stopped here, another run goes on where this one was. */
  index_close (index);
  assert_intact (dir);
  index = open_again (dir);
  ck_assert_str_eq (index_next_encoder (index, NULL), NEXT);
  ck_assert (index_set_next_encoder (index, NEXT, NEXT_DIMENSION, NULL));
  ck_assert_uint_eq (gather (index, 10), 3);
  ck_assert (switch_encoder (index));

  guint dimension;
  ck_assert_str_eq (index_encoder (reader, &dimension), NEXT);
  ck_assert_uint_eq (dimension, NEXT_DIMENSION);
  ck_assert_ptr_null (index_next_encoder (index, NULL));
  g_autoptr (GPtrArray) new = search_next (reader, 2);
  ck_assert_uint_eq (new->len, 5);
  ck_assert_str_eq (hit_at (new, 0)->text, "two");
  ck_assert (index_flush (index, NULL));
  g_autoptr (GPtrArray) flushed = search_next (reader, 5);
  ck_assert_str_eq (hit_at (flushed, 0)->text, "five");
  index_close (index);
  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

START_TEST (test_a_question_of_the_old_encoder_is_refused_after_the_switch)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = make_library (dir);
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);
  g_autoptr (GError) error = NULL;
  float vector[DIMENSION];
  const IndexQuery query = { .vector = vector, .text = "two", .limit = 10, .encoder = ENCODER };
  make_vector (2, vector);
  g_autoptr (GPtrArray) before = index_search (reader, &query, NULL);
  ck_assert_ptr_nonnull (before);
  gather (index, 10);
  ck_assert (switch_encoder (index));

  ck_assert_ptr_null (index_search (reader, &query, &error));

  ck_assert (g_error_matches (error, INDEX_ERROR, INDEX_ERROR_MISMATCH));
  remove_dir (dir);
}
END_TEST

START_TEST (test_what_changes_meanwhile_is_read_too)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = make_library (dir);
  gather (index, 10);

  put (index, "/c", 21, TEXTS ("six"));
  put (index, "/a", 31, TEXTS ("one again"));
  ck_assert (index_forget_document (index, id_of (index, "/b"), NULL));

  ck_assert (!switch_encoder (index));
  ck_assert_uint_eq (gather (index, 10), 2);
  ck_assert (switch_encoder (index));
  g_autoptr (GPtrArray) hits = search_next (index, 6);
  ck_assert_uint_eq (hits->len, 2);
  remove_dir (dir);
}
END_TEST

START_TEST (test_forgotten_vectors_are_gone_from_the_next_encoder)
{
  char *dir = make_dir ();
  Index *index = make_library (dir);
  g_autoptr (GPtrArray) texts = index_next_texts (index, 0, 10, NULL);
  g_autofree float *vectors = g_new (float, texts->len *NEXT_DIMENSION);
  for (guint i = 0; i < texts->len * NEXT_DIMENSION; i++)
    vectors[i] = 0.123f + (float)i;
  ck_assert (index_put_next_vectors (index, texts, vectors, NULL));
  ck_assert (dir_holds (dir, vectors, NEXT_DIMENSION * sizeof (float)));

  ck_assert (index_forget_document (index, id_of (index, "/a"), NULL));

  index_close (index);
  ck_assert (!dir_holds (dir, vectors, NEXT_DIMENSION * sizeof (float)));
  ck_assert (dir_holds (dir, vectors + 3 * NEXT_DIMENSION, NEXT_DIMENSION * sizeof (float)));
  remove_dir (dir);
}
END_TEST

START_TEST (test_another_choice_begins_anew_and_none_gives_it_up)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = make_library (dir);
  gather (index, 10);

  ck_assert (index_set_next_encoder (index, "third-encoder", NEXT_DIMENSION, NULL));
  ck_assert_uint_eq (gather (index, 10), 5);
  ck_assert (index_set_next_encoder (index, NULL, 0, NULL));

  guint n;
  ck_assert (index_count_next_vectors (index, &n, NULL));
  ck_assert_uint_eq (n, 0);
  ck_assert_ptr_null (index_next_encoder (index, NULL));
  ck_assert_str_eq (index_encoder (index, NULL), ENCODER);
  remove_dir (dir);
}
END_TEST

START_TEST (test_damaged_new_vectors_are_found_and_made_again)
{
  char *dir = make_dir ();
  Index *index = make_library (dir);
  const IndexFsck repair = { .repair = TRUE };
  guint n_problems;
  gather (index, 10);
  index_close (index);
  tamper (dir, "UPDATE next_vector SET floats = zeroblob (32) WHERE chunk = 2");

  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 1);
  ck_assert (index_fsck (dir, &repair, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  assert_intact (dir);
  index = open_again (dir);
  ck_assert_uint_eq (gather (index, 10), 1);
  index_close (index);

  tamper (dir, "UPDATE library SET next_dimension = 9");
  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_gt (n_problems, 0);
  ck_assert (index_fsck (dir, &repair, &n_problems, NULL));
  assert_intact (dir);
  remove_dir (dir);
}
END_TEST

START_TEST (test_every_failed_write_leaves_one_encoder)
{
  char *template = make_dir ();
  Index *first = make_library (template);
  gboolean happened = TRUE;
  gather (first, 10);
  index_close (first);

  vfs_shim_install ();
  for (guint n = 1; happened; n++)
    {
      char *dir = copy_dir (template);
      Index *index = open_again (dir);
      gboolean complete;

      vfs_shim_arm (SHIM_IO_ERROR, n, TRUE, 0);
      gboolean ok = index_switch_encoder (index, &complete, NULL) && index_flush (index, NULL);
      happened = vfs_shim_disarm ();
      ck_assert (ok || happened);
      index_close (index);

      assert_intact (dir);
      index = open_again (dir);
      if (strcmp (index_encoder (index, NULL), ENCODER) == 0)
        {
          g_autoptr (GPtrArray) old = search_vector (index, 2, 10);
          ck_assert_uint_eq (old->len, 5);
          ck_assert_double_eq_tol (hit_at (old, 0)->cosine, 1, 1e-5);
          ck_assert (switch_encoder (index));
        }
      g_autoptr (GPtrArray) new = search_next (index, 2);
      ck_assert_uint_eq (new->len, 5);
      ck_assert_str_eq (hit_at (new, 0)->text, "two");
      index_close (index);
      remove_dir (dir);
      ck_assert_uint_lt (n, 1000);
    }
  remove_dir (template);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("next-encoder");
  TCase *tests = tcase_create ("next-encoder");

  tcase_set_timeout (tests, 200);
  tcase_add_test (tests, test_old_vectors_serve_until_the_last_new_one);
  tcase_add_test (tests, test_a_question_of_the_old_encoder_is_refused_after_the_switch);
  tcase_add_test (tests, test_what_changes_meanwhile_is_read_too);
  tcase_add_test (tests, test_forgotten_vectors_are_gone_from_the_next_encoder);
  tcase_add_test (tests, test_another_choice_begins_anew_and_none_gives_it_up);
  tcase_add_test (tests, test_damaged_new_vectors_are_found_and_made_again);
  tcase_add_test (tests, test_every_failed_write_leaves_one_encoder);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

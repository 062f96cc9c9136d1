/* Encoders: packing, order and slices of texts do not change a vector. */
#include <check.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "engine/encoder-private.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"
#define DIMENSION 64

static EngineEncoder *open_encoder (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  EngineEncoder *encoder = engine_encoder_new (model, 2, &error);
  ck_assert_msg (encoder != NULL, "%s", error ? error->message : "");
  return encoder;
}

/* Texts of very different lengths; the caller's. */
static GPtrArray *make_texts (guint n)
{
  static const char *const WORDS[] = { "the ", "a ", "x ", "in ", "on ", "is " };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < n; i++)
    {
      GString *text = g_string_new (NULL);
      for (gint words = g_rand_int_range (rand, 0, 60); words > 0; words--)
        g_string_append (text, WORDS[g_rand_int_range (rand, 0, G_N_ELEMENTS (WORDS))]);
      g_ptr_array_add (texts, g_string_free (text, FALSE));
    }
  return texts;
}

static void encode (EngineEncoder *encoder, const char *const *texts, gsize n, float *vectors)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_encode (encoder, ENGINE_TEXT_PASSAGE, texts, n, vectors, NULL, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
}

static void expect_same (const float *a, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    ck_assert_msg (fabsf (a[i] - b[i]) < 1e-5f, "%zu: %g and %g", i, (double)a[i], (double)b[i]);
}

START_TEST (test_a_batch_gives_the_vectors_of_single_texts)
{
  const guint n = 700; /* several batches, two slices */
  g_autoptr (EngineEncoder) encoder = open_encoder (CASES "bert-cls/model.gguf");
  g_autoptr (GPtrArray) texts = make_texts (n);
  g_autofree float *vectors = g_new (float, n *DIMENSION);
  ck_assert_uint_eq (engine_encoder_dimension (encoder), DIMENSION);
  encode (encoder, (const char *const *)texts->pdata, n, vectors);
  for (guint i = 0; i < n; i += 23)
    {
      float single[DIMENSION];
      encode (encoder, (const char *const *)texts->pdata + i, 1, single);
      expect_same (single, vectors + i * DIMENSION, DIMENSION);
    }
}
END_TEST

/* e5 finds everything alike; refusing rests on what the cosine of an answer is. */
START_TEST (test_cosines_of_e5_come_to_the_common_scale)
{
  g_autofree char *folder = g_dir_make_tmp ("docent-encoder-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "multilingual-e5-tiny.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize n_bytes;
  ck_assert (g_file_get_contents (CASES "bert-cls/model.gguf", &bytes, &n_bytes, NULL));
  ck_assert (g_file_set_contents (path, bytes, n_bytes, NULL));
  g_autoptr (EngineEncoder) e5 = open_encoder (path);
  g_autoptr (EngineEncoder) other = open_encoder (CASES "bert-cls/model.gguf");
  g_remove (path);
  g_rmdir (folder);
  ck_assert_double_eq_tol (engine_encoder_common_scale (e5, 0.816), 0.25, 0.01);
  ck_assert_double_eq_tol (engine_encoder_common_scale (e5, 0.865), 0.57, 0.01);
  ck_assert_double_eq (engine_encoder_common_scale (e5, 0), 0);
  ck_assert_double_eq (engine_encoder_common_scale (e5, 1), 1);
  ck_assert_double_eq (engine_encoder_common_scale (other, 0.4), 0.4);
}
END_TEST

START_TEST (test_vectors_have_length_one)
{
  const char *const texts[] = { "the house", "" };
  float vectors[2 * DIMENSION];
  g_autoptr (EngineEncoder) encoder = open_encoder (CASES "bert-cls/model.gguf");
  encode (encoder, texts, 2, vectors);
  for (guint i = 0; i < 2; i++)
    {
      double sum = 0;
      for (guint j = 0; j < DIMENSION; j++)
        sum += (double)vectors[i * DIMENSION + j] * vectors[i * DIMENSION + j];
      ck_assert_double_eq_tol (sum, 1, 1e-5);
    }
}
END_TEST

START_TEST (test_text_beyond_the_window_is_cut)
{
  g_autoptr (EngineEncoder) encoder = open_encoder (CASES "bert-cls/model.gguf");
  guint window = engine_encoder_window (encoder);
  g_autoptr (GString) full = g_string_new (NULL);
  for (guint i = 0; i < window; i++)
    g_string_append (full, "? ");
  g_autofree char *longer = g_strconcat (full->str, "! ! ! ! !", NULL);
  g_autofree char *shorter = g_strndup (full->str, full->len - 2);
  const char *const texts[] = { full->str, longer, shorter };
  float vectors[3 * DIMENSION];
  ck_assert_uint_eq (window, 128 - 2);
  encode (encoder, texts, 3, vectors);
  expect_same (vectors, vectors + DIMENSION, DIMENSION);
  ck_assert (memcmp (vectors, vectors + 2 * DIMENSION, DIMENSION * sizeof (float)) != 0);
}
END_TEST

START_TEST (test_the_fingerprint_follows_the_contents)
{
  g_autofree char *folder = g_dir_make_tmp ("docent-encoder-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "other.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize n_bytes;
  ck_assert (g_file_get_contents (CASES "bert-cls/model.gguf", &bytes, &n_bytes, NULL));
  bytes[n_bytes - 1] ^= 1;
  ck_assert (g_file_set_contents (path, bytes, n_bytes, NULL));
  g_autoptr (EngineEncoder) a = open_encoder (CASES "bert-cls/model.gguf");
  g_autoptr (EngineEncoder) b = open_encoder (CASES "bert-cls/model.gguf");
  g_autoptr (EngineEncoder) c = open_encoder (path);
  ck_assert_str_eq (engine_encoder_fingerprint (a), engine_encoder_fingerprint (b));
  ck_assert_str_ne (engine_encoder_fingerprint (a), engine_encoder_fingerprint (c));
  ck_assert (g_str_has_prefix (engine_encoder_fingerprint (a), "bert-cls "));
  g_remove (path);
  g_rmdir (folder);
}
END_TEST

START_TEST (test_cancelling_leaves_the_result_alone)
{
  const char *const text = "the house";
  g_autoptr (EngineEncoder) encoder = open_encoder (CASES "bert-cls/model.gguf");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  float vector[DIMENSION] = { 42 };
  g_cancellable_cancel (cancellable);
  ck_assert (!engine_encode (encoder, ENGINE_TEXT_QUERY, &text, 1, vector, cancellable, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
  ck_assert (vector[0] == 42);
}
END_TEST

START_TEST (test_a_generator_makes_no_embeddings)
{
  g_autoptr (EngineModel) model = engine_model_open (CASES "llama-bias/model.gguf", NULL);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_encoder_new (model, 1, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
}
END_TEST

START_TEST (test_an_encoder_does_not_rerank)
{
  const char *const text = "the house";
  g_autoptr (EngineEncoder) encoder = open_encoder (CASES "bert-cls/model.gguf");
  g_autoptr (GError) error = NULL;
  float score;
  ck_assert (!engine_rerank (encoder, "x", &text, 1, &score, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
}
END_TEST

/* Needs the golden models that are not kept in the repository. */
START_TEST (test_a_reranker_scores_pairs_in_their_order)
{
  static const char *const RERANKERS[] = { "bert-reranker", "xlm-roberta-reranker" };
  const char *given = g_getenv ("DOCENT_SHARED");
  const char *shared = given ? given : SOURCE_ROOT "/../shared";
  g_autofree char *path = g_build_filename (shared, "golden", RERANKERS[_i], "model.gguf", NULL);
  const char *const texts[] = { "a b c", "d", "e f a b c d e f a a a a", "" };
  float together[4], alone;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      printf ("skipped: %s is not there\n", path);
      return;
    }
  g_autoptr (EngineEncoder) reranker = open_encoder (path);
  ck_assert (engine_rerank (reranker, "b a", texts, 4, together, NULL, NULL));
  for (guint i = 0; i < 4; i++)
    {
      ck_assert (engine_rerank (reranker, "b a", texts + i, 1, &alone, NULL, NULL));
      ck_assert_float_eq_tol (alone, together[i], 1e-5f);
    }
  ck_assert (together[0] != together[1]);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("encoder");
  TCase *tests = tcase_create ("encoder");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_a_batch_gives_the_vectors_of_single_texts);
  tcase_add_test (tests, test_cosines_of_e5_come_to_the_common_scale);
  tcase_add_test (tests, test_vectors_have_length_one);
  tcase_add_test (tests, test_text_beyond_the_window_is_cut);
  tcase_add_test (tests, test_the_fingerprint_follows_the_contents);
  tcase_add_test (tests, test_cancelling_leaves_the_result_alone);
  tcase_add_test (tests, test_a_generator_makes_no_embeddings);
  tcase_add_test (tests, test_an_encoder_does_not_rerank);
  tcase_add_loop_test (tests, test_a_reranker_scores_pairs_in_their_order, 0, 2);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

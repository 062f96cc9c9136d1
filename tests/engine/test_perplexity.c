/* Perplexity: known for models whose guesses are known, and the same however it is computed. */
#include <check.h>
#include <glib/gstdio.h>
#include <math.h>

#include "engine/session-private.h"
#include "script-model.h"

/* A model that expects each letter of “abcdefgh” after the one before, around and around; NULL
 * FOLLOWS: one that expects everything equally. */
static EngineModel *open_reader (const gint32 *follows)
{
  Script script = { .follows = follows, .n_ctx = 64 };
  g_autofree char *path = script_path ();
  g_autoptr (GError) error = NULL;
  ck_assert (script_write (&script, path));
  EngineModel *model = engine_model_open (path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  script_remove (path);
  return model;
}

static void expect_the_alphabet (gint32 *follows)
{
  for (guint i = 0; i < SCRIPT_N_VOCAB; i++)
    follows[i] = -1;
  for (gint32 c = 'a'; c <= 'h'; c++)
    follows[c] = c == 'h' ? 'a' : c + 1;
}

static char *repeat (const char *text, guint n)
{
  GString *all = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    g_string_append (all, text);
  return g_string_free (all, FALSE);
}

static EnginePerplexity judge (EngineModel *model, const char *text, guint n_ctx, gsize max_tokens)
{
  EngineSessionOptions options = { .n_ctx = n_ctx, .n_threads = 1, .kv_type = ENGINE_KV_F32 };
  EnginePerplexity result = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean ok
      = engine_perplexity (model, &options, text, -1, max_tokens, NULL, NULL, &result, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
  return result;
}

START_TEST (test_who_expects_everything_hesitates_between_all_tokens)
{
  g_autoptr (EngineModel) model = open_reader (NULL);
  g_autofree char *text = repeat ("abcdefgh", 16);
  EnginePerplexity result = judge (model, text, 32, 0);
  ck_assert_double_eq_tol (result.perplexity, SCRIPT_N_VOCAB, 0.01);
  ck_assert_double_eq_tol (result.uncertainty, 0, 1e-3);
}
END_TEST

START_TEST (test_who_knows_the_text_does_not_hesitate)
{
  gint32 follows[SCRIPT_N_VOCAB];
  expect_the_alphabet (follows);
  g_autoptr (EngineModel) model = open_reader (follows);
  g_autofree char *text = repeat ("abcdefgh", 16);
  ck_assert_double_lt (judge (model, text, 32, 0).perplexity, 1.01);
  g_autofree char *backwards = repeat ("hgfedcba", 16);
  ck_assert_double_gt (judge (model, backwards, 32, 0).perplexity, SCRIPT_N_VOCAB);
}
END_TEST

START_TEST (test_the_second_half_of_each_whole_piece_is_scored)
{
  g_autoptr (EngineModel) model = open_reader (NULL);
  g_autofree char *text = repeat ("abcdefgh", 16);
  EnginePerplexity all = judge (model, text, 48, 0); /* 128 tokens: two pieces and a rest */
  ck_assert_uint_eq (all.n_tokens, 96);
  ck_assert_uint_eq (all.n_scored, 2 * 23);
  EnginePerplexity part = judge (model, text, 48, 60);
  ck_assert_uint_eq (part.n_tokens, 48);
}
END_TEST

/* The same pieces, read anew for every token. */
static double plain_surprise (EngineModel *model, const gint32 *tokens, gsize n)
{
  EngineSessionOptions options = { .n_ctx = 64, .n_threads = 1, .kv_type = ENGINE_KV_F32 };
  double total = 0;
  for (gsize i = n / 2 + 1; i < n; i++)
    {
      g_autoptr (EngineSession) session = engine_session_new (model, &options, NULL);
      ck_assert (engine_session_read (session, tokens, i, NULL, NULL, NULL));
      const float *logits = engine_session_logits (session);
      double sum = 0;
      for (guint j = 0; j < SCRIPT_N_VOCAB; j++)
        sum += exp (logits[j]);
      total += log (sum) - logits[tokens[i]];
    }
  return total / (n - n / 2 - 1);
}

START_TEST (test_it_is_the_mean_of_what_single_readings_give)
{
  const char *text = "abcdabcefghabdabhhgfedcbabcdefgabcdeffgh";
  gint32 follows[SCRIPT_N_VOCAB], tokens[40];
  expect_the_alphabet (follows);
  g_autoptr (EngineModel) model = open_reader (follows);
  for (guint i = 0; i < 40; i++)
    tokens[i] = (guint8)text[i];
  EnginePerplexity result = judge (model, text, 40, 0);
  double expected = plain_surprise (model, tokens, 40);
  ck_assert_double_eq_tol (result.mean_surprise, expected, 1e-3);
  ck_assert_double_eq_tol (result.perplexity, exp (expected), 1e-2 * exp (expected));
}
END_TEST

START_TEST (test_a_text_shorter_than_a_piece_is_refused)
{
  g_autoptr (EngineModel) model = open_reader (NULL);
  EngineSessionOptions options = { .n_ctx = 32, .n_threads = 1 };
  EnginePerplexity result;
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_perplexity (model, &options, "short", -1, 0, NULL, NULL, &result, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  g_clear_error (&error);
  options.n_ctx = 3;
  ck_assert (!engine_perplexity (model, &options, "short", -1, 0, NULL, NULL, &result, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
}
END_TEST

static gboolean stop (gsize done, gsize total, gpointer user_data)
{
  return FALSE;
}

START_TEST (test_it_can_be_stopped)
{
  g_autoptr (EngineModel) model = open_reader (NULL);
  g_autofree char *text = repeat ("abcdefgh", 16);
  EngineSessionOptions options = { .n_ctx = 32, .n_threads = 1 };
  EnginePerplexity result;
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_perplexity (model, &options, text, -1, 0, stop, NULL, &result, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("perplexity");
  TCase *tests = tcase_create ("perplexity");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_who_expects_everything_hesitates_between_all_tokens);
  tcase_add_test (tests, test_who_knows_the_text_does_not_hesitate);
  tcase_add_test (tests, test_the_second_half_of_each_whole_piece_is_scored);
  tcase_add_test (tests, test_it_is_the_mean_of_what_single_readings_give);
  tcase_add_test (tests, test_a_text_shorter_than_a_piece_is_refused);
  tcase_add_test (tests, test_it_can_be_stopped);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

/* Drafts: what is read ahead changes the time that an answer takes, and not one bit of it. */
#include <check.h>
#include <glib/gstdio.h>

#include "engine/session-private.h"
#include "script-model.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

static EngineSession *new_session (EngineModel *model, guint n_ctx, EngineKvType kv_type)
{
  EngineSessionOptions options = { .n_ctx = n_ctx, .n_threads = 2, .kv_type = kv_type };
  g_autoptr (GError) error = NULL;
  EngineSession *session = engine_session_new (model, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  return session;
}

static void read_tokens (EngineSession *session, const gint32 *tokens, gsize n)
{
  ck_assert (engine_session_read (session, tokens, n, NULL, NULL, NULL));
}

/* ---- Reading ahead -------------------------------------------------------------------------- */

/* gemma3 has windowed layers, whose cache is a ring. */
static const char *const models[] = { "llama-bias", "llama-Q4_0", "qwen2-Q4_K_M", "gemma3" };
/* Before, at and after the edges of blocks and steps of keys, and of the window. */
static const gsize positions[] = { 1, 31, 63, 125, 127, 128, 180, 245 };

static void expect_equal (const float *a, const float *b, guint n, const char *model, gsize pos)
{
  ck_assert (a != NULL && b != NULL);
  for (guint i = 0; i < n; i++)
    ck_assert_msg (a[i] == b[i], "%s at %zu, logit %u: %.9g and %.9g", model, pos, i, (double)a[i],
                   (double)b[i]);
}

START_TEST (test_what_was_read_ahead_is_equal_to_the_bit)
{
  g_autofree char *path = g_build_filename (CASES, models[_i], "model.gguf", NULL);
  g_autoptr (EngineModel) model = engine_model_open_graph (path, NULL);
  guint n_vocab = engine_model_info (model)->n_vocab;
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  gint32 tokens[256];
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
    tokens[i] = g_rand_int_range (rand, 0, n_vocab);
  for (guint i = 0; i < G_N_ELEMENTS (positions); i++)
    {
      EngineKvType type = i % 2 ? ENGINE_KV_F16 : ENGINE_KV_F32;
      gsize pos = positions[i];
      g_autoptr (EngineSession) plain = new_session (model, 256, type);
      g_autoptr (EngineSession) ahead = new_session (model, 256, type);
      read_tokens (plain, tokens, pos);
      read_tokens (ahead, tokens, pos);
      guint n = engine_session_max_ahead (ahead);
      ck_assert_uint_ge (n, 1);
      ck_assert (engine_session_push (ahead, tokens[pos]));
      ck_assert (engine_session_read_ahead (ahead, tokens + pos + 1, n, NULL));
      for (guint t = 0; t <= n; t++)
        {
          if (t > 0)
            ck_assert (engine_session_push (ahead, tokens[pos + t]));
          read_tokens (plain, tokens + pos + t, 1);
          expect_equal (engine_session_logits (ahead), engine_session_logits (plain), n_vocab,
                        models[_i], pos + t);
        }
    }
}
END_TEST

START_TEST (test_a_wrong_guess_leaves_no_trace)
{
  g_autofree char *path = g_build_filename (CASES, models[_i], "model.gguf", NULL);
  g_autoptr (EngineModel) model = engine_model_open_graph (path, NULL);
  guint n_vocab = engine_model_info (model)->n_vocab;
  g_autoptr (EngineSession) plain = new_session (model, 64, ENGINE_KV_F16);
  g_autoptr (EngineSession) ahead = new_session (model, 64, ENGINE_KV_F16);
  const gint32 tokens[] = { 1, 2, 3, 4, 5 }, wrong[] = { 9, 9, 9 };
  read_tokens (plain, tokens, 5);
  read_tokens (ahead, tokens, 3);
  ck_assert (engine_session_push (ahead, tokens[3]));
  ck_assert (engine_session_read_ahead (ahead, wrong, 3, NULL));
  ck_assert_ptr_nonnull (engine_session_logits (ahead));
  ck_assert (engine_session_push (ahead, tokens[4]));
  ck_assert_ptr_null (engine_session_logits (ahead));
  ck_assert (engine_session_ready (ahead, NULL));
  /* The same but for how many tokens were read at once at the beginning. */
  for (guint i = 0; i < n_vocab; i++)
    ck_assert_float_eq_tol (engine_session_logits (ahead)[i], engine_session_logits (plain)[i],
                            1e-1);
}
END_TEST

START_TEST (test_the_context_bounds_what_is_read_ahead)
{
  g_autofree char *path = g_build_filename (CASES, "llama-bias", "model.gguf", NULL);
  g_autoptr (EngineModel) model = engine_model_open_graph (path, NULL);
  g_autoptr (EngineSession) session = new_session (model, 8, ENGINE_KV_F16);
  const gint32 tokens[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  read_tokens (session, tokens, 6);
  ck_assert (engine_session_push (session, 7));
  ck_assert_uint_eq (engine_session_max_ahead (session), 1);
  ck_assert (engine_session_read_ahead (session, tokens, 7, NULL));
  ck_assert (engine_session_push (session, tokens[0]));
  ck_assert_uint_eq (engine_session_max_ahead (session), 0);
  ck_assert_ptr_nonnull (engine_session_logits (session));
  ck_assert (!engine_session_push (session, tokens[1]));
}
END_TEST

/* ---- Guessing ------------------------------------------------------------------------------- */

START_TEST (test_the_longest_match_is_copied)
{
  g_autoptr (EngineDrafter) drafter = engine_drafter_new ();
  /* "7 8" stands after "1 2 3", "9 9" after a later "2 3" alone. */
  const gint32 tokens[] = { 1, 2, 3, 7, 8, 5, 2, 3, 9, 9, 4, 1, 2, 3 };
  const gint32 *run;
  gsize n = engine_drafter_guess (drafter, tokens, G_N_ELEMENTS (tokens), 4, &run);
  ck_assert_uint_eq (n, 0); /* nothing is known of the time yet */
  engine_drafter_learn_time (drafter, 0, 10);
  n = engine_drafter_guess (drafter, tokens, G_N_ELEMENTS (tokens), 4, &run);
  ck_assert_uint_ge (n, 2);
  ck_assert_ptr_eq (run, tokens + 3);
}
END_TEST

START_TEST (test_nothing_is_guessed_where_guesses_fail)
{
  g_autoptr (EngineDrafter) drafter = engine_drafter_new ();
  const gint32 tokens[] = { 1, 2, 3, 7, 8, 5, 1, 2, 3 };
  const gint32 *run;
  guint n_tried = 0;
  engine_drafter_learn_time (drafter, 0, 10);
  while (engine_drafter_guess (drafter, tokens, 9, 4, &run) > 0)
    {
      engine_drafter_learn_time (drafter, 1, 13);
      engine_drafter_learn_guess (drafter, FALSE);
      ck_assert_uint_le (++n_tried, 6);
    }
  ck_assert_uint_ge (n_tried, 1);
}
END_TEST

START_TEST (test_nothing_is_guessed_where_it_takes_as_long)
{
  g_autoptr (EngineDrafter) drafter = engine_drafter_new ();
  const gint32 tokens[] = { 1, 2, 3, 7, 8, 5, 1, 2, 3 };
  const gint32 *run;
  engine_drafter_learn_time (drafter, 0, 10);
  for (guint i = 0; i < 8; i++)
    engine_drafter_learn_time (drafter, 1, 20);
  ck_assert_uint_eq (engine_drafter_guess (drafter, tokens, 9, 4, &run), 0);
}
END_TEST

/* ---- Writing -------------------------------------------------------------------------------- */

static gboolean collect (const char *piece, gpointer user_data)
{
  g_string_append (user_data, piece);
  return TRUE;
}

/* A model that after each letter writes the next, whatever stood before. */
START_TEST (test_an_answer_copied_from_the_prompt_is_drafted)
{
  gint32 follows[SCRIPT_N_VOCAB];
  for (guint i = 0; i < SCRIPT_N_VOCAB; i++)
    follows[i] = i >= 'a' && i < 'z' ? (gint32)i + 1 : i == 'z' ? SCRIPT_IM_END : -1;
  const Script script = { .follows = follows };
  g_autofree char *path = script_path ();
  ck_assert (script_write (&script, path));
  g_autoptr (EngineModel) model = engine_model_open (path, NULL);
  script_remove (path);
  g_autoptr (EngineSession) session = new_session (model, 64, ENGINE_KV_F16);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *prompt = "bcdefghijklmnopqrstuvw?a";
  gint32 tokens[32];
  for (gsize i = 0; i < strlen (prompt); i++)
    tokens[i] = (guint8)prompt[i];
  read_tokens (session, tokens, strlen (prompt));
  const EngineSampling greedy = { 0 };
  EngineGeneration result;
  ck_assert (engine_generate (session, &greedy, collect, text, &result, NULL));
  ck_assert_str_eq (text->str, "bcdefghijklmnopqrstuvwxyz");
  ck_assert_uint_eq (result.n_tokens, 25);
  ck_assert_uint_ge (result.n_drafted, 1);
  ck_assert_uint_le (result.n_drafted, 21);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("draft");
  TCase *tests = tcase_create ("draft");
  tcase_set_timeout (tests, 60);
  tcase_add_loop_test (tests, test_what_was_read_ahead_is_equal_to_the_bit, 0,
                       G_N_ELEMENTS (models));
  tcase_add_loop_test (tests, test_a_wrong_guess_leaves_no_trace, 0, G_N_ELEMENTS (models));
  tcase_add_test (tests, test_the_context_bounds_what_is_read_ahead);
  tcase_add_test (tests, test_the_longest_match_is_copied);
  tcase_add_test (tests, test_nothing_is_guessed_where_guesses_fail);
  tcase_add_test (tests, test_nothing_is_guessed_where_it_takes_as_long);
  tcase_add_test (tests, test_an_answer_copied_from_the_prompt_is_drafted);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

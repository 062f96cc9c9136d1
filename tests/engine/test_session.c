/* Sessions: however a prompt is read, in one piece or many, after going back or on other threads,
 * the logits are the same; and what a model writes arrives whole. */
#include <check.h>
#include <glib/gstdio.h>
#include <math.h>

#include "engine/session-private.h"
#include "script-model.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

static EngineModel *open_case (const char *name)
{
  g_autofree char *path = g_build_filename (CASES, name, "model.gguf", NULL);
  g_autoptr (GError) error = NULL;
  EngineModel *model = engine_model_open_graph (path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

static EngineModel *open_script (const Script *script)
{
  g_autofree char *path = script_path ();
  g_autoptr (GError) error = NULL;
  ck_assert (script_write (script, path));
  EngineModel *model = engine_model_open (path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  script_remove (path);
  return model;
}

static EngineSession *new_session (EngineModel *model, guint n_ctx, guint n_threads)
{
  EngineSessionOptions options
      = { .n_ctx = n_ctx, .n_threads = n_threads, .kv_type = ENGINE_KV_F32 };
  g_autoptr (GError) error = NULL;
  EngineSession *session = engine_session_new (model, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  return session;
}

static gint32 *random_tokens (const EngineModel *model, gsize n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  gint32 *tokens = g_new (gint32, n);
  for (gsize i = 0; i < n; i++)
    tokens[i] = g_rand_int_range (rand, 0, engine_model_info (model)->n_vocab);
  return tokens;
}

static void read_tokens (EngineSession *session, const gint32 *tokens, gsize n)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_session_read (session, tokens, n, NULL, NULL, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
}

static void expect_same_logits (EngineSession *a, EngineSession *b, guint n_vocab)
{
  const float *x = engine_session_logits (a), *y = engine_session_logits (b);
  ck_assert (x != NULL && y != NULL);
  for (guint i = 0; i < n_vocab; i++)
    ck_assert_msg (fabsf (x[i] - y[i]) < 1e-4f, "logit %u: %g and %g", i, (double)x[i],
                   (double)y[i]);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* gemma3 has windowed layers, whose cache is a ring that a prompt of 400 tokens goes around. */
static const char *const MODELS[] = { "llama-bias", "gemma3" };

START_TEST (test_a_prompt_read_in_pieces_gives_the_same_logits)
{
  g_autoptr (EngineModel) model = open_case (MODELS[_i]);
  g_autoptr (EngineSession) whole = new_session (model, 512, 2);
  g_autoptr (EngineSession) pieces = new_session (model, 512, 1);
  g_autofree gint32 *tokens = random_tokens (model, 400);
  read_tokens (whole, tokens, 400);
  for (gsize begin = 0, n = 1; begin < 400; begin += n, n = n * 3 / 2 + 1)
    read_tokens (pieces, tokens + begin, MIN (n, 400 - begin));
  expect_same_logits (whole, pieces, engine_model_info (model)->n_vocab);
}
END_TEST

START_TEST (test_going_back_gives_the_logits_of_a_fresh_session)
{
  static const gsize KEEP[] = { 390, 200, 20, 0 };
  g_autoptr (EngineModel) model = open_case (MODELS[_i]);
  g_autofree gint32 *tokens = random_tokens (model, 420);
  for (guint i = 0; i < G_N_ELEMENTS (KEEP); i++)
    {
      g_autoptr (EngineSession) used = new_session (model, 512, 2);
      g_autoptr (EngineSession) fresh = new_session (model, 512, 2);
      read_tokens (used, tokens, 400);
      engine_session_rewind (used, KEEP[i]);
      ck_assert_ptr_null (engine_session_logits (used));
      read_tokens (used, tokens + 400, 20);
      read_tokens (fresh, tokens, KEEP[i]);
      read_tokens (fresh, tokens + 400, 20);
      expect_same_logits (used, fresh, engine_model_info (model)->n_vocab);
    }
}
END_TEST

START_TEST (test_logits_of_all_positions_end_with_those_of_the_last)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  guint n_vocab = engine_model_info (model)->n_vocab;
  g_autoptr (EngineSession) all = new_session (model, 64, 2);
  g_autoptr (EngineSession) last = new_session (model, 64, 2);
  g_autofree gint32 *tokens = random_tokens (model, 30);
  g_autofree float *logits = g_new (float, (gsize)30 * n_vocab);
  ck_assert (engine_session_read_all (all, tokens, 30, logits, NULL));
  read_tokens (last, tokens, 30);
  for (guint i = 0; i < n_vocab; i++)
    ck_assert (fabsf (logits[(gsize)29 * n_vocab + i] - engine_session_logits (last)[i]) < 1e-4f);
}
END_TEST

START_TEST (test_smaller_caches_stay_close)
{
  static const struct
  {
    EngineKvType type;
    double nmse;
  } CACHES[] = { { ENGINE_KV_F16, 1e-3 }, { ENGINE_KV_Q8_0, 1e-2 } };
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  guint n_vocab = engine_model_info (model)->n_vocab;
  g_autofree gint32 *tokens = random_tokens (model, 50);
  g_autoptr (EngineSession) exact = new_session (model, 64, 2);
  read_tokens (exact, tokens, 50);
  for (guint i = 0; i < G_N_ELEMENTS (CACHES); i++)
    {
      EngineSessionOptions options = { .n_ctx = 64, .kv_type = CACHES[i].type };
      g_autoptr (EngineSession) session = engine_session_new (model, &options, NULL);
      double error = 0, energy = 0;
      read_tokens (session, tokens, 50);
      for (guint j = 0; j < n_vocab; j++)
        {
          double value = engine_session_logits (exact)[j];
          error += pow (engine_session_logits (session)[j] - value, 2);
          energy += value * value;
        }
      ck_assert_double_lt (error / energy, CACHES[i].nmse);
      ck_assert_double_gt (error, 0);
    }
}
END_TEST

static gboolean stop_at_once (gsize done, gsize total, gpointer user_data)
{
  *(gsize *)user_data = total;
  return FALSE;
}

START_TEST (test_reading_stops_between_blocks)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autoptr (EngineSession) session = new_session (model, 512, 2);
  g_autoptr (EngineSession) fresh = new_session (model, 512, 2);
  g_autofree gint32 *tokens = random_tokens (model, 400);
  g_autoptr (GError) error = NULL;
  gsize total = 0, n;
  ck_assert (!engine_session_read (session, tokens, 400, stop_at_once, &total, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
  ck_assert_uint_eq (total, 400);
  engine_session_tokens (session, &n);
  ck_assert_uint_eq (n, ENGINE_DECODER_BLOCK);
  /* It goes on from there. */
  read_tokens (session, tokens + n, 400 - n);
  read_tokens (fresh, tokens, 400);
  expect_same_logits (session, fresh, engine_model_info (model)->n_vocab);
}
END_TEST

/* gemma3 has one full layer of 7, which alone grows with the context. */
START_TEST (test_windowed_layers_keep_their_window_only)
{
  g_autoptr (EngineModel) model = open_case ("gemma3");
  const EngineHyper *hyper = &model->hyper;
  guint64 full_layer_bytes = 2 * (guint64)hyper->n_head_kv * hyper->head_dim * sizeof (guint16);
  guint64 small = engine_decoder_kv_bytes (model, 4096, ENGINE_KV_F16);
  guint64 large = engine_decoder_kv_bytes (model, 131072, ENGINE_KV_F16);
  ck_assert_uint_eq (large - small, (131072 - 4096) * full_layer_bytes);
}
END_TEST

START_TEST (test_memory_is_told_before_a_session_takes_it)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  EngineSessionOptions options = { .n_ctx = 64, .kv_type = ENGINE_KV_F32 };
  EngineMemory f32, q8_0;
  engine_session_memory (model, &options, &f32);
  ck_assert_uint_eq (f32.n_ctx, 64);
  ck_assert_uint_eq (f32.kv_bytes, engine_decoder_kv_bytes (model, 64, ENGINE_KV_F32));
  ck_assert_uint_eq (f32.total_bytes, f32.weight_bytes + f32.kv_bytes + f32.work_bytes);
  ck_assert (engine_kv_type_parse ("Q8_0", &options.kv_type));
  engine_session_memory (model, &options, &q8_0);
  ck_assert_uint_lt (q8_0.kv_bytes, f32.kv_bytes / 2);
  ck_assert (!engine_kv_type_parse ("q4_0", &options.kv_type));
  /* What was told is what is taken: one byte less is refused. */
  options.mem_limit_bytes = q8_0.total_bytes;
  g_autoptr (EngineSession) session = engine_session_new (model, &options, NULL);
  ck_assert_ptr_nonnull (session);
  options.mem_limit_bytes--;
  ck_assert_ptr_null (engine_session_new (model, &options, NULL));
}
END_TEST

START_TEST (test_what_does_not_fit_is_not_read)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autoptr (EngineSession) session = new_session (model, 32, 1);
  g_autofree gint32 *tokens = random_tokens (model, 40);
  g_autoptr (GError) error = NULL;
  gsize n;
  read_tokens (session, tokens, 20);
  ck_assert (!engine_session_read (session, tokens, 13, NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CONTEXT));
  engine_session_tokens (session, &n);
  ck_assert_uint_eq (n, 20);
  ck_assert_ptr_nonnull (engine_session_logits (session));
}
END_TEST

START_TEST (test_tokens_outside_the_vocabulary_are_refused)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autoptr (EngineSession) session = new_session (model, 32, 1);
  const gint32 bad[] = { -1, engine_model_info (model)->n_vocab, G_MAXINT32 };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      ck_assert (!engine_session_read (session, &bad[i], 1, NULL, NULL, &error));
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
    }
}
END_TEST

/* ---- Options -------------------------------------------------------------------------------- */

static void expect_no_session (EngineModel *model, EngineSessionOptions options, EngineError code,
                               const char *why)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_session_new (model, &options, &error));
  ck_assert_msg (g_error_matches (error, ENGINE_ERROR, code), "%s", error->message);
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
}

START_TEST (test_a_limit_on_memory_is_kept)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  EngineSessionOptions options = { .n_ctx = 512, .mem_limit_bytes = 200000 };
  expect_no_session (model, options, ENGINE_ERROR_MEMORY, "KV cache of 512 tokens");
  options.mem_limit_bytes = 100 * 1000 * 1000;
  g_autoptr (EngineSession) session = engine_session_new (model, &options, NULL);
  ck_assert_ptr_nonnull (session);
}
END_TEST

START_TEST (test_more_context_than_trained_for_is_refused)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  EngineSessionOptions options = { .n_ctx = 513 };
  expect_no_session (model, options, ENGINE_ERROR_INPUT, "trained for 512");
  options.n_ctx = 0;
  g_autoptr (EngineSession) session = engine_session_new (model, &options, NULL);
  ck_assert_uint_eq (engine_session_n_ctx (session), 512);
}
END_TEST

START_TEST (test_an_encoder_does_not_write)
{
  g_autoptr (EngineModel) model = open_case ("bert-cls");
  expect_no_session (model, (EngineSessionOptions){ 0 }, ENGINE_ERROR_INPUT, "choose a generator");
}
END_TEST

/* ---- Writing -------------------------------------------------------------------------------- */

/* A model that writes TEXT after the token “>” and ends its turn. */
static EngineModel *open_writer (const char *text, gint32 *follows)
{
  gint32 token = '>';
  for (guint i = 0; i < SCRIPT_N_VOCAB; i++)
    follows[i] = -1;
  for (; *text; token = (guint8)*text++)
    follows[token] = (guint8)*text;
  follows[token] = SCRIPT_IM_END;
  Script script = { .follows = follows };
  return open_script (&script);
}

static gboolean collect (const char *piece, gpointer user_data)
{
  GPtrArray *pieces = user_data;
  ck_assert (g_utf8_validate (piece, -1, NULL));
  g_ptr_array_add (pieces, g_strdup (piece));
  return TRUE;
}

static char *join (GPtrArray *pieces)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < pieces->len; i++)
    g_string_append_printf (text, "%s|", (const char *)g_ptr_array_index (pieces, i));
  return g_string_free (text, FALSE);
}

/* What the model writes after “>”, its pieces each followed by a bar. */
static char *write_after (EngineModel *model, EngineSampling sampling, EngineGeneration *result)
{
  g_autoptr (EngineSession) session = new_session (model, 16, 1);
  g_autoptr (GPtrArray) pieces = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  const gint32 prompt = '>';
  read_tokens (session, &prompt, 1);
  gboolean ok = engine_generate (session, &sampling, collect, pieces, result, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
  return join (pieces);
}

START_TEST (test_writing_ends_with_the_turn)
{
  gint32 follows[SCRIPT_N_VOCAB];
  g_autoptr (EngineModel) model = open_writer ("abc", follows);
  EngineGeneration result;
  g_autofree char *text = write_after (model, (EngineSampling){ 0 }, &result);
  ck_assert_str_eq (text, "a|b|c|");
  ck_assert_int_eq (result.stop, ENGINE_STOP_END);
  ck_assert_uint_eq (result.n_tokens, 3);
  ck_assert_double_le (result.mean_logprob, 0);
  ck_assert_double_gt (result.mean_logprob, -0.01);
}
END_TEST

START_TEST (test_characters_are_held_back_until_they_are_whole)
{
  gint32 follows[SCRIPT_N_VOCAB];
  g_autoptr (EngineModel) model = open_writer ("x\xe2\x82\xac\xc3\xa9y", follows);
  EngineGeneration result;
  g_autofree char *text = write_after (model, (EngineSampling){ 0 }, &result);
  ck_assert_str_eq (text, "x|€|é|y|");
}
END_TEST

START_TEST (test_bytes_that_never_become_a_character_are_replaced)
{
  gint32 follows[SCRIPT_N_VOCAB];
  g_autoptr (EngineModel) model = open_writer ("\xff"
                                               "a\xe2\x82",
                                               follows);
  EngineGeneration result;
  g_autofree char *text = write_after (model, (EngineSampling){ 0 }, &result);
  ck_assert_str_eq (text, "\uFFFD|a|\uFFFD\uFFFD|");
}
END_TEST

START_TEST (test_writing_stops_at_the_length_and_at_the_context)
{
  gint32 follows[SCRIPT_N_VOCAB];
  g_autoptr (EngineModel) model = open_writer ("abcdefghijklmnopqrstuvw", follows);
  EngineGeneration result;
  g_autofree char *two = write_after (model, (EngineSampling){ .max_tokens = 2 }, &result);
  ck_assert_str_eq (two, "a|b|");
  ck_assert_int_eq (result.stop, ENGINE_STOP_LENGTH);
  g_autofree char *all = write_after (model, (EngineSampling){ 0 }, &result);
  ck_assert_int_eq (result.stop, ENGINE_STOP_LENGTH);
  ck_assert_uint_eq (result.n_tokens, 15);
}
END_TEST

static gboolean refuse_b (const char *piece, gpointer user_data)
{
  return *piece != 'b';
}

START_TEST (test_the_caller_stops_and_goes_on)
{
  gint32 follows[SCRIPT_N_VOCAB];
  const gint32 prompt = '>';
  g_autoptr (EngineModel) model = open_writer ("abcd", follows);
  g_autoptr (EngineSession) session = new_session (model, 16, 1);
  g_autoptr (GPtrArray) pieces = g_ptr_array_new_with_free_func (g_free);
  EngineSampling greedy = { 0 };
  EngineGeneration result;
  read_tokens (session, &prompt, 1);
  ck_assert (engine_generate (session, &greedy, refuse_b, NULL, &result, NULL));
  ck_assert_int_eq (result.stop, ENGINE_STOP_CALLER);
  ck_assert (engine_generate (session, &greedy, collect, pieces, &result, NULL));
  g_autofree char *rest = join (pieces);
  ck_assert_str_eq (rest, "c|d|");
}
END_TEST

START_TEST (test_nothing_is_written_without_a_prompt)
{
  gint32 follows[SCRIPT_N_VOCAB];
  g_autoptr (EngineModel) model = open_writer ("a", follows);
  g_autoptr (EngineSession) session = new_session (model, 16, 1);
  g_autoptr (GError) error = NULL;
  EngineSampling greedy = { 0 };
  ck_assert (!engine_generate (session, &greedy, NULL, NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
}
END_TEST

START_TEST (test_damaged_weights_are_noticed)
{
  Script script = { .damaged = TRUE };
  const gint32 prompt = '>';
  g_autoptr (EngineModel) model = open_script (&script);
  g_autoptr (EngineSession) session = new_session (model, 16, 1);
  g_autoptr (GError) error = NULL;
  EngineSampling greedy = { 0 };
  read_tokens (session, &prompt, 1);
  ck_assert (!engine_generate (session, &greedy, NULL, NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("session");
  TCase *tests = tcase_create ("session");
  tcase_set_timeout (tests, 60);
  tcase_add_loop_test (tests, test_a_prompt_read_in_pieces_gives_the_same_logits, 0, 2);
  tcase_add_loop_test (tests, test_going_back_gives_the_logits_of_a_fresh_session, 0, 2);
  tcase_add_test (tests, test_logits_of_all_positions_end_with_those_of_the_last);
  tcase_add_test (tests, test_smaller_caches_stay_close);
  tcase_add_test (tests, test_reading_stops_between_blocks);
  tcase_add_test (tests, test_windowed_layers_keep_their_window_only);
  tcase_add_test (tests, test_memory_is_told_before_a_session_takes_it);
  tcase_add_test (tests, test_what_does_not_fit_is_not_read);
  tcase_add_test (tests, test_tokens_outside_the_vocabulary_are_refused);
  tcase_add_test (tests, test_a_limit_on_memory_is_kept);
  tcase_add_test (tests, test_more_context_than_trained_for_is_refused);
  tcase_add_test (tests, test_an_encoder_does_not_write);
  tcase_add_test (tests, test_writing_ends_with_the_turn);
  tcase_add_test (tests, test_characters_are_held_back_until_they_are_whole);
  tcase_add_test (tests, test_bytes_that_never_become_a_character_are_replaced);
  tcase_add_test (tests, test_writing_stops_at_the_length_and_at_the_context);
  tcase_add_test (tests, test_the_caller_stops_and_goes_on);
  tcase_add_test (tests, test_nothing_is_written_without_a_prompt);
  tcase_add_test (tests, test_damaged_weights_are_noticed);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

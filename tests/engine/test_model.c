/* Opening models: what is said about sound ones, and what is said when something is missing. */
#include <check.h>
#include <glib/gstdio.h>

#include "script-model.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

/* Opens what SCRIPT describes; NULL with ERROR, as engine_model_open. */
static EngineModel *open_script (const Script *script, GError **error)
{
  g_autofree char *path = script_path ();
  ck_assert (script_write (script, path));
  EngineModel *model = engine_model_open (path, error);
  script_remove (path);
  return model;
}

static void expect_unsupported (const Script *script, const char *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = open_script (script, &error);
  ck_assert_ptr_null (model);
  ck_assert_msg (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED), "%s",
                 error->message);
  ck_assert_msg (strstr (error->message, "model.gguf") != NULL, "%s", error->message);
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
}

START_TEST (test_a_generator_is_described)
{
  Script script = { .chat_template = SCRIPT_CHATML };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = open_script (&script, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  const EngineModelInfo *info = engine_model_info (model);
  ck_assert_str_eq (info->name, "Script");
  ck_assert_str_eq (info->architecture, "qwen2");
  ck_assert_str_eq (info->tokenizer, "gpt2/qwen2");
  ck_assert_str_eq (info->chat_format, "chatml");
  ck_assert_str_eq (info->quantisation, "F32");
  ck_assert_int_eq (info->role, ENGINE_ROLE_GENERATOR);
  ck_assert_uint_eq (info->n_vocab, SCRIPT_N_VOCAB);
  ck_assert_uint_eq (info->n_ctx_train, 64);
  /* One layer, keys and values of 128 halves each. */
  ck_assert_uint_eq (info->kv_bytes_per_token, 2 * 128 * 2);
}
END_TEST

START_TEST (test_an_encoder_is_described)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (CASES "bert-cls/model.gguf", &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_int_eq (engine_model_info (model)->role, ENGINE_ROLE_ENCODER);
  ck_assert_ptr_null (engine_model_info (model)->chat_format);
  ck_assert_uint_eq (engine_model_info (model)->kv_bytes_per_token, 0);
}
END_TEST

START_TEST (test_the_type_that_weighs_most_names_the_quantisation)
{
  g_autoptr (EngineModel) model = engine_model_open (CASES "llama-Q4_0/model.gguf", NULL);
  ck_assert_str_eq (engine_model_info (model)->quantisation, "Q4_0");
}
END_TEST

START_TEST (test_a_missing_tensor_is_named)
{
  Script script = { .left_out = "blk.0.ffn_up.weight" };
  expect_unsupported (&script, "tensor “blk.0.ffn_up.weight” [128, 32] is missing");
  script.left_out = "output_norm.weight";
  expect_unsupported (&script, "tensor “output_norm.weight” [128] is missing");
  script.left_out = "token_embd.weight";
  expect_unsupported (&script, "“token_embd.weight” is missing");
}
END_TEST

START_TEST (test_a_missing_output_means_the_embedding_is_shared)
{
  Script script = { .left_out = "output.weight" };
  g_autoptr (EngineModel) model = open_script (&script, NULL);
  ck_assert_ptr_nonnull (model);
}
END_TEST

START_TEST (test_a_wrong_shape_is_named_with_both)
{
  Script script = { .misshapen = "blk.0.attn_q.weight" };
  expect_unsupported (&script, "“blk.0.attn_q.weight” should be [128, 128] and is [128, 129]");
}
END_TEST

/* A norm or bias that is left out of the computation gives answers that are wrong and look right.
 */
START_TEST (test_a_tensor_without_a_place_is_refused)
{
  Script script = { .extra = "blk.0.attn_q_norm.weight" };
  expect_unsupported (&script, "tensor “blk.0.attn_q_norm.weight” has no place");
}
END_TEST

START_TEST (test_an_unknown_architecture_is_named_with_the_known)
{
  Script script = { .architecture = "mamba" };
  expect_unsupported (&script, "should be one of bert, ");
  expect_unsupported (&script, "is “mamba”");
}
END_TEST

START_TEST (test_a_missing_number_is_named)
{
  Script script = { .architecture = "qwen3" };
  expect_unsupported (&script, "key “qwen3.block_count” is missing");
}
END_TEST

START_TEST (test_a_reranker_without_its_pooler_is_refused)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_model_open (CASES "bert-reranker-no-pooler/model.gguf", &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED));
  ck_assert (strstr (error->message, "lost its pooler") != NULL);
}
END_TEST

/* Whatever the header says, a file that opens can be computed with. Run this under ASan. */
START_TEST (test_damaged_headers_are_refused_or_harmless)
{
  g_autofree char *path = script_path ();
  g_autofree char *bytes = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  const gsize n_keys_bytes = 1500; /* the numbers, which matter most, stand first */
  gsize n_bytes;
  ck_assert (g_file_get_contents (CASES "llama-Q4_0/model.gguf", &bytes, &n_bytes, NULL));
  for (guint i = 0; i < 300; i++)
    {
      gsize at = g_rand_int_range (rand, 24, n_keys_bytes);
      char kept = bytes[at];
      bytes[at] = g_rand_int_range (rand, 0, 256);
      g_file_set_contents_full (path, bytes, n_bytes, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
      bytes[at] = kept;
      const gint32 tokens[] = { 1, 2, 3 };
      EngineSessionOptions options = { .n_ctx = 8, .n_threads = 1 };
      g_autoptr (GError) error = NULL;
      g_autoptr (EngineModel) model = engine_model_open (path, &error);
      g_autoptr (EngineSession) session
          = model ? engine_session_new (model, &options, &error) : NULL;
      ck_assert ((session == NULL) == (error != NULL));
      if (session)
        ck_assert (engine_session_read (session, tokens, 3, NULL, NULL, NULL));
    }
  script_remove (path);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("model");
  TCase *tests = tcase_create ("model");
  tcase_add_test (tests, test_a_generator_is_described);
  tcase_add_test (tests, test_an_encoder_is_described);
  tcase_add_test (tests, test_the_type_that_weighs_most_names_the_quantisation);
  tcase_add_test (tests, test_a_missing_tensor_is_named);
  tcase_add_test (tests, test_a_missing_output_means_the_embedding_is_shared);
  tcase_add_test (tests, test_a_wrong_shape_is_named_with_both);
  tcase_add_test (tests, test_a_tensor_without_a_place_is_refused);
  tcase_add_test (tests, test_an_unknown_architecture_is_named_with_the_known);
  tcase_add_test (tests, test_a_missing_number_is_named);
  tcase_add_test (tests, test_a_reranker_without_its_pooler_is_refused);
  tcase_add_test (tests, test_damaged_headers_are_refused_or_harmless);
  tcase_set_timeout (tests, 60);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

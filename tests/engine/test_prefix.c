/* Beginnings of prompts on disk: what comes from a file is what would have been computed, and a file
 * that is not exactly right is not used. */
#include <check.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/session-private.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

static char *folder;

static void set_up (void)
{
  folder = g_dir_make_tmp ("docent-prefix-XXXXXX", NULL);
}

static char *only_file (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name = dir != NULL ? g_dir_read_name (dir) : NULL;
  ck_assert_ptr_nonnull (name);
  return g_build_filename (folder, name, NULL);
}

static guint count_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void tear_down (void)
{
  while (count_files () > 0)
    {
      g_autofree char *path = only_file ();
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
}

static EngineModel *open_case (const char *name)
{
  g_autofree char *path = g_build_filename (CASES, name, "model.gguf", NULL);
  return engine_model_open_graph (path, NULL);
}

static EngineSession *new_session (EngineModel *model, EngineKvType kv_type)
{
  const EngineSessionOptions options = { .n_ctx = 256, .n_threads = 2, .kv_type = kv_type };
  return engine_session_new (model, &options, NULL);
}

static void fill_tokens (gint32 *tokens, guint n)
{
  for (guint i = 0; i < n; i++)
    tokens[i] = (gint32)(i * 7 % 50);
}

/* The logits after N_PREFIX tokens as a beginning and 20 more; the caller's. The beginning should
 * come from a file, or not. */
static float *read_both (EngineModel *model, EngineKvType kv_type, guint n_prefix, gboolean from_file)
{
  gboolean kept;
  g_autoptr (EngineSession) session = new_session (model, kv_type);
  gint32 tokens[200];
  gsize n;
  fill_tokens (tokens, G_N_ELEMENTS (tokens));
  ck_assert (engine_session_read_prefix (session, tokens, n_prefix, folder, &kept, NULL));
  ck_assert_int_eq (kept, from_file);
  engine_session_tokens (session, &n);
  ck_assert_uint_eq (n, n_prefix);
  ck_assert (engine_session_read (session, tokens + n_prefix, 20, NULL, NULL, NULL));
  return g_memdup2 (engine_session_logits (session),
                    engine_model_info (model)->n_vocab * sizeof (float));
}

static void expect_equal (const float *a, const float *b, EngineModel *model)
{
  for (guint i = 0; i < engine_model_info (model)->n_vocab; i++)
    ck_assert_msg (a[i] == b[i], "logit %u: %g and %g", i, (double)a[i], (double)b[i]);
}

static const struct
{
  const char *model;
  EngineKvType kv_type;
  guint n_prefix;
} kinds[] = {
  { "llama-bias", ENGINE_KV_F16, 50 },    { "qwen2-Q4_K_M", ENGINE_KV_F32, 64 },
  { "llama-Q4_0", ENGINE_KV_Q8_0, 33 },   { "gemma3", ENGINE_KV_F16, 180 },
};

START_TEST (test_what_was_kept_is_what_was_computed)
{
  g_autoptr (EngineModel) model = open_case (kinds[_i].model);
  g_autofree float *computed = read_both (model, kinds[_i].kv_type, kinds[_i].n_prefix, FALSE);
  ck_assert_uint_eq (count_files (), 1);
  g_autofree float *kept = read_both (model, kinds[_i].kv_type, kinds[_i].n_prefix, TRUE);
  ck_assert_uint_eq (count_files (), 1);
  expect_equal (computed, kept, model);
}
END_TEST

/* With the checksum made right again, another value in the file is another answer: so the file is
 * what is read. */
START_TEST (test_the_file_is_used)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autofree float *computed = read_both (model, ENGINE_KV_F16, 50, FALSE);
  g_autofree char *path = only_file ();
  g_autofree char *bytes = NULL;
  gsize n_bytes;
  ck_assert (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  memset (bytes + n_bytes - 64 - 2000, 0x22, 1000);
  g_autofree char *sum
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *)bytes, n_bytes - 64);
  memcpy (bytes + n_bytes - 64, sum, 64);
  ck_assert (g_file_set_contents (path, bytes, n_bytes, NULL));
  g_autofree float *changed = read_both (model, ENGINE_KV_F16, 50, TRUE);
  double difference = 0;
  for (guint i = 0; i < engine_model_info (model)->n_vocab; i++)
    difference += (double)(changed[i] - computed[i]) * (changed[i] - computed[i]);
  ck_assert_double_gt (difference, 0);
}
END_TEST

START_TEST (test_a_damaged_file_is_not_used_and_is_replaced)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autofree float *computed = read_both (model, ENGINE_KV_F16, 50, FALSE);
  g_autofree char *path = only_file ();
  g_autofree char *bytes = NULL;
  gsize n_bytes;
  ck_assert (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  for (gsize at = 0; at < n_bytes; at += 1 + n_bytes / 40)
    {
      bytes[at] ^= 4;
      ck_assert (g_file_set_contents (path, bytes, n_bytes, NULL));
      bytes[at] ^= 4;
      g_autofree float *logits = read_both (model, ENGINE_KV_F16, 50, FALSE);
      expect_equal (computed, logits, model);
      /* A file cut short. */
      ck_assert (g_file_set_contents (path, bytes, at, NULL));
      g_autofree float *again = read_both (model, ENGINE_KV_F16, 50, FALSE);
      expect_equal (computed, again, model);
    }
  g_autofree char *healed = NULL;
  gsize n_healed;
  ck_assert (g_file_get_contents (path, &healed, &n_healed, NULL));
  ck_assert_uint_eq (n_healed, n_bytes);
  ck_assert_int_eq (memcmp (healed, bytes, n_bytes), 0);
}
END_TEST

START_TEST (test_other_models_caches_and_tokens_have_files_of_their_own)
{
  g_autoptr (EngineModel) one = open_case ("llama-bias");
  g_autoptr (EngineModel) other = open_case ("llama-Q4_0");
  g_free (read_both (one, ENGINE_KV_F16, 50, FALSE));
  g_free (read_both (other, ENGINE_KV_F16, 50, FALSE));
  g_free (read_both (one, ENGINE_KV_F32, 50, FALSE));
  g_free (read_both (one, ENGINE_KV_F16, 49, FALSE));
  ck_assert_uint_eq (count_files (), 4);
}
END_TEST

START_TEST (test_the_folder_does_not_grow_without_end)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  for (guint n = 10; n < 40; n++)
    g_free (read_both (model, ENGINE_KV_F16, n, FALSE));
  ck_assert_uint_le (count_files (), 12);
  ck_assert_uint_ge (count_files (), 5);
}
END_TEST

START_TEST (test_a_folder_that_cannot_be_written_to_does_no_harm)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autoptr (EngineSession) session = new_session (model, ENGINE_KV_F16);
  const gint32 tokens[] = { 1, 2, 3 };
  gboolean kept;
  ck_assert (engine_session_read_prefix (session, tokens, 3, "/dev/null/no", &kept, NULL));
  ck_assert_ptr_nonnull (engine_session_logits (session));
}
END_TEST

START_TEST (test_tokens_outside_the_vocabulary_are_no_beginning)
{
  g_autoptr (EngineModel) model = open_case ("llama-bias");
  g_autoptr (EngineSession) session = new_session (model, ENGINE_KV_F16);
  const gint32 tokens[] = { 1, -5, 3 };
  gboolean kept;
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_session_read_prefix (session, tokens, 3, folder, &kept, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  ck_assert_uint_eq (count_files (), 0);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("prefix");
  TCase *tests = tcase_create ("prefix");
  tcase_set_timeout (tests, 60);
  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_loop_test (tests, test_what_was_kept_is_what_was_computed, 0, G_N_ELEMENTS (kinds));
  tcase_add_test (tests, test_the_file_is_used);
  tcase_add_test (tests, test_a_damaged_file_is_not_used_and_is_replaced);
  tcase_add_test (tests, test_other_models_caches_and_tokens_have_files_of_their_own);
  tcase_add_test (tests, test_the_folder_does_not_grow_without_end);
  tcase_add_test (tests, test_a_folder_that_cannot_be_written_to_does_no_harm);
  tcase_add_test (tests, test_tokens_outside_the_vocabulary_are_no_beginning);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

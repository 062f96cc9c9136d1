/* GGUF files are written so that our reader finds every key and tensor again, and they appear
 * whole or not at all. */
#include <fcntl.h>
#include <unistd.h>

#include "engine/gguf-write-private.h"
#include "engine/output-private.h"
#include "model-folder.h"

static char *folder, *path;

static void setup (void)
{
  folder = make_folder ();
  path = g_build_filename (folder, "model.gguf", NULL);
}

static void teardown (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&path, g_free);
}

static gboolean exists (const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  return g_file_test (name, G_FILE_TEST_EXISTS);
}

static void write_small_model (EngineGgufWriter *writer)
{
  static const char *const tokens[] = { "a", "", "\xe2\x96\x81word" };
  const float scores[] = { 0.5F, -1, 0 };
  const gint32 types[] = { 1, -2, 3 };
  const guint8 bytes[] = { 0, 255, 7 };
  engine_gguf_writer_set_string (writer, "general.architecture", "test");
  engine_gguf_writer_set_uint (writer, "test.uint", 4000000000U);
  engine_gguf_writer_set_float (writer, "test.float", 0.25F);
  engine_gguf_writer_set_bool (writer, "test.bool", TRUE);
  engine_gguf_writer_set_strings (writer, "test.tokens", tokens, 3);
  engine_gguf_writer_set_numbers (writer, "test.scores", ENGINE_GGUF_FLOAT32, scores, 3);
  engine_gguf_writer_set_numbers (writer, "test.types", ENGINE_GGUF_INT32, types, 3);
  engine_gguf_writer_set_numbers (writer, "test.bytes", ENGINE_GGUF_UINT8, bytes, 3);

  const guint64 dims[] = { 3, 5 }, one[] = { 1 };
  ck_assert (engine_gguf_writer_add_tensor (writer, "odd", ENGINE_TYPE_F32, dims, 2, NULL));
  ck_assert (engine_gguf_writer_add_tensor (writer, "single", ENGINE_TYPE_F32, one, 1, NULL));
}

START_TEST (test_reader_finds_what_was_written)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  float odd[15], single = 42;
  for (int i = 0; i < 15; i++)
    odd[i] = (float)i;
  write_small_model (writer);
  ck_assert_uint_eq (engine_gguf_writer_data_bytes (writer), 64);
  ck_assert (engine_gguf_writer_begin (writer, path, &error));
  ck_assert (engine_gguf_writer_write (writer, odd, 20, &error));
  ck_assert (engine_gguf_writer_write (writer, odd + 5, 40, &error));
  ck_assert (engine_gguf_writer_write (writer, &single, 4, &error));
  ck_assert (!exists (""));
  ck_assert (engine_gguf_writer_commit (writer, &error));
  ck_assert (exists ("") && !exists (".tmp"));

  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, &error);
  ck_assert_msg (gguf != NULL, "%s", error ? error->message : "");
  guint64 number;
  double value;
  gboolean flag = FALSE;
  EngineGgufString text;
  gsize n;
  ck_assert (engine_gguf_get_uint (gguf, "test.uint", &number));
  ck_assert_uint_eq (number, 4000000000U);
  ck_assert (engine_gguf_get_float (gguf, "test.float", &value));
  ck_assert_double_eq (value, 0.25);
  ck_assert (engine_gguf_get_bool (gguf, "test.bool", &flag) && flag);
  text = engine_gguf_array_string (gguf, "test.tokens", 2);
  ck_assert_uint_eq (text.length, 7);
  ck_assert_mem_eq (text.data, "\xe2\x96\x81word", 7);
  ck_assert_uint_eq (engine_gguf_array_string (gguf, "test.tokens", 1).length, 0);
  const void *types = engine_gguf_array_data (gguf, "test.types", ENGINE_GGUF_INT32, &n);
  const gint32 expected_types[] = { 1, -2, 3 };
  ck_assert_uint_eq (n, 3);
  ck_assert_mem_eq (types, expected_types, sizeof expected_types);
  const void *bytes = engine_gguf_array_data (gguf, "test.bytes", ENGINE_GGUF_UINT8, &n);
  ck_assert_uint_eq (n, 3);
  ck_assert_mem_eq (bytes, "\0\xff\7", 3);

  const EngineGgufTensor *tensor = engine_gguf_find_tensor (gguf, "odd");
  ck_assert_uint_eq (tensor->dims[0], 3);
  ck_assert_uint_eq (tensor->dims[1], 5);
  ck_assert_mem_eq (tensor->data, odd, sizeof odd);
  ck_assert_uint_eq ((guintptr)tensor->data % 32, 0);
  tensor = engine_gguf_find_tensor (gguf, "single");
  ck_assert_mem_eq (tensor->data, &single, sizeof single);
  ck_assert_uint_eq ((guintptr)tensor->data % 32, 0);
}
END_TEST

START_TEST (test_sum_is_that_of_the_file)
{
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  const float zeros[16] = { 0 };
  write_small_model (writer);
  ck_assert (engine_gguf_writer_begin (writer, path, NULL));
  ck_assert (engine_gguf_writer_write (writer, zeros, 60, NULL));
  ck_assert (engine_gguf_writer_write (writer, zeros, 4, NULL));
  const char *sum = engine_gguf_writer_sha256 (writer);
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  g_autofree char *contents = NULL;
  gsize length;
  ck_assert (g_file_get_contents (path, &contents, &length, NULL));
  g_autofree char *expected
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)contents, length);
  ck_assert_str_eq (sum, expected);
}
END_TEST

START_TEST (test_uncommitted_file_disappears)
{
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  write_small_model (writer);
  ck_assert (engine_gguf_writer_begin (writer, path, NULL));
  ck_assert (exists (".tmp"));
  g_clear_pointer (&writer, engine_gguf_writer_free);
  ck_assert (!exists (".tmp") && !exists (""));
}
END_TEST

START_TEST (test_impossible_shapes_are_errors)
{
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  const guint64 ragged[] = { 33, 2 }, empty[] = { 0 };
  const guint64 huge[] = { 1ULL << 40, 1ULL << 40 };
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_gguf_writer_add_tensor (writer, "a", ENGINE_TYPE_Q8_0, ragged, 2, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  ck_assert (!engine_gguf_writer_add_tensor (writer, "b", ENGINE_TYPE_F32, empty, 1, NULL));
  ck_assert (!engine_gguf_writer_add_tensor (writer, "c", ENGINE_TYPE_F32, huge, 2, NULL));
}
END_TEST

START_TEST (test_leftover_of_a_crash_is_overwritten)
{
  g_autofree char *leftover = write_file (folder, "model.gguf.tmp", "much longer than the new", 24);
  g_autoptr (EngineOutput) output = engine_output_new (path, NULL);
  ck_assert_ptr_nonnull (output);
  ck_assert (engine_output_write (output, "new", 3, NULL));
  ck_assert (engine_output_commit (output, NULL));
  g_autofree char *contents = NULL;
  ck_assert (g_file_get_contents (path, &contents, NULL, NULL));
  ck_assert_str_eq (contents, "new");
}
END_TEST

START_TEST (test_second_writer_is_refused_and_harms_nothing)
{
  g_autoptr (EngineOutput) first = engine_output_new (path, NULL);
  ck_assert (engine_output_write (first, "first", 5, NULL));
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_output_new (path, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert (engine_output_commit (first, NULL));
  g_autofree char *contents = NULL;
  ck_assert (g_file_get_contents (path, &contents, NULL, NULL));
  ck_assert_str_eq (contents, "first");
}
END_TEST

/* The descriptor under which this process has the file FULL_PATH open. */
static int find_descriptor (const char *full_path)
{
  for (int fd = 0; fd < 1024; fd++)
    {
      g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *target = g_file_read_link (link, NULL);
      if (g_strcmp0 (target, full_path) == 0)
        return fd;
    }
  return -1;
}

/* /dev/full fails every write as a full disk does. */
START_TEST (test_full_disk_is_an_error_and_leaves_the_old_file)
{
  g_autofree char *temporary = g_strconcat (path, ".tmp", NULL);
  write_text (folder, "model.gguf", "old");
  g_autoptr (EngineOutput) output = engine_output_new (path, NULL);
  int full = open ("/dev/full", O_WRONLY);
  int descriptor = find_descriptor (temporary);
  ck_assert_int_ge (descriptor, 0);
  ck_assert_int_eq (dup2 (full, descriptor), descriptor);
  g_autofree guint8 *block = g_malloc0 (3 << 20);
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_output_write (output, block, 3 << 20, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_ptr_nonnull (strstr (error->message, "free some space"));
  ck_assert (!engine_output_commit (output, NULL));
  g_clear_pointer (&output, engine_output_free);
  close (full);
  ck_assert (!exists (".tmp"));
  g_autofree char *contents = NULL;
  ck_assert (g_file_get_contents (path, &contents, NULL, NULL));
  ck_assert_str_eq (contents, "old");
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("gguf-write");
  TCase *tcase = tcase_create ("gguf-write");
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_reader_finds_what_was_written);
  tcase_add_test (tcase, test_sum_is_that_of_the_file);
  tcase_add_test (tcase, test_uncommitted_file_disappears);
  tcase_add_test (tcase, test_impossible_shapes_are_errors);
  tcase_add_test (tcase, test_leftover_of_a_crash_is_overwritten);
  tcase_add_test (tcase, test_second_writer_is_refused_and_harms_nothing);
  tcase_add_test (tcase, test_full_disk_is_an_error_and_leaves_the_old_file);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

/* Safetensors files are read exactly, and every way in which a hostile one can lie about its size
 * is an error. */
#include "engine/safetensors-private.h"
#include "model-folder.h"

static char *folder;

static void setup (void)
{
  folder = make_folder ();
}

static void teardown (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
}

static EngineSafetensors *open_bytes (const GByteArray *bytes, GError **error)
{
  g_autofree char *path = write_file (folder, "model.safetensors", bytes->data, bytes->len);
  return engine_safetensors_open (path, error);
}

static EngineSafetensors *open_header (const char *header, gsize n_data, GError **error)
{
  g_autofree guint8 *data = g_malloc0 (n_data + 1);
  g_autoptr (GByteArray) bytes = safetensors_bytes (header, data, n_data);
  return open_bytes (bytes, error);
}

START_TEST (test_reads_f32_f16_and_bf16)
{
  const guint8 data[] = { 0,    0,    0x80, 0x3f, 0, 0, 0, 0xc0, /* 1, -2 */
                          0,    0x3c, 0,    0x38,                /* 1, 0.5 */
                          0x80, 0x3f, 0x20, 0xc1 };              /* 1, -10 */
  const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                       "\"b\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[8,12]},"
                       "\"c\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[12,16]}}   ";
  g_autoptr (GByteArray) bytes = safetensors_bytes (header, data, sizeof data);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSafetensors) weights = open_bytes (bytes, &error);
  ck_assert_msg (weights != NULL, "%s", error ? error->message : "");

  float values[2];
  ck_assert_uint_eq (engine_safetensors_n_tensors (weights), 3);
  engine_safetensors_read (engine_safetensors_find (weights, "a"), 0, 2, values);
  ck_assert_float_eq (values[0], 1);
  ck_assert_float_eq (values[1], -2);
  const EngineSafeTensor *b = engine_safetensors_find (weights, "b");
  ck_assert_uint_eq (b->n_dims, 2);
  ck_assert_uint_eq (b->shape[0], 2);
  engine_safetensors_read (b, 1, 1, values);
  ck_assert_float_eq (values[0], 0.5);
  engine_safetensors_read (engine_safetensors_find (weights, "c"), 0, 2, values);
  ck_assert_float_eq (values[1], -10);
  ck_assert_ptr_null (engine_safetensors_find (weights, "d"));
}
END_TEST

static const struct
{
  const char *header;
  gsize n_data;
} lies[] = {
  /* beyond the file */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7 },
  /* end before begin */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8 },
  /* shape and bytes differ */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8 },
  /* elements overflow to 0 */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0 },
  /* bytes overflow to 0 */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0 },
  /* overlap */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
    12 },
  /* the same bytes twice */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    8 },
  /* a hole between, before and after */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
    12 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8 },
  /* negative and fractional numbers, wrong kinds, missing members */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,6]}}", 6 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4 },
  { "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
  { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
  { "{\"a\":[1,2]}", 0 },
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", 4 },
  /* not an object, not JSON, not UTF-8 */
  { "[]", 0 },
  { "{", 0 },
  { "{\"\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
};

START_TEST (test_lie_in_header_is_an_error)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSafetensors) weights = open_header (lies[_i].header, lies[_i].n_data, &error);
  ck_assert_msg (weights == NULL, "accepted: %s", lies[_i].header);
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

START_TEST (test_header_longer_than_file_is_an_error)
{
  static const guint64 lengths[] = { 3, 1000, G_MAXUINT32, G_MAXUINT64, G_MAXUINT64 - 7 };
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GByteArray) bytes = safetensors_bytes ("{}", "", 0);
      guint64 length = GUINT64_TO_LE (lengths[i]);
      memcpy (bytes->data, &length, sizeof length);
      g_autoptr (GError) error = NULL;
      ck_assert_ptr_null (open_bytes (bytes, &error));
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
    }
}
END_TEST

START_TEST (test_every_truncation_is_an_error)
{
  const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
  g_autoptr (GByteArray) bytes = safetensors_bytes (header, "01234567", 8);
  for (guint length = 0; length < bytes->len; length++)
    {
      g_autofree char *path = write_file (folder, "model.safetensors", bytes->data, length);
      g_autoptr (GError) error = NULL;
      ck_assert_ptr_null (engine_safetensors_open (path, &error));
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
    }
}
END_TEST

START_TEST (test_deep_nesting_is_an_error)
{
  g_autoptr (GString) deep = g_string_new ("{\"a\":");
  for (int i = 0; i < 200000; i++)
    g_string_append_c (deep, '[');
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (open_header (deep->str, 0, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

/* A quotation mark in a comment would hide the nesting from a scan that takes it for a string. */
START_TEST (test_nesting_behind_a_comment_is_an_error)
{
  g_autoptr (GString) deep = g_string_new ("/*\"*/{\"a\":");
  for (int i = 0; i < 200000; i++)
    g_string_append_c (deep, '[');
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (open_header (deep->str, 0, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

static void write_shard (const char *name, const char *tensor, float value)
{
  Checkpoint shard;
  guint64 one = 1;
  checkpoint_init (&shard);
  checkpoint_add (&shard, tensor, &one, 1, &value);
  checkpoint_write (&shard, folder, name);
}

START_TEST (test_reads_shards_as_one)
{
  write_shard ("model-1.safetensors", "a", 3);
  write_shard ("model-2.safetensors", "b", 4);
  write_text (folder, "model.safetensors.index.json",
              "{\"metadata\":{},\"weight_map\":{\"a\":\"model-1.safetensors\","
              "\"b\":\"model-2.safetensors\"}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSafetensors) weights = engine_safetensors_open (folder, &error);
  ck_assert_msg (weights != NULL, "%s", error ? error->message : "");
  float value;
  engine_safetensors_read (engine_safetensors_find (weights, "b"), 0, 1, &value);
  ck_assert_float_eq (value, 4);
  ck_assert_uint_eq (engine_safetensors_n_tensors (weights), 2);
}
END_TEST

static const char *const bad_indices[] = {
  "{\"weight_map\":{\"a\":\"../model-1.safetensors\"}}",
  "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
  "{\"weight_map\":{\"a\":\"..\"}}",
  "{\"weight_map\":{\"a\":\"\"}}",
  "{\"weight_map\":{\"a\":7}}",
  "{\"weight_map\":{\"missing\":\"model-1.safetensors\"}}",
  "{\"weight_map\":{\"a\":\"model-1.safetensors\",\"b\":\"model-3.safetensors\"}}",
  "{\"weight_map\":{\"a\":\"model-1.safetensors\",\"c\":\"same.safetensors\"}}",
  "{}",
};

START_TEST (test_bad_index_is_an_error)
{
  write_shard ("model-1.safetensors", "a", 3);
  write_shard ("same.safetensors", "a", 4);
  write_text (folder, "model.safetensors.index.json", bad_indices[_i]);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_safetensors_open (folder, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

START_TEST (test_missing_file_is_an_error_that_names_it)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_safetensors_open (folder, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_ptr_nonnull (strstr (error->message, "model.safetensors"));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("safetensors");
  TCase *tcase = tcase_create ("safetensors");
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_reads_f32_f16_and_bf16);
  tcase_add_loop_test (tcase, test_lie_in_header_is_an_error, 0, G_N_ELEMENTS (lies));
  tcase_add_test (tcase, test_header_longer_than_file_is_an_error);
  tcase_add_test (tcase, test_every_truncation_is_an_error);
  tcase_add_test (tcase, test_deep_nesting_is_an_error);
  tcase_add_test (tcase, test_nesting_behind_a_comment_is_an_error);
  tcase_add_test (tcase, test_reads_shards_as_one);
  tcase_add_loop_test (tcase, test_bad_index_is_an_error, 0, G_N_ELEMENTS (bad_indices));
  tcase_add_test (tcase, test_missing_file_is_an_error_that_names_it);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

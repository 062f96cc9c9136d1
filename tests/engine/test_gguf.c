/* GGUF files, sound and hostile: a file cut at any byte, or with any bit of its header flipped, is
 * read or refused and never read past its end (run this under ASan). */
#include <check.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/gguf-private.h"

/* ---- Files made by hand --------------------------------------------------------------------- */

static void add_u32 (GByteArray *file, guint32 value)
{
  g_byte_array_append (file, (const guint8 *)&value, sizeof value);
}

static void add_u64 (GByteArray *file, guint64 value)
{
  g_byte_array_append (file, (const guint8 *)&value, sizeof value);
}

static void add_string (GByteArray *file, const char *text)
{
  add_u64 (file, strlen (text));
  g_byte_array_append (file, (const guint8 *)text, strlen (text));
}

static GByteArray *new_file (guint32 version, guint64 n_tensors, guint64 n_keys)
{
  GByteArray *file = g_byte_array_new ();
  g_byte_array_append (file, (const guint8 *)"GGUF", 4);
  add_u32 (file, version);
  add_u64 (file, n_tensors);
  add_u64 (file, n_keys);
  return file;
}

static void add_key_u32 (GByteArray *file, const char *key, guint32 value)
{
  add_string (file, key);
  add_u32 (file, ENGINE_GGUF_UINT32);
  add_u32 (file, value);
}

static void add_tensor (GByteArray *file, const char *name, guint64 n_cols, guint64 n_rows,
                        guint32 type, guint64 offset)
{
  add_string (file, name);
  add_u32 (file, 2);
  add_u64 (file, n_cols);
  add_u64 (file, n_rows);
  add_u32 (file, type);
  add_u64 (file, offset);
}

static void add_data (GByteArray *file, gsize n_bytes)
{
  guint first = (file->len + 31) / 32 * 32;
  guint old = file->len;
  g_byte_array_set_size (file, first + n_bytes);
  memset (file->data + old, 0, file->len - old);
}

/* One key of each kind and two tensors. */
static GByteArray *sound_file (void)
{
  GByteArray *file = new_file (3, 2, 7);
  const float half = 0.5f;
  add_key_u32 (file, "a.number", 42);
  add_string (file, "a.text");
  add_u32 (file, ENGINE_GGUF_STRING);
  add_string (file, "hello");
  add_string (file, "a.flag");
  add_u32 (file, ENGINE_GGUF_BOOL);
  g_byte_array_append (file, (const guint8 *)"\1", 1);
  add_string (file, "a.float");
  add_u32 (file, ENGINE_GGUF_FLOAT32);
  g_byte_array_append (file, (const guint8 *)&half, 4);
  add_string (file, "a.negative");
  add_u32 (file, ENGINE_GGUF_INT32);
  add_u32 (file, (guint32)-5);
  add_string (file, "a.words");
  add_u32 (file, ENGINE_GGUF_ARRAY);
  add_u32 (file, ENGINE_GGUF_STRING);
  add_u64 (file, 3);
  add_string (file, "one");
  add_string (file, "");
  add_string (file, "three");
  add_string (file, "a.numbers");
  add_u32 (file, ENGINE_GGUF_ARRAY);
  add_u32 (file, ENGINE_GGUF_UINT16);
  add_u64 (file, 3);
  g_byte_array_append (file, (const guint8 *)"\1\0\2\0\3\1", 6);
  add_tensor (file, "first", 4, 2, ENGINE_TYPE_F32, 0);
  add_tensor (file, "second", 32, 3, ENGINE_TYPE_Q8_0, 32);
  add_data (file, 32 + 3 * 34);
  return file;
}

static EngineGguf *open_bytes (const guint8 *bytes, gsize n_bytes, GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("docent-gguf-XXXXXX", &path, NULL);
  ck_assert_int_ge (fd, 0);
  g_close (fd, NULL);
  g_file_set_contents_full (path, (const char *)bytes, n_bytes, G_FILE_SET_CONTENTS_NONE, 0600,
                            NULL);
  EngineGguf *gguf = engine_gguf_open (path, error);
  g_remove (path);
  return gguf;
}

/* FILE is refused with CODE, and the sentence says WHY. */
static void expect_refusal (GByteArray *file, EngineError code, const char *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, &error);
  ck_assert_ptr_null (gguf);
  ck_assert_msg (g_error_matches (error, ENGINE_ERROR, code), "%s", error->message);
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
  g_byte_array_unref (file);
}

/* ---- Sound files ---------------------------------------------------------------------------- */

START_TEST (test_values_are_read)
{
  g_autoptr (GByteArray) file = sound_file ();
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, NULL);
  guint64 number;
  double real;
  gboolean flag;
  EngineGgufString text;
  ck_assert_ptr_nonnull (gguf);
  ck_assert (engine_gguf_get_uint (gguf, "a.number", &number) && number == 42);
  ck_assert (engine_gguf_get_float (gguf, "a.float", &real) && real == 0.5);
  ck_assert (engine_gguf_get_bool (gguf, "a.flag", &flag) && flag);
  ck_assert (engine_gguf_get_string (gguf, "a.text", &text));
  ck_assert_mem_eq (text.data, "hello", 5);
  ck_assert_uint_eq (text.length, 5);
  ck_assert (!engine_gguf_get_uint (gguf, "a.negative", &number));
  ck_assert (!engine_gguf_get_uint (gguf, "a.text", &number));
  ck_assert (!engine_gguf_get_uint (gguf, "a.missing", &number));
}
END_TEST

START_TEST (test_arrays_are_read)
{
  g_autoptr (GByteArray) file = sound_file ();
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, NULL);
  EngineGgufType type;
  gsize n;
  guint64 number;
  ck_assert (engine_gguf_get_array (gguf, "a.words", &type, &n));
  ck_assert_int_eq (type, ENGINE_GGUF_STRING);
  ck_assert_uint_eq (n, 3);
  ck_assert_uint_eq (engine_gguf_array_string (gguf, "a.words", 1).length, 0);
  ck_assert_mem_eq (engine_gguf_array_string (gguf, "a.words", 2).data, "three", 5);
  ck_assert (engine_gguf_array_uint (gguf, "a.numbers", 2, &number) && number == 259);
  ck_assert (!engine_gguf_array_uint (gguf, "a.numbers", 3, &number));
  ck_assert_ptr_nonnull (engine_gguf_array_data (gguf, "a.numbers", ENGINE_GGUF_UINT16, &n));
  ck_assert_ptr_null (engine_gguf_array_data (gguf, "a.numbers", ENGINE_GGUF_UINT32, &n));
}
END_TEST

START_TEST (test_tensors_are_found)
{
  g_autoptr (GByteArray) file = sound_file ();
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, NULL);
  const EngineGgufTensor *second = engine_gguf_find_tensor (gguf, "second");
  ck_assert_uint_eq (engine_gguf_n_tensors (gguf), 2);
  ck_assert_uint_eq (second->n_bytes, 3 * 34);
  ck_assert_ptr_eq (second->data, engine_gguf_tensor (gguf, 0)->data + 32);
  ck_assert_ptr_null (engine_gguf_find_tensor (gguf, "third"));
}
END_TEST

START_TEST (test_version_2_is_read)
{
  g_autoptr (GByteArray) file = sound_file ();
  file->data[4] = 2;
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, NULL);
  ck_assert_ptr_nonnull (gguf);
}
END_TEST

START_TEST (test_descriptions_hold_no_escapes)
{
  GByteArray *file = new_file (3, 0, 1);
  add_string (file, "a.text");
  add_u32 (file, ENGINE_GGUF_STRING);
  add_string (file, "red\033[31m");
  g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, NULL);
  g_autofree char *line = engine_gguf_describe_key (gguf, 0);
  ck_assert_str_eq (line, "a.text = “red?[31m”");
  g_byte_array_unref (file);
}
END_TEST

/* ---- Hostile files -------------------------------------------------------------------------- */

/* Every value of an opened file can be looked at. */
static void walk (const EngineGguf *gguf)
{
  guint64 sum = 0;
  for (gsize i = 0; i < engine_gguf_n_keys (gguf); i++)
    g_free (engine_gguf_describe_key (gguf, i));
  for (gsize i = 0; i < engine_gguf_n_tensors (gguf); i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (gguf, i);
      for (guint64 j = 0; j < tensor->n_bytes; j++)
        sum += tensor->data[j];
    }
  ck_assert_uint_ge (sum + 1, 1);
}

START_TEST (test_a_file_cut_anywhere_is_refused)
{
  g_autoptr (GByteArray) file = sound_file ();
  for (gsize n = 1; n < file->len; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngineGguf) gguf = open_bytes (file->data, n, &error);
      ck_assert_msg (gguf == NULL, "cut to %zu bytes", n);
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
    }
}
END_TEST

START_TEST (test_any_flipped_bit_is_survived)
{
  g_autoptr (GByteArray) file = sound_file ();
  gsize n_header = file->len - 32 - 3 * 34;
  for (gsize bit = 0; bit < n_header * 8; bit++)
    {
      g_autoptr (GError) error = NULL;
      file->data[bit / 8] ^= 1 << bit % 8;
      g_autoptr (EngineGguf) gguf = open_bytes (file->data, file->len, &error);
      ck_assert ((gguf == NULL) == (error != NULL));
      if (gguf)
        walk (gguf);
      file->data[bit / 8] ^= 1 << bit % 8;
    }
}
END_TEST

START_TEST (test_counts_beyond_the_file_are_refused)
{
  expect_refusal (new_file (3, 0, G_MAXUINT64), ENGINE_ERROR_FILE, "more keys or tensors");
  expect_refusal (new_file (3, G_MAXUINT64 / 2, 0), ENGINE_ERROR_FILE, "more keys or tensors");
  GByteArray *file = new_file (3, 0, 1);
  add_string (file, "a.words");
  add_u32 (file, ENGINE_GGUF_ARRAY);
  add_u32 (file, ENGINE_GGUF_STRING);
  add_u64 (file, G_MAXUINT64 / 8);
  expect_refusal (file, ENGINE_ERROR_FILE, "more strings");
  file = new_file (3, 0, 1);
  add_string (file, "a.numbers");
  add_u32 (file, ENGINE_GGUF_ARRAY);
  add_u32 (file, ENGINE_GGUF_UINT64);
  add_u64 (file, G_MAXUINT64 / 4);
  expect_refusal (file, ENGINE_ERROR_FILE, "ends inside the array");
}
END_TEST

START_TEST (test_doubled_names_are_refused)
{
  GByteArray *file = new_file (3, 0, 2);
  add_key_u32 (file, "a.number", 1);
  add_key_u32 (file, "a.number", 2);
  expect_refusal (file, ENGINE_ERROR_FILE, "“a.number” is there twice");
  file = new_file (3, 2, 0);
  add_tensor (file, "same", 8, 1, ENGINE_TYPE_F32, 0);
  add_tensor (file, "same", 8, 1, ENGINE_TYPE_F32, 0);
  add_data (file, 32);
  expect_refusal (file, ENGINE_ERROR_FILE, "“same” is there twice");
}
END_TEST

START_TEST (test_impossible_tensors_are_refused)
{
  GByteArray *file = new_file (3, 1, 0);
  add_tensor (file, "huge", G_MAXUINT64 / 2, 8, ENGINE_TYPE_F32, 0);
  expect_refusal (file, ENGINE_ERROR_FILE, "impossible shape");
  file = new_file (3, 1, 0);
  add_tensor (file, "empty", 0, 8, ENGINE_TYPE_F32, 0);
  expect_refusal (file, ENGINE_ERROR_FILE, "impossible shape");
  file = new_file (3, 1, 0);
  add_tensor (file, "ragged", 33, 8, ENGINE_TYPE_Q8_0, 0);
  expect_refusal (file, ENGINE_ERROR_FILE, "not a multiple of 32");
  file = new_file (3, 1, 0);
  add_tensor (file, "crooked", 8, 1, ENGINE_TYPE_F32, 4);
  add_data (file, 64);
  expect_refusal (file, ENGINE_ERROR_FILE, "not aligned");
  file = new_file (3, 1, 0);
  add_tensor (file, "beyond", 8, 1, ENGINE_TYPE_F32, G_MAXUINT64 - 31);
  add_data (file, 64);
  expect_refusal (file, ENGINE_ERROR_FILE, "ends before the data of tensor “beyond”");
}
END_TEST

START_TEST (test_what_we_cannot_read_is_called_unsupported)
{
  expect_refusal (new_file (1, 0, 0), ENGINE_ERROR_UNSUPPORTED, "version 1");
  GByteArray *file = new_file (3, 1, 0);
  add_tensor (file, "exotic", 256, 1, 16, 0);
  add_data (file, 66);
  expect_refusal (file, ENGINE_ERROR_UNSUPPORTED, "type number 16");
}
END_TEST

START_TEST (test_crooked_alignment_is_refused)
{
  GByteArray *file = new_file (3, 0, 1);
  add_key_u32 (file, "general.alignment", 48);
  expect_refusal (file, ENGINE_ERROR_FILE, "general.alignment is 48");
}
END_TEST

START_TEST (test_files_that_are_no_models_are_named)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_gguf_open ("/nowhere/model.gguf", &error));
  ck_assert (strstr (error->message, "/nowhere/model.gguf") != NULL);
  g_clear_error (&error);
  ck_assert_ptr_null (engine_gguf_open (g_get_tmp_dir (), &error));
  ck_assert (strstr (error->message, "not a regular file") != NULL);
  g_clear_error (&error);
  ck_assert_ptr_null (open_bytes ((const guint8 *)"", 0, &error));
  ck_assert (strstr (error->message, "empty") != NULL);
  g_clear_error (&error);
  ck_assert_ptr_null (open_bytes ((const guint8 *)"%PDF-1.7 and so on", 18, &error));
  ck_assert (strstr (error->message, "does not begin with “GGUF”") != NULL);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("gguf");
  TCase *sound = tcase_create ("sound");
  TCase *hostile = tcase_create ("hostile");
  tcase_set_timeout (hostile, 120);
  tcase_add_test (sound, test_values_are_read);
  tcase_add_test (sound, test_arrays_are_read);
  tcase_add_test (sound, test_tensors_are_found);
  tcase_add_test (sound, test_version_2_is_read);
  tcase_add_test (sound, test_descriptions_hold_no_escapes);
  tcase_add_test (hostile, test_a_file_cut_anywhere_is_refused);
  tcase_add_test (hostile, test_any_flipped_bit_is_survived);
  tcase_add_test (hostile, test_counts_beyond_the_file_are_refused);
  tcase_add_test (hostile, test_doubled_names_are_refused);
  tcase_add_test (hostile, test_impossible_tensors_are_refused);
  tcase_add_test (hostile, test_what_we_cannot_read_is_called_unsupported);
  tcase_add_test (hostile, test_crooked_alignment_is_refused);
  tcase_add_test (hostile, test_files_that_are_no_models_are_named);
  suite_add_tcase (suite, sound);
  suite_add_tcase (suite, hostile);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

/* Tiny vocabularies for the tokenizer tests: a GGUF file of a few tokens is written, opened as any
 * model's would be, and deleted again. */
#pragma once

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf-write-private.h"
#include "engine/tokenizer-private.h"

/* The keys that every tokenizer has; add others before opening it. TYPES may be NULL. */
static inline EngineGgufWriter *begin_vocabulary (const char *model, const char *const *tokens,
                                                  gsize n_tokens, const gint32 *types)
{
  EngineGgufWriter *writer = engine_gguf_writer_new ();
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", model);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.tokens", tokens, n_tokens);
  if (types)
    engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32, types,
                                    n_tokens);
  return writer;
}

/* Frees WRITER. The file, which has one number for weights, is gone when this returns: a tokenizer
 * must not need it. */
static inline EngineTokenizer *open_vocabulary (EngineGgufWriter *writer, GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("tokenizer-XXXXXX.gguf", &path, NULL);
  ck_assert_int_ge (fd, 0);
  close (fd);
  ck_assert (
      engine_gguf_writer_add_tensor (writer, "x", ENGINE_TYPE_F32, &(guint64){ 1 }, 1, NULL));
  ck_assert (engine_gguf_writer_begin (writer, path, NULL));
  ck_assert (engine_gguf_writer_write (writer, &(float){ 1 }, sizeof (float), NULL));
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  engine_gguf_writer_free (writer);
  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, error);
  g_unlink (path);
  return gguf ? engine_tokenizer_new (gguf, error) : NULL;
}

/* As above, and the file must be accepted. */
static inline EngineTokenizer *open_good_vocabulary (EngineGgufWriter *writer)
{
  g_autoptr (GError) error = NULL;
  EngineTokenizer *tokenizer = open_vocabulary (writer, &error);
  ck_assert_msg (tokenizer != NULL, "%s", error ? error->message : "no error was set");
  return tokenizer;
}

/* "1 2 3"; the caller frees it. */
static inline char *ids_of (const EngineTokenizer *tokenizer, const char *text,
                            EngineTokenizeFlags flags)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GError) error = NULL;
  GString *ids = g_string_new (NULL);
  ck_assert_msg (engine_tokenizer_encode (tokenizer, text, -1, flags, tokens, &error), "%s",
                 error ? error->message : "");
  for (guint i = 0; i < tokens->len; i++)
    g_string_append_printf (ids, "%s%d", i ? " " : "", g_array_index (tokens, gint32, i));
  return g_string_free (ids, FALSE);
}

#define assert_ids(tokenizer, text, flags, expected)                                               \
  do                                                                                               \
    {                                                                                              \
      g_autofree char *ids_found = ids_of (tokenizer, text, flags);                                \
      ck_assert_str_eq (ids_found, expected);                                                      \
    }                                                                                              \
  while (0)

static inline int run_suite (Suite *suite)
{
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int run_tests (const char *name, const TTest *const *tests, gsize n_tests)
{
  Suite *suite = suite_create (name);
  TCase *tcase = tcase_create (name);
  tcase_set_timeout (tcase, 120);
  for (gsize i = 0; i < n_tests; i++)
    tcase_add_test (tcase, tests[i]);
  suite_add_tcase (suite, tcase);
  return run_suite (suite);
}

/* Token for token what the models' own tokenizers make, on the vocabularies in the shared data:
 * llama.cpp's .inp/.out pairs, and Hugging Face's WordPiece of 10,570 questions. Skips what is not
 * there, with the reason. */
#include "tokenizer-fixture.h"

#include <json-glib/json-glib.h>

static char *shared_path (const char *name)
{
  const char *given = g_getenv ("DOCENT_SHARED");
  g_autofree char *beside = g_build_filename (SOURCE_ROOT, "..", "shared", NULL);
  return g_build_filename (given ? given : beside, "data", "tokenizers", name, NULL);
}

static gboolean is_there (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  g_printerr ("skipped: %s is not there\n", path);
  return FALSE;
}

/* Some pairs come without a vocabulary; Qwen's is in the models that docent fetches. */
static char *vocabulary_path (const char *name)
{
  if (strcmp (name, "qwen2") != 0)
    {
      g_autofree char *file = g_strdup_printf ("ggml-vocab-%s.gguf", name);
      return shared_path (file);
    }
  const char *models = g_getenv ("DOCENT_MODELS");
  g_autofree char *usual = g_build_filename (g_get_user_data_dir (), "docent", "models", NULL);
  return g_build_filename (models ? models : usual, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                           NULL);
}

static EngineTokenizer *open_tokenizer (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, &error);
  EngineTokenizer *tokenizer = gguf ? engine_tokenizer_new (gguf, &error) : NULL;
  ck_assert_msg (tokenizer != NULL, "%s", error ? error->message : "");
  return tokenizer;
}

/* ---- Pairs -------------------------------------------------------------------------------------
 */

static const char *const PAIRS[]
    = { "bert-bge", "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2", "refact", "starcoder" };

static char *read_pair (const char *name, const char *extension)
{
  g_autofree char *file = g_strdup_printf ("ggml-vocab-%s.gguf.%s", name, extension);
  g_autofree char *path = shared_path (file);
  char *text = NULL;
  if (!is_there (path))
    return NULL;
  ck_assert (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

START_TEST (test_pairs_are_tokenized_exactly)
{
  g_autofree char *path = vocabulary_path (PAIRS[_i]);
  g_autofree char *inputs = read_pair (PAIRS[_i], "inp");
  g_autofree char *outputs = read_pair (PAIRS[_i], "out");
  if (!inputs || !outputs || !is_there (path))
    return;
  g_autoptr (EngineTokenizer) tokenizer = open_tokenizer (path);
  g_auto (GStrv) texts = g_strsplit (inputs, "\n__ggml_vocab_test__\n", -1);
  g_auto (GStrv) lines = g_strsplit (outputs, "\n", -1);
  ck_assert_uint_eq (g_strv_length (texts), g_strv_length (lines));
  for (gsize i = 0; texts[i + 1]; i++)
    assert_ids (tokenizer, texts[i], ENGINE_TOKENIZE_PLAIN, g_strstrip (lines[i]));
}
END_TEST

/* Byte-level vocabularies lose nothing. */
START_TEST (test_text_comes_back)
{
  static const char *const NAMES[] = { "gpt-2", "qwen2" };
  g_autofree char *path = vocabulary_path (NAMES[_i]);
  g_autofree char *inputs = read_pair (NAMES[_i], "inp");
  if (!inputs || !is_there (path))
    return;
  g_autoptr (EngineTokenizer) tokenizer = open_tokenizer (path);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GString) bytes = g_string_new (NULL);
  ck_assert (engine_tokenizer_encode (tokenizer, inputs, -1, 0, tokens, NULL));
  for (guint i = 0; i < tokens->len; i++)
    engine_tokenizer_decode (tokenizer, g_array_index (tokens, gint32, i), bytes);
  ck_assert_str_eq (bytes->str, inputs);
}
END_TEST

/* ---- Markers -----------------------------------------------------------------------------------
 */

static void assert_cannot_be_written (const EngineTokenizer *tokenizer, const char *marker)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autofree char *text = g_strconcat (marker, " x", marker, "\n", marker, marker, NULL);
  ck_assert (engine_tokenizer_encode (tokenizer, text, -1, 0, tokens, NULL));
  for (guint i = 0; i < tokens->len; i++)
    ck_assert_msg (!engine_tokenizer_is_special (tokenizer, g_array_index (tokens, gint32, i)),
                   "“%s” became token %d", marker, g_array_index (tokens, gint32, i));
}

START_TEST (test_no_marker_of_any_vocabulary_can_be_written)
{
  g_autofree char *path = vocabulary_path (PAIRS[_i]);
  guint n_markers = 0;
  if (!is_there (path))
    return;
  g_autoptr (EngineTokenizer) tokenizer = open_tokenizer (path);
  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, NULL);
  for (guint id = 0; id < engine_tokenizer_n_vocab (tokenizer); id++)
    if (engine_tokenizer_is_special (tokenizer, id))
      {
        EngineGgufString string = engine_gguf_array_string (gguf, "tokenizer.ggml.tokens", id);
        g_autofree char *marker = g_strndup (string.data, string.length);
        assert_cannot_be_written (tokenizer, marker);
        ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, marker), id);
        n_markers++;
      }
  ck_assert_uint_gt (n_markers, 0);
}
END_TEST

/* ---- Hugging Face ------------------------------------------------------------------------------
 */

static JsonArray *load_array (JsonParser *parser, const char *name)
{
  g_autofree char *path = shared_path (name);
  if (!is_there (path))
    return NULL;
  ck_assert (json_parser_load_from_file (parser, path, NULL));
  return json_node_get_array (json_parser_get_root (parser));
}

START_TEST (test_wordpiece_agrees_with_hugging_face)
{
  g_autofree char *path = vocabulary_path ("bert-bge");
  g_autoptr (JsonParser) question_parser = json_parser_new ();
  g_autoptr (JsonParser) id_parser = json_parser_new ();
  JsonArray *questions = load_array (question_parser, "hf/question_tokens.json");
  JsonArray *ids = load_array (id_parser, "hf/tokenized_questions.json");
  if (!questions || !ids || !is_there (path))
    return;
  g_autoptr (EngineTokenizer) tokenizer = open_tokenizer (path);
  ck_assert_uint_eq (json_array_get_length (questions), json_array_get_length (ids));
  for (guint i = 0; i < json_array_get_length (ids); i++)
    {
      JsonObject *question = json_array_get_object_element (questions, i);
      JsonArray *expected = json_array_get_array_element (ids, i);
      g_autoptr (GString) text = g_string_new (NULL);
      for (guint j = 0; j < json_array_get_length (expected); j++)
        g_string_append_printf (text, "%s%d", j ? " " : "",
                                (int)json_array_get_int_element (expected, j));
      assert_ids (tokenizer, json_object_get_string_member (question, "original"),
                  ENGINE_TOKENIZE_PLAIN, text->str);
    }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("tokenizer-exact");
  TCase *tcase = tcase_create ("tokenizer-exact");
  tcase_set_timeout (tcase, 120);
  tcase_add_loop_test (tcase, test_pairs_are_tokenized_exactly, 0, G_N_ELEMENTS (PAIRS));
  tcase_add_loop_test (tcase, test_text_comes_back, 0, 2);
  tcase_add_loop_test (tcase, test_no_marker_of_any_vocabulary_can_be_written, 0,
                       G_N_ELEMENTS (PAIRS));
  tcase_add_test (tcase, test_wordpiece_agrees_with_hugging_face);
  suite_add_tcase (suite, tcase);
  return run_suite (suite);
}

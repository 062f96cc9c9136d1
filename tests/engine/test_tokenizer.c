/* What all tokenizers share: markers stay out of document text, texts are opened and closed as the
 * file asks, text comes back, and files that contradict themselves are refused. */
#include "tokenizer-fixture.h"

#include "engine/model-private.h"

/* A byte-pair vocabulary of single letters, a few merges, two markers and a run of spaces. */
static const char *const TOKENS[] = { "a",  "b",     "Ġ",      "ab", "<",       "|", "x", ">",
                                      "<|", "<|x|>", "<|x|>y", "  ", "<|end|>", "y", "Ġa" };
static const gint32 TYPES[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 4, 3, 1, 1 };
static const char *const MERGES[] = { "a b", "< |", "Ġ a", "<| x" };

static EngineGgufWriter *begin_letters (void)
{
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "gpt-2");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", MERGES, 3);
  return writer;
}

static EngineGgufWriter *begin_letters_ending_in (guint32 eos)
{
  EngineGgufWriter *writer = begin_letters ();
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", eos);
  return writer;
}

/* ---- Markers -----------------------------------------------------------------------------------
 */

START_TEST (test_markers_in_document_text_stay_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  assert_ids (tokenizer, "a<|x|>b", ENGINE_TOKENIZE_PLAIN, "0 8 6 5 7 1");
  assert_ids (tokenizer, "a<|x|>b", ENGINE_TOKENIZE_ADD_SPECIAL, "0 8 6 5 7 1");
}
END_TEST

START_TEST (test_longest_marker_wins_where_markers_are_read)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  assert_ids (tokenizer, "a<|x|>b", ENGINE_TOKENIZE_PARSE_SPECIAL, "0 9 1");
  assert_ids (tokenizer, "<|x|>yab", ENGINE_TOKENIZE_PARSE_SPECIAL, "10 3");
  assert_ids (tokenizer, "<|x|<|x|>", ENGINE_TOKENIZE_PARSE_SPECIAL, "8 6 5 9");
}
END_TEST

START_TEST (test_user_defined_white_space_is_read_in_any_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  assert_ids (tokenizer, "a  b", ENGINE_TOKENIZE_PLAIN, "0 11 1");
  assert_ids (tokenizer, "a   a", ENGINE_TOKENIZE_PLAIN, "0 11 14");
  ck_assert (!engine_tokenizer_is_special (tokenizer, 11));
}
END_TEST

/* A merge of letters that makes a marker would be a way in. */
START_TEST (test_merges_never_make_a_marker)
{
  static const char *const tokens[] = { "<", "s", ">", "<s", "<s>" };
  static const char *const merges[] = { "< s", "<s >" };
  const gint32 types[] = { 1, 1, 1, 1, 3 };
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, 5, types);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "gpt-2");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", merges, 2);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  assert_ids (tokenizer, "<s>", ENGINE_TOKENIZE_PLAIN, "0 1 2");
  assert_ids (tokenizer, "<s>", ENGINE_TOKENIZE_PARSE_SPECIAL, "4");
}
END_TEST

START_TEST (test_markers_are_known_as_such)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  ck_assert (engine_tokenizer_is_special (tokenizer, 9));
  ck_assert (engine_tokenizer_is_special (tokenizer, 10));
  ck_assert (!engine_tokenizer_is_special (tokenizer, 0));
  ck_assert (!engine_tokenizer_is_special (tokenizer, -1));
  ck_assert (!engine_tokenizer_is_special (tokenizer, 15));
  ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, "<|x|>"), 9);
  ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, "<|x|>y"), 10);
  ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, "<|x"), -1);
  ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, "a"), -1);
  ck_assert_int_eq (engine_tokenizer_find_special (tokenizer, ""), -1);
}
END_TEST

START_TEST (test_answers_end_at_eos_and_at_well_known_markers)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters_ending_in (9));
  ck_assert (engine_tokenizer_is_end (tokenizer, 9));
  ck_assert (engine_tokenizer_is_end (tokenizer, 12));
  ck_assert (!engine_tokenizer_is_end (tokenizer, 10));
  ck_assert (!engine_tokenizer_is_end (tokenizer, 0));
}
END_TEST

/* Qwen's merges make "</s>", and Gemma has it among its HTML. */
START_TEST (test_html_that_looks_like_an_end_is_text)
{
  static const char *const tokens[] = { "<", "/", "s", ">", "</s>", "</", "</s" };
  static const char *const merges[] = { "< /", "</ s", "</s >" };
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, 7, NULL);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "gpt-4o");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", merges, 3);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  ck_assert (!engine_tokenizer_is_end (tokenizer, 4));
  ck_assert (!engine_tokenizer_is_special (tokenizer, 4));
}
END_TEST

/* ---- Opening and closing -----------------------------------------------------------------------
 */

START_TEST (test_file_says_what_opens_and_closes_a_text)
{
  EngineGgufWriter *writer = begin_letters_ending_in (12);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", 9);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_bos_token", TRUE);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_eos_token", TRUE);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_ADD_SPECIAL, "9 3 12");
  assert_ids (tokenizer, "", ENGINE_TOKENIZE_ADD_SPECIAL, "9 12");
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_PLAIN, "3");
  ck_assert (engine_tokenizer_adds_bos (tokenizer));
}
END_TEST

START_TEST (test_family_decides_where_the_file_is_silent)
{
  static const char *const PRES[] = { "llama-bpe", "tekken", "modern-bert", "qwen2" };
  static const char *const EXPECTED[] = { "9 0", "9 0", "9 0 12", "0" };
  for (gsize i = 0; i < G_N_ELEMENTS (PRES); i++)
    {
      EngineGgufWriter *writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
      engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", PRES[i]);
      engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", MERGES, 3);
      engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", 9);
      engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", 12);
      g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
      assert_ids (tokenizer, "a", ENGINE_TOKENIZE_ADD_SPECIAL, EXPECTED[i]);
    }
}
END_TEST

START_TEST (test_kind_names_model_and_splitter)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  ck_assert_str_eq (engine_tokenizer_kind (tokenizer), "gpt2/gpt-2");
  ck_assert_uint_eq (engine_tokenizer_n_vocab (tokenizer), G_N_ELEMENTS (TOKENS));
  ck_assert_int_eq (engine_tokenizer_bos (tokenizer), -1);
}
END_TEST

START_TEST (test_missing_splitter_is_that_of_the_architecture)
{
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", MERGES, 3);
  engine_gguf_writer_set_string (writer, "general.architecture", "qwen3");
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  ck_assert_str_eq (engine_tokenizer_kind (tokenizer), "gpt2/qwen2 (assumed)");
}
END_TEST

/* ---- Text --------------------------------------------------------------------------------------
 */

START_TEST (test_invalid_utf8_is_refused_and_appends_nothing)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GError) error = NULL;
  g_array_append_val (tokens, (gint32){ 7 });
  ck_assert (!engine_tokenizer_encode (tokenizer, "ab\xff", -1, 0, tokens, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  ck_assert_ptr_nonnull (strstr (error->message, "byte 2"));
  ck_assert_uint_eq (tokens->len, 1);
}
END_TEST

START_TEST (test_length_ends_the_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  ck_assert (engine_tokenizer_encode (tokenizer, "abab", 2, 0, tokens, NULL));
  ck_assert_uint_eq (tokens->len, 1);
  ck_assert (engine_tokenizer_encode (tokenizer, "abab", 0, 0, tokens, NULL));
  ck_assert_uint_eq (tokens->len, 1);
}
END_TEST

START_TEST (test_ordinary_tokens_print_and_markers_do_not)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  g_autoptr (GString) bytes = g_string_new (NULL);
  const gint32 ids[] = { 14, 3, 9, 11, 12, 10, -1, 99 };
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    engine_tokenizer_decode (tokenizer, ids[i], bytes);
  ck_assert_str_eq (bytes->str, " aab  <|x|>y");
}
END_TEST

START_TEST (test_counting_repairs_what_tokenizing_refuses)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  const EngineModel model = { .tokenizer = tokenizer };
  ck_assert_uint_eq (engine_count_tokens (&model, "ab a", -1), 2);
  ck_assert_uint_eq (engine_count_tokens (&model, "ab a", 2), 1);
  ck_assert_uint_eq (engine_count_tokens (&model, "<|x|>", -1), 4);
  ck_assert_uint_eq (engine_count_tokens (&model,
                                          "a\xff"
                                          "b",
                                          -1),
                     2);
  ck_assert_uint_eq (engine_count_tokens (&model, "", 0), 0);
}
END_TEST

START_TEST (test_text_comes_back_and_half_characters_are_marked)
{
  static const char *const tokens[] = { "a", "Ã", "©", "Ġ", "<s>" };
  const gint32 types[] = { 1, 1, 1, 1, 3 };
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, 5, types);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", tokens, 0);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  const EngineModel model = { .tokenizer = tokenizer };
  const gint32 whole[] = { 3, 0, 4, 1, 2 }, half[] = { 0, 1 };
  g_autofree char *text = engine_detokenize (&model, whole, 5);
  g_autofree char *broken = engine_detokenize (&model, half, 2);
  ck_assert_str_eq (text, " aé");
  ck_assert_str_eq (broken, "a\uFFFD");
}
END_TEST

/* ---- Refusals ----------------------------------------------------------------------------------
 */

static void assert_refused (EngineGgufWriter *writer, EngineError code, const char *about)
{
  g_autoptr (GError) error = NULL;
  EngineTokenizer *tokenizer = open_vocabulary (writer, &error);
  ck_assert_ptr_null (tokenizer);
  ck_assert (g_error_matches (error, ENGINE_ERROR, code));
  ck_assert_msg (strstr (error->message, about) != NULL, "%s", error->message);
}

START_TEST (test_unknown_kinds_are_refused_by_name)
{
  EngineGgufWriter *writer = begin_vocabulary ("rwkv", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  assert_refused (writer, ENGINE_ERROR_UNSUPPORTED, "“rwkv”");
  writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "gpt-17");
  assert_refused (writer, ENGINE_ERROR_UNSUPPORTED, "“gpt-17”");
}
END_TEST

START_TEST (test_special_ids_outside_of_the_vocabulary_are_refused)
{
  static const char *const KEYS[] = { "bos", "eos", "unknown", "cls", "seperator", "eot", "eom" };
  for (gsize i = 0; i < G_N_ELEMENTS (KEYS); i++)
    {
      g_autofree char *key = g_strdup_printf ("tokenizer.ggml.%s_token_id", KEYS[i]);
      EngineGgufWriter *writer = begin_letters ();
      engine_gguf_writer_set_uint (writer, key, i % 2 ? G_N_ELEMENTS (TOKENS) : G_MAXUINT32);
      assert_refused (writer, ENGINE_ERROR_FILE, key);
    }
}
END_TEST

START_TEST (test_arrays_of_another_length_are_refused)
{
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), NULL);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32, TYPES,
                                  G_N_ELEMENTS (TYPES) - 1);
  assert_refused (writer, ENGINE_ERROR_FILE, "tokenizer.ggml.token_type");
  const float scores[] = { 0, 0 };
  writer = begin_vocabulary ("llama", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores, 2);
  assert_refused (writer, ENGINE_ERROR_FILE, "tokenizer.ggml.scores");
}
END_TEST

START_TEST (test_types_that_do_not_exist_are_refused)
{
  const gint32 types[] = { 1, 7 }, negative[] = { -1, 1 };
  assert_refused (begin_vocabulary ("gpt2", TOKENS, 2, types), ENGINE_ERROR_FILE, "token 1");
  assert_refused (begin_vocabulary ("gpt2", TOKENS, 2, negative), ENGINE_ERROR_FILE, "token 0");
}
END_TEST

START_TEST (test_missing_tokens_and_merges_are_refused)
{
  EngineGgufWriter *writer = engine_gguf_writer_new ();
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "bert");
  assert_refused (writer, ENGINE_ERROR_FILE, "tokenizer.ggml.tokens");
  assert_refused (begin_vocabulary ("gpt2", TOKENS, 2, NULL), ENGINE_ERROR_FILE,
                  "tokenizer.ggml.merges");
}
END_TEST

START_TEST (test_merges_of_strangers_are_refused)
{
  static const char *const BAD[] = { "a z", "z a", "b a", "ab", "a ", " b", "", "a  b", "中 a" };
  for (gsize i = 0; i < G_N_ELEMENTS (BAD); i++)
    {
      EngineGgufWriter *writer = begin_vocabulary ("gpt2", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
      engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", &BAD[i], 1);
      assert_refused (writer, ENGINE_ERROR_FILE, "merge 0");
    }
}
END_TEST

START_TEST (test_asking_for_an_unnamed_bos_is_refused)
{
  EngineGgufWriter *writer = begin_letters ();
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_bos_token", TRUE);
  assert_refused (writer, ENGINE_ERROR_FILE, "beginning");
  writer = begin_letters ();
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_eos_token", TRUE);
  assert_refused (writer, ENGINE_ERROR_FILE, "end");
}
END_TEST

START_TEST (test_of_equal_tokens_the_later_counts)
{
  static const char *const tokens[] = { "a", "a", "b" };
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, 3, NULL);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "gpt-2");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", MERGES, 0);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_PLAIN, "1 2");
}
END_TEST

/* ---- Threads -----------------------------------------------------------------------------------
 */

static gpointer tokenize_often (gpointer data)
{
  const EngineTokenizer *tokenizer = data;
  gsize n_wrong = 0;
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *ids = ids_of (tokenizer, "ab <|x|>  ab a", ENGINE_TOKENIZE_PARSE_SPECIAL);
      n_wrong += strcmp (ids, "3 2 9 11 3 14") != 0;
    }
  return GSIZE_TO_POINTER (n_wrong);
}

START_TEST (test_threads_may_share_a_tokenizer)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_letters ());
  GThread *threads[4];
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("tokenize", tokenize_often, tokenizer);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    ck_assert_uint_eq (GPOINTER_TO_SIZE (g_thread_join (threads[i])), 0);
}
END_TEST

int main (void)
{
  const TTest *tests[] = {
    test_markers_in_document_text_stay_text,
    test_longest_marker_wins_where_markers_are_read,
    test_user_defined_white_space_is_read_in_any_text,
    test_merges_never_make_a_marker,
    test_markers_are_known_as_such,
    test_answers_end_at_eos_and_at_well_known_markers,
    test_html_that_looks_like_an_end_is_text,
    test_file_says_what_opens_and_closes_a_text,
    test_family_decides_where_the_file_is_silent,
    test_kind_names_model_and_splitter,
    test_missing_splitter_is_that_of_the_architecture,
    test_invalid_utf8_is_refused_and_appends_nothing,
    test_length_ends_the_text,
    test_ordinary_tokens_print_and_markers_do_not,
    test_counting_repairs_what_tokenizing_refuses,
    test_text_comes_back_and_half_characters_are_marked,
    test_unknown_kinds_are_refused_by_name,
    test_special_ids_outside_of_the_vocabulary_are_refused,
    test_arrays_of_another_length_are_refused,
    test_types_that_do_not_exist_are_refused,
    test_missing_tokens_and_merges_are_refused,
    test_merges_of_strangers_are_refused,
    test_asking_for_an_unnamed_bos_is_refused,
    test_of_equal_tokens_the_later_counts,
    test_threads_may_share_a_tokenizer,
  };
  return run_tests ("tokenizer", tests, G_N_ELEMENTS (tests));
}

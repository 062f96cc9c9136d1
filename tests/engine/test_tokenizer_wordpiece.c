/* WordPiece: words made plain as uncased BERT does it, then covered greedily. */
#include "tokenizer-fixture.h"

static const char *const TOKENS[]
    = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "aff", "able", "▁a",  "a",  "▁,", "▁=", "▁中",
        "▁cafe", "▁[",    "▁]",    "▁cls",  "▁ß",  "▁σ",  "σ",    "▁un", "▁i", "▁x", "x" };
static const gint32 TYPES[]
    = { 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static EngineGgufWriter *begin_pieces (void)
{
  EngineGgufWriter *writer = begin_vocabulary ("bert", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "default");
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 1);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.cls_token_id", 2);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.seperator_token_id", 3);
  return writer;
}

START_TEST (test_longest_pieces_cover_a_word)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "unaffable a", ENGINE_TOKENIZE_PLAIN, "19 5 6 7");
  assert_ids (tokenizer, "xxx", ENGINE_TOKENIZE_PLAIN, "21 22 22");
}
END_TEST

START_TEST (test_one_miss_makes_the_whole_word_unknown)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "a unaffq a", ENGINE_TOKENIZE_PLAIN, "7 1 7");
  assert_ids (tokenizer, "able", ENGINE_TOKENIZE_PLAIN, "1");
}
END_TEST

START_TEST (test_accents_and_capitals_are_dropped)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "Café CAFE\u0301 ÀÁÂ", ENGINE_TOKENIZE_PLAIN, "12 12 7 8 8");
  assert_ids (tokenizer, "ẞ Σ ΣΣ İ", ENGINE_TOKENIZE_PLAIN, "16 17 17 18 20");
}
END_TEST

START_TEST (test_punctuation_and_chinese_stand_alone)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "a,a中a", ENGINE_TOKENIZE_PLAIN, "7 9 7 11 7");
  assert_ids (tokenizer, "中中", ENGINE_TOKENIZE_PLAIN, "11 11");
  /* ≠ is = with a stroke through it, and = is punctuation to BERT. */
  assert_ids (tokenizer, "a≠a", ENGINE_TOKENIZE_PLAIN, "7 10 7");
}
END_TEST

START_TEST (test_controls_vanish_and_odd_spaces_separate)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer,
              "c\x01"
              "a\u200bf\xc2\x85"
              "e\uFFFD",
              ENGINE_TOKENIZE_PLAIN, "12");
  assert_ids (tokenizer, "a\u00a0a\u2028a\ta\r\na\u3000", ENGINE_TOKENIZE_PLAIN, "7 7 7 7 7");
  assert_ids (tokenizer, " \u0301 \x02", ENGINE_TOKENIZE_PLAIN, "");
}
END_TEST

START_TEST (test_words_over_a_hundred_letters_are_unknown)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  g_autoptr (GString) word = g_string_new (NULL);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  while (word->len < 100)
    g_string_append_c (word, 'a');
  ck_assert (engine_tokenizer_encode (tokenizer, word->str, -1, 0, tokens, NULL));
  ck_assert_uint_eq (tokens->len, 100);
  g_string_append_c (word, 'a');
  assert_ids (tokenizer, word->str, ENGINE_TOKENIZE_PLAIN, "1");
  g_string_append (word, " a");
  assert_ids (tokenizer, word->str, ENGINE_TOKENIZE_PLAIN, "1 7");
}
END_TEST

START_TEST (test_markers_in_text_are_punctuation_and_words)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "[CLS]", ENGINE_TOKENIZE_PLAIN, "13 15 14");
  assert_ids (tokenizer, "[CLS]", ENGINE_TOKENIZE_PARSE_SPECIAL, "2");
}
END_TEST

START_TEST (test_cls_and_sep_enclose_a_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  assert_ids (tokenizer, "a", ENGINE_TOKENIZE_ADD_SPECIAL, "2 7 3");
  assert_ids (tokenizer, "", ENGINE_TOKENIZE_ADD_SPECIAL, "2 3");
  ck_assert_int_eq (engine_tokenizer_cls (tokenizer), 2);
  ck_assert_int_eq (engine_tokenizer_sep (tokenizer), 3);
}
END_TEST

START_TEST (test_markers_are_found_by_text_where_keys_are_missing)
{
  g_autoptr (EngineTokenizer) tokenizer
      = open_good_vocabulary (begin_vocabulary ("bert", TOKENS, G_N_ELEMENTS (TOKENS), TYPES));
  assert_ids (tokenizer, "a q", ENGINE_TOKENIZE_ADD_SPECIAL, "2 7 1 3");
}
END_TEST

START_TEST (test_a_vocabulary_without_unknown_is_refused)
{
  g_autoptr (GError) error = NULL;
  EngineTokenizer *tokenizer
      = open_vocabulary (begin_vocabulary ("bert", &TOKENS[4], 5, NULL), &error);
  ck_assert_ptr_null (tokenizer);
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

START_TEST (test_pieces_print_with_their_spaces)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  g_autoptr (GString) bytes = g_string_new (NULL);
  const gint32 ids[] = { 2, 4, 5, 6, 7, 1, 3 };
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    engine_tokenizer_decode (tokenizer, ids[i], bytes);
  ck_assert_str_eq (bytes->str, " unaffable a\uFFFD");
}
END_TEST

/* Sorting a long run of accents would take quadratic time. */
START_TEST (test_a_run_of_accents_takes_no_quadratic_time)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces ());
  g_autoptr (GString) text = g_string_new ("a");
  while (text->len < 2000000)
    g_string_append (text, "\u0301\u0323");
  gint64 start = g_get_monotonic_time ();
  assert_ids (tokenizer, text->str, ENGINE_TOKENIZE_PLAIN, "7");
  ck_assert_int_lt (g_get_monotonic_time () - start, 5 * G_USEC_PER_SEC);
}
END_TEST

int main (void)
{
  const TTest *tests[] = {
    test_longest_pieces_cover_a_word,
    test_one_miss_makes_the_whole_word_unknown,
    test_accents_and_capitals_are_dropped,
    test_punctuation_and_chinese_stand_alone,
    test_controls_vanish_and_odd_spaces_separate,
    test_words_over_a_hundred_letters_are_unknown,
    test_markers_in_text_are_punctuation_and_words,
    test_cls_and_sep_enclose_a_text,
    test_markers_are_found_by_text_where_keys_are_missing,
    test_a_vocabulary_without_unknown_is_refused,
    test_pieces_print_with_their_spaces,
    test_a_run_of_accents_takes_no_quadratic_time,
  };
  return run_tests ("tokenizer-wordpiece", tests, G_N_ELEMENTS (tests));
}

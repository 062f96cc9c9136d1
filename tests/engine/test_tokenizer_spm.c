/* SentencePiece's byte-pair encoding: scores decide, spaces are letters, bytes stand in. */
#include <math.h>

#include "tokenizer-fixture.h"

#include "engine/model-private.h"

/* 0 unknown, 1 and 2 open and close; then pieces with their scores; bytes are added behind. */
static const struct
{
  const char *text;
  gint32 type;
  float score;
} PIECES[] = {
  { "<unk>", 2, 0 },  { "<s>", 3, 0 },  { "</s>", 3, 0 }, { "▁", 1, -9 },   { "a", 1, -10 },
  { "b", 1, -11 },    { "ab", 1, -1 },  { "▁a", 1, -2 },  { "▁ab", 1, -3 }, { "ba", 1, -0.5f },
  { "▁▁", 1, -1e9f }, { "\n\n", 4, 0 }, { "<b>", 4, 0 },  { "é", 1, -12 },
};
#define FIRST_BYTE ((gint32)G_N_ELEMENTS (PIECES))

static EngineGgufWriter *begin_pieces (gboolean with_bytes)
{
  gsize n = G_N_ELEMENTS (PIECES) + (with_bytes ? 256 : 0);
  g_autofree const char **tokens = g_new (const char *, n);
  g_autofree gint32 *types = g_new (gint32, n);
  g_autofree float *scores = g_new0 (float, n);
  char bytes[256][8];
  for (gsize i = 0; i < n; i++)
    if (i < G_N_ELEMENTS (PIECES))
      {
        tokens[i] = PIECES[i].text;
        types[i] = PIECES[i].type;
        scores[i] = PIECES[i].score;
      }
    else
      {
        g_snprintf (bytes[i - FIRST_BYTE], 8, "<0x%02X>", (guint)i - FIRST_BYTE);
        tokens[i] = bytes[i - FIRST_BYTE];
        types[i] = 6;
      }
  EngineGgufWriter *writer = begin_vocabulary ("llama", tokens, n, types);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores, n);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 0);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", 1);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", 2);
  return writer;
}

static EngineTokenizer *open_without_prefix (gboolean with_bytes)
{
  EngineGgufWriter *writer = begin_pieces (with_bytes);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_space_prefix", FALSE);
  return open_good_vocabulary (writer);
}

START_TEST (test_highest_score_is_joined_first)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_PLAIN, "6");
  assert_ids (tokenizer, "aba", ENGINE_TOKENIZE_PLAIN, "4 9");
  assert_ids (tokenizer, " ab", ENGINE_TOKENIZE_PLAIN, "8");
}
END_TEST

START_TEST (test_a_space_goes_before_text_and_after_markers)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces (TRUE));
  assert_ids (tokenizer, "ab ab", ENGINE_TOKENIZE_PLAIN, "8 8");
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_ADD_SPECIAL, "1 8");
  assert_ids (tokenizer, "ab</s>ab", ENGINE_TOKENIZE_PARSE_SPECIAL, "8 2 8");
  assert_ids (tokenizer, "", ENGINE_TOKENIZE_PLAIN, "");
}
END_TEST

START_TEST (test_the_space_symbol_in_text_is_a_space)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  assert_ids (tokenizer, "▁ab", ENGINE_TOKENIZE_PLAIN, "8");
  assert_ids (tokenizer, "  ", ENGINE_TOKENIZE_PLAIN, "10");
}
END_TEST

START_TEST (test_unknown_characters_become_bytes)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  g_autofree char *expected
      = g_strdup_printf ("4 %d %d 13 %d", FIRST_BYTE + 0xC3, FIRST_BYTE + 0xA8, FIRST_BYTE + 'z');
  assert_ids (tokenizer, "aèéz", ENGINE_TOKENIZE_PLAIN, expected);
}
END_TEST

START_TEST (test_without_bytes_a_run_is_one_unknown)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (FALSE);
  assert_ids (tokenizer, "aèzb", ENGINE_TOKENIZE_PLAIN, "4 0 5");
  assert_ids (tokenizer, "zz", ENGINE_TOKENIZE_PLAIN, "0");
  ck_assert (!engine_tokenizer_is_special (tokenizer, 0));
}
END_TEST

START_TEST (test_byte_tokens_written_out_stay_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  g_autofree char *ids = ids_of (tokenizer, "<0x41>", ENGINE_TOKENIZE_PLAIN);
  g_auto (GStrv) parts = g_strsplit (ids, " ", -1);
  ck_assert_uint_eq (g_strv_length (parts), 6);
}
END_TEST

START_TEST (test_only_white_user_tokens_are_read_in_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  assert_ids (tokenizer, "a\n\nb", ENGINE_TOKENIZE_PLAIN, "4 11 5");
  g_autofree char *expected = g_strdup_printf ("%d 5 %d", FIRST_BYTE + '<', FIRST_BYTE + '>');
  assert_ids (tokenizer, "<b>", ENGINE_TOKENIZE_PLAIN, expected);
  assert_ids (tokenizer, "<b>", ENGINE_TOKENIZE_PARSE_SPECIAL, "12");
}
END_TEST

START_TEST (test_text_comes_back_byte_by_byte)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  const char *text = "ab è\n\n ▁ab中\t<b>";
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GString) bytes = g_string_new (NULL);
  ck_assert (engine_tokenizer_encode (tokenizer, text, -1, 0, tokens, NULL));
  for (guint i = 0; i < tokens->len; i++)
    engine_tokenizer_decode (tokenizer, g_array_index (tokens, gint32, i), bytes);
  ck_assert_str_eq (bytes->str, "ab è\n\n  ab中\t<b>");
}
END_TEST

/* The space that tokenizing puts in front is not part of the text, nor is one after a marker. */
START_TEST (test_detokenizing_takes_the_added_spaces_away)
{
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (begin_pieces (TRUE));
  const EngineModel model = { .tokenizer = tokenizer };
  static const char *const TEXTS[] = { "ab ab", " ab", "", " ", "a</s>b", "中 a" };
  static const char *const BACK[] = { "ab ab", " ab", "", " ", "ab", "中 a" };
  for (gsize i = 0; i < G_N_ELEMENTS (TEXTS); i++)
    {
      g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
      ck_assert (
          engine_tokenize (&model, TEXTS[i], -1, ENGINE_TOKENIZE_PARSE_SPECIAL, tokens, NULL));
      g_autofree char *text = engine_detokenize (&model, (const gint32 *)tokens->data, tokens->len);
      ck_assert_str_eq (text, BACK[i]);
    }
}
END_TEST

START_TEST (test_phi3_markers_swallow_white_space)
{
  EngineGgufWriter *writer = begin_pieces (TRUE);
  engine_gguf_writer_set_string (writer, "general.architecture", "phi3");
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  assert_ids (tokenizer, "</s> \n\v ab", ENGINE_TOKENIZE_PARSE_SPECIAL, "2 8");
  assert_ids (tokenizer, "<s> ab", ENGINE_TOKENIZE_PARSE_SPECIAL, "1 3 8");
}
END_TEST

START_TEST (test_a_byte_that_is_none_is_refused)
{
  static const char *const BAD[]
      = { "<0x-1>", "<0x1>", "<0x100>", "<0xGG>", "<0x 1>", "0x41", "<0X41>", "", "<0x41>>" };
  for (gsize i = 0; i < G_N_ELEMENTS (BAD); i++)
    {
      const char *tokens[] = { "a", BAD[i] };
      const gint32 types[] = { 1, 6 };
      const float scores[] = { 0, 0 };
      g_autoptr (GError) error = NULL;
      EngineGgufWriter *writer = begin_vocabulary ("llama", tokens, 2, types);
      engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                      2);
      ck_assert_ptr_null (open_vocabulary (writer, &error));
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
      ck_assert_ptr_nonnull (strstr (error->message, "token 1"));
    }
}
END_TEST

START_TEST (test_scores_that_are_no_numbers_are_refused)
{
  const float bad[] = { NAN, INFINITY, -INFINITY };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *tokens[] = { "a", "b" };
      const float scores[] = { 0, bad[i] };
      g_autoptr (GError) error = NULL;
      EngineGgufWriter *writer = begin_vocabulary ("llama", tokens, 2, NULL);
      engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                      2);
      ck_assert_ptr_null (open_vocabulary (writer, &error));
      ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
    }
}
END_TEST

/* 0 and -0 are the same score, and the left of two equal pairs goes first. */
START_TEST (test_zero_of_either_sign_is_one_score)
{
  const char *tokens[] = { "a", "b", "c", "ab", "bc" };
  for (int sign = -1; sign <= 1; sign += 2)
    {
      const float scores[] = { -9, -9, -9, sign * 0.0f, -sign * 0.0f };
      EngineGgufWriter *writer = begin_vocabulary ("llama", tokens, 5, NULL);
      engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                      5);
      engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_space_prefix", FALSE);
      g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
      assert_ids (tokenizer, "abc", ENGINE_TOKENIZE_PLAIN, "3 2");
    }
}
END_TEST

START_TEST (test_a_very_long_word_takes_no_quadratic_time)
{
  g_autoptr (EngineTokenizer) tokenizer = open_without_prefix (TRUE);
  g_autoptr (GString) word = g_string_new (NULL);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  while (word->len < 1000000)
    g_string_append (word, "ab");
  gint64 start = g_get_monotonic_time ();
  ck_assert (engine_tokenizer_encode (tokenizer, word->str, -1, 0, tokens, NULL));
  ck_assert_int_lt (g_get_monotonic_time () - start, 10 * G_USEC_PER_SEC);
  ck_assert_uint_eq (tokens->len, 500001);
}
END_TEST

int main (void)
{
  const TTest *tests[] = {
    test_highest_score_is_joined_first,
    test_a_space_goes_before_text_and_after_markers,
    test_the_space_symbol_in_text_is_a_space,
    test_unknown_characters_become_bytes,
    test_without_bytes_a_run_is_one_unknown,
    test_byte_tokens_written_out_stay_text,
    test_only_white_user_tokens_are_read_in_text,
    test_text_comes_back_byte_by_byte,
    test_detokenizing_takes_the_added_spaces_away,
    test_phi3_markers_swallow_white_space,
    test_a_byte_that_is_none_is_refused,
    test_scores_that_are_no_numbers_are_refused,
    test_zero_of_either_sign_is_one_score,
    test_a_very_long_word_takes_no_quadratic_time,
  };
  return run_tests ("tokenizer-spm", tests, G_N_ELEMENTS (tests));
}

/* Byte-pair encoding over bytes: the merges' order, the heap against the definition, and words
 * long enough to hurt. */
#include "tokenizer-fixture.h"

static EngineTokenizer *open_merges (const char *pre, const char *const *tokens, gsize n_tokens,
                                     const char *const *merges, gsize n_merges)
{
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, n_tokens, NULL);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", pre);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", merges, n_merges);
  return open_good_vocabulary (writer);
}

START_TEST (test_earlier_merges_go_first)
{
  static const char *const tokens[] = { "a", "b", "c", "ab", "bc" };
  static const char *const left[] = { "a b", "b c" }, *const right[] = { "b c", "a b" };
  g_autoptr (EngineTokenizer) one = open_merges ("gpt-2", tokens, 5, left, 2);
  g_autoptr (EngineTokenizer) two = open_merges ("gpt-2", tokens, 5, right, 2);
  assert_ids (one, "abc", ENGINE_TOKENIZE_PLAIN, "3 2");
  assert_ids (two, "abc", ENGINE_TOKENIZE_PLAIN, "0 4");
}
END_TEST

START_TEST (test_equal_merges_go_from_the_left)
{
  static const char *const tokens[] = { "a", "aa" };
  static const char *const merges[] = { "a a" };
  g_autoptr (EngineTokenizer) tokenizer = open_merges ("gpt-2", tokens, 2, merges, 1);
  assert_ids (tokenizer, "aaa", ENGINE_TOKENIZE_PLAIN, "1 0");
  assert_ids (tokenizer, "aaaaa", ENGINE_TOKENIZE_PLAIN, "1 1 0");
}
END_TEST

START_TEST (test_first_of_repeated_merges_counts)
{
  static const char *const tokens[] = { "a", "b", "c", "ab", "bc" };
  static const char *const merges[] = { "a b", "b c", "a b" };
  g_autoptr (EngineTokenizer) tokenizer = open_merges ("gpt-2", tokens, 5, merges, 3);
  assert_ids (tokenizer, "abc", ENGINE_TOKENIZE_PLAIN, "3 2");
}
END_TEST

/* Llama 3 and Mistral Nemo look a word up before they merge; the others only merge. */
START_TEST (test_whole_words_win_only_where_merges_are_ignored)
{
  static const char *const tokens[] = { "a", "b", "c", "ab", "abc" };
  static const char *const merges[] = { "a b" };
  g_autoptr (EngineTokenizer) llama = open_merges ("llama-bpe", tokens, 5, merges, 1);
  g_autoptr (EngineTokenizer) qwen = open_merges ("qwen2", tokens, 5, merges, 1);
  assert_ids (llama, "abc", ENGINE_TOKENIZE_PLAIN, "4");
  assert_ids (qwen, "abc", ENGINE_TOKENIZE_PLAIN, "3 2");
}
END_TEST

START_TEST (test_bytes_without_a_token_are_left_out)
{
  static const char *const tokens[] = { "a", "b" };
  static const char *const merges[] = { NULL };
  g_autoptr (EngineTokenizer) tokenizer = open_merges ("gpt-2", tokens, 2, merges, 0);
  assert_ids (tokenizer,
              "a\x04"
              "b",
              ENGINE_TOKENIZE_PLAIN, "0 1");
  assert_ids (tokenizer, "\x04", ENGINE_TOKENIZE_PLAIN, "");
  assert_ids (tokenizer, "é", ENGINE_TOKENIZE_PLAIN, "");
}
END_TEST

START_TEST (test_merges_stay_within_words)
{
  static const char *const tokens[] = { "a", "Ġ", "aĠ", "Ġa" };
  static const char *const merges[] = { "a Ġ", "Ġ a" };
  g_autoptr (EngineTokenizer) tokenizer = open_merges ("gpt-2", tokens, 4, merges, 2);
  assert_ids (tokenizer, "a a", ENGINE_TOKENIZE_PLAIN, "0 3");
}
END_TEST

/* ---- Against the definition --------------------------------------------------------------------
 */

#define N_LETTERS 4

typedef struct
{
  GPtrArray *tokens; /* letters, then what the merges make */
  GPtrArray *merges; /* "x y" */
  GArray *pairs;     /* of guint[3]: left, right, result */
} RandomVocabulary;

static guint find_or_add (GPtrArray *tokens, const char *text)
{
  for (guint i = 0; i < tokens->len; i++)
    if (strcmp (g_ptr_array_index (tokens, i), text) == 0)
      return i;
  g_ptr_array_add (tokens, g_strdup (text));
  return tokens->len - 1;
}

static void fill_randomly (RandomVocabulary *vocabulary, GRand *rand)
{
  for (char letter = 'a'; letter < 'a' + N_LETTERS; letter++)
    g_ptr_array_add (vocabulary->tokens, g_strdup ((char[]){ letter, '\0' }));
  for (guint i = 0; i < 40; i++)
    {
      guint pair[3] = { g_rand_int_range (rand, 0, vocabulary->tokens->len),
                        g_rand_int_range (rand, 0, vocabulary->tokens->len) };
      const char *left = g_ptr_array_index (vocabulary->tokens, pair[0]);
      const char *right = g_ptr_array_index (vocabulary->tokens, pair[1]);
      g_autofree char *joined = g_strconcat (left, right, NULL);
      if (strlen (joined) > 12)
        continue;
      g_ptr_array_add (vocabulary->merges, g_strconcat (left, " ", right, NULL));
      pair[2] = find_or_add (vocabulary->tokens, joined);
      g_array_append_val (vocabulary->pairs, pair);
    }
}

/* Joins the first pair of the best rank, again and again. */
static char *merge_plainly (const RandomVocabulary *vocabulary, const char *word)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint));
  for (; *word; word++)
    g_array_append_val (ids, (guint){ *word - 'a' });
  for (guint rank = 0; rank < vocabulary->pairs->len;)
    {
      const guint *pair = ((guint (*)[3]) (gpointer)vocabulary->pairs->data)[rank];
      guint i = 0;
      while (i + 1 < ids->len
             && (g_array_index (ids, guint, i) != pair[0]
                 || g_array_index (ids, guint, i + 1) != pair[1]))
        i++;
      if (i + 1 >= ids->len)
        {
          rank++;
          continue;
        }
      g_array_index (ids, guint, i) = pair[2];
      g_array_remove_index (ids, i + 1);
      rank = 0;
    }
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < ids->len; i++)
    g_string_append_printf (text, "%s%u", i ? " " : "", g_array_index (ids, guint, i));
  return g_string_free (text, FALSE);
}

START_TEST (test_heap_agrees_with_the_definition)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i + 1);
  RandomVocabulary vocabulary
      = { g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (g_free),
          g_array_new (FALSE, FALSE, sizeof (guint[3])) };
  fill_randomly (&vocabulary, rand);
  g_autoptr (EngineTokenizer) tokenizer
      = open_merges ("gpt-2", (const char *const *)vocabulary.tokens->pdata, vocabulary.tokens->len,
                     (const char *const *)vocabulary.merges->pdata, vocabulary.merges->len);
  for (guint n = 0; n < 200; n++)
    {
      char word[60] = "";
      for (gint i = 0, length = g_rand_int_range (rand, 1, sizeof word); i < length; i++)
        word[i] = 'a' + g_rand_int_range (rand, 0, N_LETTERS);
      g_autofree char *expected = merge_plainly (&vocabulary, word);
      assert_ids (tokenizer, word, ENGINE_TOKENIZE_PLAIN, expected);
    }
  g_ptr_array_unref (vocabulary.tokens);
  g_ptr_array_unref (vocabulary.merges);
  g_array_unref (vocabulary.pairs);
}
END_TEST

/* A quadratic merge would need minutes for a megabyte. */
START_TEST (test_a_very_long_word_takes_no_quadratic_time)
{
  static const char *const tokens[] = { "a", "b", "aa", "ab", "aaaa", "abab" };
  static const char *const merges[] = { "a a", "a b", "aa aa", "ab ab" };
  g_autoptr (EngineTokenizer) tokenizer = open_merges ("gpt-2", tokens, 6, merges, 4);
  g_autoptr (GString) word = g_string_new (NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));
  while (word->len < 1000000)
    g_string_append (word, word->len < 500000 ? "a" : "ab");
  gint64 start = g_get_monotonic_time ();
  ck_assert (engine_tokenizer_encode (tokenizer, word->str, word->len, 0, ids, NULL));
  ck_assert_int_lt (g_get_monotonic_time () - start, 10 * G_USEC_PER_SEC);
  ck_assert_uint_eq (ids->len, 250000);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("tokenizer-bpe");
  TCase *tcase = tcase_create ("tokenizer-bpe");
  tcase_set_timeout (tcase, 120);
  tcase_add_test (tcase, test_earlier_merges_go_first);
  tcase_add_test (tcase, test_equal_merges_go_from_the_left);
  tcase_add_test (tcase, test_first_of_repeated_merges_counts);
  tcase_add_test (tcase, test_whole_words_win_only_where_merges_are_ignored);
  tcase_add_test (tcase, test_bytes_without_a_token_are_left_out);
  tcase_add_test (tcase, test_merges_stay_within_words);
  tcase_add_loop_test (tcase, test_heap_agrees_with_the_definition, 0, 20);
  tcase_add_test (tcase, test_a_very_long_word_takes_no_quadratic_time);
  suite_add_tcase (suite, tcase);
  return run_suite (suite);
}

/* Words: what counts as the same word, number or name. */
#include <check.h>
#include <string.h>

#include "rag/text-private.h"

/* "a b c": the forms of TEXT without stop words. */
static char *forms (const char *text, RagLanguage language)
{
  g_autoptr (GArray) words = rag_words (text, -1, language);
  GString *joined = g_string_new (NULL);
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind != RAG_WORD_STOP)
        g_string_append_printf (joined, "%s%s", joined->len > 0 ? " " : "", word->form);
    }
  return g_string_free (joined, FALSE);
}

static void check_same (const char *a, const char *b, RagLanguage language)
{
  g_autofree char *x = forms (a, language), *y = forms (b, language);
  ck_assert_str_eq (x, y);
}

static void check_forms (const char *text, const char *expected)
{
  g_autofree char *found = forms (text, RAG_LANGUAGE_EN);
  ck_assert_str_eq (found, expected);
}

START_TEST (test_inflections_have_one_form)
{
  check_same ("The nurses signed", "a nurse signs", RAG_LANGUAGE_EN);
  check_same ("die Nachtschichten", "der Nachtschicht", RAG_LANGUAGE_DE);
}
END_TEST

START_TEST (test_accents_and_case_do_not_count)
{
  check_same ("Café MÜNCHEN", "cafe munchen", RAG_LANGUAGE_FR);
}
END_TEST

START_TEST (test_thousands_are_the_same_in_every_spelling)
{
  check_forms ("1,000", "#1000");
  check_forms ("1.000", "#1000");
  check_forms ("1000", "#1000");
  check_forms ("one thousand", "#1000");
  check_forms ("one of a thousand", "thousand");
  check_forms ("two thousand", "#2000");
  check_forms ("1,612,500", "#1612500");
}
END_TEST

START_TEST (test_decimals_are_the_same_with_point_and_comma)
{
  check_forms ("7.1", "#7.1");
  check_forms ("7,10", "#7.1");
  check_forms ("1,234.50", "#1234.5");
  check_forms ("1.234,50", "#1234.5");
}
END_TEST

START_TEST (test_percent_sign_and_word_are_the_same)
{
  check_same ("5 %", "5 percent", RAG_LANGUAGE_EN);
  check_same ("5%", "five percent", RAG_LANGUAGE_EN);
  check_same ("5 %", "5 Prozent", RAG_LANGUAGE_DE);
}
END_TEST

START_TEST (test_number_words_and_scales_are_multiplied_out)
{
  check_forms ("twenty-one", "#21");
  check_forms ("twice", "#2");
  check_forms ("zweimal", "#2");
  check_forms ("5 million", "#5000000");
  check_forms ("2.5 billion", "#2500000000");
  check_same ("fünf Jahre", "5 Jahre", RAG_LANGUAGE_DE);
}
END_TEST

START_TEST (test_dates_are_the_same_in_every_spelling)
{
  check_forms ("3 March 2021", "#3 #3 #2021");
  check_forms ("03.03.2021", "#3 #3 #2021");
}
END_TEST

START_TEST (test_month_without_a_number_stays_a_word)
{
  check_forms ("They march home", "march home");
}
END_TEST

START_TEST (test_times_stay_whole)
{
  check_forms ("at 06:00 and 21:30", "#6:00 #21:30");
}
END_TEST

START_TEST (test_long_digit_strings_are_not_rounded)
{
  check_forms ("12345678901234567890", "#12345678901234567890");
}
END_TEST

static RagWordKind kind_of (const char *text, guint i)
{
  g_autoptr (GArray) words = rag_words (text, -1, RAG_LANGUAGE_EN);
  ck_assert_uint_lt (i, words->len);
  return g_array_index (words, RagWord, i).kind;
}

START_TEST (test_names_are_capitals_within_a_sentence_and_identifiers)
{
  ck_assert_int_eq (kind_of ("the nurse Anna", 2), RAG_WORD_NAME);
  ck_assert_int_eq (kind_of ("Nurses work", 0), RAG_WORD_PLAIN);
  ck_assert_int_eq (kind_of ("It ends. Nurses rest", 2), RAG_WORD_PLAIN);
  ck_assert_int_eq (kind_of ("ISO applies", 0), RAG_WORD_NAME);
  ck_assert_int_eq (kind_of ("room B12", 1), RAG_WORD_NAME);
  ck_assert_int_eq (kind_of ("9 beds", 0), RAG_WORD_NUMBER);
}
END_TEST

START_TEST (test_odd_bytes_end_without_harm)
{
  static const char *const odd[] = { "",    ".",       "'",         "1,",   "1,,2",          "1:",
                                     ":1",  "1.2.3.4", "$%€",       "'s",   "\xe2\x80\x99s", "0",
                                     "000", "…",       "1'000'000", "12th", "3 of May May" };
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (GArray) words = rag_words (odd[i], -1, RAG_LANGUAGE_EN);
      for (guint k = 0; k < words->len; k++)
        {
          const RagWord *word = &g_array_index (words, RagWord, k);
          ck_assert_uint_le (word->start, word->end);
          ck_assert_uint_le (word->end, strlen (odd[i]));
          ck_assert_ptr_nonnull (word->form);
        }
    }
}
END_TEST

START_TEST (test_language_is_told_by_stop_words)
{
  ck_assert_int_eq (rag_detect_language ("How long is the break?"), RAG_LANGUAGE_EN);
  ck_assert_int_eq (rag_detect_language ("Wie lange ist die Pause?"), RAG_LANGUAGE_DE);
  ck_assert_int_eq (rag_detect_language ("Quelle est la durée de la pause ?"), RAG_LANGUAGE_FR);
  ck_assert_int_eq (rag_detect_language ("¿Cuánto dura la pausa de los médicos?"), RAG_LANGUAGE_ES);
  ck_assert_int_eq (rag_detect_language ("Quanto dura la pausa degli infermieri?"),
                    RAG_LANGUAGE_IT);
  ck_assert_int_eq (rag_detect_language ("CPM2-014-B"), RAG_LANGUAGE_EN);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("words");
  TCase *tests = tcase_create ("all");
  tcase_add_test (tests, test_inflections_have_one_form);
  tcase_add_test (tests, test_accents_and_case_do_not_count);
  tcase_add_test (tests, test_thousands_are_the_same_in_every_spelling);
  tcase_add_test (tests, test_decimals_are_the_same_with_point_and_comma);
  tcase_add_test (tests, test_percent_sign_and_word_are_the_same);
  tcase_add_test (tests, test_number_words_and_scales_are_multiplied_out);
  tcase_add_test (tests, test_dates_are_the_same_in_every_spelling);
  tcase_add_test (tests, test_month_without_a_number_stays_a_word);
  tcase_add_test (tests, test_times_stay_whole);
  tcase_add_test (tests, test_long_digit_strings_are_not_rounded);
  tcase_add_test (tests, test_names_are_capitals_within_a_sentence_and_identifiers);
  tcase_add_test (tests, test_odd_bytes_end_without_harm);
  tcase_add_test (tests, test_language_is_told_by_stop_words);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

/* Words: where they begin, what they become. */
#include "index/analyze-private.h"

#include "support.h"

static gboolean append_token (const IndexToken *token, gpointer data)
{
  GString *terms = data;

  if (terms->len > 0)
    g_string_append_c (terms, ' ');
  if (token->kind == INDEX_TOKEN_WHOLE)
    g_string_append_c (terms, '=');
  if (token->kind == INDEX_TOKEN_VARIANT)
    g_string_append_c (terms, '~');
  g_string_append (terms, token->term);
  return TRUE;
}

/* The terms of TEXT, separated by spaces; "=" before the whole of a compound, "~" before a
 * variant. */
static char *terms_of (const char *language, const char *text)
{
  IndexAnalyzer *analyzer = index_analyzer_new ();
  GString *terms = g_string_new (NULL);

  ck_assert (index_analyze (analyzer, language, text, -1, append_token, terms));
  index_analyzer_free (analyzer);
  return g_string_free (terms, FALSE);
}

static void assert_terms (const char *language, const char *text, const char *expected)
{
  g_autofree char *terms = terms_of (language, text);

  ck_assert_str_eq (terms, expected);
}

START_TEST (test_english_words_are_folded_and_stemmed)
{
  assert_terms ("en", "The Infections, infected; INFECTION!", "the infect infect infect");
  assert_terms (NULL, "running", "run");
  assert_terms ("", "running", "run");
}
END_TEST

START_TEST (test_languages_have_their_own_stems)
{
  assert_terms ("de", "Häuser Haus", "haus haus");
  assert_terms ("fr", "continuellement", "continuel");
  assert_terms ("xx", "running", "running");
}
END_TEST

START_TEST (test_accents_do_not_matter)
{
  assert_terms ("en", "café cafe naïve", "cafe cafe naiv");
  assert_terms ("es", "habitación", "habit ~habitacion");
  assert_terms ("de", "Straße", "strass");
  assert_terms ("xx", "Łódź æther Øre", "lodz aether ore");
}
END_TEST

START_TEST (test_width_and_ligatures_do_not_matter)
{
  assert_terms ("xx", "ﬁnding ＡＢＣ", "finding abc");
}
END_TEST

START_TEST (test_joined_words_are_found_whole_and_in_parts)
{
  assert_terms ("en", "IL-6", "il =il6 6");
  assert_terms ("en", "TCP/IP", "tcp =tcpip ip");
  assert_terms ("en", "snake_case_name", "snake =snakecasenam case name");
  assert_terms ("en", "a@b.org", "a =aborg b org");
}
END_TEST

START_TEST (test_numbers_keep_their_signs)
{
  assert_terms ("en", "3.14", "3 =3.14 14");
  assert_terms ("en", "1,000", "1 =1,000 000");
  assert_terms ("en", "2020-01-03", "2020 =2020-01-03 01 03");
  assert_terms ("en", "mTORC1", "mtorc1");
}
END_TEST

START_TEST (test_sentence_ends_do_not_join)
{
  assert_terms ("en", "end. Next, word - dash -5", "end next word dash 5");
  assert_terms ("en", "patient's", "patient s");
}
END_TEST

START_TEST (test_chinese_is_cut_into_words)
{
  g_autofree char *terms = terms_of ("zh", "北京大学的学生 docent");

  ck_assert_ptr_nonnull (strstr (terms, "北京"));
  ck_assert_ptr_nonnull (strstr (terms, "学生"));
  ck_assert (g_str_has_suffix (terms, " docent"));
}
END_TEST

START_TEST (test_thai_is_cut_into_words)
{
  g_autofree char *terms = terms_of ("th", "ภาษาไทย");

  ck_assert_str_eq (terms, "ภาษา ไทย");
}
END_TEST

START_TEST (test_indic_vowel_signs_stay)
{
  assert_terms ("xx", "हिन्दी", "हिन्दी");
}
END_TEST

START_TEST (test_broken_utf8_separates_words)
{
  assert_terms ("en", "lion\xff\xfetiger\xc3", "lion tiger");
}
END_TEST

START_TEST (test_endless_words_are_cut)
{
  g_autofree char *text = g_strnfill (100000, 'z');

  g_autofree char *terms = terms_of ("en", text);

  ck_assert_uint_eq (strlen (terms), 96);
}
END_TEST

START_TEST (test_endless_compounds_end)
{
  GString *text = g_string_new ("a1");
  for (guint i = 0; i < 1000; i++)
    g_string_append (text, "-a1");

  g_autofree char *terms = terms_of ("en", text->str);

  ck_assert (g_str_has_prefix (terms, "a1 =a1a1a1a1a1a1a1a1 a1 "));
  g_string_free (text, TRUE);
}
END_TEST

START_TEST (test_stop_words_by_language)
{
  ck_assert (index_is_stopword ("en", "the"));
  ck_assert (index_is_stopword (NULL, "the"));
  ck_assert (!index_is_stopword ("en", "lion"));
  ck_assert (index_is_stopword ("de", "die"));
  ck_assert (!index_is_stopword ("en", "die"));
  ck_assert (!index_is_stopword ("xx", "the"));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("analyze");
  TCase *tests = tcase_create ("analyze");

  tcase_add_test (tests, test_english_words_are_folded_and_stemmed);
  tcase_add_test (tests, test_languages_have_their_own_stems);
  tcase_add_test (tests, test_accents_do_not_matter);
  tcase_add_test (tests, test_width_and_ligatures_do_not_matter);
  tcase_add_test (tests, test_joined_words_are_found_whole_and_in_parts);
  tcase_add_test (tests, test_numbers_keep_their_signs);
  tcase_add_test (tests, test_sentence_ends_do_not_join);
  tcase_add_test (tests, test_chinese_is_cut_into_words);
  tcase_add_test (tests, test_thai_is_cut_into_words);
  tcase_add_test (tests, test_indic_vowel_signs_stay);
  tcase_add_test (tests, test_broken_utf8_separates_words);
  tcase_add_test (tests, test_endless_words_are_cut);
  tcase_add_test (tests, test_endless_compounds_end);
  tcase_add_test (tests, test_stop_words_by_language);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

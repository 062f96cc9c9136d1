/* Quotations: the sentence that answers when the model's own words cannot be proved. */
#include <check.h>

#include "support.h"

/* The sentence of TEXT that answers ASKED, "" when none does. */
static char *quote_of (const char *asked, const char *language, const char *text)
{
  IndexHit *hit = support_hit (1, 0, "", "", text);
  g_free (hit->language);
  hit->language = g_strdup (language);
  g_autoptr (GPtrArray) hits = support_hits (hit, NULL);
  g_autoptr (RagQuestion) question = rag_question_new_plain (asked);
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  const RagSpan *span = rag_quotable (question, evidence);
  return span != NULL ? rag_span_text (evidence, span) : g_strdup ("");
}

START_TEST (test_how_often_is_answered_by_a_sentence_with_a_number)
{
  g_autofree char *quote
      = quote_of ("Wie oft werden die Temperaturen dokumentiert?", "de",
                  "Die Temperaturen werden in der Liste dokumentiert. "
                  "Die Temperaturen werden zweimal täglich dokumentiert. Impfstoffe sind kühl.");
  ck_assert_str_eq (quote, "Die Temperaturen werden zweimal täglich dokumentiert.");
}
END_TEST

START_TEST (test_who_is_answered_by_a_sentence_with_a_name)
{
  g_autofree char *quote = quote_of ("Who signs the verbal order?", "en",
                                     "The verbal order is written down and signed later. "
                                     "The verbal order is signed by Doctor Weiss. Beds are made.");
  ck_assert_str_eq (quote, "The verbal order is signed by Doctor Weiss.");
}
END_TEST

START_TEST (test_number_of_the_question_itself_is_no_answer)
{
  g_autofree char *quote = quote_of ("How many patients were there in 2023?", "en",
                                     "There were many patients in 2023. Beds are made.");
  ck_assert_str_eq (quote, "");
}
END_TEST

START_TEST (test_sentence_without_the_most_telling_word_is_no_answer)
{
  IndexHit *hit = support_hit (1, 0, "", "", "The wards of Lindenhof Hospital open at 21:00.");
  g_autoptr (GPtrArray) hits = support_hits (hit, NULL);
  g_autoptr (RagQuestion) question
      = rag_question_new_plain ("How many beds does Lindenhof Hospital have?");
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  ck_assert_ptr_nonnull (rag_quotable (question, evidence));
  /* In this library beds are rarer than the hospital's name. */
  for (guint i = 0; i < question->terms->len; i++)
    {
      RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      term->weight = g_str_equal (term->form, "bed") ? 1.5 : 1;
    }
  ck_assert_ptr_null (rag_quotable (question, evidence));
}
END_TEST

START_TEST (test_sentence_about_little_of_the_question_is_no_answer)
{
  g_autofree char *quote = quote_of ("How many nurses does the clinic in Bremen employ?", "en",
                                     "The clinic was built in 1950. Beds are made.");
  ck_assert_str_eq (quote, "");
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("quote");
  TCase *tests = tcase_create ("quote");
  tcase_add_test (tests, test_how_often_is_answered_by_a_sentence_with_a_number);
  tcase_add_test (tests, test_who_is_answered_by_a_sentence_with_a_name);
  tcase_add_test (tests, test_number_of_the_question_itself_is_no_answer);
  tcase_add_test (tests, test_sentence_without_the_most_telling_word_is_no_answer);
  tcase_add_test (tests, test_sentence_about_little_of_the_question_is_no_answer);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}

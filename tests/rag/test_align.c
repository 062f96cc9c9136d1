/* What was changed in a sentence that says almost what its source says. */
#include <check.h>

#include "rag/text-private.h"

static gboolean differs (const char *said, const char *source, RagLanguage language)
{
  g_autoptr (GArray) said_words = rag_words (said, -1, language);
  g_autoptr (GArray) source_words = rag_words (source, -1, language);
  return rag_is_altered (said, said_words, source, source_words)
         || rag_has_other_unit (said, said_words, source, source_words);
}

#define check_same(said, source) ck_assert (!differs (said, source, RAG_LANGUAGE_EN))
#define check_other(said, source) ck_assert (differs (said, source, RAG_LANGUAGE_EN))

START_TEST (test_another_unit_is_noticed)
{
  check_other ("The daily dose for adults is 5 g.", "The daily dose for adults is 5 mg.");
  check_other ("Sign within 12 days.", "A physician must sign a verbal order within 12 hours.");
  check_other ("It costs 68 dollars.", "One patch costs €68 without tax.");
  check_other ("It fell by 7 %.", "The score fell by 7 minutes in the second year.");
}
END_TEST

START_TEST (test_another_spelling_of_a_unit_is_the_same)
{
  check_same ("The dose is 5 milligrams.", "The dose is 5 mg for adults.");
  check_same ("A break of 45 min.", "The unpaid break has 45 minutes.");
  check_same ("It costs 68 euros.", "One patch costs €68 without tax.");
  check_same ("A 24-hour service.", "The service is open for 24 hours.");
}
END_TEST

START_TEST (test_number_without_a_unit_proves_any)
{
  check_same ("The dose is 5 mg.", "Dose in mg\tadults 5\tchildren 2");
  check_same ("The ward has 9 patients and 2 hours.", "At most 9 patients are on the ward.");
}
END_TEST

START_TEST (test_missing_not_is_noticed)
{
  check_other ("Vaccines must be frozen.", "Vaccines must not be frozen.");
  check_other ("The contract can be cancelled early.", "The contract cannot be cancelled early.");
  check_other ("Visitors may stay at night.", "No visitors may stay at night.");
  ck_assert (differs ("Impfstoffe werden eingefroren.", "Impfstoffe werden nicht eingefroren.",
                      RAG_LANGUAGE_DE));
}
END_TEST

START_TEST (test_added_not_is_noticed)
{
  check_other ("The break is not paid by the hospital.", "The break is paid by the hospital.");
  check_other ("Taxis are never paid.", "Taxis are paid.");
  check_other ("Patients are discharged, but not at night.", "Patients are discharged at night.");
}
END_TEST

START_TEST (test_same_denial_in_other_words_stays)
{
  check_same ("The patch doesn't need cables.", "The patch does not need cables.");
  check_same ("It never needs cables.", "It does not need cables.");
  check_same ("The patch is light and cheap.", "The patch is not only light but also cheap.");
}
END_TEST

START_TEST (test_denial_in_another_clause_does_not_count)
{
  check_same ("The nurse signs the order.",
              "When a physician is not on the ward at that hour, the nurse signs the order.");
  check_same ("The nurse signs the order.", "The nurse signs the order and does not call anyone.");
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("align");
  TCase *tests = tcase_create ("align");
  tcase_add_test (tests, test_another_unit_is_noticed);
  tcase_add_test (tests, test_another_spelling_of_a_unit_is_the_same);
  tcase_add_test (tests, test_number_without_a_unit_proves_any);
  tcase_add_test (tests, test_missing_not_is_noticed);
  tcase_add_test (tests, test_added_not_is_noticed);
  tcase_add_test (tests, test_same_denial_in_other_words_stays);
  tcase_add_test (tests, test_denial_in_another_clause_does_not_count);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}

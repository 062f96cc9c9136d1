/* Follow-ups: what a short question means after another. */
#include <check.h>

#include "rag/answer-private.h"

static const struct
{
  const char *before, *question, *whole;
} cases[] = {
  { "What was the response time in 2023?", "And in 2022?", "What was the response time in 2022?" },
  { "What was the response time to a score of 5 in 2023?", "And in 2022?",
    "What was the response time to a score of 5 in 2022?" },
  { "How long is the day shift?", "What about the night shift?", "How long is the night shift?" },
  { "When does the day shift begin?", "And the night shift?", "When does the night shift begin?" },
  { "What is the maximum dose for adults?", "And for children?",
    "What is the maximum dose for children?" },
  { "What is the maximum dose of ibuprofen?", "What about paracetamol?",
    "What is the maximum dose of paracetamol?" },
  { "When does Anna work?", "And Bert?", "When does Bert work?" },
  { "How long is the night shift?", "When does it begin?", "When does the night shift begin?" },
  { "Who leads the SALINA trial?", "Who funded it?", "Who funded SALINA?" },
  { "Wie lange dauert die Nachtschicht?", "Und die Frühschicht?",
    "Wie lange dauert die Frühschicht?" },
};

START_TEST (test_follow_up_becomes_whole)
{
  g_autofree char *whole = rag_follow_up (cases[_i].question, cases[_i].before);
  ck_assert_str_eq (whole, cases[_i].whole);
}
END_TEST

START_TEST (test_first_question_stays)
{
  g_autofree char *whole = rag_follow_up ("And in 2022?", NULL);
  ck_assert_str_eq (whole, "And in 2022?");
}
END_TEST

static const char *const whole_questions[] = {
  "How many beds does the ward have?",
  "And how long is the break?",
  "Which antibiotic is recommended for pneumonia?",
  "Who signs the register?",
};

START_TEST (test_whole_question_stays)
{
  g_autofree char *whole
      = rag_follow_up (whole_questions[_i], "When does the night shift begin in 2023?");
  ck_assert_str_eq (whole, whole_questions[_i]);
}
END_TEST

START_TEST (test_odd_follow_ups_end_without_harm)
{
  static const char *const odd[] = { "and", "and ", "?", "it", "und ?", "in", "İ?", "2022", "y" };
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (odd); k++)
      {
        g_autofree char *whole = rag_follow_up (odd[i], odd[k]);
        ck_assert_ptr_nonnull (whole);
        ck_assert (g_utf8_validate (whole, -1, NULL));
      }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("followup");
  TCase *tests = tcase_create ("all");
  tcase_add_loop_test (tests, test_follow_up_becomes_whole, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tests, test_first_question_stays);
  tcase_add_loop_test (tests, test_whole_question_stays, 0, G_N_ELEMENTS (whole_questions));
  tcase_add_test (tests, test_odd_follow_ups_end_without_harm);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

/* Parts: questions that ask for several things, and those that only look so. */
#include <check.h>

#include "rag/answer-private.h"

static char *parts_of (const char *text, gboolean *ret_compares)
{
  g_autoptr (GPtrArray) parts = rag_parts (text, ret_compares);
  GString *joined = g_string_new (NULL);
  for (guint i = 0; i < parts->len; i++)
    g_string_append_printf (joined, "%s%s", i > 0 ? " | " : "",
                            (const char *)g_ptr_array_index (parts, i));
  return g_string_free (joined, FALSE);
}

static void check_parts (const char *text, const char *want)
{
  gboolean compares;
  g_autofree char *got = parts_of (text, &compares);
  ck_assert_str_eq (got, want);
  ck_assert (!compares);
}

static void check_comparison (const char *text, const char *want)
{
  gboolean compares;
  g_autofree char *got = parts_of (text, &compares);
  ck_assert_str_eq (got, want);
  ck_assert (compares);
}

static void check_whole (const char *text)
{
  check_parts (text, text);
}

START_TEST (test_two_questions_are_asked_one_by_one)
{
  check_parts ("How long is the break and who approves it?",
               "How long is the break? | who approves it?");
  check_parts ("Who funded the trial? How many homes took part?",
               "Who funded the trial? | How many homes took part?");
  check_parts ("Which drug was tested, and what was its dose?",
               "Which drug was tested? | what was its dose?");
  check_parts ("In which year did the trial end and is it published?",
               "In which year did the trial end? | is it published?");
  check_parts ("How long is the break and on which extension is the coordinator?",
               "How long is the break? | on which extension is the coordinator?");
  check_parts ("Wie lang ist die Pause und wer genehmigt sie?",
               "Wie lang ist die Pause? | wer genehmigt sie?");
  check_parts ("Quand commence le service et qui le dirige ?",
               "Quand commence le service? | qui le dirige ?");
  check_parts ("¿Cuánto dura la pausa y quién la aprueba?",
               "¿Cuánto dura la pausa? | quién la aprueba?");
  check_parts ("Quanto dura la pausa e chi la approva?", "Quanto dura la pausa? | chi la approva?");
}
END_TEST

START_TEST (test_what_only_looks_like_two_questions_stays_whole)
{
  check_whole ("How long is the break?");
  check_whole ("When and where did the trial take place?");
  check_whole ("Which nurses who work at night and who have children may swap shifts?");
  check_whole ("Which nurses and staff who work at night may leave?");
  check_whole ("Does the policy say when and how keys are returned?");
  check_whole ("Who pays for food and drink?");
  check_whole ("What is the dose for adults and children?");
  check_whole ("Tell me about the night shift and who leads it");
  check_whole ("What resources are rarely used and are known to vary?");
  check_whole ("How do schools in the north compare to schools in the south?");
  check_whole ("Was ist der Unterschied?");
  check_whole ("Who? What? When? Where? Why?");
  check_whole ("night shift");
}
END_TEST

START_TEST (test_comparisons_ask_the_same_of_both)
{
  check_comparison ("Compare the night shift with the day shift.",
                    "What is the night shift? | What is the day shift?");
  check_comparison ("What is the difference between a chunk and a passage?",
                    "What is a chunk? | What is a passage?");
  check_comparison (
      "Compare the notice period for nurses and doctors",
      "What is the notice period for nurses? | What is the notice period for doctors?");
  check_comparison ("What is the difference between the trial's primary outcome and its secondary "
                    "outcome?",
                    "What is the trial's primary outcome? | What is its secondary outcome?");
  check_comparison ("Compare the revenue in 2019 and 2023",
                    "What is the revenue in 2019? | What is the revenue in 2023?");
  check_comparison ("Compare Anna Berg's plan with Carl Zeiss's plan in terms of cost",
                    "What is cost of Anna Berg's plan? | What is cost of Carl Zeiss's plan?");
  check_comparison ("Was ist der Unterschied zwischen der Nachtschicht und der Tagschicht?",
                    "Was ist der Nachtschicht? | Was ist der Tagschicht?");
  check_comparison ("Quelle est la différence entre le sel et le sucre ?",
                    "Qu'est-ce que le sel ? | Qu'est-ce que le sucre ?");
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("parts");
  TCase *tests = tcase_create ("parts");
  tcase_add_test (tests, test_two_questions_are_asked_one_by_one);
  tcase_add_test (tests, test_what_only_looks_like_two_questions_stays_whole);
  tcase_add_test (tests, test_comparisons_ask_the_same_of_both);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}

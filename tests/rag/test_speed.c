/* The reading speed to expect: an estimate at first, then what was seen. */
#include <check.h>

#include "rag/rag-private.h"

#define EXPECT(tps, ...)                                                                           \
  do                                                                                               \
    {                                                                                              \
      const double seen[] = { __VA_ARGS__ };                                                       \
      ck_assert_double_eq (rag_expected_speed (1000, seen, G_N_ELEMENTS (seen)), tps);             \
    }                                                                                              \
  while (0)

START_TEST (test_estimate_counts_until_something_is_seen)
{
  ck_assert_double_eq (rag_expected_speed (1000, NULL, 0), 1000);
}
END_TEST

START_TEST (test_faster_than_estimated)
{
  EXPECT (1900, 1900);
  EXPECT (1900, 1900, 2000);
  EXPECT (2000, 1900, 2000, 2100, 1900, 2000);
}
END_TEST

START_TEST (test_slower_than_estimated)
{
  EXPECT (520, 500, 520);
  EXPECT (510, 500, 520, 510, 500, 520);
}
END_TEST

START_TEST (test_one_prompt_on_a_busy_machine_changes_little)
{
  EXPECT (1000, 100);
  EXPECT (990, 990, 100);
  EXPECT (1000, 990, 1000, 1010, 1005, 100);
}
END_TEST

START_TEST (test_only_the_last_prompts_count)
{
  EXPECT (300, 5000, 5000, 5000, 5000, 300, 300, 300);
  EXPECT (5000, 300, 300, 300, 300, 5000, 5000, 5000);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("speed");
  TCase *tests = tcase_create ("all");
  tcase_add_test (tests, test_estimate_counts_until_something_is_seen);
  tcase_add_test (tests, test_faster_than_estimated);
  tcase_add_test (tests, test_slower_than_estimated);
  tcase_add_test (tests, test_one_prompt_on_a_busy_machine_changes_little);
  tcase_add_test (tests, test_only_the_last_prompts_count);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

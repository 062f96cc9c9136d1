/* Figures against values computed by hand. */
#include <check.h>
#include <math.h>

#include "rag/eval-private.h"

static GPtrArray *phrases (const char *first, const char *second)
{
  GPtrArray *array = g_ptr_array_new ();
  g_ptr_array_add (array, (gpointer)first);
  if (second != NULL)
    g_ptr_array_add (array, (gpointer)second);
  return array;
}

START_TEST (test_ndcg_of_relevant_second_and_third)
{
  /* (1/log2 3 + 1/log2 4) / (1/log2 2 + 1/log2 3) = 1.13093 / 1.63093 */
  const double found[] = { 0, 1, 1, 0 }, ideal[] = { 1, 1 };
  ck_assert_double_eq_tol (rag_ndcg (found, 4, ideal, 2, 10), 0.693426, 1e-6);
}
END_TEST

START_TEST (test_ndcg_with_grades_sorts_the_ideal)
{
  /* (1 + 2/log2 3) / (2 + 1/log2 3) = 2.26186 / 2.63093 */
  const double found[] = { 1, 2 }, ideal[] = { 1, 2 };
  ck_assert_double_eq_tol (rag_ndcg (found, 2, ideal, 2, 10), 0.859719, 1e-6);
}
END_TEST

START_TEST (test_ndcg_stops_at_k)
{
  const double found[] = { 0, 0, 1 }, ideal[] = { 1 };
  ck_assert_double_eq (rag_ndcg (found, 3, ideal, 1, 2), 0);
  ck_assert_double_eq_tol (rag_ndcg (found, 3, ideal, 1, 3), 0.5, 1e-12);
}
END_TEST

START_TEST (test_recall_and_reciprocal_rank)
{
  const double found[] = { 0, 1, 0, 1 };
  ck_assert_double_eq (rag_recall (found, 4, 4, 100), 0.5);
  ck_assert_double_eq (rag_recall (found, 4, 4, 2), 0.25);
  ck_assert_double_eq (rag_reciprocal_rank (found, 4, 10), 0.5);
  ck_assert_double_eq (rag_reciprocal_rank (found, 4, 1), 0);
}
END_TEST

START_TEST (test_percentiles_are_nearest_rank)
{
  const double values[] = { 1, 2, 3, 4 };
  ck_assert_double_eq (rag_percentile (values, 4, 0.5), 2);
  ck_assert_double_eq (rag_percentile (values, 4, 0.95), 4);
  ck_assert_double_eq (rag_percentile (values, 1, 0.5), 1);
  ck_assert_double_eq (rag_percentile (NULL, 0, 0.5), 0);
}
END_TEST

START_TEST (test_squad_normalisation)
{
  g_autofree char *normal = rag_squad_normalise ("The  Night-shift, an A. B.!");
  ck_assert_str_eq (normal, "nightshift b");
}
END_TEST

START_TEST (test_squad_f1)
{
  /* "in september 1971" and "august 15 1971": 1 of 3 and 3 → 1/3 */
  g_autoptr (GPtrArray) one = phrases ("In September 1971", NULL);
  ck_assert_double_eq_tol (rag_squad_f1 ("August 15, 1971", one), 1.0 / 3, 1e-9);
  g_autoptr (GPtrArray) two = phrases ("In September 1971", "August 15, 1971");
  ck_assert_double_eq (rag_squad_f1 ("August 15, 1971", two), 1);
  ck_assert_double_eq (rag_squad_f1 ("nothing", two), 0);
  /* A word counts as often as it is there: "b b" and "b": 2·1/3 */
  g_autoptr (GPtrArray) b = phrases ("b", NULL);
  ck_assert_double_eq_tol (rag_squad_f1 ("b b", b), 2.0 / 3, 1e-9);
}
END_TEST

START_TEST (test_squad_exact_and_contains)
{
  g_autoptr (GPtrArray) expected = phrases ("the Edwin Smith", NULL);
  ck_assert (rag_squad_exact ("edwin smith.", expected));
  ck_assert (!rag_squad_exact ("Edwin", expected));
  ck_assert (rag_squad_contains ("It was Edwin Smith who came.", expected));
  ck_assert (!rag_squad_contains ("It was Edwin Smithers.", expected));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("metrics");
  TCase *tests = tcase_create ("all");
  tcase_add_test (tests, test_ndcg_of_relevant_second_and_third);
  tcase_add_test (tests, test_ndcg_with_grades_sorts_the_ideal);
  tcase_add_test (tests, test_ndcg_stops_at_k);
  tcase_add_test (tests, test_recall_and_reciprocal_rank);
  tcase_add_test (tests, test_percentiles_are_nearest_rank);
  tcase_add_test (tests, test_squad_normalisation);
  tcase_add_test (tests, test_squad_f1);
  tcase_add_test (tests, test_squad_exact_and_contains);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

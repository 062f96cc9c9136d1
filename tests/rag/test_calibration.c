/* Calibration: the correction of confidences, and the threshold. */
#include <check.h>
#include <math.h>

#include "rag/answer-private.h"

#define N 2000

/* Confidences spread evenly over 0 … 1, right with the probability that TRUTH makes of them. */
static RagJudged *observe (double (*truth) (double confidence))
{
  RagJudged *judged = g_new (RagJudged, N);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  for (guint i = 0; i < N; i++)
    {
      judged[i].confidence = (i + 0.5) / N;
      judged[i].right = g_rand_double (rand) < truth (judged[i].confidence);
    }
  return judged;
}

static double as_said (double confidence)
{
  return confidence;
}

/* A logit half as large, less one. */
static double less_sure (double confidence)
{
  return 1 / (1 + exp (1 - log (confidence / (1 - confidence)) / 2));
}

static double misleading (double confidence)
{
  return 1 - confidence;
}

START_TEST (test_what_is_right_stays)
{
  RagCalibrationLine line;
  g_autofree RagJudged *judged = observe (as_said);
  rag_calibration_fit (judged, N, &line);
  ck_assert_double_eq_tol (line.slope, 1, 0.1);
  ck_assert_double_eq_tol (line.intercept, 0, 0.1);
}
END_TEST

START_TEST (test_a_line_on_the_logit_is_found)
{
  RagCalibrationLine line;
  g_autofree RagJudged *judged = observe (less_sure);
  rag_calibration_fit (judged, N, &line);
  ck_assert_double_eq_tol (line.slope, 0.5, 0.1);
  ck_assert_double_eq_tol (line.intercept, -1, 0.15);
  ck_assert_double_eq_tol (rag_calibrated (&line, 0.5), less_sure (0.5), 0.05);
}
END_TEST

START_TEST (test_a_confidence_that_misleads_is_worth_nothing)
{
  RagCalibrationLine line;
  g_autofree RagJudged *judged = observe (misleading);
  rag_calibration_fit (judged, N, &line);
  ck_assert_double_eq (line.slope, 0);
  ck_assert_double_eq (rag_calibrated (&line, 0.1), rag_calibrated (&line, 0.9));
}
END_TEST

START_TEST (test_few_answers_move_little)
{
  RagCalibrationLine line;
  const RagJudged one = { 0.9, FALSE };
  rag_calibration_fit (NULL, 0, &line);
  ck_assert_double_eq (rag_calibrated (&line, 0.3), 0.3);
  rag_calibration_fit (&one, 1, &line);
  ck_assert_double_gt (rag_calibrated (&line, 0.9), 0.5);
  /* Certainties are no reason to break. */
  ck_assert (isfinite (rag_calibrated (&line, 0)) && isfinite (rag_calibrated (&line, 1)));
}
END_TEST

START_TEST (test_the_threshold_keeps_the_promise)
{
  g_autofree RagJudged *judged = observe (as_said);
  double threshold = rag_calibration_threshold (judged, N, 0.05 * N);
  guint wrong = 0;
  for (guint i = 0; i < N; i++)
    wrong += judged[i].confidence >= threshold && !judged[i].right;
  ck_assert_uint_le (wrong, 0.06 * N);
  ck_assert_uint_ge (wrong, 0.04 * N);
  ck_assert_double_eq_tol (rag_calibration_threshold (judged, N, N), 0, 1e-5);
  ck_assert_double_gt (rag_calibration_threshold (judged, N, 0), 0.99);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("calibration");
  TCase *tests = tcase_create ("calibration");
  tcase_add_test (tests, test_what_is_right_stays);
  tcase_add_test (tests, test_a_line_on_the_logit_is_found);
  tcase_add_test (tests, test_a_confidence_that_misleads_is_worth_nothing);
  tcase_add_test (tests, test_few_answers_move_little);
  tcase_add_test (tests, test_the_threshold_keeps_the_promise);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}

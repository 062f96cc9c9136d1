/* Picking tokens: greedy, by temperature and through the filters, the same for the same seed. */
#include <check.h>
#include <math.h>

#include "engine/session-private.h"

#define N_VOCAB 1000

/* Token I has probability proportional to 2^−I: half, a quarter, an eighth … */
static void halving_logits (float *logits)
{
  for (guint i = 0; i < N_VOCAB; i++)
    logits[i] = -(float)i * logf (2);
}

static gint32 pick_once (EngineSampling options, const float *logits, double *ret_logprob)
{
  g_autoptr (EngineSampler) sampler = engine_sampler_new (&options, N_VOCAB);
  return engine_sampler_pick (sampler, logits, ret_logprob);
}

/* How often each of the first 8 tokens comes in 20,000 draws; the last counts all others. */
static void count_picks (EngineSampling options, const float *logits, double shares[9])
{
  const guint n = 20000;
  g_autoptr (EngineSampler) sampler = engine_sampler_new (&options, N_VOCAB);
  double logprob;
  for (guint i = 0; i < 9; i++)
    shares[i] = 0;
  for (guint i = 0; i < n; i++)
    {
      gint32 token = engine_sampler_pick (sampler, logits, &logprob);
      shares[MIN (token, 8)] += 1.0 / n;
    }
}

START_TEST (test_greedy_takes_the_first_of_the_largest)
{
  float logits[N_VOCAB] = { 0 };
  double logprob;
  logits[17] = logits[400] = 3;
  ck_assert_int_eq (pick_once ((EngineSampling){ 0 }, logits, &logprob), 17);
  ck_assert_double_eq_tol (logprob, 3 - log (2 * exp (3) + N_VOCAB - 2), 1e-4);
}
END_TEST

START_TEST (test_numbers_that_are_none_are_passed_over)
{
  float logits[N_VOCAB];
  double logprob;
  for (guint i = 0; i < N_VOCAB; i++)
    logits[i] = NAN;
  ck_assert_int_eq (pick_once ((EngineSampling){ 0 }, logits, &logprob), -1);
  logits[3] = INFINITY;
  logits[5] = -2;
  ck_assert_int_eq (pick_once ((EngineSampling){ 0 }, logits, &logprob), 5);
  ck_assert_int_eq (pick_once ((EngineSampling){ .temperature = 1 }, logits, &logprob), 5);
}
END_TEST

START_TEST (test_draws_follow_the_probabilities)
{
  float logits[N_VOCAB];
  double shares[9];
  halving_logits (logits);
  count_picks ((EngineSampling){ .temperature = 1, .seed = 1 }, logits, shares);
  for (guint i = 0; i < 8; i++)
    ck_assert_double_eq_tol (shares[i], pow (0.5, i + 1), 0.012);
}
END_TEST

START_TEST (test_temperature_flattens)
{
  float logits[N_VOCAB];
  double shares[9];
  halving_logits (logits);
  /* 2^(−i/2): the first has 1 − 1/√2. */
  count_picks ((EngineSampling){ .temperature = 2, .seed = 1 }, logits, shares);
  ck_assert_double_eq_tol (shares[0], 1 - sqrt (0.5), 0.012);
}
END_TEST

START_TEST (test_filters_keep_the_likeliest)
{
  float logits[N_VOCAB];
  double shares[9];
  halving_logits (logits);
  count_picks ((EngineSampling){ .temperature = 1, .top_k = 2 }, logits, shares);
  ck_assert_double_eq_tol (shares[0], 2. / 3, 0.012);
  ck_assert_double_eq_tol (shares[0] + shares[1], 1, 1e-9);
  /* .5 + .25 < .8 ≤ .5 + .25 + .125 */
  count_picks ((EngineSampling){ .temperature = 1, .top_p = 0.8f }, logits, shares);
  ck_assert_double_eq_tol (shares[2], 1. / 7, 0.012);
  ck_assert_double_eq_tol (shares[0] + shares[1] + shares[2], 1, 1e-9);
  /* at least 0.2 of the likeliest: 1, 1/2 and 1/4 of it */
  count_picks ((EngineSampling){ .temperature = 1, .min_p = 0.2f }, logits, shares);
  ck_assert_double_eq_tol (shares[2], 1. / 7, 0.012);
  ck_assert_double_eq_tol (shares[0] + shares[1] + shares[2], 1, 1e-9);
}
END_TEST

START_TEST (test_filters_on_a_flat_distribution_keep_what_they_say)
{
  float logits[N_VOCAB] = { 0 };
  double shares[9];
  count_picks ((EngineSampling){ .temperature = 1, .top_k = 4 }, logits, shares);
  ck_assert_double_eq_tol (shares[0] + shares[1] + shares[2] + shares[3], 1, 1e-9);
  ck_assert_double_eq_tol (shares[3], 0.25, 0.012);
  count_picks ((EngineSampling){ .temperature = 1, .top_p = 0.5f }, logits, shares);
  ck_assert_double_eq_tol (shares[8], 492. / 500, 0.012);
}
END_TEST

START_TEST (test_a_seed_repeats_and_another_does_not)
{
  float logits[N_VOCAB] = { 0 };
  EngineSampling options = { .temperature = 1, .seed = 5 };
  g_autoptr (EngineSampler) a = engine_sampler_new (&options, N_VOCAB);
  g_autoptr (EngineSampler) b = engine_sampler_new (&options, N_VOCAB);
  options.seed = 6;
  g_autoptr (EngineSampler) c = engine_sampler_new (&options, N_VOCAB);
  guint n_same = 0;
  double logprob;
  for (guint i = 0; i < 100; i++)
    {
      gint32 token = engine_sampler_pick (a, logits, &logprob);
      ck_assert_int_eq (engine_sampler_pick (b, logits, &logprob), token);
      n_same += engine_sampler_pick (c, logits, &logprob) == token;
    }
  ck_assert_uint_lt (n_same, 10);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("sampling");
  TCase *tests = tcase_create ("sampling");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_greedy_takes_the_first_of_the_largest);
  tcase_add_test (tests, test_numbers_that_are_none_are_passed_over);
  tcase_add_test (tests, test_draws_follow_the_probabilities);
  tcase_add_test (tests, test_temperature_flattens);
  tcase_add_test (tests, test_filters_keep_the_likeliest);
  tcase_add_test (tests, test_filters_on_a_flat_distribution_keep_what_they_say);
  tcase_add_test (tests, test_a_seed_repeats_and_another_does_not);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

/* Floats become blocks that decode to nearly the same floats: every type within its error, the
 * important numbers closer than the others. The decoders are tested on their own, so that a block
 * which decodes well has the right layout. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "engine/quant-private.h"

#define N 4096

/* Relative error √(Σ w·(x − y)² / Σ w·x²) on bell-shaped weights. */
static const struct
{
  EngineType type;
  double bound;
} TYPES[] = {
  { ENGINE_TYPE_F32, 0 },        { ENGINE_TYPE_F16, .0005 },    { ENGINE_TYPE_BF16, .004 },
  { ENGINE_TYPE_Q8_0, .0065 },   { ENGINE_TYPE_Q6_K, .020 },    { ENGINE_TYPE_Q5_K, .040 },
  { ENGINE_TYPE_Q5_1, .040 },    { ENGINE_TYPE_Q5_0, .050 },    { ENGINE_TYPE_Q4_K, .080 },
  { ENGINE_TYPE_Q4_1, .080 },    { ENGINE_TYPE_Q4_0, .100 },    { ENGINE_TYPE_IQ4_NL, .085 },
  { ENGINE_TYPE_IQ4_XS, .085 },  { ENGINE_TYPE_MXFP4, .125 },   { ENGINE_TYPE_Q3_K, .17 },
  { ENGINE_TYPE_Q2_K, .31 },
};

static float values[N], importance[N], decoded[N];
static guint8 blocks[N * 4];

static void fill (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  for (guint i = 0; i < N; i++)
    {
      double sum = -6;
      for (guint j = 0; j < 12; j++)
        sum += g_rand_double (rand);
      values[i] = 0.03F * (float)sum;
      importance[i] = i % 8 == 0 ? 50 : 1;
    }
}

static double relative_error (const float *weights)
{
  double error = 0, size = 0;
  for (guint i = 0; i < N; i++)
    {
      double w = weights ? weights[i] : 1, left = (double)values[i] - decoded[i];
      error += w * left * left;
      size += w * (double)values[i] * values[i];
    }
  return sqrt (error / size);
}

static void through (EngineType type, const float *weights)
{
  engine_quantise_weighted (type, values, weights, N, blocks);
  engine_type_info (type)->dequantise (blocks, N, decoded);
}

START_TEST (test_decodes_within_the_error_of_its_type)
{
  fill ();
  through (TYPES[_i].type, NULL);
  ck_assert_double_le (relative_error (NULL), TYPES[_i].bound);
}
END_TEST

START_TEST (test_importance_moves_the_error_away)
{
  EngineType type = TYPES[_i].type;
  fill ();
  through (type, NULL);
  double before = relative_error (importance);
  through (type, importance);
  if (engine_type_info (type)->block_elements == 1 || type == ENGINE_TYPE_Q8_0)
    ck_assert_double_eq (relative_error (importance), before);
  else
    ck_assert_double_lt (relative_error (importance), before);
}
END_TEST

START_TEST (test_zeros_stay_zeros)
{
  memset (values, 0, sizeof values);
  through (TYPES[_i].type, NULL);
  for (guint i = 0; i < N; i++)
    ck_assert_float_eq (decoded[i], 0);
}
END_TEST

/* A group of equal numbers is one scale and one code. */
START_TEST (test_constants_are_exact_to_the_scale)
{
  for (guint i = 0; i < N; i++)
    values[i] = i / 256 % 2 ? -0.625F : 0.375F;
  through (TYPES[_i].type, NULL);
  /* Powers of two times 0, 1, 2, 3, 4, 6, 8 or 12, and mins of 4 bits, are coarser. */
  double bound = TYPES[_i].type == ENGINE_TYPE_MXFP4 ? 0.2 : 0.008;
  ck_assert_double_le (relative_error (NULL), bound);
}
END_TEST

/* Scales leave the range of F16: the result is wrong, but finite. */
START_TEST (test_huge_and_tiny_numbers_give_finite_blocks)
{
  fill ();
  for (guint i = 0; i < N; i++)
    values[i] *= i < N / 2 ? 1e30F : 1e-30F;
  EngineType type = TYPES[_i].type;
  if (type == ENGINE_TYPE_F16 || type == ENGINE_TYPE_Q8_0)
    return; /* F16 has infinities of its own; Q8_0 is the reference's to the bit */
  through (type, NULL);
  for (guint i = 0; i < N; i++)
    ck_assert (isfinite (decoded[i]));
}
END_TEST

START_TEST (test_refuses_parts_of_blocks)
{
  gsize elements = engine_type_info (TYPES[_i].type)->block_elements;
  fill ();
  ck_assert (engine_quantise (TYPES[_i].type, values, elements, blocks));
  if (elements > 1)
    ck_assert (!engine_quantise (TYPES[_i].type, values, elements / 2, blocks));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("quant_encode");
  TCase *tests = tcase_create ("types");
  const int n_types = G_N_ELEMENTS (TYPES);
  tcase_add_loop_test (tests, test_decodes_within_the_error_of_its_type, 0, n_types);
  tcase_add_loop_test (tests, test_importance_moves_the_error_away, 0, n_types);
  tcase_add_loop_test (tests, test_zeros_stay_zeros, 0, n_types);
  tcase_add_loop_test (tests, test_constants_are_exact_to_the_scale, 0, n_types);
  tcase_add_loop_test (tests, test_huge_and_tiny_numbers_give_finite_blocks, 0, n_types);
  tcase_add_loop_test (tests, test_refuses_parts_of_blocks, 0, n_types);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}

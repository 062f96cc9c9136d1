/* Every instruction set against the portable kernels, which define them: random blocks of every
 * type, ragged numbers of rows and tokens, and activations of very different sizes. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"
#include "engine/quant-private.h"

/* The types, where their blocks keep float16 numbers (other bytes may hold any bits), and what may be
 * lost by rounding activations to int8, a fifth or so above what is: as a share of the results' root
 * mean square where every 97th activation is 30 times larger, so that its block is rounded coarsely;
 * and for each column of a product of two waves, weights rounded, too. */
static const struct
{
  EngineType type;
  gint halves[2];
  double max_rounding, max_dot;
} types[] = {
  { ENGINE_TYPE_Q4_0, { 0, -1 }, 0.024, 0.0011 },
  { ENGINE_TYPE_Q4_1, { 0, 2 }, 0.036, 0.0018 },
  { ENGINE_TYPE_Q5_0, { 0, -1 }, 0.027, 0.0011 },
  { ENGINE_TYPE_Q5_1, { 0, 2 }, 0.055, 0.00024 },
  { ENGINE_TYPE_Q8_0, { 0, -1 }, 0.023, 4.5e-05 },
  { ENGINE_TYPE_Q2_K, { 80, 82 }, 0.053, 0.038 },
  { ENGINE_TYPE_Q3_K, { 108, -1 }, 0.025, 0.01 },
  { ENGINE_TYPE_Q4_K, { 0, 2 }, 0.033, 0.0012 },
  { ENGINE_TYPE_Q5_K, { 0, 2 }, 0.047, 0.00053 },
  { ENGINE_TYPE_Q6_K, { 208, -1 }, 0.028, 0.00066 },
  { ENGINE_TYPE_IQ4_NL, { 0, -1 }, 0.02, 0.0024 },
  { ENGINE_TYPE_IQ4_XS, { 0, -1 }, 0.022, 0.0024 },
  { ENGINE_TYPE_MXFP4, { -1, -1 }, 0.039, 0.0072 },
};

static const char *const names[] = { "portable", "avx2", "avx512", "neon", "neon-dotprod" };

static const EngineKernels *
kernels_or_skip (int i)
{
  const EngineKernels *kernels = engine_kernels_by_name (names[i]);
  if (kernels == NULL)
    printf ("skipped: this processor cannot run the %s kernels\n", names[i]);
  return kernels;
}

static guint8 *
random_blocks (GRand *rand, gsize type, gsize n_elements)
{
  const EngineTypeInfo *info = engine_type_info (types[type].type);
  gsize n_blocks = n_elements / info->block_elements;
  guint8 *blocks = g_malloc (n_blocks * info->block_bytes);
  for (gsize i = 0; i < n_blocks * info->block_bytes; i++)
    blocks[i] = g_rand_int_range (rand, 0, 256);
  for (gsize i = 0; i < n_blocks; i++)
    {
      guint8 *block = blocks + i * info->block_bytes;
      for (guint j = 0; j < 2; j++)
        if (types[type].halves[j] >= 0)
          {
            guint16 half = engine_f32_to_f16 ((float) g_rand_double_range (rand, -0.1, 0.1));
            memcpy (block + types[type].halves[j], &half, 2);
          }
      if (types[type].type == ENGINE_TYPE_MXFP4)
        block[0] = g_rand_int_range (rand, 120, 130);
    }
  return blocks;
}

static float *
random_floats (GRand *rand, gsize n)
{
  float *values = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1) * (i % 97 == 0 ? 30 : 1);
  return values;
}

/* Largest difference over the root mean square of what is expected. */
static double
relative_error (const float *values, const float *expected, gsize n)
{
  double square = 0, largest = 0;
  for (gsize i = 0; i < n; i++)
    {
      square += (double) expected[i] * expected[i];
      largest = fmax (largest, isnan (values[i]) ? INFINITY : fabs ((double) values[i] - expected[i]));
    }
  return largest / (sqrt (square / (double) n) + 1e-30);
}

/* Integers agree exactly; float sums are added in another order. */
#define MAX_ERROR 2e-4

/* y[n_tokens, n_rows], panel after panel and tile after tile. */
static void
multiply_panels (const struct EngineMatmulKernels *kernels, EngineType type, const guint8 *rows,
                 gsize row_bytes, guint n_rows, gsize n_cols, const float *x, guint n_tokens,
                 float *y)
{
  gsize panel_bytes = (kernels->panel_bytes (type, n_cols) + 63) / 64 * 64;
  gsize tile_bytes = (kernels->tile_bytes (n_cols, kernels->tile_tokens) + 63) / 64 * 64;
  void *panel = g_aligned_alloc (1, panel_bytes, 64), *tile = g_aligned_alloc (1, tile_bytes, 64);
  for (guint row = 0; row < n_rows; row += kernels->panel_rows)
    {
      guint n_panel = MIN (kernels->panel_rows, n_rows - row);
      kernels->unpack_panel (type, rows + row * row_bytes, row_bytes, n_panel, n_cols, panel);
      for (guint first = 0; first < n_tokens; first += kernels->tile_tokens)
        {
          float products[16 * ENGINE_MAX_PANEL_ROWS];
          guint n = MIN (kernels->tile_tokens, n_tokens - first);
          kernels->round_tile (x + first * n_cols, n_cols, n, n_cols, tile);
          kernels->multiply (type, panel, tile, n, n_cols, products);
          for (guint t = 0; t < n; t++)
            memcpy (y + (first + t) * n_rows + row, products + t * kernels->panel_rows,
                    n_panel * sizeof (float));
        }
    }
  g_aligned_free (panel);
  g_aligned_free (tile);
}

START_TEST (test_panels_multiply_like_the_portable_ones)
{
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  const struct EngineMatmulKernels *portable = engine_kernels_by_name ("portable")->matmul;
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    for (guint n_tokens = 1; n_tokens <= 27; n_tokens++)
      {
        const EngineTypeInfo *info = engine_type_info (types[type].type);
        gsize n_cols = info->block_elements * (1 + n_tokens % 5 * 5);
        guint n_rows = 1 + n_tokens * 11 % 40;
        g_autofree guint8 *rows = random_blocks (rand, type, n_rows * n_cols);
        g_autofree float *x = random_floats (rand, n_tokens * n_cols);
        g_autofree float *y = g_new0 (float, n_tokens * n_rows), *expected = g_new0 (float, n_tokens * n_rows);
        gsize row_bytes = n_cols / info->block_elements * info->block_bytes;
        multiply_panels (portable, info->type, rows, row_bytes, n_rows, n_cols, x, n_tokens,
                        expected);
        multiply_panels (kernels->matmul, info->type, rows, row_bytes, n_rows, n_cols, x, n_tokens,
                        y);
        double error = relative_error (y, expected, n_tokens * n_rows);
        ck_assert_msg (error < MAX_ERROR, "%s %s, %u tokens: error %g", kernels->name, info->name,
                       n_tokens, error);
      }
}
END_TEST

START_TEST (test_rows_multiply_like_the_portable_ones)
{
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  const struct EngineMatmulKernels *portable = engine_kernels_by_name ("portable")->matmul;
  const struct EngineMatmulKernels *fast = kernels->matmul;
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    for (guint blocks = 1; blocks <= 7; blocks++)
      {
        const EngineTypeInfo *info = engine_type_info (types[type].type);
        gsize n_cols = info->block_elements * blocks;
        g_autofree guint8 *rows = random_blocks (rand, type, 16 * n_cols);
        g_autofree float *x = random_floats (rand, n_cols);
        g_autofree guint8 *row = g_malloc (fast->row_bytes (n_cols));
        g_autofree guint8 *portable_row = g_malloc (portable->row_bytes (n_cols));
        float y[16], expected[16];
        fast->round_row (x, n_cols, row);
        portable->round_row (x, n_cols, portable_row);
        fast->dot_rows (info->type, rows, blocks * info->block_bytes, 16, n_cols, row, 0, 1,
                        y);
        portable->dot_rows (info->type, rows, blocks * info->block_bytes, 16, n_cols, portable_row,
                            0, 1, expected);
        double error = relative_error (y, expected, 16);
        ck_assert_msg (error < MAX_ERROR, "%s %s, %u blocks: error %g", kernels->name, info->name,
                       blocks, error);
      }
}
END_TEST

/* Tokens that share the reading of a row are computed as if each were alone. */
START_TEST (test_products_of_few_tokens_are_those_of_one_to_the_bit)
{
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (10);
  const struct EngineMatmulKernels *matmul = kernels->matmul;
  ck_assert_uint_le (matmul->dot_tokens, ENGINE_MAX_DOT_TOKENS);
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    for (guint n = 1; n <= matmul->dot_tokens; n++)
      {
        const EngineTypeInfo *info = engine_type_info (types[type].type);
        gsize n_cols = info->block_elements * 7, stride = matmul->row_bytes (n_cols);
        g_autofree guint8 *rows = random_blocks (rand, type, 16 * n_cols);
        g_autofree float *x = random_floats (rand, n * n_cols);
        g_autofree guint8 *rounded = g_malloc (n * stride);
        float together[16 * ENGINE_MAX_DOT_TOKENS], alone[16];
        for (guint t = 0; t < n; t++)
          matmul->round_row (x + t * n_cols, n_cols, rounded + t * stride);
        matmul->dot_rows (info->type, rows, 7 * info->block_bytes, 16, n_cols, rounded, stride, n,
                          together);
        for (guint t = 0; t < n; t++)
          {
            matmul->dot_rows (info->type, rows, 7 * info->block_bytes, 16, n_cols,
                              rounded + t * stride, stride, 1, alone);
            for (guint row = 0; row < 16; row++)
              ck_assert_msg (together[row * n + t] == alone[row], "%s %s, token %u of %u",
                             kernels->name, info->name, t, n);
          }
      }
}
END_TEST

/* Every 97th activation is 30 times larger, so that its block is rounded coarsely: the largest error
 * stays below the table's share of the root mean square of the results. */
START_TEST (test_rounded_products_stay_close_to_the_exact_ones)
{
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (9);
  const gsize n_cols = 1024;
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    {
      const EngineTypeInfo *info = engine_type_info (types[type].type);
      g_autofree guint8 *rows = random_blocks (rand, type, 16 * n_cols);
      g_autofree float *x = random_floats (rand, n_cols), *w = g_new (float, 16 * n_cols);
      g_autofree guint8 *row = g_malloc (kernels->matmul->row_bytes (n_cols));
      float y[16], expected[16];
      info->dequantise (rows, 16 * n_cols, w);
      for (guint i = 0; i < 16; i++)
        {
          double sum = 0;
          for (gsize k = 0; k < n_cols; k++)
            sum += (double) w[i * n_cols + k] * x[k];
          expected[i] = (float) sum;
        }
      kernels->matmul->round_row (x, n_cols, row);
      kernels->matmul->dot_rows (info->type, rows, n_cols / info->block_elements * info->block_bytes,
                                 16, n_cols, row, 0, 1, y);
      double error = relative_error (y, expected, 16);
      ck_assert_msg (error < types[type].max_rounding, "%s %s: error %g", kernels->name, info->name,
                     error);
    }
}
END_TEST

/* As ggml tests its own (tests/test-quantize-fns.cpp): waves, and an error for each of 4096 columns of
 * .02 at most, .04 for Q2_K. The table's bounds are stricter. */
START_TEST (test_products_of_rounded_waves_stay_close_to_the_exact_ones)
{
  enum { N = 4096 };
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  static float w[N], x[N];
  g_autofree guint8 *row = g_malloc (kernels->matmul->row_bytes (N));
  double exact = 0;
  for (guint i = 0; i < N; i++)
    {
      w[i] = 0.1f + 2 * cosf ((float) i);
      x[i] = 0.1f + 2 * cosf ((float) i + 1);
      exact += (double) w[i] * x[i];
    }
  kernels->matmul->round_row (x, N, row);
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    {
      const EngineTypeInfo *info = engine_type_info (types[type].type);
      gsize n_bytes = N / info->block_elements * info->block_bytes;
      g_autofree guint8 *blocks = g_malloc (n_bytes);
      float y;
      engine_quantise_weighted (info->type, w, NULL, N, blocks);
      kernels->matmul->dot_rows (info->type, blocks, n_bytes, 1, N, row, 0, 1, &y);
      double error = fabs (y - exact) / N;
      ck_assert_msg (error < types[type].max_dot, "%s %s: error %g", kernels->name, info->name,
                     error);
    }
}
END_TEST

#ifdef ENGINE_HAVE_X86
/* Whatever the bits, codes, scales and mins are those of the definition. */
START_TEST (test_fast_unpacking_gives_the_bits_of_the_definition)
{
  if (engine_kernels_by_name ("avx2") == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (12);
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    for (guint run = 0; run < 300; run++)
      {
        const EngineTypeInfo *info = engine_type_info (types[type].type);
        const EngineUnpacking *unpacking = engine_type_unpacking (info->type);
        guint n_groups = info->block_elements / unpacking->group;
        guint8 block[256];
        gint8 codes[256], expected[256];
        float scales[16], mins[16], expected_scales[16], expected_mins[16];
        for (guint i = 0; i < info->block_bytes; i++)
          block[i] = g_rand_int_range (rand, 0, 256);
        if (info->type == ENGINE_TYPE_MXFP4)
          block[0] = run % 255; /* every exponent; 255 stands for NaN and no file has it */
        engine_avx2_unpack_codes (info->type, block, codes, scales, mins);
        unpacking->block (block, expected, expected_scales, expected_mins);
        ck_assert_msg (memcmp (codes, expected, info->block_elements) == 0, "%s", info->name);
        for (guint i = 0; i < n_groups; i++)
          ck_assert_msg (
              (scales[i] == expected_scales[i] || (isnan (scales[i]) && isnan (expected_scales[i])))
                  && (mins[i] == expected_mins[i] || (isnan (mins[i]) && isnan (expected_mins[i]))),
              "%s, group %u", info->name, i);
      }
}
END_TEST
#endif

START_TEST (test_extreme_activations_do_not_overflow)
{
  const EngineKernels *kernels = kernels_or_skip (_i);
  if (kernels == NULL)
    return;
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    for (int bits = 0; bits < 256; bits += 85)
      {
        const EngineTypeInfo *info = engine_type_info (types[type].type);
        gsize n_cols = 256, n_blocks = n_cols / info->block_elements;
        g_autofree guint8 *rows = g_malloc (16 * n_blocks * info->block_bytes);
        memset (rows, bits, 16 * n_blocks * info->block_bytes);
        for (gsize i = 0; types[type].type == ENGINE_TYPE_MXFP4 && i < 16 * n_blocks; i++)
          rows[i * info->block_bytes] = 127;
        guint16 half = engine_f32_to_f16 (0.01f);
        for (gsize i = 0; i < 16 * n_blocks; i++)
          for (guint j = 0; j < 2; j++)
            if (types[type].halves[j] >= 0)
              memcpy (rows + i * info->block_bytes + types[type].halves[j], &half, 2);
        float x[256], y[16], expected[16];
        for (gsize i = 0; i < n_cols; i++)
          x[i] = 1000;
        multiply_panels (kernels->matmul, info->type, rows, n_blocks * info->block_bytes, 16, n_cols,
                        x, 1, y);
        multiply_panels (engine_kernels_by_name ("portable")->matmul, info->type, rows,
                        n_blocks * info->block_bytes, 16, n_cols, x, 1, expected);
        for (guint i = 0; i < 16; i++)
          ck_assert_msg (fabsf (y[i] - expected[i]) <= 1e-4f * fabsf (expected[i]) + 20,
                         "%s %s bits %d: %g for %g", kernels->name, info->name, bits, y[i],
                         expected[i]);
      }
}
END_TEST

START_TEST (test_vector_operations_match_the_portable_ones)
{
  const EngineKernels *k = kernels_or_skip (_i), *p = engine_kernels_by_name ("portable");
  if (k == NULL)
    return;
  g_autoptr (GRand) rand = g_rand_new_with_seed (10);
  for (gsize n = 1; n <= 70; n += 3)
    {
      g_autofree float *a = random_floats (rand, n), *b = random_floats (rand, n);
      g_autofree float *y = g_new (float, n), *expected = g_new (float, n);
#define COMPARE(limit, call)                                                                       \
  do                                                                                               \
    {                                                                                              \
      const EngineKernels *t = k;                                                                  \
      float *out = y;                                                                              \
      call;                                                                                        \
      t = p;                                                                                       \
      out = expected;                                                                              \
      call;                                                                                        \
      double error = relative_error (y, expected, n);                                              \
      ck_assert_msg (error < limit, "%s " #call " n %zu: error %g", k->name, n, error);            \
    }                                                                                              \
  while (0)
      COMPARE (2e-6, t->rms_norm (a, b, n, 1e-5f, out));
      COMPARE (2e-6, t->rms_norm (a, NULL, n, 1e-5f, out));
      COMPARE (2e-5, t->layer_norm (a, b, a, n, 1e-5f, out));
      COMPARE (1e-7, t->add (a, b, n, out));
      COMPARE (2e-6, t->silu_mul (a, b, n, out));
      COMPARE (2e-6, t->gelu_erf_mul (a, b, n, out));
      COMPARE (2e-6, t->gelu_tanh_mul (a, NULL, n, out));
      COMPARE (1e-5, (memcpy (out, a, n * sizeof (float)), t->softmax (out, n)));
      COMPARE (2e-6, (memcpy (out, a, n * sizeof (float)), t->attention->softcap (out, n, 5)));
      COMPARE (1e-6, (memcpy (out, a, n * sizeof (float)), t->axpy (0.3f, b, n, out)));
      COMPARE (1e-7, (memcpy (out, a, n * sizeof (float)), t->scale (out, n, 0.7f)));
      ck_assert_double_lt (fabs (k->dot (a, b, n) - p->dot (a, b, n)), 1e-3);
      ck_assert_float_eq (k->attention->max (a, n), p->attention->max (a, n));
    }
}
END_TEST

START_TEST (test_halves_widen_and_narrow_like_the_portable_ones)
{
  const EngineKernels *k = kernels_or_skip (_i);
  if (k == NULL)
    return;
  guint16 halves[0x7c00], narrowed[0x7c00];
  static float wide[0x7c00], expected[0x7c00];
  for (guint i = 0; i < 0x7c00; i++)
    halves[i] = i;
  k->matmul->widen (ENGINE_TYPE_F16, halves, 0x7c00, wide);
  engine_type_info (ENGINE_TYPE_F16)->dequantise (halves, 0x7c00, expected);
  ck_assert_int_eq (memcmp (wide, expected, sizeof wide), 0);
  k->matmul->widen (ENGINE_TYPE_BF16, halves, 0x7c00, expected);
  engine_type_info (ENGINE_TYPE_BF16)->dequantise (halves, 0x7c00, wide);
  ck_assert_int_eq (memcmp (wide, expected, sizeof wide), 0);
  k->matmul->widen (ENGINE_TYPE_F16, halves, 0x7c00, wide);
  k->matmul->narrow (wide, 0x7c00, narrowed);
  ck_assert_int_eq (memcmp (narrowed, halves, sizeof halves), 0);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("kernels");
  TCase *tests = tcase_create ("every instruction set");
  int n = G_N_ELEMENTS (names);
  tcase_set_timeout (tests, 120);
  tcase_add_loop_test (tests, test_panels_multiply_like_the_portable_ones, 0, n);
  tcase_add_loop_test (tests, test_rows_multiply_like_the_portable_ones, 0, n);
  tcase_add_loop_test (tests, test_products_of_few_tokens_are_those_of_one_to_the_bit, 0, n);
  tcase_add_loop_test (tests, test_rounded_products_stay_close_to_the_exact_ones, 0, n);
  tcase_add_loop_test (tests, test_products_of_rounded_waves_stay_close_to_the_exact_ones, 0, n);
  tcase_add_loop_test (tests, test_extreme_activations_do_not_overflow, 0, n);
  tcase_add_loop_test (tests, test_vector_operations_match_the_portable_ones, 0, n);
  tcase_add_loop_test (tests, test_halves_widen_and_narrow_like_the_portable_ones, 0, n);
#ifdef ENGINE_HAVE_X86
  tcase_add_test (tests, test_fast_unpacking_gives_the_bits_of_the_definition);
#endif
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed > 0;
}

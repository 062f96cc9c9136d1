/* Attention against the formula, computed plainly in double: cached and packed, with windows,
 * softcap, shared key heads and every type of cache. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "engine/kernels/kernels-private.h"

static float *
random_floats (GRand *rand, gsize n)
{
  float *values = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1);
  return values;
}

static gboolean
is_visible (const EngineAttention *a, gsize i, gsize j)
{
  if (a->causal)
    return j <= i && (a->window == 0 || i - j < a->window);
  return a->window == 0 || (i > j ? i - j : j - i) <= a->window;
}

/* out[n, n_head · head_dim] by the definition. */
static void
attend_plainly (const EngineAttention *a, const float *q, const float *k, const float *v, gsize n,
                float *out)
{
  guint group = a->n_head / a->n_head_kv, d = a->head_dim;
  g_autofree double *weights = g_new (double, n);
  for (gsize i = 0; i < n; i++)
    for (guint head = 0; head < a->n_head; head++)
      {
        double total = 0;
        for (gsize j = 0; j < n; j++)
          {
            double score = 0;
            for (guint e = 0; e < d; e++)
              score += (double) q[(i * a->n_head + head) * d + e]
                       * k[(j * a->n_head_kv + head / group) * d + e];
            score *= a->scale;
            if (a->softcap > 0)
              score = a->softcap * tanh (score / a->softcap);
            weights[j] = is_visible (a, i, j) ? exp (score) : 0;
            total += weights[j];
          }
        for (guint e = 0; e < d; e++)
          {
            double sum = 0;
            for (gsize j = 0; j < n; j++)
              sum += weights[j] * v[(j * a->n_head_kv + head / group) * d + e];
            out[(i * a->n_head + head) * d + e] = (float) (sum / total);
          }
      }
}

static double
largest_difference (const float *a, const float *b, gsize n)
{
  double largest = 0;
  for (gsize i = 0; i < n; i++)
    largest = fmax (largest, isnan (a[i]) ? INFINITY : fabs ((double) a[i] - b[i]));
  return largest;
}

static const EngineAttention shapes[] = {
  { 4, 2, 16, 0.25f, 0, 0, TRUE },    { 7, 1, 64, 0.125f, 0, 0, TRUE },
  { 3, 3, 24, 0.2f, 0, 9, TRUE },     { 4, 1, 80, 0.11f, 5, 40, TRUE },
  { 96, 1, 32, 0.18f, 0, 0, TRUE },   { 4, 4, 24, 0.2f, 0, 0, FALSE },
  { 12, 12, 32, 0.18f, 0, 0, FALSE }, { 2, 2, 16, 0.25f, 0, 12, FALSE },
};

START_TEST (test_reading_in_pieces_equals_the_formula)
{
  const EngineAttention *a = &shapes[_i];
  if (!a->causal)
    return;
  static const double limits[] = { [ENGINE_KV_F32] = 1e-5, [ENGINE_KV_F16] = 2e-3,
                                   [ENGINE_KV_Q8_0] = 3e-2 };
  static const gsize pieces[] = { 33, 1, 1, 64, 150, 1, 5 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i);
  gsize n = 255, width = a->n_head * a->head_dim, width_kv = a->n_head_kv * a->head_dim;
  g_autofree float *q = random_floats (rand, n * width), *k = random_floats (rand, n * width_kv);
  g_autofree float *v = random_floats (rand, n * width_kv), *out = g_new (float, n * width);
  g_autofree float *expected = g_new (float, n * width);
  attend_plainly (a, q, k, v, n, expected);
  EnginePool *pool = engine_pool_new (2);
  for (EngineKvType type = ENGINE_KV_F16; type <= ENGINE_KV_Q8_0; type++)
    {
      EngineKvLayer *layer
          = engine_kv_layer_new (type, a->n_head_kv, a->head_dim, 300, a->window, 150);
      gsize pos = 0;
      for (gsize i = 0; i < G_N_ELEMENTS (pieces); pos += pieces[i++])
        {
          engine_kv_layer_put (layer, pos, pieces[i], k + pos * width_kv, v + pos * width_kv);
          engine_attention (pool, a, layer, q + pos * width, pos, pieces[i], out + pos * width);
        }
      ck_assert_uint_eq (pos, n);
      double difference = largest_difference (out, expected, n * width);
      ck_assert_msg (difference < limits[type], "cache type %d: %g", type, difference);
      engine_kv_layer_free (layer);
    }
  engine_pool_free (pool);
}
END_TEST

START_TEST (test_packed_sequences_do_not_see_one_another)
{
  const EngineAttention *a = &shapes[_i];
  static const guint lengths[] = { 1, 5, 200, 64, 33 };
  gsize n = 303, width = a->n_head * a->head_dim, width_kv = a->n_head_kv * a->head_dim;
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i);
  gsize stride = width + 2 * width_kv, start = 0;
  g_autofree float *qkv = random_floats (rand, n * stride), *out = g_new (float, n * width);
  EnginePool *pool = engine_pool_new (2);
  engine_attention_packed (pool, a, lengths, G_N_ELEMENTS (lengths), qkv, qkv + width,
                           qkv + width + width_kv, stride, out, width);
  engine_pool_free (pool);
  for (gsize s = 0; s < G_N_ELEMENTS (lengths); start += lengths[s++])
    {
      gsize m = lengths[s];
      g_autofree float *q = g_new (float, m * width), *k = g_new (float, m * width_kv);
      g_autofree float *v = g_new (float, m * width_kv), *expected = g_new (float, m * width);
      for (gsize i = 0; i < m; i++)
        {
          const float *row = qkv + (start + i) * stride;
          memcpy (q + i * width, row, width * sizeof (float));
          memcpy (k + i * width_kv, row + width, width_kv * sizeof (float));
          memcpy (v + i * width_kv, row + width + width_kv, width_kv * sizeof (float));
        }
      attend_plainly (a, q, k, v, m, expected);
      double difference = largest_difference (out + start * width, expected, m * width);
      ck_assert_msg (difference < 1e-5, "sequence %zu: %g", s, difference);
    }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("attention");
  TCase *tests = tcase_create ("against the formula");
  int n = G_N_ELEMENTS (shapes);
  tcase_set_timeout (tests, 120);
  tcase_add_loop_test (tests, test_reading_in_pieces_equals_the_formula, 0, n);
  tcase_add_loop_test (tests, test_packed_sequences_do_not_see_one_another, 0, n);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed > 0;
}

/* Speed of the matrix products for the shapes of Qwen2.5 0.5B and 1.5B and of MiniLM, per type:
 * one token (bytes of weights per second) and 512 tokens (operations per second). Run by hand on an
 * idle machine: kernels_bench [THREADS]; DOCENT_ISA chooses the kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernels/kernels-private.h"

static const struct
{
  EngineType type;
  gsize n_rows, n_cols;
} shapes[] = {
  { ENGINE_TYPE_Q4_K, 8960, 1536 },  { ENGINE_TYPE_Q6_K, 1536, 8960 },
  { ENGINE_TYPE_Q4_K, 1536, 8960 },  { ENGINE_TYPE_Q4_K, 1536, 1536 },
  { ENGINE_TYPE_Q5_0, 4864, 896 },   { ENGINE_TYPE_Q8_0, 896, 896 },
  { ENGINE_TYPE_Q6_K, 896, 4864 },   { ENGINE_TYPE_Q8_0, 1536, 384 },
  { ENGINE_TYPE_Q4_1, 1536, 576 },   { ENGINE_TYPE_F32, 1536, 384 },
  { ENGINE_TYPE_Q5_1, 4864, 896 },   { ENGINE_TYPE_IQ4_NL, 4864, 896 },
  { ENGINE_TYPE_MXFP4, 4864, 896 },  { ENGINE_TYPE_Q2_K, 8960, 1536 },
  { ENGINE_TYPE_Q3_K, 8960, 1536 },  { ENGINE_TYPE_Q5_K, 8960, 1536 },
  { ENGINE_TYPE_IQ4_XS, 8960, 1536 }, { ENGINE_TYPE_F16, 4864, 896 },
  { ENGINE_TYPE_BF16, 4864, 896 },
  /* Larger than any cache. */
  { ENGINE_TYPE_Q8_0, 151936, 896 }, { ENGINE_TYPE_Q5_0, 131072, 896 },
  { ENGINE_TYPE_Q4_K, 65536, 1536 },
};

/* Best of several runs: seconds per product. */
static double
time_product (EnginePool *pool, const EngineMatrix *w, const float *x, gsize n_tokens, float *y)
{
  double best = 1e9;
  for (guint run = 0; run < 7; run++)
    {
      gint64 begin = g_get_monotonic_time ();
      guint n = 0;
      do
        {
          engine_matmul (pool, w, NULL, x, w->n_cols, n_tokens, y, w->n_rows);
          n++;
        }
      while (g_get_monotonic_time () - begin < 30000);
      best = MIN (best, (double) (g_get_monotonic_time () - begin) / 1e6 / n);
    }
  return best;
}

int
main (int argc, char **argv)
{
  EnginePool *pool = engine_pool_new (argc > 1 ? atoi (argv[1]) : (int) engine_n_processors ());
  printf ("%s, %u threads\n", engine_isa (), engine_pool_n_threads (pool));
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      const EngineTypeInfo *info = engine_type_info (shapes[i].type);
      gsize row_bytes = shapes[i].n_cols / info->block_elements * info->block_bytes;
      guint8 *data = g_malloc0 (shapes[i].n_rows * row_bytes);
      memset (data, 0x11, shapes[i].n_rows * row_bytes);
      EngineMatrix w = { shapes[i].type, shapes[i].n_rows, shapes[i].n_cols, row_bytes, data };
      float *x = g_new (float, 512 * w.n_cols), *y = g_new (float, 512 * w.n_rows);
      for (gsize j = 0; j < 512 * w.n_cols; j++)
        x[j] = (float) (j % 13) - 6;
      double one = time_product (pool, &w, x, 1, y), many = time_product (pool, &w, x, 512, y);
      printf ("%-5s %5zu x %5zu: 1 token %6.1f GB/s, 512 tokens %6.0f Gop/s\n", info->name,
              w.n_rows, w.n_cols, (double) (w.n_rows * row_bytes) / one / 1e9,
              2.0 * 512 * (double) (w.n_rows * w.n_cols) / many / 1e9);
      g_free (data);
      g_free (x);
      g_free (y);
    }
  engine_pool_free (pool);
  return 0;
}

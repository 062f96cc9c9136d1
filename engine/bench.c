/* bench: how fast this machine is, and how much of that the engine gets out of it.
 *
 * A figure in tokens per second says little by itself: the same model is fast on one machine and
 * slow on another. So the machine is measured first, the bytes that it reads from memory and the
 * products that it computes from its caches, and then the models as shares of those. In go a
 * generator, an encoder or neither; out come medians of three runs. */
#include "engine/engine.h"

#include "engine/kernels/matmul-private.h"
#include "engine/model-private.h"

#include <stdlib.h>
#include <string.h>

#define N_RUNS 3
#define PROMPT_TOKENS 512
#define DECODED_TOKENS 64

static double
now_seconds (void)
{
  return (double) g_get_monotonic_time () / 1e6;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static double
median (double values[N_RUNS])
{
  qsort (values, N_RUNS, sizeof (double), compare_doubles);
  return values[N_RUNS / 2];
}

/* ---- The machine ------------------------------------------------------------------------------- */

/* Far beyond any cache. */
#define READ_BYTES ((gsize) 256 * 1024 * 1024)
#define READ_CHUNK ((gsize) 1024 * 1024)

static void
read_chunks (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const guint64 *words = (const guint64 *) user_data + begin * READ_CHUNK / 8;
  guint64 sums[8] = { 0 };
  /* Asking ahead as the kernels do; without it the memory looks slower than they find it. */
  const gsize ahead = 4096 / 8;
  for (gsize i = 0; i < (end - begin) * READ_CHUNK / 8; i += 8)
    {
      __builtin_prefetch (words + i + ahead);
      for (guint j = 0; j < 8; j++)
        sums[j] ^= words[i + j];
    }
  volatile guint64 keep = sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6]
                          ^ sums[7];
  (void) keep;
}

static double
measure_read_gbps (EnginePool *pool)
{
  guint64 *memory = g_try_malloc (READ_BYTES);
  if (memory == NULL)
    return 0;
  memset (memory, 1, READ_BYTES);
  double best = 0;
  for (guint run = 0; run < N_RUNS; run++)
    {
      double begin = now_seconds ();
      engine_pool_run (pool, READ_BYTES / READ_CHUNK, 4, read_chunks, memory);
      best = MAX (best, (double) READ_BYTES / (now_seconds () - begin) / 1e9);
    }
  g_free (memory);
  return best;
}

/* A matrix that stays in the second cache, multiplied with a prompt: Gop/s of TYPE. */
static double
measure_product (EnginePool *pool, EngineType type)
{
  const gsize n_rows = 1024, n_cols = 1024, n_tokens = 480;
  const EngineTypeInfo *info = engine_type_info (type);
  gsize row_bytes = n_cols / info->block_elements * info->block_bytes;
  g_autofree guint8 *blocks = g_malloc0 (n_rows * row_bytes);
  g_autofree float *x = g_new (float, n_tokens * n_cols), *y = g_new (float, n_tokens * n_rows);
  for (gsize i = 0; i < n_tokens * n_cols; i++)
    x[i] = (float) (i % 17) - 8;
  EngineMatrix w = { type, n_rows, n_cols, row_bytes, blocks };
  double best = 0;
  for (guint run = 0; run <= N_RUNS; run++) /* the first warms up */
    {
      double begin = now_seconds ();
      engine_matmul (pool, &w, NULL, x, n_cols, n_tokens, y, n_rows);
      best = MAX (best, 2.0 * (double) (n_rows * n_cols * n_tokens) / (now_seconds () - begin));
    }
  return best / 1e9;
}

/* The fastest of whole-number and float products. */
static double
measure_gemm_gflops (EnginePool *pool)
{
  static const EngineType types[]
      = { ENGINE_TYPE_Q4_K, ENGINE_TYPE_Q5_0, ENGINE_TYPE_Q8_0, ENGINE_TYPE_F32 };
  double best = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    best = MAX (best, measure_product (pool, types[i]));
  return best;
}

/* ---- The models -------------------------------------------------------------------------------- */

typedef struct
{
  EngineProgressFunc func;
  gpointer user_data;
  gsize done, total;
} Progress;

static gboolean
advance (Progress *progress, GError **error)
{
  progress->done++;
  if (progress->func == NULL || progress->func (progress->done, progress->total, progress->user_data))
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED, "The measurement was stopped.");
  return FALSE;
}

/* Ordinary tokens, different from one another. */
static void
fill_tokens (const EngineModel *model, gint32 *tokens, gsize n)
{
  guint n_vocab = engine_model_info (model)->n_vocab;
  for (gsize i = 0; i < n; i++)
    tokens[i] = (gint32) ((100 + i * 7919) % n_vocab);
}

static gboolean
run_generator (EngineSession *session, const gint32 *tokens, double *ret_prefill,
               double *ret_decode, GError **error)
{
  engine_session_rewind (session, 0);
  double begin = now_seconds ();
  if (!engine_session_read (session, tokens, PROMPT_TOKENS, NULL, NULL, error))
    return FALSE;
  double read = now_seconds ();
  for (gsize i = 0; i < DECODED_TOKENS; i++)
    if (!engine_session_read (session, tokens + i, 1, NULL, NULL, error))
      return FALSE;
  *ret_prefill = PROMPT_TOKENS / (read - begin);
  *ret_decode = DECODED_TOKENS / (now_seconds () - read);
  return TRUE;
}

/* Work on each token of a prompt, and bytes read for each token written. Rows of the embedding are
 * looked up, and the output matrix, the same where it is tied, is used once per prompt but whenever
 * a token is written. */
static void
count_per_token (const EngineModel *model, double *ret_ops, double *ret_bytes)
{
  const EngineMatrix *table = &model->weights.token_embd, *output = &model->weights.output.w;
  gboolean tied = output->data == table->data;
  double n_table = (double) table->n_rows * (double) table->n_cols;
  *ret_ops = 2 * ((double) model->info.n_parameters - n_table * (tied ? 1 : 2));
  *ret_bytes = (double) model->info.weight_bytes
               - (tied ? 0 : (double) table->n_rows * (double) table->row_bytes)
               + (double) model->info.kv_bytes_per_token * (PROMPT_TOKENS + DECODED_TOKENS / 2);
}

static gboolean
measure_generator (EngineModel *model, const EngineSessionOptions *options, EngineBench *bench,
                   Progress *progress, GError **error)
{
  EngineSessionOptions own = *options;
  own.n_ctx = PROMPT_TOKENS + DECODED_TOKENS;
  g_autoptr (EngineSession) session = engine_session_new (model, &own, error);
  if (session == NULL)
    return FALSE;
  gint32 tokens[PROMPT_TOKENS];
  double prefill[N_RUNS], decode[N_RUNS];
  fill_tokens (model, tokens, PROMPT_TOKENS);
  for (guint run = 0; run < N_RUNS; run++)
    if (!run_generator (session, tokens, &prefill[run], &decode[run], error)
        || !advance (progress, error))
      return FALSE;
  bench->prefill_tps = median (prefill);
  bench->decode_tps = median (decode);
  double ops_per_token, bytes_per_token;
  count_per_token (model, &ops_per_token, &bytes_per_token);
  if (bench->read_gbps > 0)
    bench->decode_of_roofline = bench->decode_tps * bytes_per_token / (bench->read_gbps * 1e9);
  if (bench->gemm_gflops > 0)
    bench->prefill_of_peak = bench->prefill_tps * ops_per_token / (bench->gemm_gflops * 1e9);
  return TRUE;
}

#define N_TEXTS 64

/* N texts of one to five sentences. ret_n_tokens: of all of them, specials included. */
static GPtrArray *
make_passages (const EngineModel *model, guint n, gsize *ret_n_tokens)
{
  static const char *const sentence
      = "The ward must be staffed by at least two registered nurses at night, and every missed "
        "break is written into the shift log with its reason before seven in the morning. ";
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  *ret_n_tokens = 0;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      for (guint j = 0; j <= i % 5; j++)
        g_string_append (text, sentence);
      *ret_n_tokens += engine_count_tokens (model, text->str, text->len) + 2;
      g_ptr_array_add (texts, g_strdup (text->str));
    }
  return texts;
}

static gboolean
time_passages (EngineEncoder *encoder, const GPtrArray *texts, gsize n_tokens, double *ret_tps,
               GError **error)
{
  g_autofree float *vectors = g_new (float, texts->len * engine_encoder_dimension (encoder));
  double begin = now_seconds ();
  if (!engine_encode (encoder, ENGINE_TEXT_PASSAGE, (const char *const *) texts->pdata, texts->len,
                      vectors, NULL, error))
    return FALSE;
  *ret_tps = (double) n_tokens / (now_seconds () - begin);
  return TRUE;
}

static gboolean
measure_encoder (EngineModel *model, EngineBench *bench, Progress *progress, GError **error)
{
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, bench->n_threads, error);
  if (encoder == NULL)
    return FALSE;
  gsize n_tokens;
  g_autoptr (GPtrArray) texts = make_passages (model, N_TEXTS, &n_tokens);
  double rates[N_RUNS];
  for (guint run = 0; run < N_RUNS; run++)
    if (!time_passages (encoder, texts, n_tokens, &rates[run], error) || !advance (progress, error))
      return FALSE;
  bench->encode_tps = median (rates);
  return TRUE;
}

gboolean
engine_bench (EngineModel *generator, EngineModel *encoder, const EngineSessionOptions *options,
              EngineProgressFunc progress_func, gpointer user_data, EngineBench *ret_bench,
              GError **error)
{
  EngineBench bench
      = { .n_threads = options->n_threads > 0 ? options->n_threads : engine_n_processors () };
  Progress progress = { progress_func, user_data, 0,
                        1 + (generator != NULL ? N_RUNS : 0) + (encoder != NULL ? N_RUNS : 0) };
  if (!engine_kernels_check (error))
    return FALSE;
  EnginePool *pool = engine_pool_new (bench.n_threads);
  bench.read_gbps = measure_read_gbps (pool);
  bench.gemm_gflops = measure_gemm_gflops (pool);
  engine_pool_free (pool);
  if (!advance (&progress, error)
      || (generator != NULL && !measure_generator (generator, options, &bench, &progress, error))
      || (encoder != NULL && !measure_encoder (encoder, &bench, &progress, error)))
    return FALSE;
  *ret_bench = bench;
  return TRUE;
}

/* Reading a prompt is products and little else: what they take here, for the weights that every
 * token meets. */
gboolean
engine_estimate_prefill (EngineModel *generator, guint n_threads, double *ret_tps, GError **error)
{
  const EngineModelInfo *info = engine_model_info (generator);
  if (info->role != ENGINE_ROLE_GENERATOR)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "“%s” is not a generator, so it reads no prompts.", info->path);
      return FALSE;
    }
  EnginePool *pool = engine_pool_new (n_threads > 0 ? n_threads : engine_n_processors ());
  double gops = measure_product (pool, ENGINE_TYPE_Q4_K);
  engine_pool_free (pool);
  /* A looked-up row per token costs nothing, and the output matrix is used once per prompt. */
  double table = (double) info->n_vocab * info->n_embd;
  double weights = (double) info->n_parameters - MIN (table, (double) info->n_parameters / 2);
  /* Measured: attention, norms and the slower types take about a quarter of the time. */
  *ret_tps = 0.75 * gops * 1e9 / (2 * weights);
  return TRUE;
}

/* One batch as documents give it, after one text that brings the weights into memory. */
gboolean
engine_estimate_encode (EngineModel *model, guint n_threads, double *ret_tps, GError **error)
{
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, n_threads, error);
  if (encoder == NULL)
    return FALSE;
  gsize n_warm, n_tokens;
  double ignored;
  g_autoptr (GPtrArray) warm = make_passages (model, 1, &n_warm);
  g_autoptr (GPtrArray) texts = make_passages (model, N_TEXTS / 4, &n_tokens);
  return time_passages (encoder, warm, n_warm, &ignored, error)
         && time_passages (encoder, texts, n_tokens, ret_tps, error);
}

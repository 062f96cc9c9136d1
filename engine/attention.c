/* attention: each token looks at those before it, or in an encoder at all of its text.
 *
 * In go rotated queries and the keys and values of a layer, out come weighted means of the values.
 * Keys are taken 128 at a time, in the order of the cache: scores, a running maximum and a running
 * sum per query (online softmax, Milakov & Gimelshein 2018; Dao et al. 2022), so that no matrix of
 * scores is ever kept. Queries of all heads that share a key head, and of several tokens, are rows
 * of one small matrix product, which is why a key is widened once for dozens of queries. */
#include "engine/kernels/kv-private.h"

#include <math.h>
#include <string.h>

#define BLOCK ENGINE_KV_BLOCK
#define SPAN_BLOCKS 4
#define SPAN (SPAN_BLOCKS * BLOCK) /* keys at a time: with 64 dimensions 64 kB as floats */
#define MAX_ROWS 64                /* query rows of one work item */

/* Floats between rows of values: whole registers of the widest kernel. */
static gsize
value_stride (guint head_dim)
{
  return (head_dim + 31) / 32 * 32;
}

/* Scratch of one thread: what one work item needs. */
typedef struct
{
  float *queries; /* [MAX_ROWS][head_dim], scaled */
  float *sums;    /* [MAX_ROWS][stride], Σ weight · value */
  float *keys;    /* [SPAN_BLOCKS][head_dim][32] */
  float *values;  /* [SPAN][stride] */
  float *scores;  /* [MAX_ROWS][SPAN] */
  float *largest, *weights; /* [MAX_ROWS] running maximum and Σ weight */
  gsize *begin, *end;       /* [MAX_ROWS] keys that the row sees */
} Scratch;

static gsize
scratch_floats (guint head_dim)
{
  gsize stride = value_stride (head_dim);
  return MAX_ROWS * (head_dim + stride) + SPAN * (head_dim + stride) + MAX_ROWS * SPAN
         + 2 * MAX_ROWS + 2 * MAX_ROWS * sizeof (gsize) / sizeof (float);
}

static Scratch
scratch_at (float *memory, guint head_dim)
{
  gsize stride = value_stride (head_dim);
  Scratch scratch;
  scratch.values = memory;
  scratch.sums = scratch.values + SPAN * stride;
  scratch.scores = scratch.sums + MAX_ROWS * stride;
  scratch.keys = scratch.scores + MAX_ROWS * SPAN;
  scratch.largest = scratch.keys + SPAN * head_dim;
  scratch.weights = scratch.largest + MAX_ROWS;
  scratch.begin = (gsize *) (scratch.weights + MAX_ROWS);
  scratch.end = scratch.begin + MAX_ROWS;
  scratch.queries = (float *) (scratch.end + MAX_ROWS);
  return scratch;
}

/* Keys [*ret_begin, *ret_end) that the query at position I of N sees. */
static void
visible_keys (const EngineAttention *attention, gsize i, gsize n, gsize *ret_begin, gsize *ret_end)
{
  gsize window = attention->window;
  if (attention->causal)
    {
      *ret_begin = window > 0 && i + 1 > window ? i + 1 - window : 0;
      *ret_end = i + 1;
    }
  else
    {
      *ret_begin = window > 0 && i > window ? i - window : 0;
      *ret_end = window > 0 ? MIN (n, i + window + 1) : n;
    }
}

static void
begin_rows (const EngineAttention *attention, Scratch *scratch, guint n_rows)
{
  engine_kernels ()->scale (scratch->queries, (gsize) n_rows * attention->head_dim,
                            attention->scale);
  memset (scratch->sums, 0, n_rows * value_stride (attention->head_dim) * sizeof (float));
  for (guint row = 0; row < n_rows; row++)
    {
      scratch->largest[row] = -INFINITY;
      scratch->weights[row] = 0;
    }
}

/* scores[n_rows][SPAN] for the blocks of keys in scratch. */
static void
score_span (const EngineAttention *attention, Scratch *scratch, guint n_rows, guint n_blocks)
{
  const struct EngineMatmulKernels *kernels = engine_kernels ()->matmul;
  guint head_dim = attention->head_dim;
  for (guint block = 0; block < n_blocks; block++)
    for (guint lane = 0; lane < BLOCK; lane += kernels->float_rows)
      for (guint row = 0; row < n_rows; row += kernels->float_tokens)
        kernels->float_multiply (scratch->keys + (gsize) block * head_dim * BLOCK + lane, BLOCK,
                                 head_dim, scratch->queries + (gsize) row * head_dim, head_dim,
                                 MIN (kernels->float_tokens, n_rows - row), FALSE,
                                 scratch->scores + row * SPAN + block * BLOCK + lane, SPAN);
}

/* Turns the scores of one row into weights and lets what was summed before shrink with the new
 * maximum. FIRST: position of the span's first key. */
static void
weigh_row (const EngineAttention *attention, Scratch *scratch, guint row, gsize first, guint n)
{
  const struct EngineAttentionKernels *kernels = engine_kernels ()->attention;
  float *scores = scratch->scores + row * SPAN;
  gsize begin = CLAMP (scratch->begin[row], first, first + n) - first;
  gsize end = CLAMP (scratch->end[row], first, first + n) - first;
  if (begin >= end)
    {
      memset (scores, 0, n * sizeof (float));
      return;
    }
  if (attention->softcap > 0)
    kernels->softcap (scores + begin, end - begin, attention->softcap);
  float largest = fmaxf (scratch->largest[row], kernels->max (scores + begin, end - begin));
  float shrink = expf (scratch->largest[row] - largest);
  if (shrink != 1)
    engine_kernels ()->scale (scratch->sums + row * value_stride (attention->head_dim),
                              attention->head_dim, shrink);
  memset (scores, 0, begin * sizeof (float));
  memset (scores + end, 0, (n - end) * sizeof (float));
  scratch->weights[row] = scratch->weights[row] * shrink
                          + kernels->exp_sum (scores + begin, end - begin, largest);
  scratch->largest[row] = largest;
}

/* The span's keys and values stand in scratch: adds them to all rows. */
static void
add_span (const EngineAttention *attention, Scratch *scratch, guint n_rows, gsize first,
          guint n_blocks)
{
  const struct EngineMatmulKernels *kernels = engine_kernels ()->matmul;
  gsize stride = value_stride (attention->head_dim);
  score_span (attention, scratch, n_rows, n_blocks);
  for (guint row = 0; row < n_rows; row++)
    weigh_row (attention, scratch, row, first, n_blocks * BLOCK);
  for (guint d = 0; d < attention->head_dim; d += kernels->float_rows)
    for (guint row = 0; row < n_rows; row += kernels->float_tokens)
      kernels->float_multiply (scratch->values + d, stride, n_blocks * BLOCK,
                               scratch->scores + row * SPAN, SPAN,
                               MIN (kernels->float_tokens, n_rows - row), TRUE,
                               scratch->sums + row * stride + d, stride);
}

/* out = Σ weight · value / Σ weight */
static void
write_row (const EngineAttention *attention, const Scratch *scratch, guint row, float *out)
{
  const float *sums = scratch->sums + row * value_stride (attention->head_dim);
  float factor = 1 / scratch->weights[row];
  for (guint d = 0; d < attention->head_dim; d++)
    out[d] = sums[d] * factor;
}

/* ---- Decoder: over the cache ------------------------------------------------------------------- */

typedef struct
{
  EnginePool *pool;
  const EngineAttention *attention;
  const EngineKvLayer *layer;
  const float *q;
  float *out;
  gsize pos, n_tokens;
} Cached;

/* Rows of one key head are the queries that share it, of all tokens: token after token. Where row
 * ROW stands in q and out. */
static gsize
query_index (const EngineAttention *attention, guint head_kv, gsize row)
{
  guint group = attention->n_head / attention->n_head_kv;
  gsize token = row / group, head = head_kv * group + row % group;
  return (token * attention->n_head + head) * attention->head_dim;
}

static void
attend_cached_rows (const Cached *work, guint head_kv, gsize first_row, guint n_rows,
                    Scratch *scratch)
{
  const EngineAttention *attention = work->attention;
  guint group = attention->n_head / attention->n_head_kv, head_dim = attention->head_dim;
  gsize n_keys = work->pos + work->n_tokens, begin = n_keys, end = 0;
  for (guint row = 0; row < n_rows; row++)
    {
      memcpy (scratch->queries + (gsize) row * head_dim,
              work->q + query_index (attention, head_kv, first_row + row),
              head_dim * sizeof (float));
      visible_keys (attention, work->pos + (first_row + row) / group, n_keys, &scratch->begin[row],
                    &scratch->end[row]);
      begin = MIN (begin, scratch->begin[row]);
      end = MAX (end, scratch->end[row]);
    }
  begin_rows (attention, scratch, n_rows);
  for (gsize first = begin / BLOCK * BLOCK; first < end; first += SPAN)
    {
      guint n_blocks = MIN (SPAN_BLOCKS, (end - first + BLOCK - 1) / BLOCK);
      for (guint block = 0; block < n_blocks; block++)
        {
          engine_kv_read_keys (work->layer, head_kv, first + block * BLOCK,
                               scratch->keys + (gsize) block * head_dim * BLOCK);
          engine_kv_read_values (work->layer, head_kv, first + block * BLOCK,
                                 scratch->values + block * BLOCK * value_stride (head_dim),
                                 value_stride (head_dim));
        }
      add_span (attention, scratch, n_rows, first, n_blocks);
    }
  for (guint row = 0; row < n_rows; row++)
    write_row (attention, scratch, row,
               work->out + query_index (attention, head_kv, first_row + row));
}

/* Columns beyond head_dim of values are read and thrown away: they only must not be NaN. */
static Scratch
clean_scratch (EnginePool *pool, guint thread, guint head_dim)
{
  gsize n_bytes = scratch_floats (head_dim) * sizeof (float);
  Scratch scratch = scratch_at (engine_pool_scratch (pool, thread, n_bytes), head_dim);
  if (value_stride (head_dim) != head_dim)
    memset (scratch.values, 0, SPAN * value_stride (head_dim) * sizeof (float));
  return scratch;
}

static void
attend_cached (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Cached *work = user_data;
  const EngineAttention *attention = work->attention;
  Scratch scratch = clean_scratch (work->pool, thread, attention->head_dim);
  gsize n_rows = work->n_tokens * (attention->n_head / attention->n_head_kv);
  for (gsize item = begin; item < end; item++)
    {
      gsize first_row = item / attention->n_head_kv * MAX_ROWS;
      attend_cached_rows (work, item % attention->n_head_kv, first_row,
                          MIN (MAX_ROWS, n_rows - first_row), &scratch);
    }
}

void
engine_attention (EnginePool *pool, const EngineAttention *attention, const EngineKvLayer *layer,
                  const float *q, gsize pos, gsize n_tokens, float *out)
{
  Cached work = { pool, attention, layer, q, out, pos, n_tokens };
  gsize n_rows = n_tokens * (attention->n_head / attention->n_head_kv);
  gsize n_tiles = (n_rows + MAX_ROWS - 1) / MAX_ROWS;
  engine_pool_run (pool, n_tiles * attention->n_head_kv, 1, attend_cached, &work);
}

/* ---- Encoder: packed sequences ----------------------------------------------------------------- */

typedef struct
{
  EnginePool *pool;
  const EngineAttention *attention;
  const guint *lengths;
  gsize n_sequences;
  const float *q, *k, *v;
  gsize qkv_stride, out_stride;
  float *out;
} Packed;

/* Up to SPAN keys and values of one head from rows of K and V; missing keys become zero. */
static void
gather_span (const Packed *work, guint head_kv, gsize row, gsize n, Scratch *scratch)
{
  guint head_dim = work->attention->head_dim;
  gsize column = (gsize) head_kv * head_dim, stride = value_stride (head_dim);
  gsize n_blocks = (n + BLOCK - 1) / BLOCK;
  for (gsize key = 0; key < n_blocks * BLOCK; key++)
    {
      float *to = scratch->keys + key / BLOCK * head_dim * BLOCK + key % BLOCK;
      float *value = scratch->values + key * stride;
      const float *from = work->k + (row + key) * work->qkv_stride + column;
      if (key >= n)
        {
          for (guint d = 0; d < head_dim; d++)
            to[(gsize) d * BLOCK] = value[d] = 0;
          continue;
        }
      for (guint d = 0; d < head_dim; d++)
        to[(gsize) d * BLOCK] = from[d];
      memcpy (value, work->v + (row + key) * work->qkv_stride + column,
              head_dim * sizeof (float));
    }
}

/* Queries [first, first + n_rows) of one head in the sequence whose tokens begin at row START. */
static void
attend_packed_rows (const Packed *work, guint head, gsize start, gsize length, gsize first,
                    guint n_rows, Scratch *scratch)
{
  const EngineAttention *attention = work->attention;
  guint head_dim = attention->head_dim;
  guint head_kv = head / (attention->n_head / attention->n_head_kv);
  gsize column = (gsize) head * head_dim, begin = length, end = 0;
  for (guint row = 0; row < n_rows; row++)
    {
      memcpy (scratch->queries + (gsize) row * head_dim,
              work->q + (start + first + row) * work->qkv_stride + column,
              head_dim * sizeof (float));
      visible_keys (attention, first + row, length, &scratch->begin[row], &scratch->end[row]);
      begin = MIN (begin, scratch->begin[row]);
      end = MAX (end, scratch->end[row]);
    }
  begin_rows (attention, scratch, n_rows);
  for (gsize key = begin / BLOCK * BLOCK; key < end; key += SPAN)
    {
      gsize n = MIN (SPAN, end - key);
      gather_span (work, head_kv, start + key, n, scratch);
      add_span (attention, scratch, n_rows, key, (n + BLOCK - 1) / BLOCK);
    }
  for (guint row = 0; row < n_rows; row++)
    write_row (attention, scratch, row,
               work->out + (start + first + row) * work->out_stride + column);
}

/* One item is one head of one sequence. */
static void
attend_packed (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Packed *work = user_data;
  guint n_head = work->attention->n_head;
  Scratch scratch = clean_scratch (work->pool, thread, work->attention->head_dim);
  gsize start = 0, sequence = 0;
  for (gsize item = begin; item < end; item++)
    {
      for (; sequence < item / n_head; sequence++)
        start += work->lengths[sequence];
      gsize length = work->lengths[sequence];
      for (gsize first = 0; first < length; first += MAX_ROWS)
        attend_packed_rows (work, item % n_head, start, length, first,
                            MIN (MAX_ROWS, length - first), &scratch);
    }
}

void
engine_attention_packed (EnginePool *pool, const EngineAttention *attention, const guint *lengths,
                         gsize n_sequences, const float *q, const float *k, const float *v,
                         gsize qkv_stride, float *out, gsize out_stride)
{
  Packed work = { pool, attention, lengths, n_sequences, q, k, v, qkv_stride, out_stride, out };
  engine_pool_run (pool, n_sequences * attention->n_head, 1, attend_packed, &work);
}

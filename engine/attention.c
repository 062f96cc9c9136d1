/* attention: each token gathers from the tokens it may see.
 *
 * In go queries, and keys and values from the cache of a decoder or from the packed sequences of an
 * encoder; out comes, for each query, the mean of the visible values weighted by softmax (q·k). All
 * queries that share a key head, whichever token and head they belong to, are rows of one small
 * matrix product with a step of keys, and of another with their values, so that a key is read and
 * widened once for many queries. Softmax is computed online (Milakov and Gimelshein 2018;
 * FlashAttention, Dao et al. 2022): a running maximum and sum per row, and what was summed before
 * is scaled down when the maximum grows; no more than one step of scores exists at a time. */
#include "engine/kernels/kv-private.h"

#include <math.h>
#include <string.h>

/* Keys that are widened at a time, and rows whose scores against them fit into the first cache. */
#define STEP 128
#define TILE_ROWS 48
/* Rows of one item of work: enough to pay for the widening, few enough to share out. */
#define CACHED_ITEM_ROWS 192
#define PACKED_ITEM_ROWS 480

/* Where keys and values come from: LAYER, or rows K and V of a packed sequence. */
typedef struct
{
  const EngineKvLayer *layer;
  const float *k, *v;
  gsize stride;
  gsize n_keys;
} Source;

/* All queries of one sequence (or of one call of engine_attention). Row r of a key head is head
 * r % group of token r / group. */
typedef struct
{
  const EngineAttention *attention;
  Source source;
  const float *q;
  float *out;
  gsize q_stride, out_stride;
  gsize pos, n_tokens;
} Queries;

/* One item at work: rows [first_row, first_row + n_rows) of one key head. */
typedef struct
{
  const Queries *queries;
  const EngineKernels *kernels;
  guint head_kv, group;
  gsize head_dim, width; /* width: head_dim rounded up to whole registers */
  gsize first_row, n_rows;
  float *q;             /* [n_rows][head_dim], scaled */
  float *sums, *maxima; /* [n_rows] of exp (score - maximum) */
  float *out;           /* [n_rows][width], not yet divided by sums */
  float *keys;          /* [STEP / 32][head_dim][32] */
  float *values;        /* [STEP][width] */
  float *scores;        /* [TILE_ROWS][STEP] */
} Item;

static gsize row_width (guint head_dim)
{
  guint step = engine_kernels ()->matmul->float_rows;
  return ((gsize)head_dim + step - 1) / step * step;
}

static gsize item_floats (guint head_dim, gsize n_rows)
{
  gsize width = row_width (head_dim);
  return n_rows * (head_dim + 2 + width) + STEP * (head_dim + width) + TILE_ROWS * STEP + 64;
}

/* Lays the item's arrays out in SCRATCH and copies its queries. */
static void prepare_item (Item *item, float *scratch)
{
  const Queries *queries = item->queries;
  const EngineAttention *attention = queries->attention;
  item->kernels = engine_kernels ();
  item->group = attention->n_head / attention->n_head_kv;
  item->head_dim = attention->head_dim;
  item->width = row_width (attention->head_dim);
  item->keys = scratch;
  item->values = item->keys + STEP * item->head_dim;
  item->scores = item->values + STEP * item->width;
  item->out = item->scores + TILE_ROWS * STEP;
  item->q = item->out + item->n_rows * item->width;
  item->sums = item->q + item->n_rows * item->head_dim;
  item->maxima = item->sums + item->n_rows;
  memset (item->out, 0, item->n_rows * item->width * sizeof (float));
  memset (item->values, 0, STEP * item->width * sizeof (float));
  for (gsize i = 0; i < item->n_rows; i++)
    {
      gsize row = item->first_row + i, head = item->head_kv * item->group + row % item->group;
      const float *from
          = queries->q + row / item->group * queries->q_stride + head * item->head_dim;
      for (gsize d = 0; d < item->head_dim; d++)
        item->q[i * item->head_dim + d] = from[d] * attention->scale;
      item->sums[i] = 0;
      item->maxima[i] = -INFINITY;
    }
}

/* Keys [*ret_begin, *ret_end) are visible to the token of ROW. */
static void visible_keys (const Item *item, gsize row, gsize *ret_begin, gsize *ret_end)
{
  const EngineAttention *attention = item->queries->attention;
  gsize pos = item->queries->pos + (item->first_row + row) / item->group;
  gsize window = attention->window, n_keys = item->queries->source.n_keys;
  gsize back = window > 0 ? window - (attention->causal ? 1 : 0) : pos;
  *ret_begin = pos > back ? pos - back : 0;
  if (attention->causal)
    *ret_end = pos + 1;
  else
    *ret_end = window > 0 ? MIN (n_keys, pos + window + 1) : n_keys;
}

/* Widens keys and values [begin, begin + n), n ≤ STEP. */
static void load_cached (const Item *item, gsize begin, gsize n)
{
  const EngineKvLayer *layer = item->queries->source.layer;
  for (gsize i = 0; i < n; i += ENGINE_KV_BLOCK)
    {
      engine_kv_read_keys (layer, item->head_kv, begin + i, item->keys + i * item->head_dim);
      engine_kv_read_values (layer, item->head_kv, begin + i, item->values + i * item->width,
                             item->width);
    }
}

static void load_packed (const Item *item, gsize begin, gsize n)
{
  const Source *source = &item->queries->source;
  gsize offset = begin * source->stride + item->head_kv * item->head_dim;
  gsize block_floats = item->head_dim * ENGINE_KV_BLOCK;
  /* Lanes of absent keys are computed and never looked at, but they should not hold NaN. */
  if (n % ENGINE_KV_BLOCK != 0)
    memset (item->keys + n / ENGINE_KV_BLOCK * block_floats, 0, block_floats * sizeof (float));
  for (gsize i = 0; i < n; i++)
    {
      const float *k = source->k + offset + i * source->stride;
      float *to = item->keys + i / ENGINE_KV_BLOCK * block_floats + i % ENGINE_KV_BLOCK;
      for (gsize d = 0; d < item->head_dim; d++)
        to[d * ENGINE_KV_BLOCK] = k[d];
      memcpy (item->values + i * item->width, source->v + offset + i * source->stride,
              item->head_dim * sizeof (float));
    }
}

/* scores[n_rows, n] = q · keysᵀ for rows from ROW on */
static void compute_scores (const Item *item, gsize row, gsize n_rows, gsize n)
{
  const struct EngineMatmulKernels *kernels = item->kernels->matmul;
  for (gsize key = 0; key < n; key += kernels->float_rows)
    {
      const float *panel = item->keys + key / ENGINE_KV_BLOCK * item->head_dim * ENGINE_KV_BLOCK
                           + key % ENGINE_KV_BLOCK;
      for (gsize i = 0; i < n_rows; i += kernels->float_tokens)
        kernels->float_multiply (panel, ENGINE_KV_BLOCK, item->head_dim,
                                 item->q + (row + i) * item->head_dim, item->head_dim,
                                 MIN (kernels->float_tokens, n_rows - i), FALSE,
                                 item->scores + i * STEP + key, STEP);
    }
}

/* Turns the scores of one row against keys [begin, begin + n) into weights, 0 where a key is not
 * visible, and scales down what the row has summed so far. */
static void weigh_row (const Item *item, gsize row, gsize begin, gsize n, float *scores)
{
  const EngineAttention *attention = item->queries->attention;
  const struct EngineAttentionKernels *kernels = item->kernels->attention;
  gsize from, to;
  visible_keys (item, row, &from, &to);
  from = MAX (from, begin) - begin;
  to = MIN (MAX (to, begin) - begin, n);
  if (from >= to)
    {
      memset (scores, 0, n * sizeof (float));
      return;
    }
  if (attention->softcap > 0)
    kernels->softcap (scores + from, to - from, attention->softcap);
  float maximum = MAX (item->maxima[row], kernels->max (scores + from, to - from));
  /* -∞ - -∞ would be NaN; it happens only when all scores are -∞ or NaN. */
  if (maximum > item->maxima[row] && item->sums[row] > 0)
    {
      float factor = expf (item->maxima[row] - maximum);
      item->sums[row] *= factor;
      item->kernels->scale (item->out + row * item->width, item->width, factor);
    }
  item->maxima[row] = maximum;
  item->sums[row] += kernels->exp_sum (scores + from, to - from, maximum);
  memset (scores, 0, from * sizeof (float));
  memset (scores + to, 0, (n - to) * sizeof (float));
}

/* out[n_rows, width] += scores[n_rows, n] · values[n, width] */
static void add_values (const Item *item, gsize row, gsize n_rows, gsize n)
{
  const struct EngineMatmulKernels *kernels = item->kernels->matmul;
  for (gsize d = 0; d < item->width; d += kernels->float_rows)
    for (gsize i = 0; i < n_rows; i += kernels->float_tokens)
      kernels->float_multiply (item->values + d, item->width, n, item->scores + i * STEP, STEP,
                               MIN (kernels->float_tokens, n_rows - i), TRUE,
                               item->out + (row + i) * item->width + d, item->width);
}

/* One step of keys for the rows of the item that see any of them. */
static void attend_step (const Item *item, gsize begin, gsize n)
{
  for (gsize row = 0; row < item->n_rows; row += TILE_ROWS)
    {
      gsize n_rows = MIN (TILE_ROWS, item->n_rows - row);
      gsize from, to, ignored;
      visible_keys (item, row, &from, &ignored);
      visible_keys (item, row + n_rows - 1, &ignored, &to);
      if (to <= begin || from >= begin + n)
        continue;
      gsize n_seen = MIN (n, to - begin);
      compute_scores (item, row, n_rows, n_seen);
      for (gsize i = 0; i < n_rows; i++)
        weigh_row (item, row + i, begin, n_seen, item->scores + i * STEP);
      add_values (item, row, n_rows, n_seen);
    }
}

static void write_out (const Item *item)
{
  const Queries *queries = item->queries;
  for (gsize i = 0; i < item->n_rows; i++)
    {
      gsize row = item->first_row + i, head = item->head_kv * item->group + row % item->group;
      float *to = queries->out + row / item->group * queries->out_stride + head * item->head_dim;
      float factor = 1 / item->sums[i];
      for (gsize d = 0; d < item->head_dim; d++)
        to[d] = item->out[i * item->width + d] * factor;
    }
}

static void attend (Item *item, float *scratch)
{
  prepare_item (item, scratch);
  gsize begin, end, ignored;
  visible_keys (item, 0, &begin, &ignored);
  visible_keys (item, item->n_rows - 1, &ignored, &end);
  begin -= begin % ENGINE_KV_BLOCK;
  /* Steps end where they would for any other query, so that the company does not change a sum. */
  for (gsize n; begin < end; begin += n)
    {
      n = MIN (STEP - begin % STEP, end - begin);
      if (item->queries->source.layer != NULL)
        load_cached (item, begin, n);
      else
        load_packed (item, begin, n);
      attend_step (item, begin, n);
    }
  write_out (item);
}

/* ---- Entry points ------------------------------------------------------------------------------
 */

/* Rows of a key head are cut into parts of ITEM_ROWS; items count heads, then parts. */
typedef struct
{
  EnginePool *pool;
  Queries queries;
  gsize item_rows, n_parts;
} Cached;

static void attend_cached (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Cached *cached = user_data;
  const EngineAttention *attention = cached->queries.attention;
  gsize n_rows = cached->queries.n_tokens * (attention->n_head / attention->n_head_kv);
  gsize n_bytes = item_floats (attention->head_dim, cached->item_rows) * sizeof (float);
  float *scratch = engine_pool_scratch (cached->pool, thread, n_bytes);
  for (gsize i = begin; i < end; i++)
    {
      Item item = { .queries = &cached->queries, .head_kv = i % attention->n_head_kv };
      /* The last rows see most keys: they go first, so that the short items fill the gaps. */
      gsize part = cached->n_parts - 1 - i / attention->n_head_kv;
      item.first_row = part * cached->item_rows;
      item.n_rows = MIN (cached->item_rows, n_rows - item.first_row);
      attend (&item, scratch);
    }
}

void engine_attention (EnginePool *pool, const EngineAttention *attention,
                       const EngineKvLayer *layer, const float *q, gsize pos, gsize n_tokens,
                       float *out)
{
  gsize width = (gsize)attention->n_head * attention->head_dim;
  Cached cached = { .pool = pool };
  cached.queries = (Queries){ .attention = attention,
                              .source = { .layer = layer, .n_keys = pos + n_tokens },
                              .q = q,
                              .out = out,
                              .q_stride = width,
                              .out_stride = width,
                              .pos = pos,
                              .n_tokens = n_tokens };
  gsize n_rows = n_tokens * (attention->n_head / attention->n_head_kv);
  gsize n_threads = engine_pool_n_threads (pool);
  gsize fair = (n_rows * attention->n_head_kv + n_threads - 1) / n_threads;
  cached.item_rows = CLAMP (fair, 1, MIN (CACHED_ITEM_ROWS, MAX (n_rows, 1)));
  cached.n_parts = (n_rows + cached.item_rows - 1) / cached.item_rows;
  engine_pool_run (pool, cached.n_parts * attention->n_head_kv, 1, attend_cached, &cached);
}

/* Items count sequences, then key heads, then parts of long sequences. */
typedef struct
{
  EnginePool *pool;
  Queries queries; /* of the first sequence; pointers move on with FIRST_TOKENS */
  const guint *lengths;
  const gsize *first_tokens, *first_items; /* first_items has one more: the number of items */
  gsize n_sequences;
} Packed;

static gsize count_parts (const EngineAttention *attention, gsize length)
{
  gsize n_rows = length * (attention->n_head / attention->n_head_kv);
  return (n_rows + PACKED_ITEM_ROWS - 1) / PACKED_ITEM_ROWS;
}

/* The last sequence whose first item is not after I. */
static gsize find_sequence (const Packed *packed, gsize i)
{
  gsize low = 0, high = packed->n_sequences;
  while (high - low > 1)
    {
      gsize middle = (low + high) / 2;
      if (packed->first_items[middle] <= i)
        low = middle;
      else
        high = middle;
    }
  return low;
}

static void attend_packed (gsize begin, gsize end, guint thread, gpointer user_data)
{
  const Packed *packed = user_data;
  const EngineAttention *attention = packed->queries.attention;
  gsize n_bytes = item_floats (attention->head_dim, PACKED_ITEM_ROWS) * sizeof (float);
  float *scratch = engine_pool_scratch (packed->pool, thread, n_bytes);
  for (gsize i = begin; i < end; i++)
    {
      gsize sequence = find_sequence (packed, i), first = packed->first_tokens[sequence];
      Queries queries = packed->queries;
      queries.n_tokens = queries.source.n_keys = packed->lengths[sequence];
      queries.q += first * queries.q_stride;
      queries.source.k += first * queries.source.stride;
      queries.source.v += first * queries.source.stride;
      queries.out += first * queries.out_stride;
      gsize n_rows = queries.n_tokens * (attention->n_head / attention->n_head_kv);
      gsize index = i - packed->first_items[sequence];
      Item item = { .queries = &queries, .head_kv = index % attention->n_head_kv };
      item.first_row = index / attention->n_head_kv * PACKED_ITEM_ROWS;
      item.n_rows = MIN (PACKED_ITEM_ROWS, n_rows - item.first_row);
      attend (&item, scratch);
    }
}

void engine_attention_packed (EnginePool *pool, const EngineAttention *attention,
                              const guint *lengths, gsize n_sequences, const float *q,
                              const float *k, const float *v, gsize qkv_stride, float *out,
                              gsize out_stride)
{
  g_autofree gsize *first_tokens = g_new (gsize, n_sequences + 1);
  g_autofree gsize *first_items = g_new (gsize, n_sequences + 1);
  first_tokens[0] = first_items[0] = 0;
  for (gsize i = 0; i < n_sequences; i++)
    {
      first_tokens[i + 1] = first_tokens[i] + lengths[i];
      first_items[i + 1]
          = first_items[i] + count_parts (attention, lengths[i]) * attention->n_head_kv;
    }
  Packed packed = { .pool = pool,
                    .lengths = lengths,
                    .first_tokens = first_tokens,
                    .first_items = first_items,
                    .n_sequences = n_sequences };
  packed.queries = (Queries){ .attention = attention,
                              .source = { .k = k, .v = v, .stride = qkv_stride },
                              .q = q,
                              .out = out,
                              .q_stride = qkv_stride,
                              .out_stride = out_stride };
  engine_pool_run (pool, first_items[n_sequences], 1, attend_packed, &packed);
}

/* Finds the chunks whose vectors point where the question's vector points.
 *
 * A question's vector comes in, the chunks with the highest cosine go out, exactly: every vector is
 * compared, after the filter, never before it. Vectors lie in two blocks: those of the FAISS file,
 * and those that came later, read from the rows. When the file is missing or damaged everything
 * simply came later. Large libraries keep codes instead of floats (dense-codes.c); of those the best,
 * and more than asked for, are scored again by their rows.
 *
 * While the FAISS index is Flat its matrix is scanned here: Debian builds FAISS for the oldest
 * x86-64 and its scan of 100,000 × 384 takes 33–44 ms against 8.5 ms for the loop below, and the C
 * API of 1.7.3 has no way to pass a filter to a search. */
#include "index/dense-private.h"

#include <math.h>
#include <string.h>

/* Beyond what is asked for: so many candidates by codes are scored by their rows, at least … */
#define EXTRA_CODES 50
/* … and one for so many that are asked for. */
#define CODES_PER_EXTRA 4

typedef struct
{
  gint64 data_version; /* changes by others */
  gint64 changes;      /* changes by us */
} Stamp;

struct _IndexDense
{
  IndexDenseBlock file;
  gint64 generation; /* of FILE; 0: nothing loaded */
  gint64 last_chunk; /* rows above it are in LATER */
  GArray *removed;   /* gint64, ascending: in FILE, but no longer in the library */
  GArray *later_ids; /* gint64, ascending */
  GArray *later;     /* float [n, dimension] */
  IndexDenseCodes codes; /* of a large library, in place of FILE and LATER; NULL ids: none */
  guint n_file_codes;    /* of CODES: those of the file */
  Stamp stamp;
  gboolean fresh;
  gboolean file_lost; /* there should be a file, but it is missing or damaged */
};

IndexDense *index_dense_new (void)
{
  IndexDense *dense = g_new0 (IndexDense, 1);

  dense->removed = g_array_new (FALSE, FALSE, sizeof (gint64));
  dense->later_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  dense->later = g_array_new (FALSE, FALSE, sizeof (float));
  return dense;
}

/* Gives the memory back: before the first flush this holds the whole library. */
static void clear_later (IndexDense *dense)
{
  g_array_unref (dense->later_ids);
  g_array_unref (dense->later);
  dense->later_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  dense->later = g_array_new (FALSE, FALSE, sizeof (float));
}

void index_dense_reset (IndexDense *dense)
{
  index_dense_block_clear (&dense->file);
  index_codes_clear (&dense->codes);
  dense->n_file_codes = 0;
  dense->generation = dense->last_chunk = 0;
  dense->fresh = FALSE;
}

void index_dense_free (IndexDense *dense)
{
  if (!dense)
    return;
  index_dense_reset (dense);
  g_array_unref (dense->removed);
  g_array_unref (dense->later_ids);
  g_array_unref (dense->later);
  g_free (dense);
}

/* ---- Refresh ---- */

static gboolean current_stamp (Index *index, Stamp *ret_stamp, GError **error)
{
  ret_stamp->changes = sqlite3_total_changes64 (index->db);
  return index_query_int (index, 0, &ret_stamp->data_version, error, "data_version", "");
}

/* Into CODES when the library is large; a file of the other kind is as good as none. */
static gboolean load_matching (Index *index, const IndexDenseState *state, gboolean large)
{
  IndexDense *dense = index->dense;

  if (!state->encoder_matches || index_codes_are_in (state) != large)
    return FALSE;
  if (!large)
    return index_dense_load_file (index, state, &dense->file, NULL);
  if (!index_dense_load_codes (index, state, &dense->codes, NULL))
    return FALSE;
  dense->n_file_codes = dense->codes.ids->len;
  return TRUE;
}

static void load_file (Index *index, const IndexDenseState *state, gboolean large)
{
  IndexDense *dense = index->dense;

  if (state->generation == dense->generation && state->size_bytes > 0 && state->encoder_matches
      && large == (dense->codes.ids != NULL))
    return;
  index_dense_reset (dense);
  dense->file_lost = state->size_bytes > 0 && !load_matching (index, state, large);
  if (large && !dense->codes.ids)
    index_codes_init (&dense->codes);
  if (state->size_bytes > 0 && !dense->file_lost)
    {
      dense->generation = state->generation;
      dense->last_chunk = state->last_chunk;
    }
}

static gboolean load_removed (Index *index, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "dense_removed", error);
  int rc = SQLITE_ERROR;

  g_array_set_size (index->dense->removed, 0);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      gint64 chunk = sqlite3_column_int64 (stmt, 0);
      g_array_append_val (index->dense->removed, chunk);
    }
  return rc == SQLITE_DONE;
}

static gboolean load_later (Index *index, GError **error)
{
  IndexDense *dense = index->dense;
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "dense_rows", error);
  int rc = SQLITE_ERROR;

  clear_later (dense);
  if (dense->codes.ids)
    index_codes_truncate (&dense->codes, dense->n_file_codes, index->dimension);
  if (stmt)
    index_bind (stmt, "i", dense->last_chunk);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      gint64 chunk = sqlite3_column_int64 (stmt, 0);

      /* A row of another size is damaged; fsck reports it, searching goes on without it. */
      if ((gsize)sqlite3_column_bytes (stmt, 1) != index->dimension * sizeof (float))
        continue;
      if (dense->codes.ids)
        {
          index_codes_append (&dense->codes, chunk, sqlite3_column_blob (stmt, 1),
                              index->dimension);
          continue;
        }
      g_array_append_val (dense->later_ids, chunk);
      g_array_append_vals (dense->later, sqlite3_column_blob (stmt, 1), index->dimension);
    }
  return rc == SQLITE_DONE;
}

gboolean index_dense_refresh (Index *index, GError **error)
{
  IndexDense *dense = index->dense;
  IndexDenseState state;
  gint64 n_vectors;
  Stamp stamp;

  if (!current_stamp (index, &stamp, error))
    return FALSE;
  if (dense->fresh && stamp.data_version == dense->stamp.data_version
      && stamp.changes == dense->stamp.changes)
    return TRUE;

  dense->fresh = FALSE;
  index_encoder (index, NULL);
  if (!index_dense_read_state (index, &state, error)
      || !index_query_int (index, 0, &n_vectors, error, "count_vectors", ""))
    return FALSE;
  load_file (index, &state,
             (guint64)n_vectors * index->dimension * sizeof (float) > index->exact_bytes);
  if (!load_removed (index, error) || !load_later (index, error))
    return FALSE;
  dense->stamp = stamp;
  dense->fresh = TRUE;
  return TRUE;
}

/* ---- Search ---- */

/* a · b over n numbers. Sixteen sums side by side, because one sum would wait for each addition
 * to finish before the next; compiled to SSE2 where nothing better may be assumed, and then about
 * as fast as memory delivers. */
static float dot (const float *a, const float *b, gsize n)
{
  typedef float Lanes __attribute__ ((vector_size (32), aligned (4), may_alias));
  Lanes low = { 0 }, high = { 0 };
  float sum = 0;
  gsize i = 0;

  for (; i + 16 <= n; i += 16)
    {
      low += *(const Lanes *)(a + i) * *(const Lanes *)(b + i);
      high += *(const Lanes *)(a + i + 8) * *(const Lanes *)(b + i + 8);
    }
  low += high;
  for (guint lane = 0; lane < 8; lane++)
    sum += low[lane];
  for (; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

typedef struct
{
  const gint64 *ids;
  const float *floats;
  gsize n;
} Block;

static void blocks_of (const IndexDense *dense, Block ret_blocks[2])
{
  ret_blocks[0] = (Block){ dense->file.ids, dense->file.floats, dense->file.n };
  ret_blocks[1] = (Block){ (const gint64 *)(const void *)dense->later_ids->data,
                           (const float *)(const void *)dense->later->data, dense->later_ids->len };
}

static void scan (const Block *block, guint dimension, const float *vector,
                  const IndexFilter *filter, const GArray *removed, IndexTop *top)
{
  gsize next_removed = 0;

  for (gsize i = 0; i < block->n; i++)
    {
      gint64 chunk = block->ids[i];

      while (next_removed < removed->len && g_array_index (removed, gint64, next_removed) < chunk)
        next_removed++;
      if ((next_removed < removed->len && g_array_index (removed, gint64, next_removed) == chunk)
          || (filter && !index_filter_has (filter, chunk)))
        continue;

      index_top_add (top, chunk, dot (vector, block->floats + i * dimension, dimension));
    }
}

/* Position of CHUNK among N ascending IDS, or −1. */
static gssize position_of (const gint64 *ids, gsize n, gint64 chunk)
{
  gsize low = 0, high = n;

  while (low < high)
    {
      gsize middle = low + (high - low) / 2;

      if (ids[middle] < chunk)
        low = middle + 1;
      else
        high = middle;
    }
  return low < n && ids[low] == chunk ? (gssize)low : -1;
}

/* The vector of CHUNK by its row; lasts as long as *RET_STMT. NULL: it has none. */
static const float *vector_of_row (Index *index, gint64 chunk, sqlite3_stmt **ret_stmt)
{
  *ret_stmt = index_prepare (index, "vector_of", NULL);
  if (!*ret_stmt)
    return NULL;
  index_bind (*ret_stmt, "i", chunk);
  if (index_step (index, *ret_stmt, NULL) != SQLITE_ROW
      || (gsize)sqlite3_column_bytes (*ret_stmt, 0) != index->dimension * sizeof (float))
    return NULL;
  return sqlite3_column_blob (*ret_stmt, 0);
}

/* The same from memory where floats are kept there. */
static const float *vector_of (Index *index, gint64 chunk, sqlite3_stmt **ret_stmt)
{
  Block blocks[2];

  if (index->dense->codes.ids)
    return vector_of_row (index, chunk, ret_stmt);
  blocks_of (index->dense, blocks);
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      gssize at = position_of (blocks[i].ids, blocks[i].n, chunk);

      if (at >= 0)
        return blocks[i].floats + (gsize)at * index->dimension;
    }
  return NULL;
}

double index_dense_cosine (Index *index, const float *vector, gint64 chunk)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  const float *other = vector_of (index, chunk, &stmt);

  return other ? dot (vector, other, index->dimension) : NAN;
}

void index_dense_add (Index *index, gint64 chunk, float weight, float *sum)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  const float *vector = vector_of (index, chunk, &stmt);

  for (guint i = 0; vector && i < index->dimension; i++)
    sum[i] += weight * vector[i];
}

/* Codes err by less than the candidates beyond the K-th differ; the rows put them in order. */
static void search_codes (Index *index, const float *vector, const IndexFilter *filter,
                          IndexTop *top)
{
  IndexDense *dense = index->dense;
  g_autoptr (GArray) near = index_codes_search (&dense->codes, vector, index->dimension, filter,
                                                dense->removed,
                                                top->k + MAX (EXTRA_CODES, top->k / CODES_PER_EXTRA));

  for (guint i = 0; i < near->len; i++)
    {
      gint64 chunk = g_array_index (near, IndexScore, i).chunk;

      index_top_add (top, chunk, index_dense_cosine (index, vector, chunk));
    }
}

GArray *index_dense_search (Index *index, const float *vector, const IndexFilter *filter, gsize k)
{
  Block blocks[2];
  IndexTop top;

  index_top_init (&top, k);
  if (index->dense->codes.ids)
    {
      search_codes (index, vector, filter, &top);
      return index_top_finish (&top);
    }
  blocks_of (index->dense, blocks);
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    scan (&blocks[i], index->dimension, vector, filter, index->dense->removed, &top);
  return index_top_finish (&top);
}

/* ---- Flush ---- */

static gboolean write_codes (Index *index, IndexDenseState *state, GError **error)
{
  IndexDense *dense = index->dense;
  GArray *ids = dense->codes.ids;

  index_codes_remove (&dense->codes, dense->removed, index->dimension);
  state->n_vectors = ids->len;
  state->dimension = index->dimension;
  state->last_chunk = ids->len > 0 ? g_array_index (ids, gint64, ids->len - 1) : 0;
  return index_dense_write_codes (index, &dense->codes, state->generation + 1, state, error);
}

/* Merges what was removed and what came later into FILE, and writes the next generation. */
static gboolean write_generation (Index *index, IndexDenseState *state, GError **error)
{
  IndexDense *dense = index->dense;
  const gint64 *later_ids = (const gint64 *)(const void *)dense->later_ids->data;

  if (dense->codes.ids)
    return write_codes (index, state, error);
  if (!index_dense_block_change (
          &dense->file, index->dimension, (const gint64 *)(const void *)dense->removed->data,
          dense->removed->len, later_ids, (const float *)(const void *)dense->later->data,
          dense->later_ids->len, error))
    return FALSE;
  state->n_vectors = (gint64)dense->file.n;
  state->dimension = index->dimension;
  state->last_chunk = dense->file.n > 0 ? dense->file.ids[dense->file.n - 1] : 0;
  return index_dense_write_file (index, &dense->file, state->generation + 1, state, error);
}

static gboolean flush (Index *index, IndexDenseState *state, GError **error)
{
  IndexDense *dense = index->dense;

  if (!index_dense_refresh (index, error) || !index_dense_read_state (index, state, error))
    return FALSE;
  guint n_later = dense->codes.ids ? dense->codes.ids->len - dense->n_file_codes
                                   : dense->later_ids->len;
  if (!dense->file_lost && dense->removed->len == 0 && n_later == 0)
    return TRUE;
  return write_generation (index, state, error)
         && index_run (index, error, "dense_commit", "iiiiii", state->generation, state->last_chunk,
                       state->n_vectors, state->dimension, state->size_bytes, state->checksum)
         && index_run (index, error, "dense_forget_removed", "");
}

gboolean index_flush (Index *index, GError **error)
{
  IndexDense *dense = index->dense;
  IndexDenseState state = { 0 };

  if (!index_begin_write (index, error))
    return FALSE;
  if (!index_end (index, flush (index, &state, error), error))
    {
      index_dense_reset (dense); /* memory may be ahead of the rows */
      return FALSE;
    }
  clear_later (dense);
  dense->n_file_codes = dense->codes.ids ? dense->codes.ids->len : 0;
  dense->generation = state.generation;
  dense->last_chunk = state.last_chunk;
  dense->file_lost = FALSE;
  dense->fresh = FALSE;
  return index_dense_delete_files (index, state.generation, error);
}

gboolean index_dense_drop_file (Index *index, GError **error)
{
  if (!index_begin_write (index, error))
    return FALSE;
  gboolean ok = index_run (index, error, "dense_drop", "")
                && index_run (index, error, "dense_forget_removed", "");

  if (!index_end (index, ok, error) || !index_dense_delete_files (index, 0, error))
    return FALSE;
  index_dense_reset (index->dense);
  return TRUE;
}

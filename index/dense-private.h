/* Vectors in memory: what the FAISS file holds and what came after it. */
#pragma once

#include "index/index-private.h"

#include <stdio.h>

G_BEGIN_DECLS

IndexDense *index_dense_new (void);
void index_dense_free (IndexDense *dense);
/* Forgets what was loaded; the next refresh starts from the file. */
void index_dense_reset (IndexDense *dense);

/* Brings memory up to date with the rows as the open transaction sees them. A missing or damaged
 * file is no error: its vectors are read from the rows instead. */
gboolean index_dense_refresh (Index *index, GError **error);

/* The K chunks with the highest cosine to VECTOR [dimension] among those that FILTER lets through
 * (NULL: all), best first. Exact. After refresh. */
GArray *index_dense_search (Index *index, const float *vector, const IndexFilter *filter, gsize k);
/* The cosine of one chunk; NaN when it has no vector. After refresh. */
double index_dense_cosine (Index *index, const float *vector, gint64 chunk);
/* SUM [dimension] += WEIGHT × the vector of CHUNK, if it has one. After refresh. */
void index_dense_add (Index *index, gint64 chunk, float weight, float *sum);

/* ---- dense-cache.c: the FAISS file ------------------------------------------------------ */

/* The row of dense_cache. */
typedef struct
{
  gint64 generation; /* counts up, never back */
  gint64 last_chunk;
  gint64 n_vectors, dimension;
  gint64 size_bytes, checksum; /* 0 bytes: there is no file */
  gboolean encoder_matches;
} IndexDenseState;

gboolean index_dense_read_state (Index *index, IndexDenseState *ret_state, GError **error);

/* The file's vectors: ids[n] ascending, floats[n, dimension]; both belong to faiss. */
typedef struct
{
  void *faiss; /* FaissIndex*: an IDMap over a Flat index */
  const gint64 *ids;
  const float *floats;
  gsize n;
} IndexDenseBlock;

/* ---- dense-codes.c: vectors of large libraries ------------------------------------------ */

/* From this many bytes of floats on, codes are kept instead: about 44,000 vectors of 384 numbers. At
 * 200,000 floats took 648 MiB and 15 ms a question. Tests lower it. */
#define INDEX_EXACT_BYTES (G_GUINT64_CONSTANT (64) << 20)

typedef struct
{
  GArray *ids;    /* gint64, ascending; NULL: nothing is loaded */
  GArray *scales; /* float */
  GArray *codes;  /* gint8 [n, dimension] */
} IndexDenseCodes;

void index_codes_init (IndexDenseCodes *codes);
void index_codes_clear (IndexDenseCodes *codes);
void index_codes_append (IndexDenseCodes *codes, gint64 chunk, const float *vector,
                         guint dimension);
void index_codes_truncate (IndexDenseCodes *codes, guint n, guint dimension);
/* REMOVED: gint64, ascending. */
void index_codes_remove (IndexDenseCodes *codes, const GArray *removed, guint dimension);
/* IndexScore with cosines good to .005, best first. */
GArray *index_codes_search (const IndexDenseCodes *codes, const float *vector, guint dimension,
                            const IndexFilter *filter, const GArray *removed, gsize k);
/* Is the file of STATE one of codes? Else it is FAISS's. */
gboolean index_codes_are_in (const IndexDenseState *state);
gboolean index_codes_read (int fd, const IndexDenseState *state, IndexDenseCodes *ret_codes);
gboolean index_codes_print (FILE *file, gconstpointer codes);

/* FALSE, with ret_why, when the file is missing or is not exactly what STATE says. */
gboolean index_dense_load_file (Index *index, const IndexDenseState *state,
                                IndexDenseBlock *ret_block, char **ret_why);
gboolean index_dense_load_codes (Index *index, const IndexDenseState *state,
                                 IndexDenseCodes *ret_codes, char **ret_why);
void index_dense_block_clear (IndexDenseBlock *block);

/* Removes and appends (n rows each, ids ascending and above those in BLOCK), creating the FAISS
 * index when BLOCK is empty. */
gboolean index_dense_block_change (IndexDenseBlock *block, guint dimension, const gint64 *removed,
                                   gsize n_removed, const gint64 *added, const float *floats,
                                   gsize n_added, GError **error);
/* Writes BLOCK as vectors.<generation>.faiss: it is complete on the disk under that name or not
 * there. Fills size_bytes and checksum. */
gboolean index_dense_write_file (Index *index, const IndexDenseBlock *block, gint64 generation,
                                 IndexDenseState *ret_state, GError **error);
gboolean index_dense_write_codes (Index *index, const IndexDenseCodes *codes, gint64 generation,
                                  IndexDenseState *ret_state, GError **error);
/* Deletes every vectors.* file but that of generation KEEP. */
gboolean index_dense_delete_files (Index *index, gint64 keep, GError **error);

/* Deletes the file, first from SQLite's mind, then from the disk: the next flush makes a new one
 * from the rows. A transaction of its own. */
gboolean index_dense_drop_file (Index *index, GError **error);

G_END_DECLS

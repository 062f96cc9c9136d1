/* What the files of index share: the open library, its statements and transactions, and the small
 * currency between search's parts (IndexScore). Nothing here is for other rooms. */
#pragma once

#include "index/index.h"

#include <sqlite3.h>

G_BEGIN_DECLS

#define INDEX_MAX_DIMENSION 16384
#define INDEX_DEFAULT_COLLECTION "default"

typedef struct _IndexAnalyzer IndexAnalyzer; /* analyze-private.h */
typedef struct _IndexDense IndexDense;       /* dense-private.h */

struct _Index
{
  char *dir;
  char *role; /* NULL: everything may be seen */
  gboolean writable;
  int lock; /* descriptor of DIR/lock, −1 when reading */
  sqlite3 *db;
  GHashTable *statements; /* name → sqlite3_stmt*, prepared once */
  IndexAnalyzer *analyzer;
  guint64 exact_bytes; /* above this many bytes of floats, vectors are kept as codes */
  IndexDense *dense; /* vectors in memory, loaded by the first dense search */
  char *encoder;     /* NULL before the first vector */
  guint dimension;
  char *next_encoder; /* as it was read last */
  guint next_dimension;
};

/* ---- error.c ---------------------------------------------------------------------------- */

void index_set_sqlite_error (const char *dir, sqlite3 *db, int rc, GError **error);
void index_set_file_error (const char *path, int cause, GError **error);

/* ---- sql.c: statements by name, from sql/<file>.sql ------------------------------------- */

/* A cached statement, reset, without bindings; `g_autoptr (sqlite3_stmt)` resets it again, which
 * also ends its read lock. NULL only with ERROR set. */
sqlite3_stmt *index_prepare (Index *index, const char *name, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_reset)

/* Binds in order, one argument per letter of TYPES: i gint64, d double, t text (NULL allowed,
 * must outlive the statement's use), b blob: const void*, gsize (likewise), p pointer: void*, const
 * char *type. SQLite remembers a failed bind and step reports it. */
void index_bind (sqlite3_stmt *stmt, const char *types, ...);

/* SQLITE_ROW, SQLITE_DONE, or another code with ERROR set. */
int index_step (Index *index, sqlite3_stmt *stmt, GError **error);

/* Prepares, binds as above and runs a statement that returns no rows. */
gboolean index_run (Index *index, GError **error, const char *name, const char *types, ...);

/* The first column of the first row as a number; FALLBACK when there is no row. */
gboolean index_query_int (Index *index, gint64 fallback, gint64 *ret_value, GError **error,
                          const char *name, const char *types, ...);

/* The whole text of sql/<file>, for scripts that run at once. */
const char *index_sql_script (const char *file);

/* Everything between begin and end is one transaction: end commits when OK, else rolls back. ERROR
 * of end is set only when OK was TRUE and the commit failed. */
gboolean index_begin_write (Index *index, GError **error);
gboolean index_begin_read (Index *index, GError **error);
gboolean index_end (Index *index, gboolean ok, GError **error);

/* ---- schema.c, lock.c ------------------------------------------------------------------- */

/* Creates the tables in an empty database, brings an older one up to date (a writer does), refuses
 * a newer or foreign one. ret_outdated: a reader met an older one. */
gboolean index_schema_prepare (Index *index, gboolean create, gboolean *ret_outdated,
                               GError **error);
/* Are the tables exactly those that a new library gets? */
gboolean index_schema_matches (Index *index, gboolean *ret_matches, GError **error);

/* Descriptor that holds the lock until it is closed; −1 with BUSY and the holder's process id. */
int index_lock (const char *dir, GError **error);

/* ---- events.c: in the transaction of what is logged ------------------------------------- */

gboolean index_log (Index *index, const char *action, const char *subject, GError **error);
gboolean index_log_document (Index *index, const char *action, const char *path, GError **error);

/* ---- next-encoder.c --------------------------------------------------------------------- */

/* Takes out what is not what was written; it is made again. */
gboolean index_drop_damaged_next_vectors (Index *index, guint *ret_n, GError **error);

/* ---- roles.c ---------------------------------------------------------------------------- */

/* From here on the connection sees what index->role may see. */
gboolean index_narrow_to_role (Index *index, GError **error);

/* ---- copy.c ----------------------------------------------------------------------------- */

/* A complete, checked and synced copy of the database as PATH, under that name or not there. */
gboolean index_copy_database (Index *index, const char *path, GError **error);
/* DIR/library.db.version-<VERSION>, in place of an older one. */
gboolean index_make_safety_copy (Index *index, gint64 version, GError **error);
gboolean index_delete_safety_copies (Index *index, GError **error);
/* Deletes the files of the library's folder whose names start with PREFIX, but not with KEPT. */
gboolean index_delete_others (Index *index, const char *prefix, const char *kept, GError **error);
gboolean index_sync_folder (const char *dir, GError **error);

/* ---- scrub.c ---------------------------------------------------------------------------- */

/* Wipes the unused parts of pages if something was forgotten since the last time. */
gboolean index_scrub_if_needed (Index *index, GError **error);

/* ---- checksum.c ------------------------------------------------------------------------- */

/* A 64-bit checksum of everything fed to it. Guards against bit rot, not against forgers. */
typedef struct
{
  guint64 lanes[4];
  guint64 length;
  guint8 rest[32];
} IndexChecksum;

void index_checksum_init (IndexChecksum *sum);
void index_checksum_add (IndexChecksum *sum, const void *data, gsize length);
void index_checksum_add_int (IndexChecksum *sum, gint64 value);
/* Length and bytes, so that neighbours cannot trade characters; NULL differs from "". */
void index_checksum_add_text (IndexChecksum *sum, const char *text);
gint64 index_checksum_end (const IndexChecksum *sum);
/* Of the small rows, library and source. */
gint64 index_pair_checksum (const char *a, const char *b, gint64 number);

/* ---- Rows: library.c, documents.c, chunks.c -------------------------------------------------------- */

gint64 index_source_checksum (const char *path, const char *collection, const char *include,
                              const char *exclude);
gint64 index_document_checksum (const IndexDocument *document);
gint64 index_tag_checksum (gint64 document, const char *tag);
gint64 index_chunk_checksum (gint64 id, gint64 document, gint64 position, const IndexChunk *chunk);
gint64 index_vector_checksum (gint64 chunk, const void *floats, gsize size_bytes);

/* Reads the columns that find_by_path in documents.sql selects, in that order. */
IndexDocument *index_document_from_row (sqlite3_stmt *stmt);
/* The documents that SCOPE (NULL: all; its section and list of documents do not matter here) lets
 * through, in the same columns. Searches ask for them, so in no order. */
sqlite3_stmt *index_prepare_list (Index *index, const IndexScope *scope, GError **error);

/* "de" of "de-AT" or "DE"; NULL for anything that is not a language code. */
char *index_primary_language (const char *language);
/* LANGUAGE: of the document. */
gboolean index_insert_chunks (Index *index, gint64 document, const char *language,
                              const IndexChunk *chunks, gsize n, const float *vectors,
                              GError **error);
/* With their vectors and their words in text search. */
gboolean index_delete_chunks (Index *index, gint64 document, GError **error);
/* NULL without ERROR when there is no such chunk any more. */
IndexHit *index_load_hit (Index *index, gint64 chunk, GError **error);

/* ---- Search ----------------------------------------------------------------------------- */

typedef struct
{
  gint64 chunk;
  double score;
} IndexScore;

/* The K best of a stream of scores; NaN is never among them. */
typedef struct
{
  GArray *heap; /* IndexScore, the least first */
  gsize k;
} IndexTop;

void index_top_init (IndexTop *top, gsize k);
void index_top_add (IndexTop *top, gint64 chunk, double score);
/* A score below this is not among the best any more. */
double index_top_least (const IndexTop *top);
/* IndexScore, best first. */
GArray *index_top_finish (IndexTop *top);

/* Which chunks a query may see: one bit per chunk id. Applied before ranking, by both lexical and
 * dense search. */
typedef struct
{
  gint64 first; /* chunk id of bit 0 */
  gsize n;      /* bits */
  guint8 *bits;
} IndexFilter;

/* ret_filter: NULL when neither SCOPE (NULL: everything) nor the role restricts anything. */
gboolean index_filter_new (Index *index, const IndexScope *scope, IndexFilter **ret_filter,
                           GError **error);
void index_filter_free (IndexFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IndexFilter, index_filter_free)

static inline gboolean index_filter_has (const IndexFilter *filter, gint64 chunk)
{
  gsize bit = (gsize)(chunk - filter->first);
  return bit < filter->n && (filter->bits[bit / 8] >> (bit % 8) & 1);
}

/* In how many chunks that FILTER (NULL: all) lets through does TERM occur? */
gboolean index_count_term (Index *index, const char *term, const IndexFilter *filter,
                           gint64 *ret_n_chunks, GError **error);

/* The DEPTH passages with the highest BM25 for TEXT, best first (IndexScore). WANTED (IndexScore by
 * chunk id, or NULL) gets the scores of other passages, as far as they hold a word of TEXT. */
GArray *index_lexical_search (Index *index, const char *text, const IndexFilter *filter,
                              gsize depth, GArray *wanted, GError **error);

G_END_DECLS

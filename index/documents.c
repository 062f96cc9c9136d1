/* Puts documents into the library, changes and removes them: each call one transaction.
 *
 * A document with its chunks and vectors comes in; rows, words and a note for the FAISS cache go
 * out, all or nothing. Replacing keeps the document's id and drops its old chunks, so that there
 * is one way in for new and changed documents and nothing to reconcile. */
#include "index/index-private.h"

#include "index/dense-private.h"

#include <math.h>
#include <string.h>

/* On a vector's squared length: an encoder's rounding passes, a forgotten normalisation does not.
 */
#define LENGTH_TOLERANCE 0.02f

void index_document_free (IndexDocument *document)
{
  if (!document)
    return;
  g_free (document->path);
  g_free (document->title);
  g_free (document->mime_type);
  g_free (document->language);
  g_free (document->collection);
  g_free (document->sha256);
  g_free (document->failure);
  g_free (document->date);
  g_free (document);
}

gint64 index_document_checksum (const IndexDocument *document)
{
  IndexChecksum sum;

  index_checksum_init (&sum);
  index_checksum_add_text (&sum, document->path);
  index_checksum_add_text (&sum, document->title);
  index_checksum_add_text (&sum, document->mime_type);
  index_checksum_add_text (&sum, document->language);
  index_checksum_add_text (&sum, document->collection);
  index_checksum_add_text (&sum, document->sha256);
  index_checksum_add_text (&sum, document->failure);
  index_checksum_add_int (&sum, (gint64)document->size_bytes);
  index_checksum_add_int (&sum, document->mtime_ns);
  index_checksum_add_int (&sum, document->added_at);
  index_checksum_add_int (&sum, document->n_pages);
  index_checksum_add_int (&sum, document->n_chunks);
  if (document->date) /* there was none before version 5 */
    index_checksum_add_text (&sum, document->date);
  return index_checksum_end (&sum);
}

static char *column_string (sqlite3_stmt *stmt, int column)
{
  return g_strdup ((const char *)sqlite3_column_text (stmt, column));
}

/* Of the statements that list documents. */
#define FAILURE_COLUMN 12

IndexDocument *index_document_from_row (sqlite3_stmt *stmt)
{
  IndexDocument *document = g_new0 (IndexDocument, 1);

  document->id = sqlite3_column_int64 (stmt, 0);
  document->path = column_string (stmt, 1);
  document->title = column_string (stmt, 2);
  document->mime_type = column_string (stmt, 3);
  document->language = column_string (stmt, 4);
  document->collection = column_string (stmt, 5);
  document->sha256 = column_string (stmt, 6);
  document->size_bytes = (guint64)sqlite3_column_int64 (stmt, 7);
  document->mtime_ns = sqlite3_column_int64 (stmt, 8);
  document->added_at = sqlite3_column_int64 (stmt, 9);
  document->n_pages = (guint)sqlite3_column_int64 (stmt, 10);
  document->n_chunks = (guint)sqlite3_column_int64 (stmt, 11);
  document->failure = column_string (stmt, FAILURE_COLUMN);
  document->date = column_string (stmt, 13);
  return document;
}

/* ---- Put ---- */

static gboolean refuse_input (const IndexDocument *document, const char *why, GError **error)
{
  g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT, "%s cannot be stored: %s",
               document->path ? document->path : "a document without a path", why);
  return FALSE;
}

static gboolean is_text (const char *text)
{
  return !text || g_utf8_validate (text, -1, NULL);
}

static gboolean check_document (const IndexDocument *document, GError **error)
{
  /* A relative path would name another file from another folder. */
  if (!document->path || !(g_path_is_absolute (document->path) || strstr (document->path, "://")))
    return refuse_input (document, "its path is neither absolute nor an address", error);
  if (document->size_bytes > G_MAXINT64)
    return refuse_input (document, "its size is impossible", error);
  if (!is_text (document->title) || !is_text (document->failure) || !is_text (document->language)
      || !is_text (document->mime_type) || !is_text (document->collection) || !is_text (document->date))
    return refuse_input (document, "its description is not UTF-8", error);
  return TRUE;
}

static gboolean check_chunks (const IndexDocument *document, const IndexChunk *chunks, gsize n,
                              GError **error)
{
  if (n > G_MAXINT32)
    return refuse_input (document, "it has too many chunks", error);
  for (gsize i = 0; i < n; i++)
    {
      const IndexChunk *chunk = &chunks[i];

      if (!chunk->id || !chunk->text)
        return refuse_input (document, "a chunk has no id or no text", error);
      if (!is_text (chunk->text) || !is_text (chunk->section) || !is_text (chunk->first_label)
          || !is_text (chunk->last_label))
        return refuse_input (document, "its text is not UTF-8", error);
    }
  return TRUE;
}

/* A vector that is not finite or not of length one would rank above or below everything. */
static gboolean check_vectors (Index *index, const IndexDocument *document, const float *vectors,
                               gsize n, GError **error)
{
  if (index->dimension == 0)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_MISMATCH,
                   "the library %s does not know yet which encoder makes its vectors", index->dir);
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      float square = 0;

      for (gsize k = 0; k < index->dimension; k++)
        square += vectors[i * index->dimension + k] * vectors[i * index->dimension + k];
      if (!(fabsf (square - 1) <= LENGTH_TOLERANCE))
        return refuse_input (document, "a vector is not normalised", error);
    }
  return TRUE;
}

static gboolean write_document (Index *index, const IndexDocument *row, gsize n_vectors,
                                gint64 *ret_id, GError **error)
{
  return index_run (index, error, "put_document", "ttttttiiiiittii", row->path, row->title,
                    row->mime_type, row->language, row->collection, row->sha256,
                    (gint64)row->size_bytes, row->mtime_ns, row->added_at, (gint64)row->n_pages,
                    (gint64)row->n_chunks, row->failure, row->date, index_document_checksum (row),
                    (gint64)n_vectors)
         && index_query_int (index, 0, ret_id, error, "document_id", "t", row->path);
}

static gboolean replace_document (Index *index, const IndexDocument *row, const IndexChunk *chunks,
                                  gsize n_chunks, const float *vectors, GError **error)
{
  gint64 id;

  /* Old words go before the title and language they were indexed with change. */
  return index_query_int (index, 0, &id, error, "document_id", "t", row->path)
         && (id == 0 || index_delete_chunks (index, id, error))
         && write_document (index, row, vectors ? n_chunks : 0, &id, error)
         && index_insert_chunks (index, id, row->language, chunks, n_chunks, vectors, error)
         && index_log_document (index, "put", row->path, error);
}

char *index_primary_language (const char *language)
{
  gsize n = 0;

  while (language && g_ascii_isalpha (language[n]))
    n++;
  if (n < 2 || n > 3 || (language[n] != '\0' && language[n] != '-' && language[n] != '_'))
    return NULL;
  return g_ascii_strdown (language, (gssize)n);
}

gboolean index_put_document (Index *index, const IndexDocument *document, const IndexChunk *chunks,
                             gsize n_chunks, const float *vectors, GError **error)
{
  if (!check_document (document, error) || !check_chunks (document, chunks, n_chunks, error)
      || (vectors && n_chunks && !check_vectors (index, document, vectors, n_chunks, error)))
    return FALSE;

  g_autofree char *language = index_primary_language (document->language);
  IndexDocument row = *document; /* shares the strings */
  row.title = document->title ? document->title : (char *)"";
  row.collection = document->collection ? document->collection : (char *)INDEX_DEFAULT_COLLECTION;
  row.language = language;
  row.n_chunks = (guint)n_chunks;
  row.added_at = g_get_real_time () / G_USEC_PER_SEC;

  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index, replace_document (index, &row, chunks, n_chunks, vectors, error), error);
}

/* ---- Find ---- */

static IndexDocument *read_one (Index *index, sqlite3_stmt *stmt, GError **error)
{
  return index_step (index, stmt, error) == SQLITE_ROW ? index_document_from_row (stmt) : NULL;
}

IndexDocument *index_find_document (Index *index, const char *path, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "find_by_path", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "t", path);
  return read_one (index, stmt, error);
}

IndexDocument *index_find_by_sha256 (Index *index, const char *sha256, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "find_by_sha256", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "t", sha256);
  return read_one (index, stmt, error);
}

static IndexDocument *find_by_id (Index *index, gint64 id, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "find_by_id", error);
  g_autoptr (GError) failure = NULL;

  if (!stmt)
    return NULL;
  index_bind (stmt, "i", id);

  IndexDocument *document = read_one (index, stmt, &failure);
  if (!document && !failure)
    g_set_error (&failure, INDEX_ERROR, INDEX_ERROR_NOT_FOUND,
                 "the library %s has no document %" G_GINT64_FORMAT " (any more)", index->dir, id);
  if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  return document;
}

sqlite3_stmt *index_prepare_list (Index *index, const IndexScope *scope, GError **error)
{
  const IndexScope everything = { 0 };
  const IndexScope *kept = scope ? scope : &everything;
  sqlite3_stmt *stmt = index_prepare (index, "list_documents", error);

  if (stmt)
    index_bind (stmt, "ttttii", kept->collection, kept->folder, kept->language, kept->tag,
                kept->after_s, kept->before_s);
  return stmt;
}

static gint compare_paths (gconstpointer a, gconstpointer b)
{
  const IndexDocument *const *x = a, *const *y = b;

  return strcmp ((*x)->path, (*y)->path);
}

static GPtrArray *list_documents (Index *index, const IndexScope *scope, gboolean only_failed,
                                  guint *ret_n, GError **error)
{
  g_autoptr (GPtrArray) documents
      = g_ptr_array_new_with_free_func ((GDestroyNotify)index_document_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare_list (index, scope, error);
  int rc = SQLITE_ERROR;
  guint n = 0;

  for (; stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW; n++)
    if (!only_failed || sqlite3_column_type (stmt, FAILURE_COLUMN) != SQLITE_NULL)
      g_ptr_array_add (documents, index_document_from_row (stmt));
  if (rc != SQLITE_DONE)
    return NULL;
  g_ptr_array_sort (documents, compare_paths);
  *ret_n = n;
  return g_steal_pointer (&documents);
}

GPtrArray *index_list_documents (Index *index, const IndexScope *scope, GError **error)
{
  guint n;

  return list_documents (index, scope, FALSE, &n, error);
}

GPtrArray *index_list_failed (Index *index, const IndexScope *scope, guint *ret_n, GError **error)
{
  return list_documents (index, scope, TRUE, ret_n, error);
}

/* ---- Change ---- */

static gboolean update_file (Index *index, gint64 id, const char *path, guint64 size_bytes,
                             gint64 mtime_ns, GError **error)
{
  g_autoptr (IndexDocument) stored = find_by_id (index, id, error);

  if (!stored)
    return FALSE;

  IndexDocument row = *stored; /* shares the strings */
  row.path = path ? (char *)path : stored->path;
  row.size_bytes = path ? size_bytes : stored->size_bytes;
  row.mtime_ns = mtime_ns;
  return index_run (index, error, "update_file", "itiii", id, row.path, (gint64)row.size_bytes,
                    row.mtime_ns, index_document_checksum (&row));
}

gboolean index_move_document (Index *index, gint64 id, const char *path, guint64 size_bytes,
                              gint64 mtime_ns, GError **error)
{
  const IndexDocument moved = { .path = (char *)path, .size_bytes = size_bytes };
  gint64 other = 0;

  if (!check_document (&moved, error) || !index_begin_write (index, error))
    return FALSE;

  gboolean ok = index_query_int (index, 0, &other, error, "document_id", "t", path);
  if (ok && other != 0 && other != id)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "%s is in the library already: forget it before another document moves there",
                   path);
      ok = FALSE;
    }
  ok = ok && update_file (index, id, path, size_bytes, mtime_ns, error)
       && index_log_document (index, "move", path, error);
  return index_end (index, ok, error);
}

gboolean index_touch_document (Index *index, gint64 id, gint64 mtime_ns, GError **error)
{
  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index, update_file (index, id, NULL, 0, mtime_ns, error), error);
}

/* ---- Forget ---- */

static gboolean delete_documents (Index *index, const gint64 *ids, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (IndexDocument) document = find_by_id (index, ids[i], error);

      if (!document || !index_delete_chunks (index, ids[i], error)
          || !index_run (index, error, "delete_document", "i", ids[i])
          || !index_log_document (index, "forget", document->path, error))
        return FALSE;
    }
  return index_run (index, error, "scrub_later", "");
}

gboolean index_forget_documents (Index *index, const gint64 *ids, gsize n, GError **error)
{
  if (n == 0)
    return TRUE;
  /* Out of sight with the commit; the clearing up after it takes as long as the library is large,
   * and searches go on meanwhile. */
  if (!index_delete_safety_copies (index, error) || !index_begin_write (index, error))
    return FALSE;
  return index_end (index, delete_documents (index, ids, n, error), error)
         && index_scrub_if_needed (index, error);
}

gboolean index_forget_document (Index *index, gint64 id, GError **error)
{
  return index_forget_documents (index, &id, 1, error);
}

/* ---- Statistics ---- */

gboolean index_stats (Index *index, const char *collection, IndexStats *ret_stats, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "stats", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "t", collection);
  if (index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;
  ret_stats->n_documents = (guint)sqlite3_column_int64 (stmt, 0);
  ret_stats->n_failed = (guint)sqlite3_column_int64 (stmt, 1);
  ret_stats->n_chunks = (guint)sqlite3_column_int64 (stmt, 2);
  ret_stats->n_pages = (guint64)sqlite3_column_int64 (stmt, 3);
  ret_stats->size_bytes = (guint64)sqlite3_column_int64 (stmt, 4);
  ret_stats->n_vectors = (guint)sqlite3_column_int64 (stmt, 5);
  return TRUE;
}

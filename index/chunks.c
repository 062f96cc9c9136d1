/* Stores chunks with their vectors and words, and reads them back as hits.
 *
 * Chunks of one document come in, in order; rows of chunk and vector and the words of text search
 * go out, inside the caller's transaction. Every row carries a checksum over what it says and where
 * it belongs, so that fsck can tell bit rot from text. */
#include "index/index-private.h"

#include <math.h>
#include <string.h>

gint64 index_chunk_checksum (gint64 id, gint64 document, gint64 position, const IndexChunk *chunk)
{
  IndexChecksum sum;

  index_checksum_init (&sum);
  index_checksum_add_int (&sum, id);
  index_checksum_add_int (&sum, document);
  index_checksum_add_int (&sum, position);
  index_checksum_add_text (&sum, chunk->id);
  index_checksum_add_text (&sum, chunk->text);
  index_checksum_add_text (&sum, chunk->section);
  index_checksum_add_int (&sum, chunk->first_page);
  index_checksum_add_int (&sum, chunk->last_page);
  index_checksum_add_text (&sum, chunk->first_label);
  index_checksum_add_text (&sum, chunk->last_label);
  index_checksum_add_int (&sum, chunk->start);
  index_checksum_add_int (&sum, chunk->end);
  index_checksum_add (&sum, chunk->box, sizeof chunk->box);
  /* Rows from before there were flags and languages keep their checksum. */
  if (chunk->flags)
    index_checksum_add_int (&sum, chunk->flags);
  if (chunk->language)
    index_checksum_add_text (&sum, chunk->language);
  return index_checksum_end (&sum);
}

gint64 index_vector_checksum (gint64 chunk, const void *floats, gsize size_bytes)
{
  IndexChecksum sum;

  index_checksum_init (&sum);
  index_checksum_add_int (&sum, chunk);
  index_checksum_add (&sum, floats, size_bytes);
  return index_checksum_end (&sum);
}

/* ---- Write ---- */

/* DOCUMENT_LANGUAGE is not repeated: text search and filters visit the others one by one. */
static gboolean insert_chunk (Index *index, gint64 id, gint64 document,
                              const char *document_language, gint64 position,
                              const IndexChunk *chunk, GError **error)
{
  g_autofree char *language = index_primary_language (chunk->language);
  IndexChunk row = *chunk; /* shares the strings */

  row.language = g_strcmp0 (language, document_language) != 0 ? language : NULL;
  row.section = chunk->section ? chunk->section : "";
  /* SQLite stores NaN as NULL and −0 as 0: the checksum has to cover what comes back. */
  for (guint i = 0; i < G_N_ELEMENTS (row.box); i++)
    row.box[i] = isfinite (row.box[i]) ? row.box[i] + 0.0f : 0.0f;
  return index_run (index, error, "insert_chunk", "iiitttiittiiddddiit", id, document, position,
                    row.id, row.text, row.section, (gint64)row.first_page, (gint64)row.last_page,
                    row.first_label, row.last_label, row.start, row.end, (double)row.box[0],
                    (double)row.box[1], (double)row.box[2], (double)row.box[3],
                    index_chunk_checksum (id, document, position, &row), (gint64)row.flags,
                    row.language);
}

gboolean index_insert_chunks (Index *index, gint64 document, const char *language,
                              const IndexChunk *chunks, gsize n, const float *vectors,
                              GError **error)
{
  gsize size_bytes = index->dimension * sizeof (float);
  gint64 last;

  if (n == 0)
    return TRUE;
  if (!index_query_int (index, 0, &last, error, "last_chunk", ""))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      gint64 id = last + 1 + (gint64)i;
      const float *vector = vectors ? vectors + i * index->dimension : NULL;

      if (!insert_chunk (index, id, document, language, (gint64)i, &chunks[i], error))
        return FALSE;
      if (vector
          && !index_run (index, error, "insert_vector", "ibi", id, vector, size_bytes,
                         index_vector_checksum (id, vector, size_bytes)))
        return FALSE;
    }
  return index_run (index, error, "index_words", "i", document);
}

gboolean index_delete_chunks (Index *index, gint64 document, GError **error)
{
  /* In this order: the first two read the rows that the last one deletes. */
  return index_run (index, error, "forget_words", "i", document)
         && index_run (index, error, "note_removed_vectors", "i", document)
         && index_run (index, error, "delete_chunks", "i", document);
}

/* ---- Read ---- */

static gboolean known_vector (Index *index, const char *path, const char *id, float *ret_vector,
                              gboolean *ret_found, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "known_vector", error);
  gsize size_bytes = index->dimension * sizeof (float);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "tt", path, id);

  int rc = index_step (index, stmt, error);
  *ret_found
      = rc == SQLITE_ROW && size_bytes > 0 && (gsize)sqlite3_column_bytes (stmt, 0) == size_bytes;
  if (*ret_found)
    memcpy (ret_vector, sqlite3_column_blob (stmt, 0), size_bytes);
  return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

gboolean index_known_vectors (Index *index, const char *path, const char *const *ids, gsize n,
                              float *ret_vectors, gboolean *ret_found, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (!known_vector (index, path, ids[i], ret_vectors + i * index->dimension, &ret_found[i],
                       error))
      return FALSE;
  return TRUE;
}

void index_hit_free (IndexHit *hit)
{
  if (!hit)
    return;
  g_free (hit->path);
  g_free (hit->title);
  g_free (hit->collection);
  g_free (hit->section);
  g_free (hit->text);
  g_free (hit->language);
  g_free (hit->first_label);
  g_free (hit->last_label);
  g_free (hit);
}

static IndexHit *hit_from_row (sqlite3_stmt *stmt)
{
  IndexHit *hit = g_new0 (IndexHit, 1);
  char **texts[]
      = { &hit->path, &hit->title, &hit->collection, &hit->section, &hit->text, &hit->language };

  hit->chunk = sqlite3_column_int64 (stmt, 0);
  hit->document_id = sqlite3_column_int64 (stmt, 1);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    *texts[i] = g_strdup ((const char *)sqlite3_column_text (stmt, 2 + (int)i));
  hit->first_page = (guint)sqlite3_column_int64 (stmt, 8);
  hit->last_page = (guint)sqlite3_column_int64 (stmt, 9);
  hit->first_label = g_strdup ((const char *)sqlite3_column_text (stmt, 10));
  hit->last_label = g_strdup ((const char *)sqlite3_column_text (stmt, 11));
  hit->start = sqlite3_column_int64 (stmt, 12);
  hit->end = sqlite3_column_int64 (stmt, 13);
  for (guint i = 0; i < 4; i++)
    hit->box[i] = (float)sqlite3_column_double (stmt, 14 + (int)i);
  hit->flags = (guint)sqlite3_column_int64 (stmt, 18);
  hit->cosine = NAN;
  return hit;
}

IndexHit *index_load_hit (Index *index, gint64 chunk, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "hit", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "i", chunk);
  return index_step (index, stmt, error) == SQLITE_ROW ? hit_from_row (stmt) : NULL;
}

/* The hits of a bound statement that yields chunk ids. */
static GPtrArray *load_hits (Index *index, sqlite3_stmt *stmt, GError **error)
{
  g_autoptr (GPtrArray) hits = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  int rc;

  while ((rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      g_autoptr (GError) failure = NULL;
      IndexHit *hit = index_load_hit (index, sqlite3_column_int64 (stmt, 0), &failure);

      if (hit)
        g_ptr_array_add (hits, hit);
      if (failure)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&hits) : NULL;
}

GPtrArray *index_neighbours (Index *index, gint64 chunk, guint before, guint after, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "neighbours", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "iii", chunk, (gint64)before, (gint64)after);
  return load_hits (index, stmt, error);
}

GPtrArray *index_document_chunks (Index *index, gint64 document, guint first_page, guint last_page,
                                  GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "document_chunks", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "iii", document, (gint64)first_page, (gint64)last_page);
  return load_hits (index, stmt, error);
}

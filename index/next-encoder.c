/* Changes the encoder of a library without a moment in which it cannot be searched.
 *
 * Vectors of different encoders cannot be compared, so all have to be made anew, which takes as long
 * as adding the documents did. The new ones gather in a table of their own, batch by batch, each a
 * transaction: stopped at any point, the work goes on from there. Searches and additions keep to the
 * old encoder until every vector has its successor; then one transaction puts the new in place of
 * the old, and the FAISS file is made again from the rows. */
#include "index/index-private.h"

#include "index/dense-private.h"

const char *index_next_encoder (Index *index, guint *ret_dimension)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "get_next_encoder", NULL);

  g_clear_pointer (&index->next_encoder, g_free);
  index->next_dimension = 0;
  if (stmt && index_step (index, stmt, NULL) == SQLITE_ROW)
    {
      const char *encoder = (const char *)sqlite3_column_text (stmt, 0);
      gint64 dimension = sqlite3_column_int64 (stmt, 1);

      /* A damaged note is as good as none: fsck reports it. */
      if (encoder && dimension > 0 && dimension <= INDEX_MAX_DIMENSION
          && sqlite3_column_int64 (stmt, 2) == index_pair_checksum (encoder, NULL, dimension))
        {
          index->next_encoder = g_strdup (encoder);
          index->next_dimension = (guint)dimension;
        }
    }
  if (ret_dimension)
    *ret_dimension = index->next_dimension;
  return index->next_encoder;
}

static gboolean note_next (Index *index, const char *fingerprint, guint dimension, GError **error)
{
  return index_run (index, error, "delete_next_vectors", "")
         && index_run (index, error, "set_next_encoder", "tii", fingerprint, (gint64)dimension,
                       fingerprint ? index_pair_checksum (fingerprint, NULL, dimension) : 0);
}

gboolean index_set_next_encoder (Index *index, const char *fingerprint, guint dimension,
                                 GError **error)
{
  guint known_dimension;
  const char *known = index_next_encoder (index, &known_dimension);

  if (g_strcmp0 (known, fingerprint) == 0 && (!known || known_dimension == dimension))
    return TRUE;
  if (fingerprint && (dimension == 0 || dimension > INDEX_MAX_DIMENSION))
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "an encoder needs a name and a dimension from 1 to %d", INDEX_MAX_DIMENSION);
      return FALSE;
    }
  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index, note_next (index, fingerprint, dimension, error), error);
}

/* ---- Gathering ---- */

void index_text_free (IndexText *text)
{
  if (!text)
    return;
  g_free (text->text);
  g_free (text->section);
  g_free (text->title);
  g_free (text);
}

GPtrArray *index_next_texts (Index *index, gint64 after, guint limit, GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func ((GDestroyNotify)index_text_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "next_texts", error);
  int rc = SQLITE_ERROR;

  if (stmt)
    index_bind (stmt, "ii", after, (gint64)limit);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      IndexText *text = g_new0 (IndexText, 1);

      text->chunk = sqlite3_column_int64 (stmt, 0);
      text->text = g_strdup ((const char *)sqlite3_column_text (stmt, 1));
      text->section = g_strdup ((const char *)sqlite3_column_text (stmt, 2));
      text->title = g_strdup ((const char *)sqlite3_column_text (stmt, 3));
      g_ptr_array_add (texts, text);
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&texts) : NULL;
}

gboolean index_count_next_vectors (Index *index, guint *ret_n, GError **error)
{
  gint64 n;

  if (!index_query_int (index, 0, &n, error, "count_next_vectors", ""))
    return FALSE;
  *ret_n = (guint)n;
  return TRUE;
}

gboolean index_put_next_vectors (Index *index, const GPtrArray *texts, const float *vectors,
                                 GError **error)
{
  guint dimension;

  if (!index_next_encoder (index, &dimension))
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "the library %s does not change its encoder", index->dir);
      return FALSE;
    }
  if (!index_begin_write (index, error))
    return FALSE;

  const gsize size_bytes = dimension * sizeof (float);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < texts->len; i++)
    {
      gint64 chunk = ((const IndexText *)g_ptr_array_index (texts, i))->chunk;
      const float *vector = vectors + (gsize)i * dimension;

      ok = index_run (index, error, "put_next_vector", "ibi", chunk, vector, size_bytes,
                      index_vector_checksum (chunk, vector, size_bytes));
    }
  return index_end (index, ok, error);
}

/* ---- Taking over ---- */

/* Elements: gint64, chunks whose new vector is not what was written. */
static GArray *find_damaged (Index *index, GError **error)
{
  g_autoptr (GArray) damaged = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "check_next_vectors", error);
  guint dimension;
  int rc = SQLITE_ERROR;

  index_next_encoder (index, &dimension);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      gint64 chunk = sqlite3_column_int64 (stmt, 0);
      gsize size_bytes = (gsize)sqlite3_column_bytes (stmt, 1);

      if (size_bytes != dimension * sizeof (float)
          || index_vector_checksum (chunk, sqlite3_column_blob (stmt, 1), size_bytes)
                 != sqlite3_column_int64 (stmt, 2))
        g_array_append_val (damaged, chunk);
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&damaged) : NULL;
}

gboolean index_drop_damaged_next_vectors (Index *index, guint *ret_n, GError **error)
{
  g_autoptr (GArray) damaged = find_damaged (index, error);
  gboolean ok = damaged != NULL;

  for (guint i = 0; ok && i < damaged->len; i++)
    ok = index_run (index, error, "delete_next_vector", "i", g_array_index (damaged, gint64, i));
  if (ok && ret_n)
    *ret_n = damaged->len;
  return ok;
}

static gboolean take_over (Index *index, GError **error)
{
  return index_log (index, "encoder", index->next_encoder, error)
         && index_run (index, error, "take_next_vectors", "")
         && index_run (index, error, "take_next_encoder", "")
         && index_run (index, error, "delete_next_vectors", "")
         && index_run (index, error, "dense_drop", "")
         && index_run (index, error, "dense_forget_removed", "");
}

gboolean index_switch_encoder (Index *index, gboolean *ret_complete, GError **error)
{
  gint64 incomplete = 1;

  *ret_complete = FALSE;
  if (!index_begin_write (index, error))
    return FALSE;
  gboolean ok = index_drop_damaged_next_vectors (index, NULL, error)
                && index_query_int (index, 0, &incomplete, error, "has_next_texts", "")
                && (incomplete || !index_next_encoder (index, NULL) || take_over (index, error));
  if (!index_end (index, ok, error))
    return FALSE;
  if (incomplete)
    return TRUE;
  index_encoder (index, NULL);
  index_dense_reset (index->dense);
  *ret_complete = TRUE;
  return index_dense_delete_files (index, 0, error);
}

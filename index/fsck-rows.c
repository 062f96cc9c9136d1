/* Compares every row with the checksum that was stored with it.
 *
 * SQLite notices damage to its own structure, not to the bytes of a text or a vector. A row that
 * no longer says what was written would be cited as if it did, so a repair takes it out; the rest
 * of its document stays searchable until the file is read again. */
#include "index/fsck-private.h"

#include <string.h>

static const char *text_at (sqlite3_stmt *stmt, int column)
{
  return (const char *)sqlite3_column_text (stmt, column);
}

static void distrust (Fsck *fsck, gint64 document)
{
  for (guint i = 0; i < fsck->distrusted->len; i++)
    if (g_array_index (fsck->distrusted, gint64, i) == document)
      return;
  g_array_append_val (fsck->distrusted, document);
}

/* Deletes by ID, or leaves it when this run only looks. */
static gboolean take_out (Fsck *fsck, const char *statement, const GArray *ids, GError **error)
{
  gboolean ok = TRUE;

  if (ids->len == 0 || !fsck->options->repair)
    return TRUE;
  if (!index_begin_write (fsck->index, error))
    return FALSE;
  for (guint i = 0; ok && i < ids->len; i++)
    ok = index_run (fsck->index, error, statement, "i", g_array_index (ids, gint64, i));
  fsck->rows_changed = TRUE;
  return index_end (fsck->index, ok, error);
}

/* ---- Settings and sources ---- */

static gboolean check_encoder (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_settings", error);

  if (!stmt || index_step (fsck->index, stmt, error) != SQLITE_ROW)
    return FALSE;

  const char *encoder = text_at (stmt, 0);
  gint64 expected
      = encoder ? index_pair_checksum (encoder, NULL, sqlite3_column_int64 (stmt, 1)) : 0;

  if (sqlite3_column_int64 (stmt, 2) != expected)
    index_fsck_report (
        fsck, FALSE,
        "%s: the note which encoder made the vectors is damaged; add the documents to "
        "a new library",
        fsck->index->dir);
  return TRUE;
}

static gboolean check_sources (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_sources", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    if (sqlite3_column_int64 (stmt, 4)
        != index_source_checksum (text_at (stmt, 0), text_at (stmt, 1), text_at (stmt, 2),
                                  text_at (stmt, 3)))
      index_fsck_report (fsck, FALSE,
                         "%s: the remembered folder \"%s\" is damaged; add the right one again",
                         fsck->index->dir, text_at (stmt, 0));
  return rc == SQLITE_DONE;
}

/* A damaged reader is taken out: who reads less asks, who reads more does not say so. */
static gboolean check_readers (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_readers", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      const char *collection = text_at (stmt, 0), *role = text_at (stmt, 1);

      if (index_pair_checksum (collection, role, 0) == sqlite3_column_int64 (stmt, 2))
        continue;
      gboolean repaired = fsck->options->repair
                          && index_set_reader (fsck->index, collection, role, FALSE, NULL);
      index_fsck_report (fsck, repaired,
                         "%s: that \"%s\" reads the collection \"%s\" is damaged; allow it again "
                         "if it is right",
                         fsck->index->dir, role, collection);
    }
  return rc == SQLITE_DONE;
}

static gboolean check_private (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_private", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      const char *collection = text_at (stmt, 0);

      if (index_pair_checksum (collection, NULL, 0) == sqlite3_column_int64 (stmt, 1))
        continue;
      gboolean repaired
          = fsck->options->repair && index_set_private (fsck->index, collection, FALSE, NULL);
      index_fsck_report (fsck, repaired,
                         "%s: that the collection \"%s\" is private is damaged; make the right one "
                         "private again",
                         fsck->index->dir, collection);
    }
  return rc == SQLITE_DONE;
}

static gboolean check_tags (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_tags", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      gint64 document = sqlite3_column_int64 (stmt, 0);
      const char *tag = text_at (stmt, 1);

      if (index_tag_checksum (document, tag) == sqlite3_column_int64 (stmt, 2))
        continue;
      gboolean repaired = fsck->options->repair
                          && index_run (fsck->index, NULL, "remove_tag", "it", document, tag);
      index_fsck_report (fsck, repaired, "%s: the tag \"%s\" of a document is damaged; set it again",
                         fsck->index->dir, tag);
    }
  return rc == SQLITE_DONE;
}

static gboolean check_events (Fsck *fsck, GError **error)
{
  g_autoptr (GPtrArray) events = index_list_events (fsck->index, error);
  gint64 forged = events ? index_first_forged (events) : 0;

  if (forged)
    index_fsck_report (fsck, FALSE,
                       "%s: the log of changes was altered or damaged at entry %" G_GINT64_FORMAT
                       "; compare it with a backup (docent log)",
                       fsck->index->dir, forged);
  return events != NULL;
}

gboolean index_fsck_settings (Fsck *fsck, GError **error)
{
  return check_encoder (fsck, error) && check_sources (fsck, error) && check_readers (fsck, error)
         && check_private (fsck, error) && check_tags (fsck, error) && check_events (fsck, error);
}

/* ---- Documents ---- */

gboolean index_fsck_documents (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_documents", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      g_autoptr (IndexDocument) document = index_document_from_row (stmt);
      gboolean intact = index_document_checksum (document) == sqlite3_column_int64 (stmt, 14);
      gboolean complete = sqlite3_column_int (stmt, 15) && sqlite3_column_int (stmt, 16);

      if (intact && complete)
        continue;
      distrust (fsck, document->id);
      index_fsck_report (fsck, fsck->options->repair,
                         "%s: %s; it will be read again by the next `docent sync`", document->path,
                         intact ? "some of its passages or vectors are missing"
                                : "its description is damaged");
    }
  return rc == SQLITE_DONE;
}

/* ---- Chunks ---- */

static gint64 checksum_of_chunk_row (sqlite3_stmt *stmt)
{
  const IndexChunk chunk = {
    .id = text_at (stmt, 3),
    .text = text_at (stmt, 4),
    .section = text_at (stmt, 5),
    .first_page = (guint)sqlite3_column_int64 (stmt, 6),
    .last_page = (guint)sqlite3_column_int64 (stmt, 7),
    .first_label = text_at (stmt, 8),
    .last_label = text_at (stmt, 9),
    .start = sqlite3_column_int64 (stmt, 10),
    .end = sqlite3_column_int64 (stmt, 11),
    .box = { (float)sqlite3_column_double (stmt, 12), (float)sqlite3_column_double (stmt, 13),
             (float)sqlite3_column_double (stmt, 14), (float)sqlite3_column_double (stmt, 15) },
    .flags = (guint)sqlite3_column_int64 (stmt, 18),
    .language = text_at (stmt, 19),
  };

  return index_chunk_checksum (sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 1),
                               sqlite3_column_int64 (stmt, 2), &chunk);
}

static gboolean find_damaged_chunks (Fsck *fsck, GArray *damaged, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_chunks", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      gint64 id = sqlite3_column_int64 (stmt, 0);
      const char *path = text_at (stmt, 17);

      if (checksum_of_chunk_row (stmt) == sqlite3_column_int64 (stmt, 16))
        continue;
      g_array_append_val (damaged, id);
      distrust (fsck, sqlite3_column_int64 (stmt, 1));
      index_fsck_report (fsck, fsck->options->repair,
                         "%s: a passage on page %" G_GINT64_FORMAT
                         " is damaged; it will be read again by the next `docent sync`",
                         path ? path : "a document that is gone",
                         (gint64)sqlite3_column_int64 (stmt, 6));
    }
  return rc == SQLITE_DONE;
}

gboolean index_fsck_chunks (Fsck *fsck, GError **error)
{
  g_autoptr (GArray) damaged = g_array_new (FALSE, FALSE, sizeof (gint64));

  return find_damaged_chunks (fsck, damaged, error)
         && take_out (fsck, "delete_chunk", damaged, error);
}

/* ---- Vectors ---- */

static gboolean find_damaged_vectors (Fsck *fsck, GArray *damaged, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_vectors", error);
  gsize expected_bytes = fsck->index->dimension * sizeof (float);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    {
      gint64 id = sqlite3_column_int64 (stmt, 0);
      gsize size_bytes = (gsize)sqlite3_column_bytes (stmt, 1);
      const char *path = text_at (stmt, 4);

      if (size_bytes == expected_bytes
          && index_vector_checksum (id, sqlite3_column_blob (stmt, 1), size_bytes)
                 == sqlite3_column_int64 (stmt, 2))
        continue;
      g_array_append_val (damaged, id);
      distrust (fsck, sqlite3_column_int64 (stmt, 3));
      index_fsck_report (
          fsck, fsck->options->repair,
          "%s: the vector of a passage is damaged; it will be made again by the next "
          "`docent sync`",
          path ? path : "a document that is gone");
    }
  return rc == SQLITE_DONE;
}

gboolean index_fsck_vectors (Fsck *fsck, GError **error)
{
  g_autoptr (GArray) damaged = g_array_new (FALSE, FALSE, sizeof (gint64));

  return find_damaged_vectors (fsck, damaged, error)
         && take_out (fsck, "delete_vector", damaged, error);
}

/* ---- The next encoder ---- */

/* A damaged note reads as none, and giving up none would change nothing: so there is one first. */
static gboolean drop_next (Fsck *fsck)
{
  return fsck->options->repair && index_set_next_encoder (fsck->index, "damaged", 1, NULL)
         && index_set_next_encoder (fsck->index, NULL, 0, NULL);
}

static gboolean check_next_note (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "get_next_encoder", error);

  if (!stmt || index_step (fsck->index, stmt, error) != SQLITE_ROW)
    return FALSE;
  gboolean intact
      = text_at (stmt, 0)
            ? index_pair_checksum (text_at (stmt, 0), NULL, sqlite3_column_int64 (stmt, 1))
                  == sqlite3_column_int64 (stmt, 2)
            : sqlite3_column_int64 (stmt, 2) == 0;

  if (!intact)
    index_fsck_report (fsck, drop_next (fsck),
                       "%s: the note which encoder is to come is damaged; name it again with "
                       "`docent sync --encoder`",
                       fsck->index->dir);
  return TRUE;
}

gboolean index_fsck_next (Fsck *fsck, GError **error)
{
  guint n_damaged = 0;

  if (!check_next_note (fsck, error) || !index_begin_write (fsck->index, error))
    return FALSE;
  gboolean ok = index_drop_damaged_next_vectors (fsck->index, &n_damaged, error);

  /* Without repair the rows come back with the rollback. */
  if (ok && !fsck->options->repair)
    index_end (fsck->index, FALSE, NULL);
  else
    ok = index_end (fsck->index, ok, error);
  if (n_damaged > 0)
    index_fsck_report (fsck, ok && fsck->options->repair,
                       "%s: %u vectors of the next encoder are damaged; they will be made again by "
                       "the next `docent sync`",
                       fsck->index->dir, n_damaged);
  return ok;
}

/* ---- Distrust ---- */

static gboolean distrust_document (Index *index, gint64 id, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  g_autoptr (IndexDocument) document = NULL;

  if (!index_run (index, error, "distrust_document", "i", id)
      || !(stmt = index_prepare (index, "find_by_id", error)))
    return FALSE;
  index_bind (stmt, "i", id);

  int rc = index_step (index, stmt, error);
  if (rc != SQLITE_ROW)
    return rc == SQLITE_DONE; /* the document itself is gone */
  document = index_document_from_row (stmt);
  return index_run (index, error, "set_document_checksum", "ii", id,
                    index_document_checksum (document))
         && index_log_document (index, "repair", document->path, error);
}

gboolean index_fsck_distrust (Fsck *fsck, GError **error)
{
  gboolean ok = TRUE;

  if (fsck->distrusted->len == 0 || !fsck->options->repair)
    return TRUE;
  if (!index_begin_write (fsck->index, error))
    return FALSE;
  for (guint i = 0; ok && i < fsck->distrusted->len; i++)
    ok = distrust_document (fsck->index, g_array_index (fsck->distrusted, gint64, i), error);
  return index_end (fsck->index, ok, error);
}

/* Finds out whether the library is intact, and makes it so as far as its own rows allow.
 *
 * A folder comes in, one sentence per problem goes out. Checks go from the ground up: SQLite's
 * pages, the tables, every row against its checksum (fsck-rows.c), the words of text search against
 * the passages, the FAISS file against the vectors. What is derived is rebuilt; a damaged row
 * cannot be, so it is taken out and its document marked to be read again from its file. */
#include "index/fsck-private.h"

#include "index/dense-private.h"

#include <string.h>

void index_fsck_report (Fsck *fsck, gboolean repaired, const char *format, ...)
{
  va_list values;

  va_start (values, format);
  g_autofree char *problem = g_strdup_vprintf (format, values);
  va_end (values);

  if (!repaired)
    fsck->n_remaining++;
  if (fsck->options->report)
    fsck->options->report (problem, repaired, fsck->options->user_data);
}

gboolean index_fsck_survives (Fsck *fsck, GError *failure, GError **error)
{
  if (!g_error_matches (failure, INDEX_ERROR, INDEX_ERROR_CORRUPT))
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  index_fsck_report (fsck, FALSE, "%s", failure->message);
  g_error_free (failure);
  return TRUE;
}

/* ---- SQLite itself ---- */

/* The messages of integrity_check that are not "ok". */
static GPtrArray *database_problems (Index *index, GError **error)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "check_database", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      const char *message = (const char *)sqlite3_column_text (stmt, 0);

      if (g_strcmp0 (message, "ok") != 0)
        g_ptr_array_add (problems, g_strdup (message ? message : "unreadable"));
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&problems) : NULL;
}

static gboolean check_database (Fsck *fsck, GError **error)
{
  Index *index = fsck->index;
  g_autoptr (GPtrArray) problems = database_problems (index, error);
  gboolean repaired = FALSE;

  if (!problems)
    return FALSE;
  if (problems->len > 0 && fsck->options->repair && index_run (index, NULL, "rebuild_indexes", ""))
    {
      g_autoptr (GPtrArray) remaining = database_problems (index, NULL);
      repaired = remaining && remaining->len == 0;
    }
  for (guint i = 0; i < problems->len; i++)
    index_fsck_report (fsck, repaired, "%s/library.db: %s", index->dir,
                       (const char *)g_ptr_array_index (problems, i));
  return TRUE;
}

static gboolean check_schema (Fsck *fsck, GError **error)
{
  gboolean matches;

  if (!index_schema_matches (fsck->index, &matches, error))
    return FALSE;
  if (!matches)
    index_fsck_report (fsck, FALSE,
                       "%s/library.db: its tables are not those that docent made; restore a backup "
                       "or add the documents to a new library",
                       fsck->index->dir);
  return TRUE;
}

static gboolean delete_orphans (Index *index, GError **error)
{
  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index,
                    index_run (index, error, "delete_orphan_chunks", "")
                        && index_run (index, error, "delete_orphan_vectors", "")
                        && index_run (index, error, "delete_orphan_next_vectors", ""),
                    error);
}

static gboolean check_foreign_keys (Fsck *fsck, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (fsck->index, "check_foreign_keys", error);
  guint n_orphans = 0;
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (fsck->index, stmt, error)) == SQLITE_ROW)
    n_orphans++;
  if (rc != SQLITE_DONE)
    return FALSE;
  if (n_orphans == 0)
    return TRUE;
  sqlite3_reset (stmt);

  gboolean repaired = fsck->options->repair && delete_orphans (fsck->index, error);
  fsck->rows_changed |= repaired;
  index_fsck_report (fsck, repaired, "%s/library.db: %u rows belong to documents that are gone",
                     fsck->index->dir, n_orphans);
  return repaired || !fsck->options->repair;
}

/* ---- What can be rebuilt ---- */

static gboolean words_match (Index *index, gboolean *ret_match, GError **error)
{
  g_autoptr (GError) failure = NULL;

  *ret_match = index_run (index, &failure, "check_words", "");
  if (*ret_match || g_error_matches (failure, INDEX_ERROR, INDEX_ERROR_CORRUPT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean check_words (Fsck *fsck, GError **error)
{
  gboolean matched, matches;

  if (!words_match (fsck->index, &matched, error))
    return FALSE;
  if (matched && !fsck->rows_changed)
    return TRUE;
  matches = matched;
  if (fsck->options->repair
      && (!index_run (fsck->index, error, "rebuild_words", "")
          || !words_match (fsck->index, &matches, error)))
    return FALSE;
  if (!matched)
    index_fsck_report (fsck, matches, "%s/library.db: text search does not match the passages",
                       fsck->index->dir);
  return TRUE;
}

static gboolean ids_match (Index *index, const gint64 *ids, gsize n_ids, gboolean *ret_match,
                           GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "cached_chunks", error);
  gsize n = 0;
  int rc = SQLITE_ERROR;

  *ret_match = TRUE;
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      *ret_match = *ret_match && n < n_ids && ids[n] == sqlite3_column_int64 (stmt, 0);
      n++;
    }
  *ret_match = *ret_match && n == n_ids;
  return rc == SQLITE_DONE;
}

/* ret_why: NULL when the FAISS file is what SQLite says, or there is none to check. */
static gboolean faiss_problem (Index *index, char **ret_why, GError **error)
{
  IndexDenseBlock block = { 0 };
  IndexDenseCodes codes = { 0 };
  IndexDenseState state;
  gboolean matches = TRUE;

  if (!index_dense_read_state (index, &state, error))
    return FALSE;
  if (state.size_bytes == 0)
    return TRUE;
  if (!(index_codes_are_in (&state) ? index_dense_load_codes (index, &state, &codes, ret_why)
                                    : index_dense_load_file (index, &state, &block, ret_why)))
    return TRUE;

  gboolean ok = codes.ids ? ids_match (index, (const gint64 *)(const void *)codes.ids->data,
                                       codes.ids->len, &matches, error)
                          : ids_match (index, block.ids, block.n, &matches, error);
  index_codes_clear (&codes);
  index_dense_block_clear (&block);
  if (ok && !matches)
    *ret_why
        = g_strdup_printf ("%s: the vectors' FAISS file does not match the passages", index->dir);
  return ok;
}

static gboolean rebuild_faiss (Index *index, GError **error)
{
  return index_dense_drop_file (index, error) && index_flush (index, error);
}

static gboolean check_faiss (Fsck *fsck, GError **error)
{
  g_autofree char *why = NULL;
  gboolean repair = fsck->options->repair;

  if (!faiss_problem (fsck->index, &why, error))
    return FALSE;
  if (!why && !fsck->rows_changed)
    return TRUE;
  if (repair && !rebuild_faiss (fsck->index, error))
    return FALSE;
  if (why)
    index_fsck_report (fsck, repair, "%s", why);
  return TRUE;
}

/* ---- All ---- */

static gboolean check_library (Fsck *fsck, GError **error)
{
  static gboolean (*const checks[]) (Fsck *, GError **)
      = { check_database,       check_schema,      index_fsck_settings, check_foreign_keys,
          index_fsck_documents, index_fsck_chunks, index_fsck_vectors,  index_fsck_next, index_fsck_distrust,
          check_words,          check_faiss };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      GError *failure = NULL;

      if (!checks[i](fsck, &failure) && !index_fsck_survives (fsck, failure, error))
        return FALSE;
    }
  return TRUE;
}

gboolean index_fsck (const char *dir, const IndexFsck *options, guint *ret_problems, GError **error)
{
  const IndexFsck nothing = { 0 };
  Fsck fsck = { .options = options ? options : &nothing };
  GError *failure = NULL;
  gboolean ok;

  fsck.index = index_open (dir, INDEX_WRITE, &failure);
  if (!fsck.index)
    ok = index_fsck_survives (&fsck, failure, error);
  else
    {
      fsck.distrusted = g_array_new (FALSE, FALSE, sizeof (gint64));
      ok = check_library (&fsck, error);
      g_array_unref (fsck.distrusted);
      index_close (fsck.index);
    }
  if (ok && ret_problems)
    *ret_problems = fsck.n_remaining;
  return ok;
}

/* Copies the database while others may be using it.
 *
 * An open library comes in, a complete and verified database file goes out: SQLite's online backup
 * takes all pages of one moment, the copy is checked, synced and only then gets its name. Used
 * before a library is changed to a newer layout and by backups. */
#include "index/index-private.h"

#include "index/lexical-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SAFETY_PREFIX "library.db.version-"

gboolean index_sync_folder (const char *dir, GError **error)
{
  int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    index_set_file_error (dir, errno, error);
  if (fd >= 0)
    close (fd);
  return ok;
}

gboolean index_delete_others (Index *index, const char *prefix, const char *kept, GError **error)
{
  g_autoptr (GDir) folder = g_dir_open (index->dir, 0, error);
  const char *name;
  gboolean deleted = FALSE;

  if (!folder)
    return FALSE;
  while ((name = g_dir_read_name (folder)))
    {
      g_autofree char *path = g_build_filename (index->dir, name, NULL);

      if (!g_str_has_prefix (name, prefix) || (kept && g_str_has_prefix (name, kept)))
        continue;
      if (unlink (path) != 0 && errno != ENOENT)
        {
          index_set_file_error (path, errno, error);
          return FALSE;
        }
      deleted = TRUE;
    }
  return !deleted || index_sync_folder (index->dir, error);
}

/* ---- Copy ---- */

/* For its owner alone before SQLite sees it. */
static gboolean make_empty_file (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    index_set_file_error (path, errno, error);
  else
    close (fd);
  return fd >= 0;
}

/* Registering the tokenizer lets newer versions of SQLite look into text search as well. */
static gboolean check_copy (Index *copy, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  gboolean intact = FALSE;

  if (!index_register_text_search (copy, error))
    return FALSE;
  if (sqlite3_prepare_v2 (copy->db, "PRAGMA integrity_check (1)", -1, &stmt, NULL) == SQLITE_OK
      && sqlite3_step (stmt) == SQLITE_ROW)
    intact = g_strcmp0 ((const char *)sqlite3_column_text (stmt, 0), "ok") == 0;
  sqlite3_finalize (stmt);
  if (!intact)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
                 "the copy %s is damaged: run `docent fsck` on the library", copy->dir);
  return intact;
}

static gboolean fill_copy (Index *index, Index *copy, GError **error)
{
  sqlite3_backup *backup = sqlite3_backup_init (copy->db, "main", index->db, "main");
  int rc = backup ? sqlite3_backup_step (backup, -1) : sqlite3_extended_errcode (copy->db);

  /* The error code of a failed step is the one to report. */
  if (backup && sqlite3_backup_finish (backup) != SQLITE_OK && rc == SQLITE_DONE)
    rc = sqlite3_extended_errcode (copy->db);
  if (rc != SQLITE_DONE)
    index_set_sqlite_error (copy->dir, NULL, rc, error);
  return rc == SQLITE_DONE;
}

static gboolean write_copy (Index *index, const char *path, GError **error)
{
  Index copy = { .dir = (char *)path, .analyzer = index->analyzer };
  int rc = sqlite3_open_v2 (path, &copy.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
  gboolean ok = rc == SQLITE_OK
                && sqlite3_exec (copy.db, "PRAGMA synchronous = FULL", NULL, NULL, NULL)
                       == SQLITE_OK;

  if (!ok)
    index_set_sqlite_error (path, copy.db, rc, error);
  ok = ok && fill_copy (index, &copy, error) && check_copy (&copy, error);
  sqlite3_close (copy.db);
  return ok;
}

gboolean index_copy_database (Index *index, const char *path, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".tmp", NULL);
  g_autofree char *dir = g_path_get_dirname (path);

  if (!make_empty_file (temporary, error))
    return FALSE;
  if (!write_copy (index, temporary, error))
    {
      unlink (temporary);
      return FALSE;
    }
  if (rename (temporary, path) != 0)
    {
      index_set_file_error (path, errno, error);
      unlink (temporary);
      return FALSE;
    }
  return index_sync_folder (dir, error);
}

/* ---- Safety copies ---- */

gboolean index_make_safety_copy (Index *index, gint64 version, GError **error)
{
  g_autofree char *name = g_strdup_printf (SAFETY_PREFIX "%" G_GINT64_FORMAT, version);
  g_autofree char *path = g_build_filename (index->dir, name, NULL);

  return index_copy_database (index, path, error)
         && index_delete_others (index, SAFETY_PREFIX, name, error);
}

gboolean index_delete_safety_copies (Index *index, GError **error)
{
  return index_delete_others (index, SAFETY_PREFIX, NULL, error);
}

/* Turns what went wrong underneath into one sentence that tells people what to do.
 *
 * SQLite's result codes and errno come in; an error of INDEX_ERROR with the library's path, the
 * cause and the remedy goes out. Everything that can fail in this room ends here, so that a full
 * disk reads the same wherever it struck. */
#include "index/index-private.h"

#include <errno.h>

G_DEFINE_QUARK (index - error - quark, index_error)

/* A quota (EDQUOT) or a file size limit (EFBIG) is a full disk to the person in front of it. */
static gboolean means_full (int cause)
{
  return cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
}

/* errno of the last failed operation on one of the library's files. SQLite's own record of it
 * (sqlite3_system_errno) does not survive what SQLite does before it returns. */
static int last_errno (sqlite3 *db, int pointer_op)
{
  sqlite3_file *file = NULL;
  int cause = 0;

  if (sqlite3_file_control (db, "main", pointer_op, &file) == SQLITE_OK && file && file->pMethods)
    file->pMethods->xFileControl (file, SQLITE_FCNTL_LAST_ERRNO, &cause);
  return cause;
}

/* SQLite reports other shortages than ENOSPC as a plain write error. */
static gboolean is_full (sqlite3 *db, int rc)
{
  if ((rc & 0xff) == SQLITE_FULL)
    return TRUE;
  return (rc & 0xff) == SQLITE_IOERR && db
         && (means_full (last_errno (db, SQLITE_FCNTL_FILE_POINTER))
             || means_full (last_errno (db, SQLITE_FCNTL_JOURNAL_POINTER)));
}

static gboolean is_damage (int rc)
{
  return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB || rc == SQLITE_IOERR_DATA;
}

void index_set_sqlite_error (const char *dir, sqlite3 *db, int rc, GError **error)
{
  const char *detail = db ? sqlite3_errmsg (db) : sqlite3_errstr (rc);

  if (is_full (db, rc))
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FULL,
                 "the disk that holds the library %s is full; nothing was changed: free some space "
                 "and try again",
                 dir);
  else if (is_damage (rc))
    g_set_error (
        error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
        "the library %s is damaged (%s): run `docent fsck --repair` to see what can be saved", dir,
        detail);
  else if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_BUSY,
                 "the library %s is in use by another program: try again in a moment", dir);
  else if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_PERM
           || (rc & 0xff) == SQLITE_READONLY)
    g_set_error (
        error, INDEX_ERROR, INDEX_ERROR_OPEN,
        "the library %s cannot be opened (%s): check that the folder is yours and writable", dir,
        detail);
  else if ((rc & 0xff) == SQLITE_IOERR)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED,
                 "the disk failed while using the library %s (%s): check the disk, then run "
                 "`docent fsck`",
                 dir, detail);
  else if ((rc & 0xff) == SQLITE_NOMEM)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED,
                 "not enough memory to use the library %s: close other programs and try again",
                 dir);
  else
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED, "the library %s failed: %s (%d)", dir,
                 detail, rc);
}

void index_set_file_error (const char *path, int cause, GError **error)
{
  if (means_full (cause))
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FULL,
                 "no room left to write %s: free some space and try again", path);
  else
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED,
                 "%s cannot be used (%s): check the disk and the folder's permissions", path,
                 g_strerror (cause));
}

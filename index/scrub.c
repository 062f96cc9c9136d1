/* Wipes what SQLite leaves behind inside its pages.
 *
 * secure_delete overwrites what is deleted, but when a page splits, SQLite copies the rows that
 * move and leaves the originals in the unused middle of the old page; a row deleted later is wiped
 * only where it lives by then. So after a document is forgotten the unused middle of every b-tree
 * page is overwritten here, in the file itself: no page's meaning changes, a crash half way does no
 * harm, and a note in the library makes the next writer finish the job.
 *
 * Before that words leave text search for good, and vectors the FAISS file. Each is done in steps
 * between which readers get their turn. */
#include "index/index-private.h"

#include "index/dense-private.h"

#include <string.h>

/* File format, "B-tree Pages": the header starts at byte 100 of page 1, at 0 of all others. */
#define FIRST_PAGE_HEADER 100
#define LEAF_HEADER_BYTES 8
#define INTERIOR_HEADER_BYTES 12

static guint read_u16 (const guint8 *at)
{
  return (guint)at[0] << 8 | at[1];
}

/* Between the last cell pointer and the first cell. FALSE when the page makes no sense: that is
 * for fsck to find. */
static gboolean find_gap (const guint8 *page, gsize page_bytes, gboolean is_first, gsize *ret_start,
                          gsize *ret_end)
{
  gsize header = is_first ? FIRST_PAGE_HEADER : 0;
  guint8 kind = page[header];
  gboolean is_interior = kind == 2 || kind == 5;
  gboolean is_leaf = kind == 10 || kind == 13;
  gsize content = read_u16 (page + header + 5);

  *ret_start = header + (is_interior ? INTERIOR_HEADER_BYTES : LEAF_HEADER_BYTES)
               + 2 * (gsize)read_u16 (page + header + 3);
  *ret_end = content == 0 ? 65536 : content;
  return (is_interior || is_leaf) && *ret_start <= *ret_end && *ret_end <= page_bytes;
}

static int scrub_page (sqlite3_file *file, guint8 *page, gsize page_bytes, gint64 number)
{
  sqlite3_int64 offset = (number - 1) * (sqlite3_int64)page_bytes;
  gsize start, end;
  int rc = file->pMethods->xRead (file, page, (int)page_bytes, offset);

  if (rc != SQLITE_OK || !find_gap (page, page_bytes, number == 1, &start, &end))
    return rc;
  while (start < end && page[start] == 0)
    start++;
  if (start == end)
    return SQLITE_OK;
  memset (page + start, 0, end - start);
  return file->pMethods->xWrite (file, page + start, (int)(end - start),
                                 offset + (sqlite3_int64)start);
}

/* Inside a write transaction that has changed nothing, so that file and page cache agree. */
static gboolean scrub_pages (Index *index, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "btree_pages", error);
  g_autofree guint8 *page = NULL;
  sqlite3_file *file = NULL;
  gint64 page_bytes;
  int rc;

  if (!stmt || !index_query_int (index, 0, &page_bytes, error, "page_bytes", ""))
    return FALSE;
  page = g_malloc ((gsize)page_bytes);
  rc = sqlite3_file_control (index->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  while (rc == SQLITE_OK && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    rc = scrub_page (file, page, (gsize)page_bytes, sqlite3_column_int64 (stmt, 0));
  if (rc == SQLITE_DONE)
    rc = file->pMethods->xSync (file, SQLITE_SYNC_NORMAL);
  if (rc != SQLITE_OK && error && !*error)
    index_set_sqlite_error (index->dir, NULL, rc, error);
  return rc == SQLITE_OK;
}

/* Pages of text search that one step writes, about 4 kB each. */
#define PAGES_PER_MERGE 4000

/* FTS5 marks words as deleted and leaves them readable in its pages until it has merged them all:
 * that is done when a step changes nothing but its own note. */
static gboolean merge_words (Index *index, GError **error)
{
  for (;;)
    {
      int before = sqlite3_total_changes (index->db);

      if (!index_run (index, error, "merge_words", "i", (gint64)-PAGES_PER_MERGE))
        return FALSE;
      if (sqlite3_total_changes (index->db) - before < 2)
        return TRUE;
    }
}

/* Where there is no room for a new file, the old one goes all the same: vectors are read from the
 * rows then. */
static gboolean rewrite_vectors (Index *index, GError **error)
{
  return index_flush (index, NULL) || index_dense_drop_file (index, error);
}

gboolean index_scrub_if_needed (Index *index, GError **error)
{
  gint64 needed;

  if (!index_query_int (index, 0, &needed, error, "needs_scrub", ""))
    return FALSE;
  if (!needed)
    return TRUE;
  if (!merge_words (index, error) || !rewrite_vectors (index, error))
    return FALSE;
  if (!index_begin_write (index, error) || !index_end (index, scrub_pages (index, error), error))
    return FALSE;
  /* The page cache still has the pages as they were, and would write them back one day. */
  sqlite3_db_release_memory (index->db);
  return index_run (index, error, "scrubbed", "");
}

/* Gives a new library its tables and decides whether an existing one is ours to open.
 *
 * application_id says that the file is a docent library at all, user_version which layout it has.
 * A newer layout is refused, naming both versions, because guessing at it could destroy what a
 * newer docent wrote. */
#include "index/index-private.h"

#include "index/lexical-private.h"

#define APPLICATION_ID 0x646f6374 /* "doct" */
#define SCHEMA_VERSION 1

static gboolean pragma_int (Index *index, const char *sql, gint64 *ret_value, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2 (index->db, sql, -1, &stmt, NULL);

  if (rc == SQLITE_OK)
    rc = sqlite3_step (stmt);
  if (rc == SQLITE_ROW)
    *ret_value = sqlite3_column_int64 (stmt, 0);
  else
    index_set_sqlite_error (index->dir, index->db, sqlite3_extended_errcode (index->db), error);
  sqlite3_finalize (stmt);
  return rc == SQLITE_ROW;
}

static gboolean execute (Index *index, const char *sql, GError **error)
{
  int rc = sqlite3_exec (index->db, sql, NULL, NULL, NULL);

  if (rc != SQLITE_OK)
    index_set_sqlite_error (index->dir, index->db, sqlite3_extended_errcode (index->db), error);
  return rc == SQLITE_OK;
}

static gboolean create_tables (Index *index, GError **error)
{
  if (!execute (index, "PRAGMA page_size = 8192", error)
      || !execute (index, "PRAGMA auto_vacuum = NONE", error) || !index_begin_write (index, error))
    return FALSE;

  gboolean ok = execute (index, index_sql_script ("schema.sql"), error)
                && execute (index, "PRAGMA application_id = " G_STRINGIFY (APPLICATION_ID), error)
                && execute (index, "PRAGMA user_version = " G_STRINGIFY (SCHEMA_VERSION), error);
  return index_end (index, ok, error);
}

gboolean index_schema_prepare (Index *index, gboolean create, GError **error)
{
  gint64 application, version, n_objects;

  if (!pragma_int (index, "PRAGMA application_id", &application, error)
      || !pragma_int (index, "PRAGMA user_version", &version, error)
      || !pragma_int (index, "SELECT count(*) FROM sqlite_schema", &n_objects, error))
    return FALSE;

  if (n_objects == 0 && create)
    return create_tables (index, error);
  if (n_objects == 0)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND,
                   "there is no library in %s yet: `docent add` makes one", index->dir);
      return FALSE;
    }
  if (application != APPLICATION_ID)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_SCHEMA,
                   "%s/library.db belongs to another program: choose another folder with --library",
                   index->dir);
      return FALSE;
    }
  if (version != SCHEMA_VERSION)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_SCHEMA,
                   "the library %s has version %" G_GINT64_FORMAT
                   " and this docent reads version %d: %s",
                   index->dir, version, SCHEMA_VERSION,
                   version > SCHEMA_VERSION ? "use the newer docent that wrote it"
                                            : "it is damaged, restore it from a backup");
      return FALSE;
    }
  return TRUE;
}

/* ---- Compare ---- */

static char *schema_text (sqlite3 *db)
{
  sqlite3_stmt *stmt = NULL;
  char *text = NULL;

  if (sqlite3_prepare_v2 (db,
                          "SELECT group_concat (ifnull (sql, name), ';') FROM "
                          "(SELECT sql, name FROM sqlite_schema ORDER BY name)",
                          -1, &stmt, NULL)
          == SQLITE_OK
      && sqlite3_step (stmt) == SQLITE_ROW)
    text = g_strdup ((const char *)sqlite3_column_text (stmt, 0));
  sqlite3_finalize (stmt);
  return text;
}

gboolean index_schema_matches (Index *index, gboolean *ret_matches, GError **error)
{
  /* A second library in memory, made by the same script. */
  Index fresh = { .dir = index->dir, .analyzer = index->analyzer };
  gboolean ok = sqlite3_open (":memory:", &fresh.db) == SQLITE_OK
                && index_register_text_search (&fresh, error)
                && execute (&fresh, index_sql_script ("schema.sql"), error);

  if (ok)
    {
      g_autofree char *expected = schema_text (fresh.db);
      g_autofree char *actual = schema_text (index->db);

      *ret_matches = expected && g_strcmp0 (expected, actual) == 0;
    }
  sqlite3_close (fresh.db);
  return ok;
}

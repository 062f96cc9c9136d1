/* Gives a new library its tables, an older one what it lacks, and decides whether an existing one
 * is ours to open.
 *
 * application_id says that the file is a docent library at all, user_version which layout it has.
 * sql/schema.sql is version 1; every later version is a script of its own that takes a library one
 * step further. A new library takes all the steps too, so that old and new ones end up alike and
 * every step runs in every test. An older library is copied before it is changed. A newer layout
 * is refused, naming both versions, because guessing at it could destroy what a newer docent
 * wrote.
 *
 * To change the layout: add sql/version-<n>.sql and its name below. A new column of document or
 * chunk goes into their checksum only where it is not NULL (see index_checksum_add_option), so that
 * rows written before keep theirs. */
#include "index/index-private.h"

#include "index/lexical-private.h"

#define APPLICATION_ID 0x646f6374 /* "doct" */

/* scripts[v − 1] makes version v of v − 1. */
static const char *const scripts[] = { "schema.sql",    "version-2.sql", "version-3.sql",
                                       "version-4.sql", "version-5.sql", "version-6.sql" };
#define SCHEMA_VERSION ((gint64)G_N_ELEMENTS (scripts))

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

/* Takes the steps from version FROM on, inside a transaction. */
static gboolean take_steps (Index *index, gint64 from, GError **error)
{
  g_autofree char *note
      = g_strdup_printf ("PRAGMA user_version = %" G_GINT64_FORMAT, SCHEMA_VERSION);

  for (gint64 version = from; version < SCHEMA_VERSION; version++)
    if (!execute (index, index_sql_script (scripts[version]), error))
      return FALSE;
  return execute (index, note, error);
}

static gboolean create_tables (Index *index, GError **error)
{
  if (!execute (index, "PRAGMA page_size = 8192", error)
      || !execute (index, "PRAGMA auto_vacuum = NONE", error) || !index_begin_write (index, error))
    return FALSE;

  gboolean ok = execute (index, "PRAGMA application_id = " G_STRINGIFY (APPLICATION_ID), error)
                && take_steps (index, 0, error);
  return index_end (index, ok, error);
}

static gboolean update_tables (Index *index, gint64 version, GError **error)
{
  return index_make_safety_copy (index, version, error) && index_begin_write (index, error)
         && index_end (index, take_steps (index, version, error), error);
}

/* Not ours, or newer than us. */
static gboolean refuse (Index *index, gint64 application, gint64 version, GError **error)
{
  if (application != APPLICATION_ID)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_SCHEMA,
                 "%s/library.db belongs to another program: choose another folder with --library",
                 index->dir);
  else
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_SCHEMA,
                 "the library %s has version %" G_GINT64_FORMAT
                 " and this docent reads version %" G_GINT64_FORMAT ": %s",
                 index->dir, version, SCHEMA_VERSION,
                 version > SCHEMA_VERSION ? "use the newer docent that wrote it"
                                          : "it is damaged, restore it from a backup");
  return FALSE;
}

gboolean index_schema_prepare (Index *index, gboolean create, gboolean *ret_outdated,
                               GError **error)
{
  gint64 application, version, n_objects;

  *ret_outdated = FALSE;
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
  if (application != APPLICATION_ID || version < 1 || version > SCHEMA_VERSION)
    return refuse (index, application, version, error);
  *ret_outdated = version < SCHEMA_VERSION && !index->writable;
  return version == SCHEMA_VERSION || *ret_outdated || update_tables (index, version, error);
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
                && take_steps (&fresh, 0, error);

  if (ok)
    {
      g_autofree char *expected = schema_text (fresh.db);
      g_autofree char *actual = schema_text (index->db);

      *ret_matches = expected && g_strcmp0 (expected, actual) == 0;
    }
  sqlite3_close (fresh.db);
  return ok;
}

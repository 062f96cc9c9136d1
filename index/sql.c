/* Runs the statements of sql/ by name.
 *
 * A file holds statements, each under a line "-- :name"; they are compiled into the program as a
 * resource, split once, prepared when first used and kept. Code passes values, never SQL, so there
 * is no place where a document's text could become part of a statement. */
#include "index/index-private.h"

#include "index-resources.h"

#include <string.h>

#define RESOURCE_FOLDER "/docent/index/sql/"
#define NAME_LINE "-- :"

const char *index_sql_script (const char *file)
{
  g_autofree char *path = g_strconcat (RESOURCE_FOLDER, file, NULL);
  /* Resources are not compressed, so the bytes are part of the program and outlive the GBytes. */
  g_autoptr (GBytes) bytes = g_resource_lookup_data (index_get_resource (), path, 0, NULL);

  return bytes ? g_bytes_get_data (bytes, NULL) : NULL;
}

static void split_file (GHashTable *texts, const char *file)
{
  const char *at = strstr (index_sql_script (file), NAME_LINE);

  while (at)
    {
      const char *name = at + strlen (NAME_LINE);
      const char *line_end = strchr (name, '\n');
      const char *next = strstr (line_end, "\n" NAME_LINE);
      gsize length = next ? (gsize)(next - line_end) : strlen (line_end);

      g_hash_table_insert (texts, g_strndup (name, line_end - name), g_strndup (line_end, length));
      at = next ? next + 1 : NULL;
    }
}

static GHashTable *statement_texts (void)
{
  static GHashTable *texts = NULL;

  if (g_once_init_enter (&texts))
    {
      GHashTable *made = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_auto (GStrv) files
          = g_resource_enumerate_children (index_get_resource (), RESOURCE_FOLDER, 0, NULL);

      for (char **file = files; file && *file; file++)
        split_file (made, *file);
      g_once_init_leave (&texts, made);
    }
  return texts;
}

sqlite3_stmt *index_prepare (Index *index, const char *name, GError **error)
{
  sqlite3_stmt *stmt = g_hash_table_lookup (index->statements, name);

  if (!stmt)
    {
      const char *text = g_hash_table_lookup (statement_texts (), name);
      int rc = sqlite3_prepare_v3 (index->db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

      if (rc != SQLITE_OK)
        {
          /* Our statements are always the same: one that makes no sense met damaged tables. */
          index_set_sqlite_error (index->dir, index->db, rc == SQLITE_ERROR ? SQLITE_CORRUPT : rc,
                                  error);
          return NULL;
        }
      g_hash_table_insert (index->statements, g_strdup (name), stmt);
    }
  sqlite3_reset (stmt);
  sqlite3_clear_bindings (stmt);
  return stmt;
}

static void bind_list (sqlite3_stmt *stmt, const char *types, va_list values)
{
  for (int i = 1; types[i - 1]; i++)
    switch (types[i - 1])
      {
      case 'i':
        sqlite3_bind_int64 (stmt, i, va_arg (values, gint64));
        break;
      case 'd':
        sqlite3_bind_double (stmt, i, va_arg (values, double));
        break;
      case 't':
        sqlite3_bind_text (stmt, i, va_arg (values, const char *), -1, SQLITE_STATIC);
        break;
      case 'b':
        {
          const void *data = va_arg (values, const void *);
          sqlite3_bind_blob64 (stmt, i, data, va_arg (values, gsize), SQLITE_STATIC);
          break;
        }
      case 'p':
        {
          void *pointer = va_arg (values, void *);
          sqlite3_bind_pointer (stmt, i, pointer, va_arg (values, const char *), NULL);
          break;
        }
      default:
        g_return_if_reached ();
      }
}

void index_bind (sqlite3_stmt *stmt, const char *types, ...)
{
  va_list values;

  va_start (values, types);
  bind_list (stmt, types, values);
  va_end (values);
}

int index_step (Index *index, sqlite3_stmt *stmt, GError **error)
{
  int rc = sqlite3_step (stmt);

  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    index_set_sqlite_error (index->dir, index->db, sqlite3_extended_errcode (index->db), error);
  return rc;
}

gboolean index_run (Index *index, GError **error, const char *name, const char *types, ...)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, name, error);
  va_list values;

  if (!stmt)
    return FALSE;
  va_start (values, types);
  bind_list (stmt, types, values);
  va_end (values);
  return index_step (index, stmt, error) == SQLITE_DONE;
}

gboolean index_query_int (Index *index, gint64 fallback, gint64 *ret_value, GError **error,
                          const char *name, const char *types, ...)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, name, error);
  va_list values;

  if (!stmt)
    return FALSE;
  va_start (values, types);
  bind_list (stmt, types, values);
  va_end (values);

  int rc = index_step (index, stmt, error);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    return FALSE;
  *ret_value = rc == SQLITE_ROW ? sqlite3_column_int64 (stmt, 0) : fallback;
  return TRUE;
}

/* A rollback may have failed for want of memory; then it is still to be done. */
static void end_leftover (Index *index)
{
  if (!sqlite3_get_autocommit (index->db))
    index_run (index, NULL, "rollback", "");
}

gboolean index_begin_write (Index *index, GError **error)
{
  if (!index->writable)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "the library %s was opened for reading only", index->dir);
      return FALSE;
    }
  end_leftover (index);
  return index_run (index, error, "begin_write", "");
}

gboolean index_begin_read (Index *index, GError **error)
{
  end_leftover (index);
  return index_run (index, error, "begin_read", "");
}

gboolean index_end (Index *index, gboolean ok, GError **error)
{
  if (ok && index_run (index, error, "commit", ""))
    return TRUE;
  end_leftover (index); /* unless SQLite has rolled back by itself, as on a full disk */
  return FALSE;
}

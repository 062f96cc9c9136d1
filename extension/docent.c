/* A library inside any SQLite client: reports and procedures search it with SQL.
 *
 *   SELECT document, page, text FROM docent_search ('night shift', 5);
 *   SELECT docent_embed ('night shift');
 *   SELECT docent_open ('/srv/library', 'nurse');
 *
 * A question comes in as a value, passages go out as rows, best first. The library is opened for
 * reading when it is first needed: the user's own, or the one that docent_open names, as a role if
 * one is given. A connection stays with it, so that SQL which somebody slipped in cannot leave the
 * role. The host's SQLite only sees this file; the library is opened by docent's own handle. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "rag/rag.h"

#include <string.h>

#define DEFAULT_LIMIT 10
#define MAX_LIMIT 1000

int sqlite3_docent_init (sqlite3 *db, char **ret_message, const sqlite3_api_routines *api);

/* One for each connection. */
typedef struct
{
  char *library_dir, *role; /* NULL: not said yet, none */
  Rag *rag;                 /* NULL until first needed */
} Connection;

static void connection_free (gpointer data)
{
  Connection *connection = data;

  rag_close (connection->rag);
  g_free (connection->library_dir);
  g_free (connection->role);
  g_free (connection);
}

static Rag *need_library (Connection *connection, GError **error)
{
  const char *models = g_getenv ("DOCENT_MODELS");
  g_autofree char *library_dir = connection->library_dir
                                     ? g_strdup (connection->library_dir)
                                     : g_build_filename (g_get_user_data_dir (), "docent", NULL);
  g_autofree char *models_dir
      = models && *models ? g_strdup (models)
                          : g_build_filename (g_get_user_data_dir (), "docent", "models", NULL);
  const RagOptions options
      = { .library_dir = library_dir, .models_dir = models_dir, .role = connection->role };

  if (!connection->rag)
    connection->rag = rag_open (&options, RAG_READ, error);
  return connection->rag;
}

/* ---- docent_open, docent_embed ---- */

static void fail (sqlite3_context *context, const char *function, const char *problem)
{
  g_autofree char *message = g_strdup_printf ("%s: %s", function, problem);

  sqlite3_result_error (context, message, -1);
}

static void open_library (sqlite3_context *context, int n, sqlite3_value **values)
{
  Connection *connection = sqlite3_user_data (context);
  const char *dir = (const char *)sqlite3_value_text (values[0]);
  const char *role = n > 1 ? (const char *)sqlite3_value_text (values[1]) : NULL;
  g_autoptr (GError) error = NULL;

  if (connection->rag)
    {
      fail (context, "docent_open", "this connection has a library already: use another connection");
      return;
    }
  if (!dir || (n > 1 && !role))
    {
      fail (context, "docent_open", "the library's folder and the role are texts");
      return;
    }
  g_free (connection->library_dir);
  g_free (connection->role);
  connection->library_dir = g_strdup (dir);
  connection->role = g_strdup (role);
  if (!need_library (connection, &error))
    fail (context, "docent_open", error->message);
}

/* docent_embed (text [, kind]) → float32 blob, or NULL for NULL. */
static void embed (sqlite3_context *context, int n, sqlite3_value **values)
{
  const char *text = (const char *)sqlite3_value_text (values[0]);
  const char *kind = n > 1 ? (const char *)sqlite3_value_text (values[1]) : "query";
  gboolean passage = g_strcmp0 (kind, "passage") == 0;
  g_autoptr (GError) error = NULL;
  float *vector = NULL;
  guint dimension;

  if (!text)
    return;
  if (!passage && g_strcmp0 (kind, "query") != 0)
    {
      fail (context, "docent_embed", "the second argument is 'query' or 'passage'");
      return;
    }
  Rag *rag = need_library (sqlite3_user_data (context), &error);
  if (rag && rag_embed (rag, text, passage, &vector, &dimension, &error))
    sqlite3_result_blob64 (context, vector, (gsize)dimension * sizeof (float), g_free);
  else
    fail (context, "docent_embed", error->message);
}

/* ---- docent_search: a table whose rows depend on its arguments ---- */

enum
{
  DOCUMENT,
  TITLE,
  COLLECTION,
  PAGE_LABEL,
  SECTION,
  TEXT,
  PAGE,
  SCORE,
  QUERY, /* hidden from here on: the arguments, in the order in which they are given */
  K,
  MODE,
};
#define COLUMNS                                                                                    \
  "CREATE TABLE x (document TEXT, title TEXT, collection TEXT, page_label TEXT, section TEXT,"       \
  " text TEXT, page INTEGER, score REAL, query TEXT HIDDEN, k INTEGER HIDDEN, mode TEXT HIDDEN)"

typedef struct
{
  sqlite3_vtab base;
  Connection *connection;
} Table;

typedef struct
{
  sqlite3_vtab_cursor base;
  RagSearchResult *result; /* NULL: nothing was found */
  guint at;
} Cursor;

static int connect_table (sqlite3 *db, void *data, int argc, const char *const *argv,
                          sqlite3_vtab **ret_table, char **ret_message)
{
  int rc = sqlite3_declare_vtab (db, COLUMNS);

  if (rc != SQLITE_OK)
    return rc;
  Table *table = g_new0 (Table, 1);
  table->connection = data;
  *ret_table = &table->base;
  return SQLITE_OK;
}

static int disconnect_table (sqlite3_vtab *table)
{
  g_free (table);
  return SQLITE_OK;
}

/* Bit i of idxNum: argument QUERY + i is given; they come to filter_rows in that order. */
static int choose_plan (sqlite3_vtab *table, sqlite3_index_info *info)
{
  int at[MODE - QUERY + 1] = { -1, -1, -1 }, n = 0;

  for (int i = 0; i < info->nConstraint; i++)
    {
      int argument = info->aConstraint[i].iColumn - QUERY;

      if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
        continue;
      if (!info->aConstraint[i].usable)
        return SQLITE_CONSTRAINT;
      at[argument] = i;
    }
  for (int argument = 0; argument <= MODE - QUERY; argument++)
    if (at[argument] >= 0)
      {
        info->aConstraintUsage[at[argument]].argvIndex = ++n;
        info->aConstraintUsage[at[argument]].omit = 1;
        info->idxNum |= 1 << argument;
      }
  info->orderByConsumed
      = info->nOrderBy == 1 && info->aOrderBy[0].iColumn == SCORE && info->aOrderBy[0].desc;
  info->estimatedCost = 1e4;
  info->estimatedRows = DEFAULT_LIMIT;
  return SQLITE_OK;
}

static int open_cursor (sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
  Cursor *cursor = g_new0 (Cursor, 1);

  *ret_cursor = &cursor->base;
  return SQLITE_OK;
}

static int close_cursor (sqlite3_vtab_cursor *base)
{
  Cursor *cursor = (Cursor *)base;

  rag_search_result_free (cursor->result);
  g_free (cursor);
  return SQLITE_OK;
}

static int set_error (Cursor *cursor, const char *problem)
{
  sqlite3_free (cursor->base.pVtab->zErrMsg);
  cursor->base.pVtab->zErrMsg = sqlite3_mprintf ("docent_search: %s", problem);
  return SQLITE_ERROR;
}

static gboolean parse_mode (const char *name, RagSearchMode *ret_mode)
{
  static const char *const names[] = { [RAG_SEARCH_HYBRID] = "hybrid",
                                       [RAG_SEARCH_LEXICAL] = "lexical",
                                       [RAG_SEARCH_DENSE] = "dense" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (name, names[i]) == 0)
      {
        *ret_mode = i;
        return TRUE;
      }
  return FALSE;
}

static int search (Cursor *cursor, const char *query, sqlite3_int64 k, RagSearchMode mode)
{
  g_autoptr (GError) error = NULL;
  Rag *rag = need_library (((Table *)cursor->base.pVtab)->connection, &error);

  if (rag)
    cursor->result = rag_search (rag, query, mode, (guint)MIN (k, MAX_LIMIT), NULL, &error);
  return cursor->result ? SQLITE_OK : set_error (cursor, error->message);
}

static int filter_rows (sqlite3_vtab_cursor *base, int given, const char *name, int n,
                        sqlite3_value **values)
{
  Cursor *cursor = (Cursor *)base;
  sqlite3_value *arguments[MODE - QUERY + 1] = { NULL };
  RagSearchMode mode = RAG_SEARCH_HYBRID;

  for (int argument = 0, next = 0; argument <= MODE - QUERY; argument++)
    if (given >> argument & 1)
      arguments[argument] = values[next++];
  g_clear_pointer (&cursor->result, rag_search_result_free);
  cursor->at = 0;
  if (!arguments[0])
    return set_error (cursor, "it needs a question: docent_search('night shift', 5)");

  const char *query = (const char *)sqlite3_value_text (arguments[0]);
  sqlite3_int64 k = arguments[1] ? sqlite3_value_int64 (arguments[1]) : DEFAULT_LIMIT;
  if (!query || k <= 0)
    return SQLITE_OK; /* as with any comparison with NULL: no rows */
  if (arguments[2] && !parse_mode ((const char *)sqlite3_value_text (arguments[2]), &mode))
    return set_error (cursor, "the third argument is 'hybrid', 'lexical' or 'dense'");
  return search (cursor, query, k, mode);
}

static int next_row (sqlite3_vtab_cursor *base)
{
  ((Cursor *)base)->at++;
  return SQLITE_OK;
}

static int is_at_end (sqlite3_vtab_cursor *base)
{
  const Cursor *cursor = (const Cursor *)base;

  return !cursor->result || cursor->at >= cursor->result->hits->len;
}

static int read_column (sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
  const Cursor *cursor = (const Cursor *)base;
  const RagHit *hit = g_ptr_array_index (cursor->result->hits, cursor->at);
  const char *const texts[] = { [DOCUMENT] = hit->document,
                                [TITLE] = hit->title,
                                [COLLECTION] = hit->collection,
                                [PAGE_LABEL] = hit->page_label,
                                [SECTION] = hit->section,
                                [TEXT] = hit->text };

  if (column <= TEXT)
    sqlite3_result_text (context, texts[column], -1, SQLITE_TRANSIENT);
  else if (column == PAGE)
    sqlite3_result_int64 (context, hit->page);
  else if (column == SCORE)
    sqlite3_result_double (context, hit->score);
  return SQLITE_OK;
}

static int read_rowid (sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
  *ret_rowid = ((Cursor *)base)->at;
  return SQLITE_OK;
}

/* Without xCreate it is there on every connection, and needs no CREATE VIRTUAL TABLE. */
static const sqlite3_module search_module = {
  .xConnect = connect_table,
  .xBestIndex = choose_plan,
  .xDisconnect = disconnect_table,
  .xOpen = open_cursor,
  .xClose = close_cursor,
  .xFilter = filter_rows,
  .xNext = next_row,
  .xEof = is_at_end,
  .xColumn = read_column,
  .xRowid = read_rowid,
};

/* ---- Registration ---- */

/* DIRECTONLY: a database that somebody sends must not open libraries by its views and triggers. */
__attribute__ ((visibility ("default"))) int sqlite3_docent_init (sqlite3 *db, char **ret_message,
                                         const sqlite3_api_routines *api)
{
  const int function = SQLITE_UTF8 | SQLITE_DIRECTONLY;
  int rc = SQLITE_OK;

  SQLITE_EXTENSION_INIT2 (api);
  Connection *connection = g_new0 (Connection, 1);
  for (int n = 1; n <= 2 && rc == SQLITE_OK; n++)
    rc = sqlite3_create_function_v2 (db, "docent_open", n, function, connection, open_library, NULL,
                                     NULL, NULL);
  for (int n = 1; n <= 2 && rc == SQLITE_OK; n++)
    rc = sqlite3_create_function_v2 (db, "docent_embed", n, SQLITE_UTF8, connection, embed, NULL,
                                     NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_module_v2 (db, "docent_search", &search_module, connection, connection_free);
  else
    connection_free (connection);
  /* GLib and OpenMP cannot be unloaded. */
  return rc == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : rc;
}

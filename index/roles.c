/* Makes a connection see only what its role may see.
 *
 * Views of the connection's own (sql/role.sql) take the names of the tables, and SQLite looks there
 * first: every statement of this room that says "document" or "chunk" then means those of the
 * collections that name the role as a reader. So what a role sees does not depend on every query
 * remembering to ask. Two things do not go through these tables: text search and the FAISS file,
 * which filter.c restricts by what the views show; and what FTS5 knows of the library as a whole,
 * which is not asked for under a role (lexical.c). Views cannot be written to. */
#include "index/index-private.h"

static void answer_role (sqlite3_context *context, int n, sqlite3_value **values)
{
  const Index *index = sqlite3_user_data (context);

  sqlite3_result_text (context, index->role, -1, SQLITE_STATIC);
}

gboolean index_narrow_to_role (Index *index, GError **error)
{
  int rc = sqlite3_create_function_v2 (index->db, "docent_role", 0,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, index,
                                       answer_role, NULL, NULL, NULL);

  /* query_only would forbid the views; nothing else runs in between. */
  if (rc == SQLITE_OK)
    rc = sqlite3_exec (index->db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec (index->db, index_sql_script ("role.sql"), NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec (index->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
  if (rc != SQLITE_OK)
    index_set_sqlite_error (index->dir, index->db, rc, error);
  return rc == SQLITE_OK;
}

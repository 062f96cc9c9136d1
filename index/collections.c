/* Who may read which collection, and the tags that people put on documents.
 *
 * Names come in and go out; rows of reader and document_tag are written. Each carries a checksum:
 * a flipped bit must not let somebody read what they may not. */
#include "index/index-private.h"

gint64 index_tag_checksum (gint64 document, const char *tag)
{
  return index_pair_checksum (tag, NULL, document);
}

static char **text_column (Index *index, sqlite3_stmt *stmt, GError **error)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  int rc;

  while ((rc = index_step (index, stmt, error)) == SQLITE_ROW)
    g_strv_builder_add (names, (const char *)sqlite3_column_text (stmt, 0));
  return rc == SQLITE_DONE ? g_strv_builder_end (names) : NULL;
}

static gboolean check_name (const char *name, const char *what, GError **error)
{
  if (name && *name && g_utf8_validate (name, -1, NULL))
    return TRUE;
  g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT, "%s needs a name in UTF-8", what);
  return FALSE;
}

/* ---- Collections ---- */

void index_collection_free (IndexCollection *collection)
{
  if (!collection)
    return;
  g_free (collection->name);
  g_strfreev (collection->readers);
  g_free (collection);
}

static char **readers_of (Index *index, const char *collection, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "list_readers", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "t", collection);
  return text_column (index, stmt, error);
}

GPtrArray *index_list_collections (Index *index, GError **error)
{
  g_autoptr (GPtrArray) collections
      = g_ptr_array_new_with_free_func ((GDestroyNotify)index_collection_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "list_collections", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      IndexCollection *collection = g_new0 (IndexCollection, 1);

      g_ptr_array_add (collections, collection);
      collection->name = g_strdup ((const char *)sqlite3_column_text (stmt, 0));
      collection->n_documents = (guint)sqlite3_column_int64 (stmt, 1);
      collection->n_chunks = (guint)sqlite3_column_int64 (stmt, 2);
      collection->is_private = sqlite3_column_int (stmt, 3);
      collection->readers = readers_of (index, collection->name, error);
      if (!collection->readers)
        return NULL;
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&collections) : NULL;
}

gboolean index_set_reader (Index *index, const char *collection, const char *role, gboolean may_read,
                           GError **error)
{
  if (!check_name (collection, "a collection", error) || !check_name (role, "a role", error)
      || !index_begin_write (index, error))
    return FALSE;
  gboolean ok = may_read ? index_run (index, error, "add_reader", "tti", collection, role,
                                      index_pair_checksum (collection, role, 0))
                         : index_run (index, error, "remove_reader", "tt", collection, role);
  g_autofree char *subject = g_strdup_printf ("%s %s", collection, role);
  ok = ok && index_log (index, may_read ? "allow" : "deny", subject, error);
  return index_end (index, ok, error);
}

gboolean index_set_private (Index *index, const char *collection, gboolean is_private,
                            GError **error)
{
  if (!check_name (collection, "a collection", error) || !index_begin_write (index, error))
    return FALSE;
  gboolean ok = is_private ? index_run (index, error, "add_private", "ti", collection,
                                        index_pair_checksum (collection, NULL, 0))
                           : index_run (index, error, "remove_private", "t", collection);
  ok = ok && index_log (index, is_private ? "private" : "public", collection, error);
  return index_end (index, ok, error);
}

gboolean index_has_private (Index *index, const char *collection, gboolean *ret_private,
                            GError **error)
{
  gint64 found;

  if (!index_query_int (index, 0, &found, error, "has_private", "t", collection))
    return FALSE;
  *ret_private = found != 0;
  return TRUE;
}

/* ---- Tags ---- */

static gboolean tag_one (Index *index, gint64 document, const char *tag, gboolean tagged,
                         GError **error)
{
  return tagged ? index_run (index, error, "add_tag", "iti", document, tag,
                             index_tag_checksum (document, tag))
                : index_run (index, error, "remove_tag", "it", document, tag);
}

gboolean index_set_tag (Index *index, const char *path, const char *tag, gboolean tagged,
                        guint *ret_n_documents, GError **error)
{
  const IndexScope scope = { .folder = path };
  g_autoptr (GPtrArray) documents = NULL;

  if (!check_name (tag, "a tag", error) || !index_begin_write (index, error))
    return FALSE;
  documents = index_list_documents (index, &scope, error);
  gboolean ok = documents != NULL;
  for (guint i = 0; ok && i < documents->len; i++)
    ok = tag_one (index, ((IndexDocument *)g_ptr_array_index (documents, i))->id, tag, tagged,
                  error);
  if (!index_end (index, ok, error))
    return FALSE;
  if (ret_n_documents)
    *ret_n_documents = documents->len;
  return TRUE;
}

char **index_document_tags (Index *index, gint64 document, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "list_tags", error);

  if (!stmt)
    return NULL;
  index_bind (stmt, "i", document);
  return text_column (index, stmt, error);
}

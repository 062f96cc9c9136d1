/* Works out which chunks a query may see.
 *
 * A query's collection and documents come in, one bit per chunk goes out. Both searches ask it for
 * every chunk before they score it, so what is filtered out cannot push anything else off the list,
 * nor be guessed from what is missing. */
#include "index/index-private.h"

void index_filter_free (IndexFilter *filter)
{
  if (!filter)
    return;
  g_free (filter->bits);
  g_free (filter);
}

static gboolean allocate_bits (Index *index, IndexFilter *filter, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "chunk_range", error);

  if (!stmt || index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;

  gint64 first = sqlite3_column_int64 (stmt, 0);
  gint64 last = sqlite3_column_int64 (stmt, 1);

  if (last < first)
    return TRUE;
  filter->first = first;
  filter->n = (gsize)((guint64)last - (guint64)first) + 1;
  filter->bits = g_try_malloc0 (filter->n / 8 + 1);
  if (filter->bits)
    return TRUE;
  g_set_error (error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
               "the library %s is damaged (chunk numbers from %" G_GINT64_FORMAT
               " to %" G_GINT64_FORMAT "): run `docent fsck --repair` to see what can be saved",
               index->dir, first, last);
  return FALSE;
}

static gboolean set_bits (Index *index, IndexFilter *filter, sqlite3_stmt *stmt, GError **error)
{
  int rc;

  while ((rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      gsize bit = (gsize)(sqlite3_column_int64 (stmt, 0) - filter->first);

      if (bit < filter->n)
        filter->bits[bit / 8] |= (guint8)(1 << bit % 8);
    }
  return rc == SQLITE_DONE;
}

static gboolean see_collection (Index *index, const char *collection, IndexFilter *filter,
                                GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "visible_chunks", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "t", collection);
  return set_bits (index, filter, stmt, error);
}

static gboolean see_document (Index *index, gint64 document, const char *collection,
                              IndexFilter *filter, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "visible_chunks_of_document", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "it", document, collection);
  return set_bits (index, filter, stmt, error);
}

gboolean index_filter_new (Index *index, const IndexQuery *query, IndexFilter **ret_filter,
                           GError **error)
{
  g_autoptr (IndexFilter) filter = NULL;

  if (query->collection || query->documents)
    {
      filter = g_new0 (IndexFilter, 1);
      if (!allocate_bits (index, filter, error))
        return FALSE;
    }
  if (query->documents)
    {
      for (gsize i = 0; i < query->n_documents; i++)
        if (!see_document (index, query->documents[i], query->collection, filter, error))
          return FALSE;
    }
  else if (query->collection && !see_collection (index, query->collection, filter, error))
    return FALSE;
  *ret_filter = g_steal_pointer (&filter);
  return TRUE;
}

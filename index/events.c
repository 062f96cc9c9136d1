/* Keeps a log of what was done to the library, such that nobody changes it unnoticed.
 *
 * An action and its subject come in, a row goes out, in the transaction of the action itself. Each
 * row's hash covers the row before it, so who changes, removes or inserts one has to make all later
 * ones again, and the last hash will not be the one on a receipt printed before. Documents are
 * named by the SHA-256 of their path: who has the path can find its entries, and no name is left
 * behind when a document is forgotten. */
#include "index/index-private.h"

#include <string.h>

static char *hash_event (const char *previous, gint64 seq, gint64 at, const char *action,
                         const char *subject)
{
  g_autofree char *line = g_strdup_printf ("%s\n%" G_GINT64_FORMAT "\n%" G_GINT64_FORMAT "\n%s\n%s",
                                           previous, seq, at, action, subject);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, line, -1);
}

static gboolean last_event (Index *index, gint64 *ret_seq, char **ret_hash, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "last_event", error);
  int rc = stmt ? index_step (index, stmt, error) : SQLITE_ERROR;

  *ret_seq = rc == SQLITE_ROW ? sqlite3_column_int64 (stmt, 0) : 0;
  *ret_hash = g_strdup (rc == SQLITE_ROW ? (const char *)sqlite3_column_text (stmt, 1) : "");
  return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

gboolean index_log (Index *index, const char *action, const char *subject, GError **error)
{
  g_autofree char *previous = NULL;
  gint64 seq, at = g_get_real_time () / G_USEC_PER_SEC;

  if (!last_event (index, &seq, &previous, error))
    return FALSE;

  g_autofree char *hash = hash_event (previous, seq + 1, at, action, subject);
  return index_run (index, error, "add_event", "iittt", seq + 1, at, action, subject, hash);
}

gboolean index_log_document (Index *index, const char *action, const char *path, GError **error)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, path, -1);

  return index_log (index, action, digest, error);
}

/* ---- Read ---- */

void index_event_free (IndexEvent *event)
{
  if (!event)
    return;
  g_free (event->action);
  g_free (event->subject);
  g_free (event->hash);
  g_free (event);
}

GPtrArray *index_list_events (Index *index, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify)index_event_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "list_events", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      IndexEvent *event = g_new0 (IndexEvent, 1);

      event->seq = sqlite3_column_int64 (stmt, 0);
      event->at = sqlite3_column_int64 (stmt, 1);
      event->action = g_strdup ((const char *)sqlite3_column_text (stmt, 2));
      event->subject = g_strdup ((const char *)sqlite3_column_text (stmt, 3));
      event->hash = g_strdup ((const char *)sqlite3_column_text (stmt, 4));
      g_ptr_array_add (events, event);
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&events) : NULL;
}

gint64 index_first_forged (const GPtrArray *events)
{
  const char *previous = "";

  for (guint i = 0; i < events->len; i++)
    {
      const IndexEvent *event = g_ptr_array_index (events, i);
      g_autofree char *hash
          = hash_event (previous, event->seq, event->at, event->action, event->subject);

      if (event->seq != (gint64)i + 1 || strcmp (hash, event->hash) != 0)
        return (gint64)i + 1;
      previous = event->hash;
    }
  return 0;
}

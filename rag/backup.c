/* The log of changes, and backups: index's calls in this room's terms. */
#include "rag/rag-private.h"

void rag_event_free (RagEvent *event)
{
  if (event == NULL)
    return;
  g_free (event->action);
  g_free (event->subject);
  g_free (event->hash);
  g_free (event);
}

GPtrArray *rag_log (Rag *rag, gint64 *ret_forged, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) found = index_list_events (rag->index, &inner);
  if (found == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_event_free);
  for (guint i = 0; i < found->len; i++)
    {
      const IndexEvent *from = g_ptr_array_index (found, i);
      RagEvent *event = g_new0 (RagEvent, 1);
      *event = (RagEvent){ from->seq, from->at, g_strdup (from->action), g_strdup (from->subject),
                           g_strdup (from->hash) };
      g_ptr_array_add (events, event);
    }
  *ret_forged = index_first_forged (found);
  return events;
}

gboolean rag_backup (Rag *rag, const char *dir, GError **error)
{
  GError *inner = NULL;
  g_autofree char *absolute = g_canonicalize_filename (dir, NULL);
  if (!index_backup (rag->index, absolute, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

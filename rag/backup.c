/* The log of changes, and backups: index's calls in this room's terms.
 *
 * A backup is what index copies, and what this room keeps beside it: subscriptions, digests, saved
 * answers, feedback and what was learned from questions. */
#include "rag/rag-private.h"

#include <errno.h>
#include <glib/gstdio.h>

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

/* ---- Backup ---- */

static gboolean copy_file (const char *from, const char *to, GError **error)
{
  g_autofree char *bytes = NULL;
  gsize size;
  return g_file_get_contents (from, &bytes, &size, error)
         && g_file_set_contents_full (to, bytes, (gssize)size,
                                      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                      0600, error);
}

static gboolean copy_tree (const char *from, const char *to, GError **error)
{
  const char *name;
  if (!g_file_test (from, G_FILE_TEST_IS_DIR))
    return copy_file (from, to, error);
  g_autoptr (GDir) folder = g_dir_open (from, 0, error);
  if (folder == NULL)
    return FALSE;
  if (g_mkdir (to, 0700) != 0)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be made: %s", to,
                   g_strerror (errno));
      return FALSE;
    }
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *inner_from = g_build_filename (from, name, NULL);
      g_autofree char *inner_to = g_build_filename (to, name, NULL);
      if (!copy_tree (inner_from, inner_to, error))
        return FALSE;
    }
  return TRUE;
}

void rag_remove_tree (const char *path)
{
  const char *name;
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);
      rag_remove_tree (inner);
    }
  g_remove (path);
}

static gboolean copy_beside (Rag *rag, const char *dir, GError **error)
{
  static const char *const names[] = { "feeds.ini", "digests",        "embargo.ini",
                                       "saved.ini", "feedback.jsonl", "calibration.ini" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *from = g_build_filename (rag->library_dir, names[i], NULL);
      g_autofree char *to = g_build_filename (dir, names[i], NULL);
      if (g_file_test (from, G_FILE_TEST_EXISTS) && !copy_tree (from, to, error))
        return FALSE;
    }
  return TRUE;
}

gboolean rag_backup (Rag *rag, const char *dir, GError **error)
{
  GError *inner = NULL;
  g_autofree char *absolute = g_canonicalize_filename (dir, NULL);
  if (!index_backup (rag->index, absolute, &inner))
    return rag_translate_error (error, inner);
  if (copy_beside (rag, absolute, &inner))
    return TRUE;
  rag_remove_tree (absolute);
  return rag_translate_error (error, inner);
}

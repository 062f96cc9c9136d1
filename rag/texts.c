/* The text of the user's documents for other purposes than searching them: what a model is measured
 * or compressed on. A file or folder comes in, the text of each document in it goes out; nothing is
 * kept. */
#include "rag/rag-private.h"

typedef struct
{
  GPtrArray *texts; /* char* */
  gsize n_bytes, limit;
  GCancellable *cancellable;
  GError *last; /* why the last document could not be read */
} Reading;

/* Documents that cannot be read are passed over: the others will do. */
static gboolean on_file (IngestWalkEvent event, const IngestFile *file, const char *reason,
                         gpointer user_data)
{
  Reading *reading = user_data;
  if (event != INGEST_WALK_FILE)
    return TRUE;
  g_clear_error (&reading->last);
  g_autoptr (IngestDocument) document
      = ingest_extract (file->path, NULL, reading->cancellable, &reading->last);
  if (document != NULL)
    {
      reading->n_bytes += document->text_length;
      g_ptr_array_add (reading->texts, g_steal_pointer (&document->text));
    }
  return reading->n_bytes < reading->limit && !g_cancellable_is_cancelled (reading->cancellable);
}

GPtrArray *rag_read_texts (const char *path, gsize limit_bytes, GCancellable *cancellable,
                           GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) reason = NULL;
  Reading reading = { .texts = texts, .limit = limit_bytes, .cancellable = cancellable };
  gboolean walked = ingest_walk (path, NULL, on_file, &reading, error);
  reason = reading.last;
  if (!walked || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (texts->len > 0)
    return g_steal_pointer (&texts);
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "there is no document in %s", path);
  return NULL;
}

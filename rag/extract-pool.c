/* Reads the next documents while the encoder is busy with the current one.
 *
 * In comes a plan, out come its files' contents in the plan's order. A few workers hash and extract
 * ahead, never more than a window of documents, so that memory stays bounded however large the
 * folder is: a worker starts on job i only when job i − window has been taken. */
#include "rag/rag-private.h"

#include <string.h>

void rag_read_clear (RagRead *read)
{
  g_clear_pointer (&read->sha256, g_free);
  g_clear_pointer (&read->other_path, g_free);
  g_clear_pointer (&read->document, ingest_document_free);
  g_clear_error (&read->error);
}

IngestDocument *rag_read_document (const char *path, const RagAddOptions *options,
                                   GCancellable *cancellable, GError **error)
{
  const IngestLimits limits = { .unsandboxed = options->unsandboxed,
                                .ocr = (IngestOcr)options->ocr };
  return ingest_extract (path, &limits, cancellable, error);
}

/* Hashes JOB's file and, when its content is new, extracts it. */
static void read_job (const RagPlan *plan, const RagJob *job, const RagAddOptions *options,
                      GCancellable *cancellable, RagRead *ret_read)
{
  *ret_read = (RagRead){ .outcome = RAG_READ_FAILED };
  ret_read->sha256 = ingest_file_sha256 (job->path, cancellable, &ret_read->error);
  if (ret_read->sha256 == NULL)
    return;
  const char *other = g_hash_table_lookup (plan->by_sha256, ret_read->sha256);
  if (g_strcmp0 (job->known_sha256, ret_read->sha256) == 0)
    ret_read->outcome = RAG_READ_UNCHANGED;
  else if (other != NULL && strcmp (other, job->path) != 0
           && !g_hash_table_contains (plan->seen, other)
           && !g_file_test (other, G_FILE_TEST_EXISTS))
    {
      ret_read->outcome = RAG_READ_SAME_AS;
      ret_read->other_path = g_strdup (other);
    }
  else if (options->dry_run)
    ret_read->outcome = RAG_READ_DOCUMENT;
  else
    {
      ret_read->document = rag_read_document (job->path, options, cancellable, &ret_read->error);
      if (ret_read->document != NULL)
        ret_read->outcome = RAG_READ_DOCUMENT;
    }
}

struct _RagExtractPool
{
  const RagPlan *plan;
  const RagAddOptions *options;
  GCancellable *cancellable; /* ends the workers when the pool is freed */
  GCancellable *outer;       /* the caller's; or NULL */
  gulong outer_id;
  GThreadPool *threads;
  guint window;

  GMutex mutex;
  GCond ready;
  RagRead *reads; /* [n jobs] */
  gboolean *done; /* [n jobs] */
  guint n_started, n_taken;
};

/* Job numbers travel as pointers; 0 is not one of them, because the pool takes no NULL. */
static void work (gpointer data, gpointer user_data)
{
  RagExtractPool *pool = user_data;
  guint i = GPOINTER_TO_UINT (data) - 1;
  RagRead read;
  read_job (pool->plan, g_ptr_array_index (pool->plan->jobs, i), pool->options, pool->cancellable,
            &read);
  g_mutex_lock (&pool->mutex);
  pool->reads[i] = read;
  pool->done[i] = TRUE;
  g_cond_broadcast (&pool->ready);
  g_mutex_unlock (&pool->mutex);
}

static void start_more (RagExtractPool *pool)
{
  while (pool->n_started < pool->plan->jobs->len && pool->n_started < pool->n_taken + pool->window)
    g_thread_pool_push (pool->threads, GUINT_TO_POINTER (++pool->n_started), NULL);
}

static void forward_cancel (GCancellable *outer, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

RagExtractPool *rag_extract_pool_new (const RagPlan *plan, guint n_workers,
                                      const RagAddOptions *options)
{
  RagExtractPool *pool = g_new0 (RagExtractPool, 1);
  pool->plan = plan;
  pool->options = options;
  pool->cancellable = g_cancellable_new ();
  if (options->cancellable != NULL)
    {
      pool->outer = g_object_ref (options->cancellable);
      pool->outer_id = g_cancellable_connect (pool->outer, G_CALLBACK (forward_cancel),
                                              pool->cancellable, NULL);
    }
  pool->window = n_workers + 1;
  pool->reads = g_new0 (RagRead, plan->jobs->len + 1);
  pool->done = g_new0 (gboolean, plan->jobs->len + 1);
  g_mutex_init (&pool->mutex);
  g_cond_init (&pool->ready);
  pool->threads = g_thread_pool_new (work, pool, (int)n_workers, FALSE, NULL);
  start_more (pool);
  return pool;
}

void rag_extract_pool_next (RagExtractPool *pool, RagRead *ret_read)
{
  guint i = pool->n_taken;
  g_mutex_lock (&pool->mutex);
  while (!pool->done[i])
    g_cond_wait (&pool->ready, &pool->mutex);
  *ret_read = pool->reads[i];
  pool->reads[i] = (RagRead){ 0 };
  g_mutex_unlock (&pool->mutex);
  pool->n_taken++;
  start_more (pool);
}

void rag_extract_pool_free (RagExtractPool *pool)
{
  if (pool == NULL)
    return;
  if (pool->outer != NULL)
    g_cancellable_disconnect (pool->outer, pool->outer_id);
  g_cancellable_cancel (pool->cancellable);
  g_thread_pool_free (pool->threads, TRUE, TRUE);
  for (guint i = 0; i < pool->n_started; i++)
    rag_read_clear (&pool->reads[i]);
  g_mutex_clear (&pool->mutex);
  g_cond_clear (&pool->ready);
  g_clear_object (&pool->outer);
  g_object_unref (pool->cancellable);
  g_free (pool->reads);
  g_free (pool->done);
  g_free (pool);
}

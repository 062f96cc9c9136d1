/* Finds out what there is to do before any file is opened.
 *
 * In come the folders to walk and what the library already holds, out comes a list of files whose
 * size or time has changed or which are new. Only those are hashed later, by the workers that also
 * read them: a re-scan of an unchanged folder costs one stat per file. */
#include "rag/rag-private.h"

#include <string.h>

static void job_free (gpointer data)
{
  RagJob *job = data;
  g_free (job->path);
  g_free (job->collection);
  g_free (job->known_sha256);
  g_free (job);
}

RagPlan *rag_plan_new (Rag *rag, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) known = index_list_documents (rag->index, NULL, &inner);
  if (known == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  RagPlan *plan = g_new0 (RagPlan, 1);
  plan->jobs = g_ptr_array_new_with_free_func (job_free);
  plan->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  plan->excluded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  plan->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  plan->by_sha256 = g_hash_table_new (g_str_hash, g_str_equal);
  plan->skipped = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  for (guint i = 0; i < known->len; i++)
    {
      IndexDocument *document = g_ptr_array_index (known, i);
      g_hash_table_insert (plan->by_path, document->path, document);
      if (document->failure == NULL && document->sha256 != NULL)
        g_hash_table_insert (plan->by_sha256, document->sha256, document->path);
    }
  plan->known = g_steal_pointer (&known);
  return plan;
}

void rag_plan_free (RagPlan *plan)
{
  if (plan == NULL)
    return;
  g_hash_table_unref (plan->by_path);
  g_hash_table_unref (plan->by_sha256);
  g_hash_table_unref (plan->seen);
  g_hash_table_unref (plan->excluded);
  g_ptr_array_unref (plan->known);
  g_ptr_array_unref (plan->jobs);
  g_ptr_array_unref (plan->skipped);
  g_free (plan);
}

typedef struct
{
  RagPlan *plan;
  const char *collection;
  RagPlanFlags flags;
  guint n_files;
} Scan;

static gboolean is_unchanged (const Scan *scan, const IndexDocument *known, const IngestFile *file)
{
  return known->size_bytes == file->size_bytes && known->mtime_ns == file->mtime_ns
         && strcmp (known->collection, scan->collection) == 0
         && !(known->failure != NULL && (scan->flags & RAG_PLAN_RETRY_FAILED))
         && !(known->failure == NULL && (scan->flags & RAG_PLAN_REREAD));
}

static void plan_file (Scan *scan, const IngestFile *file)
{
  RagPlan *plan = scan->plan;
  const IndexDocument *known = g_hash_table_lookup (plan->by_path, file->path);
  scan->n_files++;
  if (!g_hash_table_add (plan->seen, g_strdup (file->path)))
    return;
  if (known != NULL && is_unchanged (scan, known, file))
    {
      plan->unchanged++;
      return;
    }
  RagJob *job = g_new0 (RagJob, 1);
  job->path = g_strdup (file->path);
  job->collection = g_strdup (scan->collection);
  job->size_bytes = file->size_bytes;
  job->mtime_ns = file->mtime_ns;
  job->known_id = known != NULL ? known->id : -1;
  /* The same bytes may be passed over only where nothing else calls for a new reading. */
  if (known != NULL && known->failure == NULL && !(scan->flags & RAG_PLAN_REREAD)
      && strcmp (known->collection, scan->collection) == 0)
    job->known_sha256 = g_strdup (known->sha256);
  plan->bytes += file->size_bytes;
  g_ptr_array_add (plan->jobs, job);
}

static gboolean on_walk (IngestWalkEvent event, const IngestFile *file, const char *reason,
                         gpointer user_data)
{
  Scan *scan = user_data;
  if (event == INGEST_WALK_FILE)
    plan_file (scan, file);
  else if (event == INGEST_WALK_EXCLUDED)
    g_hash_table_add (scan->plan->excluded, g_strdup (file->path));
  else if (g_hash_table_add (scan->plan->seen, g_strdup (file->path)))
    g_ptr_array_add (scan->plan->skipped, rag_failure_new (file->path, reason));
  return TRUE;
}

gboolean rag_plan_excludes (const RagPlan *plan, const char *path)
{
  g_autofree char *at = g_strdup (path);
  for (char *slash = at; slash != NULL && *at != '\0'; slash = strrchr (at, G_DIR_SEPARATOR))
    {
      if (slash != at)
        *slash = '\0';
      if (g_hash_table_contains (plan->excluded, at))
        return TRUE;
    }
  return FALSE;
}

gboolean rag_plan_scan (RagPlan *plan, const IndexSource *source, RagPlanFlags flags,
                        guint *ret_n_files, GError **error)
{
  GError *inner = NULL;
  Scan scan = { plan, source->collection, flags, 0 };
  const IngestWalkRules rules = { source->include, source->exclude };
  if (!ingest_walk (source->path, &rules, on_walk, &scan, &inner))
    return rag_translate_error (error, inner);
  if (ret_n_files != NULL)
    *ret_n_files = scan.n_files;
  return TRUE;
}

/* Brings the library up to date with the disk, as often and as cheaply as cron likes.
 *
 * In come the folders that `add` was given, out goes the same report. New and changed files are
 * taken in first, so that a file that only moved keeps its chunks and vectors; then what is gone is
 * removed. A folder that is missing or suddenly empty is more often an unmounted disk than a wish
 * to forget everything, so its documents stay and the report says so. */
#include "rag/rag-private.h"

#include <string.h>

typedef struct
{
  Rag *rag;
  RagPlan *plan;
  RagAddReport *report;
  GPtrArray *kept; /* sources whose documents must not be removed: char* */
} Sync;

static gboolean is_under (const char *path, const char *folder)
{
  gsize length = strlen (folder);
  return strncmp (path, folder, length) == 0
         && (path[length] == '\0' || path[length] == G_DIR_SEPARATOR
             || (length > 0 && folder[length - 1] == G_DIR_SEPARATOR));
}

static gboolean has_documents (const Sync *sync, const char *folder)
{
  for (guint i = 0; i < sync->plan->known->len; i++)
    if (is_under (((IndexDocument *)g_ptr_array_index (sync->plan->known, i))->path, folder))
      return TRUE;
  return FALSE;
}

static void keep (Sync *sync, const IndexSource *source, const char *reason)
{
  g_ptr_array_add (sync->kept, g_strdup (source->path));
  g_ptr_array_add (sync->report->failed, rag_failure_new (source->path, reason));
}

/* A single file whose folder is still there was deleted; anything else missing may come back. */
static gboolean was_deleted (const IndexSource *source, const Sync *sync)
{
  g_autofree char *parent = g_path_get_dirname (source->path);
  return g_hash_table_contains (sync->plan->by_path, source->path)
         && g_file_test (parent, G_FILE_TEST_IS_DIR);
}

static void scan_source (Sync *sync, const IndexSource *source, RagPlanFlags flags,
                         gboolean dry_run)
{
  g_autoptr (GError) error = NULL;
  guint n_files = 0;
  if (!g_file_test (source->path, G_FILE_TEST_EXISTS))
    {
      gboolean deleted = was_deleted (source, sync);
      if (deleted && !dry_run)
        index_remove_source (sync->rag->index, source->path, NULL);
      else if (!deleted)
        keep (sync, source,
              "is not there: mount it again, or `docent forget` its documents if it is gone");
      return;
    }
  if (!rag_plan_scan (sync->plan, source, flags, &n_files, &error))
    keep (sync, source, error->message);
  else if (n_files == 0 && g_hash_table_size (sync->plan->excluded) == 0
           && has_documents (sync, source->path))
    keep (sync, source,
          "is empty now: is a disk not mounted? `docent forget` removes its documents");
}

static gboolean is_kept (const Sync *sync, const char *path)
{
  for (guint i = 0; i < sync->kept->len; i++)
    if (is_under (path, g_ptr_array_index (sync->kept, i)))
      return TRUE;
  return FALSE;
}

/* Elements: gint64. Paths are looked up anew: a document that moved has left its old one. */
static GArray *find_gone (const Sync *sync, gboolean dry_run, GError **error)
{
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GPtrArray) documents = g_ptr_array_new ();
  for (guint i = 0; i < sync->plan->known->len; i++)
    {
      const IndexDocument *known = g_ptr_array_index (sync->plan->known, i);
      GError *inner = NULL;
      if (rag_is_web_address (known->path)
          || g_hash_table_contains (sync->plan->seen, known->path) || is_kept (sync, known->path)
          || (g_file_test (known->path, G_FILE_TEST_EXISTS)
              && !rag_plan_excludes (sync->plan, known->path)))
        continue;
      g_autoptr (IndexDocument) now = index_find_document (sync->rag->index, known->path, &inner);
      if (inner != NULL)
        {
          rag_translate_error (error, inner);
          return NULL;
        }
      if (now == NULL)
        continue;
      g_array_append_val (gone, now->id);
      g_ptr_array_add (documents, (gpointer)known);
    }
  if (!dry_run && !rag_forget_words (sync->rag, documents, error))
    return NULL;
  return g_steal_pointer (&gone);
}

static gboolean remove_gone (Sync *sync, gboolean dry_run, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GArray) gone = find_gone (sync, dry_run, error);
  if (gone == NULL)
    return FALSE;
  if (!dry_run && gone->len > 0
      && !index_forget_documents (sync->rag->index, (const gint64 *)gone->data, gone->len, &inner))
    return rag_translate_error (error, inner);
  sync->report->removed = gone->len;
  return TRUE;
}

/* After --no-embed, or a crash of the encoder, some chunks have no vector; the index knows only how
 * many, so everything is read again, which reuses the vectors that are there. */
static gboolean vectors_missing (Rag *rag, const RagAddOptions *options)
{
  IndexStats stats;
  return !options->no_embed && index_stats (rag->index, NULL, &stats, NULL)
         && stats.n_vectors < stats.n_chunks;
}

RagAddReport *rag_sync (Rag *rag, const RagAddOptions *options, GError **error)
{
  static const RagAddOptions defaults = { 0 };
  GError *inner = NULL;
  options = options != NULL ? options : &defaults;
  g_autoptr (GPtrArray) sources = index_list_sources (rag->index, &inner);
  if (sources == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  g_autoptr (RagAddReport) report = rag_add_report_new ();
  g_autoptr (RagPlan) plan = rag_plan_new (rag, error);
  if (plan == NULL)
    return NULL;
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  Sync sync = { rag, plan, report, kept };
  RagPlanFlags flags = vectors_missing (rag, options) ? RAG_PLAN_REREAD : 0;
  for (guint i = 0; i < sources->len; i++)
    scan_source (&sync, g_ptr_array_index (sources, i), flags, options->dry_run);
  if (!rag_run_plan (rag, plan, options, report, error)
      || !remove_gone (&sync, options->dry_run, error)
      || !rag_reembed (rag, options, report, error))
    return NULL;
  if (!options->dry_run && !index_flush (rag->index, &inner))
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  return g_steal_pointer (&report);
}

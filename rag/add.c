/* Takes documents in: from a folder on the disk to chunks that can be found.
 *
 * In come paths, out goes a report that names every file that did not go in. Files are planned,
 * read ahead by workers and stored one by one in the plan's order; each is one transaction, so
 * stopping at any point loses at most the document in work. */
#include "rag/rag-private.h"

#include <string.h>

/* An estimate made sooner would jump about. */
#define ETA_AFTER_SECONDS 2.0
/* A file over which docent died this often is not tried again by itself. */
#define MAX_DEATHS 2

RagAddReport *rag_add_report_new (void)
{
  RagAddReport *report = g_new0 (RagAddReport, 1);
  report->failed = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  report->partly = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  return report;
}

void rag_add_report_free (RagAddReport *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref (report->failed);
  g_free (report->encoder);
  g_ptr_array_unref (report->partly);
  g_free (report);
}

typedef struct
{
  Rag *rag;
  const RagPlan *plan;
  const RagAddOptions *options;
  RagAddReport *report;
  RagAttempts *attempts;
  gint64 started_us;
  RagAddProgress progress;
  guint64 bytes_before; /* of the documents finished */
} Run;

static void tell (Run *run)
{
  RagAddProgress *progress = &run->progress;
  if (run->options->progress == NULL)
    return;
  progress->seconds = (double)(g_get_monotonic_time () - run->started_us) / G_USEC_PER_SEC;
  progress->eta_seconds = -1;
  if (progress->seconds >= ETA_AFTER_SECONDS && progress->bytes_done > 0)
    progress->eta_seconds = progress->seconds
                            * (double)(progress->bytes_total - progress->bytes_done)
                            / (double)progress->bytes_done;
  run->options->progress (progress, run->options->user_data);
}

static void on_encoded (gsize done, gsize total, gpointer user_data)
{
  Run *run = user_data;
  const RagJob *job = g_ptr_array_index (run->plan->jobs, run->progress.files_done);
  run->progress.bytes_done = run->bytes_before + job->size_bytes * done / MAX (1, total);
  tell (run);
}

static IndexDocument describe (const RagJob *job, const RagRead *read)
{
  const IngestDocument *document = read->document;
  IndexDocument meta = { .path = job->path,
                         .collection = job->collection,
                         .sha256 = read->sha256,
                         .size_bytes = job->size_bytes,
                         .mtime_ns = job->mtime_ns };
  if (document != NULL)
    {
      meta.title = document->title;
      meta.mime_type = document->mime_type;
      meta.language = document->language;
      meta.date = document->date;
      meta.n_pages = document->pages->len;
    }
  return meta;
}

/* Notes why the file did not go in: in the report, and in the library, so that an answer can say
 * what it did not see. What an earlier reading of the file gave is kept when the fault may pass. */
static gboolean fail_job (Run *run, const RagJob *job, const RagRead *read, const char *reason,
                          gboolean may_pass, GError **error)
{
  g_ptr_array_add (run->report->failed, rag_failure_new (job->path, reason));
  if (run->options->dry_run || (may_pass && job->known_sha256 != NULL))
    return TRUE;
  IndexDocument meta = describe (job, read);
  g_autofree char *title = g_path_get_basename (job->path);
  meta.title = title;
  meta.mime_type = (char *)"";
  meta.sha256 = read->sha256 != NULL ? read->sha256 : (char *)"";
  meta.failure = (char *)reason;
  return rag_store_failure (run->rag, &meta, error);
}

/* Pages that are pictures are missing from what answers are made of: the report says so. */
static void report_pictures (Run *run, const RagJob *job, const IngestDocument *document)
{
  guint n_pictures = ingest_count_pictures (document);
  for (guint i = 0; i < document->pages->len; i++)
    run->report->ocr_pages
        += g_array_index (document->pages, IngestPage, i).source == INGEST_PAGE_OCR;
  if (n_pictures == 0)
    return;
  g_autofree char *reason = g_strdup_printf (
      "%u of its %u pages are pictures and were not read%s", n_pictures, document->pages->len,
      run->options->ocr == RAG_OCR_NEVER ? "" : "; install tesseract-ocr, then add it again");
  g_ptr_array_add (run->report->partly, rag_failure_new (job->path, reason));
}

static gboolean store_job (Run *run, const RagJob *job, const RagRead *read, GError **error)
{
  guint n_chunks = 0;
  if (!run->options->dry_run)
    {
      IndexDocument meta = describe (job, read);
      if (!rag_store_document (run->rag, read->document, &meta, !run->options->no_embed, on_encoded,
                               run, run->options->cancellable, &n_chunks, error))
        return FALSE;
      run->report->pages += meta.n_pages;
      run->report->chunks += n_chunks;
      report_pictures (run, job, read->document);
      run->progress.pages_done = run->report->pages;
      run->progress.chunks_done = run->report->chunks;
    }
  if (job->known_id < 0)
    run->report->added++;
  else
    run->report->updated++;
  return TRUE;
}

/* The first of two copies to come by takes the old entry; the second is read like a new file. */
static gboolean move_job (Run *run, const RagJob *job, RagRead *read, GError **error)
{
  GError *inner = NULL;
  if (run->options->dry_run)
    {
      run->report->moved++;
      return TRUE;
    }
  g_autoptr (IndexDocument) other = index_find_document (run->rag->index, read->other_path, &inner);
  if (inner != NULL)
    return rag_translate_error (error, inner);
  const IndexDocument *here = g_hash_table_lookup (run->plan->by_path, job->path);
  if (other != NULL && here == NULL && strcmp (other->collection, job->collection) == 0)
    {
      if (!index_move_document (run->rag->index, other->id, job->path, job->size_bytes,
                                job->mtime_ns, &inner))
        return rag_translate_error (error, inner);
      run->report->moved++;
      return TRUE;
    }
  read->document
      = rag_read_document (job->path, run->options, run->options->cancellable, &read->error);
  if (read->document != NULL)
    return store_job (run, job, read, error);
  return fail_job (run, job, read, read->error->message, FALSE, error);
}

static gboolean touch_job (Run *run, const RagJob *job, GError **error)
{
  GError *inner = NULL;
  run->report->unchanged++;
  if (!run->options->dry_run
      && !index_touch_document (run->rag->index, job->known_id, job->mtime_ns, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

static gboolean finish_job (Run *run, const RagJob *job, RagRead *read, GError **error)
{
  if (rag_attempts_count (run->attempts, job->path) >= MAX_DEATHS)
    return fail_job (run, job, read,
                     "docent died twice while taking this file in; `docent add FILE` tries again",
                     FALSE, error);
  switch (read->outcome)
    {
    case RAG_READ_UNCHANGED:
      return touch_job (run, job, error);
    case RAG_READ_SAME_AS:
      return move_job (run, job, read, error);
    case RAG_READ_DOCUMENT:
      return store_job (run, job, read, error);
    case RAG_READ_FAILED:
    default:
      return fail_job (run, job, read, read->error->message,
                       g_error_matches (read->error, INGEST_ERROR, INGEST_ERROR_FILE)
                           || g_error_matches (read->error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR),
                       error);
    }
}

static gboolean stopped (Run *run, GError **error)
{
  if (!g_cancellable_is_cancelled (run->options->cancellable))
    return FALSE;
  g_clear_error (error);
  g_set_error (error, RAG_ERROR, RAG_ERROR_CANCELLED,
               "Stopped: %u of %u files are done and stay; the same command goes on from there",
               run->progress.files_done, run->progress.files_total);
  return TRUE;
}

static gboolean run_jobs (Run *run, RagExtractPool *pool, GError **error)
{
  for (guint i = 0; i < run->plan->jobs->len; i++)
    {
      const RagJob *job = g_ptr_array_index (run->plan->jobs, i);
      RagRead read;
      if (stopped (run, error))
        return FALSE;
      run->progress.path = job->path;
      tell (run);
      rag_extract_pool_next (pool, &read);
      rag_attempts_begin (run->attempts, job->path);
      gboolean ok = !stopped (run, error) && finish_job (run, job, &read, error);
      rag_attempts_end (run->attempts, job->path);
      rag_read_clear (&read);
      if (!ok)
        {
          stopped (run, error);
          return FALSE;
        }
      run->bytes_before += job->size_bytes;
      run->progress.bytes_done = run->bytes_before;
      run->progress.files_done++;
    }
  tell (run);
  return TRUE;
}

/* A library whose encoder is lost can only change to another first. */
static gboolean ready_encoder (Rag *rag, const RagAddOptions *options, RagAddReport *report,
                               GError **error)
{
  g_autoptr (GError) lost = NULL;
  gboolean changes;
  if (rag_need_encoder (rag, FALSE, &lost))
    return TRUE;
  if (g_error_matches (lost, RAG_ERROR, RAG_ERROR_NOT_FOUND)
      && rag_encoder_changes (rag, &changes, NULL) && changes)
    return rag_reembed (rag, options, report, error);
  g_propagate_error (error, g_steal_pointer (&lost));
  return FALSE;
}

gboolean rag_run_plan (Rag *rag, const RagPlan *plan, const RagAddOptions *options,
                       RagAddReport *report, GError **error)
{
  Run run = { .rag = rag,
              .plan = plan,
              .options = options,
              .report = report,
              .started_us = g_get_monotonic_time (),
              .progress = { .files_total = plan->jobs->len, .bytes_total = plan->bytes } };
  report->unchanged += plan->unchanged;
  for (guint i = 0; i < plan->skipped->len; i++)
    {
      const RagFailure *skipped = g_ptr_array_index (plan->skipped, i);
      g_ptr_array_add (report->failed, rag_failure_new (skipped->document, skipped->reason));
    }
  /* Without its encoder a library cannot take anything in: say so before reading for minutes. */
  if (plan->jobs->len > 0 && !options->dry_run && !options->no_embed
      && !ready_encoder (rag, options, report, error))
    return FALSE;
  g_autoptr (RagAttempts) attempts = rag_attempts_new (rag->library_dir);
  run.attempts = attempts;
  guint n_workers = CLAMP (engine_n_processors () / 2, 1, 4);
  g_autoptr (RagExtractPool) pool = rag_extract_pool_new (plan, n_workers, options);
  gboolean ok = run_jobs (&run, pool, error);
  report->seconds = (double)(g_get_monotonic_time () - run.started_us) / G_USEC_PER_SEC;
  return ok;
}

/* Vectors go to the FAISS file once, at the end. */
static gboolean flush (Rag *rag, const RagAddOptions *options, GError **error)
{
  GError *inner = NULL;
  if (!options->dry_run && !index_flush (rag->index, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* What add was told about PATH; without rules those that it was told before. */
static IndexSource *source_of (Rag *rag, const char *path, const RagAddOptions *options,
                               GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) known = index_list_sources (rag->index, &inner);
  if (known == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  IndexSource *source = g_new0 (IndexSource, 1);
  source->path = g_canonicalize_filename (path, NULL);
  source->collection = g_strdup (options->collection != NULL ? options->collection : "default");
  source->include = g_strdup (options->include);
  source->exclude = g_strdup (options->exclude);
  for (guint i = 0; i < known->len && options->include == NULL && options->exclude == NULL; i++)
    {
      const IndexSource *before = g_ptr_array_index (known, i);
      if (strcmp (before->path, source->path) != 0)
        continue;
      source->include = g_strdup (before->include);
      source->exclude = g_strdup (before->exclude);
    }
  return source;
}

/* Plans PATH and remembers it for `sync`. A path that cannot be walked is one failure among the
 * others, not the end of the run. */
static gboolean take_path (Rag *rag, RagPlan *plan, const char *path, const RagAddOptions *options,
                           RagAddReport *report, GError **error)
{
  GError *inner = NULL;
  g_autoptr (IndexSource) source = source_of (rag, path, options, error);
  if (source == NULL)
    return FALSE;
  if (!rag_plan_scan (plan, source, RAG_PLAN_RETRY_FAILED, NULL, &inner))
    {
      g_ptr_array_add (report->failed, rag_failure_new (path, inner->message));
      g_error_free (inner);
      return TRUE;
    }
  if (!options->dry_run && !index_add_source (rag->index, source, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

RagAddReport *rag_add (Rag *rag, const char *const *paths, gsize n_paths,
                       const RagAddOptions *options, GError **error)
{
  static const RagAddOptions defaults = { 0 };
  g_autoptr (RagAddReport) report = rag_add_report_new ();
  g_autoptr (RagPlan) plan = rag_plan_new (rag, error);
  options = options != NULL ? options : &defaults;
  if (plan == NULL)
    return NULL;
  for (gsize i = 0; i < n_paths; i++)
    if (!take_path (rag, plan, paths[i], options, report, error))
      return NULL;
  if (!rag_run_plan (rag, plan, options, report, error)
      || !rag_reembed (rag, options, report, error) || !flush (rag, options, error))
    return NULL;
  return g_steal_pointer (&report);
}

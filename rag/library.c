/* Opens a library and lends its models to the other files of this room.
 *
 * In come options (folders, model names, limits), out goes a handle, and short views of what the
 * library holds. Models are mapped when the first question or document needs them, so that `list`
 * starts at once. A library belongs to the encoder that made its vectors: with no --encoder that
 * one is looked for, and another is refused with the remedy. */
#include "rag/digest-private.h"
#include "rag/golden-private.h"
#include "rag/saved-private.h"

#include <string.h>

static RagError translated_code (const GError *inner)
{
  if (inner->domain == RAG_ERROR)
    return inner->code;
  if (g_error_matches (inner, INDEX_ERROR, INDEX_ERROR_BUSY))
    return RAG_ERROR_BUSY;
  if (g_error_matches (inner, INDEX_ERROR, INDEX_ERROR_NOT_FOUND))
    return RAG_ERROR_NOT_FOUND;
  if (g_error_matches (inner, ENGINE_ERROR, ENGINE_ERROR_CANCELLED)
      || g_error_matches (inner, INGEST_ERROR, INGEST_ERROR_CANCELLED)
      || g_error_matches (inner, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return RAG_ERROR_CANCELLED;
  return RAG_ERROR_FAILED;
}

gboolean rag_key_file_save (GKeyFile *file, const char *path, GError **error)
{
  gsize size;
  g_autofree char *text = g_key_file_to_data (file, &size, NULL);
  GError *inner = NULL;
  /* Without CONSISTENT GLib 2.74 leaves the end of a longer file in place. */
  if (!g_file_set_contents_full (path, text, (gssize)size,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

gboolean rag_translate_error (GError **error, GError *inner)
{
  g_set_error_literal (error, RAG_ERROR, translated_code (inner), inner->message);
  g_error_free (inner);
  return FALSE;
}

Rag *rag_open (const RagOptions *options, RagMode mode, GError **error)
{
  g_autoptr (Rag) rag = g_new0 (Rag, 1);
  GError *inner = NULL;
  rag->library_dir = g_strdup (options->library_dir);
  rag->models_dir = g_strdup (options->models_dir);
  rag->encoder_name = g_strdup (options->encoder);
  rag->generator_name = g_strdup (options->generator);
  rag->reranker_name = g_strdup (options->reranker);
  rag->rerank_ms = options->rerank_ms;
  rag->adapter_names = g_strdupv ((char **)options->adapters);
  rag->n_threads = options->n_threads;
  rag->mem_limit_bytes = options->mem_limit_bytes;
  if (options->kv_cache != NULL && !engine_kv_type_parse (options->kv_cache, &rag->kv_type))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "a KV cache is f16, q8_0 or f32, not “%s”", options->kv_cache);
      return NULL;
    }
  rag->mode = mode;
  rag->keep_nothing = options->keep_nothing;
  rag->restricted = options->role != NULL;
  if (options->role != NULL && mode == RAG_WRITE)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "a role (--as %s) may only read: leave out --as to change the library",
                   options->role);
      return NULL;
    }
  rag->index = options->role != NULL
                   ? index_open_as (rag->library_dir, options->role, &inner)
                   : index_open (rag->library_dir,
                                 mode == RAG_WRITE ? INDEX_WRITE | INDEX_CREATE : INDEX_READ,
                                 &inner);
  if (rag->index == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  return g_steal_pointer (&rag);
}

static void drop_encoder (Rag *rag)
{
  g_clear_pointer (&rag->encoder, engine_encoder_free);
  g_clear_pointer (&rag->encoder_model, engine_model_unref);
  g_clear_pointer (&rag->asked, g_free);
  g_clear_pointer (&rag->asked_vector, g_free);
}

void rag_close (Rag *rag)
{
  if (rag == NULL)
    return;
  drop_encoder (rag);
  g_clear_pointer (&rag->adapters, g_ptr_array_unref);
  g_clear_pointer (&rag->adapter_scales, g_array_unref);
  g_strfreev (rag->adapter_names);
  g_clear_pointer (&rag->generator, engine_model_unref);
  rag_forget_speed (rag);
  g_clear_pointer (&rag->index, index_close);
  g_free (rag->library_dir);
  g_free (rag->models_dir);
  g_free (rag->encoder_name);
  g_free (rag->generator_name);
  rag_drop_reranker (rag);
  g_free (rag->reranker_name);
  g_free (rag->generator_label);
  rag_scope_clear (&rag->scope);
  g_free (rag);
}

/* ---- Models ---- */

EngineEncoder *rag_open_encoder (Rag *rag, const char *name, EngineModel **ret_model,
                                 GError **error)
{
  GError *inner = NULL;
  g_autofree char *path = engine_store_resolve (rag->models_dir, name, &inner);
  g_autoptr (EngineModel) model = path != NULL ? engine_model_open (path, &inner) : NULL;
  if (model != NULL && !rag_check_memory (model, rag->mem_limit_bytes, error))
    return NULL;
  EngineEncoder *encoder
      = model != NULL ? engine_encoder_new (model, rag->n_threads, &inner) : NULL;
  if (encoder == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  *ret_model = g_steal_pointer (&model);
  return encoder;
}

static gboolean made_library (Rag *rag, const EngineEncoder *encoder)
{
  const char *ours = index_encoder (rag->index, NULL);
  return ours == NULL || strcmp (ours, engine_encoder_fingerprint (encoder)) == 0;
}

EngineEncoder *rag_find_encoder (Rag *rag, const char *fingerprint, EngineModel **ret_model,
                                 GError **error)
{
  g_autoptr (GPtrArray) entries = engine_store_list (rag->models_dir, NULL);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      if (!entry->fetched || strcmp (entry->role, "encoder") != 0)
        continue;
      EngineEncoder *encoder = rag_open_encoder (rag, entry->name, ret_model, NULL);
      if (encoder != NULL && strcmp (engine_encoder_fingerprint (encoder), fingerprint) == 0)
        return encoder;
      if (encoder != NULL)
        {
          engine_encoder_free (encoder);
          g_clear_pointer (ret_model, engine_model_unref);
        }
    }
  g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
               "The library %s needs the encoder “%s”, which is not in %s: fetch it with "
               "`docent models fetch`, or change to another with `docent sync --encoder NAME`",
               rag->library_dir, fingerprint, rag->models_dir);
  return NULL;
}

/* The one that was asked for, if it is the library's. While the library changes to it, and for a
 * writer that is about to begin that, the library's own serves. */
static EngineEncoder *open_named (Rag *rag, EngineModel **ret_model, GError **error)
{
  g_autoptr (EngineEncoder) encoder = rag_open_encoder (rag, rag->encoder_name, ret_model, error);
  if (encoder == NULL || made_library (rag, encoder))
    return g_steal_pointer (&encoder);
  if (rag->mode == RAG_WRITE
      || g_strcmp0 (index_next_encoder (rag->index, NULL), engine_encoder_fingerprint (encoder)) == 0)
    {
      g_clear_pointer (ret_model, engine_model_unref);
      return rag_find_encoder (rag, index_encoder (rag->index, NULL), ret_model, error);
    }
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "The library %s was made with the encoder “%s”, not with “%s”: leave out "
               "--encoder, or change to it with `docent sync --encoder %s`",
               rag->library_dir, index_encoder (rag->index, NULL),
               engine_encoder_fingerprint (encoder), rag->encoder_name);
  g_clear_pointer (ret_model, engine_model_unref);
  return NULL;
}

static EngineEncoder *open_chosen (Rag *rag, EngineModel **ret_model, GError **error)
{
  g_autofree char *path = NULL, *reason = NULL;
  const RagOptions options = { .models_dir = rag->models_dir, .n_threads = rag->n_threads };
  if (!rag_choose_encoder (&options, &path, &reason, error))
    return NULL;
  return rag_open_encoder (rag, path, ret_model, error);
}

static gboolean load_encoder (Rag *rag, GError **error)
{
  EngineModel *model = NULL;
  if (rag->encoder_name != NULL)
    rag->encoder = open_named (rag, &model, error);
  else if (index_encoder (rag->index, NULL) != NULL)
    rag->encoder = rag_find_encoder (rag, index_encoder (rag->index, NULL), &model, error);
  else
    rag->encoder = open_chosen (rag, &model, error);
  rag->encoder_model = model;
  return rag->encoder != NULL;
}

gboolean rag_need_encoder (Rag *rag, gboolean bind, GError **error)
{
  GError *inner = NULL;
  /* The library may have changed to another since. */
  if (rag->encoder != NULL && !made_library (rag, rag->encoder))
    drop_encoder (rag);
  if (rag->encoder == NULL && !load_encoder (rag, error))
    return FALSE;
  if (bind && index_encoder (rag->index, NULL) == NULL
      && !index_set_encoder (rag->index, engine_encoder_fingerprint (rag->encoder),
                             engine_encoder_dimension (rag->encoder), &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* "…/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" → the manifest's name for that file, else the file.
 */
static char *label_of (Rag *rag, const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autoptr (GPtrArray) entries = engine_store_list (rag->models_dir, NULL);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      if (g_strcmp0 (entry->file, base) == 0)
        return g_strdup (entry->name);
    }
  return g_steal_pointer (&base);
}

static gboolean open_generator (Rag *rag, GError **error)
{
  const RagOptions options = { .library_dir = rag->library_dir,
                               .models_dir = rag->models_dir,
                               .generator = rag->generator_name,
                               .n_threads = rag->n_threads,
                               .mem_limit_bytes = rag->mem_limit_bytes };
  g_autofree char *path = NULL, *reason = NULL;
  GError *inner = NULL;
  if (!rag_choose_generator (&options, &path, &reason, error))
    return FALSE;
  g_autoptr (EngineModel) model = engine_model_open (path, &inner);
  if (model == NULL)
    return rag_translate_error (error, inner);
  if (engine_model_info (model)->role != ENGINE_ROLE_GENERATOR)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "“%s” is no generator and cannot write answers: `docent models list` shows "
                   "which can",
                   path);
      return FALSE;
    }
  if (rag->adapter_names != NULL
      && !engine_adapters_open (model, (const char *const *)rag->adapter_names, &rag->adapters,
                                &rag->adapter_scales, &inner))
    return rag_translate_error (error, inner);
  rag->generator = g_steal_pointer (&model);
  rag->generator_label = label_of (rag, path);
  rag_calibration_load (rag);
  return TRUE;
}

gboolean rag_check_generator (Rag *rag, GError **error)
{
  return rag->generator_name == NULL || rag->generator != NULL || open_generator (rag, error);
}

gboolean rag_need_generator (Rag *rag, GError **error)
{
  return (rag->generator != NULL || open_generator (rag, error)) && rag_need_speed (rag, error);
}

void rag_change_generator (Rag *rag, const char *name)
{
  g_clear_pointer (&rag->adapters, g_ptr_array_unref);
  g_clear_pointer (&rag->adapter_scales, g_array_unref);
  g_clear_pointer (&rag->adapter_names, g_strfreev);
  g_clear_pointer (&rag->generator, engine_model_unref);
  g_clear_pointer (&rag->generator_label, g_free);
  rag_forget_speed (rag);
  g_free (rag->generator_name);
  rag->generator_name = g_strdup (name);
}

/* ---- Views ---- */

static RagDocument *document_from_index (const IndexDocument *from)
{
  RagDocument *document = g_new0 (RagDocument, 1);
  document->path = g_strdup (from->path);
  document->title = g_strdup (from->title);
  document->mime_type = g_strdup (from->mime_type);
  document->language = g_strdup (from->language);
  document->collection = g_strdup (from->collection);
  document->sha256 = g_strdup (from->sha256);
  document->date = g_strdup (from->date);
  document->size_bytes = from->size_bytes;
  document->added_at = from->added_at;
  document->mtime_ns = from->mtime_ns;
  document->n_pages = from->n_pages;
  document->n_chunks = from->n_chunks;
  document->failure = g_strdup (from->failure);
  return document;
}

void rag_document_free (RagDocument *document)
{
  if (document == NULL)
    return;
  g_free (document->path);
  g_free (document->title);
  g_free (document->mime_type);
  g_free (document->language);
  g_free (document->collection);
  g_free (document->sha256);
  g_free (document->date);
  g_free (document->failure);
  g_free (document);
}

GPtrArray *rag_list (Rag *rag, const char *collection, GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = rag_index_scope (rag, collection);
  g_autoptr (GPtrArray) found = index_list_documents (rag->index, &scope, &inner);
  if (found == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  GPtrArray *documents = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_document_free);
  for (guint i = 0; i < found->len; i++)
    g_ptr_array_add (documents, document_from_index (g_ptr_array_index (found, i)));
  return documents;
}

/* How well NAME names DOCUMENT: 3 its path, 2 the end of its path, 1 its title, 0 not at all. */
static guint name_rank (const RagDocument *document, const char *name)
{
  if (strcmp (document->path, name) == 0)
    return 3;
  gsize path = strlen (document->path), end = strlen (name);
  gboolean at_border
      = end > 0 && end < path
        && (name[0] == G_DIR_SEPARATOR || document->path[path - end - 1] == G_DIR_SEPARATOR);
  if (at_border && g_str_has_suffix (document->path, name))
    return 2;
  g_autofree char *title = g_utf8_casefold (document->title != NULL ? document->title : "", -1);
  g_autofree char *wanted = g_utf8_casefold (name, -1);
  return strcmp (title, wanted) == 0 ? 1 : 0;
}

RagDocument *rag_find (Rag *rag, const char *name, GError **error)
{
  g_autoptr (GPtrArray) documents = rag_list (rag, NULL, error);
  if (documents == NULL)
    return NULL;
  g_autofree char *absolute = g_canonicalize_filename (name, NULL);
  guint best_rank = 0, n_best = 0, best = 0;
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      guint rank = MAX (name_rank (document, name), strcmp (document->path, absolute) == 0 ? 3 : 0);
      if (rank > best_rank)
        best_rank = rank, n_best = 0, best = i;
      n_best += rank > 0 && rank == best_rank;
    }
  if (n_best == 1)
    return g_ptr_array_steal_index (documents, best);
  if (n_best == 0)
    g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
                 "No document “%s” in the library %s: `docent list` shows what is there", name,
                 rag->library_dir);
  else
    g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                 "“%s” names %u documents: give more of the path, as `docent list` shows it", name,
                 n_best);
  return NULL;
}

gboolean rag_forget_words (Rag *rag, const GPtrArray *documents, GError **error)
{
  return rag_digest_forget (rag, documents, error) && rag_saved_forget (rag, documents, error);
}

gboolean rag_forget (Rag *rag, const RagDocument *document, GError **error)
{
  GError *inner = NULL;
  g_autoptr (IndexDocument) found = index_find_document (rag->index, document->path, &inner);
  if (inner != NULL)
    return rag_translate_error (error, inner);
  if (found == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND, "%s is not in the library",
                   document->path);
      return FALSE;
    }
  g_autoptr (GPtrArray) gone = g_ptr_array_new ();
  g_ptr_array_add (gone, found);
  if (!rag_forget_words (rag, gone, error)
      || !rag_feedback_forget (rag, document->path, error))
    return FALSE;
  if (!index_forget_document (rag->index, found->id, &inner))
    return rag_translate_error (error, inner);
  /* A file that was added by itself would come back with the next sync. */
  index_remove_source (rag->index, document->path, NULL);
  return TRUE;
}

gboolean rag_fsck (const char *library_dir, gboolean repair,
                   void (*report) (const char *problem, gboolean repaired, gpointer user_data),
                   gpointer user_data, guint *ret_problems, GError **error)
{
  GError *inner = NULL;
  const IndexFsck options = { .repair = repair, .report = report, .user_data = user_data };
  if (!index_fsck (library_dir, &options, ret_problems, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

gboolean rag_stats (Rag *rag, const char *collection, RagStats *ret_stats, GError **error)
{
  IndexStats stats;
  GError *inner = NULL;
  if (!index_stats (rag->index, collection, &stats, &inner))
    return rag_translate_error (error, inner);
  *ret_stats = (RagStats){ .n_documents = stats.n_documents,
                           .n_failed = stats.n_failed,
                           .n_chunks = stats.n_chunks,
                           .n_vectors = stats.n_vectors,
                           .n_pages = stats.n_pages,
                           .size_bytes = stats.size_bytes,
                           .encoder = g_strdup (index_encoder (rag->index, NULL)) };
  return TRUE;
}

RagFailure *rag_failure_new (const char *document, const char *reason)
{
  RagFailure *failure = g_new0 (RagFailure, 1);
  failure->document = g_strdup (document);
  failure->reason = g_strdup (reason);
  return failure;
}

void rag_failure_free (RagFailure *failure)
{
  if (failure == NULL)
    return;
  g_free (failure->document);
  g_free (failure->reason);
  g_free (failure);
}

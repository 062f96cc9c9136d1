/* Keeps answers with what they rest on, so that they can be held against the library later.
 *
 * In: an answer under a name. Out: a group of LIBRARY/saved.ini, with the question, all that
 * decides how it is answered, the citations, and a hash of each passage that a search found. What
 * is forgotten goes from here too: an answer that cites it loses its words. Someone who may read a
 * part of the library sees only what rests on that part. */
#include "rag/saved-private.h"

#include <string.h>

#define MAX_NAME 100
#define LOCK_WAIT_MS 30000
#define LOCK_STEP_MS 200

static char *saved_path (const Rag *rag)
{
  return g_build_filename (rag->library_dir, "saved.ini", NULL);
}

static GKeyFile *load (const Rag *rag)
{
  g_autofree char *path = saved_path (rag);
  GKeyFile *file = g_key_file_new ();
  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  return file;
}

static gboolean save (const Rag *rag, GKeyFile *file, GError **error)
{
  g_autofree char *path = saved_path (rag);
  return rag_key_file_save (file, path, error);
}

void rag_saved_passage_free (RagSavedPassage *passage)
{
  g_free (passage->document);
  g_free (passage->sha256);
  g_free (passage);
}

void rag_saved_free (RagSaved *saved)
{
  if (saved == NULL)
    return;
  g_free (saved->name);
  g_free (saved->question);
  g_free (saved->model);
  g_free (saved->answer);
  rag_scope_clear (&saved->scope);
  g_clear_pointer (&saved->citations, g_ptr_array_unref);
  g_clear_pointer (&saved->passages, g_ptr_array_unref);
  g_free (saved);
}

/* ---- One group ---- */

static char *text_of (GKeyFile *file, const char *name, const char *key)
{
  return g_key_file_get_string (file, name, key, NULL);
}

static void set_text (GKeyFile *file, const char *name, const char *key, const char *value)
{
  if (value != NULL)
    g_key_file_set_string (file, name, key, value);
  else
    g_key_file_remove_key (file, name, key, NULL);
}

/* Fields of citations and passages are lists of one length, one list a field. */
static void set_list (GKeyFile *file, const char *name, const char *key, const GPtrArray *elements,
                      const char *(*field) (gconstpointer element))
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  for (guint i = 0; i < elements->len; i++)
    {
      const char *text = field (g_ptr_array_index (elements, i));
      g_ptr_array_add (texts, (gpointer)(text != NULL ? text : ""));
    }
  g_key_file_set_string_list (file, name, key, (const char *const *)texts->pdata, texts->len);
}

static const char *cited_document (gconstpointer citation)
{
  return ((const RagCitation *)citation)->document;
}

static const char *cited_label (gconstpointer citation)
{
  return ((const RagCitation *)citation)->page_label;
}

static const char *cited_quote (gconstpointer citation)
{
  return ((const RagCitation *)citation)->quote;
}

static const char *passage_document (gconstpointer passage)
{
  return ((const RagSavedPassage *)passage)->document;
}

static const char *passage_sha256 (gconstpointer passage)
{
  return ((const RagSavedPassage *)passage)->sha256;
}

static void write_scope (GKeyFile *file, const char *name, const RagScope *scope)
{
  RagScope shared = *scope;
  const char *key;
  char **text;
  for (guint i = 0; (text = rag_scope_field (&shared, i, &key)) != NULL; i++)
    set_text (file, name, key, *text);
}

static void write_citations (GKeyFile *file, const char *name, const GPtrArray *citations)
{
  g_autofree int *pages = g_new (int, citations->len + 1);
  for (guint i = 0; i < citations->len; i++)
    pages[i] = (int)((const RagCitation *)g_ptr_array_index (citations, i))->page;
  set_list (file, name, "cited_documents", citations, cited_document);
  set_list (file, name, "cited_labels", citations, cited_label);
  set_list (file, name, "cited_quotes", citations, cited_quote);
  g_key_file_set_integer_list (file, name, "cited_pages", pages, citations->len);
}

static void write_group (GKeyFile *file, const RagSaved *saved)
{
  const char *name = saved->name;
  const RagAskOptions *options = &saved->options;
  set_text (file, name, "question", saved->question);
  write_scope (file, name, &saved->scope);
  set_text (file, name, "model", saved->model);
  g_key_file_set_integer (file, name, "max_tokens", (int)options->max_tokens);
  g_key_file_set_integer (file, name, "evidence_tokens", (int)options->evidence_tokens);
  g_key_file_set_double (file, name, "budget_seconds", options->budget_seconds);
  g_key_file_set_double (file, name, "temperature", options->temperature);
  g_key_file_set_uint64 (file, name, "seed", options->seed);
  g_key_file_set_double (file, name, "min_confidence", options->min_confidence);
  g_key_file_set_int64 (file, name, "saved_at", saved->saved_at);
  g_key_file_set_int64 (file, name, "checked_at", saved->checked_at);
  g_key_file_set_boolean (file, name, "refused", saved->refused);
  g_key_file_set_integer (file, name, "conflicts", (int)saved->n_conflicts);
  set_text (file, name, "answer", saved->answer);
  write_citations (file, name, saved->citations);
  set_list (file, name, "passage_documents", saved->passages, passage_document);
  set_list (file, name, "passage_hashes", saved->passages, passage_sha256);
}

static void read_scope (GKeyFile *file, const char *name, RagScope *scope)
{
  const char *key;
  char **text;
  for (guint i = 0; (text = rag_scope_field (scope, i, &key)) != NULL; i++)
    *text = text_of (file, name, key);
}

/* Lists of different lengths, which only an edited file has, count as empty. */
static void read_citations (GKeyFile *file, const char *name, GPtrArray *citations)
{
  gsize n = 0, n_labels = 0, n_quotes = 0, n_pages = 0;
  g_auto (GStrv) documents = g_key_file_get_string_list (file, name, "cited_documents", &n, NULL);
  g_auto (GStrv) labels = g_key_file_get_string_list (file, name, "cited_labels", &n_labels, NULL);
  g_auto (GStrv) quotes = g_key_file_get_string_list (file, name, "cited_quotes", &n_quotes, NULL);
  g_autofree int *pages = g_key_file_get_integer_list (file, name, "cited_pages", &n_pages, NULL);
  for (gsize i = 0; n == n_labels && n == n_quotes && n == n_pages && i < n; i++)
    {
      RagCitation *citation = g_new0 (RagCitation, 1);
      citation->n = (guint)i + 1;
      citation->document = g_strdup (documents[i]);
      citation->page = (guint)MAX (pages[i], 0);
      citation->page_label = *labels[i] != '\0' ? g_strdup (labels[i]) : NULL;
      citation->quote = g_strdup (quotes[i]);
      g_ptr_array_add (citations, citation);
    }
}

static void read_passages (GKeyFile *file, const char *name, GPtrArray *passages)
{
  gsize n = 0, n_hashes = 0;
  g_auto (GStrv) documents = g_key_file_get_string_list (file, name, "passage_documents", &n, NULL);
  g_auto (GStrv) hashes
      = g_key_file_get_string_list (file, name, "passage_hashes", &n_hashes, NULL);
  for (gsize i = 0; n == n_hashes && i < n; i++)
    {
      RagSavedPassage *passage = g_new0 (RagSavedPassage, 1);
      passage->document = g_strdup (documents[i]);
      passage->sha256 = g_strdup (hashes[i]);
      g_ptr_array_add (passages, passage);
    }
}

static RagSaved *saved_new (const char *name)
{
  RagSaved *saved = g_new0 (RagSaved, 1);
  saved->name = g_strdup (name);
  saved->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  saved->passages = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_saved_passage_free);
  return saved;
}

static RagSaved *read_group (GKeyFile *file, const char *name)
{
  RagSaved *saved = saved_new (name);
  RagAskOptions *options = &saved->options;
  saved->question = text_of (file, name, "question");
  read_scope (file, name, &saved->scope);
  saved->model = text_of (file, name, "model");
  options->max_tokens = (guint)g_key_file_get_integer (file, name, "max_tokens", NULL);
  options->evidence_tokens = (guint)g_key_file_get_integer (file, name, "evidence_tokens", NULL);
  options->budget_seconds = g_key_file_get_double (file, name, "budget_seconds", NULL);
  options->temperature = (float)g_key_file_get_double (file, name, "temperature", NULL);
  options->seed = g_key_file_get_uint64 (file, name, "seed", NULL);
  options->min_confidence = g_key_file_get_double (file, name, "min_confidence", NULL);
  saved->saved_at = g_key_file_get_int64 (file, name, "saved_at", NULL);
  saved->checked_at = g_key_file_get_int64 (file, name, "checked_at", NULL);
  saved->refused = g_key_file_get_boolean (file, name, "refused", NULL);
  saved->n_conflicts = (guint)g_key_file_get_integer (file, name, "conflicts", NULL);
  saved->answer = text_of (file, name, "answer");
  read_citations (file, name, saved->citations);
  read_passages (file, name, saved->passages);
  return saved;
}

/* ---- Who may see it ---- */

static gboolean is_here (const Rag *rag, const char *path)
{
  g_autoptr (IndexDocument) document = index_find_document (rag->index, path, NULL);
  return document != NULL;
}

/* A refusal or a count that rests on nothing that can be named rests on all. */
static gboolean is_visible (const Rag *rag, const RagSaved *saved)
{
  if (!rag->restricted)
    return TRUE;
  for (guint i = 0; i < saved->citations->len; i++)
    if (!is_here (rag, cited_document (g_ptr_array_index (saved->citations, i))))
      return FALSE;
  for (guint i = 0; i < saved->passages->len; i++)
    if (!is_here (rag, passage_document (g_ptr_array_index (saved->passages, i))))
      return FALSE;
  return saved->passages->len > 0;
}

GPtrArray *rag_saved_list (Rag *rag)
{
  g_autoptr (GKeyFile) file = load (rag);
  g_auto (GStrv) names = g_key_file_get_groups (file, NULL);
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_saved_free);
  for (char **name = names; *name != NULL; name++)
    {
      RagSaved *saved = read_group (file, *name);
      if (saved->question != NULL && is_visible (rag, saved))
        g_ptr_array_add (all, saved);
      else
        rag_saved_free (saved);
    }
  return all;
}

static gboolean not_found (const char *name, GError **error)
{
  g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
               "no answer is saved as “%s”: docent saved list names them", name);
  return FALSE;
}

RagSaved *rag_saved_find (Rag *rag, const char *name, GError **error)
{
  g_autoptr (GKeyFile) file = load (rag);
  RagSaved *saved = g_key_file_has_group (file, name) ? read_group (file, name) : NULL;
  if (saved != NULL && saved->question != NULL && is_visible (rag, saved))
    return saved;
  rag_saved_free (saved);
  not_found (name, error);
  return NULL;
}

gboolean rag_saved_remove (Rag *rag, const char *name, GError **error)
{
  g_autoptr (GKeyFile) file = load (rag);
  return g_key_file_remove_group (file, name, NULL) ? save (rag, file, error)
                                                    : not_found (name, error);
}

/* ---- Saving ---- */

gboolean rag_saved_check_name (const char *name, GError **error)
{
  gboolean ok = *name != '\0' && strlen (name) <= MAX_NAME && g_utf8_validate (name, -1, NULL);
  for (const char *p = name; ok && *p != '\0'; p = g_utf8_next_char (p))
    ok = g_unichar_isprint (g_utf8_get_char (p)) && strchr ("[]", *p) == NULL;
  if (!ok)
    g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                 "an answer is saved under a name of 1 to %d bytes without brackets", MAX_NAME);
  return ok;
}

gboolean rag_saved_is_current (Rag *rag, const RagSaved *saved, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < saved->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (saved->citations, i);
      if (rag_saved_still_says (rag, citation, NULL, &inner))
        continue;
      if (inner == NULL)
        g_set_error (&inner, RAG_ERROR, RAG_ERROR_FAILED,
                     "“%s” cannot be kept: %s has changed since it was answered; ask again",
                     saved->name, citation->document);
      g_propagate_error (error, inner);
      return FALSE;
    }
  return TRUE;
}

/* Takes the library's write lock, which others hold for a moment, or as long as a sync takes. */
static Index *lock (const Rag *rag, GError **error)
{
  for (guint waited_ms = 0;; waited_ms += LOCK_STEP_MS)
    {
      GError *inner = NULL;
      Index *writer = index_open (rag->library_dir, INDEX_WRITE, &inner);
      if (writer != NULL)
        return writer;
      if (waited_ms >= LOCK_WAIT_MS || !g_error_matches (inner, INDEX_ERROR, INDEX_ERROR_BUSY))
        {
          rag_translate_error (error, inner);
          return NULL;
        }
      g_error_free (inner);
      g_usleep (LOCK_STEP_MS * 1000);
    }
}

gboolean rag_saved_store (Rag *rag, const RagSaved *saved, GError **error)
{
  g_autoptr (Index) writer = lock (rag, error);
  if (writer == NULL || !rag_saved_is_current (rag, saved, error))
    return FALSE;
  g_autoptr (GKeyFile) file = load (rag);
  write_group (file, saved);
  return save (rag, file, error);
}

void rag_saved_take_answer (RagSaved *saved, const RagAnswer *answer)
{
  g_free (saved->answer);
  saved->answer = g_strdup (answer->answer);
  saved->refused = answer->status == RAG_REFUSED;
  saved->n_conflicts = answer->conflicts->len;
  g_ptr_array_set_size (saved->citations, 0);
  for (guint i = 0; i < answer->citations->len; i++)
    g_ptr_array_add (saved->citations,
                     rag_citation_copy (g_ptr_array_index (answer->citations, i)));
}

/* A copy of SCOPE that means the same wherever the check runs. */
static RagScope scope_kept (const Rag *rag, const RagScope *scope, const RagAskOptions *options)
{
  RagScope kept = *scope;
  char **text;
  if (kept.collection == NULL)
    kept.collection = (char *)options->collection;
  kept.folder = rag->scope.folder; /* absolute */
  for (guint i = 0; (text = rag_scope_field (&kept, i, NULL)) != NULL; i++)
    *text = g_strdup (*text);
  return kept;
}

gboolean rag_saved_put (Rag *rag, const char *name, const char *question, const RagScope *scope,
                        const char *model, const RagAskOptions *options, const RagAnswer *answer,
                        GError **error)
{
  if (!rag_saved_check_name (name, error))
    return FALSE;
  if (rag->restricted)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "a role (--as) may only read: leave out --save");
      return FALSE;
    }
  if (rag_is_private (rag, options->collection))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "nothing of what is asked here may be kept: leave out --save");
      return FALSE;
    }
  g_autoptr (RagSaved) saved = saved_new (name);
  saved->question = g_strdup (question);
  saved->scope = scope_kept (rag, scope, options);
  saved->model = g_strdup (model);
  saved->options = *options;
  saved->saved_at = saved->checked_at = g_get_real_time () / G_USEC_PER_SEC;
  rag_saved_take_answer (saved, answer);
  return rag_saved_find_passages (rag, saved->question, saved->scope.collection, saved->passages,
                                  error)
         && rag_saved_store (rag, saved, error);
}

/* ---- Forgetting ---- */

static gboolean is_among (const GPtrArray *documents, const char *path)
{
  for (guint i = 0; i < documents->len; i++)
    if (strcmp (((const IndexDocument *)g_ptr_array_index (documents, i))->path, path) == 0)
      return TRUE;
  return FALSE;
}

/* TRUE when something of SAVED is gone. */
static gboolean forget_in (RagSaved *saved, const GPtrArray *documents)
{
  gboolean cites = FALSE;
  const guint before = saved->passages->len;
  for (guint i = 0; i < saved->citations->len; i++)
    cites |= is_among (documents, cited_document (g_ptr_array_index (saved->citations, i)));
  for (guint i = saved->passages->len; i-- > 0;)
    if (is_among (documents, passage_document (g_ptr_array_index (saved->passages, i))))
      g_ptr_array_remove_index (saved->passages, i);
  /* The words of a refusal name what was closest. */
  if (cites || (saved->refused && saved->passages->len < before))
    {
      g_clear_pointer (&saved->answer, g_free);
      g_ptr_array_set_size (saved->citations, 0);
    }
  return cites || saved->passages->len < before;
}

gboolean rag_saved_forget_collection (Rag *rag, const char *collection, const GPtrArray *documents,
                                      GError **error)
{
  g_autoptr (GKeyFile) file = load (rag);
  g_auto (GStrv) names = g_key_file_get_groups (file, NULL);
  gboolean changed = FALSE;
  for (char **name = names; *name != NULL; name++)
    {
      g_autoptr (RagSaved) saved = read_group (file, *name);
      if (g_strcmp0 (saved->scope.collection, collection) == 0 || forget_in (saved, documents))
        changed |= g_key_file_remove_group (file, *name, NULL);
    }
  return !changed || save (rag, file, error);
}

gboolean rag_saved_forget (Rag *rag, const GPtrArray *documents, GError **error)
{
  g_autoptr (GKeyFile) file = load (rag);
  g_auto (GStrv) names = g_key_file_get_groups (file, NULL);
  gboolean changed = FALSE;
  for (char **name = names; *name != NULL; name++)
    {
      g_autoptr (RagSaved) saved = read_group (file, *name);
      if (!forget_in (saved, documents))
        continue;
      write_group (file, saved);
      changed = TRUE;
    }
  return !changed || save (rag, file, error);
}

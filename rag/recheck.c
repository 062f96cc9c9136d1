/* Holds a saved answer against the library as it is now.
 *
 * In: a saved answer. Out: whether it still stands, and if not, why. Where a search finds the very
 * passages that it found then, no model runs: the same words were answered from. Else the question
 * is asked again, and code says what has become of the sentences that the old answer rested on. */
#include "rag/saved-private.h"

#include <string.h>

gboolean rag_saved_find_passages (Rag *rag, const char *question, const char *collection,
                                  GPtrArray *passages, GError **error)
{
  RagRetrieval found;
  g_autofree char *object = NULL;
  if (rag_intent (question, &object) != RAG_INTENT_QUESTION)
    return TRUE;
  if (!rag_retrieve (rag, question, RAG_SEARCH_HYBRID, RAG_SAVED_PASSAGES, collection, -1, &found,
                     error))
    return FALSE;
  for (guint i = 0; i < found.hits->len; i++)
    {
      const IndexHit *hit = g_ptr_array_index (found.hits, i);
      RagSavedPassage *passage = g_new0 (RagSavedPassage, 1);
      passage->document = g_strdup (hit->path);
      passage->sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, hit->text, -1);
      g_ptr_array_add (passages, passage);
    }
  rag_retrieval_clear (&found);
  return TRUE;
}

static gboolean has_passage (const GPtrArray *passages, const RagSavedPassage *wanted)
{
  for (guint i = 0; i < passages->len; i++)
    {
      const RagSavedPassage *passage = g_ptr_array_index (passages, i);
      if (strcmp (passage->sha256, wanted->sha256) == 0
          && strcmp (passage->document, wanted->document) == 0)
        return TRUE;
    }
  return FALSE;
}

/* In any order: equal scores may change places. */
static gboolean same_passages (const GPtrArray *a, const GPtrArray *b)
{
  if (a->len != b->len || a->len == 0)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!has_passage (b, g_ptr_array_index (a, i)))
      return FALSE;
  return TRUE;
}

/* ---- Why ---- */

static void change_free (RagSavedChange *change)
{
  g_free (change->document);
  g_free (change->quote);
  g_free (change);
}

/* Of several sentences of one document, the first. */
static void add_change (GPtrArray *changes, RagSavedReason reason, const RagCitation *citation)
{
  const char *document = citation != NULL ? citation->document : NULL;
  for (guint i = 0; i < changes->len; i++)
    {
      const RagSavedChange *known = g_ptr_array_index (changes, i);
      if (known->reason == reason && g_strcmp0 (known->document, document) == 0)
        return;
    }
  RagSavedChange *change = g_new0 (RagSavedChange, 1);
  change->reason = reason;
  change->document = g_strdup (document);
  change->quote = citation != NULL ? g_strdup (citation->quote) : NULL;
  g_ptr_array_add (changes, change);
}

gboolean rag_saved_still_says (Rag *rag, const RagCitation *citation, gboolean *ret_gone,
                               GError **error)
{
  GError *inner = NULL;
  gboolean found = FALSE;
  g_autoptr (IndexDocument) document = index_find_document (rag->index, citation->document, &inner);
  g_autoptr (GPtrArray) chunks
      = document != NULL ? index_document_chunks (rag->index, document->id, 0, 0, &inner) : NULL;
  if (inner != NULL)
    return rag_translate_error (error, inner);
  if (ret_gone != NULL)
    *ret_gone = document == NULL;
  for (guint i = 0; citation->quote != NULL && chunks != NULL && i < chunks->len && !found; i++)
    found = strstr (((const IndexHit *)g_ptr_array_index (chunks, i))->text, citation->quote) != NULL;
  return found;
}

/* What has become of the sentences that SAVED cites. */
static gboolean note_sources (Rag *rag, const RagSaved *saved, GPtrArray *changes, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < saved->citations->len && inner == NULL; i++)
    {
      const RagCitation *citation = g_ptr_array_index (saved->citations, i);
      gboolean gone;
      if (!rag_saved_still_says (rag, citation, &gone, &inner) && inner == NULL)
        add_change (changes, gone ? RAG_SAVED_GONE : RAG_SAVED_EDITED, citation);
    }
  if (inner != NULL)
    g_propagate_error (error, inner);
  return inner == NULL;
}

/* What ANSWER rests on that came in after SAVED was last looked at. */
static gboolean note_newer (Rag *rag, const RagSaved *saved, const RagAnswer *answer,
                            GPtrArray *changes, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < answer->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (answer->citations, i);
      gboolean known = FALSE;
      for (guint k = 0; k < saved->citations->len; k++)
        known |= strcmp (((const RagCitation *)g_ptr_array_index (saved->citations, k))->document,
                         citation->document)
                 == 0;
      g_autoptr (IndexDocument) document
          = index_find_document (rag->index, citation->document, &inner);
      if (inner != NULL)
        return rag_translate_error (error, inner);
      if (!known && document != NULL && document->added_at >= saved->checked_at)
        add_change (changes, RAG_SAVED_NEWER, citation);
    }
  return TRUE;
}

/* ---- Checking ---- */

void rag_saved_check_free (RagSavedCheck *check)
{
  if (check == NULL)
    return;
  rag_saved_free (check->before);
  g_clear_pointer (&check->after, rag_answer_free);
  g_ptr_array_unref (check->changes);
  g_free (check);
}

static gboolean same_answer (const RagSaved *saved, const RagAnswer *answer)
{
  const gboolean refused = answer->status == RAG_REFUSED;
  /* The words of a refusal count what was searched. */
  return saved->answer != NULL && saved->refused == refused
         && (refused || g_strcmp0 (saved->answer, answer->answer) == 0);
}

static gboolean judge (Rag *rag, RagSavedCheck *check, GError **error)
{
  const RagSaved *before = check->before;
  const RagAnswer *after = check->after;
  const gboolean disputed = after->conflicts->len > before->n_conflicts;
  if (!same_answer (before, after))
    {
      if (before->answer == NULL)
        add_change (check->changes, RAG_SAVED_GONE, NULL);
      if (!note_sources (rag, before, check->changes, error)
          || !note_newer (rag, before, after, check->changes, error))
        return FALSE;
      if (check->changes->len == 0 && !disputed)
        add_change (check->changes, RAG_SAVED_OTHER, NULL);
    }
  if (disputed)
    add_change (check->changes, RAG_SAVED_CONFLICT, NULL);
  return TRUE;
}

static gboolean ask_again (Rag *rag, RagSavedCheck *check, const RagAskEvents *events,
                           GError **error)
{
  const RagSaved *before = check->before;
  RagAskOptions options = before->options;
  options.collection = before->scope.collection;
  if (g_strcmp0 (rag->generator_name, before->model) != 0)
    rag_change_generator (rag, before->model);
  check->after = rag_ask (rag, before->question, &options, events, error);
  if (check->after == NULL)
    return FALSE;
  /* What the token limit cut is an answer, what a person stopped is none. */
  if (events != NULL && g_cancellable_is_cancelled (events->cancellable))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_CANCELLED, "“%s” was not checked to the end",
                   before->name);
      return FALSE;
    }
  return judge (rag, check, error);
}

/* The new answer takes the old one's place, so that a change is told once; not where nothing may be
 * kept. */
static gboolean keep (Rag *rag, RagSavedCheck *check, GPtrArray *passages, GError **error)
{
  g_autoptr (RagSaved) now = rag_saved_find (rag, check->before->name, error);
  if (now == NULL)
    return FALSE;
  if (rag_is_private (rag, now->scope.collection))
    return TRUE;
  now->checked_at = g_get_real_time () / G_USEC_PER_SEC;
  if (check->after != NULL)
    rag_saved_take_answer (now, check->after);
  g_ptr_array_unref (now->passages);
  now->passages = g_ptr_array_ref (passages);
  return rag_saved_store (rag, now, error);
}

RagSavedCheck *rag_saved_check (Rag *rag, const char *name, const RagAskEvents *events,
                                GError **error)
{
  g_autoptr (RagSavedCheck) check = g_new0 (RagSavedCheck, 1);
  g_autoptr (GPtrArray) passages
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_saved_passage_free);
  check->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)change_free);
  check->before = rag_saved_find (rag, name, error);
  if (check->before == NULL || !rag_set_scope (rag, &check->before->scope, error)
      || !rag_saved_find_passages (rag, check->before->question, check->before->scope.collection,
                                   passages, error))
    return NULL;
  const gboolean same
      = check->before->answer != NULL && same_passages (check->before->passages, passages)
        && rag_saved_is_current (rag, check->before, NULL);
  if ((!same && !ask_again (rag, check, events, error)) || !keep (rag, check, passages, error))
    return NULL;
  return g_steal_pointer (&check);
}

/* Answers that need no search for a fact: greetings, questions about the library, everything that
 * mentions something, summaries.
 *
 * In comes the question's intent, out goes a whole answer, or nothing when the usual way is the
 * right one after all. What the documents say is cited here too. */
#include "rag/answer-private.h"

#include <string.h>

static void say (RagAnswer *answer, char *text)
{
  g_free (answer->answer);
  answer->answer = text;
  answer->confidence = 1;
}

static void greet (RagAnswer *answer)
{
  say (answer,
       g_strdup_printf ("You are welcome. Ask about what the %u documents say; every answer "
                        "comes with its pages.",
                        answer->coverage.searched));
}

static gboolean mention (Rag *rag, const char *object, const RagAskOptions *options,
                         GCancellable *cancellable, RagAnswer *answer, GError **error)
{
  RagCited cited;
  guint n_documents;
  if (!rag_find_mentions (rag, object, options->collection, cancellable, &cited, &n_documents,
                          error))
    return FALSE;
  rag_take_cited (answer, &cited);
  say (answer, rag_join_supported (answer->sentences, "\n"));
  if (n_documents > 0)
    return TRUE;
  answer->status = RAG_REFUSED;
  answer->reason = g_strdup ("no document mentions it; all were looked through");
  return TRUE;
}

/* The one that is named, or the only one there is; NULL without an error when it is neither. */
static RagDocument *document_named (Rag *rag, const char *name, const char *collection)
{
  static const char *const only[] = { "document", "the document", "file",         "it", "this",
                                      "all",      "dokument",     "das dokument", NULL };
  RagDocument *found = rag_find (rag, name, NULL);
  g_autofree char *lower = g_utf8_strdown (name, -1);
  if (found != NULL || !g_strv_contains (only, lower))
    return found;
  g_autoptr (GPtrArray) all = rag_list (rag, collection, NULL);
  return all != NULL && all->len == 1 ? g_ptr_array_steal_index (all, 0) : NULL;
}

static void add_point (RagAnswer *answer, const RagPoint *point)
{
  RagSentence *sentence = g_new0 (RagSentence, 1);
  sentence->text = g_strdup (point->text);
  sentence->supported = TRUE;
  sentence->citations = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < point->citations->len; i++)
    {
      RagCitation *citation = rag_citation_copy (g_ptr_array_index (point->citations, i));
      citation->n = answer->citations->len + 1;
      g_ptr_array_add (answer->citations, citation);
      g_array_append_val (sentence->citations, citation->n);
    }
  g_ptr_array_add (answer->sentences, sentence);
}

static gboolean summarise (Rag *rag, const RagDocument *document, GCancellable *cancellable,
                           RagAnswer *answer, GError **error)
{
  const char *names[] = { document->path, NULL };
  const RagDossierOptions options
      = { .template = "summary", .date = "", .cancellable = cancellable };
  RagBrief *brief = rag_dossier (rag, names, &options, error);
  if (brief == NULL)
    return FALSE;
  for (guint i = 0; i < brief->sections->len; i++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, i);
      for (guint k = 0; k < section->points->len; k++)
        add_point (answer, g_ptr_array_index (section->points, k));
    }
  say (answer, rag_join_supported (answer->sentences, "\n"));
  if (!brief->complete)
    {
      answer->status = RAG_PARTIAL;
      answer->reason = g_strdup ("stopped before the summary was complete");
    }
  else if (answer->sentences->len == 0)
    {
      answer->status = RAG_REFUSED;
      answer->reason = g_strdup ("the document has no text to summarise");
    }
  rag_brief_free (brief);
  return TRUE;
}

static gboolean try_to_summarise (Rag *rag, const char *object, const RagAskOptions *options,
                                  GCancellable *cancellable, RagAnswer *answer, gboolean *ret_done,
                                  GError **error)
{
  RagDocument *document = document_named (rag, object, options->collection);
  *ret_done = document != NULL;
  if (document == NULL)
    return TRUE;
  gboolean ok = summarise (rag, document, cancellable, answer, error);
  rag_document_free (document);
  return ok;
}

gboolean rag_answer_directly (Rag *rag, const char *text, const RagAskOptions *options,
                              GCancellable *cancellable, RagAnswer *answer, gboolean *ret_done,
                              GError **error)
{
  g_autofree char *object = NULL;
  char *about = NULL;
  const RagIntent intent = rag_intent (text, &object);
  *ret_done = intent != RAG_INTENT_QUESTION;
  answer->intent = rag_intent_name (intent);
  switch (intent)
    {
    case RAG_INTENT_QUESTION:
      return TRUE;
    case RAG_INTENT_GREETING:
      greet (answer);
      return TRUE;
    case RAG_INTENT_LIBRARY:
      about = rag_describe_library (rag, options->collection, error);
      if (about != NULL)
        say (answer, about);
      return about != NULL;
    case RAG_INTENT_MENTION:
      return mention (rag, object, options, cancellable, answer, error);
    case RAG_INTENT_SUMMARY:
      return try_to_summarise (rag, object, options, cancellable, answer, ret_done, error);
    }
  g_return_val_if_reached (FALSE);
}

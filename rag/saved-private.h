/* Saved answers: what the store (saved.c) and the check (recheck.c) share. */
#pragma once

#include "rag/answer-private.h"

/* Of that many best passages the hashes are kept: more change with every document that comes in. */
#define RAG_SAVED_PASSAGES 10

void rag_saved_passage_free (RagSavedPassage *passage);
/* Puts ANSWER's words and citations in place of SAVED's. */
void rag_saved_take_answer (RagSaved *saved, const RagAnswer *answer);
/* Replaces what is saved under that name. Takes the write lock for that moment, and waits for it. Fails
 * when a document has changed so that it does not say any more what is cited. */
gboolean rag_saved_store (Rag *rag, const RagSaved *saved, GError **error);
/* Adds what a search for QUESTION finds now to PASSAGES (RagSavedPassage*); nothing for what is no
 * question about a fact. recheck.c */
gboolean rag_saved_find_passages (Rag *rag, const char *question, const char *collection,
                                  GPtrArray *passages, GError **error);
/* Does the document still say what CITATION quotes? ret_gone (or NULL): it is not in the library. */
gboolean rag_saved_still_says (Rag *rag, const RagCitation *citation, gboolean *ret_gone,
                               GError **error);
/* Whether all that SAVED cites is still said: what is gone or edited must not come back. */
gboolean rag_saved_is_current (Rag *rag, const RagSaved *saved, GError **error);
/* Removes what was asked of COLLECTION, or rests on its DOCUMENTS (IndexDocument*), questions included. */
gboolean rag_saved_forget_collection (Rag *rag, const char *collection, const GPtrArray *documents,
                                      GError **error);
/* Takes what DOCUMENTS (IndexDocument*) say out of all that is saved. */
gboolean rag_saved_forget (Rag *rag, const GPtrArray *documents, GError **error);

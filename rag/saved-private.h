/* Saved answers: what the store (saved.c) and the check (recheck.c) share. */
#pragma once

#include "rag/answer-private.h"

/* Of that many best passages the hashes are kept: more change with every document that comes in. */
#define RAG_SAVED_PASSAGES 10

void rag_saved_passage_free (RagSavedPassage *passage);
/* Puts ANSWER's words and citations in place of SAVED's. */
void rag_saved_take_answer (RagSaved *saved, const RagAnswer *answer);
/* Replaces what is saved under that name. */
gboolean rag_saved_store (Rag *rag, const RagSaved *saved, GError **error);
/* Adds what a search for QUESTION finds now to PASSAGES (RagSavedPassage*); nothing for what is no
 * question about a fact. recheck.c */
gboolean rag_saved_find_passages (Rag *rag, const char *question, const char *collection,
                                  GPtrArray *passages, GError **error);
/* Takes what DOCUMENTS (IndexDocument*) say out of all that is saved. */
gboolean rag_saved_forget (Rag *rag, const GPtrArray *documents, GError **error);

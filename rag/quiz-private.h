/* Questions about the library whose answers are known, made from its own sentences.
 *
 * In:  quiz.c picks sentences and has the model write a question to each. Out: calibrate.c asks
 * them and learns how far the confidence of answers is to be trusted here. */
#pragma once

#include "rag/answer-private.h"

typedef struct
{
  char *text;
  char *phrase;          /* what the right answer has */
  gint64 without_document; /* ask as if this document were not there; −1: ask of all */
  gboolean answerable;
} RagQuizQuestion;
void rag_quiz_question_free (RagQuizQuestion *question);

/* At most as many questions as OPTIONS say, half of them without an answer: the document that has it
 * is left out, or the question names somebody else. CHAT, whose generator is loaded, refuses nothing
 * for being uncertain. Elements: RagQuizQuestion*. */
GPtrArray *rag_quiz (Rag *rag, RagChat *chat, const RagCalibrateOptions *options, GError **error);

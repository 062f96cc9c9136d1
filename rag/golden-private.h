/* Questions whose right answers people have said: feedback.c writes them, replay.c asks them. */
#pragma once

#include "rag/answer-private.h"

typedef struct
{
  char *question;
  char *phrase;   /* what the answer must hold, alternatives between '|'; NULL: not said */
  char *document; /* its path or the end of it; NULL: not said */
  guint page;     /* 0: not said */
  gboolean none;  /* the documents do not answer it */
  gboolean good;  /* the answer was found good, so there must be one again */
} RagGolden;
void rag_golden_free (RagGolden *golden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagGolden, rag_golden_free)
/* NULL when LINE is no such question. */
RagGolden *rag_golden_parse (const char *line);
/* Whether NAME is PATH or its last parts. */
gboolean rag_names_document (const char *name, const char *path);

char *rag_feedback_path (const Rag *rag);
/* Drops what was said about DOCUMENT. */
gboolean rag_feedback_forget (const Rag *rag, const char *document, GError **error);

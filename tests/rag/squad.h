/* Questions of SQuAD 2.0 for the tests that count: ../shared/data/qa, or below $DOCENT_SHARED. */
#pragma once

#include <string.h>

#include "rag/eval-private.h"
#include "support.h"

static inline char *squad_file (void)
{
  g_autofree char *beside = g_build_filename (SOURCE_ROOT, "..", "shared/data/qa", NULL);
  const char *set = g_getenv ("DOCENT_SHARED");
  g_autofree char *other = set != NULL ? g_build_filename (set, "data/qa", NULL) : NULL;
  return g_build_filename (other != NULL ? other : beside, "squad2-part.json", NULL);
}

/* The sentence of the right paragraph that holds the expected answer; NULL when there is none. */
static inline char *squad_statement (const RagSquad *squad, const RagSquadQuestion *question)
{
  const char *text = NULL;
  for (guint i = 0; i < squad->paragraphs->len && text == NULL; i++)
    {
      char **row = g_ptr_array_index (squad->paragraphs, i);
      text = strcmp (row[0], question->paragraph) == 0 ? row[2] : NULL;
    }
  if (text == NULL)
    return NULL;
  g_autoptr (GArray) sentences = ingest_sentences (text, "en");
  for (guint i = 0; i < sentences->len; i++)
    {
      const IngestSentence *span = &g_array_index (sentences, IngestSentence, i);
      g_autofree char *sentence = rag_one_line (text + span->start, span->end - span->start);
      if (strstr (sentence, g_ptr_array_index (question->expected, 0)) != NULL)
        return g_steal_pointer (&sentence);
    }
  return NULL;
}

/* Proves a "yes" or "no".
 *
 * "May visitors stay overnight?" – "No." has no word that could be looked for on a page. In come
 * the question, the evidence and the model's sentence, out goes the sentence of the documents that
 * is nearest to the question, which the reader gets to see beside the verdict: nobody should have to
 * take a small model's word for it. A "yes" to a sentence that denies is no answer. */
#include "rag/answer-private.h"

RagVerdict rag_first_verdict (const char *text, const GArray *words)
{
  static const char *const yes[] = { "yes", "ja", "oui", "sí", "si", "sì", NULL };
  static const char *const no[] = { "no", "nein", "non", NULL };
  if (words->len == 0)
    return RAG_VERDICT_NONE;
  const RagWord *first = &g_array_index (words, RagWord, 0);
  g_autofree char *lower = g_utf8_strdown (text + first->start, first->end - first->start);
  return g_strv_contains (yes, lower)  ? RAG_VERDICT_YES
         : g_strv_contains (no, lower) ? RAG_VERDICT_NO
                                       : RAG_VERDICT_NONE;
}

RagVerdict rag_bare_verdict (const RagQuestion *question, const char *text, const GArray *words)
{
  g_autoptr (GHashTable) asked = rag_word_set (question->text, -1, question->language);
  for (guint i = 1; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind != RAG_WORD_STOP && !g_hash_table_contains (asked, word->form))
        return RAG_VERDICT_NONE;
    }
  return rag_first_verdict (text, words);
}

const RagSpan *rag_verdict_source (const RagQuestion *question, const RagEvidence *evidence,
                                   RagVerdict verdict)
{
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, 1);
  g_autoptr (GArray) asked = rag_words (question->text, -1, question->language);
  if (nearest->len == 0)
    return NULL;
  const RagSpan *span = g_ptr_array_index (nearest, 0);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const guint n_denials = rag_count_negations (passage->hit->text + span->start, span->words);
  const gboolean denies = n_denials % 2 != rag_count_negations (question->text, asked) % 2;
  return verdict == RAG_VERDICT_YES && denies ? NULL : span;
}

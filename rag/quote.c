/* Answers with a sentence of the documents when the model's own words cannot be proved.
 *
 * In come the question and the evidence, out goes the sentence that says nearly all of what was
 * asked and something more of the kind asked for: a number for "how often", a name for "who". A
 * small model may read "zweimal täglich" and say "three times"; the page says it right. */
#include "rag/answer-private.h"

#include <string.h>

/* Sentences looked at, best first. */
#define MAX_SENTENCES 8
/* Of the question's weight. */
#define MIN_COVERAGE 0.5

/* How questions begin, or what stands in them, in lower case. */
static const struct
{
  const char *words;
  RagKind kind;
} cues[] = {
  { "how many", RAG_KIND_NUMBER },  { "how much", RAG_KIND_NUMBER },
  { "how long", RAG_KIND_NUMBER },  { "how often", RAG_KIND_NUMBER },
  { "how old", RAG_KIND_NUMBER },   { "when", RAG_KIND_DATE },
  { "what year", RAG_KIND_DATE },   { "which year", RAG_KIND_DATE },
  { "who", RAG_KIND_NAME },         { "wie viele", RAG_KIND_NUMBER },
  { "wie viel", RAG_KIND_NUMBER },  { "wie oft", RAG_KIND_NUMBER },
  { "wie lange", RAG_KIND_NUMBER }, { "wann", RAG_KIND_DATE },
  { "combien", RAG_KIND_NUMBER },   { "quand", RAG_KIND_DATE },
  { "qui", RAG_KIND_NAME },         { "cuánto", RAG_KIND_NUMBER },
  { "cuántos", RAG_KIND_NUMBER },   { "cuántas", RAG_KIND_NUMBER },
  { "cuándo", RAG_KIND_DATE },      { "quién", RAG_KIND_NAME },
  { "quanto", RAG_KIND_NUMBER },    { "quanti", RAG_KIND_NUMBER },
  { "quante", RAG_KIND_NUMBER },    { "quando", RAG_KIND_DATE },
  { "chi", RAG_KIND_NAME },
};

/* Whether WORDS stand in TEXT as whole words. */
static gboolean has_words (const char *text, const char *words)
{
  gsize length = strlen (words);
  for (const char *at = text; (at = strstr (at, words)) != NULL; at += length)
    {
      gboolean begins = at == text || !g_unichar_isalnum (g_utf8_get_char (g_utf8_prev_char (at)));
      if (begins && !g_unichar_isalnum (g_utf8_get_char (at + length)))
        return TRUE;
    }
  return FALSE;
}

RagKind rag_kind_asked (const RagQuestion *question)
{
  g_autofree char *lower = g_utf8_strdown (question->text, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (cues); i++)
    if (has_words (lower, cues[i].words))
      return cues[i].kind;
  return RAG_KIND_ANY;
}

static gboolean is_asked (const RagQuestion *question, const char *form)
{
  for (guint i = 0; i < question->terms->len; i++)
    if (strcmp (g_array_index (question->terms, RagTerm, i).form, form) == 0)
      return TRUE;
  return FALSE;
}

gboolean rag_has_kind (const RagQuestion *question, const RagEvidence *evidence,
                       const RagSpan *span, RagKind kind)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const char *text = passage->hit->text + span->start;
  for (guint i = 0; i < span->words->len; i++)
    {
      const RagWord *word = &g_array_index (span->words, RagWord, i);
      gboolean capital
          = word->kind != RAG_WORD_STOP && g_unichar_isupper (g_utf8_get_char (text + word->start));
      if (word->kind == RAG_WORD_STOP || is_asked (question, word->form))
        continue;
      const gboolean number = word->kind == RAG_WORD_NUMBER;
      if (kind == RAG_KIND_ANY || ((kind == RAG_KIND_NUMBER || kind == RAG_KIND_DATE) && number)
          || (kind == RAG_KIND_NAME && capital))
        return TRUE;
    }
  return FALSE;
}

/* "How often" is asked with a word that the answer does not have. */
static gboolean is_cue_word (const RagTerm *term)
{
  static const char *const forms[] = { "often", "long", "old",  "year",    "much",     "mani",
                                       "oft",   "lang", "viel", "souvent", "longtemp", NULL };
  return g_strv_contains (forms, term->form);
}

/* A sentence without the question's most telling word is about something else. */
static gboolean has_point (const RagQuestion *question, const RagEvidence *evidence,
                           const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  double most = 0, held = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      if (is_cue_word (term))
        continue;
      most = MAX (most, term->weight);
      if (g_hash_table_contains (span->forms, term->form)
          || g_hash_table_contains (passage->heading, term->form))
        held = MAX (held, term->weight);
    }
  return held >= most;
}

const RagSpan *rag_quotable (const RagQuestion *question, const RagEvidence *evidence)
{
  const RagKind kind = rag_kind_asked (question);
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, MAX_SENTENCES);
  for (guint i = 0; i < nearest->len; i++)
    {
      const RagSpan *span = g_ptr_array_index (nearest, i);
      if (rag_question_coverage (question, span->forms) >= MIN_COVERAGE
          && has_point (question, evidence, span) && rag_has_kind (question, evidence, span, kind))
        return span;
    }
  return NULL;
}

gboolean rag_quote (Rag *rag, const RagQuestion *question, const RagEvidence *evidence,
                    char **ret_quote, double *ret_confidence, GError **error)
{
  const RagSpan *span = rag_quotable (question, evidence);
  double cosine;
  if (span == NULL)
    return TRUE;
  g_autofree char *text = rag_span_text (evidence, span);
  const char *texts[] = { text };
  if (!rag_cosines (rag, question, texts, 1, &cosine, error))
    return FALSE;
  *ret_confidence = rag_quote_confidence (rag_question_coverage (question, span->forms), cosine);
  *ret_quote = g_steal_pointer (&text);
  return TRUE;
}

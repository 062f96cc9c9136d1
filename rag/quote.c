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

typedef enum
{
  KIND_ANY,
  KIND_NUMBER,
  KIND_NAME,
} Kind;

/* How questions begin, or what stands in them, in lower case. */
static const struct
{
  const char *words;
  Kind kind;
} cues[] = {
  { "how many", KIND_NUMBER },  { "how much", KIND_NUMBER },   { "how long", KIND_NUMBER },
  { "how often", KIND_NUMBER }, { "how old", KIND_NUMBER },    { "when", KIND_NUMBER },
  { "what year", KIND_NUMBER }, { "which year", KIND_NUMBER }, { "who", KIND_NAME },
  { "wie viele", KIND_NUMBER }, { "wie viel", KIND_NUMBER },   { "wie oft", KIND_NUMBER },
  { "wie lange", KIND_NUMBER }, { "wann", KIND_NUMBER },       { "combien", KIND_NUMBER },
  { "quand", KIND_NUMBER },     { "qui", KIND_NAME },          { "cuánto", KIND_NUMBER },
  { "cuántos", KIND_NUMBER },   { "cuántas", KIND_NUMBER },    { "cuándo", KIND_NUMBER },
  { "quién", KIND_NAME },       { "quanto", KIND_NUMBER },     { "quanti", KIND_NUMBER },
  { "quante", KIND_NUMBER },    { "quando", KIND_NUMBER },     { "chi", KIND_NAME },
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

static Kind kind_asked_for (const RagQuestion *question)
{
  g_autofree char *lower = g_utf8_strdown (question->text, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (cues); i++)
    if (has_words (lower, cues[i].words))
      return cues[i].kind;
  return KIND_ANY;
}

static gboolean is_asked (const RagQuestion *question, const char *form)
{
  for (guint i = 0; i < question->terms->len; i++)
    if (strcmp (g_array_index (question->terms, RagTerm, i).form, form) == 0)
      return TRUE;
  return FALSE;
}

/* Whether the sentence has a word of KIND that the question has not. German capitalises every
 * noun, so any of its capitals may be a name. */
static gboolean has_kind (const RagQuestion *question, const RagEvidence *evidence,
                          const RagSpan *span, Kind kind)
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
      if (kind == KIND_ANY || (kind == KIND_NUMBER && word->kind == RAG_WORD_NUMBER)
          || (kind == KIND_NAME && capital))
        return TRUE;
    }
  return FALSE;
}

gboolean rag_has_kind_asked (const RagQuestion *question, const RagEvidence *evidence,
                             const RagSpan *span)
{
  return has_kind (question, evidence, span, kind_asked_for (question));
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
  const Kind kind = kind_asked_for (question);
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, MAX_SENTENCES);
  for (guint i = 0; i < nearest->len; i++)
    {
      const RagSpan *span = g_ptr_array_index (nearest, i);
      if (rag_question_coverage (question, span->forms) >= MIN_COVERAGE
          && has_point (question, evidence, span) && has_kind (question, evidence, span, kind))
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

/* Answers with the documents' own words when the model's cannot be proved.
 *
 * In come the question and the evidence, out goes the sentence that is nearest to the question and
 * has something of the kind asked for, a number for "how often", a name for "who", with what stands
 * around it. A small model may read "zweimal täglich" and say "three times"; the page says it
 * right. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Sentences looked at, best first. */
#define MAX_SENTENCES 8
/* Of the question's weight. */
#define MIN_COVERAGE 0.5
/* From here on a sentence speaks for itself, whatever the model said. */
#define MOST_SHARE 0.75
/* Two or three lines. */
#define MAX_EXCERPT_BYTES 500

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

/* Share of the question's weight that SPAN holds, words such as "often" left out. */
static double telling_share (const RagQuestion *question, const RagSpan *span)
{
  double total = 0, held = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      if (is_cue_word (term))
        continue;
      total += term->weight;
      held += g_hash_table_contains (span->forms, term->form) ? term->weight : 0;
    }
  return total > 0 ? held / total : 0;
}

/* ---- Excerpts ---- */

/* The best sentence with a word of what is asked for, or NULL. */
static const RagSpan *nearest_of_kind (const RagQuestion *question, const RagEvidence *evidence)
{
  const RagKind kind = rag_kind_asked (question);
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, MAX_SENTENCES);
  for (guint i = 0; i < nearest->len; i++)
    {
      const RagSpan *span = g_ptr_array_index (nearest, i);
      if (rag_has_kind (question, evidence, span, kind)
          && !rag_is_of_another_year (question, evidence, span))
        return span;
    }
  return NULL;
}

/* Whether B follows A with nothing between: an order to programs that was left out is not quoted. */
static gboolean is_next (const RagPassage *passage, const RagSpan *a, const RagSpan *b)
{
  const char *text = passage->hit->text;
  return a->end + strspn (text + a->end, " \t\r\n") >= b->start;
}

/* From the sentence before SPAN to the one after it, as far as they are short: what "it" is stands
 * before, what follows from it behind. */
static void widen (const RagEvidence *evidence, const RagSpan *span, const RagSpan **ret_first,
                   const RagSpan **ret_last)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const RagSpan *begin = &g_array_index (evidence->spans, RagSpan, passage->first_span);
  const RagSpan *end = begin + passage->n_spans;
  *ret_first = *ret_last = span;
  if (span > begin && is_next (passage, span - 1, span)
      && span->end - (span - 1)->start <= MAX_EXCERPT_BYTES)
    *ret_first = span - 1;
  if (span + 1 < end && is_next (passage, span, span + 1)
      && (span + 1)->end - (*ret_first)->start <= MAX_EXCERPT_BYTES)
    *ret_last = span + 1;
}

/* Share of SAID's words that SPAN has. What stands beside it does not count: a model that obeys an order
 * there says what the order has. */
static double share_said (const RagQuestion *question, const char *said, const RagSpan *span)
{
  g_autoptr (GHashTable) words = rag_word_set (said, -1, question->language);
  GHashTableIter iter;
  gpointer form;
  double n = 0;
  g_hash_table_iter_init (&iter, words);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    n += g_hash_table_contains (span->forms, form);
  return g_hash_table_size (words) > 0 ? n / g_hash_table_size (words) : 0;
}

static void cite_excerpt (const RagEvidence *evidence, const RagSpan *first, const RagSpan *last,
                          RagCited *ret_cited)
{
  const RagHit *hit
      = ((const RagPassage *)g_ptr_array_index (evidence->passages, first->passage))->hit;
  g_autofree char *excerpt = g_strndup (hit->text + first->start, last->end - first->start);
  g_autofree char *line = rag_one_line (excerpt, -1);
  RagCited cited = { .n_supported = 1, .source = -1 };
  cited.sentences = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_sentence_free);
  cited.citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  const guint n = rag_citations_add (cited.citations, rag_citation_new (hit, excerpt));
  RagSentence *sentence = g_new0 (RagSentence, 1);
  sentence->text = g_strdup_printf ("“%s”", line);
  sentence->supported = TRUE;
  sentence->citations = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_append_val (sentence->citations, n);
  g_ptr_array_add (cited.sentences, sentence);
  *ret_cited = cited;
}

void rag_quote (const RagQuestion *question, const RagEvidence *evidence, const char *said,
                RagCited *ret_cited, double *ret_confidence)
{
  const RagSpan *span = nearest_of_kind (question, evidence), *first, *last;
  if (span == NULL)
    return;
  widen (evidence, span, &first, &last);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const RagQuoteSignals signals
      = { .to_the_point = telling_share (question, span) >= MOST_SHARE
                          && has_point (question, evidence, span),
          .coverage = rag_question_coverage (question, span->forms),
          .cosine = isnan (span->cosine) ? rag_usual_cosine : span->cosine,
          .said = said != NULL ? share_said (question, said, span) : 0,
          .names_missing = rag_count_names_missing (question, passage->forms) };
  cite_excerpt (evidence, first, last, ret_cited);
  *ret_confidence = rag_quote_confidence (&signals);
}

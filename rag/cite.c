/* Proves an answer, sentence by sentence, against what was found.
 *
 * In come the model's words and the evidence, out go sentences with the passages that support them,
 * and those that nothing supports. Small models cannot be trusted to name their sources, so the
 * model is never asked: each sentence is aligned with the evidence sentence that shares most of its
 * words. Numbers and names must be there literally (in whatever spelling), the other words mostly:
 * an answer may paraphrase a verb but never a dose. */
#include "rag/answer-private.h"

#include <string.h>

/* What a word counts for in an alignment. A word that the question already had proves little. */
#define HARD_WEIGHT 2.0
#define PLAIN_WEIGHT 1.0
#define ECHO_WEIGHT 0.3
/* A word that only a neighbour or the heading has counts for this share. */
#define NEAR_SHARE 0.6
/* Between two equally good sentences, the one that is about the question. */
#define QUESTION_WEIGHT 0.5

/* Share of a sentence's weight that must be found: of long ones most, of short ones all. */
#define MIN_SUPPORT_LONG 0.6
#define MIN_SUPPORT_SHORT 0.95
#define SHORT_WORDS 3
#define MAX_SOURCES 3
/* Of the relevance of the sentence that is nearest to the question. */
#define MIN_RELEVANCE 0.5

void rag_sentence_free (RagSentence *sentence)
{
  if (sentence == NULL)
    return;
  g_free (sentence->text);
  g_array_unref (sentence->citations);
  g_free (sentence);
}

RagCitation *rag_citation_copy (const RagCitation *citation)
{
  RagCitation *copy = g_memdup2 (citation, sizeof *citation);
  copy->document = g_strdup (citation->document);
  copy->title = g_strdup (citation->title);
  copy->page_label = g_strdup (citation->page_label);
  copy->section = g_strdup (citation->section);
  copy->quote = g_strdup (citation->quote);
  return copy;
}

RagCitation *rag_citation_new (const RagHit *hit, const char *quote)
{
  const RagCitation citation = { .document = hit->document,
                                 .title = hit->title,
                                 .page = hit->page,
                                 .page_label = hit->page_label,
                                 .section = hit->section,
                                 .ocr = hit->ocr,
                                 .quote = (char *)quote };
  return rag_citation_copy (&citation);
}

void rag_citation_free (RagCitation *citation)
{
  if (citation == NULL)
    return;
  g_free (citation->document);
  g_free (citation->title);
  g_free (citation->page_label);
  g_free (citation->section);
  g_free (citation->quote);
  g_free (citation);
}

void rag_cited_clear (RagCited *cited)
{
  g_clear_pointer (&cited->sentences, g_ptr_array_unref);
  g_clear_pointer (&cited->citations, g_ptr_array_unref);
}

/* ---- Words of an answer's sentence ---- */

typedef struct
{
  const char *form;
  gboolean hard;
  double weight;
  double found; /* best share found so far, 0 … 1 */
} Claim;

static gboolean in_question (const RagQuestion *question, const char *form)
{
  for (guint i = 0; i < question->terms->len; i++)
    if (strcmp (g_array_index (question->terms, RagTerm, i).form, form) == 0)
      return TRUE;
  return FALSE;
}

/* Elements: Claim. The forms belong to WORDS. */
static GArray *claims_of (const GArray *words, const RagQuestion *question)
{
  GArray *claims = g_array_new (FALSE, FALSE, sizeof (Claim));
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind == RAG_WORD_STOP)
        continue;
      gboolean hard = word->kind == RAG_WORD_NUMBER || word->kind == RAG_WORD_NAME;
      double weight = hard ? HARD_WEIGHT : PLAIN_WEIGHT;
      if (in_question (question, word->form))
        weight = ECHO_WEIGHT;
      Claim claim = { word->form, hard, weight, 0 };
      g_array_append_val (claims, claim);
    }
  return claims;
}

/* ---- Alignment ---- */

/* "Nachtschicht" and "Nachtschichten" that the stemmer left apart, but never two numbers. */
static gboolean share_stem (const char *a, const char *b)
{
  gsize length_a = strlen (a), length_b = strlen (b), common = 0;
  while (common < length_a && common < length_b && a[common] == b[common])
    common++;
  return a[0] != '#' && common >= 5 && common * 4 >= MAX (length_a, length_b) * 3;
}

static gboolean set_has (GHashTable *set, const Claim *claim)
{
  GHashTableIter iter;
  gpointer form;
  if (g_hash_table_contains (set, claim->form))
    return TRUE;
  if (claim->hard)
    return FALSE;
  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    if (share_stem (form, claim->form))
      return TRUE;
  return FALSE;
}

/* How far span I of EVIDENCE proves CLAIM: wholly, by what stands beside it, or not. A hard word
 * that stands anywhere in the passage is proved by the page, though less by this sentence. */
static double proof (const RagEvidence *evidence, guint i, const Claim *claim)
{
  const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  guint last = passage->first_span + passage->n_spans - 1;
  if (set_has (span->forms, claim))
    return 1;
  if ((i > passage->first_span && set_has ((span - 1)->forms, claim))
      || (i < last && set_has ((span + 1)->forms, claim)) || set_has (passage->heading, claim))
    return NEAR_SHARE;
  return 0;
}

static double gain_of (const RagEvidence *evidence, guint i, const GArray *claims)
{
  double gain = 0;
  for (guint k = 0; k < claims->len; k++)
    {
      const Claim *claim = &g_array_index (claims, Claim, k);
      gain += claim->weight * MAX (0, proof (evidence, i, claim) - claim->found);
    }
  return gain;
}

static void take (const RagEvidence *evidence, guint i, GArray *claims)
{
  for (guint k = 0; k < claims->len; k++)
    {
      Claim *claim = &g_array_index (claims, Claim, k);
      claim->found = MAX (claim->found, proof (evidence, i, claim));
    }
}

/* The span that proves most of what is not proved yet; FALSE when none proves anything. */
static gboolean find_source (const RagEvidence *evidence, const RagQuestion *question,
                             const GArray *claims, guint *ret_span)
{
  double best_score = 0;
  gboolean any = FALSE;
  for (guint i = 0; i < evidence->spans->len; i++)
    {
      const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      double gain = gain_of (evidence, i, claims);
      if (gain <= 0)
        continue;
      double score = gain + QUESTION_WEIGHT * rag_question_coverage (question, span->forms)
                     + (span->shown ? 0.05 : 0);
      if (!any || score > best_score)
        {
          any = TRUE;
          best_score = score;
          *ret_span = i;
        }
    }
  return any;
}

typedef struct
{
  double share;     /* of the claims' weight that is proved */
  gboolean hard_ok; /* every number and name is proved */
} Verdict;

static Verdict judge (const GArray *claims)
{
  Verdict verdict = { 0, TRUE };
  double total = 0;
  for (guint k = 0; k < claims->len; k++)
    {
      const Claim *claim = &g_array_index (claims, Claim, k);
      total += claim->weight;
      verdict.share += claim->weight * (claim->found > 0 ? 1 : 0);
      verdict.hard_ok = verdict.hard_ok && (!claim->hard || claim->found > 0);
    }
  verdict.share = total > 0 ? verdict.share / total : 0;
  return verdict;
}

/* ---- Citations ---- */

guint rag_citations_add (GPtrArray *citations, RagCitation *citation)
{
  for (guint i = 0; i < citations->len; i++)
    {
      const RagCitation *known = g_ptr_array_index (citations, i);
      if (known->page == citation->page && strcmp (known->document, citation->document) == 0
          && strcmp (known->quote, citation->quote) == 0)
        {
          rag_citation_free (citation);
          return known->n;
        }
    }
  citation->n = citations->len + 1;
  g_ptr_array_add (citations, citation);
  return citation->n;
}

static guint cite_span (const RagEvidence *evidence, guint i, RagCited *cited)
{
  const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
  const RagHit *hit
      = ((const RagPassage *)g_ptr_array_index (evidence->passages, span->passage))->hit;
  g_autofree char *quote = g_strndup (hit->text + span->start, span->end - span->start);
  return rag_citations_add (cited->citations, rag_citation_new (hit, quote));
}

/* Words of the question, for an answer that has none of its own: "Both." */
static void claim_question (const RagQuestion *question, GArray *claims)
{
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      Claim claim = { term->form, term->kind == RAG_WORD_NUMBER, PLAIN_WEIGHT, 0 };
      g_array_append_val (claims, claim);
    }
}

static guint n_own_words (const GArray *claims)
{
  guint n = 0;
  for (guint k = 0; k < claims->len; k++)
    n += g_array_index (claims, Claim, k).weight > ECHO_WEIGHT;
  return n;
}

/* Share of the question's weight that span I and what stands beside it hold. */
static double relevance_of (const RagQuestion *question, const RagEvidence *evidence, guint i)
{
  double held = 0;
  for (guint t = 0; t < question->terms->len; t++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, t);
      const Claim claim = { term->form, TRUE, 1, 0 };
      held += term->weight * proof (evidence, i, &claim);
    }
  return question->total_weight > 0 ? held / question->total_weight : 0;
}

/* "11" stands on many pages. An answer of so few words is proved only where the question is. A
 * sentence that repeats a "how many" and has no number draws nobody away from the one that has. */
static gboolean is_beside_the_point (const RagQuestion *question, const RagEvidence *evidence,
                                     const GArray *sources)
{
  const RagKind kind = rag_kind_asked (question);
  double ours = 0, most = 0;
  for (guint i = 0; i < sources->len; i++)
    ours = MAX (ours, relevance_of (question, evidence, g_array_index (sources, guint, i)));
  for (guint i = 0; i < evidence->spans->len; i++)
    if (rag_has_kind (question, evidence, &g_array_index (evidence->spans, RagSpan, i), kind))
      most = MAX (most, relevance_of (question, evidence, i));
  return ours < MIN_RELEVANCE * most;
}

static gboolean has_year (GHashTable *forms)
{
  GHashTableIter iter;
  gpointer form;
  g_hash_table_iter_init (&iter, forms);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    if (rag_is_year (form))
      return TRUE;
  return FALSE;
}

gboolean rag_is_of_another_year (const RagQuestion *question, const RagEvidence *evidence,
                                 const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  gboolean asked = FALSE;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const char *form = g_array_index (question->terms, RagTerm, i).form;
      if (rag_is_year (form) && g_hash_table_contains (passage->forms, form))
        return FALSE;
      asked = asked || rag_is_year (form);
    }
  return asked && has_year (span->forms);
}

static gboolean is_altered (const RagEvidence *evidence, guint source, const char *text,
                            const GArray *words)
{
  const RagSpan *span = &g_array_index (evidence->spans, RagSpan, source);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const char *source_text = passage->hit->text + span->start;
  return rag_is_altered (text, words, source_text, span->words)
         || rag_has_other_unit (text, words, source_text, span->words);
}

/* Takes SOURCES (guint: numbers in EVIDENCE's spans) as what SENTENCE rests on. */
static void add_sentence (const RagEvidence *evidence, RagSentence *sentence, const GArray *sources,
                          RagCited *cited)
{
  sentence->citations = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < sources->len && sentence->supported; i++)
    {
      guint n = cite_span (evidence, g_array_index (sources, guint, i), cited);
      g_array_append_val (sentence->citations, n);
    }
  if (cited->source < 0 && sources->len > 0)
    cited->source = (int)g_array_index (sources, guint, 0);
  cited->n_supported += sentence->supported;
  g_ptr_array_add (cited->sentences, sentence);
}

/* Yes or no, and the sentence that says so. */
static void cite_verdict (const RagQuestion *question, const RagEvidence *evidence,
                          RagVerdict verdict, const char *text, gsize length, RagCited *cited)
{
  const RagSpan *span = rag_verdict_source (question, evidence, verdict);
  g_autoptr (GArray) sources = g_array_new (FALSE, FALSE, sizeof (guint));
  RagSentence *sentence = g_new0 (RagSentence, 1);
  g_autofree char *said = g_strndup (text, length);
  if (span != NULL)
    {
      const guint source = (guint)(span - &g_array_index (evidence->spans, RagSpan, 0));
      g_autofree char *quote = rag_span_text (evidence, span);
      g_array_append_val (sources, source);
      sentence->text = g_strdup_printf ("%s “%s”", said, quote);
      sentence->supported = !rag_is_of_another_year (question, evidence, span);
    }
  else
    sentence->text = g_steal_pointer (&said);
  add_sentence (evidence, sentence, sources, cited);
}

static void cite_sentence (const RagQuestion *question, const RagEvidence *evidence,
                           const char *text, gsize length, RagCited *cited)
{
  g_autoptr (GArray) words = rag_words (text, (gssize)length, question->language);
  const RagVerdict yes_or_no = rag_bare_verdict (question, text, words);
  if (yes_or_no != RAG_VERDICT_NONE)
    {
      cite_verdict (question, evidence, yes_or_no, text, length, cited);
      return;
    }
  /* A "yes" before more words is on no page. */
  if (rag_first_verdict (text, words) != RAG_VERDICT_NONE)
    g_array_remove_index (words, 0);
  g_autoptr (GArray) claims = claims_of (words, question);
  g_autoptr (GArray) sources = g_array_new (FALSE, FALSE, sizeof (guint));
  if (claims->len == 0)
    claim_question (question, claims);
  guint span;
  while (sources->len < MAX_SOURCES && find_source (evidence, question, claims, &span))
    {
      g_array_append_val (sources, span);
      take (evidence, span, claims);
      Verdict so_far = judge (claims);
      if (so_far.hard_ok && so_far.share >= MIN_SUPPORT_LONG)
        break;
    }
  Verdict verdict = judge (claims);
  guint source = sources->len > 0 ? g_array_index (sources, guint, 0) : 0;
  gboolean is_short = n_own_words (claims) <= SHORT_WORDS;
  double needed = is_short ? MIN_SUPPORT_SHORT : MIN_SUPPORT_LONG;
  RagSentence *sentence = g_new0 (RagSentence, 1);
  sentence->text = g_strndup (text, length);
  sentence->supported = verdict.hard_ok && verdict.share >= needed && sources->len > 0
                        && !rag_is_echo (question, text, words)
                        && !is_altered (evidence, source, text, words)
                        && !rag_is_of_another_year (
                            question, evidence, &g_array_index (evidence->spans, RagSpan, source))
                        && !(is_short && is_beside_the_point (question, evidence, sources));
  add_sentence (evidence, sentence, sources, cited);
}

/* ---- Sentences of an answer ---- */

/* "[1]", "(1)" at a sentence's end: the model was not asked to cite, and its numbers mean nothing.
 */
static char *without_markers (const char *answer)
{
  const GRegex *markers = rag_pattern ("\\s*\\[\\d{1,2}(?:,\\s*\\d{1,2})*\\]", 0);
  return g_regex_replace_literal (markers, answer, -1, 0, "", 0, NULL);
}

static gboolean has_word (const char *text, gsize length)
{
  for (const char *p = text; p < text + length; p = g_utf8_next_char (p))
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

void rag_cite (const RagQuestion *question, const RagEvidence *evidence, const char *answer,
               RagCited *ret_cited)
{
  g_autofree char *text = without_markers (answer);
  g_autoptr (GArray) spans = ingest_sentences (text, rag_language_code (question->language));
  RagCited cited = { .source = -1 };
  cited.sentences = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_sentence_free);
  cited.citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  for (guint i = 0; i < spans->len; i++)
    {
      IngestSentence *span = &g_array_index (spans, IngestSentence, i);
      rag_trim_span (text, &span->start, &span->end);
      if (has_word (text + span->start, span->end - span->start))
        cite_sentence (question, evidence, text + span->start, span->end - span->start, &cited);
    }
  *ret_cited = cited;
}

/* From a question to an answer that can be trusted: what ask.c and the evaluations share.
 *
 *   intent.c     whether it is a question about facts at all
 *   question.c   the question's words, each with how telling it is in this library
 *   retrieve.c   passages, best first
 *   evidence.c   the sentences of those passages that a model has time to read
 *   prompt.c     what the model is told
 *   generate.c   the model reads and answers
 *   cite.c       which evidence supports which sentence of the answer
 *   verdict.c    what proves a "yes" or "no"
 *   echo.c       which sentence only says the question again
 *   quote.c      the sentence that answers by itself
 *   amounts.c    what a sentence says in numbers
 *   conflicts.c  what another document says against it
 *   dating.c     which document is the newer one
 *   direct.c     answers to what is no question about a fact
 *   exhaustive.c answers that need every document
 *   signals.c    what tells whether the answer can be right
 *   refuse.c     whether to say nothing instead, before and after the model
 *   calibration.c how far these estimates are to be trusted in this library
 *   followup.c   "and in 2022?" becomes a whole question
 *   parts.c      a question that asks for several things becomes several, and one answer again */
#pragma once

#include "rag/rag-private.h"
#include "rag/text-private.h"

/* ---- question.c ---- */

typedef struct
{
  char *form;
  RagWordKind kind;
  guint n_chunks; /* of the library that have it */
  double weight;  /* inverse document frequency, natural logarithm, > 0 */
} RagTerm;

typedef struct
{
  char *text;
  RagLanguage language;
  GArray *terms; /* RagTerm, each form once, no stop words */
  double total_weight;
} RagQuestion;

/* One sentence that says what is wrong with TEXT as a question, or TRUE. */
gboolean rag_check_question (const char *text, GError **error);
RagQuestion *rag_question_new (Rag *rag, const char *text, GError **error);
/* With words that all weigh the same: for tests, and where no library is asked. */
RagQuestion *rag_question_new_plain (const char *text);
void rag_question_free (RagQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagQuestion, rag_question_free)
/* Share of the question's weight, 0 … 1, that SET (forms, as from rag_word_set) holds. */
double rag_question_coverage (const RagQuestion *question, GHashTable *set);

/* ---- intent.c ---- */

typedef enum
{
  RAG_INTENT_QUESTION, /* what most want: a fact */
  RAG_INTENT_GREETING,
  RAG_INTENT_LIBRARY, /* about the library itself */
  RAG_INTENT_MENTION, /* everything that mentions something */
  RAG_INTENT_SUMMARY, /* of a whole document */
} RagIntent;
/* ret_object: what to look for or to summarise, NULL where nothing is. */
RagIntent rag_intent (const char *text, char **ret_object);
/* "question", "greeting", … */
const char *rag_intent_name (RagIntent intent);

/* ---- retrieve.c ---- */

typedef struct
{
  GPtrArray *hits; /* IndexHit*, best first */
  float *vector;   /* of the query; NULL in lexical search */
  double encode_ms, search_ms;
} RagRetrieval;
void rag_retrieval_clear (RagRetrieval *retrieval);
/* ONLY_DOCUMENT: its id, or −1 for all. */
gboolean rag_retrieve (Rag *rag, const char *query, RagSearchMode mode, guint limit,
                       const char *collection, gint64 only_document, RagRetrieval *ret_retrieval,
                       GError **error);

/* ---- rerank.c ---- */

/* More are not worth their time: what is relevant is among the first of a hybrid search. */
#define RAG_RERANK_DEPTH 50
/* Puts the first of HITS (IndexHit*, best first) into the order of the reranker, if one was named, as
 * far as its budget goes. */
gboolean rag_rerank (Rag *rag, const char *query, GPtrArray *hits, GError **error);

RagHit *rag_hit_from_index (const IndexHit *from);
gboolean rag_coverage_fill (Rag *rag, const char *collection, RagCoverage *ret_coverage,
                            GError **error);
void rag_coverage_clear (RagCoverage *coverage);

/* ---- evidence.c ---- */

typedef struct
{
  guint passage;     /* number in RagEvidence.passages */
  guint start, end;  /* bytes of the passage's text */
  GArray *words;     /* RagWord */
  GHashTable *forms; /* set: words without stop words */
  double score;      /* how well it answers the question, 0 … about 4 */
  double cosine;     /* of the question and this in its context; NAN: not compared */
  gboolean shown;    /* the model reads it */
} RagSpan;

typedef struct
{
  RagHit *hit;
  RagLanguage language;
  gint64 document_id, start; /* place in the document */
  guint rank;                /* among the hits, 0 the best */
  GHashTable *heading;       /* set: forms of title and section */
  GHashTable *forms;         /* set: forms of the whole passage, heading included */
  guint first_span, n_spans;
} RagPassage;

typedef struct
{
  GPtrArray *passages; /* RagPassage*, best first */
  GArray *spans;       /* RagSpan, by passage */
  GArray *order;       /* guint: passages with a shown sentence, in reading order */
} RagEvidence;

/* Cuts HITS (IndexHit*, best first) into sentences and scores them. */
RagEvidence *rag_evidence_new (const RagQuestion *question, const GPtrArray *hits);
void rag_evidence_free (RagEvidence *evidence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagEvidence, rag_evidence_free)
typedef gsize (*RagTokenCount) (const char *text, gsize length, gpointer user_data);
/* Chooses what the model reads: at most BUDGET tokens, headings included, and orders it as in the
 * documents. What was chosen before is forgotten. COUNT NULL: bytes / 4. */
void rag_evidence_select (RagEvidence *evidence, guint budget, RagTokenCount count,
                          gpointer user_data);
/* Compares the best sentences with QUESTION by meaning and adds that to their scores; without vectors
 * all stays as it is. */
gboolean rag_evidence_compare (Rag *rag, const RagQuestion *question, RagEvidence *evidence,
                               GError **error);
/* The N sentences (RagSpan*, EVIDENCE's) with the best scores, best first. */
GPtrArray *rag_evidence_nearest (const RagEvidence *evidence, guint n);
/* On one line. */
char *rag_span_text (const RagEvidence *evidence, const RagSpan *span);
/* The chosen sentences with their headings, as the model gets them. */
char *rag_evidence_text (const RagEvidence *evidence);

/* ---- prompt.c ---- */

/* System message, then one user message with passages and question. The caller owns both. */
typedef struct
{
  char *system, *user;
  /* Bytes of USER that come from the template, before any passage; 0: SYSTEM is not fixed either. */
  gsize n_fixed;
} RagPrompt;
void rag_prompt_build (const RagEvidence *evidence, const RagQuestion *question,
                       RagPrompt *ret_prompt);
/* The same with other texts: names below rag/. */
void rag_prompt_build_from (const RagEvidence *evidence, const RagQuestion *question,
                            const char *system_name, const char *user_name, RagPrompt *ret_prompt);
void rag_prompt_clear (RagPrompt *prompt);
/* The sentence with which the model is told to refuse. */
const char *rag_refusal_sentence (void);
/* Whether ANSWER is that sentence, whatever its case and punctuation. */
gboolean rag_is_refusal (const char *answer);
/* Whether ANSWER, still growing, may yet turn out to be that sentence. */
gboolean rag_may_become_refusal (const char *answer);

/* ---- cite.c ---- */

typedef struct
{
  GPtrArray *sentences; /* RagSentence* */
  GPtrArray *citations; /* RagCitation* */
  guint n_supported;
  int source; /* number in RagEvidence.spans of what proves most; −1: nothing does */
} RagCited;
void rag_cite (const RagQuestion *question, const RagEvidence *evidence, const char *answer,
               RagCited *ret_cited);
void rag_cited_clear (RagCited *cited);
/* Asked about 2022, a sentence about 2023 is no proof, however well all else fits, unless its
 * passage or heading speaks of 2022 too. */
gboolean rag_is_of_another_year (const RagQuestion *question, const RagEvidence *evidence,
                                 const RagSpan *span);
void rag_sentence_free (RagSentence *sentence);
/* Cites QUOTE, which stands in HIT. Its number is the caller's to give. */
RagCitation *rag_citation_new (const RagHit *hit, const char *quote);
/* Adds CITATION, which it takes, to CITATIONS under the next number, or finds it there; the number. */
guint rag_citations_add (GPtrArray *citations, RagCitation *citation);
RagCitation *rag_citation_copy (const RagCitation *citation);
void rag_citation_free (RagCitation *citation);

/* ---- verdict.c ---- */

typedef enum
{
  RAG_VERDICT_NONE,
  RAG_VERDICT_YES,
  RAG_VERDICT_NO,
} RagVerdict;
/* With what the sentence TEXT (WORDS as from rag_words) begins. */
RagVerdict rag_first_verdict (const char *text, const GArray *words);
/* The same when it says nothing more but the question's own words. */
RagVerdict rag_bare_verdict (const RagQuestion *question, const char *text, const GArray *words);
/* The sentence (EVIDENCE's) that proves VERDICT, or NULL. */
const RagSpan *rag_verdict_source (const RagQuestion *question, const RagEvidence *evidence,
                                   RagVerdict verdict);

/* ---- echo.c ---- */

/* Whether the sentence TEXT (WORDS as from rag_words) says nothing but QUESTION's own words, where
 * these cannot be the answer: neither yes or no nor a choice is asked for. */
gboolean rag_is_echo (const RagQuestion *question, const char *text, const GArray *words);

/* ---- quote.c ---- */

/* What a question asks for. */
typedef enum
{
  RAG_KIND_ANY,
  RAG_KIND_NUMBER,
  RAG_KIND_DATE, /* a number that says when */
  RAG_KIND_NAME,
} RagKind;
RagKind rag_kind_asked (const RagQuestion *question);
/* Whether SPAN has a word of KIND that is not the question's own. German capitalises every noun, so
 * any of its capitals may be a name. */
gboolean rag_has_kind (const RagQuestion *question, const RagEvidence *evidence,
                       const RagSpan *span, RagKind kind);
/* The sentence of EVIDENCE that may answer QUESTION by itself, or NULL. */
const RagSpan *rag_quotable (const RagQuestion *question, const RagEvidence *evidence);
/* The passage's words around the sentence that is nearest to QUESTION and has what is asked for, as
 * one sentence that answers, and the probability that it does; both untouched when there is none.
 * SAID: what the model said, in vain, or NULL. */
void rag_quote (const RagQuestion *question, const RagEvidence *evidence, const char *said,
                RagCited *ret_cited, double *ret_confidence);

/* ---- dating.c ---- */

typedef struct
{
  char *date, *version; /* as in RagConflictValue */
} RagDating;
/* By the file name, else the title. */
void rag_dating_of (const char *path, const char *title, RagDating *ret_dating);
void rag_dating_clear (RagDating *dating);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RagDating, rag_dating_clear)
/* < 0: A is older than B; by version where both have one. What has no date is older. */
int rag_dating_compare (const char *date_a, const char *version_a, const char *date_b,
                        const char *version_b);

/* ---- conflicts.c ---- */

/* What other documents say against the sentences of EVIDENCE that CITATIONS quote, where ANSWER says
 * it too; CITATIONS and ANSWER NULL: against the sentence that may answer by itself. Elements:
 * RagConflict*, dated by names and titles alone. */
GPtrArray *rag_find_conflicts (const RagQuestion *question, const RagEvidence *evidence,
                               const GPtrArray *citations, const char *answer);
/* Dates also by what documents say of themselves, and puts the newer first. */
gboolean rag_date_conflicts (Rag *rag, const GPtrArray *conflicts, GError **error);
void rag_conflict_free (RagConflict *conflict);

/* ---- exhaustive.c ---- */

/* Looks at every document for OBJECT: a sentence that counts them, one for each with its pages. */
gboolean rag_find_mentions (Rag *rag, const char *object, const char *collection,
                            GCancellable *cancellable, RagCited *ret_cited, guint *ret_n_documents,
                            GError **error);
/* One paragraph: how many documents, how many pages, their names. */
char *rag_describe_library (Rag *rag, const char *collection, GError **error);

/* ---- signals.c ---- */

/* What tells whether an answer can be right. */
typedef struct
{
  /* Before the model. */
  double cosine;   /* best of the passages found, as usual without vectors */
  double coverage; /* best share of the question's weight in one passage */
  double sentence_cosine; /* best of the sentences that say most of the question's words */
  /* After it. */
  double mean_logprob; /* of the answer's tokens */
  /* How the answer fits its source, the sentence that proves most of it. */
  double source_cosine; /* of the question and the source, as usual without vectors */
  double agreement;     /* the source's score as evidence, the best sentence being 1 */
  double names_missing; /* numbers and names of the question that the source's passage lacks */
  double echo;          /* share of the answer's words that the question has */
} RagSignals;

/* What tells whether an excerpt answers by itself. */
typedef struct
{
  gboolean to_the_point; /* its best sentence has most of the question's words, and the most telling */
  double coverage; /* of the question's weight in that sentence */
  double cosine;   /* of the question and that sentence in its context, as usual without vectors */
  double said;     /* share of the words that the model said */
  double names_missing; /* numbers and names of the question that its passage lacks */
} RagQuoteSignals;

/* Numbers and names of QUESTION that FORMS lacks. */
guint rag_count_names_missing (const RagQuestion *question, GHashTable *forms);
/* What an answerable question usually has, where there are no vectors. */
extern const double rag_usual_cosine;
/* Cosines of QUESTION with N TEXTS on the scale that encoders share; as usual without vectors. */
gboolean rag_cosines (Rag *rag, const RagQuestion *question, const char *const *texts, gsize n,
                      double *ret_cosines, GError **error);
/* Fills the signals before the model and clears the others. */
gboolean rag_signals_before (Rag *rag, const RagQuestion *question, const RagEvidence *evidence,
                             RagSignals *ret_signals, GError **error);
/* Fills those that compare the answer with its source. */
gboolean rag_signals_of_source (Rag *rag, const RagQuestion *question, const RagEvidence *evidence,
                                const RagCited *cited, const char *answer, RagSignals *signals,
                                GError **error);

/* ---- refuse.c ---- */

/* Probability that the library answers the question, from the signals before the model. */
double rag_answerable (const RagSignals *signals);
/* Probability that the answer given is right. */
double rag_confidence (const RagSignals *signals);
/* The same of an excerpt that answers by itself. */
double rag_quote_confidence (const RagQuoteSignals *signals);
extern const double rag_answerable_threshold;
/* The refusal for people: what was searched, what is closest. HITS: RagHit*, may be empty. */
char *rag_refusal_text (const RagCoverage *coverage, const GPtrArray *hits);

/* ---- calibration.c ---- */

typedef struct
{
  double confidence;
  gboolean right;
} RagJudged;
/* For the generator and encoder in use; as refuse.c estimates where nothing was learned. */
void rag_calibration_load (Rag *rag);
gboolean rag_calibration_save (Rag *rag, const RagCalibrationLine *line, GError **error);
double rag_calibrated (const RagCalibrationLine *line, double confidence);
/* Sets the slope and intercept that N answers speak for. */
void rag_calibration_fit (const RagJudged *judged, gsize n, RagCalibrationLine *line);
/* The lowest confidence from which on at most MAX_WRONG of the answers are expected to be wrong. */
double rag_calibration_threshold (const RagJudged *judged, gsize n, double max_wrong);

/* ---- followup.c ---- */

/* QUESTION made whole with what PREVIOUS (itself whole, or NULL) was about; a copy when it needs
 * nothing. */
char *rag_follow_up (const char *question, const char *previous);

/* "What is the notice period of a nurse" filled in with REST, "of a doctor", which takes the place of
 * its like; both without a question mark at the end. */
char *rag_fill_in (const char *question, const char *rest);

/* ---- parts.c ---- */

/* The questions that TEXT asks, in their order, at least one; ret_compares: it compares two things,
 * of each of which the same is asked. A later part may need the one before it: rag_follow_up.
 * Elements: char*. */
GPtrArray *rag_parts (const char *text, gboolean *ret_compares);
/* Whether what ANSWER quotes is about every one of PARTS. */
gboolean rag_proves_all (const RagAnswer *answer, const GPtrArray *parts);
void rag_part_free (RagPart *part);
/* One answer to QUESTION of the ANSWERS (RagAnswer*, one or more) to its parts, which are used up. */
RagAnswer *rag_answers_join (Rag *rag, const char *question, GPtrArray *answers);

/* ---- generate.c: the model's part ---- */

typedef struct
{
  char *text;       /* what the model said, markers included */
  gboolean stopped; /* by the user */
  gboolean cut;     /* by the token limit */
  double prefill_ms, first_token_ms;
  guint prompt_tokens, reused_tokens, drafted_tokens, generated_tokens;
  double mean_logprob; /* of the answer's tokens, natural logarithm */
} RagGeneration;
void rag_generation_clear (RagGeneration *generation);
/* How many positions a session of CHAT's options needs. */
EngineSession *rag_session_new (Rag *rag, const RagAskOptions *options, GError **error);
/* Tokens of evidence that are read within the time a person waits gladly, or the budget that OPTIONS
 * give, of which ELAPSED_MS are over. */
guint rag_evidence_budget (const Rag *rag, const EngineSession *session,
                           const RagAskOptions *options, const char *question,
                           double elapsed_ms);
gboolean rag_generate (Rag *rag, EngineSession *session, const RagPrompt *prompt,
                       const RagAskOptions *options, const RagAskEvents *events,
                       RagGeneration *ret_generation, GError **error);

/* ---- direct.c ---- */

/* Answers what is no question about a fact; ret_done is FALSE, and only ANSWER's intent is set, when
 * TEXT is one. */
gboolean rag_answer_directly (Rag *rag, const char *text, const RagAskOptions *options,
                              GCancellable *cancellable, RagAnswer *answer, gboolean *ret_done,
                              GError **error);

/* ---- ask.c ---- */

RagAnswer *rag_answer_new (Rag *rag, const char *question);
/* Moves CITED's sentences and citations to ANSWER, in place of its own. */
void rag_take_cited (RagAnswer *answer, RagCited *cited);
char *rag_join_supported (const GPtrArray *sentences, const char *separator);

/* Passages looked at for evidence; beyond them the answer is hardly ever found. */
#define RAG_MAX_PASSAGES 24

/* The signals of the last answer of CHAT, for the evaluation. */
const RagSignals *rag_chat_signals (const RagChat *chat);
/* Answers QUESTION from HITS (IndexHit*) instead of a search: the oracle of the evaluation. */
RagAnswer *rag_chat_ask_from (RagChat *chat, const char *question, const GPtrArray *hits,
                              const RagAskEvents *events, GError **error);

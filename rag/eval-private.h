/* What the two evaluations share: figures, and a library that lives as long as the evaluation. */
#pragma once

#include "rag/answer-private.h"

/* ---- metrics.c ---- */

/* RELEVANCE: [n] of the documents found, best first (0: not relevant); IDEAL: [n_ideal] of all
 * relevant documents. Järvelin and Kekäläinen's nDCG with linear gain, as trec_eval has it. */
double rag_ndcg (const double *relevance, gsize n, const double *ideal, gsize n_ideal, gsize k);
double rag_recall (const double *relevance, gsize n, gsize n_relevant, gsize k);
double rag_reciprocal_rank (const double *relevance, gsize n, gsize k);
/* Of the sorted VALUES, by nearest rank; 0 when there are none. SHARE: 0 … 1. */
double rag_percentile (const double *values, gsize n, double share);

/* SQuAD's official normalisation: lower case, no punctuation, no articles, single spaces. */
char *rag_squad_normalise (const char *text);
/* Best over EXPECTED (char*): token F1, equality, occurrence of an expected phrase. */
double rag_squad_f1 (const char *answer, const GPtrArray *expected);
gboolean rag_squad_exact (const char *answer, const GPtrArray *expected);
gboolean rag_squad_contains (const char *answer, const GPtrArray *expected);
/* Whether PHRASE occurs. */
gboolean rag_squad_has (const char *answer, const char *phrase);

/* ---- eval-library.c ---- */

typedef struct
{
  Rag *rag;
  char *dir;
} RagTempLibrary;
/* Owner-only, under the system's temporary folder; removed by _clear. */
gboolean rag_temp_library_open (const RagOptions *options, RagTempLibrary *ret_library,
                                GError **error);
/* PATH: absolute, but nothing need be there. */
gboolean rag_temp_library_add (RagTempLibrary *library, const char *path, const char *title,
                               const char *text, GCancellable *cancellable, GError **error);
void rag_temp_library_clear (RagTempLibrary *library);

/* ---- eval-squad.c: questions in SQuAD 2.0's format ---- */

typedef struct
{
  char *text;
  gboolean answerable; /* from the paragraphs that are there */
  GPtrArray *expected; /* char* */
  char *paragraph;     /* its document's path */
} RagSquadQuestion;

/* Which questions have no answer. */
typedef enum
{
  RAG_SQUAD_ADVERSARIAL, /* the format's own: the paragraph is there, the answer is not */
  RAG_SQUAD_ABSENT,      /* those of each second article, which is left out */
} RagSquadKind;

typedef struct
{
  RagSquadKind without;
  GPtrArray *paragraphs; /* char*[3]: path, title, text */
  GPtrArray *questions;  /* RagSquadQuestion* */
} RagSquad;
/* Of N_FOLDS groups of articles, only those in FOLD are asked about; N_FOLDS 0: all. */
gboolean rag_squad_read (const char *file, RagSquadKind without, guint fold, guint n_folds,
                         RagSquad *ret_squad, GError **error);
void rag_squad_clear (RagSquad *squad);
/* LIMIT questions (0: all), half of them answerable while there are enough; borrowed from SQUAD. */
GPtrArray *rag_squad_sample (const RagSquad *squad, guint limit, guint64 seed);
/* Fisher and Yates's. */
void rag_shuffle (GPtrArray *array, GRand *random);

/* ---- eval-answers.c ---- */

/* Searches for TEXT and answers it as a question for itself, as if document WITHOUT (−1: none) were not
 * there. */
RagAnswer *rag_ask_without (RagChat *chat, Rag *rag, const char *text, gint64 without,
                            const RagAskEvents *events, GError **error);

typedef struct
{
  const char *question;
  gboolean answerable;
  const GPtrArray *expected; /* char* */
  const RagAnswer *answer;
  const RagSignals *signals;
} RagAnswerTrace;
typedef void (*RagAnswerTraceFunc) (const RagAnswerTrace *trace, gpointer user_data);

typedef struct
{
  gboolean oracle, absent;
  guint limit;
  guint64 seed;
  guint fold, n_folds; /* see rag_squad_read */
  RagAskOptions ask;
  RagAnswerTraceFunc trace;
  gpointer trace_data;
} RagAnswerEvaluation;

/* As rag_eval_answers, with every answer shown to the trace. */
gboolean rag_evaluate_answers (const RagOptions *options, const char *file,
                               const RagAnswerEvaluation *evaluation, RagProgressFunc progress,
                               gpointer user_data, GCancellable *cancellable,
                               RagAnswerScore *ret_score, GError **error);

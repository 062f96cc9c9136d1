/* Measures answers and refusals on questions whose answers are known.
 *
 * In come questions in SQuAD 2.0's format (eval-squad.c), out come F1, how often an expected phrase
 * is in the answer, and how well it refuses what cannot be answered. Every paragraph is a document
 * of a temporary library; the oracle searches only in the paragraph that the question was written
 * for. */
#include "rag/eval-private.h"

#include <string.h>

/* ---- Asking ---- */

typedef struct
{
  RagAnswerScore score;
  guint n_answered_answerable, n_refused, n_refused_rightly, n_unanswerable, n_wrong, n_contains;
  GArray *first_token_ms; /* double */
} Tally;

static void count_answer (Tally *tally, const RagSquadQuestion *question, const RagAnswer *answer)
{
  gboolean refused = answer->status == RAG_REFUSED;
  gboolean contains = !refused && rag_squad_contains (answer->answer, question->expected);
  double first_ms = answer->first_token_ms > 0 ? answer->first_token_ms : answer->total_ms;
  g_array_append_val (tally->first_token_ms, first_ms);
  tally->score.questions++;
  tally->score.answerable += question->answerable;
  tally->n_unanswerable += !question->answerable;
  tally->n_refused += refused;
  tally->n_refused_rightly += refused && !question->answerable;
  tally->n_answered_answerable += !refused && question->answerable;
  tally->n_contains += contains && question->answerable;
  tally->n_wrong += !refused && !(question->answerable && contains);
  /* SQuAD 2.0 scores a refusal like an empty answer: right when there is no answer. */
  if (question->answerable && !refused)
    {
      tally->score.f1 += rag_squad_f1 (answer->answer, question->expected);
      tally->score.em += rag_squad_exact (answer->answer, question->expected);
    }
  else if (!question->answerable && refused)
    {
      tally->score.f1 += 1;
      tally->score.em += 1;
    }
}

static double share (guint part, guint whole)
{
  return whole > 0 ? (double)part / whole : 0;
}

static RagAnswerScore finish_tally (const Tally *tally)
{
  RagAnswerScore score = tally->score;
  const double *times = (const double *)tally->first_token_ms->data;
  g_array_sort (tally->first_token_ms, rag_compare_doubles);
  score.f1 /= MAX (1, score.questions);
  score.em /= MAX (1, score.questions);
  score.contains = share (tally->n_contains, tally->n_answered_answerable);
  score.refusal_precision = share (tally->n_refused_rightly, tally->n_refused);
  score.refusal_recall = share (tally->n_refused_rightly, tally->n_unanswerable);
  score.wrong_answer_rate = share (tally->n_wrong, score.questions);
  score.first_token_ms_p50 = rag_percentile (times, tally->first_token_ms->len, 0.5);
  score.first_token_ms_p95 = rag_percentile (times, tally->first_token_ms->len, 0.95);
  return score;
}

static RagAnswer *ask_oracle (RagChat *chat, Rag *rag, const RagSquadQuestion *question,
                              const RagAskEvents *events, GError **error)
{
  GError *inner = NULL;
  RagRetrieval retrieval;
  g_autoptr (IndexDocument) document
      = index_find_document (rag->index, question->paragraph, &inner);
  if (inner != NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  if (document == NULL
      || !rag_retrieve (rag, question->text, RAG_SEARCH_HYBRID, 8, NULL, document->id, &retrieval,
                        error))
    return NULL;
  RagAnswer *answer = rag_chat_ask_from (chat, question->text, retrieval.hits, events, error);
  rag_retrieval_clear (&retrieval);
  return answer;
}

static void leave_out (GPtrArray *hits, gint64 document)
{
  for (guint i = hits->len; i-- > 0;)
    if (((const IndexHit *)g_ptr_array_index (hits, i))->document_id == document)
      g_ptr_array_remove_index (hits, i);
}

RagAnswer *rag_ask_without (RagChat *chat, Rag *rag, const char *text, gint64 without,
                            const RagAskEvents *events, GError **error)
{
  RagRetrieval retrieval;
  if (!rag_retrieve (rag, text, RAG_SEARCH_HYBRID, RAG_MAX_PASSAGES, NULL, -1, &retrieval, error))
    return NULL;
  leave_out (retrieval.hits, without);
  RagAnswer *answer = rag_chat_ask_from (chat, text, retrieval.hits, events, error);
  rag_retrieval_clear (&retrieval);
  return answer;
}

static gboolean ask_all (Rag *rag, const GPtrArray *questions,
                         const RagAnswerEvaluation *evaluation, RagProgressFunc progress,
                         gpointer user_data, GCancellable *cancellable, Tally *tally,
                         GError **error)
{
  const RagAskEvents events = { .cancellable = cancellable };
  g_autoptr (RagChat) chat = rag_chat_new (rag, &evaluation->ask, error);
  for (guint i = 0; chat != NULL && i < questions->len; i++)
    {
      const RagSquadQuestion *question = g_ptr_array_index (questions, i);
      GError *inner = NULL;
      if (progress != NULL)
        progress ("asking", i, questions->len, user_data);
      g_autoptr (RagAnswer) answer
          = evaluation->oracle ? ask_oracle (chat, rag, question, &events, error)
                               : rag_ask_without (chat, rag, question->text, -1, &events, error);
      if (g_cancellable_set_error_if_cancelled (cancellable, &inner))
        {
          g_clear_error (error);
          return rag_translate_error (error, inner);
        }
      if (answer == NULL)
        return FALSE;
      count_answer (tally, question, answer);
      const RagAnswerTrace trace = { question->text, question->answerable, question->expected,
                                     answer, rag_chat_signals (chat) };
      if (evaluation->trace != NULL)
        evaluation->trace (&trace, evaluation->trace_data);
    }
  return chat != NULL;
}

static gboolean fill_library (RagTempLibrary *library, const RagSquad *squad,
                              RagProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < squad->paragraphs->len; i++)
    {
      char **row = g_ptr_array_index (squad->paragraphs, i);
      if (progress != NULL)
        progress ("indexing", i, squad->paragraphs->len, user_data);
      if (!rag_temp_library_add (library, row[0], row[1], row[2], cancellable, error))
        return FALSE;
    }
  if (!index_flush (library->rag->index, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

gboolean rag_evaluate_answers (const RagOptions *options, const char *file,
                               const RagAnswerEvaluation *evaluation, RagProgressFunc progress,
                               gpointer user_data, GCancellable *cancellable,
                               RagAnswerScore *ret_score, GError **error)
{
  RagSquad squad = { 0 };
  RagTempLibrary library = { 0 };
  RagSquadKind without = evaluation->absent ? RAG_SQUAD_ABSENT : RAG_SQUAD_ADVERSARIAL;
  if (!rag_squad_read (file, without, evaluation->fold, evaluation->n_folds, &squad, error))
    return FALSE;
  if (!rag_temp_library_open (options, &library, error))
    {
      rag_squad_clear (&squad);
      return FALSE;
    }
  g_autoptr (GPtrArray) questions = rag_squad_sample (&squad, evaluation->limit, evaluation->seed);
  Tally tally = { .first_token_ms = g_array_new (FALSE, FALSE, sizeof (double)) };
  gboolean ok = fill_library (&library, &squad, progress, user_data, cancellable, error)
                && ask_all (library.rag, questions, evaluation, progress, user_data, cancellable,
                            &tally, error);
  if (ok)
    *ret_score = finish_tally (&tally);
  g_array_unref (tally.first_token_ms);
  rag_temp_library_clear (&library);
  rag_squad_clear (&squad);
  return ok;
}

gboolean rag_eval_answers (const RagOptions *options, const char *file,
                           const RagEvalAnswersOptions *eval, RagProgressFunc progress,
                           gpointer user_data, GCancellable *cancellable, RagAnswerScore *ret_score,
                           GError **error)
{
  const RagAnswerEvaluation evaluation = { .oracle = eval->oracle,
                                           .absent = eval->absent,
                                           .limit = eval->limit,
                                           .seed = eval->seed,
                                           .ask = { .min_confidence = eval->min_confidence } };
  return rag_evaluate_answers (options, file, &evaluation, progress, user_data, cancellable,
                               ret_score, error);
}

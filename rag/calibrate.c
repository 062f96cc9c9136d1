/* Learns on the library's own questions how far confidence is to be trusted.
 *
 * In come questions with known answers (quiz.c); each is asked as a user would ask it, with nothing
 * refused for being uncertain, so that it is seen what confidence right and wrong answers have. Out
 * go a correction of the confidence and the confidence below which nothing is said (calibration.c),
 * so that at most the share of wrong answers comes that the user puts up with. */
#include "rag/eval-private.h"
#include "rag/quiz-private.h"

/* Nothing is refused. */
#define ANY_CONFIDENCE 1e-9

static void judge (const RagQuizQuestion *question, const RagAnswer *answer, GArray *judged,
                   RagCalibration *calibration)
{
  const gboolean has = rag_squad_has (answer->answer, question->phrase);
  /* Another document says it too: then it was no question without an answer. */
  if (!question->answerable && question->without_document >= 0 && has)
    return;
  calibration->questions++;
  calibration->unanswerable += !question->answerable;
  if (answer->status == RAG_REFUSED)
    return;
  const RagJudged one = { answer->confidence, has && question->answerable };
  g_array_append_val (judged, one);
}

static gboolean ask_all (Rag *rag, RagChat *chat, const GPtrArray *questions,
                         const RagCalibrateOptions *options, GArray *judged,
                         RagCalibration *calibration, GError **error)
{
  const RagAskEvents events = { .cancellable = options->cancellable };
  for (guint i = 0; i < questions->len; i++)
    {
      const RagQuizQuestion *question = questions->pdata[i];
      GError *inner = NULL;
      if (options->progress != NULL)
        options->progress ("asking", i, questions->len, options->user_data);
      g_autoptr (RagAnswer) answer
          = rag_ask_without (chat, rag, question->text, question->without_document, &events, error);
      if (answer == NULL)
        return FALSE;
      if (g_cancellable_set_error_if_cancelled (options->cancellable, &inner))
        return rag_translate_error (error, inner);
      judge (question, answer, judged, calibration);
    }
  return TRUE;
}

/* ---- What came of it ---- */

static void count (const RagJudged *judged, gsize n, double threshold, guint *ret_right,
                   guint *ret_wrong)
{
  *ret_right = *ret_wrong = 0;
  for (gsize i = 0; i < n; i++)
    if (judged[i].confidence >= threshold)
      {
        *ret_right += judged[i].right;
        *ret_wrong += !judged[i].right;
      }
}

static void fill_bins (const RagJudged *judged, gsize n, RagCalibration *calibration)
{
  for (gsize i = 0; i < n; i++)
    {
      RagReliability *bin
          = &calibration->bins[MIN ((guint)(judged[i].confidence * RAG_N_BINS), RAG_N_BINS - 1)];
      bin->confidence = (bin->confidence * bin->n + judged[i].confidence) / (bin->n + 1);
      bin->right = (bin->right * bin->n + judged[i].right) / (bin->n + 1);
      bin->n++;
    }
}

/* The confidences of JUDGED become corrected ones. */
static void fit (GArray *array, double max_wrong, RagCalibrationLine *line,
                 RagCalibration *calibration)
{
  RagJudged *judged = (RagJudged *)(gpointer)array->data;
  rag_calibration_fit (judged, array->len, line);
  for (guint i = 0; i < array->len; i++)
    judged[i].confidence = rag_calibrated (line, judged[i].confidence);
  line->threshold
      = rag_calibration_threshold (judged, array->len, max_wrong * calibration->questions);
  calibration->threshold = line->threshold;
  count (judged, array->len, line->threshold, &calibration->right, &calibration->wrong);
  fill_bins (judged, array->len, calibration);
}

/* Fewer tell nothing. */
#define MIN_QUESTIONS 20

static gboolean check_quiz (const GPtrArray *questions, GError **error)
{
  if (questions->len >= MIN_QUESTIONS)
    return TRUE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED,
               "Only %u questions could be made of the library, %d are needed: add more documents "
               "or use a larger model",
               questions->len, MIN_QUESTIONS);
  return FALSE;
}

/* Makes and asks the questions. What was learned before is lifted meanwhile, not built upon. */
static gboolean observe (Rag *rag, const RagCalibrateOptions *options, GArray *judged,
                         RagCalibration *calibration, GError **error)
{
  const RagAskOptions ask_options = { .min_confidence = ANY_CONFIDENCE };
  const RagCalibrationLine before = rag->calibration;
  g_autoptr (RagChat) chat = rag_chat_new (rag, &ask_options, error);
  rag->calibration.slope = 1;
  rag->calibration.intercept = 0;
  g_autoptr (GPtrArray) questions = rag_quiz (rag, chat, options, error);
  gboolean ok = questions != NULL && check_quiz (questions, error)
                && ask_all (rag, chat, questions, options, judged, calibration, error);
  rag->calibration = before;
  return ok;
}

gboolean rag_calibrate (Rag *rag, const RagCalibrateOptions *options,
                        RagCalibration *ret_calibration, GError **error)
{
  RagCalibration calibration = { 0 };
  RagCalibrationLine line;
  g_autoptr (GArray) judged = g_array_new (FALSE, FALSE, sizeof (RagJudged));
  if (rag->restricted)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED,
                   "A role cannot calibrate the library for everybody: leave --as out");
      return FALSE;
    }
  if (!rag_need_generator (rag, error) || !observe (rag, options, judged, &calibration, error))
    return FALSE;
  fit (judged, options->max_wrong, &line, &calibration);
  *ret_calibration = calibration;
  return rag_calibration_save (rag, &line, error);
}

/* Measures answers and refusals on questions whose answers are known.
 *
 * In comes a file in SQuAD 2.0's format, out come F1, how often an expected phrase is in the
 * answer, and how well it refuses what cannot be answered. Every paragraph is a document of a
 * temporary library; the oracle searches only in the paragraph that the question was written for. A
 * limited run draws as many answerable as unanswerable questions, always the same for the same
 * seed. */
#include "rag/eval-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct
{
  char *text;
  gboolean answerable;
  GPtrArray *expected; /* char* */
  char *paragraph;     /* its document's path */
  guint article;
} Question;

typedef struct
{
  GPtrArray *paragraphs; /* char*[3]: path, title, text */
  GPtrArray *questions;  /* Question* */
} Collection;

static void question_free (gpointer data)
{
  Question *question = data;
  g_free (question->text);
  g_free (question->paragraph);
  g_ptr_array_unref (question->expected);
  g_free (question);
}

static void collection_clear (Collection *collection)
{
  g_clear_pointer (&collection->paragraphs, g_ptr_array_unref);
  g_clear_pointer (&collection->questions, g_ptr_array_unref);
}

/* ---- Reading ---- */

/* Members and elements of another kind than the format's count as absent. */
static JsonArray *list_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static guint list_length (JsonArray *list)
{
  return list != NULL ? json_array_get_length (list) : 0;
}

static JsonObject *object_element (JsonArray *list, guint i)
{
  JsonNode *node = json_array_get_element (list, i);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *text_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  gboolean is_text = node != NULL && json_node_get_value_type (node) == G_TYPE_STRING;
  return is_text ? json_node_get_string (node) : "";
}

static gboolean is_true_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

static void read_question (Collection *collection, JsonObject *object, const char *paragraph,
                           guint article)
{
  Question *question = g_new0 (Question, 1);
  question->text = g_strdup (text_member (object, "question"));
  question->answerable = !is_true_member (object, "is_impossible");
  question->paragraph = g_strdup (paragraph);
  question->article = article;
  question->expected = g_ptr_array_new_with_free_func (g_free);
  JsonArray *answers = list_member (object, "answers");
  for (guint i = 0; i < list_length (answers); i++)
    g_ptr_array_add (question->expected,
                     g_strdup (text_member (object_element (answers, i), "text")));
  g_ptr_array_add (collection->questions, question);
}

static void read_article (Collection *collection, JsonObject *object, guint article, guint fold,
                          guint n_folds)
{
  g_autofree char *title = g_strdup (text_member (object, "title"));
  JsonArray *paragraphs = list_member (object, "paragraphs");
  g_strdelimit (title, "_", ' ');
  for (guint i = 0; i < list_length (paragraphs); i++)
    {
      JsonObject *paragraph = object_element (paragraphs, i);
      JsonArray *questions = list_member (paragraph, "qas");
      g_autofree char *path = g_strdup_printf ("/%s/%u", title, i + 1);
      gboolean asked = n_folds == 0 || article % n_folds == fold;
      if (n_folds == 0 || !asked)
        {
          char **row = g_new0 (char *, 4);
          row[0] = g_strdup (path);
          row[1] = g_strdup (title);
          row[2] = g_strdup (text_member (paragraph, "context"));
          g_ptr_array_add (collection->paragraphs, row);
        }
      for (guint k = 0; asked && k < list_length (questions); k++)
        read_question (collection, object_element (questions, k), path, article);
    }
}

static gboolean read_collection (const char *file, guint fold, guint n_folds,
                                 Collection *ret_collection, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  GError *inner = NULL;
  if (!json_parser_load_from_file (parser, file, &inner))
    return rag_translate_error (error, inner);
  JsonNode *root = json_parser_get_root (parser);
  gboolean is_object = root != NULL && JSON_NODE_HOLDS_OBJECT (root);
  JsonArray *articles = is_object ? list_member (json_node_get_object (root), "data") : NULL;
  if (articles == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "%s is not in SQuAD's format: it has no list “data”", file);
      return FALSE;
    }
  Collection collection = { g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev),
                            g_ptr_array_new_with_free_func (question_free) };
  for (guint i = 0; i < json_array_get_length (articles); i++)
    read_article (&collection, object_element (articles, i), i, fold, n_folds);
  *ret_collection = collection;
  return TRUE;
}

/* ---- Sampling ---- */

static void shuffle (GPtrArray *array, GRand *random)
{
  for (guint i = array->len; i > 1; i--)
    {
      guint k = (guint)g_rand_int_range (random, 0, (gint32)i);
      gpointer held = array->pdata[k];
      array->pdata[k] = array->pdata[i - 1];
      array->pdata[i - 1] = held;
    }
}

/* LIMIT questions, half of them answerable while there are enough. Borrowed from COLLECTION. */
static GPtrArray *sample (const Collection *collection, guint limit, guint64 seed)
{
  const guint32 seeds[] = { (guint32)seed, (guint32)(seed >> 32) };
  g_autoptr (GRand) random = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
  g_autoptr (GPtrArray) answerable = g_ptr_array_new ();
  g_autoptr (GPtrArray) unanswerable = g_ptr_array_new ();
  GPtrArray *drawn = g_ptr_array_new ();
  for (guint i = 0; i < collection->questions->len; i++)
    {
      Question *question = g_ptr_array_index (collection->questions, i);
      GPtrArray *kind = question->answerable ? answerable : unanswerable;
      g_ptr_array_add (limit > 0 ? kind : drawn, question);
    }
  shuffle (answerable, random);
  shuffle (unanswerable, random);
  for (guint i = 0; drawn->len < limit && (i < unanswerable->len || i < answerable->len); i++)
    {
      if (i < answerable->len)
        g_ptr_array_add (drawn, g_ptr_array_index (answerable, i));
      if (i < unanswerable->len && drawn->len < limit)
        g_ptr_array_add (drawn, g_ptr_array_index (unanswerable, i));
    }
  return drawn;
}

/* ---- Asking ---- */

typedef struct
{
  RagAnswerScore score;
  guint n_answered_answerable, n_refused, n_refused_rightly, n_unanswerable, n_wrong, n_contains;
  GArray *first_token_ms; /* double */
} Tally;

static void count_answer (Tally *tally, const Question *question, const RagAnswer *answer)
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

static gint compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double share (guint part, guint whole)
{
  return whole > 0 ? (double)part / whole : 0;
}

static RagAnswerScore finish_tally (const Tally *tally)
{
  RagAnswerScore score = tally->score;
  const double *times = (const double *)tally->first_token_ms->data;
  g_array_sort (tally->first_token_ms, compare_doubles);
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

static RagAnswer *ask_oracle (RagChat *chat, Rag *rag, const Question *question,
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

static RagAnswer *ask_retrieved (RagChat *chat, Rag *rag, const Question *question,
                                 const RagAskEvents *events, GError **error)
{
  RagRetrieval retrieval;
  if (!rag_retrieve (rag, question->text, RAG_SEARCH_HYBRID, RAG_MAX_PASSAGES, NULL, -1, &retrieval,
                     error))
    return NULL;
  RagAnswer *answer = rag_chat_ask_from (chat, question->text, retrieval.hits, events, error);
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
      const Question *question = g_ptr_array_index (questions, i);
      GError *inner = NULL;
      if (progress != NULL)
        progress ("asking", i, questions->len, user_data);
      g_autoptr (RagAnswer) answer
          = (evaluation->oracle ? ask_oracle : ask_retrieved) (chat, rag, question, &events, error);
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

static gboolean fill_library (RagTempLibrary *library, const Collection *collection,
                              RagProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < collection->paragraphs->len; i++)
    {
      char **row = g_ptr_array_index (collection->paragraphs, i);
      if (progress != NULL)
        progress ("indexing", i, collection->paragraphs->len, user_data);
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
  Collection collection = { 0 };
  RagTempLibrary library = { 0 };
  if (!read_collection (file, evaluation->fold, evaluation->n_folds, &collection, error))
    return FALSE;
  if (!rag_temp_library_open (options, &library, error))
    {
      collection_clear (&collection);
      return FALSE;
    }
  g_autoptr (GPtrArray) questions = sample (&collection, evaluation->limit, evaluation->seed);
  Tally tally = { .first_token_ms = g_array_new (FALSE, FALSE, sizeof (double)) };
  gboolean ok = fill_library (&library, &collection, progress, user_data, cancellable, error)
                && ask_all (library.rag, questions, evaluation, progress, user_data, cancellable,
                            &tally, error);
  if (ok)
    *ret_score = finish_tally (&tally);
  g_array_unref (tally.first_token_ms);
  rag_temp_library_clear (&library);
  collection_clear (&collection);
  return ok;
}

gboolean rag_eval_answers (const RagOptions *options, const char *file, gboolean oracle,
                           guint limit, guint64 seed, RagProgressFunc progress, gpointer user_data,
                           GCancellable *cancellable, RagAnswerScore *ret_score, GError **error)
{
  const RagAnswerEvaluation evaluation = { .oracle = oracle, .limit = limit, .seed = seed };
  return rag_evaluate_answers (options, file, &evaluation, progress, user_data, cancellable,
                               ret_score, error);
}

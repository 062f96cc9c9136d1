/* Asks again what people have judged, and counts what is right now.
 *
 * In: questions with their right phrase, page, or the remark that there is no answer, one JSON
 * object a line (feedback.c, or a golden set by hand). Out: figures of quality, time and, where the
 * processor tells, energy, so that two models can be compared on the questions that matter. */
#include "rag/eval-private.h"
#include "rag/golden-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* ---- Questions ---- */

void rag_golden_free (RagGolden *golden)
{
  if (golden == NULL)
    return;
  g_free (golden->question);
  g_free (golden->phrase);
  g_free (golden->document);
  g_free (golden);
}

static JsonNode *member (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && json_node_get_value_type (node) == type ? node : NULL;
}

static char *text_of (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name, G_TYPE_STRING);
  return node != NULL ? json_node_dup_string (node) : NULL;
}

RagGolden *rag_golden_parse (const char *line)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;
  if (!json_parser_load_from_data (parser, line, -1, NULL)
      || (root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  JsonObject *object = json_node_get_object (root);
  g_autofree char *question = text_of (object, "question");
  if (question == NULL || !rag_check_question (question, NULL))
    return NULL;
  JsonNode *page = member (object, "page", G_TYPE_INT64);
  JsonNode *none = member (object, "none", G_TYPE_BOOLEAN);
  g_autofree char *verdict = text_of (object, "verdict");
  RagGolden *golden = g_new0 (RagGolden, 1);
  golden->question = g_steal_pointer (&question);
  golden->phrase = text_of (object, "phrase");
  golden->document = text_of (object, "document");
  golden->page = page != NULL ? (guint)CLAMP (json_node_get_int (page), 0, G_MAXINT) : 0;
  golden->good = g_strcmp0 (verdict, "good") == 0;
  /* A golden set says so by leaving phrase and document out. */
  golden->none = none != NULL
                     ? json_node_get_boolean (none)
                     : verdict == NULL && golden->phrase == NULL && golden->document == NULL;
  return golden;
}

gboolean rag_names_document (const char *name, const char *path)
{
  gsize length = strlen (name), total = strlen (path);
  return g_str_has_suffix (path, name) && length > 0
         && (length == total || name[0] == '/' || path[total - length - 1] == '/');
}

static GPtrArray *read_questions (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  GError *inner = NULL;
  GPtrArray *questions = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_golden_free);
  if (!g_file_get_contents (path, &text, NULL, &inner))
    rag_translate_error (error, inner);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      RagGolden *golden = rag_golden_parse (lines[i]);
      if (golden != NULL)
        g_ptr_array_add (questions, golden);
    }
  if (text != NULL && questions->len == 0)
    g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                 "%s has no questions: one JSON object a line, with “question” and “phrase”", path);
  if (questions->len == 0)
    g_clear_pointer (&questions, g_ptr_array_unref);
  return questions;
}

/* ---- Energy ---- */

/* Microjoules that the processor has taken since some time; −1 where it does not say. */
static double energy_uj (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/sys/class/powercap/intel-rapl:0/energy_uj", &text, NULL, NULL))
    return -1;
  return g_ascii_strtod (text, NULL);
}

/* ---- Judging ---- */

static gboolean has_phrase (const RagAnswer *answer, const RagGolden *golden)
{
  g_auto (GStrv) alternatives = g_strsplit (golden->phrase, "|", -1);
  for (char **alternative = alternatives; *alternative != NULL; alternative++)
    if (rag_squad_has (answer->answer, *alternative))
      return TRUE;
  return FALSE;
}

static gboolean is_cited (const RagAnswer *answer, const RagGolden *golden)
{
  for (guint i = 0; i < answer->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (answer->citations, i);
      if (rag_names_document (golden->document, citation->document)
          && (golden->page == 0 || golden->page == citation->page))
        return TRUE;
    }
  return FALSE;
}

static void count (RagReplayScore *score, const RagGolden *golden, const RagAnswer *answer)
{
  gboolean refused = answer->status == RAG_REFUSED;
  score->questions++;
  score->refused += refused;
  if (golden->none)
    {
      score->unanswerable++;
      score->refused_rightly += refused;
      score->wrong += !refused;
      return;
    }
  if (golden->phrase == NULL && golden->document == NULL && !golden->good)
    {
      score->unjudged++;
      return;
    }
  gboolean right
      = !refused && (golden->phrase == NULL || has_phrase (answer, golden))
        && (golden->phrase != NULL || golden->document == NULL || is_cited (answer, golden));
  score->answerable++;
  score->right += right;
  score->wrong += !refused && !right;
  if (golden->document != NULL)
    {
      score->with_page++;
      score->cited += !refused && is_cited (answer, golden);
    }
}

static void finish_times (RagReplayScore *score, GArray *first_ms, double total_ms)
{
  g_array_sort (first_ms, rag_compare_doubles);
  const double *times = (const double *)(gconstpointer)first_ms->data;
  score->first_token_ms_p50 = rag_percentile (times, first_ms->len, 0.5);
  score->first_token_ms_p95 = rag_percentile (times, first_ms->len, 0.95);
  score->ms_per_question = score->questions > 0 ? total_ms / score->questions : 0;
}

gboolean rag_replay (Rag *rag, const char *file, const RagAskOptions *options,
                     RagProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                     RagReplayScore *ret_score, GError **error)
{
  g_autofree char *own = rag_feedback_path (rag);
  g_autoptr (GPtrArray) questions = read_questions (file != NULL ? file : own, error);
  g_autoptr (GArray) first_ms = g_array_new (FALSE, FALSE, sizeof (double));
  const RagAskEvents events = { .cancellable = cancellable };
  RagReplayScore score = { 0 };
  double total_ms = 0, before_uj = energy_uj ();
  for (guint i = 0; questions != NULL && i < questions->len; i++)
    {
      const RagGolden *golden = g_ptr_array_index (questions, i);
      GError *inner = NULL;
      if (progress != NULL)
        progress ("asking", i, questions->len, user_data);
      /* Each question is a conversation of its own; the models stay loaded. */
      g_autoptr (RagAnswer) answer = rag_ask (rag, golden->question, options, &events, error);
      if (g_cancellable_set_error_if_cancelled (cancellable, &inner))
        {
          g_clear_error (error);
          return rag_translate_error (error, inner);
        }
      if (answer == NULL)
        return FALSE;
      double first = answer->first_token_ms > 0 ? answer->first_token_ms : answer->total_ms;
      g_array_append_val (first_ms, first);
      total_ms += answer->total_ms;
      count (&score, golden, answer);
    }
  if (questions == NULL)
    return FALSE;
  finish_times (&score, first_ms, total_ms);
  double after_uj = energy_uj ();
  /* The counter starts anew from time to time. */
  score.joules_per_question = before_uj >= 0 && after_uj >= before_uj
                                  ? (after_uj - before_uj) / 1e6 / score.questions
                                  : NAN;
  *ret_score = score;
  return TRUE;
}

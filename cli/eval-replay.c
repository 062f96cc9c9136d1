/* docent eval replay, docent eval compare: the user's own questions, asked again.
 *
 * In: feedback, or a file of questions with right answers, and for `compare` two models. Out: what
 * is right, wrong and refused, how long it takes and what energy, as a table, JSON or a page in
 * Markdown for whoever decides. The library is only read. */
#include <math.h>
#include <string.h>

#include "cli-private.h"

static char *report_path;
static double sure;

const GOptionEntry cli_eval_replay_options[] = {
  CLI_SURE_OPTION (sure),
  { NULL },
};

const GOptionEntry cli_eval_compare_options[] = {
  CLI_SURE_OPTION (sure),
  { "report", 0, 0, G_OPTION_ARG_FILENAME, &report_path, "also write a page in Markdown", "FILE" },
  { NULL },
};

static void on_progress (const char *step, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_count (user_data, step, done, total);
}

static gboolean replay (const CliOptions *options, const char *file, RagReplayScore *ret_score)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  const RagAskOptions ask = { .collection = options->collection, .min_confidence = sure };
  const gboolean ok = rag != NULL
                      && rag_replay (rag, file, &ask, on_progress, progress,
                                     cli_cancellable ("stopping"), ret_score, &error);
  cli_progress_clear (progress);
  if (!ok)
    cli_fail (error);
  return ok;
}

/* ---- Rows ---- */

typedef struct
{
  const char *key, *title;
  double value; /* NaN: not known */
  int digits;   /* behind the point */
} Row;

static double share (guint part, guint whole)
{
  return whole > 0 ? (double)part / whole : NAN;
}

#define N_ROWS 9

static void rows_of (const RagReplayScore *score, Row rows[N_ROWS])
{
  const Row all[N_ROWS] = {
    { "right", "right, of those that have an answer", share (score->right, score->answerable), 3 },
    { "wrong", "wrong answers, of all", share (score->wrong, score->questions), 3 },
    { "cited", "right page cited", share (score->cited, score->with_page), 3 },
    { "refused", "refused, of all", share (score->refused, score->questions), 3 },
    { "refused_rightly", "refused, of those without an answer",
      share (score->refused_rightly, score->unanswerable), 3 },
    { "first_token_ms_p50", "first word after, half (ms)", score->first_token_ms_p50, 0 },
    { "first_token_ms_p95", "first word after, 95 of 100 (ms)", score->first_token_ms_p95, 0 },
    { "ms_per_question", "a question takes (ms)", score->ms_per_question, 0 },
    { "joules_per_question", "energy of a question (J)", score->joules_per_question, 1 },
  };
  memcpy (rows, all, sizeof all);
}

static char *value_text (const Row *row)
{
  if (isnan (row->value))
    return g_strdup ("not known");
  return g_strdup_printf ("%.*f", row->digits, row->value);
}

static void add_json (JsonBuilder *json, const char *model, const RagReplayScore *score)
{
  Row rows[N_ROWS];
  rows_of (score, rows);
  cli_json_object (json, NULL);
  cli_json_string (json, "model", model);
  cli_json_int (json, "questions", score->questions);
  cli_json_int (json, "answerable", score->answerable);
  cli_json_int (json, "unanswerable", score->unanswerable);
  cli_json_int (json, "unjudged", score->unjudged);
  for (guint i = 0; i < N_ROWS; i++)
    if (isnan (rows[i].value))
      cli_json_string (json, rows[i].key, NULL);
    else
      cli_json_double (json, rows[i].key, rows[i].value);
  json_builder_end_object (json);
}

CliExit cli_eval_replay (const CliOptions *options, int argc, char **argv)
{
  RagReplayScore score;
  Row rows[N_ROWS];
  if (!cli_sure_makes_sense (sure))
    return cli_usage ("eval replay", CLI_SURE_PROBLEM);
  if (!replay (options, argc > 0 ? argv[0] : NULL, &score))
    return CLI_FAILED;
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      add_json (json, options->model, &score);
      cli_json_print (json);
      return CLI_DONE;
    }
  rows_of (&score, rows);
  g_autoptr (CliTable) table = cli_table_new ("<Questions|>");
  g_autofree char *n = cli_format_count (score.questions);
  cli_table_add (table, "asked", n, NULL);
  for (guint i = 0; i < N_ROWS; i++)
    {
      g_autofree char *value = value_text (&rows[i]);
      cli_table_add (table, rows[i].title, value, NULL);
    }
  cli_table_print (table, options);
  return CLI_DONE;
}

/* ---- Two models ---- */

static void print_comparison (const CliOptions *options, char **names, const Row *a, const Row *b)
{
  g_autofree char *first = cli_escape_line (names[0]), *second = cli_escape_line (names[1]);
  g_autofree char *columns = g_strdup_printf ("<|>%s|>%s", g_strdelimit (first, "|", '/'),
                                              g_strdelimit (second, "|", '/'));
  g_autoptr (CliTable) table = cli_table_new (columns);
  for (guint i = 0; i < N_ROWS; i++)
    {
      g_autofree char *x = value_text (&a[i]), *y = value_text (&b[i]);
      cli_table_add (table, a[i].title, x, y, NULL);
    }
  cli_table_print (table, options);
}

static char *report_of (char **names, const RagReplayScore *scores, const Row *a, const Row *b)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");
  GString *page = g_string_new (NULL);
  g_string_append_printf (
      page,
      "# %s or %s\n\n%s: %u questions of our own, asked of both on this machine. "
      "%u of them have an answer in our documents, %u have none, for %u nobody "
      "has said what is right.\n\n| | %s | %s |\n|---|--:|--:|\n",
      names[0], names[1], date, scores[0].questions, scores[0].answerable, scores[0].unanswerable,
      scores[0].unjudged, names[0], names[1]);
  for (guint i = 0; i < N_ROWS; i++)
    {
      g_autofree char *x = value_text (&a[i]), *y = value_text (&b[i]);
      g_string_append_printf (page, "| %s | %s | %s |\n", a[i].title, x, y);
    }
  g_string_append (page,
                   "\nBoth run locally: an answer costs energy and time, and no fee. Energy is "
                   "the processor's own count, where it keeps one.\n");
  return g_string_free (page, FALSE);
}

static void print_comparison_json (char **names, const RagReplayScore *scores)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_array (json, "models");
  for (guint i = 0; i < 2; i++)
    add_json (json, names[i], &scores[i]);
  json_builder_end_array (json);
  json_builder_end_object (json);
  cli_json_print (json);
}

CliExit cli_eval_compare (const CliOptions *options, int argc, char **argv)
{
  RagReplayScore scores[2];
  Row a[N_ROWS], b[N_ROWS];
  if (!cli_sure_makes_sense (sure))
    return cli_usage ("eval compare", CLI_SURE_PROBLEM);
  for (guint i = 0; i < 2; i++)
    {
      CliOptions own = *options;
      own.model = argv[i];
      if (!replay (&own, argc > 2 ? argv[2] : NULL, &scores[i]))
        return CLI_FAILED;
    }
  rows_of (&scores[0], a);
  rows_of (&scores[1], b);
  if (options->json)
    print_comparison_json (argv, scores);
  else
    print_comparison (options, argv, a, b);
  if (report_path == NULL)
    return CLI_DONE;
  g_autoptr (GError) error = NULL;
  g_autofree char *page = report_of (argv, scores, a, b);
  return g_file_set_contents (report_path, page, -1, &error) ? CLI_DONE : cli_fail (error);
}

/* docent eval: how good retrieval and answers are, as numbers.
 *
 * In: a collection in BEIR's layout or questions in SQuAD 2.0's. Out: a table for people or JSON
 * for scripts. Everything runs on a temporary library; the user's own is not touched. */
#include "cli-private.h"

static int retrieval_limit, answers_limit;
static gint64 seed;
static gboolean oracle, absent;
static double sure;

static const GOptionEntry retrieval_options[] = {
  { "limit", 0, 0, G_OPTION_ARG_INT, &retrieval_limit, "only the first N questions (default: all)",
    "N" },
  { NULL },
};

static const GOptionEntry answers_options[] = {
  { "oracle", 0, 0, G_OPTION_ARG_NONE, &oracle,
    "give the model the right paragraph instead of searching", NULL },
  { "absent", 0, 0, G_OPTION_ARG_NONE, &absent,
    "leave each second article out: its questions must be refused", NULL },
  CLI_SURE_OPTION (sure),
  { "limit", 0, 0, G_OPTION_ARG_INT, &answers_limit, "a sample of N questions (default: all)",
    "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "same number, same sample (default: 0)", "N" },
  { NULL },
};

static void on_progress (const char *step, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_count (user_data, step, done, total);
}

/* One JSON object per line and mode. */
static void print_retrieval_json (const RagRetrievalScore *score)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "mode", score->mode);
  cli_json_int (json, "queries", score->queries);
  cli_json_double (json, "ndcg@10", score->ndcg_at_10);
  cli_json_double (json, "recall@100", score->recall_at_100);
  cli_json_double (json, "mrr@10", score->mrr_at_10);
  cli_json_double (json, "ms_per_query", score->ms_per_query);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_retrieval_table (const CliOptions *options, const RagRetrievalScore *scores,
                                   gsize n)
{
  g_autoptr (CliTable) table
      = cli_table_new ("<Mode|>Queries|>nDCG@10|>Recall@100|>MRR@10|>ms a query");
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *queries = cli_format_count (scores[i].queries);
      g_autofree char *ndcg = g_strdup_printf ("%.3f", scores[i].ndcg_at_10);
      g_autofree char *recall = g_strdup_printf ("%.3f", scores[i].recall_at_100);
      g_autofree char *mrr = g_strdup_printf ("%.3f", scores[i].mrr_at_10);
      g_autofree char *ms = g_strdup_printf ("%.1f", scores[i].ms_per_query);
      cli_table_add (table, scores[i].mode, queries, ndcg, recall, mrr, ms, NULL);
    }
  cli_table_print (table, options);
}

static CliExit eval_retrieval (const CliOptions *options, int argc, char **argv)
{
  if (retrieval_limit < 0)
    return cli_usage ("eval retrieval", "--limit takes a number from 1, not %d", retrieval_limit);
  const RagOptions rag_options = cli_rag_options (options);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (GError) error = NULL;
  g_autofree RagRetrievalScore *scores = NULL;
  gsize n_scores = 0;
  const gboolean ok
      = rag_eval_retrieval (&rag_options, argv[0], retrieval_limit, on_progress, progress,
                            cli_cancellable ("stopping"), &scores, &n_scores, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  for (gsize i = 0; options->json && i < n_scores; i++)
    print_retrieval_json (&scores[i]);
  if (!options->json)
    print_retrieval_table (options, scores, n_scores);
  return CLI_DONE;
}

static void print_answers_json (const RagAnswerScore *score)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_int (json, "questions", score->questions);
  cli_json_int (json, "answerable", score->answerable);
  cli_json_double (json, "f1", score->f1);
  cli_json_double (json, "em", score->em);
  cli_json_double (json, "contains", score->contains);
  cli_json_double (json, "refusal_precision", score->refusal_precision);
  cli_json_double (json, "refusal_recall", score->refusal_recall);
  cli_json_double (json, "wrong_answer_rate", score->wrong_answer_rate);
  cli_json_object (json, "first_token_ms");
  cli_json_double (json, "p50", score->first_token_ms_p50);
  cli_json_double (json, "p95", score->first_token_ms_p95);
  json_builder_end_object (json);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_answers_text (const RagAnswerScore *score)
{
  printf ("%u questions, %u of them answerable\n\n", score->questions, score->answerable);
  printf ("  F1                       %.3f\n"
          "  exact match              %.3f\n"
          "  contains the phrase      %.3f   of the answerable questions that were answered\n"
          "  refusals that were right %.3f\n"
          "  unanswerable refused     %.3f\n"
          "  wrong answers            %.3f   of all questions\n"
          "  first word after         %.0f ms (half), %.0f ms (95 of 100)\n",
          score->f1, score->em, score->contains, score->refusal_precision, score->refusal_recall,
          score->wrong_answer_rate, score->first_token_ms_p50, score->first_token_ms_p95);
}

static CliExit eval_answers (const CliOptions *options, int argc, char **argv)
{
  if (answers_limit < 0 || seed < 0)
    return cli_usage ("eval answers", "--limit and --seed take numbers from 0");
  if (!cli_sure_makes_sense (sure))
    return cli_usage ("eval answers", CLI_SURE_PROBLEM);
  if (oracle && absent)
    return cli_usage ("eval answers", "--oracle needs the paragraphs that --absent leaves out");
  const RagOptions rag_options = cli_rag_options (options);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (GError) error = NULL;
  const RagEvalAnswersOptions eval = {
    .oracle = oracle, .absent = absent, .limit = answers_limit, .seed = seed, .min_confidence = sure
  };
  RagAnswerScore score;
  const gboolean ok = rag_eval_answers (&rag_options, argv[0], &eval, on_progress, progress,
                                        cli_cancellable ("stopping"), &score, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  if (options->json)
    print_answers_json (&score);
  else
    print_answers_text (&score);
  return CLI_DONE;
}

const CliCommand cli_eval_commands[] = {
  { "retrieval", "DIR", "nDCG, recall and speed on a collection in BEIR's layout", 1, 1,
    retrieval_options, eval_retrieval, NULL },
  { "answers", "FILE", "right, wrong and refused answers on questions in SQuAD 2.0's format", 1, 1,
    answers_options, eval_answers, NULL },
  { "replay", "[FILE]", "your own questions again: the library's feedback, or a file", 0, 1,
    cli_eval_replay_options, cli_eval_replay, NULL },
  { "compare", "MODEL MODEL [FILE]", "the same with two models, side by side", 2, 3,
    cli_eval_compare_options, cli_eval_compare, NULL },
  { NULL },
};

/* docent ask QUESTION…: an answer from the documents with its pages, or a refusal.
 *
 * In: the question, from the arguments or standard input. Out: evidence, answer, sources and what
 * was looked through; with --json one object and nothing else. A refusal is a result (exit code
 * 3), and so is an answer that Ctrl-C cut short (exit code 1, what there is is printed). */
#include "cli-private.h"

static gboolean evidence_only;
static int max_tokens, evidence_tokens;
static double temperature, sure, budget;
static gint64 seed;
static char *save_as;

const GOptionEntry cli_ask_options[] = {
  { "evidence", 'e', 0, G_OPTION_ARG_NONE, &evidence_only,
    "print the passages only, without a language model", NULL },
  { "max-tokens", 0, 0, G_OPTION_ARG_INT, &max_tokens,
    "stop the answer after N tokens (default: 200)", "N" },
  { "evidence-tokens", 0, 0, G_OPTION_ARG_INT, &evidence_tokens,
    "let the model read N tokens (default: by this machine's speed)", "N" },
  CLI_BUDGET_OPTION (budget),
  { "temperature", 0, 0, G_OPTION_ARG_DOUBLE, &temperature,
    "0 for the likeliest words (the default), up to 2 for variety", "T" },
  CLI_SURE_OPTION (sure),
  { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "same number, same variety", "N" },
  { "save", 0, 0, G_OPTION_ARG_STRING, &save_as,
    "keep the answer under NAME: docent saved tells when it changes", "NAME" },
  CLI_SCOPE_OPTIONS,
  CLI_SECTION_OPTION,
  { NULL },
};

/* "" when the options make sense, otherwise why not. */
static const char *problem_with_options (const CliOptions *options)
{
  if (max_tokens < 0 || max_tokens > 100000)
    return "--max-tokens takes a number from 1 to 100000";
  if (evidence_tokens < 0 || evidence_tokens > 1000000)
    return "--evidence-tokens takes a number from 1 to 1000000";
  if (!cli_budget_makes_sense (budget))
    return CLI_BUDGET_PROBLEM;
  if (!(temperature >= 0 && temperature <= 2))
    return "--temperature takes a number from 0 to 2";
  if (!cli_sure_makes_sense (sure))
    return CLI_SURE_PROBLEM;
  if (seed < 0)
    return "--seed takes a number from 0";
  if (save_as != NULL && options->role != NULL)
    return "a role (--as) may only read: leave out --save";
  if (save_as != NULL && evidence_only)
    return "--save keeps an answer: leave out --evidence";
  return NULL;
}

/* An answer that was cut short is not kept. */
static gboolean save_answer (const CliOptions *options, Rag *rag, const char *question,
                             const RagAskOptions *ask_options, const RagAnswer *answer,
                             GError **error)
{
  if (save_as == NULL)
    return TRUE;
  if (answer->status == RAG_PARTIAL)
    {
      cli_note (options, "Not saved: the answer is not finished.");
      return TRUE;
    }
  if (!rag_saved_put (rag, save_as, question, &cli_scope, options->model, ask_options, answer,
                      error))
    return FALSE;
  cli_note (options, "Saved; “docent saved check” tells when it changes.");
  return TRUE;
}

CliExit cli_ask (const CliOptions *options, int argc, char **argv)
{
  const char *problem = problem_with_options (options);
  if (problem != NULL)
    return cli_usage ("ask", "%s", problem);
  g_autoptr (GError) error = NULL;
  g_autofree char *given = cli_read_question (argc, argv, &error);
  if (given == NULL)
    return cli_fail (error);
  if (save_as != NULL && !rag_saved_check_name (save_as, &error))
    return cli_fail (error);
  g_autofree char *question = cli_take_scope (given);
  if (*question == '\0')
    return cli_usage ("ask", "the question is empty");
  g_autoptr (Rag) rag = cli_open_scoped (options, &error);
  if (rag == NULL)
    return cli_fail (error);

  const RagAskOptions ask_options = {
    .collection = options->collection,
    .max_tokens = max_tokens,
    .evidence_tokens = evidence_tokens,
    .budget_seconds = budget,
    .temperature = temperature,
    .seed = seed,
    .evidence_only = evidence_only,
    .min_confidence = sure,
  };
  CliAnswerView view;
  cli_answer_view_begin (&view, options);
  const RagAskEvents events
      = cli_answer_view_events (&view, cli_cancellable ("stopping the answer"));
  g_autoptr (RagAnswer) answer = rag_ask (rag, question, &ask_options, &events, &error);
  CliExit code = CLI_FAILED;
  if (answer != NULL)
    {
      if (options->json)
        cli_answer_json (answer);
      else
        cli_answer_view_finish (&view, answer);
      code = save_answer (options, rag, question, &ask_options, answer, &error)
                 ? cli_answer_exit (answer)
                 : cli_fail (error);
    }
  cli_answer_view_clear (&view);
  return answer != NULL ? code : cli_fail (error);
}

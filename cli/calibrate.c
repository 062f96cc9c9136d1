/* docent calibrate: learns on questions of the library's own how far its confidence is to be
 * trusted.
 *
 * In: the documents that are there. Out: a table of what confidence is worth here, and the
 * confidence below which `ask` and `chat` refuse from now on. */
#include "cli-private.h"

#define DEFAULT_QUESTIONS 60
#define MIN_QUESTIONS 20
#define MAX_QUESTIONS 10000

static int n_questions = DEFAULT_QUESTIONS;
static double max_wrong = 0.05;
static int seed = 1;
static gboolean reset;

const GOptionEntry cli_calibrate_options[] = {
  { "questions", 0, 0, G_OPTION_ARG_INT, &n_questions, "ask so many (default: 60)", "N" },
  { "wrong", 0, 0, G_OPTION_ARG_DOUBLE, &max_wrong,
    "let at most this share of all questions be answered wrongly (default: 0.05)", "SHARE" },
  { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "another number, other questions (default: 1)", "N" },
  { "reset", 0, 0, G_OPTION_ARG_NONE, &reset, "forget what was learned", NULL },
  { NULL },
};

static const char *problem_with_options (void)
{
  if (n_questions < MIN_QUESTIONS || n_questions > MAX_QUESTIONS)
    return "--questions takes a number from 20 to 10000";
  if (!(max_wrong >= 0 && max_wrong <= 1))
    return "--wrong takes a share from 0 to 1";
  if (seed < 0)
    return "--seed takes a number from 0";
  return NULL;
}

static void on_progress (const char *step, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_count (user_data, step, done, total);
}

static void print_json (const RagCalibration *calibration)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_int (json, "questions", calibration->questions);
  cli_json_int (json, "unanswerable", calibration->unanswerable);
  cli_json_double (json, "threshold", calibration->threshold);
  cli_json_int (json, "right", calibration->right);
  cli_json_int (json, "wrong", calibration->wrong);
  cli_json_array (json, "reliability");
  for (guint i = 0; i < RAG_N_BINS; i++)
    {
      const RagReliability *bin = &calibration->bins[i];
      cli_json_object (json, NULL);
      cli_json_double (json, "from", (double)i / RAG_N_BINS);
      cli_json_double (json, "to", (double)(i + 1) / RAG_N_BINS);
      cli_json_int (json, "answers", bin->n);
      cli_json_double (json, "confidence", bin->confidence);
      cli_json_double (json, "right", bin->right);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
  cli_json_print (json);
}

/* The nearer "right" is to "confidence", the more its figures are worth. */
static void print_table (const CliOptions *options, const RagCalibration *calibration)
{
  g_autoptr (CliTable) table = cli_table_new ("<Confidence|>Answers|>Mean|>Right|<");
  for (guint i = 0; i < RAG_N_BINS; i++)
    {
      const RagReliability *bin = &calibration->bins[i];
      g_autofree char *range
          = g_strdup_printf ("%.1f to %.1f", (double)i / RAG_N_BINS, (double)(i + 1) / RAG_N_BINS);
      g_autofree char *n = cli_format_count (bin->n);
      g_autofree char *mean
          = bin->n > 0 ? g_strdup_printf ("%.2f", bin->confidence) : g_strdup ("");
      g_autofree char *right = bin->n > 0 ? g_strdup_printf ("%.2f", bin->right) : g_strdup ("");
      g_autofree char *bar = g_strnfill ((gsize)(bin->right * 20 + 0.5), '#');
      cli_table_add (table, range, n, mean, right, bar, NULL);
    }
  cli_table_print (table, options);
  g_autofree char *summary
      = g_strdup_printf ("Below %.2f nothing is said from now on. Of %u questions, %u without an "
                         "answer here, that leaves "
                         "%u answered right and %u wrong.",
                         calibration->threshold, calibration->questions, calibration->unanswerable,
                         calibration->right, calibration->wrong);
  putchar ('\n');
  cli_print_wrapped (options, 0, CLI_PLAIN, summary);
}

CliExit cli_calibrate (const CliOptions *options, int argc, char **argv)
{
  (void)argc, (void)argv;
  const char *problem = problem_with_options ();
  if (problem != NULL)
    return cli_usage ("calibrate", "%s", problem);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL || (reset && !rag_calibration_reset (rag, &error)))
    return cli_fail (error);
  if (reset)
    return CLI_DONE;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const RagCalibrateOptions calibrate = { .n_questions = (guint)n_questions,
                                          .max_wrong = max_wrong,
                                          .seed = (guint32)seed,
                                          .progress = on_progress,
                                          .user_data = progress,
                                          .cancellable = cli_cancellable ("stopping") };
  RagCalibration calibration;
  const gboolean ok = rag_calibrate (rag, &calibrate, &calibration, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  if (options->json)
    print_json (&calibration);
  else
    print_table (options, &calibration);
  return CLI_DONE;
}

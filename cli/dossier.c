/* docent dossier DOCUMENT…: a long document as a structured brief, every statement with its page.
 *
 * In: documents of the library and a template. Out: text, Markdown or a page with links to the pages
 * cited. With --output what was finished is kept in FILE.part, and the same command goes on there. */
#include <string.h>

#include "brief-private.h"

static char *template_name = "value", *format_name, *output_path, *title, *budget_text,
            *shown_template, *tone;
static gboolean no_model, redact;

const GOptionEntry cli_dossier_options[] = {
  { "template", 'T', 0, G_OPTION_ARG_FILENAME, &template_name,
    "value (the default), study, policy, contract, or a file", "NAME" },
  { "show-template", 0, 0, G_OPTION_ARG_STRING, &shown_template,
    "print one of these, to be edited", "NAME" },
  { "format", 'f', 0, G_OPTION_ARG_STRING, &format_name, "text, markdown, html or pdf", "FORMAT" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path,
    "write to FILE; goes on there when it was stopped", "FILE" },
  { "title", 0, 0, G_OPTION_ARG_STRING, &title, "title of the brief", "TEXT" },
  { "budget", 0, 0, G_OPTION_ARG_STRING, &budget_text,
    "let the model write for so long, such as 90s or 10m, then quote", "TIME" },
  CLI_WRITING_OPTIONS (tone, redact),
  { "no-model", 0, 0, G_OPTION_ARG_NONE, &no_model,
    "quote the documents, without a language model", NULL },
  { NULL },
};

/* Seconds; 0 for NULL, negative when TEXT is not a time. */
static double parse_budget (const char *text)
{
  if (text == NULL)
    return 0;
  char *end;
  const double value = g_ascii_strtod (text, &end);
  const double unit = strcmp (end, "m") == 0 ? 60 : strcmp (end, "h") == 0 ? 3600 : 1;
  const gboolean known = *end == '\0' || strcmp (end, "s") == 0 || unit > 1;
  return end != text && known && value > 0 && value < 1e6 ? value * unit : -1;
}

static CliExit print_template (void)
{
  g_autofree char *text = rag_dossier_template (shown_template);
  if (text == NULL)
    {
      g_autofree char *all = g_strjoinv (", ", (char **)rag_dossier_templates ());
      return cli_usage ("dossier", "there is no template “%s”; there are %s", shown_template, all);
    }
  puts (text);
  return CLI_DONE;
}

static void on_progress (const char *step, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_count (user_data, step, done, total);
}

static RagBrief *make (const CliOptions *options, Rag *rag, char **documents, double budget,
                       GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");
  g_autofree char *resume = output_path != NULL ? g_strconcat (output_path, ".part", NULL) : NULL;
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const RagDossierOptions dossier = {
    .template = template_name,
    .resume = resume,
    .title = title,
    .date = date,
    .tone = tone != NULL ? tone : options->tone,
    .budget_seconds = budget,
    .no_model = no_model,
    .progress = on_progress,
    .user_data = progress,
    .cancellable = cli_cancellable ("stopping; what is finished is kept"),
  };
  return rag_dossier (rag, (const char *const *)documents, &dossier, error);
}

CliExit cli_dossier (const CliOptions *options, int argc, char **argv)
{
  BriefFormat format;
  g_autoptr (GError) error = NULL;
  if (shown_template != NULL)
    return print_template ();
  if (argc == 0)
    return cli_usage ("dossier", "dossier needs DOCUMENT…");
  const double budget = parse_budget (budget_text);
  if (budget < 0)
    return cli_usage ("dossier", "--budget takes a time such as 90s or 10m, not “%s”", budget_text);
  if (!cli_brief_format (format_name, output_path, FALSE, &format, &error))
    return cli_usage ("dossier", "%s", error->message);
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  g_autoptr (RagBrief) brief
      = rag != NULL ? make (options, rag, argv, budget, &error) : NULL;
  if (brief == NULL)
    return cli_fail (error);
  if (redact)
    rag_brief_redact (brief);
  /* Half a dossier is printed, but never takes the place of a whole one. */
  const char *output = brief->complete ? output_path : NULL;
  if (!cli_brief_write (options, brief, format, NULL, output, &error))
    return cli_fail (error);
  return brief->complete ? CLI_DONE : CLI_FAILED;
}

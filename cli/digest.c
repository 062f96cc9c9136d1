/* docent digest: what is new in the library, as a few checked sentences per story.
 *
 * In: documents that came in since the last digest, from folders or feeds. Out: text, Markdown, a
 * page, or a mail message for `sendmail -t` or a Maildir. The same day gives the same digest; when
 * nothing is new, nothing is printed and the exit code is 3. */
#include <string.h>
#include <time.h>

#include "brief-private.h"

static char *since_text, *format_name, *output_path, *from, *to, *maildir, *unsubscribe,
    *tone, *escalate;
static char **topics;
static int max_stories;
static gboolean no_model, again, review, redact;

const GOptionEntry cli_digest_options[] = {
  { "since", 's', 0, G_OPTION_ARG_STRING, &since_text,
    "from then on: yesterday, today, 3d, 2026-01-31 (default: the last digest, else a day)",
    "WHEN" },
  { "topic", 'T', 0, G_OPTION_ARG_STRING_ARRAY, &topics,
    "put stories about this first; may be repeated", "WORDS" },
  { "max", 'n', 0, G_OPTION_ARG_INT, &max_stories, "at most N stories (default: 10)", "N" },
  { "format", 'f', 0, G_OPTION_ARG_STRING, &format_name, "text, markdown, html, pdf or mail", "FORMAT" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "write to FILE", "FILE" },
  { "maildir", 0, 0, G_OPTION_ARG_FILENAME, &maildir, "deliver a mail into this Maildir", "DIR" },
  { "from", 0, 0, G_OPTION_ARG_STRING, &from, "sender of the mail", "ADDRESS" },
  { "to", 0, 0, G_OPTION_ARG_STRING, &to, "reader of the mail", "ADDRESS" },
  { "unsubscribe", 0, 0, G_OPTION_ARG_STRING, &unsubscribe,
    "where readers leave (default: a mail to the sender)", "URI" },
  { "review", 0, 0, G_OPTION_ARG_NONE, &review, "accept, edit and drop in $EDITOR first", NULL },
  CLI_WRITING_OPTIONS (tone, redact),
  { "escalate", 0, 0, G_OPTION_ARG_FILENAME, &escalate,
    "let this larger model try the stories that --model could only quote", "NAME" },
  { "again", 0, 0, G_OPTION_ARG_NONE, &again, "make today's digest anew", NULL },
  { "no-model", 0, 0, G_OPTION_ARG_NONE, &no_model,
    "quote the documents, without a language model", NULL },
  { NULL },
};

/* ---- When ---- */

static gint64 start_of_day (GDateTime *now, int days_before)
{
  g_autoptr (GDateTime) then = g_date_time_add_days (now, -days_before);
  g_autoptr (GDateTime) day
      = g_date_time_new_local (g_date_time_get_year (then), g_date_time_get_month (then),
                               g_date_time_get_day_of_month (then), 0, 0, 0);
  return g_date_time_to_unix (day);
}

/* Unix seconds, 0 for NULL, −1 when TEXT is not a time. */
static gint64 parse_since (const char *text, GDateTime *now)
{
  int year, month, day, n = 0;
  char unit = 0, rest = 0;
  if (text == NULL)
    return 0;
  if (strcmp (text, "today") == 0)
    return start_of_day (now, 0);
  if (strcmp (text, "yesterday") == 0)
    return start_of_day (now, 1);
  if (sscanf (text, "%4d-%2d-%2d%c", &year, &month, &day, &rest) == 3)
    {
      g_autoptr (GDateTime) then = g_date_time_new_local (year, month, day, 0, 0, 0);
      return then != NULL ? g_date_time_to_unix (then) : -1;
    }
  if (sscanf (text, "%5d%c%c", &n, &unit, &rest) == 2 && n > 0 && (unit == 'd' || unit == 'h'))
    return g_date_time_to_unix (now) - (gint64)n * (unit == 'd' ? 24 : 1) * 3600;
  return -1;
}

/* ---- What was asked ---- */

#define MAX_QUESTIONS 30

/* The last questions of `docent chat`: what somebody asks is what interests them. libedit writes
 * spaces as \040. */
static char **recent_questions (void)
{
  g_autofree char *path = g_build_filename (g_get_user_state_dir (), "docent", "history", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  if (g_file_get_contents (path, &text, NULL, NULL))
    {
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
      const guint n = g_strv_length (lines);
      for (guint i = n - MIN (n, MAX_QUESTIONS); i < n; i++)
        {
          g_autofree char *line = g_strcompress (lines[i]);
          if (*line != '\0' && *line != '/' && *line != '_' && g_utf8_validate (line, -1, NULL))
            g_strv_builder_add (builder, line);
        }
    }
  return g_strv_builder_end (builder);
}

/* ---- Where to ---- */

static CliExit check_options (BriefFormat *ret_format)
{
  g_autoptr (GError) error = NULL;
  if (max_stories < 0 || max_stories > 1000)
    return cli_usage ("digest", "--max takes a number from 1 to 1000, not %d", max_stories);
  if (!cli_brief_format (format_name, output_path, TRUE, ret_format, &error))
    return cli_usage ("digest", "%s", error->message);
  if (maildir != NULL)
    *ret_format = BRIEF_MAIL;
  if (*ret_format == BRIEF_MAIL && (from == NULL || to == NULL))
    return cli_usage ("digest", "a mail needs --from and --to");
  return CLI_DONE;
}

static gboolean deliver (const CliOptions *options, const RagBrief *brief, BriefFormat format,
                         GError **error)
{
  const CliMail mail = { from, to, options->collection, unsubscribe };
  if (maildir == NULL)
    return cli_brief_write (options, brief, format, &mail, output_path, error);
  g_autofree char *place = options->collection != NULL
                               ? g_uri_escape_string (options->collection, NULL, FALSE)
                               : g_strdup ("all");
  g_autofree char *name = g_strdup_printf ("%s.%s.docent", brief->date, place);
  g_autoptr (GBytes) message = cli_brief_mail (brief, &mail, error);
  return message != NULL && cli_maildir_deliver (maildir, name, message, error);
}

static void on_progress (const char *step, guint64 done, guint64 total, gpointer user_data)
{
  cli_progress_count (user_data, step, done, total);
}

static RagBrief *make (const CliOptions *options, Rag *rag, GDateTime *now, gint64 since,
                       GError **error)
{
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");
  g_auto (GStrv) questions = recent_questions ();
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const RagDigestOptions digest_options = {
    .collection = options->collection,
    .date = date,
    .now = g_date_time_to_unix (now),
    .since = since,
    .topics = (const char *const *)topics,
    .questions = (const char *const *)questions,
    .max_stories = max_stories,
    .no_model = no_model,
    .again = again,
    .tone = tone != NULL ? tone : options->tone,
    .escalate = escalate != NULL ? escalate : options->escalate,
    .progress = on_progress,
    .user_data = progress,
    .cancellable = cli_cancellable ("stopping after this story"),
  };
  return rag_digest (rag, &digest_options, error);
}

CliExit cli_digest (const CliOptions *options, int argc, char **argv)
{
  BriefFormat format;
  const CliExit problem = check_options (&format);
  if (problem != CLI_DONE)
    return problem;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  const gint64 since = parse_since (since_text, now);
  if (since < 0)
    return cli_usage ("digest", "--since takes yesterday, today, 3d, 12h or a date, not “%s”",
                      since_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (RagBrief) brief = make (options, rag, now, since, &error);
  if (error != NULL)
    return cli_fail (error);
  if (brief == NULL)
    {
      cli_note (options, "Nothing is new.");
      return CLI_REFUSED;
    }
  if (review && (!cli_brief_review (brief, &error)
                 || !rag_digest_replace (rag, brief, options->collection, &error)))
    return cli_fail (error);
  /* What is kept is whole: tomorrow's digest compares with it, and another reader may see it. */
  if (redact)
    rag_brief_redact (brief);
  if (!deliver (options, brief, format, &error))
    return cli_fail (error);
  return brief->complete ? CLI_DONE : CLI_FAILED;
}

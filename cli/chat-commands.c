/* The commands of `docent chat`: what a line does that begins with a slash.
 *
 * One table has name, argument, help, what the Tab key completes and the function; /help is printed
 * from it. In: the conversation with its last answer. Out: text, a viewer at the right page, or a
 * file with what was asked and answered. */
#include <string.h>

#include "chat-private.h"

/* ---- The last answer ---- */

static gboolean has_sources (const ChatConversation *conversation)
{
  const RagAnswer *answer = conversation->last;
  if (answer != NULL && answer->evidence != NULL && answer->evidence->len > 0)
    return TRUE;
  puts ("There is no answer with sources yet.\n");
  return FALSE;
}

static void print_sources (ChatConversation *conversation, const char *argument)
{
  if (!has_sources (conversation))
    return;
  const GPtrArray *evidence = conversation->last->evidence;
  for (guint i = 0; i < evidence->len; i++)
    {
      const RagHit *hit = g_ptr_array_index (evidence, i);
      fputs ("  ", stdout);
      cli_print_hit_title (&conversation->options, hit, 2);
      cli_print_passage (&conversation->options, hit, 4, TRUE);
      putchar ('\n');
    }
}

static void print_verdict (const CliOptions *options, const RagSentence *sentence)
{
  g_autoptr (GString) line = g_string_new (sentence->supported ? "kept    " : "struck  ");
  g_string_append (line, sentence->text);
  for (guint i = 0; i < sentence->citations->len; i++)
    g_string_append_printf (line, " [%u]", g_array_index (sentence->citations, guint, i));
  cli_print_wrapped (options, 2, sentence->supported ? CLI_GREEN : CLI_YELLOW, line->str);
}

/* Scores of what was read, and what the gate made of each sentence. */
static void print_reasons (ChatConversation *conversation, const char *argument)
{
  if (!has_sources (conversation))
    return;
  const RagAnswer *answer = conversation->last;
  CliOptions with_scores = conversation->options;
  with_scores.verbose = TRUE;
  g_autofree char *question = cli_escape_line (answer->question);
  printf ("Understood as: %s\n\nPassages, in the order in which the model read them:\n", question);
  for (guint i = 0; i < answer->evidence->len; i++)
    {
      fputs ("  ", stdout);
      cli_print_hit_title (&with_scores, g_ptr_array_index (answer->evidence, i), 2);
    }
  if (answer->sentences->len > 0)
    puts ("\nSentences of the model:");
  for (guint i = 0; i < answer->sentences->len; i++)
    print_verdict (&conversation->options, g_ptr_array_index (answer->sentences, i));
  g_autofree char *reason = answer->reason != NULL ? cli_escape_line (answer->reason) : NULL;
  printf ("\nConfidence %.2f%s%s.\n\n", answer->confidence, reason != NULL ? "; " : "",
          reason != NULL ? reason : "");
}

/* ---- Opening ---- */

static const RagCitation *find_citation (const RagAnswer *answer, guint64 n)
{
  for (guint i = 0; answer != NULL && i < answer->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (answer->citations, i);
      if (citation->n == n)
        return citation;
    }
  return NULL;
}

static void open_source (ChatConversation *conversation, const char *argument)
{
  guint64 n = 0;
  g_autoptr (GError) error = NULL;
  if (!g_ascii_string_to_unsigned (argument, 10, 1, 1000, &n, NULL))
    {
      cli_warn ("/open takes the number of a source, such as /open 1");
      return;
    }
  const RagCitation *citation = find_citation (conversation->last, n);
  if (citation == NULL)
    cli_warn ("the last answer has no source [%u]", (guint)n);
  else if (!cli_view (citation->document, citation->page, &error))
    cli_fail (error);
}

/* ---- Again ---- */

#define RETRY_TEMPERATURE 0.7f

/* Greedy writing would say the same again: another try needs some variety. */
static void retry (ChatConversation *conversation, const char *argument)
{
  if (conversation->last == NULL)
    {
      puts ("There is no question to ask again yet.\n");
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autofree char *question = g_strdup (conversation->last->question);
  const float temperature = conversation->ask_options.temperature;
  conversation->ask_options.temperature = RETRY_TEMPERATURE;
  conversation->ask_options.seed++;
  if (cli_chat_restart (conversation, &error))
    cli_chat_ask (conversation, question, &conversation->last_scope);
  else
    cli_fail (error);
  conversation->ask_options.temperature = temperature;
}

static void change (ChatConversation *conversation, char **setting, const char **option,
                    const char *value, const char *what)
{
  g_autoptr (GError) error = NULL;
  char *before = g_steal_pointer (setting);
  const char *option_before = *option;
  *setting = g_strdup (value);
  *option = *setting;
  if (cli_chat_restart (conversation, &error))
    {
      g_free (before);
      g_autofree char *safe = cli_escape_line (value != NULL ? value : "all");
      printf ("%s: %s\n\n", what, safe);
      return;
    }
  g_free (*setting);
  *setting = before;
  *option = option_before;
  cli_fail (error);
}

static void change_model (ChatConversation *conversation, const char *argument)
{
  if (*argument == '\0')
    cli_warn ("/model takes the name of a model; docent models list has them");
  else
    change (conversation, &conversation->model, (const char **)&conversation->options.model,
            argument, "Model");
}

static void change_collection (ChatConversation *conversation, const char *argument)
{
  change (conversation, &conversation->collection,
          (const char **)&conversation->options.collection, *argument != '\0' ? argument : NULL,
          "Collection");
}

/* ---- Export ---- */

static void export_answers (ChatConversation *conversation, const char *argument)
{
  g_autoptr (GError) error = NULL;
  if (*argument == '\0')
    {
      cli_warn ("/export takes the name of a file, such as /export answers.md");
      return;
    }
  if (conversation->is_private)
    {
      cli_warn ("this conversation is private: nothing of it is written to the disk");
      return;
    }
  if (g_file_test (argument, G_FILE_TEST_EXISTS))
    {
      cli_warn ("%s is there already; choose another name", argument);
      return;
    }
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < conversation->answers->len; i++)
    g_string_append (text, g_ptr_array_index (conversation->answers, i));
  if (!g_file_set_contents_full (argument, text->str, (gssize)text->len,
                                 G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    {
      cli_fail (error);
      return;
    }
  g_autofree char *count = cli_format_plural (conversation->answers->len, "answer", "answers");
  g_autofree char *safe = cli_escape_line (argument);
  printf ("Wrote %s to %s.\n\n", count, safe);
}

/* ---- The table ---- */

static void print_help (ChatConversation *conversation, const char *argument)
{
  cli_chat_print_commands ();
}

const ChatCommand cli_chat_commands[] = {
  { "/sources", "", "the passages of the last answer, in full", CHAT_TAKES_NOTHING,
    print_sources },
  { "/open", "N", "open source [N] at its page", CHAT_TAKES_NUMBER, open_source },
  { "/why", "", "scores of the passages, and what became of each sentence", CHAT_TAKES_NOTHING,
    print_reasons },
  { "/retry", "", "ask the last question again, in other words", CHAT_TAKES_NOTHING, retry },
  { "/model", "NAME", "answer with another model", CHAT_TAKES_MODEL, change_model },
  { "/collection", "[NAME]", "keep to one collection, or to none", CHAT_TAKES_COLLECTION,
    change_collection },
  { "/export", "FILE", "write what was asked and answered to a Markdown file", CHAT_TAKES_FILE,
    export_answers },
  { "/help", "", "this", CHAT_TAKES_NOTHING, print_help },
  { "/quit", "", "leave (also Ctrl-D)", CHAT_TAKES_NOTHING, NULL },
  { NULL },
};

void cli_chat_print_commands (void)
{
  puts ("Type a question. A follow-up may be short: and in 2022?");
  for (const ChatCommand *command = cli_chat_commands; command->name != NULL; command++)
    {
      g_autofree char *usage = g_strjoin (" ", command->name, command->arguments, NULL);
      printf ("  %-19s%s\n", usage, command->help);
    }
  puts ("A line that ends with \\ goes on in the next. Tab completes. Ctrl-C stops an answer.\n");
}

gboolean cli_chat_obey (ChatConversation *conversation, const char *line)
{
  const gsize length = strcspn (line, " \n");
  for (const ChatCommand *command = cli_chat_commands; command->name != NULL; command++)
    if (strlen (command->name) == length && strncmp (command->name, line, length) == 0)
      {
        g_autofree char *argument = g_strstrip (g_strdup (line + length));
        if (command->run != NULL)
          command->run (conversation, argument);
        return command->run != NULL;
      }
  g_autofree char *safe = cli_escape_line (line);
  g_autofree char *shown = cli_shorten (safe, 40);
  cli_warn ("there is no command %s; /help lists them", shown);
  return TRUE;
}

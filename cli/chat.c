/* docent chat: question after question, with follow-ups.
 *
 * In: lines (chat-input.c), each a question or a command (chat-commands.c). Out: for each question
 * what `ask` prints, or one line of JSON. The model is loaded once and keeps what it has read. */
#include <string.h>

#include "chat-private.h"

static gboolean no_history;
static int max_tokens;
static double budget;

const GOptionEntry cli_chat_options[] = {
  { "no-history", 0, 0, G_OPTION_ARG_NONE, &no_history, "do not keep what was asked", NULL },
  { "max-tokens", 0, 0, G_OPTION_ARG_INT, &max_tokens,
    "stop each answer after N tokens (default: 200)", "N" },
  CLI_BUDGET_OPTION (budget),
  CLI_SCOPE_OPTIONS,
  CLI_SECTION_OPTION,
  { NULL },
};

gboolean cli_chat_restart (ChatConversation *conversation, GError **error)
{
  const CliOptions *options = &conversation->options;
  conversation->ask_options.collection = options->collection;
  g_autoptr (Rag) rag = cli_open_scoped (options, error);
  if (rag == NULL)
    return FALSE;
  RagChat *chat = rag_chat_new (rag, &conversation->ask_options, error);
  if (chat == NULL)
    return FALSE;
  g_clear_pointer (&conversation->chat, rag_chat_free);
  g_clear_pointer (&conversation->rag, rag_close);
  conversation->chat = chat;
  conversation->rag = g_steal_pointer (&rag);
  conversation->is_private |= rag_is_private (conversation->rag, options->collection);
  return TRUE;
}

static void append_conflict (GString *text, const CliOptions *options, const RagConflict *conflict)
{
  g_string_append (text, "Sources disagree:\n\n");
  for (guint i = 0; i < conflict->values->len; i++)
    {
      g_autofree char *line = cli_conflict_value (options, g_ptr_array_index (conflict->values, i));
      g_string_append_printf (text, "- %s\n", line);
    }
  g_string_append_c (text, '\n');
}

/* Question, answer, what disagrees and sources as Markdown. */
static char *markdown_of (const CliOptions *options, const RagAnswer *answer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (text, "## %s\n\n%s\n\n", answer->question,
                          answer->answer != NULL ? answer->answer : "");
  for (guint i = 0; i < answer->conflicts->len; i++)
    append_conflict (text, options, g_ptr_array_index (answer->conflicts, i));
  for (guint i = 0; answer->status != RAG_REFUSED && i < answer->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (answer->citations, i);
      g_autofree char *page = cli_page_name (citation->page, citation->page_label);
      g_string_append_printf (text, "[%u] %s, %s%s: “%s”\n\n", citation->n, citation->document, page,
                              cli_ocr_mark (citation->ocr), citation->quote != NULL ? citation->quote : "");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void take_answer (ChatConversation *conversation, RagAnswer *answer)
{
  g_ptr_array_add (conversation->answers, markdown_of (&conversation->options, answer));
  g_clear_pointer (&conversation->last, rag_answer_free);
  conversation->last = answer;
}

void cli_chat_ask (ChatConversation *conversation, const char *question, const RagScope *own)
{
  const CliOptions *options = &conversation->options;
  g_autoptr (GError) error = NULL;
  CliAnswerView view;
  cli_answer_view_begin (&view, options);
  GCancellable *cancellable = cli_cancellable ("stopping the answer");
  const RagAskEvents events = cli_answer_view_events (&view, cancellable);
  const gboolean scoped = cli_set_scope (conversation->rag, own, &error);
  conversation->is_private |= rag_is_private (conversation->rag, options->collection);
  RagAnswer *answer
      = scoped ? rag_chat_ask (conversation->chat, question, &events, &error) : NULL;
  if (answer != NULL)
    {
      if (options->json)
        cli_answer_json (answer);
      else
        {
          cli_answer_view_finish (&view, answer);
          putchar ('\n');
        }
      take_answer (conversation, answer);
    }
  cli_answer_view_clear (&view);
  if (error != NULL)
    cli_fail (error);
  cli_cancellable_reset ();
  fflush (stdout);
}

/* LINE: filters and a question, as typed. */
static void ask_line (ChatConversation *conversation, const char *line)
{
  const RagAnswer *before = conversation->last;
  RagScope own = { 0 };
  g_autofree char *question = rag_scope_take (line, &own);
  cli_chat_ask (conversation, question, &own);
  if (conversation->last != before)
    {
      rag_scope_clear (&conversation->last_scope);
      conversation->last_scope = own;
    }
  else
    rag_scope_clear (&own);
}

static void converse (ChatConversation *conversation, ChatInput *input)
{
  while (TRUE)
    {
      g_autofree char *line = cli_chat_input_next (input);
      if (line == NULL)
        break;
      if (*line == '\0')
        continue;
      const gboolean leave = *line == '/' && !cli_chat_obey (conversation, line);
      if (*line != '/')
        ask_line (conversation, line);
      if (conversation->is_private)
        cli_chat_input_keep_nothing (input);
      if (leave)
        break;
    }
  if (cli_chat_input_is_terminal (input))
    putchar ('\n');
}

static GPtrArray *on_complete (const char *line, gsize *ret_from, gpointer user_data)
{
  return cli_chat_complete (user_data, line, ret_from);
}

CliExit cli_chat (const CliOptions *options, int argc, char **argv)
{
  if (max_tokens < 0 || max_tokens > 100000)
    return cli_usage ("chat", "--max-tokens takes a number from 1 to 100000, not %d", max_tokens);
  if (!cli_budget_makes_sense (budget))
    return cli_usage ("chat", CLI_BUDGET_PROBLEM);
  g_autoptr (GError) error = NULL;
  ChatConversation conversation
      = { .options = *options,
          .ask_options = { .max_tokens = max_tokens, .budget_seconds = budget } };
  if (!cli_chat_restart (&conversation, &error))
    return cli_fail (error);
  conversation.answers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ChatInput) input = cli_chat_input_new (!no_history && !conversation.is_private, on_complete, &conversation);
  if (cli_chat_input_is_terminal (input) && !options->quiet)
    cli_chat_print_commands ();
  converse (&conversation, input);
  g_clear_pointer (&conversation.last, rag_answer_free);
  rag_scope_clear (&conversation.last_scope);
  g_ptr_array_unref (conversation.answers);
  rag_chat_free (conversation.chat);
  rag_close (conversation.rag);
  g_free (conversation.model);
  g_free (conversation.collection);
  return CLI_DONE;
}

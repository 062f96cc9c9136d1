/* docent chat: question after question, with follow-ups.
 *
 * On a terminal lines are edited with libedit and kept in a history that only the user may read;
 * in a pipe each line is a question. In: lines. Out: for each what `ask` prints, or one line of
 * JSON. The model is loaded once and keeps what it has read. */
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli-private.h"

static gboolean no_history;
static int max_tokens;

const GOptionEntry cli_chat_options[] = {
  { "no-history", 0, 0, G_OPTION_ARG_NONE, &no_history, "do not keep what was asked", NULL },
  { "max-tokens", 0, 0, G_OPTION_ARG_INT, &max_tokens,
    "stop each answer after N tokens (default: 200)", "N" },
  { NULL },
};

/* ---- Lines ---- */

#define MAX_HISTORY_LINES 1000

/* Where questions come from: an editor on a terminal, or a pipe. */
typedef struct
{
  EditLine *editor; /* NULL: a pipe */
  History *history;
  char *history_path; /* NULL: not kept */
  char *line;         /* of a pipe */
  size_t line_size;
} Input;

static char *prompt (EditLine *editor)
{
  static char text[] = "docent> ";
  return text;
}

static char *history_path (void)
{
  g_autofree char *folder = g_build_filename (g_get_user_state_dir (), "docent", NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    return NULL;
  return g_build_filename (folder, "history", NULL);
}

static void input_begin (Input *input)
{
  *input = (Input){ 0 };
  if (!isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
    return;
  input->editor = el_init ("docent", stdin, stdout, stderr);
  if (input->editor == NULL)
    return;
  HistEvent event;
  input->history = history_init ();
  history (input->history, &event, H_SETSIZE, MAX_HISTORY_LINES);
  history (input->history, &event, H_SETUNIQUE, 1);
  el_set (input->editor, EL_PROMPT, prompt);
  el_set (input->editor, EL_EDITOR, "emacs");
  /* While a line is edited Ctrl-C empties it; while an answer is written it is a signal again. */
  el_set (input->editor, EL_SETTY, "-d", "-isig", NULL);
  el_set (input->editor, EL_BIND, "^C", "em-kill-line", NULL);
  el_set (input->editor, EL_HIST, history, input->history);
  el_source (input->editor, NULL);
  if (!no_history)
    input->history_path = history_path ();
  if (input->history_path != NULL)
    history (input->history, &event, H_LOAD, input->history_path);
}

/* Questions tell as much as documents: nobody else may read them. */
static void save_history (const Input *input)
{
  if (input->history_path == NULL)
    return;
  const int fd
      = open (input->history_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  FILE *file = fd >= 0 && fchmod (fd, 0600) == 0 ? fdopen (fd, "w") : NULL;
  if (file == NULL)
    {
      cli_warn ("the history %s could not be written: %s", input->history_path, g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return;
    }
  HistEvent event;
  history (input->history, &event, H_SAVE_FP, file);
  fclose (file);
}

static void input_end (Input *input)
{
  if (input->editor != NULL)
    {
      save_history (input);
      history_end (input->history);
      el_end (input->editor);
    }
  g_free (input->history_path);
  free (input->line);
}

/* The next line without its line break, or NULL at the end. */
static char *next_line (Input *input)
{
  if (input->editor == NULL)
    {
      const ssize_t length = getline (&input->line, &input->line_size, stdin);
      if (length < 0)
        return NULL;
      /* A NUL inside would hide what follows it. */
      for (ssize_t i = 0; i < length; i++)
        if (input->line[i] == '\0')
          input->line[i] = '\x01';
      return g_strdup (g_strstrip (input->line));
    }
  int length = 0;
  const char *line = el_gets (input->editor, &length);
  if (line == NULL || length <= 0)
    return NULL;
  g_autofree char *copy = g_strdup (line);
  g_strstrip (copy);
  HistEvent event;
  if (*copy != '\0')
    history (input->history, &event, H_ENTER, copy);
  return g_steal_pointer (&copy);
}

/* ---- Conversation ---- */

typedef struct
{
  const CliOptions *options;
  RagChat *chat;
  RagAnswer *last; /* NULL before the first answer */
} Conversation;

static void print_commands (void)
{
  puts ("Type a question. A follow-up may be short: and in 2022?\n"
        "  /sources  the passages of the last answer, in full\n"
        "  /help     this\n"
        "  /quit     leave (also Ctrl-D)\n"
        "Ctrl-C stops an answer.\n");
}

static void print_sources (const Conversation *conversation)
{
  const RagAnswer *answer = conversation->last;
  if (answer == NULL || answer->evidence == NULL || answer->evidence->len == 0)
    {
      puts ("There is no answer with sources yet.\n");
      return;
    }
  for (guint i = 0; i < answer->evidence->len; i++)
    {
      const RagHit *hit = g_ptr_array_index (answer->evidence, i);
      fputs ("  ", stdout);
      cli_print_hit_title (conversation->options, hit, 2);
      cli_print_passage (conversation->options, hit, 4, TRUE);
      putchar ('\n');
    }
}

/* FALSE when LINE asks to leave. */
static gboolean obey (const Conversation *conversation, const char *line)
{
  if (strcmp (line, "/quit") == 0 || strcmp (line, "/exit") == 0)
    return FALSE;
  if (strcmp (line, "/sources") == 0)
    print_sources (conversation);
  else if (strcmp (line, "/help") == 0)
    print_commands ();
  else
    {
      g_autofree char *safe = cli_escape_line (line);
      g_autofree char *shown = cli_shorten (safe, 40);
      cli_warn ("there is no command %s; /help lists them", shown);
    }
  return TRUE;
}

/* A question that cannot be answered ends nothing: the next one may. */
static void ask (Conversation *conversation, const char *question)
{
  const CliOptions *options = conversation->options;
  g_autoptr (GError) error = NULL;
  CliAnswerView view;
  cli_answer_view_begin (&view, options);
  GCancellable *cancellable = cli_cancellable ("stopping the answer");
  const RagAskEvents events = cli_answer_view_events (&view, cancellable);
  RagAnswer *answer = rag_chat_ask (conversation->chat, question, &events, &error);
  if (answer != NULL)
    {
      if (options->json)
        cli_answer_json (answer);
      else
        {
          cli_answer_view_finish (&view, answer);
          putchar ('\n');
        }
      g_clear_pointer (&conversation->last, rag_answer_free);
      conversation->last = answer;
    }
  cli_answer_view_clear (&view);
  if (error != NULL)
    cli_fail (error);
  cli_cancellable_reset ();
  fflush (stdout);
}

static void converse (Conversation *conversation, Input *input)
{
  while (TRUE)
    {
      g_autofree char *line = next_line (input);
      if (line == NULL)
        break;
      if (*line == '\0')
        continue;
      if (*line == '/')
        {
          if (!obey (conversation, line))
            break;
        }
      else
        ask (conversation, line);
    }
  if (input->editor != NULL)
    putchar ('\n');
}

CliExit cli_chat (const CliOptions *options, int argc, char **argv)
{
  if (max_tokens < 0 || max_tokens > 100000)
    return cli_usage ("chat", "--max-tokens takes a number from 1 to 100000, not %d", max_tokens);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL)
    return cli_fail (error);
  const RagAskOptions ask_options = { .collection = options->collection, .max_tokens = max_tokens };
  g_autoptr (RagChat) chat = rag_chat_new (rag, &ask_options, &error);
  if (chat == NULL)
    return cli_fail (error);
  Input input;
  input_begin (&input);
  if (input.editor != NULL && !options->quiet)
    print_commands ();
  Conversation conversation = { .options = options, .chat = chat };
  converse (&conversation, &input);
  input_end (&input);
  g_clear_pointer (&conversation.last, rag_answer_free);
  return CLI_DONE;
}

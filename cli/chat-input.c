/* Where the lines of `docent chat` come from: an editor on a terminal, or a pipe.
 *
 * On a terminal lines are edited with libedit, completed with the Tab key and kept in a history
 * that only the user may read. In both a line that ends with a backslash goes on in the next one.
 * In: keys or bytes. Out: one question or command at a time. */
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat-private.h"

#define MAX_HISTORY_LINES 1000

struct _ChatInput
{
  EditLine *editor; /* NULL: a pipe */
  History *history;
  char *history_path; /* NULL: not kept */
  char *line;         /* of a pipe */
  size_t line_size;
  gboolean goes_on; /* the line before ended with a backslash */
  ChatComplete complete;
  gpointer user_data;
};

static ChatInput *input_of (EditLine *editor)
{
  void *input = NULL;
  el_get (editor, EL_CLIENTDATA, &input);
  return input;
}

static char *prompt (EditLine *editor)
{
  static char first[] = "docent> ", more[] = "   ...> ";
  return input_of (editor)->goes_on ? more : first;
}

/* ---- Completion ---- */

/* How many bytes all of CANDIDATES begin with alike, whole characters only. */
static gsize common_prefix (const GPtrArray *candidates)
{
  const char *first = g_ptr_array_index (candidates, 0);
  gsize length = strlen (first);
  for (guint i = 1; i < candidates->len; i++)
    {
      const char *other = g_ptr_array_index (candidates, i);
      gsize common = 0;
      while (common < length && other[common] == first[common])
        common++;
      length = common;
    }
  while (length > 0 && ((guchar)first[length] & 0xC0) == 0x80)
    length--;
  return length;
}

/* More would push what is being typed off the screen. */
#define MAX_CANDIDATES_SHOWN 30

static void print_candidates (const GPtrArray *candidates)
{
  putchar ('\n');
  for (guint i = 0; i < MIN (candidates->len, MAX_CANDIDATES_SHOWN); i++)
    {
      g_autofree char *safe = cli_escape_line (g_ptr_array_index (candidates, i));
      printf ("  %s\n", safe);
    }
  if (candidates->len > MAX_CANDIDATES_SHOWN)
    printf ("  and %u more\n", candidates->len - MAX_CANDIDATES_SHOWN);
  fflush (stdout);
}

static unsigned char complete (EditLine *editor, int key)
{
  const ChatInput *input = input_of (editor);
  const LineInfo *info = el_line (editor);
  g_autofree char *line = g_strndup (info->buffer, info->cursor - info->buffer);
  gsize from = 0;
  g_autoptr (GPtrArray) candidates = input->complete (line, &from, input->user_data);
  if (candidates->len == 0)
    return CC_ERROR;
  const gsize length = common_prefix (candidates), typed = strlen (line) - from;
  const gboolean only = candidates->len == 1;
  if (length <= typed && !only)
    {
      print_candidates (candidates);
      return CC_REDISPLAY;
    }
  g_autofree char *text = g_strndup (g_ptr_array_index (candidates, 0), length);
  g_autofree char *insert = g_strconcat (text, only ? " " : "", NULL);
  el_deletestr (editor, (int)g_utf8_strlen (line + from, -1));
  return el_insertstr (editor, insert) == 0 ? CC_REFRESH : CC_ERROR;
}

/* ---- History ---- */

static char *history_path (void)
{
  g_autofree char *folder = g_build_filename (g_get_user_state_dir (), "docent", NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    return NULL;
  return g_build_filename (folder, "history", NULL);
}

static void load_history (ChatInput *input, gboolean keep)
{
  HistEvent event;
  input->history = history_init ();
  history (input->history, &event, H_SETSIZE, MAX_HISTORY_LINES);
  history (input->history, &event, H_SETUNIQUE, 1);
  if (keep)
    input->history_path = history_path ();
  if (input->history_path != NULL)
    history (input->history, &event, H_LOAD, input->history_path);
}

/* Questions tell as much as documents: nobody else may read them. */
static void save_history (const ChatInput *input)
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

/* ---- Lines ---- */

static EditLine *editor_new (ChatInput *input)
{
  EditLine *editor = el_init ("docent", stdin, stdout, stderr);
  if (editor == NULL)
    return NULL;
  el_set (editor, EL_CLIENTDATA, input);
  el_set (editor, EL_PROMPT, prompt);
  el_set (editor, EL_EDITOR, "emacs");
  /* While a line is edited Ctrl-C empties it; while an answer is written it is a signal again. */
  el_set (editor, EL_SETTY, "-d", "-isig", NULL);
  el_set (editor, EL_BIND, "^C", "em-kill-line", NULL);
  el_set (editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_set (editor, EL_ADDFN, "docent-complete", "complete commands, documents, collections",
          complete);
  el_set (editor, EL_BIND, "\t", "docent-complete", NULL);
  el_set (editor, EL_HIST, history, input->history);
  el_source (editor, NULL);
  return editor;
}

ChatInput *cli_chat_input_new (gboolean keep_history, ChatComplete complete_line,
                               gpointer user_data)
{
  ChatInput *input = g_new0 (ChatInput, 1);
  input->complete = complete_line;
  input->user_data = user_data;
  if (!isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
    return input;
  load_history (input, keep_history);
  input->editor = editor_new (input);
  return input;
}

void cli_chat_input_free (ChatInput *input)
{
  if (input->editor != NULL)
    {
      save_history (input);
      el_end (input->editor);
    }
  if (input->history != NULL)
    history_end (input->history);
  g_free (input->history_path);
  free (input->line);
  g_free (input);
}

gboolean cli_chat_input_is_terminal (const ChatInput *input)
{
  return input->editor != NULL;
}

void cli_chat_input_keep_nothing (ChatInput *input)
{
  g_clear_pointer (&input->history_path, g_free);
}

static char *line_of_pipe (ChatInput *input)
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

static char *line_of_editor (ChatInput *input)
{
  el_resize (input->editor); /* the window may have changed during the answer */
  int length = 0;
  const char *line = el_gets (input->editor, &length);
  if (line == NULL || length <= 0)
    return NULL;
  return g_strstrip (g_strdup (line));
}

static void remember (const ChatInput *input, const char *text)
{
  HistEvent event;
  g_autofree char *line = g_strdelimit (g_strdup (text), "\n", ' ');
  if (input->history != NULL && *line != '\0')
    history (input->history, &event, H_ENTER, line);
}

char *cli_chat_input_next (ChatInput *input)
{
  g_autoptr (GString) text = g_string_new (NULL);
  input->goes_on = FALSE;
  while (TRUE)
    {
      g_autofree char *line = input->editor != NULL ? line_of_editor (input) : line_of_pipe (input);
      if (line == NULL && !input->goes_on)
        return NULL;
      const gboolean more = line != NULL && g_str_has_suffix (line, "\\");
      if (more)
        line[strlen (line) - 1] = '\0';
      if (line != NULL)
        g_string_append_printf (text, "%s%s", input->goes_on ? "\n" : "", line);
      input->goes_on = more;
      if (!more)
        break;
    }
  g_strstrip (text->str);
  remember (input, text->str);
  return g_strdup (text->str);
}

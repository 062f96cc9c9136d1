/* What the files of `docent chat` share: the lines that a person types (chat-input.c), and what
 * the commands that begin with a slash do (chat-commands.c). */
#pragma once

#include "cli-private.h"

/* ---- chat.c: the conversation ---- */

typedef struct
{
  CliOptions options; /* its model and collection are changed by /model and /collection */
  RagAskOptions ask_options;
  char *model, *collection; /* what OPTIONS points to after a change; NULL before */
  Rag *rag;
  RagChat *chat;
  gboolean is_private;   /* something that may leave no trace was asked: no history, no export */
  RagAnswer *last;       /* NULL before the first answer */
  RagScope last_scope;   /* what its question said of itself: "in:policy" */
  GPtrArray *answers; /* char*: question and answer as Markdown, for /export */
} ChatConversation;

/* Asks QUESTION, kept to OWN besides the options. A question that cannot be answered ends nothing: the
 * next one may. */
void cli_chat_ask (ChatConversation *conversation, const char *question, const RagScope *own);
/* Begins anew with what OPTIONS says by now; on failure the old conversation goes on. */
gboolean cli_chat_restart (ChatConversation *conversation, GError **error);

/* ---- chat-commands.c ---- */

/* Does what LINE, which begins with a slash, asks for. FALSE when it asks to leave. */
gboolean cli_chat_obey (ChatConversation *conversation, const char *line);
void cli_chat_print_commands (void);

/* ---- chat-complete.c ---- */

/* What the word at the end of LINE may become: commands at the line's beginning, then what the
 * command takes; elsewhere documents. ret_from: where that word begins, in bytes. Elements: char*,
 * sorted. */
GPtrArray *cli_chat_complete (const ChatConversation *conversation, const char *line,
                              gsize *ret_from);

typedef enum
{
  CHAT_TAKES_NOTHING,
  CHAT_TAKES_NUMBER,
  CHAT_TAKES_FILE,
  CHAT_TAKES_MODEL,
  CHAT_TAKES_COLLECTION,
} ChatTakes;

typedef struct
{
  const char *name, *arguments, *help;
  ChatTakes takes;
  void (*run) (ChatConversation *conversation, const char *argument); /* NULL: leave */
} ChatCommand;
extern const ChatCommand cli_chat_commands[]; /* ends with a NULL name */

/* ---- chat-input.c ---- */

typedef GPtrArray *(*ChatComplete) (const char *line, gsize *ret_from, gpointer user_data);

typedef struct _ChatInput ChatInput;
/* An editor when both ends are terminals, otherwise a pipe. */
ChatInput *cli_chat_input_new (gboolean keep_history, ChatComplete complete, gpointer user_data);
void cli_chat_input_free (ChatInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChatInput, cli_chat_input_free)
gboolean cli_chat_input_is_terminal (const ChatInput *input);
/* Nothing that was typed will be written. */
void cli_chat_input_keep_nothing (ChatInput *input);
/* The next question or command: lines that end with a backslash go on in the next one. NULL at the
 * end. */
char *cli_chat_input_next (ChatInput *input);

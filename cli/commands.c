/* The table of commands: what exists, how it is called, what runs it.
 *
 * `docent help`, the completions, the check of arguments and the tests are made from this table,
 * so that none of them can fall behind. To add a command: a line here, a file named after it, a
 * man page and a shell test of the same name. */
#include <string.h>

#include "cli-private.h"

#define ANY G_MAXUINT

const CliCommand cli_commands[] = {
  { "add", "PATH…", "read files or folders into the library; folders are remembered", 1, ANY,
    cli_add_options, cli_add, NULL },
  { "sync", "", "look again at what was added: new, changed and deleted files", 0, 0,
    cli_sync_options, cli_sync, NULL },
  { "search", "QUERY…", "find passages, best first", 1, ANY, cli_search_options, cli_search, NULL },
  { "ask", "QUESTION…", "answer from the documents, with pages, or say that they do not", 1, ANY,
    cli_ask_options, cli_ask, NULL },
  { "chat", "", "ask question after question", 0, 0, cli_chat_options, cli_chat, NULL },
  { "feed", "COMMAND", "subscribe to feeds and fetch what is new", 0, ANY, NULL, NULL,
    cli_feed_commands },
  { "digest", "", "what is new, as a few checked sentences per story", 0, 0, cli_digest_options,
    cli_digest, NULL },
  { "dossier", "DOCUMENT…", "a long document as a structured brief, with pages", 0, ANY,
    cli_dossier_options, cli_dossier, NULL },
  { "schedule", "digest|sync|feed|saved [-- OPTION…]", "let it run every day", 1, ANY, cli_schedule_options,
    cli_schedule, NULL },
  { "list", "", "show which documents are in the library", 0, 0, cli_list_options, cli_list, NULL },
  { "show", "DOCUMENT", "print what was read from a document, with its pages", 1, 1,
    cli_show_options, cli_show, NULL },
  { "forget", "DOCUMENT…", "remove documents from the library, never from the disk", 1, ANY,
    cli_forget_options, cli_forget, NULL },
  { "tag", "TAG DOCUMENT…", "mark documents or folders of documents", 2, ANY, cli_tag_options,
    cli_tag, NULL },
  { "collection", "COMMAND", "list collections, say who may read them, hold them back", 0, ANY, NULL, NULL,
    cli_collection_commands },
  { "models", "COMMAND", "list, fetch, inspect, convert and shrink language models", 0, ANY, NULL,
    NULL, cli_models_commands },
  { "saved", "COMMAND", "list answers that were saved, and tell when they change", 0, ANY, NULL, NULL,
    cli_saved_commands },
  { "feedback", "good|bad QUESTION…", "say whether an answer was good, and what is right", 2, ANY,
    cli_feedback_options, cli_feedback, NULL },
  { "eval", "COMMAND", "measure how good retrieval and answers are", 0, ANY, NULL, NULL,
    cli_eval_commands },
  { "calibrate", "", "learn on this library's own questions when to refuse", 0, 0,
    cli_calibrate_options, cli_calibrate, NULL },
  { "bench", "", "measure how fast this machine reads and writes", 0, 0, NULL, cli_bench, NULL },
  { "doctor", "", "check that everything is in place, and say what to do if not", 0, 0, NULL,
    cli_doctor, NULL },
  { "fsck", "", "check that the library is intact, and repair it", 0, 0, cli_fsck_options, cli_fsck,
    NULL },
  { "backup", "DIR", "copy the library to a new folder, checked", 1, 1, NULL, cli_backup, NULL },
  { "log", "", "show what was done to the library, and that the log is whole", 0, 0,
    cli_log_options, cli_log, NULL },
  { "help", "[COMMAND]", "explain a command", 0, 2, NULL, cli_help, NULL },
  { "completions", "bash|zsh|fish", "print a completion script for a shell", 1, 1, NULL,
    cli_completions, NULL },
  { NULL },
};

const CliCommand *cli_command_find (const CliCommand *table, const char *name)
{
  for (const CliCommand *command = table; command->name != NULL; command++)
    if (strcmp (command->name, name) == 0)
      return command;
  return NULL;
}

/* Insertions, deletions, substitutions and swaps of neighbours between A and B (the optimal string
 * alignment distance; Damerau 1964), both shorter than 32 bytes. */
static guint edit_distance (const char *a, const char *b)
{
  guint rows[33][33];
  const gsize n = strlen (a), m = strlen (b);
  for (guint i = 0; i <= n; i++)
    for (guint j = 0; j <= m; j++)
      {
        if (i == 0 || j == 0)
          {
            rows[i][j] = i + j;
            continue;
          }
        const guint substitution = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
        rows[i][j] = MIN (substitution, MIN (rows[i - 1][j], rows[i][j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          rows[i][j] = MIN (rows[i][j], rows[i - 2][j - 2] + 1);
      }
  return rows[n][m];
}

const CliCommand *cli_command_nearest (const CliCommand *table, const char *name)
{
  if (strlen (name) > 32)
    return NULL;
  g_autofree char *lower = g_ascii_strdown (name, -1);
  const CliCommand *best = NULL;
  guint best_distance = 3;
  for (const CliCommand *command = table; command->name != NULL; command++)
    {
      const gboolean begins = strlen (lower) >= 2 && g_str_has_prefix (command->name, lower);
      const guint distance = begins ? 1 : edit_distance (command->name, lower);
      if (distance < best_distance && distance < strlen (command->name))
        {
          best = command;
          best_distance = distance;
        }
    }
  return best;
}

/* What the Tab key may make of a half-typed word in `docent chat`.
 *
 * At the line's beginning the commands, behind a command what it takes (models, collections, file
 * names), in a question the names of documents. In: the line up to the cursor. Out: the words that
 * begin like its last one, in whatever case. */
#include <string.h>

#include "chat-private.h"

static gint compare_words (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static gboolean begins_with (const char *word, const char *typed)
{
  g_autofree char *word_folded = g_utf8_casefold (word, -1);
  g_autofree char *typed_folded = g_utf8_casefold (typed, -1);
  return g_str_has_prefix (word_folded, typed_folded);
}

static void offer (GPtrArray *words, const char *word, const char *typed)
{
  if (begins_with (word, typed) && !g_ptr_array_find_with_equal_func (words, word, g_str_equal, NULL))
    g_ptr_array_add (words, g_strdup (word));
}

static void offer_commands (GPtrArray *words, const char *typed)
{
  for (const ChatCommand *command = cli_chat_commands; command->name != NULL; command++)
    offer (words, command->name, typed);
}

static void offer_library (const ChatConversation *conversation, gboolean collections,
                           GPtrArray *words, const char *typed)
{
  const char *within = collections ? NULL : conversation->options.collection;
  g_autoptr (GPtrArray) documents = rag_list (conversation->rag, within, NULL);
  for (guint i = 0; documents != NULL && i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *name = g_path_get_basename (document->path);
      offer (words, collections ? document->collection : name, typed);
    }
}

static void offer_files (GPtrArray *words, const char *typed)
{
  const char *slash = strrchr (typed, '/');
  g_autofree char *folder = slash != NULL ? g_strndup (typed, slash - typed + 1) : g_strdup ("");
  g_autoptr (GDir) dir = g_dir_open (*folder != '\0' ? folder : ".", 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_strconcat (folder, name, NULL);
      if (g_utf8_validate (path, -1, NULL) && (*name != '.' || g_str_has_suffix (typed, "/.")))
        offer (words, path, typed);
    }
}

static void offer_models (const ChatConversation *conversation, GPtrArray *words, const char *typed)
{
  g_autoptr (GPtrArray) names = cli_generator_names (&conversation->options);
  for (guint i = 0; i < names->len; i++)
    offer (words, g_ptr_array_index (names, i), typed);
}

static ChatTakes what_line_takes (const char *line)
{
  for (const ChatCommand *command = cli_chat_commands; command->name != NULL; command++)
    if (g_str_has_prefix (line, command->name) && line[strlen (command->name)] == ' ')
      return command->takes;
  return CHAT_TAKES_NOTHING;
}

GPtrArray *cli_chat_complete (const ChatConversation *conversation, const char *line,
                              gsize *ret_from)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  const char *space = strrchr (line, ' ');
  const char *typed = space != NULL ? space + 1 : line;
  *ret_from = typed - line;
  if (*line == '/' && space == NULL)
    offer_commands (words, typed);
  else if (*line != '/' && *typed != '\0')
    offer_library (conversation, FALSE, words, typed);
  else if (*line == '/')
    switch (what_line_takes (line))
      {
      case CHAT_TAKES_FILE:
        offer_files (words, typed);
        break;
      case CHAT_TAKES_MODEL:
        offer_models (conversation, words, typed);
        break;
      case CHAT_TAKES_COLLECTION:
        offer_library (conversation, TRUE, words, typed);
        break;
      case CHAT_TAKES_NUMBER:
      case CHAT_TAKES_NOTHING:
        break;
      }
  g_ptr_array_sort (words, compare_words);
  return words;
}

/* Turns a command line into what to run: general options, command, its options, its arguments.
 *
 * General options may stand before or after the command's name. So the line is read in steps: up
 * to the next word that is no option with the general ones only, that word looked up in the table,
 * then the rest with the command's own options too. Nothing is guessed; what cannot be understood
 * is one sentence and exit code 2. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli-private.h"
#include "engine/engine.h"

static CliOptions given;
static char *mem_text;
static gboolean want_help, want_version;

const GOptionEntry cli_global_options[] = {
  { "library", 0, 0, G_OPTION_ARG_FILENAME, &given.library_dir,
    "use the library in DIR (default: ~/.local/share/docent)", "DIR" },
  { "collection", 'c', 0, G_OPTION_ARG_FILENAME, &given.collection,
    "keep to the documents of one collection", "NAME" },
  { "as", 0, 0, G_OPTION_ARG_FILENAME, &given.role,
    "see only the collections that ROLE may read", "ROLE" },
  { "model", 'm', 0, G_OPTION_ARG_FILENAME, &given.model,
    "write answers with this model: a name from 'docent models list' or a file", "MODEL" },
  { "adapter", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given.adapters,
    "write with this LoRA adapter, a GGUF file or PEFT folder; may be repeated", "PATH[=SCALE]" },
  { "encoder", 0, 0, G_OPTION_ARG_FILENAME, &given.encoder,
    "compare meanings with this encoder: a name or a file", "MODEL" },
  { "rerank", 0, 0, G_OPTION_ARG_FILENAME, &given.reranker,
    "let this cross-encoder put the best passages in order: a name or a file", "MODEL" },
  { "rerank-ms", 0, 0, G_OPTION_ARG_INT, &given.rerank_ms,
    "give it N milliseconds a question (default: 1000)", "N" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &given.threads,
    "use at most N processors (default: all that this process may use)", "N" },
  { "mem", 0, 0, G_OPTION_ARG_FILENAME, &mem_text,
    "do not load more model than fits in SIZE, such as 2G", "SIZE" },
  { "kv-cache", 0, 0, G_OPTION_ARG_FILENAME, &given.kv_cache,
    "remember text in TYPE: f16, or q8_0 for half the memory (default: f16)", "TYPE" },
  { "private", 0, 0, G_OPTION_ARG_NONE, &given.keep_nothing,
    "let nothing of what is asked and answered reach the disk", NULL },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &given.json, "print the result as JSON", NULL },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &given.quiet, "print results and errors only", NULL },
  { "plain", 0, 0, G_OPTION_ARG_NONE, &given.plain,
    "no colours, nothing redrawn, lines whole: for screen readers", NULL },
  { "verbose", 'v', 0, G_OPTION_ARG_NONE, &given.verbose, "print more: paths, scores, timings",
    NULL },
  { "help", 'h', 0, G_OPTION_ARG_NONE, &want_help, "explain the command", NULL },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &want_version, "print the version", NULL },
  { NULL },
};

gboolean cli_parse_bytes (const char *text, guint64 *ret_bytes, GError **error)
{
  static const char units[] = "KMGT";
  char *end;
  errno = 0;
  const double value = g_ascii_strtod (text, &end);
  const char *unit = *end != '\0' ? strchr (units, g_ascii_toupper (*end)) : NULL;
  const double factor
      = unit != NULL ? (double)(G_GUINT64_CONSTANT (1) << (10 * (unit - units + 1))) : 1.0;
  const char *rest = unit != NULL ? end + 1 : end;
  if (g_ascii_strcasecmp (rest, "iB") == 0 || g_ascii_strcasecmp (rest, "B") == 0)
    rest = "";
  const double bytes = value * factor;
  if (end == text || *rest != '\0' || errno != 0 || !(bytes >= 1) || bytes >= 0x1p63)
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                   "“%s” is not a size; write it like 512M or 2G", text);
      return FALSE;
    }
  *ret_bytes = (guint64)bytes;
  return TRUE;
}

/* Takes the options of ENTRIES out of *ARGV. UNTIL_WORD: stops at the first word that is none. */
static gboolean parse_options (char ***argv, const GOptionEntry *own, gboolean until_word,
                               GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, until_word);
  g_option_context_add_main_entries (context, cli_global_options, NULL);
  if (own != NULL)
    g_option_context_add_main_entries (context, own, NULL);
  g_autoptr (GError) reason = NULL;
  if (g_option_context_parse_strv (context, argv, &reason))
    return TRUE;
  g_autofree char *message = g_utf8_make_valid (reason->message, -1);
  if (message[0] != '\0' && g_ascii_islower (message[1]))
    message[0] = g_ascii_tolower (message[0]);
  g_set_error_literal (error, CLI_ERROR, CLI_ERROR_USAGE, message);
  return FALSE;
}

/* Removes the word after the program's name from ARGV. */
static char *take_word (char **argv)
{
  char *word = argv[1];
  for (guint i = 1; argv[i] != NULL; i++)
    argv[i] = argv[i + 1];
  return word;
}

static gboolean unknown_command (const CliCommand *table, const char *parent, const char *word,
                                 GError **error)
{
  const CliCommand *nearest = cli_command_nearest (table, word);
  g_autofree char *safe = cli_escape_line (word);
  g_autofree char *name
      = *parent != '\0' ? g_strdup_printf ("%s %s", parent, safe) : g_strdup (safe);
  if (nearest != NULL)
    g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                 "there is no command “%s”; did you mean “%s%s%s”?", name, parent,
                 *parent != '\0' ? " " : "", nearest->name);
  else
    g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "there is no command “%s”", name);
  return FALSE;
}

/* Follows the command words at the front of *ARGV through the table. On failure ret->name says
 * how far it came, so that the error can point to the right help. */
static gboolean find_command (char ***argv, CliInvocation *ret, GError **error)
{
  const CliCommand *table = cli_commands;
  while (table != NULL)
    {
      if (!parse_options (argv, NULL, TRUE, error))
        return FALSE;
      if ((*argv)[1] == NULL)
        return TRUE;
      g_autofree char *word = take_word (*argv);
      const CliCommand *command = cli_command_find (table, word);
      if (command == NULL)
        return unknown_command (table, ret->name, word, error);
      g_autofree char *before = ret->name;
      ret->name = *before != '\0' ? g_strdup_printf ("%s %s", before, command->name)
                                  : g_strdup (command->name);
      ret->command = command;
      table = command->commands;
    }
  return parse_options (argv, ret->command->options, FALSE, error);
}

static gboolean check_arguments (const CliInvocation *invocation, GError **error)
{
  const CliCommand *command = invocation->command;
  const guint n = g_strv_length (invocation->arguments);
  if (command->commands != NULL)
    {
      g_autoptr (GString) names = g_string_new (NULL);
      for (const CliCommand *c = command->commands; c->name != NULL; c++)
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", c->name);
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "%s needs to know what to do: %s",
                   invocation->name, names->str);
      return FALSE;
    }
  if (n < command->min_arguments)
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "%s needs %s", invocation->name,
                   command->arguments);
      return FALSE;
    }
  if (n > command->max_arguments)
    {
      g_autofree char *extra = cli_escape_line (invocation->arguments[command->max_arguments]);
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "%s does not take the argument “%s”",
                   invocation->name, extra);
      return FALSE;
    }
  return TRUE;
}

static gboolean check_general_options (CliOptions *options, GError **error)
{
  if (options->quiet && options->verbose)
    {
      g_set_error_literal (error, CLI_ERROR, CLI_ERROR_USAGE,
                           "--quiet and --verbose exclude each other");
      return FALSE;
    }
  if (options->threads < 0 || options->threads > 1024)
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                   "--threads takes a number from 1 to 1024, not %d", options->threads);
      return FALSE;
    }
  if (options->rerank_ms < 0 || options->rerank_ms > 600000)
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                   "--rerank-ms takes a number from 1 to 600000, not %d", options->rerank_ms);
      return FALSE;
    }
  EngineKvType ignored;
  if (options->kv_cache != NULL && !engine_kv_type_parse (options->kv_cache, &ignored))
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "--kv-cache is f16, q8_0 or f32, not “%s”",
                   options->kv_cache);
      return FALSE;
    }
  return mem_text == NULL || cli_parse_bytes (mem_text, &options->mem_bytes, error);
}

/* A file name may be any bytes, but what we store and print is text. */
static gboolean check_utf8 (int argc, char **argv, GError **error)
{
  for (int i = 1; i < argc; i++)
    if (!g_utf8_validate (argv[i], -1, NULL))
      {
        g_autofree char *safe = cli_escape_line (argv[i]);
        g_autofree char *shown = cli_shorten (safe, 60);
        g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
                     "argument %d, “%s”, is not UTF-8; convert it, or rename the file", i, shown);
        return FALSE;
      }
  return TRUE;
}

gboolean cli_parse (int argc, char **argv, CliInvocation *ret_invocation, GError **error)
{
  ret_invocation->name = g_strdup ("");
  if (!check_utf8 (argc, argv, error))
    return FALSE;
  g_auto (GStrv) words = g_strdupv (argv);
  if (!find_command (&words, ret_invocation, error))
    return FALSE;
  ret_invocation->help = want_help;
  ret_invocation->version = want_version;
  ret_invocation->arguments = g_strdupv (words[0] != NULL ? words + 1 : words);
  if (want_help || want_version)
    return TRUE;
  if (ret_invocation->command != NULL && !check_arguments (ret_invocation, error))
    return FALSE;
  ret_invocation->options = given;
  given = (CliOptions){ 0 };
  CliOptions *options = &ret_invocation->options;
  options->colour = isatty (STDOUT_FILENO) && !options->json && !options->plain
                    && (g_getenv ("NO_COLOR") == NULL || *g_getenv ("NO_COLOR") == '\0')
                    && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  options->interactive
      = isatty (STDERR_FILENO) && !options->plain && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  return check_general_options (options, error);
}

void cli_invocation_clear (CliInvocation *invocation)
{
  CliOptions *options = &invocation->options;
  g_clear_pointer (&options->library_dir, g_free);
  g_clear_pointer (&options->models_dir, g_free);
  g_clear_pointer (&options->collection, g_free);
  g_clear_pointer (&options->model, g_free);
  g_clear_pointer (&options->encoder, g_free);
  g_clear_pointer (&options->reranker, g_free);
  g_clear_pointer (&options->adapters, g_strfreev);
  g_clear_pointer (&options->kv_cache, g_free);
  g_clear_pointer (&options->role, g_free);
  g_clear_pointer (&options->tone, g_free);
  g_clear_pointer (&options->escalate, g_free);
  g_clear_pointer (&invocation->name, g_free);
  g_clear_pointer (&invocation->arguments, g_strfreev);
}

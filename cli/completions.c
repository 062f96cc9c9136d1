/* Prints a completion script for bash, zsh or fish, made from the table of commands.
 *
 * Each script completes commands, their options, and file names elsewhere. The words are written
 * into the script, so that pressing Tab never starts the program. */
#include <string.h>

#include "cli-private.h"

static void append_options (GString *out, const GOptionEntry *entries)
{
  for (const GOptionEntry *entry = entries; entry != NULL && entry->long_name != NULL; entry++)
    g_string_append_printf (out, "%s--%s", out->len > 0 ? " " : "", entry->long_name);
}

static char *option_words (const GOptionEntry *own)
{
  GString *words = g_string_new (NULL);
  append_options (words, own);
  append_options (words, cli_global_options);
  return g_string_free (words, FALSE);
}

static char *command_words (const CliCommand *table)
{
  GString *words = g_string_new (NULL);
  for (const CliCommand *command = table; command->name != NULL; command++)
    g_string_append_printf (words, "%s%s", words->len > 0 ? " " : "", command->name);
  return g_string_free (words, FALSE);
}

/* One branch of `case "$command"` for each command and each command below it. */
static void print_bash_cases (const CliCommand *table, const char *parent)
{
  for (const CliCommand *command = table; command->name != NULL; command++)
    {
      g_autofree char *name
          = g_strdup_printf ("%s%s%s", parent, *parent != '\0' ? " " : "", command->name);
      g_autofree char *options = option_words (command->options);
      g_autofree char *below
          = command->commands != NULL ? command_words (command->commands) : g_strdup ("");
      printf ("    '%s') words='%s' options='%s' ;;\n", name, below, options);
      if (command->commands != NULL)
        print_bash_cases (command->commands, name);
    }
}

static void print_bash (void)
{
  g_autofree char *names = command_words (cli_commands);
  g_autofree char *globals = option_words (NULL);
  printf ("# bash completion for docent; put it into ~/.local/share/bash-completion/completions/\n"
          "_docent ()\n"
          "{\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} command='' word words='%s' options='%s'\n"
          "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "    case \" $words \" in *\" $word \"*) ;; *) continue ;; esac\n"
          "    command=${command:+$command }$word\n"
          "    case $command in\n",
          names, globals);
  print_bash_cases (cli_commands, "");
  fputs ("    esac\n"
         "  done\n"
         "  if [[ $command == help ]]; then words=$(_docent_commands); fi\n"
         "  if [[ $current == -* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
         "  elif [[ -n $words ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
         "  fi\n"
         "}\n",
         stdout);
  printf ("_docent_commands () { echo '%s'; }\n"
          "complete -o filenames -F _docent docent\n",
          names);
}

/* Zsh: 'name:help' in single quotes. */
static char *zsh_item (const char *name, const char *help)
{
  g_auto (GStrv) quotes = g_strsplit (help, "'", -1);
  g_autofree char *quoted = g_strjoinv ("'\\''", quotes);
  return g_strdup_printf ("'%s:%s'", name, quoted);
}

static void print_zsh_options (const GOptionEntry *entries)
{
  for (const GOptionEntry *entry = entries; entry != NULL && entry->long_name != NULL; entry++)
    {
      g_autofree char *flag = g_strdup_printf ("--%s", entry->long_name);
      g_autofree char *item = zsh_item (flag, entry->description);
      printf (" %s", item);
    }
}

static void print_zsh_cases (const CliCommand *table, const char *parent)
{
  for (const CliCommand *command = table; command->name != NULL; command++)
    {
      g_autofree char *name
          = g_strdup_printf ("%s%s%s", parent, *parent != '\0' ? " " : "", command->name);
      printf ("      '%s') items=(", name);
      for (const CliCommand *c = command->commands; c != NULL && c->name != NULL; c++)
        {
          g_autofree char *item = zsh_item (c->name, c->help);
          printf (" %s", item);
        }
      fputs (" ) options=(", stdout);
      print_zsh_options (command->options);
      fputs (" ) ;;\n", stdout);
      if (command->commands != NULL)
        print_zsh_cases (command->commands, name);
    }
}

static void print_zsh (void)
{
  fputs ("#compdef docent\n"
         "_docent () {\n"
         "  local command='' word\n"
         "  local -a items options globals\n"
         "  globals=(",
         stdout);
  print_zsh_options (cli_global_options);
  fputs (" )\n  items=(", stdout);
  for (const CliCommand *command = cli_commands; command->name != NULL; command++)
    {
      g_autofree char *item = zsh_item (command->name, command->help);
      printf (" %s", item);
    }
  fputs (" )\n"
         "  for word in ${words[2,CURRENT-1]}; do\n"
         "    (( ${items[(I)$word:*]} )) || continue\n"
         "    command=${command:+$command }$word\n"
         "    case $command in\n",
         stdout);
  print_zsh_cases (cli_commands, "");
  fputs ("    esac\n"
         "  done\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    _describe option options -- globals\n"
         "  elif (( ${#items} )); then\n"
         "    _describe command items\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "_docent \"$@\"\n",
         stdout);
}

/* Fish: text in single quotes, where only \ and ' need care. */
static char *fish_quote (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "'", -1);
  g_autofree char *joined = g_strjoinv ("\\'", parts);
  return g_strdup_printf ("'%s'", joined);
}

static void print_fish_options (const GOptionEntry *entries, const char *condition)
{
  for (const GOptionEntry *entry = entries; entry != NULL && entry->long_name != NULL; entry++)
    {
      g_autofree char *help = fish_quote (entry->description);
      printf ("complete -c docent%s -l %s%s -d %s\n", condition, entry->long_name,
              entry->arg == G_OPTION_ARG_NONE ? "" : " -r", help);
    }
}

static void print_fish_commands (const CliCommand *table, const char *parent)
{
  g_autofree char *siblings = command_words (table);
  for (const CliCommand *command = table; command->name != NULL; command++)
    {
      g_autofree char *help = fish_quote (command->help);
      if (*parent == '\0')
        printf ("complete -c docent -n __fish_use_subcommand -f -a %s -d %s\n", command->name,
                help);
      else
        printf ("complete -c docent -n '__fish_seen_subcommand_from %s; and not "
                "__fish_seen_subcommand_from %s' -f -a %s -d %s\n",
                parent, siblings, command->name, help);
      g_autofree char *condition
          = *parent == '\0'
                ? g_strdup_printf (" -n '__fish_seen_subcommand_from %s'", command->name)
                : g_strdup_printf (" -n '__fish_seen_subcommand_from %s; and "
                                   "__fish_seen_subcommand_from %s'",
                                   parent, command->name);
      print_fish_options (command->options, condition);
      if (command->commands != NULL)
        print_fish_commands (command->commands, command->name);
    }
}

CliExit cli_completions (const CliOptions *options, int argc, char **argv)
{
  if (strcmp (argv[0], "bash") == 0)
    print_bash ();
  else if (strcmp (argv[0], "zsh") == 0)
    print_zsh ();
  else if (strcmp (argv[0], "fish") == 0)
    {
      print_fish_options (cli_global_options, "");
      print_fish_commands (cli_commands, "");
    }
  else
    return cli_usage ("completions", "there are completions for bash, zsh and fish, not for “%s”",
                      argv[0]);
  return CLI_DONE;
}

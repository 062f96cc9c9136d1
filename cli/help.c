/* Explains commands: the list of all of them, or how one is called.
 *
 * On a terminal `docent help COMMAND` opens the installed man page; elsewhere, and with --help,
 * usage and options are printed from the table that the options are parsed with. */
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

#define COLUMN 28

/* "  -c, --collection=NAME" and its help, which starts at COLUMN. */
static void print_option (FILE *out, const GOptionEntry *entry)
{
  g_autoptr (GString) left = g_string_new ("  ");
  if (entry->short_name != 0)
    g_string_append_printf (left, "-%c, ", entry->short_name);
  else
    g_string_append (left, "    ");
  g_string_append_printf (left, "--%s", entry->long_name);
  if (entry->arg_description != NULL)
    g_string_append_printf (left, " %s", entry->arg_description);
  fprintf (out, "%-*s  %s\n", COLUMN, left->str, entry->description);
}

static void print_options (FILE *out, const char *title, const GOptionEntry *entries)
{
  if (entries == NULL || entries->long_name == NULL)
    return;
  fprintf (out, "\n%s:\n", title);
  for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++)
    print_option (out, entry);
}

static void print_commands (FILE *out, const CliCommand *table)
{
  for (const CliCommand *command = table; command->name != NULL; command++)
    {
      g_autofree char *left = g_strdup_printf ("  %s %s", command->name, command->arguments);
      const guint width = cli_text_width (left);
      fprintf (out, "%s%*s  %s\n", left, width < COLUMN ? (int)(COLUMN - width) : 0, "",
               command->help);
    }
}

static void print_overview (FILE *out)
{
  fputs ("docent answers questions from your own documents, on your own machine.\n\n"
         "Usage: docent COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n",
         out);
  print_commands (out, cli_commands);
  print_options (out, "Options of all commands, before or after the command", cli_global_options);
  fputs ("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 refused or nothing found,\n"
         "4 partly done (each file that failed is named).\n\n"
         "Start with:  docent models fetch\n"
         "             docent add ~/Documents\n"
         "             docent ask \"your question\"\n",
         out);
}

void cli_help_print (FILE *out, const CliCommand *command, const char *name)
{
  if (command == NULL)
    {
      print_overview (out);
      return;
    }
  fprintf (out, "docent %s: %s\n\nUsage: docent %s%s%s%s\n", name, command->help, name,
           command->options != NULL ? " [OPTION…]" : "", *command->arguments != '\0' ? " " : "",
           command->arguments);
  if (command->commands != NULL)
    {
      fputs ("\nCommands:\n", out);
      print_commands (out, command->commands);
    }
  print_options (out, "Options", command->options);
  print_options (out, "Options of all commands", cli_global_options);
}

/* Becomes man(1) showing the page of the top-level COMMAND; returns if that cannot be done. */
static void open_man_page (const char *command)
{
  g_autofree char *page
      = *command != '\0' ? g_strdup_printf ("docent-%s", command) : g_strdup ("docent");
  g_autofree char *file = g_strdup_printf ("%s/man1/%s.1", DOCENT_MANDIR, page);
  g_autofree char *packed = g_strconcat (file, ".gz", NULL);
  g_autofree char *man = g_find_program_in_path ("man");
  if (man == NULL || !isatty (STDOUT_FILENO))
    return;
  for (guint i = 0; i < 2; i++)
    {
      const char *path = i == 0 ? file : packed;
      if (access (path, R_OK) == 0)
        execl (man, "man", path, (char *)NULL);
    }
}

CliExit cli_help (const CliOptions *options, int argc, char **argv)
{
  const CliCommand *command = NULL;
  const CliCommand *table = cli_commands;
  g_autoptr (GString) name = g_string_new (NULL);
  for (int i = 0; i < argc; i++)
    {
      command = table != NULL ? cli_command_find (table, argv[i]) : NULL;
      if (command == NULL)
        {
          const CliCommand *nearest = table != NULL ? cli_command_nearest (table, argv[i]) : NULL;
          g_autofree char *safe = cli_escape_line (argv[i]);
          if (nearest != NULL)
            return cli_usage ("", "there is no command “%s”; did you mean “%s”?", safe,
                              nearest->name);
          return cli_usage ("", "there is no command “%s”", safe);
        }
      g_string_append_printf (name, "%s%s", i > 0 ? " " : "", command->name);
      table = command->commands;
    }
  open_man_page (argc > 0 ? argv[0] : "");
  cli_help_print (stdout, command, name->str);
  return CLI_DONE;
}

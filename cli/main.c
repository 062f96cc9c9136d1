/* docent: starts here, finds the command, runs it, and turns the outcome into an exit code.
 *
 * All messages for people that are not results leave through this file, each one sentence after
 * "docent: ". A reader that goes away (docent list | head) ends the program quietly; output that
 * cannot be written (a full disk) is a failure. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

G_DEFINE_QUARK (cli - error - quark, cli_error)

static void print_message (const char *message)
{
  g_autofree char *safe = cli_escape_text (message);
  fflush (stdout);
  fprintf (stderr, "docent: %s\n", safe);
}

void cli_warn (const char *format, ...)
{
  va_list values;
  va_start (values, format);
  g_autofree char *message = g_strdup_vprintf (format, values);
  va_end (values);
  print_message (message);
}

void cli_note (const CliOptions *options, const char *format, ...)
{
  if (options->quiet)
    return;
  va_list values;
  va_start (values, format);
  g_autofree char *message = g_strdup_vprintf (format, values);
  va_end (values);
  g_autofree char *safe = cli_escape_text (message);
  fflush (stdout);
  fprintf (stderr, "%s\n", safe);
}

CliExit cli_fail (const GError *error)
{
  print_message (error->message);
  const gboolean usage = g_error_matches (error, CLI_ERROR, CLI_ERROR_USAGE)
                         || g_error_matches (error, RAG_ERROR, RAG_ERROR_INPUT);
  return usage ? CLI_USAGE : CLI_FAILED;
}

static CliExit usage_message (const char *command, const char *message)
{
  const gboolean sentence = g_str_has_suffix (message, ".") || g_str_has_suffix (message, "?");
  g_autofree char *whole
      = g_strdup_printf ("%s%s docent help%s%s", message, sentence ? " See" : "; see",
                         *command != '\0' ? " " : "", command);
  print_message (whole);
  return CLI_USAGE;
}

CliExit cli_usage (const char *command, const char *format, ...)
{
  va_list values;
  va_start (values, format);
  g_autofree char *message = g_strdup_vprintf (format, values);
  va_end (values);
  return usage_message (command, message);
}

static CliExit run (CliInvocation *invocation)
{
  if (invocation->version)
    {
      puts ("docent " DOCENT_VERSION);
      return CLI_DONE;
    }
  if (invocation->help)
    {
      cli_help_print (stdout, invocation->command, invocation->name);
      return CLI_DONE;
    }
  if (invocation->command == NULL)
    {
      cli_help_print (stderr, NULL, "");
      return CLI_USAGE;
    }
  cli_deny_network (invocation->name);
  g_autoptr (GError) error = NULL;
  if (!cli_config_apply (&invocation->options, &error))
    return cli_fail (error);
  return invocation->command->run (&invocation->options, (int)g_strv_length (invocation->arguments),
                                   invocation->arguments);
}

/* What was printed must have arrived, or scripts would take half a result for a whole one. */
static CliExit finish (CliExit code)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return code;
  if (errno == EPIPE)
    return code;
  cli_warn ("the result could not be written: %s", g_strerror (errno));
  return CLI_FAILED;
}

/* Text is UTF-8 whatever the locale; libedit needs one that agrees. Numbers stay as in C. */
static void set_locale (void)
{
  setlocale (LC_CTYPE, "");
  if (strcmp (nl_langinfo (CODESET), "UTF-8") != 0)
    setlocale (LC_CTYPE, "C.UTF-8");
}

int main (int argc, char **argv)
{
  set_locale ();
  signal (SIGPIPE, SIG_DFL);
  CliInvocation invocation = { 0 };
  g_autoptr (GError) error = NULL;
  CliExit code;
  if (!cli_parse (argc, argv, &invocation, &error))
    code = usage_message (invocation.name, error->message);
  else
    code = run (&invocation);
  cli_invocation_clear (&invocation);
  return finish (code);
}

/* Opens a document where it was cited: the reader's own program, at the page.
 *
 * In: a path and a page. Out: a process of its own that outlives ours. xdg-open knows which program
 * to take but not how to tell it a page, so the viewers that can be told are tried first for a PDF.
 * $DOCENT_VIEWER overrides all: a command in which %f is the file and %p the page. */
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

typedef struct
{
  const char *program, *page_option;
} Viewer;

static const Viewer pdf_viewers[] = {
  { "evince", "--page-index" },
  { "papers", "--page-index" },
  { "okular", "--page" },
  { "zathura", "--page" },
};

static void leave_terminal (gpointer data)
{
  setsid (); /* Ctrl-C on our terminal is not meant for the viewer */
}

static gboolean start (char **argv, GError **error)
{
  g_autoptr (GError) reason = NULL;
  const GSpawnFlags flags
      = G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL;
  if (g_spawn_async (NULL, argv, NULL, flags, leave_terminal, NULL, NULL, &reason))
    return TRUE;
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "%s could not be started: %s", argv[0],
               reason->message);
  return FALSE;
}

/* $DOCENT_VIEWER is split into words before a file name is put in: no name can add one. */
static gboolean start_own (const char *command, const char *path, const char *page, GError **error)
{
  g_auto (GStrv) words = NULL;
  if (!g_shell_parse_argv (command, NULL, &words, NULL))
    {
      g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED,
                   "DOCENT_VIEWER is not a command: “%s”; write it like evince -i %%p %%f", command);
      return FALSE;
    }
  for (guint i = 0; words[i] != NULL; i++)
    {
      char *word = words[i];
      if (strcmp (word, "%f") == 0 || strcmp (word, "%p") == 0)
        {
          words[i] = g_strdup (word[1] == 'f' ? path : page);
          g_free (word);
        }
    }
  return start (words, error);
}

static gboolean is_pdf (const char *path)
{
  g_autofree char *lower = g_ascii_strdown (path, -1);
  return g_str_has_suffix (lower, ".pdf");
}

gboolean cli_view (const char *path, guint page, GError **error)
{
  const char *own = g_getenv ("DOCENT_VIEWER");
  g_autofree char *number = g_strdup_printf ("%u", MAX (page, 1));
  if (own != NULL && *own != '\0')
    return start_own (own, path, number, error);
  for (guint i = 0; is_pdf (path) && i < G_N_ELEMENTS (pdf_viewers); i++)
    {
      g_autofree char *program = g_find_program_in_path (pdf_viewers[i].program);
      g_autofree char *option = g_strdup_printf ("%s=%s", pdf_viewers[i].page_option, number);
      char *argv[] = { program, option, (char *)path, NULL };
      if (program != NULL)
        return start (argv, error);
    }
  g_autofree char *program = g_find_program_in_path ("xdg-open");
  char *argv[] = { program, (char *)path, NULL };
  if (program != NULL)
    return start (argv, error);
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED,
               "there is no viewer for page %s of %s; install evince, or set DOCENT_VIEWER", number,
               path);
  return FALSE;
}

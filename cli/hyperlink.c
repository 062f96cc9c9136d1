/* Makes names clickable in terminals that can do it (OSC 8).
 *
 * In: a document and a page. Out: the escape sequence that begins a link to it, or nothing where a
 * terminal might print the sequence as text. There is no terminfo capability to ask, so terminals
 * are known by what they put into the environment; FORCE_HYPERLINK=1 or 0 decides for them. */
#include <string.h>

#include "cli-private.h"

static gboolean has (const char *name)
{
  const char *value = g_getenv (name);
  return value != NULL && *value != '\0';
}

static gboolean terminal_has_links (void)
{
  static const char *const marks[]
      = { "KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "WEZTERM_PANE" };
  const char *force = g_getenv ("FORCE_HYPERLINK");
  if (force != NULL && *force != '\0')
    return strcmp (force, "0") != 0;
  const char *vte = g_getenv ("VTE_VERSION"), *term = g_getenv ("TERM");
  if (vte != NULL && g_ascii_strtoull (vte, NULL, 10) >= 5000)
    return TRUE;
  if (term != NULL && (g_str_has_prefix (term, "foot") || g_str_has_prefix (term, "alacritty")))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
    if (has (marks[i]))
      return TRUE;
  return FALSE;
}

char *cli_link_begin (const CliOptions *options, const char *document, guint page)
{
  if (!options->colour || !terminal_has_links ())
    return g_strdup ("");
  g_autofree char *uri = strstr (document, "://") != NULL
                             ? g_uri_escape_string (document, ":/?#[]@!$&'()*+,;=%", FALSE)
                             : g_filename_to_uri (document, NULL, NULL);
  if (uri == NULL)
    return g_strdup ("");
  if (page > 1)
    return g_strdup_printf ("\033]8;;%s#page=%u\033\\", uri, page);
  return g_strdup_printf ("\033]8;;%s\033\\", uri);
}

const char *cli_link_end (const char *begin)
{
  return *begin != '\0' ? "\033]8;;\033\\" : "";
}

/* The editor's step: accept, edit or drop each statement before it goes out.
 *
 * In: a brief. Out: the same with what a person left of it, from a file in $VISUAL or $EDITOR. The
 * file has one line per statement with its number; a line that is gone is dropped, one that was
 * changed keeps its citations, because whoever changed it answers for it. */
#include <string.h>
#include <unistd.h>

#include "brief-private.h"

static const char explanation[]
    = "# Delete a line to drop it, change its text to edit it, keep the number before it.\n"
      "# Lines that begin with # are not sent. Delete everything to send nothing.\n";

static char *text_of (const RagBrief *brief)
{
  g_autoptr (GString) out = g_string_new (explanation);
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      g_autofree char *title = cli_escape_line (section->title);
      g_string_append_printf (out, "\n# %s\n", title);
      for (guint p = 0; p < section->points->len; p++)
        {
          const RagPoint *point = g_ptr_array_index (section->points, p);
          g_autofree char *line = cli_escape_line (point->text);
          g_string_append_printf (out, "%u.%u %s\n", s + 1, p + 1, line);
          for (guint c = 0; c < point->citations->len; c++)
            {
              g_autofree char *place
                  = cli_citation_place (g_ptr_array_index (point->citations, c));
              g_string_append_printf (out, "#     %s\n", place);
            }
        }
    }
  return g_strdup (out->str);
}

static gboolean edit (const char *path, GError **error)
{
  const char *editor = g_getenv ("VISUAL") != NULL ? g_getenv ("VISUAL") : g_getenv ("EDITOR");
  g_auto (GStrv) words = NULL;
  if (!g_shell_parse_argv (editor != NULL && *editor != '\0' ? editor : "vi", NULL, &words, error))
    return FALSE;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_strv_builder_addv (builder, (const char **)words);
  g_strv_builder_add (builder, path);
  g_auto (GStrv) argv = g_strv_builder_end (builder);
  int status = 0;
  const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN;
  return g_spawn_sync (NULL, argv, NULL, flags, NULL, NULL, NULL, NULL, &status, error)
         && g_spawn_check_wait_status (status, error);
}

/* What TEXT says of statement NUMBER ("2.1 "), or NULL when its line is gone. */
static char *line_of (char **lines, const char *number)
{
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], number))
      {
        char *text = g_strstrip (g_strdup (lines[i] + strlen (number)));
        if (*text != '\0')
          return text;
        g_free (text);
      }
  return NULL;
}

static void take_line (RagPoint *point, const char *line)
{
  g_autofree char *before = cli_escape_line (point->text);
  if (strcmp (before, line) == 0)
    return;
  g_free (point->text);
  point->text = g_strdup (line);
  point->quoted = FALSE;
}

static void apply (RagBrief *brief, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint s = brief->sections->len; s-- > 0;)
    {
      RagSection *section = g_ptr_array_index (brief->sections, s);
      for (guint p = section->points->len; p-- > 0;)
        {
          g_autofree char *number = g_strdup_printf ("%u.%u ", s + 1, p + 1);
          g_autofree char *line = line_of (lines, number);
          if (line != NULL)
            take_line (g_ptr_array_index (section->points, p), line);
          else
            g_ptr_array_remove_index (section->points, p);
        }
      /* Tomorrow's digest puts what is like it last. */
      if (section->points->len == 0)
        g_ptr_array_add (brief->dropped, g_ptr_array_steal_index (brief->sections, s));
    }
}

gboolean cli_brief_review (RagBrief *brief, GError **error)
{
  g_autofree char *path = NULL, *before = text_of (brief), *after = NULL;
  const int fd = g_file_open_tmp ("docent-review-XXXXXX", &path, error);
  if (fd < 0)
    return FALSE;
  close (fd);
  const gboolean ok = g_file_set_contents_full (path, before, -1, G_FILE_SET_CONTENTS_NONE, 0600,
                                                error)
                      && edit (path, error) && g_file_get_contents (path, &after, NULL, error);
  unlink (path);
  if (!ok)
    return FALSE;
  if (!g_utf8_validate (after, -1, NULL))
    {
      g_set_error_literal (error, CLI_ERROR, CLI_ERROR_FAILED, "the edited text is not UTF-8");
      return FALSE;
    }
  apply (brief, after);
  if (brief->sections->len > 0)
    return TRUE;
  g_set_error_literal (error, CLI_ERROR, CLI_ERROR_FAILED, "nothing was accepted, nothing is sent");
  return FALSE;
}

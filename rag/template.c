/* Templates of dossiers: which headings a brief has, and what belongs under each.
 *
 * In: the name of one of ours, or a key file that a user wrote. Out: headings in order. A mistake in
 * a user's file is named with file and group: a heading that silently finds nothing would look like
 * a document that says nothing. */
#include "rag/dossier-private.h"

#include <string.h>

#define DEFAULT_POINTS 3
#define MAX_POINTS 50
#define MAX_HEADINGS 60

static const char *const names[] = { "value", "study", "policy", "contract", "summary", NULL };

const char *const *rag_dossier_templates (void)
{
  return names;
}

char *rag_dossier_template (const char *name)
{
  if (!g_strv_contains (names, name))
    return NULL;
  g_autofree char *file = g_strdup_printf ("templates/%s.ini", name);
  return rag_load_text (file);
}

static void heading_free (gpointer data)
{
  RagHeading *heading = data;
  g_free (heading->title);
  g_free (heading->about);
  g_clear_pointer (&heading->match, g_regex_unref);
  g_free (heading);
}

void rag_template_free (RagTemplate *template)
{
  g_free (template->title);
  g_ptr_array_unref (template->headings);
  g_free (template);
}

static gboolean mistake (const char *name, const char *group, const char *problem, GError **error)
{
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "the template %s, [%s]: %s", name, group,
               problem);
  return FALSE;
}

static gboolean read_heading (GKeyFile *file, const char *name, const char *group,
                              RagHeading *heading, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree char *ask = g_key_file_get_string (file, group, "ask", NULL);
  /* Not g_key_file_get_string: the backslashes of an expression are its own. */
  g_autofree char *match = g_key_file_get_value (file, group, "match", NULL);
  g_autofree char *about = g_key_file_get_string (file, group, "about", NULL);
  const int points = g_key_file_get_integer (file, group, "points", NULL);
  heading->tables = g_key_file_get_boolean (file, group, "tables", NULL);
  if ((ask != NULL) + (match != NULL) + heading->tables != 1)
    return mistake (name, group, "it needs either ask or match or tables = true", error);
  if (g_key_file_has_key (file, group, "points", NULL) && (points < 1 || points > MAX_POINTS))
    return mistake (name, group, "points is a number from 1 to 50", error);
  heading->title = g_strdup (group);
  heading->about = g_strdup (ask != NULL ? ask : about != NULL ? about : group);
  heading->n_points = points > 0 ? points : DEFAULT_POINTS;
  if (match == NULL)
    return TRUE;
  heading->match = g_regex_new (match, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, &reason);
  return heading->match != NULL || mistake (name, group, reason->message, error);
}

static GKeyFile *load (const char *name, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  g_autofree char *own = rag_dossier_template (name);
  const gboolean ok = own != NULL
                          ? g_key_file_load_from_data (file, own, -1, G_KEY_FILE_NONE, &reason)
                          : g_key_file_load_from_file (file, name, G_KEY_FILE_NONE, &reason);
  if (ok)
    return g_steal_pointer (&file);
  g_autofree char *all = g_strjoinv (", ", (char **)names);
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "there is no template “%s” (%s); ours are %s, or name a file", name, reason->message,
               all);
  return NULL;
}

RagTemplate *rag_template_load (const char *name, GError **error)
{
  g_autoptr (GKeyFile) file = load (name, error);
  if (file == NULL)
    return NULL;
  g_autoptr (RagTemplate) template = g_new0 (RagTemplate, 1);
  template->title = g_key_file_get_string (file, "dossier", "title", NULL);
  template->headings = g_ptr_array_new_with_free_func (heading_free);
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL && i < MAX_HEADINGS; i++)
    if (strcmp (groups[i], "dossier") != 0)
      {
        RagHeading *heading = g_new0 (RagHeading, 1);
        g_ptr_array_add (template->headings, heading);
        if (!read_heading (file, name, groups[i], heading, error))
          return NULL;
      }
  if (template->headings->len == 0)
    {
      mistake (name, "dossier", "there are no headings", error);
      return NULL;
    }
  if (template->title == NULL)
    template->title = g_strdup ("Dossier");
  return g_steal_pointer (&template);
}

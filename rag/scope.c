/* Keeps search and answers to a part of the library.
 *
 * In come words for people, as options or in front of a query ("in:policy after:2024-01
 * lang:de …"), out goes what index understands. Dates are those of this machine's time zone. */
#include "rag/answer-private.h"

#include <string.h>

/* ---- Fields ---- */

static const struct
{
  const char *name, *key; /* in files, and before a query's value */
  gsize offset;
} fields[] = {
  { "collection", "in", G_STRUCT_OFFSET (RagScope, collection) },
  { "folder", "folder", G_STRUCT_OFFSET (RagScope, folder) },
  { "language", "lang", G_STRUCT_OFFSET (RagScope, language) },
  { "tag", "tag", G_STRUCT_OFFSET (RagScope, tag) },
  { "section", "section", G_STRUCT_OFFSET (RagScope, section) },
  { "after", "after", G_STRUCT_OFFSET (RagScope, after) },
  { "before", "before", G_STRUCT_OFFSET (RagScope, before) },
};

char **rag_scope_field (RagScope *scope, guint i, const char **ret_name)
{
  if (i >= G_N_ELEMENTS (fields))
    return NULL;
  if (ret_name != NULL)
    *ret_name = fields[i].name;
  return G_STRUCT_MEMBER_P (scope, fields[i].offset);
}

void rag_scope_clear (RagScope *scope)
{
  char **text;
  for (guint i = 0; (text = rag_scope_field (scope, i, NULL)) != NULL; i++)
    g_clear_pointer (text, g_free);
}

/* ---- Queries ---- */

/* Where the value of KEY goes; NULL: there is no such key. */
static char **member (RagScope *scope, const char *key, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (strlen (fields[i].key) == length && strncmp (fields[i].key, key, length) == 0)
      return rag_scope_field (scope, i, NULL);
  return NULL;
}

/* Takes "key:value" or "key:"several words"" at *AT; FALSE when it is an ordinary word. */
static gboolean take_filter (const char **at, RagScope *scope)
{
  gsize length = strspn (*at, "abcdefghijklmnopqrstuvwxyz");
  char **text = (*at)[length] == ':' ? member (scope, *at, length) : NULL;
  if (text == NULL)
    return FALSE;
  const char *value = *at + length + 1;
  const gboolean quoted = *value == '"';
  value += quoted;
  const gsize n = strcspn (value, quoted ? "\"" : " \t\n");
  if (n == 0 || (quoted && value[n] == '\0'))
    return FALSE;
  g_free (*text);
  *text = g_strndup (value, n);
  *at = value + n + quoted;
  return TRUE;
}

char *rag_scope_take (const char *query, RagScope *scope)
{
  GString *rest = g_string_new (NULL);
  const char *at = query;
  while (*at != '\0')
    {
      if (!take_filter (&at, scope))
        {
          const gsize word = strcspn (at, " \t\n");
          g_string_append_len (rest, at, (gssize)word);
          at += word;
        }
      const gsize space = strspn (at, " \t\n");
      g_string_append_len (rest, at, (gssize)space);
      at += space;
    }
  return g_strstrip (g_string_free (rest, FALSE));
}

/* ---- Dates and folders ---- */

/* "2024", "2024-01" or "2024-01-15" → its first second. */
static gboolean parse_date (const char *text, gint64 *ret_s, GError **error)
{
  guint parts[3] = { 0, 1, 1 }, n = 0;
  const char *at = text;
  for (gboolean more = TRUE; more && n < 3; n++)
    {
      char *end;
      if (!g_ascii_isdigit (*at))
        break;
      parts[n] = (guint)g_ascii_strtoull (at, &end, 10);
      more = *end == '-';
      at = end + more;
    }
  g_autoptr (GDateTime) date
      = *at == '\0' && n > 0
            ? g_date_time_new_local ((int)parts[0], (int)parts[1], (int)parts[2], 0, 0, 0)
            : NULL;
  if (date == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "“%s” is no date: write it like 2024, 2024-01 or 2024-01-15", text);
      return FALSE;
    }
  *ret_s = g_date_time_to_unix (date);
  return TRUE;
}

static char *absolute_folder (const char *folder)
{
  g_autofree char *expanded = g_str_has_prefix (folder, "~/")
                                  ? g_build_filename (g_get_home_dir (), folder + 2, NULL)
                                  : g_strdup (folder);
  return g_canonicalize_filename (expanded, NULL);
}

gboolean rag_set_scope (Rag *rag, const RagScope *scope, GError **error)
{
  gint64 after_s = 0, before_s = 0;
  if ((scope->after != NULL && !parse_date (scope->after, &after_s, error))
      || (scope->before != NULL && !parse_date (scope->before, &before_s, error)))
    return FALSE;
  rag_scope_clear (&rag->scope);
  rag->scope = (RagScope){
    .collection = g_strdup (scope->collection),
    .folder = scope->folder != NULL ? absolute_folder (scope->folder) : NULL,
    .language = scope->language != NULL ? g_ascii_strdown (scope->language, -1) : NULL,
    .tag = g_strdup (scope->tag),
    .section = g_strdup (scope->section),
  };
  rag->after_s = after_s;
  rag->before_s = before_s;
  return TRUE;
}

IndexScope rag_index_scope (const Rag *rag, const char *collection)
{
  return (IndexScope){
    .collection = rag->scope.collection != NULL ? rag->scope.collection : collection,
    .folder = rag->scope.folder,
    .language = rag->scope.language,
    .tag = rag->scope.tag,
    .section = rag->scope.section,
    .after_s = rag->after_s,
    .before_s = rag->before_s,
  };
}

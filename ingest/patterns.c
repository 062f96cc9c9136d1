/* Rules in the words of .gitignore, because everybody who keeps folders in order knows those. In
 * come lines and paths, out comes whether a path is meant. Matching goes back to the last star
 * only: an earlier one can always stand for less, so no rule takes more than length × length steps,
 * also not one in a .docentignore that came with somebody else's folder. */
#include "ingest/patterns-private.h"

#include <string.h>

/* More than anybody writes by hand. */
#define LINES_MAX 2000

/* ---- Globs ---- */

/* C against the set at GLOB, a '['; *ret_next is behind its ']'. */
static gboolean match_set (const char *glob, const char *end, gunichar c, const char **ret_next)
{
  const char *at = glob + 1;
  gboolean negated = at < end && (*at == '!' || *at == '^'), found = FALSE;
  at += negated;
  for (const char *first = at; at < end && (*at != ']' || at == first);)
    {
      gunichar low = g_utf8_get_char (at), high = low;
      at = g_utf8_next_char (at);
      if (at + 1 < end && *at == '-' && at[1] != ']')
        {
          high = g_utf8_get_char (at + 1);
          at = g_utf8_next_char (at + 1);
        }
      found = found || (c >= low && c <= high);
    }
  *ret_next = MIN (at + 1, end);
  return found != negated;
}

/* C against what stands at GLOB and is no star; *ret_next is behind it. */
static gboolean match_character (const char *glob, const char *end, gunichar c,
                                 const char **ret_next)
{
  if (*glob == '[' && memchr (glob + 1, ']', end - glob - 1) != NULL)
    return match_set (glob, end, c, ret_next);
  const char *meant = *glob == '\\' && glob + 1 < end ? glob + 1 : glob;
  *ret_next = g_utf8_next_char (meant);
  return *glob == '?' || g_utf8_get_char (meant) == c;
}

/* [GLOB, GLOB_END) against [TEXT, TEXT_END), both without '/'. */
static gboolean match_part (const char *glob, const char *glob_end, const char *text,
                            const char *text_end)
{
  const char *star = NULL, *star_text = NULL;
  while (text < text_end)
    {
      const char *next;
      if (glob < glob_end && *glob == '*')
        {
          star = ++glob;
          star_text = text;
          continue;
        }
      if (glob < glob_end && match_character (glob, glob_end, g_utf8_get_char (text), &next))
        {
          glob = next;
          text = g_utf8_next_char (text);
        }
      else if (star == NULL)
        return FALSE;
      else
        {
          glob = star;
          text = star_text = g_utf8_next_char (star_text);
        }
    }
  while (glob < glob_end && *glob == '*')
    glob++;
  return glob == glob_end;
}

static const char *part_end (const char *at)
{
  return strchrnul (at, '/');
}

static const char *next_part (const char *at)
{
  const char *end = part_end (at);
  return *end == '/' ? end + 1 : end;
}

static gboolean is_any_parts (const char *glob)
{
  return strncmp (glob, "**", 2) == 0 && (glob[2] == '/' || glob[2] == '\0');
}

gboolean ingest_glob_match (const char *glob, const char *path)
{
  const char *star = NULL, *star_path = NULL;
  while (*path != '\0')
    {
      if (is_any_parts (glob))
        {
          star = glob = next_part (glob);
          star_path = path;
          if (*glob == '\0')
            return TRUE;
        }
      if (*glob != '\0' && match_part (glob, part_end (glob), path, part_end (path)))
        {
          glob = next_part (glob);
          path = next_part (path);
        }
      else if (star == NULL)
        return FALSE;
      else
        {
          glob = star;
          path = star_path = next_part (star_path);
        }
    }
  return *glob == '\0' || (is_any_parts (glob) && *next_part (glob) == '\0');
}

/* ---- Rules ---- */

typedef struct
{
  char *glob; /* relative to the folder */
  gboolean take_back, folders_only;
} Rule;

struct _IngestPatterns
{
  char *folder;
  GArray *rules;
};

static void rule_clear (gpointer data)
{
  g_free (((Rule *)data)->glob);
}

static void add_line (IngestPatterns *patterns, char *line)
{
  Rule rule = { 0 };
  g_strchomp (line);
  if (*line == '\0' || *line == '#' || !g_utf8_validate (line, -1, NULL))
    return;
  rule.take_back = *line == '!';
  line += rule.take_back;
  char *last = line + strlen (line) - 1;
  rule.folders_only = last > line && *last == '/';
  if (rule.folders_only)
    *last = '\0';
  const char *slash = strchr (line, '/');
  if (slash == NULL)
    rule.glob = g_strconcat ("**/", line, NULL);
  else
    rule.glob = g_strdup (slash == line ? line + 1 : line);
  g_array_append_val (patterns->rules, rule);
}

IngestPatterns *ingest_patterns_new (const char *folder, const char *lines)
{
  IngestPatterns *patterns = g_new0 (IngestPatterns, 1);
  patterns->folder = g_strdup (folder);
  patterns->rules = g_array_new (FALSE, FALSE, sizeof (Rule));
  g_array_set_clear_func (patterns->rules, rule_clear);
  g_auto (GStrv) split = g_strsplit (lines, "\n", LINES_MAX);
  for (char **line = split; *line != NULL; line++)
    add_line (patterns, *line);
  return patterns;
}

void ingest_patterns_free (IngestPatterns *patterns)
{
  if (patterns == NULL)
    return;
  g_array_unref (patterns->rules);
  g_free (patterns->folder);
  g_free (patterns);
}

IngestPatternsVerdict ingest_patterns_judge (const IngestPatterns *patterns, const char *path,
                                             gboolean is_folder)
{
  gsize skip = strlen (patterns->folder);
  if (strncmp (path, patterns->folder, skip) != 0)
    return INGEST_PATTERNS_SILENT;
  const char *inner = path + skip;
  inner += *inner == '/';
  g_autofree char *text = g_utf8_make_valid (inner, -1);
  for (guint i = patterns->rules->len; i-- > 0;)
    {
      const Rule *rule = &g_array_index (patterns->rules, Rule, i);
      if ((is_folder || !rule->folders_only) && ingest_glob_match (rule->glob, text))
        return rule->take_back ? INGEST_PATTERNS_TAKEN_BACK : INGEST_PATTERNS_MATCH;
    }
  return INGEST_PATTERNS_SILENT;
}

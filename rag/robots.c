/* What a site allows programs to read: robots.txt as RFC 9309 has it.
 *
 * In: the file, our name, a path. Out: yes or no, and how long to wait between requests. Of the
 * groups that name us, else of those for everybody, the longest rule that matches decides, and on a
 * tie the one that allows. */
#include "rag/fetch-private.h"

#include <string.h>

/* PATTERN may hold * and end with $. */
static gboolean matches (const char *pattern, const char *path)
{
  const char *star = NULL, *resume = NULL;
  while (*path != '\0' || *pattern == '*' || *pattern == '$')
    {
      if (*pattern == '*')
        {
          star = pattern++;
          resume = path;
        }
      else if (*pattern == '\0')
        return TRUE;
      else if (*pattern == '$' && pattern[1] == '\0' && *path == '\0')
        return TRUE;
      else if (*path != '\0' && *pattern == *path)
        {
          pattern++;
          path++;
        }
      else if (star != NULL && *resume != '\0')
        {
          pattern = star + 1;
          path = ++resume;
        }
      else
        return FALSE;
    }
  return *pattern == '\0';
}

typedef struct
{
  gsize longest;
  gboolean allowed, seen; /* SEEN: there is a group for this agent */
  double delay_s;
} Verdict;

static void take_rule (Verdict *verdict, gboolean allow, const char *pattern, const char *path)
{
  const gsize length = strlen (pattern);
  if (length == 0 || !matches (pattern, path))
    return;
  if (length > verdict->longest || (length == verdict->longest && allow))
    verdict->allowed = allow;
  verdict->longest = MAX (length, verdict->longest);
}

static Verdict judge (const char *text, const char *agent, const char *path)
{
  Verdict verdict = { 0, TRUE, FALSE, 0 };
  gboolean ours = FALSE, in_agents = FALSE;
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      lines[i][strcspn (lines[i], "#")] = '\0';
      char *colon = strchr (lines[i], ':');
      if (colon == NULL)
        continue;
      *colon = '\0';
      const char *key = g_strstrip (lines[i]), *value = g_strstrip (colon + 1);
      if (g_ascii_strcasecmp (key, "user-agent") == 0)
        {
          ours = (in_agents && ours) || g_ascii_strcasecmp (value, agent) == 0;
          in_agents = TRUE;
          verdict.seen = verdict.seen || ours;
          continue;
        }
      in_agents = FALSE;
      if (!ours)
        continue;
      if (g_ascii_strcasecmp (key, "disallow") == 0)
        take_rule (&verdict, FALSE, value, path);
      else if (g_ascii_strcasecmp (key, "allow") == 0)
        take_rule (&verdict, TRUE, value, path);
      else if (g_ascii_strcasecmp (key, "crawl-delay") == 0)
        verdict.delay_s = g_ascii_strtod (value, NULL);
    }
  return verdict;
}

gboolean rag_robots_allow (const char *text, const char *agent, const char *path,
                           double *ret_delay_s)
{
  Verdict verdict = judge (text, agent, path);
  if (!verdict.seen)
    verdict = judge (text, "*", path);
  *ret_delay_s = verdict.delay_s > 0 ? verdict.delay_s : 0;
  return verdict.allowed;
}

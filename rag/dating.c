/* Says which of two documents is the newer one.
 *
 * In come file name, title and the date that a document gives itself, out go the date and the
 * version by which people would tell them apart. A name comes before the date inside the file: the
 * one that says "2019" may have been written to the disk anew in 2023. */
#include "rag/answer-private.h"

#include <string.h>

/* Years of this century and the last, with month and day where they are in the order of ISO 8601.
 */
#define DATE                                                                                       \
  "(?<!\\d)((?:19|20)\\d\\d(?:[-_.](?:0[1-9]|1[0-2])(?:[-_.](?:0[1-9]|[12]\\d|3[01]))?)?)(?!\\d)"
#define VERSION                                                                                    \
  "(?<!\\pL)(?:version|fassung|revision|revisi[oó]n|versione|rev|v)[ "                            \
  "._-]?(\\d+(?:\\.\\d+)*)(?!\\d)"

static char *first_match (const GRegex *regex, const char *text)
{
  g_autoptr (GMatchInfo) match = NULL;
  return g_regex_match (regex, text, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

static char *date_in (const char *text)
{
  char *date = first_match (rag_pattern (DATE, 0), text);
  return date != NULL ? g_strdelimit (date, "_.", '-') : NULL;
}

static char *version_in (const char *text)
{
  return first_match (rag_pattern (VERSION, G_REGEX_CASELESS), text);
}

void rag_dating_of (const char *path, const char *title, RagDating *ret_dating)
{
  g_autofree char *name = g_path_get_basename (path);
  const char *const texts[] = { name, title != NULL ? title : "" };
  RagDating dating = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      dating.date = dating.date != NULL ? dating.date : date_in (texts[i]);
      dating.version = dating.version != NULL ? dating.version : version_in (texts[i]);
    }
  *ret_dating = dating;
}

void rag_dating_clear (RagDating *dating)
{
  g_clear_pointer (&dating->date, g_free);
  g_clear_pointer (&dating->version, g_free);
}

/* Number by number: 2.10 is newer than 2.9. */
static int compare_versions (const char *a, const char *b)
{
  while (*a != '\0' || *b != '\0')
    {
      char *end_a = NULL, *end_b = NULL;
      const guint64 x = g_ascii_strtoull (a, &end_a, 10), y = g_ascii_strtoull (b, &end_b, 10);
      if (x != y)
        return x < y ? -1 : 1;
      a = end_a + (*end_a == '.');
      b = end_b + (*end_b == '.');
    }
  return 0;
}

int rag_dating_compare (const char *date_a, const char *version_a, const char *date_b,
                        const char *version_b)
{
  if (version_a != NULL && version_b != NULL)
    {
      const int order = compare_versions (version_a, version_b);
      if (order != 0)
        return order;
    }
  return g_strcmp0 (date_a, date_b);
}

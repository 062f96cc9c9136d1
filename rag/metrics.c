/* Turns rankings and answers into the figures that papers report, by the papers' own rules. */
#include "rag/eval-private.h"

#include <math.h>
#include <string.h>

static double discounted (const double *gains, gsize n, gsize k)
{
  double sum = 0;
  for (gsize i = 0; i < MIN (n, k); i++)
    sum += gains[i] / log2 ((double)i + 2);
  return sum;
}

static gint compare_descending (gconstpointer a, gconstpointer b, gpointer user_data)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x > y ? -1 : x < y;
}

double rag_ndcg (const double *relevance, gsize n, const double *ideal, gsize n_ideal, gsize k)
{
  g_autofree double *sorted = g_memdup2 (ideal, n_ideal * sizeof *ideal);
  g_qsort_with_data (sorted, (gint)n_ideal, sizeof *sorted, compare_descending, NULL);
  double best = discounted (sorted, n_ideal, k);
  return best > 0 ? discounted (relevance, n, k) / best : 0;
}

double rag_recall (const double *relevance, gsize n, gsize n_relevant, gsize k)
{
  gsize found = 0;
  for (gsize i = 0; i < MIN (n, k); i++)
    found += relevance[i] > 0;
  return n_relevant > 0 ? (double)found / (double)n_relevant : 0;
}

double rag_reciprocal_rank (const double *relevance, gsize n, gsize k)
{
  for (gsize i = 0; i < MIN (n, k); i++)
    if (relevance[i] > 0)
      return 1 / ((double)i + 1);
  return 0;
}

gint rag_compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double rag_percentile (const double *values, gsize n, double share)
{
  if (n == 0)
    return 0;
  gsize rank = (gsize)ceil (share * (double)n);
  return values[CLAMP (rank, 1, n) - 1];
}

/* ---- SQuAD ---- */

char *rag_squad_normalise (const char *text)
{
  g_autofree char *lower = g_utf8_strdown (text, -1);
  GString *kept = g_string_new (NULL);
  for (const char *p = lower; *p != '\0'; p++)
    if (!g_ascii_ispunct (*p))
      g_string_append_c (kept, g_ascii_isspace (*p) ? ' ' : *p);
  g_autofree char *bare = g_string_free (kept, FALSE);
  g_auto (GStrv) words = g_strsplit (bare, " ", -1);
  GString *normal = g_string_new (NULL);
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0' && strcmp (*word, "a") != 0 && strcmp (*word, "an") != 0
        && strcmp (*word, "the") != 0)
      g_string_append_printf (normal, "%s%s", normal->len > 0 ? " " : "", *word);
  return g_string_free (normal, FALSE);
}

/* How many words of A are in B, each as often as it is there. */
static guint common_words (char **a, char **b)
{
  guint n = 0, n_b = g_strv_length (b);
  g_autofree gboolean *used = g_new0 (gboolean, n_b + 1);
  for (; *a != NULL; a++)
    for (guint i = 0; i < n_b; i++)
      if (!used[i] && strcmp (*a, b[i]) == 0)
        {
          used[i] = TRUE;
          n++;
          break;
        }
  return n;
}

static double token_f1 (const char *answer, const char *expected)
{
  g_autofree char *x = rag_squad_normalise (answer), *y = rag_squad_normalise (expected);
  g_auto (GStrv) a = g_strsplit (x, " ", -1), b = g_strsplit (y, " ", -1);
  guint n_a = g_strv_length (a), n_b = g_strv_length (b);
  if (n_a == 0 || n_b == 0)
    return n_a == n_b;
  double common = common_words (a, b);
  return common > 0 ? 2 * common / (n_a + n_b) : 0;
}

double rag_squad_f1 (const char *answer, const GPtrArray *expected)
{
  double best = 0;
  for (guint i = 0; i < expected->len; i++)
    best = MAX (best, token_f1 (answer, g_ptr_array_index (expected, i)));
  return best;
}

gboolean rag_squad_exact (const char *answer, const GPtrArray *expected)
{
  g_autofree char *given = rag_squad_normalise (answer);
  for (guint i = 0; i < expected->len; i++)
    {
      g_autofree char *wanted = rag_squad_normalise (g_ptr_array_index (expected, i));
      if (strcmp (given, wanted) == 0)
        return TRUE;
    }
  return FALSE;
}

gboolean rag_squad_has (const char *answer, const char *phrase)
{
  g_autofree char *given = rag_squad_normalise (answer);
  g_autofree char *padded = g_strdup_printf (" %s ", given);
  g_autofree char *wanted = rag_squad_normalise (phrase);
  g_autofree char *whole = g_strdup_printf (" %s ", wanted);
  return *wanted != '\0' && strstr (padded, whole) != NULL;
}

gboolean rag_squad_contains (const char *answer, const GPtrArray *expected)
{
  for (guint i = 0; i < expected->len; i++)
    if (rag_squad_has (answer, g_ptr_array_index (expected, i)))
      return TRUE;
  return FALSE;
}

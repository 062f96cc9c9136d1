/* Finds the word that somebody meant when the library does not have the one they wrote.
 *
 * A term that occurs nowhere comes in, the nearest one that does occur goes out: one edit away, two
 * in long words, an edit being a letter too many, missing, wrong or swapped (the optimal string
 * alignment distance; Damerau 1964). The first letter is taken to be right, which holds for most
 * mistakes and keeps the search to a small part of the vocabulary. Terms with digits are
 * identifiers and never guessed. */
#include "index/lexical-private.h"

#define MIN_LETTERS 4
#define LONG_LETTERS 8
#define MAX_LETTERS 32

typedef struct
{
  gunichar letters[MAX_LETTERS];
  guint n;
} Word;

/* FALSE when TERM is too short, too long or no plain word. */
static gboolean read_word (const char *term, Word *ret_word)
{
  ret_word->n = 0;
  for (const char *at = term; *at; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (ret_word->n == MAX_LETTERS || !g_unichar_isalpha (c))
        return FALSE;
      ret_word->letters[ret_word->n++] = c;
    }
  return ret_word->n >= MIN_LETTERS;
}

/* row[j] of three rows: the distance between the first i letters of A and the first j of B. */
static guint distance (const Word *a, const Word *b)
{
  guint rows[3][MAX_LETTERS + 1];

  for (guint i = 0; i <= a->n; i++)
    {
      guint *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

      row[0] = i;
      for (guint j = 1; j <= b->n; j++)
        {
          if (i == 0)
            {
              row[j] = j;
              continue;
            }
          row[j] = MIN (above[j - 1] + (a->letters[i - 1] != b->letters[j - 1]),
                        MIN (above[j], row[j - 1]) + 1);
          if (i > 1 && j > 1 && a->letters[i - 1] == b->letters[j - 2]
              && a->letters[i - 2] == b->letters[j - 1])
            row[j] = MIN (row[j], before[j - 2] + 1);
        }
    }
  return rows[a->n % 3][b->n];
}

/* Everything that starts with the first letter lies between it and the letter after it. */
static void first_letter_range (const Word *word, char ret_first[8], char ret_after[8])
{
  ret_first[g_unichar_to_utf8 (word->letters[0], ret_first)] = '\0';
  ret_after[g_unichar_to_utf8 (word->letters[0] + 1, ret_after)] = '\0';
}

gboolean index_spell (Index *index, const char *term, const IndexFilter *filter, char **ret_term,
                      gint64 *ret_n_chunks, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "terms_between", error);
  g_autofree char *best = NULL;
  gint64 n_best = 0;
  char first[8], after[8];
  Word wanted, known;
  int rc = SQLITE_DONE;

  if (!stmt)
    return FALSE;
  if (read_word (term, &wanted))
    {
      guint least = wanted.n >= LONG_LETTERS ? 2 : 1;

      first_letter_range (&wanted, first, after);
      index_bind (stmt, "tt", first, after);
      while ((rc = index_step (index, stmt, error)) == SQLITE_ROW)
        {
          const char *candidate = (const char *)sqlite3_column_text (stmt, 0);
          gint64 n = sqlite3_column_int64 (stmt, 1);
          guint edits = read_word (candidate, &known) ? distance (&wanted, &known) : G_MAXUINT;

          if (edits > least || (edits == least && n <= n_best))
            continue;
          if (index->role && !index_count_term (index, candidate, filter, &n, error))
            return FALSE;
          if (n == 0 || (edits == least && n <= n_best))
            continue;
          g_free (best);
          best = g_strdup (candidate);
          n_best = n;
          least = edits;
        }
    }
  *ret_term = g_steal_pointer (&best);
  *ret_n_chunks = n_best;
  return rc == SQLITE_DONE;
}

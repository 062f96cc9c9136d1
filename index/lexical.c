/* Finds the passages that share words with a question.
 *
 * A question comes in, the passages with the highest BM25 (bm25.c) go out, best first. Passages
 * that only the other search found are scored on the way, because fusion wants both scores of
 * every candidate and FTS5 visits each row with a word of the question anyway. */
#include "index/lexical-private.h"

#include <math.h>

/* With the space behind it; European languages have 5 to 7. */
#define BYTES_PER_WORD 6.0

/* Quoted and marked as finished, so nothing in TERM means anything to FTS5. Terms hold letters,
 * digits and joining signs; the quote is doubled all the same. */
void index_append_term (GString *expression, const char *term)
{
  g_string_append (expression, "\"" INDEX_TERM_MARK);
  for (const char *at = term; *at; at++)
    {
      if (*at == '"')
        g_string_append_c (expression, '"');
      g_string_append_c (expression, *at);
    }
  g_string_append_c (expression, '"');
}

/* "a" OR "b" … of the first N terms. */
static void append_any_of (GString *expression, const GArray *terms, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append (expression, " OR ");
      index_append_term (expression, g_array_index (terms, IndexQueryTerm, i).term);
    }
}

/* Passages with one of the first N terms. They are scored for all terms, which FTS5 only looks at
 * when they are part of the expression; as the second operand is true whenever the first is, it
 * changes nothing else. */
static char *match_expression (const GArray *terms, guint n)
{
  GString *expression = g_string_new (NULL);

  if (n == terms->len)
    append_any_of (expression, terms, n);
  else
    {
      g_string_append_c (expression, '(');
      append_any_of (expression, terms, n);
      g_string_append (expression, ") AND (");
      append_any_of (expression, terms, terms->len);
      g_string_append_c (expression, ')');
    }
  return g_string_free (expression, FALSE);
}

/* How many of TERMS, rarest first, it takes to have more than DEPTH passages, even if many of them
 * are the same. */
static guint count_rarest (const GArray *terms, gsize depth)
{
  gint64 n_chunks = 0;
  guint n = 0;

  while (n < terms->len && n_chunks < 2 * (gint64)depth)
    n_chunks += g_array_index (terms, IndexQueryTerm, n++).n_chunks;
  return n;
}

/* How many of TERMS, rarest first, are needed when only passages that score LEAST matter: all the
 * others together cannot reach it. */
static guint count_needed (const GArray *terms, double least)
{
  double beyond = 0;
  guint n = terms->len;

  while (n > 0)
    {
      beyond += index_bm25_bound (g_array_index (terms, IndexQueryTerm, n - 1).weight);
      if (beyond >= least)
        break;
      n--;
    }
  return n;
}

/* Notes SCORE where WANTED asks for it. Rows come by chunk id, so bm25.c has just passed there. */
static void note_wanted (GArray *wanted, const IndexBm25 *query, gint64 chunk, double score)
{
  IndexScore *next;

  if (!wanted || query->n_passed >= wanted->len)
    return;
  next = &g_array_index (wanted, IndexScore, query->n_passed);
  if (next->chunk == chunk)
    next->score = score;
}

static gboolean run_match (Index *index, const char *expression, IndexBm25 *query, IndexTop *top,
                           GArray *wanted, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "score_passages", error);
  int rc = SQLITE_ERROR;

  if (stmt)
    index_bind (stmt, "tp", expression, query, INDEX_BM25_POINTER);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    if (sqlite3_column_type (stmt, 1) != SQLITE_NULL)
      {
        gint64 chunk = sqlite3_column_int64 (stmt, 0);
        double score = sqlite3_column_double (stmt, 1);

        index_top_add (top, chunk, score);
        query->least = MAX (query->least, index_top_least (top));
        note_wanted (wanted, query, chunk, score);
      }
  return rc == SQLITE_DONE;
}

/* Text search knows the mean of all passages, those included that the role may not see. */
static gboolean usual_length (Index *index, double *ret_words, GError **error)
{
  gint64 n_bytes;

  if (!index->role)
    return TRUE;
  if (!index_query_int (index, 0, &n_bytes, error, "usual_bytes", ""))
    return FALSE;
  *ret_words = MAX (1, (double)n_bytes / BYTES_PER_WORD);
  return TRUE;
}

/* Scores the passages that hold one of the first N terms, as far as they reach LEAST. */
static gboolean score_passages (Index *index, const GArray *terms, guint n, double least,
                                const IndexFilter *filter, IndexTop *top, GArray *wanted,
                                GError **error)
{
  g_autofree char *expression = match_expression (terms, n);
  IndexBm25 query = { .terms = terms,
                      .first_phrase = n < terms->len ? n : 0,
                      .filter = filter,
                      .least = least,
                      .wanted = wanted };

  return usual_length (index, &query.mean_length, error)
         && run_match (index, expression, &query, top, wanted, error);
}

/* Exact in two steps, after MaxScore (Turtle & Flood 1995). The passages with the rarest terms come
 * first; they are few, and the score of their DEPTH-th tells which common terms cannot bring
 * another passage in by themselves. In a question of ten words the two or three common ones make
 * most of the rows and none of the hits. */
static gboolean find_best (Index *index, const GArray *terms, const IndexFilter *filter,
                           IndexTop *top, GArray *wanted, GError **error)
{
  guint n_rarest = count_rarest (terms, top->k);
  guint n_needed = terms->len;
  double least = -INFINITY;

  if (n_rarest < terms->len)
    {
      if (!score_passages (index, terms, n_rarest, least, filter, top, wanted, error))
        return FALSE;
      least = index_top_least (top);
      n_needed = count_needed (terms, least);
      if (n_needed <= n_rarest)
        return TRUE;
      g_array_set_size (top->heap, 0);
    }
  return score_passages (index, terms, n_needed, least, filter, top, wanted, error);
}

static gboolean count_visible (Index *index, const char *term, const IndexFilter *filter,
                               gint64 *ret_n_chunks, GError **error)
{
  g_autoptr (GString) expression = g_string_new ("");
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "matching_chunks", error);
  gint64 n = 0;
  int rc = SQLITE_ERROR;

  index_append_term (expression, term);
  if (stmt)
    index_bind (stmt, "t", expression->str);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    n += index_filter_has (filter, sqlite3_column_int64 (stmt, 0));
  *ret_n_chunks = n;
  return rc == SQLITE_DONE;
}

/* How rare a word is tells what others wrote, so a role counts its own passages one by one; without
 * a role the counts of the whole library, which FTS5 has at hand, say it better. */
gboolean index_count_term (Index *index, const char *term, const IndexFilter *filter,
                           gint64 *ret_n_chunks, GError **error)
{
  if (index->role)
    return count_visible (index, term, filter, ret_n_chunks, error);
  return index_query_int (index, 0, ret_n_chunks, error, "count_term", "t", term);
}

GArray *index_lexical_search (Index *index, const char *text, const IndexFilter *filter,
                              gsize depth, GArray *wanted, GError **error)
{
  g_autoptr (GArray) terms = index_question_terms (index, text, filter, error);
  g_autoptr (GArray) best = NULL;
  IndexTop top;

  if (!terms)
    return NULL;
  index_top_init (&top, depth);
  gboolean ok = terms->len == 0 || find_best (index, terms, filter, &top, wanted, error);
  best = index_top_finish (&top);
  return ok ? g_steal_pointer (&best) : NULL;
}

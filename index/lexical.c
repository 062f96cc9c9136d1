/* Finds the passages that share words with a question.
 *
 * A question comes in, the passages with the highest BM25 (bm25.c) go out, best first. Passages
 * that only the other search found are scored on the way, because fusion wants both scores of
 * every candidate and FTS5 visits each row with a word of the question anyway. */
#include "index/lexical-private.h"

/* "a" OR "b" …: every term is quoted and marked as finished, so nothing in it means anything to
 * FTS5. Terms hold letters, digits and joining signs; the quote is doubled all the same. */
static char *match_expression (const GArray *terms)
{
  GString *expression = g_string_new (NULL);

  for (guint i = 0; i < terms->len; i++)
    {
      g_string_append (expression, i > 0 ? " OR \"" INDEX_TERM_MARK : "\"" INDEX_TERM_MARK);
      for (const char *at = g_array_index (terms, IndexQueryTerm, i).term; *at; at++)
        {
          if (*at == '"')
            g_string_append_c (expression, '"');
          g_string_append_c (expression, *at);
        }
      g_string_append_c (expression, '"');
    }
  return g_string_free (expression, FALSE);
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
        query->least = index_top_least (top);
        note_wanted (wanted, query, chunk, score);
      }
  return rc == SQLITE_DONE;
}

GArray *index_lexical_search (Index *index, const char *text, const IndexFilter *filter,
                              gsize depth, GArray *wanted, GError **error)
{
  g_autoptr (GArray) terms = index_question_terms (index, text, error);
  g_autoptr (GArray) best = NULL;
  gboolean ok = TRUE;
  IndexTop top;

  if (!terms)
    return NULL;
  index_top_init (&top, depth);
  if (terms->len > 0)
    {
      g_autofree char *expression = match_expression (terms);
      g_autofree double *idf = g_new0 (double, terms->len);
      IndexBm25 query = { .terms = terms,
                          .filter = filter,
                          .idf = idf,
                          .least = index_top_least (&top),
                          .wanted = wanted };

      ok = run_match (index, expression, &query, &top, wanted, error);
    }
  best = index_top_finish (&top);
  return ok ? g_steal_pointer (&best) : NULL;
}

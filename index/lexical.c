/* Finds the passages that share words with a question.
 *
 * A question comes in, every passage with one of its terms goes out with its BM25 score (bm25.c).
 * All of them, not the best hundred: fusion wants exact scores for what only the other search
 * found, and FTS5 has to visit these rows anyway. */
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

static GArray *run_match (Index *index, const char *expression, IndexBm25 *query, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "score_passages", error);
  g_autoptr (GArray) scores = g_array_new (FALSE, FALSE, sizeof (IndexScore));
  int rc = SQLITE_ERROR;

  if (stmt)
    index_bind (stmt, "tp", expression, query, INDEX_BM25_POINTER);
  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    if (sqlite3_column_type (stmt, 1) != SQLITE_NULL)
      {
        IndexScore score = { sqlite3_column_int64 (stmt, 0), sqlite3_column_double (stmt, 1) };
        g_array_append_val (scores, score);
      }
  return rc == SQLITE_DONE ? g_steal_pointer (&scores) : NULL;
}

GArray *index_lexical_search (Index *index, const char *text, const IndexFilter *filter,
                              GError **error)
{
  g_autoptr (GArray) terms = index_question_terms (index, text, error);

  if (!terms)
    return NULL;
  if (terms->len == 0)
    return g_array_new (FALSE, FALSE, sizeof (IndexScore));

  g_autofree char *expression = match_expression (terms);
  g_autofree double *idf = g_new0 (double, terms->len);
  IndexBm25 query = { .terms = terms, .filter = filter, .idf = idf };
  return run_match (index, expression, &query, error);
}

/* Scores one passage for one question by Okapi BM25 (Robertson & Zaragoza 2009) over three fields.
 *
 *   score = Σ_t weight_t · idf_t · f_t · (k1 + 1) / (f_t + k1 · (1 − b + b · length / mean length))
 *   f_t   = occurrences in text + SECTION_WEIGHT · in section + TITLE_WEIGHT · in title
 *   idf_t = ln (1 + (N − n_t + ½) / (n_t + ½))
 *
 * FTS5 calls it for every row that matches. FTS5's own bm25() is not used for two reasons: its idf
 * is next to nothing for words in more than half of the rows, which in a library of three documents
 * is most words; and it has no way to leave out rows that the asker may not see. */
#include "index/lexical-private.h"

#include <math.h>

/* The customary values. nDCG@10 of SciFact with k1, b = .9, .4: .692; 1.2, .75: .696; 1.5, .75:
 * .703; title weight ½, 1, 2: .692, .696, .704; XQuAD moves by less than .003. Differences that
 * small do not carry over to another collection. */
#define K1 1.2
#define B 0.75
#define SECTION_WEIGHT 1.0
#define TITLE_WEIGHT 1.0

static const double field_weights[] = { 1.0, SECTION_WEIGHT, TITLE_WEIGHT };

double index_bm25_idf (gint64 n_chunks, gint64 n_with_term)
{
  double n = (double)MIN (n_with_term, n_chunks);

  return log (1 + ((double)n_chunks - n + 0.5) / (n + 0.5));
}

double index_bm25_bound (double weight)
{
  return weight * (K1 + 1);
}

static double weighted_frequency (const Fts5ExtensionApi *api, Fts5Context *row, int phrase)
{
  Fts5PhraseIter at;
  int column, offset;
  double frequency = 0;

  if (api->xPhraseFirst (row, phrase, &at, &column, &offset) != SQLITE_OK)
    return 0;
  for (; column >= 0; api->xPhraseNext (row, &at, &column, &offset))
    if (column < (int)G_N_ELEMENTS (field_weights))
      frequency += field_weights[column];
  return frequency;
}

static int find_mean_length (const Fts5ExtensionApi *api, Fts5Context *row, double *ret_mean)
{
  sqlite3_int64 n_rows = 0, n_words = 0;
  int rc = api->xRowCount (row, &n_rows);

  if (rc == SQLITE_OK)
    rc = api->xColumnTotalSize (row, -1, &n_words);
  if (rc == SQLITE_OK)
    *ret_mean = n_rows > 0 && n_words > 0 ? (double)n_words / (double)n_rows : 1;
  return rc;
}

/* The score of the row for a saturation s = k1 · (1 − b + b · length / mean length). */
static double score_for (const IndexBm25 *query, const double *frequencies, double saturation)
{
  double score = 0;

  for (guint i = 0; i < query->terms->len; i++)
    if (frequencies[i] > 0)
      score += g_array_index (query->terms, IndexQueryTerm, i).weight * frequencies[i] * (K1 + 1)
               / (frequencies[i] + saturation);
  return score;
}

static gboolean is_wanted (IndexBm25 *query, gint64 chunk)
{
  if (!query->wanted)
    return FALSE;
  while (query->n_passed < query->wanted->len
         && g_array_index (query->wanted, IndexScore, query->n_passed).chunk < chunk)
    query->n_passed++;
  return query->n_passed < query->wanted->len
         && g_array_index (query->wanted, IndexScore, query->n_passed).chunk == chunk;
}

/* Looking up a row's length costs more than everything else about it, and most rows hold one
 * common word only: those are given up when even an empty passage could not make it. */
static int score_row (const Fts5ExtensionApi *api, Fts5Context *row, IndexBm25 *query,
                      sqlite3_context *result)
{
  gboolean wanted = is_wanted (query, api->xRowid (row));
  double frequencies[INDEX_MAX_TERMS];
  int n_words = 0;

  for (guint i = 0; i < query->terms->len; i++)
    frequencies[i] = weighted_frequency (api, row, (int)(query->first_phrase + i));
  if (!wanted && score_for (query, frequencies, K1 * (1 - B)) < query->least)
    return SQLITE_OK;

  int rc = api->xColumnSize (row, -1, &n_words);
  if (rc == SQLITE_OK)
    sqlite3_result_double (
        result, score_for (query, frequencies, K1 * (1 - B + B * n_words / query->mean_length)));
  return rc;
}

void index_bm25_score (const Fts5ExtensionApi *api, Fts5Context *row, sqlite3_context *result,
                       int n_values, sqlite3_value **values)
{
  IndexBm25 *query = n_values == 1 ? sqlite3_value_pointer (values[0], INDEX_BM25_POINTER) : NULL;
  int rc = SQLITE_OK;

  if (!query || api->xPhraseCount (row) != (int)(query->first_phrase + query->terms->len))
    {
      sqlite3_result_error (result, "docent_score() is for docent's own searches", -1);
      return;
    }
  if (query->filter && !index_filter_has (query->filter, api->xRowid (row)))
    return;
  if (query->mean_length <= 0)
    rc = find_mean_length (api, row, &query->mean_length);
  if (rc == SQLITE_OK)
    rc = score_row (api, row, query, result);
  if (rc != SQLITE_OK)
    sqlite3_result_error_code (result, rc);
}

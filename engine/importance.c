/* Measures on the user's own documents which weights matter, so that rounding can spare those.
 *
 * Texts run through the model as they would in use. The error that a rounded weight makes is its
 * rounding error times what it is multiplied with; so the mean square of each input of a matrix is
 * the weight of its column's errors (the "importance matrix" of the ggml project). An observer of
 * the forward pass sums the squares, matrix by matrix; a matrix is known by where its weights begin
 * in the file. */
#include "engine/importance-private.h"

#include <math.h>
#include <string.h>

#include "engine/observe-private.h"

/* No column counts for less than this share of the average: another text may need it. */
#define FLOOR 1e-3f

typedef struct
{
  gsize n_cols;
  guint64 n_tokens;
  double *squares;  /* [n_cols] */
  float *share;     /* [n_cols], once finished */
} Column;

struct _EngineImportance
{
  GHashTable *columns; /* data -> Column */
};

static void column_free (gpointer data)
{
  Column *column = data;
  g_free (column->squares);
  g_free (column->share);
  g_free (column);
}

void engine_importance_free (EngineImportance *importance)
{
  if (importance == NULL)
    return;
  g_hash_table_unref (importance->columns);
  g_free (importance);
}

/* ---- Summing -------------------------------------------------------------------------------- */

static void observe (const EngineMatrix *w, const float *x, gsize x_stride, gsize n_tokens,
                     gpointer user_data)
{
  EngineImportance *importance = user_data;
  Column *column = g_hash_table_lookup (importance->columns, w->data);
  if (column == NULL)
    {
      column = g_new0 (Column, 1);
      column->n_cols = w->n_cols;
      column->squares = g_new0 (double, w->n_cols);
      g_hash_table_insert (importance->columns, (gpointer)w->data, column);
    }
  column->n_tokens += n_tokens;
  for (gsize t = 0; t < n_tokens; t++, x += x_stride)
    for (gsize i = 0; i < w->n_cols; i++)
      column->squares[i] += (double)x[i] * x[i];
}

static void finish (gpointer key, gpointer value, gpointer user_data)
{
  Column *column = value;
  double sum = 0;
  column->share = g_new (float, column->n_cols);
  for (gsize i = 0; i < column->n_cols; i++)
    sum += column->squares[i];
  double mean = sum / column->n_cols;
  for (gsize i = 0; i < column->n_cols; i++)
    column->share[i] = mean > 0 ? MAX ((float)(column->squares[i] / mean), FLOOR) : 1;
  g_clear_pointer (&column->squares, g_free);
}

const float *engine_importance_find (const EngineImportance *importance, const guint8 *data)
{
  const Column *column = g_hash_table_lookup (importance->columns, data);
  return column ? column->share : NULL;
}

EngineImportance *engine_importance_collect (EngineModel *model,
                                             const EngineSessionOptions *options,
                                             const char *const *texts, gsize n_texts,
                                             gsize max_tokens, EngineProgressFunc progress,
                                             gpointer user_data, GError **error)
{
  g_autoptr (EngineImportance) importance = g_new0 (EngineImportance, 1);
  importance->columns = g_hash_table_new_full (NULL, NULL, NULL, column_free);
  const EngineObserver observer = { .matrix = observe, .user_data = importance };
  if (!engine_observe_texts (model, options, texts, n_texts, max_tokens, &observer, progress,
                             user_data, error))
    return NULL;
  g_hash_table_foreach (importance->columns, finish, NULL);
  return g_steal_pointer (&importance);
}

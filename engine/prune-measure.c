/* Measures on documents which layers and which heads of a generator do least.
 *
 * A layer that does little leaves the residual stream pointing where it pointed; a head that does
 * little adds little to it. Both are seen while the model reads, in one pass each. */
#include "engine/prune-private.h"

#include <math.h>
#include <string.h>

#include "engine/importance-private.h"
#include "engine/observe-private.h"

/* ---- Layers --------------------------------------------------------------------------------- */

typedef struct
{
  gsize n_embd;
  guint n_layer, span;
  GArray **streams; /* [n_layer] of float: what came to each layer in this block of tokens */
  double *angles;   /* [n_layer − span]: sums */
  gsize n_tokens;
} Angles;

static double angle_between (const float *a, const float *b, gsize n)
{
  const EngineKernels *kernels = engine_kernels ();
  double lengths = sqrt ((double)kernels->dot (a, a, n) * kernels->dot (b, b, n));
  return lengths > 0 ? acos (CLAMP (kernels->dot (a, b, n) / lengths, -1, 1)) / G_PI : 0;
}

/* Layers come in their order, so that layer IL − SPAN was seen for the same tokens. */
static void note_stream (guint il, const float *x, gsize n_tokens, gpointer user_data)
{
  Angles *angles = user_data;
  GArray *stream = angles->streams[il];
  g_array_set_size (stream, 0);
  g_array_append_vals (stream, x, n_tokens * angles->n_embd);
  angles->n_tokens += il == 0 ? n_tokens : 0;
  for (gsize t = 0; il >= angles->span && t < n_tokens; t++)
    {
      const GArray *before = angles->streams[il - angles->span];
      angles->angles[il - angles->span]
          += angle_between ((const float *)(gconstpointer)before->data + t * angles->n_embd,
                            x + t * angles->n_embd, angles->n_embd);
    }
}

gboolean engine_prune_measure_layers (EngineModel *model, const EngineSessionOptions *options,
                                      const char *const *texts, gsize n_texts, gsize max_tokens,
                                      guint span, EngineProgressFunc progress, gpointer user_data,
                                      double *ret_angles, GError **error)
{
  guint n_layer = model->hyper.n_layer;
  g_return_val_if_fail (span > 0 && span < n_layer, FALSE);
  g_autofree double *sums = g_new0 (double, n_layer - span);
  g_autoptr (GPtrArray) streams = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  for (guint il = 0; il < n_layer; il++)
    g_ptr_array_add (streams, g_array_new (FALSE, FALSE, sizeof (float)));
  Angles angles = { .n_embd = model->hyper.n_embd,
                    .n_layer = n_layer,
                    .span = span,
                    .streams = (GArray **)streams->pdata,
                    .angles = sums };
  const EngineObserver observer = { .stream = note_stream, .user_data = &angles };
  if (!engine_observe_texts (model, options, texts, n_texts, max_tokens, &observer, progress,
                             user_data, error))
    return FALSE;
  for (guint i = 0; i < n_layer - span; i++)
    ret_angles[i] = sums[i] / angles.n_tokens;
  return TRUE;
}

/* ---- Heads ---------------------------------------------------------------------------------- */

/* squares[n_cols]: of each column of W. */
static void add_columns (const EngineMatrix *w, double *squares)
{
  g_autofree float *row = g_new (float, w->n_cols);
  for (gsize i = 0; i < w->n_rows; i++)
    {
      engine_type_info (w->type)->dequantise (w->data + i * w->row_bytes, w->n_cols, row);
      for (gsize j = 0; j < w->n_cols; j++)
        squares[j] += (double)row[j] * row[j];
    }
}

static void share_out (const EngineHyper *hyper, const EngineMatrix *output, const float *inputs,
                       double *ret_shares)
{
  gsize width = output->n_cols / hyper->n_head_kv;
  g_autofree double *columns = g_new0 (double, output->n_cols);
  double all = 0;
  add_columns (output, columns);
  for (guint group = 0; group < hyper->n_head_kv; group++)
    {
      ret_shares[group] = 0;
      for (gsize i = group * width; i < (group + 1) * width; i++)
        ret_shares[group] += columns[i] * (inputs ? inputs[i] : 1);
      all += ret_shares[group];
    }
  for (guint group = 0; all > 0 && group < hyper->n_head_kv; group++)
    ret_shares[group] /= all;
}

gboolean engine_prune_measure_heads (EngineModel *model, const EngineSessionOptions *options,
                                     const char *const *texts, gsize n_texts, gsize max_tokens,
                                     EngineProgressFunc progress, gpointer user_data,
                                     double *ret_shares, GError **error)
{
  const EngineHyper *hyper = &model->hyper;
  g_autoptr (EngineImportance) importance = engine_importance_collect (
      model, options, texts, n_texts, max_tokens, progress, user_data, error);
  if (importance == NULL)
    return FALSE;
  for (guint il = 0; il < hyper->n_layer; il++)
    {
      const EngineMatrix *output = &model->weights.layers[il].output.w;
      share_out (hyper, output, engine_importance_find (importance, output->data),
                 ret_shares + (gsize)il * hyper->n_head_kv);
    }
  return TRUE;
}

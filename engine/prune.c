/* Writes a generator again without the layers or heads that do least.
 *
 * A model and texts of the kind it will read come in; a smaller file goes out that is read like any
 * other of its family, in less time and memory. What does least is measured in prune-measure.c, the
 * file is rewrite.c's; here is decided what goes, and layers and heads are numbered anew.
 *
 * Where a family's layers take turns between a window and the whole context, only whole turns can
 * go, wherever they begin: the others then still have their place in the pattern. Heads go in
 * groups that share keys and values, as many in each layer, because files have one number for all
 * layers. */
#include "engine/prune-private.h"

#include <string.h>

#include "engine/rewrite-private.h"

typedef struct
{
  EngineModel *model;
  gint *layers;    /* [n_layer]: number in the new file, or −1 */
  gboolean *heads; /* [n_layer, n_head_kv]: groups that stay */
  guint n_layer;   /* in the new file */
  guint n_groups;  /* in each layer of the new file */
} Plan;

static gboolean refuse (const EngineModel *model, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
static gboolean refuse (const EngineModel *model, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *why = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT, "“%s” cannot be pruned so: %s",
               model->info.path, why);
  return FALSE;
}

/* ---- What goes ------------------------------------------------------------------------------ */

/* Layers after which the pattern of windows repeats; 1: layers are alike, or the file lists them.
 */
static guint pattern_span (const EngineModel *model)
{
  g_autofree char *key = g_strconcat (model->arch->name, ".attention.sliding_window_pattern", NULL);
  guint64 period = model->arch->window_period;
  EngineGgufType type;
  gsize n;
  if (model->hyper.window == 0 || engine_gguf_get_array (model->gguf, key, &type, &n))
    return 1;
  engine_gguf_get_uint (model->gguf, key, &period);
  return CLAMP (period, 1, model->hyper.n_layer);
}

static gboolean check_layers (const EngineModel *model, guint drop, guint span, GError **error)
{
  guint n_layer = model->hyper.n_layer, wide = model->arch->wide_n_layer;
  if (drop % span != 0)
    return refuse (
        model, error,
        "its windows repeat every %u layers, so that the number of layers to drop should "
        "be a multiple of that and is %u",
        span, drop);
  if (drop >= n_layer)
    return refuse (model, error, "it has %u layers, and one of them should stay at the least",
                   n_layer);
  if (drop > 0 && wide && (n_layer == wide || n_layer - drop == wide))
    return refuse (model, error, "a model of its family is told by having %u layers", wide);
  return TRUE;
}

/* The run of SPAN layers that turns the stream least and overlaps none that goes already. */
static guint find_least (const Plan *plan, const double *angles, guint span)
{
  guint n = plan->model->hyper.n_layer - span, least = n;
  for (guint i = 0; i < n; i++)
    {
      gboolean whole = TRUE;
      for (guint j = i; j < i + span; j++)
        whole &= plan->layers[j] >= 0;
      if (whole && (least == n || angles[i] < angles[least]))
        least = i;
    }
  return least;
}

/* FALSE when what is left lies too scattered for another run. */
static gboolean drop_layers (Plan *plan, const double *angles, guint drop, guint span)
{
  guint n = plan->model->hyper.n_layer - span;
  for (guint dropped = 0; dropped < drop; dropped += span)
    {
      guint least = find_least (plan, angles, span);
      if (least == n)
        return FALSE;
      for (guint j = least; j < least + span; j++)
        plan->layers[j] = -1;
    }
  plan->n_layer = 0;
  for (guint il = 0; il < plan->model->hyper.n_layer; il++)
    if (plan->layers[il] >= 0)
      plan->layers[il] = (gint)plan->n_layer++;
  return TRUE;
}

static gboolean choose_layers (Plan *plan, const EnginePruneOptions *options,
                               EngineProgressFunc progress, gpointer user_data, GError **error)
{
  guint span = pattern_span (plan->model), drop = options->drop_layers;
  if (drop == 0)
    return TRUE;
  if (!check_layers (plan->model, drop, span, error))
    return FALSE;
  g_autofree double *angles = g_new (double, plan->model->hyper.n_layer - span);
  if (!engine_prune_measure_layers (plan->model, &options->session, options->texts,
                                    options->n_texts, options->max_tokens, span, progress,
                                    user_data, angles, error))
    return FALSE;
  return drop_layers (plan, angles, drop, span)
         || refuse (plan->model, error,
                    "%u layers cannot be found in runs of %u that do little; drop fewer", drop,
                    span);
}

static void drop_least_heads (Plan *plan, const double *shares, guint il, guint drop)
{
  guint n = plan->model->hyper.n_head_kv;
  gboolean *stays = plan->heads + il * n;
  const double *share = shares + (gsize)il * n;
  for (; drop > 0; drop--)
    {
      guint least = n;
      for (guint i = 0; i < n; i++)
        if (stays[i] && (least == n || share[i] < share[least]))
          least = i;
      stays[least] = FALSE;
    }
}

static gboolean choose_heads (Plan *plan, const EnginePruneOptions *options,
                              EngineProgressFunc progress, gpointer user_data, GError **error)
{
  const EngineHyper *hyper = &plan->model->hyper;
  guint per_group = hyper->n_head / hyper->n_head_kv, drop = options->drop_heads;
  if (drop == 0)
    return TRUE;
  if (drop % per_group != 0)
    return refuse (
        plan->model, error,
        "%u heads share keys and values, so that the number of heads to drop should be a "
        "multiple of that and is %u",
        per_group, drop);
  if (drop >= hyper->n_head)
    return refuse (plan->model, error, "it has %u heads, and %u of them should stay at the least",
                   hyper->n_head, per_group);
  g_autofree double *shares = g_new (double, (gsize)hyper->n_layer * hyper->n_head_kv);
  if (!engine_prune_measure_heads (plan->model, &options->session, options->texts, options->n_texts,
                                   options->max_tokens, progress, user_data, shares, error))
    return FALSE;
  for (guint il = 0; il < hyper->n_layer; il++)
    drop_least_heads (plan, shares, il, drop / per_group);
  plan->n_groups = hyper->n_head_kv - drop / per_group;
  return TRUE;
}

/* ---- The file ------------------------------------------------------------------------------- */

/* "blk.7.attn_q.weight" → 7 and "attn_q.weight"; NULL for a tensor of no layer. */
static const char *part_of (const char *name, guint *ret_layer)
{
  char *end;
  if (!g_str_has_prefix (name, "blk."))
    return NULL;
  *ret_layer = (guint)g_ascii_strtoull (name + strlen ("blk."), &end, 10);
  return *end == '.' ? end + 1 : NULL;
}

/* Where element I of the new heads, HEADS_PER_GROUP for each group that stays, was before. */
static guint64 old_index (const Plan *plan, guint il, guint heads_per_group, guint64 i)
{
  guint64 width = (guint64)heads_per_group * plan->model->hyper.head_dim;
  const gboolean *stays = plan->heads + il * plan->model->hyper.n_head_kv;
  guint64 left = i / width, group = 0;
  for (; !stays[group] || left > 0; group++)
    left -= stays[group];
  return group * width + i % width;
}

/* The same in queries, keys and values one after the other. */
static guint64 old_fused_index (const Plan *plan, guint il, guint64 i)
{
  const EngineHyper *hyper = &plan->model->hyper;
  guint per_group = hyper->n_head / hyper->n_head_kv;
  guint64 n_kv = (guint64)plan->n_groups * hyper->head_dim, n_q = n_kv * per_group;
  guint64 old_kv = (guint64)hyper->n_head_kv * hyper->head_dim, old_q = old_kv * per_group;
  if (i < n_q)
    return old_index (plan, il, per_group, i);
  return old_q + (i - n_q) / n_kv * old_kv + old_index (plan, il, 1, (i - n_q) % n_kv);
}

typedef enum
{
  HEADS_NONE,
  HEADS_QUERIES,
  HEADS_KEYS,
  HEADS_FUSED,
  HEADS_OUTPUT, /* its columns */
} HeadsIn;

static HeadsIn heads_in (const char *part)
{
  static const struct
  {
    const char *name;
    HeadsIn where;
  } parts[] = { { "attn_q.", HEADS_QUERIES },
                { "attn_k.", HEADS_KEYS },
                { "attn_v.", HEADS_KEYS },
                { "attn_qkv.", HEADS_FUSED },
                { "attn_output.weight", HEADS_OUTPUT } };
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_has_prefix (part, parts[i].name))
      return parts[i].where;
  return HEADS_NONE;
}

static guint64 old_place (const Plan *plan, HeadsIn where, guint il, guint64 i)
{
  const EngineHyper *hyper = &plan->model->hyper;
  if (where == HEADS_FUSED)
    return old_fused_index (plan, il, i);
  return old_index (plan, il, where == HEADS_KEYS ? 1 : hyper->n_head / hyper->n_head_kv, i);
}

/* A matrix that gives heads keeps rows, byte for byte; a bias and the columns of the output are
 * picked out of floats. */
static guint64 source_row (const EngineRewriteTensor *tensor, guint64 row, gpointer user_data)
{
  guint il = 0;
  const char *part = part_of (tensor->source->name.data, &il);
  return old_place (user_data, heads_in (part), il, row);
}

static void pick_elements (const EngineRewriteTensor *tensor, guint64 row, float *ret_values,
                           gpointer user_data)
{
  const EngineGgufTensor *source = tensor->source;
  guint il = 0;
  HeadsIn where = heads_in (part_of (source->name.data, &il));
  g_autofree float *whole = g_new (float, source->dims[0]);
  engine_type_info (source->type)
      ->dequantise (source->data + source->n_bytes / source->dims[1] * row, source->dims[0], whole);
  for (guint64 i = 0; i < tensor->dims[0]; i++)
    ret_values[i] = whole[old_place (user_data, where, il, i)];
}

static void cut_heads (const Plan *plan, const char *part, EngineRewriteTensor *tensor)
{
  HeadsIn where = heads_in (part);
  if (where == HEADS_NONE || plan->n_groups == plan->model->hyper.n_head_kv)
    return;
  gboolean rows = where != HEADS_OUTPUT && tensor->source->n_dims > 1;
  guint64 *n = &tensor->dims[rows ? 1 : 0];
  *n = *n / plan->model->hyper.n_head_kv * plan->n_groups;
  tensor->moved = rows;
  tensor->edited = !rows;
  if (where == HEADS_OUTPUT)
    tensor->type = engine_rewrite_fallback (tensor->type, *n);
}

static void plan_tensors (Plan *plan, EngineRewrite *rewrite)
{
  const EngineGguf *gguf = plan->model->gguf;
  for (gsize i = 0; i < engine_gguf_n_tensors (gguf); i++)
    {
      const EngineGgufTensor *source = engine_gguf_tensor (gguf, i);
      guint il = 0;
      const char *part = part_of (source->name.data, &il);
      if (part == NULL)
        {
          engine_rewrite_add (rewrite, source);
          continue;
        }
      if (plan->layers[il] < 0)
        continue;
      EngineRewriteTensor *tensor = engine_rewrite_add (rewrite, source);
      g_free (tensor->name);
      tensor->name = g_strdup_printf ("blk.%d.%s", plan->layers[il], part);
      cut_heads (plan, part, tensor);
    }
}

static void set_number (Plan *plan, EngineRewrite *rewrite, const char *key, guint32 value)
{
  g_autofree char *full = g_strconcat (plan->model->arch->name, ".", key, NULL);
  engine_rewrite_set_uint (rewrite, full, value);
}

/* Numbers for each layer keep those of the layers that stay. */
static void plan_arrays (Plan *plan, EngineRewrite *rewrite)
{
  const EngineGguf *gguf = plan->model->gguf;
  g_autofree char *prefix = g_strconcat (plan->model->arch->name, ".", NULL);
  g_autofree gboolean *stays = g_new (gboolean, plan->model->hyper.n_layer);
  for (guint il = 0; il < plan->model->hyper.n_layer; il++)
    stays[il] = plan->layers[il] >= 0;
  for (gsize i = 0; i < engine_gguf_n_keys (gguf); i++)
    {
      const char *key = engine_gguf_key_name (gguf, i);
      EngineGgufType type;
      gsize n;
      if (!g_str_has_prefix (key, prefix) || !engine_gguf_get_array (gguf, key, &type, &n)
          || type == ENGINE_GGUF_STRING || n != plan->model->hyper.n_layer
          || g_hash_table_contains (rewrite->own_keys, key))
        continue;
      engine_rewrite_drop_key (rewrite, key);
      engine_gguf_writer_copy_elements (rewrite->writer, gguf, i, stays);
    }
}

static void plan_keys (Plan *plan, EngineRewrite *rewrite)
{
  const EngineHyper *hyper = &plan->model->hyper;
  set_number (plan, rewrite, "block_count", plan->n_layer);
  if (plan->n_groups < hyper->n_head_kv)
    {
      set_number (plan, rewrite, "attention.head_count",
                  hyper->n_head / hyper->n_head_kv * plan->n_groups);
      set_number (plan, rewrite, "attention.head_count_kv", plan->n_groups);
      /* Readers would divide the width by the heads. */
      set_number (plan, rewrite, "attention.key_length", hyper->head_dim);
      set_number (plan, rewrite, "attention.value_length", hyper->head_dim);
      set_number (plan, rewrite, "rope.dimension_count", hyper->rope.n_rot);
    }
  plan_arrays (plan, rewrite);
}

/* ---- All ------------------------------------------------------------------------------------ */

static GArray *dropped_layers (const Plan *plan)
{
  GArray *dropped = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint il = 0; il < plan->model->hyper.n_layer; il++)
    if (plan->layers[il] < 0)
      g_array_append_val (dropped, il);
  return dropped;
}

static gboolean write_file (Plan *plan, const char *path, GError **error)
{
  EngineRewrite rewrite;
  engine_rewrite_init (&rewrite, plan->model->gguf);
  rewrite.row = pick_elements;
  rewrite.source_row = source_row;
  rewrite.user_data = plan;
  plan_keys (plan, &rewrite);
  plan_tensors (plan, &rewrite);
  gboolean ok = engine_rewrite_run (&rewrite, path, NULL, error);
  engine_rewrite_clear (&rewrite);
  return ok;
}

gboolean engine_prune_file (EngineModel *model, const EnginePruneOptions *options,
                            const char *gguf_path, EngineProgressFunc progress, gpointer user_data,
                            GArray **ret_layers, GError **error)
{
  guint n_layer = model->hyper.n_layer, n_groups = model->hyper.n_head_kv;
  if (model->info.role != ENGINE_ROLE_GENERATOR)
    return refuse (model, error, "it is no generator");
  if (options->drop_layers == 0 && options->drop_heads == 0)
    return refuse (model, error, "nothing is to be dropped");
  g_autofree gint *layers = g_new0 (gint, n_layer);
  g_autofree gboolean *heads = g_new (gboolean, (gsize)n_layer * n_groups);
  for (guint i = 0; i < n_layer; i++)
    layers[i] = (gint)i;
  for (gsize i = 0; i < (gsize)n_layer * n_groups; i++)
    heads[i] = TRUE;
  Plan plan = { model, layers, heads, n_layer, n_groups };
  if (!choose_layers (&plan, options, progress, user_data, error)
      || !choose_heads (&plan, options, progress, user_data, error)
      || !write_file (&plan, gguf_path, error))
    return FALSE;
  *ret_layers = dropped_layers (&plan);
  return TRUE;
}

/* Turns a model folder as Hugging Face publishes it into one GGUF file, so that encoders and
 * generators which exist only as safetensors can be used, and used at a quarter of their size.
 * First everything is planned: each rule of the family's table finds its tensor, shapes are
 * checked, and a tensor that no rule knows is an error, because a file with a part left out would
 * compute something else. Then the tensors are streamed row by row: memory stays at one row
 * beside the mapping, whatever the model's size. */
#include "engine/convert-private.h"

#include <string.h>

#include "engine/progress-private.h"

/* One tensor of the GGUF file to be. */
typedef struct
{
  char *name;
  const EngineSafeTensor *source;
  EngineType type;
  guint n_dims;
  guint64 dims[4]; /* GGUF's order: dims[0] is the row length */
  guint64 n_rows, n_cols;
  float plus;
  /* Where row r comes from: see source_row. */
  guint64 part_rows, part_stride, part_first;
  guint64 rotary_rows; /* of a head; 0: rows keep their order */
} PlannedTensor;

static void planned_free (gpointer data)
{
  PlannedTensor *tensor = data;
  g_free (tensor->name);
  g_free (tensor);
}

/* ---- Planning ------------------------------------------------------------------------------- */

typedef struct
{
  const EngineModelFolder *folder;
  EngineType type;    /* of the matrices */
  GPtrArray *tensors; /* PlannedTensor */
  GHashTable *used;   /* EngineSafeTensor */
} Plan;

static gboolean plan_error (const Plan *plan, GError **error, const char *name, const char *what)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED, "%s cannot be converted: %s %s",
               plan->folder->path, name, what);
  return FALSE;
}

/* "blk.{}.attn_q" → "blk.3.attn_q". */
static char *with_layer (const char *stem, guint layer)
{
  const char *mark = strstr (stem, "{}");
  if (mark == NULL)
    return g_strdup (stem);
  return g_strdup_printf ("%.*s%u%s", (int)(mark - stem), stem, layer, mark + 2);
}

/* Rows that do not consist of whole blocks go to F16, as other converters do it. */
static EngineType stored_type (const Plan *plan, const EngineTensorRule *rule,
                               const EngineSafeTensor *source)
{
  if ((rule->flags & ENGINE_RULE_FLOAT) != 0 || source->n_dims < 2)
    return ENGINE_TYPE_F32;
  guint64 n_cols = source->shape[source->n_dims - 1];
  return n_cols % engine_type_info (plan->type)->block_elements == 0 ? plan->type : ENGINE_TYPE_F16;
}

/* Rows that are left out or taken apart: dims[1] becomes what is kept. */
static gboolean plan_rows (Plan *plan, EngineRuleFlags flags, PlannedTensor *tensor, GError **error)
{
  const EngineSafeTensor *source = tensor->source;
  tensor->part_rows = tensor->n_dims > 1 ? tensor->dims[1] : 1;
  tensor->part_stride = tensor->part_rows;
  if ((flags & ENGINE_RULE_POSITIONS) != 0)
    {
      tensor->part_first = plan->folder->position_offset;
      if (tensor->n_dims != 2 || tensor->part_rows <= tensor->part_first)
        return plan_error (plan, error, source->name, "has too few positions");
      tensor->part_rows -= tensor->part_first;
    }
  if ((flags & (ENGINE_RULE_FIRST_HALF | ENGINE_RULE_SECOND_HALF)) != 0)
    {
      if (tensor->n_dims < 2 || tensor->part_rows % 2 != 0)
        return plan_error (plan, error, source->name, "cannot be halved");
      tensor->part_rows /= 2;
      tensor->part_first = (flags & ENGINE_RULE_SECOND_HALF) != 0 ? tensor->part_rows : 0;
    }
  if (tensor->n_dims > 1)
    tensor->dims[1] = tensor->part_rows;
  return TRUE;
}

/* A rotated bias is a column: its elements move like the rows of its weight. */
static gboolean plan_rotary (Plan *plan, EngineRuleFlags flags, PlannedTensor *tensor,
                             GError **error)
{
  if ((flags & (ENGINE_RULE_ROTARY_Q | ENGINE_RULE_ROTARY_K)) == 0)
    return TRUE;
  guint n_head
      = (flags & ENGINE_RULE_ROTARY_Q) != 0 ? plan->folder->n_head : plan->folder->n_head_kv;
  if (tensor->n_dims == 1)
    {
      tensor->n_rows = tensor->part_rows = tensor->part_stride = tensor->n_cols;
      tensor->n_cols = 1;
    }
  if (tensor->n_dims > 2 || n_head == 0 || tensor->n_rows % (2 * (guint64)n_head) != 0)
    return plan_error (plan, error, tensor->source->name, "does not consist of its heads");
  tensor->rotary_rows = tensor->n_rows / n_head;
  return TRUE;
}

static gboolean plan_tensor (Plan *plan, const EngineTensorRule *rule,
                             const EngineSafeTensor *source, char *name, GError **error)
{
  PlannedTensor *tensor = g_new0 (PlannedTensor, 1);
  tensor->name = name;
  g_ptr_array_add (plan->tensors, tensor);
  g_hash_table_add (plan->used, (gpointer)source);
  if (source->type == ENGINE_SAFE_OTHER)
    return plan_error (plan, error, source->name, "is not F32, F16 or BF16");
  if (source->n_dims == 0 || source->n_elements == 0)
    return plan_error (plan, error, source->name, "is empty");

  tensor->source = source;
  tensor->type = stored_type (plan, rule, source);
  tensor->plus = (rule->flags & ENGINE_RULE_PLUS_ONE) != 0 ? 1 : 0;
  tensor->n_dims = source->n_dims;
  for (guint i = 0; i < source->n_dims; i++)
    tensor->dims[i] = source->shape[source->n_dims - 1 - i];
  if (!plan_rows (plan, rule->flags, tensor, error))
    return FALSE;
  tensor->n_cols = tensor->dims[0];
  tensor->n_rows = 1;
  for (guint i = 1; i < tensor->n_dims; i++)
    tensor->n_rows *= tensor->dims[i];
  return plan_rotary (plan, rule->flags, tensor, error);
}

static gboolean plan_part (Plan *plan, const EngineTensorRule *rule, guint layer,
                           const char *suffix, gboolean optional, GError **error)
{
  g_autofree char *stem = with_layer (rule->source, layer);
  const EngineSafeTensor *source = engine_model_folder_find (plan->folder, stem, suffix);
  if (source == NULL && optional)
    return TRUE;
  if (source == NULL)
    {
      g_autofree char *name = g_strconcat (stem, suffix, NULL);
      return plan_error (plan, error, name, "is missing");
    }
  if ((rule->flags & ENGINE_RULE_UNTIED) != 0 && plan->folder->tied)
    {
      g_hash_table_add (plan->used, (gpointer)source);
      return TRUE;
    }
  g_autofree char *target = with_layer (rule->target, layer);
  return plan_tensor (plan, rule, source, g_strconcat (target, suffix, NULL), error);
}

static gboolean plan_rule (Plan *plan, const EngineTensorRule *rule, guint layer, GError **error)
{
  gboolean optional = (rule->flags & ENGINE_RULE_OPTIONAL) != 0;
  gboolean maybe_bias = (rule->flags & ENGINE_RULE_MAYBE_BIAS) != 0;
  return plan_part (plan, rule, layer, ".weight", optional, error)
         && ((rule->flags & (ENGINE_RULE_BIAS | ENGINE_RULE_MAYBE_BIAS)) == 0
             || plan_part (plan, rule, layer, ".bias", optional || maybe_bias, error));
}

/* Layer by layer, in the order in which a reader walks through the file. */
static gboolean plan_rules (Plan *plan, const EngineTensorRule *rules, GError **error)
{
  for (const EngineTensorRule *rule = rules; rule->source != NULL; rule++)
    if (strstr (rule->source, "{}") == NULL && !plan_rule (plan, rule, 0, error))
      return FALSE;
  for (guint layer = 0; layer < plan->folder->n_layers; layer++)
    for (const EngineTensorRule *rule = rules; rule->source != NULL; rule++)
      if (strstr (rule->source, "{}") != NULL && !plan_rule (plan, rule, layer, error))
        return FALSE;
  return TRUE;
}

/* Nothing of the checkpoint may be left out unless the family says that it carries no weight. */
static gboolean check_all_used (const Plan *plan, GError **error)
{
  const EngineModelFolder *folder = plan->folder;
  for (gsize i = 0; i < engine_safetensors_n_tensors (folder->weights); i++)
    {
      const EngineSafeTensor *tensor = engine_safetensors_tensor (folder->weights, i);
      gboolean known = g_hash_table_contains (plan->used, tensor);
      for (gsize j = 0; !known && folder->family->ignored[j] != NULL; j++)
        known = g_pattern_match_simple (folder->family->ignored[j], tensor->name);
      if (!known)
        return plan_error (plan, error, tensor->name, "is not part of this family of models");
    }
  return TRUE;
}

static gboolean plan_all (Plan *plan, GError **error)
{
  const EngineModelFolder *folder = plan->folder;
  return plan_rules (plan, folder->family->tensors, error)
         && (!folder->reranker || plan_rules (plan, folder->family->head, error))
         && check_all_used (plan, error);
}

/* ---- Streaming ------------------------------------------------------------------------------ */

typedef struct
{
  EngineGgufWriter *writer;
  EngineFileProgress *progress;
  guint64 done, total;
} Stream;

/* Rows may be a part of every PART_STRIDE rows; and GGUF's LLaMA keeps the two numbers that are
 * rotated together side by side, where checkpoints keep them half a head apart. */
static guint64 source_row (const PlannedTensor *tensor, guint64 row)
{
  if (tensor->rotary_rows > 0)
    {
      guint64 in_head = row % tensor->rotary_rows;
      row += in_head % 2 * (tensor->rotary_rows / 2) + in_head / 2 - in_head;
    }
  return row / tensor->part_rows * tensor->part_stride + tensor->part_first
         + row % tensor->part_rows;
}

static gboolean stream_tensor (Stream *stream, const PlannedTensor *tensor, GError **error)
{
  const EngineTypeInfo *info = engine_type_info (tensor->type);
  gsize row_bytes = tensor->n_cols / info->block_elements * info->block_bytes;
  g_autofree float *values = g_new (float, tensor->n_cols);
  g_autofree guint8 *row = g_malloc (row_bytes);
  for (guint64 i = 0; i < tensor->n_rows; i++)
    {
      guint64 first = source_row (tensor, i) * tensor->n_cols;
      engine_safetensors_read (tensor->source, first, tensor->n_cols, values);
      for (gsize j = 0; tensor->plus != 0 && j < tensor->n_cols; j++)
        values[j] += tensor->plus;
      if (!engine_quantise (tensor->type, values, tensor->n_cols, row))
        {
          g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                       "Weights cannot be written as %s", info->name);
          return FALSE;
        }
      stream->done += row_bytes;
      if (!engine_gguf_writer_write (stream->writer, row, row_bytes, error)
          || !engine_file_progress (stream->progress, stream->done, stream->total, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean add_tensors (const Plan *plan, const GPtrArray *computed, EngineGgufWriter *writer,
                             GError **error)
{
  for (guint i = 0; i < computed->len; i++)
    {
      const EngineComputedTensor *tensor = g_ptr_array_index (computed, i);
      const guint64 n_values = tensor->n_values;
      if (!engine_gguf_writer_add_tensor (writer, tensor->name, ENGINE_TYPE_F32, &n_values, 1,
                                          error))
        return FALSE;
    }
  for (guint i = 0; i < plan->tensors->len; i++)
    {
      const PlannedTensor *tensor = g_ptr_array_index (plan->tensors, i);
      if (!engine_gguf_writer_add_tensor (writer, tensor->name, tensor->type, tensor->dims,
                                          tensor->n_dims, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean stream_tensors (const Plan *plan, const GPtrArray *computed, Stream *stream,
                                GError **error)
{
  for (guint i = 0; i < computed->len; i++)
    {
      const EngineComputedTensor *tensor = g_ptr_array_index (computed, i);
      gsize n_bytes = tensor->n_values * sizeof (float);
      stream->done += n_bytes;
      if (!engine_gguf_writer_write (stream->writer, tensor->values, n_bytes, error))
        return FALSE;
    }
  for (guint i = 0; i < plan->tensors->len; i++)
    if (!stream_tensor (stream, g_ptr_array_index (plan->tensors, i), error))
      return FALSE;
  return TRUE;
}

static gboolean write_file (const Plan *plan, const char *gguf_path, guint32 file_type,
                            EngineFileProgress *progress, GError **error)
{
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  g_autoptr (GPtrArray) computed
      = g_ptr_array_new_with_free_func ((GDestroyNotify)engine_computed_tensor_free);
  if (!engine_convert_keys (plan->folder, writer, computed, error)
      || !engine_convert_vocab (plan->folder, writer, error))
    return FALSE;
  engine_gguf_writer_set_uint (writer, "general.file_type", file_type);
  if (!add_tensors (plan, computed, writer, error)
      || !engine_gguf_writer_begin (writer, gguf_path, error))
    return FALSE;
  Stream stream = { writer, progress, 0, engine_gguf_writer_data_bytes (writer) };
  return stream_tensors (plan, computed, &stream, error)
         && engine_gguf_writer_commit (writer, error);
}

/* ---- Entry ---------------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  EngineType type;
  guint32 file_type; /* general.file_type: what most matrices are */
} target_types[] = {
  { "F32", ENGINE_TYPE_F32, 0 },
  { "F16", ENGINE_TYPE_F16, 1 },
  { "Q8_0", ENGINE_TYPE_Q8_0, 7 },
};

static gboolean convert_folder (const char *source_dir, const char *gguf_path, const char *type,
                                EngineFileProgress *progress, GError **error)
{
  gsize choice = 0;
  while (choice < G_N_ELEMENTS (target_types)
         && g_ascii_strcasecmp (target_types[choice].name, type) != 0)
    choice++;
  if (choice == G_N_ELEMENTS (target_types))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "Models are converted to F32, F16 or Q8_0, not to \"%s\"", type);
      return FALSE;
    }
  g_autoptr (EngineModelFolder) folder = engine_model_folder_open (source_dir, error);
  if (folder == NULL)
    return FALSE;
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (planned_free);
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);
  Plan plan = { folder, target_types[choice].type, tensors, used };
  return plan_all (&plan, error)
         && write_file (&plan, gguf_path, target_types[choice].file_type, progress, error);
}

gboolean engine_convert (const char *source_dir, const char *gguf_path, const char *type,
                         EngineFetchProgress progress, gpointer user_data, GError **error)
{
  g_autofree char *name = g_path_get_basename (gguf_path);
  EngineFileProgress listener = { progress, user_data, name, "converting", 0 };
  if (g_file_test (source_dir, G_FILE_TEST_IS_DIR))
    return convert_folder (source_dir, gguf_path, type, &listener, error);
  return engine_convert_e5 (source_dir, gguf_path, type, &listener, error);
}

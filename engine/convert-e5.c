/* Turns the file "E5S1", in which multilingual-e5-small is published with 4-bit matrices, into a
 * GGUF file. Its blocks are those of Q4_0 byte for byte, so nothing is rounded and nothing lost;
 * what must be made is the metadata, and the character map, which the file spells out character by
 * character while GGUF wants it compiled. Every number in the file is checked before it is used:
 * the cursor cannot leave the mapping, and counts are bounded by the bytes that are left.
 * Source: the layout that the package documents. */
#include "engine/convert-private.h"

#include <string.h>

#define MAGIC "E5S1"
#define BLOCK_ELEMENTS 32
#define MAX_REPLACEMENTS 64

/* ---- Cursor --------------------------------------------------------------------------------- */

typedef struct
{
  const char *path;
  const guint8 *bytes;
  gsize size, at;
  gboolean failed; /* sticky: reads after a failure give zeros */
} Cursor;

static const guint8 *take (Cursor *cursor, guint64 n)
{
  if (cursor->failed || n > cursor->size - cursor->at)
    {
      cursor->failed = TRUE;
      return NULL;
    }
  const guint8 *bytes = cursor->bytes + cursor->at;
  cursor->at += n;
  return bytes;
}

static guint64 take_uint (Cursor *cursor, gsize n_bytes)
{
  guint64 value = 0;
  const guint8 *bytes = take (cursor, n_bytes);
  for (gsize i = 0; bytes != NULL && i < n_bytes; i++)
    value |= (guint64)bytes[i] << 8 * i;
  return value;
}

/* A count or size: negative numbers fail. */
static guint32 take_count (Cursor *cursor)
{
  guint32 value = (guint32)take_uint (cursor, 4);
  cursor->failed |= value > G_MAXINT32;
  return value;
}

static float take_float (Cursor *cursor)
{
  guint32 bits = (guint32)take_uint (cursor, 4);
  float value;
  memcpy (&value, &bits, sizeof value);
  return value;
}

static gboolean damaged (const Cursor *cursor, const char *what, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "%s is damaged: %s; get the model again",
               cursor->path, what);
  return FALSE;
}

/* ---- Header and tokenizer ------------------------------------------------------------------- */

typedef struct
{
  guint32 n_embd, n_layers, n_head, n_ff, n_vocab, n_positions, n_types;
  float eps;
} Shape;

static gboolean read_shape (Cursor *cursor, Shape *shape, GError **error)
{
  const guint8 *magic = take (cursor, strlen (MAGIC));
  if (magic == NULL || memcmp (magic, MAGIC, strlen (MAGIC)) != 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "%s is neither a model folder nor a file of the kind " MAGIC, cursor->path);
      return FALSE;
    }
  guint32 version = take_count (cursor);
  shape->n_embd = take_count (cursor);
  shape->n_layers = take_count (cursor);
  shape->n_head = take_count (cursor);
  shape->n_ff = take_count (cursor);
  shape->n_vocab = take_count (cursor);
  shape->n_positions = take_count (cursor);
  shape->n_types = take_count (cursor);
  shape->eps = take_float (cursor);
  guint32 block = take_count (cursor);
  if (cursor->failed || version != 1 || block != BLOCK_ELEMENTS
      || shape->n_embd % BLOCK_ELEMENTS != 0 || shape->n_ff % BLOCK_ELEMENTS != 0
      || shape->n_layers > G_MAXUINT16)
    return damaged (cursor, "its header is not of version 1", error);
  /* Tokens take memory here before their matrix is looked at. */
  if (shape->n_vocab > cursor->size / (shape->n_embd / BLOCK_ELEMENTS + 1))
    return damaged (cursor, "its vocabulary is larger than the file", error);
  return TRUE;
}

typedef struct
{
  guint32 n_pieces, bos, eos, pad, unk;
  EngineTokenTable *tokens;
} Pieces;

/* offsets[n + 1], scores[n] and the pieces one after the other, not NUL-terminated. */
static gboolean read_pieces (Cursor *cursor, Pieces *pieces, GError **error)
{
  pieces->n_pieces = take_count (cursor);
  pieces->bos = take_count (cursor);
  pieces->eos = take_count (cursor);
  pieces->pad = take_count (cursor);
  pieces->unk = take_count (cursor);
  guint64 n_blob = take_uint (cursor, 8);
  Cursor offsets = *cursor;
  take (cursor, ((guint64)pieces->n_pieces + 1) * 4);
  Cursor scores = *cursor;
  take (cursor, (guint64)pieces->n_pieces * 4);
  const guint8 *blob = take (cursor, n_blob);
  if (blob == NULL
      || MAX (MAX (pieces->bos, pieces->eos), MAX (pieces->pad, pieces->unk)) >= pieces->n_pieces)
    return damaged (cursor, "its vocabulary is cut off", error);

  guint64 begin = take_uint (&offsets, 4);
  for (guint32 i = 0; i < pieces->n_pieces; i++)
    {
      guint64 end = take_uint (&offsets, 4);
      float score = take_float (&scores);
      if (end < begin || end > n_blob
          || !g_utf8_validate ((const char *)blob + begin, (gssize)(end - begin), NULL))
        return damaged (cursor, "a piece of its vocabulary is not text", error);
      g_autofree char *piece = g_strndup ((const char *)blob + begin, end - begin);
      gboolean special = i == pieces->bos || i == pieces->eos || i == pieces->pad
                         || strcmp (piece, "<mask>") == 0;
      EngineTokenType type = special            ? ENGINE_TOKEN_CONTROL
                             : i == pieces->unk ? ENGINE_TOKEN_UNKNOWN
                                                : ENGINE_TOKEN_NORMAL;
      engine_token_table_add (pieces->tokens, piece, piece, type, score);
      begin = end;
    }
  return TRUE;
}

/* ---- Characters ----------------------------------------------------------------------------- */

static gboolean is_character (guint64 value)
{
  return value > 0 && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
}

static gboolean read_rule (Cursor *cursor, EngineCharsmapRules *rules)
{
  g_autoptr (GString) to = g_string_new (NULL);
  char from[8] = { 0 };
  guint64 character = take_uint (cursor, 4);
  guint n = (guint)take_uint (cursor, 1);
  if (cursor->failed || !is_character (character) || n > MAX_REPLACEMENTS)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      guint64 replacement = take_uint (cursor, 4);
      if (cursor->failed || !is_character (replacement))
        return FALSE;
      g_string_append_unichar (to, (gunichar)replacement);
    }
  g_unichar_to_utf8 ((gunichar)character, from);
  engine_charsmap_rules_add (rules, from, to->str);
  return TRUE;
}

/* The file lists single characters. The tokenizer was trained on composed text ("é" in one
 * character), so sequences that Unicode calls equal to one character get the rule of that one. */
static void add_composition (EngineCharsmapRules *rules, gunichar character)
{
  gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH], first, second, composed;
  gsize n = g_unichar_fully_decompose (character, FALSE, parts, G_N_ELEMENTS (parts));
  if (n < 2 || !g_unichar_decompose (character, &first, &second)
      || !g_unichar_compose (first, second, &composed) || composed != character)
    return;
  char whole[8] = { 0 };
  g_unichar_to_utf8 (character, whole);
  const char *rule = engine_charsmap_rules_find (rules, whole);
  g_autofree char *to = g_strdup (rule != NULL ? rule : whole);

  const gunichar pair[] = { first, second };
  g_autofree char *decomposed = g_ucs4_to_utf8 (parts, (glong)n, NULL, NULL, NULL);
  g_autofree char *half = g_ucs4_to_utf8 (pair, 2, NULL, NULL, NULL);
  engine_charsmap_rules_add (rules, decomposed, to);
  engine_charsmap_rules_add (rules, half, to);
}

static GByteArray *read_charsmap (Cursor *cursor, GError **error)
{
  g_autoptr (EngineCharsmapRules) rules = engine_charsmap_rules_new ();
  guint32 n_rules = take_count (cursor);
  guint32 n_bytes = take_count (cursor);
  gsize begin = cursor->at;
  for (guint32 i = 0; i < n_rules; i++)
    if (!read_rule (cursor, rules))
      {
        damaged (cursor, "its character rules cannot be read", error);
        return NULL;
      }
  if (cursor->failed || cursor->at - begin != n_bytes)
    {
      damaged (cursor, "its character rules have another length than declared", error);
      return NULL;
    }
  for (gunichar character = 0x80; character < 0x30000; character++)
    if (is_character (character))
      add_composition (rules, character);
  GByteArray *compiled = engine_charsmap_rules_compile (rules);
  if (compiled == NULL)
    damaged (cursor, "it has too many character rules", error);
  return compiled;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

/* Names in the file and in GGUF; sizes come from the shape. */
typedef enum
{
  DIM_ONE,
  DIM_EMBD,
  DIM_FF,
  DIM_VOCAB,
  DIM_POSITIONS,
  DIM_TYPES,
} Dim;

typedef struct
{
  const char *source, *target;
  gboolean matrix; /* Q4_0 */
  Dim cols, rows;
} E5Tensor;

static const E5Tensor outer_tensors[] = {
  { "emb.word", "token_embd.weight", TRUE, DIM_EMBD, DIM_VOCAB },
  { "emb.pos", "position_embd.weight", FALSE, DIM_EMBD, DIM_POSITIONS },
  { "emb.type", "token_types.weight", FALSE, DIM_EMBD, DIM_TYPES },
  { "emb.ln.w", "token_embd_norm.weight", FALSE, DIM_EMBD, DIM_ONE },
  { "emb.ln.b", "token_embd_norm.bias", FALSE, DIM_EMBD, DIM_ONE },
};

static const E5Tensor layer_tensors[] = {
  { "q.w", "attn_q.weight", TRUE, DIM_EMBD, DIM_EMBD },
  { "q.b", "attn_q.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "k.w", "attn_k.weight", TRUE, DIM_EMBD, DIM_EMBD },
  { "k.b", "attn_k.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "v.w", "attn_v.weight", TRUE, DIM_EMBD, DIM_EMBD },
  { "v.b", "attn_v.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "ao.w", "attn_output.weight", TRUE, DIM_EMBD, DIM_EMBD },
  { "ao.b", "attn_output.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "aln.w", "attn_output_norm.weight", FALSE, DIM_EMBD, DIM_ONE },
  { "aln.b", "attn_output_norm.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "fi.w", "ffn_up.weight", TRUE, DIM_EMBD, DIM_FF },
  { "fi.b", "ffn_up.bias", FALSE, DIM_FF, DIM_ONE },
  { "fo.w", "ffn_down.weight", TRUE, DIM_FF, DIM_EMBD },
  { "fo.b", "ffn_down.bias", FALSE, DIM_EMBD, DIM_ONE },
  { "oln.w", "layer_output_norm.weight", FALSE, DIM_EMBD, DIM_ONE },
  { "oln.b", "layer_output_norm.bias", FALSE, DIM_EMBD, DIM_ONE },
};

/* Where a tensor's bytes are. */
typedef struct
{
  guint8 type; /* 0: F32, 1: Q4_0 */
  guint32 n_elements;
  guint64 n_bytes;
  const guint8 *data;
} Place;

/* Name → Place. */
static GHashTable *read_directory (Cursor *cursor, GError **error)
{
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  guint32 n_tensors = take_count (cursor);
  for (guint32 i = 0; i < n_tensors; i++)
    {
      guint n_name = (guint)take_uint (cursor, 2);
      const guint8 *name = take (cursor, n_name);
      Place place = { 0 };
      place.type = (guint8)take_uint (cursor, 1);
      place.n_elements = (guint32)take_uint (cursor, 4);
      guint64 offset = take_uint (cursor, 8);
      place.n_bytes = take_uint (cursor, 8);
      if (cursor->failed || offset > cursor->size || place.n_bytes > cursor->size - offset)
        {
          damaged (cursor, "its directory of tensors points out of the file", error);
          return NULL;
        }
      place.data = cursor->bytes + offset;
      g_hash_table_replace (places, g_strndup ((const char *)name, n_name),
                            g_memdup2 (&place, sizeof place));
    }
  return g_steal_pointer (&places);
}

typedef struct
{
  Cursor cursor;
  Shape shape;
  GHashTable *places;
  EngineGgufWriter *writer;
  GPtrArray *order; /* Place, as added to the writer */
} E5File;

static guint64 dim_size (const Shape *shape, Dim dim)
{
  const guint32 sizes[] = { [DIM_ONE] = 1,
                            [DIM_EMBD] = shape->n_embd,
                            [DIM_FF] = shape->n_ff,
                            [DIM_VOCAB] = shape->n_vocab,
                            [DIM_POSITIONS] = shape->n_positions,
                            [DIM_TYPES] = shape->n_types };
  return sizes[dim];
}

static gboolean add_tensor (E5File *file, const E5Tensor *tensor, const char *source,
                            const char *target, GError **error)
{
  const guint64 dims[]
      = { dim_size (&file->shape, tensor->cols), dim_size (&file->shape, tensor->rows) };
  EngineType type = tensor->matrix ? ENGINE_TYPE_Q4_0 : ENGINE_TYPE_F32;
  const EngineTypeInfo *info = engine_type_info (type);
  const Place *place = g_hash_table_lookup (file->places, source);
  /* Both are below 2³¹, so that nothing overflows. */
  guint64 n_elements = dims[0] * dims[1];
  if (place == NULL || (place->type != 0) != tensor->matrix || place->n_elements != n_elements
      || place->n_bytes != n_elements / info->block_elements * info->block_bytes)
    {
      g_autofree char *what = g_strdup_printf ("the tensor %s is not what it should be", source);
      return damaged (&file->cursor, what, error);
    }
  g_ptr_array_add (file->order, (gpointer)place);
  return engine_gguf_writer_add_tensor (file->writer, target, type, dims,
                                        tensor->rows == DIM_ONE ? 1 : 2, error);
}

static gboolean add_tensors (E5File *file, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outer_tensors); i++)
    if (!add_tensor (file, &outer_tensors[i], outer_tensors[i].source, outer_tensors[i].target,
                     error))
      return FALSE;
  for (guint layer = 0; layer < file->shape.n_layers; layer++)
    for (gsize i = 0; i < G_N_ELEMENTS (layer_tensors); i++)
      {
        g_autofree char *source = g_strdup_printf ("l%u.%s", layer, layer_tensors[i].source);
        g_autofree char *target = g_strdup_printf ("blk.%u.%s", layer, layer_tensors[i].target);
        if (!add_tensor (file, &layer_tensors[i], source, target, error))
          return FALSE;
      }
  return TRUE;
}

/* ---- Entry ---------------------------------------------------------------------------------- */

static void write_keys (EngineGgufWriter *writer, const Shape *shape)
{
  engine_gguf_writer_set_string (writer, "general.architecture", "bert");
  engine_gguf_writer_set_string (writer, "general.type", "model");
  engine_gguf_writer_set_string (writer, "general.name", "multilingual-e5-small");
  engine_gguf_writer_set_uint (writer, "general.quantization_version", 2);
  engine_gguf_writer_set_uint (writer, "general.file_type", 2);
  engine_gguf_writer_set_uint (writer, "bert.block_count", shape->n_layers);
  engine_gguf_writer_set_uint (writer, "bert.context_length", shape->n_positions);
  engine_gguf_writer_set_uint (writer, "bert.embedding_length", shape->n_embd);
  engine_gguf_writer_set_uint (writer, "bert.feed_forward_length", shape->n_ff);
  engine_gguf_writer_set_uint (writer, "bert.attention.head_count", shape->n_head);
  engine_gguf_writer_set_float (writer, "bert.attention.layer_norm_epsilon", shape->eps);
  engine_gguf_writer_set_bool (writer, "bert.attention.causal", FALSE);
  engine_gguf_writer_set_uint (writer, "bert.pooling_type", 1);
  engine_gguf_writer_set_string (writer, "docent.query_prefix", "query: ");
  engine_gguf_writer_set_string (writer, "docent.passage_prefix", "passage: ");
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.token_type_count", shape->n_types);
}

static gboolean write_tokenizer (E5File *file, GError **error)
{
  g_autoptr (EngineTokenTable) tokens = engine_token_table_new ();
  Pieces pieces = { .tokens = tokens };
  if (!read_pieces (&file->cursor, &pieces, error))
    return FALSE;
  g_autoptr (GByteArray) charsmap = read_charsmap (&file->cursor, error);
  if (charsmap == NULL)
    return FALSE;
  if (pieces.n_pieces > file->shape.n_vocab)
    return damaged (&file->cursor, "its vocabulary does not fit its token embedding", error);
  engine_token_table_fill (tokens, file->shape.n_vocab);
  engine_convert_unigram_keys (tokens, charsmap->data, charsmap->len, file->writer);
  const struct
  {
    const char *key;
    guint32 id;
  } roles[] = {
    { "tokenizer.ggml.bos_token_id", pieces.bos },
    { "tokenizer.ggml.eos_token_id", pieces.eos },
    { "tokenizer.ggml.cls_token_id", pieces.bos },
    { "tokenizer.ggml.seperator_token_id", pieces.eos },
    { "tokenizer.ggml.padding_token_id", pieces.pad },
    { "tokenizer.ggml.unknown_token_id", pieces.unk },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (roles); i++)
    engine_gguf_writer_set_uint (file->writer, roles[i].key, roles[i].id);
  guint32 mask;
  if (engine_token_table_find (tokens, "<mask>", &mask))
    engine_gguf_writer_set_uint (file->writer, "tokenizer.ggml.mask_token_id", mask);
  return TRUE;
}

static gboolean write_data (E5File *file, EngineFileProgress *progress, GError **error)
{
  guint64 done = 0, total = engine_gguf_writer_data_bytes (file->writer);
  for (guint i = 0; i < file->order->len; i++)
    {
      const Place *place = g_ptr_array_index (file->order, i);
      done += place->n_bytes;
      if (!engine_gguf_writer_write (file->writer, place->data, place->n_bytes, error)
          || !engine_file_progress (progress, done, total, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean convert_mapped (E5File *file, const char *gguf_path, EngineFileProgress *progress,
                                GError **error)
{
  if (!read_shape (&file->cursor, &file->shape, error))
    return FALSE;
  write_keys (file->writer, &file->shape);
  if (!write_tokenizer (file, error))
    return FALSE;
  g_autoptr (GHashTable) places = read_directory (&file->cursor, error);
  file->places = places;
  return places != NULL && add_tensors (file, error)
         && engine_gguf_writer_begin (file->writer, gguf_path, error)
         && write_data (file, progress, error) && engine_gguf_writer_commit (file->writer, error);
}

gboolean engine_convert_e5 (const char *path, const char *gguf_path, const char *type,
                            EngineFileProgress *progress, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, &local);
  if (mapped == NULL)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not read %s: %s", path,
                   local->message);
      return FALSE;
    }
  if (g_ascii_strcasecmp (type, "Q4_0") != 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                   "%s holds its matrices as Q4_0 and is converted to Q4_0 only, not to \"%s\"",
                   path, type);
      return FALSE;
    }
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  g_autoptr (GPtrArray) order = g_ptr_array_new ();
  E5File file = { .writer = writer, .order = order };
  file.cursor.path = path;
  file.cursor.bytes = (const guint8 *)g_mapped_file_get_contents (mapped);
  file.cursor.size = g_mapped_file_get_length (mapped);
  return convert_mapped (&file, gguf_path, progress, error);
}

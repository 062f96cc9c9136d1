/* A model as the rest of the program sees it: opened once, described, shared by reference.
 *
 * A path comes in; out comes an EngineModel with its numbers read, its weights bound in place in
 * the mapped file and its tokenizer built, or one sentence that says why not. Weights are never
 * copied: what two processes or two sessions use lies once in the page cache. */
#include "engine/model-private.h"

#include <string.h>
#include <sys/mman.h>

/* ---- Description ---------------------------------------------------------------------------- */

static EngineRole role_of (const EngineModel *model)
{
  if (model->hyper.pooling == ENGINE_POOLING_RANK)
    return ENGINE_ROLE_RERANKER;
  if (model->arch->bidirectional || model->hyper.pooling != ENGINE_POOLING_NONE)
    return ENGINE_ROLE_ENCODER;
  return ENGINE_ROLE_GENERATOR;
}

static char *name_of (const EngineGguf *gguf)
{
  EngineGgufString name;
  if (engine_gguf_get_string (gguf, "general.name", &name) && name.length > 0)
    return g_utf8_make_valid (name.data, MIN (name.length, 200));
  g_autofree char *base = g_path_get_basename (engine_gguf_path (gguf));
  if (g_str_has_suffix (base, ".gguf"))
    base[strlen (base) - strlen (".gguf")] = '\0';
  return g_utf8_make_valid (base, -1);
}

/* Totals over all tensors, and the type that holds most of their bytes. */
static void weigh (const EngineGguf *gguf, EngineModelInfo *info)
{
  guint64 bytes_by_type[ENGINE_TYPE_MXFP4 + 1] = { 0 };
  guint heaviest = ENGINE_TYPE_F32;
  for (gsize i = 0; i < engine_gguf_n_tensors (gguf); i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (gguf, i);
      info->n_parameters += tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
      info->weight_bytes += tensor->n_bytes;
      bytes_by_type[tensor->type] += tensor->n_bytes;
      if (bytes_by_type[tensor->type] > bytes_by_type[heaviest])
        heaviest = tensor->type;
    }
  info->quantisation = engine_type_info (heaviest)->name;
}

static void describe (EngineModel *model)
{
  const EngineHyper *hyper = &model->hyper;
  EngineModelInfo *info = &model->info;
  model->name = name_of (model->gguf);
  info->path = engine_gguf_path (model->gguf);
  info->name = model->name;
  info->architecture = model->arch->name;
  info->tokenizer = model->tokenizer ? engine_tokenizer_kind (model->tokenizer) : NULL;
  info->chat_format = engine_chat_format_name (model->gguf);
  info->role = role_of (model);
  info->n_layer = hyper->n_layer;
  info->n_embd = hyper->n_embd;
  info->n_head = hyper->n_head;
  info->n_head_kv = hyper->n_head_kv;
  info->n_ff = hyper->n_ff;
  info->n_vocab = hyper->n_vocab;
  info->n_ctx_train = hyper->n_ctx_train;
  if (info->role == ENGINE_ROLE_GENERATOR)
    info->kv_bytes_per_token = hyper->n_layer
                               * (guint64)engine_kv_layer_bytes (ENGINE_KV_F16, hyper->n_head_kv,
                                                                 hyper->head_dim, 1024, 0, 1)
                               / 1024; /* caches come in blocks of positions */
  weigh (model->gguf, info);
}

/* ---- Open ----------------------------------------------------------------------------------- */

static const EngineArch *find_arch (const EngineGguf *gguf, GError **error)
{
  EngineGgufString name;
  if (!engine_gguf_get_string (gguf, "general.architecture", &name))
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” cannot be used: key “general.architecture” is missing",
                   engine_gguf_path (gguf));
      return NULL;
    }
  const EngineArch *arch = engine_arch_find (name.data, name.length);
  if (arch == NULL)
    {
      g_autofree char *found = g_utf8_make_valid (name.data, MIN (name.length, 60));
      g_autofree char *shown = g_strescape (found, NULL);
      g_autofree char *known = engine_arch_list ();
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” cannot be used: key “general.architecture” should be one of %s and is "
                   "“%s”",
                   engine_gguf_path (gguf), known, shown);
    }
  return arch;
}

static gboolean read_vocabulary_size (const EngineGguf *gguf, EngineHyper *hyper, GError **error)
{
  const EngineGgufTensor *embd = engine_gguf_find_tensor (gguf, "token_embd.weight");
  if (embd == NULL || embd->dims[1] > G_MAXINT32)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” cannot be used: tensor “token_embd.weight” is %s", engine_gguf_path (gguf),
                   embd ? "larger than any vocabulary" : "missing");
      return FALSE;
    }
  hyper->n_vocab = embd->dims[1];
  return TRUE;
}

static gboolean build_tokenizer (EngineModel *model, GError **error)
{
  model->tokenizer = engine_tokenizer_new (model->gguf, error);
  if (model->tokenizer == NULL)
    return FALSE;
  guint n_tokens = engine_tokenizer_n_vocab (model->tokenizer);
  if (n_tokens <= model->hyper.n_vocab)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "“%s” cannot be used: its tokenizer knows %u tokens, its tensor "
               "“token_embd.weight” %u",
               engine_gguf_path (model->gguf), n_tokens, model->hyper.n_vocab);
  return FALSE;
}

/* sentence-transformers' own default; the bge family is the known exception. */
static EnginePooling default_pooling (const EngineGguf *gguf)
{
  g_autofree char *name = name_of (gguf);
  g_autofree char *lower = g_ascii_strdown (name, -1);
  return strstr (lower, "bge") ? ENGINE_POOLING_CLS : ENGINE_POOLING_MEAN;
}

static EngineModel *open_model (const char *path, gboolean with_tokenizer, GError **error)
{
  g_autoptr (EngineModel) model = g_new0 (EngineModel, 1);
  g_atomic_ref_count_init (&model->ref_count);
  if (!engine_kernels_check (error))
    return NULL;
  model->gguf = engine_gguf_open (path, error);
  if (model->gguf == NULL)
    return NULL;
  model->arch = find_arch (model->gguf, error);
  if (model->arch == NULL || !engine_hyper_read (model->gguf, model->arch, &model->hyper, error)
      || !read_vocabulary_size (model->gguf, &model->hyper, error))
    return NULL;
  if (model->arch->bidirectional && model->hyper.pooling == ENGINE_POOLING_NONE)
    model->hyper.pooling = default_pooling (model->gguf);
  if (!engine_weights_bind (model->gguf, model->arch, &model->hyper, &model->weights, error))
    return NULL;
  if (with_tokenizer && !build_tokenizer (model, error))
    return NULL;
  describe (model);
  return g_steal_pointer (&model);
}

EngineModel *engine_model_open (const char *path, GError **error)
{
  return open_model (path, TRUE, error);
}

EngineModel *engine_model_open_graph (const char *path, GError **error)
{
  return open_model (path, FALSE, error);
}

EngineModel *engine_model_ref (EngineModel *model)
{
  g_atomic_ref_count_inc (&model->ref_count);
  return model;
}

void engine_model_unref (EngineModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->ref_count))
    return;
  engine_weights_clear (&model->weights);
  engine_tokenizer_free (model->tokenizer);
  engine_gguf_free (model->gguf);
  g_free (model->name);
  g_free (model);
}

const EngineModelInfo *engine_model_info (const EngineModel *model)
{
  return &model->info;
}

void engine_model_digest (const EngineModel *model, GChecksum *checksum)
{
  const gsize piece = 4096, n_pieces = 16;
  gsize n_bytes;
  const guint8 *bytes = engine_gguf_bytes (model->gguf, &n_bytes);
  g_checksum_update (checksum, bytes, MIN (n_bytes, 65536));
  for (gsize i = 0; i < n_pieces && n_bytes > piece; i++)
    g_checksum_update (checksum, bytes + (n_bytes - piece) * i / (n_pieces - 1), piece);
}

void engine_model_read_ahead (const EngineModel *model)
{
  gsize n_bytes;
  const guint8 *bytes = engine_gguf_bytes (model->gguf, &n_bytes);
  /* A hint: where it fails the pages come one fault at a time. */
  madvise ((void *)bytes, n_bytes, MADV_WILLNEED);
}

/* A tiny sound model file for tests: a qwen2 decoder over bytes whose layers do nothing and whose
 * output says which token follows which. Token B is byte B; after them come the markers below. */
#pragma once

#include <glib.h>
#include <math.h>
#include <string.h>

#include "engine/gguf-write-private.h"

#define SCRIPT_IM_START 256
#define SCRIPT_IM_END 257
#define SCRIPT_END_OF_TEXT 258
#define SCRIPT_MERGED 259 /* bytes FE FF, which no text holds */
#define SCRIPT_N_VOCAB 260
#define SCRIPT_MARKER 240 /* the first of script.markers, in place of bytes that ASCII lacks */
#define SCRIPT_MAX_MARKERS 8
#define SCRIPT_N_EMBD 128
#define SCRIPT_N_FF 32

static const char SCRIPT_CHATML[] = "{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}";

typedef struct
{
  const char *chat_template; /* NULL: none */
  const char *markers[SCRIPT_MAX_MARKERS + 1]; /* control tokens from SCRIPT_MARKER on */
  const gint32 *follows;     /* [SCRIPT_N_VOCAB]: the token after each, or -1; NULL: all -1 */
  const char *left_out;      /* a tensor that the file lacks */
  const char *extra;         /* a tensor that it should not have */
  const char *misshapen;     /* a tensor with one row too many */
  const char *architecture;  /* NULL: qwen2 */
  guint n_ctx;               /* 0: 64 */
  gboolean damaged;          /* the output is no numbers */
} Script;

typedef struct
{
  const char *name;
  guint n_dims;
  guint64 dims[2];
} ScriptTensor;

static const ScriptTensor SCRIPT_TENSORS[] = {
  { "token_embd.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_VOCAB } },
  { "output.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_VOCAB } },
  { "output_norm.weight", 1, { SCRIPT_N_EMBD } },
  { "blk.0.attn_norm.weight", 1, { SCRIPT_N_EMBD } },
  { "blk.0.attn_q.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_EMBD } },
  { "blk.0.attn_k.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_EMBD } },
  { "blk.0.attn_v.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_EMBD } },
  { "blk.0.attn_output.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_EMBD } },
  { "blk.0.ffn_norm.weight", 1, { SCRIPT_N_EMBD } },
  { "blk.0.ffn_gate.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_FF } },
  { "blk.0.ffn_up.weight", 2, { SCRIPT_N_EMBD, SCRIPT_N_FF } },
  { "blk.0.ffn_down.weight", 2, { SCRIPT_N_FF, SCRIPT_N_EMBD } },
};

/* Spelling of byte B in the vocabulary of a byte-level BPE. */
static char *script_spell (guint b)
{
  guint n_before = 0;
  if ((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174)
    n_before = b;
  else
    {
      n_before = 256;
      for (guint i = 0; i < b; i++)
        n_before += !((i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174);
    }
  char text[8] = { 0 };
  g_unichar_to_utf8 (n_before, text);
  return g_strdup (text);
}

static void script_write_keys (EngineGgufWriter *writer, const Script *script)
{
  g_autoptr (GPtrArray) tokens = g_ptr_array_new_with_free_func (g_free);
  gint32 types[SCRIPT_N_VOCAB];
  const char *const merges[] = { "þ ÿ" };
  const char *arch = script->architecture ? script->architecture : "qwen2";
  for (guint i = 0; i < SCRIPT_N_VOCAB; i++)
    {
      g_ptr_array_add (tokens, i < 256                ? script_spell (i)
                               : i == SCRIPT_IM_START ? g_strdup ("<|im_start|>")
                               : i == SCRIPT_IM_END   ? g_strdup ("<|im_end|>")
                               : i == SCRIPT_MERGED   ? g_strdup ("þÿ")
                                                      : g_strdup ("<|endoftext|>"));
      types[i] = i < 256 || i == SCRIPT_MERGED ? 1 : 3;
    }
  for (guint i = 0; script->markers[i] != NULL; i++)
    {
      g_free (tokens->pdata[SCRIPT_MARKER + i]);
      tokens->pdata[SCRIPT_MARKER + i] = g_strdup (script->markers[i]);
      types[SCRIPT_MARKER + i] = 3;
    }
  engine_gguf_writer_set_string (writer, "general.architecture", arch);
  engine_gguf_writer_set_string (writer, "general.name", "Script");
  engine_gguf_writer_set_uint (writer, "qwen2.context_length", script->n_ctx ? script->n_ctx : 64);
  engine_gguf_writer_set_uint (writer, "qwen2.embedding_length", SCRIPT_N_EMBD);
  engine_gguf_writer_set_uint (writer, "qwen2.block_count", 1);
  engine_gguf_writer_set_uint (writer, "qwen2.feed_forward_length", SCRIPT_N_FF);
  engine_gguf_writer_set_uint (writer, "qwen2.attention.head_count", 2);
  engine_gguf_writer_set_float (writer, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.model", "gpt2");
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "qwen2");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.tokens",
                                  (const char *const *)tokens->pdata, tokens->len);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.token_type", ENGINE_GGUF_INT32, types,
                                  SCRIPT_N_VOCAB);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", merges, 1);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", SCRIPT_IM_END);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", SCRIPT_END_OF_TEXT);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_bos_token", FALSE);
  if (script->chat_template)
    engine_gguf_writer_set_string (writer, "tokenizer.chat_template", script->chat_template);
}

/* Signs that are as good as orthogonal between tokens. */
static float *script_embedding (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  float *values = g_new (float, SCRIPT_N_VOCAB *SCRIPT_N_EMBD);
  for (guint i = 0; i < SCRIPT_N_VOCAB * SCRIPT_N_EMBD; i++)
    values[i] = g_rand_boolean (rand) ? 1 : -1;
  return values;
}

/* Row J is the sum of the embeddings of the tokens that J follows. */
static float *script_output (const Script *script, const float *embedding)
{
  float *values = g_new0 (float, SCRIPT_N_VOCAB *SCRIPT_N_EMBD);
  for (guint token = 0; script->follows && token < SCRIPT_N_VOCAB; token++)
    for (guint i = 0; script->follows[token] >= 0 && i < SCRIPT_N_EMBD; i++)
      values[script->follows[token] * SCRIPT_N_EMBD + i] += embedding[token * SCRIPT_N_EMBD + i];
  for (guint i = 0; script->damaged && i < SCRIPT_N_VOCAB * SCRIPT_N_EMBD; i++)
    values[i] = NAN;
  return values;
}

static void script_write_tensor (EngineGgufWriter *writer, const Script *script,
                                 const ScriptTensor *tensor, const float *embedding)
{
  gsize n = tensor->dims[0] * (tensor->n_dims > 1 ? tensor->dims[1] : 1);
  g_autofree float *values = NULL;
  if (strcmp (tensor->name, "token_embd.weight") == 0)
    values = g_memdup2 (embedding, n * sizeof (float));
  else if (strcmp (tensor->name, "output.weight") == 0)
    values = script_output (script, embedding);
  else
    {
      values = g_new0 (float, n);
      for (gsize i = 0; i < n && tensor->n_dims == 1; i++)
        values[i] = 1;
    }
  engine_gguf_writer_write (writer, values, n * sizeof (float), NULL);
  if (g_strcmp0 (script->misshapen, tensor->name) == 0)
    engine_gguf_writer_write (writer, values, tensor->dims[0] * sizeof (float), NULL);
}

/* Writes the model to PATH; FALSE when that fails. */
static G_GNUC_UNUSED gboolean script_write (const Script *script, const char *path)
{
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  g_autofree float *embedding = script_embedding ();
  const ScriptTensor extra = { script->extra, 1, { 32 } };
  script_write_keys (writer, script);
  for (guint i = 0; i < G_N_ELEMENTS (SCRIPT_TENSORS); i++)
    {
      ScriptTensor tensor = SCRIPT_TENSORS[i];
      if (g_strcmp0 (script->left_out, tensor.name) == 0)
        continue;
      if (g_strcmp0 (script->misshapen, tensor.name) == 0)
        tensor.dims[1]++;
      engine_gguf_writer_add_tensor (writer, tensor.name, ENGINE_TYPE_F32, tensor.dims,
                                     tensor.n_dims, NULL);
    }
  if (script->extra)
    engine_gguf_writer_add_tensor (writer, extra.name, ENGINE_TYPE_F32, extra.dims, 1, NULL);
  if (!engine_gguf_writer_begin (writer, path, NULL))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (SCRIPT_TENSORS); i++)
    if (g_strcmp0 (script->left_out, SCRIPT_TENSORS[i].name) != 0)
      script_write_tensor (writer, script, &SCRIPT_TENSORS[i], embedding);
  if (script->extra)
    script_write_tensor (writer, script, &extra, embedding);
  return engine_gguf_writer_commit (writer, NULL);
}

/* A new temporary file's path; the file is removed by whoever is done with it. */
static char *script_path (void)
{
  g_autofree char *folder = g_dir_make_tmp ("docent-engine-XXXXXX", NULL);
  return g_build_filename (folder, "model.gguf", NULL);
}

static void script_remove (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_remove (path);
  g_rmdir (folder);
}

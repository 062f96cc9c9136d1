/* Makes model folders for tests: a scratch folder that is removed afterwards, small text files in
 * it, and safetensors files. */
#pragma once

#include <check.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/engine.h"

static inline void remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_folder (child);
    }
  g_remove (path);
}

static inline char *make_folder (void)
{
  char *path = g_dir_make_tmp ("docent-test-XXXXXX", NULL);
  ck_assert_ptr_nonnull (path);
  return path;
}

static inline char *write_file (const char *folder, const char *name, const void *data, gsize n)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  ck_assert_int_eq (g_mkdir_with_parents (parent, 0700), 0);
  ck_assert (g_file_set_contents (path, data, (gssize)n, NULL));
  return path;
}

static inline void write_text (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = write_file (folder, name, text, strlen (text));
}

/* A safetensors file as bytes: the header's length, HEADER and N_DATA bytes. */
static inline GByteArray *safetensors_bytes (const char *header, const void *data, gsize n_data)
{
  GByteArray *bytes = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64)strlen (header));
  g_byte_array_append (bytes, (const guint8 *)&length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *)header, (guint)strlen (header));
  g_byte_array_append (bytes, data, (guint)n_data);
  return bytes;
}

/* Collects F32 tensors, then writes them as one file. */
typedef struct
{
  GString *header;
  GByteArray *data;
} Checkpoint;

static inline void checkpoint_init (Checkpoint *checkpoint)
{
  checkpoint->header = g_string_new ("{\"__metadata__\":{\"format\":\"pt\"}");
  checkpoint->data = g_byte_array_new ();
}

/* dims: outermost first. */
static inline void checkpoint_add (Checkpoint *checkpoint, const char *name, const guint64 *dims,
                                   guint n_dims, const float *values)
{
  gsize n = 1;
  g_string_append_printf (checkpoint->header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", name);
  for (guint i = 0; i < n_dims; i++)
    {
      g_string_append_printf (checkpoint->header, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "",
                              dims[i]);
      n *= dims[i];
    }
  g_string_append_printf (checkpoint->header, "],\"data_offsets\":[%u,", checkpoint->data->len);
  g_byte_array_append (checkpoint->data, (const guint8 *)values, (guint)(n * sizeof (float)));
  g_string_append_printf (checkpoint->header, "%u]}", checkpoint->data->len);
}

static inline void checkpoint_write (Checkpoint *checkpoint, const char *folder, const char *name)
{
  g_string_append_c (checkpoint->header, '}');
  g_autoptr (GByteArray) bytes
      = safetensors_bytes (checkpoint->header->str, checkpoint->data->data, checkpoint->data->len);
  g_autofree char *path = write_file (folder, name, bytes->data, bytes->len);
  g_string_free (checkpoint->header, TRUE);
  g_byte_array_unref (checkpoint->data);
}

/* A BERT of one layer, 32 wide, with ten tokens: small, but with every tensor that the family has.
 * PREFIX stands before the names of its tensors. */
#define TINY_EMBD 32
#define TINY_FF 64
#define TINY_VOCAB 10

static inline void add_random (Checkpoint *checkpoint, GRand *rand, const char *prefix,
                               const char *name, guint64 rows, guint64 cols)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  gsize n = rows * MAX (cols, 1);
  g_autofree float *values = g_new (float, n);
  const guint64 dims[] = { rows, cols };
  for (gsize i = 0; i < n; i++)
    values[i] = (float)g_rand_double_range (rand, -1, 1);
  checkpoint_add (checkpoint, full, dims, cols > 0 ? 2 : 1, values);
}

static inline void write_tiny_bert (const char *folder, const char *prefix)
{
  static const struct
  {
    const char *name;
    guint64 rows, cols;
  } tensors[] = {
    { "embeddings.word_embeddings.weight", TINY_VOCAB, TINY_EMBD },
    { "embeddings.position_embeddings.weight", 16, TINY_EMBD },
    { "embeddings.token_type_embeddings.weight", 2, TINY_EMBD },
    { "embeddings.LayerNorm.weight", TINY_EMBD, 0 },
    { "embeddings.LayerNorm.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.self.query.weight", TINY_EMBD, TINY_EMBD },
    { "encoder.layer.0.attention.self.query.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.self.key.weight", TINY_EMBD, TINY_EMBD },
    { "encoder.layer.0.attention.self.key.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.self.value.weight", TINY_EMBD, TINY_EMBD },
    { "encoder.layer.0.attention.self.value.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.output.dense.weight", TINY_EMBD, TINY_EMBD },
    { "encoder.layer.0.attention.output.dense.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.output.LayerNorm.weight", TINY_EMBD, 0 },
    { "encoder.layer.0.attention.output.LayerNorm.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.intermediate.dense.weight", TINY_FF, TINY_EMBD },
    { "encoder.layer.0.intermediate.dense.bias", TINY_FF, 0 },
    { "encoder.layer.0.output.dense.weight", TINY_EMBD, TINY_FF },
    { "encoder.layer.0.output.dense.bias", TINY_EMBD, 0 },
    { "encoder.layer.0.output.LayerNorm.weight", TINY_EMBD, 0 },
    { "encoder.layer.0.output.LayerNorm.bias", TINY_EMBD, 0 },
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  Checkpoint checkpoint;
  checkpoint_init (&checkpoint);
  for (gsize i = 0; i < G_N_ELEMENTS (tensors); i++)
    add_random (&checkpoint, rand, prefix, tensors[i].name, tensors[i].rows, tensors[i].cols);
  checkpoint_write (&checkpoint, folder, "model.safetensors");
  write_text (folder, "config.json",
              "{\"model_type\":\"bert\",\"architectures\":[\"BertModel\"],\"hidden_act\":\"gelu\","
              "\"num_hidden_layers\":1,\"max_position_embeddings\":16,\"hidden_size\":32,"
              "\"intermediate_size\":64,\"num_attention_heads\":2,\"layer_norm_eps\":1e-12}");
  write_text (folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##s\n[\nno\n.\n");
  write_text (folder, "1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true}");
  write_text (folder, "sentence_bert_config.json", "{\"max_seq_length\":12}");
}

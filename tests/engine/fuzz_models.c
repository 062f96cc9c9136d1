/* Opens thousands of damaged copies of sound model files, each as the program would, and runs those
 * that are accepted: every one must be refused with a sentence or compute something, within bounded
 * memory. Run it under ASan and UBSan, which watch the rest.
 *
 * usage: fuzz_models EVERY FILE.gguf…
 *
 * Of every possible cut and every bit of the header each EVERY-th is tried (1: all of them), and as
 * many files with noise in the weights or with numbers of the header overwritten. A folder as
 * Hugging Face has it, with tokenizer.json, and an adapter as PEFT writes it are made here and
 * damaged the same way. Exit status 1: an acceptance or refusal without a sentence, or too much
 * memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/encoder-private.h"
#include "engine/session-private.h"
#include "model-folder.h"

#define MAX_GROWTH_KB (1024 * 1024) /* ASan keeps what was freed */

static guint n_tried, n_refused, n_silent;

static void count (gboolean accepted, const GError *error)
{
  n_tried++;
  n_refused += !accepted;
  n_silent += accepted == (error != NULL) || (error && strlen (error->message) < 10);
}

/* ---- Use --------------------------------------------------------------------------------------
 */

static void use_generator (EngineModel *model)
{
  const EngineSessionOptions options = { .n_ctx = MIN (32, model->hyper.n_ctx_train),
                                         .n_threads = 1,
                                         .mem_limit_bytes = 256 << 20 };
  gint32 tokens[12];
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSession) session = engine_session_new (model, &options, &error);
  guint n = MIN (12, options.n_ctx);
  for (guint i = 0; i < n; i++)
    tokens[i] = (gint32)(i * 7 % model->hyper.n_vocab);
  count (session != NULL, error);
  if (session != NULL)
    engine_session_read (session, tokens, n, NULL, NULL, NULL);
}

static void use_encoder (EngineModel *model)
{
  const char *const texts[] = { "the a is x", "<|im_end|> é ▁" };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, 1, &error);
  count (encoder != NULL, error);
  if (encoder == NULL)
    return;
  if (model->info.role == ENGINE_ROLE_RERANKER)
    {
      float scores[2];
      engine_rerank (encoder, "x", texts, 2, scores, NULL, NULL);
      return;
    }
  g_autofree float *vectors = g_new (float, 2 * engine_encoder_dimension (encoder));
  engine_encode (encoder, ENGINE_TEXT_QUERY, texts, 2, vectors, NULL, NULL);
}

static void try_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (path, &error);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  count (model != NULL, error);
  if (model == NULL)
    return;
  const EngineMessage message = { "user", "Hi <|im_end|>" };
  if (model->info.role == ENGINE_ROLE_GENERATOR)
    {
      engine_chat_tokens (model, &message, 1, tokens, NULL);
      use_generator (model);
    }
  else
    use_encoder (model);
}

/* ---- Damage to one GGUF file
 * --------------------------------------------------------------------- */

typedef struct
{
  char *bytes;
  gsize n_bytes, n_header;
  int fd;
  char *path; /* of the damaged copy, which lies in memory */
} Victim;

static Victim open_victim (const char *path)
{
  Victim victim = { 0 };
  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, NULL);
  g_assert (gguf != NULL && g_file_get_contents (path, &victim.bytes, &victim.n_bytes, NULL));
  victim.n_header = engine_gguf_tensor (gguf, 0)->data - engine_gguf_bytes (gguf, &victim.n_bytes);
  victim.fd = memfd_create ("victim", 0);
  victim.path = g_strdup_printf ("/proc/self/fd/%d", victim.fd);
  return victim;
}

static void close_victim (Victim *victim)
{
  close (victim->fd);
  g_free (victim->path);
  g_free (victim->bytes);
}

static void write_all (const Victim *victim)
{
  g_assert (ftruncate (victim->fd, 0) == 0);
  g_assert (pwrite (victim->fd, victim->bytes, victim->n_bytes, 0) == (gssize)victim->n_bytes);
}

static void overwrite (const Victim *victim, gsize at, const void *bytes, gsize n)
{
  g_assert (pwrite (victim->fd, bytes, n, (off_t)at) == (gssize)n);
}

static void flip_bits (const Victim *victim, guint every)
{
  write_all (victim);
  for (gsize bit = every / 2; bit < victim->n_header * 8; bit += every)
    {
      char flipped = (char)(victim->bytes[bit / 8] ^ (1 << bit % 8));
      overwrite (victim, bit / 8, &flipped, 1);
      try_model (victim->path);
      overwrite (victim, bit / 8, victim->bytes + bit / 8, 1);
    }
}

/* Counts, lengths, types and offsets, wherever they stand. */
static void overwrite_numbers (const Victim *victim, guint every)
{
  static const guint64 values[]
      = { 0, 1, 13, G_MAXUINT32, G_MAXINT32, G_MAXUINT64, G_MAXINT64, 1ull << 32, 1ull << 61 };
  for (gsize at = 4 + every % 4; at + 8 < victim->n_header; at += MAX (every / 4, 4))
    {
      guint64 value = values[at / 4 % G_N_ELEMENTS (values)];
      overwrite (victim, at, &value, at % 8 < 4 ? 8 : 4);
      try_model (victim->path);
      overwrite (victim, at, victim->bytes + at, 8);
    }
}

static void spoil_weights (const Victim *victim, guint every)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (every);
  for (guint i = 0; i < 400 / MIN (every, 100); i++)
    {
      guint8 noise[64];
      gsize span = victim->n_bytes - victim->n_header - sizeof noise;
      gsize at = victim->n_header + g_rand_int (rand) % span;
      for (guint j = 0; j < sizeof noise; j++)
        noise[j] = i % 3 == 0 ? 0xff : (guint8)g_rand_int (rand);
      overwrite (victim, at, noise, sizeof noise);
      try_model (victim->path);
    }
}

/* From the whole file down to nothing. */
static void cut (const Victim *victim, guint every)
{
  write_all (victim);
  for (gsize n = victim->n_bytes - 1; n > every; n -= every)
    {
      g_assert (ftruncate (victim->fd, (off_t)n) == 0);
      try_model (victim->path);
    }
}

/* ---- A folder and an adapter --------------------------------------------------------------------
 */

static void write_decoder (const char *folder)
{
  static const struct
  {
    const char *name;
    guint64 rows, cols;
  } tensors[] = { { "model.embed_tokens.weight", 8, 32 },
                  { "model.norm.weight", 32, 0 },
                  { "model.layers.0.input_layernorm.weight", 32, 0 },
                  { "model.layers.0.post_attention_layernorm.weight", 32, 0 },
                  { "model.layers.0.self_attn.q_proj.weight", 32, 32 },
                  { "model.layers.0.self_attn.k_proj.weight", 16, 32 },
                  { "model.layers.0.self_attn.v_proj.weight", 16, 32 },
                  { "model.layers.0.self_attn.o_proj.weight", 32, 32 },
                  { "model.layers.0.mlp.gate_proj.weight", 48, 32 },
                  { "model.layers.0.mlp.up_proj.weight", 48, 32 },
                  { "model.layers.0.mlp.down_proj.weight", 32, 48 } };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  Checkpoint checkpoint;
  checkpoint_init (&checkpoint);
  for (gsize i = 0; i < G_N_ELEMENTS (tensors); i++)
    add_random (&checkpoint, rand, "", tensors[i].name, tensors[i].rows, tensors[i].cols);
  checkpoint_write (&checkpoint, folder, "model.safetensors");
  write_text (
      folder, "config.json",
      "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":32,"
      "\"num_hidden_layers\":1,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
      "\"intermediate_size\":48,\"vocab_size\":8,\"max_position_embeddings\":64,"
      "\"rms_norm_eps\":1e-5,\"rope_theta\":10000.0,\"tie_word_embeddings\":true,"
      "\"bos_token_id\":6,\"eos_token_id\":7}");
  write_text (
      folder, "tokenizer.json",
      "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":6,\"content\":\"<s>\",\"special\":true},"
      "{\"id\":7,\"content\":\"</s>\",\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":"
      "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
      "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
      "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
      "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":"
      "false,"
      "\"trim_offsets\":true,\"use_regex\":false}]},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":"
      "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"\u0120\":3,\"ab\":4,\"abc\":5},"
      "\"merges\":[\"a b\",\"ab c\"]}}");
  write_text (folder, "tokenizer_config.json",
              "{\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"add_bos_token\":true}");
}

static void write_adapter (const char *folder)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  Checkpoint checkpoint;
  checkpoint_init (&checkpoint);
  add_random (&checkpoint, rand, "base_model.model.model.layers.0.self_attn.v_proj.",
              "lora_A.weight", 2, 32);
  add_random (&checkpoint, rand, "base_model.model.model.layers.0.self_attn.v_proj.",
              "lora_B.weight", 16, 2);
  checkpoint_write (&checkpoint, folder, "adapter_model.safetensors");
  write_text (folder, "adapter_config.json",
              "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"target_modules\":[\"v_proj\"]}");
}

typedef void (*UseFolder) (const char *folder, gpointer user_data);

static void convert_folder (const char *folder, gpointer user_data)
{
  g_autofree char *made = g_build_filename (folder, "made.gguf", NULL);
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_convert (folder, made, "F32", NULL, NULL, &error);
  count (ok, error);
  if (ok)
    try_model (made);
  g_remove (made);
}

static void open_adapter (const char *folder, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineAdapter) adapter = engine_adapter_open (user_data, folder, &error);
  count (adapter != NULL, error);
}

/* One byte, number or run of brackets elsewhere than it was; every fifth time the end cut off. */
static void damage (GByteArray *bytes, GRand *rand)
{
  static const char *const pieces[]
      = { "-1", "1e999", "[[[[", "{\"\":", "\\ud800", "null", "\"", "99999999999" };
  gsize at = (gsize)g_rand_int_range (rand, 0, (gint)MIN (bytes->len, 4096));
  const char *piece = pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))];
  switch (g_rand_int_range (rand, 0, 5))
    {
    case 0:
      g_byte_array_set_size (bytes, (guint)at);
      break;
    case 1:
      bytes->data[at] = (guint8)g_rand_int (rand);
      break;
    case 2:
      memcpy (bytes->data + at, piece, MIN (strlen (piece), bytes->len - at));
      break;
    default:
      bytes->data[at] ^= (guint8)(1 << g_rand_int_range (rand, 0, 8));
    }
}

static void spoil_file (const char *folder, const char *name, guint n_times, UseFolder use,
                        gpointer user_data)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *sound = NULL;
  gsize length;
  g_autoptr (GRand) rand = g_rand_new_with_seed (g_str_hash (name));
  g_assert (g_file_get_contents (path, &sound, &length, NULL));
  for (guint i = 0; i < n_times; i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_byte_array_append (bytes, (const guint8 *)sound, (guint)length);
      damage (bytes, rand);
      g_file_set_contents_full (path, (const char *)bytes->data, bytes->len,
                                G_FILE_SET_CONTENTS_NONE, 0600, NULL);
      use (folder, user_data);
    }
  g_file_set_contents (path, sound, (gssize)length, NULL);
}

static void spoil_folders (guint every)
{
  static const char *const parts[]
      = { "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors" };
  static const char *const adapter_parts[] = { "adapter_config.json", "adapter_model.safetensors" };
  g_autofree char *folder = make_folder (), *adapter = make_folder ();
  g_autofree char *made = g_build_filename (folder, "base.gguf", NULL);
  g_autoptr (GError) error = NULL;
  guint n_times = CLAMP (20000 / every, 50, 5000);
  write_decoder (folder);
  write_adapter (adapter);
  if (!engine_convert (folder, made, "F32", NULL, NULL, &error))
    g_error ("the sound folder: %s", error->message);
  g_autoptr (EngineModel) base = engine_model_open (made, &error);
  if (base == NULL)
    g_error ("the sound folder: %s", error->message);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    spoil_file (folder, parts[i], n_times, convert_folder, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (adapter_parts); i++)
    spoil_file (adapter, adapter_parts[i], n_times, open_adapter, base);
  remove_folder (folder);
  remove_folder (adapter);
}

/* ---- All
 * ------------------------------------------------------------------------------------------ */

static long peak_kb (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static guint every;
static char **files;

START_TEST (test_damage_is_refused_or_harmless)
{
  long before = peak_kb ();
  for (guint i = 0; files[i] != NULL; i++)
    {
      Victim victim = open_victim (files[i]);
      flip_bits (&victim, every);
      overwrite_numbers (&victim, every);
      spoil_weights (&victim, every);
      cut (&victim, every);
      close_victim (&victim);
      printf ("%s: %u tried so far, %u refused\n", files[i], n_tried, n_refused);
      fflush (stdout);
    }
  spoil_folders (every);
  long growth = peak_kb () - before;
  printf ("%u tried, %u refused, %u without a sentence, peak grew by %ld MB\n", n_tried, n_refused,
          n_silent, growth / 1024);
  ck_assert_uint_eq (n_silent, 0);
  ck_assert_uint_gt (n_refused, 0);
  ck_assert_int_le (growth, MAX_GROWTH_KB);
}
END_TEST

int main (int argc, char **argv)
{
  every = argc > 1 ? (guint)atoi (argv[1]) : 0;
  files = argv + 2;
  if (every == 0)
    return fprintf (stderr, "usage: fuzz_models EVERY FILE.gguf…\n"), 2;
  Suite *suite = suite_create ("fuzz models");
  TCase *tests = tcase_create ("fuzz models");
  tcase_set_timeout (tests, 0);
  tcase_add_test (tests, test_damage_is_refused_or_harmless);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_set_fork_status (runner, CK_NOFORK); /* a debugger sees the file at fault */
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

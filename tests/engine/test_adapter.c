/* LoRA adapters: what a session computes with one is what the merged model computes, PEFT's files
 * mean the same as GGUF's, and what was made for another model is refused. */
#include <math.h>

#include "engine/adapter-private.h"
#include "engine/gguf-write-private.h"
#include "engine/session-private.h"
#include "model-folder.h"

#define CASE SOURCE_ROOT "/tests/golden/cases/llama-bias/model.gguf"
#define N_EMBD 64
#define N_FF 128
#define RANK 4
#define N_TOKENS 9

static char *folder;
static EngineModel *model;
static float q_a[RANK * N_EMBD], q_b[64 * RANK], down_a[RANK * N_FF], down_b[N_EMBD * RANK];
static const gint32 TOKENS[N_TOKENS] = { 5, 9, 1, 30, 12, 7, 22, 3, 14 };

static void fill (GRand *rand, float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = (float)g_rand_double_range (rand, -0.5, 0.5);
}

static void setup (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  folder = make_folder ();
  model = engine_model_open_graph (CASE, NULL);
  ck_assert_ptr_nonnull (model);
  fill (rand, q_a, G_N_ELEMENTS (q_a));
  fill (rand, q_b, G_N_ELEMENTS (q_b));
  fill (rand, down_a, G_N_ELEMENTS (down_a));
  fill (rand, down_b, G_N_ELEMENTS (down_b));
}

static void teardown (void)
{
  engine_model_unref (model);
  remove_folder (folder);
  g_free (folder);
}

/* ---- Files ---- */

static void write_tensor (EngineGgufWriter *writer, const char *name, gsize n_cols, gsize n_rows)
{
  const guint64 dims[] = { n_cols, n_rows };
  ck_assert (engine_gguf_writer_add_tensor (writer, name, ENGINE_TYPE_F32, dims, 2, NULL));
}

/* Layer 0's queries and layer 1's way back; N_FF_SAID: as if the model were of another width. */
static char *write_gguf (const char *architecture, gsize n_ff_said)
{
  char *path = g_build_filename (folder, "adapter.gguf", NULL);
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  engine_gguf_writer_set_string (writer, "general.type", "adapter");
  engine_gguf_writer_set_string (writer, "general.architecture", architecture);
  engine_gguf_writer_set_string (writer, "adapter.type", "lora");
  engine_gguf_writer_set_float (writer, "adapter.lora.alpha", 8);
  write_tensor (writer, "blk.0.attn_q.weight.lora_a", N_EMBD, RANK);
  write_tensor (writer, "blk.0.attn_q.weight.lora_b", RANK, 64);
  write_tensor (writer, "blk.1.ffn_down.weight.lora_a", n_ff_said, RANK);
  write_tensor (writer, "blk.1.ffn_down.weight.lora_b", RANK, N_EMBD);
  ck_assert (engine_gguf_writer_begin (writer, path, NULL));
  ck_assert (engine_gguf_writer_write (writer, q_a, sizeof q_a, NULL));
  ck_assert (engine_gguf_writer_write (writer, q_b, sizeof q_b, NULL));
  ck_assert (engine_gguf_writer_write (writer, down_a, RANK * n_ff_said * sizeof (float), NULL));
  ck_assert (engine_gguf_writer_write (writer, down_b, sizeof down_b, NULL));
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  return path;
}

/* Checkpoints keep the two numbers that turn together half a head apart: rows of B move. */
static void to_halves (const float *pairs, float *halves)
{
  const guint head_dim = 16;
  for (guint row = 0; row < 64; row++)
    {
      guint in_head = row % head_dim;
      guint to = row - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
      memcpy (halves + to * RANK, pairs + row * RANK, RANK * sizeof (float));
    }
}

static void write_peft (const char *config)
{
  static const char header[]
      = "{\"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\":{\"dtype\":\"F32\","
        "\"shape\":[4,64],\"data_offsets\":[0,1024]},"
        "\"base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight\":{\"dtype\":\"F32\","
        "\"shape\":[64,4],\"data_offsets\":[1024,2048]},"
        "\"base_model.model.model.layers.1.mlp.down_proj.lora_A.weight\":{\"dtype\":\"F32\","
        "\"shape\":[4,128],\"data_offsets\":[2048,4096]},"
        "\"base_model.model.model.layers.1.mlp.down_proj.lora_B.weight\":{\"dtype\":\"F32\","
        "\"shape\":[64,4],\"data_offsets\":[4096,5120]}}";
  guint8 data[5120];
  float halves[64 * RANK];
  to_halves (q_b, halves);
  memcpy (data, q_a, 1024);
  memcpy (data + 1024, halves, 1024);
  memcpy (data + 2048, down_a, 2048);
  memcpy (data + 4096, down_b, 1024);
  g_autoptr (GByteArray) bytes = safetensors_bytes (header, data, sizeof data);
  g_free (write_file (folder, "adapter_model.safetensors", bytes->data, bytes->len));
  write_text (folder, "adapter_config.json", config);
}

/* ---- Computing ---- */

static EngineSession *new_session (EngineModel *of)
{
  const EngineSessionOptions options = { .n_ctx = 32, .n_threads = 1, .kv_type = ENGINE_KV_F32 };
  EngineSession *session = engine_session_new (of, &options, NULL);
  ck_assert_ptr_nonnull (session);
  return session;
}

static float *logits_of (EngineSession *session)
{
  GError *error = NULL;
  gsize n;
  engine_session_tokens (session, &n);
  if (n == 0)
    ck_assert (engine_session_read (session, TOKENS, N_TOKENS, NULL, NULL, &error));
  ck_assert (engine_session_ready (session, &error));
  return g_memdup2 (engine_session_logits (session), model->hyper.n_vocab * sizeof (float));
}

/* Σ(a − b)² / Σb² */
static double distance (const float *a, const float *b)
{
  double error = 0, size = 0;
  for (guint i = 0; i < model->hyper.n_vocab; i++)
    {
      error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
      size += (double)b[i] * b[i];
    }
  return error / size;
}

static EngineAdapter *open_adapter (const char *path)
{
  g_autoptr (GError) error = NULL;
  EngineAdapter *adapter = engine_adapter_open (model, path, &error);
  ck_assert_msg (adapter != NULL, "%s", error ? error->message : "");
  return adapter;
}

START_TEST (test_session_computes_what_the_merged_model_does)
{
  const float scale = 0.75F;
  g_autofree char *path = write_gguf ("llama", N_FF);
  g_autofree char *merged_path = g_build_filename (folder, "merged.gguf", NULL);
  g_autoptr (EngineAdapter) adapter = open_adapter (path);
  g_autoptr (EngineSession) session = new_session (model);
  g_autofree float *plain = logits_of (session);
  ck_assert (engine_session_set_adapters (session, &adapter, &scale, 1, NULL));
  g_autofree float *adapted = logits_of (session);

  ck_assert (engine_adapt_file (model, &adapter, &scale, 1, merged_path, NULL, NULL, NULL));
  g_autoptr (EngineModel) merged_model = engine_model_open_graph (merged_path, NULL);
  g_autoptr (EngineSession) merged_session = new_session (merged_model);
  g_autofree float *merged = logits_of (merged_session);
  ck_assert_double_gt (distance (adapted, plain), 1e-3);
  ck_assert_double_lt (distance (adapted, merged), 1e-9);
}
END_TEST

START_TEST (test_several_add_up_and_can_be_taken_off_again)
{
  const float halves[] = { 0.5F, 0.5F }, whole = 1;
  g_autofree char *path = write_gguf ("llama", N_FF);
  g_autoptr (EngineAdapter) adapter = open_adapter (path);
  EngineAdapter *const twice[] = { adapter, adapter };
  g_autoptr (EngineSession) session = new_session (model);
  g_autofree float *plain = logits_of (session);
  ck_assert (engine_session_set_adapters (session, twice, halves, 2, NULL));
  g_autofree float *both = logits_of (session);
  ck_assert (engine_session_set_adapters (session, &adapter, &whole, 1, NULL));
  g_autofree float *one = logits_of (session);
  ck_assert (engine_session_set_adapters (session, NULL, NULL, 0, NULL));
  g_autofree float *again = logits_of (session);
  ck_assert_double_lt (distance (both, one), 1e-9);
  ck_assert_double_eq (distance (again, plain), 0);
}
END_TEST

START_TEST (test_peft_means_the_same)
{
  const float scale = 1;
  g_autofree char *path = write_gguf ("llama", N_FF);
  write_peft ("{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"bias\":\"none\"}");
  g_autoptr (EngineAdapter) gguf = open_adapter (path);
  g_autoptr (EngineAdapter) peft = open_adapter (folder);
  g_autoptr (EngineSession) session = new_session (model);
  ck_assert (engine_session_set_adapters (session, &gguf, &scale, 1, NULL));
  g_autofree float *one = logits_of (session);
  ck_assert (engine_session_set_adapters (session, &peft, &scale, 1, NULL));
  g_autofree float *other = logits_of (session);
  ck_assert_double_lt (distance (other, one), 1e-12);
}
END_TEST

static void assert_refused (const char *path, const char *why)
{
  g_autoptr (GError) error = NULL;
  EngineAdapter *adapter = engine_adapter_open (model, path, &error);
  ck_assert_ptr_null (adapter);
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
}

START_TEST (test_refuses_what_was_made_for_another_model)
{
  g_autofree char *other = write_gguf ("qwen2", N_FF);
  assert_refused (other, "architecture");
  g_autofree char *narrow = write_gguf ("llama", N_FF / 2);
  assert_refused (narrow, "another model");
  assert_refused (CASE, "no LoRA adapter");
  write_peft ("{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"use_dora\":true}");
  assert_refused (folder, "plain LoRA");
  down_b[7] = NAN;
  g_autofree char *damaged = write_gguf ("llama", N_FF);
  assert_refused (damaged, "no numbers");
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("adapter");
  TCase *tests = tcase_create ("lora");
  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, test_session_computes_what_the_merged_model_does);
  tcase_add_test (tests, test_several_add_up_and_can_be_taken_off_again);
  tcase_add_test (tests, test_peft_means_the_same);
  tcase_add_test (tests, test_refuses_what_was_made_for_another_model);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}

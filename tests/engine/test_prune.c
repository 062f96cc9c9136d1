/* Pruned models: what does nothing goes, what stays computes as before, and files stay consistent.
 */
#include <check.h>
#include <glib/gstdio.h>

#include "engine/session-private.h"
#include "script-model.h"

#define CASES SOURCE_ROOT "/tests/golden/cases/"

/* ---- A decoder with idle parts ----------------------------------------------------------------
 */

#define N_LAYER 4
#define N_EMBD 32
#define N_HEAD 4
#define N_HEAD_KV 2
#define HEAD_DIM 8
#define N_FF 48
#define IDLE_LAYER 2

/* The group of heads in each layer whose values go nowhere. */
static const guint IDLE_GROUP[N_LAYER] = { 1, 0, 0, 1 };

typedef struct
{
  EngineGgufWriter *writer;
  GRand *rand;
  gboolean writing; /* otherwise: announcing */
} Maker;

typedef enum
{
  FILL_RANDOM,
  FILL_ONES,
  FILL_ZEROS,
  FILL_OUTPUT, /* random but for the columns of the idle group */
} Fill;

static float value_of (Maker *maker, Fill fill, guint il, guint64 column)
{
  gboolean idle = column / (N_HEAD / N_HEAD_KV * HEAD_DIM) == IDLE_GROUP[il];
  float random = (float)g_rand_double_range (maker->rand, -0.3, 0.3);
  return fill == FILL_ONES ? 1 : fill == FILL_ZEROS || (fill == FILL_OUTPUT && idle) ? 0 : random;
}

static void make (Maker *maker, guint il, const char *format, guint64 n_cols, guint64 n_rows,
                  Fill fill)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.%s", il, format);
  const char *full = il < N_LAYER ? name : format;
  const guint64 dims[] = { n_cols, MAX (n_rows, 1) };
  if (!maker->writing)
    engine_gguf_writer_add_tensor (maker->writer, full, ENGINE_TYPE_F32, dims, n_rows ? 2 : 1,
                                   NULL);
  for (guint64 i = 0; maker->writing && i < n_cols * dims[1]; i++)
    {
      float value = value_of (maker, fill, il % N_LAYER, i % n_cols);
      engine_gguf_writer_write (maker->writer, &value, sizeof value, NULL);
    }
}

static void make_layer (Maker *maker, guint il, gboolean fused)
{
  const guint n_q = N_HEAD * HEAD_DIM, n_kv = N_HEAD_KV * HEAD_DIM;
  gboolean idle = il == IDLE_LAYER;
  make (maker, il, "attn_norm.weight", N_EMBD, 0, FILL_ONES);
  if (fused)
    make (maker, il, "attn_qkv.weight", N_EMBD, n_q + 2 * n_kv, FILL_RANDOM);
  else
    {
      make (maker, il, "attn_q.weight", N_EMBD, n_q, FILL_RANDOM);
      make (maker, il, "attn_q.bias", n_q, 0, FILL_RANDOM);
      make (maker, il, "attn_k.weight", N_EMBD, n_kv, FILL_RANDOM);
      make (maker, il, "attn_k.bias", n_kv, 0, FILL_RANDOM);
      make (maker, il, "attn_v.weight", N_EMBD, n_kv, FILL_RANDOM);
      make (maker, il, "attn_v.bias", n_kv, 0, FILL_RANDOM);
    }
  make (maker, il, "attn_output.weight", n_q, N_EMBD, idle ? FILL_ZEROS : FILL_OUTPUT);
  make (maker, il, "ffn_norm.weight", N_EMBD, 0, FILL_ONES);
  if (!fused)
    make (maker, il, "ffn_gate.weight", N_EMBD, N_FF, FILL_RANDOM);
  make (maker, il, "ffn_up.weight", N_EMBD, fused ? 2 * N_FF : N_FF, FILL_RANDOM);
  make (maker, il, "ffn_down.weight", N_FF, N_EMBD, idle ? FILL_ZEROS : FILL_RANDOM);
}

static void make_tensors (Maker *maker, gboolean fused)
{
  make (maker, N_LAYER, "token_embd.weight", N_EMBD, SCRIPT_N_VOCAB, FILL_RANDOM);
  make (maker, N_LAYER, "output.weight", N_EMBD, SCRIPT_N_VOCAB, FILL_RANDOM);
  make (maker, N_LAYER, "output_norm.weight", N_EMBD, 0, FILL_ONES);
  for (guint il = 0; il < N_LAYER; il++)
    make_layer (maker, il, fused);
}

static void make_keys (EngineGgufWriter *writer, const char *arch)
{
  static const struct
  {
    const char *key;
    guint32 value;
  } NUMBERS[] = { { "block_count", N_LAYER },
                  { "embedding_length", N_EMBD },
                  { "context_length", 128 },
                  { "attention.head_count", N_HEAD },
                  { "attention.head_count_kv", N_HEAD_KV } };
  const Script script = { .architecture = arch };
  const guint32 n_ff[N_LAYER] = { N_FF, N_FF, N_FF, N_FF };
  g_autofree char *per_layer = g_strconcat (arch, ".feed_forward_length", NULL);
  g_autofree char *eps = g_strconcat (arch, ".attention.layer_norm_rms_epsilon", NULL);
  script_write_keys (writer, &script);
  for (guint i = 0; i < G_N_ELEMENTS (NUMBERS); i++)
    {
      g_autofree char *key = g_strconcat (arch, ".", NUMBERS[i].key, NULL);
      engine_gguf_writer_set_uint (writer, key, NUMBERS[i].value);
    }
  engine_gguf_writer_set_numbers (writer, per_layer, ENGINE_GGUF_INT32, n_ff, N_LAYER);
  engine_gguf_writer_set_float (writer, eps, 1e-6f);
}

static EngineModel *make_model (const char *arch, char **ret_path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  Maker maker = { writer, rand, FALSE };
  gboolean fused = strcmp (arch, "phi3") == 0;
  *ret_path = script_path ();
  make_keys (writer, arch);
  make_tensors (&maker, fused);
  ck_assert (engine_gguf_writer_begin (writer, *ret_path, NULL));
  maker.writing = TRUE;
  make_tensors (&maker, fused);
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  EngineModel *model = engine_model_open (*ret_path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

/* ---- Pruning ----------------------------------------------------------------------------------
 */

static const char *const TEXT
    = "The herons nest on the river bank in spring, and the warden counts "
      "them twice a day; what he finds goes into the green book.";

static EngineModel *prune (EngineModel *model, guint n_layers, guint n_heads, GArray **ret_layers)
{
  const EnginePruneOptions options = { .drop_layers = n_layers,
                                       .drop_heads = n_heads,
                                       .texts = &TEXT,
                                       .n_texts = 1,
                                       .max_tokens = 100,
                                       .session = { .n_threads = 1, .kv_type = ENGINE_KV_F32 } };
  g_autofree char *path = script_path ();
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_prune_file (model, &options, path, NULL, NULL, ret_layers, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
  EngineModel *pruned = engine_model_open (path, &error);
  ck_assert_msg (pruned != NULL, "%s", error ? error->message : "");
  script_remove (path);
  return pruned;
}

static void expect_refusal (EngineModel *model, guint n_layers, guint n_heads, const char *why)
{
  const EnginePruneOptions options = {
    .drop_layers = n_layers, .drop_heads = n_heads, .texts = &TEXT, .n_texts = 1, .max_tokens = 100
  };
  g_autofree char *path = script_path ();
  g_autoptr (GError) error = NULL;
  GArray *layers = NULL;
  ck_assert (!engine_prune_file (model, &options, path, NULL, NULL, &layers, &error));
  ck_assert_msg (strstr (error->message, why) != NULL, "%s", error->message);
  ck_assert (!g_file_test (path, G_FILE_TEST_EXISTS) && layers == NULL);
  script_remove (path);
}

/* Logits [n_vocab] after a few tokens; the caller's. */
static float *logits_of (EngineModel *model)
{
  const gint32 tokens[] = { 5, 17, 9, 30, 17, 2, 11 };
  const EngineSessionOptions options = { .n_ctx = 32, .n_threads = 1, .kv_type = ENGINE_KV_F32 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSession) session = engine_session_new (model, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert (engine_session_read (session, tokens, G_N_ELEMENTS (tokens), NULL, NULL, NULL));
  return g_memdup2 (engine_session_logits (session), model->hyper.n_vocab * sizeof (float));
}

static void expect_same_logits (EngineModel *a, EngineModel *b)
{
  g_autofree float *ours = logits_of (a), *theirs = logits_of (b);
  for (guint i = 0; i < a->hyper.n_vocab; i++)
    ck_assert_float_eq_tol (ours[i], theirs[i], 1e-4f);
}

START_TEST (test_the_layer_that_does_nothing_goes)
{
  g_autofree char *path = NULL;
  g_autoptr (EngineModel) model = make_model ("llama", &path);
  g_autoptr (GArray) layers = NULL;
  g_autoptr (EngineModel) pruned = prune (model, 1, 0, &layers);
  ck_assert_uint_eq (layers->len, 1);
  ck_assert_uint_eq (g_array_index (layers, guint, 0), IDLE_LAYER);
  ck_assert_uint_eq (engine_model_info (pruned)->n_layer, N_LAYER - 1);
  expect_same_logits (model, pruned);
  script_remove (path);
}
END_TEST

static void check_heads (const char *arch)
{
  g_autofree char *path = NULL;
  g_autoptr (EngineModel) model = make_model (arch, &path);
  g_autoptr (GArray) layers = NULL;
  g_autoptr (EngineModel) pruned = prune (model, 0, N_HEAD / N_HEAD_KV, &layers);
  ck_assert_uint_eq (layers->len, 0);
  ck_assert_uint_eq (engine_model_info (pruned)->n_head, N_HEAD - N_HEAD / N_HEAD_KV);
  ck_assert_uint_eq (engine_model_info (pruned)->n_head_kv, N_HEAD_KV - 1);
  ck_assert_uint_eq (pruned->hyper.head_dim, HEAD_DIM);
  expect_same_logits (model, pruned);
  script_remove (path);
}

START_TEST (test_the_heads_that_do_nothing_go)
{
  check_heads ("llama");
}
END_TEST

START_TEST (test_heads_go_out_of_fused_tensors)
{
  check_heads ("phi3");
}
END_TEST

START_TEST (test_layers_and_heads_go_together)
{
  g_autofree char *path = NULL;
  g_autoptr (EngineModel) model = make_model ("llama", &path);
  g_autoptr (GArray) layers = NULL;
  g_autoptr (EngineModel) pruned = prune (model, 1, N_HEAD / N_HEAD_KV, &layers);
  ck_assert_uint_eq (engine_model_info (pruned)->n_layer, N_LAYER - 1);
  ck_assert_uint_eq (engine_model_info (pruned)->n_head_kv, N_HEAD_KV - 1);
  expect_same_logits (model, pruned);
  script_remove (path);
}
END_TEST

/* Gemma 3: six layers are one turn of its windows. */
START_TEST (test_whole_turns_of_windowed_layers_go)
{
  g_autoptr (EngineModel) model = engine_model_open (CASES "gemma3/model.gguf", NULL);
  g_autoptr (GArray) layers = NULL;
  expect_refusal (model, 1, 0, "multiple");
  g_autoptr (EngineModel) pruned = prune (model, 6, 0, &layers);
  ck_assert_uint_eq (layers->len, 6);
  ck_assert_uint_eq (engine_model_info (pruned)->n_layer, 1);
  ck_assert_uint_eq (pruned->weights.layers[0].window, model->weights.layers[6].window);
  /* The model itself with its first six layers skipped. */
  model->weights.layers[0] = model->weights.layers[6];
  model->hyper.n_layer = 1;
  expect_same_logits (model, pruned);
}
END_TEST

START_TEST (test_what_cannot_be_left_out_is_refused)
{
  g_autofree char *path = NULL;
  g_autoptr (EngineModel) model = make_model ("llama", &path);
  g_autoptr (EngineModel) encoder = engine_model_open (CASES "bert-cls/model.gguf", NULL);
  expect_refusal (model, N_LAYER, 0, "4 layers");
  expect_refusal (model, 0, 1, "multiple");
  expect_refusal (model, 0, N_HEAD, "4 heads");
  expect_refusal (model, 0, 0, "nothing is to be dropped");
  expect_refusal (encoder, 1, 0, "no generator");
  script_remove (path);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("prune");
  TCase *tests = tcase_create ("prune");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_the_layer_that_does_nothing_goes);
  tcase_add_test (tests, test_the_heads_that_do_nothing_go);
  tcase_add_test (tests, test_heads_go_out_of_fused_tensors);
  tcase_add_test (tests, test_layers_and_heads_go_together);
  tcase_add_test (tests, test_whole_turns_of_windowed_layers_go);
  tcase_add_test (tests, test_what_cannot_be_left_out_is_refused);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

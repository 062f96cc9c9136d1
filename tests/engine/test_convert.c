/* A small BERT becomes a GGUF file with the same numbers and the tokens as GGUF spells them; what
 * could not be converted faithfully is refused with a sentence, and leaves no file. */
#include <math.h>

#include "engine/gguf-private.h"
#include "engine/json-private.h"
#include "engine/safetensors-private.h"
#include "model-folder.h"

static char *folder, *gguf_path;

static void setup (void)
{
  folder = make_folder ();
  gguf_path = g_build_filename (folder, "out.gguf", NULL);
  write_tiny_bert (folder, "");
}

static void teardown (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&gguf_path, g_free);
}

static EngineGguf *convert (const char *type)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_convert (folder, gguf_path, type, NULL, NULL, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
  EngineGguf *gguf = engine_gguf_open (gguf_path, &error);
  ck_assert_msg (gguf != NULL, "%s", error ? error->message : "");
  return gguf;
}

/* Converting fails with CODE, the sentence holds WORD, and no file is left. */
static void refuse (EngineError code, const char *word)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_convert (folder, gguf_path, "Q8_0", NULL, NULL, &error));
  ck_assert_msg (g_error_matches (error, ENGINE_ERROR, code), "%s", error->message);
  ck_assert_msg (strstr (error->message, word) != NULL, "%s", error->message);
  g_autofree char *temporary = g_strconcat (gguf_path, ".tmp", NULL);
  ck_assert (!g_file_test (gguf_path, G_FILE_TEST_EXISTS));
  ck_assert (!g_file_test (temporary, G_FILE_TEST_EXISTS));
}

static void replace_in (const char *name, const char *old, const char *new)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;
  ck_assert (g_file_get_contents (path, &text, NULL, NULL));
  g_autoptr (GString) edited = g_string_new (text);
  ck_assert_uint_eq (g_string_replace (edited, old, new, 1), 1);
  write_text (folder, name, edited->str);
}

/* ---- What comes out ------------------------------------------------------------------------- */

/* Largest difference between the source tensor and the file's, relative to the row's largest. */
static double difference (const EngineGguf *gguf, const char *source, const char *target)
{
  g_autoptr (EngineSafetensors) weights = engine_safetensors_open (folder, NULL);
  const EngineSafeTensor *from = engine_safetensors_find (weights, source);
  const EngineGgufTensor *to = engine_gguf_find_tensor (gguf, target);
  ck_assert_msg (to != NULL, "%s", target);
  g_autofree float *expected = g_new (float, from->n_elements);
  g_autofree float *found = g_new (float, from->n_elements);
  engine_safetensors_read (from, 0, from->n_elements, expected);
  engine_type_info (to->type)->dequantise (to->data, from->n_elements, found);
  double worst = 0;
  for (gsize i = 0; i < from->n_elements; i++)
    worst = MAX (worst, fabs ((double)expected[i] - (double)found[i]));
  return worst;
}

#define QUERY "encoder.layer.0.attention.self.query.weight"

START_TEST (test_f32_keeps_every_bit)
{
  g_autoptr (EngineGguf) gguf = convert ("F32");
  ck_assert_uint_eq (engine_gguf_n_tensors (gguf), 21);
  ck_assert_double_eq (difference (gguf, QUERY, "blk.0.attn_q.weight"), 0);
  ck_assert_double_eq (difference (gguf, "embeddings.word_embeddings.weight", "token_embd.weight"),
                       0);
  ck_assert_double_eq (
      difference (gguf, "encoder.layer.0.output.LayerNorm.bias", "blk.0.layer_output_norm.bias"),
      0);
}
END_TEST

START_TEST (test_matrices_get_the_type_and_the_rest_stays_f32)
{
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  for (gsize i = 0; i < engine_gguf_n_tensors (gguf); i++)
    {
      const EngineGgufTensor *tensor = engine_gguf_tensor (gguf, i);
      g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
      gboolean looked_up
          = strcmp (name, "position_embd.weight") == 0 || strcmp (name, "token_types.weight") == 0;
      EngineType expected = tensor->n_dims == 2 && !looked_up ? ENGINE_TYPE_Q8_0 : ENGINE_TYPE_F32;
      ck_assert_msg (tensor->type == expected, "%s", name);
    }
  ck_assert_double_gt (difference (gguf, QUERY, "blk.0.attn_q.weight"), 0);
  ck_assert_double_lt (difference (gguf, QUERY, "blk.0.attn_q.weight"), 1.0 / 127);
}
END_TEST

START_TEST (test_f16_rounds_to_half)
{
  g_autoptr (EngineGguf) gguf = convert ("f16");
  ck_assert_int_eq (engine_gguf_find_tensor (gguf, "blk.0.ffn_up.weight")->type, ENGINE_TYPE_F16);
  ck_assert_double_lt (difference (gguf, QUERY, "blk.0.attn_q.weight"), 0x1p-11);
}
END_TEST

START_TEST (test_keys_say_what_the_small_files_say)
{
  static const struct
  {
    const char *key;
    guint64 value;
  } numbers[] = {
    { "bert.block_count", 1 },
    { "bert.context_length", 16 },
    { "bert.embedding_length", 32 },
    { "bert.feed_forward_length", 64 },
    { "bert.attention.head_count", 2 },
    { "bert.pooling_type", 1 },
    { "docent.max_tokens", 12 },
    { "general.file_type", 7 },
    { "tokenizer.ggml.token_type_count", 2 },
    { "tokenizer.ggml.padding_token_id", 0 },
    { "tokenizer.ggml.unknown_token_id", 1 },
    { "tokenizer.ggml.cls_token_id", 2 },
    { "tokenizer.ggml.seperator_token_id", 3 },
    { "tokenizer.ggml.mask_token_id", 4 },
  };
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      guint64 value = G_MAXUINT64;
      ck_assert_msg (engine_gguf_get_uint (gguf, numbers[i].key, &value)
                         && value == numbers[i].value,
                     "%s", numbers[i].key);
    }
  gboolean causal = TRUE;
  ck_assert (engine_gguf_get_bool (gguf, "bert.attention.causal", &causal) && !causal);
}
END_TEST

static void check_tokens (const EngineGguf *gguf)
{
  static const char *const expected[]
      = { "[PAD]",           "[UNK]", "[CLS]",         "[SEP]",          "[MASK]",
          "\xe2\x96\x81the", "s",     "\xe2\x96\x81[", "\xe2\x96\x81no", "\xe2\x96\x81." };
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      EngineGgufString token = engine_gguf_array_string (gguf, "tokenizer.ggml.tokens", i);
      guint64 type = 0;
      ck_assert_uint_eq (token.length, strlen (expected[i]));
      ck_assert_mem_eq (token.data, expected[i], token.length);
      ck_assert (engine_gguf_array_uint (gguf, "tokenizer.ggml.token_type", i, &type));
      ck_assert_uint_eq (type, i < 5 ? 3 : 1);
    }
}

START_TEST (test_pieces_are_respelled_and_specials_marked)
{
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  check_tokens (gguf);
}
END_TEST

START_TEST (test_tokenizer_json_serves_as_well_as_vocab_txt)
{
  g_autofree char *vocab = g_build_filename (folder, "vocab.txt", NULL);
  ck_assert_int_eq (g_remove (vocab), 0);
  write_text (folder, "tokenizer.json",
              "{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},"
              "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\".\":9,\"no\":8,\"[\":7,\"##s\":6,"
              "\"the\":5,\"[MASK]\":4,\"[SEP]\":3,\"[CLS]\":2,\"[UNK]\":1,\"[PAD]\":0}}}");
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  check_tokens (gguf);
}
END_TEST

START_TEST (test_short_vocabulary_is_filled_with_unused_tokens)
{
  write_text (folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\r\n");
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  EngineGgufString token = engine_gguf_array_string (gguf, "tokenizer.ggml.tokens", 9);
  guint64 type = 0;
  ck_assert_uint_eq (token.length, strlen ("[PAD9]"));
  ck_assert (engine_gguf_array_uint (gguf, "tokenizer.ggml.token_type", 9, &type));
  ck_assert_uint_eq (type, 5);
  token = engine_gguf_array_string (gguf, "tokenizer.ggml.tokens", 5);
  ck_assert_uint_eq (token.length, strlen ("\xe2\x96\x81the"));
}
END_TEST

START_TEST (test_prefixed_names_are_found)
{
  write_tiny_bert (folder, "bert.");
  g_autoptr (EngineGguf) gguf = convert ("F32");
  ck_assert_uint_eq (engine_gguf_n_tensors (gguf), 21);
}
END_TEST

START_TEST (test_result_opens_as_a_model)
{
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (gguf_path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_int_eq (engine_model_info (model)->role, ENGINE_ROLE_ENCODER);
}
END_TEST

START_TEST (test_prefixes_are_kept)
{
  write_text (folder, "config_sentence_transformers.json",
              "{\"prompts\":{\"query\":\"query: \",\"document\":\"passage: \"}}");
  g_autoptr (EngineGguf) gguf = convert ("Q8_0");
  EngineGgufString text;
  ck_assert (engine_gguf_get_string (gguf, "docent.query_prefix", &text));
  ck_assert_mem_eq (text.data, "query: ", text.length);
  ck_assert (engine_gguf_get_string (gguf, "docent.passage_prefix", &text));
  ck_assert_mem_eq (text.data, "passage: ", text.length);
}
END_TEST

static gboolean note_last (const char *name, const char *step, guint64 done, guint64 total,
                           gpointer user_data)
{
  guint64 *last = user_data;
  ck_assert_str_eq (step, "converting");
  ck_assert_str_eq (name, "out.gguf");
  ck_assert_uint_ge (done, last[0]);
  last[0] = done;
  last[1] = total;
  return TRUE;
}

START_TEST (test_progress_reaches_its_total)
{
  guint64 last[2] = { 0, 1 };
  ck_assert (engine_convert (folder, gguf_path, "Q8_0", note_last, last, NULL));
  ck_assert_uint_eq (last[0], last[1]);
}
END_TEST

static gboolean stop (const char *name, const char *step, guint64 done, guint64 total,
                      gpointer user_data)
{
  return FALSE;
}

START_TEST (test_cancelling_leaves_no_file)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_convert (folder, gguf_path, "Q8_0", stop, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
  ck_assert (!g_file_test (gguf_path, G_FILE_TEST_EXISTS));
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------ */

START_TEST (test_unknown_type_is_refused)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_convert (folder, gguf_path, "Q9_9", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
}
END_TEST

START_TEST (test_missing_tensor_is_named)
{
  replace_in ("config.json", "\"num_hidden_layers\":1", "\"num_hidden_layers\":2");
  refuse (ENGINE_ERROR_UNSUPPORTED, "encoder.layer.1.attention.self.query.weight is missing");
}
END_TEST

START_TEST (test_tensor_that_would_be_lost_is_named)
{

  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  Checkpoint extra;
  checkpoint_init (&extra);
  add_random (&extra, rand, "", "adapter.weight", 2, 2);
  checkpoint_write (&extra, folder, "extra.safetensors");
  write_text (folder, "model.safetensors.index.json",
              "{\"weight_map\":{\"adapter.weight\":\"extra.safetensors\","
              "\"embeddings.LayerNorm.bias\":\"model.safetensors\"}}");
  refuse (ENGINE_ERROR_UNSUPPORTED, "adapter.weight");
}
END_TEST

static const struct
{
  const char *file, *old, *new, *word;
} changes[] = {
  { "config.json", "\"gelu\"", "\"relu\"", "activation" },
  { "config.json", "\"bert\"", "\"bort\"", "bort" },
  { "config.json", "\"BertModel\"", "\"BertForSequenceClassification\"", "classes" },
  { "config.json", "\"num_hidden_layers\":1", "\"num_hidden_layers\":-1", "layers" },
  { "config.json", "\"num_hidden_layers\":1", "\"num_hidden_layers\":99999999", "layers" },
  { "config.json", "\"hidden_size\":32", "\"hidden_size\":\"wide\"", "hidden_size" },
  { "config.json", "\"hidden_size\":32,", "", "hidden_size" },
  { "1_Pooling/config.json", "mean_tokens", "max_tokens", "pooling" },
  { "vocab.txt", "[MASK]", "nothing", "[MASK]" },
  { "vocab.txt", "no\n", "no\none\n", "vocabulary" },
};

START_TEST (test_change_that_cannot_be_kept_is_refused)
{
  replace_in (changes[_i].file, changes[_i].old, changes[_i].new);
  refuse (ENGINE_ERROR_UNSUPPORTED, changes[_i].word);
}
END_TEST

START_TEST (test_cased_vocabulary_is_refused)
{
  write_text (folder, "tokenizer_config.json", "{\"do_lower_case\":false}");
  refuse (ENGINE_ERROR_UNSUPPORTED, "capitals");
}
END_TEST

START_TEST (test_dense_layer_after_pooling_is_refused)
{
  write_text (folder, "2_Dense/config.json", "{}");
  refuse (ENGINE_ERROR_UNSUPPORTED, "dense");
}
END_TEST

START_TEST (test_integers_are_refused)
{
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *bytes = NULL;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  memcpy (memmem (bytes, n, "F32", 3), "I32", 3);
  ck_assert (g_file_set_contents (path, bytes, (gssize)n, NULL));
  refuse (ENGINE_ERROR_UNSUPPORTED, "is not F32");
}
END_TEST

START_TEST (test_broken_json_is_refused)
{
  write_text (folder, "sentence_bert_config.json", "{\"max_seq_length\":");
  refuse (ENGINE_ERROR_FILE, "sentence_bert_config.json");
}
END_TEST

START_TEST (test_missing_folder_is_an_error)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_convert ("/proc/nothing", gguf_path, "Q8_0", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

/* ---- JSON ----------------------------------------------------------------------------------- */

START_TEST (test_members_of_another_kind_count_as_absent)
{
  const char *text = "{\"a\":-1,\"b\":1.5,\"c\":\"x\",\"d\":[1],\"e\":null,\"f\":7}";
  g_autoptr (JsonObject) object = engine_json_parse (text, strlen (text), "t", NULL);
  guint64 number;
  double value;
  gboolean flag;
  ck_assert (!engine_json_get_uint (object, "a", &number));
  ck_assert (!engine_json_get_uint (object, "b", &number));
  ck_assert (!engine_json_get_uint (object, "z", &number));
  ck_assert (!engine_json_get_bool (object, "f", &flag));
  ck_assert (engine_json_get_double (object, "f", &value));
  ck_assert_double_eq (value, 7);
  ck_assert_ptr_null (engine_json_get_string (object, "f"));
  ck_assert_ptr_null (engine_json_get_string (object, "e"));
  ck_assert_ptr_null (engine_json_get_object (object, "d"));
  ck_assert_ptr_null (engine_json_get_array (object, "c"));
  ck_assert (engine_json_get_uint (object, "f", &number));
  ck_assert_uint_eq (number, 7);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("convert");
  TCase *tcase = tcase_create ("convert");
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_f32_keeps_every_bit);
  tcase_add_test (tcase, test_matrices_get_the_type_and_the_rest_stays_f32);
  tcase_add_test (tcase, test_f16_rounds_to_half);
  tcase_add_test (tcase, test_keys_say_what_the_small_files_say);
  tcase_add_test (tcase, test_pieces_are_respelled_and_specials_marked);
  tcase_add_test (tcase, test_tokenizer_json_serves_as_well_as_vocab_txt);
  tcase_add_test (tcase, test_short_vocabulary_is_filled_with_unused_tokens);
  tcase_add_test (tcase, test_prefixed_names_are_found);
  tcase_add_test (tcase, test_result_opens_as_a_model);
  tcase_add_test (tcase, test_prefixes_are_kept);
  tcase_add_test (tcase, test_progress_reaches_its_total);
  tcase_add_test (tcase, test_cancelling_leaves_no_file);
  tcase_add_test (tcase, test_unknown_type_is_refused);
  tcase_add_test (tcase, test_missing_tensor_is_named);
  tcase_add_test (tcase, test_tensor_that_would_be_lost_is_named);
  tcase_add_loop_test (tcase, test_change_that_cannot_be_kept_is_refused, 0,
                       G_N_ELEMENTS (changes));
  tcase_add_test (tcase, test_cased_vocabulary_is_refused);
  tcase_add_test (tcase, test_dense_layer_after_pooling_is_refused);
  tcase_add_test (tcase, test_integers_are_refused);
  tcase_add_test (tcase, test_broken_json_is_refused);
  tcase_add_test (tcase, test_missing_folder_is_an_error);
  tcase_add_test (tcase, test_members_of_another_kind_count_as_absent);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

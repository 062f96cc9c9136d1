/* Damaged vocabularies: thousands of files with bits flipped, bytes overwritten or the end cut off.
 * Each must be refused with a sentence or yield a tokenizer that keeps its promises: ids within the
 * vocabulary, no markers from plain text, nothing read outside of its memory (ASan watches). */
#include "tokenizer-fixture.h"

#define N_ROUNDS 1500

/* ---- One small file of each family --------------------------------------------------------------
 */

static EngineGgufWriter *begin_bpe (void)
{
  static const char *const tokens[] = { "a",          "b",     "c",  "Ġ", "ab", "abc", "Ġab",
                                        "<|im_end|>", "<|x|>", "  ", "Ã", "©",  "Ã©",  "1" };
  static const gint32 types[] = { 1, 1, 1, 1, 1, 1, 1, 3, 4, 4, 1, 1, 1, 1 };
  static const char *const merges[] = { "a b", "ab c", "Ġ ab", "Ã ©" };
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", tokens, G_N_ELEMENTS (tokens), types);
  engine_gguf_writer_set_string (writer, "tokenizer.ggml.pre", "llama-bpe");
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", merges, G_N_ELEMENTS (merges));
  return writer;
}

static EngineGgufWriter *begin_spm (void)
{
  static const char *const tokens[] = { "<unk>", "<s>", "</s>",   "▁",      "a",      "b", "ab",
                                        "▁a",    "▁ab", "<0x41>", "<0xC3>", "<0xA9>", "\n" };
  static const gint32 types[] = { 2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 6, 6, 4 };
  static const float scores[] = { 0, 0, 0, -5, -6, -7, -1, -2, -3, 0, 0, 0, 0 };
  EngineGgufWriter *writer = begin_vocabulary ("llama", tokens, G_N_ELEMENTS (tokens), types);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                  G_N_ELEMENTS (scores));
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 0);
  return writer;
}

static EngineGgufWriter *begin_wordpiece (void)
{
  static const char *const tokens[]
      = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁a", "a", "▁ab", "b", "▁中", "▁1", "▁<" };
  static const gint32 types[] = { 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1 };
  EngineGgufWriter *writer = begin_vocabulary ("bert", tokens, G_N_ELEMENTS (tokens), types);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 1);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.cls_token_id", 2);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.seperator_token_id", 3);
  return writer;
}

static EngineGgufWriter *begin_unigram (void)
{
  static const char *const tokens[]
      = { "<s>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁a", "▁ab", "é" };
  static const gint32 types[] = { 3, 3, 2, 1, 1, 1, 1, 1, 1, 1 };
  static const float scores[] = { 0, 0, 0, -2, -3, -4, -5, -4, -5, -6 };
  /* Two units and one replacement: enough for the flips to make something of. */
  static const guint8 map[] = { 8, 0, 0, 0, 0, 4, 0, 0, 'a', 1, 0, 0, 'b', 0 };
  EngineGgufWriter *writer = begin_vocabulary ("t5", tokens, G_N_ELEMENTS (tokens), types);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                  G_N_ELEMENTS (scores));
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  map, sizeof map);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.remove_extra_whitespaces", TRUE);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 2);
  return writer;
}

static EngineGgufWriter *(*const FAMILIES[]) (void)
    = { begin_bpe, begin_spm, begin_wordpiece, begin_unigram };

static char *path;

static void setup (void)
{
  int fd = g_file_open_tmp ("hostile-XXXXXX.gguf", &path, NULL);
  ck_assert_int_ge (fd, 0);
  close (fd);
}

static void teardown (void)
{
  g_unlink (path);
  g_clear_pointer (&path, g_free);
}

static GByteArray *make_file (EngineGgufWriter *(*begin) (void))
{
  g_autoptr (EngineGgufWriter) writer = begin ();
  char *bytes = NULL;
  gsize n_bytes = 0;
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", 1);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", 2);
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.add_bos_token", TRUE);
  ck_assert (
      engine_gguf_writer_add_tensor (writer, "x", ENGINE_TYPE_F32, &(guint64){ 1 }, 1, NULL));
  ck_assert (engine_gguf_writer_begin (writer, path, NULL));
  ck_assert (engine_gguf_writer_write (writer, &(float){ 1 }, sizeof (float), NULL));
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  ck_assert (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  return g_byte_array_new_take ((guint8 *)bytes, n_bytes);
}

/* ---- What every survivor must do ----------------------------------------------------------------
 */

static void use (const EngineTokenizer *tokenizer)
{
  static const char *const TEXTS[]
      = { "", "abc ab  a\n\n1234 <|im_end|><|x|></s>[CLS]", "é中\u0301 A<0x41>▁ab",
          "aaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbb" };
  gint32 n_vocab = engine_tokenizer_n_vocab (tokenizer);
  g_autoptr (GString) bytes = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (TEXTS); i++)
    for (guint flags = 0; flags < 4; flags++)
      {
        g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
        ck_assert (engine_tokenizer_encode (tokenizer, TEXTS[i], -1, flags, tokens, NULL));
        for (guint j = 0; j < tokens->len; j++)
          {
            gint32 token = g_array_index (tokens, gint32, j);
            ck_assert (token >= 0 && token < n_vocab);
            ck_assert (flags != 0 || !engine_tokenizer_is_special (tokenizer, token));
            engine_tokenizer_decode (tokenizer, token, bytes);
          }
      }
  engine_tokenizer_find_special (tokenizer, "<|x|>");
  engine_tokenizer_is_end (tokenizer, engine_tokenizer_eos (tokenizer));
}

/* TRUE when BYTES are a file that can be used. */
static gboolean try_file (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  FILE *file = fopen (path, "wb");
  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (fwrite (bytes, 1, n_bytes, file), n_bytes);
  ck_assert_int_eq (fclose (file), 0);
  g_autoptr (EngineGguf) gguf = engine_gguf_open (path, &error);
  g_autoptr (EngineTokenizer) tokenizer = gguf ? engine_tokenizer_new (gguf, &error) : NULL;
  ck_assert ((tokenizer != NULL) == (error == NULL));
  if (tokenizer)
    use (tokenizer);
  else
    ck_assert_msg (error->domain == ENGINE_ERROR && strstr (error->message, path) != NULL
                       && g_utf8_validate (error->message, -1, NULL),
                   "%s", error->message);
  return tokenizer != NULL;
}

/* ---- Damage
 * -------------------------------------------------------------------------------------- */

START_TEST (test_undamaged_files_are_usable)
{
  g_autoptr (GByteArray) file = make_file (FAMILIES[_i]);
  ck_assert (try_file (file->data, file->len));
}
END_TEST

START_TEST (test_flipped_bits_are_refused_or_harmless)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i + 1);
  g_autoptr (GByteArray) file = make_file (FAMILIES[_i]);
  guint n_usable = 0;
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autofree guint8 *damaged = g_memdup2 (file->data, file->len);
      for (gint n = g_rand_int_range (rand, 1, 4); n > 0; n--)
        damaged[g_rand_int_range (rand, 0, file->len)] ^= 1u << g_rand_int_range (rand, 0, 8);
      n_usable += try_file (damaged, file->len);
    }
  /* Both happen often, or the test would not be testing both. */
  ck_assert_uint_gt (n_usable, N_ROUNDS / 20);
  ck_assert_uint_lt (n_usable, N_ROUNDS - N_ROUNDS / 20);
}
END_TEST

START_TEST (test_overwritten_numbers_are_refused_or_harmless)
{
  static const guint32 NUMBERS[] = { 0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 257 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i + 100);
  g_autoptr (GByteArray) file = make_file (FAMILIES[_i]);
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autofree guint8 *damaged = g_memdup2 (file->data, file->len);
      memcpy (damaged + g_rand_int_range (rand, 8, file->len - 4),
              &NUMBERS[g_rand_int_range (rand, 0, G_N_ELEMENTS (NUMBERS))], 4);
      try_file (damaged, file->len);
    }
}
END_TEST

START_TEST (test_every_cut_is_refused)
{
  g_autoptr (GByteArray) file = make_file (FAMILIES[_i]);
  /* The last 32 bytes are the weights and what fills them up. */
  for (gsize length = 0; length + 32 <= file->len; length++)
    ck_assert (!try_file (file->data, length));
}
END_TEST

/* ---- Damage with a purpose
 * ----------------------------------------------------------------------- */

START_TEST (test_tokens_that_are_no_text_are_survived)
{
  static const char *const tokens[]
      = { "<unk>", "a", "\xff\xfe", "\xc3", "▁\xe2\x96", "\xe2\x96", "", "\x01", "a\xc3", "<s>" };
  static const gint32 types[] = { 2, 1, 1, 1, 1, 1, 1, 4, 1, 3 };
  static const float scores[] = { 0, -1, -1, -1, -1, -1, -1, -1, -1, 0 };
  static const char *const MODELS[] = { "gpt2", "llama", "bert", "t5" };
  for (gsize i = 0; i < G_N_ELEMENTS (MODELS); i++)
    {
      EngineGgufWriter *writer = begin_vocabulary (MODELS[i], tokens, G_N_ELEMENTS (tokens), types);
      engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges", tokens, 0);
      engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 0);
      engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, scores,
                                      G_N_ELEMENTS (scores));
      g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
      use (tokenizer);
    }
}
END_TEST

START_TEST (test_a_token_beyond_all_measure_is_refused)
{
  g_autofree char *endless = g_strnfill (100000, 'a');
  const char *tokens[] = { "<unk>", endless };
  g_autoptr (GError) error = NULL;
  EngineGgufWriter *writer = begin_vocabulary ("bert", tokens, 2, NULL);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 0);
  ck_assert_ptr_null (open_vocabulary (writer, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

/* Fifty thousand markers that all begin alike, in a text that almost is one of them everywhere. */
START_TEST (test_many_markers_take_no_quadratic_time)
{
  g_autoptr (GPtrArray) tokens = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) types = g_array_new (FALSE, FALSE, sizeof (gint32));
  for (guint i = 0; i < 50000; i++)
    {
      g_ptr_array_add (tokens, g_strdup_printf ("<<<<<<<<%u>", i));
      g_array_append_val (types, (gint32){ 3 });
    }
  g_ptr_array_add (tokens, g_strdup ("<"));
  g_array_append_val (types, (gint32){ 1 });
  EngineGgufWriter *writer = begin_vocabulary ("gpt2", (const char *const *)tokens->pdata,
                                               tokens->len, (const gint32 *)types->data);
  engine_gguf_writer_set_strings (writer, "tokenizer.ggml.merges",
                                  (const char *const *)tokens->pdata, 0);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  g_autofree char *text = g_strnfill (500000, '<');
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));
  gint64 start = g_get_monotonic_time ();
  ck_assert (
      engine_tokenizer_encode (tokenizer, text, -1, ENGINE_TOKENIZE_PARSE_SPECIAL, ids, NULL));
  ck_assert_int_lt (g_get_monotonic_time () - start, 10 * G_USEC_PER_SEC);
  ck_assert_uint_eq (ids->len, 500000);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("tokenizer-hostile");
  TCase *tcase = tcase_create ("tokenizer-hostile");
  tcase_set_timeout (tcase, 120);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_undamaged_files_are_usable, 0, G_N_ELEMENTS (FAMILIES));
  tcase_add_loop_test (tcase, test_flipped_bits_are_refused_or_harmless, 0,
                       G_N_ELEMENTS (FAMILIES));
  tcase_add_loop_test (tcase, test_overwritten_numbers_are_refused_or_harmless, 0,
                       G_N_ELEMENTS (FAMILIES));
  tcase_add_loop_test (tcase, test_every_cut_is_refused, 0, G_N_ELEMENTS (FAMILIES));
  tcase_add_test (tcase, test_tokens_that_are_no_text_are_survived);
  tcase_add_test (tcase, test_a_token_beyond_all_measure_is_refused);
  tcase_add_test (tcase, test_many_markers_take_no_quadratic_time);
  suite_add_tcase (suite, tcase);
  return run_suite (suite);
}

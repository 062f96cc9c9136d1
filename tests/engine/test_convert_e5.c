/* A small file of the kind "E5S1" becomes a GGUF file with the same blocks; its character rules
 * work when our tokenizer reads them; damaged ones end in an error, whatever is damaged. */
#include "engine/convert-private.h"
#include "engine/tokenizer-algorithms-private.h"
#include "model-folder.h"

#define N_EMBD 32
#define N_FF 64
#define N_VOCAB 8
#define N_POSITIONS 4

static char *folder, *source, *gguf_path;

/* ---- A small file --------------------------------------------------------------------------- */

static void put (GByteArray *bytes, guint64 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8)(value >> 8 * i);
      g_byte_array_append (bytes, &byte, 1);
    }
}

static void put_float (GByteArray *bytes, float value)
{
  g_byte_array_append (bytes, (const guint8 *)&value, sizeof value);
}

static void put_header (GByteArray *bytes)
{
  const guint32 numbers[] = { 1, N_EMBD, 1, 2, N_FF, N_VOCAB, N_POSITIONS, 2 };
  g_byte_array_append (bytes, (const guint8 *)"E5S1", 4);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    put (bytes, numbers[i], 4);
  put_float (bytes, 1e-12F);
  put (bytes, 32, 4);
}

static void put_pieces (GByteArray *bytes)
{
  static const char *const pieces[]
      = { "<s>", "<pad>", "</s>", "<unk>", "\xe2\x96\x81", "a", "<mask>" };
  guint64 n_blob = 0;
  put (bytes, G_N_ELEMENTS (pieces), 4);
  put (bytes, 0, 4);
  put (bytes, 2, 4);
  put (bytes, 1, 4);
  put (bytes, 3, 4);
  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    n_blob += strlen (pieces[i]);
  put (bytes, n_blob, 8);
  n_blob = 0;
  for (gsize i = 0; i <= G_N_ELEMENTS (pieces); i++)
    {
      put (bytes, n_blob, 4);
      n_blob += i < G_N_ELEMENTS (pieces) ? strlen (pieces[i]) : 0;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    put_float (bytes, -(float)i);
  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    g_byte_array_append (bytes, (const guint8 *)pieces[i], (guint)strlen (pieces[i]));
}

/* ﬁ → fi, NBSP → space, BEL → nothing. */
static void put_rules (GByteArray *bytes)
{
  put (bytes, 3, 4);
  put (bytes, 13 + 9 + 5, 4);
  put (bytes, 0xFB01, 4);
  put (bytes, 2, 1);
  put (bytes, 'f', 4);
  put (bytes, 'i', 4);
  put (bytes, 0xA0, 4);
  put (bytes, 1, 1);
  put (bytes, ' ', 4);
  put (bytes, 7, 4);
  put (bytes, 0, 1);
}

static const struct
{
  const char *name;
  gboolean matrix;
  guint n_elements;
} tensors[] = {
  { "emb.word", TRUE, N_VOCAB *N_EMBD },
  { "emb.pos", FALSE, N_POSITIONS *N_EMBD },
  { "emb.type", FALSE, 2 * N_EMBD },
  { "emb.ln.w", FALSE, N_EMBD },
  { "emb.ln.b", FALSE, N_EMBD },
  { "l0.q.w", TRUE, N_EMBD *N_EMBD },
  { "l0.q.b", FALSE, N_EMBD },
  { "l0.k.w", TRUE, N_EMBD *N_EMBD },
  { "l0.k.b", FALSE, N_EMBD },
  { "l0.v.w", TRUE, N_EMBD *N_EMBD },
  { "l0.v.b", FALSE, N_EMBD },
  { "l0.ao.w", TRUE, N_EMBD *N_EMBD },
  { "l0.ao.b", FALSE, N_EMBD },
  { "l0.aln.w", FALSE, N_EMBD },
  { "l0.aln.b", FALSE, N_EMBD },
  { "l0.fi.w", TRUE, N_FF *N_EMBD },
  { "l0.fi.b", FALSE, N_FF },
  { "l0.fo.w", TRUE, N_EMBD *N_FF },
  { "l0.fo.b", FALSE, N_EMBD },
  { "l0.oln.w", FALSE, N_EMBD },
  { "l0.oln.b", FALSE, N_EMBD },
};

static guint64 tensor_bytes (gsize i)
{
  return tensors[i].matrix ? tensors[i].n_elements / 32 * 18 : tensors[i].n_elements * 4;
}

static GByteArray *make_file (void)
{
  GByteArray *bytes = g_byte_array_new ();
  put_header (bytes);
  put_pieces (bytes);
  put_rules (bytes);
  put (bytes, G_N_ELEMENTS (tensors), 4);
  guint64 offset = bytes->len;
  for (gsize i = 0; i < G_N_ELEMENTS (tensors); i++)
    offset += 2 + strlen (tensors[i].name) + 1 + 4 + 8 + 8;
  for (gsize i = 0; i < G_N_ELEMENTS (tensors); i++)
    {
      put (bytes, strlen (tensors[i].name), 2);
      g_byte_array_append (bytes, (const guint8 *)tensors[i].name, (guint)strlen (tensors[i].name));
      put (bytes, tensors[i].matrix ? 1 : 0, 1);
      put (bytes, tensors[i].n_elements, 4);
      put (bytes, offset, 8);
      put (bytes, tensor_bytes (i), 8);
      offset += tensor_bytes (i);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (tensors); i++)
    for (guint64 j = 0; j < tensor_bytes (i); j++)
      put (bytes, tensors[i].matrix ? i + j : 0, 1);
  return bytes;
}

static void setup (void)
{
  g_autoptr (GByteArray) bytes = make_file ();
  folder = make_folder ();
  source = write_file (folder, "small.bin", bytes->data, bytes->len);
  gguf_path = g_build_filename (folder, "out.gguf", NULL);
}

static void teardown (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&source, g_free);
  g_clear_pointer (&gguf_path, g_free);
}

static EngineGguf *convert (void)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_convert (source, gguf_path, "Q4_0", NULL, NULL, &error);
  ck_assert_msg (ok, "%s", error ? error->message : "");
  EngineGguf *gguf = engine_gguf_open (gguf_path, &error);
  ck_assert_msg (gguf != NULL, "%s", error ? error->message : "");
  return gguf;
}

/* ---- What comes out ------------------------------------------------------------------------- */

START_TEST (test_blocks_go_over_byte_for_byte)
{
  g_autoptr (EngineGguf) gguf = convert ();
  ck_assert_uint_eq (engine_gguf_n_tensors (gguf), G_N_ELEMENTS (tensors));
  const EngineGgufTensor *up = engine_gguf_find_tensor (gguf, "blk.0.ffn_up.weight");
  ck_assert_int_eq (up->type, ENGINE_TYPE_Q4_0);
  ck_assert_uint_eq (up->dims[0], N_EMBD);
  ck_assert_uint_eq (up->dims[1], N_FF);
  for (guint64 j = 0; j < up->n_bytes; j++)
    ck_assert_uint_eq (up->data[j], (guint8)(15 + j));
}
END_TEST

START_TEST (test_result_opens_as_a_model_with_prefixes)
{
  g_autoptr (EngineGguf) gguf = convert ();
  EngineGgufString prefix;
  ck_assert (engine_gguf_get_string (gguf, "docent.query_prefix", &prefix));
  ck_assert_mem_eq (prefix.data, "query: ", prefix.length);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (gguf_path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq (engine_model_info (model)->n_vocab, N_VOCAB);
}
END_TEST

static char *rewrite (const EngineCharsmap *charsmap, const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);
  for (gsize at = 0, length = strlen (text), consumed; at < length; at += consumed)
    {
      EngineGgufString to = engine_charsmap_next (charsmap, text + at, length - at, &consumed);
      g_string_append_len (out, to.data, (gssize)to.length);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

START_TEST (test_character_rules_work_in_the_tokenizer)
{
  static const struct
  {
    const char *from, *to;
  } rewritten[] = {
    { "\xef\xac\x81le", "file" },
    { "a\xc2\xa0"
      "b",
      "a b" },
    { "a\a"
      "b",
      "ab" },
    { "cafe\xcc\x81", "caf\xc3\xa9" },                          /* decomposed é */
    { "\xc3\xaa\xcc\x81", "\xe1\xba\xbf" },                     /* ê and an accent: ế */
    { "e\xcc\x82\xcc\x81", "\xe1\xba\xbf" },                    /* e and two accents */
    { "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c" }, /* 한 in three parts */
    { "plain", "plain" },
  };
  g_autoptr (EngineGguf) gguf = convert ();
  g_autoptr (EngineCharsmap) charsmap = engine_charsmap_new (gguf, NULL);
  ck_assert_ptr_nonnull (charsmap);
  for (gsize i = 0; i < G_N_ELEMENTS (rewritten); i++)
    {
      g_autofree char *to = rewrite (charsmap, rewritten[i].from);
      ck_assert_str_eq (to, rewritten[i].to);
    }
}
END_TEST

/* ---- Character maps in general -------------------------------------------------------------- */

static EngineCharsmap *load_rules (const EngineCharsmapRules *rules)
{
  g_autoptr (GByteArray) compiled = engine_charsmap_rules_compile (rules);
  ck_assert_ptr_nonnull (compiled);
  g_autoptr (EngineGgufWriter) writer = engine_gguf_writer_new ();
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  compiled->data, compiled->len);
  ck_assert (engine_gguf_writer_begin (writer, gguf_path, NULL));
  ck_assert (engine_gguf_writer_commit (writer, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineGguf) gguf = engine_gguf_open (gguf_path, &error);
  ck_assert_msg (gguf != NULL, "%s", error ? error->message : "");
  return engine_charsmap_new (gguf, NULL);
}

/* Short words of few letters, so that keys are prefixes of one another. */
static char *random_word (GRand *rand)
{
  static const char letters[] = "ab\xc3\xb1\xff";
  int n = g_rand_int_range (rand, 1, 6);
  char *word = g_malloc0 ((gsize)n + 1);
  for (int i = 0; i < n; i++)
    word[i] = letters[g_rand_int_range (rand, 0, (int)sizeof letters - 1)];
  return word;
}

START_TEST (test_compiled_rules_answer_as_a_dictionary_does)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  g_autoptr (EngineCharsmapRules) rules = engine_charsmap_rules_new ();
  for (int i = 0; i < 500; i++)
    {
      g_autofree char *from = random_word (rand);
      g_autofree char *to = g_strdup_printf ("%d", i);
      engine_charsmap_rules_add (rules, from, to);
    }
  g_autoptr (EngineCharsmap) charsmap = load_rules (rules);
  for (int i = 0; i < 5000; i++)
    {
      g_autofree char *text = random_word (rand);
      g_autofree char *prefix = g_strdup (text);
      const char *expected = NULL;
      for (gsize n = strlen (text); n > 0 && expected == NULL; n--)
        {
          prefix[n] = '\0';
          expected = engine_charsmap_rules_find (rules, prefix);
        }
      gsize consumed = 0;
      EngineGgufString found = engine_charsmap_next (charsmap, text, strlen (text), &consumed);
      if (expected == NULL)
        ck_assert_ptr_eq (found.data, text);
      else
        {
          ck_assert_uint_eq (consumed, strlen (prefix));
          ck_assert_uint_eq (found.length, strlen (expected));
          ck_assert_mem_eq (found.data, expected, found.length);
        }
    }
}
END_TEST

/* ---- Damage --------------------------------------------------------------------------------- */

static gboolean try_convert (const guint8 *bytes, gsize n)
{
  g_autofree char *path = write_file (folder, "damaged.bin", bytes, n);
  g_autoptr (GError) error = NULL;
  gboolean ok = engine_convert (path, gguf_path, "Q4_0", NULL, NULL, &error);
  ck_assert (ok || error != NULL);
  ck_assert (ok == g_file_test (gguf_path, G_FILE_TEST_EXISTS));
  g_remove (gguf_path);
  return ok;
}

START_TEST (test_truncation_is_an_error)
{
  g_autoptr (GByteArray) bytes = make_file ();
  for (guint length = 0; length < bytes->len; length += 13)
    ck_assert_msg (!try_convert (bytes->data, length), "%u", length);
}
END_TEST

/* Any outcome but a crash, a leak or a file beside an error. */
START_TEST (test_flipped_bits_never_crash)
{
  g_autoptr (GByteArray) bytes = make_file ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  for (int i = 0; i < 300; i++)
    {
      guint at = (guint)g_rand_int_range (rand, 0, 1200);
      guint8 old = bytes->data[at];
      bytes->data[at] = i % 3 == 0 ? 0xFF : (guint8)(old ^ 1 << g_rand_int_range (rand, 0, 8));
      try_convert (bytes->data, bytes->len);
      bytes->data[at] = old;
    }
}
END_TEST

START_TEST (test_huge_vocabulary_is_refused_before_memory_is_taken)
{
  g_autoptr (GByteArray) bytes = make_file ();
  const guint32 huge = GUINT32_TO_LE (G_MAXINT32);
  memcpy (bytes->data + 4 + 5 * 4, &huge, sizeof huge);
  ck_assert (!try_convert (bytes->data, bytes->len));
}
END_TEST

START_TEST (test_other_types_and_other_files_are_refused)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_convert (source, gguf_path, "F32", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  g_clear_error (&error);
  g_autofree char *other = write_file (folder, "other.bin", "PK\3\4 something", 14);
  ck_assert (!engine_convert (other, gguf_path, "Q4_0", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("convert-e5");
  TCase *tcase = tcase_create ("convert-e5");
  tcase_set_timeout (tcase, 120);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_blocks_go_over_byte_for_byte);
  tcase_add_test (tcase, test_result_opens_as_a_model_with_prefixes);
  tcase_add_test (tcase, test_character_rules_work_in_the_tokenizer);
  tcase_add_test (tcase, test_compiled_rules_answer_as_a_dictionary_does);
  tcase_add_test (tcase, test_truncation_is_an_error);
  tcase_add_test (tcase, test_flipped_bits_never_crash);
  tcase_add_test (tcase, test_huge_vocabulary_is_refused_before_memory_is_taken);
  tcase_add_test (tcase, test_other_types_and_other_files_are_refused);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

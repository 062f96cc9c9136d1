/* Unigram: the file's character map, the white space around words, and the likeliest pieces,
 * against trying every way to cut a word. */
#include "tokenizer-fixture.h"

static const char *const TOKENS[]
    = { "<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁a", "abb", "fi", "▁b" };
static const gint32 TYPES[] = { 3, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1 };
static const float SCORES[] = { 0, 0, 0, 0, -2, -3, -3, -4, -4.5f, -8, -5, -3.5f };

/* ---- A character map, laid out one node per block of 256 units ----------------------------------
 */

typedef struct
{
  guint32 *units; /* [n_blocks * 256] */
  gsize n_blocks;
  GString *replacements;
} Map;

#define LABEL_OF_ROOT 0

static void init_map (Map *map)
{
  map->n_blocks = 2; /* the root at unit 0, its children in block 1 */
  map->units = g_new (guint32, 256 * 1024);
  memset (map->units, 0xFF, 256 * 1024 * sizeof *map->units);
  map->units[LABEL_OF_ROOT] = 256 << 10;
  map->replacements = g_string_new (NULL);
}

/* A unit whose children are at BLOCK * 256 XOR their label, seen from POSITION. */
static guint32 unit_of (guint8 label, gsize position, gsize block, gboolean has_value)
{
  return (guint32)((position ^ block * 256) << 10) | (has_value ? 1u << 8 : 0) | label;
}

static void add_rule (Map *map, const char *from, const char *to)
{
  gsize block = 1;
  for (; *from; from++)
    {
      gsize position = block * 256 ^ (guint8)*from;
      if (map->units[position] == G_MAXUINT32)
        map->units[position] = unit_of (*from, position, map->n_blocks++, FALSE);
      block = (map->units[position] >> 10 ^ position) / 256;
      if (from[1] == '\0')
        map->units[position] |= 1u << 8;
    }
  map->units[block * 256] = 1u << 31 | (guint32)map->replacements->len;
  g_string_append_len (map->replacements, to, strlen (to) + 1);
}

static GByteArray *finish_map (Map *map)
{
  GByteArray *bytes = g_byte_array_new ();
  guint32 n_bytes = GUINT32_TO_LE ((guint32)(map->n_blocks * 256 * sizeof *map->units));
  g_byte_array_append (bytes, (const guint8 *)&n_bytes, sizeof n_bytes);
  g_byte_array_append (bytes, (const guint8 *)map->units, n_bytes);
  g_byte_array_append (bytes, (const guint8 *)map->replacements->str, map->replacements->len);
  g_free (map->units);
  g_string_free (map->replacements, TRUE);
  return bytes;
}

/* Full-width and ligature letters, a tab, and something that goes away. */
static GByteArray *make_map (void)
{
  Map map;
  init_map (&map);
  add_rule (&map, "ａ", "a");
  add_rule (&map, "ﬁ", "fi");
  add_rule (&map, "\t", " ");
  add_rule (&map, "\u3000", " ");
  add_rule (&map, "\u200b", "");
  add_rule (&map, "xx", "b");
  add_rule (&map, "xxa", "bb");
  return finish_map (&map);
}

static EngineGgufWriter *begin_pieces (void)
{
  EngineGgufWriter *writer = begin_vocabulary ("t5", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, SCORES,
                                  G_N_ELEMENTS (SCORES));
  engine_gguf_writer_set_string (writer, "general.architecture", "bert");
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.bos_token_id", 0);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", 2);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 3);
  return writer;
}

static EngineTokenizer *open_pieces (gboolean collapse_spaces)
{
  g_autoptr (GByteArray) map = make_map ();
  EngineGgufWriter *writer = begin_pieces ();
  engine_gguf_writer_set_bool (writer, "tokenizer.ggml.remove_extra_whitespaces", collapse_spaces);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  map->data, map->len);
  return open_good_vocabulary (writer);
}

START_TEST (test_likeliest_pieces_win)
{
  g_autoptr (EngineTokenizer) tokenizer = open_pieces (TRUE);
  assert_ids (tokenizer, "a", ENGINE_TOKENIZE_PLAIN, "8");
  assert_ids (tokenizer, "ab", ENGINE_TOKENIZE_PLAIN, "4 7");
  assert_ids (tokenizer, "abb", ENGINE_TOKENIZE_PLAIN, "4 7 6");
  assert_ids (tokenizer, "b a", ENGINE_TOKENIZE_PLAIN, "11 8");
}
END_TEST

START_TEST (test_characters_are_mapped_longest_first)
{
  g_autoptr (EngineTokenizer) tokenizer = open_pieces (TRUE);
  assert_ids (tokenizer, "ａ", ENGINE_TOKENIZE_PLAIN, "8");
  assert_ids (tokenizer, "ﬁ", ENGINE_TOKENIZE_PLAIN, "4 10");
  assert_ids (tokenizer, "xx", ENGINE_TOKENIZE_PLAIN, "11");
  assert_ids (tokenizer, "xxa", ENGINE_TOKENIZE_PLAIN, "11 6");
  assert_ids (tokenizer, "x", ENGINE_TOKENIZE_PLAIN, "4 3");
}
END_TEST

START_TEST (test_white_space_is_collapsed_where_the_file_says_so)
{
  g_autoptr (EngineTokenizer) collapsing = open_pieces (TRUE);
  g_autoptr (EngineTokenizer) keeping = open_pieces (FALSE);
  assert_ids (collapsing, " \t a \u3000\u200b b ", ENGINE_TOKENIZE_PLAIN, "8 11");
  assert_ids (collapsing, "  ", ENGINE_TOKENIZE_PLAIN, "");
  assert_ids (keeping, "a  b ", ENGINE_TOKENIZE_PLAIN, "8 4 11 4");
}
END_TEST

START_TEST (test_a_run_of_strangers_is_one_unknown)
{
  g_autoptr (EngineTokenizer) tokenizer = open_pieces (TRUE);
  assert_ids (tokenizer, "a中文éb", ENGINE_TOKENIZE_PLAIN, "8 3 6");
  assert_ids (tokenizer, "a中 文b", ENGINE_TOKENIZE_PLAIN, "8 3 4 3 6");
  ck_assert (!engine_tokenizer_is_special (tokenizer, 3));
}
END_TEST

START_TEST (test_roberta_wraps_a_text_and_t5_closes_it)
{
  g_autoptr (EngineTokenizer) roberta = open_pieces (TRUE);
  assert_ids (roberta, "a", ENGINE_TOKENIZE_ADD_SPECIAL, "0 8 2");
  EngineGgufWriter *writer = begin_vocabulary ("t5", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, SCORES,
                                  G_N_ELEMENTS (SCORES));
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.eos_token_id", 2);
  engine_gguf_writer_set_uint (writer, "tokenizer.ggml.unknown_token_id", 3);
  g_autoptr (EngineTokenizer) t5 = open_good_vocabulary (writer);
  assert_ids (t5, "a", ENGINE_TOKENIZE_ADD_SPECIAL, "8 2");
}
END_TEST

START_TEST (test_markers_in_text_stay_text)
{
  g_autoptr (EngineTokenizer) tokenizer = open_pieces (TRUE);
  assert_ids (tokenizer, "a</s>", ENGINE_TOKENIZE_PLAIN, "8 3");
  assert_ids (tokenizer, "a</s>", ENGINE_TOKENIZE_PARSE_SPECIAL, "8 2");
}
END_TEST

/* ---- Against the definition ---------------------------------------------------------------------
 */

/* The best sum of scores over all ways to cover TEXT. */
static double best_score (const char *text)
{
  double best = -1e9;
  if (*text == '\0')
    return 0;
  for (gsize i = 4; i < G_N_ELEMENTS (TOKENS); i++)
    {
      g_autofree char *piece = g_str_has_prefix (TOKENS[i], "▁")
                                   ? g_strconcat (" ", TOKENS[i] + strlen ("▁"), NULL)
                                   : g_strdup (TOKENS[i]);
      if (g_str_has_prefix (text, piece))
        best = MAX (best, SCORES[i] + best_score (text + strlen (piece)));
    }
  return best;
}

START_TEST (test_no_other_way_to_cut_scores_higher)
{
  g_autoptr (EngineTokenizer) tokenizer = open_pieces (TRUE);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  for (guint n = 0; n < 300; n++)
    {
      char word[14] = " ";
      double score = 0;
      for (gint i = 1, length = g_rand_int_range (rand, 2, sizeof word); i < length; i++)
        word[i] = "ab"[g_rand_int_range (rand, 0, 2)];
      g_autofree char *ids = ids_of (tokenizer, word + 1, ENGINE_TOKENIZE_PLAIN);
      g_auto (GStrv) parts = g_strsplit (ids, " ", -1);
      for (gsize i = 0; parts[i]; i++)
        score += SCORES[atoi (parts[i])];
      ck_assert_double_eq_tol (score, best_score (word), 1e-6);
    }
}
END_TEST

/* ---- Refusals -----------------------------------------------------------------------------------
 */

static void assert_map_refused (const guint8 *bytes, gsize n)
{
  g_autoptr (GError) error = NULL;
  EngineGgufWriter *writer = begin_pieces ();
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  bytes, n);
  ck_assert_ptr_null (open_vocabulary (writer, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_ptr_nonnull (strstr (error->message, "precompiled_charsmap"));
}

START_TEST (test_impossible_maps_are_refused)
{
  g_autoptr (GByteArray) map = make_map ();
  g_autoptr (GByteArray) endless = g_byte_array_new ();
  assert_map_refused (map->data, 0);
  assert_map_refused (map->data, 3);
  assert_map_refused (map->data, 4);
  assert_map_refused (map->data, 1000);
  assert_map_refused (map->data, map->len - 1); /* the last replacement does not end */
  g_byte_array_append (endless, map->data, map->len);
  for (guint i = 0; i < 300; i++)
    g_byte_array_append (endless, (const guint8 *)"x", 1);
  g_byte_array_append (endless, (const guint8 *)"", 1);
  assert_map_refused (endless->data, endless->len);
  memset (map->data, 0xFF, 4);
  assert_map_refused (map->data, map->len);
  memset (map->data, 0, 4);
  assert_map_refused (map->data, map->len);
}
END_TEST

/* Whatever the units say, no step may leave the array; ASan watches. */
START_TEST (test_a_map_of_random_units_is_survived)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i + 1);
  g_autoptr (GByteArray) map = make_map ();
  guint32 n_units = (map->len - 4) / 4 / 2;
  for (guint32 i = 0; i < n_units; i++)
    if (g_rand_int_range (rand, 0, 4) != 0)
      {
        guint32 unit = g_rand_int (rand) & ~(g_rand_boolean (rand) ? 0xFFu : 0u);
        memcpy (map->data + 4 + i * 4, &(guint32){ unit | (i & 0xFF) }, 4);
      }
  EngineGgufWriter *writer = begin_pieces ();
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.precompiled_charsmap", ENGINE_GGUF_UINT8,
                                  map->data, map->len);
  g_autoptr (EngineTokenizer) tokenizer = open_good_vocabulary (writer);
  for (guint n = 0; n < 100; n++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      for (guint i = 0; i < 20; i++)
        g_string_append_unichar (text, g_rand_int_range (rand, 1, 0xD800));
      g_autofree char *ids = ids_of (tokenizer, text->str, ENGINE_TOKENIZE_PLAIN);
      ck_assert_ptr_nonnull (ids);
    }
}
END_TEST

START_TEST (test_a_vocabulary_without_unknown_is_refused)
{
  g_autoptr (GError) error = NULL;
  EngineGgufWriter *writer = begin_vocabulary ("t5", TOKENS, G_N_ELEMENTS (TOKENS), TYPES);
  engine_gguf_writer_set_numbers (writer, "tokenizer.ggml.scores", ENGINE_GGUF_FLOAT32, SCORES,
                                  G_N_ELEMENTS (SCORES));
  ck_assert_ptr_null (open_vocabulary (writer, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("tokenizer-unigram");
  TCase *tcase = tcase_create ("tokenizer-unigram");
  tcase_set_timeout (tcase, 120);
  tcase_add_test (tcase, test_likeliest_pieces_win);
  tcase_add_test (tcase, test_characters_are_mapped_longest_first);
  tcase_add_test (tcase, test_white_space_is_collapsed_where_the_file_says_so);
  tcase_add_test (tcase, test_a_run_of_strangers_is_one_unknown);
  tcase_add_test (tcase, test_roberta_wraps_a_text_and_t5_closes_it);
  tcase_add_test (tcase, test_markers_in_text_stay_text);
  tcase_add_test (tcase, test_no_other_way_to_cut_scores_higher);
  tcase_add_test (tcase, test_impossible_maps_are_refused);
  tcase_add_loop_test (tcase, test_a_map_of_random_units_is_survived, 0, 20);
  tcase_add_test (tcase, test_a_vocabulary_without_unknown_is_refused);
  suite_add_tcase (suite, tcase);
  return run_suite (suite);
}

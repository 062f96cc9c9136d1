/* Search by words, and how rare words are. */
#include "support.h"

static void put_in (Index *index, const char *path, const char *language, const char *text)
{
  const IndexDocument document = { .path = (char *)path, .language = (char *)language };
  const IndexChunk chunk = { .id = "1", .text = text };

  ck_assert (index_put_document (index, &document, &chunk, 1, NULL, NULL));
}

static const char *first_path (const GPtrArray *hits)
{
  return hit_at (hits, 0)->path;
}

START_TEST (test_other_forms_of_a_word_are_found)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/a", "en", "The infected patients were isolated.");

  ck_assert_uint_eq (n_found (index, "infections"), 1);
  ck_assert_uint_eq (n_found (index, "ISOLATING a patient"), 1);
  ck_assert_uint_eq (n_found (index, "unrelated"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_every_language_of_the_library_is_searched)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/en", "en", "The houses were burning.");
  put_in (index, "/de", "de", "Die Häuser brannten.");
  put_in (index, "/es", "es", "La habitación del hospital");
  put_in (index, "/fr", "fr", "Les chevaux");
  put_in (index, "/it", "it", "una cosa");
  put_in (index, "/xx", "xx", "okapis");
  put_in (index, "/yy", "yy", "zebras");
  put_in (index, "/sv", "sv", "Bilarna stannade.");

  g_autoptr (GPtrArray) english = search_text (index, "house");
  g_autoptr (GPtrArray) german = search_text (index, "Haus");
  g_autoptr (GPtrArray) spanish = search_text (index, "habitacion");
  g_autoptr (GPtrArray) swedish = search_text (index, "bil");

  ck_assert_str_eq (first_path (english), "/en");
  ck_assert_str_eq (first_path (german), "/de");
  ck_assert_str_eq (first_path (spanish), "/es");
  ck_assert_str_eq (first_path (swedish), "/sv");
  remove_dir (dir);
}
END_TEST

START_TEST (test_a_passage_is_stemmed_by_its_own_language)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const IndexDocument document = { .path = (char *)"/a", .language = (char *)"en" };
  const IndexChunk chunks[] = { { .id = "1", .text = "The houses were burning." },
                                { .id = "2", .text = "Die Häuser brannten.", .language = "de" } };
  ck_assert (index_put_document (index, &document, chunks, 2, NULL, NULL));

  ck_assert_uint_eq (n_found (index, "house"), 1);
  ck_assert_uint_eq (n_found (index, "Haus"), 1);
  ck_assert (index_forget_document (index, id_of (index, "/a"), NULL));
  ck_assert_uint_eq (n_found (index, "Haus"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_stop_words_of_one_language_are_words_of_another)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/de", "de", "Der Hund ist in dem Haus und auf dem Dach.");
  put_in (index, "/en", "en", "When patients die at night, call the doctor.");

  g_autoptr (GPtrArray) english = search_text (index, "what happens when they die");

  ck_assert_uint_eq (english->len, 1);
  ck_assert_str_eq (first_path (english), "/en");
  ck_assert_uint_eq (n_found (index, "Was ist die Katze?"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_question_of_stop_words_alone_is_still_searched)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/a", "en", "To be or not to be, that is the question.");

  ck_assert_uint_eq (n_found (index, "to be or not to be"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_identifiers_are_found_however_written)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/a", "en", "Levels of IL-6 rose under protocol 2020-01-03.");

  ck_assert_uint_eq (n_found (index, "IL-6"), 1);
  ck_assert_uint_eq (n_found (index, "il6"), 1);
  ck_assert_uint_eq (n_found (index, "IL 6"), 1);
  ck_assert_uint_eq (n_found (index, "2020-01-03"), 1);
  ck_assert_uint_eq (n_found (index, "IL7"), 0);
  remove_dir (dir);
}
END_TEST

START_TEST (test_title_and_section_are_searched)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 0, TEXTS ("nothing here"));

  ck_assert_uint_eq (n_found (index, "title"), 1);
  ck_assert_uint_eq (n_found (index, "method"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_rare_words_weigh_more)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/common", "en", "report report report on the weather");
  put_in (index, "/rare", "en", "report on the okapi");
  put_in (index, "/other", "en", "report on the sea");

  g_autoptr (GPtrArray) hits = search_text (index, "okapi report");

  ck_assert_uint_eq (hits->len, 3);
  ck_assert_str_eq (first_path (hits), "/rare");
  ck_assert_double_gt (hit_at (hits, 0)->score, hit_at (hits, 1)->score);
  ck_assert_double_gt (hit_at (hits, 2)->bm25, 0);
  ck_assert (isnan (hit_at (hits, 0)->cosine));
  remove_dir (dir);
}
END_TEST

/* ln (1 + (2 − 1 + ½) / (1 + ½)) · f (k1 + 1) / (f + k1 (1 − b + b · length / mean)) for one of two
 * passages of 4 and 2 words, f = 2. */
START_TEST (test_score_is_bm25)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/a", "en", "okapi okapi zebra lion");
  put_in (index, "/b", "en", "zebra lion");

  g_autoptr (GPtrArray) hits = search_text (index, "okapi");

  double expected = log (2) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 3));
  ck_assert_uint_eq (hits->len, 1);
  ck_assert_double_eq_tol (hit_at (hits, 0)->score, expected, 1e-9);
  remove_dir (dir);
}
END_TEST

START_TEST (test_odd_questions_never_fail)
{
  static const char *const odd[] = { "",
                                     " ",
                                     "\"",
                                     "\"\"\"",
                                     "AND OR NOT",
                                     "a*",
                                     "text : x",
                                     "(((",
                                     "{a b}",
                                     "NEAR(a b)",
                                     "^a + - b",
                                     "\xff\xfe\xc3",
                                     "\x01=\x02x",
                                     "';DROP TABLE chunk",
                                     "\n\t\r",
                                     "😀🎉",
                                     "a\"b",
                                     "text:okapi",
                                     "-",
                                     "%_",
                                     "" };
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/a", "en", "okapi");

  for (guint i = 0; i < G_N_ELEMENTS (odd); i++)
    n_found (index, odd[i]);

  ck_assert_uint_eq (n_found (index, "\"okapi"), 1);
  ck_assert_uint_eq (n_found (index, "okapi' OR 1=1 --"), 1);
  remove_dir (dir);
}
END_TEST

START_TEST (test_huge_questions_are_capped)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (text, "word%u ", i);
  put_in (index, "/a", "en", text->str);
  for (guint i = 0; i < 100000; i++)
    g_string_append (text, "more words ");

  ck_assert_uint_eq (n_found (index, text->str), 1);
  g_string_free (text, TRUE);
  remove_dir (dir);
}
END_TEST

START_TEST (test_more_matches_than_asked_for_leave_the_best)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < 1000; i++)
    {
      GString *text = g_string_new ("filler and more filler");
      for (guint k = 0; k <= i % 10; k++)
        g_string_append (text, " okapi");
      g_ptr_array_add (texts, g_string_free (text, FALSE));
    }
  g_ptr_array_add (texts, NULL);
  put (index, "/a", 0, (const char *const *)texts->pdata);

  g_autoptr (GPtrArray) hits = search_text (index, "okapi");

  ck_assert_uint_eq (hits->len, 10);
  for (guint i = 0; i < hits->len; i++)
    ck_assert_uint_eq (hit_at (hits, i)->start / 100 % 10, 9);
  remove_dir (dir);
}
END_TEST

/* ---- Exactness ---- */

#define N_PASSAGES 3000
#define N_WORDS 300

/* occurs[p][w]: how often passage p has the word "w<w>"; a few words are everywhere, most are rare.
 */
static guint8 occurs[N_PASSAGES][N_WORDS];

static void fill_with_random_words (Index *index, GRand *rand)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree IndexChunk *chunks = g_new0 (IndexChunk, N_PASSAGES);
  const IndexDocument document = { .path = (char *)"/a" };

  for (guint p = 0; p < N_PASSAGES; p++)
    {
      GString *text = g_string_new (NULL);
      guint length = (guint)g_rand_int_range (rand, 5, 60);

      for (guint i = 0; i < length; i++)
        {
          guint word = (guint)(pow (g_rand_double (rand), 4) * N_WORDS);

          occurs[p][word]++;
          g_string_append_printf (text, "w%u ", word);
        }
      g_ptr_array_add (texts, g_string_free (text, FALSE));
      chunks[p] = (IndexChunk){ .id = "1", .text = g_ptr_array_index (texts, p), .start = p };
    }
  ck_assert (index_put_document (index, &document, chunks, N_PASSAGES, NULL, NULL));
}

static guint n_words_of (guint passage)
{
  guint n = 0;

  for (guint w = 0; w < N_WORDS; w++)
    n += occurs[passage][w];
  return n;
}

/* BM25 as its formula says, one passage at a time. */
static double plain_score (guint passage, const guint *words, guint n, double mean_length)
{
  double score = 0;

  for (guint i = 0; i < n; i++)
    {
      double f = occurs[passage][words[i]];
      guint with = 0;

      for (guint p = 0; p < N_PASSAGES; p++)
        with += occurs[p][words[i]] > 0;
      score += log (1 + (N_PASSAGES - with + 0.5) / (with + 0.5)) * f * 2.2
               / (f + 1.2 * (0.25 + 0.75 * n_words_of (passage) / mean_length));
    }
  return score;
}

START_TEST (test_shortcuts_do_not_change_the_result)
{
  char *dir = make_dir ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (Index) index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);
  double mean_length = 0;
  fill_with_random_words (index, rand);
  for (guint p = 0; p < N_PASSAGES; p++)
    mean_length += (double)n_words_of (p) / N_PASSAGES;

  for (guint round = 0; round < 12; round++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (GArray) expected = g_array_new (FALSE, FALSE, sizeof (double));
      guint words[6];

      for (guint i = 0; i < 6; i++)
        {
          words[i] = i * 50 + (guint)(pow (g_rand_double (rand), 3) * 50);
          g_string_append_printf (text, "w%u ", words[i]);
        }
      for (guint p = 0; p < N_PASSAGES; p++)
        {
          double score = plain_score (p, words, 6, mean_length);
          guint rank = expected->len;

          while (rank > 0 && g_array_index (expected, double, rank - 1) < score)
            rank--;
          if (rank < 100)
            g_array_insert_val (expected, rank, score);
          if (expected->len > 100)
            g_array_set_size (expected, 100);
        }

      const IndexQuery query = { .mode = INDEX_SEARCH_LEXICAL, .text = text->str, .limit = 100 };
      g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
      ck_assert_uint_eq (hits->len, 100);
      for (guint i = 0; i < 100; i++)
        ck_assert_double_eq_tol (hit_at (hits, i)->score, g_array_index (expected, double, i),
                                 1e-9);
    }
  remove_dir (dir);
}
END_TEST

static void note_term (const char *word, const char *stem, guint n_chunks, gpointer data)
{
  g_string_append_printf (data, "%s/%s:%u ", word, stem, n_chunks);
}

START_TEST (test_terms_tell_how_rare_words_are)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  GString *terms = g_string_new (NULL);
  put_in (index, "/a", "en", "infection with IL 6");
  put_in (index, "/b", "en", "infected");
  put_in (index, "/c", "en", "other");

  ck_assert (
      index_terms (index, "What are the Infections by IL-6 and okapis?", note_term, terms, NULL));

  ck_assert_str_eq (terms->str, "Infections/infect:2 IL-6/il6:1 okapis/okapi:0 ");
  g_string_free (terms, TRUE);
  remove_dir (dir);
}
END_TEST

START_TEST (test_terms_count_all_languages)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  GString *terms = g_string_new (NULL);
  put_in (index, "/a", "en", "Houses");
  put_in (index, "/b", "de", "Häuser");
  put_in (index, "/c", "de", "Haus");

  ck_assert (index_terms (index, "Häuser", note_term, terms, NULL));

  ck_assert_str_eq (terms->str, "Häuser/haus:2 ");
  g_string_free (terms, TRUE);
  remove_dir (dir);
}
END_TEST

START_TEST (test_unknown_word_is_taken_for_the_nearest)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("the amoxicillin is kept in the refrigerator", "order AB1234 of May"));
  put (index, "/b", 2, TEXTS ("Die Kühlung der Medikamente"));

  for (const char *const *word = TEXTS ("amoxicilin", "amoxicllin", "amoxicillni", "refrigirator",
                                        "Medikamnte", "Kühlnug");
       *word; word++)
    ck_assert_msg (n_found (index, *word) == 1, "%s", *word);
  /* Too far, too short, or an identifier. */
  for (const char *const *word = TEXTS ("amoxapine", "oder", "Mya", "AB1235", "xylophone"); *word;
       word++)
    ck_assert_msg (n_found (index, *word) == (g_str_equal (*word, "oder") ? 1u : 0u), "%s", *word);
  remove_dir (dir);
}
END_TEST

/* One German passage made every English question look for what its words are not in German. */
START_TEST (test_a_word_that_one_language_knows_is_not_guessed_in_another)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put_in (index, "/en", "en", "The houses were painted.");
  put_in (index, "/name", "en", "Signed by Mr Painteda.");
  put_in (index, "/de", "de", "Die Kirche brannte.");

  g_autoptr (GPtrArray) found = search_text (index, "painted");

  ck_assert_uint_eq (found->len, 1);
  ck_assert_str_eq (first_path (found), "/en");
  ck_assert_uint_eq (n_found (index, "Paintedo"), 1);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("lexical");
  TCase *tests = tcase_create ("lexical");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_other_forms_of_a_word_are_found);
  tcase_add_test (tests, test_every_language_of_the_library_is_searched);
  tcase_add_test (tests, test_a_passage_is_stemmed_by_its_own_language);
  tcase_add_test (tests, test_stop_words_of_one_language_are_words_of_another);
  tcase_add_test (tests, test_question_of_stop_words_alone_is_still_searched);
  tcase_add_test (tests, test_identifiers_are_found_however_written);
  tcase_add_test (tests, test_title_and_section_are_searched);
  tcase_add_test (tests, test_rare_words_weigh_more);
  tcase_add_test (tests, test_score_is_bm25);
  tcase_add_test (tests, test_odd_questions_never_fail);
  tcase_add_test (tests, test_huge_questions_are_capped);
  tcase_add_test (tests, test_more_matches_than_asked_for_leave_the_best);
  tcase_add_test (tests, test_shortcuts_do_not_change_the_result);
  tcase_add_test (tests, test_terms_tell_how_rare_words_are);
  tcase_add_test (tests, test_terms_count_all_languages);
  tcase_add_test (tests, test_unknown_word_is_taken_for_the_nearest);
  tcase_add_test (tests, test_a_word_that_one_language_knows_is_not_guessed_in_another);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

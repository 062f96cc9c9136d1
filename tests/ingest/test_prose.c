#include "ingest/parse-private.h"
#include "ingest/prose-private.h"
#include "support.h"

static void check_clean (const char *raw, const char *expected)
{
  g_autofree char *clean = ingest_prose_clean (raw, -1);
  ck_assert_str_eq (clean, expected);
  ck_assert (ingest_prose_is_clean (clean, strlen (clean)));
}

START_TEST (test_ligatures_are_resolved)
{
  check_clean ("\uFB01nd o\uFB03ce \uFB02ow \uFB00", "find office flow ff");
  check_clean ("\uFEFB", "\u0644\u0627"); /* Arabic lam-alef */
}
END_TEST

START_TEST (test_other_compatibility_characters_are_kept)
{
  check_clean ("x\u00B2 \u2460 \u2122 \u00BD", "x\u00B2 \u2460 \u2122 \u00BD");
}
END_TEST

START_TEST (test_letters_are_composed)
{
  check_clean ("u\u0308ber", "\u00FCber");
}
END_TEST

START_TEST (test_what_cannot_be_seen_is_dropped)
{
  check_clean ("zero\u200Bwidth so\u00ADft \uFEFFbom \u202Ereversed\u202C",
               "zerowidth soft bom reversed");
  check_clean ("a\U000E0041b\001c\x7F", "abc");
  check_clean ("\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645",
               "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645"); /* Persian needs its joiner */
}
END_TEST

START_TEST (test_spaces_and_line_ends_become_plain)
{
  check_clean ("a\u00A0b\u2003c\r\nd\re", "a b c\nd\ne");
}
END_TEST

START_TEST (test_invalid_bytes_become_replacement_characters)
{
  check_clean ("a\xFFz\xC3", "a\uFFFDz\uFFFD");
}
END_TEST

START_TEST (test_control_characters_are_not_clean)
{
  ck_assert (ingest_prose_is_clean ("tab\tand\nline", 12));
  ck_assert (!ingest_prose_is_clean ("bell\a", 5));
  ck_assert (!ingest_prose_is_clean ("\xC2\x9B", 2));
  ck_assert (!ingest_prose_is_clean ("\xFF", 1));
}
END_TEST

/* Joins two lines with the vocabulary of TEXT. */
static char *join (const char *text, const char *first, const char *second)
{
  g_autoptr (IngestVocabulary) vocabulary = ingest_vocabulary_new ();
  ingest_vocabulary_add_line (vocabulary, text, strlen (text));
  g_autoptr (GString) out = g_string_new (NULL);
  ingest_prose_join (out, first, strlen (first), vocabulary);
  ingest_prose_join (out, second, strlen (second), vocabulary);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void check_join (const char *text, const char *first, const char *second,
                        const char *expected)
{
  g_autofree char *joined = join (text, first, second);
  ck_assert_str_eq (joined, expected);
}

START_TEST (test_a_hyphen_at_a_line_break_goes)
{
  check_join ("", "the docu-", "ment ends", "the document ends");
  check_join ("", "die Kranken-", "hausordnung", "die Krankenhausordnung");
  check_join ("information", "more infor-", "mation", "more information");
}
END_TEST

START_TEST (test_a_hyphen_of_the_word_stays)
{
  check_join ("a well-known fact", "a well-", "known fact", "a well-known fact");
  check_join ("menu driven and menu items are driven", "a menu-", "driven tool",
              "a menu-driven tool");
  check_join ("", "the Anglo-", "American", "the Anglo-American");
  check_join ("", "COVID-", "19 ward", "COVID-19 ward");
  check_join ("", "pages 3-", "7", "pages 3-7");
}
END_TEST

START_TEST (test_a_suspended_hyphen_keeps_its_space)
{
  check_join ("", "Ein-", "und Ausgang", "Ein- und Ausgang");
  check_join ("", "pre-", "and post-operative", "pre- and post-operative");
  check_join ("it was taken over", "breaks are tak\u2010", "en away", "breaks are taken away");
}
END_TEST

START_TEST (test_dashes_are_no_hyphens)
{
  check_join ("", "the ward -", "closed", "the ward - closed");
  check_join ("", "the ward \u2014", "closed", "the ward \u2014 closed");
}
END_TEST

START_TEST (test_chinese_lines_join_without_space)
{
  check_join ("", "\u533B\u9662\u7684", "\u89C4\u5B9A", "\u533B\u9662\u7684\u89C4\u5B9A");
}
END_TEST

START_TEST (test_list_markers)
{
  static const struct
  {
    const char *text;
    gsize length;
  } cases[]
      = { { "\u2022 item", 4 }, { "- item", 2 },    { "3. item", 3 },     { "(b) item", 4 },
          { "iv) item", 4 },    { "12) item", 4 },  { "\u2013 item", 4 }, { "2019. A year", 0 },
          { "-5 degrees", 0 },  { "e.g. this", 0 }, { "word", 0 },        { "3.", 0 } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    ck_assert_uint_eq (ingest_prose_marker_length (cases[i].text, strlen (cases[i].text)),
                       cases[i].length);
}
END_TEST

START_TEST (test_titles_that_programs_made_up_are_not_used)
{
  static const char *const junk[] = { "Microsoft Word - draft7.doc",
                                      "untitled",
                                      "Untitled-3",
                                      "report_final.pdf",
                                      "C:\\x\\y",
                                      "Document1",
                                      "",
                                      "42",
                                      "  " };
  for (gsize i = 0; i < G_N_ELEMENTS (junk); i++)
    ck_assert_msg (ingest_usable_title (junk[i]) == NULL, "%s", junk[i]);
  g_autofree char *title = ingest_usable_title ("  Hand\n hygiene  ");
  ck_assert_str_eq (title, "Hand hygiene");
  g_autofree char *document = ingest_usable_title ("Documentation of wounds");
  ck_assert_ptr_nonnull (document);
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_ligatures_are_resolved,
                                 test_other_compatibility_characters_are_kept,
                                 test_letters_are_composed,
                                 test_what_cannot_be_seen_is_dropped,
                                 test_spaces_and_line_ends_become_plain,
                                 test_invalid_bytes_become_replacement_characters,
                                 test_control_characters_are_not_clean,
                                 test_a_hyphen_at_a_line_break_goes,
                                 test_a_hyphen_of_the_word_stays,
                                 test_a_suspended_hyphen_keeps_its_space,
                                 test_dashes_are_no_hyphens,
                                 test_chinese_lines_join_without_space,
                                 test_list_markers,
                                 test_titles_that_programs_made_up_are_not_used };
  return run_suite ("ingest prose", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

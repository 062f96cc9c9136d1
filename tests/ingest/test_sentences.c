#include "support.h"

/* The sentences of TEXT, with a bar between them. */
static void check_sentences (const char *text, const char *language, const char *expected)
{
  g_autoptr (GArray) spans = ingest_sentences (text, language);
  g_autoptr (GString) got = g_string_new (NULL);
  gsize end = 0;
  for (guint i = 0; i < spans->len; i++)
    {
      const IngestSentence *span = &g_array_index (spans, IngestSentence, i);
      ck_assert_uint_ge (span->start, end);
      ck_assert_uint_lt (span->start, span->end);
      for (gsize k = end; k < span->start; k++)
        ck_assert (g_ascii_isspace (text[k]));
      g_string_append_printf (got, "%s%.*s", i > 0 ? "|" : "", (int)(span->end - span->start),
                              text + span->start);
      end = span->end;
    }
  ck_assert_str_eq (got->str, expected);
}

START_TEST (test_plain_sentences)
{
  check_sentences ("Wash your hands. Then dry them! Why? Because.", "en",
                   "Wash your hands.|Then dry them!|Why?|Because.");
  check_sentences ("", "en", "");
  check_sentences ("no end", NULL, "no end");
  check_sentences ("He said \"Stop.\" Then he left.", "en", "He said \"Stop.\"|Then he left.");
}
END_TEST

START_TEST (test_english_abbreviations)
{
  check_sentences (
      "Use gloves, e.g. Nitrile ones, for approx. 5 minutes. Dr. Smith and Mrs. Jones agree.", "en",
      "Use gloves, e.g. Nitrile ones, for approx. 5 minutes.|Dr. Smith and Mrs. Jones "
      "agree.");
  check_sentences ("See Fig. 3 and No. 7. Smith et al. The trial was small.", "en",
                   "See Fig. 3 and No. 7.|Smith et al.|The trial was small.");
  check_sentences ("J. R. Miller wrote it. It is long.", "en",
                   "J. R. Miller wrote it.|It is long.");
}
END_TEST

START_TEST (test_german_abbreviations)
{
  check_sentences (
      "Das gilt z. B. Montags, d. h. Dr. Meier bzw. Nr. 5 ist da. Am 5. Mai kommt er.", "de",
      "Das gilt z. B. Montags, d. h. Dr. Meier bzw. Nr. 5 ist da.|Am 5. Mai kommt er.");
  check_sentences ("Siehe § 3 Abs. 2 S. 1. Die Frist läuft.", "de",
                   "Siehe § 3 Abs. 2 S. 1.|Die Frist läuft.");
}
END_TEST

START_TEST (test_numbers_do_not_end_sentences)
{
  check_sentences ("The dose is 2.5 mg. Version 3.1.4 is out.", "en",
                   "The dose is 2.5 mg.|Version 3.1.4 is out.");
  check_sentences ("1. Wash hands. 2. Dry them.", "en", "1. Wash hands.|2. Dry them.");
}
END_TEST

START_TEST (test_lines_that_were_kept_are_sentences)
{
  check_sentences ("Ward 3\nMill Lane 12", "en", "Ward 3|Mill Lane 12");
}
END_TEST

START_TEST (test_chinese_and_japanese)
{
  check_sentences ("医院有规定。请洗手！", "zh", "医院有规定。|请洗手！");
}
END_TEST

START_TEST (test_an_unknown_language_is_no_problem)
{
  check_sentences ("One. Two.", "xx", "One.|Two.");
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_plain_sentences,
                                 test_english_abbreviations,
                                 test_german_abbreviations,
                                 test_numbers_do_not_end_sentences,
                                 test_lines_that_were_kept_are_sentences,
                                 test_chinese_and_japanese,
                                 test_an_unknown_language_is_no_problem };
  return run_suite ("ingest sentences", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

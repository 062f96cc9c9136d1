#include "ingest/parse-private.h"
#include "support.h"

static void check_text (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = ingest_parse_text (text, &error);
  ck_assert_msg (document != NULL, "%s", error ? error->message : "");
  check_document (document);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, expected);
}

START_TEST (test_wrapped_lines_become_one_paragraph)
{
  check_text ("The night shift begins at nine in the evening and ends at\n"
              "seven in the morning; whoever is late calls the ward be-\n"
              "fore that.\n"
              "\n"
              "Second paragraph.\n",
              "P The night shift begins at nine in the evening and ends at seven in the morning; "
              "whoever is late calls the ward before that.|P Second paragraph.");
}
END_TEST

START_TEST (test_short_lines_are_kept)
{
  check_text ("St. Anna Hospital\nWard 3\n12 Mill Lane\n",
              "P St. Anna Hospital\nWard 3\n12 Mill Lane");
}
END_TEST

START_TEST (test_a_line_per_paragraph)
{
  g_autofree char *long_line = g_strnfill (150, 'x');
  g_autofree char *text = g_strdup_printf ("%s\nshort one\n%s\n", long_line, long_line);
  g_autofree char *expected = g_strdup_printf ("P %s|P short one|P %s", long_line, long_line);
  check_text (text, expected);
}
END_TEST

START_TEST (test_underlined_numbered_and_capital_headings)
{
  check_text (
      "Night shift\n===========\n\nRules\n-----\n\nWash your hands.\n\n2.1 Handover\n\nRead "
      "it.\n\nIMPORTANT NOTES\n\nNone.\n",
      "H1 Night shift|H2 Rules|P Wash your hands.|H2 2.1 Handover|P Read it.|H1 IMPORTANT "
      "NOTES|P None.");
}
END_TEST

START_TEST (test_lists_keep_their_markers)
{
  check_text ("Bring:\n- gloves\n- a pen that\n  writes\n1. first\n",
              "P Bring:|L - gloves|L - a pen that writes|L 1. first");
}
END_TEST

START_TEST (test_tabbed_lines_are_rows)
{
  check_text ("drug\tdose\naspirin\t100 mg\n", "T drug\tdose|T aspirin\t100 mg");
}
END_TEST

START_TEST (test_blank_text_has_no_text)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_parse_text (" \n\n \t\n", &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT));
}
END_TEST

static void check_decoded (const char *data, gsize length, const char *expected)
{
  g_autofree char *text = ingest_decode ((const guint8 *)data, length, NULL);
  if (expected == NULL)
    ck_assert_ptr_null (text);
  else
    ck_assert_str_eq (text, expected);
}

START_TEST (test_encodings_with_a_mark)
{
  check_decoded ("\xEF\xBB\xBFgr\xC3\xBC\xC3\x9F", 9, "grüß");
  check_decoded ("\xFF\xFEg\0\xFC\0", 6, "gü");
  check_decoded ("\xFE\xFF\0g\0\xFC", 6, "gü");
  check_decoded ("\xFF\xFE\0\0g\0\0\0", 8, "g");
}
END_TEST

START_TEST (test_utf16_without_a_mark)
{
  check_decoded ("n\0i\0g\0h\0t\0 \0s\0h\0i\0f\0t\0", 22, "night shift");
}
END_TEST

START_TEST (test_latin1_and_windows_1252)
{
  const char *german = "Die Nachtschicht beginnt um neun Uhr. F\xFC"
                       "r \xC4rzte gilt das \x84"
                       "Gr\xFC\xDF"
                       "en\x93 nicht, aber f\xFC"
                       "r die Pflege.";
  check_decoded (german, strlen (german),
                 "Die Nachtschicht beginnt um neun Uhr. Für Ärzte gilt das „Grüßen“ nicht, aber "
                 "für die Pflege.");
}
END_TEST

START_TEST (test_cyrillic_is_guessed)
{
  g_autofree char *koi8 = NULL;
  const char *russian
      = "Ночная смена начинается в девять часов вечера, и медсестра должна прочитать "
        "отчёт, который лежит на столе в комнате отдыха.";
  gsize length;
  koi8 = g_convert (russian, -1, "KOI8-R", "UTF-8", NULL, &length, NULL);
  check_decoded (koi8, length, russian);
}
END_TEST

START_TEST (test_binary_is_not_text)
{
  check_decoded ("\0\1\2\3\4\5\6\7\0\0abc", 13, NULL);
  check_decoded ("\1\2\3\4\5\6\1\2\3\4", 10, NULL);
}
END_TEST

START_TEST (test_types_by_content_first)
{
  const char *problem = NULL;
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"%PDF-1.4", 8, "txt", &problem), INGEST_TYPE_PDF);
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"junk\n%PDF-1.4", 13, "", &problem),
                    INGEST_TYPE_PDF);
  ck_assert_int_eq (ingest_sniff_text ("# Title", "md"), INGEST_TYPE_MARKDOWN);
  ck_assert_int_eq (ingest_sniff_text ("<!-- x -->\n<html><p>Hi", "md"), INGEST_TYPE_HTML);
  ck_assert_int_eq (ingest_sniff_text ("<div align=center>Logo</div>", "md"), INGEST_TYPE_MARKDOWN);
  ck_assert_int_eq (ingest_sniff_text ("<div>Hi</div>", "html"), INGEST_TYPE_HTML);
  ck_assert_int_eq (ingest_sniff_text ("a < b", "txt"), INGEST_TYPE_TEXT);
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"# Title", 7, "txt", &problem), INGEST_TYPE_TEXT);
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"PK\3\4", 4, "txt", &problem), INGEST_TYPE_ZIP);
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"{\\rtf1", 6, "doc", &problem),
                    INGEST_TYPE_RTF);
  ck_assert_int_eq (ingest_sniff ((const guint8 *)"\x89PNG", 4, "txt", &problem),
                    INGEST_TYPE_UNKNOWN);
  ck_assert_ptr_nonnull (problem);
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_wrapped_lines_become_one_paragraph,
                                 test_short_lines_are_kept,
                                 test_a_line_per_paragraph,
                                 test_underlined_numbered_and_capital_headings,
                                 test_lists_keep_their_markers,
                                 test_tabbed_lines_are_rows,
                                 test_blank_text_has_no_text,
                                 test_encodings_with_a_mark,
                                 test_utf16_without_a_mark,
                                 test_latin1_and_windows_1252,
                                 test_cyrillic_is_guessed,
                                 test_binary_is_not_text,
                                 test_types_by_content_first };
  return run_suite ("ingest text", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

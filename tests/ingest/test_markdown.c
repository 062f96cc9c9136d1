#include "ingest/parse-private.h"
#include "support.h"

static IngestDocument *parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  IngestDocument *document = ingest_parse_markdown (text, &error);
  ck_assert_msg (document != NULL, "%s", error ? error->message : "");
  check_document (document);
  return document;
}

static void check_markdown (const char *text, const char *expected)
{
  g_autoptr (IngestDocument) document = parse (text);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, expected);
}

START_TEST (test_headings_of_both_kinds)
{
  check_markdown ("# Night shift\n\n### Rules ###\n\nHandover\n--------\n",
                  "H1 Night shift|H3 Rules|H2 Handover");
}
END_TEST

START_TEST (test_inlines_leave_their_text)
{
  check_markdown (
      "Read **this** [policy](https://x.org \"t\"), `rm -rf`, _now_ &amp; ![a scan](s.png)"
      " or<br>never\\*.",
      "P Read this policy, rm -rf, now & a scan or never*.");
}
END_TEST

START_TEST (test_lists_and_their_numbers)
{
  check_markdown ("- gloves\n- a pen\n  that writes\n  - blue\n\n3. third\n4. fourth\n\n   more\n",
                  "L • gloves|L • a pen that writes|L • blue|L 3. third|L 4. fourth|P more");
}
END_TEST

START_TEST (test_tables_become_rows)
{
  check_markdown ("| drug | dose |\n|:-----|-----:|\n| aspirin | **100** mg |\n| iron |  |\n",
                  "T drug\tdose|T aspirin\t100 mg|T iron");
  check_markdown ("a | b\n--|--\n1 | 2\n", "T a\tb|T 1\t2");
}
END_TEST

START_TEST (test_code_is_kept_as_it_is)
{
  check_markdown ("```sh\n# no heading\n  indented\n```\n", "K # no heading\n  indented");
}
END_TEST

START_TEST (test_html_leaves_its_text)
{
  check_markdown ("<div align=\"center\">\n<b>Ward</b> 3\n</div>\n\n<!-- secret\nnote -->\n\n"
                  "<script>\nalert(1)\n</script>\n\nText.\n",
                  "P Ward 3|P Text.");
}
END_TEST

START_TEST (test_front_matter_gives_title_and_language)
{
  g_autoptr (IngestDocument) document
      = parse ("---\ntitle: \"Night shift policy\"\nlang: de-DE\n---\n\n# Other\n\nText\n");
  ck_assert_str_eq (document->title, "Night shift policy");
  ck_assert_str_eq (document->language, "de");
  ck_assert (g_str_has_prefix (document->text, "Other"));
}
END_TEST

START_TEST (test_a_rule_at_the_top_is_no_front_matter)
{
  check_markdown ("---\n\nText after a rule\n", "P Text after a rule");
}
END_TEST

START_TEST (test_the_first_heading_is_the_title)
{
  g_autoptr (IngestDocument) document = parse ("intro\n\n# Hand hygiene\n\ntext\n");
  ck_assert_str_eq (document->title, "Hand hygiene");
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_headings_of_both_kinds,
                                 test_inlines_leave_their_text,
                                 test_lists_and_their_numbers,
                                 test_tables_become_rows,
                                 test_code_is_kept_as_it_is,
                                 test_html_leaves_its_text,
                                 test_front_matter_gives_title_and_language,
                                 test_a_rule_at_the_top_is_no_front_matter,
                                 test_the_first_heading_is_the_title };
  return run_suite ("ingest markdown", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

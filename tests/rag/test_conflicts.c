/* Conflicts: where documents say different things about what was asked, and where they only seem
 * to. */
#include <check.h>

#include "support.h"

static IndexHit *hit_of (gint64 document, const char *name, const char *text)
{
  IndexHit *hit = support_hit (document, 0, "", "", text);
  g_free (hit->path);
  hit->path = g_strdup_printf ("/%s", name);
  return hit;
}

/* What is said of the sentence that answers by itself: "NAME: VALUE; NAME: VALUE", as the evidence
 * has them. */
static char *conflicts_of (const char *asked, GPtrArray *hits, const char *language)
{
  for (guint i = 0; i < hits->len; i++)
    {
      IndexHit *hit = g_ptr_array_index (hits, i);
      g_free (hit->language);
      hit->language = g_strdup (language);
    }
  g_autoptr (RagQuestion) question = rag_question_new_plain (asked);
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  g_autoptr (GPtrArray) conflicts = rag_find_conflicts (question, evidence, NULL, NULL);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < conflicts->len; i++)
    {
      const RagConflict *conflict = g_ptr_array_index (conflicts, i);
      for (guint k = 0; k < conflict->values->len; k++)
        {
          const RagConflictValue *value = g_ptr_array_index (conflict->values, k);
          g_string_append_printf (text, "%s%s: %s", text->len > 0 ? "; " : "",
                                  value->citation->document + 1, value->text);
        }
    }
  g_ptr_array_unref (hits);
  return g_string_free (text, FALSE);
}

/* Two documents, in English unless said otherwise. */
static void check_between (const char *asked, const char *first, const char *second,
                           const char *expected)
{
  g_autofree char *found = conflicts_of (
      asked, support_hits (hit_of (1, "a-2023.pdf", first), hit_of (2, "b-2019.pdf", second), NULL),
      "en");
  ck_assert_str_eq (found, expected);
}

START_TEST (test_amounts_with_the_same_unit_disagree)
{
  check_between ("What is the surcharge for night work?", "The surcharge for night work is 20 %.",
                 "The surcharge for night work is 15 percent.",
                 "a-2023.pdf: 20 %; b-2019.pdf: 15 percent");
  check_between ("How long are patient files kept?", "Patient files are kept for ten years.",
                 "Patient files are kept for at least 5 years.",
                 "a-2023.pdf: ten years; b-2019.pdf: 5 years");
  check_between ("How many patients may one nurse look after?",
                 "One nurse may look after 9 patients.",
                 "One nurse may look after up to 12 patients.",
                 "a-2023.pdf: 9 patients; b-2019.pdf: 12 patients");
  check_between ("How many beds are there in the clinic?", "There are 2000 beds in the clinic.",
                 "There are 2,010 beds in the clinic.",
                 "a-2023.pdf: 2000 beds; b-2019.pdf: 2,010 beds");
  check_between ("How cold is the vaccine refrigerator kept?",
                 "The vaccine refrigerator is kept at 5 °C.",
                 "The vaccine refrigerator is kept at 2 to 8 °C.", "");
  check_between ("How cold is the vaccine refrigerator kept?",
                 "The vaccine refrigerator is kept at 2 to 8 °C.",
                 "The vaccine refrigerator is kept at 3 to 6 °C.",
                 "a-2023.pdf: 2 to 8 °C; b-2019.pdf: 3 to 6 °C");
  check_between ("What does a taxi ride cost?", "A taxi ride costs $25.", "A taxi ride costs $30.",
                 "a-2023.pdf: $25; b-2019.pdf: $30");
}
END_TEST

START_TEST (test_other_spellings_agree)
{
  static const char *const pairs[][2] = {
    { "The clinic has 1,000 beds.", "The clinic has one thousand beds." },
    { "The clinic has 40 % of the beds.", "The clinic has forty percent of the beds." },
    { "The clinic has 5.0 beds.", "The clinic has five beds." },
    { "The clinic has 24 beds.", "The clinic has 24 beds today." },
  };
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    check_between ("How many beds does the clinic have?", pairs[i][0], pairs[i][1], "");
}
END_TEST

START_TEST (test_dates_disagree_when_they_are_asked_for)
{
  check_between ("When must applications for the grant arrive?",
                 "Applications for the grant must arrive by 31 March.",
                 "Applications for the grant must arrive by April 30.",
                 "a-2023.pdf: 31 March; b-2019.pdf: April 30");
  check_between ("When was the ward closed?", "The ward was closed in 2021.",
                 "The ward was closed in 2022.", "a-2023.pdf: 2021; b-2019.pdf: 2022");
  check_between ("When was the ward closed?", "The ward was closed on 5 March 2021.",
                 "The ward was closed on 2021-03-05.", "");
  check_between ("When was the ward closed?", "The ward was closed on 5 March.",
                 "The ward was closed on 5 March 2021.", "");
  check_between ("When are the quiet hours?", "The quiet hours are from 22:00 to 6:00.",
                 "The quiet hours are from 21:00 to 6:00.", "a-2023.pdf: 22:00; b-2019.pdf: 21:00");
}
END_TEST

START_TEST (test_a_not_disagrees)
{
  check_between ("May visitors bring flowers to the ward?",
                 "Visitors may bring flowers to the ward.",
                 "Visitors may not bring flowers to the ward.",
                 "a-2023.pdf: Visitors may bring flowers to the ward.; "
                 "b-2019.pdf: Visitors may not bring flowers to the ward.");
}
END_TEST

START_TEST (test_other_languages_disagree_too)
{
  g_autofree char *found = conflicts_of (
      "Wie lange werden die Protokolle aufbewahrt?",
      support_hits (hit_of (1, "a.pdf", "Die Protokolle werden fünf Jahre lang aufbewahrt."),
                    hit_of (2, "b.pdf", "Die Protokolle werden 10 Jahre lang aufbewahrt."), NULL),
      "de");
  ck_assert_str_eq (found, "a.pdf: fünf Jahre; b.pdf: 10 Jahre");
}
END_TEST

START_TEST (test_other_subjects_do_not_disagree)
{
  static const char *const pairs[][2] = {
    { "One nurse looks after 9 patients on the night shift.",
      "One nurse looks after 6 patients on the day shift." },
    { "On Ward A one nurse looks after 9 patients.",
      "On Ward B one nurse looks after 6 patients." },
    { "One nurse looks after 9 patients.",
      "One nurse in an intensive care unit with ventilators looks after 2 patients." },
    { "One nurse looks after 9 patients.", "One nurse looks after 3 trainees." },
    { "One nurse looks after 9 patients.", "One nurse looks after 9 trainees." },
    { "One nurse over 60 looks after 9 patients.", "One nurse over 50 looks after 12 patients." },
  };
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    check_between ("How many patients does one nurse look after?", pairs[i][0], pairs[i][1], "");
}
END_TEST

START_TEST (test_two_times_do_not_disagree)
{
  check_between ("What was the profit of the clinic?", "The profit of the clinic was 3 % in 2022.",
                 "The profit of the clinic was 5 % in 2019.", "");
}
END_TEST

START_TEST (test_the_year_asked_for_is_not_held_against_another)
{
  check_between ("What was the surcharge for night work in 2019?",
                 "The surcharge for night work is 20 %.", "The surcharge for night work is 15 %.",
                 "");
}
END_TEST

START_TEST (test_the_subject_asked_for_is_not_held_against_another)
{
  IndexHit *first = hit_of (1, "a.pdf", "One nurse looks after 9 patients.");
  IndexHit *second = hit_of (2, "b.pdf", "One nurse looks after 6 patients.");
  g_free (first->title);
  first->title = g_strdup ("Rules of Lindenhof Hospital");
  g_autofree char *found
      = conflicts_of ("How many patients does one nurse look after in Lindenhof?",
                      support_hits (first, second, NULL), "en");
  ck_assert_str_eq (found, "");
}
END_TEST

START_TEST (test_rows_of_a_table_do_not_disagree)
{
  check_between ("How many beds does the surgical ward have?",
                 "surgical ward beds\t24\nmedical ward beds\t30",
                 "surgical ward beds\t26\nmedical ward beds\t31", "");
}
END_TEST

START_TEST (test_one_document_does_not_disagree_with_itself)
{
  g_autofree char *found
      = conflicts_of ("How many patients does one nurse look after?",
                      support_hits (hit_of (1, "a.pdf", "One nurse looks after 9 patients."),
                                    hit_of (1, "a.pdf", "One nurse looks after 6 patients."), NULL),
                      "en");
  ck_assert_str_eq (found, "");
}
END_TEST

START_TEST (test_a_document_that_agrees_elsewhere_is_no_witness)
{
  check_between ("How many patients does one nurse look after?",
                 "One nurse looks after 9 patients.",
                 "One nurse looks after 6 patients. One nurse looks after nine patients.", "");
}
END_TEST

START_TEST (test_another_unit_does_not_agree)
{
  g_autofree char *found = conflicts_of (
      "How much of the drug is given?",
      support_hits (hit_of (1, "a.pdf", "The drug is given in a dose of 5 mg."),
                    hit_of (2, "b.pdf", "The drug is given in a dose of 5 g."),
                    hit_of (3, "c.pdf", "The drug is given in a dose of 10 mg."), NULL),
      "en");
  ck_assert_str_eq (found, "a.pdf: 5 mg; c.pdf: 10 mg");
}
END_TEST

START_TEST (test_who_agrees_is_named_too)
{
  g_autofree char *found
      = conflicts_of ("How many patients does one nurse look after?",
                      support_hits (hit_of (1, "a.pdf", "One nurse looks after nine patients."),
                                    hit_of (2, "b.pdf", "One nurse looks after 9 patients."),
                                    hit_of (3, "c.pdf", "One nurse looks after 6 patients."), NULL),
                      "en");
  ck_assert_str_eq (found, "a.pdf: nine patients; c.pdf: 6 patients; b.pdf: 9 patients");
}
END_TEST

START_TEST (test_only_what_the_answer_says_is_disputed)
{
  g_autoptr (GPtrArray) hits
      = support_hits (hit_of (1, "a.pdf", "Doctor Weiss signs the order within 12 hours."),
                      hit_of (2, "b.pdf", "Doctor Weiss signs the order within 24 hours."), NULL);
  g_autoptr (RagQuestion) question
      = rag_question_new_plain ("What does Doctor Weiss do with the order?");
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  g_autoptr (GPtrArray) citations
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  const RagPassage *passage = g_ptr_array_index (evidence->passages, 0);
  g_ptr_array_add (citations, rag_citation_new (passage->hit, passage->hit->text));
  g_autoptr (GPtrArray) said
      = rag_find_conflicts (question, evidence, citations, "It is signed within 12 hours.");
  g_autoptr (GPtrArray) unsaid
      = rag_find_conflicts (question, evidence, citations, "It is signed.");
  ck_assert_uint_eq (said->len, 1);
  ck_assert_uint_eq (unsaid->len, 0);
}
END_TEST

static void check_dating (const char *path, const char *title, const char *date,
                          const char *version)
{
  g_auto (RagDating) dating = { 0 };
  rag_dating_of (path, title, &dating);
  ck_assert_pstr_eq (dating.date, date);
  ck_assert_pstr_eq (dating.version, version);
}

START_TEST (test_names_and_titles_date_a_document)
{
  check_dating ("/x/policy-2023.pdf", NULL, "2023", NULL);
  check_dating ("/2019/policy.pdf", "Policy of 2021", "2021", NULL);
  check_dating ("/x/2024-03-01_policy.pdf", "Policy of 2021", "2024-03-01", NULL);
  check_dating ("/x/policy_2024_03.pdf", "", "2024-03", NULL);
  check_dating ("/x/policy_v2.1.pdf", "", NULL, "2.1");
  check_dating ("/x/policy.pdf", "Policy, Version 3", NULL, "3");
  check_dating ("/x/order-120230.pdf", "A mav2 in 1066", NULL, NULL);
}
END_TEST

START_TEST (test_newer_comes_after_older)
{
  ck_assert_int_lt (rag_dating_compare ("2019", NULL, "2023-02", NULL), 0);
  ck_assert_int_lt (rag_dating_compare (NULL, NULL, "2019", NULL), 0);
  ck_assert_int_gt (rag_dating_compare ("2019", "2.10", "2023", "2.9"), 0);
  ck_assert_int_lt (rag_dating_compare ("2019", "2", "2023", "2.0"), 0);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("conflicts");
  TCase *tests = tcase_create ("conflicts");
  tcase_add_test (tests, test_amounts_with_the_same_unit_disagree);
  tcase_add_test (tests, test_other_spellings_agree);
  tcase_add_test (tests, test_dates_disagree_when_they_are_asked_for);
  tcase_add_test (tests, test_a_not_disagrees);
  tcase_add_test (tests, test_other_languages_disagree_too);
  tcase_add_test (tests, test_other_subjects_do_not_disagree);
  tcase_add_test (tests, test_two_times_do_not_disagree);
  tcase_add_test (tests, test_the_year_asked_for_is_not_held_against_another);
  tcase_add_test (tests, test_the_subject_asked_for_is_not_held_against_another);
  tcase_add_test (tests, test_rows_of_a_table_do_not_disagree);
  tcase_add_test (tests, test_one_document_does_not_disagree_with_itself);
  tcase_add_test (tests, test_a_document_that_agrees_elsewhere_is_no_witness);
  tcase_add_test (tests, test_another_unit_does_not_agree);
  tcase_add_test (tests, test_who_agrees_is_named_too);
  tcase_add_test (tests, test_only_what_the_answer_says_is_disputed);
  tcase_add_test (tests, test_names_and_titles_date_a_document);
  tcase_add_test (tests, test_newer_comes_after_older);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  const int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

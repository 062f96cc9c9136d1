/* Citations: what proves a sentence, and what does not. */
#include <check.h>

#include "support.h"

static RagCited cite (const char *question_text, const char *passage, const char *answer)
{
  RagCited cited;
  g_autoptr (GPtrArray) hits
      = support_hits (support_hit (1, 0, "Night Shift Policy", "2 Staffing", passage), NULL);
  g_autoptr (RagQuestion) question = rag_question_new_plain (question_text);
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  rag_evidence_select (evidence, 1000, NULL, NULL);
  rag_cite (question, evidence, answer, &cited);
  return cited;
}

static void check_support (const char *question, const char *passage, const char *answer,
                           gboolean supported)
{
  RagCited cited = cite (question, passage, answer);
  ck_assert_uint_eq (cited.sentences->len, 1);
  const RagSentence *sentence = g_ptr_array_index (cited.sentences, 0);
  ck_assert_msg (sentence->supported == supported, "“%s” should %sbe supported by “%s”", answer,
                 supported ? "" : "not ", passage);
  ck_assert ((sentence->citations->len > 0) == supported);
  rag_cited_clear (&cited);
}

#define BREAK "Each night shift contains one unpaid break of 45 minutes. Beds are made at six."

START_TEST (test_quote_is_the_sentence_on_its_page)
{
  RagCited cited = cite ("How long is the unpaid break?", BREAK, "45 minutes");
  ck_assert_uint_eq (cited.citations->len, 1);
  const RagCitation *citation = g_ptr_array_index (cited.citations, 0);
  ck_assert_uint_eq (citation->n, 1);
  ck_assert_uint_eq (citation->page, 3);
  ck_assert_str_eq (citation->page_label, "iii");
  ck_assert_str_eq (citation->quote, "Each night shift contains one unpaid break of 45 minutes.");
  ck_assert_str_eq (citation->document, "/1.txt");
  rag_cited_clear (&cited);
}
END_TEST

static void check_verdict (const char *question, const char *passage, const char *answer,
                           const char *said)
{
  RagCited cited = cite (question, passage, answer);
  ck_assert_uint_eq (cited.sentences->len, 1);
  const RagSentence *sentence = g_ptr_array_index (cited.sentences, 0);
  ck_assert_int_eq (sentence->supported, said != NULL);
  if (said != NULL)
    ck_assert_str_eq (sentence->text, said);
  rag_cited_clear (&cited);
}

START_TEST (test_yes_and_no_come_with_their_sentence)
{
  const char *page = "Visitors may not stay overnight. Flowers are allowed.";
  check_verdict ("May visitors stay overnight?", page, "No.",
                 "No. “Visitors may not stay overnight.”");
  check_verdict ("May visitors stay overnight?", page, "No, visitors may not stay overnight.",
                 "No, visitors may not stay overnight. “Visitors may not stay overnight.”");
  check_verdict ("Are flowers allowed?", page, "Yes", "Yes “Flowers are allowed.”");
  check_verdict ("¿Se permiten flores?", "Se permiten flores.", "Sí.",
                 "Sí. “Se permiten flores.”");
}
END_TEST

START_TEST (test_yes_to_a_denial_is_not_supported)
{
  check_verdict ("May visitors stay overnight?", "Visitors may not stay overnight.", "Yes.", NULL);
  check_verdict ("Dürfen Besucher über Nacht bleiben?", "Besucher dürfen nicht über Nacht bleiben.",
                 "Ja.", NULL);
}
END_TEST

START_TEST (test_yes_with_more_is_proved_by_its_words)
{
  check_support ("May visitors stay overnight?", "Visitors may stay overnight in room 12.",
                 "Yes, in room 12.", TRUE);
  check_support ("May visitors stay overnight?", "Visitors may stay overnight in room 12.",
                 "Yes, in room 14.", FALSE);
}
END_TEST

START_TEST (test_altered_number_is_not_supported)
{
  check_support ("How long is the unpaid break?", BREAK, "The unpaid break is 45 minutes.", TRUE);
  check_support ("How long is the unpaid break?", BREAK, "The unpaid break is 30 minutes.", FALSE);
}
END_TEST

START_TEST (test_altered_name_is_not_supported)
{
  const char *page = "The register is kept by the pharmacist Aydin in the ward.";
  check_support ("Who keeps the register?", page, "The register is kept by Aydin.", TRUE);
  check_support ("Who keeps the register?", page, "The register is kept by Petersen.", FALSE);
}
END_TEST

START_TEST (test_altered_date_is_not_supported)
{
  const char *page = "The policy is valid from 3 March 2021 for all wards.";
  check_support ("When is it valid from?", page, "From 03.03.2021", TRUE);
  check_support ("When is it valid from?", page, "From 4 March 2021", FALSE);
  check_support ("When is it valid from?", page, "From 3 March 2022", FALSE);
}
END_TEST

START_TEST (test_spellings_of_a_number_are_one)
{
  const char *page = "About 1,612 residents took part, that is 5 % of the region.";
  check_support ("How many took part?", page, "1612 residents", TRUE);
  check_support ("What share?", page, "five percent", TRUE);
}
END_TEST

START_TEST (test_paraphrase_is_supported_invention_is_not)
{
  const char *page = "A missed break is reported in the shift log with its reason.";
  check_support ("What happens with missed breaks?", page,
                 "Missed breaks are reported in the shift log.", TRUE);
  check_support ("What happens with missed breaks?", page,
                 "Missed breaks are compensated with money by the payroll office.", FALSE);
}
END_TEST

START_TEST (test_short_answer_must_be_found_whole)
{
  const char *page = "The hospital pays a taxi.";
  check_support ("Who pays?", page, "The hospital", TRUE);
  check_support ("Who pays?", page, "The hospital kitchen", FALSE);
}
END_TEST

START_TEST (test_number_of_the_question_does_not_prove_itself)
{
  check_support ("How many beds were there in 2023?", "In 2022 there were 120 beds.",
                 "In 2023 there were 120 beds.", FALSE);
}
END_TEST

/* "and in 2022?" was answered with the figure of 2023. */
START_TEST (test_another_year_is_no_proof)
{
  const char *page = "In 2023 the median response time was 17 minutes. It is measured on all wards.";
  check_support ("What was the median response time in 2023?", page, "17 minutes", TRUE);
  check_support ("What was the median response time in 2022?", page, "17 minutes", FALSE);
  check_support ("What is the median response time?", page, "17 minutes", TRUE);
}
END_TEST

START_TEST (test_markers_of_the_model_are_dropped)
{
  RagCited cited = cite ("How long is the unpaid break?", BREAK, "45 minutes [7]");
  const RagSentence *sentence = g_ptr_array_index (cited.sentences, 0);
  ck_assert_str_eq (sentence->text, "45 minutes");
  ck_assert (sentence->supported);
  rag_cited_clear (&cited);
}
END_TEST

START_TEST (test_each_sentence_has_its_own_verdict)
{
  RagCited cited = cite ("How long is the unpaid break?", BREAK,
                         "The break is 45 minutes. It was introduced by Napoleon in 1812.");
  ck_assert_uint_eq (cited.sentences->len, 2);
  ck_assert (((RagSentence *)g_ptr_array_index (cited.sentences, 0))->supported);
  ck_assert (!((RagSentence *)g_ptr_array_index (cited.sentences, 1))->supported);
  ck_assert_uint_eq (cited.n_supported, 1);
  ck_assert_uint_eq (cited.citations->len, 1);
  rag_cited_clear (&cited);
}
END_TEST

START_TEST (test_of_two_places_the_one_about_the_question_is_cited)
{
  RagCited cited
      = cite ("How long is the unpaid break?",
              "The alarm rings for 45 minutes. Coffee is free. The unpaid break has 45 minutes.",
              "45 minutes");
  const RagCitation *citation = g_ptr_array_index (cited.citations, 0);
  ck_assert_str_eq (citation->quote, "The unpaid break has 45 minutes.");
  rag_cited_clear (&cited);
}
END_TEST

START_TEST (test_number_from_elsewhere_on_the_page_is_not_supported)
{
  const char *page
      = "On a general ward one nurse looks after at most 9 patients at night. The store "
        "holds 11 pumps.";
  const char *question = "How many patients may one nurse look after?";
  check_support (question, page, "On a general ward one nurse looks after at most 9 patients.",
                 TRUE);
  check_support (question, page, "On a general ward one nurse looks after at most 11 patients.",
                 FALSE);
}
END_TEST

START_TEST (test_short_answer_beside_the_point_is_not_supported)
{
  const char *page
      = "The unpaid break has 45 minutes. Beds are made at six. Coffee is free. The pump "
        "was bought in 1998.";
  check_support ("How long is the unpaid break?", page, "45 minutes", TRUE);
  check_support ("How long is the unpaid break?", page, "1998", FALSE);
}
END_TEST

#define NOTICE                                                                                     \
  "The notice period is agreed in writing. The notice period is 3 months to the quarter."

START_TEST (test_repeated_question_is_no_answer)
{
  static const char *const echoes[]
      = { "The notice period.", "Notice period", "It is the notice period.",
          "The notice period is the notice period." };
  for (guint i = 0; i < G_N_ELEMENTS (echoes); i++)
    {
      check_support ("What is the notice period?", NOTICE, echoes[i], FALSE);
      check_support ("notice period", NOTICE, echoes[i], FALSE);
    }
  check_support ("Who funded the SALINA trial?", "The SALINA trial was funded by the state.",
                 "The SALINA trial was funded.", FALSE);
  check_support ("How is hyperkalaemia defined in the trial?",
                 "In the trial hyperkalaemia is defined as potassium above 5.5 mmol/l.",
                 "In the trial.", FALSE);
  check_support ("When are the quiet hours?", "The quiet hours are quiet.",
                 "The quiet hours are quiet.", FALSE);
  check_support ("On which extension is the coordinator reached?",
                 "The coordinator is reached on extension 4417.",
                 "The coordinator is reached on the extension.", FALSE);
  check_support ("Wie lang ist die Kündigungsfrist?", "Die Kündigungsfrist ist lang.",
                 "Die Kündigungsfrist ist die Kündigungsfrist.", FALSE);
  check_support ("Wie lange werden die Protokolle aufbewahrt?",
                 "Die Protokolle werden fünf Jahre lang aufbewahrt.",
                 "Diesen werden die Protokolle aufbewahrt, die die Protokolle aufbewahrt.", FALSE);
}
END_TEST

START_TEST (test_repeated_question_may_say_more)
{
  check_support ("What is the notice period?", NOTICE, "The notice period is 3 months.", TRUE);
  check_support ("notice period", NOTICE, "3 months", TRUE);
  check_support ("Which fluid is in the mercury turbine?", "The mercury turbine has mercury inside.",
                 "Mercury", TRUE);
  check_support ("Who may enter the store?", "No one may enter the store.",
                 "No one may enter the store.", TRUE);
  check_support ("Who keeps the register?", "IT keeps the register.", "IT keeps the register.", TRUE);
  check_support ("When is the ward open?", "The ward is always open.", "The ward is always open.",
                 TRUE);
}
END_TEST

START_TEST (test_yes_no_and_choices_are_answered_in_the_words_of_the_question)
{
  const char *page = "The break of the night shift is unpaid. The notice period is 3 months.";
  check_support ("Is the notice period 3 months?", page, "The notice period is 3 months.", TRUE);
  check_support ("Was the break unpaid?", page, "The break is unpaid.", TRUE);
  check_support ("Ist die Pause unbezahlt?", "Die Pause ist unbezahlt.", "Die Pause ist unbezahlt.",
                 TRUE);
  check_support ("Ist die Pause unbezahlt?", "Die Pause ist unbezahlt.", "Ja.", TRUE);
  check_support ("What is the break of the night shift, paid or unpaid?", page, "unpaid", TRUE);
}
END_TEST

START_TEST (test_empty_answer_has_no_sentences)
{
  RagCited cited = cite ("How long?", BREAK, " \n");
  ck_assert_uint_eq (cited.sentences->len, 0);
  ck_assert_uint_eq (cited.citations->len, 0);
  rag_cited_clear (&cited);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("cite");
  TCase *tests = tcase_create ("all");
  tcase_add_test (tests, test_quote_is_the_sentence_on_its_page);
  tcase_add_test (tests, test_yes_and_no_come_with_their_sentence);
  tcase_add_test (tests, test_yes_to_a_denial_is_not_supported);
  tcase_add_test (tests, test_yes_with_more_is_proved_by_its_words);
  tcase_add_test (tests, test_altered_number_is_not_supported);
  tcase_add_test (tests, test_altered_name_is_not_supported);
  tcase_add_test (tests, test_altered_date_is_not_supported);
  tcase_add_test (tests, test_spellings_of_a_number_are_one);
  tcase_add_test (tests, test_paraphrase_is_supported_invention_is_not);
  tcase_add_test (tests, test_short_answer_must_be_found_whole);
  tcase_add_test (tests, test_number_of_the_question_does_not_prove_itself);
  tcase_add_test (tests, test_another_year_is_no_proof);
  tcase_add_test (tests, test_markers_of_the_model_are_dropped);
  tcase_add_test (tests, test_each_sentence_has_its_own_verdict);
  tcase_add_test (tests, test_of_two_places_the_one_about_the_question_is_cited);
  tcase_add_test (tests, test_number_from_elsewhere_on_the_page_is_not_supported);
  tcase_add_test (tests, test_short_answer_beside_the_point_is_not_supported);
  tcase_add_test (tests, test_repeated_question_is_no_answer);
  tcase_add_test (tests, test_repeated_question_may_say_more);
  tcase_add_test (tests, test_yes_no_and_choices_are_answered_in_the_words_of_the_question);
  tcase_add_test (tests, test_empty_answer_has_no_sentences);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

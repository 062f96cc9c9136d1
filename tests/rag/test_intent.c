/* Intent: what is wanted of a text, before any model runs. */
#include <check.h>

#include "rag/answer-private.h"

static void check_intent (const char *text, RagIntent intent, const char *object)
{
  g_autofree char *got = NULL;
  ck_assert_msg (rag_intent (text, &got) == intent, "%s", text);
  if (object != NULL)
    ck_assert_str_eq (got, object);
  else
    ck_assert_ptr_null (got);
}

START_TEST (test_greetings_and_thanks_want_no_search)
{
  check_intent ("Hello!", RAG_INTENT_GREETING, NULL);
  check_intent ("Guten Tag", RAG_INTENT_GREETING, NULL);
  check_intent ("merci beaucoup", RAG_INTENT_GREETING, NULL);
  check_intent ("¡Hola!", RAG_INTENT_GREETING, NULL);
  check_intent ("Hello, how many beds are there?", RAG_INTENT_QUESTION, NULL);
}
END_TEST

START_TEST (test_questions_about_the_library_are_told_from_those_about_its_documents)
{
  check_intent ("How many documents are in the library?", RAG_INTENT_LIBRARY, NULL);
  check_intent ("What can you do?", RAG_INTENT_LIBRARY, NULL);
  check_intent ("Welche Dokumente gibt es?", RAG_INTENT_LIBRARY, NULL);
  check_intent ("Who are you?", RAG_INTENT_LIBRARY, NULL);
  check_intent ("How many documents must a nurse sign?", RAG_INTENT_QUESTION, NULL);
  check_intent ("Who are you supposed to call at night?", RAG_INTENT_QUESTION, NULL);
}
END_TEST

START_TEST (test_mentions_name_what_is_looked_for)
{
  check_intent ("Which documents mention potassium?", RAG_INTENT_MENTION, "potassium");
  check_intent ("How many documents contain the word “break”?", RAG_INTENT_MENTION, "break");
  check_intent ("List all pages that mention \"night shift\"", RAG_INTENT_MENTION, "night shift");
  check_intent ("How often is the Apotheke mentioned?", RAG_INTENT_MENTION, "Apotheke");
  check_intent ("Welche Dokumente erwähnen Impfstoffe?", RAG_INTENT_MENTION, "Impfstoffe");
  check_intent ("Quels documents mentionnent le sel ?", RAG_INTENT_MENTION, "le sel");
  check_intent ("¿Qué documentos mencionan la sal?", RAG_INTENT_MENTION, "la sal");
  check_intent ("Quali documenti menzionano il sale?", RAG_INTENT_MENTION, "il sale");
}
END_TEST

START_TEST (test_summaries_name_the_document)
{
  check_intent ("Summarise night-shift-policy.pdf", RAG_INTENT_SUMMARY, "night-shift-policy.pdf");
  check_intent ("Please summarize the document study-report", RAG_INTENT_SUMMARY, "study-report");
  check_intent ("Fasse das Dokument policy.pdf zusammen", RAG_INTENT_SUMMARY, "policy.pdf");
}
END_TEST

START_TEST (test_other_questions_go_the_usual_way)
{
  check_intent ("How many patients may one nurse look after at night?", RAG_INTENT_QUESTION, NULL);
  check_intent ("Where is the coordinator?", RAG_INTENT_QUESTION, NULL);
  check_intent ("", RAG_INTENT_QUESTION, NULL);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("intent");
  TCase *tests = tcase_create ("intent");
  tcase_add_test (tests, test_greetings_and_thanks_want_no_search);
  tcase_add_test (tests, test_questions_about_the_library_are_told_from_those_about_its_documents);
  tcase_add_test (tests, test_mentions_name_what_is_looked_for);
  tcase_add_test (tests, test_summaries_name_the_document);
  tcase_add_test (tests, test_other_questions_go_the_usual_way);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}

/* Briefs: which documents tell one story, how text is measured, what a kept file gives back. */
#include <check.h>
#include <glib/gstdio.h>
#include <math.h>

#include "rag/brief-private.h"

static RagNewsItem *item (const char *lead, float x, float y)
{
  RagNewsItem *news = g_new0 (RagNewsItem, 1);
  static const RagDocument document = { .path = (char *)"/d" };
  news->document = &document;
  news->lead = g_strdup (lead);
  news->forms = rag_word_set (lead, -1, RAG_LANGUAGE_EN);
  news->vector = g_new (float, 2);
  news->vector[0] = x;
  news->vector[1] = y;
  return news;
}

#define BILL "Parliament passed the drug pricing bill with 312 votes on Monday"
#define BILL_AGAIN "Drug pricing bill passed: 312 votes in parliament, insurers pleased"
#define FRIDGE "A new standard for vaccine fridges was published"

START_TEST (test_one_story_from_two_sources)
{
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_news_item_free);
  g_ptr_array_add (items, item (BILL, 1, 0));
  g_ptr_array_add (items, item (FRIDGE, 0, 1));
  g_ptr_array_add (items, item (BILL_AGAIN, .9f, .43f));
  g_autoptr (GPtrArray) stories = rag_cluster_stories (items, 2);
  ck_assert_uint_eq (stories->len, 2);
  ck_assert_uint_eq (((RagStory *)g_ptr_array_index (stories, 0))->items->len, 2);
}
END_TEST

START_TEST (test_near_vectors_alone_are_no_story)
{
  RagNewsItem *a = item (BILL, 1, 0), *b = item (FRIDGE, 1, 0);
  ck_assert (!rag_same_story (a, b, 2));
  rag_news_item_free (a);
  rag_news_item_free (b);
}
END_TEST

static RagNewsItem *first_item (const GPtrArray *stories)
{
  return g_ptr_array_index (((RagStory *)g_ptr_array_index (stories, 0))->items, 0);
}

START_TEST (test_rank_by_interest_novelty_and_what_was_dropped)
{
  float up[] = { 0, 1 }, right[] = { 1, 0 };
  const RagVectors none = { 0 }, of_fridges = { up, 1 }, of_bills = { right, 1 };
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_news_item_free);
  g_ptr_array_add (items, item (BILL, 1, 0));
  g_ptr_array_add (items, item (FRIDGE, 0, 1));
  g_autoptr (GPtrArray) stories = rag_cluster_stories (items, 2);
  rag_rank_stories (stories, 2, &of_fridges, &none, &none);
  ck_assert_ptr_eq (first_item (stories), g_ptr_array_index (items, 1));
  rag_rank_stories (stories, 2, &none, &of_fridges, &none);
  ck_assert_ptr_eq (first_item (stories), g_ptr_array_index (items, 0));
  rag_rank_stories (stories, 2, &none, &none, &of_bills);
  ck_assert_ptr_eq (first_item (stories), g_ptr_array_index (items, 1));
}
END_TEST

START_TEST (test_personal_data_is_taken_out)
{
  static const char *const cases[][2] = {
    { "Write to anna.berg@klinik.example.org or call +49 30 1234-5678.",
      "Write to [e-mail] or call [phone]." },
    { "Tel.: 030 / 123 45 67, fax 030 1234568", "Tel.: [phone], fax [phone]" },
    { "Ring (212) 555-0143 today", "Ring [phone] today" },
    { "Pay to DE89 3704 0044 0532 0130 00 by Friday.", "Pay to [account] by Friday." },
    { "Card 4111 1111 1111 1111, SSN 078-05-1120", "Card [card], SSN [social security number]" },
    { "Dr. Anna Berg-Meyer and Mrs O’Hara met Herrn Prof. Dr. von Weber.",
      "Dr. [name] and Mrs [name] met Herrn [name]." },
    { "born on 3 May 1984; geb. am 03.05.1984", "born on [date of birth]; geb. am [date of birth]" },
    /* What a digest is about stays. */
    { "On 23 November 2026 the bill passed with 312 to 204 votes; 1 234 567 euros were paid.",
      "On 23 November 2026 the bill passed with 312 to 204 votes; 1 234 567 euros were paid." },
    { "ISO 13485:2016 and DIN 13277 apply from 2027-03-01 at 2-8 degrees.",
      "ISO 13485:2016 and DIN 13277 apply from 2027-03-01 at 2-8 degrees." },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = rag_redact (cases[i][0]);
      ck_assert_str_eq (got, cases[i][1]);
    }
}
END_TEST

START_TEST (test_reading_ease_tells_easy_from_hard)
{
  const double easy = rag_reading_ease ("The cat sat on the mat. It was warm.", RAG_LANGUAGE_EN);
  const double hard = rag_reading_ease (
      "Institutional reimbursement methodologies necessitate comprehensive documentation of "
      "interdisciplinary pharmacological considerations.",
      RAG_LANGUAGE_EN);
  /* 9 words of one syllable each, 2 sentences: 206.835 − 1.015 · 4.5 − 84.6 */
  ck_assert_double_eq_tol (easy, 117.6675, 0.01);
  ck_assert_double_lt (hard, 0);
  ck_assert_double_gt (rag_reading_ease ("Der Hund lief weg. Er kam zurück.", RAG_LANGUAGE_DE), 60);
  ck_assert (isnan (rag_reading_ease ("", RAG_LANGUAGE_EN)));
}
END_TEST

static RagPoint *point (const char *text, const char *document, guint page)
{
  RagPoint *new = g_new0 (RagPoint, 1);
  RagCitation *citation = g_new0 (RagCitation, 1);
  new->text = g_strdup (text);
  new->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  citation->document = g_strdup (document);
  citation->page = page;
  citation->quote = g_strdup (text);
  g_ptr_array_add (new->citations, citation);
  return new;
}

START_TEST (test_kept_brief_comes_back_with_numbers)
{
  g_autofree char *dir = g_dir_make_tmp ("brief-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "b.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (RagBrief) brief = rag_brief_new ("Title “ü”", "2026-11-24");
  RagSection *section = rag_section_new ("S");
  g_ptr_array_add (brief->sections, section);
  g_ptr_array_add (section->points, point ("A", "/a.pdf", 3));
  g_ptr_array_add (section->points, point ("B", "/a.pdf", 4));
  g_ptr_array_add (section->points, point ("A", "/a.pdf", 3));
  ck_assert (rag_brief_save (brief, path, &error));
  g_autoptr (RagBrief) again = rag_brief_load (path, &error);
  ck_assert_ptr_nonnull (again);
  ck_assert_str_eq (again->title, "Title “ü”");
  const RagSection *kept = g_ptr_array_index (again->sections, 0);
  guint numbers[3];
  for (guint i = 0; i < 3; i++)
    numbers[i] = ((RagCitation *)g_ptr_array_index (
                      ((RagPoint *)g_ptr_array_index (kept->points, i))->citations, 0))
                     ->n;
  ck_assert_uint_eq (numbers[0], 1);
  ck_assert_uint_eq (numbers[1], 2);
  ck_assert_uint_eq (numbers[2], 1);
  g_unlink (path);
  g_rmdir (dir);
}
END_TEST

START_TEST (test_damaged_brief_is_empty_or_an_error)
{
  static const char *const texts[]
      = { "{}", "{\"sections\":[1,{\"points\":[2,{\"citations\":[3,{\"page\":\"x\"}]}]}]}",
          "{\"notes\":{},\"title\":7}", "[]", "nonsense", "" };
  g_autofree char *dir = g_dir_make_tmp ("brief-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "b.json", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      ck_assert (g_file_set_contents (path, texts[i], -1, NULL));
      g_autoptr (RagBrief) brief = rag_brief_load (path, &error);
      ck_assert_msg ((brief == NULL) == (error != NULL), "%s", texts[i]);
      ck_assert_msg ((i < 3) == (brief != NULL), "%s", texts[i]);
    }
  g_unlink (path);
  g_rmdir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("brief");
  TCase *tc = tcase_create ("brief");
  tcase_add_test (tc, test_one_story_from_two_sources);
  tcase_add_test (tc, test_near_vectors_alone_are_no_story);
  tcase_add_test (tc, test_rank_by_interest_novelty_and_what_was_dropped);
  tcase_add_test (tc, test_personal_data_is_taken_out);
  tcase_add_test (tc, test_reading_ease_tells_easy_from_hard);
  tcase_add_test (tc, test_kept_brief_comes_back_with_numbers);
  tcase_add_test (tc, test_damaged_brief_is_empty_or_an_error);
  suite_add_tcase (suite, tc);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

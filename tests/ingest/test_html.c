#include "ingest/html-private.h"
#include "support.h"

static void check_html (const char *html, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = ingest_parse_html (html, &error);
  ck_assert_msg (document != NULL, "%s", error != NULL ? error->message : "");
  check_document (document);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, expected);
}

#define SENTENCE "The night shift begins at nine in the evening and ends at seven in the morning. "

START_TEST (test_the_article_without_what_surrounds_it)
{
  check_html ("<html><body><nav><a href=/>Home</a> <a href=/b>Wards</a></nav>"
              "<div class='sidebar'><p>" SENTENCE "</p></div>"
              "<div id=content><h2>Rules</h2><p>" SENTENCE SENTENCE "</p>"
              "<ul class=links><li><a href=1>Other news about wards</a><li><a href=2>More</a></ul>"
              "<p>" SENTENCE "</p><div class='share-buttons'>Share this</div></div>"
              "<div id=comments><p>I do not agree with any of this, and I never will agree with it."
              "</p></div><footer>Imprint</footer></body></html>",
              "H2 Rules|P The night shift begins at nine in the evening and ends at seven in the "
              "morning. The night shift begins at nine in the evening and ends at seven in the "
              "morning.|P The night shift begins at nine in the evening and ends at seven in the "
              "morning.");
}
END_TEST

START_TEST (test_a_wrapper_named_like_boilerplate_is_kept)
{
  check_html ("<body><div class='page with-sidebar has-comments'><p>" SENTENCE "</p></div></body>",
              "P The night shift begins at nine in the evening and ends at seven in the morning.");
}
END_TEST

START_TEST (test_hidden_text_scripts_and_forms_are_not_read)
{
  check_html ("<body><p>" SENTENCE
              "<script>alert(1)</script></p><p style='display: none'>secret</p>"
              "<p hidden>secret</p><textarea>secret</textarea><!-- secret --></body>",
              "P The night shift begins at nine in the evening and ends at seven in the morning.");
}
END_TEST

START_TEST (test_a_page_without_an_article_comes_out_whole)
{
  check_html ("<body><p>Closed on Monday.</p><p>Call 112.</p></body>",
              "P Closed on Monday.|P Call 112.");
}
END_TEST

START_TEST (test_lists_tables_and_code)
{
  check_html ("<body><p>Bring:</p><ol start=3><li>gloves<ul><li>two pairs</ul><li><p>a pen</p></ol>"
              "<table><caption>Doses</caption><tr><th>Drug<th>mg<tr><td>A<br>B<td>5</table>"
              "<table><tr><td>layout</table><pre>  x = 1\n  y = 2\n</pre>"
              "<figure><img><figcaption>Figure 1</figcaption></figure></body>",
              "P Bring:|L 3. gloves|L • two pairs|L 4. a pen|C Doses|T Drug\tmg|T A B\t5|P layout|"
              "K x = 1\n  y = 2|C Figure 1");
}
END_TEST

START_TEST (test_line_breaks)
{
  check_html ("<body><div>one<br>two<br><br>three <b>bold</b>\n  end</div>loose</body>",
              "P one\ntwo|P three bold end|P loose");
}
END_TEST

START_TEST (test_title_language_and_date)
{
  g_autoptr (IngestDocument) document
      = ingest_parse_html ("<html lang=de-AT><head><title>Nachtdienst – Klinikum</title><meta "
                           "property='article:published_time' "
                           "content='2024-05-06T08:00:00Z'></head><body><h1>Nachtdienst"
                           "</h1><p>Die Nacht beginnt um neun.</p></body></html>",
                           NULL);
  ck_assert_str_eq (document->title, "Nachtdienst – Klinikum");
  ck_assert_str_eq (document->language, "de");
  ck_assert_str_eq (document->date, "2024-05-06");
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, "P Die Nacht beginnt um neun.");
}
END_TEST

START_TEST (test_elements_nested_too_deeply_are_refused)
{
  g_autoptr (GString) html = g_string_new ("<body>");
  for (guint i = 0; i < 5000; i++)
    g_string_append (html, "<div>");
  g_string_append (html, "text");
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_parse_html (html->str, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_LIMIT));
}
END_TEST

START_TEST (test_a_page_cut_off_anywhere_is_read_or_refused)
{
  static const char page[]
      = "<!DOCTYPE html><html lang='en'><head><title>T &amp; t</title></head><body><table><tr><th>a"
        "<td>b</table><ul><li>x<p>y</ul><pre> z</pre><p>&#146;&nbsp;&lt;" SENTENCE "</p></body>";
  for (gsize n = 0; n < sizeof page; n++)
    {
      g_autofree char *cut = g_strndup (page, n);
      g_autoptr (GError) error = NULL;
      g_autoptr (IngestDocument) document = ingest_parse_html (cut, &error);
      ck_assert ((document != NULL) != (error != NULL));
      if (document != NULL)
        check_document (document);
    }
}
END_TEST

int main (void)
{
  const TTest *tests[] = { test_the_article_without_what_surrounds_it,
                           test_a_wrapper_named_like_boilerplate_is_kept,
                           test_hidden_text_scripts_and_forms_are_not_read,
                           test_a_page_without_an_article_comes_out_whole,
                           test_lists_tables_and_code,
                           test_line_breaks,
                           test_title_language_and_date,
                           test_elements_nested_too_deeply_are_refused,
                           test_a_page_cut_off_anywhere_is_read_or_refused };
  return run_suite ("ingest html", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

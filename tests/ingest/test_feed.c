#include "ingest/parse-private.h"
#include "support.h"

static IngestDocument *parse (const char *text, gssize length, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, length < 0 ? strlen (text) : (gsize)length);
  return ingest_parse (bytes, "xml", 0, error);
}

static void check_feed (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = parse (text, -1, &error);
  ck_assert_msg (document != NULL, "%s", error != NULL ? error->message : "");
  check_document (document);
  g_autofree char *got = describe (document);
  ck_assert_str_eq (got, expected);
}

START_TEST (test_rss_entries_are_sections)
{
  check_feed (
      "<?xml version='1.0'?><rss version='2.0'><channel><title>Ward news</title>"
      "<item><title>Gloves &amp;amp; masks</title><link>http://a.example/1</link>"
      "<pubDate>Tue, 03 Jun 2003 09:39:21 GMT</pubDate><author>J. Doe</author>"
      "<description>&lt;p&gt;New &lt;b&gt;gloves&lt;/b&gt;.&lt;/p&gt;&lt;ul&gt;&lt;li&gt;"
      "size M&lt;/ul&gt;</description></item>"
      "<item><title>Second</title><description>Plain text</description></item>"
      "</channel></rss>",
      "H1 Gloves & masks|P 2003-06-03 · J. Doe · http://a.example/1|P New gloves.|L • size M|"
      "H1 Second|P Plain text");
}
END_TEST

START_TEST (test_atom_entries_with_xhtml_and_summary)
{
  check_feed (
      "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><subtitle>About</subtitle>"
      "<entry><title type='html'>a &lt;i&gt;b&lt;/i&gt;</title><link rel='self' href='x'/>"
      "<link href='http://a.example/2'/><updated>2024-01-02T03:04:05Z</updated>"
      "<summary>Short</summary><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
      "<h2>In</h2><p>Long</p></div></content></entry></feed>",
      "P About|H1 a b|P 2024-01-02 · http://a.example/2|P Short|H3 In|P Long");
}
END_TEST

START_TEST (test_json_feed)
{
  check_feed ("{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"T\", \"items\": ["
              "{\"title\": \"One\", \"date_published\": \"2024-01-02T00:00:00Z\", \"authors\": "
              "[{\"name\": \"Doe\"}], \"content_html\": \"<p>Hi</p>\"}, 3, "
              "{\"content_text\": \"a < b\"}]}",
              "H1 One|P 2024-01-02 · Doe|P Hi|P a < b");
}
END_TEST

START_TEST (test_a_sitemap_is_a_list_of_addresses)
{
  check_feed ("<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url>"
              "<loc>https://a.example/1</loc><lastmod>2026-11-24T08:00:00Z</lastmod></url><url>"
              "<loc> https://a.example/2?a=1&amp;b=2 </loc></url><url/></urlset>",
              "P 2026-11-24 · https://a.example/1|P https://a.example/2?a=1&b=2");
}
END_TEST

static void check_listing (const char *selector, const char *expected)
{
  static const char page[]
      = "<html><body><div id=top><article class='big news' lang=de><h2><a href='a/1'>One</a></h2>"
        "<time datetime='2026-11-24'>today</time><p>First</p><article class=news>Inner</article>"
        "</article></div><article><a href='/2'>Two</a> more</article><ul><li><b><a href='?n=3'>Three"
        "</a></b></ul></body></html>";
  g_autoptr (GBytes) bytes = g_bytes_new_static (page, sizeof page - 1);
  g_autofree char *hint = g_strconcat (INGEST_HINT_SELECT, selector, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = ingest_parse (bytes, hint, 0, &error);
  g_autofree char *got = document != NULL ? describe (document) : g_strdup (error->message);
  ck_assert_str_eq (got, expected);
}

START_TEST (test_selectors_choose_the_entries_of_a_page)
{
  const char *one = "H1 One|P 2026-11-24 · ./a/1|P today|P First|P Inner";
  check_listing ("article.news", one);
  check_listing ("article[lang=de]", one);
  check_listing ("#top > *", one);
  check_listing ("html #top article.news.big", one);
  check_listing ("body > article", "H1 Two|P /2|P Two more");
  check_listing ("li b, body > article", "H1 Two|P /2|P Two more|H1 Three|P ?n=3|P Three");
  check_listing ("article article", "H1 Inner|P Inner");
  check_listing ("div > li", "has nothing that the selector “div > li” matches");
}
END_TEST

START_TEST (test_what_is_no_selector_is_refused)
{
  static const char *const bad[]
      = { "", " ", "a >", "a,", ",a", "a[", "a[b", "a[b='c]", "a..b", ".", "#", "a:hover", "a > > b" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    ck_assert_msg (!ingest_check_selector (bad[i], NULL), "%s", bad[i]);
  ck_assert (ingest_check_selector (" ul.list > li[data-x] a , *.y ", NULL));
}
END_TEST

START_TEST (test_broken_feeds_give_what_can_be_read)
{
  check_feed ("<rss><channel><item><title>A &nbsp;B &frac12;</title><description>x &bogus; y"
              "</description></item><item><title>Cut off",
              "H1 A B ½|P x y|H1 Cut off");
}
END_TEST

START_TEST (test_encodings_by_declaration_and_by_look)
{
  static const char latin2[]
      = "<?xml version='1.0' encoding='iso-8859-2'?><rss><channel><title>\xB3\xF3\xBF\xBF</title>"
        "</channel></rss>";
  check_feed (latin2, "P łóżż");
  gsize length = 0;
  g_autofree char *wide = g_convert ("<rss><channel><title>Größe</title></channel></rss>", -1,
                                     "UTF-32BE", "UTF-8", NULL, &length, NULL);
  g_autoptr (IngestDocument) document = parse (wide, length, NULL);
  ck_assert_str_eq (document->title, "Größe");
}
END_TEST

START_TEST (test_declared_entities_are_refused)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (
      parse ("<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY x SYSTEM "
             "'file:///etc/passwd'>]><rss><channel><title>&x;</title></channel></rss>",
             -1, &error));
  ck_assert_msg (strstr (error->message, "entities") != NULL, "%s", error->message);
}
END_TEST

START_TEST (test_a_doctype_without_declarations_is_passed_over)
{
  check_feed ("<?xml version='1.0'?><!DOCTYPE rss PUBLIC 'x' 'http://a.example/rss.dtd'><rss>"
              "<channel><title>T</title></channel></rss>",
              "P T");
}
END_TEST

START_TEST (test_xml_of_other_kinds_is_named)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (parse ("<?xml version='1.0'?><project><target/></project>", -1, &error));
  ck_assert_msg (strstr (error->message, "XML of a kind") != NULL, "%s", error->message);
}
END_TEST

START_TEST (test_dates)
{
  static const char *const cases[][2] = { { "2003-12-31T10:14:55Z", "2003-12-31" },
                                          { "Wed, 31 Dec 03 23:59 GMT", "2003-12-31" },
                                          { "1 Feb 1999", "1999-02-01" },
                                          { "2003-12", "2003-12-01" },
                                          { "20031231", "2003-12-31" },
                                          { "31-Dec-2003", "2003-12-31" },
                                          { "2003-02-30", NULL },
                                          { "soon", NULL },
                                          { "", NULL } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = ingest_parse_date (cases[i][0]);
      ck_assert_msg (g_strcmp0 (got, cases[i][1]) == 0, "%s: %s", cases[i][0], got);
    }
}
END_TEST

int main (void)
{
  const TTest *tests[] = { test_rss_entries_are_sections,
                           test_atom_entries_with_xhtml_and_summary,
                           test_json_feed,
                           test_a_sitemap_is_a_list_of_addresses,
                           test_selectors_choose_the_entries_of_a_page,
                           test_what_is_no_selector_is_refused,
                           test_broken_feeds_give_what_can_be_read,
                           test_encodings_by_declaration_and_by_look,
                           test_declared_entities_are_refused,
                           test_a_doctype_without_declarations_is_passed_over,
                           test_xml_of_other_kinds_is_named,
                           test_dates };
  return run_suite ("ingest feed", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

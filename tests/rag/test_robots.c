/* robots.txt: who may read what, as RFC 9309 has it. */
#include <check.h>

#include "rag/fetch-private.h"

typedef struct
{
  const char *text, *path;
  gboolean allowed;
} Case;

static const Case cases[] = {
  { "", "/a", TRUE },
  { "User-agent: *\nDisallow: /\n", "/a", FALSE },
  { "User-agent: *\nDisallow:\n", "/a", TRUE },
  { "User-agent: other\nDisallow: /\n", "/a", TRUE },
  { "User-agent: *\nDisallow: /\n\nUser-agent: docent\nAllow: /\n", "/a", TRUE },
  { "User-agent: DOCENT\nUser-agent: other\nDisallow: /a\n", "/a/b", FALSE },
  { "User-agent: *\nDisallow: /a\nAllow: /a/b\n", "/a/b/c", TRUE },
  { "User-agent: *\nAllow: /a\nDisallow: /a\n", "/a", TRUE },
  { "User-agent: *\nDisallow: /*.xml$\n", "/feed.xml", FALSE },
  { "User-agent: *\nDisallow: /*.xml$\n", "/feed.xml?x", TRUE },
  { "User-agent: *\nDisallow: /a*b*c\n", "/axxbyyc", FALSE },
  { "User-agent: *\r\n# all\r\ndisallow: /p # private\r\n", "/p/q", FALSE },
  { "nonsense\n:\nDisallow: /\n", "/a", TRUE },
};

START_TEST (test_rules)
{
  double delay_s = -1;
  const Case *c = &cases[_i];
  ck_assert_msg (rag_robots_allow (c->text, "docent", c->path, &delay_s) == c->allowed,
                 "%s for %s", c->text, c->path);
  ck_assert_double_eq (delay_s, 0);
}
END_TEST

START_TEST (test_delay)
{
  double delay_s = 0;
  ck_assert (rag_robots_allow ("User-agent: *\nCrawl-delay: 2.5\n", "docent", "/", &delay_s));
  ck_assert_double_eq (delay_s, 2.5);
}
END_TEST

START_TEST (test_addresses)
{
  static const char *const bad[] = { "file:///etc/passwd", "ftp://a.example/", "feed", "",
                                     "https://", "https://me:secret@a.example/", "javascript:1" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    ck_assert_msg (!rag_check_url (bad[i], NULL), "%s", bad[i]);
  ck_assert (rag_check_url ("https://a.example/feed?x=1", NULL));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("robots");
  TCase *tc = tcase_create ("robots");
  tcase_add_loop_test (tc, test_rules, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tc, test_delay);
  tcase_add_test (tc, test_addresses);
  suite_add_tcase (suite, tc);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

/* The hand-written splitters against the regular expressions that the models were trained with,
 * run by PCRE2 on random text. The only liberty taken with them is that \s is spelt out, because
 * PCRE2 has its own idea of it. */
#include "engine/pretokenize-private.h"

#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define SPACES "\\t-\\r \\x{85}\\p{Z}"
#define WHITE "(?:[" SPACES "]+(?![^" SPACES "])|[" SPACES "]+)"
#define CONTRACTION "'s|'t|'re|'ve|'m|'ll|'d"
#define SYMBOL "[^" SPACES "\\p{L}\\p{N}]+"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define MARK "[^\\r\\n\\p{L}\\p{N}]?"

#define GPT2 CONTRACTION "| ?\\p{L}+| ?\\p{N}+| ?" SYMBOL "|" WHITE
#define LLAMA3(digits)                                                                             \
  "(?i:" CONTRACTION ")|" MARK "\\p{L}+|\\p{N}" digits "| ?" SYMBOL "[\\r\\n]*|[" SPACES           \
  "]*[\\r\\n]+|" WHITE
#define TEKKEN(suffix, digits)                                                                     \
  MARK UPPER "*" LOWER "+" suffix "|" MARK UPPER "+" LOWER "*" suffix "|\\p{N}" digits             \
             "| ?" SYMBOL "[\\r\\n/]*|[" SPACES "]*[\\r\\n]+|" WHITE

static const struct
{
  const char *name;
  const char *first; /* NULL: only one pass */
  const char *pattern;
} EXPRESSIONS[] = {
  { "llama-bpe", NULL, LLAMA3 ("{1,3}") },
  { "dbrx", NULL, LLAMA3 ("{1,3}") },
  { "qwen2", NULL, LLAMA3 ("") },
  { "gpt-2", NULL, GPT2 },
  { "phi-2", NULL, GPT2 },
  { "modern-bert", NULL, GPT2 },
  { "smollm", "\\p{N}", GPT2 },
  { "refact", "\\p{N}", GPT2 },
  { "starcoder", "\\p{N}", GPT2 },
  { "tekken", NULL, TEKKEN ("", "") },
  { "gpt-4o", NULL, TEKKEN ("(?i:" CONTRACTION ")?", "{1,3}") },
};

/* Appends the matches of REGEX in TEXT, and what lies between them. */
static void split_by (const GRegex *regex, const char *text, GPtrArray *parts)
{
  g_autoptr (GMatchInfo) match = NULL;
  int done = 0, start, end;
  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_match_info_fetch_pos (match, 0, &start, &end);
      if (start > done)
        g_ptr_array_add (parts, g_strndup (text + done, start - done));
      if (end > start)
        g_ptr_array_add (parts, g_strndup (text + start, end - start));
      done = end;
    }
  if (text[done] != '\0')
    g_ptr_array_add (parts, g_strdup (text + done));
}

static char *join (GPtrArray *parts)
{
  g_ptr_array_add (parts, NULL);
  return g_strjoinv ("\x1f", (char **)parts->pdata);
}

static char *split_by_expressions (const GRegex *first, const GRegex *regex, const char *text)
{
  g_autoptr (GPtrArray) passes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  if (first)
    split_by (first, text, passes);
  else
    g_ptr_array_add (passes, g_strdup (text));
  for (guint i = 0; i < passes->len; i++)
    split_by (regex, g_ptr_array_index (passes, i), parts);
  return join (parts);
}

static char *split_by_hand (const EnginePretokenizer *pretokenizer, const char *text)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  const char *end = text + strlen (text);
  for (const char *next; text < end; text = next)
    {
      next = engine_pretokenizer_next (pretokenizer, text, end);
      ck_assert (next > text && next <= end);
      g_ptr_array_add (parts, g_strndup (text, next - text));
    }
  return join (parts);
}

static char *random_text (GRand *rand)
{
  static const char *const PIECES[]
      = { "the",   "Hello", "WORLD",  "iPhone", "a",      "Z",      "é",           "ÀB",     "ßx",
          "ǅ",     "ʰ",     "Ωω",     "привет", "МИР",    "中文",   "字",          "かな",   "กำ",
          "हिन्दी", "عَرَبي",  "한국",   "0",      "7",      "42",     "12345",       "²",      "Ⅷ",
          "½",     "٣٤",    " ",      " ",      "  ",     "    ",   "\t",          "\n",     "\r",
          "\r\n",  "\n\n",  "\v",     "\u00a0", "\u2003", "\u3000", "\xc2\x85",    "\u2028", "'s",
          "'S",    "'t",    "'RE",    "'ve",    "'m",     "'Ll",    "'d",          "'ſ",     "'",
          "’s",    "''",    "!",      "...",    "//",     "/",      "(",           "_",      "-",
          "$",     "+=",    "\u0301", "\u093f", "\u20dd", "🚀",      "👩‍👧", "\u200d", "\x01",
          "\x7f" };
  GString *text = g_string_new (NULL);
  for (gint n = g_rand_int_range (rand, 1, 12); n > 0; n--)
    g_string_append (text, PIECES[g_rand_int_range (rand, 0, G_N_ELEMENTS (PIECES))]);
  return g_string_free (text, FALSE);
}

START_TEST (test_every_splitter_agrees_with_its_regular_expression)
{
  GError *error = NULL;
  const char *name = EXPRESSIONS[_i].name;
  const EnginePretokenizer *pretokenizer = engine_pretokenizer_find (name, strlen (name));
  ck_assert_ptr_nonnull (pretokenizer);
  g_autoptr (GRegex) first
      = EXPRESSIONS[_i].first ? g_regex_new (EXPRESSIONS[_i].first, 0, 0, NULL) : NULL;
  g_autoptr (GRegex) regex = g_regex_new (EXPRESSIONS[_i].pattern, G_REGEX_OPTIMIZE, 0, &error);
  ck_assert_msg (regex != NULL, "%s", error ? error->message : "");
  g_autoptr (GRand) rand = g_rand_new_with_seed (_i + 1);
  for (guint i = 0; i < 4000; i++)
    {
      g_autofree char *text = random_text (rand);
      g_autofree char *expected = split_by_expressions (first, regex, text);
      g_autofree char *found = split_by_hand (pretokenizer, text);
      ck_assert_msg (strcmp (found, expected) == 0, "%s: “%s”: “%s”, not “%s”", name, text, found,
                     expected);
    }
}
END_TEST

START_TEST (test_an_unknown_family_has_no_splitter)
{
  ck_assert_ptr_null (engine_pretokenizer_find ("gpt-3", 5));
  ck_assert_ptr_null (engine_pretokenizer_find ("qwen2", 4));
  ck_assert_ptr_null (engine_pretokenizer_find ("", 0));
}
END_TEST

/* Twice the text must not take four times as long: 2 MB of what could tempt a matcher to look
 * ahead again and again, in well under a second each. */
START_TEST (test_splitting_is_linear_in_the_text)
{
  static const char *const UNITS[]
      = { "A", "A\u0301", "中A", " ", " \n", "'", "/", "1", "a'", "\u0301" };
  const char *name = EXPRESSIONS[_i].name;
  const EnginePretokenizer *pretokenizer = engine_pretokenizer_find (name, strlen (name));
  for (gsize unit = 0; unit < G_N_ELEMENTS (UNITS); unit++)
    {
      GString *text = g_string_new (NULL);
      while (text->len < 2000000)
        g_string_append (text, UNITS[unit]);
      const char *p = text->str, *end = text->str + text->len;
      gint64 start = g_get_monotonic_time ();
      while (p < end)
        p = engine_pretokenizer_next (pretokenizer, p, end);
      ck_assert_msg (g_get_monotonic_time () - start < 5 * G_USEC_PER_SEC, "%s: “%s”", name,
                     UNITS[unit]);
      g_string_free (text, TRUE);
    }
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("pretokenize");
  TCase *tcase = tcase_create ("pretokenize");
  tcase_set_timeout (tcase, 120);
  tcase_add_loop_test (tcase, test_every_splitter_agrees_with_its_regular_expression, 0,
                       G_N_ELEMENTS (EXPRESSIONS));
  tcase_add_test (tcase, test_an_unknown_family_has_no_splitter);
  tcase_add_loop_test (tcase, test_splitting_is_linear_in_the_text, 0, G_N_ELEMENTS (EXPRESSIONS));
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Where does a sentence end? An answer is checked and cited sentence by sentence, so a wrong border
 * after "approx." or "Nr." tears a fact in two. ICU's rules for the language propose the borders;
 * each one after a full stop is then taken back when the word before it is an abbreviation, an
 * initial or, where ordinals are written so, a number. In comes UTF-8, out come spans that cover
 * everything but the white space between sentences. */
#include "ingest/sentences-private.h"

#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

struct _IngestBreaker
{
  UBreakIterator *iterator; /* NULL when ICU has no data: a text is then one sentence */
  char *language;
};

/* Words that end in a full stop without ending a sentence; lower case, without the stop. The second
 * group ends sentences too, so the next word's case decides: only lower case or a digit goes on. */
static const char *const never_last[]
    = { "dr",   "mr",   "mrs",    "ms",   "prof", "st",  "vs",    "cf",   "e.g",  "i.e",  "eg",
        "ie",   "resp", "approx", "fig",  "figs", "eq",  "eqs",   "sec",  "ch",   "vol",  "pp",
        "ed",   "eds",  "viz",    "dept", "gen",  "rep", "sen",   "gov",  "capt", "lt",   "col",
        "sgt",  "rev",  "hon",    "mt",   "ft",   "op",  "ref",   "refs", "tab",  "al",   "ca",
        "bzw",  "z.b",  "d.h",    "u.a",  "o.ä",  "z.t", "i.d.r", "v.a",  "vgl",  "evtl", "ggf",
        "inkl", "exkl", "zzgl",   "abb",  "kap",  "bd",  "hrsg",  "str",  "tel",  "abs",  "art",
        "sog",  "z",    "s",      "u",    "d",    "o",   "i",     "v",    "mme",  "mlle", "p.ex",
        "p",    "sr",   "sra",    "dra",  "dott", "sig", "ing",   "dipl", "med",  "hr",   "fr",
        "min",  "max",  "ex",     "incl", "excl", "esp", "def",   "thm",  "prop", "lem",  "cor" };
static const char *const before_number[]
    = { "no",  "nos",  "nr",  "nrn",  "n",   "núm", "art", "para", "ver", "rev", "ziff", "rn",
        "rz",  "item", "p",   "pp",   "s",   "vol", "bd",  "jan",  "feb", "mar", "apr",  "jun",
        "jul", "aug",  "sep", "sept", "oct", "nov", "dec", "okt",  "dez", "app", "mio",  "mrd" };
static const char *const unless_capital[]
    = { "etc",  "usw", "jr",   "inc",  "ltd",  "co",  "corp", "a.m", "p.m",  "u.s", "u.k", "e.u",
        "ph.d", "m.d", "b.sc", "m.sc", "gmbh", "est", "dgl",  "ff",  "f",    "std", "mg",  "ml",
        "kg",   "cm",  "mm",   "km",   "h",    "mio", "mrd",  "jhd", "bspw", "ebd", "ibid" };

static gboolean listed (const char *const *list, gsize n, const char *word)
{
  for (gsize i = 0; i < n; i++)
    if (strcmp (list[i], word) == 0)
      return TRUE;
  return FALSE;
}

IngestBreaker *ingest_breaker_new (const char *language)
{
  IngestBreaker *breaker = g_new0 (IngestBreaker, 1);
  breaker->language = g_strdup (language != NULL ? language : "en");
  UErrorCode status = U_ZERO_ERROR;
  breaker->iterator = ubrk_open (UBRK_SENTENCE, breaker->language, NULL, 0, &status);
  if (U_FAILURE (status))
    breaker->iterator = NULL;
  return breaker;
}

void ingest_breaker_free (IngestBreaker *breaker)
{
  if (breaker == NULL)
    return;
  if (breaker->iterator != NULL)
    ubrk_close (breaker->iterator);
  g_free (breaker->language);
  g_free (breaker);
}

static gboolean is_blank (char c)
{
  return c == ' ' || c == '\n' || c == '\t';
}

/* The word that ends at END (after which stands the full stop), inner stops included, opening
 * brackets and quotes not. Lower case. "z. B" counts as one word. */
static char *word_before (const char *text, gsize end)
{
  gsize start = end;
  while (start > 0 && !is_blank (text[start - 1]) && end - start < 40)
    start--;
  gboolean single = end - start == 1;
  if (single && start >= 3 && text[start - 1] == ' ' && text[start - 2] == '.'
      && g_ascii_isalpha (text[start - 3]) && (start == 3 || !g_ascii_isalpha (text[start - 4])))
    {
      const char letters[] = { text[start - 3], '.', text[start], '\0' };
      return g_utf8_strdown (letters, -1);
    }
  const char *word = text + start;
  while (word < text + end && !g_unichar_isalnum (g_utf8_get_char (word)))
    word = g_utf8_next_char (word);
  return g_utf8_strdown (word, text + end - word);
}

static gboolean is_number (const char *word)
{
  return *word != '\0' && strlen (word) <= 2 && word[strspn (word, "0123456789")] == '\0';
}

static gboolean is_initial (const char *text, gsize stop)
{
  if (stop == 0)
    return FALSE;
  const char *letter = g_utf8_prev_char (text + stop);
  if (!g_unichar_isupper (g_utf8_get_char (letter)))
    return FALSE;
  return letter == text || is_blank (letter[-1]) || strchr ("(.-", letter[-1]) != NULL;
}

/* German, Danish, Polish and others write ordinals as "5.": a sentence rarely ends in a small
 * number there, and when the next word is a month or another noun nothing tells them apart. */
static gboolean writes_ordinals_with_stop (const char *language)
{
  static const char *const languages[] = { "de", "da", "no", "nb", "fi", "cs", "sk", "hu", "pl" };
  return listed (languages, G_N_ELEMENTS (languages), language);
}

/* "Smith et al. The trial", "vitamin D. In summary": words that open sentences and follow neither a
 * title nor an initial. */
static gboolean opens_sentence (const char *next)
{
  static const char *const openers[]
      = { "The",    "This",   "These", "That", "Those",   "There", "They", "It",  "Its",  "In",
          "If",     "We",     "He",    "She",  "However", "When",  "For",  "But", "And",  "As",
          "At",     "On",     "To",    "Each", "All",     "After", "Der",  "Die", "Das",  "Diese",
          "Dieser", "Dieses", "Es",    "Sie",  "Er",      "Wir",   "Im",   "Bei", "Wenn", "Für",
          "Auch",   "Eine",   "Ein",   "Le",   "La",      "Les",   "El",   "Los", "Las",  "Il" };
  gsize length = 0;
  while (g_unichar_isalpha (g_utf8_get_char (next + length)))
    length = g_utf8_next_char (next + length) - next;
  for (gsize i = 0; i < G_N_ELEMENTS (openers); i++)
    if (strlen (openers[i]) == length && memcmp (openers[i], next, length) == 0)
      return next[length] == ' ';
  return FALSE;
}

/* Is the border between the sentence text[START, STOP) and NEXT not one? */
static gboolean is_false_border (const IngestBreaker *breaker, const char *text, gsize start,
                                 gsize stop, const char *next)
{
  gunichar after = g_utf8_get_char (next);
  while (strchr ("\"'([", *next) != NULL && *next != '\0')
    after = g_utf8_get_char (++next);
  if (stop == 0 || text[stop - 1] != '.')
    return FALSE;
  g_autofree char *word = word_before (text, stop - 1);
  gboolean goes_on = g_unichar_islower (after);
  if (listed (never_last, G_N_ELEMENTS (never_last), word) || is_initial (text, stop - 1))
    return !opens_sentence (next);
  if (g_unichar_isdigit (after) && listed (before_number, G_N_ELEMENTS (before_number), word))
    return TRUE;
  if (goes_on && listed (unless_capital, G_N_ELEMENTS (unless_capital), word))
    return TRUE;
  /* "1. Wash hands": the number of a list item, alone at the beginning. */
  if (!is_number (word))
    return FALSE;
  return stop - 1 - start == strlen (word)
         || (writes_ordinals_with_stop (breaker->language) && !opens_sentence (next));
}

static void add_span (GArray *spans, const char *text, gsize start, gsize end)
{
  while (start < end && is_blank (text[start]))
    start++;
  while (end > start && is_blank (text[end - 1]))
    end--;
  IngestSentence span = { start, end };
  if (end > start)
    g_array_append_val (spans, span);
}

void ingest_breaker_split (IngestBreaker *breaker, const char *text, gsize length, GArray *spans)
{
  UErrorCode status = U_ZERO_ERROR;
  UText utext = UTEXT_INITIALIZER;
  if (breaker->iterator != NULL)
    {
      utext_openUTF8 (&utext, text, length, &status);
      ubrk_setUText (breaker->iterator, &utext, &status);
    }
  gsize start = 0;
  if (breaker->iterator != NULL && U_SUCCESS (status))
    {
      for (int32_t at = ubrk_next (breaker->iterator); at != UBRK_DONE && (gsize)at < length;
           at = ubrk_next (breaker->iterator))
        {
          gsize stop = at;
          while (stop > start && is_blank (text[stop - 1]))
            stop--;
          gboolean same_line = memchr (text + stop, '\n', at - stop) == NULL;
          if (same_line && is_false_border (breaker, text, start, stop, text + at))
            continue;
          add_span (spans, text, start, at);
          start = at;
        }
    }
  add_span (spans, text, start, length);
  if (breaker->iterator != NULL)
    utext_close (&utext);
}

GArray *ingest_sentences (const char *text, const char *language)
{
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (IngestSentence));
  g_autoptr (IngestBreaker) breaker = ingest_breaker_new (language);
  ingest_breaker_split (breaker, text, strlen (text), spans);
  return spans;
}

/* Finds what a sentence says in numbers: amounts with what they count, dates, and times.
 *
 * In come a sentence and its words, out go values that can be compared whatever way they are
 * written: "5 March 2023" and "2023-03-05" are one day, "ten years" and "10 years" one amount of
 * one thing. Numbers that name a place in a document ("section 3") count nothing and are left out.
 */
#include "rag/text-private.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  const char *text;
  const GArray *words; /* RagWord */
  GArray *amounts;     /* RagAmount */
} Sentence;

static void clear_amount (gpointer data)
{
  g_free (((RagAmount *)data)->value);
}

static const RagWord *word_at (const Sentence *sentence, guint i)
{
  return &g_array_index (sentence->words, RagWord, i);
}

static gboolean is_number (const Sentence *sentence, guint i)
{
  return i < sentence->words->len && word_at (sentence, i)->kind == RAG_WORD_NUMBER;
}

/* "March" beside a number has become a number. */
static gboolean is_month (const Sentence *sentence, guint i)
{
  const char *at = sentence->text + word_at (sentence, i)->start;
  return is_number (sentence, i) && g_unichar_isupper (g_utf8_get_char (at))
         && strlen (word_at (sentence, i)->form) <= strlen ("#12");
}

/* How many words from I on are one date: "5 March 2023", "March 5, 2023", "05.03.2023". */
static guint date_length (const Sentence *sentence, guint i)
{
  guint n = 0;
  gboolean month = FALSE, marked = TRUE;
  while (n < 3 && is_number (sentence, i + n))
    {
      const guint from = n > 0 ? word_at (sentence, i + n - 1)->end : 0;
      const guint gap = n > 0 ? word_at (sentence, i + n)->start - from : 0;
      if (gap > 2 || (gap > 0 && strspn (sentence->text + from, " .,-/") < gap))
        break;
      month = month || is_month (sentence, i + n);
      marked = marked && (n == 0 || (gap == 1 && strchr (".-/", sentence->text[from]) != NULL));
      n++;
    }
  return (month && n >= 2) || (marked && n == 3) ? n : 0;
}

static gint compare_ints (gconstpointer a, gconstpointer b)
{
  return *(const gint *)a - *(const gint *)b;
}

/* Day and month in ascending order, because countries write them in different ones. */
static void append_date (const Sentence *sentence, guint i, guint n)
{
  gint parts[3] = { 0 }, year = 0;
  guint n_parts = 0;
  for (guint k = i; k < i + n; k++)
    {
      const char *form = word_at (sentence, k)->form;
      const gint number = atoi (form + 1);
      if (rag_is_year (form))
        year = number;
      else
        parts[n_parts++] = number;
    }
  qsort (parts, n_parts, sizeof *parts, compare_ints);
  const RagAmount amount = { .kind = n_parts >= 2 ? RAG_AMOUNT_DAY : RAG_AMOUNT_TIME,
                             .start = word_at (sentence, i)->start,
                             .end = word_at (sentence, i + n - 1)->end,
                             .thing = "",
                             .value = g_strdup_printf ("%d-%d-%d", year, parts[0], parts[1]) };
  g_array_append_val (sentence->amounts, amount);
}

/* What names a place in a document and counts nothing. */
static gboolean is_reference (const RagWord *word)
{
  static const char *const forms[]
      = { "section",  "chapter", "tabl",    "figur",  "page",      "step",    "version",
          "appendix", "annex",   "articl",  "part",   "abschnitt", "kapitel", "tabell",
          "abbild",   "seit",    "schritt", "anhang", "artikel",   "teil",    "nr",
          "phase",    "level",   "stuf",    "typ",    "type",      NULL };
  return g_strv_contains (forms, word->form);
}

/* Spaces, hyphens, a degree sign: both words are said in one breath. */
static gboolean is_beside (const Sentence *sentence, guint i)
{
  const guint from = word_at (sentence, i)->end, to = word_at (sentence, i + 1)->start;
  return strspn (sentence->text + from, " -\n\xC2\xA0\xB0") >= to - from;
}

/* The word before number I that it belongs to: "the limit is 20", "beds: 24". */
static const RagWord *word_before (const Sentence *sentence, guint i)
{
  while (i-- > 0)
    if (word_at (sentence, i)->kind != RAG_WORD_STOP && !is_number (sentence, i))
      return word_at (sentence, i);
  return NULL;
}

/* "5" of "5 to 10 mg" is counted in mg too. */
static guint end_of_range (const Sentence *sentence, guint i)
{
  const guint n = sentence->words->len;
  if (i + 1 < n && is_number (sentence, i + 1))
    return i + 1;
  return i + 2 < n && word_at (sentence, i + 1)->kind == RAG_WORD_STOP
                 && is_number (sentence, i + 2) && is_beside (sentence, i)
                 && is_beside (sentence, i + 1)
             ? i + 2
             : i;
}

/* "In 2019", "the 2019 report", but neither "1,998" nor "2000 beds". */
static gboolean is_year (const Sentence *sentence, guint i)
{
  static const char *const prepositions[]
      = { "in",  "since", "by",  "until", "from", "before", "after", "year", "im",  "seit", "ab",
          "bis", "vor",   "von", "jahr",  "en",   "depuis", "desde", "nel",  "dal", NULL };
  const RagWord *word = word_at (sentence, i);
  const gint year = atoi (sentence->text + word->start);
  if (word->end - word->start != 4 || year < 1000 || year >= 2100)
    return FALSE;
  return (i > 0 && g_strv_contains (prepositions, word_at (sentence, i - 1)->form))
         || i + 1 == sentence->words->len || word_at (sentence, i + 1)->kind != RAG_WORD_PLAIN
         || !is_beside (sentence, i);
}

static void append_year (const Sentence *sentence, guint i)
{
  const RagWord *word = word_at (sentence, i);
  const RagAmount amount
      = { RAG_AMOUNT_TIME, word->start, word->end, "", g_strdup_printf ("%s-0-0", word->form + 1) };
  g_array_append_val (sentence->amounts, amount);
}

/* What is counted is the unit, else the word behind the number, else the one before it. */
static void append_number (const Sentence *sentence, guint i)
{
  const RagWord *word = word_at (sentence, i), *before = word_before (sentence, i);
  const guint last = end_of_range (sentence, i);
  guint start = word->start, end = word->end;
  const char *thing = rag_unit_beside (sentence->text, sentence->words, last, &start, &end);
  if (before != NULL && is_reference (before))
    return;
  if (thing == NULL && last + 1 < sentence->words->len && is_beside (sentence, last)
      && word_at (sentence, last + 1)->kind != RAG_WORD_STOP)
    {
      thing = word_at (sentence, last + 1)->form;
      end = word_at (sentence, last + 1)->end;
    }
  else if (thing == NULL && before != NULL)
    thing = before->form;
  const RagAmount amount = { RAG_AMOUNT_NUMBER, start, last == i ? end : word->end,
                             thing != NULL ? thing : "", g_strdup (word->form) };
  g_array_append_val (sentence->amounts, amount);
}

GArray *rag_amounts (const char *text, const GArray *words)
{
  const Sentence sentence = { text, words, g_array_new (FALSE, FALSE, sizeof (RagAmount)) };
  g_array_set_clear_func (sentence.amounts, clear_amount);
  for (guint i = 0; i < words->len;)
    {
      const guint n = date_length (&sentence, i);
      if (n > 0)
        append_date (&sentence, i, n);
      else if (is_number (&sentence, i) && is_year (&sentence, i))
        append_year (&sentence, i);
      else if (is_number (&sentence, i))
        append_number (&sentence, i);
      i += MAX (n, 1);
    }
  return sentence.amounts;
}

/* "5 March" and "5 March 2023" may be the same day; 5 mg and 5 g are two amounts. */
gboolean rag_amount_may_equal (const RagAmount *a, const RagAmount *b)
{
  if (strcmp (a->thing, b->thing) != 0)
    return FALSE;
  if (strcmp (a->value, b->value) == 0)
    return TRUE;
  const char *rest_a = strchr (a->value, '-'), *rest_b = strchr (b->value, '-');
  return a->kind != RAG_AMOUNT_NUMBER && b->kind != RAG_AMOUNT_NUMBER
         && strcmp (rest_a, rest_b) == 0
         && (g_str_has_prefix (a->value, "0-") || g_str_has_prefix (b->value, "0-"));
}

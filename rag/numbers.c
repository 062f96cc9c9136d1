/* Gives amounts one spelling, so that an answer's figures can be found on the page whatever way
 * they are written there.
 *
 * Digits with separators become a plain decimal ("1,000.50" → 1000.5), number words and scales are
 * multiplied out ("twenty-one", "5 million"), months beside a day or a year become their number.
 * A separator followed by exactly three digits groups thousands, in any language: both sides of a
 * comparison are read by the same rule. */
#include "rag/text-private.h"

#include <math.h>
#include <string.h>

/* Longer digit strings are identifiers; a double would round them. */
#define MAX_EXACT_DIGITS 15

static gboolean is_separator (char c)
{
  return c == '.' || c == ',' || c == '\'';
}

/* Copies the digits of TEXT to RET, turning the separator at DECIMAL (or none: LENGTH) to a point.
 */
static char *plain_decimal (const char *text, gsize length, gsize decimal)
{
  g_autoptr (GString) plain = g_string_new (NULL);
  for (gsize i = 0; i < length; i++)
    if (g_ascii_isdigit (text[i]))
      g_string_append_c (plain, text[i]);
    else if (i == decimal)
      g_string_append_c (plain, '.');
  if (plain->len > MAX_EXACT_DIGITS)
    return g_strdup (plain->str);
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (buffer, sizeof buffer, "%.15g", g_ascii_strtod (plain->str, NULL));
  return g_strdup (buffer);
}

static char *time_form (const char *text, gsize length)
{
  while (length > 1 && text[0] == '0' && g_ascii_isdigit (text[1]))
    text++, length--;
  return g_strndup (text, length);
}

char *rag_number_form (const char *text, gsize length)
{
  gsize n_separators = 0, last = length;
  gboolean grouped = TRUE, mixed = FALSE;
  if (length == 0 || !g_ascii_isdigit (text[0]))
    return NULL;
  if (memchr (text, ':', length) != NULL)
    return time_form (text, length);
  for (gsize i = 0; i < length; i++)
    if (is_separator (text[i]))
      {
        gsize digits = 0;
        while (i + 1 + digits < length && g_ascii_isdigit (text[i + 1 + digits]))
          digits++;
        grouped = grouped && digits == 3 && (n_separators > 0 || (i <= 3 && text[0] != '0'));
        mixed = mixed || (n_separators > 0 && text[i] != text[last]);
        n_separators++;
        last = i;
      }
  if (n_separators == 0 || (grouped && !mixed))
    return plain_decimal (text, length, length);
  if (n_separators == 1 || mixed)
    return plain_decimal (text, length, last);
  return g_strndup (text, length);
}

typedef struct
{
  const char *word;
  double value;
} NumberWord;

static const NumberWord units[] = {
  { "zero", 0 },     { "two", 2 },        { "three", 3 },     { "four", 4 },      { "five", 5 },
  { "six", 6 },      { "seven", 7 },      { "eight", 8 },     { "nine", 9 },      { "ten", 10 },
  { "eleven", 11 },  { "twelve", 12 },    { "thirteen", 13 }, { "fourteen", 14 }, { "fifteen", 15 },
  { "sixteen", 16 }, { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 }, { "twenty", 20 },
  { "thirty", 30 },  { "forty", 40 },     { "fifty", 50 },    { "sixty", 60 },    { "seventy", 70 },
  { "eighty", 80 },  { "ninety", 90 },    { "null", 0 },      { "zwei", 2 },      { "drei", 3 },
  { "vier", 4 },     { "fünf", 5 },       { "sechs", 6 },     { "sieben", 7 },    { "acht", 8 },
  { "neun", 9 },     { "zehn", 10 },      { "elf", 11 },      { "zwölf", 12 },    { "zwanzig", 20 },
  { "dreißig", 30 }, { "vierzig", 40 },   { "fünfzig", 50 },  { "sechzig", 60 },  { "siebzig", 70 },
  { "achtzig", 80 }, { "neunzig", 90 },   { "deux", 2 },      { "trois", 3 },     { "quatre", 4 },
  { "cinq", 5 },     { "sept", 7 },       { "huit", 8 },      { "neuf", 9 },      { "dix", 10 },
  { "dos", 2 },      { "tres", 3 },       { "cuatro", 4 },    { "cinco", 5 },     { "siete", 7 },
  { "ocho", 8 },     { "nueve", 9 },      { "diez", 10 },     { "due", 2 },       { "tre", 3 },
  { "quattro", 4 },  { "cinque", 5 },     { "sette", 7 },     { "otto", 8 },      { "nove", 9 },
  { "dieci", 10 },   { "twice", 2 },      { "thrice", 3 },    { "zweimal", 2 },   { "dreimal", 3 },
  { "viermal", 4 },  { "fünfmal", 5 },    { "sechsmal", 6 },
};

static const NumberWord scales[] = {
  { "hundred", 1e2 },    { "thousand", 1e3 },  { "million", 1e6 },   { "millions", 1e6 },
  { "billion", 1e9 },    { "billions", 1e9 },  { "trillion", 1e12 }, { "hundert", 1e2 },
  { "tausend", 1e3 },    { "millionen", 1e6 }, { "mio", 1e6 },       { "milliarde", 1e9 },
  { "milliarden", 1e9 }, { "mrd", 1e9 },       { "mille", 1e3 },     { "mil", 1e3 },
};

static const NumberWord months[] = {
  { "january", 1 },   { "february", 2 },  { "march", 3 },  { "april", 4 },     { "may", 5 },
  { "june", 6 },      { "july", 7 },      { "august", 8 }, { "september", 9 }, { "october", 10 },
  { "november", 11 }, { "december", 12 }, { "januar", 1 }, { "februar", 2 },   { "märz", 3 },
  { "mai", 5 },       { "juni", 6 },      { "juli", 7 },   { "oktober", 10 },  { "dezember", 12 },
  { "jan", 1 },       { "feb", 2 },       { "mar", 3 },    { "apr", 4 },       { "jun", 6 },
  { "jul", 7 },       { "aug", 8 },       { "sep", 9 },    { "sept", 9 },      { "oct", 10 },
  { "nov", 11 },      { "dec", 12 },
};

/* One, only beside another number word: alone it is more often a pronoun or an article. */
static const NumberWord ones[] = { { "one", 1 }, { "ein", 1 }, { "eine", 1 }, { "un", 1 } };

static double look_up (const NumberWord *table, gsize n, const RagWord *word, const char *text)
{
  g_autofree char *lower = g_utf8_strdown (text + word->start, word->end - word->start);
  for (gsize i = 0; i < n; i++)
    if (strcmp (table[i].word, lower) == 0)
      return table[i].value;
  return -1;
}

#define LOOK_UP(table, word, text) look_up (table, G_N_ELEMENTS (table), word, text)

static void set_number (RagWord *word, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (buffer, sizeof buffer, "%.15g", value);
  g_free (word->form);
  word->form = g_strconcat ("#", buffer, NULL);
  word->kind = RAG_WORD_NUMBER;
}

gboolean rag_is_year (const char *form)
{
  guint64 year = form[0] == '#' ? g_ascii_strtoull (form + 1, NULL, 10) : 0;
  return strlen (form) == 5 && year >= 1500 && year < 2100;
}

/* The value of a "#12.5" form; −1 for times and dates, which cannot be multiplied. */
static double value_of (const RagWord *word)
{
  char *end = NULL;
  if (word->kind != RAG_WORD_NUMBER || word->form[0] != '#')
    return -1;
  double value = g_ascii_strtod (word->form + 1, &end);
  return *end == '\0' ? value : -1;
}

/* Only white space or a hyphen may stand between the parts of one amount. */
static gboolean adjacent (const RagWord *left, const RagWord *right, const char *text)
{
  for (guint i = left->end; i < right->start; i++)
    if (text[i] != ' ' && text[i] != '-' && text[i] != '\n')
      return FALSE;
  return right->start > left->end;
}

static void join_scales (GArray *words, const char *text)
{
  for (guint i = 0; i + 1 < words->len;)
    {
      RagWord *left = &g_array_index (words, RagWord, i);
      RagWord *right = &g_array_index (words, RagWord, i + 1);
      double value = value_of (left), scale = LOOK_UP (scales, right, text);
      double unit = MAX (value_of (right), LOOK_UP (ones, right, text));
      if (scale > 0)
        value = MAX (value, LOOK_UP (ones, left, text));
      if (value >= 0 && scale > 0 && adjacent (left, right, text))
        value *= scale;
      else if (value >= 20 && value < 100 && fmod (value, 10) == 0 && unit > 0 && unit < 10
               && g_unichar_isalpha (g_utf8_get_char (text + left->start))
               && adjacent (left, right, text))
        value += unit;
      else
        {
          i++;
          continue;
        }
      set_number (left, value);
      left->end = right->end;
      g_array_remove_index (words, i + 1);
    }
}

static void join_months (GArray *words, const char *text)
{
  for (guint i = 0; i < words->len; i++)
    {
      RagWord *word = &g_array_index (words, RagWord, i);
      if (!g_unichar_isupper (g_utf8_get_char (text + word->start)))
        continue;
      double month = LOOK_UP (months, word, text);
      gboolean after = i > 0 && value_of (word - 1) > 0;
      gboolean before = i + 1 < words->len && value_of (word + 1) > 0;
      if (month > 0 && (after || before))
        set_number (word, month);
    }
}

void rag_join_numbers (GArray *words, const char *text)
{
  for (guint i = 0; i < words->len; i++)
    {
      RagWord *word = &g_array_index (words, RagWord, i);
      double value = word->kind == RAG_WORD_NUMBER ? -1 : LOOK_UP (units, word, text);
      if (value >= 0)
        set_number (word, value);
    }
  join_scales (words, text);
  join_months (words, text);
}

/* Recognises passages that say the same: a file in two folders, a form letter, an old version.
 *
 * A passage's text comes in, a fingerprint goes out, and two of them tell whether the passages
 * share nine tenths of their three-word sequences (Broder 1997) and all of their numbers and denials:
 * "within 14 days" and "within thirty days" are never the same, nor "may" and "may not". */
#include "index/fusion-private.h"

#include <string.h>

#define WORDS 3
#define SHARE_PERCENT 90

struct _IndexPrint
{
  GArray *sequences; /* guint32, ascending, each once */
  guint32 numbers;   /* of numbers and denials, in order */
};

void index_print_free (IndexPrint *print)
{
  if (!print)
    return;
  g_array_unref (print->sequences);
  g_free (print);
}

static gint compare_hashes (gconstpointer a, gconstpointer b)
{
  guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

  return x < y ? -1 : x > y;
}

static guint32 combine (guint32 hash, guint32 value)
{
  return (hash ^ value) * 0x01000193u; /* FNV-1a, a word at a time */
}

static void drop_repeated (GArray *hashes)
{
  guint kept = 0;

  g_array_sort (hashes, compare_hashes);
  for (guint i = 0; i < hashes->len; i++)
    if (i == 0 || g_array_index (hashes, guint32, i) != g_array_index (hashes, guint32, kept - 1))
      g_array_index (hashes, guint32, kept++) = g_array_index (hashes, guint32, i);
  g_array_set_size (hashes, kept);
}

/* Number words, between spaces. */
static const char numbers[]
    = " two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty "
      "sixty hundred thousand zwei drei vier fünf sechs sieben acht neun zehn elf zwölf fünfzehn "
      "zwanzig dreißig hundert tausend deux trois quatre cinq sept huit neuf dix dos tres cuatro cinco "
      "siete ocho nueve diez due tre quattro cinque sette otto nove dieci ";

static gboolean tells (const guchar *word, gsize length)
{
  char spaced[16];

  if (length == 0 || length > sizeof spaced - 3)
    return FALSE;
  spaced[0] = spaced[length + 1] = ' ';
  spaced[length + 2] = '\0';
  for (gsize i = 0; i < length; i++)
    spaced[i + 1] = g_ascii_tolower ((char)word[i]);
  if (strstr (numbers, spaced) != NULL)
    return TRUE;
  spaced[length + 1] = '\0';
  return index_is_denial (spaced + 1);
}

IndexPrint *index_print_new (const char *text)
{
  IndexPrint *print = g_new0 (IndexPrint, 1);
  guint32 last[WORDS] = { 0 };

  print->sequences = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (const guchar *at = (const guchar *)text; *at;)
    {
      guint32 word = 0;
      gboolean is_telling = FALSE;
      const guchar *start = at;

      /* Bytes of other scripts count as letters: nothing is looked up by these words. */
      for (; g_ascii_isalnum (*at) || *at >= 0x80; at++)
        {
          word = combine (word, (guint32)g_ascii_tolower ((char)*at) + 1);
          is_telling |= g_ascii_isdigit (*at) != 0;
        }
      is_telling |= tells (start, at - start);
      while (*at && !g_ascii_isalnum (*at) && *at < 0x80)
        at++;
      if (word == 0)
        continue;
      memmove (last, last + 1, (WORDS - 1) * sizeof last[0]);
      last[WORDS - 1] = word;
      if (is_telling)
        print->numbers = combine (print->numbers, word);
      guint32 sequence = combine (combine (last[0], last[1]), last[2]);
      g_array_append_val (print->sequences, sequence);
    }
  drop_repeated (print->sequences);
  return print;
}

gboolean index_print_same (const IndexPrint *a, const IndexPrint *b)
{
  guint n_a = a->sequences->len, n_b = b->sequences->len, i = 0, j = 0, both = 0;

  if (a->numbers != b->numbers || n_a * 100 < n_b * SHARE_PERCENT
      || n_b * 100 < n_a * SHARE_PERCENT)
    return FALSE;
  while (i < n_a && j < n_b)
    {
      guint32 x = g_array_index (a->sequences, guint32, i);
      guint32 y = g_array_index (b->sequences, guint32, j);

      both += x == y;
      i += x <= y;
      j += y <= x;
    }
  return both * 100 >= (n_a + n_b - both) * SHARE_PERCENT;
}

/* How easily a text is read, as a number that an editor knows.
 *
 * In: a text and its language. Out: Flesch's reading ease, from words per sentence and syllables per
 * word, with Amstad's weights for German. Syllables are counted as groups of vowels, which is how
 * the formula is computed by hand; a silent e at an English word's end is left out. */
#include "rag/brief-private.h"

#include <math.h>
#include <string.h>

static gboolean is_vowel (gunichar c)
{
  static const char vowels[] = "aeiouyäöüáàâéèêëíìîïóòôúùûœæ";
  return g_utf8_strchr (vowels, -1, g_unichar_tolower (c)) != NULL;
}

static guint count_syllables (const char *word, gsize length, RagLanguage language)
{
  guint n = 0;
  gboolean in_vowels = FALSE;
  for (const char *p = word; p < word + length; p = g_utf8_next_char (p))
    {
      const gboolean vowel = is_vowel (g_utf8_get_char (p));
      n += vowel && !in_vowels;
      in_vowels = vowel;
    }
  const gboolean silent = language == RAG_LANGUAGE_EN && length > 2 && word[length - 1] == 'e'
                          && word[length - 2] != 'l' && !is_vowel ((guchar)word[length - 2]);
  return MAX (n - (silent && n > 1), 1);
}

double rag_reading_ease (const char *text, RagLanguage language)
{
  g_autoptr (GArray) words = rag_words (text, -1, language);
  g_autoptr (GArray) sentences = ingest_sentences (text, rag_language_code (language));
  double syllables = 0;
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      syllables += count_syllables (text + word->start, word->end - word->start, language);
    }
  if (words->len == 0 || sentences->len == 0)
    return NAN;
  const double per_sentence = (double)words->len / sentences->len;
  const double per_word = syllables / words->len;
  if (language == RAG_LANGUAGE_DE)
    return 180 - per_sentence - 58.5 * per_word;
  return 206.835 - 1.015 * per_sentence - 84.6 * per_word;
}

/* Which language is this? Every language has a few dozen words without which nobody writes a
 * paragraph; counting them is enough to tell languages apart from a few sentences on, and other
 * scripts give themselves away. Used for sentence rules, so "unclear" is a fine answer. */
#include "ingest/parse-private.h"

#include <string.h>

/* Enough for any document; a mixed one is named after its beginning. */
#define LOOK_AT_BYTES (64 * 1024)

typedef struct
{
  const char *code;
  const char *words; /* frequent, and rare in the other languages; space on both sides */
} FunctionWords;

static const FunctionWords languages[] = {
  { "en", " the and of to is that for with are was this by be from which not have it as at were "
          "has or an will can if you your its their been should " },
  { "de", " der die und das den von zu mit ist des im nicht ein eine dem auf für sich als auch "
          "werden wird bei einer oder nach sind aus einen durch zum zur kann über " },
  { "fr", " le les et des la du une est dans pour que qui par sur pas avec au sont ce cette aux "
          "ou plus être ont il elle nous vous leur " },
  { "es", " el los las y en que del una por con para es se no su lo como más pero sus este "
          "esta son entre también fue ha está " },
  { "it", " il di che è per un della del con non una i si da dei delle le gli nel alla sono come "
          "più anche al questo essere dal " },
  { "pt", " o os as e do da em para com não uma dos das por mais no na se ao como foi são pelo "
          "pela também ou ser " },
  { "nl", " de het een van en in is dat op te zijn voor met niet aan er ook als bij door naar of "
          "om worden deze wordt heeft " },
  { "sv", " och att det som är på av för med den till inte har om ett kan var eller från vid " },
  { "da", " og at det som er på af for med den til ikke har om et kan var eller fra ved blev " },
  { "pl", " i w na z do się nie że jest to o jak za od po przez dla oraz lub ale przy są " },
};

static const char *by_script (GUnicodeScript script)
{
  switch (script)
    {
    case G_UNICODE_SCRIPT_HAN:
      return "zh";
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
      return "ja";
    case G_UNICODE_SCRIPT_HANGUL:
      return "ko";
    case G_UNICODE_SCRIPT_CYRILLIC:
      return "ru";
    case G_UNICODE_SCRIPT_GREEK:
      return "el";
    case G_UNICODE_SCRIPT_ARABIC:
      return "ar";
    case G_UNICODE_SCRIPT_HEBREW:
      return "he";
    case G_UNICODE_SCRIPT_THAI:
      return "th";
    case G_UNICODE_SCRIPT_DEVANAGARI:
      return "hi";
    default:
      return NULL;
    }
}

typedef struct
{
  guint words, letters;
  guint hits[G_N_ELEMENTS (languages)];
  guint scripts[G_UNICODE_SCRIPT_VITHKUQI + 1];
} Counts;

static void count_word (Counts *counts, const char *word, gsize length)
{
  char key[32];
  counts->words++;
  g_autofree char *lower = g_utf8_strdown (word, length);
  if (strlen (lower) > sizeof key - 3)
    return;
  g_snprintf (key, sizeof key, " %s ", lower);
  for (gsize i = 0; i < G_N_ELEMENTS (languages); i++)
    if (strstr (languages[i].words, key) != NULL)
      counts->hits[i]++;
}

static void count (Counts *counts, const char *text, gsize length)
{
  const char *word = NULL;
  for (const char *at = text, *end = text + length; at < end; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (g_unichar_isalpha (c))
        {
          GUnicodeScript script = g_unichar_get_script (c);
          counts->letters++;
          if (script >= 0 && (gsize)script < G_N_ELEMENTS (counts->scripts))
            counts->scripts[script]++;
          word = word != NULL ? word : at;
        }
      else if (word != NULL)
        {
          count_word (counts, word, at - word);
          word = NULL;
        }
    }
}

static const char *other_script (const Counts *counts)
{
  /* Japanese writes most of its letters in Chinese characters; a tenth of kana gives it away. */
  guint kana
      = counts->scripts[G_UNICODE_SCRIPT_HIRAGANA] + counts->scripts[G_UNICODE_SCRIPT_KATAKANA];
  if (kana * 10 > counts->letters)
    return "ja";
  for (gsize i = 0; i < G_N_ELEMENTS (counts->scripts); i++)
    if (counts->scripts[i] * 2 > counts->letters)
      return by_script (i);
  return NULL;
}

const char *ingest_guess_language (const char *text, gsize length)
{
  g_autofree Counts *counts = g_new0 (Counts, 1);
  count (counts, text, MIN (length, LOOK_AT_BYTES));
  const char *other = other_script (counts);
  if (other != NULL)
    return counts->letters >= 20 ? other : NULL;
  gsize best = 0;
  guint second = 0;
  for (gsize i = 1; i < G_N_ELEMENTS (languages); i++)
    if (counts->hits[i] > counts->hits[best])
      best = i;
  for (gsize i = 0; i < G_N_ELEMENTS (languages); i++)
    if (i != best)
      second = MAX (second, counts->hits[i]);
  /* A tenth of all words at least, and a third more than the runner-up. */
  gboolean clear = counts->hits[best] >= 4 && counts->hits[best] * 10 >= counts->words
                   && counts->hits[best] * 3 >= second * 4;
  return clear ? languages[best].code : NULL;
}

char *ingest_usable_language (const char *text)
{
  gsize letters = 0;
  while (text != NULL && g_ascii_isalpha (text[letters]))
    letters++;
  gboolean ended = letters == 2 && (text[2] == '\0' || strchr ("-_ ,", text[2]) != NULL);
  return ended ? g_ascii_strdown (text, 2) : NULL;
}

/* Cuts text into words.
 *
 * UTF-8 comes in, spans go out. In scripts with spaces a word is a run of letters, marks and
 * digits; runs joined by one sign ("IL-6", "TCP/IP", "3.14", "a@b.org") are handed out together,
 * because people look for the whole as well as for the parts. Runs in scripts without spaces
 * (Chinese, Japanese, Thai, …) go through ICU's dictionaries. ICU sees only those runs: the plain
 * rule is ten times faster and knows about joined words. */
#include "index/words-private.h"

#include <string.h>
#include <unicode/ubrk.h>

struct _IndexWords
{
  const char *at, *end;
  UBreakIterator *breaker; /* opened by the first run that needs it */
  const char *run;         /* the run without spaces that BREAKER is in, or NULL */
  const char *run_end;
  int32_t run_at;
};

typedef enum
{
  CLASS_OTHER,
  CLASS_WORD,     /* letters, marks, digits */
  CLASS_UNSPACED, /* the same in a script without spaces */
} CharClass;

IndexWords *index_words_new (void)
{
  return g_new0 (IndexWords, 1);
}

void index_words_free (IndexWords *words)
{
  if (!words)
    return;
  if (words->breaker)
    ubrk_close (words->breaker);
  g_free (words);
}

static gboolean is_unspaced (gunichar c)
{
  switch (g_unichar_get_script (c))
    {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_THAI:
    case G_UNICODE_SCRIPT_LAO:
    case G_UNICODE_SCRIPT_KHMER:
    case G_UNICODE_SCRIPT_MYANMAR:
      return TRUE;
    default:
      return FALSE;
    }
}

/* The class of the character at AT and where the next one starts. */
static CharClass class_at (const char *at, const char *end, const char **ret_next)
{
  guchar byte = (guchar)*at;

  if (byte < 0x80)
    {
      *ret_next = at + 1;
      return g_ascii_isalnum (byte) ? CLASS_WORD : CLASS_OTHER;
    }

  gunichar c = g_utf8_get_char_validated (at, end - at);
  if (c == (gunichar)-1 || c == (gunichar)-2)
    {
      *ret_next = at + 1;
      return CLASS_OTHER;
    }
  *ret_next = g_utf8_next_char (at);
  if (!g_unichar_isalnum (c) && !g_unichar_ismark (c))
    return CLASS_OTHER;
  return is_unspaced (c) ? CLASS_UNSPACED : CLASS_WORD;
}

static const char *run_of (CharClass class, const char *at, const char *end)
{
  const char *next;

  while (at < end && class_at (at, end, &next) == class)
    at = next;
  return at;
}

/* The end of the joining sign at AT, or NULL: "-", "_", "/", ".", ":", "@", "+", "&", U+2010
 * (hyphen), U+2011 (non-breaking hyphen), and "," between digits. */
static const char *joiner_end (const char *at, const char *end, char before)
{
  if (at >= end)
    return NULL;
  if (strchr ("-_/.:@+&", *at) && *at != '\0')
    return at + 1;
  if (*at == ',' && g_ascii_isdigit (before) && at + 1 < end && g_ascii_isdigit (at[1]))
    return at + 1;
  if (end - at > 3 && (memcmp (at, "\xe2\x80\x90", 3) == 0 || memcmp (at, "\xe2\x80\x91", 3) == 0))
    return at + 3;
  return NULL;
}

/* ---- Scripts without spaces ---- */

static gboolean start_run (IndexWords *words, const char *start, const char *end)
{
  UErrorCode status = U_ZERO_ERROR;
  UText text = UTEXT_INITIALIZER;

  if (!words->breaker)
    words->breaker = ubrk_open (UBRK_WORD, "", NULL, 0, &status);
  utext_openUTF8 (&text, start, end - start, &status);
  if (U_SUCCESS (status))
    ubrk_setUText (words->breaker, &text, &status); /* keeps a shallow copy */
  utext_close (&text);
  if (U_FAILURE (status))
    return FALSE;
  words->run = start;
  words->run_end = end;
  words->run_at = ubrk_first (words->breaker);
  return TRUE;
}

static gboolean next_in_run (IndexWords *words, IndexCompound *ret_compound)
{
  int32_t from = words->run_at;
  int32_t to = ubrk_next (words->breaker);

  if (to == UBRK_DONE)
    {
      words->run = NULL;
      return FALSE;
    }
  words->run_at = to;
  ret_compound->parts[0] = (IndexSpan){ words->run + from, words->run + to };
  ret_compound->n_parts = 1;
  return TRUE;
}

/* ---- All scripts ---- */

void index_words_start (IndexWords *words, const char *text, gsize length)
{
  words->at = text;
  words->end = text + length;
  words->run = NULL;
}

/* Appends parts as long as one joining sign and another word follow. */
static void join_parts (IndexWords *words, IndexCompound *compound)
{
  const char *joined, *next;

  while (compound->n_parts < INDEX_MAX_PARTS
         && (joined = joiner_end (words->at, words->end, words->at[-1])) && joined < words->end
         && class_at (joined, words->end, &next) == CLASS_WORD)
    {
      words->at = run_of (CLASS_WORD, joined, words->end);
      compound->parts[compound->n_parts++] = (IndexSpan){ joined, words->at };
    }
}

gboolean index_words_next (IndexWords *words, IndexCompound *ret_compound)
{
  const char *next;

  if (words->run && next_in_run (words, ret_compound))
    return TRUE;
  while (words->at < words->end)
    {
      const char *start = words->at;
      CharClass class = class_at (start, words->end, &next);

      words->at = class == CLASS_OTHER ? next : run_of (class, start, words->end);
      if (class == CLASS_UNSPACED && start_run (words, start, words->at)
          && next_in_run (words, ret_compound))
        return TRUE;
      if (class == CLASS_WORD)
        {
          ret_compound->parts[0] = (IndexSpan){ start, words->at };
          ret_compound->n_parts = 1;
          join_parts (words, ret_compound);
          return TRUE;
        }
    }
  return FALSE;
}

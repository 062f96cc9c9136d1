/* Cuts text into words before byte-pair encoding, exactly where the model's authors cut it.
 *
 * Every family ships a regular expression for this. They are variations of one, so here is one
 * matcher with a table row per family, written by hand: a general regex engine spends more time on
 * this than all the rest of tokenizing takes, and each has its own idea of \s. Text comes in, the
 * end of its first word goes out; alternatives are tried in the expression's order. Each word is
 * looked at a bounded number of times, so the whole is linear in the text.
 *
 * \p{L}, \p{N} and the rest are Unicode general categories; \s is the property White_Space. */
#include "engine/pretokenize-private.h"

#include <string.h>

typedef enum
{
  CONTRACTIONS_NONE,
  CONTRACTIONS_EXACT,  /* 's|'t|'re|'ve|'m|'ll|'d */
  CONTRACTIONS_FOLDED, /* (?i:…) of the same */
  CONTRACTIONS_SUFFIX, /* (?i:…)? after a word */
} Contractions;

typedef enum
{
  WORDS_SPACED, /*  ?\p{L}+ */
  WORDS_MARKED, /* [^\r\n\p{L}\p{N}]?\p{L}+ */
  WORDS_CASED,  /* [^\r\n\p{L}\p{N}]? and then a word that ends where capitals begin anew */
} Words;

typedef enum
{
  DIGITS_SPACED, /*  ?\p{N}+ */
  DIGITS_ALONE,  /* \p{N} in a pass of its own, before everything else */
  DIGITS_ONE,    /* \p{N} */
  DIGITS_THREE,  /* \p{N}{1,3} */
} Digits;

struct _EnginePretokenizer
{
  const char *name;
  Contractions contractions;
  Words words;
  Digits digits;
  const char *after_symbols; /* what may follow in  ?[^\s\p{L}\p{N}]+[…]* */
  gboolean newlines;         /* \s*[\r\n]+ comes before other white space */
  gboolean ignores_merges, adds_bos, adds_eos;
};

static const EnginePretokenizer PRETOKENIZERS[] = {
  /* Llama 3 and those who took its tokenizer */
  { "llama-bpe", CONTRACTIONS_FOLDED, WORDS_MARKED, DIGITS_THREE, "\r\n", TRUE, TRUE, TRUE, FALSE },
  { "dbrx", CONTRACTIONS_FOLDED, WORDS_MARKED, DIGITS_THREE, "\r\n", TRUE, FALSE, FALSE, FALSE },
  { "qwen2", CONTRACTIONS_FOLDED, WORDS_MARKED, DIGITS_ONE, "\r\n", TRUE, FALSE, FALSE, FALSE },
  { "gpt-2", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_SPACED, "", FALSE, FALSE, FALSE, FALSE },
  { "phi-2", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_SPACED, "", FALSE, FALSE, FALSE, FALSE },
  { "modern-bert", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_SPACED, "", FALSE, FALSE, TRUE, TRUE },
  { "smollm", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_ALONE, "", FALSE, FALSE, FALSE, FALSE },
  { "refact", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_ALONE, "", FALSE, FALSE, FALSE, FALSE },
  { "starcoder", CONTRACTIONS_EXACT, WORDS_SPACED, DIGITS_ALONE, "", FALSE, FALSE, FALSE, FALSE },
  { "tekken", CONTRACTIONS_NONE, WORDS_CASED, DIGITS_ONE, "\r\n/", TRUE, TRUE, TRUE, FALSE },
  { "gpt-4o", CONTRACTIONS_SUFFIX, WORDS_CASED, DIGITS_THREE, "\r\n/", TRUE, FALSE, FALSE, FALSE },
};

const EnginePretokenizer *engine_pretokenizer_find (const char *name, gsize length)
{
  for (gsize i = 0; i < G_N_ELEMENTS (PRETOKENIZERS); i++)
    if (strlen (PRETOKENIZERS[i].name) == length
        && memcmp (PRETOKENIZERS[i].name, name, length) == 0)
      return &PRETOKENIZERS[i];
  return NULL;
}

const char *engine_pretokenizer_name (const EnginePretokenizer *pretokenizer)
{
  return pretokenizer->name;
}

gboolean engine_pretokenizer_ignores_merges (const EnginePretokenizer *pretokenizer)
{
  return pretokenizer->ignores_merges;
}

gboolean engine_pretokenizer_adds_bos (const EnginePretokenizer *pretokenizer)
{
  return pretokenizer->adds_bos;
}

gboolean engine_pretokenizer_adds_eos (const EnginePretokenizer *pretokenizer)
{
  return pretokenizer->adds_eos;
}

/* ---- Characters --------------------------------------------------------------------------------
 */

enum
{
  LETTER = 1,   /* \p{L} */
  NUMBER = 2,   /* \p{N} */
  SPACE = 4,    /* \s */
  NEWLINE = 8,  /* [\r\n] */
  CAPITAL = 16, /* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]: may stand where capitals stand */
  SMALL = 32,   /* [\p{Ll}\p{Lm}\p{Lo}\p{M}] */
  END = 64,     /* past the text; a class of no character */
};

static guint8 classify_wide (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
      return LETTER | CAPITAL;
    case G_UNICODE_LOWERCASE_LETTER:
      return LETTER | SMALL;
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
      return LETTER | CAPITAL | SMALL;
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
      return CAPITAL | SMALL;
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_OTHER_NUMBER:
      return NUMBER;
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return SPACE;
    default:
      return c == 0x85 ? SPACE : 0;
    }
}

static const guint8 ASCII_CLASSES[128] = {
  ['\t'] = SPACE,         ['\n'] = SPACE | NEWLINE,         ['\v'] = SPACE,
  ['\f'] = SPACE,         ['\r'] = SPACE | NEWLINE,         [' '] = SPACE,
  ['0' ... '9'] = NUMBER, ['A' ... 'Z'] = LETTER | CAPITAL, ['a' ... 'z'] = LETTER | SMALL,
};

/* The class of the character at P, and where the next one begins. */
static inline guint8 class_at (const char *p, const char *end, const char **ret_next)
{
  if (p >= end)
    return END;
  *ret_next = g_utf8_next_char (p);
  return (guchar)*p < 0x80 ? ASCII_CLASSES[(guchar)*p] : classify_wide (g_utf8_get_char (p));
}

static inline guint8 peek (const char *p, const char *end)
{
  const char *next;
  return class_at (p, end, &next);
}

/* Past the run of characters that have one of WANTED and none of UNWANTED. */
static inline const char *skip_run (const char *p, const char *end, guint8 wanted, guint8 unwanted)
{
  const char *next = p;
  for (guint8 class; (class = class_at (p, end, &next)) != END; p = next)
    if ((wanted && !(class & wanted)) || class & unwanted)
      break;
  return p;
}

/* ---- Alternatives: the end of what matches at P, or NULL
 * -----------------------------------------
 */

/* Case folding has ſ (U+017F) equal to s. */
static const char *match_contraction (const char *p, const char *end, gboolean folded)
{
  if (end - p < 2 || *p != '\'')
    return NULL;
  if (folded && end - p >= 3 && memcmp (p + 1, "ſ", 2) == 0)
    return p + 3;
  char first = folded ? g_ascii_tolower (p[1]) : p[1];
  if (strchr ("stmd", first) && first != '\0')
    return p + 2;
  char second = end - p < 3 ? '\0' : folded ? g_ascii_tolower (p[2]) : p[2];
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e')
      || (first == 'l' && second == 'l'))
    return p + 3;
  return NULL;
}

static const char *match_spaced (const char *p, const char *end, guint8 wanted, guint8 unwanted)
{
  const char *start = *p == ' ' ? p + 1 : p;
  const char *stop = skip_run (start, end, wanted, unwanted);
  return stop > start ? stop : NULL;
}

/* Past one character of [^\r\n\p{L}\p{N}], or P itself when it is not one. */
static const char *skip_mark (const char *p, const char *end)
{
  const char *next = p;
  return class_at (p, end, &next) & (LETTER | NUMBER | NEWLINE | END) ? p : next;
}

static const char *match_marked (const char *p, const char *end)
{
  const char *start = skip_mark (p, end);
  const char *stop = skip_run (start, end, LETTER, 0);
  return stop > start ? stop : NULL;
}

/* CAPITAL*SMALL+ at P. Where no small letter follows the capitals, the expression gives back
 * capitals until one that also counts as small (a mark, a letter without case) is its last. */
static const char *match_ending_small (const char *p, const char *end)
{
  const char *next = p, *after_last_small = NULL;
  for (guint8 class; (class = class_at (p, end, &next)) & CAPITAL; p = next)
    if (class & SMALL)
      after_last_small = next;
  const char *stop = skip_run (p, end, SMALL, 0);
  return stop > p ? stop : after_last_small;
}

/* CAPITAL+SMALL*, tried after the above and so without small letters. */
static const char *match_capitals (const char *p, const char *end)
{
  const char *stop = skip_run (p, end, CAPITAL, 0);
  return stop > p ? skip_run (stop, end, SMALL, 0) : NULL;
}

static const char *match_cased (const char *p, const char *end)
{
  const char *start = skip_mark (p, end), *stop = match_ending_small (start, end);
  if (!stop && start != p)
    stop = match_ending_small (p, end);
  if (!stop)
    stop = match_capitals (start, end);
  if (!stop && start != p)
    stop = match_capitals (p, end);
  return stop;
}

static const char *match_word (const EnginePretokenizer *row, const char *p, const char *end)
{
  switch (row->words)
    {
    case WORDS_SPACED:
      return match_spaced (p, end, LETTER, 0);
    case WORDS_MARKED:
      return match_marked (p, end);
    case WORDS_CASED:
      break;
    }
  const char *stop = match_cased (p, end);
  if (stop && row->contractions == CONTRACTIONS_SUFFIX)
    {
      const char *after = match_contraction (stop, end, TRUE);
      return after ? after : stop;
    }
  return stop;
}

static const char *match_digits (const EnginePretokenizer *row, const char *p, const char *end)
{
  if (row->digits == DIGITS_SPACED)
    return match_spaced (p, end, NUMBER, 0);
  const char *next = p, *start = p;
  for (guint n = row->digits == DIGITS_THREE ? 3 : 1; n > 0 && class_at (p, end, &next) & NUMBER;
       n--)
    p = next;
  return p > start ? p : NULL;
}

static const char *match_symbols (const EnginePretokenizer *row, const char *p, const char *end)
{
  p = match_spaced (p, end, 0, SPACE | LETTER | NUMBER);
  while (p && p < end && *p && strchr (row->after_symbols, *p))
    p++;
  return p;
}

/* \s*[\r\n]+ (where the family has it), \s+(?!\S), \s+ */
static const char *match_space (const EnginePretokenizer *row, const char *p, const char *end)
{
  const char *next = p, *last = p, *after_newline = NULL, *start = p;
  guint8 class;
  for (; (class = class_at (p, end, &next)) & SPACE; last = p, p = next)
    if (class & NEWLINE)
      after_newline = next;
  if (p == start)
    return NULL;
  if (row->newlines && after_newline)
    return after_newline;
  gboolean at_end = class == END || (row->digits == DIGITS_ALONE && class & NUMBER);
  return at_end || last == start ? p : last;
}

const char *engine_pretokenizer_next (const EnginePretokenizer *row, const char *text,
                                      const char *end)
{
  const char *stop = NULL;
  if (row->contractions == CONTRACTIONS_EXACT || row->contractions == CONTRACTIONS_FOLDED)
    stop = match_contraction (text, end, row->contractions == CONTRACTIONS_FOLDED);
  if (!stop)
    stop = match_word (row, text, end);
  if (!stop)
    stop = match_digits (row, text, end);
  if (!stop)
    stop = match_symbols (row, text, end);
  if (!stop)
    stop = match_space (row, text, end);
  return stop ? stop : g_utf8_next_char (text);
}

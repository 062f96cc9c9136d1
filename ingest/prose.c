/* Text as people would write it, out of what files contain. Files spell "find" with a ligature,
 * break "docu-ment" over lines, hide soft hyphens and zero-width characters in words, and all of
 * that makes a search miss. In comes any byte string, out comes clean NFC text; whether a hyphen at
 * the end of a line stays is decided by the document's own vocabulary: a word that is spelled
 * "well-known" elsewhere in it keeps its hyphen, "docu-ment" does not. */
#include "ingest/prose-private.h"

#include <string.h>

/* ---- Characters ---- */

gboolean ingest_prose_is_clean (const char *text, gsize length)
{
  if (!g_utf8_validate_len (text, length, NULL))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      guchar c = text[i];
      if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
        return FALSE;
      if (c == 0xC2 && (guchar)text[i + 1] < 0xA0) /* C1 */
        return FALSE;
    }
  return TRUE;
}

/* Zero-width joiners are part of the spelling of Persian and Indic words and stay; the other
 * format characters, tags included, only serve to hide or reorder text. */
static gboolean is_invisible (gunichar c)
{
  if (c == 0x200C || c == 0x200D)
    return FALSE;
  if (c == 0xFEFF || (c >= 0xFE00 && c <= 0xFE0F) || c == 0x2028 || c == 0x2029)
    return TRUE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_SURROGATE:
      return TRUE;
    default:
      return FALSE;
    }
}

/* Bullets and signs of the Symbol and Wingdings fonts arrive in the private use area. */
static const char *private_use (gunichar c)
{
  switch (c)
    {
    case 0xF0B7:
    case 0xF0A7:
    case 0xF076:
    case 0xF06E:
    case 0xF0D8:
    case 0xF0FC:
      return "•";
    default:
      return "";
    }
}

static const char *const ligatures[] = { "ff", "fi", "fl", "ffi", "ffl", "st", "st" };

/* Control characters that are none: bytes of Windows-1252 taken for code points, as in "&#146;". */
static const gunichar windows_c1[32]
    = { 0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178 };

static void append_clean (GString *out, gunichar c)
{
  if (c == '\n' || c == '\t')
    g_string_append_c (out, c);
  else if (c == '\f' || c == '\v' || c == 0x85 || c == 0x2028)
    g_string_append_c (out, '\n');
  else if (c == 0x2029)
    g_string_append (out, "\n\n");
  else if (c >= 0xFB00 && c <= 0xFB06)
    g_string_append (out, ligatures[c - 0xFB00]);
  else if (c >= 0xFB50 && c <= 0xFEFC && c != 0xFEFF)
    { /* Arabic presentation forms are ligatures and glyph shapes of ordinary letters. */
      char utf8[6];
      g_autofree char *plain
          = g_utf8_normalize (utf8, g_unichar_to_utf8 (c, utf8), G_NORMALIZE_NFKC);
      /* Vowel signs decompose to a blank to stand on; here they stand on their letter. */
      g_string_append (out, plain != NULL ? plain + strspn (plain, " ") : "");
    }
  else if (c >= 0x80 && c < 0xA0 && windows_c1[c - 0x80] != 0)
    g_string_append_unichar (out, windows_c1[c - 0x80]);
  else if (c >= 0xE000 && c <= 0xF8FF)
    g_string_append (out, private_use (c));
  else if (c != ' ' && g_unichar_type (c) == G_UNICODE_SPACE_SEPARATOR)
    g_string_append_c (out, ' ');
  else if (!is_invisible (c))
    g_string_append_unichar (out, c);
}

/* Latin letters and the signs of print, spelled as they should be: most text, and nothing in it to
 * be cleaned. */
static gboolean is_plain (const char *text, gsize length)
{
  for (const char *at = text, *end = text + length; at < end;)
    {
      guchar c = *at;
      guint lead = at + 1 < end ? c << 8 | (guchar)at[1] : 0;
      if (c < 0x80)
        {
          if ((c < 0x20 || c == 0x7F) && c != '\n' && c != '\t')
            return FALSE;
          at++;
        }
      else if ((lead >= 0xC2A1 && lead <= 0xC5BF) && lead != 0xC2AD && (lead & 0xC0) == 0x80)
        at += 2; /* U+00A1 to U+017F */
      else if (lead == 0xE280 && at + 2 < end && (guchar)at[2] >= 0x90 && (guchar)at[2] <= 0xA6)
        at += 3; /* U+2010 to U+2026 */
      else
        return FALSE;
    }
  return TRUE;
}

char *ingest_prose_clean (const char *text, gssize length)
{
  gsize left = length < 0 ? strlen (text) : (gsize)length;
  if (is_plain (text, left))
    return g_strndup (text, left);
  g_autoptr (GString) out = g_string_sized_new (left + 1);
  for (const char *at = text, *end = text + left; at < end;)
    {
      gunichar c = g_utf8_get_char_validated (at, end - at);
      if (c == (gunichar)-1 || c == (gunichar)-2)
        {
          g_string_append_unichar (out, 0xFFFD);
          at++;
          continue;
        }
      at = g_utf8_next_char (at);
      if (c == '\r')
        {
          if (at == end || *at != '\n')
            g_string_append_c (out, '\n');
        }
      else
        append_clean (out, c);
    }
  char *composed = g_utf8_normalize (out->str, out->len, G_NORMALIZE_NFC);
  return composed != NULL ? composed : g_strdup ("");
}

char *ingest_prose_squeeze (char *text)
{
  char *out = text;
  for (const char *at = text; *at != '\0'; at++)
    {
      gboolean blank = *at == ' ' || *at == '\n' || *at == '\t';
      if (!blank)
        *out++ = *at;
      else if (out > text && out[-1] != ' ')
        *out++ = ' ';
    }
  if (out > text && out[-1] == ' ')
    out--;
  *out = '\0';
  return text;
}

char *ingest_prose_trim_lines (char *text)
{
  char *out = text;
  for (const char *at = text; *at != '\0'; at++)
    {
      gboolean blank = *at == ' ' || *at == '\t';
      gboolean doubled = out == text || out[-1] == ' ' || out[-1] == '\n';
      if (*at == '\n')
        while (out > text && out[-1] == ' ')
          out--;
      if (!blank)
        *out++ = *at;
      else if (!doubled)
        *out++ = ' ';
    }
  *out = '\0';
  return text;
}

/* ---- List markers ---- */

static gsize bullet_length (const char *text, gsize length)
{
  static const char *const bullets[]
      = { "•", "◦", "▪", "■", "●", "○", "‣", "⁃", "–", "—", "-", "*", "+",
          "·", "►", "➢", "✓", "□", "❖", "→", "∙", "▶", "➔", "♦", "◆" };
  for (gsize i = 0; i < G_N_ELEMENTS (bullets); i++)
    if (strlen (bullets[i]) <= length && memcmp (text, bullets[i], strlen (bullets[i])) == 0)
      return strlen (bullets[i]);
  return 0;
}

/* "3.", "12)", "a.", "(b)", "iv)": at most three digits, or letters that a list would count with.
 */
static gsize number_length (const char *text, gsize length)
{
  gsize open = length > 0 && text[0] == '(' ? 1 : 0, i = open;
  while (i < length && g_ascii_isdigit (text[i]) && i - open < 3)
    i++;
  if (i == open && i < length && g_ascii_isalpha (text[i]))
    {
      i++;
      while (i < length && i - open < 4 && strchr ("ivx", text[open]) != NULL
             && strchr ("ivx", text[i]) != NULL)
        i++;
    }
  gboolean closed = i > open && i < length && (text[i] == ')' || (text[i] == '.' && open == 0));
  return closed ? i + 1 : 0;
}

gsize ingest_prose_marker_length (const char *text, gsize length)
{
  gsize marker = bullet_length (text, length);
  if (marker == 0)
    marker = number_length (text, length);
  gsize end = marker;
  while (end < length && (text[end] == ' ' || text[end] == '\t'))
    end++;
  return marker > 0 && end > marker && end < length ? end : 0;
}

/* ---- Words ---- */

struct _IngestVocabulary
{
  GHashTable *counts; /* lower-case word, inner hyphens kept → times seen */
};

IngestVocabulary *ingest_vocabulary_new (void)
{
  IngestVocabulary *vocabulary = g_new0 (IngestVocabulary, 1);
  vocabulary->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return vocabulary;
}

void ingest_vocabulary_free (IngestVocabulary *vocabulary)
{
  if (vocabulary == NULL)
    return;
  g_hash_table_unref (vocabulary->counts);
  g_free (vocabulary);
}

static gboolean is_hyphen (gunichar c)
{
  return c == '-' || c == 0x2010 || c == 0x2011;
}

static char *lower (const char *word, gsize length)
{
  return g_utf8_strdown (word, length);
}

static guint count_of (const IngestVocabulary *vocabulary, const char *word)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (vocabulary->counts, word));
}

void ingest_vocabulary_add_line (IngestVocabulary *vocabulary, const char *line, gsize length)
{
  const char *end = line + length;
  const char *word = NULL;
  for (const char *at = line; at <= end; at = at < end ? g_utf8_next_char (at) : at + 1)
    {
      gunichar c = at < end ? g_utf8_get_char (at) : ' ';
      gboolean inside = g_unichar_isalpha (c) || (word != NULL && is_hyphen (c));
      if (inside && word == NULL)
        word = at;
      if (inside || word == NULL)
        continue;
      if (!is_hyphen (g_utf8_get_char (g_utf8_prev_char (at))))
        {
          char *key = lower (word, at - word);
          guint count = count_of (vocabulary, key);
          g_hash_table_insert (vocabulary->counts, key, GUINT_TO_POINTER (count + 1));
        }
      word = NULL;
    }
}

/* ---- Lines into paragraphs ---- */

/* The letters at the end of TEXT before its final hyphen; 0 when it does not end in a word. */
static gsize broken_head_length (const char *text, gsize length)
{
  if (length == 0)
    return 0;
  const char *hyphen = g_utf8_prev_char (text + length);
  if (!is_hyphen (g_utf8_get_char (hyphen)))
    return 0;
  const char *at = hyphen;
  while (at > text)
    {
      const char *previous = g_utf8_prev_char (at);
      if (!g_unichar_isalpha (g_utf8_get_char (previous)))
        break;
      at = previous;
    }
  return hyphen - at;
}

static gsize letters_at_start (const char *text, gsize length)
{
  const char *at = text;
  while (at < text + length && g_unichar_isalpha (g_utf8_get_char (at)))
    at = g_utf8_next_char (at);
  return at - text;
}

/* "pre- and post-operative", "Ein- und Ausgang": the hyphen stands for a word, a space follows. */
static gboolean is_conjunction (const char *word, gsize length)
{
  static const char *const conjunctions[]
      = { "and", "or", "to", "und", "oder", "bis", "sowie", "et", "ou", "y", "o", "en", "of" };
  for (gsize i = 0; i < G_N_ELEMENTS (conjunctions); i++)
    if (strlen (conjunctions[i]) == length && strncmp (conjunctions[i], word, length) == 0)
      return TRUE;
  return FALSE;
}

static gboolean is_compound_head (const char *word)
{
  static const char *const heads[]
      = { "self", "well", "non",   "high",   "low",   "long", "short", "half",   "all",   "cross",
          "one",  "two",  "three", "four",   "five",  "ten",  "first", "second", "third", "state",
          "full", "open", "real",  "large",  "small", "left", "right", "co",     "ex",    "so",
          "in",   "on",   "up",    "follow", "end",   "time", "user",  "case",   "day",   "year" };
  for (gsize i = 0; i < G_N_ELEMENTS (heads); i++)
    if (strcmp (heads[i], word) == 0)
      return TRUE;
  return FALSE;
}

/* "tak-en" where the document has "taken" elsewhere, though "en" is Dutch for "and". */
static gboolean is_known_whole (const char *head, gsize head_length, const char *tail, gsize tail_length,
                                const IngestVocabulary *vocabulary)
{
  g_autofree char *first = lower (head, head_length);
  g_autofree char *second = lower (tail, tail_length);
  g_autofree char *joined = g_strconcat (first, second, NULL);
  return vocabulary != NULL && count_of (vocabulary, joined) > 0;
}

/* Is HEAD-TAIL one word with a hyphen of its own? The document's other spellings decide; without
 * any, two words that both live alone in it are taken as a compound. */
static gboolean hyphen_belongs (const char *head, gsize head_length, const char *tail,
                                gsize tail_length, const IngestVocabulary *vocabulary)
{
  g_autofree char *first = lower (head, head_length);
  g_autofree char *second = lower (tail, tail_length);
  g_autofree char *joined = g_strconcat (first, second, NULL);
  g_autofree char *hyphenated = g_strconcat (first, "-", second, NULL);
  guint n_joined = vocabulary != NULL ? count_of (vocabulary, joined) : 0;
  guint n_hyphenated = vocabulary != NULL ? count_of (vocabulary, hyphenated) : 0;
  if (n_joined != n_hyphenated)
    return n_hyphenated > n_joined;
  if (is_compound_head (first) && tail_length >= 4)
    return vocabulary == NULL || count_of (vocabulary, second) > 0;
  return vocabulary != NULL && head_length >= 4 && tail_length >= 4
         && count_of (vocabulary, first) >= 2 && count_of (vocabulary, second) >= 2;
}

static gboolean is_cjk (gunichar c)
{
  GUnicodeScript script = g_unichar_get_script (c);
  return script == G_UNICODE_SCRIPT_HAN || script == G_UNICODE_SCRIPT_HIRAGANA
         || script == G_UNICODE_SCRIPT_KATAKANA || (c >= 0x3000 && c <= 0x303F)
         || (c >= 0xFF00 && c <= 0xFF60);
}

gboolean ingest_prose_goes_on (const char *text, gsize length, const char *next)
{
  gunichar last = g_utf8_get_char (g_utf8_prev_char (text + length));
  gboolean open = g_unichar_isalnum (last) || last == ',' || last == '-' || last == 0x2013;
  return open && (g_unichar_islower (g_utf8_get_char (next)) || last == ',');
}

gboolean ingest_prose_breaks_word (const char *line, gsize length, const char *next)
{
  return broken_head_length (line, length) > 0 && g_unichar_islower (g_utf8_get_char (next));
}

void ingest_prose_join (GString *paragraph, const char *line, gsize length,
                        const IngestVocabulary *vocabulary)
{
  if (length == 0)
    return;
  if (paragraph->len == 0)
    {
      g_string_append_len (paragraph, line, length);
      return;
    }
  const char *last = g_utf8_prev_char (paragraph->str + paragraph->len);
  gunichar before = g_utf8_get_char (last), after = g_utf8_get_char (line);
  gsize head = broken_head_length (paragraph->str, paragraph->len);
  gsize tail = letters_at_start (line, length);
  gboolean alone = last > paragraph->str && last[-1] == ' '; /* a dash, not a hyphen */
  if (is_hyphen (before) && !alone && g_unichar_isalnum (after)
      && (!is_conjunction (line, tail)
          || is_known_whole (last - head, head, line, tail, vocabulary)))
    {
      if (head > 0 && g_unichar_islower (after)
          && !hyphen_belongs (last - head, head, line, tail, vocabulary))
        g_string_truncate (paragraph, last - paragraph->str);
    }
  else if (!(is_cjk (before) && is_cjk (after)) && strchr (" \t\n", *last) == NULL)
    g_string_append_c (paragraph, ' ');
  g_string_append_len (paragraph, line, length);
}

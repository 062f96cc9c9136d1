/* Turns text into the terms that are indexed and looked up.
 *
 * Words come in from words.c; each leaves folded (case, width, accents) and stemmed by the rules of
 * its language, so that "Infections" and "infection" meet. Words with digits are identifiers or
 * numbers and are left unstemmed. A joined word gives its parts and itself without the signs ("il",
 * "6", "il6"), so that "IL-6", "IL6" and "IL 6" find one another. */
#include "index/analyze-private.h"

#include "index/words-private.h"

#include <libstemmer.h>
#include <string.h>

/* Nobody types a longer word; encoded data in documents is full of them. */
#define MAX_TERM_BYTES 96

struct _IndexAnalyzer
{
  IndexWords *words;
  GHashTable *stemmers; /* language → struct sb_stemmer*, NULL when there is none */
  GString *folded;      /* the word in work, before stemming */
  GString *whole;       /* the parts of a compound together */
  GString *term, *variant;
};

typedef struct
{
  IndexAnalyzer *analyzer;
  struct sb_stemmer *stemmer;
  IndexTokenFunc func;
  gpointer user_data;
} Pass;

static void free_stemmer (gpointer stemmer)
{
  if (stemmer)
    sb_stemmer_delete (stemmer);
}

IndexAnalyzer *index_analyzer_new (void)
{
  IndexAnalyzer *analyzer = g_new0 (IndexAnalyzer, 1);

  analyzer->words = index_words_new ();
  analyzer->stemmers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_stemmer);
  analyzer->folded = g_string_new (NULL);
  analyzer->whole = g_string_new (NULL);
  analyzer->term = g_string_new (NULL);
  analyzer->variant = g_string_new (NULL);
  return analyzer;
}

void index_analyzer_free (IndexAnalyzer *analyzer)
{
  if (!analyzer)
    return;
  index_words_free (analyzer->words);
  g_hash_table_unref (analyzer->stemmers);
  g_string_free (analyzer->folded, TRUE);
  g_string_free (analyzer->whole, TRUE);
  g_string_free (analyzer->term, TRUE);
  g_string_free (analyzer->variant, TRUE);
  g_free (analyzer);
}

/* Snowball knows languages by their ISO 639 codes. */
static struct sb_stemmer *stemmer_for (IndexAnalyzer *analyzer, const char *language)
{
  const char *code = language && *language ? language : "en";
  gpointer stemmer;

  if (!g_hash_table_lookup_extended (analyzer->stemmers, code, NULL, &stemmer))
    {
      stemmer = sb_stemmer_new (code, NULL);
      g_hash_table_insert (analyzer->stemmers, g_strdup (code), stemmer);
    }
  return stemmer;
}

/* ---- Folding ---- */

static gboolean is_ascii (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if ((guchar)text[i] >= 0x80)
      return FALSE;
  return TRUE;
}

static void fold_case (GString *folded, const char *word, gsize length)
{
  g_string_set_size (folded, 0);
  if (is_ascii (word, length))
    {
      for (gsize i = 0; i < length; i++)
        g_string_append_c (folded, g_ascii_tolower (word[i]));
      return;
    }

  g_autofree char *plain = g_utf8_normalize (word, (gssize)length, G_NORMALIZE_NFKC);
  g_autofree char *lower = plain ? g_utf8_casefold (plain, -1) : NULL;
  g_autofree char *composed = lower ? g_utf8_normalize (lower, -1, G_NORMALIZE_NFC) : NULL;
  g_string_append (folded, composed ? composed : "");
}

char *index_fold_word (const char *word, gsize length)
{
  GString *folded = g_string_new (NULL);

  fold_case (folded, word, length);
  return g_string_free (folded, FALSE);
}

/* Marks that writers leave out: accents, Hebrew points, Arabic short vowels. Vowel signs of Indic
 * scripts are marks too, but they are letters to their readers. */
static gboolean is_accent (gunichar c)
{
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x591 && c <= 0x5c7) || (c >= 0x64b && c <= 0x65f)
         || c == 0x670;
}

/* Letters with strokes, and ligatures, which Unicode does not take apart. */
static const char *plain_letter (gunichar c)
{
  switch (c)
    {
    case 0xe6:
      return "ae";
    case 0xf8:
      return "o";
    case 0x111:
      return "d";
    case 0x131:
      return "i";
    case 0x142:
      return "l";
    case 0x153:
      return "oe";
    default:
      return NULL;
    }
}

static void fold_accents (GString *word)
{
  if (is_ascii (word->str, word->len))
    return;

  g_autofree char *apart = g_utf8_normalize (word->str, (gssize)word->len, G_NORMALIZE_NFD);
  g_string_set_size (word, 0);
  for (const char *at = apart; at && *at; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      const char *plain = plain_letter (c);

      if (plain)
        g_string_append (word, plain);
      else if (!is_accent (c))
        g_string_append_unichar (word, c);
    }

  g_autofree char *composed = g_utf8_normalize (word->str, (gssize)word->len, G_NORMALIZE_NFC);
  g_string_assign (word, composed ? composed : "");
}

/* ---- Terms ---- */

static gboolean has_digit (const char *word)
{
  for (const char *at = word; *at; at = g_utf8_next_char (at))
    if (g_unichar_isdigit (g_utf8_get_char (at)))
      return TRUE;
  return FALSE;
}

static void cut (GString *term)
{
  gsize length = term->len;

  if (length <= MAX_TERM_BYTES)
    return;
  for (length = MAX_TERM_BYTES; length > 0 && ((guchar)term->str[length] & 0xc0) == 0x80;)
    length--;
  g_string_truncate (term, length);
}

gboolean index_has_stemmer (IndexAnalyzer *analyzer, const char *language)
{
  return stemmer_for (analyzer, language) != NULL;
}

/* term = accents off (stem (word)): stemmers of accented languages want the accents. */
static void make_term (GString *term, struct sb_stemmer *stemmer, const GString *folded)
{
  const sb_symbol *stem = NULL;

  if (stemmer && folded->len <= MAX_TERM_BYTES && !has_digit (folded->str))
    stem = sb_stemmer_stem (stemmer, (const sb_symbol *)folded->str, (int)folded->len);
  if (stem && sb_stemmer_length (stemmer) > 0)
    {
      g_string_set_size (term, 0);
      g_string_append_len (term, (const char *)stem, sb_stemmer_length (stemmer));
    }
  else
    g_string_assign (term, folded->str);
  fold_accents (term);
  cut (term);
}

static gboolean emit (Pass *pass, IndexTokenKind kind, const GString *term, const IndexSpan *span)
{
  const IndexToken token = { kind, term->str, span->start, (gsize)(span->end - span->start) };

  return term->len == 0 || pass->func (&token, pass->user_data);
}

/* Emits FOLDED, and for a word with accents what it becomes without them: stemming "habitación"
 * gives "habit", but "habitacion" stays whole. */
static gboolean emit_word (Pass *pass, IndexTokenKind kind, GString *folded, const IndexSpan *span)
{
  IndexAnalyzer *analyzer = pass->analyzer;

  make_term (analyzer->term, pass->stemmer, folded);
  if (!emit (pass, kind, analyzer->term, span))
    return FALSE;
  if (is_ascii (folded->str, folded->len))
    return TRUE;

  fold_accents (folded);
  make_term (analyzer->variant, pass->stemmer, folded);
  return g_string_equal (analyzer->term, analyzer->variant)
         || emit (pass, INDEX_TOKEN_VARIANT, analyzer->variant, span);
}

/* Signs vanish between the parts, except between digits, where they mean something: "il6", but
 * "3.14" and "2020-01-03". */
static void join_whole (GString *whole, GString *folded, const IndexCompound *compound)
{
  g_string_set_size (whole, 0);
  for (guint i = 0; i < compound->n_parts; i++)
    {
      const IndexSpan *part = &compound->parts[i];

      fold_case (folded, part->start, (gsize)(part->end - part->start));
      if (i > 0 && whole->len > 0 && g_ascii_isdigit (whole->str[whole->len - 1])
          && g_ascii_isdigit (folded->str[0]))
        g_string_append_len (whole, compound->parts[i - 1].end,
                             part->start - compound->parts[i - 1].end);
      g_string_append_len (whole, folded->str, (gssize)folded->len);
    }
}

static gboolean emit_compound (Pass *pass, const IndexCompound *compound)
{
  IndexAnalyzer *analyzer = pass->analyzer;
  const IndexSpan all = { compound->parts[0].start, compound->parts[compound->n_parts - 1].end };

  for (guint i = 0; i < compound->n_parts; i++)
    {
      const IndexSpan *part = &compound->parts[i];

      fold_case (analyzer->folded, part->start, (gsize)(part->end - part->start));
      if (!emit_word (pass, compound->n_parts > 1 ? INDEX_TOKEN_PART : INDEX_TOKEN_WORD,
                      analyzer->folded, part))
        return FALSE;
      if (i == 0 && compound->n_parts > 1)
        {
          join_whole (analyzer->whole, analyzer->folded, compound);
          if (!emit_word (pass, INDEX_TOKEN_WHOLE, analyzer->whole, &all))
            return FALSE;
        }
    }
  return TRUE;
}

gboolean index_analyze (IndexAnalyzer *analyzer, const char *language, const char *text,
                        gssize length, IndexTokenFunc func, gpointer user_data)
{
  Pass pass = { analyzer, stemmer_for (analyzer, language), func, user_data };
  IndexCompound compound;

  index_words_start (analyzer->words, text, length < 0 ? strlen (text) : (gsize)length);
  while (index_words_next (analyzer->words, &compound))
    if (!emit_compound (&pass, &compound))
      return FALSE;
  return TRUE;
}

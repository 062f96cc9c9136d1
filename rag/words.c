/* Cuts text into comparable words: what every comparison of this room rests on.
 *
 * In comes any UTF-8 text, out go words with their place, their kind (stop word, plain, name,
 * number) and a normal form: case and accents folded, inflection removed by the Snowball stemmer of
 * the text's language, amounts in one spelling. Names and numbers are marked because an answer may
 * paraphrase a verb but never a dose. */
#include "rag/text-private.h"

#include <libstemmer.h>
#include <string.h>

static const char *const stemmers[RAG_N_LANGUAGES]
    = { "english", "german", "french", "spanish", "italian" };

static void clear_word (gpointer data)
{
  g_free (((RagWord *)data)->form);
}

char *rag_fold (const char *text, gssize length)
{
  g_autofree char *lower = g_utf8_casefold (text, length);
  g_autofree char *decomposed = g_utf8_normalize (lower, -1, G_NORMALIZE_ALL);
  if (decomposed == NULL)
    return g_steal_pointer (&lower);
  GString *folded = g_string_sized_new (strlen (decomposed));
  for (const char *p = decomposed; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (!g_unichar_ismark (c))
        g_string_append_unichar (folded, c);
    }
  return g_string_free (folded, FALSE);
}

typedef struct
{
  const char *text, *end;
  RagLanguage language;
  struct sb_stemmer *stemmer;
  GArray *words;
} Scan;

static void emit (Scan *scan, const char *from, const char *to, RagWordKind kind, char *form)
{
  RagWord word = { from - scan->text, to - scan->text, kind, form };
  g_array_append_val (scan->words, word);
}

/* Only spaces and opening marks stand between this word and the sentence's beginning. */
static gboolean starts_sentence (const Scan *scan, const char *word)
{
  for (const char *p = word; p > scan->text;)
    {
      p = g_utf8_prev_char (p);
      gunichar c = g_utf8_get_char (p);
      if (strchr (".!?:\n\t", (int)*p) != NULL && *p != '\0')
        return TRUE;
      if (g_unichar_isalnum (c) || c == ',' || c == ';' || c == ')')
        return FALSE;
    }
  return TRUE;
}

/* "ISO", "B12", "iPhone": capitals or digits after the first letter. */
static gboolean is_identifier (const char *from, const char *to)
{
  for (const char *p = g_utf8_next_char (from); p < to; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (g_unichar_isupper (c) || g_unichar_isdigit (c))
        return TRUE;
    }
  return FALSE;
}

static RagWordKind word_kind (const Scan *scan, const char *from, const char *to, const char *lower)
{
  if (is_identifier (from, to))
    return RAG_WORD_NAME;
  if (rag_is_stop_word (lower, scan->language))
    return RAG_WORD_STOP;
  /* German capitalises every noun, so a capital tells nothing there. */
  if (scan->language != RAG_LANGUAGE_DE && g_unichar_isupper (g_utf8_get_char (from))
      && !starts_sentence (scan, from))
    return RAG_WORD_NAME;
  return RAG_WORD_PLAIN;
}

static char *stem (Scan *scan, const char *lower)
{
  if (scan->stemmer == NULL)
    return rag_fold (lower, -1);
  const sb_symbol *stemmed
      = sb_stemmer_stem (scan->stemmer, (const sb_symbol *)lower, strlen (lower));
  return rag_fold (stemmed != NULL ? (const char *)stemmed : lower, -1);
}

static void emit_word (Scan *scan, const char *from, const char *to)
{
  static const char *const percents[]
      = { "percent", "percentage", "prozent", "pourcent", "porciento", "percento", NULL };
  g_autofree char *lower = g_utf8_strdown (from, to - from);
  RagWordKind kind = word_kind (scan, from, to, lower);
  if (g_strv_contains (percents, lower))
    emit (scan, from, to, RAG_WORD_PLAIN, g_strdup ("percent"));
  else if (kind == RAG_WORD_NAME && is_identifier (from, to))
    emit (scan, from, to, kind, rag_fold (from, to - from));
  else
    emit (scan, from, to, kind, stem (scan, lower));
}

/* Letters, digits and combining marks; an apostrophe ends the word ("patient's", "l'eau"). */
static const char *scan_letters (Scan *scan, const char *p)
{
  const char *from = p;
  while (p < scan->end)
    {
      gunichar c = g_utf8_get_char (p);
      if (!g_unichar_isalnum (c) && !g_unichar_ismark (c))
        break;
      p = g_utf8_next_char (p);
    }
  /* The "s" of "patient's" says nothing. */
  gboolean genitive = p - from == 1 && (*from == 's' || *from == 't') && from > scan->text
                      && (from[-1] == '\'' || from[-1] == '\x99');
  if (!genitive)
    emit_word (scan, from, p);
  return p;
}

static void emit_number (Scan *scan, const char *from, const char *to)
{
  g_autofree char *form = rag_number_form (from, to - from);
  g_auto (GStrv) parts = g_strsplit (form, ".", -1);
  if (g_strv_length (parts) != 3)
    {
      emit (scan, from, to, RAG_WORD_NUMBER, g_strconcat ("#", form, NULL));
      return;
    }
  /* 12.03.2021: day, month and year, each comparable with "12 March 2021". */
  const char *p = from;
  for (guint i = 0; i < 3; i++)
    {
      const char *end = p + strlen (parts[i]);
      g_autofree char *part = rag_number_form (p, end - p);
      emit (scan, p, end, RAG_WORD_NUMBER, g_strconcat ("#", part != NULL ? part : parts[i], NULL));
      p = end + 1;
    }
}

/* Digits, with a separator only between digits; "20th" and "1990s" lose their ending. */
static const char *scan_number (Scan *scan, const char *p)
{
  static const char *const endings[] = { "st", "nd", "rd", "th", "s", NULL };
  const char *from = p;
  while (p < scan->end
         && (g_ascii_isdigit (*p)
             || (strchr (".,:'", *p) != NULL && p + 1 < scan->end && g_ascii_isdigit (p[1]))))
    p++;
  emit_number (scan, from, p);
  const char *ending = p;
  while (ending < scan->end && g_ascii_isalpha (*ending))
    ending++;
  g_autofree char *rest = g_strndup (p, ending - p);
  return g_strv_contains (endings, rest) ? ending : p;
}

static const char *scan_symbol (Scan *scan, const char *p)
{
  static const struct
  {
    gunichar symbol;
    const char *form;
  } symbols[] = { { '%', "percent" }, { '$', "dollar" }, { 0x20AC, "euro" }, { 0xA3, "pound" } };
  gunichar c = g_utf8_get_char (p);
  const char *next = g_utf8_next_char (p);
  for (guint i = 0; i < G_N_ELEMENTS (symbols); i++)
    if (symbols[i].symbol == c)
      emit (scan, p, next, RAG_WORD_PLAIN, g_strdup (symbols[i].form));
  return next;
}

GArray *rag_words (const char *text, gssize length, RagLanguage language)
{
  gsize size = length < 0 ? strlen (text) : (gsize)length;
  Scan scan = { text, text + size, language, NULL, NULL };
  scan.stemmer = sb_stemmer_new (stemmers[language], "UTF_8");
  scan.words = g_array_new (FALSE, FALSE, sizeof (RagWord));
  g_array_set_clear_func (scan.words, clear_word);
  for (const char *p = text; p < scan.end;)
    {
      gunichar c = g_utf8_get_char (p);
      if (g_ascii_isdigit (*p))
        p = scan_number (&scan, p);
      else if (g_unichar_isalnum (c))
        p = scan_letters (&scan, p);
      else
        p = scan_symbol (&scan, p);
    }
  sb_stemmer_delete (scan.stemmer);
  rag_join_numbers (scan.words, text);
  return scan.words;
}

GHashTable *rag_word_set (const char *text, gssize length, RagLanguage language)
{
  g_autoptr (GArray) words = rag_words (text, length, language);
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind != RAG_WORD_STOP)
        g_hash_table_add (set, g_strdup (word->form));
    }
  return set;
}

void rag_trim_span (const char *text, guint *start, guint *end)
{
  while (*start < *end && g_ascii_isspace (text[*start]))
    ++*start;
  while (*end > *start && g_ascii_isspace (text[*end - 1]))
    --*end;
}

char *rag_one_line (const char *text, gssize length)
{
  gsize size = length < 0 ? strlen (text) : (gsize)length;
  GString *line = g_string_sized_new (size);
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isspace (text[i]))
      g_string_append_c (line, text[i]);
    else if (line->len > 0 && line->str[line->len - 1] != ' ')
      g_string_append_c (line, ' ');
  if (line->len > 0 && line->str[line->len - 1] == ' ')
    g_string_truncate (line, line->len - 1);
  return g_string_free (line, FALSE);
}

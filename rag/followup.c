/* Makes a whole question of "and in 2022?", so that search and model need no memory.
 *
 * In come the question and the one before it (already whole), out goes a question that stands for
 * itself. By rules, because a model call would cost seconds: what the follow-up names takes
 * the place of its like in the earlier question (a year that of the year, "the night shift" that of
 * "the day shift", a name that of the name), and a pronoun becomes what the earlier question was
 * about. */
#include "rag/answer-private.h"

#include <string.h>

static const char *const cues[] = { "and what about ",
                                    "and how about ",
                                    "what about ",
                                    "how about ",
                                    "and ",
                                    "und was ist mit ",
                                    "was ist mit ",
                                    "wie ist es mit ",
                                    "und ",
                                    "et pour ",
                                    "qu'en est-il de ",
                                    "et ",
                                    "y qué hay de ",
                                    "y ",
                                    "e per ",
                                    "e " };

static const char *const prepositions[]
    = { "in",    "at",    "on", "for",  "of",      "during", "by",  "from", "to",  "with", "before",
        "after", "since", "im", "am",   "an",      "auf",    "für", "bei",  "von", "mit",  "vor",
        "nach",  "seit",  "en", "pour", "pendant", "para",   "per", "nel",  NULL };

static const char *const determiners[]
    = { "the", "a",   "an",   "this",  "that",  "der",   "die", "das", "den", "dem",
        "des", "ein", "eine", "einen", "einem", "einer", "le",  "la",  "les", "un",
        "une", "el",  "los",  "las",   "una",   "il",    "lo",  "gli", NULL };

static const char *const auxiliaries[] = { "do", "does", "did", NULL };

static const char *const subjects[]
    = { "it", "they", "them", "he", "she", "him", "this", "that", "those", "these", NULL };
static const char *const possessives[] = { "its", "their", "his", "her", NULL };
/* In other languages a pronoun is not replaced (cases, genders); the topic is added behind. */
static const char *const foreign_pronouns[]
    = { "er",    "sie",   "es",   "ihn",  "ihm",  "dessen", "deren", "dort",
        "davon", "dafür", "il",   "elle", "ils",  "elles",  "lui",   "leur",
        "eso",   "esto",  "ella", "ello", "esso", "essa",   NULL };

/* A question that names this much by itself needs nothing from the one before. */
#define MAX_OWN_TERMS 3

typedef struct
{
  const char *text;
  GArray *words; /* RagWord */
  RagLanguage language;
} Sentence;

static char *without_question_mark (const char *text)
{
  char *bare = rag_one_line (text, -1);
  gsize length = strlen (bare);
  while (length > 0 && strchr ("?!. ", bare[length - 1]) != NULL)
    bare[--length] = '\0';
  return bare;
}

static RagWord *word_at (const Sentence *sentence, guint i)
{
  return &g_array_index (sentence->words, RagWord, i);
}

static gboolean word_is (const Sentence *sentence, guint i, const char *const *list)
{
  const RagWord *word = word_at (sentence, i);
  g_autofree char *lower = g_utf8_strdown (sentence->text + word->start, word->end - word->start);
  return g_strv_contains (list, lower);
}

static Sentence read_sentence (const char *text)
{
  RagLanguage language = rag_detect_language (text);
  return (Sentence){ text, rag_words (text, -1, language), language };
}

/* ---- Phrases: runs of words without a stop word between them ---- */

typedef struct
{
  guint first, last; /* words, inclusive */
} Phrase;

static gboolean adjacent (const Sentence *sentence, guint i)
{
  for (guint p = word_at (sentence, i)->end; p < word_at (sentence, i + 1)->start; p++)
    if (strchr (" -'", sentence->text[p]) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean is_content (const Sentence *sentence, guint i)
{
  return word_at (sentence, i)->kind != RAG_WORD_STOP;
}

/* The run around word I; a determiner before it belongs to it. */
static Phrase phrase_around (const Sentence *sentence, guint i)
{
  Phrase phrase = { i, i };
  while (phrase.first > 0 && is_content (sentence, phrase.first - 1)
         && adjacent (sentence, phrase.first - 1))
    phrase.first--;
  while (phrase.last + 1 < sentence->words->len && is_content (sentence, phrase.last + 1)
         && adjacent (sentence, phrase.last))
    phrase.last++;
  if (phrase.first > 0 && word_is (sentence, phrase.first - 1, determiners))
    phrase.first--;
  return phrase;
}

static gboolean has_auxiliary (const Sentence *sentence)
{
  for (guint i = 0; i < sentence->words->len; i++)
    if (word_is (sentence, i, auxiliaries))
      return TRUE;
  return FALSE;
}

/* "does the night shift begin": the last word of the question is its verb. */
static gboolean drop_verb (const Sentence *sentence, Phrase *phrase)
{
  if (phrase->last + 1 < sentence->words->len || !has_auxiliary (sentence))
    return TRUE;
  if (phrase->first == phrase->last)
    return FALSE;
  phrase->last--;
  return TRUE;
}

static gboolean find_kind (const Sentence *sentence, RagWordKind kind, guint *ret_word)
{
  for (guint i = 0; i < sentence->words->len; i++)
    if (word_at (sentence, i)->kind == kind)
      {
        *ret_word = i;
        return TRUE;
      }
  return FALSE;
}

static gboolean find_form (const Sentence *sentence, const char *form, guint *ret_word)
{
  for (guint i = sentence->words->len; i-- > 0;)
    if (is_content (sentence, i) && strcmp (word_at (sentence, i)->form, form) == 0)
      {
        *ret_word = i;
        return TRUE;
      }
  return FALSE;
}

/* Names around word I, and only names: "Anna Berg" in "when does Anna Berg work". */
static Phrase names_around (const Sentence *sentence, guint i)
{
  Phrase phrase = { i, i };
  while (phrase.last + 1 < sentence->words->len
         && word_at (sentence, phrase.last + 1)->kind == RAG_WORD_NAME
         && adjacent (sentence, phrase.last))
    phrase.last++;
  return phrase;
}

static char *replace_span (const char *text, guint start, guint end, const char *by)
{
  return g_strdup_printf ("%.*s%s%s", (int)start, text, by, text + end);
}

static char *replace_phrase (const Sentence *sentence, Phrase phrase, const char *by)
{
  return replace_span (sentence->text, word_at (sentence, phrase.first)->start,
                       word_at (sentence, phrase.last)->end, by);
}

/* ---- "and in 2022?", "what about the night shift?" ---- */

/* The last content word of REST. */
static const RagWord *head_of (const Sentence *rest)
{
  for (guint i = rest->words->len; i-- > 0;)
    if (is_content (rest, i))
      return word_at (rest, i);
  return NULL;
}

/* A number of BEFORE that FORM can stand for: a year for a year, an amount for an amount. */
static gboolean find_like_number (const Sentence *before, const char *form, guint *ret_word)
{
  for (guint i = 0; i < before->words->len; i++)
    if (word_at (before, i)->kind == RAG_WORD_NUMBER
        && rag_is_year (word_at (before, i)->form) == rag_is_year (form))
      {
        *ret_word = i;
        return TRUE;
      }
  return FALSE;
}

static char *replace_number (const Sentence *before, const Sentence *rest)
{
  guint old, new;
  if (!find_kind (rest, RAG_WORD_NUMBER, &new)
      || !find_like_number (before, word_at (rest, new)->form, &old))
    return NULL;
  for (guint i = 0; i < rest->words->len; i++)
    if (i != new && is_content (rest, i))
      return NULL;
  const RagWord *word = word_at (rest, new);
  g_autofree char *number = g_strndup (rest->text + word->start, word->end - word->start);
  const RagWord *place = word_at (before, old);
  return replace_span (before->text, place->start, place->end, number);
}

/* "for children" takes the place of "for adults". */
static char *replace_after_preposition (const Sentence *before, const Sentence *rest)
{
  if (rest->words->len < 2 || !word_is (rest, 0, prepositions))
    return NULL;
  for (guint i = before->words->len - 1; i-- > 0;)
    if (strcmp (word_at (before, i)->form, word_at (rest, 0)->form) == 0)
      {
        guint next = i + 1;
        while (next + 1 < before->words->len && !is_content (before, next))
          next++;
        Phrase phrase = phrase_around (before, next);
        phrase.first = i;
        return replace_phrase (before, phrase, rest->text);
      }
  return g_strdup_printf ("%s %s", before->text, rest->text);
}

static char *replace_like (const Sentence *before, const Sentence *rest)
{
  guint at;
  const RagWord *head = head_of (rest);
  if (head == NULL)
    return NULL;
  if (find_form (before, head->form, &at))
    {
      Phrase phrase = phrase_around (before, at);
      phrase.last = at;
      return replace_phrase (before, phrase, rest->text);
    }
  gboolean capital = g_unichar_isupper (g_utf8_get_char (rest->text + word_at (rest, 0)->start));
  if (capital && find_kind (before, RAG_WORD_NAME, &at))
    return replace_phrase (before, names_around (before, at), rest->text);
  for (guint i = before->words->len; i-- > 0;)
    if (is_content (before, i))
      {
        Phrase phrase = phrase_around (before, i);
        if (drop_verb (before, &phrase))
          return replace_phrase (before, phrase, rest->text);
        i = phrase.first;
      }
  return NULL;
}

static char *fill_ellipsis (const Sentence *before, const char *rest_text)
{
  Sentence rest = read_sentence (rest_text);
  char *whole = NULL;
  if (rest.words->len > 0 && before->words->len > 0)
    {
      whole = replace_number (before, &rest);
      if (whole == NULL)
        whole = replace_after_preposition (before, &rest);
      if (whole == NULL)
        whole = replace_like (before, &rest);
    }
  if (whole == NULL)
    whole = g_strdup_printf ("%s, %s", before->text, rest_text);
  g_array_unref (rest.words);
  return whole;
}

char *rag_fill_in (const char *question, const char *rest)
{
  g_autofree char *bare = without_question_mark (question);
  Sentence before = read_sentence (bare);
  g_autofree char *whole = fill_ellipsis (&before, rest);
  g_array_unref (before.words);
  return g_strconcat (whole, "?", NULL);
}

/* ---- "when does it begin?" ---- */

/* What the earlier question was about: a name, else what its first determiner introduces, else its
 * last words. NULL when there is none. */
static char *topic_of (const Sentence *before)
{
  Phrase phrase;
  guint at = G_MAXUINT;
  if (find_kind (before, RAG_WORD_NAME, &at))
    phrase = names_around (before, at);
  else
    {
      for (guint i = 0; i + 1 < before->words->len && at == G_MAXUINT; i++)
        if (word_is (before, i, determiners) && is_content (before, i + 1))
          at = i + 1;
      for (guint i = before->words->len; i-- > 0 && at == G_MAXUINT;)
        if (is_content (before, i))
          at = i;
      if (at == G_MAXUINT)
        return NULL;
      phrase = phrase_around (before, at);
      if (!drop_verb (before, &phrase))
        return NULL;
    }
  guint start = word_at (before, phrase.first)->start;
  return g_strndup (before->text + start, word_at (before, phrase.last)->end - start);
}

static guint n_terms (const Sentence *sentence)
{
  guint n = 0;
  for (guint i = 0; i < sentence->words->len; i++)
    n += is_content (sentence, i);
  return n;
}

static char *fill_pronoun (const Sentence *sentence, const Sentence *before)
{
  g_autofree char *topic = topic_of (before);
  if (topic == NULL || n_terms (sentence) > MAX_OWN_TERMS)
    return NULL;
  for (guint i = 0; i < sentence->words->len; i++)
    {
      const RagWord *word = word_at (sentence, i);
      /* "that ward" names its thing; a bare "that" does not. */
      gboolean bare = i + 1 >= sentence->words->len || !is_content (sentence, i + 1)
                      || !word_is (sentence, i, determiners);
      if (sentence->language == RAG_LANGUAGE_EN && bare && word_is (sentence, i, subjects))
        return replace_span (sentence->text, word->start, word->end, topic);
      if (sentence->language == RAG_LANGUAGE_EN && word_is (sentence, i, possessives))
        {
          g_autofree char *of = g_strconcat (topic, "'s", NULL);
          return replace_span (sentence->text, word->start, word->end, of);
        }
      if (sentence->language != RAG_LANGUAGE_EN && word_is (sentence, i, foreign_pronouns))
        return g_strdup_printf ("%s (%s)", sentence->text, topic);
    }
  return NULL;
}

/* ---- ---- */

/* What follows a cue, or the text itself when it is only a prepositional phrase; NULL otherwise. */
static const char *ellipsis_in (const char *text, const Sentence *sentence)
{
  g_autofree char *lower = g_utf8_strdown (text, -1);
  for (guint i = 0; i < G_N_ELEMENTS (cues); i++)
    if (g_str_has_prefix (lower, cues[i]) && strlen (lower) == strlen (text))
      {
        /* "and how long is the break?" is a whole question behind its "and". */
        const char *rest = text + strlen (cues[i]);
        return n_terms (sentence) <= MAX_OWN_TERMS ? rest : NULL;
      }
  gboolean phrase = sentence->words->len > 0 && sentence->words->len <= 4
                    && word_is (sentence, 0, prepositions);
  return phrase ? text : NULL;
}

static gboolean asks_by_itself (const char *rest, RagLanguage language)
{
  static const char *const verbs[]
      = { "is", "are", "was", "does", "do", "did", "can", "may", "must", NULL };
  g_auto (GStrv) words = g_strsplit (rest, " ", 2);
  g_autofree char *first = g_utf8_strdown (words[0] != NULL ? words[0] : "", -1);
  return g_strv_contains (verbs, first) || rag_is_interrogative (first, language);
}

char *rag_follow_up (const char *question, const char *previous)
{
  if (previous == NULL)
    return g_strdup (question);
  g_autofree char *text = without_question_mark (question);
  g_autofree char *before_text = without_question_mark (previous);
  Sentence sentence = read_sentence (text), before = read_sentence (before_text);
  const char *rest = ellipsis_in (text, &sentence);
  g_autofree char *whole
      = rest != NULL && *rest != '\0' && !asks_by_itself (rest, sentence.language)
            ? fill_ellipsis (&before, rest)
            : fill_pronoun (&sentence, &before);
  g_array_unref (sentence.words);
  g_array_unref (before.words);
  return whole != NULL ? g_strconcat (whole, "?", NULL) : g_strdup (question);
}

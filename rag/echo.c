/* Notices answers that only say the question again.
 *
 * "What is the notice period?" – "The notice period is the notice period." Every word of that is on
 * the page, so it would count as proved, and yet nothing was said. In come the question and the
 * words of a sentence, out goes whether all of them are the question's or say nothing by themselves
 * (articles, auxiliaries, pronouns). A question that is answered with yes or no, or with one of two
 * things that it names, is rightly answered in its own words. */
#include "rag/answer-private.h"

#include <string.h>

/* Of the question's weight. Of less, one of its words may be the answer: of "the mercury turbine"
 * the fluid is mercury. */
#define MIN_ECHO 0.5

static char *lower_of (const char *text, const RagWord *word)
{
  return g_utf8_strdown (text + word->start, word->end - word->start);
}

static gboolean offers_choice (const char *text, const GArray *words)
{
  static const char *const alternatives[] = { "or", "oder", "ou", "o", "u", NULL };
  for (guint i = 0; i < words->len; i++)
    {
      g_autofree char *lower = lower_of (text, &g_array_index (words, RagWord, i));
      if (g_strv_contains (alternatives, lower))
        return TRUE;
    }
  return FALSE;
}

/* "When …", "On which …", or a few words without a verb, such as "notice period". */
static gboolean is_open (const RagQuestion *question, const GArray *words)
{
  gboolean only_telling = TRUE;
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      g_autofree char *lower = lower_of (question->text, word);
      if (i < 2 && rag_is_interrogative (lower, question->language))
        return TRUE;
      only_telling = only_telling && word->kind != RAG_WORD_STOP;
    }
  return only_telling;
}

static guint count_of (const GArray *words, const char *form)
{
  guint n = 0;
  for (guint i = 0; i < words->len; i++)
    n += strcmp (g_array_index (words, RagWord, i).form, form) == 0;
  return n;
}

/* Whether all of WORDS are ASKED or fillers, and none of them stands out: "Mercury is the fluid of
 * the mercury turbine" says which fluid, "the period is the period" says nothing. When and how much
 * is no word of the question. */
static gboolean adds_nothing (const RagQuestion *question, const char *text, const GArray *words,
                              const GArray *asked)
{
  const RagKind kind = rag_kind_asked (question);
  const gboolean may_stand_out = kind != RAG_KIND_NUMBER && kind != RAG_KIND_DATE;
  guint usual = 0;
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      g_autofree char *lower = lower_of (text, word);
      const guint n_asked = count_of (asked, word->form);
      const gboolean stop = word->kind == RAG_WORD_STOP;
      if (n_asked == 0 && !(stop && rag_is_filler (lower, question->language)))
        return FALSE;
      if (stop)
        continue;
      const guint times = MAX (1, count_of (words, word->form) / n_asked);
      if (may_stand_out && usual > 0 && times != usual)
        return FALSE;
      usual = times;
    }
  return TRUE;
}

/* Whether WORDS, more than one, stand in the question as they are: "in the trial". */
static gboolean is_copied (const GArray *words, const GArray *asked)
{
  for (guint from = 0; words->len > 1 && from + words->len <= asked->len; from++)
    {
      guint i = 0;
      while (i < words->len
             && strcmp (g_array_index (words, RagWord, i).form,
                        g_array_index (asked, RagWord, from + i).form)
                    == 0)
        i++;
      if (i == words->len)
        return TRUE;
    }
  return FALSE;
}

gboolean rag_is_echo (const RagQuestion *question, const char *text, const GArray *words)
{
  g_autoptr (GArray) asked = rag_words (question->text, -1, question->language);
  g_autoptr (GHashTable) forms = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < words->len; i++)
    g_hash_table_add (forms, g_array_index (words, RagWord, i).form);
  return adds_nothing (question, text, words, asked)
         && (is_copied (words, asked) || rag_question_coverage (question, forms) >= MIN_ECHO)
         && is_open (question, asked) && !offers_choice (question->text, asked);
}

/* Guesses which of the supported languages a text is in.
 *
 * In comes a question or a passage, out goes the language whose stop words it uses most. The words that
 * a search does without are index's; a proof does without some more ("idle": what everything "gives" or
 * "uses") and not without others ("telling": "always" and "must" change what is said). Lists of this
 * room are resources (rag/words), loaded once. */
#include "rag/text-private.h"

#include "index/index.h"

#include <string.h>

static const char *const codes[RAG_N_LANGUAGES] = { "en", "de", "fr", "es", "it" };

static GHashTable *load_words (const char *list, RagLanguage language)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *name = g_strdup_printf ("words/%s-%s.txt", list, codes[language]);
  g_autofree char *text = rag_load_text (name);
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      g_hash_table_add (set, g_strdup (*word));
  return set;
}

typedef enum
{
  IDLE,
  TELLING,
  FILLER,
  INTERROGATIVE,
  N_LISTS,
} List;

static gboolean is_in_list (const char *word, List list, RagLanguage language)
{
  static const char *const names[N_LISTS] = { "idle", "telling", "filler", "interrogative" };
  static GHashTable *sets[N_LISTS][RAG_N_LANGUAGES];
  static gsize once = 0;
  if (g_once_init_enter (&once))
    {
      for (guint i = 0; i < N_LISTS * RAG_N_LANGUAGES; i++)
        sets[i / RAG_N_LANGUAGES][i % RAG_N_LANGUAGES]
            = load_words (names[i / RAG_N_LANGUAGES], i % RAG_N_LANGUAGES);
      g_once_init_leave (&once, 1);
    }
  return g_hash_table_contains (sets[list][language], word);
}

gboolean rag_is_stop_word (const char *word, RagLanguage language)
{
  return index_is_stopword (codes[language], word) ? !is_in_list (word, TELLING, language)
                                                   : is_in_list (word, IDLE, language);
}

gboolean rag_is_filler (const char *word, RagLanguage language)
{
  return is_in_list (word, FILLER, language);
}

gboolean rag_is_interrogative (const char *word, RagLanguage language)
{
  return is_in_list (word, INTERROGATIVE, language);
}

char *rag_interrogatives (RagLanguage language)
{
  g_autoptr (GHashTable) set = load_words ("interrogative", language);
  g_autofree char **words = (char **)g_hash_table_get_keys_as_array (set, NULL);
  return g_strjoinv ("|", words);
}

const char *rag_language_code (RagLanguage language)
{
  return codes[language];
}

RagLanguage rag_language_from_code (const char *code)
{
  for (guint i = 0; code != NULL && i < RAG_N_LANGUAGES; i++)
    if (strncmp (code, codes[i], 2) == 0)
      return i;
  return RAG_LANGUAGE_EN;
}

RagLanguage rag_detect_language (const char *text)
{
  guint seen[RAG_N_LANGUAGES] = { 0 };
  g_autofree char *lower = g_utf8_strdown (text, -1);
  for (const char *p = lower; *p != '\0';)
    {
      const char *start = p;
      while (*p != '\0' && g_unichar_isalpha (g_utf8_get_char (p)))
        p = g_utf8_next_char (p);
      if (p == start)
        {
          p = g_utf8_next_char (p);
          continue;
        }
      g_autofree char *word = g_strndup (start, p - start);
      for (guint i = 0; i < RAG_N_LANGUAGES; i++)
        seen[i] += rag_is_stop_word (word, i);
    }
  guint best = RAG_LANGUAGE_EN;
  for (guint i = 1; i < RAG_N_LANGUAGES; i++)
    if (seen[i] > seen[best])
      best = i;
  return best;
}

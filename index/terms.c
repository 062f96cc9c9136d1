/* Tells how telling each word of a question is in this library.
 *
 * Words come in, the number of chunks that hold each of them goes out: a word that occurs nowhere
 * is a reason to refuse, one that occurs everywhere is no reason to believe. A word counts in
 * every language of the library; a compound such as "COVID-19" counts as a whole or, where that is
 * rarer, as often as its rarest part. */
#include "index/lexical-private.h"

#include "index/analyze-private.h"

typedef struct
{
  IndexTokenKind kind;
  const char *start; /* in the question */
  gsize length;
  GPtrArray *stems; /* char*, different ones, one language after the other */
  gint64 n_chunks;  /* that hold one of them */
} Word;

typedef struct
{
  GArray *words; /* Word, in the order of the question: the same in every language */
  guint at;
  const char *stop_language;
} Pass;

static void clear_word (gpointer word)
{
  g_ptr_array_unref (((Word *)word)->stems);
}

static gboolean is_stopword (const Pass *pass, const IndexToken *token)
{
  g_autofree char *word = NULL;

  if (!pass->stop_language)
    return FALSE;
  word = index_fold_word (token->start, token->length);
  return index_is_stopword (pass->stop_language, word);
}

static gboolean collect_stem (const IndexToken *token, gpointer data)
{
  Pass *pass = data;

  if (token->kind == INDEX_TOKEN_VARIANT || is_stopword (pass, token))
    return TRUE;
  if (pass->at == pass->words->len)
    {
      Word word = { token->kind, token->start, token->length,
                    g_ptr_array_new_with_free_func (g_free), 0 };
      g_array_append_val (pass->words, word);
    }

  GPtrArray *stems = g_array_index (pass->words, Word, pass->at++).stems;
  if (!g_ptr_array_find_with_equal_func (stems, token->term, g_str_equal, NULL))
    g_ptr_array_add (stems, g_strdup (token->term));
  return TRUE;
}

static gboolean count_words (Index *index, GArray *words, GError **error)
{
  g_autoptr (IndexFilter) filter = NULL;

  if (!index_filter_new (index, NULL, &filter, error))
    return FALSE;
  for (guint i = 0; i < words->len; i++)
    {
      Word *word = &g_array_index (words, Word, i);

      for (guint k = 0; k < word->stems->len; k++)
        {
          gint64 n;

          if (!index_count_term (index, g_ptr_array_index (word->stems, k), filter, &n, error))
            return FALSE;
          word->n_chunks += n;
        }
    }
  return TRUE;
}

/* How often the rarest part of the compound WHOLE occurs. */
static gint64 rarest_part (const GArray *words, const Word *whole)
{
  gint64 rarest = G_MAXINT64;

  for (guint i = 0; i < words->len; i++)
    {
      const Word *part = &g_array_index (words, Word, i);

      if (part->kind == INDEX_TOKEN_PART && part->start >= whole->start
          && part->start < whole->start + whole->length)
        rarest = MIN (rarest, part->n_chunks);
    }
  return rarest < G_MAXINT64 ? rarest : 0;
}

static void report_words (const GArray *words, IndexTermFunc func, gpointer user_data)
{
  for (guint i = 0; i < words->len; i++)
    {
      const Word *word = &g_array_index (words, Word, i);
      g_autofree char *written = g_strndup (word->start, word->length);
      gint64 n = word->n_chunks;

      if (word->kind == INDEX_TOKEN_PART)
        continue;
      if (word->kind == INDEX_TOKEN_WHOLE)
        n = MAX (n, rarest_part (words, word));
      func (written, g_ptr_array_index (word->stems, 0), (guint)MIN (n, G_MAXUINT), user_data);
    }
}

static gboolean collect_words (Index *index, const char *question, GArray *words, GError **error)
{
  g_autoptr (GPtrArray) languages = index_library_languages (index, error);

  if (!languages)
    return FALSE;
  if (languages->len == 0)
    g_ptr_array_add (languages, g_strdup ("en"));

  Pass pass = { words, 0, index_stop_language (index, languages, question) };
  for (guint i = 0; i < languages->len; i++)
    {
      pass.at = 0;
      index_analyze (index->analyzer, g_ptr_array_index (languages, i), question, -1, collect_stem,
                     &pass);
    }
  return count_words (index, words, error);
}

gboolean index_terms (Index *index, const char *text, IndexTermFunc func, gpointer user_data,
                      GError **error)
{
  g_autofree char *question = index_readable_question (text);
  g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));

  g_array_set_clear_func (words, clear_word);
  if (!index_begin_read (index, error)
      || !index_end (index, collect_words (index, question, words, error), error))
    return FALSE;
  report_words (words, func, user_data);
  return TRUE;
}

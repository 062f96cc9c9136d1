/* Reads a question: checks it, and weighs its words by how rare they are in this library.
 *
 * In comes what was typed, out go its telling words. "When does the night shift begin?" asked of a
 * hospital's handbook is about "begin" more than about "shift": the index knows in how many chunks
 * each word occurs, and a word's weight is the logarithm of how few that is. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Longer ones are pasted documents: too many words to search by, and ten seconds to read. */
#define MAX_QUESTION_BYTES 4096

gboolean rag_check_question (const char *text, GError **error)
{
  gsize length = strlen (text);
  gboolean blank = TRUE;
  if (length > MAX_QUESTION_BYTES)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "The question has %" G_GSIZE_FORMAT " bytes, at most %d can be answered: ask "
                   "about one thing at a time",
                   length, MAX_QUESTION_BYTES);
      return FALSE;
    }
  if (!g_utf8_validate (text, (gssize)length, NULL))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
                   "The question is not valid UTF-8: check the terminal's encoding");
      return FALSE;
    }
  for (const char *p = text; *p != '\0' && blank; p = g_utf8_next_char (p))
    blank = !g_unichar_isalnum (g_utf8_get_char (p));
  if (blank)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT, "The question is empty");
      return FALSE;
    }
  return TRUE;
}

static void clear_term (gpointer data)
{
  g_free (((RagTerm *)data)->form);
}

RagQuestion *rag_question_new_plain (const char *text)
{
  RagQuestion *question = g_new0 (RagQuestion, 1);
  question->text = rag_one_line (text, -1);
  question->language = rag_detect_language (text);
  question->terms = g_array_new (FALSE, FALSE, sizeof (RagTerm));
  g_array_set_clear_func (question->terms, clear_term);
  g_autoptr (GArray) words = rag_words (question->text, -1, question->language);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind == RAG_WORD_STOP || !g_hash_table_add (seen, word->form))
        continue;
      RagTerm term = { g_strdup (word->form), word->kind, 0, 1 };
      g_array_append_val (question->terms, term);
    }
  question->total_weight = question->terms->len;
  return question;
}

typedef struct
{
  RagQuestion *question;
  guint n_chunks; /* of the library */
} Weighing;

static void on_term (const char *word, const char *stem, guint n_chunks, gpointer user_data)
{
  const Weighing *weighing = user_data;
  g_autoptr (GArray) words = rag_words (word, -1, weighing->question->language);
  for (guint i = 0; i < words->len; i++)
    for (guint k = 0; k < weighing->question->terms->len; k++)
      {
        RagTerm *term = &g_array_index (weighing->question->terms, RagTerm, k);
        if (strcmp (term->form, g_array_index (words, RagWord, i).form) == 0)
          term->n_chunks = MAX (term->n_chunks, n_chunks);
      }
}

RagQuestion *rag_question_new (Rag *rag, const char *text, GError **error)
{
  IndexStats stats;
  GError *inner = NULL;
  g_autoptr (RagQuestion) question = rag_question_new_plain (text);
  Weighing weighing = { question, 0 };
  if (!index_stats (rag->index, NULL, &stats, &inner)
      || !index_terms (rag->index, question->text, on_term, &weighing, &inner))
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  question->total_weight = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      /* Robertson and Sparck Jones's weight, as in BM25, kept above zero. */
      double others = (double)stats.n_chunks - MIN (term->n_chunks, stats.n_chunks);
      term->weight = log (1 + (others + 0.5) / (term->n_chunks + 0.5));
      question->total_weight += term->weight;
    }
  return g_steal_pointer (&question);
}

void rag_question_free (RagQuestion *question)
{
  if (question == NULL)
    return;
  g_free (question->text);
  g_array_unref (question->terms);
  g_free (question);
}

double rag_question_coverage (const RagQuestion *question, GHashTable *set)
{
  double held = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      if (g_hash_table_contains (set, term->form))
        held += term->weight;
    }
  return question->total_weight > 0 ? held / question->total_weight : 0;
}

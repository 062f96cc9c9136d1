/* Makes questions of the library's own sentences.
 *
 * In come the documents, out go questions with the words that answer them. A sentence with a number
 * or a name is taken, the model writes a question that this number or name answers, and code throws
 * away what is no question, gives the answer away, is about something else, or what the model
 * itself does not answer so with the passage before it (Alberti et al. 2019, round-trip
 * consistency). Questions without an answer are made of those that have one: the document is left
 * out of the search, or the question gets a name from another document. */
#include "rag/eval-private.h"
#include "rag/quiz-private.h"

#include <string.h>

#define MIN_SENTENCE_BYTES 40
#define MAX_SENTENCE_BYTES 300
#define MIN_SENTENCE_WORDS 6
/* A single digit is in many sentences. */
#define MIN_NUMBER_BYTES 2
#define QUESTION_TOKENS 48
#define MAX_QUESTION_BYTES 240
/* Enough to choose from; the rest of a long document is not read. */
#define MAX_CHUNKS_OF_DOCUMENT 400
/* The model fails at some of them. */
#define TRIES_PER_QUESTION 8

void rag_quiz_question_free (RagQuizQuestion *question)
{
  g_free (question->text);
  g_free (question->phrase);
  g_free (question);
}

/* ---- Sentences that a question can be made of ---- */

typedef struct
{
  char *text, *heading;
  char *answer;       /* as the model is told: "45 minutes" */
  char *phrase;       /* as the answer must have it: "45" */
  GPtrArray *passage; /* IndexHit*, the one that has it */
  RagLanguage language;
} Seed;

static void seed_free (gpointer data)
{
  Seed *seed = data;
  g_free (seed->text);
  g_free (seed->heading);
  g_free (seed->answer);
  g_free (seed->phrase);
  g_ptr_array_unref (seed->passage);
  g_free (seed);
}

static const RagWord *word_at (const GArray *words, guint i)
{
  return &g_array_index (words, RagWord, i);
}

static char *text_between (const char *text, const RagWord *first, const RagWord *last)
{
  return g_strndup (text + first->start, last->end - first->start);
}

/* The last number, with the word behind it, else the last run of names that does not begin the
 * sentence, where anything has a capital. */
static gboolean choose_answer (const char *text, const GArray *words, char **ret_answer,
                               char **ret_phrase)
{
  for (guint i = words->len; i-- > 0;)
    if (word_at (words, i)->kind == RAG_WORD_NUMBER
        && word_at (words, i)->end - word_at (words, i)->start >= MIN_NUMBER_BYTES)
      {
        const guint last
            = i + 1 < words->len && word_at (words, i + 1)->kind == RAG_WORD_PLAIN ? i + 1 : i;
        *ret_answer = text_between (text, word_at (words, i), word_at (words, last));
        *ret_phrase = text_between (text, word_at (words, i), word_at (words, i));
        return TRUE;
      }
  for (guint i = words->len; i-- > 1;)
    if (word_at (words, i)->kind == RAG_WORD_NAME)
      {
        guint first = i;
        while (first > 1 && word_at (words, first - 1)->kind == RAG_WORD_NAME)
          first--;
        *ret_answer = text_between (text, word_at (words, first), word_at (words, i));
        *ret_phrase = g_strdup (*ret_answer);
        return TRUE;
      }
  return FALSE;
}

/* Not a row of a table or a heading. */
static gboolean is_sentence (const char *text)
{
  const gsize length = strlen (text);
  return length > 0 && text[length - 1] == '.' && strchr (text, '|') == NULL
         && strchr (text, '\t') == NULL;
}

static Seed *seed_of (const IndexHit *chunk, const IngestSentence *span, RagLanguage language)
{
  const gsize length = span->end - span->start;
  if (length < MIN_SENTENCE_BYTES || length > MAX_SENTENCE_BYTES)
    return NULL;
  g_autofree char *text = rag_one_line (chunk->text + span->start, (gssize)length);
  g_autoptr (GArray) words = rag_words (text, -1, language);
  char *answer, *phrase;
  if (words->len < MIN_SENTENCE_WORDS || !is_sentence (text) || rag_is_order (text, strlen (text))
      || !choose_answer (text, words, &answer, &phrase))
    return NULL;
  Seed *seed = g_new0 (Seed, 1);
  seed->text = g_steal_pointer (&text);
  seed->heading = g_strdup_printf ("%s%s%s", chunk->title != NULL ? chunk->title : "",
                                   chunk->section != NULL ? ", " : "",
                                   chunk->section != NULL ? chunk->section : "");
  seed->answer = answer;
  seed->phrase = phrase;
  seed->language = language;
  return seed;
}

/* One sentence of CHUNK by chance, or NULL. */
static Seed *seed_in (const IndexHit *chunk, GRand *rand)
{
  if (chunk->flags & (INDEX_CHUNK_HIDDEN | INDEX_CHUNK_OCR))
    return NULL;
  RagLanguage language = rag_language_from_code (chunk->language);
  g_autoptr (GArray) spans = ingest_sentences (chunk->text, rag_language_code (language));
  if (spans->len == 0)
    return NULL;
  const guint i = (guint)g_rand_int_range (rand, 0, (gint32)spans->len);
  return seed_of (chunk, &g_array_index (spans, IngestSentence, i), language);
}

static void add_seeds (GPtrArray *chunks, guint n, GRand *rand, GPtrArray *seeds)
{
  rag_shuffle (chunks, rand);
  for (guint i = 0, found = 0; i < MIN (chunks->len, MAX_CHUNKS_OF_DOCUMENT) && found < n; i++)
    {
      Seed *seed = seed_in (chunks->pdata[i], rand);
      if (seed == NULL)
        continue;
      seed->passage = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
      g_ptr_array_add (seed->passage, g_steal_pointer (&chunks->pdata[i]));
      g_ptr_array_add (seeds, seed);
      found++;
    }
}

static gint by_length (gconstpointer a, gconstpointer b)
{
  const IndexDocument *x = *(IndexDocument *const *)a, *y = *(IndexDocument *const *)b;
  return (x->n_chunks > y->n_chunks) - (x->n_chunks < y->n_chunks);
}

/* About N sentences, from as many documents as there are; what short ones lack, long ones have. */
static GPtrArray *choose_seeds (Rag *rag, guint n, GRand *rand, guint *ret_n_documents,
                                GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = rag_index_scope (rag, NULL);
  g_autoptr (GPtrArray) documents = index_list_documents (rag->index, &scope, &inner);
  g_autoptr (GPtrArray) seeds = g_ptr_array_new_with_free_func (seed_free);
  if (documents == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  rag_shuffle (documents, rand);
  *ret_n_documents = documents->len;
  g_ptr_array_set_size (documents, (gint)MIN (documents->len, n));
  g_ptr_array_sort (documents, by_length);
  for (guint i = 0; i < documents->len && seeds->len < n; i++)
    {
      const IndexDocument *document = documents->pdata[i];
      g_autoptr (GPtrArray) chunks = index_document_chunks (rag->index, document->id, 0, 0, &inner);
      if (chunks == NULL)
        {
          rag_translate_error (error, inner);
          return NULL;
        }
      const guint left = documents->len - i;
      add_seeds (chunks, (n - seeds->len + left - 1) / left, rand, seeds);
    }
  rag_shuffle (seeds, rand);
  return g_steal_pointer (&seeds);
}

/* ---- Questions ---- */

/* What the model wrote, if it is a question that SEED answers without giving the answer away. */
static char *accepted (const char *written, const Seed *seed)
{
  g_autofree char *line = rag_one_line (written, -1);
  const char *end = strchr (line, '?');
  if (end == NULL || end - line > MAX_QUESTION_BYTES)
    return NULL;
  g_autofree char *text = g_strndup (line, (gsize)(end + 1 - line));
  g_autoptr (RagQuestion) question = rag_question_new_plain (text);
  g_autofree char *source = g_strconcat (seed->heading, " ", seed->text, NULL);
  g_autoptr (GHashTable) known = rag_word_set (source, -1, seed->language);
  if (question->terms->len < 2 || rag_squad_has (text, seed->phrase)
      || rag_question_coverage (question, known) < .5)
    return NULL;
  return g_steal_pointer (&text);
}

static void replace (char **text, const char *name, const char *by)
{
  GString *string = g_string_new (*text);
  g_string_replace (string, name, by, 1);
  g_free (*text);
  *text = g_string_free (string, FALSE);
}

/* Whether the model answers TEXT with the phrase when it has nothing but the passage. */
static gboolean is_consistent (RagChat *chat, const Seed *seed, const char *text,
                               const RagAskEvents *events, gboolean *ret_is, GError **error)
{
  g_autoptr (RagAnswer) answer = rag_chat_ask_from (chat, text, seed->passage, events, error);
  if (answer == NULL)
    return FALSE;
  *ret_is = answer->status == RAG_ANSWERED && rag_squad_has (answer->answer, seed->phrase);
  return TRUE;
}

static gboolean write_question (Rag *rag, EngineSession *session, const Seed *seed,
                                const RagAskEvents *events, char **ret_text, GError **error)
{
  const RagAskOptions options = { .max_tokens = QUESTION_TOKENS };
  RagGeneration generation;
  RagPrompt prompt = { .system = rag_load_text ("prompts/question.txt"),
                       .user = rag_load_text ("prompts/question-user.txt") };
  replace (&prompt.user, "%HEADING%", seed->heading);
  replace (&prompt.user, "%SENTENCE%", seed->text);
  replace (&prompt.user, "%ANSWER%", seed->answer);
  gboolean ok = rag_generate (rag, session, &prompt, &options, events, &generation, error);
  rag_prompt_clear (&prompt);
  if (!ok)
    return FALSE;
  *ret_text = accepted (generation.text, seed);
  rag_generation_clear (&generation);
  return TRUE;
}

/* ---- Questions without an answer ---- */

/* The first name in TEXT, or NULL. */
static char *name_in (const char *text)
{
  g_autoptr (GArray) words = rag_words (text, -1, rag_detect_language (text));
  for (guint i = 1; i < words->len; i++)
    if (word_at (words, i)->kind == RAG_WORD_NAME)
      return text_between (text, word_at (words, i), word_at (words, i));
  return NULL;
}

/* TEXT with another's name in the place of its first: NULL when it has none, or there is no other.
 */
static char *renamed (const char *text, const GPtrArray *others)
{
  g_autofree char *name = name_in (text);
  for (guint i = 0; name != NULL && i < others->len; i++)
    {
      const RagQuizQuestion *other = others->pdata[i];
      g_autofree char *another = name_in (other->text);
      if (another == NULL || strstr (text, another) != NULL || strstr (other->text, name) != NULL)
        continue;
      char *changed = g_strdup (text);
      replace (&changed, name, another);
      return changed;
    }
  return NULL;
}

/* Turns every second question into one that has no answer here. */
static void take_answers_away (GPtrArray *questions, guint n_documents)
{
  for (guint i = 1; i < questions->len; i += 2)
    {
      RagQuizQuestion *question = questions->pdata[i];
      char *changed = i % 4 == 1 || n_documents < 2 ? renamed (question->text, questions) : NULL;
      if (changed == NULL && n_documents < 2)
        continue;
      question->answerable = FALSE;
      if (changed != NULL)
        {
          g_free (question->text);
          question->text = changed;
          question->without_document = -1;
        }
    }
  for (guint i = 0; i < questions->len; i++)
    {
      RagQuizQuestion *question = questions->pdata[i];
      if (question->answerable)
        question->without_document = -1;
    }
}

static RagQuizQuestion *question_new (const Seed *seed, char *text)
{
  const IndexHit *passage = seed->passage->pdata[0];
  RagQuizQuestion *question = g_new0 (RagQuizQuestion, 1);
  question->text = text;
  question->phrase = g_strdup (seed->phrase);
  question->without_document = passage->document_id;
  question->answerable = TRUE;
  return question;
}

/* ret_question: NULL when none comes of SEED. */
static gboolean make_question (Rag *rag, RagChat *chat, EngineSession *session, const Seed *seed,
                               const RagAskEvents *events, RagQuizQuestion **ret_question,
                               GError **error)
{
  g_autofree char *text = NULL;
  gboolean consistent = FALSE;
  *ret_question = NULL;
  if (!write_question (rag, session, seed, events, &text, error)
      || (text != NULL && !is_consistent (chat, seed, text, events, &consistent, error)))
    return FALSE;
  if (consistent)
    *ret_question = question_new (seed, g_steal_pointer (&text));
  return TRUE;
}

GPtrArray *rag_quiz (Rag *rag, RagChat *chat, const RagCalibrateOptions *options, GError **error)
{
  const RagAskEvents events = { .cancellable = options->cancellable };
  const RagAskOptions writing = { .max_tokens = QUESTION_TOKENS };
  const guint n = options->n_questions;
  guint n_documents;
  g_autoptr (GRand) rand = g_rand_new_with_seed (options->seed);
  g_autoptr (GPtrArray) questions
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_quiz_question_free);
  g_autoptr (GPtrArray) seeds
      = choose_seeds (rag, n * TRIES_PER_QUESTION, rand, &n_documents, error);
  g_autoptr (EngineSession) session = seeds != NULL ? rag_session_new (rag, &writing, error) : NULL;
  if (session == NULL)
    return NULL;
  for (guint i = 0; i < seeds->len && questions->len < n; i++)
    {
      RagQuizQuestion *question;
      GError *inner = NULL;
      if (options->progress != NULL)
        options->progress ("writing questions", questions->len, n, options->user_data);
      if (!make_question (rag, chat, session, seeds->pdata[i], &events, &question, error))
        return NULL;
      if (question != NULL)
        g_ptr_array_add (questions, question);
      if (g_cancellable_set_error_if_cancelled (options->cancellable, &inner))
        {
          rag_translate_error (error, inner);
          return NULL;
        }
    }
  take_answers_away (questions, n_documents);
  return g_steal_pointer (&questions);
}

/* Finds out when documents disagree about what was asked.
 *
 * In come the question, the evidence and the sentences on which an answer rests; out go, for each
 * of them that another document contradicts, the values of all, newest first. No model is asked:
 * two sentences are about the same thing when they share nearly all of their words and answer the
 * question equally well, and they disagree when they then differ in one amount, in a date, or in a
 * "not". Where both have words of their own ("day shift", "night shift") they speak of two things,
 * and two years make two times; it is better to miss a conflict than to cry wolf. */
#include "rag/answer-private.h"

#include <string.h>

/* Share of the two sentences' words that both have (Dice 1945): one word more on one side in four.
 */
#define MIN_ALIKE 0.8
#define MIN_SHARED_WORDS 2
/* Of the question's weight that is found at all, what a sentence and its heading must have when no
 * answer rests on it. */
#define MIN_ANSWERS 0.5
/* More make a table or a list of results. */
#define MAX_AMOUNTS 6
#define MAX_WORDS 80
#define MAX_VALUES 5

/* A sentence of the evidence. */
typedef struct
{
  const char *text; /* NULL: a row, too long, or full of numbers, so that it states no one thing */
  const RagSpan *span;
  const RagPassage *passage;
  GArray *amounts;   /* RagAmount */
  GHashTable *words; /* set of forms: what the sentence is about, amounts left out */
  guint n_negations;
} Statement;

/* ---- Statements ---- */

static const RagWord *word_at (const Statement *statement, guint i)
{
  return &g_array_index (statement->span->words, RagWord, i);
}

/* What is counted is a word of the sentence, a unit is not. */
static gboolean is_in_amount (const Statement *statement, const RagWord *word)
{
  for (guint i = 0; i < statement->amounts->len; i++)
    {
      const RagAmount *amount = &g_array_index (statement->amounts, RagAmount, i);
      if (word->start >= amount->start && word->end <= amount->end)
        return strcmp (word->form, amount->thing) != 0;
    }
  return FALSE;
}

/* "Ward A": the letter is a name, though a stop word. */
static gboolean is_letter_name (const Statement *statement, guint i)
{
  const RagWord *word = word_at (statement, i);
  return i > 0 && word->end - word->start == 1 && g_ascii_isupper (statement->text[word->start]);
}

static void find_words (Statement *statement)
{
  for (guint i = 0; i < statement->span->words->len; i++)
    {
      const RagWord *word = word_at (statement, i);
      if (word->kind != RAG_WORD_NUMBER && !is_in_amount (statement, word)
          && !rag_is_negation (statement->text, word)
          && (word->kind != RAG_WORD_STOP || is_letter_name (statement, i)))
        g_hash_table_add (statement->words, word->form);
    }
}

static void clear_statement (gpointer data)
{
  Statement *statement = data;
  g_clear_pointer (&statement->amounts, g_array_unref);
  g_clear_pointer (&statement->words, g_hash_table_unref);
}

static void read_statement (const RagEvidence *evidence, const RagSpan *span, Statement *statement)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const char *text = passage->hit->text + span->start;
  *statement = (Statement){ .text = text, .span = span, .passage = passage };
  if (passage->hit->hidden || span->words->len > MAX_WORDS
      || memchr (text, '\t', span->end - span->start) != NULL)
    {
      statement->text = NULL;
      return;
    }
  statement->amounts = rag_amounts (text, span->words);
  statement->words = g_hash_table_new (g_str_hash, g_str_equal);
  find_words (statement);
  statement->n_negations = rag_count_negations (text, span->words);
  if (statement->amounts->len > MAX_AMOUNTS)
    statement->text = NULL;
}

/* Elements: Statement, one for each span. */
static GArray *read_statements (const RagEvidence *evidence)
{
  GArray *statements = g_array_sized_new (FALSE, TRUE, sizeof (Statement), evidence->spans->len);
  g_array_set_clear_func (statements, clear_statement);
  g_array_set_size (statements, evidence->spans->len);
  for (guint i = 0; i < evidence->spans->len; i++)
    read_statement (evidence, &g_array_index (evidence->spans, RagSpan, i),
                    &g_array_index (statements, Statement, i));
  return statements;
}

/* ---- Does it answer the question? ---- */

static gboolean has_term (const Statement *statement, const char *form)
{
  return g_hash_table_contains (statement->span->forms, form)
         || g_hash_table_contains (statement->passage->heading, form);
}

/* Asked about 2019, only what speaks of 2019 answers. */
static gboolean speaks_of_year (const Statement *statement, const char *form)
{
  const RagHit *hit = statement->passage->hit;
  g_auto (RagDating) dating = { 0 };
  if (g_hash_table_contains (statement->passage->forms, form))
    return TRUE;
  rag_dating_of (hit->document, hit->title, &dating);
  return dating.date != NULL && g_str_has_prefix (dating.date, form + 1);
}

static gboolean is_found (const RagEvidence *evidence, const char *form)
{
  for (guint i = 0; i < evidence->passages->len; i++)
    if (g_hash_table_contains (((RagPassage *)g_ptr_array_index (evidence->passages, i))->forms,
                               form))
      return TRUE;
  return FALSE;
}

static gboolean is_of_years_asked (const RagQuestion *question, const Statement *statement)
{
  for (guint i = 0; i < question->terms->len; i++)
    {
      const char *form = g_array_index (question->terms, RagTerm, i).form;
      if (rag_is_year (form) && !speaks_of_year (statement, form))
        return FALSE;
    }
  return TRUE;
}

static gboolean answers (const RagQuestion *question, const RagEvidence *evidence,
                         const Statement *statement)
{
  double held = 0, found = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      held += has_term (statement, term->form) ? term->weight : 0;
      found += is_found (evidence, term->form) ? term->weight : 0;
    }
  return held >= MIN_ANSWERS * found;
}

/* OTHER has all that THIS has of the question. */
static gboolean answers_as_well (const RagQuestion *question, const Statement *this,
                                 const Statement *other)
{
  for (guint i = 0; i < question->terms->len; i++)
    {
      const char *form = g_array_index (question->terms, RagTerm, i).form;
      if (!rag_is_year (form) && has_term (this, form) && !has_term (other, form))
        return FALSE;
    }
  return is_of_years_asked (question, other);
}

/* ---- Comparing ---- */

/* Both speak of one thing: neither replaces a word of the other by its own. */
static gboolean same_subject (const Statement *a, const Statement *b)
{
  guint shared = 0;
  GHashTableIter iter;
  gpointer form;
  g_hash_table_iter_init (&iter, a->words);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    shared += g_hash_table_contains (b->words, form);
  const guint n_a = g_hash_table_size (a->words), n_b = g_hash_table_size (b->words);
  return shared >= MIN_SHARED_WORDS && (shared == n_a || shared == n_b)
         && 2.0 * shared > MIN_ALIKE * (n_a + n_b);
}

/* The amounts of A that B does not have. Elements: RagAmount*. */
static GPtrArray *only_in (const Statement *a, const Statement *b)
{
  GPtrArray *own = g_ptr_array_new ();
  for (guint i = 0; i < a->amounts->len; i++)
    {
      RagAmount *amount = &g_array_index (a->amounts, RagAmount, i);
      gboolean found = FALSE;
      for (guint k = 0; k < b->amounts->len && !found; k++)
        found = rag_amount_may_equal (amount, &g_array_index (b->amounts, RagAmount, k));
      if (!found)
        g_ptr_array_add (own, amount);
    }
  return own;
}

static void remove_times (GPtrArray *amounts)
{
  for (guint i = amounts->len; i-- > 0;)
    if (((const RagAmount *)g_ptr_array_index (amounts, i))->kind == RAG_AMOUNT_TIME)
      g_ptr_array_remove_index (amounts, i);
}

/* All of both are of one kind and count the same thing. */
static gboolean are_alike (const GPtrArray *a, const GPtrArray *b)
{
  const RagAmount *first = g_ptr_array_index (a, 0);
  for (guint i = 0; i < a->len; i++)
    {
      const RagAmount *x = g_ptr_array_index (a, i), *y = g_ptr_array_index (b, i);
      if (x->kind != first->kind || y->kind != first->kind || strcmp (x->thing, first->thing) != 0
          || strcmp (y->thing, first->thing) != 0)
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  RagConflictKind kind;
  guint start_a, end_a, start_b, end_b; /* bytes of the two sentences: what is said differently */
} Difference;

typedef enum
{
  UNRELATED,
  AGREES,
  DISAGREES,
} Relation;

static guint first_byte (const GPtrArray *amounts)
{
  return ((const RagAmount *)g_ptr_array_index (amounts, 0))->start;
}

static guint last_byte (const GPtrArray *amounts)
{
  return ((const RagAmount *)g_ptr_array_index (amounts, amounts->len - 1))->end;
}

/* "When" asks for dates and for times of day, "how many" for neither. */
static gboolean is_asked_for (const RagAmount *amount, RagKind asked)
{
  if (asked == RAG_KIND_DATE)
    return amount->kind != RAG_AMOUNT_NUMBER || strchr (amount->value, ':') != NULL;
  return asked == RAG_KIND_ANY || (asked == RAG_KIND_NUMBER && amount->kind == RAG_AMOUNT_NUMBER);
}

/* What was true in another year contradicts nothing, unless it is the time that was asked for. */
static Relation compare_amounts (const Statement *a, const Statement *b, RagKind asked,
                                 Difference *ret_difference)
{
  g_autoptr (GPtrArray) own_a = only_in (a, b), own_b = only_in (b, a);
  if (own_a->len == 0 && own_b->len == 0)
    return AGREES;
  if (asked != RAG_KIND_DATE)
    {
      const guint n_a = own_a->len, n_b = own_b->len;
      remove_times (own_a);
      remove_times (own_b);
      if (own_a->len < n_a && own_b->len < n_b)
        return UNRELATED;
    }
  if (own_a->len == 0 || own_a->len != own_b->len || !are_alike (own_a, own_b))
    return UNRELATED;
  const RagAmount *first = g_ptr_array_index (own_a, 0);
  const gboolean number = first->kind == RAG_AMOUNT_NUMBER;
  *ret_difference
      = (Difference){ number ? RAG_CONFLICT_NUMBER : RAG_CONFLICT_DATE, first_byte (own_a),
                      last_byte (own_a), first_byte (own_b), last_byte (own_b) };
  return is_asked_for (first, asked) ? DISAGREES : UNRELATED;
}

static Relation compare (const Statement *a, const Statement *b, RagKind asked,
                         Difference *ret_difference)
{
  if (!same_subject (a, b))
    return UNRELATED;
  const Relation relation = compare_amounts (a, b, asked, ret_difference);
  if (a->n_negations % 2 == b->n_negations % 2)
    return relation;
  if (relation != AGREES)
    return UNRELATED;
  *ret_difference = (Difference){ RAG_CONFLICT_POLARITY, 0, a->span->end - a->span->start, 0,
                                  b->span->end - b->span->start };
  return DISAGREES;
}

/* ---- Conflicts ---- */

static void value_free (gpointer data)
{
  RagConflictValue *value = data;
  g_free (value->text);
  g_free (value->date);
  g_free (value->version);
  rag_citation_free (value->citation);
  g_free (value);
}

void rag_conflict_free (RagConflict *conflict)
{
  if (conflict == NULL)
    return;
  g_ptr_array_unref (conflict->values);
  g_free (conflict);
}

static RagConflictValue *value_new (const RagEvidence *evidence, const Statement *statement,
                                    guint start, guint end)
{
  RagConflictValue *value = g_new0 (RagConflictValue, 1);
  RagDating dating;
  const RagHit *hit = statement->passage->hit;
  g_autofree char *quote = rag_span_text (evidence, statement->span);
  rag_dating_of (hit->document, hit->title, &dating);
  value->text = rag_one_line (statement->text + start, end - start);
  value->citation = rag_citation_new (hit, quote);
  value->date = dating.date;
  value->version = dating.version;
  return value;
}

/* Whether the answer, if there is one, says what A says there. */
static gboolean is_said (const RagQuestion *question, const char *answer, const Statement *a,
                         const Difference *difference)
{
  if (answer == NULL || difference->kind == RAG_CONFLICT_POLARITY)
    return TRUE;
  g_autoptr (GHashTable) said = rag_word_set (answer, -1, question->language);
  for (guint i = 0; i < a->span->words->len; i++)
    {
      const RagWord *word = word_at (a, i);
      if (word->kind == RAG_WORD_NUMBER && word->start >= difference->start_a
          && word->end <= difference->end_a && !g_hash_table_contains (said, word->form))
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  const RagQuestion *question;
  const RagEvidence *evidence;
  const GArray *statements; /* of EVIDENCE */
  const Statement *a;       /* what others are held against */
  const char *answer;
  RagKind asked;
  GPtrArray *agreeing; /* Statement*: of other documents */
  RagConflict *conflict;
  guint start, end; /* bytes of A that are contradicted */
} Search;

static void add_value (Search *search, const Statement *statement, guint start, guint end)
{
  if (search->conflict->values->len < MAX_VALUES)
    g_ptr_array_add (search->conflict->values, value_new (search->evidence, statement, start, end));
}

/* Whether B contradicts A in what was asked and answered; that is noted. */
static gboolean contradicts (Search *search, const Statement *b)
{
  Difference difference = { 0 };
  if (compare (search->a, b, search->asked, &difference) != DISAGREES
      || !answers_as_well (search->question, search->a, b)
      || !is_said (search->question, search->answer, search->a, &difference))
    return FALSE;
  if (search->conflict->values->len == 0)
    {
      search->conflict->kind = difference.kind;
      search->start = difference.start_a;
      search->end = difference.end_a;
      add_value (search, search->a, search->start, search->end);
    }
  add_value (search, b, difference.start_b, difference.end_b);
  return TRUE;
}

static gboolean agrees (Search *search, const Statement *b)
{
  Difference difference;
  if (compare (search->a, b, search->asked, &difference) != AGREES)
    return FALSE;
  g_ptr_array_add (search->agreeing, (gpointer)b);
  return TRUE;
}

/* Settles the documents of which a sentence passes TEST. */
static void look_through (Search *search, gboolean (*test) (Search *, const Statement *),
                          GHashTable *settled)
{
  for (guint i = 0; i < search->statements->len; i++)
    {
      const Statement *b = &g_array_index (search->statements, Statement, i);
      if (b->text != NULL && !g_hash_table_contains (settled, &b->passage->document_id)
          && test (search, b))
        g_hash_table_add (settled, (gpointer)&b->passage->document_id);
    }
}

/* B says of the contradicted amounts of A the same, perhaps in other words. */
static void add_agreeing (Search *search, const Statement *b)
{
  guint start = G_MAXUINT, end = 0;
  for (guint i = 0; i < search->a->amounts->len; i++)
    for (guint k = 0; k < b->amounts->len; k++)
      {
        const RagAmount *x = &g_array_index (search->a->amounts, RagAmount, i);
        const RagAmount *y = &g_array_index (b->amounts, RagAmount, k);
        if (x->start < search->start || x->end > search->end || !rag_amount_may_equal (x, y))
          continue;
        start = MIN (start, y->start);
        end = MAX (end, y->end);
      }
  if (search->conflict->kind == RAG_CONFLICT_POLARITY)
    add_value (search, b, 0, b->span->end - b->span->start);
  else if (start < end)
    add_value (search, b, start, end);
}

/* A document that agrees with A somewhere is no witness against it. NULL: nothing contradicts A. */
static RagConflict *conflict_with (const RagQuestion *question, const RagEvidence *evidence,
                                   const GArray *statements, const Statement *a, const char *answer)
{
  g_autoptr (GHashTable) settled = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autoptr (GPtrArray) agreeing = g_ptr_array_new ();
  RagConflict *conflict = g_new0 (RagConflict, 1);
  Search search = { .question = question,
                    .evidence = evidence,
                    .statements = statements,
                    .a = a,
                    .answer = answer,
                    .asked = rag_kind_asked (question),
                    .agreeing = agreeing,
                    .conflict = conflict };
  conflict->values = g_ptr_array_new_with_free_func (value_free);
  g_hash_table_add (settled, (gpointer)&a->passage->document_id);
  look_through (&search, agrees, settled);
  look_through (&search, contradicts, settled);
  if (conflict->values->len == 0)
    g_clear_pointer (&conflict, rag_conflict_free);
  for (guint i = 0; conflict != NULL && i < agreeing->len; i++)
    add_agreeing (&search, g_ptr_array_index (agreeing, i));
  return conflict;
}

static gboolean rests_on (const GPtrArray *citations, const RagEvidence *evidence,
                          const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const gsize length = span->end - span->start;
  for (guint i = 0; i < citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (citations, i);
      if (strcmp (citation->document, passage->hit->document) == 0
          && strlen (citation->quote) == length
          && memcmp (citation->quote, passage->hit->text + span->start, length) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether one of CONFLICTS tells of what SPAN says. */
static gboolean is_told (const GPtrArray *conflicts, const RagEvidence *evidence,
                         const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  g_autofree char *text = rag_span_text (evidence, span);
  for (guint i = 0; i < conflicts->len; i++)
    {
      const GPtrArray *values = ((const RagConflict *)g_ptr_array_index (conflicts, i))->values;
      for (guint k = 0; k < values->len; k++)
        {
          const RagCitation *citation
              = ((const RagConflictValue *)g_ptr_array_index (values, k))->citation;
          if (strcmp (citation->document, passage->hit->document) == 0
              && strcmp (citation->quote, text) == 0)
            return TRUE;
        }
    }
  return FALSE;
}

/* "May visitors bring flowers" is answered by its own words, which rag_quotable does not take. */
static const RagSpan *best_sentence (const RagQuestion *question, const RagEvidence *evidence)
{
  const RagSpan *quotable = rag_quotable (question, evidence);
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, 1);
  return quotable == NULL && nearest->len > 0 ? g_ptr_array_index (nearest, 0) : quotable;
}

GPtrArray *rag_find_conflicts (const RagQuestion *question, const RagEvidence *evidence,
                               const GPtrArray *citations, const char *answer)
{
  GPtrArray *conflicts = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_conflict_free);
  const RagSpan *best = citations == NULL ? best_sentence (question, evidence) : NULL;
  g_autoptr (GArray) statements = read_statements (evidence);
  for (guint i = 0; i < statements->len; i++)
    {
      const Statement *a = &g_array_index (statements, Statement, i);
      const gboolean wanted
          = citations != NULL ? rests_on (citations, evidence, a->span) : a->span == best;
      if (!wanted || a->text == NULL || !is_of_years_asked (question, a)
          || (citations == NULL && !answers (question, evidence, a))
          || is_told (conflicts, evidence, a->span))
        continue;
      RagConflict *conflict = conflict_with (question, evidence, statements, a, answer);
      if (conflict != NULL)
        g_ptr_array_add (conflicts, conflict);
    }
  return conflicts;
}

static gint compare_newer_first (gconstpointer a, gconstpointer b)
{
  const RagConflictValue *x = *(RagConflictValue *const *)a, *y = *(RagConflictValue *const *)b;
  return rag_dating_compare (y->date, y->version, x->date, x->version);
}

gboolean rag_date_conflicts (Rag *rag, const GPtrArray *conflicts, GError **error)
{
  GError *inner = NULL;
  for (guint i = 0; i < conflicts->len; i++)
    {
      GPtrArray *values = ((const RagConflict *)g_ptr_array_index (conflicts, i))->values;
      for (guint k = 0; k < values->len; k++)
        {
          RagConflictValue *value = g_ptr_array_index (values, k);
          if (value->date != NULL)
            continue;
          g_autoptr (IndexDocument) document
              = index_find_document (rag->index, value->citation->document, &inner);
          if (inner != NULL)
            return rag_translate_error (error, inner);
          value->date = document != NULL ? g_strdup (document->date) : NULL;
        }
      g_ptr_array_sort (values, compare_newer_first);
    }
  return TRUE;
}

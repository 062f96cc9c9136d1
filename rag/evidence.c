/* Chooses what the model reads: the sentences worth their tokens.
 *
 * In come passages, best first, and a budget in tokens; out go their best sentences in the order of
 * the documents, under their headings. On a processor a prompt costs seconds, so sentences compete:
 * one counts by the question's words in it, by those of its neighbours and its heading (a sentence
 * that says "it" is about what stands before), by the rank of its passage, and, if it is among the
 * best by all that, by its meaning: who asks seldom uses the document's words. */
#include "rag/answer-private.h"

#include <math.h>
#include <string.h>

/* Weights of a sentence's score beside its own share of the question's words (1); chosen on SQuAD
 * 2.0, see docs/answers.md. */
#define NEIGHBOUR_WEIGHT 0.35
#define HEADING_WEIGHT 0.15
#define PASSAGE_WEIGHT 1.0
#define MEANING_WEIGHT 1.5
/* Sentences compared by meaning, each with its heading and the one before it: ten milliseconds each
 * on a slow machine. */
#define MAX_COMPARED 16

static void clear_span (gpointer data)
{
  RagSpan *span = data;
  g_array_unref (span->words);
  g_hash_table_unref (span->forms);
}

static void passage_free (gpointer data)
{
  RagPassage *passage = data;
  rag_hit_free (passage->hit);
  g_hash_table_unref (passage->heading);
  g_hash_table_unref (passage->forms);
  g_free (passage);
}

static void add_forms (GHashTable *set, const GArray *words)
{
  for (guint i = 0; i < words->len; i++)
    {
      const RagWord *word = &g_array_index (words, RagWord, i);
      if (word->kind != RAG_WORD_STOP)
        g_hash_table_add (set, g_strdup (word->form));
    }
}

static GHashTable *new_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void add_all (GHashTable *set, GHashTable *more)
{
  GHashTableIter iter;
  gpointer form;
  g_hash_table_iter_init (&iter, more);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    g_hash_table_add (set, g_strdup (form));
}

/* ---- Cutting ---- */

static void add_span (RagEvidence *evidence, RagPassage *passage, guint start, guint end)
{
  const char *text = passage->hit->text;
  rag_trim_span (text, &start, &end);
  if (start == end || rag_is_order (text + start, end - start))
    return;
  RagSpan span = { .passage = passage->rank, .start = start, .end = end, .cosine = NAN };
  span.words = rag_words (text + start, end - start, passage->language);
  span.forms = new_set ();
  add_forms (span.forms, span.words);
  add_all (passage->forms, span.forms);
  g_array_append_val (evidence->spans, span);
}

/* Sentences, and within them lines: a table's rows and a list's items stand for themselves. */
static void cut (RagEvidence *evidence, RagPassage *passage)
{
  const char *text = passage->hit->text;
  g_autoptr (GArray) sentences = ingest_sentences (text, rag_language_code (passage->language));
  passage->first_span = evidence->spans->len;
  for (guint i = 0; i < sentences->len; i++)
    {
      const IngestSentence *sentence = &g_array_index (sentences, IngestSentence, i);
      add_span (evidence, passage, sentence->start, sentence->end);
    }
  passage->n_spans = evidence->spans->len - passage->first_span;
}

static void add_passage (RagEvidence *evidence, const IndexHit *hit, RagLanguage fallback)
{
  RagPassage *passage = g_new0 (RagPassage, 1);
  passage->hit = rag_hit_from_index (hit);
  passage->language = hit->language != NULL ? rag_language_from_code (hit->language) : fallback;
  passage->document_id = hit->document_id;
  passage->start = hit->start;
  passage->rank = evidence->passages->len;
  g_autofree char *heading
      = g_strconcat (hit->title != NULL ? hit->title : "", "\n", passage->hit->section, NULL);
  passage->heading = rag_word_set (heading, -1, passage->language);
  passage->forms = new_set ();
  add_all (passage->forms, passage->heading);
  g_ptr_array_add (evidence->passages, passage);
  cut (evidence, passage);
}

/* ---- Scoring ---- */

/* Share of the question's weight that is in A or, if not there, in B but not in NOT_IN. */
static double extra_coverage (const RagQuestion *question, GHashTable *in, GHashTable *not_in)
{
  double held = 0;
  for (guint i = 0; i < question->terms->len; i++)
    {
      const RagTerm *term = &g_array_index (question->terms, RagTerm, i);
      if (g_hash_table_contains (in, term->form) && !g_hash_table_contains (not_in, term->form))
        held += term->weight;
    }
  return question->total_weight > 0 ? held / question->total_weight : 0;
}

static void score_passage (RagEvidence *evidence, const RagQuestion *question, RagPassage *passage,
                           double prior)
{
  for (guint i = passage->first_span; i < passage->first_span + passage->n_spans; i++)
    {
      RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      double before
          = i > passage->first_span ? extra_coverage (question, (span - 1)->forms, span->forms) : 0;
      double after = i + 1 < passage->first_span + passage->n_spans
                         ? extra_coverage (question, (span + 1)->forms, span->forms)
                         : 0;
      span->score = rag_question_coverage (question, span->forms)
                    + NEIGHBOUR_WEIGHT * MAX (before, after)
                    + HEADING_WEIGHT * extra_coverage (question, passage->heading, span->forms)
                    + PASSAGE_WEIGHT * prior;
    }
}

/* What is shown of a passage where there is room for one sentence. */
static void mark_best (RagEvidence *evidence)
{
  for (guint i = 0; i < evidence->passages->len; i++)
    {
      const RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      const RagSpan *best = NULL;
      for (guint k = passage->first_span; k < passage->first_span + passage->n_spans; k++)
        {
          const RagSpan *span = &g_array_index (evidence->spans, RagSpan, k);
          best = best == NULL || span->score > best->score ? span : best;
        }
      passage->hit->best_start = best != NULL ? best->start : 0;
      passage->hit->best_end = best != NULL ? best->end : 0;
    }
}

RagEvidence *rag_evidence_new (const RagQuestion *question, const GPtrArray *hits)
{
  RagEvidence *evidence = g_new0 (RagEvidence, 1);
  evidence->passages = g_ptr_array_new_with_free_func (passage_free);
  evidence->spans = g_array_new (FALSE, FALSE, sizeof (RagSpan));
  g_array_set_clear_func (evidence->spans, clear_span);
  evidence->order = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < hits->len; i++)
    add_passage (evidence, g_ptr_array_index (hits, i), question->language);
  for (guint i = 0; i < evidence->passages->len; i++)
    {
      RagPassage *passage = g_ptr_array_index (evidence->passages, i);
      const RagPassage *first = g_ptr_array_index (evidence->passages, 0);
      double best = first->hit->score;
      score_passage (evidence, question, passage, best > 0 ? passage->hit->score / best : 0);
    }
  mark_best (evidence);
  return evidence;
}

void rag_evidence_free (RagEvidence *evidence)
{
  if (evidence == NULL)
    return;
  g_array_unref (evidence->spans);
  g_ptr_array_unref (evidence->passages);
  g_array_unref (evidence->order);
  g_free (evidence);
}

/* SPAN as it is understood: under its heading, after the sentence before it. */
static char *text_in_context (const RagEvidence *evidence, const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  const RagSpan *first = &g_array_index (evidence->spans, RagSpan, passage->first_span);
  const RagSpan *from = span > first ? span - 1 : span;
  g_autofree char *line
      = rag_one_line (passage->hit->text + from->start, span->end - from->start);
  return g_strconcat (passage->hit->section, "\n", line, NULL);
}

gboolean rag_evidence_compare (Rag *rag, const RagQuestion *question, RagEvidence *evidence,
                               GError **error)
{
  g_autoptr (GPtrArray) nearest = rag_evidence_nearest (evidence, MAX_COMPARED);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  double cosines[MAX_COMPARED];
  if (index_encoder (rag->index, NULL) == NULL)
    return TRUE;
  for (guint i = 0; i < nearest->len; i++)
    g_ptr_array_add (texts, text_in_context (evidence, g_ptr_array_index (nearest, i)));
  if (!rag_cosines (rag, question, (const char *const *)texts->pdata, texts->len, cosines, error))
    return FALSE;
  for (guint i = 0; i < nearest->len; i++)
    {
      RagSpan *span = g_ptr_array_index (nearest, i);
      span->cosine = cosines[i];
      span->score += MEANING_WEIGHT * MAX (0, cosines[i]);
    }
  mark_best (evidence);
  return TRUE;
}

/* ---- Selecting ---- */

static gsize quarter_bytes (const char *text, gsize length, gpointer user_data)
{
  return (length + 3) / 4;
}

typedef struct
{
  RagEvidence *evidence;
  RagTokenCount count;
  gpointer user_data;
  gsize left;        /* tokens */
  GHashTable *texts; /* set: folded sentences already shown */
  gboolean *open;    /* [n passages]: its heading is paid for */
} Selection;

/* The title stands once above all that comes from its document. */
static const char *title_of (const RagHit *hit)
{
  return hit->title != NULL ? hit->title : "";
}

/* A section often begins with the title, which is there already. */
static const char *section_of (const RagHit *hit)
{
  const char *title = title_of (hit), *section = hit->section;
  if (*title != '\0' && g_str_has_prefix (section, title))
    section += strlen (title);
  return g_str_has_prefix (section, " › ") ? section + strlen (" › ") : section;
}

/* A table's first row names its columns. */
static gboolean has_header_row (const RagPassage *passage, const RagEvidence *evidence)
{
  const RagSpan *first = &g_array_index (evidence->spans, RagSpan, passage->first_span);
  return memchr (passage->hit->text + first->start, '\t', first->end - first->start) != NULL;
}

static gboolean document_is_open (const Selection *selection, gint64 document_id)
{
  const GPtrArray *passages = selection->evidence->passages;
  for (guint i = 0; i < passages->len; i++)
    if (selection->open[i]
        && ((const RagPassage *)g_ptr_array_index (passages, i))->document_id == document_id)
      return TRUE;
  return FALSE;
}

static gsize cost_of (const Selection *selection, const RagPassage *passage, const RagSpan *span)
{
  const char *text = passage->hit->text;
  gsize tokens
      = 1 + selection->count (text + span->start, span->end - span->start, selection->user_data);
  if (!selection->open[passage->rank])
    {
      const char *title = title_of (passage->hit), *section = section_of (passage->hit);
      tokens += 2 + selection->count (section, strlen (section), selection->user_data);
      if (!document_is_open (selection, passage->document_id))
        tokens += 2 + selection->count (title, strlen (title), selection->user_data);
    }
  return tokens;
}

/* FALSE when it does not fit or is a copy of what is shown. */
static gboolean show (Selection *selection, RagSpan *span)
{
  RagPassage *passage = g_ptr_array_index (selection->evidence->passages, span->passage);
  if (span->shown)
    return TRUE;
  gsize cost = cost_of (selection, passage, span);
  if (cost > selection->left)
    return FALSE;
  g_autofree char *line = rag_span_text (selection->evidence, span);
  g_autofree char *folded = rag_fold (line, -1);
  if (!g_hash_table_add (selection->texts, g_steal_pointer (&folded)))
    return FALSE;
  selection->left -= cost;
  selection->open[span->passage] = TRUE;
  span->shown = TRUE;
  return TRUE;
}

static gint compare_scores (gconstpointer a, gconstpointer b)
{
  const RagSpan *x = *(RagSpan *const *)a, *y = *(RagSpan *const *)b;
  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return x < y ? -1 : x > y;
}

static GPtrArray *spans_by_score (const RagEvidence *evidence)
{
  GPtrArray *spans = g_ptr_array_new ();
  for (guint i = 0; i < evidence->spans->len; i++)
    g_ptr_array_add (spans, &g_array_index (evidence->spans, RagSpan, i));
  g_ptr_array_sort (spans, compare_scores);
  return spans;
}

GPtrArray *rag_evidence_nearest (const RagEvidence *evidence, guint n)
{
  GPtrArray *nearest = spans_by_score (evidence);
  if (nearest->len > n)
    g_ptr_array_set_size (nearest, (int)n);
  return nearest;
}

char *rag_span_text (const RagEvidence *evidence, const RagSpan *span)
{
  const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
  return rag_one_line (passage->hit->text + span->start, span->end - span->start);
}

/* The rank of a document is that of its best passage. */
static guint document_rank (const RagEvidence *evidence, gint64 document_id)
{
  for (guint i = 0; i < evidence->passages->len; i++)
    if (((RagPassage *)g_ptr_array_index (evidence->passages, i))->document_id == document_id)
      return i;
  return G_MAXUINT;
}

static gint compare_reading_order (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const RagEvidence *evidence = user_data;
  const RagPassage *x = g_ptr_array_index (evidence->passages, *(const guint *)a);
  const RagPassage *y = g_ptr_array_index (evidence->passages, *(const guint *)b);
  guint rank_x = document_rank (evidence, x->document_id);
  guint rank_y = document_rank (evidence, y->document_id);
  if (rank_x != rank_y)
    return rank_x < rank_y ? -1 : 1;
  return x->start < y->start ? -1 : x->start > y->start;
}

void rag_evidence_select (RagEvidence *evidence, guint budget, RagTokenCount count,
                          gpointer user_data)
{
  g_autoptr (GHashTable) texts = new_set ();
  g_autofree gboolean *open = g_new0 (gboolean, evidence->passages->len + 1);
  g_autoptr (GPtrArray) best_first = spans_by_score (evidence);
  Selection selection
      = { evidence, count != NULL ? count : quarter_bytes, user_data, budget, texts, open };
  for (guint i = 0; i < evidence->spans->len; i++)
    g_array_index (evidence->spans, RagSpan, i).shown = FALSE;
  for (guint i = 0; i < best_first->len; i++)
    {
      RagSpan *span = g_ptr_array_index (best_first, i);
      const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
      if (has_header_row (passage, evidence))
        show (&selection, &g_array_index (evidence->spans, RagSpan, passage->first_span));
      show (&selection, span);
    }
  g_array_set_size (evidence->order, 0);
  for (guint i = 0; i < evidence->passages->len; i++)
    if (open[i])
      g_array_append_val (evidence->order, i);
  g_array_sort_with_data (evidence->order, compare_reading_order, evidence);
}

/* ---- Writing ---- */

/* A new line where the document has one (rows, items), a space where it has white space, and dots
 * where something was left out. */
static const char *separator (const RagHit *hit, const RagSpan *last, const RagSpan *span)
{
  if (span != last + 1)
    return " … ";
  return memchr (hit->text + last->end, '\n', span->start - last->end) != NULL ? "\n" : " ";
}

static void append_passage (GString *text, const RagEvidence *evidence, const RagPassage *passage)
{
  const RagSpan *last = NULL;
  for (guint i = passage->first_span; i < passage->first_span + passage->n_spans; i++)
    {
      const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      if (!span->shown)
        continue;
      if (last != NULL)
        g_string_append (text, separator (passage->hit, last, span));
      g_string_append_len (text, passage->hit->text + span->start, span->end - span->start);
      last = span;
    }
}

static void append_line (GString *text, const char *line)
{
  if (*line != '\0')
    g_string_append_printf (text, "%s\n", line);
}

char *rag_evidence_text (const RagEvidence *evidence)
{
  GString *text = g_string_new (NULL);
  gint64 document_id = -1;
  const char *section = "";
  for (guint i = 0; i < evidence->order->len; i++)
    {
      const RagPassage *passage
          = g_ptr_array_index (evidence->passages, g_array_index (evidence->order, guint, i));
      gboolean new_document = i == 0 || passage->document_id != document_id;
      g_string_append (text, i > 0 ? "\n\n" : "");
      if (new_document)
        append_line (text, title_of (passage->hit));
      if (new_document || strcmp (section, section_of (passage->hit)) != 0)
        append_line (text, section_of (passage->hit));
      append_passage (text, evidence, passage);
      document_id = passage->document_id;
      section = section_of (passage->hit);
    }
  return g_string_free (text, FALSE);
}

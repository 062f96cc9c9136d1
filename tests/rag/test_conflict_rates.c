/* How often a conflict is seen where there is none, and where there is one: questions of SQuAD 2.0,
 * every paragraph of its articles a document of its own, found by their words. The paragraphs do
 * not contradict one another, so whatever is reported is a false alarm; a copy of the right
 * paragraph in which the expected number is another must be reported. Skipped where
 * ../shared/data/qa is not. */
#include <glib/gstdio.h>
#include <stdio.h>

#include "squad.h"

#define N_QUESTIONS 1500
#define MAX_ALARMS 0.002
#define MIN_SEEN 0.7

typedef struct
{
  guint n, seen;
} Count;

typedef struct
{
  Count passages, answers, planted;
} Counts;

static gboolean verbose;

static gboolean fill (const char *dir, const RagSquad *squad, GError **error)
{
  g_autoptr (Index) index = index_open (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH, error);
  for (guint i = 0; index != NULL && i < squad->paragraphs->len; i++)
    {
      char **row = g_ptr_array_index (squad->paragraphs, i);
      const IndexDocument document = { .path = row[0],
                                       .title = row[1],
                                       .mime_type = (char *)"text/plain",
                                       .language = (char *)"en",
                                       .collection = (char *)"default",
                                       .sha256 = (char *)"",
                                       .n_pages = 1 };
      const IndexChunk chunk = { .id = row[0],
                                 .text = row[2],
                                 .section = "",
                                 .first_page = 1,
                                 .last_page = 1,
                                 .end = (gint64)strlen (row[2]) };
      if (!index_put_document (index, &document, &chunk, 1, NULL, error))
        return FALSE;
    }
  return index != NULL;
}

static void show (const RagSquadQuestion *question, const GPtrArray *conflicts)
{
  printf ("%s\n", question->text);
  for (guint i = 0; i < conflicts->len; i++)
    {
      const GPtrArray *values = ((const RagConflict *)g_ptr_array_index (conflicts, i))->values;
      for (guint k = 0; k < values->len; k++)
        {
          const RagConflictValue *value = g_ptr_array_index (values, k);
          printf ("    %s (%s): %s\n", value->text, value->citation->document,
                  value->citation->quote);
        }
    }
}

static void count (Count *tally, const RagSquadQuestion *question, const RagQuestion *asked,
                   const RagEvidence *evidence, const GPtrArray *citations, const char *answer,
                   gboolean wanted)
{
  g_autoptr (GPtrArray) conflicts = rag_find_conflicts (asked, evidence, citations, answer);
  tally->n++;
  tally->seen += conflicts->len > 0;
  if (verbose && (conflicts->len > 0) != wanted)
    show (question, conflicts);
}

/* The sentence that holds the expected answer. Elements: RagCitation*, at most one. */
static GPtrArray *cite_expected (const RagSquad *squad, const RagSquadQuestion *question,
                                 const RagEvidence *evidence)
{
  g_autofree char *statement = squad_statement (squad, question);
  GPtrArray *citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  for (guint i = 0; i < evidence->spans->len && citations->len == 0; i++)
    {
      const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      const RagPassage *passage = g_ptr_array_index (evidence->passages, span->passage);
      g_autofree char *line = rag_span_text (evidence, span);
      g_autofree char *quote
          = g_strndup (passage->hit->text + span->start, span->end - span->start);
      if (g_strcmp0 (line, statement) == 0)
        g_ptr_array_add (citations, rag_citation_new (passage->hit, quote));
    }
  return citations;
}

/* The right paragraph as another document in which the digits of the expected answer are others;
 * NULL when it has none. */
static IndexHit *plant (const RagSquad *squad, const RagSquadQuestion *question)
{
  const char *expected = g_ptr_array_index (question->expected, 0);
  g_autoptr (GString) other = g_string_new (expected);
  gsize last = other->len;
  for (gsize i = 0; i < other->len; i++)
    last = g_ascii_isdigit (other->str[i]) ? i : last;
  if (last == other->len)
    return NULL;
  other->str[last] = (char)('0' + (other->str[last] - '0' + 3) % 10);
  for (guint i = 0; i < squad->paragraphs->len; i++)
    {
      char **row = g_ptr_array_index (squad->paragraphs, i);
      if (strcmp (row[0], question->paragraph) != 0)
        continue;
      g_autoptr (GString) text = g_string_new (row[2]);
      g_string_replace (text, expected, other->str, 0);
      return support_hit (1000000, 0, row[1], "", text->str);
    }
  return NULL;
}

static void count_question (Rag *rag, const RagSquad *squad, const RagSquadQuestion *question,
                            Counts *counts)
{
  RagRetrieval found;
  g_autoptr (RagQuestion) asked = rag_question_new (rag, question->text, NULL);
  if (asked == NULL
      || !rag_retrieve (rag, question->text, RAG_SEARCH_HYBRID, RAG_MAX_PASSAGES, NULL, -1, &found,
                        NULL))
    return;
  g_autoptr (RagEvidence) evidence = rag_evidence_new (asked, found.hits);
  count (&counts->passages, question, asked, evidence, NULL, NULL, FALSE);
  const char *answer = question->answerable && question->expected->len > 0
                           ? g_ptr_array_index (question->expected, 0)
                           : NULL;
  g_autoptr (GPtrArray) citations
      = answer != NULL ? cite_expected (squad, question, evidence) : NULL;
  if (citations != NULL && citations->len > 0)
    {
      IndexHit *other = plant (squad, question);
      count (&counts->answers, question, asked, evidence, citations, answer, FALSE);
      if (other != NULL)
        {
          g_ptr_array_add (found.hits, other);
          g_autoptr (RagEvidence) more = rag_evidence_new (asked, found.hits);
          count (&counts->planted, question, asked, more, citations, answer, TRUE);
        }
    }
  rag_retrieval_clear (&found);
}

static gboolean check (const char *name, const Count *tally, double low, double high)
{
  const double share = tally->n > 0 ? (double)tally->seen / tally->n : -1;
  printf ("%-36s %4u of %4u, %.4f\n", name, tally->seen, tally->n, share);
  return share >= low && share <= high;
}

static int judge (const Counts *counts)
{
  gboolean ok = check ("false alarms, passages alone", &counts->passages, 0, MAX_ALARMS);
  ok = check ("false alarms, expected answer", &counts->answers, 0, MAX_ALARMS) && ok;
  ok = check ("planted numbers seen", &counts->planted, MIN_SEEN, 1) && ok;
  return ok ? 0 : 1;
}

int main (int argc, char **argv)
{
  RagSquad squad;
  Counts counts = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *file = squad_file ();
  verbose = argc > 1;
  if (!g_file_test (file, G_FILE_TEST_EXISTS))
    {
      printf ("skipped: %s is not here\n", file);
      return 77;
    }
  g_autofree char *dir = g_dir_make_tmp ("docent-conflicts-XXXXXX", &error);
  const RagOptions options = { .library_dir = dir, .models_dir = dir };
  g_autoptr (Rag) rag = NULL;
  if (dir != NULL && rag_squad_read (file, RAG_SQUAD_ADVERSARIAL, 0, 0, &squad, &error)
      && fill (dir, &squad, &error))
    rag = rag_open (&options, RAG_READ, &error);
  if (rag == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  g_autoptr (GPtrArray) sample = rag_squad_sample (&squad, verbose ? 0 : N_QUESTIONS, 1);
  for (guint i = 0; i < sample->len; i++)
    count_question (rag, &squad, g_ptr_array_index (sample, i), &counts);
  rag_remove_tree (dir);
  const int code = judge (&counts);
  rag_squad_clear (&squad);
  return code;
}

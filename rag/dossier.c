/* A long document as a brief: for each heading of a template, what the document says about it.
 *
 * In: documents and a template. Out: sections of cited statements. Two ways, as the heading says.
 * Asked: the best passages of the whole document go to the model, and the gate keeps what they
 * prove. Matched: every sentence of every section is looked at (map); each section offers its best,
 * and the best of those are quoted, so that no part of the document is passed over (reduce); tables
 * are chosen in the same way (dossier-tables.c). Finished headings are kept in a file, and an
 * interrupted run goes on behind them. */
#include "rag/dossier-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define PASSAGES_PER_HEADING 16
/* A section may not fill a heading alone. */
#define SHARE_OF_SECTION 3
#define MIN_SENTENCE_BYTES 25
#define MAX_SENTENCE_BYTES 400

typedef struct
{
  Rag *rag;
  const RagDossierOptions *options;
  GPtrArray *documents; /* IndexDocument* */
  RagBrief *brief;
  RagWriter writer;
  gint64 started_us;
} Dossier;

/* ---- Matched headings ---- */

typedef struct
{
  const RagSpan *span;
  const char *section; /* outermost title */
  gsize section_length;
} Candidate;

static gint compare_candidates (gconstpointer a, gconstpointer b)
{
  const Candidate *first = a, *second = b;
  if (first->span->score != second->span->score)
    return first->span->score < second->span->score ? 1 : -1;
  /* As in the document. */
  return first->span < second->span ? -1 : first->span > second->span;
}

/* Elements: Candidate, best first. */
static GArray *find_candidates (const RagEvidence *evidence, const GRegex *match)
{
  GArray *candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  for (guint i = 0; i < evidence->spans->len; i++)
    {
      const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      const RagHit *hit
          = ((RagPassage *)g_ptr_array_index (evidence->passages, span->passage))->hit;
      const guint length = span->end - span->start;
      if (length < MIN_SENTENCE_BYTES || length > MAX_SENTENCE_BYTES
          || rag_is_wide_row (hit->text + span->start, length)
          || !g_regex_match_full (match, hit->text + span->start, length, 0, 0, NULL, NULL))
        continue;
      const char *inner = strstr (hit->section, " › ");
      const Candidate candidate
          = { span, hit->section, inner != NULL ? (gsize)(inner - hit->section) : strlen (hit->section) };
      g_array_append_val (candidates, candidate);
    }
  g_array_sort (candidates, compare_candidates);
  return candidates;
}

gboolean rag_dossier_add_point (RagSection *section, RagPoint *point)
{
  for (guint i = 0; i < section->points->len; i++)
    if (strcmp (((RagPoint *)g_ptr_array_index (section->points, i))->text, point->text) == 0)
      {
        rag_point_free (point);
        return FALSE;
      }
  g_ptr_array_add (section->points, point);
  return TRUE;
}

/* The best of all, no section with more than its share. */
static void take_candidates (const RagEvidence *evidence, const GArray *candidates, guint n_points,
                             RagSection *section)
{
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const guint share = MAX (n_points / SHARE_OF_SECTION, 1);
  const guint limit = section->points->len + n_points;
  for (guint i = 0; i < candidates->len && section->points->len < limit; i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);
      g_autofree char *name = g_strndup (candidate->section, candidate->section_length);
      const guint n = GPOINTER_TO_UINT (g_hash_table_lookup (taken, name));
      if (n < share
          && rag_dossier_add_point (section, rag_point_quote (evidence, candidate->span)))
        g_hash_table_replace (taken, g_steal_pointer (&name), GUINT_TO_POINTER (n + 1));
    }
}

static gboolean match_heading (Dossier *dossier, const RagHeading *heading, RagSection *section,
                               GError **error)
{
  g_autoptr (RagQuestion) question = rag_question_new (dossier->rag, heading->about, error);
  for (guint d = 0; question != NULL && d < dossier->documents->len; d++)
    {
      GError *inner = NULL;
      const IndexDocument *document = g_ptr_array_index (dossier->documents, d);
      g_autoptr (GPtrArray) chunks
          = index_document_chunks (dossier->rag->index, document->id, 0, 0, &inner);
      if (chunks == NULL)
        return rag_translate_error (error, inner);
      if (heading->tables)
        {
          rag_dossier_tables (chunks, heading->about, question->language, heading->n_points, section);
          continue;
        }
      g_autoptr (RagEvidence) evidence = rag_evidence_new (question, chunks);
      g_autoptr (GArray) candidates = find_candidates (evidence, heading->match);
      take_candidates (evidence, candidates, heading->n_points, section);
    }
  return question != NULL;
}

/* ---- Asked headings ---- */

static gboolean out_of_time (const Dossier *dossier)
{
  const double seconds
      = (double)(g_get_monotonic_time () - dossier->started_us) / G_USEC_PER_SEC;
  return dossier->options->budget_seconds > 0 && seconds > dossier->options->budget_seconds;
}

static gboolean ask_heading (Dossier *dossier, const RagHeading *heading, RagSection *section,
                             GError **error)
{
  const RagPointPrompt prompt = { "prompts/dossier.txt", "prompts/user.txt" };
  if (dossier->writer.session != NULL && out_of_time (dossier))
    {
      rag_writer_clear (&dossier->writer);
      g_ptr_array_add (dossier->brief->notes,
                       g_strdup_printf ("The time was over before “%s”: from there on the document "
                                        "is quoted.",
                                        heading->title));
    }
  for (guint d = 0; d < dossier->documents->len; d++)
    {
      RagRetrieval retrieval;
      const IndexDocument *document = g_ptr_array_index (dossier->documents, d);
      if (!rag_retrieve (dossier->rag, heading->about, RAG_SEARCH_HYBRID, PASSAGES_PER_HEADING, NULL,
                         document->id, &retrieval, error))
        return FALSE;
      const gboolean ok = rag_write_points (&dossier->writer, &prompt, heading->about,
                                            retrieval.hits, heading->n_points, section, error);
      rag_retrieval_clear (&retrieval);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

/* ---- Going on ---- */

static gboolean is_stopped (const Dossier *dossier)
{
  return g_cancellable_is_cancelled (dossier->options->cancellable);
}

static RagSection *section_new (const Dossier *dossier, const char *title)
{
  RagSection *section = rag_section_new (title);
  for (guint d = 0; d < dossier->documents->len; d++)
    {
      const IndexDocument *document = g_ptr_array_index (dossier->documents, d);
      g_ptr_array_add (section->documents, g_strdup (document->path));
    }
  return section;
}

static gboolean same_documents (const RagSection *a, const RagSection *b)
{
  gboolean same = a->documents->len == b->documents->len;
  for (guint i = 0; same && i < a->documents->len; i++)
    same = g_strcmp0 (g_ptr_array_index (a->documents, i), g_ptr_array_index (b->documents, i)) == 0;
  return same;
}

/* Takes over the section that an interrupted run finished, if it is of these documents. */
static gboolean resume_section (RagBrief *earlier, const RagSection *wanted, RagBrief *brief)
{
  for (guint i = 0; earlier != NULL && i < earlier->sections->len; i++)
    {
      RagSection *section = g_ptr_array_index (earlier->sections, i);
      if (strcmp (section->title, wanted->title) != 0 || !same_documents (section, wanted))
        continue;
      g_ptr_array_add (brief->sections, g_ptr_array_steal_index (earlier->sections, i));
      return TRUE;
    }
  return FALSE;
}

static gboolean write_heading (Dossier *dossier, const RagHeading *heading, RagBrief *earlier,
                               GError **error)
{
  RagSection *section = section_new (dossier, heading->title);
  if (resume_section (earlier, section, dossier->brief))
    {
      rag_section_free (section);
      return TRUE;
    }
  const gboolean ok = heading->match != NULL || heading->tables
                          ? match_heading (dossier, heading, section, error)
                          : ask_heading (dossier, heading, section, error);
  if (!ok || is_stopped (dossier))
    {
      rag_section_free (section);
      return ok;
    }
  g_ptr_array_add (dossier->brief->sections, section);
  return dossier->options->resume == NULL
         || rag_brief_save (dossier->brief, dossier->options->resume, error);
}

static gboolean write_all (Dossier *dossier, const RagTemplate *template, GError **error)
{
  const RagDossierOptions *options = dossier->options;
  const guint n = template->headings->len;
  g_autoptr (RagBrief) earlier
      = options->resume != NULL ? rag_brief_load (options->resume, NULL) : NULL;
  if (earlier != NULL)
    {
      dossier->writer.written = earlier->written;
      dossier->writer.struck = earlier->struck;
    }
  for (guint i = 0; i < n && !is_stopped (dossier); i++)
    {
      if (options->progress != NULL)
        options->progress ("headings", i, n, options->user_data);
      if (!write_heading (dossier, g_ptr_array_index (template->headings, i), earlier, error))
        return FALSE;
      dossier->brief->written = dossier->writer.written;
      dossier->brief->struck = dossier->writer.struck;
    }
  dossier->brief->complete = dossier->brief->sections->len == n;
  if (dossier->brief->complete && options->resume != NULL)
    g_unlink (options->resume);
  return TRUE;
}

/* Elements: IndexDocument*. */
static GPtrArray *find_documents (Rag *rag, const char *const *names, GError **error)
{
  g_autoptr (GPtrArray) documents
      = g_ptr_array_new_with_free_func ((GDestroyNotify)index_document_free);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      GError *inner = NULL;
      RagDocument *named = rag_find (rag, names[i], error);
      if (named == NULL)
        return NULL;
      IndexDocument *document = index_find_document (rag->index, named->path, &inner);
      g_autofree char *failure = g_strdup (named->failure);
      rag_document_free (named);
      if (document == NULL || failure != NULL)
        {
          g_clear_pointer (&document, index_document_free);
          g_clear_error (&inner);
          g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND, "%s could not be read: %s", names[i],
                       failure != NULL ? failure : "it is gone");
          return NULL;
        }
      g_ptr_array_add (documents, document);
    }
  return g_steal_pointer (&documents);
}

static char *title_of (const RagTemplate *template, const GPtrArray *documents)
{
  const IndexDocument *first = g_ptr_array_index (documents, 0);
  if (documents->len == 1)
    return g_strdup_printf ("%s: %s", template->title, first->title);
  return g_strdup_printf ("%s: %s and %u more", template->title, first->title, documents->len - 1);
}

RagBrief *rag_dossier (Rag *rag, const char *const *names, const RagDossierOptions *options,
                       GError **error)
{
  g_autoptr (RagTemplate) template = rag_template_load (options->template, error);
  g_autoptr (GPtrArray) documents = template != NULL ? find_documents (rag, names, error) : NULL;
  if (documents == NULL)
    return NULL;
  g_autofree char *title
      = options->title != NULL ? g_strdup (options->title) : title_of (template, documents);
  g_autoptr (RagBrief) brief = rag_brief_new (title, options->date);
  Dossier dossier = { .rag = rag,
                      .options = options,
                      .documents = documents,
                      .brief = brief,
                      .started_us = g_get_monotonic_time () };
  if (!rag_writer_begin (&dossier.writer, rag, !options->no_model, options->tone,
                         options->cancellable, error))
    return NULL;
  const gboolean ok = write_all (&dossier, template, error);
  rag_writer_clear (&dossier.writer);
  if (!ok)
    return NULL;
  rag_brief_finish (brief);
  return g_steal_pointer (&brief);
}

/* Writes a few sentences about some passages, and keeps those that the passages prove.
 *
 * In: a topic and passages, best first. Out: points with their citations. The model's sentences go
 * through the same gate as an answer (cite.c): every number and name must be on the cited page. What
 * a model cannot say provably the documents say themselves: then their best sentences are quoted. */
#include "rag/brief-private.h"

#include <string.h>

#define POINT_TOKENS 120 /* of the model's text: three short sentences */
#define EVIDENCE_TOKENS 400
/* Shorter sentences are headings, longer ones are tables that lost their shape. */
#define MIN_QUOTE_BYTES 30
#define MAX_QUOTE_BYTES 400

gboolean rag_writer_begin (RagWriter *writer, Rag *rag, gboolean use_model, const char *tone,
                           GCancellable *cancellable, GError **error)
{
  *writer = (RagWriter){ .rag = rag, .events = { .cancellable = cancellable } };
  writer->options = (RagAskOptions){
    .max_tokens = POINT_TOKENS,
    .evidence_tokens = EVIDENCE_TOKENS,
  };
  if (!use_model)
    return TRUE;
  if (!rag_need_generator (rag, error)
      || (tone != NULL && (writer->tone = rag_tone_load (tone, error)) == NULL))
    return FALSE;
  writer->session = rag_session_new (rag, &writer->options, error);
  return writer->session != NULL;
}

void rag_writer_clear (RagWriter *writer)
{
  g_clear_pointer (&writer->session, engine_session_free);
  g_clear_pointer (&writer->tone, g_free);
}

/* ---- The model's sentences ---- */

static const RagCitation *citation_of (const RagCited *cited, guint n)
{
  for (guint i = 0; i < cited->citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (cited->citations, i);
      if (citation->n == n)
        return citation;
    }
  return NULL;
}

/* Past a bullet or the number of a list: "2. ", "• ". */
static const char *past_bullet (const char *text)
{
  const gsize digits = strspn (text, "0123456789");
  if (digits > 0 && digits <= 2 && text[digits] == '.' && text[digits + 1] == ' ')
    return text + digits + 2;
  static const char *const bullets[] = { "• ", "- ", "* ", "– " };
  for (gsize i = 0; i < G_N_ELEMENTS (bullets); i++)
    if (g_str_has_prefix (text, bullets[i]))
      return text + strlen (bullets[i]);
  return text;
}

static RagPoint *point_of_sentence (const RagCited *cited, const RagSentence *sentence)
{
  RagPoint *point = g_new0 (RagPoint, 1);
  point->text = rag_one_line (past_bullet (sentence->text), -1);
  point->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  for (guint i = 0; i < sentence->citations->len; i++)
    {
      const RagCitation *citation
          = citation_of (cited, g_array_index (sentence->citations, guint, i));
      if (citation != NULL)
        g_ptr_array_add (point->citations, rag_citation_copy (citation));
    }
  return point;
}

/* Whether KNOWN has four fifths of the words in FORMS. */
static gboolean says_as_much (const char *known, GHashTable *forms, RagLanguage language)
{
  g_autoptr (GHashTable) known_forms = rag_word_set (known, -1, language);
  GHashTableIter iter;
  gpointer form;
  guint common = 0;
  g_hash_table_iter_init (&iter, forms);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    common += g_hash_table_contains (known_forms, form);
  return common * 5 >= g_hash_table_size (forms) * 4;
}

/* Whether SECTION's title or one of its points says what TEXT says. */
static gboolean is_repetition (const RagSection *section, const char *text, RagLanguage language)
{
  g_autoptr (GHashTable) forms = rag_word_set (text, -1, language);
  gboolean said = says_as_much (section->title, forms, language);
  for (guint i = 0; i < section->points->len && !said; i++)
    said = says_as_much (((RagPoint *)g_ptr_array_index (section->points, i))->text, forms,
                         language);
  return said;
}

static void take_sentences (RagWriter *writer, const RagQuestion *question, const RagCited *cited,
                            gboolean cut, guint n_points, RagSection *section)
{
  for (guint i = 0; i < cited->sentences->len; i++)
    {
      const RagSentence *sentence = g_ptr_array_index (cited->sentences, i);
      /* What the token limit cut off is no sentence. */
      if (cut && i + 1 == cited->sentences->len)
        break;
      writer->written++;
      writer->struck += !sentence->supported;
      if (sentence->supported && section->points->len < n_points
          && !is_repetition (section, sentence->text, question->language))
        g_ptr_array_add (section->points, point_of_sentence (cited, sentence));
    }
}

static gsize count_tokens (const char *text, gsize length, gpointer user_data)
{
  return engine_count_tokens (user_data, text, (gssize)length);
}

static gboolean write_with_model (RagWriter *writer, const RagPointPrompt *texts,
                                  const RagQuestion *question, RagEvidence *evidence,
                                  guint n_points, RagSection *section, GError **error)
{
  RagPrompt prompt;
  RagGeneration generation;
  const guint budget
      = rag_evidence_budget (writer->rag, writer->session, &writer->options, question->text, 0);
  rag_evidence_select (evidence, budget, count_tokens, writer->rag->generator);
  rag_prompt_build_from (evidence, question, texts->system, texts->user, &prompt);
  if (writer->tone != NULL)
    {
      g_autofree char *system = prompt.system;
      prompt.system = g_strjoin (" ", system, writer->tone, NULL);
      prompt.n_fixed = 0; /* a user's words, which must not be kept */
    }
  const gboolean ok = rag_generate (writer->rag, writer->session, &prompt, &writer->options,
                                    &writer->events, &generation, error);
  rag_prompt_clear (&prompt);
  if (!ok)
    return FALSE;
  if (!generation.stopped && !rag_is_refusal (generation.text))
    {
      RagCited cited;
      rag_cite (question, evidence, generation.text, &cited);
      take_sentences (writer, question, &cited, generation.cut, n_points, section);
      rag_cited_clear (&cited);
    }
  rag_generation_clear (&generation);
  return TRUE;
}

/* ---- The documents' sentences ---- */

RagPoint *rag_point_of_hit (const RagHit *hit, const char *quote)
{
  RagPoint *point = g_new0 (RagPoint, 1);
  point->text = rag_one_line (past_bullet (quote), -1);
  point->quoted = TRUE;
  point->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  g_ptr_array_add (point->citations, rag_citation_new (hit, quote));
  return point;
}

RagPoint *rag_point_quote (const RagEvidence *evidence, const RagSpan *span)
{
  const RagHit *hit
      = ((const RagPassage *)g_ptr_array_index (evidence->passages, span->passage))->hit;
  g_autofree char *quote = g_strndup (hit->text + span->start, span->end - span->start);
  return rag_point_of_hit (hit, quote);
}

gboolean rag_is_wide_row (const char *text, gsize length)
{
  const char *tab = memchr (text, '\t', length);
  return tab != NULL && memchr (tab + 1, '\t', length - (gsize)(tab + 1 - text)) != NULL;
}

static gint compare_spans (gconstpointer a, gconstpointer b)
{
  const RagSpan *first = *(const RagSpan *const *)a, *second = *(const RagSpan *const *)b;
  return (first->score < second->score) - (first->score > second->score);
}

static void quote_best (const RagQuestion *question, const RagEvidence *evidence, guint n_points,
                        RagSection *section)
{
  g_autoptr (GPtrArray) spans = g_ptr_array_new ();
  for (guint i = 0; i < evidence->spans->len; i++)
    {
      const RagSpan *span = &g_array_index (evidence->spans, RagSpan, i);
      const RagHit *hit
          = ((const RagPassage *)g_ptr_array_index (evidence->passages, span->passage))->hit;
      const guint length = span->end - span->start;
      if (length >= MIN_QUOTE_BYTES && length <= MAX_QUOTE_BYTES
          && !rag_is_wide_row (hit->text + span->start, length))
        g_ptr_array_add (spans, (gpointer)span);
    }
  g_ptr_array_sort (spans, compare_spans);
  for (guint i = 0; i < spans->len && section->points->len < n_points; i++)
    {
      RagPoint *point = rag_point_quote (evidence, g_ptr_array_index (spans, i));
      if (is_repetition (section, point->text, question->language))
        rag_point_free (point);
      else
        g_ptr_array_add (section->points, point);
    }
}

gboolean rag_write_points (RagWriter *writer, const RagPointPrompt *prompt, const char *topic,
                           const GPtrArray *hits, guint n_points, RagSection *section,
                           GError **error)
{
  g_autoptr (RagQuestion) question = rag_question_new (writer->rag, topic, error);
  if (question == NULL)
    return FALSE;
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  if (evidence->passages->len == 0)
    return TRUE;
  const guint before = section->points->len;
  if (writer->session != NULL
      && !write_with_model (writer, prompt, question, evidence, before + n_points, section, error))
    return FALSE;
  if (section->points->len == before)
    quote_best (question, evidence, before + n_points, section);
  return TRUE;
}

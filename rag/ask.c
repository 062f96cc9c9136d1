/* Answers a question from the documents, or says why not.
 *
 * In comes a question, out goes an answer in which every sentence is proved by a passage, or a
 * refusal. The path: ask one thing at a time (parts.c), make the question whole (followup.c), find
 * passages (retrieve.c), choose sentences (evidence.c), refuse at once when nothing fits
 * (refuse.c), show the evidence, have the model read and answer (generate.c), prove each sentence
 * (cite.c), strike or refuse what is not proved, and name who disagrees (conflicts.c). */
#include "rag/answer-private.h"

#include <string.h>

/* Without a model nothing is read, so passages are shown whole, as many as fit a screen or two. */
#define EVIDENCE_ONLY_TOKENS 1500
/* Three or four sentences. */
#define RETRY_EVIDENCE_TOKENS 120

struct _RagChat
{
  Rag *rag;
  RagAskOptions options;
  char *collection;
  EngineSession *session; /* NULL until first needed */
  char *previous;         /* the last question, whole */
  RagSignals signals;
};

RagChat *rag_chat_new (Rag *rag, const RagAskOptions *options, GError **error)
{
  if ((options == NULL || !options->evidence_only) && !rag_check_generator (rag, error))
    return NULL;
  RagChat *chat = g_new0 (RagChat, 1);
  chat->rag = rag;
  if (options != NULL)
    chat->options = *options;
  chat->collection = g_strdup (chat->options.collection);
  chat->options.collection = chat->collection;
  return chat;
}

void rag_chat_free (RagChat *chat)
{
  if (chat == NULL)
    return;
  g_clear_pointer (&chat->session, engine_session_free);
  g_free (chat->collection);
  g_free (chat->previous);
  g_free (chat);
}

const RagSignals *rag_chat_signals (const RagChat *chat)
{
  return &chat->signals;
}

void rag_answer_free (RagAnswer *answer)
{
  if (answer == NULL)
    return;
  g_free (answer->question);
  g_free (answer->answer);
  g_free (answer->reason);
  g_clear_pointer (&answer->citations, g_ptr_array_unref);
  g_clear_pointer (&answer->sentences, g_ptr_array_unref);
  g_clear_pointer (&answer->parts, g_ptr_array_unref);
  g_clear_pointer (&answer->evidence, g_ptr_array_unref);
  g_clear_pointer (&answer->conflicts, g_ptr_array_unref);
  rag_coverage_clear (&answer->coverage);
  g_free (answer->model);
  g_free (answer->encoder);
  g_free (answer);
}

RagAnswer *rag_answer_new (Rag *rag, const char *question)
{
  RagAnswer *answer = g_new0 (RagAnswer, 1);
  answer->question = g_strdup (question);
  answer->intent = rag_intent_name (RAG_INTENT_QUESTION);
  answer->answer = g_strdup ("");
  answer->citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free);
  answer->sentences = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_sentence_free);
  answer->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_part_free);
  answer->evidence = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_hit_free);
  answer->conflicts = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_conflict_free);
  answer->encoder = g_strdup (index_encoder (rag->index, NULL));
  return answer;
}

static RagHit *copy_hit (const RagHit *from)
{
  RagHit *hit = g_memdup2 (from, sizeof *from);
  hit->document = g_strdup (from->document);
  hit->title = g_strdup (from->title);
  hit->collection = g_strdup (from->collection);
  hit->section = g_strdup (from->section);
  hit->text = g_strdup (from->text);
  hit->page_label = g_strdup (from->page_label);
  return hit;
}

static void list_evidence (const RagEvidence *evidence, GPtrArray *hits)
{
  for (guint i = 0; i < evidence->order->len; i++)
    {
      const RagPassage *passage
          = g_ptr_array_index (evidence->passages, g_array_index (evidence->order, guint, i));
      g_ptr_array_add (hits, copy_hit (passage->hit));
    }
}

static void refuse (RagAnswer *answer, const RagEvidence *evidence, const char *reason)
{
  g_autoptr (GPtrArray) closest = g_ptr_array_new ();
  if (evidence->passages->len > 0)
    g_ptr_array_add (closest, ((RagPassage *)g_ptr_array_index (evidence->passages, 0))->hit);
  g_free (answer->answer);
  g_free (answer->reason);
  answer->status = RAG_REFUSED;
  answer->answer = rag_refusal_text (&answer->coverage, closest);
  answer->reason = g_strdup (reason);
  g_ptr_array_set_size (answer->citations, 0);
}

/* ---- After the model ---- */

char *rag_join_supported (const GPtrArray *sentences, const char *separator)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < sentences->len; i++)
    {
      const RagSentence *sentence = g_ptr_array_index (sentences, i);
      if (sentence->supported)
        g_string_append_printf (text, "%s%s", text->len > 0 ? separator : "", sentence->text);
    }
  return g_string_free (text, FALSE);
}

void rag_take_cited (RagAnswer *answer, RagCited *cited)
{
  g_ptr_array_unref (answer->sentences);
  g_ptr_array_unref (answer->citations);
  answer->sentences = g_steal_pointer (&cited->sentences);
  answer->citations = g_steal_pointer (&cited->citations);
}

/* A second reading adds to what the first one took. */
static void take_generation (RagAnswer *answer, const RagGeneration *generation,
                             RagSignals *signals)
{
  answer->prefill_ms += generation->prefill_ms;
  answer->first_token_ms = generation->first_token_ms;
  answer->prompt_tokens += generation->prompt_tokens;
  answer->reused_tokens += generation->reused_tokens;
  answer->drafted_tokens += generation->drafted_tokens;
  answer->generated_tokens += generation->generated_tokens;
  signals->mean_logprob = generation->mean_logprob;
}

/* What came of one reading. */
typedef enum
{
  SETTLED,   /* an answer, a refusal or a part is in the RagAnswer */
  UNPROVED,  /* nothing of what the model said is in the passages */
  UNCERTAIN, /* proved, but hardly right */
} Outcome;

/* Keeps what is proved and decides whether that is an answer. */
static Outcome gate (RagAnswer *answer, const RagEvidence *evidence,
                     const RagGeneration *generation, guint n_supported, double min_confidence)
{
  if (generation->stopped)
    {
      g_free (answer->answer);
      answer->answer = g_strdup (generation->text);
      answer->status = RAG_PARTIAL;
      answer->reason = g_strdup ("stopped before the answer was complete");
      return SETTLED;
    }
  if (rag_is_refusal (generation->text))
    {
      refuse (answer, evidence, "the model found no answer in the passages");
      return SETTLED;
    }
  if (n_supported == 0)
    return UNPROVED;
  if (answer->confidence < min_confidence)
    return UNCERTAIN;
  const char *separator = strchr (generation->text, '\n') != NULL ? "\n" : " ";
  g_free (answer->answer);
  answer->answer = rag_join_supported (answer->sentences, separator);
  if (generation->cut)
    {
      answer->status = RAG_PARTIAL;
      answer->reason = g_strdup ("the answer reached its token limit");
    }
  return SETTLED;
}

/* ---- With the model ---- */

static gboolean need_session (RagChat *chat, GError **error)
{
  if (!rag_need_generator (chat->rag, error))
    return FALSE;
  if (chat->session == NULL)
    chat->session = rag_session_new (chat->rag, &chat->options, error);
  return chat->session != NULL;
}

static gsize count_tokens (const char *text, gsize length, gpointer user_data)
{
  return engine_count_tokens (user_data, text, (gssize)length);
}

static double min_confidence_of (const RagChat *chat)
{
  double wanted = chat->options.min_confidence;
  return wanted > 0 ? wanted : chat->rag->calibration.threshold;
}

/* One reading and one answer. */
static gboolean try_answer (RagChat *chat, RagAnswer *answer, const RagQuestion *question,
                            const RagEvidence *evidence, const RagAskEvents *events,
                            Outcome *ret_outcome, GError **error)
{
  RagPrompt prompt;
  RagGeneration generation;
  RagCited cited;
  rag_prompt_build (evidence, question, &prompt);
  gboolean ok = rag_generate (chat->rag, chat->session, &prompt, &chat->options, events,
                              &generation, error);
  rag_prompt_clear (&prompt);
  if (!ok)
    return FALSE;
  take_generation (answer, &generation, &chat->signals);
  rag_cite (question, evidence, generation.text, &cited);
  guint n_supported = cited.n_supported;
  ok = rag_signals_of_source (chat->rag, question, evidence, &cited, generation.text,
                              &chat->signals, error);
  rag_take_cited (answer, &cited);
  answer->confidence
      = rag_calibrated (&chat->rag->calibration, rag_confidence (&chat->signals));
  if (ok)
    *ret_outcome = gate (answer, evidence, &generation, n_supported, min_confidence_of (chat));
  rag_generation_clear (&generation);
  return ok;
}

/* All that the model said, struck or not. */
static char *said_by_model (const GPtrArray *sentences)
{
  GString *said = g_string_new (NULL);
  for (guint i = 0; i < sentences->len; i++)
    g_string_append_printf (said, "%s ",
                            ((const RagSentence *)g_ptr_array_index (sentences, i))->text);
  return g_string_free (said, FALSE);
}

/* The page says it itself, or nobody does; REASON is why it is asked. */
static void answer_with_quote (RagChat *chat, RagAnswer *answer, const RagQuestion *question,
                               const RagEvidence *evidence, const char *reason)
{
  RagCited cited = { 0 };
  double confidence = 0;
  g_autofree char *said = said_by_model (answer->sentences);
  rag_quote (question, evidence, said, &cited, &confidence);
  confidence = rag_calibrated (&chat->rag->calibration, confidence);
  if (cited.sentences == NULL || confidence < min_confidence_of (chat))
    {
      rag_cited_clear (&cited);
      refuse (answer, evidence, reason);
      return;
    }
  rag_take_cited (answer, &cited);
  answer->confidence = confidence;
  g_free (answer->answer);
  answer->answer = rag_join_supported (answer->sentences, " ");
}

/* Small models lose their way among many passages: what nothing proves is asked for once more, with
 * only the sentences that are nearest to the question. Where that fails too, or the answer is
 * hardly right, the documents answer in their own words. */
static gboolean answer_with_model (RagChat *chat, RagAnswer *answer, const RagQuestion *question,
                                   RagEvidence *evidence, const RagAskEvents *events,
                                   gint64 start_us, GError **error)
{
  Outcome outcome;
  const RagAskEvents quiet = { .cancellable = events != NULL ? events->cancellable : NULL };
  double before_ms = rag_milliseconds_since (start_us);
  if (!try_answer (chat, answer, question, evidence, events, &outcome, error))
    return FALSE;
  double first_token_ms = before_ms + answer->first_token_ms;
  if (outcome == UNPROVED)
    {
      rag_evidence_select (evidence, RETRY_EVIDENCE_TOKENS, count_tokens, chat->rag->generator);
      if (!try_answer (chat, answer, question, evidence, &quiet, &outcome, error))
        return FALSE;
    }
  answer->first_token_ms = first_token_ms;
  if (outcome == SETTLED)
    return TRUE;
  answer_with_quote (chat, answer, question, evidence,
                     outcome == UNCERTAIN ? "the answer is too uncertain"
                                          : "what the model said is not in the passages");
  return TRUE;
}

/* A refusal tells nothing that could be contradicted. */
static gboolean note_conflicts (RagChat *chat, RagAnswer *answer, const RagQuestion *question,
                                const RagEvidence *evidence, GError **error)
{
  if (answer->status == RAG_REFUSED)
    return TRUE;
  const gboolean passages_only = chat->options.evidence_only;
  g_ptr_array_unref (answer->conflicts);
  answer->conflicts
      = rag_find_conflicts (question, evidence, passages_only ? NULL : answer->citations,
                            passages_only ? NULL : answer->answer);
  return rag_date_conflicts (chat->rag, answer->conflicts, error);
}

/* Not one of the question's telling words is in the library. */
static gboolean is_off_topic (const RagQuestion *question)
{
  for (guint i = 0; i < question->terms->len; i++)
    if (g_array_index (question->terms, RagTerm, i).n_chunks > 0)
      return FALSE;
  return TRUE;
}

static gboolean answer_question (RagChat *chat, RagAnswer *answer, const RagQuestion *question,
                                 const GPtrArray *hits, const RagAskEvents *events, gint64 start_us,
                                 GError **error)
{
  const RagAskOptions *options = &chat->options;
  g_autoptr (RagEvidence) evidence = rag_evidence_new (question, hits);
  if (!rag_evidence_compare (chat->rag, question, evidence, error)
      || !rag_signals_before (chat->rag, question, evidence, &chat->signals, error))
    return FALSE;
  double answerable = rag_answerable (&chat->signals);
  gboolean hopeless = evidence->passages->len == 0 || answerable < rag_answerable_threshold;
  if (!options->evidence_only && !hopeless)
    {
      if (!need_session (chat, error))
        return FALSE;
      guint budget = rag_evidence_budget (chat->rag, chat->session, options, question->text,
                                          rag_milliseconds_since (start_us));
      rag_evidence_select (evidence, budget, count_tokens, chat->rag->generator);
      answer->model = g_strdup (chat->rag->generator_label);
    }
  else
    rag_evidence_select (evidence, EVIDENCE_ONLY_TOKENS, NULL, NULL);
  list_evidence (evidence, answer->evidence);
  answer->retrieve_ms = rag_milliseconds_since (start_us);
  if (hopeless)
    {
      answer->confidence = 1 - answerable;
      refuse (answer, evidence,
              is_off_topic (question) ? "off topic: no document has a word of the question"
                                      : "nothing relevant was found");
      return TRUE;
    }
  if (events != NULL && events->evidence != NULL)
    events->evidence (answer->evidence, events->user_data);
  answer->confidence = answerable;
  return (options->evidence_only
          || answer_with_model (chat, answer, question, evidence, events, start_us, error))
         && note_conflicts (chat, answer, question, evidence, error);
}

static RagAnswer *finish (RagChat *chat, const RagQuestion *question, const GPtrArray *hits,
                          const RagAskEvents *events, gint64 start_us, GError **error)
{
  g_autoptr (RagAnswer) answer = rag_answer_new (chat->rag, question->text);
  memset (&chat->signals, 0, sizeof chat->signals);
  if (!rag_coverage_fill (chat->rag, chat->collection, &answer->coverage, error)
      || !answer_question (chat, answer, question, hits, events, start_us, error))
    return NULL;
  answer->total_ms = rag_milliseconds_since (start_us);
  return g_steal_pointer (&answer);
}

RagAnswer *rag_chat_ask_from (RagChat *chat, const char *text, const GPtrArray *hits,
                              const RagAskEvents *events, GError **error)
{
  gint64 start_us = g_get_monotonic_time ();
  if (!rag_check_question (text, error))
    return NULL;
  g_autoptr (RagQuestion) question = rag_question_new (chat->rag, text, error);
  return question != NULL ? finish (chat, question, hits, events, start_us, error) : NULL;
}

/* NULL without an error when TEXT is a question about a fact. */
static RagAnswer *ask_directly (RagChat *chat, const char *text, const RagAskEvents *events,
                                gint64 start_us, GError **error)
{
  gboolean done;
  GCancellable *cancellable = events != NULL ? events->cancellable : NULL;
  g_autoptr (RagAnswer) answer = rag_answer_new (chat->rag, text);
  if (!rag_coverage_fill (chat->rag, chat->collection, &answer->coverage, error)
      || !rag_answer_directly (chat->rag, text, &chat->options, cancellable, answer, &done, error)
      || !done)
    return NULL;
  answer->total_ms = rag_milliseconds_since (start_us);
  return g_steal_pointer (&answer);
}

static RagAnswer *ask_one (RagChat *chat, const char *text, const RagAskEvents *events,
                           gint64 start_us, GError **error)
{
  RagRetrieval retrieval;
  GError *inner = NULL;
  RagAnswer *direct = ask_directly (chat, text, events, start_us, &inner);
  if (direct != NULL)
    return direct;
  if (inner != NULL)
    {
      g_propagate_error (error, inner);
      return NULL;
    }
  g_autofree char *whole = rag_follow_up (text, chat->previous);
  g_autoptr (RagQuestion) question = rag_question_new (chat->rag, whole, error);
  if (question == NULL
      || !rag_retrieve (chat->rag, question->text, RAG_SEARCH_HYBRID, RAG_MAX_PASSAGES,
                        chat->collection, -1, &retrieval, error))
    return NULL;
  g_free (chat->previous);
  chat->previous = g_strdup (question->text);
  RagAnswer *answer = finish (chat, question, retrieval.hits, events, start_us, error);
  rag_retrieval_clear (&retrieval);
  return answer;
}

/* The words of this part go on below those of the one before, whose evidence is on the screen. */
static RagAnswer *ask_next (RagChat *chat, const char *text, const RagAskEvents *events,
                            GError **error)
{
  gint64 start_us = g_get_monotonic_time ();
  if (events == NULL)
    return ask_one (chat, text, NULL, start_us, error);
  RagAskEvents later = *events;
  later.reading = NULL;
  if (!chat->options.evidence_only)
    later.evidence = NULL;
  if (later.piece != NULL)
    later.piece ("\n", later.user_data);
  return ask_one (chat, text, &later, start_us, error);
}

static RagAnswer *ask_parts (RagChat *chat, const char *text, const GPtrArray *parts,
                             const RagAskEvents *events, gint64 start_us, GError **error)
{
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_answer_free);
  gboolean stopped = FALSE;
  for (guint i = 0; i < parts->len && !stopped; i++)
    {
      const char *part = g_ptr_array_index (parts, i);
      RagAnswer *answer = i == 0 ? ask_one (chat, part, events, start_us, error)
                                 : ask_next (chat, part, events, error);
      if (answer == NULL)
        return NULL;
      stopped = answer->status == RAG_PARTIAL;
      g_ptr_array_add (answers, answer);
    }
  return rag_answers_join (chat->rag, text, answers);
}

/* One sentence may say how they differ; otherwise each is asked about. */
static RagAnswer *ask_comparison (RagChat *chat, const char *text, const GPtrArray *parts,
                                  const RagAskEvents *events, gint64 start_us, GError **error)
{
  g_autoptr (RagAnswer) answer = ask_one (chat, text, events, start_us, error);
  if (answer == NULL)
    return NULL;
  if (answer->status != RAG_PARTIAL && !rag_proves_all (answer, parts))
    {
      g_clear_pointer (&answer, rag_answer_free);
      answer = ask_parts (chat, text, parts, events, g_get_monotonic_time (), error);
    }
  if (answer != NULL)
    answer->intent = "compare";
  return g_steal_pointer (&answer);
}

/* START_US: when the asker began to wait. */
static RagAnswer *ask (RagChat *chat, const char *text, const RagAskEvents *events,
                       gint64 start_us, GError **error)
{
  gboolean compares;
  if (!rag_check_question (text, error))
    return NULL;
  g_autoptr (GPtrArray) parts = rag_parts (text, &compares);
  if (parts->len == 1)
    return ask_one (chat, text, events, start_us, error);
  return compares ? ask_comparison (chat, text, parts, events, start_us, error)
                  : ask_parts (chat, text, parts, events, start_us, error);
}

RagAnswer *rag_chat_ask (RagChat *chat, const char *text, const RagAskEvents *events,
                         GError **error)
{
  return ask (chat, text, events, g_get_monotonic_time (), error);
}

RagAnswer *rag_ask (Rag *rag, const char *question, const RagAskOptions *options,
                    const RagAskEvents *events, GError **error)
{
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (RagChat) chat = rag_chat_new (rag, options, error);
  return chat != NULL ? ask (chat, question, events, start_us, error) : NULL;
}

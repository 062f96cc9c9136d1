/* Shows one answer as it comes about, for `ask` and `chat`.
 *
 * First the evidence, at once, so that there is something to read while the model reads; then the
 * model's words as it writes them, on a terminal only, because they are a draft; then what the
 * checks made of them, each sentence with the numbers of its citations, in place of the draft;
 * then the citations and what was looked through. */
#include <string.h>
#include <unistd.h>

#include "cli-private.h"

static void heading (const CliOptions *options, const char *title)
{
  printf ("%s%s%s\n", cli_style (options, CLI_BOLD), title, cli_style (options, CLI_PLAIN));
}

static gint compare_scores (gconstpointer a, gconstpointer b)
{
  const RagHit *first = *(RagHit *const *)a, *second = *(RagHit *const *)b;
  return (first->score < second->score) - (first->score > second->score);
}

/* The model reads more than people want to see before the answer. */
#define EVIDENCE_SHOWN 5

/* HITS come in the order in which the model reads them; people want the best first. */
void cli_print_evidence (const CliOptions *options, const GPtrArray *hits)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  for (guint i = 0; i < hits->len; i++)
    g_ptr_array_add (sorted, g_ptr_array_index (hits, i));
  g_ptr_array_sort (sorted, compare_scores);
  const guint n_shown = options->verbose ? hits->len : MIN (hits->len, EVIDENCE_SHOWN);
  heading (options, "Evidence");
  for (guint i = 0; i < n_shown; i++)
    {
      const RagHit *hit = g_ptr_array_index (sorted, i);
      fputs ("  ", stdout);
      cli_print_hit_title (options, hit, 2);
      cli_print_passage (options, hit, 4, FALSE);
    }
  if (n_shown < hits->len)
    printf ("  %sand %u more (--verbose)%s\n", cli_style (options, CLI_DIM), hits->len - n_shown,
            cli_style (options, CLI_PLAIN));
  putchar ('\n');
  fflush (stdout);
}

void cli_print_citations (const CliOptions *options, const GPtrArray *citations)
{
  heading (options, "Sources");
  for (guint i = 0; i < citations->len; i++)
    {
      const RagCitation *citation = g_ptr_array_index (citations, i);
      g_autofree char *name = cli_document_name (options, citation->document);
      g_autofree char *page = cli_page_name (citation->page, citation->page_label);
      g_autofree char *link = cli_link_begin (options, citation->document, citation->page);
      printf ("  [%u] %s%s%s%s%s%s%s%s\n", citation->n, link, cli_style (options, CLI_GREEN), name,
              *page != '\0' ? ", " : "", page, cli_style (options, CLI_PLAIN), cli_link_end (link),
              cli_ocr_mark (citation->ocr));
      if (citation->quote == NULL || *citation->quote == '\0')
        continue;
      g_autofree char *quote = g_strdup_printf ("“%s”", citation->quote);
      cli_print_wrapped (options, 6, CLI_PLAIN, quote);
    }
  putchar ('\n');
}

/* "2023, version 2.1 (policy.pdf, p. 7): 20 %" */
char *cli_conflict_value (const CliOptions *options, const RagConflictValue *value)
{
  const RagCitation *citation = value->citation;
  g_autofree char *name = cli_document_name (options, citation->document);
  g_autofree char *page = cli_page_name (citation->page, citation->page_label);
  g_autoptr (GString) line = g_string_new (value->date);
  if (value->version != NULL)
    g_string_append_printf (line, "%sversion %s", line->len > 0 ? ", " : "", value->version);
  const gboolean dated = line->len > 0;
  g_string_append_printf (line, "%s%s%s%s%s%s: %s", dated ? " (" : "", name,
                          *page != '\0' ? ", " : "", page, cli_ocr_mark (citation->ocr),
                          dated ? ")" : "", value->text);
  return g_string_free (g_steal_pointer (&line), FALSE);
}

static void print_conflicts (const CliOptions *options, const GPtrArray *conflicts)
{
  for (guint i = 0; i < conflicts->len; i++)
    {
      const RagConflict *conflict = g_ptr_array_index (conflicts, i);
      heading (options, "Sources disagree");
      for (guint k = 0; k < conflict->values->len; k++)
        {
          g_autofree char *line = cli_conflict_value (options, g_ptr_array_index (conflict->values, k));
          cli_print_wrapped (options, 2, CLI_PLAIN, line);
        }
      putchar ('\n');
    }
}

static void on_evidence (const GPtrArray *hits, gpointer user_data)
{
  CliAnswerView *view = user_data;
  cli_progress_clear (view->progress);
  if (hits->len > 0 && !view->options->quiet)
    cli_print_evidence (view->options, hits);
}

static void on_reading (gsize done, gsize total, gpointer user_data)
{
  CliAnswerView *view = user_data;
  cli_progress_count (view->progress, "tokens of evidence read", done, total);
}

/* Not with --quiet, which prints nothing before the answer that it would have to be set off from.
 */
static void answer_heading (CliAnswerView *view)
{
  if (!view->headed && !view->options->quiet)
    heading (view->options, "Answer");
  view->headed = TRUE;
}

static void on_piece (const char *utf8, gpointer user_data)
{
  CliAnswerView *view = user_data;
  cli_progress_clear (view->progress);
  if (!view->streaming)
    {
      view->streaming = TRUE;
      answer_heading (view);
      cli_wrap_begin (&view->wrap, view->options, stdout, 2);
    }
  cli_wrap_text (&view->wrap, CLI_PLAIN, utf8, -1);
  fflush (stdout);
}

void cli_answer_view_begin (CliAnswerView *view, const CliOptions *options)
{
  *view = (CliAnswerView){ .options = options, .progress = cli_progress_new (options) };
}

RagAskEvents cli_answer_view_events (CliAnswerView *view, GCancellable *cancellable)
{
  const gboolean text = !view->options->json;
  view->cancellable = cancellable;
  return (RagAskEvents){
    .evidence = text ? on_evidence : NULL,
    .reading = on_reading,
    .piece = text && !view->options->plain && isatty (STDOUT_FILENO) ? on_piece : NULL,
    .user_data = view,
    .cancellable = cancellable,
  };
}

/* Takes the draft off the screen, or, when it has scrolled too far, sets it off. */
static void replace_draft (CliAnswerView *view)
{
  if (!view->streaming)
    return;
  view->streaming = FALSE;
  cli_wrap_end (&view->wrap);
  /* Ctrl-C has left its own lines between ours. */
  const gboolean can_erase = view->options->interactive && view->wrap.lines < cli_height ()
                             && !g_cancellable_is_cancelled (view->cancellable);
  for (guint i = 0; can_erase && i < view->wrap.lines; i++)
    fputs ("\033[A\033[2K", stdout);
  if (!can_erase)
    {
      putchar ('\n');
      heading (view->options, "Checked");
    }
}

/* The sentences from FIRST on, as many as N, that passed, each with its citations, "… at night.
 * [1][3]"; PLAIN where there are none. */
static char *marked_answer (const RagAnswer *answer, guint first, guint n, const char *plain,
                            guint *n_struck)
{
  GString *text = g_string_new (NULL);
  const gboolean list = plain != NULL && strchr (plain, '\n') != NULL;
  for (guint i = first; i < first + n; i++)
    {
      const RagSentence *sentence = g_ptr_array_index (answer->sentences, i);
      if (!sentence->supported)
        {
          (*n_struck)++;
          continue;
        }
      g_string_append_printf (text, "%s%s",
                              text->len == 0 ? ""
                              : list         ? "\n"
                                             : " ",
                              sentence->text);
      for (guint c = 0; sentence->citations != NULL && c < sentence->citations->len; c++)
        g_string_append_printf (text, "%s[%u]", c == 0 ? " " : "",
                                g_array_index (sentence->citations, guint, c));
    }
  if (text->len == 0)
    g_string_assign (text, plain != NULL ? plain : "");
  return g_string_free (text, FALSE);
}

/* Each question of several, and what came of it. */
static void print_parts (const CliOptions *options, const RagAnswer *answer, guint *n_struck)
{
  guint first = 0;
  for (guint i = 0; i < answer->parts->len; i++)
    {
      const RagPart *part = g_ptr_array_index (answer->parts, i);
      g_autofree char *text
          = part->status == RAG_REFUSED
                ? g_strdup_printf ("No answer: %s.", part->reason)
                : marked_answer (answer, first, part->n_sentences, part->answer, n_struck);
      cli_print_wrapped (options, 2, CLI_DIM, part->question);
      cli_print_wrapped (options, 4, CLI_PLAIN, text);
      first += part->n_sentences;
    }
}

static void print_timings (const RagAnswer *answer)
{
  const double writing_ms = answer->total_ms - answer->first_token_ms;
  printf ("Found in %.0f ms, %u tokens read in %.0f ms (%u reused), first word after %.0f ms,\n"
          "%u tokens written at %.1f a second, %.0f ms in all.\n",
          answer->retrieve_ms, answer->prompt_tokens, answer->prefill_ms, answer->reused_tokens,
          answer->first_token_ms, answer->generated_tokens,
          writing_ms > 0 ? answer->generated_tokens * 1000.0 / writing_ms : 0, answer->total_ms);
  g_autofree char *model = cli_escape_line (answer->model != NULL ? answer->model : "none");
  g_autofree char *encoder = cli_escape_line (answer->encoder != NULL ? answer->encoder : "none");
  printf ("Model %s, encoder %s, confidence %.2f.\n", model, encoder, answer->confidence);
}

static void print_answer (CliAnswerView *view, const RagAnswer *answer)
{
  const CliOptions *options = view->options;
  const gboolean refused = answer->status == RAG_REFUSED;
  guint n_struck = 0;
  if (!refused && answer->parts->len > 0 && *answer->answer != '\0')
    {
      answer_heading (view);
      print_parts (options, answer, &n_struck);
      putchar ('\n');
    }
  else
    {
      const guint n = refused ? 0 : answer->sentences->len;
      g_autofree char *text = marked_answer (answer, 0, n, answer->answer, &n_struck);
      if (*text != '\0')
        {
          answer_heading (view);
          cli_print_wrapped (options, 2, CLI_PLAIN, text);
          putchar ('\n');
        }
    }
  if (n_struck > 0)
    {
      g_autofree char *struck = cli_format_plural (n_struck, "sentence was", "sentences were");
      printf ("%s left out: the documents do not say so.\n\n", struck);
    }
  if (answer->status == RAG_PARTIAL)
    {
      g_autofree char *reason
          = cli_escape_line (answer->reason != NULL ? answer->reason : "stopped");
      printf ("Not finished: %s\n\n", reason);
    }
}

void cli_answer_view_finish (CliAnswerView *view, const RagAnswer *answer)
{
  const CliOptions *options = view->options;
  cli_progress_clear (view->progress);
  replace_draft (view);
  print_answer (view, answer);
  print_conflicts (options, answer->conflicts);
  if (answer->status != RAG_REFUSED && answer->citations != NULL && answer->citations->len > 0)
    cli_print_citations (options, answer->citations);
  g_autofree char *coverage = cli_coverage_line (options, &answer->coverage);
  if (!options->quiet)
    cli_print_wrapped (options, 0, CLI_DIM, coverage);
  if (options->verbose)
    print_timings (answer);
  fflush (stdout);
}

void cli_answer_view_clear (CliAnswerView *view)
{
  if (view->streaming)
    cli_wrap_end (&view->wrap);
  view->streaming = FALSE;
  g_clear_pointer (&view->progress, cli_progress_free);
}

static const char *const statuses[] = {
  [RAG_ANSWERED] = "answered",
  [RAG_REFUSED] = "refused",
  [RAG_PARTIAL] = "partial",
};

static void source_members (JsonBuilder *json, const RagCitation *citation)
{
  cli_json_string (json, "document", citation->document);
  cli_json_string (json, "title", citation->title);
  cli_json_int (json, "page", citation->page);
  cli_json_string (json, "page_label", citation->page_label);
  cli_json_string (json, "section", citation->section);
  cli_json_string (json, "quote", citation->quote);
  cli_json_bool (json, "ocr", citation->ocr);
}

static void citation_members (JsonBuilder *json, gconstpointer element)
{
  const RagCitation *citation = element;
  cli_json_int (json, "n", citation->n);
  source_members (json, citation);
}

void cli_json_citations (JsonBuilder *json, const GPtrArray *citations)
{
  cli_json_objects (json, "citations", citations, citation_members);
}

static void conflict_value_members (JsonBuilder *json, gconstpointer element)
{
  const RagConflictValue *value = element;
  cli_json_string (json, "value", value->text);
  cli_json_string (json, "date", value->date);
  cli_json_string (json, "version", value->version);
  source_members (json, value->citation);
}

static void conflict_members (JsonBuilder *json, gconstpointer element)
{
  static const char *const kinds[] = {
    [RAG_CONFLICT_NUMBER] = "number",
    [RAG_CONFLICT_DATE] = "date",
    [RAG_CONFLICT_POLARITY] = "polarity",
  };
  const RagConflict *conflict = element;
  cli_json_string (json, "kind", kinds[conflict->kind]);
  cli_json_objects (json, "values", conflict->values, conflict_value_members);
}

static void sentence_members (JsonBuilder *json, gconstpointer element)
{
  const RagSentence *sentence = element;
  cli_json_string (json, "text", sentence->text);
  cli_json_bool (json, "supported", sentence->supported);
  cli_json_array (json, "citations");
  for (guint c = 0; sentence->citations != NULL && c < sentence->citations->len; c++)
    cli_json_int (json, NULL, g_array_index (sentence->citations, guint, c));
  json_builder_end_array (json);
}

static void part_members (JsonBuilder *json, gconstpointer element)
{
  const RagPart *part = element;
  cli_json_string (json, "question", part->question);
  cli_json_string (json, "status", statuses[part->status]);
  cli_json_string (json, "answer", part->answer);
  cli_json_string (json, "reason", part->reason);
}

static void json_costs (JsonBuilder *json, const RagAnswer *answer)
{
  cli_json_object (json, "timings_ms");
  cli_json_double (json, "retrieve", answer->retrieve_ms);
  cli_json_double (json, "prefill", answer->prefill_ms);
  cli_json_double (json, "first_token", answer->first_token_ms);
  cli_json_double (json, "total", answer->total_ms);
  json_builder_end_object (json);
  cli_json_object (json, "tokens");
  cli_json_int (json, "prompt", answer->prompt_tokens);
  cli_json_int (json, "reused", answer->reused_tokens);
  cli_json_int (json, "drafted", answer->drafted_tokens);
  cli_json_int (json, "generated", answer->generated_tokens);
  json_builder_end_object (json);
}

void cli_answer_json (const RagAnswer *answer)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "question", answer->question);
  cli_json_string (json, "intent", answer->intent);
  cli_json_string (json, "status", statuses[answer->status]);
  cli_json_string (json, "answer", answer->answer);
  cli_json_double (json, "confidence", answer->confidence);
  cli_json_string (json, "reason", answer->reason);
  cli_json_citations (json, answer->citations);
  cli_json_objects (json, "sentences", answer->sentences, sentence_members);
  if (answer->parts->len > 0)
    cli_json_objects (json, "parts", answer->parts, part_members);
  cli_json_objects (json, "conflicts", answer->conflicts, conflict_members);
  cli_json_hits (json, "evidence", answer->evidence);
  cli_json_coverage (json, &answer->coverage);
  json_costs (json, answer);
  cli_json_string (json, "model", answer->model);
  cli_json_string (json, "encoder", answer->encoder);
  cli_json_bool (json, "escalated", answer->escalated);
  json_builder_end_object (json);
  cli_json_print (json);
}

CliExit cli_answer_exit (const RagAnswer *answer)
{
  switch (answer->status)
    {
    case RAG_ANSWERED:
      return CLI_DONE;
    case RAG_REFUSED:
      return CLI_REFUSED;
    case RAG_PARTIAL:
      break;
    }
  return CLI_FAILED;
}

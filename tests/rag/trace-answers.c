/* Prints one JSON line per question of `eval answers`: the answer and the signals that a refusal is
 * decided by. Not a test; built on request. */
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "rag/eval-private.h"

static int oracle, absent, before, limit = 100, seed, fold, n_folds, evidence_tokens;
static char *models_dir, *generator, *encoder;

static const GOptionEntry options[] = {
  { "oracle", 0, 0, G_OPTION_ARG_NONE, &oracle, "the gold paragraph is the context", NULL },
  { "absent", 0, 0, G_OPTION_ARG_NONE, &absent, "each second article is left out", NULL },
  { "before", 0, 0, G_OPTION_ARG_NONE, &before, "only the signals before the model", NULL },
  { "limit", 0, 0, G_OPTION_ARG_INT, &limit, "questions", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "of the sample", "N" },
  { "fold", 0, 0, G_OPTION_ARG_INT, &fold, "ask about this group of articles", "N" },
  { "folds", 0, 0, G_OPTION_ARG_INT, &n_folds, "of so many groups", "N" },
  { "evidence-tokens", 0, 0, G_OPTION_ARG_INT, &evidence_tokens, "of the context", "N" },
  { "models", 0, 0, G_OPTION_ARG_FILENAME, &models_dir, "models folder", "DIR" },
  { "model", 0, 0, G_OPTION_ARG_STRING, &generator, "generator", "NAME" },
  { "encoder", 0, 0, G_OPTION_ARG_STRING, &encoder, "encoder", "NAME" },
  { NULL },
};

static void add_number (JsonBuilder *json, const char *name, double value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_double_value (json, value);
}

static void add_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

static void add_signals (JsonBuilder *json, const RagSignals *signals)
{
  add_number (json, "cosine", signals->cosine);
  add_number (json, "coverage", signals->coverage);
  add_number (json, "sentence_cosine", signals->sentence_cosine);
  add_number (json, "mean_logprob", signals->mean_logprob);
  add_number (json, "source_cosine", signals->source_cosine);
  add_number (json, "agreement", signals->agreement);
  add_number (json, "names_missing", signals->names_missing);
  add_number (json, "echo", signals->echo);
}

/* All that the model said, what was struck included. */
static void add_sentences (JsonBuilder *json, const GPtrArray *sentences)
{
  g_autoptr (GString) said = g_string_new (NULL);
  guint n_supported = 0;
  for (guint i = 0; i < sentences->len; i++)
    {
      const RagSentence *sentence = g_ptr_array_index (sentences, i);
      g_string_append_printf (said, "%s%s", i > 0 ? " " : "", sentence->text);
      n_supported += sentence->supported;
    }
  add_string (json, "said", said->str);
  add_number (json, "n_supported", n_supported);
}

static void print_trace (const RagAnswerTrace *trace, gpointer user_data)
{
  const RagAnswer *answer = trace->answer;
  gboolean shown = FALSE;
  for (guint i = 0; i < answer->evidence->len; i++)
    shown |= rag_squad_contains (((RagHit *)g_ptr_array_index (answer->evidence, i))->text,
                                 trace->expected);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  json_builder_begin_object (json);
  add_string (json, "question", trace->question);
  add_string (json, "expected",
              trace->expected->len > 0 ? g_ptr_array_index (trace->expected, 0) : "");
  add_string (json, "answer", answer->answer);
  add_sentences (json, answer->sentences);
  add_string (json, "reason", answer->reason != NULL ? answer->reason : "");
  add_number (json, "answerable", trace->answerable);
  add_number (json, "refused", answer->status == RAG_REFUSED);
  add_number (json, "contains", rag_squad_contains (answer->answer, trace->expected));
  add_number (json, "f1", rag_squad_f1 (answer->answer, trace->expected));
  add_number (json, "in_evidence", shown);
  add_number (json, "prompt_tokens", answer->prompt_tokens);
  add_number (json, "prefill_ms", answer->prefill_ms);
  add_number (json, "retrieve_ms", answer->retrieve_ms);
  add_number (json, "total_ms", answer->total_ms);
  add_number (json, "confidence", answer->confidence);
  add_signals (json, trace->signals);
  json_builder_end_object (json);
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *line = json_to_string (root, FALSE);
  puts (line);
  fflush (stdout);
}

int main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("SQUAD.json");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2)
    {
      fprintf (stderr, "%s\n", error != NULL ? error->message : "one file is needed");
      return 2;
    }
  const RagOptions rag_options
      = { .models_dir = models_dir, .generator = generator, .encoder = encoder };
  const RagAnswerEvaluation evaluation = { .oracle = oracle,
                                           .absent = absent,
                                           .limit = (guint)limit,
                                           .seed = (guint64)seed,
                                           .fold = (guint)fold,
                                           .n_folds = (guint)n_folds,
                                           .ask = { .evidence_tokens = (guint)evidence_tokens,
                                                    .max_tokens = 60,
                                                    .evidence_only = before != 0 },
                                           .trace = print_trace };
  RagAnswerScore score;
  if (!rag_evaluate_answers (&rag_options, argv[1], &evaluation, NULL, NULL, NULL, &score, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  fprintf (stderr,
           "n %u f1 %.3f em %.3f contains %.3f refusal precision %.3f recall %.3f wrong %.3f "
           "first token %.0f %.0f ms\n",
           score.questions, score.f1, score.em, score.contains, score.refusal_precision,
           score.refusal_recall, score.wrong_answer_rate, score.first_token_ms_p50,
           score.first_token_ms_p95);
  return 0;
}

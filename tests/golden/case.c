/* Runs one golden case: opens the model, feeds it the recorded token ids and compares what comes
 * out with what the reference computed. Decoders are compared by their logits, the likeliest token
 * at every position and 16 greedy tokens; encoders by token vectors and pooled vectors; rerankers
 * by scores. Tolerances follow the types of the weights, as the golden README measured them. */
#include "golden-private.h"

#include "engine/encoder-private.h"
#include "engine/session-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

typedef struct
{
  EngineModel *model;
  JsonObject *sequence;
  gint32 *tokens;
  guint n_tokens;
  double close; /* logits nearer to one another than this may change places */
  GoldenResult *result;
} Run;

/* ---- Tolerances ----------------------------------------------------------------------------- */

static gboolean is_exact_run (void)
{
  return g_strcmp0 (g_getenv ("DOCENT_EXACT"), "1") == 0;
}

/* NMSE that rounding activations for matrices of TYPE explains. */
static double tolerance_of_type (EngineType type, gboolean bert)
{
  switch (type)
    {
    case ENGINE_TYPE_F32:
      return 0;
    case ENGINE_TYPE_F16:
      return 5e-6;
    case ENGINE_TYPE_BF16:
      return 2e-4;
    default:
      if (engine_type_info (type)->block_elements == 256)
        return bert ? 4e-4 : 4e-3;
      return bert ? 2e-4 : 2e-3;
    }
}

static void choose_tolerance (Run *run)
{
  const EngineModel *model = run->model;
  gboolean gelu = model->arch->activation != ENGINE_ACT_SILU;
  gboolean bert = g_str_has_suffix (model->arch->name, "bert");
  double largest = 0;
  for (gsize i = 0; i < engine_gguf_n_tensors (model->gguf); i++)
    largest = MAX (largest, tolerance_of_type (engine_gguf_tensor (model->gguf, i)->type, bert));
  run->result->quantised = largest > 0;
  run->close = 1e-3;
  if (largest == 0)
    run->result->tolerance = gelu ? 5e-9 : 1e-8;
  else if (is_exact_run ())
    run->result->tolerance = 1e-9;
  else
    {
      run->result->tolerance = largest;
      run->close = 1;
    }
}

static gboolean computes_exactly (const Run *run)
{
  return !run->result->quantised || is_exact_run ();
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static G_GNUC_PRINTF (2, 3) void fail (Run *run, const char *format, ...)
{
  va_list args;
  run->result->ok = FALSE;
  if (run->result->reason)
    return;
  va_start (args, format);
  run->result->reason = g_strdup_vprintf (format, args);
  va_end (args);
}

static void take_difference (Run *run, const char *what, const GoldenDifference *difference)
{
  double nmse = golden_difference_nmse (difference);
  GoldenResult *result = run->result;
  if (!(nmse <= result->nmse))
    result->nmse = nmse;
  if (!(difference->max_abs <= result->max_abs))
    result->max_abs = difference->max_abs;
  if (!(nmse <= result->tolerance))
    fail (run, "%s of %u tokens: nmse %g, accepted %g", what, run->n_tokens, nmse,
          result->tolerance);
  if (!result->quantised && !(difference->max_abs <= 1e-3))
    fail (run, "%s of %u tokens: largest difference %g, accepted 0.001", what, run->n_tokens,
          difference->max_abs);
}

static void compare_row (Run *run, const char *what, JsonArray *expected, const float *values,
                         gsize n)
{
  GoldenDifference difference = { 0 };
  if (json_array_get_length (expected) != n)
    {
      fail (run, "%s: %u numbers are recorded, the model gives %" G_GSIZE_FORMAT, what,
            json_array_get_length (expected), n);
      return;
    }
  for (gsize i = 0; i < n; i++)
    golden_difference_add (&difference, values[i], json_array_get_double_element (expected, i));
  take_difference (run, what, &difference);
}

/* ---- Decoders ------------------------------------------------------------------------------- */

static guint argmax (const float *values, guint n)
{
  guint best = 0;
  for (guint i = 1; i < n; i++)
    if (values[i] > values[best])
      best = i;
  return best;
}

/* Between the largest and the second. */
static double gap (const float *values, guint n)
{
  guint best = argmax (values, n);
  double second = -INFINITY;
  for (guint i = 0; i < n; i++)
    if (i != best)
      second = MAX (second, values[i]);
  return values[best] - second;
}

static void compare_positions (Run *run, const float *logits)
{
  guint n_vocab = run->model->hyper.n_vocab;
  JsonArray *best = json_object_get_array_member (run->sequence, "argmax");
  JsonArray *top = json_object_get_array_member (run->sequence, "top8");
  GoldenDifference difference = { 0 };
  for (guint t = 0; t < run->n_tokens; t++)
    {
      const float *row = logits + (gsize)t * n_vocab;
      JsonObject *likeliest = json_array_get_object_element (top, t);
      JsonArray *ids = json_object_get_array_member (likeliest, "ids");
      JsonArray *values = json_object_get_array_member (likeliest, "logits");
      for (guint i = 0; i < json_array_get_length (ids); i++)
        {
          guint64 id = json_array_get_int_element (ids, i);
          golden_difference_add (&difference, id < n_vocab ? row[id] : NAN,
                                 json_array_get_double_element (values, i));
        }
      double lead
          = json_array_get_double_element (values, 0) - json_array_get_double_element (values, 1);
      if (lead > run->close && argmax (row, n_vocab) != json_array_get_int_element (best, t))
        {
          run->result->argmax_match = FALSE;
          fail (run, "likeliest token at position %u of %u differs", t, run->n_tokens);
        }
    }
  take_difference (run, "logits of all positions", &difference);
}

/* Continues greedily, as far as the choice is clear. */
static void compare_greedy (Run *run, EngineSession *session)
{
  guint n_vocab = run->model->hyper.n_vocab;
  JsonArray *expected = json_object_get_array_member (run->sequence, "greedy16");
  engine_session_rewind (session, 0);
  if (!engine_session_read (session, run->tokens, run->n_tokens, NULL, NULL, NULL))
    run->result->greedy_match = FALSE;
  for (guint i = 0; i < json_array_get_length (expected) && run->result->greedy_match; i++)
    {
      const float *logits = engine_session_logits (session);
      gint32 token = argmax (logits, n_vocab);
      if (gap (logits, n_vocab) <= run->close)
        return;
      if (token != json_array_get_int_element (expected, i))
        run->result->greedy_match = FALSE;
      else if (!engine_session_read (session, &token, 1, NULL, NULL, NULL))
        run->result->greedy_match = FALSE;
    }
  if (!run->result->greedy_match)
    fail (run, "greedy continuation of %u tokens differs", run->n_tokens);
}

static void run_decoder (Run *run)
{
  guint n_vocab = run->model->hyper.n_vocab;
  guint n_ctx
      = json_object_get_int_member_with_default (run->sequence, "context", run->n_tokens + 16);
  EngineSessionOptions options = { .n_ctx = n_ctx, .n_threads = 2, .kv_type = ENGINE_KV_F32 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineSession) session = engine_session_new (run->model, &options, &error);
  g_autofree float *logits = g_new (float, (gsize)run->n_tokens *n_vocab);
  run->result->compares_tokens = TRUE;
  if (session == NULL
      || !engine_session_read_all (session, run->tokens, run->n_tokens, logits, &error))
    {
      fail (run, "%s", error->message);
      run->result->argmax_match = run->result->greedy_match = FALSE;
      return;
    }
  compare_row (run, "last logits", json_object_get_array_member (run->sequence, "last_logits"),
               logits + (gsize)(run->n_tokens - 1) * n_vocab, n_vocab);
  compare_positions (run, logits);
  compare_greedy (run, session);
}

/* ---- Encoders ------------------------------------------------------------------------------- */

static guint8 *read_token_types (const Run *run)
{
  if (!json_object_has_member (run->sequence, "token_types"))
    return NULL;
  JsonArray *types = json_object_get_array_member (run->sequence, "token_types");
  guint8 *values = g_new0 (guint8, run->n_tokens);
  for (guint i = 0; i < MIN (run->n_tokens, json_array_get_length (types)); i++)
    values[i] = json_array_get_int_element (types, i);
  return values;
}

static void compare_token_vectors (Run *run, const float *hidden)
{
  JsonArray *vectors = json_object_get_array_member (run->sequence, "token_vectors");
  gsize n_embd = run->model->hyper.n_embd;
  GoldenDifference difference = { 0 };
  for (guint t = 0; t < json_array_get_length (vectors); t++)
    for (gsize i = 0; i < n_embd; i++)
      golden_difference_add (
          &difference, hidden[t * n_embd + i],
          json_array_get_double_element (json_array_get_array_element (vectors, t), i));
  take_difference (run, "token vectors", &difference);
}

static void compare_embedding (Run *run, EngineEncoder *encoder, const EnginePacked *packed)
{
  guint dimension = engine_encoder_dimension (encoder);
  JsonArray *expected = json_object_get_array_member (run->sequence, "embedding");
  double expected_norm = json_object_get_double_member (run->sequence, "norm");
  g_autofree float *vector = g_new (float, dimension);
  g_autoptr (GError) error = NULL;
  float norm;
  if (!engine_encoder_embed (encoder, packed, vector, &norm, &error))
    {
      fail (run, "%s", error->message);
      return;
    }
  compare_row (run, "embedding", expected, vector, dimension);
  double relative = fabs (norm - expected_norm) / expected_norm;
  if (computes_exactly (run) && !(relative <= 1e-5))
    fail (run, "norm %g, recorded %g", norm, expected_norm);
  for (guint i = 0; computes_exactly (run) && i < dimension; i++)
    if (!(fabs (vector[i] - json_array_get_double_element (expected, i)) <= 1e-5))
      fail (run, "component %u of the embedding is off by more than 1e-5", i);
}

static void compare_score (Run *run, EngineEncoder *encoder, const EnginePacked *packed)
{
  double expected = json_object_get_double_member (run->sequence, "score");
  GoldenDifference difference = { 0 };
  g_autoptr (GError) error = NULL;
  float score = NAN;
  if (!engine_encoder_score (encoder, packed, &score, &error))
    fail (run, "%s", error->message);
  golden_difference_add (&difference, score, expected);
  run->result->max_abs = MAX (run->result->max_abs, difference.max_abs);
  if (computes_exactly (run) && !(difference.max_abs <= 1e-4))
    fail (run, "score %g, recorded %g", score, expected);
}

static void run_encoder (Run *run)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (run->model, 2, &error);
  g_autofree guint8 *types = read_token_types (run);
  EnginePacked packed = { run->tokens, types, &run->n_tokens, 1 };
  const float *hidden = encoder ? engine_encoder_hidden (encoder, &packed, &error) : NULL;
  if (hidden == NULL)
    {
      fail (run, "%s", error->message);
      return;
    }
  compare_token_vectors (run, hidden);
  if (json_object_has_member (run->sequence, "score"))
    compare_score (run, encoder, &packed);
  else
    compare_embedding (run, encoder, &packed);
}

/* ---- Case ----------------------------------------------------------------------------------- */

static void run_sequence (Run *run, JsonObject *sequence)
{
  JsonArray *tokens = json_object_get_array_member (sequence, "tokens");
  run->sequence = sequence;
  run->n_tokens = json_array_get_length (tokens);
  run->tokens = g_new (gint32, run->n_tokens);
  for (guint i = 0; i < run->n_tokens; i++)
    run->tokens[i] = json_array_get_int_element (tokens, i);
  if (json_object_has_member (sequence, "last_logits"))
    run_decoder (run);
  else
    run_encoder (run);
  g_clear_pointer (&run->tokens, g_free);
}

/* A file that must be refused is ok when it is, for what it lacks and not for being damaged. */
static void judge_refusal (GoldenResult *result, gboolean must_refuse, const GError *error)
{
  result->ok = must_refuse && g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED);
  result->nmse = result->max_abs = result->tolerance = NAN;
  result->reason = g_strdup (error->message);
}

GoldenResult golden_run_case (const char *folder)
{
  GoldenResult result = { .ok = TRUE, .argmax_match = TRUE, .greedy_match = TRUE };
  g_autofree char *model_path = g_build_filename (folder, "model.gguf", NULL);
  g_autofree char *expect_path = g_build_filename (folder, "expect.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  if (!json_parser_load_from_file (parser, expect_path, &error))
    {
      judge_refusal (&result, FALSE, error);
      return result;
    }
  JsonObject *expect = json_node_get_object (json_parser_get_root (parser));
  gboolean must_refuse = json_object_get_boolean_member_with_default (expect, "must_refuse", FALSE);
  g_autoptr (EngineModel) model = engine_model_open_graph (model_path, &error);
  if (model == NULL)
    {
      judge_refusal (&result, must_refuse, error);
      return result;
    }
  Run run = { .model = model, .result = &result };
  choose_tolerance (&run);
  if (must_refuse)
    fail (&run, "the file was accepted and should have been refused");
  JsonArray *sequences = json_object_get_array_member (expect, "sequences");
  for (guint i = 0; i < json_array_get_length (sequences); i++)
    run_sequence (&run, json_array_get_object_element (sequences, i));
  return result;
}

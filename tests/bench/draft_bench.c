/* What reading ahead gains when an answer is copied from its passage:
 *
 *   draft_bench MODEL < pairs
 *
 * Lines of "passage<TAB>question". Each is answered twice after the same prompt, one token at a time
 * and with drafts, by the model's greedy choice; both must be the same tokens. Then the time of a
 * step that reads 1, 2, … tokens, in multiples of the first. Run by hand on an idle machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/session-private.h"

#define MAX_TOKENS 120

static const char *const instructions
    = "Answer with the sentence of the passage that answers the question, word for word.";

static void die (const GError *error)
{
  fprintf (stderr, "draft_bench: %s\n", error->message);
  exit (1);
}

static double now_ms (void)
{
  return (double)g_get_monotonic_time () / 1e3;
}

static GArray *prompt_of (const EngineModel *model, const char *passage, const char *question)
{
  g_autofree char *user = g_strdup_printf ("Passage:\n\n%s\n\nQuestion: %s", passage, question);
  const EngineMessage messages[]
      = { { .role = "system", .text = instructions }, { .role = "user", .text = user } };
  g_autoptr (GError) error = NULL;
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  if (!engine_chat_tokens (model, messages, 2, tokens, &error))
    die (error);
  return tokens;
}

static void read_prompt (EngineSession *session, const GArray *prompt)
{
  g_autoptr (GError) error = NULL;
  engine_session_rewind (session, 0);
  if (!engine_session_read (session, (const gint32 *)(gconstpointer)prompt->data, prompt->len, NULL,
                            NULL, &error))
    die (error);
}

/* Returns milliseconds. */
static double write_answer (EngineSession *session, gsize n_prompt, gboolean no_drafts,
                            GArray *ret_tokens, guint *ret_n_drafted)
{
  const EngineSampling greedy = { .max_tokens = MAX_TOKENS, .no_drafts = no_drafts };
  g_autoptr (GError) error = NULL;
  EngineGeneration result;
  gsize n;
  double begin = now_ms ();
  if (!engine_generate (session, &greedy, NULL, NULL, &result, &error))
    die (error);
  double ms = now_ms () - begin;
  const gint32 *tokens = engine_session_tokens (session, &n);
  g_array_append_vals (ret_tokens, tokens + n_prompt, n - n_prompt);
  *ret_n_drafted = result.n_drafted;
  return ms;
}

typedef struct
{
  guint n_prompts, n_tokens, n_drafted, n_different;
  double plain_ms, draft_ms, worst; /* worst: plain_ms / draft_ms of one answer */
} Totals;

static void compare (EngineSession *session, const char *passage, const char *question,
                     Totals *totals)
{
  g_autoptr (GArray) prompt = prompt_of (engine_session_model (session), passage, question);
  g_autoptr (GArray) plain = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GArray) drafted = g_array_new (FALSE, FALSE, sizeof (gint32));
  guint n_drafted;
  read_prompt (session, prompt);
  double plain_ms = write_answer (session, prompt->len, TRUE, plain, &n_drafted);
  read_prompt (session, prompt);
  double draft_ms = write_answer (session, prompt->len, FALSE, drafted, &n_drafted);
  gboolean same = plain->len == drafted->len
                  && memcmp (plain->data, drafted->data, plain->len * sizeof (gint32)) == 0;
  totals->n_prompts++;
  totals->n_different += !same;
  totals->n_tokens += plain->len;
  totals->n_drafted += n_drafted;
  totals->plain_ms += plain_ms;
  totals->draft_ms += draft_ms;
  totals->worst = MIN (totals->worst, plain_ms / draft_ms);
  printf ("%3u tokens, %3u drafted: %5.2f times as fast%s\n", plain->len, n_drafted,
          plain_ms / draft_ms, same ? "" : ", DIFFERENT");
}

/* A step of one token and N more, which are not the right ones: best of three. */
static double time_step (EngineSession *session, guint n)
{
  const gint32 guesses[ENGINE_MAX_AHEAD] = { 1, 2, 3, 4, 5, 6, 7 };
  double best = G_MAXDOUBLE;
  for (guint run = 0; run < 5; run++)
    {
      engine_session_push (session, 1000);
      double begin = now_ms ();
      if (!engine_session_read_ahead (session, guesses, n, NULL))
        exit (1);
      best = MIN (best, now_ms () - begin);
    }
  return best;
}

static void print_steps (EngineSession *session)
{
  double one = time_step (session, 0);
  printf ("step of one token %.1f ms;", one);
  for (guint n = 1; n <= MIN (ENGINE_MAX_AHEAD, engine_session_max_ahead (session)); n++)
    printf (" %u: × %.2f", n + 1, time_step (session, n) / one);
  printf ("\n");
}

int main (int argc, char **argv)
{
  if (argc != 2)
    return fprintf (stderr, "usage: draft_bench MODEL < pairs\n"), 2;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (argv[1], &error);
  if (model == NULL)
    die (error);
  const EngineSessionOptions options = { .n_ctx = 2048 };
  g_autoptr (EngineSession) session = engine_session_new (model, &options, &error);
  if (session == NULL)
    die (error);
  char line[8192];
  Totals totals = { .worst = G_MAXDOUBLE };
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_auto (GStrv) pair = g_strsplit (g_strchomp (line), "\t", 2);
      if (g_strv_length (pair) == 2)
        compare (session, pair[0], pair[1], &totals);
    }
  printf ("%s: %u answers of %u tokens, %u of them drafted; %.1f tokens/s one at a time, %.1f with "
          "drafts: %.2f times as fast, the slowest %.2f; %u different\n",
          engine_isa (), totals.n_prompts, totals.n_tokens, totals.n_drafted,
          1e3 * totals.n_tokens / totals.plain_ms, 1e3 * totals.n_tokens / totals.draft_ms,
          totals.plain_ms / totals.draft_ms, totals.worst, totals.n_different);
  print_steps (session);
  return totals.n_different > 0;
}

/* What a model writes greedily after each line of standard input, for llama_compare.py:
 *
 *   greedy MODEL N_TOKENS < prompts
 *
 * A line that begins with a tab is token ids. One JSON object per prompt: its token ids, the N_TOKENS that follow, and for each of them the five
 * best tokens there with their logits. DOCENT_EXACT=1 computes in float throughout. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/session-private.h"

static void die (const GError *error)
{
  fprintf (stderr, "greedy: %s\n", error->message);
  exit (1);
}

#define N_BEST 5

/* The N_BEST tokens with the highest logits, best first. */
static void find_best (const float *logits, guint n_vocab, guint *ret_tokens)
{
  guint n = 0;
  for (guint token = 0; token < n_vocab; token++)
    {
      guint at = n;
      while (at > 0 && logits[token] > logits[ret_tokens[at - 1]])
        at--;
      if (at == N_BEST)
        continue;
      n = MIN (n + 1, N_BEST);
      for (guint i = n - 1; i > at; i--)
        ret_tokens[i] = ret_tokens[i - 1];
      ret_tokens[at] = token;
    }
}

static void append_ids (GString *text, const guint *ids, const float *logits)
{
  g_string_append (text, text->len > 0 ? ",{" : "{");
  for (guint i = 0; i < N_BEST; i++)
    g_string_append_printf (text, "%s\"%u\":%.4f", i > 0 ? "," : "", ids[i],
                            (double)logits[ids[i]]);
  g_string_append_c (text, '}');
}

static void continue_prompt (EngineSession *session, const GArray *prompt, guint n_tokens)
{
  guint n_vocab = engine_session_model (session)->hyper.n_vocab;
  g_autoptr (GString) tokens = g_string_new (NULL);
  g_autoptr (GString) logits_of_best = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  engine_session_rewind (session, 0);
  if (!engine_session_read (session, (const gint32 *)(gpointer)prompt->data, prompt->len, NULL,
                            NULL, &error))
    die (error);
  for (guint i = 0; i < n_tokens; i++)
    {
      const float *logits = engine_session_logits (session);
      guint best[N_BEST];
      find_best (logits, n_vocab, best);
      g_string_append_printf (tokens, "%s%u", i > 0 ? "," : "", best[0]);
      append_ids (logits_of_best, best, logits);
      const gint32 next = best[0];
      if (!engine_session_read (session, &next, 1, NULL, NULL, &error))
        die (error);
    }
  printf ("{\"prompt\":[");
  for (guint i = 0; i < prompt->len; i++)
    printf ("%s%d", i > 0 ? "," : "", g_array_index (prompt, gint32, i));
  printf ("],\"tokens\":[%s],\"best\":[%s]}\n", tokens->str, logits_of_best->str);
  fflush (stdout);
}

/* The ids of LINE, or the tokens of its text. */
static GArray *read_prompt (const EngineModel *model, char *line)
{
  GArray *prompt = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GError) error = NULL;
  if (line[0] != '\t')
    {
      if (!engine_tokenize (model, g_strchomp (line), -1, ENGINE_TOKENIZE_ADD_SPECIAL, prompt, &error))
        die (error);
      return prompt;
    }
  char *end = line;
  for (gint32 id = strtol (line, &end, 10); end != line; id = strtol (line, &end, 10))
    {
      g_array_append_val (prompt, id);
      line = end;
    }
  return prompt;
}

int main (int argc, char **argv)
{
  if (argc != 3)
    return fprintf (stderr, "usage: greedy MODEL N_TOKENS < prompts\n"), 2;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = engine_model_open (argv[1], &error);
  if (model == NULL)
    die (error);
  const EngineSessionOptions options = { .n_ctx = 512 };
  g_autoptr (EngineSession) session = engine_session_new (model, &options, &error);
  if (session == NULL)
    die (error);
  char line[4096];
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_autoptr (GArray) prompt = read_prompt (model, line);
      continue_prompt (session, prompt, atoi (argv[2]));
    }
  return 0;
}

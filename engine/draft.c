/* Guesses what a model will write next: what stood after the same words before.
 *
 * An answer from documents is largely copied from them. In go the tokens of a session, prompt and
 * answer so far; out comes a run of tokens that followed the last time these few tokens stood there
 * (prompt lookup decoding, Saxena 2023; LLMA, Yang et al. 2023). The model then reads the run at
 * once and what it would not have written is dropped, so a wrong guess costs time and nothing else.
 * How often guesses came true and what they took is counted, and a run is only as long as pays. */
#include "engine/session-private.h"

/* A match of this many tokens or more counts as one kind. */
#define MAX_MATCH 4
/* What is believed before the first guess, and how many guesses it counts for. */
static const double first_shares[MAX_MATCH + 1] = { 0, 0.2, 0.5, 0.75, 0.85 };
#define FIRST_WEIGHT 2
#define FIRST_EXTRA 0.3

struct _EngineDrafter
{
  double true_guesses[MAX_MATCH + 1], guesses[MAX_MATCH + 1]; /* by length of the match */
  double plain_ms;  /* of a step without guesses; 0: none yet */
  double extra;     /* of one more token in a step, as a share of plain_ms */
  guint match;      /* of the guess in work */
};

EngineDrafter *engine_drafter_new (void)
{
  EngineDrafter *drafter = g_new0 (EngineDrafter, 1);
  for (guint i = 0; i <= MAX_MATCH; i++)
    {
      drafter->guesses[i] = FIRST_WEIGHT;
      drafter->true_guesses[i] = FIRST_WEIGHT * first_shares[i];
    }
  drafter->extra = FIRST_EXTRA;
  return drafter;
}

void engine_drafter_free (EngineDrafter *drafter)
{
  g_free (drafter);
}

/* How many tokens up to END (excluded) are those at the end of TOKENS. */
static guint match_length (const gint32 *tokens, gsize n_tokens, gsize end)
{
  guint n = 0;
  while (n < MAX_MATCH && n < end && tokens[end - 1 - n] == tokens[n_tokens - 1 - n])
    n++;
  return n;
}

/* Where to go on copying: after the longest match, the last of them. 0: there is none. */
static gsize find_source (const gint32 *tokens, gsize n_tokens, guint *ret_match)
{
  gsize source = 0;
  *ret_match = 0;
  for (gsize end = n_tokens - 1; end > 0 && *ret_match < MAX_MATCH; end--)
    {
      guint n = match_length (tokens, n_tokens, end);
      if (n > *ret_match)
        {
          *ret_match = n;
          source = end;
        }
    }
  return source;
}

/* The i-th token of a run comes true with probability share^i and costs EXTRA. */
static gsize paying_length (const EngineDrafter *drafter, gsize longest)
{
  double share = drafter->true_guesses[drafter->match] / drafter->guesses[drafter->match];
  double probability = share;
  gsize n = 0;
  for (; n < longest && probability > drafter->extra; n++)
    probability *= share;
  return n;
}

gsize engine_drafter_guess (EngineDrafter *drafter, const gint32 *tokens, gsize n_tokens,
                            gsize longest, const gint32 **ret_run)
{
  if (drafter->plain_ms <= 0 || n_tokens < 2)
    return 0;
  gsize source = find_source (tokens, n_tokens, &drafter->match);
  *ret_run = tokens + source;
  return source > 0 ? paying_length (drafter, MIN (longest, n_tokens - source)) : 0;
}

void engine_drafter_learn_time (EngineDrafter *drafter, gsize n_guessed, double ms)
{
  if (n_guessed == 0)
    drafter->plain_ms = drafter->plain_ms > 0 ? MIN (drafter->plain_ms, ms) : ms;
  else
    {
      double extra = (ms / drafter->plain_ms - 1) / n_guessed;
      drafter->extra = 0.7 * drafter->extra + 0.3 * CLAMP (extra, 0, 1);
    }
}

void engine_drafter_learn_guess (EngineDrafter *drafter, gboolean came_true)
{
  drafter->guesses[drafter->match]++;
  drafter->true_guesses[drafter->match] += came_true ? 1 : 0;
}

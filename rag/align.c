/* Finds what was changed when a sentence says almost what its source says.
 *
 * "The limit is 4 patients" and "the limit is 9 patients" share all words but one, and the page may
 * well have a 4 elsewhere, so looking for the word is not enough. In come the words of both, out
 * goes whether a number or name of the one stands where the source has another. The words are laid
 * beside each other by their longest common subsequence; what differs between two words that match
 * was put in the other's place. A "not" that only one side has there turns the sentence round. */
#include "rag/text-private.h"

#include "index/index.h"

#include <string.h>

/* Longer sentences are not compared: the table grows with the product of both lengths. */
#define MAX_WORDS 250
/* The share of the sentence's words that must match: below, it is another sentence. */
#define MIN_ALIKE 0.5

typedef struct
{
  const char *text;
  const GArray *words; /* RagWord */
} Side;

static const RagWord *word_of (const Side *side, guint i)
{
  return &g_array_index (side->words, RagWord, i);
}

static gboolean same (const Side *said, guint i, const Side *source, guint k)
{
  return strcmp (word_of (said, i)->form, word_of (source, k)->form) == 0;
}

/* lengths[i][k]: of the longest common subsequence from word I and word K on. */
static guint16 *common_lengths (const Side *said, const Side *source)
{
  guint n = said->words->len, m = source->words->len;
  guint16 *lengths = g_new0 (guint16, (gsize)(n + 1) * (m + 1));
  for (guint i = n; i-- > 0;)
    for (guint k = m; k-- > 0;)
      {
        guint16 down = lengths[(i + 1) * (m + 1) + k], right = lengths[i * (m + 1) + k + 1];
        guint16 both = (guint16)(lengths[(i + 1) * (m + 1) + k + 1] + 1);
        lengths[i * (m + 1) + k] = same (said, i, source, k) ? both : MAX (down, right);
      }
  return lengths;
}

/* A capital at a sentence's beginning may be a name's. */
static gboolean is_name (const Side *side, guint i)
{
  const RagWord *word = word_of (side, i);
  return word->kind == RAG_WORD_NAME
         || (word->kind == RAG_WORD_PLAIN
             && g_unichar_isupper (g_utf8_get_char (side->text + word->start)));
}

static guint count_of (const Side *side, const char *form)
{
  guint n = 0;
  for (guint i = 0; i < side->words->len; i++)
    n += strcmp (word_of (side, i)->form, form) == 0;
  return n;
}

/* Whether A has the word more often than B. */
static gboolean more_in (const Side *a, const Side *b, const char *form)
{
  return count_of (a, form) > count_of (b, form);
}

/* Whether words [i0, i1) of SAID, which stand where SOURCE has [k0, k1), bring in a number or name
 * and leave out another. */
static gboolean is_swap (const Side *said, guint i0, guint i1, const Side *source, guint k0,
                         guint k1)
{
  for (guint i = i0; i < i1; i++)
    for (guint k = k0; k < k1; k++)
      {
        gboolean numbers = word_of (said, i)->kind == RAG_WORD_NUMBER
                           && word_of (source, k)->kind == RAG_WORD_NUMBER;
        if ((numbers || (is_name (said, i) && is_name (source, k)))
            && more_in (said, source, word_of (said, i)->form)
            && more_in (source, said, word_of (source, k)->form))
          return TRUE;
      }
  return FALSE;
}

/* Words between which a "not" belongs to what stands around it; longer gaps are other clauses. */
#define MAX_FLIP_GAP 3

static gboolean is_one_of (const char *text, const RagWord *word, const char *const *words)
{
  g_autofree char *lower = g_utf8_strdown (text + word->start, word->end - word->start);
  return g_strv_contains (words, lower);
}

gboolean rag_is_negation (const char *text, const RagWord *word)
{
  g_autofree char *lower = g_utf8_strdown (text + word->start, word->end - word->start);
  return index_is_denial (lower);
}

/* "Not only" denies nothing. */
static gboolean is_only (const Side *side, guint i)
{
  static const char *const only[] = { "only", "just", "nur", "seulement", "solo", "sólo", NULL };
  return i < side->words->len && is_one_of (side->text, word_of (side, i), only);
}

static guint n_negations (const Side *side, guint from, guint to)
{
  guint n = 0;
  for (guint i = from; i < to; i++)
    n += rag_is_negation (side->text, word_of (side, i)) && !is_only (side, i + 1);
  return n;
}

guint rag_count_negations (const char *text, const GArray *words)
{
  const Side side = { text, words };
  return n_negations (&side, 0, words->len);
}

/* Whether one of the two gaps denies and the other does not. */
static gboolean is_flip (const Side *said, guint i0, guint i1, const Side *source, guint k0,
                         guint k1)
{
  return i1 - i0 <= MAX_FLIP_GAP && k1 - k0 <= MAX_FLIP_GAP
         && n_negations (said, i0, i1) % 2 != n_negations (source, k0, k1) % 2;
}

static gboolean is_change (const Side *said, guint i0, guint i1, const Side *source, guint k0,
                           guint k1)
{
  return is_swap (said, i0, i1, source, k0, k1) || is_flip (said, i0, i1, source, k0, k1);
}

gboolean rag_is_altered (const char *said_text, const GArray *said_words, const char *source_text,
                         const GArray *source_words)
{
  Side said = { said_text, said_words }, source = { source_text, source_words };
  guint n = said_words->len, m = source_words->len;
  if (n == 0 || m == 0 || n > MAX_WORDS || m > MAX_WORDS)
    return FALSE;
  g_autofree guint16 *lengths = common_lengths (&said, &source);
  if (lengths[0] < MIN_ALIKE * n)
    return FALSE;
  guint i = 0, k = 0, gap_i = 0, gap_k = 0;
  gboolean changed = FALSE;
  while (i < n && k < m && !changed)
    if (same (&said, i, &source, k))
      {
        changed = is_change (&said, gap_i, i, &source, gap_k, k);
        gap_i = ++i;
        gap_k = ++k;
      }
    else if (lengths[(i + 1) * (m + 1) + k] >= lengths[i * (m + 1) + k + 1])
      i++;
    else
      k++;
  /* What the source says further on need not be said. */
  return changed || is_swap (&said, gap_i, n, &source, gap_k, m)
         || n_negations (&said, gap_i, n) > n_negations (&source, gap_k, m);
}

/* Joins the pieces of a word into the tokens that the model was trained with.
 *
 * The word's smallest pieces come in as a linked list; every pair of neighbours that may be joined
 * waits in a heap, best first and leftmost among equals. A join makes at most two new pairs and
 * lets old ones go stale, which is noticed when they come up. So a word of a hundred thousand
 * letters without a space costs n log n, not n², and a hostile document cannot stall the
 * tokenizer.
 *
 * Most words of a document have been in it before. Their tokens are copied from where they came out
 * the first time, which halves the time. The table of words lives as long as one text, at most
 * 256 kB, so that a tokenizer itself never changes and may be shared between threads. */
#include "engine/merge-private.h"
#include "engine/hash-private.h"

#define MAX_WORDS 8192

/* Keys and positions are packed into one number, so that one comparison orders both. */
typedef struct
{
  guint64 order;  /* key << 32 | index of the left symbol */
  guint32 length; /* of both symbols together; another length now means the pair is stale */
  gint32 id;
} Candidate;

void engine_merger_init (EngineMerger *merger, GArray *tokens, gsize n_bytes)
{
  gsize n_words = 16;
  while (n_words < MAX_WORDS && n_words < n_bytes / 8)
    n_words *= 2;
  merger->words = g_new0 (EngineMergedWord, n_words);
  merger->word_mask = n_words - 1;
  merger->tokens = tokens;
  merger->symbols = g_array_new (FALSE, FALSE, sizeof (EngineMergeSymbol));
  merger->heap = g_array_new (FALSE, FALSE, sizeof (Candidate));
}

void engine_merger_clear (EngineMerger *merger)
{
  g_clear_pointer (&merger->words, g_free);
  g_clear_pointer (&merger->symbols, g_array_unref);
  g_clear_pointer (&merger->heap, g_array_unref);
}

void engine_merger_begin (EngineMerger *merger)
{
  g_array_set_size (merger->symbols, 0);
  g_array_set_size (merger->heap, 0);
}

void engine_merger_add (EngineMerger *merger, guint32 start, guint32 length, gint32 id)
{
  gint32 i = merger->symbols->len;
  EngineMergeSymbol symbol = { start, length, id, i - 1, -1 };
  if (i > 0)
    g_array_index (merger->symbols, EngineMergeSymbol, i - 1).next = i;
  g_array_append_val (merger->symbols, symbol);
}

static void push (GArray *heap, Candidate candidate)
{
  guint i = heap->len;
  g_array_append_val (heap, candidate);
  Candidate *entries = (Candidate *)heap->data;
  for (; i > 0 && candidate.order < entries[(i - 1) / 2].order; i = (i - 1) / 2)
    entries[i] = entries[(i - 1) / 2];
  entries[i] = candidate;
}

static Candidate pop (GArray *heap)
{
  Candidate *entries = (Candidate *)heap->data;
  Candidate best = entries[0], last = entries[heap->len - 1];
  guint n = heap->len - 1, i = 0;
  g_array_set_size (heap, n);
  for (guint child = 1; child < n; child = 2 * i + 1)
    {
      if (child + 1 < n && entries[child + 1].order < entries[child].order)
        child++;
      if (last.order <= entries[child].order)
        break;
      entries[i] = entries[child];
      i = child;
    }
  if (n > 0)
    entries[i] = last;
  return best;
}

typedef struct
{
  EngineMergeFunc may_join;
  gconstpointer table;
  const char *text;
} Rules;

static void consider (EngineMerger *merger, const Rules *rules, gint32 left, gint32 right)
{
  if (left < 0 || right < 0)
    return;
  const EngineMergeSymbol *symbols = (const EngineMergeSymbol *)merger->symbols->data;
  guint32 key;
  Candidate candidate;
  if (!rules->may_join (rules->table, rules->text, &symbols[left], &symbols[right], &key,
                        &candidate.id))
    return;
  candidate.order = (guint64)key << 32 | (guint32)left;
  candidate.length = symbols[left].length + symbols[right].length;
  push (merger->heap, candidate);
}

/* FALSE when one of the pair has been joined with something else in the meantime. Boundaries only
 * ever vanish, so the same left end and the same total length mean the same pair. */
static gboolean join (EngineMerger *merger, Candidate candidate)
{
  EngineMergeSymbol *symbols = (EngineMergeSymbol *)merger->symbols->data;
  EngineMergeSymbol *left = &symbols[(guint32)candidate.order];
  if (left->length == 0 || left->next < 0)
    return FALSE;
  EngineMergeSymbol *right = &symbols[left->next];
  if (left->length + right->length != candidate.length)
    return FALSE;
  left->length = candidate.length;
  left->id = candidate.id;
  left->next = right->next;
  if (left->next >= 0)
    symbols[left->next].previous = (guint32)candidate.order;
  right->length = 0;
  return TRUE;
}

void engine_merger_run (EngineMerger *merger, EngineMergeFunc may_join, gconstpointer table,
                        const char *text)
{
  Rules rules = { may_join, table, text };
  for (gint32 i = 1; i < (gint32)merger->symbols->len; i++)
    consider (merger, &rules, i - 1, i);
  while (merger->heap->len > 0)
    {
      Candidate best = pop (merger->heap);
      if (!join (merger, best))
        continue;
      gint32 left = (guint32)best.order;
      const EngineMergeSymbol *joined = engine_merger_symbol (merger, left);
      gint32 previous = joined->previous, next = joined->next;
      consider (merger, &rules, previous, left);
      consider (merger, &rules, left, next);
    }
}

/* ---- Words met before --------------------------------------------------------------------------
 */

static EngineMergedWord *find_word (EngineMerger *merger, const char *word, gsize length)
{
  if (length == 0 || length > sizeof merger->words->bytes)
    return NULL;
  return &merger->words[engine_hash_bytes (0, word, length) & merger->word_mask];
}

gboolean engine_merger_recall (EngineMerger *merger, const char *word, gsize length)
{
  const EngineMergedWord *found = find_word (merger, word, length);
  if (found == NULL || found->length != length || memcmp (found->bytes, word, length) != 0)
    return FALSE;
  guint before = merger->tokens->len;
  g_array_set_size (merger->tokens, before + found->n_tokens);
  gint32 *ids = (gint32 *)merger->tokens->data;
  memcpy (&ids[before], &ids[found->first], found->n_tokens * sizeof *ids);
  return TRUE;
}

void engine_merger_remember (EngineMerger *merger, const char *word, gsize length, guint first)
{
  EngineMergedWord *slot = find_word (merger, word, length);
  if (slot == NULL)
    return;
  *slot = (EngineMergedWord){ first, merger->tokens->len - first, length, "" };
  memcpy (slot->bytes, word, length);
}

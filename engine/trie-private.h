/* A byte trie over many short strings, laid out flat: what WordPiece, Unigram and the search for
 * markers walk along while they read text. trie.c. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *bytes;
  gsize length;
  gint32 value; /* not negative */
} EngineTrieEntry;

/* Node 0 is the root. The children of node i are the nodes first_child[i] … first_child[i + 1] - 1,
 * ordered by label. */
typedef struct
{
  guint32 n_nodes;
  guint32 *first_child; /* [n_nodes + 1] */
  guint8 *labels;       /* [n_nodes]; the byte that leads to a node */
  gint32 *values;       /* [n_nodes]; -1: no entry ends here */
  guint32 root[256];    /* children of the root; 0: none */
} EngineTrie;

/* Reorders ENTRIES; their bytes are not needed afterwards. Of equal strings the one with the
 * largest value stays; empty strings are left out. */
EngineTrie *engine_trie_new (EngineTrieEntry *entries, gsize n_entries);
void engine_trie_free (EngineTrie *trie);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineTrie, engine_trie_free)

/* The longest entry that TEXT begins with: its value and, in RET_LENGTH, its bytes; -1 when there
 * is none. The search starts at NODE, which stands for bytes already read. */
gint32 engine_trie_longest (const EngineTrie *trie, guint32 node, const char *text, gsize length,
                            gsize *ret_length);
/* The value of the entry that is exactly BYTES, or -1. */
gint32 engine_trie_find (const EngineTrie *trie, const char *bytes, gsize length);

/* The child of NODE along BYTE; 0 when there is none. */
static inline guint32 engine_trie_step (const EngineTrie *trie, guint32 node, guint8 byte)
{
  if (node == 0)
    return trie->root[byte];
  guint32 low = trie->first_child[node], high = trie->first_child[node + 1];
  while (high - low > 8)
    {
      guint32 middle = low + (high - low) / 2;
      if (trie->labels[middle] <= byte)
        low = middle;
      else
        high = middle;
    }
  for (; low < high; low++)
    if (trie->labels[low] == byte)
      return low;
  return 0;
}

G_END_DECLS

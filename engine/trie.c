/* Finds the longest known word piece or marker at a place in text, one step per byte.
 *
 * Strings with values come in; a trie of flat arrays goes out. Its nodes are numbered level by
 * level, so that the children of a node are neighbours: a step is a search among a few adjacent
 * bytes instead of a walk through pointers, and 30,000 word pieces stay within the second-level
 * cache. */
#include "engine/trie-private.h"

#include <stdlib.h>
#include <string.h>

static int compare_entries (const void *a, const void *b)
{
  const EngineTrieEntry *left = a, *right = b;
  int order = memcmp (left->bytes, right->bytes, MIN (left->length, right->length));
  if (order != 0)
    return order;
  if (left->length != right->length)
    return left->length < right->length ? -1 : 1;
  return left->value < right->value ? -1 : left->value > right->value;
}

/* The sorted entries [begin, end) share the bytes that lead to the node. */
typedef struct
{
  guint32 begin, end;
} Range;

static void append_node (EngineTrie *trie, GArray *ranges, guint8 label, Range range)
{
  trie->labels[ranges->len] = label;
  g_array_append_val (ranges, range);
}

/* Gives NODE its value and appends its children; DEPTH is the number of bytes that lead to it. */
static void expand_node (EngineTrie *trie, GArray *ranges, const EngineTrieEntry *entries,
                         guint32 node, gsize depth)
{
  Range range = g_array_index (ranges, Range, node);
  trie->first_child[node] = ranges->len;
  trie->values[node] = -1;
  while (range.begin < range.end && entries[range.begin].length == depth)
    trie->values[node] = entries[range.begin++].value;
  while (range.begin < range.end)
    {
      guint8 label = entries[range.begin].bytes[depth];
      Range child = { range.begin, range.begin };
      while (child.end < range.end && (guint8)entries[child.end].bytes[depth] == label)
        child.end++;
      append_node (trie, ranges, label, child);
      range.begin = child.end;
    }
}

EngineTrie *engine_trie_new (EngineTrieEntry *entries, gsize n_entries)
{
  EngineTrie *trie = g_new0 (EngineTrie, 1);
  gsize n_bytes = 0, n_used = 0;
  for (gsize i = 0; i < n_entries; i++)
    if (entries[i].length > 0)
      {
        n_bytes += entries[i].length;
        entries[n_used++] = entries[i];
      }
  if (n_used > 1)
    qsort (entries, n_used, sizeof *entries, compare_entries);
  trie->first_child = g_new (guint32, n_bytes + 2);
  trie->labels = g_new (guint8, n_bytes + 1);
  trie->values = g_new (gint32, n_bytes + 1);

  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  append_node (trie, ranges, 0, (Range){ 0, n_used });
  guint32 node = 0;
  for (gsize depth = 0; node < ranges->len; depth++)
    for (guint32 level_end = ranges->len; node < level_end; node++)
      expand_node (trie, ranges, entries, node, depth);

  trie->n_nodes = ranges->len;
  trie->first_child[trie->n_nodes] = trie->n_nodes;
  trie->first_child = g_renew (guint32, trie->first_child, trie->n_nodes + 1);
  trie->labels = g_renew (guint8, trie->labels, trie->n_nodes);
  trie->values = g_renew (gint32, trie->values, trie->n_nodes);
  for (guint32 child = 1; child < trie->first_child[1]; child++)
    trie->root[trie->labels[child]] = child;
  return trie;
}

void engine_trie_free (EngineTrie *trie)
{
  if (trie == NULL)
    return;
  g_free (trie->first_child);
  g_free (trie->labels);
  g_free (trie->values);
  g_free (trie);
}

gint32 engine_trie_longest (const EngineTrie *trie, guint32 node, const char *text, gsize length,
                            gsize *ret_length)
{
  gint32 value = -1;
  for (gsize i = 0; i < length; i++)
    {
      node = engine_trie_step (trie, node, text[i]);
      if (node == 0)
        break;
      if (trie->values[node] >= 0)
        {
          value = trie->values[node];
          *ret_length = i + 1;
        }
    }
  return value;
}

gint32 engine_trie_find (const EngineTrie *trie, const char *bytes, gsize length)
{
  gsize found = 0;
  gint32 value = engine_trie_longest (trie, 0, bytes, length, &found);
  return value >= 0 && found == length ? value : -1;
}

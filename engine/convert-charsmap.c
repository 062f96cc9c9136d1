/* Compiles rules that rewrite characters ("ﬁ" becomes "fi") into the form in which SentencePiece
 * ships them: a double-array trie over the bytes to be replaced, then the replacements as
 * NUL-terminated strings. In a double array the children of a node stand at BASE xor LABEL, so
 * looking a byte up costs one step; building it means finding for each node a base at which all
 * its children fall on free places, and which no other node has, since a child is told from a
 * stranger only by its label. Source: J. Aoe, "An Efficient Digital Search Algorithm by Using a
 * Double-Array Structure" (1989), with the units of the darts-clone library. */
#include "engine/convert-private.h"

#include <string.h>

/* Offsets are stored in 21 bits here, which XLM-R's rules fill to a thirtieth. */
#define MAX_UNITS (1u << 21)
#define SEARCH_WINDOW 256
#define HAS_VALUE (1u << 8)
#define IS_VALUE (1u << 31)

struct _EngineCharsmapRules
{
  GTree *rules; /* from → to, in the order of bytes */
};

static gint compare_bytes (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (a, b);
}

EngineCharsmapRules *engine_charsmap_rules_new (void)
{
  EngineCharsmapRules *rules = g_new0 (EngineCharsmapRules, 1);
  rules->rules = g_tree_new_full (compare_bytes, NULL, g_free, g_free);
  return rules;
}

void engine_charsmap_rules_free (EngineCharsmapRules *rules)
{
  if (rules == NULL)
    return;
  g_tree_unref (rules->rules);
  g_free (rules);
}

void engine_charsmap_rules_add (EngineCharsmapRules *rules, const char *from, const char *to)
{
  g_tree_replace (rules->rules, g_strdup (from), g_strdup (to));
}

const char *engine_charsmap_rules_find (const EngineCharsmapRules *rules, const char *from)
{
  return g_tree_lookup (rules->rules, from);
}

/* ---- Compiling ------------------------------------------------------------------------------ */

typedef struct
{
  GPtrArray *keys;  /* sorted; borrowed from the rules */
  GArray *values;   /* guint32: where the replacement begins */
  GArray *units;    /* guint32 */
  GByteArray *used; /* per unit: 1 taken, 2 some node's base */
  guint first_free;
} Build;

static gboolean collect_rule (gpointer from, gpointer to, gpointer user_data)
{
  gpointer *collect = user_data;
  Build *build = collect[0];
  GByteArray *strings = collect[1];
  g_ptr_array_add (build->keys, from);
  g_array_append_val (build->values, strings->len);
  g_byte_array_append (strings, to, (guint)strlen (to) + 1);
  return FALSE;
}

/* Whole blocks of 256, so that BASE xor LABEL never leaves the array. */
static gboolean grow (Build *build, guint n_units)
{
  guint rounded = (n_units + 256) & ~255u;
  if (rounded > MAX_UNITS)
    return FALSE;
  if (rounded > build->units->len)
    {
      guint old = build->used->len;
      g_array_set_size (build->units, rounded);
      g_byte_array_set_size (build->used, rounded);
      memset (build->used->data + old, 0, rounded - old);
    }
  return TRUE;
}

static gboolean base_fits (const Build *build, guint base, const guint8 *labels, guint n_labels)
{
  if ((build->used->data[base] & 2) != 0)
    return FALSE;
  for (guint i = 0; i < n_labels; i++)
    if ((build->used->data[base ^ labels[i]] & 1) != 0)
      return FALSE;
  return TRUE;
}

/* 0: the array is full. Scattered free places behind the last SEARCH_WINDOW are given up: without
 * that, 14,000 rules took 0.8 s instead of 0.01, for a map that was a hundredth smaller. */
static guint find_base (Build *build, const guint8 *labels, guint n_labels)
{
  while (build->first_free < build->used->len && (build->used->data[build->first_free] & 1) != 0)
    build->first_free++;
  for (guint place = build->first_free; grow (build, place); place++)
    {
      guint base = place ^ labels[0];
      if ((build->used->data[place] & 1) != 0 || base == 0
          || !base_fits (build, base, labels, n_labels))
        continue;
      if (place > build->first_free + SEARCH_WINDOW)
        build->first_free = place - SEARCH_WINDOW;
      return base;
    }
  return 0;
}

static guint8 label_at (const Build *build, guint key, guint depth)
{
  return (guint8)((const char *)build->keys->pdata[key])[depth];
}

/* Places the children of NODE, which has the keys [begin, end) below it, and their children. A key
 * that ends here has label 0 and comes first. */
static gboolean place_children (Build *build, guint node, guint begin, guint end, guint depth)
{
  guint8 labels[256];
  guint n_labels = 0;
  for (guint key = begin; key < end; key++)
    if (n_labels == 0 || labels[n_labels - 1] != label_at (build, key, depth))
      labels[n_labels++] = label_at (build, key, depth);
  guint base = find_base (build, labels, n_labels);
  if (base == 0)
    return FALSE;

  build->used->data[base] |= 2;
  for (guint i = 0; i < n_labels; i++)
    {
      build->used->data[base ^ labels[i]] |= 1;
      g_array_index (build->units, guint32, base ^ labels[i]) = labels[i];
    }
  g_array_index (build->units, guint32, node)
      |= (node ^ base) << 10 | (labels[0] == 0 ? HAS_VALUE : 0);
  for (guint key = begin; key < end;)
    {
      guint first = key;
      guint8 label = label_at (build, first, depth);
      while (key < end && label_at (build, key, depth) == label)
        key++;
      if (label == 0)
        g_array_index (build->units, guint32, base)
            = IS_VALUE | g_array_index (build->values, guint32, first);
      else if (!place_children (build, base ^ label, first, key, depth + 1))
        return FALSE;
    }
  return TRUE;
}

static void append_u32 (GByteArray *bytes, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);
  g_byte_array_append (bytes, (const guint8 *)&little, sizeof little);
}

GByteArray *engine_charsmap_rules_compile (const EngineCharsmapRules *rules)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GArray) units = g_array_new (FALSE, TRUE, sizeof (guint32));
  g_autoptr (GByteArray) used = g_byte_array_new ();
  g_autoptr (GByteArray) strings = g_byte_array_new ();
  Build build = { keys, values, units, used, 1 };
  gpointer collect[] = { &build, strings };
  g_tree_foreach (rules->rules, collect_rule, collect);
  if (keys->len == 0 || !grow (&build, 1))
    return NULL;
  used->data[0] = 1; /* the root */
  if (!place_children (&build, 0, 0, keys->len, 0))
    return NULL;

  GByteArray *compiled = g_byte_array_new ();
  append_u32 (compiled, units->len * (guint)sizeof (guint32));
  for (guint i = 0; i < units->len; i++)
    append_u32 (compiled, g_array_index (units, guint32, i));
  g_byte_array_append (compiled, strings->data, strings->len);
  return compiled;
}

/* Rewrites characters before Unigram looks at them: full-width letters become plain ones, odd
 * spaces become spaces, ligatures come apart, whatever the model's authors chose.
 *
 * The rules come precompiled in the model file: a double-array trie over the bytes to be replaced,
 * and the replacements as NUL-terminated strings. The trie's units are as darts-clone writes them:
 * bits 0-7 and 31 the label, bit 8 whether a value follows, the rest an offset to the children.
 * Both arrays come from the file, so every step checks where it lands. */
#include "engine/tokenizer-algorithms-private.h"

#include <string.h>

#define CHARSMAP_KEY "tokenizer.ggml.precompiled_charsmap"
/* The longest in Unicode's own normalisation is 33 bytes (U+FDFA). */
#define MAX_REPLACEMENT_BYTES 256

struct _EngineCharsmap
{
  guint32 *units; /* [n_units], at least one */
  gsize n_units;
  char *replacements; /* NUL-terminated strings, the last one too */
  gsize n_replacement_bytes;
};

static gboolean replacements_are_short (const char *bytes, gsize n)
{
  for (gsize i = 0, length; i < n; i += length + 1)
    if ((length = strnlen (bytes + i, n - i)) > MAX_REPLACEMENT_BYTES)
      return FALSE;
  return n > 0 && bytes[n - 1] == '\0';
}

EngineCharsmap *engine_charsmap_new (const EngineGguf *gguf, GError **error)
{
  gsize n = 0;
  guint32 trie_bytes = 0;
  if (!engine_gguf_has_key (gguf, CHARSMAP_KEY))
    return NULL;
  const guint8 *data = engine_gguf_array_data (gguf, CHARSMAP_KEY, ENGINE_GGUF_UINT8, &n);
  if (data == NULL)
    data = engine_gguf_array_data (gguf, CHARSMAP_KEY, ENGINE_GGUF_INT8, &n);
  if (data && n >= sizeof trie_bytes)
    memcpy (&trie_bytes, data, sizeof trie_bytes);
  trie_bytes = GUINT32_FROM_LE (trie_bytes);
  gsize start = sizeof trie_bytes + trie_bytes;
  if (data == NULL || trie_bytes < sizeof (guint32) || trie_bytes % sizeof (guint32) || start >= n
      || !replacements_are_short ((const char *)data + start, n - start))
    {
      engine_vocabulary_damaged (gguf, error, "%s is not a map of characters", CHARSMAP_KEY);
      return NULL;
    }
  EngineCharsmap *charsmap = g_new0 (EngineCharsmap, 1);
  charsmap->n_units = trie_bytes / sizeof (guint32);
  charsmap->units = g_memdup2 (data + sizeof trie_bytes, trie_bytes);
  for (gsize i = 0; i < charsmap->n_units; i++)
    charsmap->units[i] = GUINT32_FROM_LE (charsmap->units[i]);
  charsmap->n_replacement_bytes = n - start;
  charsmap->replacements = g_memdup2 (data + start, n - start);
  return charsmap;
}

void engine_charsmap_free (EngineCharsmap *charsmap)
{
  if (charsmap == NULL)
    return;
  g_free (charsmap->units);
  g_free (charsmap->replacements);
  g_free (charsmap);
}

static gsize children_of (guint32 unit)
{
  return (gsize)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* The replacement of the longest key that TEXT begins with, or -1. */
static gssize find_replacement (const EngineCharsmap *charsmap, const char *text, gsize length,
                                gsize *ret_consumed)
{
  gssize found = -1;
  gsize node = children_of (charsmap->units[0]);
  for (gsize i = 0; i < length && text[i] != '\0'; i++)
    {
      node ^= (guint8)text[i];
      if (node >= charsmap->n_units
          || (charsmap->units[node] & (1u << 31 | 0xFF)) != (guint8)text[i])
        break;
      guint32 unit = charsmap->units[node];
      node ^= children_of (unit);
      if (node >= charsmap->n_units)
        break;
      guint32 value = charsmap->units[node] & ~(1u << 31);
      if (unit & 1u << 8 && value < charsmap->n_replacement_bytes)
        {
          found = value;
          *ret_consumed = i + 1;
        }
    }
  return found;
}

EngineGgufString engine_charsmap_next (const EngineCharsmap *charsmap, const char *text,
                                       gsize length, gsize *ret_consumed)
{
  gssize found = find_replacement (charsmap, text, length, ret_consumed);
  if (found >= 0)
    return (EngineGgufString){ charsmap->replacements + found,
                               strlen (charsmap->replacements + found) };
  *ret_consumed = MIN ((gsize)(g_utf8_next_char (text) - text), length);
  return (EngineGgufString){ text, *ret_consumed };
}

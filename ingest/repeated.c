/* Boilerplate is stored once. A disclaimer at the end of every mail of a mailbox, a legal notice on
 * every slide: such passages crowd out what one searched for, and each costs an embedding. But the
 * same words in two sections can be two facts ("Dose: see table" for adults and for children), so
 * text goes only when it comes a third time in a document, or twice in one section. Texts are the
 * same when they differ in nothing but case, punctuation and white space: numbers and negations
 * always count. */
#include "ingest/units-private.h"

#include <string.h>

/* Less than a sentence is no boilerplate: "None.", "See above." */
#define WORDS_MIN 8
/* A document says the same once, says it again, and then it is boilerplate. */
#define TIMES 3

/* Letters and digits in lower case with one blank between words; NULL when there are few words.
 * Marks that change a number or its sign stay with it. */
static char *fold (const char *text)
{
  g_autofree char *lower = g_utf8_casefold (text, -1);
  g_autoptr (GString) out = g_string_sized_new (strlen (lower));
  guint words = 0;
  gboolean inside = FALSE;
  for (const char *at = lower; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      gboolean of_number = c < 0x80 && strchr ("+-.,<>%/", (int)c) != NULL
                           && (g_ascii_isdigit (at[1]) || (at > lower && g_ascii_isdigit (at[-1])));
      gboolean letter = g_unichar_isalnum (c) || g_unichar_ismark (c) || of_number;
      if (letter && !inside && out->len > 0)
        g_string_append_c (out, ' ');
      words += letter && !inside;
      if (letter)
        g_string_append_unichar (out, c);
      inside = letter;
    }
  return words >= WORDS_MIN ? g_string_free (g_steal_pointer (&out), FALSE) : NULL;
}

static guint count (GHashTable *times, const char *key)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (times, key)) + 1;
  g_hash_table_insert (times, g_strdup (key), GUINT_TO_POINTER (n));
  return n;
}

/* Is this a repetition? MET counts what came before it, TIMES what there is in all. */
static gboolean is_repeated (GHashTable *met, GHashTable *times, const char *section,
                             const char *text)
{
  g_autofree char *here = g_strconcat (section, "\n", text, NULL);
  gboolean here_again = count (met, here) > 1, anywhere_again = count (met, text) > 1;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (times, text));
  return here_again || (anywhere_again && n >= TIMES);
}

void ingest_drop_repeated (GPtrArray *chunks)
{
  g_autoptr (GHashTable) times = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) met = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) folded = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < chunks->len; i++)
    {
      char *text = fold (((const IngestChunk *)g_ptr_array_index (chunks, i))->text);
      g_ptr_array_add (folded, text);
      if (text != NULL)
        count (times, text);
    }
  gsize n = 0;
  g_autofree gpointer *all = g_ptr_array_steal (chunks, &n);
  for (gsize i = 0; i < n; i++)
    {
      IngestChunk *chunk = all[i];
      const char *text = g_ptr_array_index (folded, i);
      if (text != NULL && is_repeated (met, times, chunk->section, text))
        ingest_chunk_free (chunk);
      else
        g_ptr_array_add (chunks, chunk);
    }
}

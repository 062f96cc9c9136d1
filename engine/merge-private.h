/* Joins neighbouring pieces of a word, best pair first: the heart of both kinds of byte-pair
 * encoding. merge.c. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A piece of the word at TEXT: bytes [start, start + length), token ID or -1 when it is none. */
typedef struct
{
  guint32 start, length;
  gint32 id;
  gint32 previous, next; /* neighbours still there, -1 at the ends */
} EngineMergeSymbol;

/* A word merged before, whose tokens are somewhere in the output already. */
typedef struct
{
  guint32 first, n_tokens;
  guint8 length; /* 0: free */
  char bytes[23];
} EngineMergedWord;

/* Scratch memory for one output array, kept from word to word. */
typedef struct
{
  GArray *symbols; /* of EngineMergeSymbol; 0 is always the first of the word */
  GArray *heap;
  EngineMergedWord *words; /* [word_mask + 1] by hash; a later word replaces an earlier one */
  guint32 word_mask;
  GArray *tokens; /* the output, of gint32; the caller's */
} EngineMerger;

/* Whether LEFT and RIGHT may be joined: the smaller KEY goes first, and ID is what they become. */
typedef gboolean (*EngineMergeFunc) (gconstpointer table, const char *text,
                                     const EngineMergeSymbol *left, const EngineMergeSymbol *right,
                                     guint32 *ret_key, gint32 *ret_id);

/* For a text of N_BYTES whose tokens go to TOKENS. */
void engine_merger_init (EngineMerger *merger, GArray *tokens, gsize n_bytes);
void engine_merger_clear (EngineMerger *merger);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngineMerger, engine_merger_clear)

/* A word is begun, filled with symbols from left to right, and merged; then its symbols are read
 * from 0 along `next`. N symbols cost O(N log N) whatever the word is. */
void engine_merger_begin (EngineMerger *merger);
void engine_merger_add (EngineMerger *merger, guint32 start, guint32 length, gint32 id);
void engine_merger_run (EngineMerger *merger, EngineMergeFunc may_join, gconstpointer table,
                        const char *text);

/* Appends the tokens of WORD as they were appended the last time; FALSE when it is new. */
gboolean engine_merger_recall (EngineMerger *merger, const char *word, gsize length);
/* What came out of WORD are the tokens from FIRST to the end of the output. */
void engine_merger_remember (EngineMerger *merger, const char *word, gsize length, guint first);

static inline const EngineMergeSymbol *engine_merger_symbol (const EngineMerger *merger, gint32 i)
{
  return &g_array_index (merger->symbols, EngineMergeSymbol, i);
}

G_END_DECLS

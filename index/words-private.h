/* Where words begin and end. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IndexWords IndexWords;

IndexWords *index_words_new (void);
void index_words_free (IndexWords *words);

/* More parts than this make no compound that anyone would type. */
#define INDEX_MAX_PARTS 8

typedef struct
{
  const char *start, *end;
} IndexSpan;

/* One word, or several joined by single signs as in "IL-6" or "2020-01-03": then n_parts > 1. */
typedef struct
{
  IndexSpan parts[INDEX_MAX_PARTS];
  guint n_parts;
} IndexCompound;

void index_words_start (IndexWords *words, const char *text, gsize length);
gboolean index_words_next (IndexWords *words, IndexCompound *ret_compound);

G_END_DECLS

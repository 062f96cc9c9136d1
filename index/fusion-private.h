/* One list out of two. */
#pragma once

#include "index/index-private.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 chunk;
  double bm25;   /* 0: not found lexically */
  double cosine; /* with the question; NaN: has no vector */
  double meaning; /* the cosine that counts here: see search.c */
  double score;
  gboolean leads; /* among the first INDEX_FUSION_DEPTH of a search */
} IndexCandidate;

/* How many of each search say what an ordinary candidate scores. */
#define INDEX_FUSION_DEPTH 200

/* Sets the score of CANDIDATES (IndexCandidate), which hold the best of both searches with both
 * scores each, and sorts them best first. */
void index_fuse (GArray *candidates);

/* ---- copies.c --------------------------------------------------------------------------- */

typedef struct _IndexPrint IndexPrint;
IndexPrint *index_print_new (const char *text);
void index_print_free (IndexPrint *print);
/* Do both texts say the same, but for a few words and no number? */
gboolean index_print_same (const IndexPrint *a, const IndexPrint *b);

G_END_DECLS

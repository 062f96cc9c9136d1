/* Text search between its files: tokenizer.c (FTS5 asks us for words), bm25.c (FTS5 asks us for a
 * score), lexical.c (we ask FTS5). */
#pragma once

#include "index/index-private.h"

G_BEGIN_DECLS

/* Makes the tokenizer "docent" and the function docent_score known to this connection. */
gboolean index_register_text_search (Index *index, GError **error);

/* A value that FTS5 is to take as one finished term starts like this (see tokenizer.c). */
#define INDEX_TERM_MARK "\001=\002"

/* ---- lexical.c -------------------------------------------------------------------------- */

/* Appends TERM as FTS5's MATCH takes it. */
void index_append_term (GString *expression, const char *term);

/* ---- question.c ------------------------------------------------------------------------- */

#define INDEX_MAX_TERMS 64

/* At most 20,000 bytes of TEXT, without broken characters. */
char *index_readable_question (const char *text);
/* The languages of the library's documents, most documents first. Elements: char*. */
GPtrArray *index_library_languages (Index *index, GError **error);
/* The language with most stop words in TEXT; NULL when TEXT has none, or nothing but them ("The
 * Who"). */
const char *index_stop_language (Index *index, const GPtrArray *languages, const char *text);

typedef struct
{
  char *term;
  double weight;   /* the idf of its word, times 1 or less for a part of a compound or a guess */
  gint64 n_chunks; /* that hold it */
} IndexQueryTerm;

/* The terms of a question in all languages of the library, stop words left out unless there is
 * nothing else; those that occur nowhere are left out. Elements: IndexQueryTerm. */
GArray *index_question_terms (Index *index, const char *text, const IndexFilter *filter,
                              GError **error);

/* ---- spelling.c ------------------------------------------------------------------------- */

/* The term that TERM, which occurs nowhere, was probably meant to be, and in how many chunks it
 * occurs. NULL when there is none near enough. */
gboolean index_spell (Index *index, const char *term, const IndexFilter *filter, char **ret_term,
                      gint64 *ret_n_chunks, GError **error);

/* ---- bm25.c ----------------------------------------------------------------------------- */

/* What docent_score gets as its pointer argument, one per query. */
typedef struct
{
  const GArray *terms;       /* IndexQueryTerm, in the order of the MATCH expression … */
  guint first_phrase;        /* … where they start at this phrase */
  const IndexFilter *filter; /* NULL: all */
  double mean_length;        /* in words; 0: filled by the first row */
  double least;              /* rows that cannot reach this score need none … */
  const GArray *wanted; /* … unless they are among these, by chunk id (IndexScore), NULL: none */
  guint n_passed;       /* of WANTED: those below the row at hand */
} IndexBm25;
#define INDEX_BM25_POINTER "docent-bm25"

double index_bm25_idf (gint64 n_chunks, gint64 n_with_term);
/* No passage scores as much as this for a term of WEIGHT. */
double index_bm25_bound (double weight);
void index_bm25_score (const Fts5ExtensionApi *api, Fts5Context *row, sqlite3_context *result,
                       int n_values, sqlite3_value **values);

G_END_DECLS

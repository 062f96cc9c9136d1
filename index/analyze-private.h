/* Words as text search knows them: segmented, folded, stemmed. Documents and questions go through
 * the same code, so that they meet. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IndexAnalyzer IndexAnalyzer;

IndexAnalyzer *index_analyzer_new (void);
void index_analyzer_free (IndexAnalyzer *analyzer);

typedef enum
{
  INDEX_TOKEN_WORD,    /* a word by itself */
  INDEX_TOKEN_PART,    /* "il" and "6" of "IL-6" */
  INDEX_TOKEN_WHOLE,   /* "il6" of "IL-6"; comes right after its first part */
  INDEX_TOKEN_VARIANT, /* another form of the token before it, which may be looked for as well */
} IndexTokenKind;

typedef struct
{
  IndexTokenKind kind;
  const char *term;  /* what is indexed and looked up; lasts for the call */
  const char *start; /* as written, in the text given */
  gsize length;
} IndexToken;

/* FALSE ends the analysis. */
typedef gboolean (*IndexTokenFunc) (const IndexToken *token, gpointer user_data);

/* TEXT is UTF-8 of LENGTH bytes (−1: to the NUL); what is not UTF-8 separates words. LANGUAGE:
 * ISO 639-1, NULL or "" means English. Returns FALSE when FUNC did. */
gboolean index_analyze (IndexAnalyzer *analyzer, const char *language, const char *text,
                        gssize length, IndexTokenFunc func, gpointer user_data);

/* Are words of LANGUAGE stemmed? Those of all other languages are taken as they are. */
gboolean index_has_stemmer (IndexAnalyzer *analyzer, const char *language);

/* Folds case, width and compatibility forms (NFKC) of one word; accents stay. */
char *index_fold_word (const char *word, gsize length);

G_END_DECLS

/* FTS5's tokenizer "docent": hands FTS5 the terms of analyze.c.
 *
 * FTS5 gives a tokenizer text and nothing else, but stemming needs the language. So every value
 * carries it in front: \001 language \002 text. The view passage_source writes that mark, which
 * lets FTS5 check and rebuild its tables by itself; the mark "=" stands for a finished term, which
 * is how questions, analysed once by us, pass through unchanged. */
#include "index/lexical-private.h"

#include "index/analyze-private.h"

#include <string.h>

#define MARK_START '\001'
#define MARK_END '\002'
#define MAX_LANGUAGE_BYTES 15

typedef int (*TokenFunc) (void *context, int flags, const char *term, int length, int start,
                          int end);

typedef struct
{
  TokenFunc func;
  void *context;
  const char *text;
  int rc;
} Pass;

/* The tokenizer has no state of its own: the analyzer belongs to the connection. */
static int create (void *analyzer, const char **arguments, int n, Fts5Tokenizer **ret_tokenizer)
{
  *ret_tokenizer = analyzer;
  return SQLITE_OK;
}

static void delete (Fts5Tokenizer *tokenizer)
{
}

static gboolean pass_token (const IndexToken *token, gpointer data)
{
  Pass *pass = data;
  gboolean same_place = token->kind == INDEX_TOKEN_WHOLE || token->kind == INDEX_TOKEN_VARIANT;
  int start = (int)(token->start - pass->text);

  pass->rc = pass->func (pass->context, same_place ? FTS5_TOKEN_COLOCATED : 0, token->term,
                         (int)strlen (token->term), start, start + (int)token->length);
  return pass->rc == SQLITE_OK;
}

/* Reads the mark; TEXT then starts behind it. */
static void take_language (const char **text, int *length, char language[MAX_LANGUAGE_BYTES + 1])
{
  const char *end;

  language[0] = '\0';
  if (*length == 0 || **text != MARK_START
      || !(end = memchr (*text, MARK_END, (gsize)MIN (*length, MAX_LANGUAGE_BYTES + 2))))
    return;
  memcpy (language, *text + 1, (gsize)(end - *text - 1));
  language[end - *text - 1] = '\0';
  *length -= (int)(end + 1 - *text);
  *text = end + 1;
}

static int tokenize (Fts5Tokenizer *tokenizer, void *context, int flags, const char *text,
                     int length, TokenFunc func)
{
  char language[MAX_LANGUAGE_BYTES + 1];

  take_language (&text, &length, language);
  if (strcmp (language, "=") == 0)
    return func (context, 0, text, length, 0, length);

  Pass pass = { func, context, text, SQLITE_OK };
  index_analyze ((IndexAnalyzer *)tokenizer, language, text, length, pass_token, &pass);
  return pass.rc;
}

static fts5_api *find_fts5 (sqlite3 *db)
{
  fts5_api *api = NULL;
  sqlite3_stmt *stmt = NULL;

  if (sqlite3_prepare_v2 (db, "SELECT fts5(?1)", -1, &stmt, NULL) == SQLITE_OK)
    {
      sqlite3_bind_pointer (stmt, 1, (void *)&api, "fts5_api_ptr", NULL);
      sqlite3_step (stmt);
    }
  sqlite3_finalize (stmt);
  return api;
}

gboolean index_register_text_search (Index *index, GError **error)
{
  fts5_tokenizer tokenizer = { create, delete, tokenize };
  fts5_api *fts5 = find_fts5 (index->db);

  if (!fts5)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED,
                   "this SQLite (%s) was built without FTS5, which text search needs",
                   sqlite3_libversion ());
      return FALSE;
    }

  int rc = fts5->xCreateTokenizer (fts5, "docent", index->analyzer, &tokenizer, NULL);
  if (rc == SQLITE_OK)
    rc = fts5->xCreateFunction (fts5, "docent_score", NULL, index_bm25_score, NULL);
  if (rc != SQLITE_OK)
    index_set_sqlite_error (index->dir, index->db, rc, error);
  return rc == SQLITE_OK;
}

/* Works out which chunks a query may see.
 *
 * A scope (collection, folder, date, …) and the role come in, one bit per chunk goes out. Both
 * searches ask it for every chunk before they score it, so what is filtered out cannot push
 * anything else off the list, nor be guessed from what is missing. Chunks of a document are stored
 * with consecutive ids, so a document costs two look-ups, however long it is; only its passages in
 * another language are visited one by one. */
#include "index/index-private.h"

#include "index/analyze-private.h"
#include "index/lexical-private.h"

#include <string.h>

void index_filter_free (IndexFilter *filter)
{
  if (!filter)
    return;
  g_free (filter->bits);
  g_free (filter);
}

static gboolean allocate_bits (Index *index, IndexFilter *filter, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "chunk_range", error);

  if (!stmt || index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;

  gint64 first = sqlite3_column_int64 (stmt, 0);
  gint64 last = sqlite3_column_int64 (stmt, 1);

  if (last < first)
    return TRUE;
  filter->first = first;
  filter->n = (gsize)((guint64)last - (guint64)first) + 1;
  filter->bits = g_try_malloc0 (filter->n / 8 + 1);
  if (filter->bits)
    return TRUE;
  g_set_error (error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
               "the library %s is damaged (chunk numbers from %" G_GINT64_FORMAT
               " to %" G_GINT64_FORMAT "): run `docent fsck --repair` to see what can be saved",
               index->dir, first, last);
  return FALSE;
}

static void set_bit (IndexFilter *filter, gint64 chunk, gboolean seen)
{
  gsize bit = (gsize)(chunk - filter->first);
  guint8 mask = (guint8)(1 << bit % 8);

  if (bit >= filter->n)
    return;
  if (seen)
    filter->bits[bit / 8] |= mask;
  else
    filter->bits[bit / 8] &= (guint8)~mask;
}

/* The chunks of a bound statement. */
static gboolean set_bits (Index *index, sqlite3_stmt *stmt, gboolean seen, IndexFilter *filter,
                          GError **error)
{
  int rc;

  while ((rc = index_step (index, stmt, error)) == SQLITE_ROW)
    set_bit (filter, sqlite3_column_int64 (stmt, 0), seen);
  return rc == SQLITE_DONE;
}

/* ---- Documents ---- */

static gboolean is_listed (const IndexScope *scope, gint64 document)
{
  if (!scope || !scope->documents)
    return TRUE;
  for (gsize i = 0; i < scope->n_documents; i++)
    if (scope->documents[i] == document)
      return TRUE;
  return FALSE;
}

static gboolean see_all (Index *index, gint64 document, IndexFilter *filter, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "document_range", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "i", document);
  if (index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;
  for (gint64 chunk = sqlite3_column_int64 (stmt, 0), last = sqlite3_column_int64 (stmt, 1);
       chunk <= last; chunk++)
    set_bit (filter, chunk, TRUE);
  return TRUE;
}

static gboolean see_language (Index *index, gint64 document, const char *language,
                              IndexFilter *filter, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "chunks_in_language", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "it", document, language);
  return set_bits (index, stmt, TRUE, filter, error);
}

static gboolean drop_other_languages (Index *index, const char *language, IndexFilter *filter,
                                      GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "chunks_in_other_language", error);

  if (!stmt)
    return FALSE;
  index_bind (stmt, "t", language);
  return set_bits (index, stmt, FALSE, filter, error);
}

static gboolean see_documents (Index *index, const IndexScope *scope, IndexFilter *filter,
                               GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare_list (index, scope, error);
  const char *language = scope ? scope->language : NULL;
  gboolean ok = stmt != NULL;
  int rc = SQLITE_ERROR;

  while (ok && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      gint64 document = sqlite3_column_int64 (stmt, 0);

      const char *spoken = (const char *)sqlite3_column_text (stmt, 4);

      if (!is_listed (scope, document))
        continue;
      ok = !language || g_strcmp0 (spoken, language) == 0
               ? see_all (index, document, filter, error)
               : see_language (index, document, language, filter, error);
    }
  return ok && rc == SQLITE_DONE
         && (!language || drop_other_languages (index, language, filter, error));
}

/* ---- Sections ---- */

static gboolean append_word (const IndexToken *token, gpointer data)
{
  GString *words = data;

  if (token->kind == INDEX_TOKEN_VARIANT || token->kind == INDEX_TOKEN_WHOLE)
    return TRUE;
  g_string_append (words, words->len > 0 ? " AND " : "(");
  index_append_term (words, token->term);
  return TRUE;
}

/* "{section} : (a AND b)" in the spelling of each language of the library. NULL without words. */
static char *section_expression (Index *index, const char *section, GError **error)
{
  g_autoptr (GPtrArray) languages = index_library_languages (index, error);
  g_autofree char *readable = index_readable_question (section);
  g_autoptr (GString) expression = g_string_new ("");

  for (guint i = 0; languages && i < languages->len; i++)
    {
      g_autoptr (GString) words = g_string_new ("");

      index_analyze (index->analyzer, g_ptr_array_index (languages, i), readable, -1, append_word,
                     words);
      if (words->len > 0)
        g_string_append_printf (expression, "%s%s)", expression->len > 0 ? " OR " : "", words->str);
    }
  return expression->len > 0 ? g_strdup_printf ("{section} : (%s)", expression->str) : NULL;
}

/* Keeps of FILTER the chunks whose section has all words of SECTION. */
static gboolean keep_section (Index *index, const char *section, IndexFilter *filter,
                              GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *expression = section_expression (index, section, &failure);
  g_autofree guint8 *seen = filter->bits;
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "matching_chunks", error);

  filter->bits = g_malloc0 (filter->n / 8 + 1);
  if (failure)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (stmt && expression)
    index_bind (stmt, "t", expression);
  if (!stmt || (expression && !set_bits (index, stmt, TRUE, filter, error)))
    return FALSE;
  for (gsize i = 0; seen && i <= filter->n / 8; i++)
    filter->bits[i] &= seen[i];
  return TRUE;
}

/* ---- All ---- */

static gboolean restricts (const IndexScope *scope)
{
  return scope
         && (scope->collection || scope->folder || scope->language || scope->tag || scope->section
             || scope->after_s || scope->before_s || scope->documents);
}

gboolean index_filter_new (Index *index, const IndexScope *scope, IndexFilter **ret_filter,
                           GError **error)
{
  g_autoptr (IndexFilter) filter = NULL;

  if (restricts (scope) || index->role)
    {
      filter = g_new0 (IndexFilter, 1);
      if (!allocate_bits (index, filter, error) || !see_documents (index, scope, filter, error)
          || (scope && scope->section && !keep_section (index, scope->section, filter, error)))
        return FALSE;
    }
  *ret_filter = g_steal_pointer (&filter);
  return TRUE;
}

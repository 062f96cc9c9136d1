/* Tables of a document that a reader should look at: named by their captions, with their pages.
 *
 * In: a document's passages, in which the cells of a row are parted by tabs. Out: points that quote
 * captions. A table of many figures whose caption has the heading's words comes first; one without a
 * caption, or the rest of one that a passage could not hold, is left out, because nothing says what
 * it shows. */
#include "rag/dossier-private.h"

#include <string.h>

#define MIN_ROWS 3
/* Beyond, a table is no better for being longer. */
#define MAX_CELLS 30
/* A word of the heading weighs as much as so many figures. */
#define WORD_CELLS 10
#define MIN_CAPTION_WORDS 4

typedef struct
{
  const IndexHit *hit;
  char *caption;
  guint score, place;
} Table;

static void table_clear (gpointer data)
{
  g_free (((Table *)data)->caption);
}

static guint count_figures (const char *row)
{
  guint n = 0;
  g_auto (GStrv) cells = g_strsplit (row, "\t", -1);
  for (guint i = 0; cells[i] != NULL; i++)
    n += strpbrk (cells[i], "0123456789") != NULL;
  return n;
}

/* The line above the first row that says that a table follows, or ends as such a line does. */
static char *find_caption (char **lines, guint first_row, RagLanguage language)
{
  static const char *const words[] = { "table", "tabelle", "tableau", "tabla", "tabella" };
  for (guint i = first_row; i-- > 0;)
    {
      g_autofree char *folded = rag_fold (lines[i], -1);
      g_autoptr (GArray) all = rag_words (lines[i], -1, language);
      gboolean says = g_str_has_suffix (g_strchomp (lines[i]), ":");
      for (gsize w = 0; w < G_N_ELEMENTS (words) && !says; w++)
        says = strstr (folded, words[w]) != NULL;
      if (says && all->len >= MIN_CAPTION_WORDS)
        return g_strdup (lines[i]);
    }
  return NULL;
}

static guint common_words (GHashTable *wanted, const char *text, RagLanguage language)
{
  g_autoptr (GHashTable) forms = rag_word_set (text, -1, language);
  GHashTableIter iter;
  gpointer form;
  guint n = 0;
  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    n += g_hash_table_contains (forms, form);
  return n;
}

/* FALSE when HIT has no table that is worth it. */
static gboolean read_table (const IndexHit *hit, GHashTable *wanted, RagLanguage language,
                            Table *ret_table)
{
  g_auto (GStrv) lines = g_strsplit (hit->text, "\n", -1);
  guint first_row = G_MAXUINT, n_rows = 0, cells = 0;
  for (guint i = 0; lines[i] != NULL; i++)
    if (strchr (lines[i], '\t') != NULL)
      {
        first_row = MIN (first_row, i);
        n_rows++;
        cells += count_figures (lines[i]);
      }
  char *caption = n_rows >= MIN_ROWS ? find_caption (lines, first_row, language) : NULL;
  if (caption == NULL)
    return FALSE;
  ret_table->hit = hit;
  ret_table->caption = caption;
  ret_table->score
      = MIN (cells, MAX_CELLS) + WORD_CELLS * common_words (wanted, caption, language);
  return TRUE;
}

static gint compare_tables (gconstpointer a, gconstpointer b)
{
  const Table *first = a, *second = b;
  if (first->score != second->score)
    return first->score < second->score ? 1 : -1;
  return first->place < second->place ? -1 : first->place > second->place;
}

void rag_dossier_tables (const GPtrArray *chunks, const char *about, RagLanguage language,
                         guint n_points, RagSection *section)
{
  g_autoptr (GHashTable) wanted = rag_word_set (about, -1, language);
  g_autoptr (GArray) tables = g_array_new (FALSE, TRUE, sizeof (Table));
  g_array_set_clear_func (tables, table_clear);
  for (guint i = 0; i < chunks->len; i++)
    {
      Table table = { .place = i };
      if (read_table (g_ptr_array_index (chunks, i), wanted, language, &table))
        g_array_append_val (tables, table);
    }
  g_array_sort (tables, compare_tables);
  const guint limit = section->points->len + n_points;
  for (guint i = 0; i < tables->len && section->points->len < limit; i++)
    {
      const Table *table = &g_array_index (tables, Table, i);
      RagHit *hit = rag_hit_from_index (table->hit);
      rag_dossier_add_point (section, rag_point_of_hit (hit, table->caption));
      rag_hit_free (hit);
    }
}

/* Prints rows as columns that line up, whatever script the names are in.
 *
 * In: titles with their alignment, then rows of text. Out: one line per row on standard output,
 * widths counted in terminal cells. On a terminal one column gives way when the line would not
 * fit; elsewhere nothing is shortened. */
#include <stdarg.h>
#include <string.h>

#include "cli-private.h"

struct _CliTable
{
  char **titles; /* with their alignment mark */
  guint n_columns;
  GPtrArray *rows; /* char **, escaped */
};

CliTable *cli_table_new (const char *columns)
{
  CliTable *table = g_new0 (CliTable, 1);
  table->titles = g_strsplit (columns, "|", -1);
  table->n_columns = g_strv_length (table->titles);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  return table;
}

void cli_table_free (CliTable *table)
{
  if (table == NULL)
    return;
  g_strfreev (table->titles);
  g_ptr_array_unref (table->rows);
  g_free (table);
}

void cli_table_add (CliTable *table, ...)
{
  char **row = g_new0 (char *, table->n_columns + 1);
  va_list cells;
  va_start (cells, table);
  for (guint i = 0; i < table->n_columns; i++)
    {
      const char *cell = va_arg (cells, const char *);
      if (cell == NULL)
        break;
      row[i] = cli_escape_line (cell);
    }
  va_end (cells);
  for (guint i = 0; i < table->n_columns; i++)
    if (row[i] == NULL)
      row[i] = g_strdup ("");
  g_ptr_array_add (table->rows, row);
}

#define GAP 2
#define NARROWEST_COLUMN 12

/* ret_widths: [n_columns] cells, so that a line fits the terminal if that can be done. */
static void measure (const CliTable *table, guint *ret_widths)
{
  guint total = 0;
  for (guint c = 0; c < table->n_columns; c++)
    {
      ret_widths[c] = cli_text_width (table->titles[c] + 1);
      for (guint r = 0; r < table->rows->len; r++)
        {
          char **row = g_ptr_array_index (table->rows, r);
          ret_widths[c] = MAX (ret_widths[c], cli_text_width (row[c]));
        }
      total += ret_widths[c] + (c > 0 ? GAP : 0);
    }
  const guint width = cli_width ();
  for (guint c = 0; c < table->n_columns && width > 0 && total > width; c++)
    if (table->titles[c][0] == '~' && ret_widths[c] > NARROWEST_COLUMN)
      {
        const guint excess = MIN (total - width, ret_widths[c] - NARROWEST_COLUMN);
        ret_widths[c] -= excess;
        total -= excess;
      }
}

static void print_row (const CliTable *table, char **cells, const guint *widths)
{
  for (guint c = 0; c < table->n_columns; c++)
    {
      g_autofree char *cell = cli_shorten (cells[c], widths[c]);
      const guint padding = widths[c] - cli_text_width (cell);
      const gboolean right = table->titles[c][0] == '>';
      const gboolean last = c + 1 == table->n_columns;
      printf ("%*s%s%*s%s", right ? (int)padding : 0, "", cell, right || last ? 0 : (int)padding,
              "", last ? "\n" : "  ");
    }
}

void cli_table_print (const CliTable *table, const CliOptions *options)
{
  g_autofree guint *widths = g_new0 (guint, table->n_columns);
  measure (table, widths);
  g_autofree char **titles = g_new0 (char *, table->n_columns + 1);
  for (guint c = 0; c < table->n_columns; c++)
    titles[c] = table->titles[c] + 1;
  fputs (cli_style (options, CLI_DIM), stdout);
  print_row (table, titles, widths);
  fputs (cli_style (options, CLI_PLAIN), stdout);
  for (guint r = 0; r < table->rows->len; r++)
    print_row (table, g_ptr_array_index (table->rows, r), widths);
}

/* Tables, found by their looks: a few lines below one another whose pieces leave the same gutters
 * white. Rows matter more than anything else in a table, as "5 mg" without its drug is worse than
 * nothing; so a row is put together even where its cells are several lines high. In come the lines
 * of a region, out come rows with a tab between cells, empty cells included. */
#include "ingest/layout-private.h"

#include <math.h>
#include <string.h>

/* White space that separates cells, in type sizes. */
#define CELL_GAP 0.8f
#define COLUMN_GAP 0.4f
#define PROSE_GAP 1.8f
/* Lines further apart than this many line heights are not in one table. */
#define ROW_GAP 3.5f
#define COLUMNS_MAX 64
#define ROWS_MIN 2

typedef struct
{
  float x0, x1;
} Column;

typedef struct
{
  Column columns[COLUMNS_MAX];
  guint n;
} Columns;

static LayoutLine *line_at (const GArray *lines, guint i)
{
  return &g_array_index (lines, LayoutLine, i);
}

/* ---- Columns ---- */

/* The next cell of LINE, from span *I on: spans with narrow gaps between them. */
static Column next_cell (const LayoutPage *page, const LayoutLine *line, guint *i, GString *text)
{
  const LayoutSpan *span = layout_span (page, line->first + *i);
  Column cell = { span->x0, span->x1 };
  if (text != NULL)
    g_string_append_len (text, layout_text (page, span), span->length);
  for ((*i)++; *i < line->n; (*i)++)
    {
      span = layout_span (page, line->first + *i);
      if (span->x0 - cell.x1 > CELL_GAP * MAX (span->size, 1))
        break;
      if (text != NULL)
        {
          g_string_append_c (text, ' ');
          g_string_append_len (text, layout_text (page, span), span->length);
        }
      cell.x1 = MAX (cell.x1, span->x1);
    }
  return cell;
}

static guint count_cells (const LayoutPage *page, const LayoutLine *line)
{
  guint n = 0;
  for (guint i = 0; i < line->n; n++)
    next_cell (page, line, &i, NULL);
  return n;
}

/* Adds a cell: it becomes a column, or widens those that it overlaps to one. */
static void add_cell (Columns *columns, Column cell, float gap)
{
  guint at = 0;
  while (at < columns->n && columns->columns[at].x1 + gap < cell.x0)
    at++;
  guint end = at;
  while (end < columns->n && columns->columns[end].x0 - gap < cell.x1)
    {
      cell.x0 = MIN (cell.x0, columns->columns[end].x0);
      cell.x1 = MAX (cell.x1, columns->columns[end].x1);
      end++;
    }
  if (end == at && columns->n == COLUMNS_MAX)
    return;
  memmove (&columns->columns[at + 1], &columns->columns[end], (columns->n - end) * sizeof (Column));
  columns->n = columns->n - (end - at) + 1;
  columns->columns[at] = cell;
}

static gboolean overlaps (const Columns *columns, Column cell)
{
  for (guint i = 0; i < columns->n; i++)
    if (columns->columns[i].x0 < cell.x1 && columns->columns[i].x1 > cell.x0)
      return TRUE;
  return FALSE;
}

static void add_line (Columns *columns, const LayoutPage *page, const LayoutLine *line)
{
  for (guint i = 0; i < line->n;)
    add_cell (columns, next_cell (page, line, &i, NULL), COLUMN_GAP * line->size);
}

/* The columns of a table are those of its fullest lines: a heading over several columns must not
 * make one of them. What stands outside of them is a column of its own. */
static void find_columns (Columns *columns, const LayoutPage *page, const GArray *lines,
                          guint first, guint end)
{
  guint most = 0;
  for (guint i = first; i < end; i++)
    most = MAX (most, count_cells (page, line_at (lines, i)));
  for (guint i = first; i < end; i++)
    if (count_cells (page, line_at (lines, i)) * 4 >= most * 3)
      add_line (columns, page, line_at (lines, i));
  for (guint i = first; i < end; i++)
    for (guint k = 0; k < line_at (lines, i)->n;)
      {
        Column cell = next_cell (page, line_at (lines, i), &k, NULL);
        if (!overlaps (columns, cell))
          add_cell (columns, cell, 0);
      }
}

static guint column_of (const Columns *columns, Column cell)
{
  guint best = 0;
  float most = -INFINITY;
  for (guint i = 0; i < columns->n; i++)
    {
      float overlap = MIN (columns->columns[i].x1, cell.x1) - MAX (columns->columns[i].x0, cell.x0);
      if (overlap > most)
        most = overlap, best = i;
    }
  return best;
}

/* ---- Extent ---- */

/* May LINE, which has one cell, be part of a cell that is several lines high? It may be longer than
 * the cells so far, up to the next column. */
static gboolean fits_a_column (const Columns *columns, const LayoutLine *line)
{
  for (guint i = 0; i < columns->n; i++)
    {
      float end = i + 1 < columns->n ? columns->columns[i + 1].x0 : INFINITY;
      if (line->x0 >= columns->columns[i].x0 - 0.5f * line->size && line->x1 < end
          && (line->x0 <= columns->columns[i].x1 || i + 1 < columns->n))
        return TRUE;
    }
  return FALSE;
}

static gboolean near (const LayoutLine *before, const LayoutLine *line)
{
  return line->y1 - before->y1 < ROW_GAP * MAX (line->y1 - line->y0, before->y1 - before->y0);
}

/* Justified or ragged print may leave wide spaces in its lines: these are no rows. */
static gboolean is_prose (const LayoutPage *page, const LayoutLine *line)
{
  float widest = 0;
  guint letters = 0;
  for (guint i = 0; i < line->n; i++)
    {
      const LayoutSpan *span = layout_span (page, line->first + i);
      letters += span->length;
      if (i > 0)
        widest = MAX (widest, (span->x0 - (span - 1)->x1) / MAX (line->size, 1));
    }
  return letters >= 60 && widest < PROSE_GAP;
}

guint layout_table_end (const LayoutPage *page, const GArray *lines, guint first)
{
  Columns columns = { .n = 0 };
  guint rows = 0, end = first;
  gboolean plain_rows = FALSE;
  for (guint i = first; i < lines->len; i++)
    {
      const LayoutLine *line = line_at (lines, i);
      if (i > first && !near (line_at (lines, i - 1), line))
        break;
      gboolean several = count_cells (page, line) > 1;
      /* Code with wide gaps is no table; a table may have cells of code. */
      if (line->mono && (several || !plain_rows))
        break;
      plain_rows |= several;
      gboolean row = several && !is_prose (page, line);
      if (!row && (rows == 0 || (!several && !fits_a_column (&columns, line))))
        break;
      Columns with = columns;
      add_line (&with, page, line);
      if (with.n < 2)
        break;
      /* A single cell counts once a row follows it, or when it cannot begin a paragraph. */
      gboolean continues = !several && column_of (&columns, (Column){ line->x0, line->x1 }) > 0;
      columns = with;
      rows += row;
      if (several || continues)
        end = i + 1;
    }
  return rows >= ROWS_MIN ? end : first;
}

/* ---- Rows ---- */

typedef struct
{
  const LayoutPage *page;
  const GArray *lines;
  const IngestVocabulary *vocabulary;
  Columns columns;
  guint first, end;
} Table;

static gboolean has_first_cell (const Table *table, const LayoutLine *line)
{
  guint i = 0;
  return column_of (&table->columns, next_cell (table->page, line, &i, NULL)) == 0;
}

static float middle (const LayoutLine *line)
{
  return (line->y0 + line->y1) / 2;
}

/* Is the first column set in the middle of its rows' height? Then some of its cells stand between
 * the lines of their neighbours, alone on theirs. */
static gboolean is_centred (const Table *table)
{
  for (guint i = table->first + 1; i + 1 < table->end; i++)
    {
      const LayoutLine *line = line_at (table->lines, i);
      const LayoutLine *above = line_at (table->lines, i - 1);
      const LayoutLine *below = line_at (table->lines, i + 1);
      float height = line->y1 - line->y0;
      if (has_first_cell (table, line) && !has_first_cell (table, above)
          && !has_first_cell (table, below) && middle (line) - middle (above) < 0.9f * height
          && middle (below) - middle (line) < 0.9f * height)
        return TRUE;
    }
  return FALSE;
}

/* The line with a first cell that is nearest to line I. */
static guint nearest_anchor (const Table *table, guint i)
{
  guint best = i;
  float least = INFINITY;
  for (guint k = table->first; k < table->end; k++)
    {
      float distance
          = fabsf (middle (line_at (table->lines, k)) - middle (line_at (table->lines, i)));
      if (distance < least && has_first_cell (table, line_at (table->lines, k)))
        least = distance, best = k;
    }
  return best;
}

static gboolean starts_lower (const Table *table, const LayoutLine *line)
{
  const LayoutSpan *span = layout_span (table->page, line->first);
  return g_unichar_islower (g_utf8_get_char (layout_text (table->page, span)));
}

/* Does line I begin a row, where rows are aligned at their first lines? */
static gboolean begins_row (const Table *table, guint i, guint row_cells)
{
  const LayoutLine *line = line_at (table->lines, i), *before = line_at (table->lines, i - 1);
  float pitch = line->y1 - before->y1, height = line->y1 - line->y0;
  gboolean tight = pitch < 1.45f * height;
  if (!tight)
    return TRUE;
  guint cells = count_cells (table->page, line);
  if (has_first_cell (table, line))
    return !(cells == 1 && starts_lower (table, line));
  return cells >= row_cells && cells > 1;
}

/* Cells that share a column because one above them spans both still get a tab between them. */
static void add_to_row (const Table *table, const LayoutLine *line, GString **cells)
{
  guint previous = G_MAXUINT;
  for (guint i = 0; i < line->n;)
    {
      g_autoptr (GString) raw = g_string_new (NULL);
      guint column = column_of (&table->columns, next_cell (table->page, line, &i, raw));
      g_autofree char *text = g_strchomp (layout_without_leaders (raw->str));
      if (column == previous && *text != '\0')
        g_string_append_c (cells[column], '\t');
      ingest_prose_join (cells[column], text, strlen (text), table->vocabulary);
      previous = column;
    }
}

/* Leaders between cells are white space to the eye. */
static gboolean is_leader (const char *cell)
{
  return strlen (cell) >= 4 && cell[strspn (cell, ". _·…")] == '\0';
}

static char *close_row (GString **columns, guint n, gboolean rtl)
{
  g_autoptr (GString) row = g_string_new (NULL);
  gboolean any = FALSE;
  for (guint i = 0; i < n; i++)
    {
      GString *cell = columns[rtl ? n - 1 - i : i];
      gboolean leader = is_leader (cell->str);
      if (i > 0 && !leader)
        g_string_append_c (row, '\t');
      if (!leader)
        g_string_append (row, cell->str);
      any |= cell->len > 0 && !leader;
      g_string_truncate (cell, 0);
    }
  while (row->len > 0 && row->str[row->len - 1] == '\t')
    g_string_truncate (row, row->len - 1);
  return any ? g_string_free (g_steal_pointer (&row), FALSE) : NULL;
}

/* The end of the row that begins at line I. */
static guint row_end (const Table *table, guint i, gboolean centred)
{
  guint end = i + 1, cells = count_cells (table->page, line_at (table->lines, i));
  guint anchor = centred ? nearest_anchor (table, i) : 0;
  while (end < table->end
         && (centred ? nearest_anchor (table, end) == anchor : !begins_row (table, end, cells)))
    end++;
  return end;
}

void layout_table_rows (const LayoutPage *page, const GArray *lines, guint first, guint end,
                        const IngestVocabulary *vocabulary, LayoutRowFunc func, gpointer user_data)
{
  Table table
      = { .page = page, .lines = lines, .vocabulary = vocabulary, .first = first, .end = end };
  GString *cells[COLUMNS_MAX];
  find_columns (&table.columns, page, lines, first, end);
  for (guint c = 0; c < table.columns.n; c++)
    cells[c] = g_string_new (NULL);
  gboolean centred = is_centred (&table);
  for (guint i = first, stop; i < end; i = stop)
    {
      stop = row_end (&table, i, centred);
      for (guint k = i; k < stop; k++)
        add_to_row (&table, line_at (lines, k), cells);
      char *row = close_row (cells, table.columns.n, line_at (lines, i)->rtl);
      if (row != NULL)
        func (row, i, stop, user_data);
    }
  for (guint c = 0; c < table.columns.n; c++)
    g_string_free (cells[c], TRUE);
}

/* Spreadsheets. Each sheet is a page under its name, each row a row of cells in their columns.
 * Cells hold numbers for everything; what a person sees (a date, a percentage) is decided by the
 * cell's format, so formats are looked at as far as they change the meaning. A row of one cell in a
 * wider sheet is a title or a remark and stands as a paragraph, which also separates the tables of
 * a sheet. */
#include "ingest/archive-private.h"
#include "ingest/prose-private.h"

#include <math.h>
#include <string.h>

#define COLUMNS_MAX 256

typedef enum
{
  FORMAT_PLAIN,
  FORMAT_DATE,
  FORMAT_TIME,
  FORMAT_PERCENT,
} Format;

typedef struct
{
  IngestDocument *document;
  GPtrArray *strings; /* char*, clean */
  GArray *formats;    /* Format by style index */
  gboolean since_1904;
} Workbook;

/* ---- Formats ---- */

static Format format_of_code (const char *code)
{
  gboolean date = FALSE, time = FALSE;
  for (const char *at = code; *at != '\0'; at++)
    {
      if (*at == '"' || *at == '[')
        {
          const char *end = strchr (at + 1, *at == '"' ? '"' : ']');
          at = end != NULL ? end : at;
        }
      else if (*at == '\\' && at[1] != '\0')
        at++;
      else if (*at == '%')
        return FORMAT_PERCENT;
      else if (strchr ("yYdD", *at) != NULL)
        date = TRUE;
      else if (strchr ("hHsS", *at) != NULL)
        time = TRUE;
    }
  return date ? FORMAT_DATE : (time ? FORMAT_TIME : FORMAT_PLAIN);
}

static Format format_of_id (const xmlNode *root, gint id)
{
  if (id == 9 || id == 10)
    return FORMAT_PERCENT;
  if ((id >= 14 && id <= 17) || id == 22)
    return FORMAT_DATE;
  if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47))
    return FORMAT_TIME;
  for (const xmlNode *at = ingest_xml_child (ingest_xml_child (root, "numFmts"), "numFmt");
       at != NULL && id >= 164; at = ingest_xml_next (at, "numFmt"))
    if (ingest_xml_number (at, "numFmtId", -1) == id)
      {
        g_autofree char *code = ingest_xml_attribute (at, "formatCode");
        return format_of_code (code != NULL ? code : "");
      }
  return FORMAT_PLAIN;
}

static void read_formats (Workbook *book, const IngestArchive *archive, const char *path)
{
  g_autofree char *target = ingest_opc_related (archive, path, "/styles");
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, target, NULL);
  const xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  for (const xmlNode *at = ingest_xml_child (ingest_xml_child (root, "cellXfs"), "xf"); at != NULL;
       at = ingest_xml_next (at, "xf"))
    {
      Format format = format_of_id (root, ingest_xml_number (at, "numFmtId", 0));
      g_array_append_val (book->formats, format);
    }
}

/* Days since the end of 1899, in which Excel believes that 1900 was a leap year. */
static char *format_day (double value, gboolean since_1904)
{
  double days = floor (value) + (since_1904 ? 1462 : 0);
  if (!(days >= 1 && days < 2958466))
    return NULL;
  GDate date;
  g_date_clear (&date, 1);
  g_date_set_dmy (&date, 30, G_DATE_DECEMBER, 1899);
  g_date_add_days (&date, days < 60 ? days + 1 : days);
  char text[32];
  g_date_strftime (text, sizeof text, "%Y-%m-%d", &date);
  return g_strdup (text);
}

static char *format_time (double value)
{
  guint minutes = (guint)(fmod (fabs (value), 1) * 24 * 60 + 0.5);
  return g_strdup_printf ("%02u:%02u", minutes / 60 % 24, minutes % 60);
}

static char *format_value (const Workbook *book, const char *text, gint style)
{
  char *end = NULL;
  double value = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (value))
    return g_strdup (text);
  Format format = style >= 0 && (guint)style < book->formats->len
                      ? g_array_index (book->formats, Format, style)
                      : FORMAT_PLAIN;
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  char *date = format == FORMAT_DATE ? format_day (value, book->since_1904) : NULL;
  if (date != NULL)
    return date;
  if (format == FORMAT_TIME)
    return format_time (value);
  if (format == FORMAT_PERCENT)
    return g_strconcat (g_ascii_formatd (digits, sizeof digits, "%.10g", value * 100), "%", NULL);
  return g_strdup (g_ascii_formatd (digits, sizeof digits, "%.15g", value));
}

/* ---- Strings ---- */

/* The text of a string without the readings that Japanese ones carry. */
static char *string_text (const xmlNode *string)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const xmlNode *at = ingest_xml_walk (string, string, FALSE); at != NULL;
       at = ingest_xml_walk (at, string, ingest_xml_is (at, "rPh")))
    if (at->type == XML_TEXT_NODE && ingest_xml_is (at->parent, "t"))
      g_string_append (text, (const char *)at->content);
  return ingest_prose_squeeze (ingest_prose_clean (text->str, text->len));
}

static void read_strings (Workbook *book, const IngestArchive *archive, const char *path)
{
  g_autofree char *target = ingest_opc_related (archive, path, "/sharedStrings");
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, target, NULL);
  const xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  for (const xmlNode *at = ingest_xml_child (root, "si"); at != NULL;
       at = ingest_xml_next (at, "si"))
    g_ptr_array_add (book->strings, string_text (at));
}

/* ---- Sheets ---- */

static char *cell_text (const Workbook *book, const xmlNode *cell)
{
  g_autofree char *type = ingest_xml_attribute (cell, "t");
  g_autofree char *value = ingest_xml_text (ingest_xml_child (cell, "v"));
  guint64 index;
  if (type == NULL || strcmp (type, "n") == 0)
    return format_value (book, value, ingest_xml_number (cell, "s", -1));
  if (strcmp (type, "s") == 0)
    return g_strdup (g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT, &index, NULL)
                             && index < book->strings->len
                         ? g_ptr_array_index (book->strings, index)
                         : "");
  if (strcmp (type, "inlineStr") == 0)
    return string_text (ingest_xml_child (cell, "is"));
  if (strcmp (type, "b") == 0)
    return g_strdup (strcmp (value, "1") == 0 ? "TRUE" : "FALSE");
  return g_steal_pointer (&value);
}

/* "C7" → 2; FALLBACK when it says nothing. */
static guint column_of (const xmlNode *cell, guint fallback)
{
  g_autofree char *reference = ingest_xml_attribute (cell, "r");
  guint column = 0;
  const char *at = reference != NULL ? reference : "";
  for (; g_ascii_isalpha (*at) && column < 100000; at++)
    column = column * 26 + (g_ascii_toupper (*at) - 'A' + 1);
  return column > 0 ? column - 1 : fallback;
}

/* Returns the number of cells with text in them. */
static guint append_cells (const Workbook *book, const xmlNode *row, GString *text)
{
  guint filled = 0, at_column = 0, next = 0;
  for (const xmlNode *cell = ingest_xml_child (row, "c"); cell != NULL;
       cell = ingest_xml_next (cell, "c"))
    {
      guint column = column_of (cell, next);
      next = column + 1;
      if (column >= COLUMNS_MAX || column < at_column)
        continue;
      g_autofree char *value = cell_text (book, cell);
      if (*value == '\0')
        continue;
      for (; at_column < column; at_column++)
        g_string_append_c (text, '\t');
      g_string_append (text, value);
      filled++;
    }
  return filled;
}

static void read_sheet (Workbook *book, const IngestArchive *archive, const char *path,
                        const char *name)
{
  g_autoptr (xmlDoc) doc = ingest_archive_xml (archive, path, NULL);
  const xmlNode *data
      = doc != NULL ? ingest_xml_child (xmlDocGetRootElement (doc), "sheetData") : NULL;
  ingest_document_add_page (book->document, name, 0, 0, 1);
  gboolean named = FALSE;
  for (const xmlNode *row = ingest_xml_child (data, "row"); row != NULL;
       row = ingest_xml_next (row, "row"))
    {
      g_autoptr (GString) text = g_string_new (NULL);
      guint filled = append_cells (book, row, text);
      if (filled > 0 && !named)
        ingest_document_add_text (book->document, INGEST_BLOCK_HEADING, 1, name);
      named = named || filled > 0;
      if (filled == 1)
        ingest_document_add_text (book->document, INGEST_BLOCK_PARAGRAPH, 0, text->str);
      else if (filled > 1)
        ingest_document_add_text (book->document, INGEST_BLOCK_TABLE_ROW, 0, text->str);
    }
}

static gboolean is_hidden (const xmlNode *sheet)
{
  g_autofree char *state = ingest_xml_attribute (sheet, "state");
  return state != NULL && strcmp (state, "visible") != 0;
}

IngestDocument *ingest_parse_xlsx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error)
{
  g_autoptr (IngestDocument) document
      = ingest_document_new ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  const xmlNode *root = xmlDocGetRootElement (doc);
  Workbook book = { .document = document };
  book.strings = g_ptr_array_new_with_free_func (g_free);
  book.formats = g_array_new (FALSE, FALSE, sizeof (Format));
  book.since_1904 = ingest_xml_number (ingest_xml_child (root, "workbookPr"), "date1904", 0) == 1;
  read_strings (&book, archive, path);
  read_formats (&book, archive, path);
  ingest_opc_describe (archive, document);
  for (const xmlNode *at = ingest_xml_child (ingest_xml_child (root, "sheets"), "sheet");
       at != NULL; at = ingest_xml_next (at, "sheet"))
    {
      g_autofree char *name = ingest_xml_attribute (at, "name");
      g_autofree char *id = ingest_xml_attribute (at, "id");
      g_autofree char *target = ingest_opc_by_id (archive, path, id);
      if (!is_hidden (at) && target != NULL)
        read_sheet (&book, archive, target, name != NULL ? name : "");
    }
  g_ptr_array_unref (book.strings);
  g_array_unref (book.formats);
  return ingest_parsed (g_steal_pointer (&document), error);
}

/* Word documents. In comes the tree of the main part, out come its paragraphs, headings, lists,
 * tables and notes in the order in which one reads them. What is not shown stays out: deleted
 * text, field codes, hidden runs, comments. Pages are those of the last time that Word laid the
 * document out, when it wrote them down. */
#include "ingest/docx-private.h"
#include "ingest/prose-private.h"

#include <string.h>

#define COLUMNS_MAX 100
/* Tables and text boxes nest; a person stops at three. */
#define NESTING_MAX 12

typedef struct
{
  IngestDocument *document;
  IngestDocxStyles *styles;
  xmlDoc *footnotes, *endnotes; /* or NULL */
  GPtrArray *notes;             /* xmlNode* that the open paragraph refers to */
  GPtrArray *boxes;             /* xmlNode* of the text boxes in it */
  guint n_notes;
  gboolean page_break; /* a page began in the open paragraph */
  guint nesting;
} Reader;

static void read_blocks (Reader *reader, const xmlNode *parent);

/* ---- Text of a paragraph ---- */

static gboolean is_hidden_run (const xmlNode *run)
{
  const xmlNode *vanish = ingest_xml_child (ingest_xml_child (run, "rPr"), "vanish");
  g_autofree char *value = ingest_xml_attribute (vanish, "val");
  return vanish != NULL
         && (value == NULL || (strcmp (value, "0") != 0 && strcmp (value, "false") != 0));
}

static gboolean is_passed_over (const xmlNode *node)
{
  return ingest_xml_is (node, "del") || ingest_xml_is (node, "moveFrom")
         || ingest_xml_is (node, "instrText") || ingest_xml_is (node, "Fallback")
         || ingest_xml_is (node, "pPr") || ingest_xml_is (node, "rPr")
         || ingest_xml_is (node, "sdtPr") || (ingest_xml_is (node, "r") && is_hidden_run (node));
}

/* "[2]", and the note itself after the paragraph. */
static void refer_to_note (Reader *reader, const xmlNode *reference, xmlDoc *notes, GString *text)
{
  gint id = ingest_xml_number (reference, "id", -1);
  const xmlNode *root = notes != NULL ? xmlDocGetRootElement (notes) : NULL;
  for (xmlNode *at = ingest_xml_child (root, NULL); at != NULL; at = ingest_xml_next (at, NULL))
    if (ingest_xml_number (at, "id", -2) == id)
      {
        g_string_append_printf (text, "[%u]", ++reader->n_notes);
        g_ptr_array_add (reader->notes, at);
        return;
      }
}

/* Appends what NODE itself shows; TRUE when its children are not to be read as this paragraph's. */
static gboolean append_node (const xmlNode *node, GString *text, gpointer user_data)
{
  Reader *reader = user_data;
  if (is_passed_over (node))
    return TRUE;
  if (ingest_xml_is (node, "txbxContent"))
    {
      g_ptr_array_add (reader->boxes, (gpointer)node);
      return TRUE;
    }
  if (ingest_xml_is (node, "t"))
    {
      for (const xmlNode *at = node->children; at != NULL; at = at->next)
        if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE)
          g_string_append (text, (const char *)at->content);
      return TRUE;
    }
  if (ingest_xml_is (node, "oMath") && text->len > 0)
    g_string_append_c (text, ' ');
  if (ingest_xml_is (node, "tab"))
    g_string_append_c (text, '\t');
  else if (ingest_xml_is (node, "br") || ingest_xml_is (node, "cr"))
    g_string_append_c (text, '\n');
  else if (ingest_xml_is (node, "noBreakHyphen"))
    g_string_append_c (text, '-');
  else if (ingest_xml_is (node, "lastRenderedPageBreak"))
    reader->page_break = TRUE;
  else if (ingest_xml_is (node, "footnoteReference"))
    refer_to_note (reader, node, reader->footnotes, text);
  else if (ingest_xml_is (node, "endnoteReference"))
    refer_to_note (reader, node, reader->endnotes, text);
  return FALSE;
}

/* ---- Paragraphs ---- */

/* The notes and text boxes of the paragraph that was just written. */
static void flush_asides (Reader *reader)
{
  g_autoptr (GPtrArray) notes = g_steal_pointer (&reader->notes);
  g_autoptr (GPtrArray) boxes = g_steal_pointer (&reader->boxes);
  reader->notes = g_ptr_array_new ();
  reader->boxes = g_ptr_array_new ();
  guint number = reader->n_notes - notes->len;
  for (guint i = 0; i < notes->len; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      const xmlNode *note = g_ptr_array_index (notes, i);
      g_string_append_printf (text, "[%u]", ++number);
      for (const xmlNode *at = ingest_xml_find (note, "p"); at != NULL;
           at = ingest_xml_walk (at, note, ingest_xml_is (at, "p")))
        if (ingest_xml_is (at, "p"))
          {
            g_autofree char *part = ingest_xml_compose (at, append_node, reader);
            g_string_append_printf (text, " %s", part);
          }
      ingest_document_add_text (reader->document, INGEST_BLOCK_FOOTNOTE, 0, text->str);
    }
  for (guint i = 0; i < boxes->len; i++)
    read_blocks (reader, g_ptr_array_index (boxes, i));
}

static void read_paragraph (Reader *reader, const xmlNode *paragraph)
{
  const xmlNode *properties = ingest_xml_child (paragraph, "pPr");
  reader->page_break = FALSE;
  g_autofree char *text = ingest_xml_compose (paragraph, append_node, reader);
  if (reader->page_break && reader->document->blocks->len > 0)
    ingest_document_add_page (reader->document, NULL, 0, 0, 1);
  if (text[strspn (text, " \t\n")] != '\0')
    {
      g_autofree char *number = ingest_docx_number (reader->styles, properties);
      g_autofree char *whole = g_strconcat (number != NULL ? number : "", text, NULL);
      guint level = ingest_docx_heading_level (reader->styles, properties);
      IngestBlockKind kind = number != NULL ? INGEST_BLOCK_LIST_ITEM : INGEST_BLOCK_PARAGRAPH;
      if (level > 0)
        kind = INGEST_BLOCK_HEADING;
      else if (ingest_docx_is_caption (reader->styles, properties))
        kind = INGEST_BLOCK_CAPTION;
      gboolean bullet_heading = level > 0 && number != NULL && g_str_has_prefix (number, "•");
      ingest_document_add_text (reader->document, kind, level, bullet_heading ? text : whole);
    }
  flush_asides (reader);
}

/* ---- Tables ---- */

static void append_cell (Reader *reader, const xmlNode *cell, GString *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const xmlNode *at = ingest_xml_walk (cell, cell, FALSE); at != NULL;)
    {
      gboolean paragraph = ingest_xml_is (at, "p");
      if (paragraph)
        {
          const xmlNode *properties = ingest_xml_child (at, "pPr");
          g_autofree char *number = ingest_docx_number (reader->styles, properties);
          g_autofree char *part = ingest_xml_compose (at, append_node, reader);
          g_string_append_printf (text, "%s%s ", number != NULL ? number : "", part);
        }
      at = ingest_xml_walk (at, cell, paragraph);
    }
  g_autofree char *clean = ingest_prose_squeeze (ingest_prose_clean (text->str, text->len));
  g_string_append (row, clean);
}

static void read_row (Reader *reader, const xmlNode *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint columns = 0;
  for (const xmlNode *cell = ingest_xml_find (row, "tc"); cell != NULL && columns < COLUMNS_MAX;
       cell = ingest_xml_walk (cell, row, ingest_xml_is (cell, "tc")))
    {
      if (!ingest_xml_is (cell, "tc"))
        continue;
      const xmlNode *properties = ingest_xml_child (cell, "tcPr");
      g_autofree char *span = ingest_docx_value (properties, "gridSpan");
      if (columns > 0)
        g_string_append_c (text, '\t');
      append_cell (reader, cell, text);
      gint width = span != NULL ? CLAMP (g_ascii_strtoll (span, NULL, 10), 1, COLUMNS_MAX) : 1;
      for (gint i = 1; i < width; i++)
        g_string_append_c (text, '\t');
      columns += width;
    }
  ingest_document_add_text (reader->document, INGEST_BLOCK_TABLE_ROW, 0, text->str);
}

/* A table of one column is a box around text. */
static gboolean is_box (const xmlNode *table)
{
  const xmlNode *grid = ingest_xml_child (table, "tblGrid");
  const xmlNode *first = ingest_xml_child (grid, "gridCol");
  return first != NULL && ingest_xml_next (first, "gridCol") == NULL;
}

static void read_table (Reader *reader, const xmlNode *table)
{
  gboolean box = is_box (table);
  for (const xmlNode *at = ingest_xml_walk (table, table, FALSE); at != NULL;)
    {
      gboolean row = ingest_xml_is (at, "tr"), cell = ingest_xml_is (at, "tc");
      if (row && !box)
        read_row (reader, at);
      else if (cell && box)
        read_blocks (reader, at);
      at = ingest_xml_walk (at, table, (row && !box) || cell);
    }
  flush_asides (reader);
}

/* ---- Blocks ---- */

static void read_blocks (Reader *reader, const xmlNode *parent)
{
  if (++reader->nesting <= NESTING_MAX)
    for (const xmlNode *at = ingest_xml_walk (parent, parent, FALSE); at != NULL;)
      {
        gboolean paragraph = ingest_xml_is (at, "p"), table = ingest_xml_is (at, "tbl");
        if (paragraph)
          read_paragraph (reader, at);
        else if (table)
          read_table (reader, at);
        at = ingest_xml_walk (at, parent, paragraph || table || is_passed_over (at));
      }
  reader->nesting--;
}

static xmlDoc *read_notes (const IngestArchive *archive, const char *path, const char *type)
{
  g_autofree char *target = ingest_opc_related (archive, path, type);
  return ingest_archive_xml (archive, target, NULL);
}

IngestDocument *ingest_parse_docx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error)
{
  g_autoptr (IngestDocument) document = ingest_document_new (
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  g_autoptr (IngestDocxStyles) styles = ingest_docx_styles_new (archive, path);
  g_autoptr (xmlDoc) footnotes = read_notes (archive, path, "/footnotes");
  g_autoptr (xmlDoc) endnotes = read_notes (archive, path, "/endnotes");
  Reader reader = { .document = document, .styles = styles };
  reader.footnotes = footnotes;
  reader.endnotes = endnotes;
  reader.notes = g_ptr_array_new ();
  reader.boxes = g_ptr_array_new ();
  ingest_opc_describe (archive, document);
  ingest_document_add_page (document, NULL, 0, 0, 1);
  read_blocks (&reader, ingest_xml_child (xmlDocGetRootElement (doc), "body"));
  g_ptr_array_unref (reader.notes);
  g_ptr_array_unref (reader.boxes);
  return ingest_parsed (g_steal_pointer (&document), error);
}

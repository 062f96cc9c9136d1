/* A tree of HTML elements as blocks: what a reader would see, in reading order. Used for web pages,
 * chapters of books, entries of feeds and mail. White space means nothing in HTML and line breaks
 * are elements, so text is gathered until an element ends the paragraph; tables that hold data
 * become rows, tables that only place things on a page are read through. */
#include "ingest/html-private.h"
#include "ingest/prose-private.h"

#include <string.h>

#define COLUMNS_MAX 100
/* Cells of data are short; longer ones are a page layout from before style sheets. */
#define CELL_BYTES 240

typedef struct
{
  IngestDocument *document;
  GString *text; /* of the block that is open; line breaks are \n */
  IngestBlockKind kind;
  guint level;
  guint shift;
  char marker[24]; /* of the list item whose first block has not come yet */
} Writer;

static gboolean is_one_of (const xmlNode *node, const char *names)
{
  char key[24];
  if (node->type != XML_ELEMENT_NODE || strlen ((const char *)node->name) > sizeof key - 3)
    return FALSE;
  g_snprintf (key, sizeof key, " %s ", (const char *)node->name);
  return strstr (names, key) != NULL;
}

gboolean ingest_html_is_silent (const xmlNode *node)
{
  return node->type != XML_ELEMENT_NODE
         || is_one_of (node,
                       " script style noscript template head iframe frame object embed applet "
                       "svg canvas audio video map button input select textarea datalist "
                       "option progress meter rp rt title link meta ");
}

gboolean ingest_html_is_block (const xmlNode *node)
{
  return is_one_of (node,
                    " p div section article main header footer aside nav ul ol li dl dt dd h1 "
                    "h2 h3 h4 h5 h6 table caption thead tbody tfoot tr td th pre blockquote "
                    "figure figcaption address hr form fieldset legend details summary center "
                    "body html menu dir hgroup search dialog ");
}

/* ---- Text ---- */

static void append_collapsed (GString *out, const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isspace (*text))
      g_string_append_c (out, *text);
    else if (out->len > 0 && out->str[out->len - 1] != ' ' && out->str[out->len - 1] != '\n')
      g_string_append_c (out, ' ');
}

static void add_text (Writer *writer, const char *text)
{
  gboolean item = writer->marker[0] != '\0' && writer->kind == INGEST_BLOCK_PARAGRAPH;
  g_autofree char *marked = g_strconcat (item ? writer->marker : "", text, NULL);
  ingest_document_add_block (writer->document, item ? INGEST_BLOCK_LIST_ITEM : writer->kind,
                             writer->level, NULL, marked, -1);
  writer->marker[0] = '\0';
}

/* Ends the open block. Two line breaks in a row were meant as a new paragraph. */
static void flush (Writer *writer)
{
  g_autofree char *clean = ingest_prose_clean (writer->text->str, writer->text->len);
  g_string_truncate (writer->text, 0);
  if (writer->kind == INGEST_BLOCK_CODE)
    {
      if (*g_strchug (clean) != '\0')
        add_text (writer, clean);
      return;
    }
  ingest_prose_trim_lines (clean);
  g_auto (GStrv) paragraphs = g_strsplit (clean, "\n\n", -1);
  for (guint i = 0; paragraphs[i] != NULL; i++)
    if (*g_strstrip (paragraphs[i]) != '\0')
      add_text (writer, paragraphs[i]);
}

/* ---- Tables ---- */

char *ingest_html_text (const xmlNode *node)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean skip = FALSE;
  for (const xmlNode *at = ingest_xml_walk (node, node, FALSE); at != NULL;
       at = ingest_xml_walk (at, node, skip))
    {
      skip = at->type == XML_ELEMENT_NODE && ingest_html_is_silent (at);
      if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE)
        g_string_append (text, (const char *)at->content);
      else if (ingest_xml_is (at, "br") || ingest_html_is_block (at))
        g_string_append_c (text, ' ');
    }
  return ingest_prose_squeeze (ingest_prose_clean (text->str, text->len));
}

static gboolean is_cell (const xmlNode *node)
{
  return ingest_xml_is (node, "td") || ingest_xml_is (node, "th");
}

static gboolean is_data_table (const xmlNode *table)
{
  guint rows = 0, cells = 0, heads = 0;
  gsize bytes = 0;
  g_autofree char *role = ingest_xml_attribute (table, "role");
  if (role != NULL && (strcmp (role, "presentation") == 0 || strcmp (role, "none") == 0))
    return FALSE;
  for (const xmlNode *at = ingest_xml_walk (table, table, FALSE); at != NULL;
       at = ingest_xml_walk (at, table, FALSE))
    {
      if (is_one_of (at, " table pre form h1 h2 "))
        return FALSE;
      rows += ingest_xml_is (at, "tr");
      cells += is_cell (at);
      heads += ingest_xml_is (at, "th");
      if (at->type == XML_TEXT_NODE)
        bytes += strlen ((const char *)at->content);
    }
  return rows > 0 && cells > rows && (rows > 1 || heads > 0) && bytes / cells <= CELL_BYTES;
}

static void add_row (Writer *writer, const xmlNode *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint columns = 0;
  for (const xmlNode *cell = ingest_xml_child (row, NULL); cell != NULL;
       cell = ingest_xml_next (cell, NULL))
    {
      if (!is_cell (cell) || columns >= COLUMNS_MAX)
        continue;
      g_autofree char *content = ingest_html_text (cell);
      gint span = CLAMP (ingest_xml_number (cell, "colspan", 1), 1, COLUMNS_MAX);
      g_string_append_printf (text, "%s%s", columns > 0 ? "\t" : "", content);
      for (gint i = 1; i < span; i++)
        g_string_append_c (text, '\t');
      columns += span;
    }
  ingest_document_add_block (writer->document, INGEST_BLOCK_TABLE_ROW, 0, NULL, text->str, -1);
}

static void add_table (Writer *writer, const xmlNode *table)
{
  for (const xmlNode *at = ingest_xml_walk (table, table, FALSE); at != NULL;
       at = ingest_xml_walk (at, table, FALSE))
    if (ingest_xml_is (at, "tr"))
      add_row (writer, at);
    else if (ingest_xml_is (at, "caption"))
      {
        g_autofree char *caption = ingest_html_text (at);
        ingest_document_add_block (writer->document, INGEST_BLOCK_CAPTION, 0, NULL, caption, -1);
      }
}

/* ---- Elements ---- */

static void write_children (Writer *writer, const xmlNode *node);

/* A block of KIND, and whatever blocks are in it. */
static void write_as (Writer *writer, const xmlNode *node, IngestBlockKind kind, guint level)
{
  IngestBlockKind outer = writer->kind;
  guint outer_level = writer->level;
  flush (writer);
  writer->kind = kind;
  writer->level = level;
  write_children (writer, node);
  flush (writer);
  writer->kind = outer;
  writer->level = outer_level;
}

static void write_item (Writer *writer, const xmlNode *item)
{
  flush (writer);
  if (ingest_xml_is (item->parent, "ol"))
    {
      gint number = ingest_xml_number (item->parent, "start", 1);
      for (const xmlNode *at = item->prev; at != NULL; at = at->prev)
        number += ingest_xml_is (at, "li");
      g_snprintf (writer->marker, sizeof writer->marker, "%d. ",
                  ingest_xml_number (item, "value", number));
    }
  else
    g_strlcpy (writer->marker, "• ", sizeof writer->marker);
  write_children (writer, item);
  flush (writer);
  writer->marker[0] = '\0';
}

static gboolean is_footnote (const xmlNode *node)
{
  g_autofree char *role = ingest_xml_attribute (node, "role");
  g_autofree char *type = ingest_xml_attribute (node, "epub:type");
  return (role != NULL && (strstr (role, "doc-footnote") || strstr (role, "doc-endnote")))
         || (type != NULL && (strcmp (type, "footnote") == 0 || strcmp (type, "endnote") == 0));
}

static void write_element (Writer *writer, const xmlNode *node)
{
  const char *name = (const char *)node->name;
  if (ingest_html_is_silent (node))
    return;
  if (strcmp (name, "br") == 0)
    g_string_append_c (writer->text, '\n');
  else if (name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && name[2] == '\0')
    write_as (writer, node, INGEST_BLOCK_HEADING, MIN (name[1] - '0' + writer->shift, 6));
  else if (strcmp (name, "pre") == 0)
    write_as (writer, node, INGEST_BLOCK_CODE, 0);
  else if (strcmp (name, "figcaption") == 0)
    write_as (writer, node, INGEST_BLOCK_CAPTION, 0);
  else if (strcmp (name, "li") == 0)
    write_item (writer, node);
  else if (strcmp (name, "table") == 0 && is_data_table (node))
    {
      flush (writer);
      add_table (writer, node);
    }
  else if (ingest_html_is_block (node) && writer->kind == INGEST_BLOCK_HEADING)
    { /* A heading is one line, whatever is in it. */
      g_string_append_c (writer->text, ' ');
      write_children (writer, node);
    }
  else if (ingest_html_is_block (node))
    write_as (writer, node, is_footnote (node) ? INGEST_BLOCK_FOOTNOTE : writer->kind, 0);
  else
    write_children (writer, node);
}

static void write_children (Writer *writer, const xmlNode *node)
{
  for (const xmlNode *at = node->children; at != NULL; at = at->next)
    if (at->type == XML_ELEMENT_NODE)
      write_element (writer, at);
    else if (at->type != XML_TEXT_NODE && at->type != XML_CDATA_SECTION_NODE)
      continue;
    else if (writer->kind == INGEST_BLOCK_CODE)
      g_string_append (writer->text, (const char *)at->content);
    else
      append_collapsed (writer->text, (const char *)at->content);
}

void ingest_html_write (IngestDocument *document, const xmlNode *root, guint shift)
{
  Writer writer = { .document = document, .text = g_string_new (NULL), .shift = shift };
  writer.kind = INGEST_BLOCK_PARAGRAPH;
  write_children (&writer, root);
  flush (&writer);
  g_string_free (writer.text, TRUE);
}

void ingest_html_write_fragment (IngestDocument *document, const char *html, guint shift)
{
  g_autoptr (xmlDoc) doc = ingest_html_read (html, NULL);
  if (doc != NULL)
    ingest_html_write (document, xmlDocGetRootElement (doc), shift);
}

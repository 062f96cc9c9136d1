/* OpenDocument: texts, spreadsheets and presentations of LibreOffice and others. The three share
 * paragraphs, lists and tables; sheets and slides are pages under their names. Hidden text, tracked
 * deletions and comments stay out. Repeated cells and rows are written once with a count, which may
 * be a million: only those with text in them are repeated here, and not for ever. */
#include "ingest/archive-private.h"
#include "ingest/list-number-private.h"
#include "ingest/prose-private.h"

#include <string.h>

#define COLUMNS_MAX 256
#define REPEAT_MAX 64
#define LEVELS 10

typedef struct
{
  IngestDocument *document;
  const xmlNode *content, *styles; /* roots; STYLES may be NULL */
  GHashTable *hidden;              /* names of styles that hide text */
  GPtrArray *asides;               /* xmlNode* of notes and text boxes in the open paragraph */
  guint n_notes;
} Reader;

/* ---- Styles ---- */

static void find_hidden_styles (Reader *reader, const xmlNode *root)
{
  for (const xmlNode *at = ingest_xml_find (root, "style"); at != NULL;
       at = ingest_xml_walk (at, root, FALSE))
    {
      g_autofree char *display
          = ingest_xml_attribute (ingest_xml_child (at, "text-properties"), "display");
      char *name = ingest_xml_is (at, "style") ? ingest_xml_attribute (at, "name") : NULL;
      if (name != NULL && display != NULL && strcmp (display, "none") == 0)
        g_hash_table_add (reader->hidden, name);
      else
        g_free (name);
    }
}

static gboolean has_hidden_style (const Reader *reader, const xmlNode *node)
{
  g_autofree char *style = ingest_xml_attribute (node, "style-name");
  return style != NULL && g_hash_table_contains (reader->hidden, style);
}

/* The style of level LEVEL (from 1) of the list called NAME; NULL when unknown. */
static const xmlNode *list_level (const xmlNode *root, const char *name, guint level)
{
  for (const xmlNode *at = ingest_xml_find (root, "list-style"); at != NULL;
       at = ingest_xml_walk (at, root, FALSE))
    {
      g_autofree char *own
          = ingest_xml_is (at, "list-style") ? ingest_xml_attribute (at, "name") : NULL;
      if (own == NULL || strcmp (own, name) != 0)
        continue;
      for (const xmlNode *style = ingest_xml_child (at, NULL); style != NULL;
           style = ingest_xml_next (style, NULL))
        if (ingest_xml_number (style, "level", 0) == (gint)level)
          return style;
    }
  return NULL;
}

/* "• ", "3. ", "c) " */
static char *item_marker (const Reader *reader, const char *list, guint level, guint number)
{
  const xmlNode *style = list != NULL ? list_level (reader->content, list, level) : NULL;
  if (style == NULL && list != NULL && reader->styles != NULL)
    style = list_level (reader->styles, list, level);
  if (!ingest_xml_is (style, "list-level-style-number"))
    return g_strdup ("• ");
  g_autofree char *format = ingest_xml_attribute (style, "num-format");
  g_autofree char *suffix = ingest_xml_attribute (style, "num-suffix");
  g_autofree char *prefix = ingest_xml_attribute (style, "num-prefix");
  gint start = ingest_xml_number (style, "start-value", 1);
  if (format == NULL || *format == '\0')
    return g_strdup ("");
  const char *kind = strchr ("iI", *format)   ? (*format == 'i' ? "lowerRoman" : "upperRoman")
                     : strchr ("aA", *format) ? (*format == 'a' ? "lowerLetter" : "upperLetter")
                                              : "decimal";
  g_autofree char *text = ingest_format_number (number + MAX (start, 1) - 1, kind);
  return g_strdup_printf ("%s%s%s ", prefix != NULL ? prefix : "", text,
                          suffix != NULL ? suffix : ".");
}

/* ---- Text of a paragraph ---- */

static gboolean is_passed_over (const Reader *reader, const xmlNode *node)
{
  static const char *const names[] = { "tracked-changes",
                                       "annotation",
                                       "annotation-end",
                                       "hidden-text",
                                       "hidden-paragraph",
                                       "ruby-text",
                                       "event-listeners",
                                       "forms",
                                       "variable-decls",
                                       "sequence-decls",
                                       "user-field-decls",
                                       "table-of-content",
                                       "alphabetical-index",
                                       "settings",
                                       "image",
                                       "object" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (ingest_xml_is (node, names[i]))
      return TRUE;
  if (node->type != XML_ELEMENT_NODE)
    return FALSE;
  g_autofree char *display = ingest_xml_attribute (node, "display");
  return (display != NULL && strcmp (display, "none") == 0) || has_hidden_style (reader, node);
}

/* Appends what NODE shows; TRUE when its children are not of this paragraph. */
static gboolean append_node (const xmlNode *node, GString *text, gpointer user_data)
{
  Reader *reader = user_data;
  if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
    for (const char *at = (const char *)node->content; *at != '\0'; at++)
      g_string_append_c (text, g_ascii_isspace (*at) ? ' ' : *at);
  else if (is_passed_over (reader, node))
    return TRUE;
  else if (ingest_xml_is (node, "note") || ingest_xml_is (node, "text-box"))
    {
      if (ingest_xml_is (node, "note"))
        g_string_append_printf (text, "[%u]", ++reader->n_notes);
      g_ptr_array_add (reader->asides, (gpointer)node);
      return TRUE;
    }
  else if (ingest_xml_is (node, "line-break"))
    g_string_append_c (text, '\n');
  else if (ingest_xml_is (node, "s") || ingest_xml_is (node, "tab"))
    g_string_append_c (text, ' ');
  return FALSE;
}

/* All paragraphs below NODE on one line. */
static char *flat_text (Reader *reader, const xmlNode *node)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const xmlNode *at = ingest_xml_walk (node, node, FALSE); at != NULL;)
    {
      gboolean paragraph = ingest_xml_is (at, "p") || ingest_xml_is (at, "h");
      if (paragraph)
        {
          g_autofree char *part = ingest_xml_compose (at, append_node, reader);
          g_string_append_printf (text, "%s ", part);
        }
      at = ingest_xml_walk (at, node, paragraph || is_passed_over (reader, at));
    }
  return ingest_prose_squeeze (ingest_prose_clean (text->str, text->len));
}

/* ---- Blocks ---- */

static void read_blocks (Reader *reader, const xmlNode *parent, const char *list, guint level);

/* Notes and text boxes that the paragraph just written refers to. */
static void flush_asides (Reader *reader)
{
  guint n_notes = 0;
  g_autoptr (GPtrArray) asides = g_steal_pointer (&reader->asides);
  reader->asides = g_ptr_array_new ();
  for (guint i = 0; i < asides->len; i++)
    n_notes += ingest_xml_is (g_ptr_array_index (asides, i), "note");
  guint number = reader->n_notes - n_notes;
  for (guint i = 0; i < asides->len; i++)
    {
      const xmlNode *aside = g_ptr_array_index (asides, i);
      if (!ingest_xml_is (aside, "note"))
        {
          read_blocks (reader, aside, NULL, 0);
          continue;
        }
      const xmlNode *body = ingest_xml_child (aside, "note-body");
      g_autofree char *text = body != NULL ? flat_text (reader, body) : g_strdup ("");
      g_autofree char *whole = g_strdup_printf ("[%u] %s", ++number, text);
      ingest_document_add_text (reader->document, INGEST_BLOCK_FOOTNOTE, 0, whole);
    }
}

static void read_paragraph (Reader *reader, const xmlNode *paragraph, const char *marker)
{
  g_autofree char *text = ingest_xml_compose (paragraph, append_node, reader);
  g_autofree char *style = ingest_xml_attribute (paragraph, "style-name");
  gboolean heading = ingest_xml_is (paragraph, "h");
  guint level = heading ? CLAMP (ingest_xml_number (paragraph, "outline-level", 1), 1, 6) : 0;
  IngestBlockKind kind = marker != NULL ? INGEST_BLOCK_LIST_ITEM : INGEST_BLOCK_PARAGRAPH;
  if (style != NULL && strcmp (style, "Title") == 0 && !heading)
    heading = TRUE, level = 1;
  if (heading)
    kind = INGEST_BLOCK_HEADING;
  else if (style != NULL
           && (strcmp (style, "Caption") == 0 || strcmp (style, "Table") == 0
               || strcmp (style, "Illustration") == 0))
    kind = INGEST_BLOCK_CAPTION;
  g_autofree char *whole = g_strconcat (marker != NULL && !heading ? marker : "", text, NULL);
  if (text[strspn (text, " \n")] != '\0')
    ingest_document_add_text (reader->document, kind, level, whole);
  flush_asides (reader);
}

static void read_list (Reader *reader, const xmlNode *list, const char *outer, guint level)
{
  g_autofree char *own = ingest_xml_attribute (list, "style-name");
  const char *style = own != NULL ? own : outer;
  guint number = 0;
  for (const xmlNode *item = ingest_xml_child (list, NULL); item != NULL;
       item = ingest_xml_next (item, NULL))
    {
      gboolean header = ingest_xml_is (item, "list-header");
      number = header ? number
                      : (guint)MAX (ingest_xml_number (item, "start-value", (gint)number + 1), 0);
      g_autofree char *marker = header ? NULL : item_marker (reader, style, level + 1, number);
      const char *first = marker;
      for (const xmlNode *at = ingest_xml_child (item, NULL); at != NULL;
           at = ingest_xml_next (at, NULL))
        if (ingest_xml_is (at, "list") && level < LEVELS)
          read_list (reader, at, style, level + 1);
        else if (ingest_xml_is (at, "p") || ingest_xml_is (at, "h"))
          {
            read_paragraph (reader, at, first);
            first = NULL;
          }
    }
}

/* Returns the number of cells with text. */
static guint append_cells (Reader *reader, const xmlNode *row, GString *text)
{
  guint filled = 0, column = 0, written = 0;
  for (const xmlNode *cell = ingest_xml_child (row, NULL); cell != NULL && column < COLUMNS_MAX;
       cell = ingest_xml_next (cell, NULL))
    {
      g_autofree char *content
          = ingest_xml_is (cell, "table-cell") ? flat_text (reader, cell) : g_strdup ("");
      gint repeat = CLAMP (ingest_xml_number (cell, "number-columns-repeated", 1), 1, COLUMNS_MAX);
      for (gint i = 0; i < repeat && column < COLUMNS_MAX; i++, column++)
        {
          if (*content == '\0' || (i > 0 && i >= REPEAT_MAX))
            continue;
          for (; written < column; written++)
            g_string_append_c (text, '\t');
          g_string_append (text, content);
          filled++;
        }
    }
  return filled;
}

static void read_table (Reader *reader, const xmlNode *table)
{
  for (const xmlNode *at = ingest_xml_walk (table, table, FALSE); at != NULL;)
    {
      gboolean row = ingest_xml_is (at, "table-row");
      if (row)
        {
          g_autoptr (GString) text = g_string_new (NULL);
          guint filled = append_cells (reader, at, text);
          gint repeat = CLAMP (ingest_xml_number (at, "number-rows-repeated", 1), 1, REPEAT_MAX);
          for (gint i = 0; i < repeat && filled > 0; i++)
            ingest_document_add_text (reader->document, INGEST_BLOCK_TABLE_ROW, 0, text->str);
        }
      at = ingest_xml_walk (at, table, row || ingest_xml_is (at, "shapes"));
    }
  flush_asides (reader);
}

static void begin_page (Reader *reader, const xmlNode *page)
{
  g_autofree char *name = ingest_xml_attribute (page, "name");
  ingest_document_add_page (reader->document, name, 0, 0, 1);
  if (ingest_xml_is (page, "table"))
    ingest_document_add_text (reader->document, INGEST_BLOCK_HEADING, 1, name != NULL ? name : "");
}

/* The title of a slide is a frame that says so. */
static gboolean read_slide_title (Reader *reader, const xmlNode *frame)
{
  g_autofree char *class = ingest_xml_attribute (frame, "class");
  if (class == NULL || strcmp (class, "title") != 0 || !ingest_xml_is (frame, "frame"))
    return FALSE;
  g_autofree char *title = flat_text (reader, ingest_xml_child (frame, "text-box") != NULL
                                                  ? ingest_xml_child (frame, "text-box")
                                                  : frame);
  ingest_document_add_text (reader->document, INGEST_BLOCK_HEADING, 1, title);
  return TRUE;
}

static void read_blocks (Reader *reader, const xmlNode *parent, const char *list, guint level)
{
  gboolean sheets = ingest_xml_is (parent, "spreadsheet");
  for (const xmlNode *at = ingest_xml_walk (parent, parent, FALSE); at != NULL;)
    {
      gboolean done = is_passed_over (reader, at);
      if (!done && (ingest_xml_is (at, "page") || (sheets && ingest_xml_is (at, "table"))))
        begin_page (reader, at);
      if (done)
        ;
      else if ((done = ingest_xml_is (at, "p") || ingest_xml_is (at, "h")))
        read_paragraph (reader, at, NULL);
      else if ((done = ingest_xml_is (at, "list")))
        read_list (reader, at, list, level);
      else if ((done = ingest_xml_is (at, "table")))
        read_table (reader, at);
      else
        done = read_slide_title (reader, at);
      at = ingest_xml_walk (at, parent, done);
    }
}

static void describe (const xmlNode *root, IngestDocument *document)
{
  g_autofree char *title = ingest_xml_text (ingest_xml_find (root, "title"));
  g_autofree char *date = ingest_xml_text (ingest_xml_find (root, "date"));
  g_autofree char *created = ingest_xml_text (ingest_xml_find (root, "creation-date"));
  document->title = ingest_usable_title (title);
  document->date = ingest_parse_date (*date != '\0' ? date : created);
}

IngestDocument *ingest_parse_odf (const IngestArchive *archive, xmlDoc *doc, GError **error)
{
  const xmlNode *root = xmlDocGetRootElement (doc);
  const xmlNode *body = ingest_xml_child (ingest_xml_child (root, "body"), NULL);
  g_autoptr (xmlDoc) styles
      = archive != NULL ? ingest_archive_xml (archive, "styles.xml", NULL) : NULL;
  g_autoptr (xmlDoc) meta = archive != NULL ? ingest_archive_xml (archive, "meta.xml", NULL) : NULL;
  g_autofree char *type = g_strconcat ("application/vnd.oasis.opendocument.",
                                       body != NULL ? (const char *)body->name : "text", NULL);
  g_autoptr (IngestDocument) document = ingest_document_new (type);
  Reader reader = { .document = document, .content = root };
  reader.styles = styles != NULL ? xmlDocGetRootElement (styles) : NULL;
  reader.hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  reader.asides = g_ptr_array_new ();
  find_hidden_styles (&reader, root);
  find_hidden_styles (&reader, reader.styles);
  describe (meta != NULL ? xmlDocGetRootElement (meta) : ingest_xml_child (root, "meta"), document);
  if (!ingest_xml_is (body, "spreadsheet") && !ingest_xml_is (body, "presentation"))
    ingest_document_add_page (document, NULL, 0, 0, 1);
  if (body != NULL)
    read_blocks (&reader, body, NULL, 0);
  g_hash_table_unref (reader.hidden);
  g_ptr_array_unref (reader.asides);
  return ingest_parsed (g_steal_pointer (&document), error);
}

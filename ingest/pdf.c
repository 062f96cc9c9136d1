/* PDF into a document. poppler reads the file; here its pages are gone through one after the other,
 * with what a PDF says beside its text: printed page numbers, outline, title. What stands on a page
 * becomes spans (spans.c), and what the spans mean together is the business of the layout files. */
#include "ingest/layout-private.h"
#include "ingest/ocr-private.h"
#include "ingest/parse-private.h"

#include <poppler.h>
#include <string.h>

#define BOOKMARK_LEVELS 6
#define BOOKMARKS_MAX 20000

LayoutPage *layout_page_new (void)
{
  LayoutPage *page = g_new0 (LayoutPage, 1);
  page->text = g_string_new (NULL);
  page->hidden = g_string_new (NULL);
  page->notes = g_string_new (NULL);
  page->spans = g_array_new (FALSE, TRUE, sizeof (LayoutSpan));
  page->regions = g_array_new (FALSE, TRUE, sizeof (LayoutRegion));
  return page;
}

void layout_page_free (LayoutPage *page)
{
  g_free (page->label);
  g_string_free (page->text, TRUE);
  g_string_free (page->hidden, TRUE);
  g_string_free (page->notes, TRUE);
  g_array_unref (page->spans);
  g_array_unref (page->regions);
  g_free (page);
}

void layout_page_take_text (LayoutPage *page, LayoutPage *other)
{
  GString *text = page->text;
  GArray *spans = page->spans;
  page->text = other->text, other->text = text;
  page->spans = other->spans, other->spans = spans;
}

/* Of a page without this many characters little can be said. */
#define ENOUGH_TO_JUDGE 200
/* Letters and digits are a larger part of every text, of programs and tables, too. */
#define LETTERS_MIN 0.4f

/* How much of the text is text: replacement and private characters come from fonts without a usable
 * encoding, and what they spell cannot be searched; nor can what is mostly signs. */
static float quality_of (const char *text)
{
  guint all = 0, bad = 0, letters = 0, leaders = 0;
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (g_unichar_isspace (c))
        continue;
      all++;
      GUnicodeType type = g_unichar_type (c);
      letters += g_unichar_isalnum (c) || g_unichar_ismark (c);
      leaders += c == '.' || c == '_' || c == '-';
      bad += c == 0xFFFD || type == G_UNICODE_PRIVATE_USE || type == G_UNICODE_CONTROL
             || type == G_UNICODE_UNASSIGNED;
    }
  if (all - leaders >= ENOUGH_TO_JUDGE && letters < LETTERS_MIN * (all - leaders))
    return (float)letters / (all - leaders);
  return all > 0 ? 1.0f - (float)bad / all : 0.0f;
}

static gboolean has_right_to_left (const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (layout_is_right_to_left (g_utf8_get_char (text)))
      return TRUE;
  return FALSE;
}

/* poppler selects text as a mouse does, from the start of AREA to its end. A page that it takes to
 * be read from the right has its start there, and from the left it loses its first and last lines:
 * AREA is turned round where that finds more. */
static char *text_of (PopplerPage *page, PopplerRectangle *area)
{
  char *text = poppler_page_get_text_for_area (page, area);
  if (text != NULL && *text != '\0' && !has_right_to_left (text))
    return text;
  PopplerRectangle turned = { area->x2, area->y1, area->x1, area->y2 };
  char *other = poppler_page_get_text_for_area (page, &turned);
  if (other != NULL && (text == NULL || strlen (other) > strlen (text)))
    {
      *area = turned;
      g_free (text);
      return other;
    }
  g_free (other);
  return text != NULL ? text : g_strdup ("");
}

static void read_page (PopplerPage *source, int index, LayoutPage *page)
{
  double width, height;
  poppler_page_get_size (source, &width, &height);
  page->width = width >= 0 && width < 1e5 ? width : 0;
  page->height = height >= 0 && height < 1e5 ? height : 0;
  g_autofree char *label = poppler_page_get_label (source);
  g_autofree char *number = g_strdup_printf ("%d", index + 1);
  if (label != NULL && strcmp (label, number) != 0)
    page->label = ingest_prose_squeeze (ingest_prose_clean (label, MIN (strlen (label), 64)));
  PopplerRectangle area = { 0, 0, page->width, page->height };
  g_autofree char *text = text_of (source, &area);
  g_autofree PopplerRectangle *boxes = NULL;
  guint n_boxes = 0;
  if (*text == '\0' || !poppler_page_get_text_layout_for_area (source, &area, &boxes, &n_boxes))
    return;
  GList *fonts = poppler_page_get_text_attributes_for_area (source, &area);
  page->quality = quality_of (text);
  layout_read_spans (page, text, boxes, n_boxes, fonts);
  poppler_page_free_text_attributes (fonts);
}

/* A page that is a picture has nothing of its own to say; one on which there is nothing at all says
 * all of it. */
static void read_picture (PopplerPage *source, LayoutPage *page)
{
  if (layout_is_picture (page, source))
    page->source = INGEST_PAGE_PICTURE;
  else if (page->text->len == 0)
    page->quality = 1;
  if (page->source == INGEST_PAGE_PICTURE || ingest_ocr_always ())
    layout_read_picture (page, source);
}

/* ---- Outline ---- */

static guint page_of (PopplerDocument *pdf, PopplerAction *action)
{
  if (action->type != POPPLER_ACTION_GOTO_DEST || action->goto_dest.dest == NULL)
    return 0;
  const PopplerDest *dest = action->goto_dest.dest;
  if (dest->type != POPPLER_DEST_NAMED)
    return MAX (dest->page_num, 0);
  PopplerDest *found = poppler_document_find_dest (pdf, dest->named_dest);
  guint page = found != NULL ? MAX (found->page_num, 0) : 0;
  if (found != NULL)
    poppler_dest_free (found);
  return page;
}

static void read_bookmarks (PopplerDocument *pdf, PopplerIndexIter *iter, guint level,
                            GArray *bookmarks)
{
  do
    {
      PopplerAction *action = poppler_index_iter_get_action (iter);
      guint page = page_of (pdf, action);
      if (page > 0 && action->any.title != NULL)
        {
          g_autofree char *title
              = ingest_prose_squeeze (ingest_prose_clean (action->any.title, -1));
          LayoutBookmark bookmark = { g_utf8_casefold (title, -1), page, level };
          g_array_append_val (bookmarks, bookmark);
        }
      poppler_action_free (action);
      PopplerIndexIter *child
          = level < BOOKMARK_LEVELS ? poppler_index_iter_get_child (iter) : NULL;
      if (child != NULL)
        {
          read_bookmarks (pdf, child, level + 1, bookmarks);
          poppler_index_iter_free (child);
        }
    }
  while (bookmarks->len < BOOKMARKS_MAX && poppler_index_iter_next (iter));
}

static void bookmark_clear (gpointer data)
{
  g_free (((LayoutBookmark *)data)->title);
}

/* ---- Document ---- */

static PopplerDocument *open_pdf (GBytes *bytes, GError **error)
{
  g_autoptr (GError) failure = NULL;
  PopplerDocument *pdf = NULL;
  if (g_bytes_get_size (bytes) <= G_MAXINT)
    pdf = poppler_document_new_from_bytes (bytes, NULL, &failure);
  if (pdf != NULL)
    return pdf;
  if (g_error_matches (failure, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED, "");
  else
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                         "is a damaged PDF that cannot be repaired; get another copy");
  return NULL;
}

static void set_no_text_error (GError **error, const LayoutDocument *layout)
{
  g_set_error (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT, " on its %u page%s", layout->pages->len,
               layout->pages->len == 1 ? "" : "s");
}

static void read_layout (PopplerDocument *pdf, LayoutDocument *layout)
{
  int n_pages = MIN (poppler_document_get_n_pages (pdf), INGEST_PAGES_MAX);
  gint64 drawing_us = 0;
  for (int i = 0; i < n_pages; i++)
    {
      /* A page that poppler cannot find stays empty: the numbers of the others must not move. */
      LayoutPage *page = layout_page_new ();
      PopplerPage *source = poppler_document_get_page (pdf, i);
      if (source != NULL)
        {
          read_page (source, i, page);
          read_picture (source, page);
          if (page->source != INGEST_PAGE_OCR)
            layout_set_hidden_apart (page, source, n_pages, &drawing_us);
          layout_read_annotations (page, source);
          layout_join_markers (page);
          g_object_unref (source);
        }
      g_ptr_array_add (layout->pages, page);
    }
  PopplerIndexIter *iter = poppler_index_iter_new (pdf);
  if (iter != NULL)
    {
      read_bookmarks (pdf, iter, 1, layout->bookmarks);
      poppler_index_iter_free (iter);
    }
}

IngestDocument *ingest_parse_pdf (GBytes *bytes, GError **error)
{
  PopplerDocument *pdf = open_pdf (bytes, error);
  if (pdf == NULL)
    return NULL;
  LayoutDocument layout = { 0 };
  layout.pages = g_ptr_array_new_with_free_func ((GDestroyNotify)layout_page_free);
  layout.bookmarks = g_array_new (FALSE, TRUE, sizeof (LayoutBookmark));
  g_array_set_clear_func (layout.bookmarks, bookmark_clear);
  read_layout (pdf, &layout);

  g_autoptr (IngestDocument) document = ingest_document_new ("application/pdf");
  g_autofree char *title = poppler_document_get_title (pdf);
  document->title = ingest_usable_title (title);
  layout_mark_furniture (&layout);
  for (guint i = 0; i < layout.pages->len; i++)
    layout_order (g_ptr_array_index (layout.pages, i));
  layout_write (&layout, document);
  /* Pictures without text are a document too: the caller says what can be done about it. */
  const gboolean has_content = document->blocks->len > 0 || ingest_count_pictures (document) > 0;
  if (layout.pages->len == 0)
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                         "is a damaged PDF without pages; get another copy");
  else if (!has_content)
    set_no_text_error (error, &layout);
  else
    ingest_describe (document);
  g_ptr_array_unref (layout.pages);
  g_array_unref (layout.bookmarks);
  g_object_unref (pdf);
  return has_content ? g_steal_pointer (&document) : NULL;
}

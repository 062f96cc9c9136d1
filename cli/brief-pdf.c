/* A brief as a PDF: A4, text that can be searched, and links from the sources to their pages.
 *
 * In: a brief. Out: pages drawn by Cairo and Pango, which bring the fonts of all scripts. A block is
 * a paragraph in one style; lines are drawn one by one until a page is full. */
#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "brief-private.h"

/* Points. */
#define PAGE_WIDTH 595
#define PAGE_HEIGHT 842
#define MARGIN 64
#define INDENT 14

typedef struct
{
  cairo_t *cr;
  double y; /* where the next line begins */
} Pdf;

typedef struct
{
  const char *font;
  double indent, before; /* space before the block */
} Style;

static const Style title_style = { "Sans Bold 18", 0, 0 };
static const Style heading_style = { "Sans Bold 12", 0, 14 };
static const Style point_style = { "Serif 10.5", INDENT, 4 };
static const Style source_style = { "Serif 8.5", 0, 4 };

static cairo_status_t on_write (void *user_data, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (user_data, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static void need_room (Pdf *pdf, double height)
{
  if (pdf->y + height <= PAGE_HEIGHT - MARGIN)
    return;
  cairo_show_page (pdf->cr);
  pdf->y = MARGIN;
}

/* Quotation marks and backslashes end a string in Cairo's attributes. */
static char *link_attributes (const char *uri)
{
  g_autoptr (GString) text = g_string_new (uri);
  g_string_replace (text, "\\", "%5C", 0);
  g_string_replace (text, "'", "%27", 0);
  return g_strdup_printf ("uri='%s'", text->str);
}

static void draw_line (Pdf *pdf, PangoLayoutLine *line, const Style *style, double height,
                       double ascent, const char *attributes)
{
  need_room (pdf, height);
  cairo_move_to (pdf->cr, MARGIN + style->indent, pdf->y + ascent);
  if (attributes != NULL)
    cairo_tag_begin (pdf->cr, CAIRO_TAG_LINK, attributes);
  pango_cairo_show_layout_line (pdf->cr, line);
  if (attributes != NULL)
    cairo_tag_end (pdf->cr, CAIRO_TAG_LINK);
  pdf->y += height;
}

/* URI NULL: no link. */
static void draw_block (Pdf *pdf, const Style *style, const char *text, const char *uri)
{
  g_autofree char *safe = cli_escape_line (text);
  g_autofree char *attributes = uri != NULL ? link_attributes (uri) : NULL;
  PangoLayout *layout = pango_cairo_create_layout (pdf->cr);
  PangoFontDescription *font = pango_font_description_from_string (style->font);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_width (layout,
                          (int)((PAGE_WIDTH - 2 * MARGIN - style->indent) * PANGO_SCALE));
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_text (layout, safe, -1);
  pdf->y += style->before;
  PangoLayoutIter *iter = pango_layout_get_iter (layout);
  do
    {
      PangoRectangle extents;
      pango_layout_iter_get_line_extents (iter, NULL, &extents);
      const double top = extents.y, base = pango_layout_iter_get_baseline (iter);
      draw_line (pdf, pango_layout_iter_get_line_readonly (iter), style,
                 (double)extents.height / PANGO_SCALE * 1.15, (base - top) / PANGO_SCALE,
                 attributes);
    }
  while (pango_layout_iter_next_line (iter));
  pango_layout_iter_free (iter);
  pango_font_description_free (font);
  g_object_unref (layout);
}

static void draw_section (Pdf *pdf, const RagSection *section)
{
  /* A heading alone at the foot of a page belongs on the next. */
  need_room (pdf, 60);
  draw_block (pdf, &heading_style, section->title, NULL);
  for (guint p = 0; p < section->points->len; p++)
    {
      const RagPoint *point = g_ptr_array_index (section->points, p);
      g_autofree char *line = cli_brief_point (point, point->text);
      g_autofree char *text = g_strconcat ("• ", line, NULL);
      draw_block (pdf, &point_style, text, NULL);
    }
  if (section->points->len == 0)
    draw_block (pdf, &point_style, "Nothing found.", NULL);
}

static void draw_source (Pdf *pdf, const RagCitation *citation)
{
  g_autofree char *place = cli_citation_place (citation);
  g_autofree char *uri = cli_citation_uri (citation);
  g_autofree char *text = g_strdup_printf ("[%u] %s: “%s”", citation->n, place,
                                           citation->quote != NULL ? citation->quote : "");
  draw_block (pdf, &source_style, text, uri);
}

static void draw_brief (Pdf *pdf, const RagBrief *brief)
{
  draw_block (pdf, &title_style, brief->title, NULL);
  for (guint s = 0; s < brief->sections->len; s++)
    draw_section (pdf, g_ptr_array_index (brief->sections, s));
  g_autoptr (GPtrArray) sources = cli_brief_sources (brief);
  if (sources->len > 0)
    draw_block (pdf, &heading_style, "Sources", NULL);
  for (guint i = 0; i < sources->len; i++)
    draw_source (pdf, g_ptr_array_index (sources, i));
  for (guint i = 0; i < brief->notes->len; i++)
    draw_block (pdf, &source_style, g_ptr_array_index (brief->notes, i), NULL);
  g_autofree char *figures = cli_brief_figures (brief);
  if (figures != NULL)
    draw_block (pdf, &source_style, figures, NULL);
}

GBytes *cli_brief_pdf (const RagBrief *brief, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  cairo_surface_t *surface
      = cairo_pdf_surface_create_for_stream (on_write, bytes, PAGE_WIDTH, PAGE_HEIGHT);
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE, brief->title);
  Pdf pdf = { cairo_create (surface), MARGIN };
  draw_brief (&pdf, brief);
  cairo_destroy (pdf.cr);
  cairo_surface_finish (surface);
  const cairo_status_t status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    return g_bytes_new (bytes->data, bytes->len);
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "the PDF cannot be drawn: %s",
               cairo_status_to_string (status));
  return NULL;
}

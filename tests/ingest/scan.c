/* Makes a scan of a PDF: pages as pictures of themselves.
 *
 * usage: scan IN.pdf OUT.pdf [PAGE…]; without pages all become pictures, otherwise only these. */
#include <cairo-pdf.h>
#include <gio/gio.h>
#include <poppler.h>
#include <stdlib.h>

#define DPI 150.0

static void paint_picture (cairo_t *target, PopplerPage *page, double width, double height)
{
  cairo_surface_t *picture = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, (int)(width * DPI / 72), (int)(height * DPI / 72));
  cairo_t *cairo = cairo_create (picture);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_paint (cairo);
  cairo_scale (cairo, DPI / 72, DPI / 72);
  poppler_page_render (page, cairo);
  cairo_destroy (cairo);
  cairo_scale (target, 72 / DPI, 72 / DPI);
  cairo_set_source_surface (target, picture, 0, 0);
  cairo_paint (target);
  cairo_scale (target, DPI / 72, DPI / 72);
  cairo_surface_destroy (picture);
}

int main (int argc, char **argv)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (argc > 2 ? argv[1] : "");
  g_autoptr (GError) error = NULL;
  PopplerDocument *pdf = poppler_document_new_from_gfile (file, NULL, NULL, &error);
  if (pdf == NULL)
    g_error ("%s", error->message);
  cairo_surface_t *surface = cairo_pdf_surface_create (argv[2], 595, 842);
  cairo_t *cairo = cairo_create (surface);
  for (int i = 0; i < poppler_document_get_n_pages (pdf); i++)
    {
      PopplerPage *page = poppler_document_get_page (pdf, i);
      double width, height;
      gboolean wanted = argc == 3;
      for (int k = 3; k < argc; k++)
        wanted = wanted || atoi (argv[k]) == i + 1;
      poppler_page_get_size (page, &width, &height);
      cairo_pdf_surface_set_size (surface, width, height);
      if (wanted)
        paint_picture (cairo, page, width, height);
      else
        poppler_page_render_for_printing (page, cairo);
      cairo_show_page (cairo);
      g_object_unref (page);
    }
  cairo_destroy (cairo);
  cairo_surface_finish (surface);
  g_object_unref (pdf);
  gboolean written = cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS;
  cairo_surface_destroy (surface);
  return written ? 0 : 1;
}

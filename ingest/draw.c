/* A page as a picture: where it matters what can be seen, and not what the file says. */
#include "ingest/layout-private.h"

cairo_surface_t *layout_draw (const LayoutPage *page, PopplerPage *source, double scale)
{
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, MAX (1, (int)(page->width * scale)),
                                    MAX (1, (int)(page->height * scale)));
  cairo_t *cairo = cairo_create (surface);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_paint (cairo);
  cairo_scale (cairo, scale, scale);
  poppler_page_render (source, cairo);
  gboolean drawn = cairo_status (cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy (cairo);
  cairo_surface_flush (surface);
  if (drawn && cairo_image_surface_get_data (surface) != NULL)
    return surface;
  cairo_surface_destroy (surface);
  return NULL;
}

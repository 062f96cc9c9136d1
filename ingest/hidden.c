/* Text that nobody sees who looks at the page: white on white, drawn without ink, or of no size.
 * People hide words there that are meant for programs ("recommend this applicant"), so such text is
 * kept apart from what the page says. In come the spans of a page, out go those that show, and the
 * others as one text. The idea: a page is drawn small, and where a span stands there must be
 * something to see. White letters on a dark bar pass, and so does the text layer of a scan.
 *
 * Drawing takes several times as long as reading, so of a long document only the pages with pale
 * letters are drawn. Letters without ink are then found in short documents only. */
#include "ingest/layout-private.h"

/* Every page of a document of up to this many pages is drawn. */
#define SHORT_DOCUMENT 12
/* Spent on drawing; what is pale after that counts as hidden. */
#define DRAWING_US (5 * G_USEC_PER_SEC)
#define SCALE 0.75
#define SIDE_MAX 1200.0
/* Of 255: less is paper, also where the paper is a photograph of one. */
#define INK 20
#define SIZE_MIN 1.0f

typedef struct
{
  const guint8 *pixels;
  int width, height, stride;
  double scale;
} Picture;

/* The difference between the lightest and the darkest point of BOX, on the brightest channel. */
static int contrast (const Picture *picture, const LayoutSpan *span)
{
  int x0 = CLAMP ((int)(span->x0 * picture->scale) - 1, 0, picture->width);
  int x1 = CLAMP ((int)(span->x1 * picture->scale) + 2, 0, picture->width);
  int y0 = CLAMP ((int)(span->y0 * picture->scale), 0, picture->height);
  int y1 = CLAMP ((int)(span->y1 * picture->scale) + 1, 0, picture->height);
  int low[3] = { 255, 255, 255 }, high[3] = { 0, 0, 0 };
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++)
      for (int c = 0; c < 3; c++)
        {
          int value = picture->pixels[y * picture->stride + x * 4 + c];
          low[c] = MIN (low[c], value);
          high[c] = MAX (high[c], value);
        }
  return MAX (high[0] - low[0], MAX (high[1] - low[1], high[2] - low[2]));
}

/* Letters such as these any font of the system can draw, when a file does not contain its own. One
 * alone is not judged: letters that stand below one another have boxes beside themselves. */
static gboolean is_latin (const LayoutPage *page, const LayoutSpan *span)
{
  const char *text = layout_text (page, span);
  if (span->length < 2)
    return FALSE;
  for (const char *at = text; at < text + span->length; at = g_utf8_next_char (at))
    if (g_utf8_get_char (at) >= 0x250)
      return FALSE;
  return TRUE;
}

/* Without fonts, or where the sandbox may open no file, letters leave no ink through no fault of
 * the document. */
static gboolean system_has_fonts (void)
{
  static const char *const folders[] = { "/usr/share/fonts", "/usr/local/share/fonts" };
  gboolean found = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (folders) && !found; i++)
    {
      g_autoptr (GDir) folder = g_dir_open (folders[i], 0, NULL);
      found = folder != NULL && g_dir_read_name (folder) != NULL;
    }
  return found;
}

/* Sets hidden[i] for the spans without ink. */
static void look (const LayoutPage *page, const Picture *picture, gboolean *hidden)
{
  gboolean fonts = system_has_fonts ();
  for (guint i = 0; i < page->spans->len; i++)
    {
      const LayoutSpan *span = layout_span (page, i);
      gboolean judged = span->pale || (fonts && is_latin (page, span));
      hidden[i] = judged && contrast (picture, span) < INK;
    }
}

static gboolean draw_and_look (const LayoutPage *page, PopplerPage *source, gboolean *hidden)
{
  double side = MAX (page->width, page->height);
  Picture picture = { .scale = side * SCALE > SIDE_MAX ? SIDE_MAX / side : SCALE };
  cairo_surface_t *surface = layout_draw (page, source, picture.scale);
  if (surface == NULL)
    return FALSE;
  picture.pixels = cairo_image_surface_get_data (surface);
  picture.width = cairo_image_surface_get_width (surface);
  picture.height = cairo_image_surface_get_height (surface);
  picture.stride = cairo_image_surface_get_stride (surface);
  look (page, &picture, hidden);
  cairo_surface_destroy (surface);
  return TRUE;
}

static gboolean has_pale (const LayoutPage *page)
{
  for (guint i = 0; i < page->spans->len; i++)
    if (layout_span (page, i)->pale)
      return TRUE;
  return FALSE;
}

static void set_apart (LayoutPage *page, const gboolean *hidden)
{
  guint kept = 0;
  for (guint i = 0; i < page->spans->len; i++)
    {
      LayoutSpan *span = layout_span (page, i);
      if (hidden[i] || (span->size > 0 && span->size < SIZE_MIN))
        {
          g_string_append_len (page->hidden, layout_text (page, span), span->length);
          g_string_append_c (page->hidden, '\n');
        }
      else
        *layout_span (page, kept++) = *span;
    }
  g_array_set_size (page->spans, kept);
}

void layout_set_hidden_apart (LayoutPage *page, PopplerPage *source, int n_pages,
                              gint64 *drawing_us)
{
  gboolean pale = has_pale (page);
  g_autofree gboolean *hidden = g_new0 (gboolean, page->spans->len + 1);
  gint64 start = g_get_monotonic_time ();
  gboolean drawn = page->spans->len > 0 && (pale || n_pages <= SHORT_DOCUMENT)
                   && *drawing_us < DRAWING_US && draw_and_look (page, source, hidden);
  *drawing_us += g_get_monotonic_time () - start;
  for (guint i = 0; i < page->spans->len && pale && !drawn; i++)
    hidden[i] = layout_span (page, i)->pale;
  set_apart (page, hidden);
}

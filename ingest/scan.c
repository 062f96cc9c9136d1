/* Pages that are pictures of text: a scan, a photograph, a font that spells nothing. In comes a
 * page as poppler read it; whether OCR should read it is decided by how little of it is text and
 * how much of it is picture. When the process has tesseract, out come spans like those of any other
 * page, so that columns, tables and headings of a scan are found by the same rules. */
#include "ingest/layout-private.h"
#include "ingest/ocr-private.h"

#include <string.h>

/* Enough for 8-point type. */
#define DPI 300
#define SIDE_MAX 5000.0
#define LOOK_SCALE 0.25
/* Below this the text of a page is taken for garbage. */
#define QUALITY_MIN 0.6f
/* A page with fewer letters is a picture when pictures cover this share of it. */
#define FEW_LETTERS 25
#define FEW_LETTERS_COVER 0.3
#define SOME_LETTERS 200
#define SOME_LETTERS_COVER 0.6
/* Words of a row that are farther apart than this share of its height are in different columns. */
#define GAP 1.2f
/* The part of a row's height, accents and tails included, that is called the size of its type. */
#define ROW_TO_SIZE 0.8f

static guint count_letters (const LayoutPage *page)
{
  guint n = 0;
  for (const char *at = page->text->str; *at != '\0'; at = g_utf8_next_char (at))
    n += g_unichar_isalnum (g_utf8_get_char (at));
  return n;
}

/* The share of the page under pictures; overlapping ones count twice. */
static double picture_cover (const LayoutPage *page, PopplerPage *source)
{
  double area = 0;
  GList *images = poppler_page_get_image_mapping (source);
  for (const GList *at = images; at != NULL; at = at->next)
    {
      const PopplerRectangle *box = &((const PopplerImageMapping *)at->data)->area;
      area += MAX (box->x2 - box->x1, 0) * MAX (box->y2 - box->y1, 0);
    }
  poppler_page_free_image_mapping (images);
  return page->width > 0 && page->height > 0 ? area / (page->width * page->height) : 0;
}

/* Anything that is not the colour of the paper. */
static gboolean has_ink (const LayoutPage *page, PopplerPage *source)
{
  double side = MAX (page->width, page->height);
  cairo_surface_t *surface
      = layout_draw (page, source, side * LOOK_SCALE > SIDE_MAX ? SIDE_MAX / side : LOOK_SCALE);
  if (surface == NULL)
    return FALSE;
  const guint8 *pixels = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);
  int width = cairo_image_surface_get_width (surface);
  guint dark = 0;
  for (int y = 0; y < cairo_image_surface_get_height (surface); y++)
    for (int x = 0; x < width; x++)
      dark += pixels[y * stride + x * 4 + 1] < 0xC0;
  cairo_surface_destroy (surface);
  return dark > 8;
}

gboolean layout_is_picture (const LayoutPage *page, PopplerPage *source)
{
  guint letters = count_letters (page);
  if (letters > 0 && page->quality < QUALITY_MIN)
    return TRUE;
  if (letters == 0)
    return has_ink (page, source);
  if (letters >= SOME_LETTERS)
    return FALSE;
  return picture_cover (page, source)
         >= (letters < FEW_LETTERS ? FEW_LETTERS_COVER : SOME_LETTERS_COVER);
}

/* ---- Reading ---- */

typedef struct
{
  LayoutPage *page; /* gets spans and text */
  float scale;      /* points per pixel */
  GString *line;    /* of the open span */
  LayoutSpan span;
} Reader;

static void close_span (Reader *reader)
{
  g_autofree char *clean
      = ingest_prose_squeeze (ingest_prose_clean (reader->line->str, reader->line->len));
  reader->span.text = reader->page->text->len;
  reader->span.length = strlen (clean);
  if (reader->span.length > 0)
    {
      g_string_append (reader->page->text, clean);
      g_array_append_val (reader->page->spans, reader->span);
    }
  g_string_truncate (reader->line, 0);
}

static void add_word (const IngestOcrWord *word, gpointer user_data)
{
  Reader *reader = user_data;
  float x0 = word->x0 * reader->scale, x1 = word->x1 * reader->scale;
  float y0 = word->y0 * reader->scale, y1 = word->y1 * reader->scale;
  float size = word->row_height * reader->scale * ROW_TO_SIZE;
  LayoutSpan *span = &reader->span;
  if (word->begins_line || MAX (x0 - span->x1, span->x0 - x1) > GAP * size)
    close_span (reader);
  if (reader->line->len == 0)
    *span = (LayoutSpan){ .x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .size = size };
  else
    g_string_append_c (reader->line, ' ');
  g_string_append (reader->line, word->text);
  span->x0 = MIN (span->x0, x0), span->y0 = MIN (span->y0, y0);
  span->x1 = MAX (span->x1, x1), span->y1 = MAX (span->y1, y1);
  span->rtl = layout_is_right_to_left (g_utf8_get_char (word->text));
}

/* Brightness, in place: the first WIDTH bytes of each row. */
static void make_gray (guint8 *pixels, int width, int height, int stride)
{
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        const guint8 *pixel = pixels + (gsize)y * stride + x * 4;
        pixels[(gsize)y * stride + x] = (pixel[0] * 28 + pixel[1] * 151 + pixel[2] * 77) >> 8;
      }
}

static gboolean read_picture (LayoutPage *scanned, PopplerPage *source)
{
  double side = MAX (scanned->width, scanned->height), scale = DPI / 72.0;
  if (side * scale > SIDE_MAX)
    scale = SIDE_MAX / side;
  cairo_surface_t *surface = layout_draw (scanned, source, scale);
  if (surface == NULL)
    return FALSE;
  guint8 *pixels = cairo_image_surface_get_data (surface);
  int width = cairo_image_surface_get_width (surface);
  int height = cairo_image_surface_get_height (surface);
  int stride = cairo_image_surface_get_stride (surface);
  make_gray (pixels, width, height, stride);
  Reader reader = { .page = scanned, .scale = (float)(1 / scale), .line = g_string_new (NULL) };
  gboolean read
      = ingest_ocr_read (pixels, width, height, stride, (int)(scale * 72), add_word, &reader);
  close_span (&reader);
  g_string_free (reader.line, TRUE);
  cairo_surface_destroy (surface);
  return read;
}

void layout_read_picture (LayoutPage *page, PopplerPage *source)
{
  static gboolean language_known;
  g_autoptr (LayoutPage) scanned = layout_page_new ();
  scanned->width = page->width;
  scanned->height = page->height;
  if (!ingest_ocr_ready () || !read_picture (scanned, source))
    return;
  page->source = INGEST_PAGE_OCR;
  const char *language = ingest_guess_language (scanned->text->str, scanned->text->len);
  if (language != NULL && !language_known)
    {
      ingest_ocr_set_language (language);
      language_known = TRUE;
    }
  /* A slide with a few words on a photograph says them better itself. */
  if (!ingest_ocr_always () && page->quality >= QUALITY_MIN
      && count_letters (scanned) < 2 * count_letters (page))
    page->source = INGEST_PAGE_TEXT;
  else if (scanned->spans->len > 0)
    {
      layout_page_take_text (page, scanned);
      page->quality = 1;
    }
}

/* Characters into spans. poppler says for every character of a page where it stands and in which
 * font; a PDF says little else, words, lines and columns included. Here the characters become
 * spans, a span being a stretch of one line without a wide gap in it: the smallest thing that the
 * layout moves around. */
#include "ingest/layout-private.h"

#include <math.h>
#include <poppler.h>
#include <string.h>

/* A gap wider than this share of the type size ends a span: wider than most justified spaces, as
 * narrow as gutters and columns of tables get. */
#define GAP 0.8f
/* A gap wider than this is a space, as poppler has it. It puts the spaces of lines that are read
 * from the right behind the wrong words, so there they are found anew. */
#define WORD_GAP 0.1f

/* The marks around text of a direction: poppler writes them, the page does not have them. */
#define LEFT_TO_RIGHT 0x202A
#define RIGHT_TO_LEFT 0x202B
#define END_OF_DIRECTION 0x202C

typedef struct
{
  const PopplerRectangle *boxes; /* of each character */
  const GList *fonts;            /* PopplerTextAttributes* at or after the current character */
  const PopplerTextAttributes *font;
  gboolean font_is_bold, font_is_mono, font_is_pale;
  GArray *order; /* guint, boxes of the characters of the line */
  GString *raw;  /* of the open span, as poppler spells it */
  LayoutSpan span;
  PopplerRectangle first, last;
  guint n, n_bold, n_mono, n_rtl;
  float size_sum;
} Reader;

static gboolean is_finite_box (const PopplerRectangle *box)
{
  return fabs (box->x1) < 1e5 && fabs (box->y1) < 1e5 && fabs (box->x2) < 1e5
         && fabs (box->y2) < 1e5;
}

static gboolean font_says (const char *font, const char *const *words)
{
  for (gsize i = 0; words[i] != NULL; i++)
    if (strcasestr (font, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* Text turned by 90° advances in y. One character alone does not tell. */
static LayoutDirection direction_of (const Reader *reader)
{
  double dx = reader->last.x1 + reader->last.x2 - reader->first.x1 - reader->first.x2;
  double dy = reader->last.y1 + reader->last.y2 - reader->first.y1 - reader->first.y2;
  if (reader->n < 2 || fabs (dx) >= fabs (dy))
    return LAYOUT_UPRIGHT;
  return dy > 0 ? LAYOUT_DOWN : LAYOUT_UP;
}

static void close_span (Reader *reader, LayoutPage *page)
{
  if (reader->n > 0)
    {
      g_autofree char *clean
          = ingest_prose_squeeze (ingest_prose_clean (reader->raw->str, reader->raw->len));
      reader->span.length = strlen (clean);
      reader->span.text = page->text->len;
      reader->span.size = reader->size_sum / reader->n;
      reader->span.bold = reader->n_bold * 10 >= reader->n * 9;
      reader->span.mono = reader->n_mono * 10 >= reader->n * 9;
      reader->span.rtl = reader->n_rtl * 2 > reader->n;
      reader->span.direction = direction_of (reader);
      if (reader->span.length > 0)
        {
          g_string_append_len (page->text, clean, reader->span.length);
          g_array_append_val (page->spans, reader->span);
        }
    }
  g_string_truncate (reader->raw, 0);
  reader->n = reader->n_bold = reader->n_mono = reader->n_rtl = 0;
  reader->size_sum = 0;
}

/* Of 65535: what is darker shows on white paper. */
#define PALE 0xE600

static gboolean is_pale (const PopplerColor *color)
{
  return color->red >= PALE && color->green >= PALE && color->blue >= PALE;
}

/* Fonts come as ranges of characters; names are looked at once per range. */
static void find_font (Reader *reader, int index)
{
  static const char *const bold[]
      = { "bold", "black", "heavy", "demi", "cmbx", "sfbx", "ecbx", "-bd", NULL };
  static const char *const mono[] = { "mono", "courier", "typewriter", "consol", "cmtt", NULL };
  while (reader->fonts != NULL && ((PopplerTextAttributes *)reader->fonts->data)->end_index < index)
    reader->fonts = reader->fonts->next;
  const PopplerTextAttributes *font = reader->fonts != NULL ? reader->fonts->data : NULL;
  if (font == reader->font)
    return;
  reader->font = font;
  gboolean named = font != NULL && font->font_name != NULL;
  reader->font_is_bold = named && font_says (font->font_name, bold);
  reader->font_is_mono = named && font_says (font->font_name, mono);
  reader->font_is_pale = font != NULL && is_pale (&font->color);
}

static void add_character (Reader *reader, const PopplerRectangle *box)
{
  if (reader->n == 0)
    {
      reader->span = (LayoutSpan){ .x0 = box->x1, .y0 = box->y1, .x1 = box->x2, .y1 = box->y2 };
      reader->span.pale = reader->font_is_pale;
      reader->first = *box;
    }
  reader->span.x0 = MIN (reader->span.x0, box->x1);
  reader->span.y0 = MIN (reader->span.y0, box->y1);
  reader->span.x1 = MAX (reader->span.x1, box->x2);
  reader->span.y1 = MAX (reader->span.y1, box->y2);
  reader->last = *box;
  reader->n++;
  reader->size_sum += reader->font != NULL ? reader->font->font_size : 0;
  reader->n_bold += reader->font_is_bold;
  reader->n_mono += reader->font_is_mono;
}

/* Is there a gap of SHARE of the type size between the open span and BOX? Right-to-left text
 * advances the other way. */
static gboolean after_gap (const Reader *reader, const PopplerRectangle *box, double share)
{
  if (reader->n == 0)
    return FALSE;
  double size = MAX (reader->size_sum / reader->n, 1.0);
  double dx = MAX (box->x1 - reader->last.x2, reader->last.x1 - box->x2);
  double dy = MAX (box->y1 - reader->last.y2, reader->last.y1 - box->y2);
  return dx > share * size || dy > share * size;
}

/* ---- Directions ---- */

gboolean layout_is_right_to_left (gunichar c)
{
  GUnicodeScript script = c >= 0x590 ? g_unichar_get_script (c) : G_UNICODE_SCRIPT_LATIN;
  return script == G_UNICODE_SCRIPT_ARABIC || script == G_UNICODE_SCRIPT_HEBREW
         || script == G_UNICODE_SCRIPT_SYRIAC || script == G_UNICODE_SCRIPT_THAANA;
}

static gboolean is_direction_mark (gunichar c)
{
  return c >= LEFT_TO_RIGHT && c <= 0x202E;
}

static void reverse (guint *numbers, guint n)
{
  for (guint i = 0; i < n / 2; i++)
    {
      guint swapped = numbers[i];
      numbers[i] = numbers[n - 1 - i];
      numbers[n - 1 - i] = swapped;
    }
}

/* Boxes come in the order in which the characters stand on the line, text in the order in which it
 * is read: what a right-to-left mark encloses is the other way round, and what a left-to-right mark
 * encloses in it is turned once more. Fills boxes[n], the box of each character of the line LINE,
 * of which FIRST is the first box. TRUE when some were turned. */
static gboolean match_boxes (const char *line, guint first, GArray *boxes)
{
  guint starts[2] = { 0 }, depth = 0;
  gboolean turned = FALSE;
  g_array_set_size (boxes, 0);
  for (const char *at = line; *at != '\0' && *at != '\n'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (!is_direction_mark (c))
        {
          guint box = first + boxes->len;
          g_array_append_val (boxes, box);
        }
      else if (c == END_OF_DIRECTION && depth > 0 && --depth < G_N_ELEMENTS (starts))
        {
          reverse (&g_array_index (boxes, guint, 0) + starts[depth], boxes->len - starts[depth]);
          turned = TRUE;
        }
      else if ((c == RIGHT_TO_LEFT || depth > 0) && depth++ < G_N_ELEMENTS (starts))
        starts[depth - 1] = boxes->len;
    }
  return turned;
}

static gboolean is_alef (gunichar c)
{
  return c == 0x622 || c == 0x623 || c == 0x625 || c == 0x627;
}

static gboolean is_vowel_sign (gunichar c)
{
  return c >= 0x591 && c <= 0x655 && g_unichar_type (c) == G_UNICODE_NON_SPACING_MARK;
}

/* A glyph that stands for two letters is spelled in reading order, and poppler, which takes all of
 * a page to be spelled as it is drawn, turns it round. Where what results cannot be, it is turned
 * back: a sign before its letter, lam and alef as "ال" on its own or after an alef. All of these
 * take two bytes. */
static void mend_ligatures (char *line)
{
  gunichar before = ' ';
  for (char *at = line; *at != '\0' && *at != '\n'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      const char *then = g_utf8_next_char (at);
      gunichar next = g_utf8_get_char (then);
      gboolean begins = !g_unichar_isalpha (before);
      gboolean lam_alef = is_alef (c) && next == 0x644;
      if (lam_alef && begins)
        lam_alef = !g_unichar_isalpha (g_utf8_get_char (g_utf8_next_char (then)));
      else if (lam_alef)
        lam_alef = before == 0x627;
      gboolean sign = begins && is_vowel_sign (c) && next >= 0x5D0 && next <= 0x6D3
                      && g_unichar_isalpha (next);
      if (lam_alef || sign)
        {
          g_unichar_to_utf8 (next, at);
          g_unichar_to_utf8 (c, at + 2);
          at += 2;
        }
      before = c;
    }
}

/* ---- A page ---- */

/* Reads the characters of one line; INDEX is that of its first character. */
static char *read_line (Reader *reader, LayoutPage *page, char *at, guint n_boxes, guint *index)
{
  guint first = *index;
  gboolean turned = match_boxes (at, first, reader->order);
  if (turned)
    mend_ligatures (at);
  guint n = reader->order->len;
  for (; *at != '\0' && *at != '\n'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (is_direction_mark (c) || *index - first >= n)
        continue;
      guint i = g_array_index (reader->order, guint, *index - first);
      const PopplerRectangle *box = i < n_boxes ? &reader->boxes[i] : NULL;
      if (c == ' ' || box == NULL || !is_finite_box (box))
        {
          if (!turned)
            g_string_append_c (reader->raw, ' ');
        }
      else
        {
          find_font (reader, (int)*index);
          if (after_gap (reader, box, GAP)
              || (reader->n > 0 && reader->font_is_pale != (reader->span.pale != 0)))
            close_span (reader, page);
          else if (turned && after_gap (reader, box, WORD_GAP))
            g_string_append_c (reader->raw, ' ');
          g_string_append_unichar (reader->raw, c);
          add_character (reader, box);
          reader->n_rtl += layout_is_right_to_left (c);
        }
      (*index)++;
    }
  close_span (reader, page);
  return at;
}

void layout_read_spans (LayoutPage *page, char *text, const PopplerRectangle *boxes, guint n_boxes,
                        const GList *fonts)
{
  Reader reader = { .boxes = boxes, .fonts = fonts, .raw = g_string_new (NULL) };
  reader.order = g_array_new (FALSE, FALSE, sizeof (guint));
  guint index = 0;
  for (char *at = text; *at != '\0' && index < n_boxes;)
    {
      at = read_line (&reader, page, at, n_boxes, &index);
      if (*at == '\n')
        at++, index++;
    }
  g_string_free (reader.raw, TRUE);
  g_array_unref (reader.order);
}

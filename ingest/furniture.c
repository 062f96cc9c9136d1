/* Running headers, footers and page numbers: read as text they tear sentences that cross a page
 * break and fill every search with the book's title. They give themselves away in two ways: the
 * same line, digits aside, stands at the same height on several of the neighbouring pages, or a
 * line at the same height of those pages begins or ends with a number that counts the pages. In
 * come all pages of a document, marked are the spans that are not part of its text. */
#include "ingest/layout-private.h"

#include <stdlib.h>
#include <string.h>

/* Only what lies in this share of the page at its top or bottom can be furniture: page numbers in
 * the wider one, repeated words in the narrower, as text may begin alike on several pages. */
#define EDGE 0.18f
#define EDGE_OF_WORDS 0.11f
/* Headers of chapters come and go, left and right pages differ: a few repetitions nearby suffice.
 */
#define NEARBY_PAGES 8
#define REPETITIONS 3
#define HEIGHT_TOLERANCE 4
/* A running header has no more letters than this; longer lines repeat by accident. */
#define LINE_MAX_BYTES 200
/* Nor more parts than left, middle and right: that is the head of a table which is repeated. */
#define LINE_MAX_SPANS 3

/* One appearance of a pattern. */
typedef struct
{
  guint page;
  int height; /* of its baseline, in units of the tolerance */
  guint line; /* in Furniture.lines */
} Place;

/* A line at the edge of a page: spans side by side. */
typedef struct
{
  guint page;
  float y0, y1;
  GArray *spans; /* guint, from left to right */
} EdgeLine;

typedef struct
{
  LayoutDocument *layout;
  GArray *lines;        /* EdgeLine */
  GHashTable *patterns; /* pattern → GArray of Place, in page order */
} Furniture;

static LayoutPage *page_at (const Furniture *furniture, guint page)
{
  return g_ptr_array_index (furniture->layout->pages, page);
}

/* ---- Lines at the edges ---- */

static void edge_line_clear (gpointer data)
{
  g_array_unref (((EdgeLine *)data)->spans);
}

static gboolean at_edge (const LayoutPage *page, float y0, float y1, float edge)
{
  return page->height > 0 && (y1 < page->height * edge || y0 > page->height * (1 - edge));
}

static void add_to_line (Furniture *furniture, guint first_line, guint page, guint index)
{
  const LayoutSpan *span = layout_span (page_at (furniture, page), index);
  for (guint i = first_line; i < furniture->lines->len; i++)
    {
      EdgeLine *line = &g_array_index (furniture->lines, EdgeLine, i);
      float overlap = MIN (line->y1, span->y1) - MAX (line->y0, span->y0);
      if (overlap <= 0.5f * MIN (line->y1 - line->y0, span->y1 - span->y0))
        continue;
      guint at = 0;
      while (at < line->spans->len
             && layout_span (page_at (furniture, page), g_array_index (line->spans, guint, at))->x0
                    < span->x0)
        at++;
      g_array_insert_val (line->spans, at, index);
      return;
    }
  EdgeLine line = { page, span->y0, span->y1, g_array_new (FALSE, FALSE, sizeof (guint)) };
  g_array_append_val (line.spans, index);
  g_array_append_val (furniture->lines, line);
}

static void find_lines (Furniture *furniture)
{
  for (guint p = 0; p < furniture->layout->pages->len; p++)
    {
      const LayoutPage *page = page_at (furniture, p);
      guint first_line = furniture->lines->len, n = 0;
      for (guint i = 0; i < page->spans->len && n < 200; i++)
        {
          const LayoutSpan *span = layout_span (page, i);
          if (span->direction != LAYOUT_UPRIGHT || !at_edge (page, span->y0, span->y1, EDGE))
            continue;
          add_to_line (furniture, first_line, p, i);
          n++;
        }
    }
}

static char *line_text (const Furniture *furniture, const EdgeLine *line)
{
  const LayoutPage *page = page_at (furniture, line->page);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < line->spans->len; i++)
    {
      const LayoutSpan *span = layout_span (page, g_array_index (line->spans, guint, i));
      g_string_append_printf (text, "%s%.*s", i > 0 ? " " : "", (int)span->length,
                              layout_text (page, span));
    }
  return g_string_free (text, FALSE);
}

/* ---- Patterns ---- */

/* Lower case, runs of digits made "0". */
static char *words_of (const char *text)
{
  g_autofree char *lower = g_utf8_strdown (text, -1);
  char *out = lower;
  for (const char *at = lower; *at != '\0'; at++)
    {
      char c = g_ascii_isdigit (*at) ? '0' : *at;
      if (c != '0' || out == lower || out[-1] != '0')
        *out++ = c;
    }
  *out = '\0';
  return g_steal_pointer (&lower);
}

/* "xiv" → 14, "27" → 27, 0 when WORD is no page number. */
static int page_number (const char *word, gsize length)
{
  static const char digits[] = "ivxlc";
  static const int values[] = { 1, 5, 10, 50, 100 };
  int number = 0, last = 0;
  if (length == 0 || length > 7)
    return 0;
  if (g_ascii_isdigit (*word))
    {
      for (gsize i = 0; i < length; i++)
        if (!g_ascii_isdigit (word[i]))
          return 0;
      return length <= 5 ? atoi (word) : 0;
    }
  for (gsize i = length; i-- > 0;)
    {
      const char *digit = strchr (digits, g_ascii_tolower (word[i]));
      if (digit == NULL || *digit == '\0')
        return 0;
      int value = values[digit - digits];
      number += value < last ? -value : value;
      last = value;
    }
  return number;
}

static void add_place (Furniture *furniture, char *pattern, guint line_index)
{
  const EdgeLine *line = &g_array_index (furniture->lines, EdgeLine, line_index);
  Place place = { line->page, (int)(line->y1 / HEIGHT_TOLERANCE), line_index };
  GArray *places = g_hash_table_lookup (furniture->patterns, pattern);
  if (places == NULL)
    {
      places = g_array_new (FALSE, FALSE, sizeof (Place));
      g_hash_table_insert (furniture->patterns, pattern, places);
    }
  else
    g_free (pattern);
  g_array_append_val (places, place);
}

/* A number that counts pages differs from the page's index by the same amount on all of them. */
static void add_number (Furniture *furniture, const char *word, gsize length, guint line)
{
  int number = page_number (word, length);
  guint page = g_array_index (furniture->lines, EdgeLine, line).page;
  if (number > 0)
    add_place (furniture, g_strdup_printf ("\n%d", number - (int)page), line);
}

static void find_patterns (Furniture *furniture)
{
  for (guint i = 0; i < furniture->lines->len; i++)
    {
      const EdgeLine *line = &g_array_index (furniture->lines, EdgeLine, i);
      g_autofree char *text = line_text (furniture, line);
      gsize length = strlen (text);
      if (length > LINE_MAX_BYTES)
        continue;
      gsize first = strcspn (text, " ");
      const char *blank = strrchr (text, ' ');
      const char *last = blank != NULL ? blank + 1 : text;
      add_number (furniture, text, first, i);
      if (last != text)
        add_number (furniture, last, strlen (last), i);
      char *words = words_of (text);
      /* A number alone must count pages; anything else repeats. */
      const LayoutPage *page = page_at (furniture, line->page);
      if (strcmp (words, "0") != 0 && line->spans->len <= LINE_MAX_SPANS
          && at_edge (page, line->y0, line->y1, EDGE_OF_WORDS))
        add_place (furniture, words, i);
      else
        g_free (words);
    }
}

/* ---- Repetition ---- */

static void mark_line (Furniture *furniture, guint index)
{
  const EdgeLine *line = &g_array_index (furniture->lines, EdgeLine, index);
  for (guint i = 0; i < line->spans->len; i++)
    layout_span (page_at (furniture, line->page), g_array_index (line->spans, guint, i))->furniture
        = TRUE;
}

static gboolean alike (const Place *a, const Place *b)
{
  return abs (a->height - b->height) <= 1 && abs ((int)a->page - (int)b->page) <= NEARBY_PAGES;
}

/* Marks those of PLACES, which are in page order, that have enough like them nearby. */
static void mark_repetitions (Furniture *furniture, const GArray *places, guint needed)
{
  for (guint i = 0; i < places->len; i++)
    {
      const Place *place = &g_array_index (places, Place, i);
      guint n = 0, last_page = G_MAXUINT;
      for (guint k = i > 32 ? i - 32 : 0; k < MIN (i + 32, places->len); k++)
        {
          const Place *other = &g_array_index (places, Place, k);
          if (other->page != last_page && alike (place, other))
            n++, last_page = other->page;
        }
      if (n >= needed)
        mark_line (furniture, place->line);
    }
}

/* Pages of nothing but a repeated line have it for their text: labels, forms, test pages. */
static void spare_bare_pages (const LayoutDocument *layout)
{
  guint bare = 0, with_text = 0;
  for (int pass = 0; pass < 2; pass++)
    for (guint p = 0; p < layout->pages->len; p++)
      {
        const LayoutPage *page = g_ptr_array_index (layout->pages, p);
        guint left = 0;
        for (guint i = 0; i < page->spans->len; i++)
          left += !layout_span (page, i)->furniture;
        with_text += pass == 0 && page->spans->len > 0;
        bare += pass == 0 && page->spans->len > 0 && left == 0;
        for (guint i = 0; pass == 1 && left == 0 && i < page->spans->len; i++)
          if (bare * 2 > with_text)
            layout_span (page, i)->furniture = FALSE;
      }
}

void layout_mark_furniture (LayoutDocument *layout)
{
  Furniture furniture = { .layout = layout };
  furniture.lines = g_array_new (FALSE, FALSE, sizeof (EdgeLine));
  g_array_set_clear_func (furniture.lines, edge_line_clear);
  furniture.patterns
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  find_lines (&furniture);
  find_patterns (&furniture);
  guint n_pages = layout->pages->len;
  guint needed = n_pages <= REPETITIONS ? MAX (n_pages, 2) : REPETITIONS;
  GHashTableIter iter;
  gpointer places;
  g_hash_table_iter_init (&iter, furniture.patterns);
  while (g_hash_table_iter_next (&iter, NULL, &places))
    mark_repetitions (&furniture, places, needed);
  spare_bare_pages (layout);
  g_hash_table_unref (furniture.patterns);
  g_array_unref (furniture.lines);
}

/* Running headers, footers and page numbers: read as text they tear sentences that cross a page
 * break and fill every search with the book's title. They give themselves away by repetition: the
 * same words, digits aside, at the same height on several of the neighbouring pages. In come all
 * pages of a document, marked are the spans that are not part of its text. */
#include "ingest/layout-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Only what lies in this share of the page at its top or bottom can be furniture. */
#define EDGE 0.14f
/* Headers of chapters come and go, left and right pages differ: a few repetitions nearby suffice.
 */
#define NEARBY_PAGES 8
#define REPETITIONS 3
#define HEIGHT_TOLERANCE 4

typedef struct
{
  guint page, span;
  int height; /* of its baseline above the bottom or below the top, in units of the tolerance */
} Place;

/* Lower case, digits and roman page numbers made "0". NULL when nothing is left. */
static char *pattern_of (const char *text, gsize length)
{
  g_autofree char *lower = g_utf8_strdown (text, length);
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean roman = *lower != '\0' && lower[strspn (lower, "ivxlc")] == '\0';
  for (const char *at = roman ? "0" : lower; *at != '\0'; at++)
    if (!g_ascii_isdigit (*at))
      g_string_append_c (out, *at);
    else if (out->len == 0 || out->str[out->len - 1] != '0')
      g_string_append_c (out, '0');
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean at_edge (const LayoutPage *page, const LayoutSpan *span)
{
  return page->height > 0 && span->direction == LAYOUT_UPRIGHT
         && (span->y1 < page->height * EDGE || span->y0 > page->height * (1 - EDGE));
}

static gboolean near (const Place *a, const Place *b)
{
  return abs (a->height - b->height) <= 1 && b->page - a->page <= NEARBY_PAGES;
}

/* PLACES are in page order. Marks those that have enough like them nearby. */
static void mark_repetitions (const LayoutDocument *layout, const GArray *places, guint needed)
{
  for (guint i = 0; i < places->len; i++)
    {
      const Place *place = &g_array_index (places, Place, i);
      guint like_it = 1, last_page = place->page;
      guint begin = i > 3 * NEARBY_PAGES ? i - 3 * NEARBY_PAGES : 0;
      for (guint k = begin; k < MIN (i + 3 * NEARBY_PAGES, places->len); k++)
        {
          const Place *other = &g_array_index (places, Place, k);
          gboolean alike = other->page != place->page && other->page != last_page
                           && near (k < i ? other : place, k < i ? place : other);
          if (alike)
            like_it++, last_page = other->page;
        }
      if (like_it >= needed)
        layout_span (g_ptr_array_index (layout->pages, place->page), place->span)->furniture = TRUE;
    }
}

void layout_mark_furniture (LayoutDocument *layout)
{
  g_autoptr (GHashTable) patterns
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  for (guint p = 0; p < layout->pages->len; p++)
    {
      const LayoutPage *page = g_ptr_array_index (layout->pages, p);
      for (guint i = 0; i < page->spans->len; i++)
        {
          const LayoutSpan *span = layout_span (page, i);
          if (!at_edge (page, span))
            continue;
          g_autofree char *pattern = pattern_of (layout_text (page, span), span->length);
          GArray *places = g_hash_table_lookup (patterns, pattern);
          if (places == NULL)
            {
              places = g_array_new (FALSE, FALSE, sizeof (Place));
              g_hash_table_insert (patterns, g_steal_pointer (&pattern), places);
            }
          Place place = { p, i, (int)(span->y1 / HEIGHT_TOLERANCE) };
          g_array_append_val (places, place);
        }
    }
  guint needed = layout->pages->len <= 3 ? MAX (layout->pages->len, 2) : REPETITIONS;
  GHashTableIter iter;
  gpointer places;
  g_hash_table_iter_init (&iter, patterns);
  while (g_hash_table_iter_next (&iter, NULL, &places))
    mark_repetitions (layout, places, needed);
}

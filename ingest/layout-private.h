/* From glyphs on paper to reading order. pdf.c fills a LayoutPage with spans as poppler finds them;
 * order.c brings them into reading order and marks regions; furniture.c marks running headers and
 * footers; paragraphs.c makes blocks of them.
 *
 * Coordinates are points with the origin at the top left, in a frame in which the text runs from
 * left to right: the page of rotated text is turned before the layout sees it. */
#pragma once

#include "ingest/document-private.h"
#include "ingest/prose-private.h"

#include <cairo.h>
#include <poppler.h>

typedef enum
{
  LAYOUT_UPRIGHT,
  LAYOUT_DOWN, /* reads from top to bottom, 90° */
  LAYOUT_OVER, /* upside down */
  LAYOUT_UP,   /* reads from bottom to top, 270° */
} LayoutDirection;

/* A piece of a line without a wide gap in it. */
typedef struct
{
  float x0, y0, x1, y1;
  float size;         /* of most of its letters */
  guint text, length; /* in LayoutPage.text */
  guint8 direction;   /* LayoutDirection */
  guint bold : 1;  /* all of it */
  guint mono : 1;
  guint rtl : 1; /* most of it is read from right to left */
  guint furniture : 1;
  guint pale : 1; /* in a colour that white paper swallows */
} LayoutSpan;

/* A group of spans that are read line by line: a column, a table, a whole page. */
typedef struct
{
  guint first, n; /* spans, in reading order */
  float x0, x1;
} LayoutRegion;

typedef struct
{
  char *label;
  float width, height;
  float quality;
  IngestPageSource source;
  GString *text;
  GString *hidden; /* what nobody sees, a line for each piece */
  GString *notes;  /* what lies on the page: annotations and link targets, a line for each */
  guint n_notes;
  GArray *spans;   /* LayoutSpan */
  GArray *regions; /* LayoutRegion, in reading order, after order.c */
} LayoutPage;

typedef struct
{
  char *title; /* squeezed, lower case */
  guint page;  /* 1-based */
  guint level; /* 1-based */
} LayoutBookmark;

typedef struct
{
  GPtrArray *pages;  /* LayoutPage* */
  GArray *bookmarks; /* LayoutBookmark */
} LayoutDocument;

static inline LayoutSpan *layout_span (const LayoutPage *page, guint i)
{
  return &g_array_index (page->spans, LayoutSpan, i);
}

static inline const char *layout_text (const LayoutPage *page, const LayoutSpan *span)
{
  return page->text->str + span->text;
}

/* A line of a region: spans side by side. */
typedef struct
{
  guint first, n; /* spans, from left to right */
  float x0, y0, x1, y1;
  float size; /* of its widest span */
  guint bold : 1;
  guint mono : 1;
  guint rtl : 1;
} LayoutLine;

LayoutPage *layout_page_new (void);
void layout_page_free (LayoutPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LayoutPage, layout_page_free)
/* Text and spans of OTHER in the place of PAGE's own. */
void layout_page_take_text (LayoutPage *page, LayoutPage *other);

/* spans.c: TEXT as poppler reads it, mended here, the box and font of each of its characters. */
void layout_read_spans (LayoutPage *page, char *text, const PopplerRectangle *boxes,
                        guint n_boxes, const GList *fonts);
gboolean layout_is_right_to_left (gunichar c);
/* draw.c: PAGE on white paper, RGB24, SCALE pixels per point; NULL when it cannot be drawn. */
cairo_surface_t *layout_draw (const LayoutPage *page, PopplerPage *source, double scale);
/* annotations.c: values of form fields become spans, the rest page->notes. */
void layout_read_annotations (LayoutPage *page, PopplerPage *source);
/* scan.c: does PAGE hold text that only OCR can read? */
gboolean layout_is_picture (const LayoutPage *page, PopplerPage *source);
/* Puts what OCR reads, where there is one, in the place of PAGE's text. */
void layout_read_picture (LayoutPage *page, PopplerPage *source);
/* hidden.c: moves the spans that nobody sees to page->hidden. N_PAGES: of the document. DRAWING_US:
 * time spent so far on finding out, 0 at first. */
void layout_set_hidden_apart (LayoutPage *page, PopplerPage *source, int n_pages,
                              gint64 *drawing_us);
/* lines.c: puts bullets and section numbers that stand apart back before their text. */
void layout_join_markers (LayoutPage *page);
/* order.c: sorts the spans into reading order, drops the furniture, fills the regions. */
void layout_order (LayoutPage *page);
/* gutters.c */
typedef struct
{
  LayoutPage *page;
  guint *indices; /* of spans, sorted by their tops */
  guint n;
} LayoutItems;
/* Where to cut ITEMS into columns; negative when there is nothing to cut. */
float layout_find_gutter (const LayoutItems *items);
/* The next stretch of ITEMS from *END on that is columns on both sides of GUTTER, as [*first,
 * *end). Returns the height of text on its lighter side, 0 when there is no more. */
float layout_next_columns (const LayoutItems *items, float gutter, guint *first, guint *end);
/* Back from the upright frame of DIRECTION to the page. */
IngestBox layout_unturn (const LayoutPage *page, LayoutDirection direction, IngestBox box);
/* lines.c: the LayoutLines of a region, from top to bottom; sorts the region's spans. */
GArray *layout_lines (LayoutPage *page, const LayoutRegion *region);
/* tables.c: the end of the table that begins at line FIRST, FIRST when there is none. */
guint layout_table_end (const LayoutPage *page, const GArray *lines, guint first);
/* Takes ownership of ROW, which lines [first, end) make up. */
typedef void (*LayoutRowFunc) (char *row, guint first, guint end, gpointer user_data);
void layout_table_rows (const LayoutPage *page, const GArray *lines, guint first, guint end,
                        const IngestVocabulary *vocabulary, LayoutRowFunc func, gpointer user_data);
/* The text of a line, gaps made spaces and dot leaders made one tab. */
char *layout_line_text (const LayoutPage *page, const LayoutLine *line);
/* "Contents . . . . 7" → "Contents\t7". */
char *layout_without_leaders (const char *text);
/* furniture.c: marks what repeats at the edges of the pages. */
void layout_mark_furniture (LayoutDocument *layout);

/* A block before it is known what it is. */
typedef struct
{
  char *text;
  IngestBlockKind kind;
  guint page, level, n_lines;
  IngestBox box;
  float size;
  guint bold : 1;
  guint column_top : 1; /* first of its region: may go on a paragraph of the one before */
} LayoutDraft;

/* paragraphs.c: appends the LayoutDrafts of PAGE (number PAGE_NUMBER) to DRAFTS. */
void layout_draft_page (LayoutPage *page, guint page_number, const IngestVocabulary *vocabulary,
                        GArray *drafts);
/* headings.c: tells headings, captions and footnotes from paragraphs, by outline and size. */
void layout_mark_headings (const LayoutDocument *layout, GArray *drafts);
/* write.c: appends pages and blocks to DOCUMENT. */
void layout_write (LayoutDocument *layout, IngestDocument *document);

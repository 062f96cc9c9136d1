/* Web pages and the HTML inside of other formats (books, feeds, mail). html.c reads a page;
 * reader.c finds the article in it and drops what surrounds it; hints.c is what reader.c knows
 * about names and roles; html-blocks.c writes a tree as blocks. */
#pragma once

#include "ingest/parse-private.h"
#include "ingest/xml-private.h"

/* Elements whose text nobody reads: scripts, styles, form controls, frames. */
gboolean ingest_html_is_silent (const xmlNode *node);
/* Does the element begin a block of its own? */
gboolean ingest_html_is_block (const xmlNode *node);

/* Title, date and language as the page ROOT says them. */
void ingest_html_about (const xmlNode *root, IngestDocument *document);
/* What one would read below NODE, on one line. */
char *ingest_html_text (const xmlNode *node);
/* Writes what is below ROOT to the page opened last. Headings sink by SHIFT levels. */
void ingest_html_write (IngestDocument *document, const xmlNode *root, guint shift);
/* A fragment of HTML out of another format, boilerplate and all; SHIFT as above. Blank when it is
 * not HTML. */
void ingest_html_write_fragment (IngestDocument *document, const char *html, guint shift);

/* The element that holds the main content of a page, boilerplate below it removed from the tree;
 * the body when nothing stands out. */
xmlNode *ingest_reader_find (xmlDoc *doc);

typedef enum
{
  INGEST_HINT_NONE,
  INGEST_HINT_CONTENT,     /* says that it is the article */
  INGEST_HINT_BOILERPLATE, /* says that it is navigation, advertising, comments, … */
  INGEST_HINT_SUSPECT,     /* may be: depends on what is in it */
  INGEST_HINT_HIDDEN,
} IngestHint;
/* What an element says of itself by tag, role, class and id. */
IngestHint ingest_html_hint (const xmlNode *node);

/* The smallest pieces that a chunk is made of: sentences, table rows, headings. */
#pragma once

#include "ingest/document-private.h"

typedef enum
{
  INGEST_BORDER_NONE,
  INGEST_BORDER_PARAGRAPH,
  INGEST_BORDER_SUBSECTION, /* a heading of level 3 and below: a good place to end */
  INGEST_BORDER_PAGE,       /* a new page: always ends a chunk, so that an edit stays on its page;
                               and so does another language */
  INGEST_BORDER_SECTION,    /* a heading of level 1 or 2: always ends a chunk */
} IngestBorder;

typedef struct
{
  char *text;
  const char *section; /* headings above, "A › B"; owned by the list */
  gsize start, end;    /* in IngestDocument.text */
  guint first_block, last_block;
  const char *language; /* ISO 639-1, static or the document's; or NULL */
  gsize tokens;         /* of TEXT alone */
  gsize section_tokens; /* of SECTION */
  IngestBorder border;  /* what lies before it */
  gboolean continues;   /* goes on in the paragraph of the page before: joined by a space */
  gboolean in_section;  /* a heading that SECTION of the next unit repeats */
  gint header;          /* index of the unit that is the header row of its table, or -1 */
} IngestUnit;

typedef struct
{
  const IngestDocument *document;
  IngestChunkOptions options; /* without zeros and NULL */
  GArray *units;              /* IngestUnit */
  GPtrArray *sections;        /* the strings that units point to */
} IngestUnits;

IngestUnits *ingest_units_new (const IngestDocument *document, const IngestChunkOptions *options);
void ingest_units_free (IngestUnits *units);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestUnits, ingest_units_free)

static inline IngestUnit *ingest_unit (const IngestUnits *units, guint i)
{
  return &g_array_index (units->units, IngestUnit, i);
}

/* repeated.c: keeps the first of chunks (IngestChunk*) that say the same over and over. */
void ingest_drop_repeated (GPtrArray *chunks);

/* What a Word document's paragraphs refer to: styles and list numbers. */
#pragma once

#include "ingest/archive-private.h"

typedef struct _IngestDocxStyles IngestDocxStyles;
IngestDocxStyles *ingest_docx_styles_new (const IngestArchive *archive, const char *document);
void ingest_docx_styles_free (IngestDocxStyles *styles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestDocxStyles, ingest_docx_styles_free)

/* The paragraph's heading level, 0 when it is none. */
guint ingest_docx_heading_level (const IngestDocxStyles *styles, const xmlNode *properties);
gboolean ingest_docx_is_caption (const IngestDocxStyles *styles, const xmlNode *properties);
/* "• ", "3. ", "2.1 ", counting on; NULL when the paragraph is in no list. */
char *ingest_docx_number (IngestDocxStyles *styles, const xmlNode *properties);
/* The value of the child NAME of NODE, as in <w:pStyle w:val="…"/>; NULL when there is none. */
char *ingest_docx_value (const xmlNode *node, const char *name);

/* Turning what a file says into text that can be read aloud, searched and quoted. */
#pragma once

#include "ingest/ingest.h"

/* Valid UTF-8 without control characters other than \n and \t? What parsers must produce and the
 * parent insists on. */
gboolean ingest_prose_is_clean (const char *text, gsize length);
/* A clean copy: NFC; ligatures and soft hyphens resolved; special spaces made plain; control,
 * invisible and unassigned characters dropped; \r\n and \r made \n. Invalid bytes become U+FFFD. */
char *ingest_prose_clean (const char *text, gssize length);
/* All white space runs to one space, none at the ends. In place; returns TEXT. */
char *ingest_prose_squeeze (char *text);

/* Blanks run to one within lines, none at the ends of lines. In place; returns TEXT. */
char *ingest_prose_trim_lines (char *text);

/* The bytes of a list marker and the blanks after it at the start of TEXT ("• ", "3. ", "(b) ",
 * "iv) "), 0 when there is none or nothing follows. */
gsize ingest_prose_marker_length (const char *text, gsize length);

/* The words of one document, to decide whether a hyphen at a line's end belongs to the word. */
typedef struct _IngestVocabulary IngestVocabulary;
IngestVocabulary *ingest_vocabulary_new (void);
void ingest_vocabulary_free (IngestVocabulary *vocabulary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestVocabulary, ingest_vocabulary_free)
/* Counts the words of one line; its last word only when the line does not end in a hyphen. */
void ingest_vocabulary_add_line (IngestVocabulary *vocabulary, const char *line, gsize length);

/* Appends LINE to PARAGRAPH with what belongs between them: nothing after a hyphen that stays,
 * nothing in place of a hyphen that went, nothing between two Chinese characters, else a space. */
void ingest_prose_join (GString *paragraph, const char *line, gsize length,
                        const IngestVocabulary *vocabulary);
/* Does a paragraph that ends as TEXT, of LENGTH bytes and not empty, go on in one that begins as
 * NEXT? */
gboolean ingest_prose_goes_on (const char *text, gsize length, const char *next);
/* Would ingest_prose_join drop or keep a hyphen here, instead of a space? */
gboolean ingest_prose_breaks_word (const char *line, gsize length, const char *next);

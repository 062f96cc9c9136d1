/* Reading pictures of text with tesseract, where it is installed: found when the program runs, so
 * that docent neither needs nor loads it elsewhere. One process reads one document, so there is one
 * reader per process. */
#pragma once

#include <glib.h>

/* What stands in the arguments of docent-extract. */
#define INGEST_OCR_OPTION "--ocr"
#define INGEST_OCR_ALWAYS_OPTION "--ocr-always"

/* Loads the library and its languages, four at most; before the sandbox. ALWAYS: pages with text of
 * their own are read, too. FALSE when there is no tesseract here. */
gboolean ingest_ocr_open (gboolean always);
gboolean ingest_ocr_ready (void);
gboolean ingest_ocr_always (void);
/* From now on only LANGUAGE (ISO 639-1) is read, when tesseract has it: faster and more exact. */
void ingest_ocr_set_language (const char *language);

typedef struct
{
  const char *text; /* UTF-8 */
  int x0, y0, x1, y1; /* pixels from the top left */
  float row_height;   /* pixels, of its line without accents and tails */
  gboolean begins_line;
} IngestOcrWord;
typedef void (*IngestOcrWordFunc) (const IngestOcrWord *word, gpointer user_data);

/* GRAY: [height, stride] bytes, 0 black, at DPI dots per inch. Words come in reading order. */
gboolean ingest_ocr_read (const guint8 *gray, int width, int height, int stride, int dpi,
                          IngestOcrWordFunc func, gpointer user_data);

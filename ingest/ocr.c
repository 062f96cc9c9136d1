/* tesseract behind five functions. Its library is loaded by name, its languages are those that are
 * installed; without it everything here says no and scanned pages stay pictures. It reads inside
 * the sandbox of the document's own process: what it is fed is as hostile as the rest of the file.
 * The declarations follow tesseract's C interface (tesseract/capi.h, version 4 and 5). */
#include "ingest/ocr-private.h"

#include <dlfcn.h>
#include <string.h>

#define OCR_LANGUAGES_MAX 4
/* Of 100: words that tesseract believes in less are specks and ornaments. */
#define CONFIDENCE_MIN 30
#define WORD 3 /* RIL_WORD */
#define LINE 2 /* RIL_TEXTLINE */

typedef struct
{
  void *(*create) (void);
  int (*init) (void *api, const char *folder, const char *languages);
  void (*set_image) (void *api, const unsigned char *data, int width, int height,
                     int bytes_per_pixel, int bytes_per_line);
  void (*set_resolution) (void *api, int dpi);
  int (*recognize) (void *api, void *monitor);
  void *(*iterator) (void *api);
  void (*iterator_free) (void *iterator);
  int (*next) (void *iterator, int level);
  char *(*text) (const void *iterator, int level);
  float (*confidence) (const void *iterator, int level);
  int (*box) (const void *iterator, int level, int *x0, int *y0, int *x1, int *y1);
  int (*begins) (const void *iterator, int level);
  void (*text_free) (const char *text);
  char **(*languages) (const void *api);
  void (*languages_free) (char **languages);
  void (*clear) (void *api);
} Functions;

static Functions tesseract;
static void *reader; /* NULL: not open */
static char *all_languages;
static gboolean read_all;

static const struct
{
  const char *code, *name;
} names[]
    = { { "en", "eng" }, { "de", "deu" }, { "fr", "fra" },     { "es", "spa" }, { "it", "ita" },
        { "pt", "por" }, { "nl", "nld" }, { "sv", "swe" },     { "da", "dan" }, { "pl", "pol" },
        { "ru", "rus" }, { "el", "ell" }, { "ar", "ara" },     { "he", "heb" }, { "ja", "jpn" },
        { "ko", "kor" }, { "th", "tha" }, { "zh", "chi_sim" }, { "hi", "hin" } };

static gboolean load_functions (void *library)
{
  static const struct
  {
    const char *name;
    gsize offset;
  } wanted[] = {
    { "TessBaseAPICreate", G_STRUCT_OFFSET (Functions, create) },
    { "TessBaseAPIInit3", G_STRUCT_OFFSET (Functions, init) },
    { "TessBaseAPISetImage", G_STRUCT_OFFSET (Functions, set_image) },
    { "TessBaseAPISetSourceResolution", G_STRUCT_OFFSET (Functions, set_resolution) },
    { "TessBaseAPIRecognize", G_STRUCT_OFFSET (Functions, recognize) },
    { "TessBaseAPIGetIterator", G_STRUCT_OFFSET (Functions, iterator) },
    { "TessResultIteratorDelete", G_STRUCT_OFFSET (Functions, iterator_free) },
    { "TessResultIteratorNext", G_STRUCT_OFFSET (Functions, next) },
    { "TessResultIteratorGetUTF8Text", G_STRUCT_OFFSET (Functions, text) },
    { "TessResultIteratorConfidence", G_STRUCT_OFFSET (Functions, confidence) },
    { "TessPageIteratorBoundingBox", G_STRUCT_OFFSET (Functions, box) },
    { "TessPageIteratorIsAtBeginningOf", G_STRUCT_OFFSET (Functions, begins) },
    { "TessDeleteText", G_STRUCT_OFFSET (Functions, text_free) },
    { "TessBaseAPIGetAvailableLanguagesAsVector", G_STRUCT_OFFSET (Functions, languages) },
    { "TessDeleteTextArray", G_STRUCT_OFFSET (Functions, languages_free) },
    { "TessBaseAPIClear", G_STRUCT_OFFSET (Functions, clear) },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      void *symbol = dlsym (library, wanted[i].name);
      if (symbol == NULL)
        return FALSE;
      memcpy ((char *)&tesseract + wanted[i].offset, &symbol, sizeof symbol);
    }
  return TRUE;
}

/* "eng+deu" of what is installed, in the order of the table above; NULL when there is nothing. */
static char *installed_languages (const void *api)
{
  g_autoptr (GString) joined = g_string_new (NULL);
  char **installed = tesseract.languages (api);
  for (gsize i = 0, n = 0; installed != NULL && i < G_N_ELEMENTS (names); i++)
    if (n < OCR_LANGUAGES_MAX && g_strv_contains ((const char *const *)installed, names[i].name))
      {
        g_string_append_printf (joined, "%s%s", n > 0 ? "+" : "", names[i].name);
        n++;
      }
  if (installed != NULL)
    tesseract.languages_free (installed);
  return joined->len > 0 ? g_string_free (g_steal_pointer (&joined), FALSE) : NULL;
}

gboolean ingest_ocr_open (gboolean always)
{
  read_all = always;
  /* The sandbox knows no threads, and every core has its document. */
  g_setenv ("OMP_THREAD_LIMIT", "1", TRUE);
  void *library = dlopen ("libtesseract.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL || !load_functions (library))
    return FALSE;
  void *api = tesseract.create ();
  /* Any language makes it look around; which ones there are it says only then. */
  if (api == NULL
      || (tesseract.init (api, NULL, "osd") != 0 && tesseract.init (api, NULL, "eng") != 0))
    return FALSE;
  all_languages = installed_languages (api);
  if (all_languages == NULL || tesseract.init (api, NULL, all_languages) != 0)
    return FALSE;
  reader = api;
  return TRUE;
}

gboolean ingest_ocr_ready (void)
{
  return reader != NULL;
}

gboolean ingest_ocr_always (void)
{
  return reader != NULL && read_all;
}

void ingest_ocr_set_language (const char *language)
{
  for (gsize i = 0; reader != NULL && i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].code, language) == 0 && strstr (all_languages, names[i].name) != NULL
        && tesseract.init (reader, NULL, names[i].name) != 0
        && tesseract.init (reader, NULL, all_languages) != 0)
      reader = NULL;
}

static void report_word (const void *at, IngestOcrWordFunc func, gpointer user_data)
{
  IngestOcrWord word = { .begins_line = tesseract.begins (at, LINE) };
  int x0, y0, x1, y1;
  char *text = tesseract.text (at, WORD);
  if (text != NULL && tesseract.confidence (at, WORD) >= CONFIDENCE_MIN
      && tesseract.box (at, WORD, &word.x0, &word.y0, &word.x1, &word.y1)
      && tesseract.box (at, LINE, &x0, &y0, &x1, &y1))
    {
      word.text = text;
      word.row_height = y1 - y0;
      func (&word, user_data);
    }
  if (text != NULL)
    tesseract.text_free (text);
}

gboolean ingest_ocr_read (const guint8 *gray, int width, int height, int stride, int dpi,
                          IngestOcrWordFunc func, gpointer user_data)
{
  if (reader == NULL)
    return FALSE;
  tesseract.set_image (reader, gray, width, height, 1, stride);
  tesseract.set_resolution (reader, dpi);
  void *at = tesseract.recognize (reader, NULL) == 0 ? tesseract.iterator (reader) : NULL;
  if (at != NULL)
    {
      do
        report_word (at, func, user_data);
      while (tesseract.next (at, WORD));
      tesseract.iterator_free (at);
    }
  tesseract.clear (reader);
  return at != NULL;
}

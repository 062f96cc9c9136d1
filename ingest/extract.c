/* From a path to a document: opens the file without falling for devices and pipes, has a fresh
 * docent-extract parse it, and turns whatever went wrong into one sentence that names the file and
 * says what to do. This side never looks into the file itself; it believes only validated frames.
 */
#include "ingest/document-private.h"
#include "ingest/helper-private.h"
#include "ingest/parse-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_errno_error (GError **error, const char *path, int number)
{
  g_autofree char *name = g_filename_display_name (path);
  if (number == ENOENT || number == ENOTDIR)
    g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s does not exist", name);
  else if (number == EACCES || number == EPERM)
    g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE,
                 "%s may not be read by this user; change its permissions", name);
  else
    g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s cannot be opened: %s", name,
                 g_strerror (number));
}

/* Looks before it opens: opening a device can already have an effect. Looks again after, because
 * the file may have been exchanged in between. */
static int open_document (const char *path, GError **error)
{
  struct stat about;
  if (stat (path, &about) != 0)
    {
      set_errno_error (error, path, errno);
      return -1;
    }
  int fd = -1;
  if (S_ISREG (about.st_mode))
    {
      fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
      if (fd < 0 || fstat (fd, &about) != 0)
        {
          set_errno_error (error, path, errno);
          if (fd >= 0)
            close (fd);
          return -1;
        }
    }
  g_autofree char *name = g_filename_display_name (path);
  if (S_ISREG (about.st_mode) && about.st_size > 0)
    return fd;
  if (S_ISREG (about.st_mode))
    g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE,
                 "%s is empty; there is nothing to read in it", name);
  else
    g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s is not a regular file but a %s", name,
                 S_ISDIR (about.st_mode) ? "folder" : "device, pipe or socket");
  if (fd >= 0)
    close (fd);
  return -1;
}

static char *extension_of (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  const char *dot = strrchr (base, '.');
  return g_ascii_strdown (dot != NULL && dot != base ? dot + 1 : "", -1);
}

/* What the child said about the document, as a sentence. Its detail is one of our own phrases
 * unless the child was taken over, and then it is still clean text. */
static void set_document_error (GError **error, const char *name, IngestError code,
                                const char *detail)
{
  switch (code)
    {
    case INGEST_ERROR_ENCRYPTED:
      g_set_error (error, INGEST_ERROR, code,
                   "%s is protected by a password; save a copy without one and add that", name);
      break;
    case INGEST_ERROR_NO_TEXT:
      g_set_error (error, INGEST_ERROR, code,
                   "%s contains no text%s; there is nothing to read in it", name, detail);
      break;
    case INGEST_ERROR_LIMIT:
      g_set_error (error, INGEST_ERROR, code, "%s is too large to be read: %s; split it", name,
                   detail);
      break;
    default:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_FORMAT, "%s %s", name, detail);
    }
}

static void set_helper_error (GError **error, const char *name, const IngestLimits *limits,
                              const IngestHelperResult *result)
{
  switch (result->end)
    {
    case INGEST_HELPER_MISSING:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s was not read: the program docent-extract is missing or cannot be started; "
                   "install it beside docent or name it in DOCENT_EXTRACT",
                   name);
      break;
    case INGEST_HELPER_CANCELLED:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_CANCELLED, "%s was not read: interrupted",
                   name);
      break;
    case INGEST_HELPER_WALL:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                   "%s was given up after %.0f seconds; it may be damaged, or split it", name,
                   limits->wall_ms / 1000.0);
      break;
    case INGEST_HELPER_CPU:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                   "%s was given up after %u seconds of computing; it may be damaged, or split it",
                   name, limits->cpu_seconds);
      break;
    case INGEST_HELPER_MEMORY:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                   "%s needs more than %" G_GUINT64_FORMAT
                   " MB of memory to be read; it may be damaged, or split it",
                   name, limits->memory_bytes >> 20);
      break;
    case INGEST_HELPER_OUTPUT:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                   "%s holds more than %" G_GUINT64_FORMAT " MB of text; split it", name,
                   limits->output_bytes >> 20);
      break;
    case INGEST_HELPER_NONSENSE:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s was not read: docent-extract sent %s; the file may be malicious", name,
                   result->problem);
      break;
    case INGEST_HELPER_UNSAFE:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s was not read: this system cannot lock its parser into a sandbox; if you "
                   "trust the file, read it with --unsandboxed",
                   name);
      break;
    case INGEST_HELPER_FORBIDDEN:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s was not read: its parser tried to leave the sandbox and was stopped; the "
                   "file may be malicious",
                   name);
      break;
    case INGEST_HELPER_SIGNAL:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s made docent-extract crash (%s); it is probably damaged", name,
                   g_strsignal (result->number));
      break;
    default:
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR,
                   "%s was not read: docent-extract stopped early (status %d); the file is "
                   "probably damaged",
                   name, result->number);
    }
}

/* One process for one document. */
static IngestDocument *extract_once (int fd, const char *name, const char *hint,
                                     const IngestLimits *limits, GCancellable *cancellable,
                                     GError **error)
{
  g_autoptr (IngestFrameReader) reader = ingest_frame_reader_new ();
  IngestHelperResult result = ingest_helper_run (limits, fd, hint, reader, cancellable);
  if (result.end != INGEST_HELPER_OK)
    {
      set_helper_error (error, name, limits, &result);
      return NULL;
    }
  IngestError code = INGEST_ERROR_FORMAT;
  g_autofree char *detail = NULL;
  IngestDocument *document = ingest_frame_reader_finish (reader, &code, &detail);
  if (document == NULL && detail != NULL)
    set_document_error (error, name, code, detail);
  else if (document == NULL)
    {
      IngestHelperResult early = { .end = INGEST_HELPER_EXIT };
      set_helper_error (error, name, limits, &early);
    }
  return document;
}

/* ---- Pictures ---- */

#define OCR_PAGES_MAX 2000

/* Reads the document again with OCR, which may take as long for each picture as for a document
 * without. What the first reading found stays when the second fails. */
static IngestDocument *read_pictures (IngestDocument *first, int fd, const char *name,
                                      const char *hint, const IngestLimits *limits,
                                      GCancellable *cancellable, GError **error)
{
  gboolean always = limits->ocr == INGEST_OCR_ALWAYS;
  guint n = always ? first->pages->len : ingest_count_pictures (first);
  guint64 times = 1 + MIN (n, OCR_PAGES_MAX);
  IngestLimits longer = *limits;
  longer.cpu_seconds = (guint)MIN (times * limits->cpu_seconds, G_MAXUINT);
  longer.wall_ms = (guint)MIN (times * limits->wall_ms, G_MAXUINT);
  g_autoptr (GError) failure = NULL;
  IngestDocument *second = extract_once (fd, name, hint, &longer, cancellable, &failure);
  if (second == NULL && (first->blocks->len == 0 || g_cancellable_is_cancelled (cancellable)))
    {
      ingest_document_free (first);
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (second == NULL)
    return first;
  ingest_document_free (first);
  return second;
}

static void set_pictures_error (GError **error, const char *name, const IngestDocument *document,
                                IngestOcr ocr)
{
  guint n = document->pages->len, unread = ingest_count_pictures (document);
  g_set_error (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT,
               "%s contains no text on its %u page%s but pictures; %s", name, n, n == 1 ? "" : "s",
               unread == 0               ? "OCR found nothing to read in them"
               : ocr == INGEST_OCR_NEVER ? "to have them read, leave out --ocr never"
                                         : "to have them read, install tesseract-ocr and the "
                                           "package of their language (such as tesseract-ocr-deu)");
}

/* ---- Extract ---- */

static char *title_of_name (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');
  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_filename_display_name (base);
}

IngestDocument *ingest_extract (const char *path, const IngestLimits *limits,
                                GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);
  g_autofree char *name = g_filename_display_name (path);
  int fd = open_document (path, error);
  if (fd < 0)
    return NULL;
  IngestLimits limit = ingest_limits_or_defaults (limits), quick = limit;
  quick.ocr = INGEST_OCR_NEVER;
  g_autofree char *hint = limit.selector != NULL
                              ? g_strconcat (INGEST_HINT_SELECT, limit.selector, NULL)
                              : extension_of (path);
  IngestDocument *document = extract_once (fd, name, hint, &quick, cancellable, error);
  gboolean again = document != NULL
                   && (limit.ocr == INGEST_OCR_AUTO ? ingest_count_pictures (document) > 0
                                                    : limit.ocr == INGEST_OCR_ALWAYS);
  if (again)
    document = read_pictures (document, fd, name, hint, &limit, cancellable, error);
  close (fd);
  if (document != NULL && document->blocks->len == 0)
    {
      set_pictures_error (error, name, document, limit.ocr);
      g_clear_pointer (&document, ingest_document_free);
    }
  if (document != NULL && document->title == NULL)
    document->title = title_of_name (path);
  if (document != NULL && document->language == NULL)
    document->language
        = g_strdup (ingest_guess_language (document->text, document->text_length));
  return document;
}

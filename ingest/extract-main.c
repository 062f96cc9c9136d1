/* docent-extract: parses one document and exits. The document is on fd 0, frames go to fd 3. It
 * enters its sandbox before it reads the first byte, because from then on it may be the document
 * that decides what runs here. Links poppler and is therefore under the GPL as a whole (see
 * NOTICE).
 *
 * usage: docent-extract CPU-SECONDS MEMORY-BYTES [EXTENSION [OPTION…]] < document 3> frames
 *   --unsandboxed  with limits on time and memory only
 *   --ocr          pages that are pictures are read by tesseract; --ocr-always: all pages
 */
#include "ingest/frames-private.h"
#include "ingest/ocr-private.h"
#include "ingest/parse-private.h"
#include "ingest/sandbox-private.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* What the C library would load only when a document asks for it, and could not any more then: the
 * time zone, and the converter for the UTF-16 in which PDF files keep their titles. */
static void load_early (void)
{
  tzset ();
  (void)g_iconv_open ("UTF-8", "UTF-16BE"); /* never closed: what is in use stays loaded */
}

/* Mapped, not read: a PDF of a gigabyte costs address space, not memory. */
static GBytes *map_document (int fd)
{
  struct stat about;
  if (fstat (fd, &about) != 0 || !S_ISREG (about.st_mode) || about.st_size <= 0)
    return NULL;
  void *data = mmap (NULL, about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  return data != MAP_FAILED ? g_bytes_new_static (data, about.st_size) : NULL;
}

int main (int argc, char **argv)
{
  guint64 cpu_seconds, memory_bytes;
  if (argc < 3 || !g_ascii_string_to_unsigned (argv[1], 10, 1, G_MAXUINT, &cpu_seconds, NULL)
      || !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT64, &memory_bytes, NULL))
    {
      fputs ("usage: docent-extract CPU-SECONDS MEMORY-BYTES [EXTENSION [OPTION…]] "
             "< document 3> frames\n",
             stderr);
      return 2;
    }
  gboolean unsandboxed = FALSE;
  load_early ();
  for (int i = 4; i < argc; i++)
    if (strcmp (argv[i], INGEST_SANDBOX_OFF) == 0)
      unsandboxed = TRUE;
    else if (strcmp (argv[i], INGEST_OCR_OPTION) == 0
             || strcmp (argv[i], INGEST_OCR_ALWAYS_OPTION) == 0)
      {
        ingest_ocr_open (strcmp (argv[i], INGEST_OCR_ALWAYS_OPTION) == 0);
        ingest_guess_language ("", 0); /* loads what it compares with */
      }
  const char *missing = ingest_sandbox_enter (
      unsandboxed ? INGEST_SANDBOX_LIMITS_ONLY : INGEST_SANDBOX_FULL, cpu_seconds, memory_bytes);
  if (missing != NULL)
    {
      fprintf (stderr, "docent-extract: the kernel refuses %s\n", missing);
      return INGEST_SANDBOX_EXIT;
    }
  g_autoptr (GBytes) bytes = map_document (0);
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = NULL;
  if (bytes != NULL)
    document = ingest_parse (bytes, argc > 3 ? argv[3] : "", 0, &error);
  gboolean sent;
  if (document != NULL)
    sent = ingest_frames_write_document (INGEST_FRAMES_FD, document);
  else
    sent = ingest_frames_write_error (INGEST_FRAMES_FD, error != NULL ? error->code : 0,
                                      error != NULL ? error->message : "cannot be mapped");
  return sent ? 0 : 4;
}

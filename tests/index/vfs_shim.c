/* Stands between SQLite and the system's files and counts what changes them.
 *
 * For errors it answers the N-th operation with a failure. For a power cut it remembers, per file,
 * how to undo every change since the last sync; when the power goes, each change is kept, undone,
 * or kept in part (in sectors of 512 bytes), as a disk is free to do. */
#include "vfs_shim.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

typedef struct
{
  sqlite3_int64 offset, old_size;
  GBytes *old; /* what was at OFFSET before, as far as the file reached */
  gboolean truncation;
} Change;

typedef struct
{
  sqlite3_file base;
  GPtrArray *changes; /* Change*, since the last sync */
  sqlite3_file *real; /* lies behind this struct */
} ShimFile;

static struct
{
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  sqlite3_io_methods methods;
  GPtrArray *files; /* ShimFile*, open now */
  ShimFault fault;
  guint countdown; /* 0: disarmed */
  gboolean lasting, happened;
  GRand *rand;
} shim;

static sqlite3_file *real_of (sqlite3_file *file)
{
  return ((ShimFile *)file)->real;
}

/* ---- Power cut ---- */

static void free_change (gpointer data)
{
  Change *change = data;

  g_bytes_unref (change->old);
  g_free (change);
}

static void remember (ShimFile *file, sqlite3_int64 offset, sqlite3_int64 length,
                      gboolean truncation)
{
  Change *change = g_new0 (Change, 1);
  sqlite3_int64 have;

  file->real->pMethods->xFileSize (file->real, &change->old_size);
  have = CLAMP (change->old_size - offset, 0, length);
  g_autofree char *old = g_malloc0 ((gsize)have + 1);
  if (have > 0)
    file->real->pMethods->xRead (file->real, old, (int)have, offset);
  change->offset = offset;
  change->old = g_bytes_new (old, (gsize)have);
  change->truncation = truncation;
  g_ptr_array_add (file->changes, change);
}

static void undo (ShimFile *file, const Change *change)
{
  gsize length;
  const char *old = g_bytes_get_data (change->old, &length);
  gboolean tear = !change->truncation && g_rand_boolean (shim.rand);

  for (gsize at = 0; at < length; at += SECTOR)
    if (!tear || g_rand_boolean (shim.rand))
      file->real->pMethods->xWrite (file->real, old + at, (int)MIN (SECTOR, length - at),
                                    change->offset + (sqlite3_int64)at);
  if (!tear)
    file->real->pMethods->xTruncate (file->real, change->old_size);
}

static void cut_power (void)
{
  for (guint f = 0; f < shim.files->len; f++)
    {
      ShimFile *file = g_ptr_array_index (shim.files, f);

      for (guint i = file->changes->len; i-- > 0;)
        if (g_rand_boolean (shim.rand))
          undo (file, g_ptr_array_index (file->changes, i));
    }
  _exit (0);
}

/* ---- Faults ---- */

static int pass_or_fail (void)
{
  if (shim.countdown == 0 && !(shim.happened && shim.lasting))
    return SQLITE_OK;
  if (shim.countdown > 0 && --shim.countdown > 0)
    return SQLITE_OK;
  shim.happened = TRUE;
  if (shim.fault == SHIM_POWER_CUT)
    cut_power ();
  return shim.fault == SHIM_DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int shim_write (sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
  int rc = pass_or_fail ();

  if (rc != SQLITE_OK)
    return rc;
  if (shim.fault == SHIM_POWER_CUT)
    remember ((ShimFile *)file, offset, n, FALSE);
  return real_of (file)->pMethods->xWrite (real_of (file), data, n, offset);
}

static int shim_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  int rc = pass_or_fail ();

  if (rc != SQLITE_OK)
    return rc;
  if (shim.fault == SHIM_POWER_CUT)
    remember ((ShimFile *)file, size, G_MAXINT32, TRUE);
  return real_of (file)->pMethods->xTruncate (real_of (file), size);
}

static int shim_sync (sqlite3_file *file, int flags)
{
  int rc = pass_or_fail ();

  if (rc != SQLITE_OK)
    return rc;
  g_ptr_array_set_size (((ShimFile *)file)->changes, 0);
  return real_of (file)->pMethods->xSync (real_of (file), flags);
}

/* ---- Passed on ---- */

static int shim_close (sqlite3_file *file)
{
  int rc = real_of (file)->pMethods->xClose (real_of (file));

  g_ptr_array_remove (shim.files, file);
  g_ptr_array_unref (((ShimFile *)file)->changes);
  return rc;
}

static int shim_read (sqlite3_file *file, void *data, int n, sqlite3_int64 offset)
{
  return real_of (file)->pMethods->xRead (real_of (file), data, n, offset);
}

static int shim_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  return real_of (file)->pMethods->xFileSize (real_of (file), size);
}

static int shim_lock (sqlite3_file *file, int level)
{
  return real_of (file)->pMethods->xLock (real_of (file), level);
}

static int shim_unlock (sqlite3_file *file, int level)
{
  return real_of (file)->pMethods->xUnlock (real_of (file), level);
}

static int shim_check_reserved (sqlite3_file *file, int *result)
{
  return real_of (file)->pMethods->xCheckReservedLock (real_of (file), result);
}

static int shim_file_control (sqlite3_file *file, int op, void *argument)
{
  return real_of (file)->pMethods->xFileControl (real_of (file), op, argument);
}

static int shim_sector_size (sqlite3_file *file)
{
  return SECTOR;
}

/* None of the promises that let SQLite skip a sync. */
static int shim_characteristics (sqlite3_file *file)
{
  return 0;
}

static int shim_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
  ShimFile *shim_file = (ShimFile *)file;
  int rc;

  memset (shim_file, 0, sizeof *shim_file);
  shim_file->real = (sqlite3_file *)(shim_file + 1);
  rc = shim.real->xOpen (shim.real, name, shim_file->real, flags, ret_flags);
  if (rc == SQLITE_OK)
    {
      shim_file->base.pMethods = &shim.methods;
      shim_file->changes = g_ptr_array_new_with_free_func (free_change);
      g_ptr_array_add (shim.files, shim_file);
    }
  return rc;
}

void vfs_shim_install (void)
{
  shim.real = sqlite3_vfs_find (NULL);
  shim.vfs = *shim.real;
  shim.vfs.zName = "shim";
  shim.vfs.szOsFile = (int)sizeof (ShimFile) + shim.real->szOsFile;
  shim.vfs.xOpen = shim_open;
  shim.methods = (sqlite3_io_methods){ .iVersion = 1,
                                       .xClose = shim_close,
                                       .xRead = shim_read,
                                       .xWrite = shim_write,
                                       .xTruncate = shim_truncate,
                                       .xSync = shim_sync,
                                       .xFileSize = shim_file_size,
                                       .xLock = shim_lock,
                                       .xUnlock = shim_unlock,
                                       .xCheckReservedLock = shim_check_reserved,
                                       .xFileControl = shim_file_control,
                                       .xSectorSize = shim_sector_size,
                                       .xDeviceCharacteristics = shim_characteristics };
  shim.files = g_ptr_array_new ();
  shim.rand = g_rand_new_with_seed (0);
  sqlite3_vfs_register (&shim.vfs, 1);
}

void vfs_shim_arm (ShimFault fault, guint countdown, gboolean lasting, guint32 seed)
{
  shim.fault = fault;
  shim.countdown = countdown;
  shim.lasting = lasting;
  shim.happened = FALSE;
  g_rand_set_seed (shim.rand, seed);
}

gboolean vfs_shim_disarm (void)
{
  gboolean happened = shim.happened;

  shim.countdown = 0;
  shim.happened = FALSE;
  return happened;
}

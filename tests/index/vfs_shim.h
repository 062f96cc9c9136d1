/* A disk that fails on command, for every SQLite database of this process. */
#pragma once

#include <glib.h>

typedef enum
{
  SHIM_IO_ERROR,  /* the write fails */
  SHIM_DISK_FULL, /* … for want of room */
  SHIM_POWER_CUT, /* the process ends; what was not synced is there, torn, or not */
} ShimFault;

/* Puts the shim in front of the system's VFS. Before the first library is opened. */
void vfs_shim_install (void);
/* Lets COUNTDOWN − 1 operations (writes, truncations, syncs) pass and the next one fail; LASTING:
 * and all after it. SEED decides what a power cut leaves. */
void vfs_shim_arm (ShimFault fault, guint countdown, gboolean lasting, guint32 seed);
/* Ends it; TRUE when the fault has happened. */
gboolean vfs_shim_disarm (void);

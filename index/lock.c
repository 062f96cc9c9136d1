/* One writer at a time: two `docent add` must not interleave, and cron may start one any moment.
 *
 * An flock on DIR/lock is held as long as the descriptor lives, so that a killed process leaves
 * nothing to clean up. The file holds the writer's process id, for the message that the second one
 * prints. */
#include "index/index-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void set_busy_error (int fd, const char *dir, GError **error)
{
  char text[24] = "";
  gssize n = pread (fd, text, sizeof text - 1, 0);
  long pid = n > 0 ? strtol (text, NULL, 10) : 0;

  if (pid > 0)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_BUSY,
                 "another docent (process %ld) is writing to the library %s: wait until it is done",
                 pid, dir);
  else
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_BUSY,
                 "another docent is writing to the library %s: wait until it is done", dir);
}

int index_lock (const char *dir, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_OPEN,
                   "%s cannot be opened (%s): check that the folder is yours and writable", path,
                   g_strerror (errno));
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      set_busy_error (fd, dir, error);
      close (fd);
      return -1;
    }

  /* Without the number the message is poorer, nothing more: a full disk must not stop `forget`. */
  g_autofree char *pid = g_strdup_printf ("%ld\n", (long)getpid ());
  if (ftruncate (fd, 0) == 0 && pwrite (fd, pid, strlen (pid), 0) < 0)
    errno = 0;
  return fd;
}

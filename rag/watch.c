/* Waits until something changes in the folders that were added.
 *
 * In come the library's sources, out goes "look again". The kernel tells (inotify) what happens in
 * a folder but not below it, so every folder is watched; they are found anew for each round, which
 * costs one look at each folder and spares all accounts of what was moved where. A round begins to
 * watch before its sync, so that a file that comes meanwhile is not missed. One save makes several
 * events, a copied folder thousands: only when it has been quiet for a while is it time. */
#include "rag/rag-private.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS                                                                                     \
  (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF           \
   | IN_MOVE_SELF | IN_ONLYDIR)
/* A folder that is never quiet is looked at this often nevertheless. */
#define LONGEST_MS 30000
#define DEPTH_MAX 64

struct _RagWatch
{
  int fd;
  const char *library_dir; /* while folders are added: docent's own writing is no news */
  GHashTable *folders;     /* "device:inode" */
};

static gboolean watch_folder (RagWatch *watch, const char *path, GError **error)
{
  if (inotify_add_watch (watch->fd, path, EVENTS) >= 0 || errno != ENOSPC)
    return TRUE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED,
               "There are more folders to watch than the system allows; raise "
               "fs.inotify.max_user_watches with sysctl, or run `docent sync` by cron");
  return FALSE;
}

static gboolean add_folder (RagWatch *watch, const char *path, guint depth, GError **error);

static gboolean add_below (RagWatch *watch, const char *path, guint depth, GError **error)
{
  DIR *folder = opendir (path);
  struct dirent *entry;
  gboolean ok = TRUE;
  while (ok && folder != NULL && (entry = readdir (folder)) != NULL)
    if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_LNK))
      {
        g_autofree char *below = g_build_filename (path, entry->d_name, NULL);
        ok = add_folder (watch, below, depth + 1, error);
      }
  if (folder != NULL)
    closedir (folder);
  return ok;
}

/* What cannot be watched because it is gone or closed to us says nothing to a sync either. */
static gboolean add_folder (RagWatch *watch, const char *path, guint depth, GError **error)
{
  struct stat about;
  if (stat (path, &about) != 0 || !S_ISDIR (about.st_mode) || depth > DEPTH_MAX
      || strcmp (path, watch->library_dir) == 0)
    return TRUE;
  char *key = g_strdup_printf ("%ju:%ju", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
  if (!g_hash_table_add (watch->folders, key))
    return TRUE;
  return watch_folder (watch, path, error) && add_below (watch, path, depth, error);
}

RagWatch *rag_watch_new (Rag *rag, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) sources = index_list_sources (rag->index, &inner);
  if (sources == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  g_autoptr (RagWatch) watch = g_new0 (RagWatch, 1);
  watch->library_dir = rag->library_dir;
  watch->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  watch->fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (watch->fd < 0)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "The system cannot watch folders: %s",
                   g_strerror (errno));
      return NULL;
    }
  for (guint i = 0; i < sources->len; i++)
    {
      const IndexSource *source = g_ptr_array_index (sources, i);
      gboolean folder = g_file_test (source->path, G_FILE_TEST_IS_DIR);
      g_autofree char *parent = g_path_get_dirname (source->path);
      if (folder ? !add_folder (watch, source->path, 0, error)
                 : !watch_folder (watch, parent, error))
        return NULL;
    }
  watch->library_dir = NULL;
  return g_steal_pointer (&watch);
}

void rag_watch_free (RagWatch *watch)
{
  if (watch == NULL)
    return;
  if (watch->fd >= 0)
    close (watch->fd);
  g_hash_table_unref (watch->folders);
  g_free (watch);
}

static void drain (int fd)
{
  char buffer[16 * 1024];
  while (read (fd, buffer, sizeof buffer) > 0)
    ;
}

gboolean rag_watch_wait (RagWatch *watch, guint quiet_ms, GCancellable *cancellable)
{
  GPollFD cancel = { .fd = -1 };
  gboolean watched = cancellable != NULL && g_cancellable_make_pollfd (cancellable, &cancel);
  gint64 deadline_us = 0; /* 0: nothing has happened yet */
  gboolean changed = FALSE;
  while (!g_cancellable_is_cancelled (cancellable))
    {
      struct pollfd fds[] = { { watch->fd, POLLIN, 0 }, { cancel.fd, POLLIN, 0 } };
      gint64 left_ms = (deadline_us - g_get_monotonic_time ()) / 1000;
      int wait_ms = !changed ? -1 : (int)CLAMP (left_ms, 0, (gint64)quiet_ms);
      int n = poll (fds, G_N_ELEMENTS (fds), wait_ms);
      if (n == 0 || (n < 0 && errno != EINTR))
        break;
      if (fds[0].revents == 0)
        continue;
      drain (watch->fd);
      if (!changed)
        deadline_us = g_get_monotonic_time () + (gint64)LONGEST_MS * 1000;
      changed = TRUE;
    }
  if (watched)
    g_cancellable_release_fd (cancellable);
  return changed && !g_cancellable_is_cancelled (cancellable);
}

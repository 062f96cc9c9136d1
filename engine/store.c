/* Knows the models that can be fetched, where they lie, and whether what lies there is what was
 * published. The manifest, models.ini, is compiled in, so that the sums a file is compared with
 * cannot be changed together with the file. Nothing here touches the network: a model that is not
 * there is an error that names the command to fetch it. */
#include "engine/store-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/engine-resources.h"

#define MANIFEST "/docent/engine/models.ini"

/* ---- Manifest ------------------------------------------------------------------------------- */

static void file_free (gpointer data)
{
  EngineStoreFile *file = data;
  g_free (file->path);
  g_free (file->sha256);
  g_free (file);
}

void engine_store_model_free (EngineStoreModel *model)
{
  if (model == NULL)
    return;
  g_free (model->name);
  g_free (model->title);
  g_free (model->role);
  g_free (model->licence);
  g_free (model->file);
  g_free (model->sha256);
  g_free (model->package);
  g_free (model->version);
  g_free (model->platform);
  g_free (model->download_bytes);
  g_free (model->member);
  g_free (model->folder);
  g_free (model->original);
  g_free (model->convert);
  g_free (model->convert_file);
  g_ptr_array_unref (model->files);
  g_free (model);
}

static GKeyFile *load_manifest (GError **error)
{
  g_autoptr (GKeyFile) manifest = g_key_file_new ();
  g_autoptr (GBytes) bytes = g_resource_lookup_data (engine_resources_get_resource (), MANIFEST,
                                                     G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  if (bytes == NULL || !g_key_file_load_from_bytes (manifest, bytes, G_KEY_FILE_NONE, error))
    return NULL;
  return g_steal_pointer (&manifest);
}

/* "NAME/files": path=size;sha256. */
static void read_files (GKeyFile *manifest, EngineStoreModel *model)
{
  g_autofree char *group = g_strconcat (model->name, "/files", NULL);
  g_auto (GStrv) paths = g_key_file_get_keys (manifest, group, NULL, NULL);
  for (gsize i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_auto (GStrv) values = g_key_file_get_string_list (manifest, group, paths[i], NULL, NULL);
      if (g_strv_length (values) != 2)
        continue;
      EngineStoreFile *file = g_new0 (EngineStoreFile, 1);
      file->path = g_strdup (paths[i]);
      file->size_bytes = g_ascii_strtoull (values[0], NULL, 10);
      file->sha256 = g_strdup (values[1]);
      g_ptr_array_add (model->files, file);
    }
}

static void read_downloads (GKeyFile *manifest, EngineStoreModel *model)
{
  g_auto (GStrv) sizes
      = g_key_file_get_string_list (manifest, model->name, "download", &model->n_parts, NULL);
  model->download_bytes = g_new0 (guint64, model->n_parts + 1);
  for (gsize i = 0; i < model->n_parts; i++)
    model->download_bytes[i] = g_ascii_strtoull (sizes[i], NULL, 10);
}

static EngineStoreModel *read_model (GKeyFile *manifest, const char *name)
{
  EngineStoreModel *model = g_new0 (EngineStoreModel, 1);
  const struct
  {
    const char *key;
    char **value;
  } strings[] = {
    { "title", &model->title },
    { "role", &model->role },
    { "licence", &model->licence },
    { "file", &model->file },
    { "sha256", &model->sha256 },
    { "package", &model->package },
    { "version", &model->version },
    { "platform", &model->platform },
    { "member", &model->member },
    { "folder", &model->folder },
    { "original", &model->original },
    { "convert", &model->convert },
    { "convert_file", &model->convert_file },
  };
  model->name = g_strdup (name);
  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    *strings[i].value = g_key_file_get_string (manifest, name, strings[i].key, NULL);
  model->size_bytes = g_key_file_get_uint64 (manifest, name, "size", NULL);
  model->files = g_ptr_array_new_with_free_func (file_free);
  read_downloads (manifest, model);
  read_files (manifest, model);
  return model;
}

/* Groups with a "/" belong to the model before it. */
static char **model_names (GKeyFile *manifest)
{
  g_auto (GStrv) groups = g_key_file_get_groups (manifest, NULL);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  for (gsize i = 0; groups[i] != NULL; i++)
    if (strchr (groups[i], '/') == NULL)
      g_strv_builder_add (names, groups[i]);
  return g_strv_builder_end (names);
}

EngineStoreModel *engine_store_model_find (const char *name, GError **error)
{
  g_autoptr (GKeyFile) manifest = load_manifest (error);
  if (manifest == NULL)
    return NULL;
  g_auto (GStrv) names = model_names (manifest);
  if (g_strv_contains ((const char *const *)names, name))
    return read_model (manifest, name);
  g_autofree char *list = g_strjoinv (", ", names);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
               "There is no model called \"%s\" to fetch; there are: %s", name, list);
  return NULL;
}

char *engine_store_part_name (const char *pattern, gsize i)
{
  g_autoptr (GString) name = g_string_new (pattern);
  g_autofree char *plain = g_strdup_printf ("%zu", i + 1);
  g_autofree char *from_one = g_strdup_printf ("%02zu", i + 1);
  g_autofree char *from_zero = g_strdup_printf ("%02zu", i);
  g_string_replace (name, "{n}", plain, 0);
  g_string_replace (name, "{nn}", from_one, 0);
  g_string_replace (name, "{mm}", from_zero, 0);
  return g_string_free (g_steal_pointer (&name), FALSE);
}

/* ---- What is where -------------------------------------------------------------------------- */

char *engine_store_model_path (const EngineStoreModel *model, const char *models_dir)
{
  return g_build_filename (models_dir, model->file, NULL);
}

static guint64 size_on_disk (const char *path)
{
  GStatBuf status;
  return g_stat (path, &status) == 0 && S_ISREG (status.st_mode) ? (guint64)status.st_size : 0;
}

gboolean engine_store_model_is_fetched (const EngineStoreModel *model, const char *models_dir)
{
  g_autofree char *path = engine_store_model_path (model, models_dir);
  if (model->sha256 != NULL)
    return size_on_disk (path) == model->size_bytes;
  g_autofree char *sum = g_strconcat (path, ".sha256", NULL);
  return size_on_disk (path) > 0 && size_on_disk (sum) > 0;
}

void engine_store_entry_free (EngineStoreEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->name);
  g_free (entry->file);
  g_free (entry->title);
  g_free (entry->licence);
  g_free (entry->role);
  g_free (entry->sha256);
  g_free (entry->path);
  g_free (entry);
}

static EngineStoreEntry *make_entry (const EngineStoreModel *model, const char *models_dir)
{
  EngineStoreEntry *entry = g_new0 (EngineStoreEntry, 1);
  entry->name = g_strdup (model->name);
  entry->file = g_strdup (model->file);
  entry->title = g_strdup (model->title);
  entry->licence = g_strdup (model->licence);
  entry->role = g_strdup (model->role);
  entry->sha256 = g_strdup (model->sha256);
  entry->path = engine_store_model_path (model, models_dir);
  entry->fetched = engine_store_model_is_fetched (model, models_dir);
  entry->size_bytes = entry->fetched ? size_on_disk (entry->path) : model->size_bytes;
  return entry;
}

GPtrArray *engine_store_list (const char *models_dir, GError **error)
{
  g_autoptr (GKeyFile) manifest = load_manifest (error);
  if (manifest == NULL)
    return NULL;
  g_auto (GStrv) names = model_names (manifest);
  GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify)engine_store_entry_free);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autoptr (EngineStoreModel) model = read_model (manifest, names[i]);
      g_ptr_array_add (entries, make_entry (model, models_dir));
    }
  return entries;
}

/* ---- Resolve -------------------------------------------------------------------------------- */

static gboolean not_fetched (const EngineStoreModel *model, const char *path, GError **error)
{
  gboolean wrong_size = model->sha256 != NULL && size_on_disk (path) > 0;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "The model %s is %s (%s): run `docent models fetch %s`", model->name,
               wrong_size ? "not complete" : "not here yet", path, model->name);
  return FALSE;
}

/* The manifest's model that NAME means, by its name or by its file. */
static EngineStoreModel *find_model (GKeyFile *manifest, const char *name)
{
  g_auto (GStrv) names = model_names (manifest);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autoptr (EngineStoreModel) model = read_model (manifest, names[i]);
      if (strcmp (model->name, name) == 0 || strcmp (model->file, name) == 0)
        return g_steal_pointer (&model);
    }
  return NULL;
}

char *engine_store_resolve (const char *models_dir, const char *name, GError **error)
{
  g_autoptr (GKeyFile) manifest = load_manifest (error);
  if (manifest == NULL)
    return NULL;
  g_autoptr (EngineStoreModel) model = find_model (manifest, name);
  if (model != NULL)
    {
      g_autofree char *path = engine_store_model_path (model, models_dir);
      if (engine_store_model_is_fetched (model, models_dir))
        return g_steal_pointer (&path);
      not_fetched (model, path, error);
      return NULL;
    }

  g_autofree char *inside = g_build_filename (models_dir, name, NULL);
  if (strchr (name, '/') == NULL && g_file_test (inside, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&inside);
  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
               "There is no model %s, neither as a file nor in %s; `docent models list` shows what "
               "`docent models fetch` can bring",
               name, models_dir);
  return NULL;
}

/* ---- Verify --------------------------------------------------------------------------------- */

/* What the file written beside PATH says, in the format of sha256sum; NULL with FILE. */
static char *read_sum (const char *path, GError **error)
{
  g_autofree char *sum_path = g_strconcat (path, ".sha256", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (sum_path, &text, NULL, NULL) || strspn (text, "0123456789abcdef") != 64)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE,
                   "%s cannot be read or holds no SHA-256: remove it and fetch the model again",
                   sum_path);
      return NULL;
    }
  return g_strndup (text, 64);
}

char *engine_store_sum_file (const char *path, EngineFileProgress *progress, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *block = g_malloc (1 << 20);
  guint64 total = size_on_disk (path), done = 0;
  FILE *file = g_fopen (path, "rbe");
  gsize n = file != NULL ? fread (block, 1, 1 << 20, file) : 0;
  gboolean go_on = TRUE;
  for (; n > 0 && go_on; n = fread (block, 1, 1 << 20, file))
    {
      g_checksum_update (checksum, block, (gssize)n);
      done += n;
      go_on = engine_file_progress (progress, done, total, error);
    }
  gboolean failed = file == NULL || ferror (file) != 0;
  if (failed)
    g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_FILE, "Could not read %s: %s", path,
                 g_strerror (errno));
  if (file != NULL)
    fclose (file);
  return failed || !go_on ? NULL : g_strdup (g_checksum_get_string (checksum));
}

gboolean engine_store_verify (const char *models_dir, const char *name,
                              EngineFetchProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (EngineStoreModel) model = engine_store_model_find (name, error);
  if (model == NULL)
    return FALSE;
  g_autofree char *path = engine_store_model_path (model, models_dir);
  if (!engine_store_model_is_fetched (model, models_dir))
    return not_fetched (model, path, error);

  g_autofree char *expected
      = model->sha256 != NULL ? g_strdup (model->sha256) : read_sum (path, error);
  if (expected == NULL)
    return FALSE;
  EngineFileProgress listener = { progress, user_data, name, "verifying", 0 };
  g_autofree char *found = engine_store_sum_file (path, &listener, error);
  if (found == NULL)
    return FALSE;
  if (strcmp (found, expected) == 0)
    return TRUE;
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM,
               "%s has changed since it was fetched: remove it and run `docent models fetch %s`",
               path, name);
  return FALSE;
}

/* Reads the user's configuration: a key file with defaults for the general options.
 *
 * In: $XDG_CONFIG_HOME/docent/config, if there is one. Out: options that the command line left
 * open are filled, first from it, then from what docent does by itself. Only this room reads it; a
 * mistake in it is named with file and key, because a setting that is silently ignored is worse. */
#include <string.h>

#include "cli-private.h"
#include "engine/engine.h"

#define GROUP "docent"

char *cli_config_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "docent", "config", NULL);
}

static gboolean config_error (GError **error, const char *path, const char *problem)
{
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED,
               "the configuration file %s cannot be used: %s; correct it or remove it", path,
               problem);
  return FALSE;
}

/* "~/x" means what a shell makes of it. */
static char *expand_home (const char *path)
{
  if (g_str_has_prefix (path, "~/"))
    return g_build_filename (g_get_home_dir (), path + 2, NULL);
  return g_strdup (path);
}

static gboolean check_keys (GKeyFile *file, const char *path, GError **error)
{
  static const char *const known[]
      = { "library", "models", "collection", "model", "encoder",
          "threads", "mem",    "kv-cache",   "role",  "private", "rerank",  "tone",    "escalate", NULL };
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    if (strcmp (groups[i], GROUP) != 0)
      {
        g_autofree char *problem
            = g_strdup_printf ("there is no group [%s], only [" GROUP "]", groups[i]);
        return config_error (error, path, problem);
      }
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!g_strv_contains (known, keys[i]))
      {
        g_autofree char *all = g_strjoinv (", ", (char **)known);
        g_autofree char *problem = g_strdup_printf ("there is no key “%s”, only %s", keys[i], all);
        return config_error (error, path, problem);
      }
  return TRUE;
}

static void take_string (GKeyFile *file, const char *key, char **option)
{
  if (*option == NULL)
    *option = g_key_file_get_string (file, GROUP, key, NULL);
}

static void take_path (GKeyFile *file, const char *key, char **option)
{
  g_autofree char *value = g_key_file_get_string (file, GROUP, key, NULL);
  if (*option == NULL && value != NULL)
    *option = expand_home (value);
}

static gboolean take_numbers (GKeyFile *file, const char *path, CliOptions *options, GError **error)
{
  g_autofree char *threads = g_key_file_get_string (file, GROUP, "threads", NULL);
  guint64 n = 0;
  if (threads != NULL && !g_ascii_string_to_unsigned (threads, 10, 1, 1024, &n, NULL))
    return config_error (error, path, "threads is not a number from 1 to 1024");
  if (options->threads == 0)
    options->threads = (int)n;
  g_autofree char *mem = g_key_file_get_string (file, GROUP, "mem", NULL);
  guint64 bytes = 0;
  if (mem != NULL && !cli_parse_bytes (mem, &bytes, NULL))
    return config_error (error, path, "mem is not a size such as 512M or 2G");
  if (options->mem_bytes == 0)
    options->mem_bytes = bytes;
  g_autofree char *kv_cache = g_key_file_get_string (file, GROUP, "kv-cache", NULL);
  EngineKvType ignored;
  if (kv_cache != NULL && !engine_kv_type_parse (kv_cache, &ignored))
    return config_error (error, path, "kv-cache is not f16, q8_0 or f32");
  if (options->kv_cache == NULL)
    options->kv_cache = g_steal_pointer (&kv_cache);
  return TRUE;
}

static gboolean take_private (GKeyFile *file, const char *path, CliOptions *options, GError **error)
{
  g_autoptr (GError) reason = NULL;
  const gboolean wanted = g_key_file_get_boolean (file, GROUP, "private", &reason);
  if (g_error_matches (reason, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE))
    return config_error (error, path, "private is not true or false");
  options->keep_nothing = options->keep_nothing || wanted;
  return TRUE;
}

static gboolean apply_file (CliOptions *options, GError **error)
{
  g_autofree char *path = cli_config_path ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason))
    {
      if (g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT)
          || g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOTDIR))
        return TRUE;
      return config_error (error, path, reason->message);
    }
  if (!check_keys (file, path, error) || !take_numbers (file, path, options, error))
    return FALSE;
  if (!take_private (file, path, options, error))
    return FALSE;
  take_path (file, "library", &options->library_dir);
  take_path (file, "models", &options->models_dir);
  take_path (file, "model", &options->model);
  take_path (file, "encoder", &options->encoder);
  take_path (file, "rerank", &options->reranker);
  take_string (file, "collection", &options->collection);
  take_string (file, "role", &options->role);
  take_path (file, "tone", &options->tone);
  take_path (file, "escalate", &options->escalate);
  return TRUE;
}

gboolean cli_config_apply (CliOptions *options, GError **error)
{
  const char *models = g_getenv ("DOCENT_MODELS");
  if (options->models_dir == NULL && models != NULL && *models != '\0')
    options->models_dir = g_strdup (models);
  if (!apply_file (options, error))
    return FALSE;
  if (options->library_dir == NULL)
    options->library_dir = g_build_filename (g_get_user_data_dir (), "docent", NULL);
  if (options->models_dir == NULL)
    options->models_dir = g_build_filename (g_get_user_data_dir (), "docent", "models", NULL);
  return TRUE;
}

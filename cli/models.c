/* docent models: which language models are here, and how to get them.
 *
 * list and verify work on the store, a folder of files that a manifest in the program describes;
 * fetch opens connections. The other commands look into a
 * model file and are in models-files.c. */
#include <string.h>

#include "cli-private.h"
#include "engine/engine.h"
#include "models-private.h"

/* ---- list ---- */

static void print_list_json (const GPtrArray *entries)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_array (json, NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      cli_json_object (json, NULL);
      cli_json_string (json, "name", entry->name);
      cli_json_string (json, "path", entry->path);
      cli_json_string (json, "role", entry->role);
      cli_json_int (json, "bytes", entry->size_bytes);
      cli_json_bool (json, "fetched", entry->fetched);
      cli_json_string (json, "sha256", entry->sha256);
      cli_json_string (json, "title", entry->title);
      cli_json_string (json, "licence", entry->licence);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  cli_json_print (json);
}

static CliExit models_list (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = engine_store_list (options->models_dir, &error);
  if (entries == NULL)
    return cli_fail (error);
  if (options->json)
    {
      print_list_json (entries);
      return CLI_DONE;
    }
  g_autoptr (CliTable) table = cli_table_new ("<Name|<Role|>Size|<Here|<Licence|~Title");
  for (guint i = 0; i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      g_autofree char *size = cli_format_bytes (entry->size_bytes);
      cli_table_add (table, entry->name, entry->role, size, entry->fetched ? "yes" : "no",
                     entry->licence, entry->title, NULL);
    }
  cli_table_print (table, options);
  g_autofree char *folder = cli_short_path (options->models_dir);
  cli_note (options, "\nKept in %s; docent models fetch NAME gets one.", folder);
  return CLI_DONE;
}

GPtrArray *cli_generator_names (const CliOptions *options)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) entries = engine_store_list (options->models_dir, NULL);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      if (entry->fetched && g_strcmp0 (entry->role, "generator") == 0)
        g_ptr_array_add (names, g_strdup (entry->name));
    }
  return names;
}

/* ---- fetch and verify ---- */

static gboolean on_transfer (const char *name, const char *step, guint64 done, guint64 total,
                             gpointer user_data)
{
  cli_progress_bytes (user_data, name, step, done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping; what arrived is kept"));
}

/* The names to work on: those given, or, without any or for "default", those that WANTED says. */
static GPtrArray *choose_names (const CliOptions *options, int argc, char **argv,
                                gboolean (*wanted) (const EngineStoreEntry *entry), GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gboolean by_default = argc == 0 || (argc == 1 && strcmp (argv[0], "default") == 0);
  for (int i = 0; !by_default && i < argc; i++)
    g_ptr_array_add (names, g_strdup (argv[i]));
  if (!by_default)
    return g_steal_pointer (&names);
  g_autoptr (GPtrArray) entries = engine_store_list (options->models_dir, error);
  if (entries == NULL)
    return NULL;
  for (guint i = 0; i < entries->len; i++)
    if (wanted (g_ptr_array_index (entries, i)))
      g_ptr_array_add (names,
                       g_strdup (((EngineStoreEntry *)g_ptr_array_index (entries, i))->name));
  return g_steal_pointer (&names);
}

static gboolean is_default (const EngineStoreEntry *entry)
{
  return g_str_equal (entry->role, "generator") || g_str_equal (entry->role, "encoder");
}

static gboolean is_fetched (const EngineStoreEntry *entry)
{
  return entry->fetched;
}

static CliExit models_fetch (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = choose_names (options, argc, argv, is_default, &error);
  if (names == NULL)
    return cli_fail (error);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_array (json, NULL);
  cli_cancellable ("stopping; what arrived is kept");
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      g_autofree char *path = NULL;
      const gboolean ok
          = engine_store_fetch (options->models_dir, name, on_transfer, progress, &path, &error);
      cli_progress_clear (progress);
      if (!ok)
        return cli_fail (error);
      cli_json_object (json, NULL);
      cli_json_string (json, "name", name);
      cli_json_string (json, "path", path);
      json_builder_end_object (json);
      g_autofree char *shown = cli_short_path (path);
      if (!options->json && !options->quiet)
        printf ("%s is in %s\n", name, shown);
    }
  json_builder_end_array (json);
  if (options->json)
    cli_json_print (json);
  return CLI_DONE;
}

static CliExit models_verify (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = choose_names (options, argc, argv, is_fetched, &error);
  if (names == NULL)
    return cli_fail (error);
  if (names->len == 0)
    cli_note (options, "No model is here; docent models fetch gets the default ones.");
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_array (json, NULL);
  gboolean all_ok = TRUE;
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      g_autoptr (GError) problem = NULL;
      const gboolean ok
          = engine_store_verify (options->models_dir, name, on_transfer, progress, &problem);
      cli_progress_clear (progress);
      all_ok &= ok;
      cli_json_object (json, NULL);
      cli_json_string (json, "name", name);
      cli_json_bool (json, "ok", ok);
      cli_json_string (json, "reason", ok ? NULL : problem->message);
      json_builder_end_object (json);
      if (ok && !options->json && !options->quiet)
        printf ("%s is intact\n", name);
      if (!ok)
        cli_warn ("%s", problem->message);
      if (g_error_matches (problem, ENGINE_ERROR, ENGINE_ERROR_CANCELLED))
        break;
    }
  json_builder_end_array (json);
  if (options->json)
    cli_json_print (json);
  return all_ok ? CLI_DONE : CLI_FAILED;
}

const CliCommand cli_models_commands[] = {
  { "list", "", "which models docent knows, and which are here", 0, 0, NULL, models_list, NULL },
  { "fetch", "[NAME…|default]", "download models; opens connections", 0,
    G_MAXUINT, NULL, models_fetch, NULL },
  { "verify", "[NAME…]", "read models again and compare their checksums", 0, G_MAXUINT, NULL,
    models_verify, NULL },
  { "inspect", "MODEL", "what a model file holds, and whether it fits into memory", 1, 1,
    cli_models_inspect_options, cli_models_inspect, NULL },
  { "convert", "FOLDER FILE", "turn a folder with safetensors into a GGUF file", 2, 2,
    cli_models_convert_options, cli_models_convert, NULL },
  { "tokenize", "MODEL", "print the token ids of standard input", 1, 1, cli_models_tokenize_options,
    cli_models_tokenize, NULL },
  { "perplexity", "MODEL FILE", "how well a generator foresees a text: what quantising has cost", 2,
    2, cli_models_perplexity_options, cli_models_perplexity, NULL },
  { "adapt", "MODEL FILE", "write a model again with LoRA adapters merged into it", 2, 2,
    cli_models_adapt_options, cli_models_adapt, NULL },
  { "quantise", "MODEL FILE TYPE", "write a model again with its weights in fewer bits", 3, 3,
    cli_models_quantise_options, cli_models_quantise, NULL },
  { "prune", "MODEL FILE", "write a generator again without the layers or heads that do least", 2, 2,
    cli_models_prune_options, cli_models_prune, NULL },
  { "distil", "MODEL FILE", "make a static encoder, hundreds of times faster and less exact", 2, 2,
    cli_models_distil_options, cli_models_distil, NULL },
  { NULL },
};

/* docent doctor: is everything in place? Each check is ok, a warning or a failure with its remedy.
 *
 * In: programs, models, library and machine as they are now. Out: one line per check; exit code 1
 * when something fails that `add` or `ask` needs. Nothing is changed, nothing long is read. */
#include <stdarg.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli-private.h"
#include "engine/engine.h"
#include "models-private.h"

typedef enum
{
  CHECK_OK,
  CHECK_WARN,
  CHECK_FAIL,
} CheckState;

typedef struct
{
  const CliOptions *options;
  JsonBuilder *json;
  guint n_failed, n_warned;
} Doctor;

static void say (Doctor *doctor, CheckState state, const char *check, const char *remedy,
                 const char *format, ...) G_GNUC_PRINTF (5, 6);

/* REMEDY may be NULL. */
static void say (Doctor *doctor, CheckState state, const char *check, const char *remedy,
                 const char *format, ...)
{
  static const char *const names[] = { "ok", "warn", "fail" };
  static const CliStyle styles[] = { CLI_GREEN, CLI_YELLOW, CLI_RED };
  va_list values;
  va_start (values, format);
  g_autofree char *text = g_strdup_vprintf (format, values);
  va_end (values);
  doctor->n_failed += state == CHECK_FAIL;
  doctor->n_warned += state == CHECK_WARN;
  cli_json_object (doctor->json, NULL);
  cli_json_string (doctor->json, "check", check);
  cli_json_string (doctor->json, "state", names[state]);
  cli_json_string (doctor->json, "text", text);
  cli_json_string (doctor->json, "remedy", remedy);
  json_builder_end_object (doctor->json);
  if (doctor->options->json || (doctor->options->quiet && state == CHECK_OK))
    return;
  g_autofree char *safe = cli_escape_line (text);
  printf ("%s%-4s%s  %-10s  %s\n", cli_style (doctor->options, styles[state]), names[state],
          cli_style (doctor->options, CLI_PLAIN), check, safe);
  if (remedy != NULL && state != CHECK_OK)
    cli_print_wrapped (doctor->options, 18, CLI_PLAIN, remedy);
  fflush (stdout);
}

static void check_program (Doctor *doctor)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  say (doctor, CHECK_OK, "program", NULL, "docent %s, GLib %u.%u.%u, %s", DOCENT_VERSION,
       glib_major_version, glib_minor_version, glib_micro_version, self != NULL ? self : "docent");
}

static void check_machine (Doctor *doctor)
{
  const guint n = engine_n_processors ();
  const char *isa = engine_isa ();
  const gboolean slow = g_str_equal (isa, "portable");
  say (doctor, slow ? CHECK_WARN : CHECK_OK, "processor",
       "There are no faster kernels for this processor, or DOCENT_ISA=portable is set: unset it.",
       "%u %s, %s kernels", n, n == 1 ? "processor" : "processors", isa);
  const guint64 available = cli_memory_available (doctor->options);
  g_autofree char *text = cli_format_bytes (available);
  const gboolean little = available > 0 && available < G_GUINT64_CONSTANT (1000000000);
  say (doctor, little ? CHECK_WARN : CHECK_OK, "memory",
       "Close other programs, or choose a small model: docent --model NAME ask …", "%s available",
       available > 0 ? text : "an unknown amount");
}

/* ---- Reading: a document through the whole path ---- */

static const char probe_text[] = "The lighthouse keeper trims the lamp at dusk.\n";

/* Removes FOLDER with the files in it; a library holds no folders. */
static void remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_remove (path);
    }
  g_rmdir (folder);
}

/* What REPORT says about DOCUMENT, without its path, which nobody has chosen. */
static char *probe_failure (const RagAddReport *report, const char *document)
{
  if (report->failed->len == 0)
    return NULL;
  const RagFailure *failure = g_ptr_array_index (report->failed, 0);
  if (g_str_has_prefix (failure->reason, document))
    return g_strconcat ("a text", failure->reason + strlen (document), NULL);
  return g_strdup (failure->reason);
}

/* NULL when a text went into a new library in FOLDER, otherwise why not. */
static char *probe (const char *folder)
{
  g_autofree char *document = g_build_filename (folder, "probe.txt", NULL);
  g_autofree char *library = g_build_filename (folder, "library", NULL);
  const char *const paths[] = { document };
  const RagOptions rag_options = { .library_dir = library, .models_dir = folder };
  const RagAddOptions add_options = { .no_embed = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = NULL;
  g_autoptr (RagAddReport) report = NULL;
  if (g_file_set_contents (document, probe_text, -1, &error))
    rag = rag_open (&rag_options, RAG_WRITE, &error);
  if (rag != NULL)
    report = rag_add (rag, paths, G_N_ELEMENTS (paths), &add_options, &error);
  char *problem = report != NULL ? probe_failure (report, document) : g_strdup (error->message);
  g_clear_pointer (&rag, rag_close);
  remove_folder (library);
  return problem;
}

static void check_reading (Doctor *doctor)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("docent-doctor-XXXXXX", &error);
  g_autofree char *problem = folder != NULL ? probe (folder) : g_strdup (error->message);
  if (folder != NULL)
    remove_folder (folder);
  if (problem == NULL)
    say (doctor, CHECK_OK, "reading", NULL, "docent-extract runs; a text was read and stored");
  else
    say (doctor, CHECK_FAIL, "reading",
         "Install docent completely, or set DOCENT_EXTRACT to the path of docent-extract.", "%s",
         problem);
}

/* ---- Models ---- */

static void check_model_files (Doctor *doctor, const GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      const gboolean exists = g_file_test (entry->path, G_FILE_TEST_EXISTS);
      g_autofree char *size = cli_format_bytes (entry->size_bytes);
      if (entry->fetched)
        say (doctor, CHECK_OK, "model", NULL, "%s, %s, %s", entry->name, entry->role, size);
      else if (exists)
        {
          g_autofree char *remedy = g_strdup_printf ("Remove %s, then: docent models fetch %s",
                                                     entry->path, entry->name);
          say (doctor, CHECK_WARN, "model", remedy, "%s does not have the expected size",
               entry->path);
        }
    }
}

static void check_models (Doctor *doctor)
{
  const CliOptions *options = doctor->options;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = engine_store_list (options->models_dir, &error);
  if (entries == NULL)
    {
      say (doctor, CHECK_FAIL, "models", "Check the folder, or set DOCENT_MODELS.", "%s",
           error->message);
      return;
    }
  check_model_files (doctor, entries);
  const RagOptions rag_options = cli_rag_options (options);
  g_autofree char *encoder = NULL, *why_encoder = NULL, *generator = NULL, *why_generator = NULL;
  if (rag_choose_encoder (&rag_options, &encoder, &why_encoder, &error))
    say (doctor, CHECK_OK, "encoder", NULL, "%s (for a new library)", why_encoder);
  else
    say (doctor, CHECK_WARN, "encoder", "Run: docent models fetch",
         "%s; documents are found by their words only", error->message);
  g_clear_error (&error);
  if (rag_choose_generator (&rag_options, &generator, &why_generator, &error))
    say (doctor, CHECK_OK, "generator", NULL, "%s", why_generator);
  else
    say (doctor, CHECK_FAIL, "generator", "Run: docent models fetch", "%s", error->message);
}

/* ---- Library ---- */

static gboolean has_vector_cache (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    if (g_pattern_match_simple ("vectors.*.faiss", name))
      return TRUE;
  return FALSE;
}

static void check_library (Doctor *doctor)
{
  const char *folder = doctor->options->library_dir;
  g_autofree char *database = g_build_filename (folder, "library.db", NULL);
  if (!g_file_test (database, G_FILE_TEST_EXISTS))
    {
      say (doctor, CHECK_WARN, "library", "Run: docent add PATH", "there is none in %s yet",
           folder);
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (doctor->options, RAG_READ, &error);
  RagStats stats = { 0 };
  if (rag == NULL || !rag_stats (rag, NULL, &stats, &error))
    {
      say (doctor, CHECK_FAIL, "library", "Run: docent fsck", "%s", error->message);
      return;
    }
  say (doctor, stats.n_failed > 0 ? CHECK_WARN : CHECK_OK, "library",
       "Run: docent list --failed, to see why.",
       "%s: %u documents, %" G_GUINT64_FORMAT " pages, %u passages; %u could not be read", folder,
       stats.n_documents, stats.n_pages, stats.n_chunks, stats.n_failed);
  say (doctor, stats.n_vectors < stats.n_chunks ? CHECK_WARN : CHECK_OK, "vectors",
       "Run: docent sync, with an encoder fetched.",
       "%u of %u passages can be found by meaning%s%s", stats.n_vectors, stats.n_chunks,
       stats.encoder != NULL ? ", made by " : "", stats.encoder != NULL ? stats.encoder : "");
  g_free (stats.encoder);
  const gboolean cached = has_vector_cache (folder);
  say (doctor, cached || stats.n_vectors == 0 ? CHECK_OK : CHECK_WARN, "cache",
       "Run: docent sync, which builds it again; searches are slower until then.", "%s",
       cached                ? "the vector cache is there (docent fsck checks it in full)"
       : stats.n_vectors > 0 ? "the vector cache is missing"
                             : "there are no vectors to cache");
}

/* The nearest folder above PATH that exists. */
static char *existing_parent (const char *path)
{
  char *at = g_canonicalize_filename (path, NULL);
  while (!g_file_test (at, G_FILE_TEST_IS_DIR) && strcmp (at, "/") != 0)
    {
      char *parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
  return at;
}

static void check_disk (Doctor *doctor)
{
  g_autofree char *folder = existing_parent (doctor->options->library_dir);
  struct statvfs disk;
  if (statvfs (folder, &disk) != 0)
    return;
  const guint64 free_bytes = (guint64)disk.f_bavail * disk.f_frsize;
  g_autofree char *text = cli_format_bytes (free_bytes);
  const gboolean little = free_bytes < G_GUINT64_CONSTANT (1000000000);
  say (doctor, little ? CHECK_WARN : CHECK_OK, "disk",
       "Make room, or put the library elsewhere with --library.", "%s free in %s", text, folder);
  if (access (folder, W_OK) != 0)
    say (doctor, CHECK_FAIL, "disk", "Change its permissions, or use --library.",
         "%s cannot be written to", folder);
}

static void check_config (Doctor *doctor)
{
  g_autofree char *path = cli_config_path ();
  const gboolean exists = g_file_test (path, G_FILE_TEST_EXISTS);
  say (doctor, CHECK_OK, "config", NULL, "%s%s", path, exists ? "" : " (none, the defaults hold)");
}

CliExit cli_doctor (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  Doctor doctor = { .options = options, .json = json };
  cli_json_object (json, NULL);
  cli_json_array (json, "checks");
  check_program (&doctor);
  check_machine (&doctor);
  check_reading (&doctor);
  check_models (&doctor);
  check_library (&doctor);
  check_disk (&doctor);
  check_config (&doctor);
  json_builder_end_array (json);
  cli_json_int (json, "failed", doctor.n_failed);
  cli_json_int (json, "warned", doctor.n_warned);
  json_builder_end_object (json);
  if (options->json)
    cli_json_print (json);
  else if (doctor.n_failed == 0 && doctor.n_warned == 0)
    cli_note (options, "\nEverything is in place.");
  return doctor.n_failed == 0 ? CLI_DONE : CLI_FAILED;
}

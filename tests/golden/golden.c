/* Compares the engine with recorded outputs of reference implementations.
 *
 *   golden DIR…
 *
 * Every folder below DIR that holds model.gguf and expect.json is a case; one JSON line is printed
 * for each, and the exit status is 1 when any is not ok or there is none. A file named dequant.json
 * is checked too, a line for each type. Cases run in processes of their own, so that one that
 * crashes is a failed case and not the end. Quantised models run twice: by the integer kernels, at
 * the tolerance of rounded activations, and by the exact path, at that of float arithmetic. */
#include "golden-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *own_path;

/* ---- Numbers -------------------------------------------------------------------------------- */

void golden_difference_add (GoldenDifference *difference, double value, double expected)
{
  double error = value - expected;
  difference->error += error * error;
  difference->energy += expected * expected;
  /* A NaN must not hide behind a comparison that is false. */
  if (!(fabs (error) <= difference->max_abs))
    difference->max_abs = fabs (error);
}

double golden_difference_nmse (const GoldenDifference *difference)
{
  if (difference->error == 0)
    return 0;
  return difference->error / difference->energy;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* Written by hand: json-glib prints 1e-08 as 1e-08.0, which is no number. */
static char *number (double value)
{
  return isfinite (value) ? g_strdup_printf ("%.4g", value) : g_strdup ("null");
}

static char *quoted (const char *text)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  return json_to_string (node, FALSE);
}

static const char *boolean (gboolean value)
{
  return value ? "true" : "false";
}

static void print_result (const char *name, const GoldenResult *result)
{
  g_autofree char *case_name = quoted (name);
  g_autofree char *nmse = number (result->nmse);
  g_autofree char *max_abs = number (result->max_abs);
  g_autofree char *tolerance = number (result->tolerance);
  gboolean tokens = result->compares_tokens;
  printf ("{\"case\":%s,\"nmse\":%s,\"max_abs\":%s,\"argmax_match\":%s,\"greedy_match\":%s,"
          "\"ok\":%s,\"tolerance\":%s",
          case_name, nmse, max_abs, tokens ? boolean (result->argmax_match) : "null",
          tokens ? boolean (result->greedy_match) : "null", boolean (result->ok), tolerance);
  if (result->quantised)
    {
      g_autofree char *exact = number (result->exact_nmse);
      printf (",\"exact_nmse\":%s", exact);
    }
  if (result->reason)
    {
      g_autofree char *reason = quoted (result->reason);
      printf (",\"reason\":%s", reason);
    }
  printf ("}\n");
  fflush (stdout);
}

static double read_number (JsonObject *object, const char *name)
{
  return json_object_get_double_member_with_default (object, name, NAN);
}

/* What print_result wrote. */
static gboolean read_result (const char *line, GoldenResult *ret_result)
{
  g_autoptr (JsonNode) node = json_from_string (line, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  JsonObject *object = json_node_get_object (node);
  *ret_result = (GoldenResult){
    .nmse = read_number (object, "nmse"),
    .max_abs = read_number (object, "max_abs"),
    .tolerance = read_number (object, "tolerance"),
    .exact_nmse = NAN,
    .compares_tokens = !json_object_get_null_member (object, "argmax_match"),
    .argmax_match = json_object_get_boolean_member_with_default (object, "argmax_match", FALSE),
    .greedy_match = json_object_get_boolean_member_with_default (object, "greedy_match", FALSE),
    .quantised = json_object_has_member (object, "exact_nmse"),
    .ok = json_object_get_boolean_member_with_default (object, "ok", FALSE),
    .reason = g_strdup (json_object_get_string_member_with_default (object, "reason", NULL)),
  };
  return TRUE;
}

/* ---- Cases ---------------------------------------------------------------------------------- */

static GoldenResult failed (const char *reason)
{
  return (GoldenResult){
    .nmse = NAN, .max_abs = NAN, .tolerance = NAN, .exact_nmse = NAN, .reason = g_strdup (reason)
  };
}

/* What a process of its own finds out about FOLDER. */
static GoldenResult run_in_process (const char *folder, gboolean exact)
{
  char *argv[] = { (char *)own_path, (char *)"--case", (char *)folder, NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  GoldenResult result;
  int status;
  environment = exact ? g_environ_setenv (environment, "DOCENT_EXACT", "1", TRUE)
                      : g_environ_unsetenv (environment, "DOCENT_EXACT");
  if (!g_spawn_sync (NULL, argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status,
                     &error)
      || !g_spawn_check_wait_status (status, &error))
    return failed (error->message);
  return read_result (output, &result) ? result : failed ("its process printed no result");
}

static gboolean report_case (const char *folder, const char *name)
{
  GoldenResult result = run_in_process (folder, FALSE);
  if (result.quantised)
    {
      GoldenResult exact = run_in_process (folder, TRUE);
      result.exact_nmse = exact.nmse;
      result.ok = result.ok && exact.ok;
      if (result.reason == NULL && exact.reason)
        result.reason = g_strconcat ("exact path: ", exact.reason, NULL);
      g_free (exact.reason);
    }
  print_result (name, &result);
  g_free (result.reason);
  return result.ok;
}

/* ---- Folders -------------------------------------------------------------------------------- */

typedef struct
{
  guint n_cases, n_failed;
} Tally;

static gboolean has_file (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static int compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *list_folders (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        g_ptr_array_add (names, g_strdup (name));
    }
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* NAME: the folder as printed, relative to what was asked for. */
static void visit (const char *folder, const char *name, Tally *tally)
{
  if (has_file (folder, "model.gguf") && has_file (folder, "expect.json"))
    {
      tally->n_cases++;
      tally->n_failed += !report_case (folder, name);
    }
  if (has_file (folder, "dequant.json"))
    {
      g_autofree char *path = g_build_filename (folder, "dequant.json", NULL);
      tally->n_cases++;
      tally->n_failed += !golden_check_dequant (path, "dequant");
    }
  g_autoptr (GPtrArray) folders = list_folders (folder);
  for (guint i = 0; i < folders->len; i++)
    {
      const char *inner = g_ptr_array_index (folders, i);
      g_autofree char *path = g_build_filename (folder, inner, NULL);
      g_autofree char *inner_name = *name ? g_strconcat (name, "/", inner, NULL) : g_strdup (inner);
      visit (path, inner_name, tally);
    }
}

static int run_one (const char *folder)
{
  GoldenResult result = golden_run_case (folder);
  print_result (folder, &result);
  g_free (result.reason);
  return 0;
}

int main (int argc, char **argv)
{
  Tally tally = { 0 };
  if (argc == 3 && strcmp (argv[1], "--case") == 0)
    return run_one (argv[2]);
  if (argc < 2)
    {
      fprintf (stderr, "usage: golden DIR…\n");
      return 2;
    }
  own_path = g_file_read_link ("/proc/self/exe", NULL);
  if (own_path == NULL)
    own_path = argv[0];
  for (int i = 1; i < argc; i++)
    {
      gboolean is_case = has_file (argv[i], "model.gguf");
      g_autofree char *base = g_path_get_basename (argv[i]);
      visit (argv[i], is_case ? base : "", &tally);
    }
  if (tally.n_cases == 0)
    fprintf (stderr, "golden: no folder with model.gguf and expect.json was found\n");
  return tally.n_cases == 0 || tally.n_failed > 0;
}

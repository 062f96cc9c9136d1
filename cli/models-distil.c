/* docent models distil: a static encoder for machines that are too slow for a real one.
 *
 * Prints what it costs and gains: the file's size, the dimensions and the tokens a second of both.
 * What it loses in retrieval is measured with `docent eval retrieval`. */
#include <sys/stat.h>

#include "engine/engine.h"
#include "models-private.h"

static char *calibrate;
static int dimension;

const GOptionEntry cli_models_distil_options[] = {
  { "dimensions", 0, 0, G_OPTION_ARG_INT, &dimension, "of its vectors (default: 256)", "N" },
  { "calibrate", 0, 0, G_OPTION_ARG_FILENAME, &calibrate,
    "count in these documents which words are common (a file or folder)", "PATH" },
  { NULL },
};

typedef struct
{
  guint64 bytes;
  guint n_dimensions;
  double encode_tps;
} Encoder;

static gboolean look_at (const CliOptions *options, EngineModel *model, Encoder *ret_encoder,
                         GError **error)
{
  struct stat status;
  g_autoptr (EngineEncoder) encoder = engine_encoder_new (model, options->threads, error);
  if (encoder == NULL)
    return FALSE;
  ret_encoder->n_dimensions = engine_encoder_dimension (encoder);
  ret_encoder->bytes = stat (engine_model_info (model)->path, &status) == 0 ? status.st_size : 0;
  return engine_estimate_encode (model, options->threads, &ret_encoder->encode_tps, error);
}

static gboolean on_words (gsize done, gsize total, gpointer user_data)
{
  cli_progress_count (user_data, "distilling words", done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping"));
}

static gboolean distil (const CliOptions *options, EngineModel *teacher, const char *path,
                        double *ret_kept, GError **error)
{
  g_auto (CliModelTexts) texts = { NULL, NULL };
  if (!cli_model_texts_read (calibrate, NULL, &texts, error))
    return FALSE;
  const char *const all[] = { texts.learn, texts.judge };
  const EngineDistilOptions how = { .dimension = dimension,
                                    .texts = all,
                                    .n_texts = calibrate != NULL ? G_N_ELEMENTS (all) : 0,
                                    .n_threads = options->threads,
                                    .mem_limit_bytes = options->mem_bytes };
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  const gboolean ok = engine_distil_file (teacher, &how, path, on_words, progress, ret_kept, error);
  cli_progress_clear (progress);
  return ok;
}

/* ---- Output ---- */

static void json_encoder (JsonBuilder *json, const char *name, const Encoder *encoder)
{
  cli_json_object (json, name);
  cli_json_int (json, "bytes", encoder->bytes);
  cli_json_int (json, "dimensions", encoder->n_dimensions);
  cli_json_double (json, "encode_tps", encoder->encode_tps);
  json_builder_end_object (json);
}

static void add_row (CliTable *table, const char *title, const Encoder *encoder)
{
  g_autofree char *size = cli_format_bytes (encoder->bytes);
  g_autofree char *dimensions = g_strdup_printf ("%u", encoder->n_dimensions);
  g_autofree char *tps = cli_format_count (encoder->encode_tps);
  cli_table_add (table, title, size, dimensions, tps, NULL);
}

static void print_text (const CliOptions *options, const char *path, double kept,
                        const Encoder *teacher, const Encoder *pupil)
{
  g_autofree char *shown = cli_short_path (path);
  printf ("Wrote %s; its dimensions keep %.0f %% of what tells words apart\n\n", shown, kept * 100);
  g_autoptr (CliTable) table = cli_table_new ("<|>Size|>Dimensions|>Tokens/s");
  add_row (table, "teacher", teacher);
  add_row (table, "static", pupil);
  cli_table_print (table, options);
}

CliExit cli_models_distil (const CliOptions *options, int argc, char **argv)
{
  if (dimension < 0)
    return cli_usage ("models distil", "--dimensions takes a number from 1");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) pupil = NULL;
  Encoder before, after;
  double kept;
  g_autoptr (EngineModel) teacher = cli_models_open (options, argv[0], &error);
  if (teacher == NULL || !distil (options, teacher, argv[1], &kept, &error)
      || (pupil = engine_model_open (argv[1], &error)) == NULL
      || !look_at (options, teacher, &before, &error) || !look_at (options, pupil, &after, &error))
    return cli_fail (error);
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_string (json, "path", argv[1]);
      cli_json_double (json, "variance_kept", kept);
      json_encoder (json, "teacher", &before);
      json_encoder (json, "static", &after);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  else if (!options->quiet)
    print_text (options, argv[1], kept, &before, &after);
  return CLI_DONE;
}

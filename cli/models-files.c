/* docent models inspect, convert, tokenize: looks into model files.
 *
 * A model file is as untrusted as a document: what it says about itself is escaped, and what it
 * would need of memory is computed from its header before anything is loaded. */
#include <string.h>

#include "engine/engine.h"
#include "models-private.h"

EngineModel *cli_models_open (const CliOptions *options, const char *model, GError **error)
{
  g_autofree char *path = engine_store_resolve (options->models_dir, model, error);
  return path != NULL ? engine_model_open (path, error) : NULL;
}

guint64 cli_memory_available (const CliOptions *options)
{
  g_autofree char *text = NULL;
  guint64 available = 0;
  const char *line = g_file_get_contents ("/proc/meminfo", &text, NULL, NULL)
                         ? strstr (text, "MemAvailable:")
                         : NULL;
  if (line != NULL)
    available = g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10) * 1024;
  if (options->mem_bytes > 0 && (available == 0 || options->mem_bytes < available))
    return options->mem_bytes;
  return available;
}

/* ---- inspect ---- */

static const char *const role_names[] = {
  [ENGINE_ROLE_GENERATOR] = "generator",
  [ENGINE_ROLE_ENCODER] = "encoder",
  [ENGINE_ROLE_RERANKER] = "reranker",
};

static int n_ctx;

const GOptionEntry cli_models_inspect_options[] = {
  { "context", 0, 0, G_OPTION_ARG_INT, &n_ctx,
    "say whether a context of N tokens fits (default: 4096, or fewer when trained for fewer)",
    "N" },
  { NULL },
};

/* Options as a session would get them. */
EngineSessionOptions cli_session_options (const CliOptions *options, int n_ctx_wanted)
{
  EngineSessionOptions session = { .n_ctx = n_ctx_wanted,
                                   .n_threads = options->threads,
                                   .mem_limit_bytes = options->mem_bytes };
  if (options->kv_cache != NULL)
    engine_kv_type_parse (options->kv_cache, &session.kv_type);
  return session;
}

static void inspect_json (const EngineModelInfo *info, const EngineMemory *memory,
                          guint64 available)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "path", info->path);
  cli_json_string (json, "name", info->name);
  cli_json_string (json, "architecture", info->architecture);
  cli_json_string (json, "role", role_names[info->role]);
  cli_json_string (json, "quantisation", info->quantisation);
  cli_json_string (json, "tokenizer", info->tokenizer);
  cli_json_string (json, "chat_format", info->chat_format);
  cli_json_int (json, "layers", info->n_layer);
  cli_json_int (json, "embedding", info->n_embd);
  cli_json_int (json, "heads", info->n_head);
  cli_json_int (json, "kv_heads", info->n_head_kv);
  cli_json_int (json, "feed_forward", info->n_ff);
  cli_json_int (json, "vocabulary", info->n_vocab);
  cli_json_int (json, "context", info->n_ctx_train);
  cli_json_int (json, "parameters", info->n_parameters);
  cli_json_int (json, "weight_bytes", info->weight_bytes);
  cli_json_int (json, "kv_bytes_per_token", info->kv_bytes_per_token);
  cli_json_int (json, "context_asked", memory->n_ctx);
  cli_json_int (json, "kv_bytes", memory->kv_bytes);
  cli_json_int (json, "work_bytes", memory->work_bytes);
  cli_json_int (json, "memory_needed", memory->total_bytes);
  cli_json_int (json, "memory_available", available);
  cli_json_bool (json, "fits", available == 0 || memory->total_bytes <= available);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void line (const char *title, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void line (const char *title, const char *format, ...)
{
  va_list values;
  va_start (values, format);
  g_autofree char *text = g_strdup_vprintf (format, values);
  va_end (values);
  g_autofree char *safe = cli_escape_line (text);
  printf ("%-14s %s\n", title, safe);
}

static void inspect_text (const EngineModelInfo *info, const EngineMemory *memory,
                          guint64 available)
{
  g_autofree char *weights = cli_format_bytes (info->weight_bytes);
  g_autofree char *kv = cli_format_bytes (info->kv_bytes_per_token * 1000);
  g_autofree char *kv_all = cli_format_bytes (memory->kv_bytes);
  g_autofree char *work = cli_format_bytes (memory->work_bytes);
  g_autofree char *needed = cli_format_bytes (memory->total_bytes);
  g_autofree char *free_bytes = cli_format_bytes (available);
  line ("File", "%s", info->path);
  line ("Name", "%s", info->name);
  line ("Architecture", "%s, a %s", info->architecture, role_names[info->role]);
  line ("Weights", "%.1f million parameters, mostly %s, %s", info->n_parameters / 1e6,
        info->quantisation, weights);
  line ("Shape", "%u layers, %u wide, %u heads (%u for keys and values), feed-forward %u",
        info->n_layer, info->n_embd, info->n_head, info->n_head_kv, info->n_ff);
  line ("Context", "%u positions", info->n_ctx_train);
  if (info->kv_bytes_per_token > 0)
    {
      line ("Memory of text", "%s for 1,000 tokens in f16; %s for a context of %u", kv, kv_all,
            memory->n_ctx);
      line ("To work in", "%s", work);
    }
  line ("Tokenizer", "%s, %u entries", info->tokenizer, info->n_vocab);
  if (info->role == ENGINE_ROLE_GENERATOR)
    line ("Chat format", "%s", info->chat_format != NULL ? info->chat_format : "unknown");
  if (available > 0)
    line ("Fits", "%s: needs %s, %s are available", memory->total_bytes <= available ? "yes" : "no",
          needed, free_bytes);
}

CliExit cli_models_inspect (const CliOptions *options, int argc, char **argv)
{
  if (n_ctx < 0)
    return cli_usage ("models inspect", "--context takes a number from 1, not %d", n_ctx);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  if (model == NULL)
    return cli_fail (error);
  const EngineModelInfo *info = engine_model_info (model);
  if ((guint)n_ctx > info->n_ctx_train)
    return cli_usage ("models inspect", "--context is at most %u for this model, not %d",
                      info->n_ctx_train, n_ctx);
  const guint64 available = cli_memory_available (options);
  const EngineSessionOptions session = cli_session_options (options, n_ctx);
  EngineMemory memory;
  engine_session_memory (model, &session, &memory);
  if (options->json)
    inspect_json (info, &memory, available);
  else
    inspect_text (info, &memory, available);
  return CLI_DONE;
}

/* ---- convert ---- */

static char *type;

const GOptionEntry cli_models_convert_options[] = {
  { "type", 0, 0, G_OPTION_ARG_FILENAME, &type, "F32, F16 (the default) or Q8_0 for the matrices",
    "TYPE" },
  { NULL },
};

CliExit cli_models_convert (const CliOptions *options, int argc, char **argv)
{
  static const char *const types[] = { "F32", "F16", "Q8_0", NULL };
  g_autofree char *upper = g_ascii_strup (type != NULL ? type : "F16", -1);
  if (!g_strv_contains (types, upper))
    return cli_usage ("models convert", "--type is F32, F16 or Q8_0, not “%s”", type);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  g_autoptr (GError) error = NULL;
  const gboolean ok = engine_convert (argv[0], argv[1], upper, cli_models_on_file, progress, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_string (json, "path", argv[1]);
      cli_json_string (json, "type", upper);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  else if (!options->quiet)
    {
      g_autofree char *path = cli_short_path (argv[1]);
      printf ("Wrote %s (%s)\n", path, upper);
    }
  return CLI_DONE;
}

/* ---- tokenize ---- */

static gboolean add_special, parse_special;

const GOptionEntry cli_models_tokenize_options[] = {
  { "add-special", 0, 0, G_OPTION_ARG_NONE, &add_special,
    "with the tokens that begin and end a text for this model", NULL },
  { "parse-special", 0, 0, G_OPTION_ARG_NONE, &parse_special,
    "markers such as <|im_end|> in the text become that token", NULL },
  { NULL },
};

#define MAX_TEXT_BYTES (64 * 1000 * 1000)

CliExit cli_models_tokenize (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) model = cli_models_open (options, argv[0], &error);
  if (model == NULL)
    return cli_fail (error);
  g_autoptr (GBytes) bytes = cli_read_stdin (MAX_TEXT_BYTES, "the text", &error);
  if (bytes == NULL)
    return cli_fail (error);
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  const EngineTokenizeFlags flags = (add_special ? ENGINE_TOKENIZE_ADD_SPECIAL : 0)
                                    | (parse_special ? ENGINE_TOKENIZE_PARSE_SPECIAL : 0);
  if (!engine_tokenize (model, text != NULL ? text : "", length, flags, tokens, &error))
    return cli_fail (error);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_array (json, "ids");
  for (guint i = 0; i < tokens->len; i++)
    {
      cli_json_int (json, NULL, g_array_index (tokens, gint32, i));
      if (!options->json)
        printf ("%s%d", i > 0 ? " " : "", g_array_index (tokens, gint32, i));
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
  if (options->json)
    cli_json_print (json);
  else
    putchar ('\n');
  return CLI_DONE;
}

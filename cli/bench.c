/* docent bench: how fast this machine reads and writes with the chosen models, and how close that
 * is to what its memory and processor allow.
 *
 * Models that are not there are left out; the machine is measured all the same. */
#include <unistd.h>

#include "cli-private.h"
#include "engine/engine.h"
#include "models-private.h"

static gboolean on_progress (gsize done, gsize total, gpointer user_data)
{
  cli_progress_count (user_data, "measuring", done, total);
  return !g_cancellable_is_cancelled (cli_cancellable ("stopping"));
}

static void print_json (const EngineBench *bench, const char *model, const char *encoder)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "isa", engine_isa ());
  cli_json_int (json, "threads", bench->n_threads);
  cli_json_string (json, "model", model);
  cli_json_string (json, "encoder", encoder);
  cli_json_double (json, "prefill_tps", bench->prefill_tps);
  cli_json_double (json, "decode_tps", bench->decode_tps);
  cli_json_double (json, "encode_tps", bench->encode_tps);
  cli_json_double (json, "read_gbps", bench->read_gbps);
  cli_json_double (json, "gemm_gflops", bench->gemm_gflops);
  cli_json_double (json, "decode_of_roofline", bench->decode_of_roofline);
  cli_json_double (json, "prefill_of_peak", bench->prefill_of_peak);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_text (const EngineBench *bench, const char *model, const char *encoder)
{
  printf ("Machine    %s kernels, %u threads\n"
          "Memory     %.1f GB/s read\n"
          "Products   %.0f GFLOP/s\n",
          engine_isa (), bench->n_threads, bench->read_gbps, bench->gemm_gflops);
  if (model != NULL)
    printf ("Generator  %s\n"
            "  reads    %.1f tokens/s (%.0f %% of the best product measured)\n"
            "  writes   %.1f tokens/s (%.0f %% of what the memory allows)\n",
            model, bench->prefill_tps, 100 * bench->prefill_of_peak, bench->decode_tps,
            100 * bench->decode_of_roofline);
  if (encoder != NULL)
    printf ("Encoder    %s\n"
            "  reads    %.1f tokens/s\n",
            encoder, bench->encode_tps);
}

typedef gboolean (*ChooseFunc) (const RagOptions *options, char **ret_path, char **ret_reason,
                                GError **error);

/* The model that docent would use, as CHOOSE says; NULL with ERROR unset when none is fetched and
 * none was ASKED for. */
static EngineModel *open_chosen (const CliOptions *options, ChooseFunc choose, const char *asked,
                                 GError **error)
{
  const RagOptions rag_options = cli_rag_options (options);
  g_autofree char *path = NULL;
  g_autofree char *reason = NULL;
  g_autoptr (GError) missing = NULL;
  if (choose (&rag_options, &path, &reason, &missing))
    return engine_model_open (path, error);
  if (asked != NULL)
    g_propagate_error (error, g_steal_pointer (&missing));
  else
    cli_note (options, "Not measured: %s", missing->message);
  return NULL;
}

static char *model_name (EngineModel *model)
{
  if (model == NULL)
    return NULL;
  g_autofree char *base = g_path_get_basename (engine_model_info (model)->path);
  return cli_escape_line (base);
}

CliExit cli_bench (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngineModel) generator = open_chosen (options, rag_choose_generator, options->model, &error);
  if (error != NULL)
    return cli_fail (error);
  g_autoptr (EngineModel) encoder = open_chosen (options, rag_choose_encoder, options->encoder, &error);
  if (error != NULL)
    return cli_fail (error);
  g_autoptr (CliProgress) progress = cli_progress_new (options);
  EngineBench bench;
  const EngineSessionOptions session = cli_session_options (options, 0);
  const gboolean ok
      = engine_bench (generator, encoder, &session, on_progress, progress, &bench, &error);
  cli_progress_clear (progress);
  if (!ok)
    return cli_fail (error);
  g_autofree char *model = model_name (generator);
  g_autofree char *encoder_name = model_name (encoder);
  if (options->json)
    print_json (&bench, model, encoder_name);
  else
    print_text (&bench, model, encoder_name);
  return CLI_DONE;
}

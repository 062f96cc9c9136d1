/* docent backup DIR: a complete, checked copy of the library, made while it is in use. */
#include "cli-private.h"

CliExit cli_backup (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL || !rag_backup (rag, argv[0], &error))
    return cli_fail (error);
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_string (json, "backup", argv[0]);
      cli_json_bool (json, "verified", TRUE);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  else
    cli_note (options, "The backup is complete and intact.");
  return CLI_DONE;
}

/* docent tag TAG PATH…: marks documents, so that searches can be kept to them.
 *
 * A path is a document's or a folder's: then all documents below it are meant. */
#include "cli-private.h"

static gboolean take_off;

const GOptionEntry cli_tag_options[] = {
  { "remove", 0, 0, G_OPTION_ARG_NONE, &take_off, "take the tag off", NULL },
  { NULL },
};

/* The path of the document that NAME means, or NAME itself when it is a folder. */
static char *path_of (Rag *rag, const char *name)
{
  g_autoptr (RagDocument) document = rag_find (rag, name, NULL);
  return g_strdup (document != NULL ? document->path : name);
}

CliExit cli_tag (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  guint n_documents = 0;
  if (rag == NULL)
    return cli_fail (error);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *path = path_of (rag, argv[i]);
      guint n;
      if (!rag_set_tag (rag, path, argv[0], !take_off, &n, &error))
        return cli_fail (error);
      if (n == 0)
        cli_warn ("no document “%s” is in the library", argv[i]);
      n_documents += n;
    }
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_string (json, "tag", argv[0]);
      cli_json_int (json, "documents", n_documents);
      json_builder_end_object (json);
      cli_json_print (json);
    }
  else
    {
      g_autofree char *n = cli_format_plural (n_documents, "document", "documents");
      cli_note (options, take_off ? "Taken off %s." : "Put on %s.", n);
    }
  return n_documents > 0 ? CLI_DONE : CLI_REFUSED;
}

/* docent forget DOCUMENT…: removes documents from the library so that nothing of them stays.
 *
 * The files themselves are never touched. All names are looked up before the first document is
 * removed, so that a typing mistake removes nothing. The receipt says what is gone. */
#include <unistd.h>

#include "cli-private.h"

static gboolean yes;

const GOptionEntry cli_forget_options[] = {
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL },
  { NULL },
};

static GPtrArray *find_all (Rag *rag, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) documents
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_document_free);
  for (int i = 0; i < argc; i++)
    {
      RagDocument *document = rag_find (rag, argv[i], error);
      if (document == NULL)
        return NULL;
      gboolean twice = FALSE;
      for (guint d = 0; d < documents->len; d++)
        twice |= g_str_equal (((RagDocument *)g_ptr_array_index (documents, d))->path,
                              document->path);
      if (twice)
        rag_document_free (document);
      else
        g_ptr_array_add (documents, document);
    }
  return g_steal_pointer (&documents);
}

static gboolean confirm (const GPtrArray *documents)
{
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *path = cli_short_path (document->path);
      fprintf (stderr, "  %s (%u pages)\n", path, document->n_pages);
    }
  g_autofree char *n = cli_format_plural (documents->len, "document", "documents");
  g_autofree char *question = g_strdup_printf ("Forget %s? The files stay on the disk.", n);
  return cli_confirm (question);
}

static void print_receipt (const CliOptions *options, const GPtrArray *forgotten)
{
  if (options->json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      cli_json_object (json, NULL);
      cli_json_array (json, "forgotten");
      for (guint i = 0; i < forgotten->len; i++)
        {
          cli_json_object (json, NULL);
          cli_json_document (json, g_ptr_array_index (forgotten, i));
          json_builder_end_object (json);
        }
      json_builder_end_array (json);
      json_builder_end_object (json);
      cli_json_print (json);
      return;
    }
  for (guint i = 0; i < forgotten->len && !options->quiet; i++)
    {
      const RagDocument *document = g_ptr_array_index (forgotten, i);
      g_autofree char *path = cli_short_path (document->path);
      g_autofree char *pages = cli_format_plural (document->n_pages, "page", "pages");
      g_autofree char *chunks = cli_format_plural (document->n_chunks, "passage", "passages");
      printf ("Forgotten: %s (%s, %s, SHA-256 %.16s…)\n", path, pages, chunks,
              document->sha256 != NULL ? document->sha256 : "unknown");
    }
}

CliExit cli_forget (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (GPtrArray) documents = find_all (rag, argc, argv, &error);
  if (documents == NULL)
    return cli_fail (error);
  if (!yes && isatty (STDIN_FILENO) && !confirm (documents))
    {
      cli_note (options, "Nothing was forgotten.");
      return CLI_FAILED;
    }
  g_autoptr (GPtrArray) forgotten = g_ptr_array_new ();
  for (guint i = 0; i < documents->len; i++)
    {
      if (!rag_forget (rag, g_ptr_array_index (documents, i), &error))
        {
          print_receipt (options, forgotten);
          return cli_fail (error);
        }
      g_ptr_array_add (forgotten, g_ptr_array_index (documents, i));
    }
  print_receipt (options, forgotten);
  return CLI_DONE;
}

/* docent list: which documents are in the library, and which could not be read. */
#include "cli-private.h"

static gboolean failed_only;

const GOptionEntry cli_list_options[] = {
  { "failed", 0, 0, G_OPTION_ARG_NONE, &failed_only, "only those that could not be read, and why",
    NULL },
  CLI_SCOPE_OPTIONS,
  { NULL },
};

static void print_json (const GPtrArray *documents)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_array (json, "documents");
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      cli_json_object (json, NULL);
      cli_json_document (json, document);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_failed (const CliOptions *options, const GPtrArray *documents)
{
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *path = cli_short_path (document->path);
      printf ("%s\n", path);
      cli_print_wrapped (options, 4, CLI_PLAIN, document->failure);
    }
}

static void print_table (const CliOptions *options, const GPtrArray *documents)
{
  g_autoptr (CliTable) table
      = cli_table_new ("~Document|~Title|<Collection|>Pages|>Passages|>Size|<Added");
  guint n_failed = 0;
  guint64 pages = 0;
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *base = g_path_get_basename (document->path);
      g_autofree char *n_pages = cli_format_count (document->n_pages);
      g_autofree char *n_chunks = cli_format_count (document->n_chunks);
      g_autofree char *size = cli_format_bytes (document->size_bytes);
      g_autoptr (GDateTime) added = g_date_time_new_from_unix_local (document->added_at);
      g_autofree char *date
          = added != NULL ? g_date_time_format (added, "%Y-%m-%d") : g_strdup ("");
      const char *title = document->failure != NULL ? "(could not be read)" : document->title;
      cli_table_add (table, options->verbose ? document->path : base, title != NULL ? title : "",
                     document->collection, n_pages, n_chunks, size, date, NULL);
      n_failed += document->failure != NULL;
      pages += document->n_pages;
    }
  cli_table_print (table, options);
  if (options->quiet)
    return;
  g_autofree char *n = cli_format_plural (documents->len, "document", "documents");
  g_autofree char *n_pages = cli_format_plural (pages, "page", "pages");
  printf ("\n%s, %s", n, n_pages);
  if (n_failed > 0)
    printf ("; %u could not be read (docent list --failed)", n_failed);
  puts ("");
}

CliExit cli_list (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open_scoped (options, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (GPtrArray) documents = rag_list (rag, options->collection, &error);
  if (documents == NULL)
    return cli_fail (error);
  for (guint i = documents->len; failed_only && i > 0; i--)
    if (((RagDocument *)g_ptr_array_index (documents, i - 1))->failure == NULL)
      g_ptr_array_remove_index (documents, i - 1);
  if (options->json)
    print_json (documents);
  else if (documents->len == 0)
    puts (failed_only                   ? "Every document could be read."
          : options->collection != NULL ? "There is no document in this collection."
                                        : "The library is empty; docent add PATH fills it.");
  else if (failed_only)
    print_failed (options, documents);
  else
    print_table (options, documents);
  return CLI_DONE;
}

/* docent collection list|allow|deny|private|public: which collections there are, which roles may
 * read them, and of which nothing that is asked may be kept.
 *
 * Whoever opens the library with --as ROLE sees the collections that allow ROLE, and no trace of
 * the others. Without --as everything is seen. */
#include "cli-private.h"

static void collection_members (JsonBuilder *json, gconstpointer element)
{
  const RagCollection *collection = element;
  cli_json_string (json, "collection", collection->name);
  cli_json_int (json, "documents", collection->n_documents);
  cli_json_int (json, "chunks", collection->n_chunks);
  cli_json_array (json, "readers");
  for (char **reader = collection->readers; *reader != NULL; reader++)
    json_builder_add_string_value (json, *reader);
  json_builder_end_array (json);
  cli_json_bool (json, "private", collection->is_private);
}

static void print_json (const GPtrArray *collections)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_objects (json, "collections", collections, collection_members);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_table (const CliOptions *options, const GPtrArray *collections)
{
  g_autoptr (CliTable) table = cli_table_new ("~Collection|>Documents|>Passages|<Kept|~Readers");
  for (guint i = 0; i < collections->len; i++)
    {
      const RagCollection *collection = g_ptr_array_index (collections, i);
      g_autofree char *n_documents = cli_format_count (collection->n_documents);
      g_autofree char *n_chunks = cli_format_count (collection->n_chunks);
      g_autofree char *readers = g_strjoinv (", ", collection->readers);
      cli_table_add (table, collection->name, n_documents, n_chunks,
                     collection->is_private ? "nothing" : "questions", readers, NULL);
    }
  cli_table_print (table, options);
}

static CliExit list_collections (const CliOptions *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  g_autoptr (GPtrArray) collections = rag != NULL ? rag_list_collections (rag, &error) : NULL;
  if (collections == NULL)
    return cli_fail (error);
  if (options->json)
    print_json (collections);
  else
    print_table (options, collections);
  return CLI_DONE;
}

static CliExit set_readers (const CliOptions *options, char **argv, gboolean may_read)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  for (char **role = argv + 1; *role != NULL; role++)
    if (!rag_set_reader (rag, argv[0], *role, may_read, &error))
      return cli_fail (error);
  return CLI_DONE;
}

static CliExit allow (const CliOptions *options, int argc, char **argv)
{
  return set_readers (options, argv, TRUE);
}

static CliExit deny (const CliOptions *options, int argc, char **argv)
{
  return set_readers (options, argv, FALSE);
}

static CliExit set_private (const CliOptions *options, char **argv, gboolean is_private)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL)
    return cli_fail (error);
  for (char **name = argv; *name != NULL; name++)
    if (!rag_set_private (rag, *name, is_private, &error))
      return cli_fail (error);
  return CLI_DONE;
}

static CliExit make_private (const CliOptions *options, int argc, char **argv)
{
  return set_private (options, argv, TRUE);
}

static CliExit make_public (const CliOptions *options, int argc, char **argv)
{
  return set_private (options, argv, FALSE);
}

const CliCommand cli_collection_commands[] = {
  { "list", "", "show the collections and who may read them", 0, 0, NULL, list_collections, NULL },
  { "allow", "COLLECTION ROLE…", "let roles read a collection", 2, G_MAXUINT, NULL, allow, NULL },
  { "deny", "COLLECTION ROLE…", "let roles read a collection no more", 2, G_MAXUINT, NULL, deny,
    NULL },
  { "private", "COLLECTION…", "keep nothing of what is asked of a collection", 1, G_MAXUINT, NULL,
    make_private, NULL },
  { "public", "COLLECTION…", "keep what is asked of a collection, as of the others", 1, G_MAXUINT,
    NULL, make_public, NULL },
  { NULL },
};

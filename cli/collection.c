/* docent collection list|allow|deny|private|public|embargo|lift: which collections there are, which
 * roles may read them, of which nothing that is asked may be kept, and of which no digest may tell
 * yet.
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
  cli_json_int (json, "embargo_until", collection->embargo_until);
}

/* "2026-12-01 06:00" while it holds, "" otherwise. */
static char *embargo_text (const RagCollection *collection)
{
  if (collection->embargo_until <= g_get_real_time () / G_USEC_PER_SEC)
    return g_strdup ("");
  g_autoptr (GDateTime) until = g_date_time_new_from_unix_local (collection->embargo_until);
  return g_date_time_format (until, "%Y-%m-%d %H:%M");
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
  g_autoptr (CliTable) table
      = cli_table_new ("~Collection|>Documents|>Passages|<Kept|~Readers|<Embargo until");
  for (guint i = 0; i < collections->len; i++)
    {
      const RagCollection *collection = g_ptr_array_index (collections, i);
      g_autofree char *n_documents = cli_format_count (collection->n_documents);
      g_autofree char *n_chunks = cli_format_count (collection->n_chunks);
      g_autofree char *readers = g_strjoinv (", ", collection->readers);
      g_autofree char *embargo = embargo_text (collection);
      cli_table_add (table, collection->name, n_documents, n_chunks,
                     collection->is_private ? "nothing" : "questions", readers, embargo, NULL);
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

static CliExit set_embargo (const CliOptions *options, const char *collection, gint64 until)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_WRITE, &error);
  if (rag == NULL || !rag_set_embargo (rag, collection, until, &error))
    return cli_fail (error);
  return CLI_DONE;
}

/* "2026-12-01", "2026-12-01 06:00" or "2026-12-01T06:00" in local time; 0: it is none. */
static gint64 parse_moment (const char *text)
{
  int year, month, day, hour = 0, minute = 0, end = 0;
  if (sscanf (text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3)
    return 0;
  const char *time = text + end;
  end = 0;
  if (*time != '\0'
      && (sscanf (time, "%*1[T ]%2d:%2d%n", &hour, &minute, &end) != 2 || time[end] != '\0'))
    return 0;
  g_autoptr (GDateTime) moment = g_date_time_new_local (year, month, day, hour, minute, 0);
  return moment != NULL ? g_date_time_to_unix (moment) : 0;
}

static CliExit embargo (const CliOptions *options, int argc, char **argv)
{
  const gint64 until = parse_moment (argv[1]);
  if (until <= 0)
    return cli_usage ("collection embargo",
                      "an embargo ends at a time such as 2026-12-01 or 2026-12-01T06:00, not “%s”",
                      argv[1]);
  return set_embargo (options, argv[0], until);
}

static CliExit lift (const CliOptions *options, int argc, char **argv)
{
  return set_embargo (options, argv[0], g_get_real_time () / G_USEC_PER_SEC);
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
  { "embargo", "COLLECTION DATE", "let no digest tell of a collection before then", 2, 2, NULL,
    embargo, NULL },
  { "lift", "COLLECTION", "end the embargo now", 1, 1, NULL, lift, NULL },
  { NULL },
};

/* docent search QUERY…: the passages that fit best, with document and page, best first.
 *
 * Needs no language model; without an encoder it still finds by words. */
#include <string.h>

#include "cli-private.h"

static int limit = 10;
static char *mode_name;

const GOptionEntry cli_search_options[] = {
  { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, "show at most N passages (default: 10)", "N" },
  { "mode", 0, 0, G_OPTION_ARG_FILENAME, &mode_name,
    "compare by lexical (words), dense (meaning) or hybrid (both; the default)", "MODE" },
  CLI_SCOPE_OPTIONS,
  CLI_SECTION_OPTION,
  { NULL },
};

static const char *const mode_names[] = {
  [RAG_SEARCH_HYBRID] = "hybrid",
  [RAG_SEARCH_LEXICAL] = "lexical",
  [RAG_SEARCH_DENSE] = "dense",
};

static gboolean parse_mode (const char *name, RagSearchMode *ret_mode)
{
  for (guint i = 0; i < G_N_ELEMENTS (mode_names); i++)
    if (name == NULL || strcmp (name, mode_names[i]) == 0)
      {
        *ret_mode = i;
        return TRUE;
      }
  return FALSE;
}

static void print_json (const char *query, RagSearchMode mode, const RagSearchResult *result)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "query", query);
  cli_json_string (json, "mode", mode_names[mode]);
  cli_json_hits (json, "hits", result->hits);
  cli_json_coverage (json, &result->coverage);
  cli_json_object (json, "timings_ms");
  cli_json_double (json, "encode", result->encode_ms);
  cli_json_double (json, "search", result->search_ms);
  cli_json_double (json, "total", result->total_ms);
  json_builder_end_object (json);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_text (const CliOptions *options, const RagSearchResult *result)
{
  for (guint i = 0; i < result->hits->len; i++)
    {
      const RagHit *hit = g_ptr_array_index (result->hits, i);
      printf ("%3u  ", i + 1);
      cli_print_hit_title (options, hit, 5);
      cli_print_passage (options, hit, 5, TRUE);
      putchar ('\n');
    }
  if (result->hits->len == 0)
    puts ("Nothing was found.");
  g_autofree char *coverage = cli_coverage_line (options, &result->coverage);
  if (!options->quiet)
    cli_print_wrapped (options, 0, CLI_DIM, coverage);
  if (options->verbose)
    printf ("Encoded in %.0f ms, searched in %.0f ms, %.0f ms in all.\n", result->encode_ms,
            result->search_ms, result->total_ms);
}

CliExit cli_search (const CliOptions *options, int argc, char **argv)
{
  RagSearchMode mode;
  if (!parse_mode (mode_name, &mode))
    return cli_usage ("search", "--mode is lexical, dense or hybrid, not “%s”", mode_name);
  if (limit < 1 || limit > 1000)
    return cli_usage ("search", "--limit takes a number from 1 to 1000, not %d", limit);
  g_autoptr (GError) error = NULL;
  g_autofree char *given = cli_read_question (argc, argv, &error);
  if (given == NULL)
    return cli_fail (error);
  g_autofree char *query = cli_take_scope (given);
  if (*query == '\0')
    return cli_usage ("search", "the query is empty");
  g_autoptr (Rag) rag = cli_open_scoped (options, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (RagSearchResult) result
      = rag_search (rag, query, mode, limit, options->collection, &error);
  if (result == NULL)
    return cli_fail (error);
  if (options->json)
    print_json (query, mode, result);
  else
    print_text (options, result);
  return result->hits->len > 0 ? CLI_DONE : CLI_REFUSED;
}

/* Options that keep a command to a part of the library, and the same words in front of a query. */
#include "cli-private.h"

RagScope cli_scope;

char *cli_take_scope (const char *query)
{
  return rag_scope_take (query, &cli_scope);
}

Rag *cli_open_scoped (const CliOptions *options, GError **error)
{
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, error);
  if (rag == NULL || !rag_set_scope (rag, &cli_scope, error))
    return NULL;
  return g_steal_pointer (&rag);
}

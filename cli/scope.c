/* Options that keep a command to a part of the library, and the same words in front of a query. */
#include "cli-private.h"

RagScope cli_scope;

char *cli_take_scope (const char *query)
{
  return rag_scope_take (query, &cli_scope);
}

gboolean cli_set_scope (Rag *rag, const RagScope *own, GError **error)
{
  RagScope scope = *own; /* shares the strings */
  char **text;
  for (guint i = 0; (text = rag_scope_field (&scope, i, NULL)) != NULL; i++)
    if (*text == NULL)
      *text = *rag_scope_field (&cli_scope, i, NULL);
  return rag_set_scope (rag, &scope, error);
}

Rag *cli_open_scoped (const CliOptions *options, GError **error)
{
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, error);
  if (rag == NULL || !rag_set_scope (rag, &cli_scope, error))
    return NULL;
  return g_steal_pointer (&rag);
}

/* Options that keep a command to a part of the library, and the same words in front of a query. */
#include "cli-private.h"

RagScope cli_scope;

char *cli_take_scope (const char *query)
{
  return rag_scope_take (query, &cli_scope);
}

gboolean cli_set_scope (Rag *rag, const RagScope *own, GError **error)
{
  const RagScope scope = {
    .collection = own->collection != NULL ? own->collection : cli_scope.collection,
    .folder = own->folder != NULL ? own->folder : cli_scope.folder,
    .language = own->language != NULL ? own->language : cli_scope.language,
    .tag = own->tag != NULL ? own->tag : cli_scope.tag,
    .section = own->section != NULL ? own->section : cli_scope.section,
    .after = own->after != NULL ? own->after : cli_scope.after,
    .before = own->before != NULL ? own->before : cli_scope.before,
  };
  return rag_set_scope (rag, &scope, error);
}

Rag *cli_open_scoped (const CliOptions *options, GError **error)
{
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, error);
  if (rag == NULL || !rag_set_scope (rag, &cli_scope, error))
    return NULL;
  return g_steal_pointer (&rag);
}

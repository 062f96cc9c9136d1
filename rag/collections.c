/* Collections, who may read them, and tags: index's calls in this room's terms. */
#include "rag/digest-private.h"
#include "rag/golden-private.h"
#include "rag/saved-private.h"

void rag_collection_free (RagCollection *collection)
{
  if (collection == NULL)
    return;
  g_free (collection->name);
  g_strfreev (collection->readers);
  g_free (collection);
}

GPtrArray *rag_list_collections (Rag *rag, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GHashTable) embargoes = rag_embargoes (rag, error);
  if (embargoes == NULL)
    return NULL;
  g_autoptr (GPtrArray) found = index_list_collections (rag->index, &inner);
  if (found == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  GPtrArray *collections = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_collection_free);
  for (guint i = 0; i < found->len; i++)
    {
      const IndexCollection *from = g_ptr_array_index (found, i);
      RagCollection *collection = g_new0 (RagCollection, 1);
      collection->name = g_strdup (from->name);
      collection->n_documents = from->n_documents;
      collection->n_chunks = from->n_chunks;
      collection->readers = g_strdupv (from->readers);
      collection->is_private = from->is_private;
      collection->embargo_until = rag_embargo_of (embargoes, from->name);
      g_ptr_array_add (collections, collection);
    }
  return collections;
}

gboolean rag_set_reader (Rag *rag, const char *collection, const char *role, gboolean may_read,
                         GError **error)
{
  GError *inner = NULL;
  if (!index_set_reader (rag->index, collection, role, may_read, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* What was asked of COLLECTION before, or of everything and answered from it. */
static gboolean forget_kept (Rag *rag, const char *collection, GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = { .collection = collection };
  g_autoptr (GPtrArray) documents = index_list_documents (rag->index, &scope, &inner);
  if (documents == NULL)
    return rag_translate_error (error, inner);
  for (guint i = 0; i < documents->len; i++)
    if (!rag_feedback_forget (rag, ((IndexDocument *)g_ptr_array_index (documents, i))->path, error))
      return FALSE;
  return rag_digest_forget (rag, documents, error)
         && rag_saved_forget_collection (rag, collection, documents, error);
}

gboolean rag_set_private (Rag *rag, const char *collection, gboolean is_private, GError **error)
{
  GError *inner = NULL;
  if (is_private && !forget_kept (rag, collection, error))
    return FALSE;
  if (!index_set_private (rag->index, collection, is_private, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

gboolean rag_is_private (Rag *rag, const char *collection)
{
  const IndexScope scope = rag_index_scope (rag, collection);
  gboolean is_private;
  return rag->keep_nothing || !index_has_private (rag->index, scope.collection, &is_private, NULL)
         || is_private;
}

gboolean rag_set_tag (Rag *rag, const char *path, const char *tag, gboolean tagged,
                      guint *ret_n_documents, GError **error)
{
  GError *inner = NULL;
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  if (!index_set_tag (rag->index, absolute, tag, tagged, ret_n_documents, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

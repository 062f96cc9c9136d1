/* Holds an evaluation's texts as long as it runs: a library like any other, in a folder that only
 * this user can read and that is removed at the end. Texts come from memory instead of files; from
 * chunking on, they go the way that documents go. */
#include "rag/eval-private.h"

#include <string.h>

gboolean rag_temp_library_open (const RagOptions *options, RagTempLibrary *ret_library,
                                GError **error)
{
  GError *inner = NULL;
  g_autofree char *dir = g_dir_make_tmp ("docent-eval-XXXXXX", &inner);
  if (dir == NULL)
    return rag_translate_error (error, inner);
  RagOptions own = *options;
  own.library_dir = dir;
  Rag *rag = rag_open (&own, RAG_WRITE, error);
  if (rag == NULL)
    {
      rag_remove_tree (dir);
      return FALSE;
    }
  ret_library->rag = rag;
  ret_library->dir = g_steal_pointer (&dir);
  return TRUE;
}

void rag_temp_library_clear (RagTempLibrary *library)
{
  g_clear_pointer (&library->rag, rag_close);
  if (library->dir == NULL)
    return;
  rag_remove_tree (library->dir);
  g_clear_pointer (&library->dir, g_free);
}

/* One page, one paragraph. */
static IngestDocument *document_of (const char *title, const char *text)
{
  IngestDocument *document = g_new0 (IngestDocument, 1);
  document->title = g_strdup (title);
  document->mime_type = g_strdup ("text/plain");
  document->language = g_strdup (rag_language_code (rag_detect_language (text)));
  document->text = g_strdup (text);
  document->text_length = strlen (text);
  document->pages = g_array_new (FALSE, TRUE, sizeof (IngestPage));
  document->blocks = g_array_new (FALSE, TRUE, sizeof (IngestBlock));
  IngestPage page = { .end = document->text_length, .quality = 1 };
  IngestBlock block = { .kind = INGEST_BLOCK_PARAGRAPH, .page = 1, .end = document->text_length };
  g_array_append_val (document->pages, page);
  g_array_append_val (document->blocks, block);
  return document;
}

gboolean rag_temp_library_add (RagTempLibrary *library, const char *path, const char *title,
                               const char *text, GCancellable *cancellable, GError **error)
{
  guint n_chunks;
  g_autoptr (IngestDocument) document = document_of (title, *text != '\0' ? text : title);
  const IndexDocument meta = { .path = (char *)path,
                               .title = document->title,
                               .mime_type = document->mime_type,
                               .language = document->language,
                               .collection = (char *)"default",
                               .sha256 = (char *)"",
                               .size_bytes = document->text_length,
                               .n_pages = 1 };
  return rag_store_document (library->rag, document, &meta, TRUE, NULL, NULL, cancellable,
                             &n_chunks, error);
}

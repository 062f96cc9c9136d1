/* Puts one document into the library: the step between reading and searching.
 *
 * In comes what ingest read, out goes one transaction with its chunks and vectors. Chunks that the
 * library knows from an earlier version of the file keep their vectors; the others are encoded in
 * batches, longest path of the whole program, so this is where stopping is listened to. */
#include "rag/rag-private.h"

#include <string.h>

/* Enough texts for the encoder to sort by length, few enough to stop within a second. */
#define BATCH 32
/* Left of the encoder's window for the title that is put before a chunk. */
#define TITLE_TOKENS 24

static gsize count_tokens (const char *text, gssize length, gpointer user_data)
{
  return engine_count_tokens (user_data, text, length);
}

static GPtrArray *chunk (Rag *rag, const IngestDocument *document)
{
  IngestChunkOptions options = { 0 };
  if (rag->encoder != NULL)
    {
      guint window = engine_encoder_window (rag->encoder);
      options.max_tokens = window > 4 * TITLE_TOKENS ? window - TITLE_TOKENS : window;
      options.max_tokens = MIN (options.max_tokens, 230);
      options.target_tokens = MIN (160, options.max_tokens);
      options.count = count_tokens;
      options.user_data = rag->encoder_model;
    }
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, &options);
  return rag_split_at_pages (document, chunks);
}

char *rag_text_to_encode (const char *title, const char *section, const char *text)
{
  const char *heading = section != NULL && *section != '\0' ? section : title;
  if (heading == NULL || *heading == '\0')
    return g_strdup (text);
  return g_strconcat (heading, "\n", text, NULL);
}

static void describe_chunk (const IngestDocument *document, const IngestChunk *from,
                            IndexChunk *ret_chunk)
{
  const guint n_pages = document->pages->len;
  const IngestPage *pages = (const IngestPage *)document->pages->data;
  *ret_chunk = (IndexChunk){
    .id = from->id,
    .text = from->text,
    .section = from->section,
    .first_page = from->first_page,
    .last_page = from->last_page,
    .first_label = from->first_page - 1 < n_pages ? pages[from->first_page - 1].label : NULL,
    .last_label = from->last_page - 1 < n_pages ? pages[from->last_page - 1].label : NULL,
    .start = (gint64)from->start,
    .end = (gint64)from->end,
    .box = { from->box.x0, from->box.y0, from->box.x1, from->box.y1 },
    .language = from->language,
    .flags = (from->hidden ? INDEX_CHUNK_HIDDEN : 0) | (from->ocr ? INDEX_CHUNK_OCR : 0),
  };
}

typedef struct
{
  RagEncodeProgress progress;
  gpointer user_data;
  GCancellable *cancellable;
} Listener;

/* Fills the rows of VECTORS [n, dimension] that are not FOUND. */
static gboolean encode_missing (Rag *rag, const IndexDocument *meta, const GPtrArray *chunks,
                                const gboolean *found, float *vectors, const Listener *listener,
                                GError **error)
{
  guint dimension = engine_encoder_dimension (rag->encoder);
  g_autofree float *batch = g_new (float, (gsize)BATCH *dimension);
  for (guint next = 0; next < chunks->len;)
    {
      g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
      guint rows[BATCH];
      for (; next < chunks->len && texts->len < BATCH; next++)
        if (!found[next])
          {
            const IngestChunk *chunk_now = g_ptr_array_index (chunks, next);
            rows[texts->len] = next;
            g_ptr_array_add (texts, rag_text_to_encode (meta->title, chunk_now->section,
                                                        chunk_now->text));
          }
      GError *inner = NULL;
      if (texts->len > 0
          && !engine_encode (rag->encoder, ENGINE_TEXT_PASSAGE, (const char *const *)texts->pdata,
                             texts->len, batch, listener->cancellable, &inner))
        return rag_translate_error (error, inner);
      for (guint i = 0; i < texts->len; i++)
        memcpy (vectors + (gsize)rows[i] * dimension, batch + (gsize)i * dimension,
                dimension * sizeof (float));
      if (listener->progress != NULL)
        listener->progress (next, chunks->len, listener->user_data);
      if (g_cancellable_is_cancelled (listener->cancellable))
        {
          g_set_error (error, RAG_ERROR, RAG_ERROR_CANCELLED, "Stopped while reading %s",
                       meta->path);
          return FALSE;
        }
    }
  return TRUE;
}

/* [n, dimension], known rows from the index and the others from the encoder. */
static float *vectors_of (Rag *rag, const IndexDocument *meta, const GPtrArray *chunks,
                          const Listener *listener, GError **error)
{
  guint dimension = engine_encoder_dimension (rag->encoder);
  g_autofree float *vectors = g_new0 (float, MAX (1, (gsize)chunks->len * dimension));
  g_autofree gboolean *found = g_new0 (gboolean, MAX (1, chunks->len));
  g_autofree const char **ids = g_new0 (const char *, MAX (1, chunks->len));
  for (guint i = 0; i < chunks->len; i++)
    ids[i] = ((const IngestChunk *)g_ptr_array_index (chunks, i))->id;
  GError *inner = NULL;
  if (!index_known_vectors (rag->index, meta->path, ids, chunks->len, vectors, found, &inner))
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  if (!encode_missing (rag, meta, chunks, found, vectors, listener, error))
    return NULL;
  return g_steal_pointer (&vectors);
}

gboolean rag_store_document (Rag *rag, const IngestDocument *document, const IndexDocument *meta,
                             gboolean embed, RagEncodeProgress progress, gpointer user_data,
                             GCancellable *cancellable, guint *ret_n_chunks, GError **error)
{
  const Listener listener = { progress, user_data, cancellable };
  if (embed && !rag_need_encoder (rag, TRUE, error))
    return FALSE;
  g_autoptr (GPtrArray) chunks = chunk (rag, document);
  g_autofree IndexChunk *rows = g_new0 (IndexChunk, MAX (1, chunks->len));
  for (guint i = 0; i < chunks->len; i++)
    describe_chunk (document, g_ptr_array_index (chunks, i), &rows[i]);
  g_autofree float *vectors = NULL;
  if (embed && (vectors = vectors_of (rag, meta, chunks, &listener, error)) == NULL)
    return FALSE;
  GError *inner = NULL;
  if (!index_put_document (rag->index, meta, rows, chunks->len, vectors, &inner))
    return rag_translate_error (error, inner);
  *ret_n_chunks = chunks->len;
  return TRUE;
}

gboolean rag_store_failure (Rag *rag, const IndexDocument *meta, GError **error)
{
  GError *inner = NULL;
  if (!index_put_document (rag->index, meta, NULL, 0, NULL, &inner))
    return rag_translate_error (error, inner);
  return TRUE;
}

/* The morning digest: what is new, as stories of one to three checked sentences.
 *
 * In: the documents that came into the library since the last digest. Out: a brief. The path: take
 * each document's lead, group those that tell the same story (stories.c), put first what the reader
 * asks about and what no earlier digest told, have the model write and the gate check
 * (digest-write.c), name what was left out. A day's digest is made once; what arrives later waits for the next. */
#include "rag/digest-private.h"

#include <string.h>

#define LEAD_BYTES 600
#define CHUNKS_PER_DOCUMENT 6
/* Older digests say little about what a reader still remembers. */
#define EARLIER_DIGESTS 7
#define DAY_SECONDS (24 * 60 * 60)

/* ---- What is new ---- */

GPtrArray *rag_digest_chunks (Rag *rag, const RagDocument *document, GError **error)
{
  GError *inner = NULL;
  g_autoptr (IndexDocument) found = index_find_document (rag->index, document->path, &inner);
  GPtrArray *chunks
      = found != NULL ? index_document_chunks (rag->index, found->id, 0, 0, &inner) : NULL;
  if (inner != NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  if (chunks == NULL)
    chunks = g_ptr_array_new_with_free_func ((GDestroyNotify)index_hit_free);
  if (chunks->len > CHUNKS_PER_DOCUMENT)
    g_ptr_array_set_size (chunks, CHUNKS_PER_DOCUMENT);
  return chunks;
}

static RagNewsItem *item_new (Rag *rag, const RagDocument *document, GError **error)
{
  g_autoptr (GPtrArray) chunks = rag_digest_chunks (rag, document, error);
  if (chunks == NULL)
    return NULL;
  g_autoptr (GString) lead = g_string_new (document->title);
  for (guint i = 0; i < chunks->len && lead->len < LEAD_BYTES; i++)
    g_string_append_printf (lead, "\n%s", ((IndexHit *)g_ptr_array_index (chunks, i))->text);
  const char *end = g_utf8_find_prev_char (lead->str, lead->str + MIN (lead->len, LEAD_BYTES) + 1);
  if (lead->len > LEAD_BYTES && end != NULL)
    g_string_truncate (lead, end - lead->str);
  RagNewsItem *item = g_new0 (RagNewsItem, 1);
  item->document = document;
  item->lead = g_strdup (lead->str);
  item->forms = rag_word_set (lead->str, -1, rag_language_from_code (document->language));
  return item;
}

/* When DOCUMENT could be told of first. */
static gint64 released_at (const RagDocument *document, GHashTable *embargoes)
{
  return MAX (document->added_at, rag_embargo_of (embargoes, document->collection));
}

/* Paths of the documents that earlier digests told of. */
static GHashTable *told_before (const Rag *rag, const RagDigestOptions *options)
{
  GHashTable *told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) briefs
      = rag_digest_earlier (rag, options->collection, options->date, G_MAXUINT);
  for (guint b = 0; b < briefs->len; b++)
    {
      const GPtrArray *sections = ((RagBrief *)g_ptr_array_index (briefs, b))->sections;
      for (guint s = 0; s < sections->len; s++)
        {
          const GPtrArray *documents = ((RagSection *)g_ptr_array_index (sections, s))->documents;
          for (guint d = 0; d < documents->len; d++)
            g_hash_table_add (told, g_strdup (g_ptr_array_index (documents, d)));
        }
    }
  return told;
}

/* Elements: RagNewsItem*. Those that could not be read become notes. */
static GPtrArray *new_items (Rag *rag, const GPtrArray *documents, const RagDigestOptions *options,
                             gint64 since, RagBrief *brief, GError **error)
{
  g_autoptr (GHashTable) embargoes = rag_embargoes (rag, error);
  if (embargoes == NULL)
    return NULL;
  g_autoptr (GHashTable) told = NULL;
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_news_item_free);
  for (guint i = 0; i < documents->len; i++)
    {
      const RagDocument *document = g_ptr_array_index (documents, i);
      const gint64 released = released_at (document, embargoes);
      if (released <= since || released > brief->until)
        continue;
      /* The end of an embargo makes the whole collection new, what was told before it included. */
      const gboolean was_held = released > document->added_at;
      if (was_held && told == NULL)
        told = told_before (rag, options);
      if (was_held && g_hash_table_contains (told, document->path))
        continue;
      if (document->failure != NULL)
        {
          g_ptr_array_add (brief->notes, g_strdup_printf ("Not read: %s (%s).", document->path,
                                                          document->failure));
          continue;
        }
      RagNewsItem *item = item_new (rag, document, error);
      if (item == NULL)
        return NULL;
      g_ptr_array_add (items, item);
    }
  return g_steal_pointer (&items);
}

/* A feed that could not be read is never passed over in silence. */
static void note_failed_feeds (Rag *rag, const char *collection, RagBrief *brief)
{
  g_autoptr (GHashTable) embargoes = rag_embargoes (rag, NULL);
  g_autoptr (GPtrArray) feeds = rag->restricted ? NULL : rag_feed_list (rag, NULL);
  for (guint i = 0; feeds != NULL && i < feeds->len; i++)
    {
      const RagFeed *feed = rag_feed_at (feeds, i);
      const gboolean hidden
          = embargoes == NULL || rag_embargo_of (embargoes, feed->collection) > brief->until;
      if (feed->failure != NULL && !hidden
          && (collection == NULL || strcmp (collection, feed->collection) == 0))
        g_ptr_array_add (brief->notes, g_strdup_printf ("Feed not read: %s.", feed->failure));
    }
}

/* ---- Meaning ---- */

/* [n, dimension] for TEXTS (char*); NULL with *ret_ok when the library has no vectors. */
static float *encode (Rag *rag, EngineTextKind kind, const GPtrArray *texts, gboolean *ret_ok,
                      GError **error)
{
  GError *inner = NULL;
  *ret_ok = TRUE;
  if (texts->len == 0 || index_encoder (rag->index, NULL) == NULL)
    return NULL;
  *ret_ok = FALSE;
  if (!rag_need_encoder (rag, FALSE, error))
    return NULL;
  g_autofree float *vectors
      = g_new (float, (gsize)texts->len * engine_encoder_dimension (rag->encoder));
  if (!engine_encode (rag->encoder, kind, (const char *const *)texts->pdata, texts->len, vectors,
                      NULL, &inner))
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  *ret_ok = TRUE;
  return g_steal_pointer (&vectors);
}

static guint dimension_of (const Rag *rag)
{
  return rag->encoder != NULL ? engine_encoder_dimension (rag->encoder) : 0;
}

static gboolean encode_items (Rag *rag, GPtrArray *items, GError **error)
{
  gboolean ok;
  g_autoptr (GPtrArray) leads = g_ptr_array_new ();
  for (guint i = 0; i < items->len; i++)
    g_ptr_array_add (leads, ((RagNewsItem *)g_ptr_array_index (items, i))->lead);
  g_autofree float *vectors = encode (rag, ENGINE_TEXT_PASSAGE, leads, &ok, error);
  const guint dimension = dimension_of (rag);
  for (guint i = 0; vectors != NULL && i < items->len; i++)
    ((RagNewsItem *)g_ptr_array_index (items, i))->vector
        = g_memdup2 (vectors + (gsize)i * dimension, dimension * sizeof (float));
  return ok;
}

static void add_leads (GPtrArray *texts, const GPtrArray *sections)
{
  for (guint s = 0; s < sections->len; s++)
    if (((RagSection *)g_ptr_array_index (sections, s))->lead != NULL)
      g_ptr_array_add (texts, ((RagSection *)g_ptr_array_index (sections, s))->lead);
}

static gboolean encode_all (Rag *rag, EngineTextKind kind, const GPtrArray *texts,
                            RagVectors *ret_vectors, GError **error)
{
  gboolean ok;
  ret_vectors->vectors = encode (rag, kind, texts, &ok, error);
  ret_vectors->n = ret_vectors->vectors != NULL ? texts->len : 0;
  return ok;
}

static gboolean rank (Rag *rag, GPtrArray *stories, const RagDigestOptions *options,
                      const GPtrArray *earlier, GError **error)
{
  RagVectors interests = { 0 }, known = { 0 }, unwanted = { 0 };
  g_autoptr (GPtrArray) wanted = rag_digest_interests (rag, options);
  g_autoptr (GPtrArray) told = g_ptr_array_new (), dropped = g_ptr_array_new ();
  for (guint d = 0; d < earlier->len; d++)
    {
      const RagBrief *brief = g_ptr_array_index (earlier, d);
      add_leads (told, brief->sections);
      add_leads (dropped, brief->dropped);
    }
  const gboolean ok = encode_all (rag, ENGINE_TEXT_QUERY, wanted, &interests, error)
                      && encode_all (rag, ENGINE_TEXT_PASSAGE, told, &known, error)
                      && encode_all (rag, ENGINE_TEXT_PASSAGE, dropped, &unwanted, error);
  if (ok)
    rag_rank_stories (stories, dimension_of (rag), &interests, &known, &unwanted);
  g_free (interests.vectors);
  g_free (known.vectors);
  g_free (unwanted.vectors);
  return ok;
}

/* ---- The day ---- */

static gint64 since_when (const RagDigestOptions *options, const GPtrArray *earlier)
{
  if (options->since > 0)
    return options->since;
  if (earlier->len > 0)
    return ((RagBrief *)g_ptr_array_index (earlier, 0))->until;
  return options->now - DAY_SECONDS;
}

static RagBrief *make (Rag *rag, const RagDigestOptions *options, GError **error)
{
  g_autofree char *title = g_strdup_printf ("Digest of %s", options->date);
  g_autoptr (RagBrief) brief = rag_brief_new (title, options->date);
  g_autoptr (GPtrArray) earlier = rag_digest_earlier (
      rag, options->collection, options->date, rag->restricted ? 0 : EARLIER_DIGESTS);
  g_autoptr (GPtrArray) documents = rag_list (rag, options->collection, error);
  if (documents == NULL)
    return NULL;
  /* A document of this very second may have siblings that are still to come: they wait. */
  brief->until = options->now - 1;
  g_autoptr (GPtrArray) items
      = new_items (rag, documents, options, since_when (options, earlier), brief, error);
  if (items == NULL || !encode_items (rag, items, error))
    return NULL;
  g_autoptr (GPtrArray) stories = rag_cluster_stories (items, dimension_of (rag));
  if (!rank (rag, stories, options, earlier, error)
      || !rag_digest_write (rag, stories, options, brief, error))
    return NULL;
  note_failed_feeds (rag, options->collection, brief);
  rag_brief_finish (brief);
  return g_steal_pointer (&brief);
}

RagBrief *rag_digest (Rag *rag, const RagDigestOptions *options, GError **error)
{
  GError *inner = NULL;
  g_autofree char *path = rag_digest_path (rag, options->collection, options->date);
  /* The digests that are kept tell of documents that a role may not see. */
  RagBrief *kept
      = options->again || rag->restricted ? NULL : rag_brief_load (path, &inner);
  if (kept != NULL || inner != NULL)
    {
      if (inner != NULL)
        g_propagate_error (error, inner);
      return kept;
    }
  g_autoptr (RagBrief) brief = make (rag, options, error);
  if (brief == NULL)
    return NULL;
  /* Nothing new, or stopped half way: there is no digest of this day yet. */
  if (brief->sections->len == 0 && brief->notes->len == 0)
    return NULL;
  if (brief->complete && !rag->restricted
      && !rag_digest_save (rag, brief, options->collection, error))
    return NULL;
  return g_steal_pointer (&brief);
}

gboolean rag_digest_replace (Rag *rag, const RagBrief *brief, const char *collection,
                             GError **error)
{
  return rag->restricted || rag_digest_save (rag, brief, collection, error);
}

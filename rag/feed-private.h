/* Feeds: what is subscribed (feed-state.c), where it is read from (feed-source.c), the entries of
 * one (feed-items.c, sitemap.c), polling (feed.c). */
#pragma once

#include "rag/fetch-private.h"
#include "rag/rag-private.h"

/* ---- feed-state.c: LIBRARY/feeds.ini, a group for each address ---- */

typedef struct
{
  RagFeed feed;
  char *etag, *last_modified;
  GHashTable *seen; /* set: hashes of entries that were taken in */
} RagFeedState;
void rag_feed_state_free (RagFeedState *state);
/* Elements: RagFeedState*, by address. */
GPtrArray *rag_feeds_load (const Rag *rag, GError **error);
gboolean rag_feeds_save (const Rag *rag, const GPtrArray *states, GError **error);

/* ---- feed-source.c ---- */

typedef struct
{
  const char *library_dir;
  RagFetcher *fetcher;
  GCancellable *cancellable;
} RagFeedReader;
gboolean rag_feed_is_file (const char *url);
/* NULL without an error: unchanged. ret_fetched: as from rag_fetch, on failure its retry_after_s. */
IngestDocument *rag_feed_read (const RagFeedReader *reader, const RagFeedState *state,
                               RagFetched *ret_fetched, GError **error);
/* A page that a sitemap names. */
IngestDocument *rag_feed_read_page (const RagFeedReader *reader, const char *url, GError **error);

/* ---- feed-items.c ---- */

typedef struct
{
  char *address; /* where it is from: its own link, else the feed's with a hash */
  char *id;      /* hash of the address */
  char *date;    /* YYYY-MM-DD or NULL */
  IngestDocument *document; /* NULL: a page of a sitemap that was not read yet */
} RagFeedItem;
void rag_feed_item_free (RagFeedItem *item);
/* The entries of what ingest read from FEED_URL. A page that is no feed is one entry. */
GPtrArray *rag_feed_items (const IngestDocument *document, const char *feed_url);
/* What stands in BLOCK, "2026-11-24 · Anna Berg · https://…", each part optional. */
RagFeedItem *rag_feed_item_of_line (const IngestDocument *document, const IngestBlock *block,
                                    const char *feed_url);
void rag_feed_item_set_id (RagFeedItem *item, const char *text);
/* All of DOCUMENT as one. */
IngestDocument *rag_feed_whole (const IngestDocument *document);

/* ---- sitemap.c ---- */

gboolean rag_is_sitemap (const IngestDocument *document);
/* Elements: RagFeedItem* without documents, newest first. Sitemaps of an index that could not be read
 * go to FAILED (RagFailure*). */
GPtrArray *rag_sitemap_items (const RagFeedReader *reader, const IngestDocument *document,
                              const char *url, GPtrArray *failed);

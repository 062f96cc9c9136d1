/* Feeds: what is subscribed (feed-state.c), the entries of one (feed-items.c), polling (feed.c). */
#pragma once

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

/* ---- feed-items.c ---- */

typedef struct
{
  char *address; /* where it is from: its own link, else the feed's with a hash */
  char *id;      /* hash of the address */
  char *date;    /* YYYY-MM-DD or NULL */
  IngestDocument *document;
} RagFeedItem;
void rag_feed_item_free (RagFeedItem *item);
/* The entries of what ingest read from FEED_URL. A page that is no feed is one entry. */
GPtrArray *rag_feed_items (const IngestDocument *document, const char *feed_url);

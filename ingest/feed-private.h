/* Entries of feeds, whatever the feed was written in. */
#pragma once

#include "ingest/parse-private.h"

typedef struct
{
  char *title, *date, *author, *link; /* clean text, NULL when unknown */
} IngestFeedEntry;
void ingest_feed_entry_clear (IngestFeedEntry *entry);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (IngestFeedEntry, ingest_feed_entry_clear)
/* A heading, and under it when, who and where. The entry's text comes after. */
void ingest_feed_begin_entry (IngestDocument *document, const IngestFeedEntry *entry);
/* Text that may be HTML. */
void ingest_feed_write (IngestDocument *document, const char *text);
/* Ends a feed's document; a feed of nothing but a title has that as its text. */
IngestDocument *ingest_feed_end (IngestDocument *document, GError **error);

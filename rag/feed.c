/* Subscribes to feeds and takes their new entries into the library.
 *
 * In: addresses. Out: documents, one per entry, in the feed's collection. A feed that fails keeps
 * its reason, waits longer each time, and never stops the others. Each entry is one transaction; an
 * entry that was seen in any feed, or whose text is in the library already, is left alone, and old
 * ones go when their feed says for how long to keep them. */
#include "rag/feed-private.h"

#include <string.h>

/* Waiting after the first failure, doubled each time, up to a day. */
#define FIRST_WAIT_S (15 * 60)
#define MAX_WAIT_S (24 * 60 * 60)
/* Feeds are asked no more often than this, however often cron comes by. */
#define MIN_INTERVAL_S (10 * 60)
/* Pages of a sitemap that one poll reads, a second apart; the next goes on. */
#define DEFAULT_PAGES 20

void rag_poll_report_free (RagPollReport *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref (report->failed);
  g_free (report);
}

/* ---- Subscriptions ---- */

/* NAME: an address, or a file in whatever way. */
static RagFeedState *find_state (const GPtrArray *states, const char *name, guint *ret_place)
{
  g_autofree char *url = strstr (name, "://") != NULL ? g_strdup (name)
                                                      : g_canonicalize_filename (name, NULL);
  for (guint i = 0; i < states->len; i++)
    {
      RagFeedState *state = g_ptr_array_index (states, i);
      if (strcmp (state->feed.url, url) == 0)
        {
          if (ret_place != NULL)
            *ret_place = i;
          return state;
        }
    }
  return NULL;
}

GPtrArray *rag_feed_list (Rag *rag, GError **error)
{
  return rag_feeds_load (rag, error);
}

const RagFeed *rag_feed_at (const GPtrArray *feeds, guint i)
{
  return &((const RagFeedState *)g_ptr_array_index (feeds, i))->feed;
}

/* What stands for FEED in the list: an address as it is, a file by its absolute path. */
static char *place_of (const char *feed, GError **error)
{
  if (strstr (feed, "://") != NULL)
    return rag_check_url (feed, error) ? g_strdup (feed) : NULL;
  g_autofree char *path = g_canonicalize_filename (feed, NULL);
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_utf8_validate (path, -1, NULL))
    return g_steal_pointer (&path);
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "“%s” is neither the address of a feed (https://…) nor a file", feed);
  return NULL;
}

static gboolean check_selector (const char *selector, GError **error)
{
  GError *inner = NULL;
  if (selector == NULL || ingest_check_selector (selector, &inner))
    return TRUE;
  g_set_error_literal (error, RAG_ERROR, RAG_ERROR_INPUT, inner->message);
  g_error_free (inner);
  return FALSE;
}

gboolean rag_feed_add (Rag *rag, const char *feed, const char *selector, const char *collection,
                       guint keep_days, GError **error)
{
  g_autoptr (GPtrArray) states = rag_feeds_load (rag, error);
  g_autofree char *url = states != NULL ? place_of (feed, error) : NULL;
  if (url == NULL || !check_selector (selector, error))
    return FALSE;
  RagFeedState *state = find_state (states, url, NULL);
  if (state == NULL)
    {
      state = g_new0 (RagFeedState, 1);
      state->feed.url = g_strdup (url);
      state->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_ptr_array_add (states, state);
    }
  g_free (state->feed.selector);
  state->feed.selector = g_strdup (selector);
  /* What was read with another selector says nothing about what this one finds. */
  g_clear_pointer (&state->etag, g_free);
  g_clear_pointer (&state->last_modified, g_free);
  g_free (state->feed.collection);
  state->feed.collection = g_strdup (collection != NULL ? collection : "default");
  state->feed.keep_days = keep_days;
  return rag_feeds_save (rag, states, error);
}

gboolean rag_feed_remove (Rag *rag, const char *url, GError **error)
{
  guint place = 0;
  g_autoptr (GPtrArray) states = rag_feeds_load (rag, error);
  if (states == NULL)
    return FALSE;
  if (find_state (states, url, &place) == NULL)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
                   "%s is not subscribed; docent feed list has what is", url);
      return FALSE;
    }
  g_ptr_array_remove_index (states, place);
  return rag_feeds_save (rag, states, error);
}

/* ---- Taking in ---- */

typedef struct
{
  Rag *rag;
  const RagPollOptions *options;
  GPtrArray *states;
  RagFeedReader reader;
  RagPollReport *report;
} Poll;

static gboolean was_seen (const Poll *poll, const char *id)
{
  for (guint i = 0; i < poll->states->len; i++)
    {
      const RagFeedState *state = g_ptr_array_index (poll->states, i);
      if (g_hash_table_contains (state->seen, id))
        return TRUE;
    }
  return FALSE;
}

static gint64 time_of_date (const char *date)
{
  g_autofree char *text = date != NULL ? g_strconcat (date, "T00:00:00Z", NULL) : NULL;
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  return time != NULL ? g_date_time_to_unix (time) : 0;
}

/* TRUE also for entries that are not taken: they are counted. */
static gboolean store_item (Poll *poll, const RagFeedState *state, const RagFeedItem *item,
                            GError **error)
{
  GError *inner = NULL;
  guint n_chunks = 0;
  const IngestDocument *document = item->document;
  g_autofree char *sha256
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)document->text,
                                     document->text_length);
  g_autoptr (IndexDocument) copy = index_find_by_sha256 (poll->rag->index, sha256, &inner);
  g_autoptr (IndexDocument) known
      = inner == NULL ? index_find_document (poll->rag->index, item->address, &inner) : NULL;
  if (inner != NULL)
    return rag_translate_error (error, inner);
  if (copy != NULL)
    {
      poll->report->duplicates++;
      return TRUE;
    }
  const IndexDocument meta = { .path = item->address,
                               .title = document->title,
                               .mime_type = document->mime_type,
                               .language = document->language,
                               .collection = state->feed.collection,
                               .sha256 = sha256,
                               .size_bytes = document->text_length,
                               .mtime_ns = time_of_date (item->date) * G_GINT64_CONSTANT (1000000000),
                               .n_pages = 1 };
  if (!rag_store_document (poll->rag, document, &meta, !poll->options->no_embed, NULL, NULL,
                           poll->options->cancellable, &n_chunks, error))
    return FALSE;
  poll->report->added += known == NULL;
  poll->report->updated += known != NULL;
  return TRUE;
}

/* Too old to be kept anyhow: it would come back with every poll. */
static gboolean is_expired (const RagFeedState *state, const RagFeedItem *item, gint64 now)
{
  const gint64 written = time_of_date (item->date);
  return state->feed.keep_days > 0 && written > 0
         && written < now - (gint64)state->feed.keep_days * 86400;
}

/* The page that a sitemap names. One that cannot be read is named, and not tried again until it
 * changes. */
static gboolean load_page (Poll *poll, RagFeedItem *item)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (IngestDocument) page = rag_feed_read_page (&poll->reader, item->address, &reason);
  if (page == NULL)
    {
      if (!g_error_matches (reason, RAG_ERROR, RAG_ERROR_CANCELLED))
        g_ptr_array_add (poll->report->failed, rag_failure_new (item->address, reason->message));
      return FALSE;
    }
  item->document = rag_feed_whole (page);
  return TRUE;
}

/* TRUE also for entries that are not taken. PAGES: how many more may be fetched. */
static gboolean take_item (Poll *poll, RagFeedState *state, RagFeedItem *item, gboolean always,
                           guint *pages, gboolean *ret_later, GError **error)
{
  *ret_later = FALSE;
  if (was_seen (poll, item->id) && !always)
    {
      poll->report->duplicates += !g_hash_table_contains (state->seen, item->id);
      return TRUE;
    }
  if (is_expired (state, item, poll->options->now))
    return TRUE;
  if (item->document == NULL)
    {
      *ret_later = *pages == 0;
      if (*ret_later)
        return TRUE;
      (*pages)--;
      if (!load_page (poll, item))
        return TRUE;
    }
  return store_item (poll, state, item, error);
}

static gboolean take_items (Poll *poll, RagFeedState *state, const IngestDocument *document,
                            RagFetched *fetched, GError **error)
{
  const char *url = state->feed.url;
  g_autoptr (GPtrArray) items
      = rag_is_sitemap (document)
            ? rag_sitemap_items (&poll->reader, document, url, poll->report->failed)
            : rag_feed_items (document, url);
  const gboolean is_page
      = items->len == 1 && strcmp (url, ((RagFeedItem *)items->pdata[0])->address) == 0;
  g_autoptr (GHashTable) now_seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint pages = poll->options->max_pages > 0 ? poll->options->max_pages : DEFAULT_PAGES;
  g_free (state->feed.title);
  state->feed.title = g_strdup (document->title);
  for (guint i = 0; i < items->len; i++)
    {
      RagFeedItem *item = g_ptr_array_index (items, i);
      gboolean later;
      if (!take_item (poll, state, item, is_page, &pages, &later, error))
        return FALSE;
      if (g_cancellable_is_cancelled (poll->options->cancellable))
        return TRUE;
      /* The rest is for the next poll, which must not hear that nothing changed. */
      if (later)
        {
          g_clear_pointer (&fetched->etag, g_free);
          g_clear_pointer (&fetched->last_modified, g_free);
          continue;
        }
      g_hash_table_add (state->seen, g_strdup (item->id));
      g_hash_table_add (now_seen, g_strdup (item->id));
    }
  /* What the feed no longer has cannot come back: it need not be remembered. */
  g_hash_table_unref (state->seen);
  state->seen = g_steal_pointer (&now_seen);
  return TRUE;
}

/* ---- One feed ---- */

static void note_failure (Poll *poll, RagFeedState *state, const char *reason, gint64 retry_after_s)
{
  const guint doublings = MIN (state->feed.failures, 10);
  const gint64 wait_s = MIN ((gint64)FIRST_WAIT_S << doublings, MAX_WAIT_S);
  g_free (state->feed.failure);
  state->feed.failure = g_strdup (reason);
  state->feed.failures++;
  state->feed.next_at = poll->options->now + MAX (wait_s, retry_after_s);
  g_ptr_array_add (poll->report->failed, rag_failure_new (state->feed.url, reason));
}

static void note_success (Poll *poll, RagFeedState *state, RagFetched *fetched)
{
  g_clear_pointer (&state->feed.failure, g_free);
  state->feed.failures = 0;
  state->feed.next_at = poll->options->now + MIN_INTERVAL_S;
  if (fetched->unchanged)
    return;
  g_free (state->etag);
  g_free (state->last_modified);
  state->etag = g_steal_pointer (&fetched->etag);
  state->last_modified = g_steal_pointer (&fetched->last_modified);
}

/* FALSE only when the library itself fails. */
static gboolean poll_feed (Poll *poll, RagFeedState *state, GError **error)
{
  RagFetched fetched;
  g_autoptr (GError) reason = NULL;
  state->feed.checked_at = poll->options->now;
  poll->report->polled++;
  gboolean ok = TRUE;
  g_autoptr (IngestDocument) document = rag_feed_read (&poll->reader, state, &fetched, &reason);
  if (reason != NULL)
    {
      if (!g_error_matches (reason, RAG_ERROR, RAG_ERROR_CANCELLED))
        note_failure (poll, state, reason->message, fetched.retry_after_s);
    }
  else if (fetched.unchanged || (ok = take_items (poll, state, document, &fetched, error)))
    {
      poll->report->unchanged += fetched.unchanged;
      note_success (poll, state, &fetched);
    }
  rag_fetched_clear (&fetched);
  return ok;
}

/* ---- Expiry ---- */

static guint keep_days_of (const Poll *poll, const char *collection)
{
  guint days = 0;
  for (guint i = 0; i < poll->states->len; i++)
    {
      const RagFeed *feed = &((const RagFeedState *)g_ptr_array_index (poll->states, i))->feed;
      if (strcmp (feed->collection, collection) != 0)
        continue;
      if (feed->keep_days == 0)
        return 0;
      days = MAX (days, feed->keep_days);
    }
  return days;
}

/* Entries older than the longest time that a feed of their collection asks for. */
static gboolean expire (Poll *poll, GError **error)
{
  GError *inner = NULL;
  g_autoptr (GPtrArray) documents = index_list_documents (poll->rag->index, NULL, &inner);
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GPtrArray) expired = g_ptr_array_new ();
  for (guint i = 0; documents != NULL && i < documents->len; i++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, i);
      const guint days = keep_days_of (poll, document->collection);
      if (days == 0 || !rag_is_web_address (document->path)
          || document->added_at >= poll->options->now - (gint64)days * 86400)
        continue;
      g_array_append_val (gone, document->id);
      g_ptr_array_add (expired, (gpointer)document);
    }
  if (!rag_forget_words (poll->rag, expired, error))
    return FALSE;
  poll->report->expired = gone->len;
  if (inner == NULL && gone->len > 0)
    index_forget_documents (poll->rag->index, (const gint64 *)gone->data, gone->len, &inner);
  return inner == NULL || rag_translate_error (error, inner);
}

/* ---- All of them ---- */

static gboolean is_due (const Poll *poll, const RagFeed *feed)
{
  const RagPollOptions *options = poll->options;
  if (options->urls != NULL && *options->urls != NULL)
    return g_strv_contains (options->urls, feed->url);
  return options->all || feed->next_at <= options->now;
}

static gboolean poll_all (Poll *poll, GError **error)
{
  for (guint i = 0; i < poll->states->len; i++)
    {
      RagFeedState *state = g_ptr_array_index (poll->states, i);
      if (g_cancellable_is_cancelled (poll->options->cancellable))
        break;
      if (!is_due (poll, &state->feed))
        {
          poll->report->waiting++;
          continue;
        }
      if (poll->options->progress != NULL)
        poll->options->progress (state->feed.url, i, poll->states->len, poll->options->user_data);
      const gboolean ok = poll_feed (poll, state, error);
      if (!rag_feeds_save (poll->rag, poll->states, ok ? error : NULL) || !ok)
        return FALSE;
    }
  return expire (poll, error);
}

RagPollReport *rag_feed_poll (Rag *rag, const RagPollOptions *options, GError **error)
{
  g_autoptr (GPtrArray) states = rag_feeds_load (rag, error);
  if (states == NULL)
    return NULL;
  for (guint i = 0; options->urls != NULL && options->urls[i] != NULL; i++)
    if (find_state (states, options->urls[i], NULL) == NULL)
      {
        g_set_error (error, RAG_ERROR, RAG_ERROR_NOT_FOUND,
                     "%s is not subscribed: docent feed add subscribes to it", options->urls[i]);
        return NULL;
      }
  g_autoptr (RagFetcher) fetcher = rag_fetcher_new (options->timeout_s);
  g_autoptr (RagPollReport) report = g_new0 (RagPollReport, 1);
  report->failed = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_failure_free);
  Poll poll = { rag, options, states,
                { rag->library_dir, fetcher, options->cancellable }, report };
  GError *inner = NULL;
  if (!poll_all (&poll, error))
    return NULL;
  if (report->added + report->updated + report->expired > 0 && !index_flush (rag->index, &inner))
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  return g_steal_pointer (&report);
}

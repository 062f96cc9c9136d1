/* Subscribes to feeds and takes their new entries into the library.
 *
 * In: addresses. Out: documents, one per entry, in the feed's collection. A feed that fails keeps
 * its reason, waits longer each time, and never stops the others. Each entry is one transaction; an
 * entry that was seen in any feed, or whose text is in the library already, is left alone, and old
 * ones go when their feed says for how long to keep them. */
#include "rag/digest-private.h"
#include "rag/feed-private.h"
#include "rag/fetch-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Waiting after the first failure, doubled each time, up to a day. */
#define FIRST_WAIT_S (15 * 60)
#define MAX_WAIT_S (24 * 60 * 60)
/* Feeds are asked no more often than this, however often cron comes by. */
#define MIN_INTERVAL_S (10 * 60)

void rag_poll_report_free (RagPollReport *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref (report->failed);
  g_free (report);
}

/* ---- Subscriptions ---- */

static RagFeedState *find_state (const GPtrArray *states, const char *url, guint *ret_place)
{
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

gboolean rag_feed_add (Rag *rag, const char *url, const char *collection, guint keep_days,
                       GError **error)
{
  g_autoptr (GPtrArray) states = rag_feeds_load (rag, error);
  if (states == NULL || !rag_check_url (url, error))
    return FALSE;
  RagFeedState *state = find_state (states, url, NULL);
  if (state == NULL)
    {
      state = g_new0 (RagFeedState, 1);
      state->feed.url = g_strdup (url);
      state->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_ptr_array_add (states, state);
    }
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
  RagFetcher *fetcher;
  RagPollReport *report;
} Poll;

/* Through a file in the library, which nobody else may read, into the sandbox. */
static IngestDocument *extract (const Poll *poll, const char *url, GBytes *body, GError **error)
{
  g_autofree char *path = g_build_filename (poll->rag->library_dir, "feed-XXXXXX", NULL);
  const int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  gsize size;
  const char *data = g_bytes_get_data (body, &size);
  GError *inner = NULL;
  IngestDocument *document = NULL;
  if (fd < 0)
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s cannot be written", path);
      return NULL;
    }
  close (fd);
  if (g_file_set_contents (path, data != NULL ? data : "", (gssize)size, &inner))
    document = ingest_extract (path, NULL, poll->options->cancellable, &inner);
  g_unlink (path);
  if (document == NULL)
    {
      /* The reader knows the feed, not our file. */
      g_autoptr (GString) message = g_string_new (inner->message);
      g_autofree char *base = g_path_get_basename (path);
      g_string_replace (message, path, url, 0);
      g_string_replace (message, base, url, 0);
      g_error_free (inner);
      g_set_error_literal (error, RAG_ERROR, RAG_ERROR_FAILED, message->str);
    }
  return document;
}

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

static gboolean take_items (Poll *poll, RagFeedState *state, const IngestDocument *document,
                            GError **error)
{
  g_autoptr (GPtrArray) items = rag_feed_items (document, state->feed.url);
  const gboolean is_page = items->len == 1 && strcmp (state->feed.url, ((RagFeedItem *)items->pdata[0])->address) == 0;
  g_autoptr (GHashTable) now_seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_free (state->feed.title);
  state->feed.title = g_strdup (document->title);
  for (guint i = 0; i < items->len; i++)
    {
      const RagFeedItem *item = g_ptr_array_index (items, i);
      const gboolean old = is_expired (state, item, poll->options->now);
      if (was_seen (poll, item->id) && !is_page)
        poll->report->duplicates += !g_hash_table_contains (state->seen, item->id);
      else if (!old && !store_item (poll, state, item, error))
        return FALSE;
      if (g_cancellable_is_cancelled (poll->options->cancellable))
        return TRUE;
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
  if (!rag_fetch (poll->fetcher, state->feed.url, state->etag, state->last_modified,
                  poll->options->cancellable, &fetched, &reason))
    {
      if (!g_error_matches (reason, RAG_ERROR, RAG_ERROR_CANCELLED))
        note_failure (poll, state, reason->message, fetched.retry_after_s);
      return TRUE;
    }
  gboolean ok = TRUE;
  g_autoptr (IngestDocument) document
      = fetched.unchanged ? NULL : extract (poll, state->feed.url, fetched.body, &reason);
  if (reason != NULL)
    note_failure (poll, state, reason->message, 0);
  else if (fetched.unchanged || (ok = take_items (poll, state, document, error)))
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
  for (guint i = 0; documents != NULL && i < documents->len; i++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, i);
      const guint days = keep_days_of (poll, document->collection);
      if (days == 0 || !rag_is_web_address (document->path)
          || document->added_at >= poll->options->now - (gint64)days * 86400)
        continue;
      g_array_append_val (gone, document->id);
      rag_digest_forget (poll->rag, document->path);
    }
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
  Poll poll = { rag, options, states, fetcher, report };
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

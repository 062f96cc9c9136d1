/* Where a feed's bytes come from, and the document that they are: an address of the web, or a file
 * that another program writes.
 *
 * In: a feed with what its server said last time. Out: a document out of the sandbox, or that
 * nothing changed. A file's size and time take the place of a server's tags. */
#include "rag/feed-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

gboolean rag_feed_is_file (const char *url)
{
  return g_path_is_absolute (url);
}

/* The reader knows the feed, not our file. */
static gboolean rename_in_error (GError **error, GError *inner, const char *path, const char *url)
{
  g_autoptr (GString) message = g_string_new (inner->message);
  g_autofree char *base = g_path_get_basename (path);
  g_string_replace (message, path, url, 0);
  g_string_replace (message, base, url, 0);
  g_error_free (inner);
  g_set_error_literal (error, RAG_ERROR, RAG_ERROR_FAILED, message->str);
  return FALSE;
}

/* Through a file in the library, which nobody else may read, into the sandbox. */
static IngestDocument *extract (const RagFeedReader *reader, const char *url, const char *selector,
                                GBytes *body, GError **error)
{
  g_autofree char *path = g_build_filename (reader->library_dir, "feed-XXXXXX", NULL);
  const int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  const IngestLimits limits = { .selector = selector };
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
    document = ingest_extract (path, &limits, reader->cancellable, &inner);
  g_unlink (path);
  if (document == NULL)
    rename_in_error (error, inner, path, url);
  return document;
}

/* A file's own tag, as a server would give one: "size-time". */
static char *tag_of_file (const char *path)
{
  GStatBuf about;
  if (g_stat (path, &about) != 0)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ".%09ld", (gint64)about.st_size,
                          (gint64)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
}

static IngestDocument *read_file (const RagFeedReader *reader, const char *path,
                                  const char *selector, const char *tag, RagFetched *ret_fetched,
                                  GError **error)
{
  GError *inner = NULL;
  const IngestLimits limits = { .selector = selector };
  g_autofree char *now = tag_of_file (path);
  ret_fetched->unchanged = now != NULL && g_strcmp0 (now, tag) == 0;
  if (ret_fetched->unchanged)
    return NULL;
  IngestDocument *document = ingest_extract (path, &limits, reader->cancellable, &inner);
  if (document == NULL)
    rag_translate_error (error, inner);
  else
    ret_fetched->etag = g_steal_pointer (&now);
  return document;
}

IngestDocument *rag_feed_read (const RagFeedReader *reader, const RagFeedState *state,
                               RagFetched *ret_fetched, GError **error)
{
  const RagFeed *feed = &state->feed;
  *ret_fetched = (RagFetched){ 0 };
  if (rag_feed_is_file (feed->url))
    return read_file (reader, feed->url, feed->selector, state->etag, ret_fetched, error);
  if (!rag_fetch (reader->fetcher, feed->url, state->etag, state->last_modified,
                  reader->cancellable, ret_fetched, error)
      || ret_fetched->unchanged)
    return NULL;
  return extract (reader, feed->url, feed->selector, ret_fetched->body, error);
}

IngestDocument *rag_feed_read_page (const RagFeedReader *reader, const char *url, GError **error)
{
  RagFetched fetched;
  if (!rag_fetch (reader->fetcher, url, NULL, NULL, reader->cancellable, &fetched, error))
    return NULL;
  IngestDocument *document = extract (reader, url, NULL, fetched.body, error);
  rag_fetched_clear (&fetched);
  return document;
}

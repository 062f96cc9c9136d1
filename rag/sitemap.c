/* Sitemaps as feeds: the pages that a site says are new, newest first.
 *
 * In: what ingest made of a sitemap, or of an index of sitemaps. Out: items without documents, to be
 * read one by one. Only pages of the sitemap's own host count, as the protocol wants
 * (sitemaps.org): nobody else's site is read because somebody says so. */
#include "rag/feed-private.h"

#include <string.h>

/* Of an index: the newest. Each is a request. */
#define MAX_SITEMAPS 10

gboolean rag_is_sitemap (const IngestDocument *document)
{
  return g_str_has_prefix (document->mime_type, "application/sitemap");
}

static gboolean is_index (const IngestDocument *document)
{
  return g_str_has_prefix (document->mime_type, "application/sitemap-index");
}

static gboolean same_host (const char *a, const char *b)
{
  g_autoptr (GUri) first = g_uri_parse (a, G_URI_FLAGS_NONE, NULL);
  g_autoptr (GUri) second = g_uri_parse (b, G_URI_FLAGS_NONE, NULL);
  return first != NULL && second != NULL && g_uri_get_host (first) != NULL
         && g_uri_get_host (second) != NULL
         && g_ascii_strcasecmp (g_uri_get_host (first), g_uri_get_host (second)) == 0
         && g_uri_get_port (first) == g_uri_get_port (second);
}

static gint compare_items (gconstpointer a, gconstpointer b)
{
  const RagFeedItem *first = *(const RagFeedItem *const *)a;
  const RagFeedItem *second = *(const RagFeedItem *const *)b;
  const gint order = g_strcmp0 (second->date, first->date);
  return order != 0 ? order : strcmp (first->address, second->address);
}

static void take_lines (const IngestDocument *document, const char *url, GPtrArray *items)
{
  for (guint i = 0; i < document->blocks->len; i++)
    {
      RagFeedItem *item
          = rag_feed_item_of_line (document, &g_array_index (document->blocks, IngestBlock, i), url);
      if (item->address != NULL && (rag_feed_is_file (url) || same_host (url, item->address)))
        g_ptr_array_add (items, item);
      else
        rag_feed_item_free (item);
    }
  g_ptr_array_sort (items, compare_items);
}

/* A page that changed is another item: its date is part of what it is. */
static void set_ids (GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      RagFeedItem *item = g_ptr_array_index (items, i);
      g_autofree char *text
          = g_strjoin ("\n", item->address, item->date != NULL ? item->date : "", NULL);
      rag_feed_item_set_id (item, text);
    }
}

GPtrArray *rag_sitemap_items (const RagFeedReader *reader, const IngestDocument *document,
                              const char *url, GPtrArray *failed)
{
  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_feed_item_free);
  g_autoptr (GPtrArray) sitemaps
      = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_feed_item_free);
  take_lines (document, url, is_index (document) ? sitemaps : items);
  for (guint i = 0; i < MIN (sitemaps->len, MAX_SITEMAPS); i++)
    {
      const char *address = ((RagFeedItem *)g_ptr_array_index (sitemaps, i))->address;
      g_autoptr (GError) reason = NULL;
      g_autoptr (IngestDocument) below = rag_feed_read_page (reader, address, &reason);
      if (below != NULL && rag_is_sitemap (below) && !is_index (below))
        take_lines (below, address, items);
      else if (reason != NULL)
        g_ptr_array_add (failed, rag_failure_new (address, reason->message));
    }
  set_ids (items);
  return items;
}

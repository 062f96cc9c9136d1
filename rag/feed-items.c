/* The entries of a feed as documents of their own.
 *
 * In: what ingest made of the feed: a section for each entry, its heading the title, below it a line
 * with date, author and link. Out: one document per entry, whose address is the entry's link, so that
 * the same entry in two feeds is one document. */
#include "rag/feed-private.h"

#include <string.h>

#define SEPARATOR " · "

void rag_feed_item_free (RagFeedItem *item)
{
  g_free (item->address);
  g_free (item->id);
  g_free (item->date);
  g_clear_pointer (&item->document, ingest_document_free);
  g_free (item);
}

static gboolean is_web_address (const char *text)
{
  return (g_str_has_prefix (text, "https://") || g_str_has_prefix (text, "http://"))
         && strpbrk (text, " \t\n\"<>\\^`{|}") == NULL && g_uri_is_valid (text, 0, NULL);
}

/* Without the part behind # and the marks of campaigns: they tell two copies of one link apart. */
static char *canonical_address (const char *address)
{
  g_autofree char *base = g_strndup (address, strcspn (address, "#"));
  char *query = strchr (base, '?');
  if (query == NULL)
    return g_steal_pointer (&base);
  *query = '\0';
  g_auto (GStrv) parameters = g_strsplit (query + 1, "&", -1);
  g_autoptr (GString) kept = g_string_new (base);
  gboolean first = TRUE;
  for (guint i = 0; parameters[i] != NULL; i++)
    if (!g_str_has_prefix (parameters[i], "utm_"))
      {
        g_string_append_printf (kept, "%c%s", first ? '?' : '&', parameters[i]);
        first = FALSE;
      }
  return g_strdup (kept->str);
}

/* An address may be relative to that of the feed; a word alone is an author or a text. */
static char *read_address (const char *text, const char *feed_url)
{
  if (is_web_address (text))
    return canonical_address (text);
  g_autofree char *whole = *text != '\0' && strchr ("/.?", *text) != NULL
                               ? g_uri_resolve_relative (feed_url, text, 0, NULL)
                               : NULL;
  return whole != NULL && is_web_address (whole) ? canonical_address (whole) : NULL;
}

/* Reads "2026-11-24 · Anna Berg · https://…", each part optional. */
static void read_line (const char *line, const char *feed_url, RagFeedItem *item)
{
  g_auto (GStrv) parts = g_strsplit (line, SEPARATOR, -1);
  const guint n = g_strv_length (parts);
  if (n > 0 && strlen (parts[0]) == 10 && g_ascii_isdigit (parts[0][0]) && parts[0][4] == '-')
    item->date = g_strdup (parts[0]);
  if (n > (item->date != NULL ? 1 : 0))
    item->address = read_address (parts[n - 1], feed_url);
}

static char *block_text (const IngestDocument *document, const IngestBlock *block)
{
  return g_strndup (document->text + block->start, block->end - block->start);
}

/* Blocks [first, last) of FROM as a document on one page. */
static IngestDocument *slice (const IngestDocument *from, guint first, guint last,
                              const char *title)
{
  IngestDocument *document = g_new0 (IngestDocument, 1);
  GString *text = g_string_new (NULL);
  document->title = g_strdup (title);
  document->mime_type = g_strdup (from->mime_type);
  document->language = g_strdup (from->language);
  document->blocks = g_array_new (FALSE, TRUE, sizeof (IngestBlock));
  document->pages = g_array_new (FALSE, TRUE, sizeof (IngestPage));
  for (guint i = first; i < last; i++)
    {
      IngestBlock block = g_array_index (from->blocks, IngestBlock, i);
      g_autofree char *piece = block_text (from, &block);
      g_string_append (text, text->len > 0 ? "\n\n" : "");
      block.start = text->len;
      g_string_append (text, piece);
      block.end = text->len;
      block.page = 1;
      g_array_append_val (document->blocks, block);
    }
  const IngestPage page = { .end = text->len, .quality = 1 };
  g_array_append_val (document->pages, page);
  document->text_length = text->len;
  document->text = g_string_free (text, FALSE);
  return document;
}

void rag_feed_item_set_id (RagFeedItem *item, const char *text)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  g_free (item->id);
  item->id = g_strndup (hash, 32);
}

static RagFeedItem *finish_item (RagFeedItem *item, const char *feed_url)
{
  if (item->address == NULL)
    {
      g_autofree char *hash
          = g_compute_checksum_for_string (G_CHECKSUM_SHA256, item->document->text, -1);
      g_autofree char *file
          = g_path_is_absolute (feed_url) ? g_filename_to_uri (feed_url, NULL, NULL) : NULL;
      item->address = g_strdup_printf ("%s#%.16s", file != NULL ? file : feed_url, hash);
    }
  rag_feed_item_set_id (item, item->address);
  return item;
}

RagFeedItem *rag_feed_item_of_line (const IngestDocument *document, const IngestBlock *block,
                                    const char *feed_url)
{
  RagFeedItem *item = g_new0 (RagFeedItem, 1);
  g_autofree char *line = block_text (document, block);
  read_line (line, feed_url, item);
  return item;
}

IngestDocument *rag_feed_whole (const IngestDocument *document)
{
  return slice (document, 0, document->blocks->len, document->title);
}

/* The entry whose heading is block FIRST; its line is the next block, its text what follows. */
static RagFeedItem *item_of (const IngestDocument *document, guint first, guint last,
                             const char *feed_url)
{
  g_autofree char *title
      = block_text (document, &g_array_index (document->blocks, IngestBlock, first));
  guint body = first + 1;
  RagFeedItem *item
      = body < last ? rag_feed_item_of_line (
            document, &g_array_index (document->blocks, IngestBlock, body), feed_url)
                    : g_new0 (RagFeedItem, 1);
  body += item->address != NULL || item->date != NULL;
  /* An entry that is a title only says what its title says. */
  item->document = slice (document, body < last ? body : first, last, title);
  return finish_item (item, feed_url);
}

GPtrArray *rag_feed_items (const IngestDocument *document, const char *feed_url)
{
  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_feed_item_free);
  const guint n = document->blocks->len;
  if (!g_str_has_prefix (document->mime_type, "application/feed+"))
    {
      RagFeedItem *page = g_new0 (RagFeedItem, 1);
      page->address = rag_feed_is_file (feed_url) ? NULL : canonical_address (feed_url);
      page->document = rag_feed_whole (document);
      g_ptr_array_add (items, finish_item (page, feed_url));
      return items;
    }
  guint first = n;
  for (guint i = 0; i <= n; i++)
    {
      const IngestBlock *block = i < n ? &g_array_index (document->blocks, IngestBlock, i) : NULL;
      if (block != NULL && !(block->kind == INGEST_BLOCK_HEADING && block->level == 1))
        continue;
      if (first < i)
        g_ptr_array_add (items, item_of (document, first, i, feed_url));
      first = i;
    }
  return items;
}

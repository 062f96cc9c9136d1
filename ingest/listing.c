/* A web page that lists news without being a feed: every element that the user's selector matches
 * becomes an entry, as if the page were a feed.
 *
 * An entry's title is its first heading, or the text of its first link; where it leads is the link
 * in that heading, or the first one; its date is that of a <time>. */
#include "ingest/feed-private.h"
#include "ingest/html-private.h"
#include "ingest/prose-private.h"
#include "ingest/selector-private.h"

#include <string.h>

#define MAX_ENTRIES 500
#define MAX_TITLE_BYTES 200

typedef struct
{
  IngestDocument *document;
  const GArray *steps;
  guint n_entries;
} Listing;

/* ---- Entries ---- */

static xmlNode *find_heading (const xmlNode *entry)
{
  static const char *const names[] = { "h1", "h2", "h3", "h4", "h5", "h6" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      xmlNode *heading = ingest_xml_find (entry, names[i]);
      if (heading != NULL)
        return heading;
    }
  return NULL;
}

static const xmlNode *find_link (const xmlNode *node)
{
  return node == NULL || ingest_xml_is (node, "a") ? node : ingest_xml_find (node, "a");
}

static char *find_date (const xmlNode *entry)
{
  const xmlNode *time = ingest_xml_find (entry, "time");
  if (time == NULL)
    return NULL;
  g_autofree char *machine = ingest_xml_attribute (time, "datetime");
  g_autofree char *shown = machine == NULL ? ingest_html_text (time) : NULL;
  return ingest_parse_date (machine != NULL ? machine : shown);
}

static char *title_of (const xmlNode *entry, const xmlNode *heading, const xmlNode *link)
{
  g_autofree char *text
      = ingest_html_text (heading != NULL ? heading : link != NULL ? link : entry);
  if (*text == '\0' && heading == NULL)
    {
      g_free (text);
      text = ingest_html_text (entry);
    }
  if (strlen (text) > MAX_TITLE_BYTES)
    *g_utf8_find_prev_char (text, text + MAX_TITLE_BYTES) = '\0';
  return g_steal_pointer (&text);
}

/* An address without a scheme is written so that it cannot be taken for a word. */
static char *address_of (const xmlNode *link)
{
  g_autofree char *href = link != NULL ? ingest_xml_attribute (link, "href") : NULL;
  g_autofree char *clean = href != NULL ? ingest_prose_clean (href, -1) : NULL;
  if (clean == NULL || *clean == '\0' || *clean == '#')
    return NULL;
  g_autofree char *scheme = g_uri_parse_scheme (clean);
  if (scheme != NULL || strchr ("/.?", *clean) != NULL)
    return g_steal_pointer (&clean);
  return g_strconcat ("./", clean, NULL);
}

static void write_entry (Listing *listing, xmlNode *node)
{
  xmlNode *heading = find_heading (node);
  const xmlNode *link = find_link (heading);
  link = link != NULL ? link : find_link (node);
  g_auto (IngestFeedEntry) entry = { .title = title_of (node, heading, link),
                                     .date = find_date (node),
                                     .link = address_of (link) };
  if (*entry.title == '\0')
    return;
  ingest_feed_begin_entry (listing->document, &entry);
  if (heading != NULL && heading != node)
    {
      xmlUnlinkNode (heading);
      xmlFreeNode (heading);
    }
  ingest_html_write (listing->document, node, 1);
  listing->n_entries++;
}

/* ---- Matching ---- */

static gboolean has_word (const char *words, const char *word)
{
  g_auto (GStrv) all = g_strsplit_set (words, " \t\n", -1);
  return g_strv_contains ((const char *const *)all, word);
}

static gboolean meets (const xmlNode *node, const IngestSelectorCondition *condition)
{
  g_autofree char *value = ingest_xml_attribute (node, condition->name);
  if (value == NULL || condition->value == NULL)
    return value != NULL;
  return condition->word ? has_word (value, condition->value)
                         : strcmp (value, condition->value) == 0;
}

static gboolean step_matches (const IngestSelectorStep *step, const xmlNode *node)
{
  gboolean matches = step->tag == NULL || ingest_xml_is (node, step->tag);
  for (guint i = 0; matches && i < step->conditions->len; i++)
    matches = meets (node, g_ptr_array_index (step->conditions, i));
  return matches;
}

/* Bit i of the masks says that step i, with those before it, matched: in the parent, in any
 * ancestor. Entries hold no entries. */
static void visit (Listing *listing, xmlNode *node, guint64 parent, guint64 ancestors)
{
  guint64 here = 0;
  gboolean is_entry = FALSE;
  for (guint i = 0; i < listing->steps->len; i++)
    {
      const IngestSelectorStep *step = &g_array_index (listing->steps, IngestSelectorStep, i);
      const guint64 before = step->combinator == '>' ? parent : ancestors;
      if ((step->combinator != '\0' && (before >> (i - 1) & 1) == 0) || !step_matches (step, node))
        continue;
      here |= (guint64)1 << i;
      is_entry = is_entry || i + 1 == listing->steps->len || step[1].combinator == '\0';
    }
  if (is_entry && listing->n_entries < MAX_ENTRIES)
    write_entry (listing, node);
  for (xmlNode *at = is_entry ? NULL : ingest_xml_child (node, NULL); at != NULL;
       at = ingest_xml_next (at, NULL))
    visit (listing, at, here, ancestors | here);
}

IngestDocument *ingest_parse_listing (const char *text, const char *selector, GError **error)
{
  g_autoptr (GArray) steps = ingest_selector_parse (selector, error);
  g_autoptr (xmlDoc) doc = steps != NULL ? ingest_html_read (text, error) : NULL;
  if (doc == NULL)
    return NULL;
  g_autoptr (IngestDocument) document = ingest_document_new ("application/feed+html");
  xmlNode *root = xmlDocGetRootElement (doc);
  ingest_html_about (root, document);
  ingest_document_add_page (document, NULL, 0, 0, 1);
  Listing listing = { document, steps, 0 };
  visit (&listing, root, 0, 0);
  if (listing.n_entries > 0)
    return ingest_feed_end (g_steal_pointer (&document), error);
  g_set_error (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
               "has nothing that the selector “%s” matches", selector);
  return NULL;
}

/* Finds the article in a web page. Most of a page is not what one came for: menus, teasers, share
 * buttons, comments. In comes the tree of a page, out comes the element that holds the article,
 * with the boilerplate below it cut off. The idea: running text is long and has few links in it,
 * the rest is short or linked. So every block is weighed by its words outside of links, and from
 * the body down one goes to the child that holds nearly all of the weight, until it spreads over
 * several children; what pages say about their parts (hints.c) is used to cut before and after,
 * never alone: a part that holds most of the text is the article whatever its name is. */
#include "ingest/html-private.h"

#include <string.h>

/* A child with this share of its parent's weight is where the article is. */
#define DESCEND_SHARE 0.75
/* A part named as boilerplate is believed up to this share of the page's text. */
#define BOILERPLATE_SHARE 0.4
/* A part named as the article is believed from this share on. */
#define NAMED_SHARE 0.25
/* Shorter blocks outside of paragraphs carry no weight: labels, dates, buttons. */
#define SENTENCE_WORDS 12

typedef struct
{
  guint words, linked; /* of everything below */
  double weight;
} Weight;

typedef struct
{
  GHashTable *weights; /* xmlNode* → Weight */
} Reader;

/* Words, and one for every two characters of scripts that write none. */
static guint count_words (const char *text)
{
  guint words = 0, ideographs = 0;
  gboolean inside = FALSE;
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = (guchar)*at < 0x80 ? (gunichar)*at : g_utf8_get_char (at);
      gboolean wide = c >= 0x2E80 && c < 0xFB00;
      gboolean letter = c < 0x80 ? g_ascii_isalnum (c) : !wide && g_unichar_isalnum (c);
      ideographs += wide;
      words += letter && !inside;
      inside = letter || (inside && (c == '\'' || c == 0x2019 || c == '-'));
    }
  return words + ideographs / 2;
}

static const Weight *weight_of (const Reader *reader, const xmlNode *node)
{
  static const Weight none = { 0 };
  const Weight *weight = g_hash_table_lookup (reader->weights, node);
  return weight != NULL ? weight : &none;
}

static gboolean is_prose (const xmlNode *node)
{
  return ingest_xml_is (node, "p") || ingest_xml_is (node, "blockquote")
         || ingest_xml_is (node, "pre");
}

/* What WORDS of running text, LINKED of them in links, directly in block NODE are worth. */
static double own_weight (const xmlNode *node, guint words, guint linked)
{
  if (words == 0 || ingest_xml_is (node, "a"))
    return 0;
  if (linked * 2 > words || (!is_prose (node) && words < SENTENCE_WORDS))
    return 0;
  return words - linked;
}

/* Fills the weights below NODE. WORDS and LINKED of inline children belong to the block around. */
static Weight weigh (Reader *reader, const xmlNode *node, gboolean in_link, guint *words,
                     guint *linked)
{
  Weight sum = { 0 };
  gboolean block = ingest_html_is_block (node);
  guint own_words = 0, own_linked = 0;
  guint *to_words = block ? &own_words : words, *to_linked = block ? &own_linked : linked;
  in_link = in_link || ingest_xml_is (node, "a");
  for (const xmlNode *at = node->children; at != NULL; at = at->next)
    {
      guint n = 0;
      if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE)
        n = count_words ((const char *)at->content);
      else if (at->type == XML_ELEMENT_NODE && !ingest_html_is_silent (at))
        {
          Weight below = weigh (reader, at, in_link, to_words, to_linked);
          sum.words += below.words;
          sum.linked += below.linked;
          sum.weight += below.weight;
        }
      *to_words += n;
      *to_linked += in_link ? n : 0;
      sum.words += n;
      sum.linked += in_link ? n : 0;
    }
  if (block)
    sum.weight += own_weight (node, own_words, own_linked);
  Weight *stored = g_new (Weight, 1);
  *stored = sum;
  g_hash_table_insert (reader->weights, (gpointer)node, stored);
  return sum;
}

static void weigh_all (Reader *reader, const xmlNode *root)
{
  guint words = 0, linked = 0;
  g_hash_table_remove_all (reader->weights);
  weigh (reader, root, FALSE, &words, &linked);
}

static void cut (xmlNode *node)
{
  xmlUnlinkNode (node);
  xmlFreeNode (node);
}

/* ---- Cutting ---- */

static gboolean is_container (const xmlNode *node)
{
  static const char *const names[]
      = { "div", "section", "article", "main", "ul",    "ol",     "dl",     "table", "tbody",  "tr",
          "td",  "header",  "footer",  "form", "aside", "figure", "center", "span",  "details" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (ingest_xml_is (node, names[i]))
      return TRUE;
  return FALSE;
}

/* Comments are running text, too, and often more of it than the article. */
static double share_believed (const xmlNode *node)
{
  g_autofree char *id = ingest_xml_attribute (node, "id");
  gboolean comments
      = id != NULL && (strcmp (id, "comments") == 0 || strcmp (id, "disqus_thread") == 0);
  return comments ? 0.9 : BOILERPLATE_SHARE;
}

static gboolean is_boilerplate (const Reader *reader, const xmlNode *node, const Weight *page)
{
  if (ingest_html_is_silent (node))
    return TRUE;
  IngestHint hint = ingest_html_hint (node);
  const Weight *weight = weight_of (reader, node);
  if (hint == INGEST_HINT_HIDDEN)
    return weight->weight < 0.9 * page->weight;
  double share = share_believed (node);
  if (hint == INGEST_HINT_BOILERPLATE)
    return weight->words < share * page->words && weight->weight <= share * page->weight;
  return hint == INGEST_HINT_SUSPECT && weight->weight < 0.1 * page->weight
         && !(ingest_xml_is (node, "header") && weight->linked * 3 < weight->words);
}

/* Cuts what names itself as boilerplate. */
static void cut_named (const Reader *reader, xmlNode *root)
{
  const Weight page = *weight_of (reader, root);
  for (xmlNode *at = ingest_xml_walk (root, root, FALSE); at != NULL;)
    {
      gboolean gone = at->type == XML_COMMENT_NODE
                      || (at->type == XML_ELEMENT_NODE && is_boilerplate (reader, at, &page));
      xmlNode *next = ingest_xml_walk (at, root, gone);
      if (gone)
        cut (at);
      at = next;
    }
}

/* Cuts lists of links and the like below the article's element. */
static void cut_linked (const Reader *reader, xmlNode *root)
{
  for (xmlNode *at = ingest_xml_walk (root, root, FALSE); at != NULL;)
    {
      const Weight *weight = weight_of (reader, at);
      gboolean gone = is_container (at) && weight->words > 0 && weight->linked * 2 > weight->words
                      && (ingest_html_is_block (at) || weight->words > SENTENCE_WORDS);
      xmlNode *next = ingest_xml_walk (at, root, gone);
      if (gone)
        cut (at);
      at = next;
    }
}

/* ---- Finding ---- */

static xmlNode *heaviest_child (const Reader *reader, const xmlNode *node)
{
  xmlNode *best = NULL;
  for (xmlNode *at = ingest_xml_child (node, NULL); at != NULL; at = ingest_xml_next (at, NULL))
    if (is_container (at)
        && (best == NULL || weight_of (reader, at)->weight > weight_of (reader, best)->weight))
      best = at;
  return best;
}

static xmlNode *descend (const Reader *reader, xmlNode *from)
{
  xmlNode *at = from;
  for (xmlNode *child = heaviest_child (reader, at); child != NULL;
       child = heaviest_child (reader, at))
    {
      double share = ingest_html_hint (child) == INGEST_HINT_CONTENT ? 0.5 : DESCEND_SHARE;
      if (weight_of (reader, child)->weight <= 0
          || weight_of (reader, child)->weight < share * weight_of (reader, at)->weight)
        break;
      at = child;
    }
  return at;
}

/* The part of BODY that calls itself the article, when one does and no other part of its kind is
 * nearly as heavy: lists of teasers are made of articles, too. */
static xmlNode *find_named (const Reader *reader, xmlNode *body)
{
  xmlNode *best = NULL;
  double second = 0;
  for (xmlNode *at = ingest_xml_walk (body, body, FALSE); at != NULL;)
    {
      gboolean named = is_container (at) && ingest_html_hint (at) == INGEST_HINT_CONTENT;
      double weight = named ? weight_of (reader, at)->weight : 0;
      double lead = best != NULL ? weight_of (reader, best)->weight : 0;
      second = MAX (second, MIN (weight, lead));
      if (weight > lead)
        best = at;
      at = ingest_xml_walk (at, body, named);
    }
  double weight = best != NULL ? weight_of (reader, best)->weight : 0;
  gboolean believed = weight > 0 && weight >= 2 * second
                      && weight >= NAMED_SHARE * weight_of (reader, body)->weight;
  return believed ? best : body;
}

xmlNode *ingest_reader_find (xmlDoc *doc)
{
  xmlNode *root = xmlDocGetRootElement (doc);
  xmlNode *body = ingest_xml_find (root, "body");
  body = body != NULL ? body : root;
  Reader reader = { g_hash_table_new_full (NULL, NULL, NULL, g_free) };
  weigh_all (&reader, body);
  cut_named (&reader, body);
  weigh_all (&reader, body);
  xmlNode *found = descend (&reader, find_named (&reader, body));
  cut_linked (&reader, found);
  g_hash_table_unref (reader.weights);
  return found;
}

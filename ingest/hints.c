/* What an element of a web page says about itself. Authors of pages name the parts of a page for
 * their style sheets and for screen readers, in much the same English words everywhere; those words
 * are the best evidence of what is not the article. In comes an element, out comes a hint;
 * reader.c decides what it is worth. */
#include "ingest/html-private.h"

#include <string.h>

/* Long enough to be unmistakable anywhere in a name. */
static const char *const boilerplate_parts[] = {
  "comment",         "disqus",          "sidebar",       "side-bar",     "sharing",
  "sharebar",        "share-",          "-share",        "share_",       "_share",
  "sharetool",       "addthis",         "social",        "related",      "recommend",
  "newsletter",      "subscri",         "signup",        "sign-up",      "promo",
  "sponsor",         "advert",          "breadcrumb",    "cookie",       "consent",
  "footer",          "masthead",        "navigation",    "navbar",       "pagination",
  "popup",           "modal",           "outbrain",      "taboola",      "toolbar",
  "author-bio",      "author-box",      "authorbox",     "about-author", "readmore",
  "read-more",       "more-from",       "most-read",     "mostread",     "trending",
  "most-popular",    "teaser",          "login",         "copyright",    "screen-reader",
  "visually-hidden", "tooltip",         "shoutbox",      "syndication",  "donat",
  "post-meta",       "entry-meta",      "article-meta",  "byline",       "dateline",
  "read-next",       "up-next",         "upnext",        "also-like",    "tag-list",
  "taglist",         "post-tags",       "article-tags",  "noprint",      "no-print",
  "print-hide",      "hidden-print",    "timestamp",     "published",    "follow-us",
  "whatsapp",        "jp-relatedposts", "skip-link",     "reading-time", "site-header",
  "site-nav",        "infobox-nav",     "editsection",   "mw-jump",      "correction-form",
  "feedback",        "nocontent",       "crosshead-nav", "storytools",   "article-tools",
  "gallery",         "slideshow",       "carousel",      "photo-credit", "image-credit",
  "lightbox",        "article-footer",  "post-footer",   "you-may",      "dont-miss",
  "also-read",       "video-player",    "about-us",      "boilerplate",  "disclaimer",
  "correspond",      "post-nav",        "jwplayer",
};
/* Short ones, only as a whole word of a name. */
static const char *const boilerplate_words[]
    = { "ad",      "ads",   "nav",      "menu",   "share",  "shares", "tags",    "topics",
        "toc",     "rss",   "pager",    "aside",  "widget", "banner", "rating",  "ratings",
        "replies", "reply", "keywords", "byline", "dfp",    "adbox",  "credits", "respond" };
static const char *const content_parts[] = {
  "article-body",  "articlebody",      "article__body",   "article_body",   "post-content",
  "postcontent",   "post_content",     "entry-content",   "entry_content",  "story-body",
  "storybody",     "story_body",       "article-content", "articlecontent", "article__content",
  "article-text",  "articletext",      "post-body",       "postbody",       "content-body",
  "content__body", "mw-parser-output", "story-content",   "news-content",   "main-content",
  "body-content",  "entry-body",       "blog-content",    "blogpost-body"
};

static gboolean has_part (const char *name, const char *const *parts, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (strstr (name, parts[i]) != NULL)
      return TRUE;
  return FALSE;
}

static gboolean has_word (const char *name, const char *const *words, gsize n)
{
  for (const char *at = name; *at != '\0';)
    {
      gsize length = 0;
      while (g_ascii_isalpha (at[length]))
        length++;
      for (gsize i = 0; i < n; i++)
        if (strlen (words[i]) == length && strncmp (at, words[i], length) == 0)
          return TRUE;
      at += MAX (length, 1);
    }
  return FALSE;
}

/* "navBar" → "nav-bar", in lower case: class and id, with a blank between them. */
static char *names_of (const xmlNode *node)
{
  g_autofree char *class = ingest_xml_attribute (node, "class");
  g_autofree char *id = ingest_xml_attribute (node, "id");
  g_autofree char *both = g_strconcat (class != NULL ? class : "", " ", id != NULL ? id : "", NULL);
  GString *out = g_string_new (NULL);
  for (const char *at = both; *at != '\0'; at++)
    {
      if (g_ascii_isupper (*at) && at > both && g_ascii_islower (at[-1]))
        g_string_append_c (out, '-');
      g_string_append_c (out, g_ascii_tolower (*at));
    }
  return g_string_free (out, FALSE);
}

static gboolean is_hidden (const xmlNode *node)
{
  g_autofree char *style = ingest_xml_attribute (node, "style");
  g_autofree char *aria = ingest_xml_attribute (node, "aria-hidden");
  g_autofree char *hidden = ingest_xml_attribute (node, "hidden");
  if (hidden != NULL || (aria != NULL && strcmp (aria, "true") == 0))
    return TRUE;
  if (style == NULL)
    return FALSE;
  g_autofree char *plain = g_ascii_strdown (style, -1);
  char *out = plain;
  for (const char *at = plain; *at != '\0'; at++)
    if (!g_ascii_isspace (*at))
      *out++ = *at;
  *out = '\0';
  return strstr (plain, "display:none") != NULL || strstr (plain, "visibility:hidden") != NULL;
}

static IngestHint hint_of_tag (const char *tag)
{
  if (strcmp (tag, "article") == 0 || strcmp (tag, "main") == 0)
    return INGEST_HINT_CONTENT;
  if (strcmp (tag, "nav") == 0 || strcmp (tag, "footer") == 0 || strcmp (tag, "aside") == 0
      || strcmp (tag, "menu") == 0 || strcmp (tag, "dialog") == 0)
    return INGEST_HINT_BOILERPLATE;
  if (strcmp (tag, "form") == 0 || strcmp (tag, "header") == 0 || strcmp (tag, "fieldset") == 0)
    return INGEST_HINT_SUSPECT;
  return INGEST_HINT_NONE;
}

static IngestHint hint_of_role (const xmlNode *node)
{
  static const char *const roles[]
      = { "navigation", "banner", "complementary", "contentinfo", "search",  "dialog",
          "alert",      "menu",   "menubar",       "alertdialog", "toolbar", "tablist" };
  g_autofree char *role = ingest_xml_attribute (node, "role");
  g_autofree char *property = ingest_xml_attribute (node, "itemprop");
  if ((role != NULL && (strcmp (role, "main") == 0 || strcmp (role, "article") == 0))
      || (property != NULL && strstr (property, "articleBody") != NULL))
    return INGEST_HINT_CONTENT;
  for (gsize i = 0; role != NULL && i < G_N_ELEMENTS (roles); i++)
    if (strcmp (role, roles[i]) == 0)
      return INGEST_HINT_BOILERPLATE;
  return INGEST_HINT_NONE;
}

IngestHint ingest_html_hint (const xmlNode *node)
{
  if (ingest_xml_is (node, "html") || ingest_xml_is (node, "body"))
    return INGEST_HINT_NONE;
  if (is_hidden (node))
    return INGEST_HINT_HIDDEN;
  IngestHint hint = hint_of_role (node);
  if (hint == INGEST_HINT_NONE)
    hint = hint_of_tag ((const char *)node->name);
  if (hint == INGEST_HINT_CONTENT || hint == INGEST_HINT_BOILERPLATE)
    return hint;
  g_autofree char *names = names_of (node);
  if (has_part (names, content_parts, G_N_ELEMENTS (content_parts)))
    return INGEST_HINT_CONTENT;
  if (has_part (names, boilerplate_parts, G_N_ELEMENTS (boilerplate_parts))
      || has_word (names, boilerplate_words, G_N_ELEMENTS (boilerplate_words)))
    return INGEST_HINT_BOILERPLATE;
  return hint;
}

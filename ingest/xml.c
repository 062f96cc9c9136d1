/* Reading XML and HTML of strangers. Office files, books, feeds and web pages all come through
 * here, so the rules that keep a parser from opening files or growing without bound stand once. In
 * come bytes, out comes a tree in UTF-8. The encoding is settled before libxml2 sees a byte,
 * because it would ask iconv, and iconv opens files. */
#include "ingest/xml-private.h"
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#define DECLARATION_BYTES 2048

static xmlParserInput *deny_entity (const char *url, const char *id, xmlParserCtxt *context)
{
  return NULL;
}

static void ignore_error (void *context, const char *message, ...)
{
}

static void ignore_structured_error (void *context, xmlError *error)
{
}

void ingest_xml_init (void)
{
  xmlInitParser ();
  xmlSetExternalEntityLoader (deny_entity);
  xmlSetGenericErrorFunc (NULL, ignore_error);
  xmlSetStructuredErrorFunc (NULL, ignore_structured_error);
}

/* ---- Encoding ---- */

/* The value of `encoding="…"` or `charset=…` in the first bytes. */
static char *declared_charset (const guint8 *data, gsize length)
{
  g_autofree char *head = g_ascii_strdown ((const char *)data, MIN (length, DECLARATION_BYTES));
  const char *xml = strstr (head, "<?xml");
  const char *at = xml != NULL ? strstr (xml, "encoding") : NULL;
  const char *end = xml != NULL ? strstr (xml, "?>") : NULL;
  if (at == NULL || (end != NULL && at > end))
    at = strstr (head, "charset");
  if (at == NULL)
    return NULL;
  at += strspn (at, "abcdefghijklmnopqrstuvwxyz");
  at += strspn (at, " \t\r\n");
  if (*at != '=')
    return NULL;
  at++;
  at += strspn (at, " \t\r\n\"'");
  return g_strndup (at, strspn (at, "abcdefghijklmnopqrstuvwxyz0123456789-_:."));
}

char *ingest_markup_decode (const guint8 *data, gsize length)
{
  g_autofree char *declared = declared_charset (data, length);
  return ingest_decode (data, length, declared);
}

/* ---- XML ---- */

/* Past white space, comments and processing instructions. */
static char *skip_prolog (char *at)
{
  while (TRUE)
    {
      at += strspn (at, " \t\r\n");
      const char *close
          = g_str_has_prefix (at, "<?") ? "?>" : (g_str_has_prefix (at, "<!--") ? "-->" : NULL);
      char *end = close != NULL ? strstr (at, close) : NULL;
      if (end == NULL)
        return at;
      at = end + strlen (close);
    }
}

/* Blanks a document type that only names itself; FALSE when it declares anything. */
static gboolean remove_doctype (char *text)
{
  char *at = skip_prolog (text);
  if (g_ascii_strncasecmp (at, "<!doctype", 9) != 0)
    return TRUE;
  gsize length = strcspn (at, "[>");
  if (at[length] != '>')
    return FALSE;
  memset (at, ' ', length + 1);
  return TRUE;
}

/* "&nbsp;" → "&#160;": HTML's entities, which XML does not know. */
static char *replace_html_entities (const char *text)
{
  GString *out = g_string_sized_new (strlen (text) + 1);
  for (const char *at = text; *at != '\0';)
    {
      gsize plain = strcspn (at, "&");
      g_string_append_len (out, at, plain);
      at += plain;
      if (*at == '\0')
        break;
      gsize length
          = strspn (at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
      g_autofree char *name = g_strndup (at + 1, MIN (length, 32));
      const htmlEntityDesc *entity
          = at[length + 1] == ';' ? htmlEntityLookup ((const xmlChar *)name) : NULL;
      gboolean of_xml = entity != NULL && entity->value < 64;
      if (entity != NULL && !of_xml)
        {
          g_string_append_printf (out, "&#%u;", entity->value);
          at += length + 2;
        }
      else
        g_string_append_c (out, *at++);
    }
  return g_string_free (out, FALSE);
}

xmlDoc *ingest_xml_read (const guint8 *data, gsize length, gboolean forgiving, GError **error)
{
  ingest_xml_init ();
  g_autofree char *text = ingest_markup_decode (data, length);
  if (text == NULL || !remove_doctype (text))
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                           text == NULL ? "is not valid XML"
                                        : "declares XML entities, which docent refuses to expand; "
                                          "save it again without a DTD");
      return NULL;
    }
  if (forgiving)
    {
      char *plain = replace_html_entities (text);
      g_free (text);
      text = plain;
    }
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA
                | XML_PARSE_COMPACT | XML_PARSE_IGNORE_ENC | (forgiving ? XML_PARSE_RECOVER : 0);
  gsize start = strspn (text, " \t\r\n");
  xmlDoc *doc = xmlReadMemory (text + start, strlen (text + start), NULL, "UTF-8", options);
  if (doc != NULL && xmlDocGetRootElement (doc) != NULL)
    return doc;
  g_clear_pointer (&doc, xmlFreeDoc);
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                       "holds broken XML; open it in its program and save it again");
  return NULL;
}

xmlDoc *ingest_html_read (const char *text, GError **error)
{
  ingest_xml_init ();
  htmlParserCtxt *context = htmlNewParserCtxt ();
  int options = HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_RECOVER
                | HTML_PARSE_COMPACT | HTML_PARSE_IGNORE_ENC;
  xmlDoc *doc = context != NULL && strlen (text) < G_MAXINT
                    ? htmlCtxtReadMemory (context, text, strlen (text), NULL, "UTF-8", options)
                    : NULL;
  gboolean cut_short = context != NULL && context->disableSAX != 0;
  htmlFreeParserCtxt (context);
  if (doc != NULL && !cut_short && xmlDocGetRootElement (doc) != NULL)
    return doc;
  g_clear_pointer (&doc, xmlFreeDoc);
  if (cut_short)
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_LIMIT,
                         "its elements are nested too deeply");
  else
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_NO_TEXT, "");
  return NULL;
}

/* ---- Looking around ---- */

gboolean ingest_xml_is (const xmlNode *node, const char *name)
{
  return node != NULL && node->type == XML_ELEMENT_NODE
         && strcmp ((const char *)node->name, name) == 0;
}

static xmlNode *first_from (xmlNode *node, const char *name)
{
  for (; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && (name == NULL || ingest_xml_is (node, name)))
      return node;
  return NULL;
}

xmlNode *ingest_xml_child (const xmlNode *node, const char *name)
{
  return first_from (node != NULL ? node->children : NULL, name);
}

xmlNode *ingest_xml_next (const xmlNode *node, const char *name)
{
  return first_from (node != NULL ? node->next : NULL, name);
}

xmlNode *ingest_xml_walk (const xmlNode *node, const xmlNode *root, gboolean skip_children)
{
  /* The children of an entity reference are the entity's own declaration, which points elsewhere.
   */
  if (!skip_children && node->type == XML_ELEMENT_NODE && node->children != NULL)
    return node->children;
  while (node != root && node->next == NULL)
    node = node->parent;
  return node != root ? node->next : NULL;
}

xmlNode *ingest_xml_find (const xmlNode *node, const char *name)
{
  if (node == NULL)
    return NULL;
  for (xmlNode *at = ingest_xml_walk (node, node, FALSE); at != NULL;
       at = ingest_xml_walk (at, node, FALSE))
    if (ingest_xml_is (at, name))
      return at;
  return NULL;
}

char *ingest_xml_compose (const xmlNode *root, IngestXmlAppend append, gpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean skip = FALSE;
  for (const xmlNode *at = ingest_xml_walk (root, root, FALSE); at != NULL;
       at = ingest_xml_walk (at, root, skip))
    skip = append (at, text, user_data);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *ingest_xml_attribute (const xmlNode *node, const char *name)
{
  /* Text nodes keep their text where elements have their attributes. */
  if (node == NULL || node->type != XML_ELEMENT_NODE)
    return NULL;
  for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next)
    if (strcmp ((const char *)attribute->name, name) == 0)
      {
        xmlChar *value = xmlNodeListGetString (node->doc, attribute->children, 1);
        char *copy = ingest_prose_clean (value != NULL ? (const char *)value : "", -1);
        xmlFree (value);
        return copy;
      }
  return NULL;
}

gint ingest_xml_number (const xmlNode *node, const char *name, gint fallback)
{
  g_autofree char *text = ingest_xml_attribute (node, name);
  gint64 value;
  if (text == NULL || !g_ascii_string_to_signed (text, 10, G_MININT, G_MAXINT, &value, NULL))
    return fallback;
  return value;
}

char *ingest_xml_text (const xmlNode *node)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const xmlNode *at = node != NULL ? ingest_xml_walk (node, node, FALSE) : NULL; at != NULL;
       at = ingest_xml_walk (at, node, FALSE))
    if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE)
      g_string_append (text, (const char *)at->content);
  return ingest_prose_squeeze (ingest_prose_clean (text->str, text->len));
}

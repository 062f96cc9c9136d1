/* XML and HTML of strangers as trees of libxml2, and the few ways in which parsers look at them.
 * Nothing is ever loaded: no DTD, no entity, no inclusion, no network. */
#pragma once

#include "ingest/ingest.h"

#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

/* Runs before anything is parsed: silences libxml2 and refuses every external entity. Repeatable.
 */
void ingest_xml_init (void);

/* XML in any encoding. A document type that declares entities is refused: it is how XML bombs and
 * file theft are made, and no document format needs one. FORGIVING: what can be read of broken XML,
 * with HTML's entity names, as feeds have it. Errors carry a phrase that follows the file's name.
 */
xmlDoc *ingest_xml_read (const guint8 *data, gsize length, gboolean forgiving, GError **error);
/* HTML, however broken; TEXT is clean UTF-8. NULL when there is no element in it. */
xmlDoc *ingest_html_read (const char *text, GError **error);
/* Clean UTF-8 of XML or HTML by what it declares at its beginning; NULL when it is binary. */
char *ingest_markup_decode (const guint8 *data, gsize length);

/* Elements by name, whatever their namespace. NODE may be NULL in all of these. */
gboolean ingest_xml_is (const xmlNode *node, const char *name);
xmlNode *ingest_xml_child (const xmlNode *node, const char *name);
/* The next sibling element after NODE called NAME (NULL: any). */
xmlNode *ingest_xml_next (const xmlNode *node, const char *name);
/* The first element called NAME below NODE, in document order. */
xmlNode *ingest_xml_find (const xmlNode *node, const char *name);
/* The next node in document order that is below ROOT; SKIP_CHILDREN passes over those of NODE. */
xmlNode *ingest_xml_walk (const xmlNode *node, const xmlNode *root, gboolean skip_children);
/* Appends to TEXT what NODE shows; TRUE: the nodes below it are not to be asked. */
typedef gboolean (*IngestXmlAppend) (const xmlNode *node, GString *text, gpointer user_data);
/* What APPEND makes of the nodes below ROOT, in document order. */
char *ingest_xml_compose (const xmlNode *root, IngestXmlAppend append, gpointer user_data);
/* NULL when there is none. */
char *ingest_xml_attribute (const xmlNode *node, const char *name);
/* An attribute's number, FALLBACK when it has none. */
gint ingest_xml_number (const xmlNode *node, const char *name, gint fallback);
/* All text below NODE, clean and squeezed; "" when there is none. */
char *ingest_xml_text (const xmlNode *node);

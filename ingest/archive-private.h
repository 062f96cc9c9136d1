/* ZIP archives in memory: office files, books, and archives of documents. Names are keys, never
 * paths on a disk. */
#pragma once

#include "ingest/parse-private.h"
#include "ingest/xml-private.h"

#define INGEST_ARCHIVE_ENTRIES_MAX 10000
#define INGEST_ARCHIVE_BYTES_MAX (192 * 1024 * 1024)

typedef struct
{
  GPtrArray *names;  /* char*, in the archive's order; owned by PARTS */
  GHashTable *parts; /* char* → GBytes */
} IngestArchive;
void ingest_archive_free (IngestArchive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestArchive, ingest_archive_free)

/* Unpacks what may hold text; pictures, sound and fonts are passed over. Fails with ENCRYPTED, with
 * LIMIT for bombs and with FORMAT for damaged archives. */
IngestArchive *ingest_archive_read (GBytes *bytes, GError **error);
gboolean ingest_archive_has (const IngestArchive *archive, const char *name);
/* A member as XML; NULL with ERROR (may be NULL) set when it is missing or broken. */
xmlDoc *ingest_archive_xml (const IngestArchive *archive, const char *name, GError **error);
/* TARGET as named in the member BASE, without "..": "word/document.xml", "../x/y.png" → "x/y.png". */
char *ingest_archive_resolve (const char *base, const char *target);

/* opc.c: the part that PART ("" for the package) is related to by a type that ends in TYPE, or by
 * its ID. NULL when there is none. */
char *ingest_opc_related (const IngestArchive *archive, const char *part, const char *type);
char *ingest_opc_by_id (const IngestArchive *archive, const char *part, const char *id);
/* Title, language and date out of the package's core properties. */
void ingest_opc_describe (const IngestArchive *archive, IngestDocument *document);

/* One parser per kind of archive; DOC is the tree of the main part at PATH. */
IngestDocument *ingest_parse_docx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error);
IngestDocument *ingest_parse_pptx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error);
IngestDocument *ingest_parse_xlsx (const IngestArchive *archive, xmlDoc *doc, const char *path,
                                   GError **error);
/* ARCHIVE is NULL for a flat OpenDocument file. */
IngestDocument *ingest_parse_odf (const IngestArchive *archive, xmlDoc *doc, GError **error);
IngestDocument *ingest_parse_epub (const IngestArchive *archive, GError **error);
/* zip.c: decides which of these BYTES is; any other ZIP becomes a document of its members. */
IngestDocument *ingest_parse_zip (GBytes *bytes, guint depth, GError **error);

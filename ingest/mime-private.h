/* A mail message as a tree of parts (RFC 5322, 2045 to 2047, 2231). */
#pragma once

#include "ingest/parse-private.h"

typedef struct
{
  GHashTable *headers; /* lower-case name → raw value, unfolded; the first of each name */
  char *type;          /* "text/plain", lower case */
  char *charset;       /* or NULL */
  char *name;          /* of an attachment, clean; or NULL */
  gboolean attached;   /* by its disposition */
  GBytes *body;        /* decoded; NULL for multiparts */
  GPtrArray *parts;    /* MimePart* of a multipart; else NULL */
} MimePart;
void mime_part_free (MimePart *part);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MimePart, mime_part_free)

/* Never fails: what has no headers is a body. */
MimePart *mime_read (const char *data, gsize length);
/* The header's text, encoded words decoded, clean, on one line; NULL when there is none. */
char *mime_header (const MimePart *part, const char *name);

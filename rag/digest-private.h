/* The digests that the library keeps (digest-store.c). COLLECTION NULL: of all documents. */
#pragma once

#include "rag/brief-private.h"

char *rag_digest_path (const Rag *rag, const char *collection, const char *date);
gboolean rag_digest_save (const Rag *rag, const RagBrief *brief, const char *collection,
                          GError **error);
/* Digests of days before DATE, latest first. Elements: RagBrief*. */
GPtrArray *rag_digest_earlier (const Rag *rag, const char *collection, const char *date,
                               guint limit);
/* Takes what tells of DOCUMENTS (IndexDocument*) out of all digests. */
void rag_digest_forget (const Rag *rag, const GPtrArray *documents);

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
gboolean rag_digest_forget (const Rag *rag, const GPtrArray *documents, GError **error);

/* ---- digest.c ---- */

/* The beginning of DOCUMENT: as much as a digest tells of. Elements: IndexHit*. */
GPtrArray *rag_digest_chunks (Rag *rag, const RagDocument *document, GError **error);

/* ---- interests.c ---- */

/* Topics, or else what was asked and judged. Elements: char*. */
GPtrArray *rag_digest_interests (const Rag *rag, const RagDigestOptions *options);

/* ---- digest-write.c ---- */

/* Sections of the first of STORIES (RagStory*) into BRIEF. */
gboolean rag_digest_write (Rag *rag, const GPtrArray *stories, const RagDigestOptions *options,
                           RagBrief *brief, GError **error);

/* ---- embargo.c ---- */

/* Collection → gint64*. */
GHashTable *rag_embargoes (const Rag *rag, GError **error);
/* Unix seconds; 0: none. */
gint64 rag_embargo_of (GHashTable *embargoes, const char *collection);

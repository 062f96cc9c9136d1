/* The only file of docent that opens a connection itself; `feed poll` alone reaches it (cli denies
 * sockets to every other command). ingest never knows the network: what arrives here is put into a
 * file and parsed in the sandbox like any document. */
#pragma once

#include <gio/gio.h>

typedef struct _RagFetcher RagFetcher;

typedef struct
{
  gboolean unchanged; /* the server says that nothing is new since ETAG or LAST_MODIFIED */
  GBytes *body;       /* decompressed; NULL when unchanged */
  char *etag, *last_modified;
  gint64 retry_after_s; /* of a failure: when the server wants to be asked again; 0: it did not say */
} RagFetched;
void rag_fetched_clear (RagFetched *fetched);

/* TIMEOUT_S: for a whole request; 0: 30. */
RagFetcher *rag_fetcher_new (guint timeout_s);
void rag_fetcher_free (RagFetcher *fetcher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagFetcher, rag_fetcher_free)

/* http or https, and nothing else. */
gboolean rag_check_url (const char *url, GError **error);
/* GETs URL unless robots.txt forbids it. ETAG and LAST_MODIFIED of the last time, or NULL.
 * ret_fetched: on failure only its retry_after_s says something. */
gboolean rag_fetch (RagFetcher *fetcher, const char *url, const char *etag,
                    const char *last_modified, GCancellable *cancellable, RagFetched *ret_fetched,
                    GError **error);

/* ---- robots.c ---- */

/* Whether TEXT, a robots.txt (RFC 9309), lets AGENT read PATH. ret_delay_s: its Crawl-delay, 0
 * without one. */
gboolean rag_robots_allow (const char *text, const char *agent, const char *path,
                           double *ret_delay_s);

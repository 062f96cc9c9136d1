/* Gets a feed from the network, politely and with every limit that a hostile server calls for.
 *
 * In: an address and what the server said last time. Out: bytes, or that nothing changed, or a
 * sentence. TLS is verified; only http and https are spoken, also after a redirect, and a public
 * address cannot redirect into the private network. Size is limited after decompression, so a small
 * file cannot unfold into a large one. A host is asked at most once a second, or as rarely as its
 * robots.txt wants. */
#include "rag/fetch-private.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rag/rag.h"

#define AGENT "docent"
#define MAX_BODY_BYTES (8 * 1024 * 1024)
#define MAX_ROBOTS_BYTES (500 * 1024) /* as RFC 9309 wants at least */
#define MAX_REDIRECTS 5
#define CONNECT_TIMEOUT_S 10
#define DEFAULT_TIMEOUT_S 30
#define PAUSE_S 1.0
#define MAX_PAUSE_S 30.0

typedef struct
{
  char *robots; /* NULL: everything is allowed */
  gboolean closed; /* robots.txt could not be had: nothing is allowed (RFC 9309, 2.3.1.4) */
  double pause_s;
  gint64 last_us; /* when it was asked last */
} Host;

struct _RagFetcher
{
  CURL *curl;
  guint timeout_s;
  GHashTable *hosts; /* "https://example.org:443" → Host */
};

static void host_free (gpointer data)
{
  Host *host = data;
  g_free (host->robots);
  g_free (host);
}

void rag_fetched_clear (RagFetched *fetched)
{
  g_clear_pointer (&fetched->body, g_bytes_unref);
  g_clear_pointer (&fetched->etag, g_free);
  g_clear_pointer (&fetched->last_modified, g_free);
}

RagFetcher *rag_fetcher_new (guint timeout_s)
{
  static gsize once = 0;
  if (g_once_init_enter (&once))
    {
      curl_global_init (CURL_GLOBAL_DEFAULT);
      g_once_init_leave (&once, 1);
    }
  RagFetcher *fetcher = g_new0 (RagFetcher, 1);
  fetcher->curl = curl_easy_init ();
  fetcher->timeout_s = timeout_s > 0 ? timeout_s : DEFAULT_TIMEOUT_S;
  fetcher->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, host_free);
  return fetcher;
}

void rag_fetcher_free (RagFetcher *fetcher)
{
  if (fetcher == NULL)
    return;
  curl_easy_cleanup (fetcher->curl);
  g_hash_table_unref (fetcher->hosts);
  g_free (fetcher);
}

gboolean rag_check_url (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  if (uri != NULL && (strcmp (scheme, "https") == 0 || strcmp (scheme, "http") == 0)
      && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0'
      && g_uri_get_userinfo (uri) == NULL)
    return TRUE;
  g_set_error (error, RAG_ERROR, RAG_ERROR_INPUT,
               "“%s” is not the address of a feed; it begins with https:// and names no user", url);
  return FALSE;
}

/* ---- One request ---- */

typedef struct
{
  GByteArray *body;
  gsize limit;
  gboolean too_large;
  char *etag, *last_modified;
  gint64 retry_after_s;
  GCancellable *cancellable;
  gboolean first_is_private, connected; /* what the address that was asked for turned out to be */
} Request;

static size_t on_body (char *data, size_t size, size_t n, void *user_data)
{
  Request *request = user_data;
  request->too_large = size * n > request->limit - request->body->len;
  if (request->too_large)
    return 0;
  g_byte_array_append (request->body, (const guint8 *)data, size * n);
  return size * n;
}

static void take_header (const char *line, const char *name, char **value)
{
  const gsize length = strlen (name);
  if (g_ascii_strncasecmp (line, name, length) != 0 || line[length] != ':')
    return;
  g_free (*value);
  *value = g_strstrip (g_strdup (line + length + 1));
}

static size_t on_header (char *data, size_t size, size_t n, void *user_data)
{
  Request *request = user_data;
  g_autofree char *line = g_strndup (data, size * n);
  g_autofree char *retry = NULL;
  take_header (line, "etag", &request->etag);
  take_header (line, "last-modified", &request->last_modified);
  take_header (line, "retry-after", &retry);
  if (retry != NULL)
    request->retry_after_s = (gint64)MIN (g_ascii_strtoull (retry, NULL, 10), 7 * 86400);
  return size * n;
}

static int on_progress (void *user_data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                        curl_off_t up)
{
  return g_cancellable_is_cancelled (((Request *)user_data)->cancellable);
}

static gboolean is_private (const struct curl_sockaddr *address)
{
  g_autoptr (GSocketAddress) socket_address
      = g_socket_address_new_from_native ((gpointer)&address->addr, address->addrlen);
  if (!G_IS_INET_SOCKET_ADDRESS (socket_address))
    return TRUE;
  GInetAddress *inet = g_inet_socket_address_get_address (
      G_INET_SOCKET_ADDRESS (socket_address));
  const guint8 *bytes = g_inet_address_to_bytes (inet);
  /* fc00::/7, and IPv4 behind ::ffff:0:0/96 */
  const gboolean unique_local = address->family == AF_INET6 && (bytes[0] & 0xFE) == 0xFC;
  const gboolean mapped = address->family == AF_INET6
                          && IN6_IS_ADDR_V4MAPPED ((const struct in6_addr *)bytes);
  return unique_local || mapped || g_inet_address_get_is_loopback (inet)
         || g_inet_address_get_is_link_local (inet) || g_inet_address_get_is_site_local (inet)
         || g_inet_address_get_is_any (inet);
}

/* Whoever subscribes to an address of the own network may; a redirect from outside may not. */
static curl_socket_t on_socket (void *user_data, curlsocktype purpose,
                                struct curl_sockaddr *address)
{
  Request *request = user_data;
  const gboolean private = is_private (address);
  if (!request->connected)
    request->first_is_private = private;
  request->connected = TRUE;
  if (private && !request->first_is_private)
    return CURL_SOCKET_BAD;
  return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_limits (CURL *curl, Request *request, guint timeout_s)
{
  curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt (curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
  curl_easy_setopt (curl, CURLOPT_CONNECTTIMEOUT, (long)MIN (CONNECT_TIMEOUT_S, timeout_s));
  curl_easy_setopt (curl, CURLOPT_TIMEOUT, (long)timeout_s);
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt (curl, CURLOPT_USERAGENT, AGENT "/" DOCENT_VERSION " (feed reader)");
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, request);
  curl_easy_setopt (curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (curl, CURLOPT_HEADERDATA, request);
  curl_easy_setopt (curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (curl, CURLOPT_XFERINFODATA, request);
  curl_easy_setopt (curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt (curl, CURLOPT_OPENSOCKETDATA, request);
  /* Connections are not shared: each has to pass on_socket. */
  curl_easy_setopt (curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt (curl, CURLOPT_FORBID_REUSE, 1L);
}

static const char *reason_of (const Request *request, CURLcode code, const char *detail)
{
  if (request->too_large)
    return "is larger than 8 MB";
  if (code == CURLE_COULDNT_CONNECT && request->connected && !request->first_is_private)
    return "cannot be connected to, or leads into the private network";
  return *detail != '\0' ? detail : curl_easy_strerror (code);
}

/* The status, or 0 with ERROR set. */
static long perform (RagFetcher *fetcher, const char *url, struct curl_slist *headers,
                     Request *request, GError **error)
{
  char detail[CURL_ERROR_SIZE] = "";
  long status = 0;
  CURL *curl = fetcher->curl;
  curl_easy_reset (curl);
  set_limits (curl, request, fetcher->timeout_s);
  curl_easy_setopt (curl, CURLOPT_URL, url);
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_easy_perform (curl);
  curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, NULL);
  if (code == CURLE_OK)
    return status;
  g_set_error (error, RAG_ERROR, code == CURLE_ABORTED_BY_CALLBACK ? RAG_ERROR_CANCELLED : RAG_ERROR_FAILED,
               "%s: %s", url, reason_of (request, code, detail));
  return 0;
}

/* ---- Politeness ---- */

static void read_robots (RagFetcher *fetcher, Host *host, const char *origin,
                         GCancellable *cancellable)
{
  g_autofree char *url = g_strconcat (origin, "/robots.txt", NULL);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  Request request = { .body = body, .limit = MAX_ROBOTS_BYTES, .cancellable = cancellable };
  const long status = perform (fetcher, url, NULL, &request, NULL);
  host->closed = status >= 500;
  if (status == 200)
    host->robots = g_strndup ((const char *)body->data, body->len);
  g_free (request.etag);
  g_free (request.last_modified);
  host->last_us = g_get_monotonic_time ();
}

static Host *host_of (RagFetcher *fetcher, const GUri *uri, GCancellable *cancellable)
{
  g_autofree char *origin
      = g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme ((GUri *)uri), NULL,
                    g_uri_get_host ((GUri *)uri), g_uri_get_port ((GUri *)uri), "", NULL, NULL);
  Host *host = g_hash_table_lookup (fetcher->hosts, origin);
  if (host != NULL)
    return host;
  host = g_new0 (Host, 1);
  host->pause_s = PAUSE_S;
  read_robots (fetcher, host, origin, cancellable);
  g_hash_table_insert (fetcher->hosts, g_steal_pointer (&origin), host);
  return host;
}

static gboolean may_ask (RagFetcher *fetcher, const char *url, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, error);
  if (uri == NULL)
    return FALSE;
  Host *host = host_of (fetcher, uri, cancellable);
  const char *path = *g_uri_get_path (uri) != '\0' ? g_uri_get_path (uri) : "/";
  double delay_s = 0;
  if (host->closed
      || (host->robots != NULL && !rag_robots_allow (host->robots, AGENT, path, &delay_s)))
    {
      g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s: the site's robots.txt %s", url,
                   host->closed ? "cannot be read now" : "does not allow it");
      return FALSE;
    }
  const gint64 due_us = host->last_us
                        + (gint64)(CLAMP (delay_s, host->pause_s, MAX_PAUSE_S) * G_USEC_PER_SEC);
  const gint64 wait_us = due_us - g_get_monotonic_time ();
  if (wait_us > 0 && host->last_us > 0)
    g_usleep ((gulong)wait_us);
  host->last_us = g_get_monotonic_time ();
  return TRUE;
}

static struct curl_slist *add_condition (struct curl_slist *headers, const char *name,
                                         const char *value)
{
  g_autofree char *line = value != NULL ? g_strdup_printf ("%s: %s", name, value) : NULL;
  return line != NULL && strpbrk (line, "\r\n") == NULL ? curl_slist_append (headers, line)
                                                         : headers;
}

gboolean rag_fetch (RagFetcher *fetcher, const char *url, const char *etag,
                    const char *last_modified, GCancellable *cancellable, RagFetched *ret_fetched,
                    GError **error)
{
  *ret_fetched = (RagFetched){ 0 };
  if (!rag_check_url (url, error) || !may_ask (fetcher, url, cancellable, error))
    return FALSE;
  g_autoptr (GByteArray) body = g_byte_array_new ();
  Request request = { .body = body, .limit = MAX_BODY_BYTES, .cancellable = cancellable };
  struct curl_slist *headers = add_condition (NULL, "If-None-Match", etag);
  headers = add_condition (headers, "If-Modified-Since", last_modified);
  const long status = perform (fetcher, url, headers, &request, error);
  curl_slist_free_all (headers);
  RagFetched fetched = { .unchanged = status == 304,
                         .etag = request.etag,
                         .last_modified = request.last_modified,
                         .retry_after_s = request.retry_after_s };
  if (status == 200)
    fetched.body = g_bytes_new (body->data, body->len);
  else if (status != 304)
    {
      if (status != 0)
        g_set_error (error, RAG_ERROR, RAG_ERROR_FAILED, "%s: the server answers %ld%s", url,
                     status, status == 410 ? " (gone: docent feed remove ends the subscription)" : "");
      rag_fetched_clear (&fetched);
      *ret_fetched = (RagFetched){ .retry_after_s = request.retry_after_s };
      return FALSE;
    }
  *ret_fetched = fetched;
  return TRUE;
}

/* index: keeps chunks and their vectors safely on disk and finds them again.
 *
 * SQLite (library.db) is the truth; the FAISS file beside it is a cache that can be rebuilt at any
 * time. This room does not know how text or vectors came to be. Read in this order: Library,
 * Documents, Search, Integrity.
 *
 * Ownership: *_free frees everything below. Vectors are float32, L2-normalised, row-major. Every
 * call that changes something is one transaction: after a crash it happened or it did not. */
#pragma once

#include <gio/gio.h>
#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INDEX_ERROR_OPEN,      /* the folder or database cannot be opened or created */
  INDEX_ERROR_BUSY,      /* another process is writing */
  INDEX_ERROR_SCHEMA,    /* made by a newer docent */
  INDEX_ERROR_CORRUPT,   /* says what, and what `fsck` can do about it */
  INDEX_ERROR_FULL,      /* disk full; nothing was changed */
  INDEX_ERROR_MISMATCH,  /* vectors of another encoder or dimension */
  INDEX_ERROR_NOT_FOUND, /* no library, no such document */
  INDEX_ERROR_INPUT,
  INDEX_ERROR_FAILED,
} IndexError;
#define INDEX_ERROR (index_error_quark ())
GQuark index_error_quark (void);

/* ---- Library: library.c, schema.c, lock.c ----------------------------------------------- */

typedef struct _Index Index;

typedef enum
{
  INDEX_READ = 0,
  INDEX_WRITE = 1,   /* takes the flock; BUSY when another process holds it */
  INDEX_CREATE = 2,  /* with INDEX_WRITE: make the folder (0700) and database when missing */
  INDEX_SCRATCH = 4, /* never wait for the disk: for a library that is thrown away afterwards */
} IndexOpenFlags;

/* DIR holds library.db, vectors.<generation>.faiss, lock. A library that does not exist is
 * NOT_FOUND unless INDEX_CREATE is given. One thread at a time may use an Index. */
Index *index_open (const char *dir, IndexOpenFlags flags, GError **error);
/* For reading, as somebody who may see the collections that name ROLE as a reader, and nothing of
 * the others: every call below then behaves as if the library held these collections alone. */
Index *index_open_as (const char *dir, const char *role, GError **error);
void index_close (Index *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Index, index_close)

/* Which encoder made the vectors; NULL before the first vector. Set once, then it must match. */
const char *index_encoder (Index *index, guint *ret_dimension);
gboolean index_set_encoder (Index *index, const char *fingerprint, guint dimension, GError **error);

/* The change to another encoder: next-encoder.c. The old one serves until the switch. NULL: none is
 * to come. */
const char *index_next_encoder (Index *index, guint *ret_dimension);
/* Begins the change, or another one, or (NULL) gives it up. Saying the same again changes nothing. */
gboolean index_set_next_encoder (Index *index, const char *fingerprint, guint dimension,
                                 GError **error);
typedef struct
{
  gint64 chunk;
  char *text, *section, *title;
} IndexText;
void index_text_free (IndexText *text);
/* Up to LIMIT of the passages above AFTER that the next encoder has to read yet, by chunk. Elements:
 * IndexText*. */
GPtrArray *index_next_texts (Index *index, gint64 after, guint limit, GError **error);
gboolean index_count_next_vectors (Index *index, guint *ret_n, GError **error);
/* VECTORS: [TEXTS->len, dimension of the next encoder]. */
gboolean index_put_next_vectors (Index *index, const GPtrArray *texts, const float *vectors,
                                 GError **error);
/* The next encoder becomes the library's, in one transaction. ret_complete: FALSE when some passage
 * has to be read yet, and nothing happened. */
gboolean index_switch_encoder (Index *index, gboolean *ret_complete, GError **error);

/* Folders and files that `add` was given, to be scanned again by `sync`. */
typedef struct
{
  char *path;
  char *collection;
  char *include, *exclude; /* rules that are the caller's to understand; or NULL */
} IndexSource;
void index_source_free (IndexSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IndexSource, index_source_free)
GPtrArray *index_list_sources (Index *index, GError **error); /* IndexSource* */
/* Replaces what was said about its path before. */
gboolean index_add_source (Index *index, const IndexSource *source, GError **error);
gboolean index_remove_source (Index *index, const char *path, GError **error);

/* ---- Collections, readers and tags: collections.c --------------------------------------- */

typedef struct
{
  char *name;
  guint n_documents, n_chunks;
  char **readers; /* roles, by name */
  gboolean is_private; /* what is asked of it must leave no trace */
} IndexCollection;
void index_collection_free (IndexCollection *collection);
/* Those that hold documents, have readers or are private, by name. Elements: IndexCollection*. */
GPtrArray *index_list_collections (Index *index, GError **error);
gboolean index_set_reader (Index *index, const char *collection, const char *role, gboolean may_read,
                           GError **error);
gboolean index_set_private (Index *index, const char *collection, gboolean is_private,
                            GError **error);
/* Is COLLECTION, or (NULL) any that has documents, private? */
gboolean index_has_private (Index *index, const char *collection, gboolean *ret_private,
                            GError **error);
/* Puts TAG on the documents with that path or below it, or takes it off. */
gboolean index_set_tag (Index *index, const char *path, const char *tag, gboolean tagged,
                        guint *ret_n_documents, GError **error);
/* The tags of a document, by name. */
char **index_document_tags (Index *index, gint64 document, GError **error);

/* ---- Documents: documents.c ------------------------------------------------------------- */

/* What a search is kept to: all that is given must hold. Chunks that it leaves out are never
 * ranked, so the best of the others are found as if they were alone. */
typedef struct
{
  const char *collection;
  const char *folder;          /* documents of this path or below it */
  const char *language;        /* ISO 639-1: passages in it, documents that have some */
  const char *tag;
  const char *section;         /* words, all in the chunk's section */
  gint64 after_s, before_s;    /* Unix seconds, 0: any. By the document's date, else by the file's */
  const gint64 *documents;     /* only these; NULL: all */
  gsize n_documents;
} IndexScope;

typedef struct
{
  gint64 id;
  char *path; /* absolute, or the address where it is from (https://…); unique */
  char *title;
  char *mime_type;
  char *language;   /* ISO 639-1, or NULL; what follows the language ("-AT") is dropped */
  char *collection; /* "default" unless said otherwise */
  char *sha256;
  guint64 size_bytes;
  gint64 mtime_ns;
  gint64 added_at; /* Unix seconds */
  guint n_pages, n_chunks;
  char *failure; /* why it could not be read; NULL when it was */
  char *date;    /* YYYY-MM-DD when it says that it was written; NULL: it does not say */
} IndexDocument;
void index_document_free (IndexDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IndexDocument, index_document_free)

typedef enum
{
  INDEX_CHUNK_HIDDEN = 1, /* nobody who looks at the page sees it */
  INDEX_CHUNK_OCR = 2,    /* read from a picture of the page */
} IndexChunkFlags;

typedef struct
{
  const char *id; /* stable id from ingest */
  const char *text;
  const char *section;
  guint first_page, last_page;
  const char *first_label, *last_label; /* printed labels or NULL */
  gint64 start, end;                    /* span in the document's text */
  float box[4];                         /* x0 y0 x1 y1 on first_page, points */
  guint flags;                          /* IndexChunkFlags */
  const char *language;                 /* as of documents; NULL: the document's */
} IndexChunk;

/* Vectors [n, dimension] already stored for chunks of PATH whose ids are among IDS: found[i] says
 * which, so that only changed chunks are embedded again. */
gboolean index_known_vectors (Index *index, const char *path, const char *const *ids, gsize n,
                              float *ret_vectors, gboolean *ret_found, GError **error);

/* Adds DOCUMENT (its `id`, `added_at`, `n_chunks` are ignored) or replaces the one with that path,
 * text search included. VECTORS: [n_chunks, dimension], or NULL when none were made (lexical
 * search works, dense search does not see it). With DOCUMENT->failure set and no chunks, only the
 * failure is recorded. */
gboolean index_put_document (Index *index, const IndexDocument *document, const IndexChunk *chunks,
                             gsize n_chunks, const float *vectors, GError **error);
/* Same bytes elsewhere: keeps chunks and vectors, changes path, size and mtime. */
gboolean index_move_document (Index *index, gint64 id, const char *path, guint64 size_bytes,
                              gint64 mtime_ns, GError **error);
/* Unchanged bytes, newer mtime. */
gboolean index_touch_document (Index *index, gint64 id, gint64 mtime_ns, GError **error);
/* Removes document, chunks, vectors; what was deleted cannot be read from the files afterwards
 * (secure_delete, FTS optimised, FAISS file rewritten). */
gboolean index_forget_document (Index *index, gint64 id, GError **error);
/* The same for many at once, all or none: the clearing up, which takes time in a large library, is
 * done once. */
gboolean index_forget_documents (Index *index, const gint64 *ids, gsize n, GError **error);

IndexDocument *index_find_document (Index *index, const char *path, GError **error); /* or NULL */
IndexDocument *index_find_by_sha256 (Index *index, const char *sha256,
                                     GError **error); /* or NULL */
/* SCOPE NULL: all; its section does not matter here. Elements: IndexDocument*, by path. */
GPtrArray *index_list_documents (Index *index, const IndexScope *scope, GError **error);

/* Of those in SCOPE, the ones that could not be read; ret_n: how many there are in all. Cheap enough for
 * every search. */
GPtrArray *index_list_failed (Index *index, const IndexScope *scope, guint *ret_n, GError **error);

/* Makes the vectors added since the last call fast to search and durable in the FAISS file. Slow
 * enough to be called once at the end of a run; without it nothing is lost. */
gboolean index_flush (Index *index, GError **error);

/* ---- Search: search.c, lexical.c (FTS5, tokenizer.c), dense.c (FAISS), fusion.c --------- */

typedef enum
{
  INDEX_SEARCH_HYBRID,
  INDEX_SEARCH_LEXICAL,
  INDEX_SEARCH_DENSE,
} IndexSearchMode;

typedef struct
{
  IndexSearchMode mode;
  const char *text;    /* for lexical and hybrid; any words, no query syntax */
  const float *vector; /* [dimension], for dense and hybrid; NULL turns hybrid into lexical */
  const char *encoder; /* that made VECTOR: MISMATCH when the library has changed to another by now;
                        * NULL: it has not */
  guint limit;
  IndexScope scope;
  guint per_document; /* at most this many hits of one document; 0: no cap */
  gboolean collapse;  /* of passages that say the same, only the best (see copies.c) */
} IndexQuery;

typedef struct
{
  gint64 chunk, document_id;
  char *path, *title, *collection, *section, *text;
  char *language; /* of the passage, or NULL */
  guint first_page, last_page;
  char *first_label, *last_label;
  gint64 start, end;
  float box[4];
  guint flags;   /* IndexChunkFlags */
  double score;  /* of the chosen mode; higher is better */
  double bm25;   /* > 0, higher is better; 0 when not found by a word that tells */
  double cosine; /* −1 … 1; NaN when no vector was compared */
  guint n_copies; /* passages that say the same and were left out */
} IndexHit;
void index_hit_free (IndexHit *hit);

/* The words that a question is full of and that tell nothing: "what", "is", "the". LANGUAGE: ISO 639-1,
 * NULL: English. WORD in lower case. FALSE for languages without a list. stopwords.c */
gboolean index_is_stopword (const char *language, const char *word);
/* "not", "keine", "jamais", in any language. WORD in lower case. */
gboolean index_is_denial (const char *word);

/* Elements: IndexHit*, best first. Lexical: BM25 over text, section and title with stemming; a
 * word that the library does not have is taken for the nearest that it has (spelling.c).
 * Hybrid: fusion of both lists (see fusion.c). Never fails for odd text: no words, no hits. */
GPtrArray *index_search (Index *index, const IndexQuery *query, GError **error);
/* The chunks around CHUNK in its document: up to BEFORE and AFTER of them, CHUNK included, in
 * document order. */
GPtrArray *index_neighbours (Index *index, gint64 chunk, guint before, guint after, GError **error);
/* All chunks of a document, or of its pages [first_page, last_page], in order. */
GPtrArray *index_document_chunks (Index *index, gint64 document, guint first_page, guint last_page,
                                  GError **error);
/* In how many chunks of the library does each word of TEXT occur? Stop words left out. For
 * judging how rare, and so how telling, a question's words are. FUNC gets the word as written, its
 * stem and its count. */
typedef void (*IndexTermFunc) (const char *word, const char *stem, guint n_chunks, gpointer data);
gboolean index_terms (Index *index, const char *text, IndexTermFunc func, gpointer user_data,
                      GError **error);

typedef struct
{
  guint n_documents; /* those that could not be read included */
  guint n_failed, n_chunks, n_vectors;
  guint64 n_pages, size_bytes;
} IndexStats;
gboolean index_stats (Index *index, const char *collection, IndexStats *ret_stats, GError **error);

/* ---- Log and backup: events.c, backup.c ------------------------------------------------- */

/* What was done to the library. A chain: `hash` covers the event before it. */
typedef struct
{
  gint64 seq, at; /* 1, 2, …; Unix seconds */
  char *action;   /* "put", "move", "forget", "allow", "deny", "repair", "encoder", "private", "public" */
  char *subject;  /* of a document the SHA-256 of its path */
  char *hash;
} IndexEvent;
void index_event_free (IndexEvent *event);
GPtrArray *index_list_events (Index *index, GError **error); /* IndexEvent* */
/* The number of the first event that does not follow from those before it; 0: all do. */
gint64 index_first_forged (const GPtrArray *events);

/* A complete, checked copy as the new folder DIR, while others may go on writing. */
gboolean index_backup (Index *index, const char *dir, GError **error);

/* ---- Integrity: fsck.c ------------------------------------------------------------------ */

typedef struct
{
  gboolean repair; /* rebuild what can be rebuilt */
  void (*report) (const char *problem, gboolean repaired, gpointer user_data);
  gpointer user_data;
} IndexFsck;

/* SQLite's own check, foreign keys, FTS against chunks, vector sizes and checksums, FAISS ids
 * against rows. Opens the library itself. ret_problems counts those that remain. */
gboolean index_fsck (const char *dir, const IndexFsck *options, guint *ret_problems,
                     GError **error);

G_END_DECLS

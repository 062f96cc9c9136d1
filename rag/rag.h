/* rag: joins the rooms. Files in: ingest → encode → index. Questions in: encode → search → select
 * evidence → prompt → generate → check every sentence → answer with pages, or a refusal.
 *
 * It prints nothing and reads no configuration: the caller passes options in and gets events and
 * results out. Read in this order: Library, Add, Search, Ask, Feeds, Briefs, Evaluate.
 *
 * Ownership: *_free frees everything below. Events belong to rag and last for the call. */
#pragma once

#include <gio/gio.h>
#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  RAG_ERROR_INPUT,      /* an empty, oversized or non-UTF-8 question, an unknown option value */
  RAG_ERROR_NOT_FOUND,  /* no such document, library, model */
  RAG_ERROR_BUSY,       /* another docent is writing to this library */
  RAG_ERROR_CANCELLED,
  RAG_ERROR_FAILED,
} RagError;
#define RAG_ERROR (rag_error_quark ())
GQuark rag_error_quark (void);

typedef void (*RagProgressFunc) (const char *step, guint64 done, guint64 total, gpointer user_data);

/* ---- Library: library.c ------------------------------------------------------------------------ */

typedef struct _Rag Rag;

typedef struct
{
  const char *library_dir;   /* holds the index */
  const char *models_dir;
  const char *encoder;       /* manifest name or path; NULL: the library's own, else the default */
  const char *generator;     /* manifest name or path; NULL: the best this machine can serve */
  const char *const *adapters; /* LoRA adapters of the generator, "PATH[=SCALE]"; NULL: none */
  guint n_threads;           /* 0: all */
  guint64 mem_limit_bytes;   /* 0: none */
  const char *kv_cache;      /* "f16", "q8_0", "f32": what the model remembers text in; NULL: f16 */
  const char *role;          /* see only the collections that it may read; NULL: everything */
  const char *reranker;      /* manifest name or path of a cross-encoder; NULL: none */
  guint rerank_ms;           /* that it may take per question; 0: 1000 */
  gboolean keep_nothing;     /* what is asked and answered leaves no trace: digests are not kept */
} RagOptions;

typedef enum
{
  RAG_READ,
  RAG_WRITE, /* takes the library's lock, creates it when missing */
} RagMode;

/* Opens the library; models are loaded when first needed. */
Rag *rag_open (const RagOptions *options, RagMode mode, GError **error);
void rag_close (Rag *rag);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rag, rag_close)

typedef struct
{
  char *path, *title, *mime_type, *language, *collection, *sha256;
  char *date; /* YYYY-MM-DD when it says that it was written, or NULL */
  guint64 size_bytes;
  gint64 added_at, mtime_ns;
  guint n_pages, n_chunks;
  char *failure; /* why it could not be read, or NULL */
} RagDocument;
void rag_document_free (RagDocument *document);

/* Elements: RagDocument*, by path. COLLECTION NULL: all. */
GPtrArray *rag_list (Rag *rag, const char *collection, GError **error);
/* NAME: a path, the end of a path, or a title, when only one document matches. */
RagDocument *rag_find (Rag *rag, const char *name, GError **error);
/* Passages of a document's pages [first, last], 0: all. Elements: RagHit*. */
GPtrArray *rag_show (Rag *rag, const RagDocument *document, guint first_page, guint last_page,
                     GError **error);
/* Removes the document from the library (never from the disk). */
gboolean rag_forget (Rag *rag, const RagDocument *document, GError **error);
/* REPORT as in index_fsck. */
gboolean rag_fsck (const char *library_dir, gboolean repair,
                   void (*report) (const char *problem, gboolean repaired, gpointer user_data),
                   gpointer user_data, guint *ret_problems, GError **error);

typedef struct
{
  guint n_documents, n_failed, n_chunks, n_vectors;
  guint64 n_pages, size_bytes;
  char *encoder;
} RagStats;
gboolean rag_stats (Rag *rag, const char *collection, RagStats *ret_stats, GError **error);

/* ---- Parts of the library: scope.c, collections.c ------------------------------------------------ */

/* What search, answers and lists are kept to: all that is given. */
typedef struct
{
  char *collection, *folder, *language, *tag;
  char *section;       /* words of the section's title */
  char *after, *before; /* "2024", "2024-01" or "2024-01-15": written (else changed) then or later,
                         * earlier than then */
} RagScope;
void rag_scope_clear (RagScope *scope);
/* Field I of SCOPE, 0, 1, …, for whoever treats all alike; NULL: there are no more. ret_name (may be
 * NULL): "collection", … */
char **rag_scope_field (RagScope *scope, guint i, const char **ret_name);
/* Moves "in:", "folder:", "lang:", "tag:", "section:", "after:" and "before:" from QUERY to SCOPE
 * and returns the rest. */
char *rag_scope_take (const char *query, RagScope *scope);
/* From now on; fails when a date is none. */
gboolean rag_set_scope (Rag *rag, const RagScope *scope, GError **error);

typedef struct
{
  char *name;
  guint n_documents, n_chunks;
  char **readers; /* roles */
  gboolean is_private; /* see rag_is_private */
  gint64 embargo_until; /* Unix seconds; 0: there is no embargo */
} RagCollection;
void rag_collection_free (RagCollection *collection);
/* Elements: RagCollection*, by name. */
GPtrArray *rag_list_collections (Rag *rag, GError **error);
gboolean rag_set_private (Rag *rag, const char *collection, gboolean is_private, GError **error);
/* Must what is asked and answered now leave no trace? Yes, when the library was opened so, or when
 * COLLECTION (else the scope's; neither: any that is seen) is private. When in doubt, yes. */
gboolean rag_is_private (Rag *rag, const char *collection);
gboolean rag_set_reader (Rag *rag, const char *collection, const char *role, gboolean may_read,
                         GError **error);
/* No digest tells of COLLECTION before UNTIL (Unix seconds), and then of all that came in meanwhile.
 * embargo.c */
gboolean rag_set_embargo (Rag *rag, const char *collection, gint64 until, GError **error);
/* Puts TAG on the document PATH, or on all below the folder PATH, or takes it off. */
gboolean rag_set_tag (Rag *rag, const char *path, const char *tag, gboolean tagged,
                      guint *ret_n_documents, GError **error);

/* ---- Log and backup: backup.c -------------------------------------------------------------------- */

typedef struct
{
  gint64 seq, at; /* 1, 2, …; Unix seconds */
  char *action, *subject, *hash;
} RagEvent;
void rag_event_free (RagEvent *event);
/* What was done to the library, oldest first. Elements: RagEvent*. ret_forged: the number of the
 * first that does not follow from those before it, 0: none. */
GPtrArray *rag_log (Rag *rag, gint64 *ret_forged, GError **error);
/* A complete, checked copy of the library as the new folder DIR. */
gboolean rag_backup (Rag *rag, const char *dir, GError **error);

/* What a generator or encoder would be here, and why: "qwen2.5-1.5b: reads 61 tokens/s here". */
gboolean rag_choose_generator (const RagOptions *options, char **ret_path, char **ret_reason,
                               GError **error);
gboolean rag_choose_encoder (const RagOptions *options, char **ret_path, char **ret_reason,
                             GError **error);

/* The text of every document that can be read in a file or folder, outside any library; it ends when
 * LIMIT_BYTES have been read. Elements: char*. Fails when there is none. texts.c */
GPtrArray *rag_read_texts (const char *path, gsize limit_bytes, GCancellable *cancellable,
                           GError **error);

/* ---- Add: add.c, sync.c -------------------------------------------------------------------------- */

typedef struct
{
  char *document;
  char *reason;
} RagFailure;
RagFailure *rag_failure_new (const char *document, const char *reason);
void rag_failure_free (RagFailure *failure);

typedef struct
{
  guint added, updated, unchanged, removed, moved;
  guint reembedded;    /* passages read by an encoder that is to take over */
  char *encoder;       /* that took over; NULL: none */
  guint64 pages, chunks;
  double seconds;
  guint64 ocr_pages; /* of the pages, those read by OCR */
  GPtrArray *failed; /* RagFailure* */
  GPtrArray *partly; /* RagFailure*: taken in, but for pages that are pictures */
} RagAddReport;
void rag_add_report_free (RagAddReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagAddReport, rag_add_report_free)

typedef struct
{
  const char *path;     /* the document in work */
  guint files_done, files_total;
  guint64 pages_done, chunks_done;
  guint64 bytes_done, bytes_total;
  double seconds, eta_seconds; /* eta < 0: not known yet */
  guint reembedded, to_reembed; /* passages; 0 of 0: no encoder takes over now */
} RagAddProgress;

typedef enum
{
  RAG_OCR_AUTO, /* pages that are pictures, when tesseract is installed */
  RAG_OCR_NEVER,
  RAG_OCR_ALWAYS, /* all pages of PDF files */
} RagOcr;

typedef struct
{
  const char *collection; /* NULL: "default" */
  const char *include, *exclude; /* rules as in a .gitignore, one a line, remembered with a folder;
                                    both NULL: those that were said when it was added before */
  gboolean dry_run;       /* report what would happen, change nothing */
  gboolean no_embed;      /* text search only, vectors later by `sync` */
  gboolean unsandboxed;   /* parse where the kernel has no sandbox for parsers */
  RagOcr ocr;
  void (*progress) (const RagAddProgress *progress, gpointer user_data);
  gpointer user_data;
  GCancellable *cancellable;
} RagAddOptions;

/* When the library is opened with an encoder that is not its own, add and sync end with its taking
 * over: every passage is read again, while searches go on with the old vectors. Stopped, the next
 * add or sync goes on with it, also when no encoder is named.
 *
 * Files that are unchanged by size and mtime, then SHA-256, are left alone. A bad file is named in
 * the report and the others go in. Each document is one transaction: stopping loses nothing. */
RagAddReport *rag_add (Rag *rag, const char *const *paths, gsize n_paths,
                       const RagAddOptions *options, GError **error);
/* Scans again what was added; removes what is gone from the disk. */
RagAddReport *rag_sync (Rag *rag, const RagAddOptions *options, GError **error);

/* watch.c: what was added, under watch from now on. */
typedef struct _RagWatch RagWatch;
RagWatch *rag_watch_new (Rag *rag, GError **error);
void rag_watch_free (RagWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagWatch, rag_watch_free)
/* Returns TRUE when something has changed since rag_watch_new and it has been quiet for QUIET_MS,
 * FALSE when CANCELLABLE ended the waiting. RAG may be freed before. */
gboolean rag_watch_wait (RagWatch *watch, guint quiet_ms, GCancellable *cancellable);

/* ---- Search: retrieve.c ---------------------------------------------------------------------------- */

typedef struct
{
  char *document; /* path */
  char *title, *collection, *section, *text;
  guint page, last_page;
  char *page_label;       /* printed label, or the page number */
  double score, bm25, cosine;
  guint n_copies;         /* passages that say the same and were left out */
  gboolean hidden;        /* nobody sees it who looks at the page */
  gboolean ocr;           /* read from a picture of the page: letters may be wrong */
  guint best_start, best_end; /* the sentence of TEXT that matches best, bytes */
} RagHit;
void rag_hit_free (RagHit *hit);

typedef enum
{
  RAG_SEARCH_HYBRID,
  RAG_SEARCH_LEXICAL,
  RAG_SEARCH_DENSE,
} RagSearchMode;

typedef struct
{
  guint documents, failed;   /* in the library (or collection), and those that could not be read */
  guint searched;
  GPtrArray *skipped;        /* RagFailure* */
} RagCoverage;

typedef struct
{
  GPtrArray *hits;           /* RagHit* */
  RagCoverage coverage;
  double encode_ms, search_ms, total_ms;
} RagSearchResult;
void rag_search_result_free (RagSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagSearchResult, rag_search_result_free)

RagSearchResult *rag_search (Rag *rag, const char *query, RagSearchMode mode, guint limit,
                             const char *collection, GError **error);
/* The vector of TEXT by the library's encoder, of length one: as a question, or as a PASSAGE to be
 * found. ret_vector: g_free. */
gboolean rag_embed (Rag *rag, const char *text, gboolean passage, float **ret_vector,
                    guint *ret_dimension, GError **error);

/* ---- Ask: ask.c, evidence.c, prompt.c, cite.c, refuse.c, followup.c, parts.c ----------------------- */

typedef struct
{
  guint n;                /* as in [1] */
  char *document, *title;
  guint page;
  char *page_label, *section;
  char *quote;            /* exactly as on the page */
  gboolean ocr;           /* as OCR read it from a picture of the page */
} RagCitation;

typedef struct
{
  char *text;
  gboolean supported;
  GArray *citations;      /* guint */
} RagSentence;

typedef enum
{
  RAG_CONFLICT_NUMBER,
  RAG_CONFLICT_DATE,
  RAG_CONFLICT_POLARITY, /* one of them says "not" */
} RagConflictKind;

typedef struct
{
  char *text;            /* what is said there: "20 %"; of a polarity the whole sentence */
  char *date;            /* of the document: YYYY, YYYY-MM or YYYY-MM-DD, or NULL */
  char *version;         /* "2.1", or NULL */
  RagCitation *citation; /* without a number */
} RagConflictValue;

/* What documents say differently of one thing that the answer tells. */
typedef struct
{
  RagConflictKind kind;
  GPtrArray *values;     /* RagConflictValue*, newer documents first, then those without a date */
} RagConflict;

typedef enum
{
  RAG_ANSWERED,
  RAG_REFUSED,
  RAG_PARTIAL, /* stopped by the user or a limit */
} RagStatus;

/* One of several things that were asked at once. */
typedef struct
{
  char *question;         /* as understood */
  RagStatus status;
  char *answer, *reason;  /* as below */
  guint n_sentences;      /* of the whole answer, after those of the parts before */
} RagPart;

typedef struct
{
  char *question;         /* as understood: a follow-up is rewritten */
  const char *intent;     /* "question", "compare", "greeting", "library", "mention", "summary" */
  RagStatus status;
  char *answer;           /* or the refusal, as text for people */
  double confidence;      /* 0 … 1 */
  char *reason;           /* why it refused or stopped, NULL when answered */
  GPtrArray *citations;   /* RagCitation* */
  GPtrArray *sentences;   /* RagSentence* */
  GPtrArray *parts;       /* RagPart*: none unless several things were asked */
  GPtrArray *evidence;    /* RagHit*: what was shown to the model, in order */
  GPtrArray *conflicts;   /* RagConflict*: where documents disagree; conflicts.c */
  RagCoverage coverage;
  double retrieve_ms, prefill_ms, first_token_ms, total_ms;
  guint prompt_tokens, reused_tokens, drafted_tokens, generated_tokens;
  char *model, *encoder;
  gboolean escalated;
} RagAnswer;
void rag_answer_free (RagAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagAnswer, rag_answer_free)

typedef struct
{
  /* Any may be NULL. EVIDENCE comes before the model reads a word. */
  void (*evidence) (const GPtrArray *hits, gpointer user_data);
  void (*reading) (gsize done, gsize total, gpointer user_data); /* prompt tokens */
  void (*piece) (const char *utf8, gpointer user_data);          /* raw answer text as it comes */
  gpointer user_data;
  GCancellable *cancellable;
} RagAskEvents;

typedef struct
{
  const char *collection;
  guint max_tokens;       /* of the answer; 0: 200 */
  guint evidence_tokens;  /* of the context; 0: as many as are read within budget_seconds */
  double budget_seconds;  /* from the question to the first word of its answer; 0: three */
  float temperature;      /* 0: greedy */
  guint64 seed;
  gboolean evidence_only; /* no generator: passages and coverage only */
  double min_confidence;  /* refuse what is less likely right, 0 … 1; 0: as docs/answers.md says */
} RagAskOptions;

/* One conversation: keeps the model loaded, what was asked and answered, and reuses what the
 * model has already read. */
typedef struct _RagChat RagChat;
/* Fails when RagOptions.generator names a model that is not here or broken, unless OPTIONS want the
 * evidence only. */
RagChat *rag_chat_new (Rag *rag, const RagAskOptions *options, GError **error);
void rag_chat_free (RagChat *chat);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagChat, rag_chat_free)
/* Refusals are answers with status RAG_REFUSED, not errors. Cancelling returns RAG_PARTIAL with
 * what there is. */
RagAnswer *rag_chat_ask (RagChat *chat, const char *question, const RagAskEvents *events,
                         GError **error);
/* rag_chat_new + rag_chat_ask for a single question. */
RagAnswer *rag_ask (Rag *rag, const char *question, const RagAskOptions *options,
                    const RagAskEvents *events, GError **error);

/* ---- Saved answers: saved.c, recheck.c ------------------------------------------------------------- */

typedef struct
{
  char *document, *sha256; /* path; of the passage's text */
} RagSavedPassage;

typedef struct
{
  char *name, *question;
  RagScope scope;          /* what it is kept to */
  char *model;             /* that was asked for, NULL: the best of the machine */
  RagAskOptions options;   /* without the collection, which is the scope's */
  gint64 saved_at, checked_at; /* Unix seconds */
  gboolean refused;
  char *answer;            /* NULL: a document that it rested on is gone */
  guint n_conflicts;
  GPtrArray *citations;    /* RagCitation* without title and section */
  GPtrArray *passages;     /* RagSavedPassage*: the best that were found */
} RagSaved;
void rag_saved_free (RagSaved *saved);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagSaved, rag_saved_free)

/* Whether an answer can be saved as NAME. */
gboolean rag_saved_check_name (const char *name, GError **error);
/* Keeps ANSWER to QUESTION, which was asked with SCOPE, OPTIONS and MODEL, in place of what had that
 * name. RAG is kept to SCOPE and may be open for reading: the library is locked when all is done, for as long
 * as writing takes. Fails where nothing may be kept (rag_is_private). */
gboolean rag_saved_put (Rag *rag, const char *name, const char *question, const RagScope *scope,
                        const char *model, const RagAskOptions *options, const RagAnswer *answer,
                        GError **error);
/* What is saved and rests on nothing that RAG may not see. Elements: RagSaved*, in the order of
 * saving. */
GPtrArray *rag_saved_list (Rag *rag);
RagSaved *rag_saved_find (Rag *rag, const char *name, GError **error);
gboolean rag_saved_remove (Rag *rag, const char *name, GError **error);

typedef enum
{
  RAG_SAVED_GONE,     /* a document that was cited is not in the library any more */
  RAG_SAVED_EDITED,   /* a document does not say any more what was cited */
  RAG_SAVED_NEWER,    /* a document that came in since is cited now */
  RAG_SAVED_CONFLICT, /* documents disagree that did not */
  RAG_SAVED_OTHER,    /* other passages were found */
} RagSavedReason;

typedef struct
{
  RagSavedReason reason;
  char *document; /* or NULL, as is QUOTE */
  char *quote;    /* the sentence that is gone, or that is new */
} RagSavedChange;

typedef struct
{
  RagSaved *before;
  RagAnswer *after;   /* NULL: the passages are the same, nothing had to be asked */
  GPtrArray *changes; /* RagSavedChange*; empty: the answer stands */
} RagSavedCheck;
void rag_saved_check_free (RagSavedCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagSavedCheck, rag_saved_check_free)
/* Looks whether what is saved as NAME still stands, and keeps what is answered now in its place, as
 * rag_saved_put does. RAG's scope and generator are those of the question afterwards. */
RagSavedCheck *rag_saved_check (Rag *rag, const char *name, const RagAskEvents *events,
                                GError **error);

/* ---- Feeds: feed.c, feed-state.c, feed-source.c, feed-items.c, sitemap.c, fetch.c ---------------- */

typedef struct
{
  char *url, *collection, *title; /* URL: an address, or the absolute path of a file */
  char *selector;            /* of a web page: what matches are its entries; NULL: none */
  char *failure;             /* why the last poll failed, or NULL */
  guint failures;            /* in a row */
  guint keep_days;           /* entries older than this go; 0: none do */
  guint n_items;             /* entries that it has now */
  gint64 checked_at, next_at; /* Unix seconds; 0: never */
} RagFeed;
/* Frees what FEED points to. */
void rag_feed_free (RagFeed *feed);

/* What is subscribed; rag_feed_at gives its elements. */
GPtrArray *rag_feed_list (Rag *rag, GError **error);
const RagFeed *rag_feed_at (const GPtrArray *feeds, guint i);
/* Subscribes, or changes collection and time of an address that is. Nothing is fetched yet. */
gboolean rag_feed_add (Rag *rag, const char *feed, const char *selector, const char *collection,
                       guint keep_days, GError **error);
/* Ends the subscription. Documents that came from it stay. */
gboolean rag_feed_remove (Rag *rag, const char *url, GError **error);

typedef struct
{
  const char *const *urls; /* only these; NULL: those that are due */
  gboolean all;            /* also those that are not due */
  gboolean no_embed;
  guint timeout_s;         /* of one feed; 0: 30 */
  guint max_pages;         /* of one sitemap, the rest at the next poll; 0: 20 */
  gint64 now;              /* Unix seconds */
  RagProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;
} RagPollOptions;

typedef struct
{
  guint polled, unchanged, waiting;           /* feeds */
  guint added, updated, duplicates, expired;  /* entries */
  GPtrArray *failed;                          /* RagFailure*: feeds */
} RagPollReport;
void rag_poll_report_free (RagPollReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagPollReport, rag_poll_report_free)

/* The only call of this room that uses the network. A feed that fails is named and the others go
 * on. */
RagPollReport *rag_feed_poll (Rag *rag, const RagPollOptions *options, GError **error);

/* ---- Briefs: digest.c, dossier.c -------------------------------------------------------------------- */

/* One statement with its proof. */
typedef struct
{
  char *text;
  gboolean quoted;      /* a sentence of the document, word for word; otherwise a model wrote it */
  GPtrArray *citations; /* RagCitation*; their numbers are the brief's */
} RagPoint;

typedef struct
{
  char *title;
  GPtrArray *points;    /* RagPoint* */
  GPtrArray *documents; /* char*: paths of what it was made from */
  char *lead;           /* what a digest compares later stories with; NULL elsewhere */
} RagSection;

typedef struct
{
  char *title;
  char *date;          /* YYYY-MM-DD */
  gint64 until;        /* Unix seconds: documents up to here were looked at */
  GPtrArray *sections; /* RagSection* */
  GPtrArray *dropped;  /* RagSection*: what an editor did not want; without statements */
  GPtrArray *notes;    /* char*: what was left out, what failed */
  guint written, struck; /* sentences that a model wrote, and those of them that the gate struck */
  double reading_ease; /* Flesch: 0 hard … 100 easy; NaN when nothing was written */
  gboolean complete;   /* FALSE: stopped by the user or a limit */
} RagBrief;
void rag_brief_free (RagBrief *brief);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagBrief, rag_brief_free)

typedef struct
{
  const char *collection;
  const char *date;          /* YYYY-MM-DD, the day that the digest is for */
  gint64 now, since;         /* Unix seconds; SINCE 0: the end of the last digest, else a day ago */
  const char *const *topics; /* what the reader wants to know about; NULL: none */
  const char *const *questions; /* what was asked lately: counts for less */
  guint max_stories;         /* 0: 10 */
  gboolean no_model;         /* sentences of the documents only */
  gboolean again;            /* make it anew even if there is one for this day */
  const char *tone;          /* how the model should write, in words for it; NULL: plainly */
  const char *escalate;      /* generator for stories of which RagOptions.generator could prove
                                nothing in its own words; NULL: none */
  RagProgressFunc progress;  /* stories done, of how many */
  gpointer user_data;
  GCancellable *cancellable;
} RagDigestOptions;

/* What is new, as stories with one to three checked sentences each, most interesting first. Kept in
 * the library: asking again on the same day gives the same digest. NULL without an error when
 * nothing is new. */
RagBrief *rag_digest (Rag *rag, const RagDigestOptions *options, GError **error);
/* Puts BRIEF, which a person may have edited, in place of the digest of its day. */
gboolean rag_digest_replace (Rag *rag, const RagBrief *brief, const char *collection,
                             GError **error);

/* Takes personal data out of all texts of BRIEF, as far as it has a form. redact.c */
void rag_brief_redact (RagBrief *brief);

typedef struct
{
  const char *template; /* name of one of ours, or the path of a key file */
  const char *resume;   /* path: what was finished is kept here until all is; NULL: nowhere */
  const char *title;    /* NULL: the document's */
  const char *date;
  const char *tone;     /* as for a digest */
  double budget_seconds; /* 0: none; when it is over, the rest quotes instead of writing */
  gboolean no_model;
  RagProgressFunc progress; /* headings done, of how many */
  gpointer user_data;
  GCancellable *cancellable;
} RagDossierOptions;

/* A structured brief of DOCUMENTS (names as for rag_find): for each heading of the template, the
 * statements of the documents about it, cited. Cancelling returns what there is. */
RagBrief *rag_dossier (Rag *rag, const char *const *documents, const RagDossierOptions *options,
                       GError **error);
/* Names of our templates, NULL-terminated. */
const char *const *rag_dossier_templates (void);
/* The text of one of them, to be edited; NULL when there is none of that name. */
char *rag_dossier_template (const char *name);

/* ---- Feedback: feedback.c, replay.c ------------------------------------------------------------------ */

typedef struct
{
  const char *question;
  gboolean good;         /* the answer was */
  gboolean none;         /* the documents do not answer it */
  const char *phrase;    /* what the right answer holds, alternatives between '|'; NULL: not said */
  const char *document;  /* where it stands: a path or the end of one; NULL: not said */
  guint page;            /* 0: not said */
} RagFeedback;
/* Kept in the library, nowhere else. */
gboolean rag_feedback_add (Rag *rag, const RagFeedback *feedback, GError **error);

typedef struct
{
  guint questions, answerable, unanswerable, unjudged; /* unjudged: bad, and nobody said why */
  guint right, wrong, refused, refused_rightly;
  guint with_page, cited;     /* of those whose page is known, those whose page is cited */
  double first_token_ms_p50, first_token_ms_p95, ms_per_question;
  double joules_per_question; /* NaN where the processor does not say */
} RagReplayScore;
/* Asks the questions of FILE (one JSON object a line: question, phrase, document, page; NULL: the
 * library's feedback) and judges the answers. */
gboolean rag_replay (Rag *rag, const char *file, const RagAskOptions *options,
                     RagProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                     RagReplayScore *ret_score, GError **error);

/* ---- Calibrate: calibrate.c, calibration.c, quiz.c --------------------------------------------------- */

#define RAG_N_BINS 5
/* Answers whose confidence is in one fifth of 0 … 1. */
typedef struct
{
  guint n;
  double confidence, right; /* mean, share */
} RagReliability;

typedef struct
{
  guint questions, unanswerable;
  double threshold;   /* below this confidence nothing is said any more */
  guint right, wrong; /* answers at or above it */
  RagReliability bins[RAG_N_BINS];
} RagCalibration;

typedef struct
{
  guint n_questions;
  double max_wrong; /* share of all questions that may be answered wrongly */
  guint32 seed;     /* same number, same questions */
  RagProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;
} RagCalibrateOptions;

/* Has the model write questions about sentences of the library, asks them, and from now on corrects
 * the confidence of this model's answers here and refuses below a threshold that keeps to
 * max_wrong. Costs a few seconds a question. */
gboolean rag_calibrate (Rag *rag, const RagCalibrateOptions *options,
                        RagCalibration *ret_calibration, GError **error);
/* Back to the estimate that docent ships with, for all models. */
gboolean rag_calibration_reset (Rag *rag, GError **error);

/* ---- Evaluate: eval-retrieval.c, eval-answers.c ------------------------------------------------------ */

typedef struct
{
  const char *mode;       /* "lexical", "dense", "hybrid", with a reranker also "reranked" */
  guint queries;
  double ndcg_at_10, recall_at_100, mrr_at_10, ms_per_query;
} RagRetrievalScore;

/* DIR: corpus.jsonl, queries.jsonl, qrels/test.tsv (BEIR). A temporary library is built from the
 * corpus. ret_scores: one per mode, g_free. */
gboolean rag_eval_retrieval (const RagOptions *options, const char *dir, guint limit,
                             RagProgressFunc progress, gpointer user_data,
                             GCancellable *cancellable, RagRetrievalScore **ret_scores,
                             gsize *ret_n_scores, GError **error);

typedef struct
{
  guint questions, answerable;
  double f1, em, contains, refusal_precision, refusal_recall, wrong_answer_rate;
  double first_token_ms_p50, first_token_ms_p95;
} RagAnswerScore;

typedef struct
{
  gboolean oracle; /* the gold paragraph is the context; otherwise retrieval over all paragraphs */
  gboolean absent; /* each second article is left out, and its questions must be refused; otherwise
                    * the file's own unanswerable questions must */
  guint limit;     /* 0: all; otherwise a sample, answerable and not alike */
  guint64 seed;    /* of the sample */
  double min_confidence; /* as for rag_ask */
} RagEvalAnswersOptions;

/* FILE: SQuAD 2.0 JSON. */
gboolean rag_eval_answers (const RagOptions *options, const char *file,
                           const RagEvalAnswersOptions *eval, RagProgressFunc progress,
                           gpointer user_data, GCancellable *cancellable,
                           RagAnswerScore *ret_score, GError **error);

G_END_DECLS

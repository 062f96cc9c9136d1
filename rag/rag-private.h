/* What the files of this room share: the open library with its models, and the two inner paths.
 *
 * In:  add.c / sync.c plan the work (plan.c), workers extract ahead (extract-pool.c), store.c
 * chunks, encodes and stores one document. Out: see answer-private.h. */
#pragma once

#include "engine/engine.h"
#include "index/index.h"
#include "ingest/ingest.h"
#include "rag/rag.h"

/* calibration.c: probability that an answer is right = logistic (intercept + slope × logit of the
 * confidence estimated); below THRESHOLD nothing is said. */
typedef struct
{
  double slope, intercept, threshold;
} RagCalibrationLine;

struct _Rag
{
  char *library_dir, *models_dir;
  char *encoder_name, *generator_name; /* as asked for, or NULL */
  guint n_threads;
  guint64 mem_limit_bytes;
  EngineKvType kv_type;
  RagMode mode;
  gboolean keep_nothing;
  gboolean restricted; /* opened as a role: sees a part of the library only */
  Index *index;
  RagScope scope; /* its folder is absolute, its dates are below */
  gint64 after_s, before_s;

  EngineEncoder *encoder; /* NULL until first needed, as all below */
  EngineModel *encoder_model;
  char *asked; /* what ENCODER embedded last as a question, and its vector */
  float *asked_vector;
  char *reranker_name; /* as asked for, or NULL */
  guint rerank_ms;
  EngineEncoder *reranker;
  EngineModel *reranker_model;
  EngineModel *generator;
  char **adapter_names;      /* as asked for, or NULL */
  GPtrArray *adapters;       /* of EngineAdapter, opened with the generator */
  GArray *adapter_scales;    /* of float */
  RagCalibrationLine calibration; /* of this generator, loaded with it */
  char *generator_label; /* manifest name or file name */
  double prefill_tps;    /* to expect of GENERATOR; 0 until needed, as the next two: speed.c */
  double estimated_tps;
  GArray *seen_tps;      /* of double: the last prompts, oldest first */
};

/* Loads the encoder. WRITE: also binds a library without vectors to it. Fails when the library was
 * made with another. */
gboolean rag_need_encoder (Rag *rag, gboolean bind, GError **error);
gboolean rag_need_generator (Rag *rag, GError **error);
/* Fails when the generator that was asked for by name is not here or broken. Maps it and reads its
 * header; without a name, or with a model that is open, it does nothing. */
gboolean rag_check_generator (Rag *rag, GError **error);
void rag_drop_reranker (Rag *rag);
/* NAME: of the manifest, or a path. */
EngineEncoder *rag_open_encoder (Rag *rag, const char *name, EngineModel **ret_model,
                                 GError **error);
/* The encoder in the store with that fingerprint. */
EngineEncoder *rag_find_encoder (Rag *rag, const char *fingerprint, EngineModel **ret_model,
                                 GError **error);
/* From now on NAME writes, in place of the model in use and its adapters. */
void rag_change_generator (Rag *rag, const char *name);
/* Takes what DOCUMENTS (IndexDocument*) say out of digests and saved answers. Comes before the documents
 * go, so that nothing outlives them when it fails. */
gboolean rag_forget_words (Rag *rag, const GPtrArray *documents, GError **error);
/* Written whole or not at all, synced to the disk, readable by its owner only. */
gboolean rag_key_file_save (GKeyFile *file, const char *path, GError **error);
/* PATH and all in it, as far as that can be done. backup.c */
void rag_remove_tree (const char *path);
/* Turns an error of another room into one of ours, its sentence kept. Always FALSE. */
gboolean rag_translate_error (GError **error, GError *inner);

static inline double rag_milliseconds_since (gint64 start_us)
{
  return (double)(g_get_monotonic_time () - start_us) / 1000.0;
}

/* For qsort and g_array_sort. metrics.c */
gint rag_compare_doubles (gconstpointer a, gconstpointer b);

/* ---- scope.c ---- */

/* What RAG is kept to; COLLECTION unless its scope has one. Shares the strings of both. */
IndexScope rag_index_scope (const Rag *rag, const char *collection);

/* Whether PATH is where a feed's entry is from, not a file. Entries without a link that came out of
 * a file have an address behind its name. */
static inline gboolean rag_is_web_address (const char *path)
{
  return g_str_has_prefix (path, "https://") || g_str_has_prefix (path, "http://")
         || g_str_has_prefix (path, "file://");
}

/* ---- choose.c, choose-encoder.c, choose-generator.c, speed.c ---- */
/* Picks one of ENTRIES (EngineStoreEntry*) and says why; both results are the caller's. */
typedef gboolean (*RagChooseFunc) (const RagOptions *options, const GPtrArray *entries,
                                   char **ret_path, char **ret_reason, GError **error);
/* The model ASKED for, or, where it is NULL, the one that CHOOSE picks in the store. */
gboolean rag_choose (const RagOptions *options, const char *asked, RagChooseFunc choose,
                     char **ret_path, char **ret_reason, GError **error);
/* NULL when NAME is not in the store or has not been fetched. */
const EngineStoreEntry *rag_find_fetched (const GPtrArray *entries, const char *name);

/* Tokens per second that MODEL reads (a generator) or embeds (an encoder) here, as estimated;
 * remembered in MODELS_DIR. */
gboolean rag_measure_speed (const RagOptions *options, EngineModel *model, double *ret_tps,
                            GError **error);
/* The median of the last prompts' rates SEEN (oldest first, tokens/s), the estimate being one of them
 * as long as they are few. */
double rag_expected_speed (double estimate, const double *seen, gsize n_seen);
/* Fills what RAG knows of its generator's speed; it must be open. */
gboolean rag_need_speed (Rag *rag, GError **error);
/* The generator has just read a prompt at that rate. KEEP: remembered in MODELS_DIR. */
void rag_learn_speed (Rag *rag, double tps, gboolean keep);
void rag_forget_speed (Rag *rag);
/* Fails when the weights of MODEL alone take more than LIMIT_BYTES (0: none). */
gboolean rag_check_memory (const EngineModel *model, guint64 limit_bytes, GError **error);
/* Memory that models may use: available, or the limit if that is less. */
guint64 rag_available_memory (guint64 limit_bytes);

/* ---- plan.c: what is there, what is known, what is to be done ---- */

typedef struct
{
  char *path, *collection;
  guint64 size_bytes;
  gint64 mtime_ns;
  gint64 known_id;    /* of the document with this path, −1: none */
  char *known_sha256; /* NULL: none, or its last reading failed */
} RagJob;

typedef struct
{
  GPtrArray *known;      /* IndexDocument*: what the library holds */
  GHashTable *by_path;   /* path → IndexDocument of KNOWN */
  GPtrArray *jobs;       /* RagJob*: files to look into, in walk order */
  GHashTable *seen;      /* paths met on the disk */
  GHashTable *by_sha256; /* sha256 → path of a document that was read well */
  guint unchanged;
  guint64 bytes;      /* of jobs */
  GPtrArray *skipped; /* RagFailure* */
  GHashTable *excluded; /* paths of files and folders that are not wanted (any more) */
} RagPlan;

typedef enum
{
  RAG_PLAN_RETRY_FAILED = 1, /* look again at files that could not be read before */
  RAG_PLAN_REREAD = 2,       /* unchanged files too: vectors are missing */
} RagPlanFlags;

RagPlan *rag_plan_new (Rag *rag, GError **error);
/* Walks SOURCE. ret_n_files: documents met there. */
gboolean rag_plan_scan (RagPlan *plan, const IndexSource *source, RagPlanFlags flags,
                        guint *ret_n_files, GError **error);
/* Is PATH, or a folder around it, one that the rules leave out? */
gboolean rag_plan_excludes (const RagPlan *plan, const char *path);
void rag_plan_free (RagPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagPlan, rag_plan_free)

/* ---- extract-pool.c: reads ahead while the encoder works ---- */

typedef enum
{
  RAG_READ_UNCHANGED, /* same bytes under the same path */
  RAG_READ_SAME_AS,   /* same bytes as a document whose own file is gone */
  RAG_READ_DOCUMENT,
  RAG_READ_FAILED,
} RagReadOutcome;

typedef struct
{
  RagReadOutcome outcome;
  char *sha256;
  char *other_path;         /* RAG_READ_SAME_AS */
  IngestDocument *document; /* RAG_READ_DOCUMENT */
  GError *error;            /* RAG_READ_FAILED */
} RagRead;
void rag_read_clear (RagRead *read);
/* Parses PATH as OPTIONS want it. */
IngestDocument *rag_read_document (const char *path, const RagAddOptions *options,
                                   GCancellable *cancellable, GError **error);

typedef struct _RagExtractPool RagExtractPool;
/* OPTIONS: a dry run gives RAG_READ_DOCUMENT without a document. */
RagExtractPool *rag_extract_pool_new (const RagPlan *plan, guint n_workers,
                                      const RagAddOptions *options);
/* Waits for the next job's result; results come in the plan's order. */
void rag_extract_pool_next (RagExtractPool *pool, RagRead *ret_read);
/* Stops the workers; results not taken are dropped. */
void rag_extract_pool_free (RagExtractPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagExtractPool, rag_extract_pool_free)

/* ---- attempts.c: makes a file that kills docent visible ---- */

typedef struct _RagAttempts RagAttempts;
/* LIBRARY_DIR/attempts.ini names the files in work; what an earlier run left there, it died over.
 */
RagAttempts *rag_attempts_new (const char *library_dir);
void rag_attempts_free (RagAttempts *attempts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RagAttempts, rag_attempts_free)
/* How often docent died while PATH was in work. */
guint rag_attempts_count (const RagAttempts *attempts, const char *path);
void rag_attempts_begin (RagAttempts *attempts, const char *path);
void rag_attempts_end (RagAttempts *attempts, const char *path);

/* ---- pages.c ---- */

/* Elements: IngestChunk*, each on one page. Takes from CHUNKS what need not be cut. */
GPtrArray *rag_split_at_pages (const IngestDocument *document, GPtrArray *chunks);

/* ---- store.c: one document in ---- */

typedef void (*RagEncodeProgress) (gsize done, gsize total, gpointer user_data);

/* Chunks DOCUMENT, encodes what the index has no vector for, and puts all in one transaction.
 * META: all but counts. */
gboolean rag_store_document (Rag *rag, const IngestDocument *document, const IndexDocument *meta,
                             gboolean embed, RagEncodeProgress progress, gpointer user_data,
                             GCancellable *cancellable, guint *ret_n_chunks, GError **error);
gboolean rag_store_failure (Rag *rag, const IndexDocument *meta, GError **error);

/* What the encoder reads of a passage: its heading, so that a sentence about "the second dose" is
 * found by the drug that only the heading names, and the text. */
char *rag_text_to_encode (const char *title, const char *section, const char *text);

/* ---- reembed.c ---- */

/* Will the library change to another encoder: the one that was asked for, or one that an earlier
 * run has begun with? */
gboolean rag_encoder_changes (Rag *rag, gboolean *ret_changes, GError **error);
/* Goes on with that until all is done or it is stopped; nothing to change is fine. */
gboolean rag_reembed (Rag *rag, const RagAddOptions *options, RagAddReport *report, GError **error);

/* ---- add.c ---- */

/* Works off PLAN into REPORT; shared by add and sync. */
gboolean rag_run_plan (Rag *rag, const RagPlan *plan, const RagAddOptions *options,
                       RagAddReport *report, GError **error);
RagAddReport *rag_add_report_new (void);

/* engine: runs small language models and text encoders on this machine's processor.
 *
 * It reads model files (GGUF), turns text into token ids and back, turns texts into embeddings,
 * and continues a prompt token by token. It knows nothing of documents, databases or the wording
 * of prompts. Read in this order: Models, Tokenizer, Encoder, Generator, Chat, Model store,
 * Machine. Each section names the file that implements it.
 *
 * Ownership: what a function named *_new, *_open or *_dup returns belongs to the caller. Every
 * `ret_` parameter is untouched on failure. A model may be shared between threads; an encoder or
 * a session belongs to one thread at a time. All text is UTF-8. */
#pragma once

#include <gio/gio.h>
#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ENGINE_ERROR_FILE,        /* missing, unreadable, truncated or corrupt file */
  ENGINE_ERROR_UNSUPPORTED, /* valid, but an architecture, type, tokenizer or template we lack */
  ENGINE_ERROR_INPUT,       /* the caller's tokens, text or options cannot be used */
  ENGINE_ERROR_MEMORY,      /* would not fit into memory, or into the limit asked for */
  ENGINE_ERROR_CONTEXT,     /* the context is full */
  ENGINE_ERROR_NETWORK,     /* fetching failed; what arrived is kept for the next try */
  ENGINE_ERROR_CHECKSUM,    /* fetched or stored bytes are not those of the manifest */
  ENGINE_ERROR_CANCELLED,
} EngineError;
#define ENGINE_ERROR (engine_error_quark ())
GQuark engine_error_quark (void);

/* ---- Models: model.c, arch.c (what differs between families), gguf.c -------------------------- */

typedef struct _EngineModel EngineModel;

typedef enum
{
  ENGINE_ROLE_GENERATOR,
  ENGINE_ROLE_ENCODER,
  ENGINE_ROLE_RERANKER,
} EngineRole;

/* What a file holds, read from its header alone. Owned by the model. */
typedef struct
{
  const char *path;
  const char *name;          /* general.name, or the file's base name */
  const char *architecture;  /* "qwen2", "llama", "bert", … */
  const char *quantisation;  /* the type that holds most weight bytes, e.g. "Q4_K" */
  const char *tokenizer;     /* tokenizer.ggml.model/pre, e.g. "gpt2/qwen2" */
  const char *chat_format;   /* "chatml", "llama3", … or NULL: unknown or not a chat model */
  EngineRole role;
  guint n_layer, n_embd, n_head, n_head_kv, n_ff, n_vocab;
  guint n_ctx_train;         /* positions that the model was trained for */
  guint64 n_parameters;
  guint64 weight_bytes;      /* mapped from the file, shared with the page cache */
  guint64 kv_bytes_per_token;/* with the default KV cache type */
} EngineModelInfo;

/* Maps PATH and checks every tensor against what its architecture needs. Weights stay in the
 * page cache (mmap, read only); nothing is copied. Fails with FILE or UNSUPPORTED, naming the
 * key or tensor, what was expected and what was found. */
EngineModel *engine_model_open (const char *path, GError **error);
EngineModel *engine_model_ref (EngineModel *model);
void engine_model_unref (EngineModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineModel, engine_model_unref)
const EngineModelInfo *engine_model_info (const EngineModel *model);

/* ---- Tokenizer: tokenizer.c, tokenizer-bpe.c, tokenizer-wordpiece.c ---------------------------- */

typedef enum
{
  ENGINE_TOKENIZE_PLAIN = 0,        /* document or user text: markers in it stay plain text */
  ENGINE_TOKENIZE_ADD_SPECIAL = 1,  /* BOS/EOS or [CLS]/[SEP], as the file asks for */
  ENGINE_TOKENIZE_PARSE_SPECIAL = 2 /* "<|im_end|>" in TEXT becomes that token: own text only */
} EngineTokenizeFlags;

/* Appends the token ids of TEXT (LENGTH bytes, or -1 for NUL-terminated) to TOKENS, a GArray of
 * gint32. Invalid UTF-8 fails with INPUT and leaves TOKENS as it was. */
gboolean engine_tokenize (const EngineModel *model, const char *text, gssize length,
                          EngineTokenizeFlags flags, GArray *tokens, GError **error);
/* Number of tokens of TEXT without specials; invalid UTF-8 counts as its repaired form. */
gsize engine_count_tokens (const EngineModel *model, const char *text, gssize length);
/* Text of TOKENS; bytes that do not form UTF-8 become U+FFFD. Special tokens print as nothing. */
char *engine_detokenize (const EngineModel *model, const gint32 *tokens, gsize n_tokens);

/* ---- Encoder: encoder.c, encode.c, pooling.c --------------------------------------------------- */

typedef struct _EngineEncoder EngineEncoder;

typedef enum
{
  ENGINE_TEXT_QUERY,   /* gets the query prefix that the model was trained with, if any */
  ENGINE_TEXT_PASSAGE,
} EngineTextKind;

/* MODEL: an encoder or a reranker. n_threads 0: as many as this process may use. */
EngineEncoder *engine_encoder_new (EngineModel *model, guint n_threads, GError **error);
void engine_encoder_free (EngineEncoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineEncoder, engine_encoder_free)
/* Width of a vector, and the longest text in tokens (prefix and specials taken off) that is not
 * cut. */
guint engine_encoder_dimension (const EngineEncoder *encoder);
guint engine_encoder_window (const EngineEncoder *encoder);
/* A short stable name for what makes these vectors (file name + SHA-256 of header and weights
 * sampled), so that a library notices another encoder. Owned by the encoder. */
const char *engine_encoder_fingerprint (const EngineEncoder *encoder);
/* A cosine of two of its vectors on a scale that encoders share: about .25 for the best of texts that
 * have nothing to do with a question, .57 for one that answers it. Some find everything alike. */
double engine_encoder_common_scale (const EngineEncoder *encoder, double cosine);
/* ret_vectors: [n_texts, dimension] row-major, each L2-normalised. Texts longer than the window
 * are cut at it. Batches without padding, sorted by length. */
gboolean engine_encode (EngineEncoder *encoder, EngineTextKind kind, const char *const *texts,
                        gsize n_texts, float *ret_vectors, GCancellable *cancellable,
                        GError **error);
/* For rerankers: how well each text answers QUERY, as the logit of the model's classifier.
 * ret_scores: [n_texts]. A text that does not fit beside the query is cut. */
gboolean engine_rerank (EngineEncoder *reranker, const char *query, const char *const *texts,
                        gsize n_texts, float *ret_scores, GCancellable *cancellable,
                        GError **error);

/* ---- Generator: session.c, decoder.c, kv-cache.c, prefix.c, generate.c, draft.c, sampling.c, … ----- */

typedef struct _EngineSession EngineSession;

typedef enum
{
  ENGINE_KV_F16,
  ENGINE_KV_F32,
  ENGINE_KV_Q8_0,
} EngineKvType;

typedef struct
{
  guint n_ctx;            /* positions to allocate; 0: 4096, or fewer when trained for fewer */
  guint n_threads;        /* 0: as many as this process may use */
  EngineKvType kv_type;
  guint64 mem_limit_bytes;/* 0: no limit; otherwise MEMORY when weights + KV would pass it */
} EngineSessionOptions;

/* "f16", "f32" or "q8_0"; FALSE for any other. */
gboolean engine_kv_type_parse (const char *name, EngineKvType *ret_type);

/* What a session takes: mapped, and allocated for keys and values and to work in. Windowed layers
 * keep their window only, so that kv_bytes grows less than n_ctx. */
typedef struct
{
  guint n_ctx; /* as options say, or the default */
  guint64 weight_bytes, kv_bytes, work_bytes, total_bytes;
} EngineMemory;
void engine_session_memory (const EngineModel *model, const EngineSessionOptions *options,
                            EngineMemory *ret_memory);

EngineSession *engine_session_new (EngineModel *model, const EngineSessionOptions *options,
                                   GError **error);
void engine_session_free (EngineSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineSession, engine_session_free)
guint engine_session_n_ctx (const EngineSession *session);
/* Tokens read or generated so far: the KV cache holds exactly these. */
const gint32 *engine_session_tokens (const EngineSession *session, gsize *ret_n_tokens);

/* Called between blocks of a long prompt with tokens done of all; FALSE stops it (CANCELLED). */
typedef gboolean (*EngineProgressFunc) (gsize done, gsize total, gpointer user_data);

/* Reads TOKENS after what was read before. CONTEXT when they do not fit (nothing is read then). */
gboolean engine_session_read (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                              EngineProgressFunc progress, gpointer user_data, GError **error);
/* The same for the beginning that all prompts of a kind share: an empty session takes what the model
 * made of it from a file in FOLDER (ret_kept), or leaves it there. The file tells what TOKENS are, so
 * they must be no user's words. */
gboolean engine_session_read_prefix (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                     const char *folder, gboolean *ret_kept, GError **error);
/* Forgets everything after the first N_KEEP tokens, so that a new prompt which starts with them
 * need not be read again. */
void engine_session_rewind (EngineSession *session, gsize n_keep);
/* Logits [n_vocab] after the last token read; valid until the next call. NULL when empty. */
const float *engine_session_logits (const EngineSession *session);

typedef struct
{
  float temperature; /* 0: greedy, and nothing below matters */
  float top_p;       /* keep the likeliest tokens that sum to this; 1: all */
  float min_p;       /* drop tokens below this share of the likeliest; 0: none */
  guint top_k;       /* 0: all */
  guint64 seed;
  guint max_tokens;  /* stop after this many; 0: until the context is full */
  gboolean no_drafts;/* one token at a time: the same text, to compare the time */
} EngineSampling;

typedef enum
{
  ENGINE_STOP_END,       /* the model ended its turn */
  ENGINE_STOP_LENGTH,    /* max_tokens or the context */
  ENGINE_STOP_CALLER,    /* the callback returned FALSE */
} EngineStop;

typedef struct
{
  EngineStop stop;
  guint n_tokens;
  guint n_drafted;       /* of them, guessed from what was read and computed with their forerunner */
  double mean_logprob;   /* of the chosen tokens, natural logarithm; 0 when none */
  double first_token_ms; /* from the call to the first token */
  double total_ms;
} EngineGeneration;

/* PIECE: the next whole UTF-8 characters (a character split over tokens is held back). */
typedef gboolean (*EnginePieceFunc) (const char *piece, gpointer user_data);

/* Continues after what was read until the model ends its turn. End-of-generation tokens are not
 * passed to FUNC. */
gboolean engine_generate (EngineSession *session, const EngineSampling *sampling,
                          EnginePieceFunc func, gpointer user_data, EngineGeneration *ret_result,
                          GError **error);

typedef struct
{
  gsize n_tokens;       /* of the text that were read */
  gsize n_scored;       /* of them, what the figures are about */
  double perplexity;    /* exp (mean_surprise); NaN when the weights are damaged */
  double uncertainty;   /* standard error of perplexity */
  double mean_surprise; /* -ln of the probability of the token that came, on average */
} EnginePerplexity;

/* How well MODEL foresees TEXT (LENGTH bytes, or -1), of which at most MAX_TOKENS are read (0: all).
 * The text is cut into pieces of options->n_ctx tokens (0: 512); the second half of each is scored.
 * INPUT when the text is shorter than one piece. Read after engine_session_new for other errors. */
gboolean engine_perplexity (EngineModel *model, const EngineSessionOptions *options,
                            const char *text, gssize length, gsize max_tokens,
                            EngineProgressFunc progress, gpointer user_data,
                            EnginePerplexity *ret_perplexity, GError **error);

/* ---- Chat: chat.c ------------------------------------------------------------------------------ */

typedef struct
{
  const char *role; /* "system", "user", "assistant" */
  const char *text; /* tokenised with special matching off */
} EngineMessage;

/* Appends the tokens of a conversation, ending where the assistant begins to answer. The format
 * is recognised from the file's template, which is never executed; UNSUPPORTED otherwise. No
 * special token can come from a message's text. */
gboolean engine_chat_tokens (const EngineModel *model, const EngineMessage *messages,
                             gsize n_messages, GArray *tokens, GError **error);

/* ---- Model store: store.c (manifest, paths), fetch.c, convert.c, safetensors.c, gguf-write.c --- */

typedef struct
{
  char *name;      /* "qwen2.5-1.5b" */
  char *file;      /* "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf" */
  char *title, *licence, *role; /* role: "generator", "encoder", "tests" */
  guint64 size_bytes;
  char *sha256;    /* of the finished file as fetched; NULL when the file is converted here */
  char *path;      /* where it is or will be */
  gboolean fetched;/* present with the right size */
} EngineStoreEntry;
void engine_store_entry_free (EngineStoreEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineStoreEntry, engine_store_entry_free)

/* Called at most ten times a second. STEP: "downloading", "verifying", "converting"; totals in
 * bytes. FALSE stops; what arrived is kept and the next call continues. */
typedef gboolean (*EngineFetchProgress) (const char *name, const char *step, guint64 done,
                                         guint64 total, gpointer user_data);

/* MODELS_DIR: usually $XDG_DATA_HOME/docent/models (the caller decides). Elements:
 * EngineStoreEntry*, in the manifest's order, which is compiled in from engine/models.ini. */
GPtrArray *engine_store_list (const char *models_dir, GError **error);
/* Downloads, verifies and assembles model NAME; returns at once when it is there. The only
 * function of the engine that opens a socket (through pip, so that the user's mirror, proxy and
 * certificates apply). ret_path is the caller's. */
gboolean engine_store_fetch (const char *models_dir, const char *name,
                             EngineFetchProgress progress, gpointer user_data, char **ret_path,
                             GError **error);
/* Reads the file again and compares SHA-256 with the manifest, or, for a file converted here,
 * with the sum written beside it. */
gboolean engine_store_verify (const char *models_dir, const char *name,
                              EngineFetchProgress progress, gpointer user_data, GError **error);
/* NAME may be a manifest name, a file name inside MODELS_DIR or a path. Never touches the
 * network; FILE with the command that would fetch it when it is not there. */
char *engine_store_resolve (const char *models_dir, const char *name, GError **error);

/* Hugging Face folder (config.json, *.safetensors, vocab/tokenizer) → GGUF. TYPE: "F32", "F16"
 * or "Q8_0" for the matrices; norms, biases and tables that are only looked up stay F32. Written
 * to a temporary file, synced and renamed. */
gboolean engine_convert (const char *source_dir, const char *gguf_path, const char *type,
                         EngineFetchProgress progress, gpointer user_data, GError **error);

/* ---- Adapters: adapter.c, adapter-peft.c, adapt.c ---------------------------------------------- */

typedef struct _EngineAdapter EngineAdapter;

/* A LoRA adapter for MODEL: a GGUF file, or a folder (or its adapter_model.safetensors) as PEFT
 * writes it. UNSUPPORTED when it was made for another model. */
EngineAdapter *engine_adapter_open (EngineModel *model, const char *path, GError **error);
/* Those that people name, "PATH" or "PATH=SCALE", NULL-terminated. ret_adapters: EngineAdapter*;
 * ret_scales: float, 1 where there is none. */
gboolean engine_adapters_open (EngineModel *model, const char *const *names,
                               GPtrArray **ret_adapters, GArray **ret_scales, GError **error);
EngineAdapter *engine_adapter_ref (EngineAdapter *adapter);
void engine_adapter_unref (EngineAdapter *adapter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineAdapter, engine_adapter_unref)
/* What SESSION reads and writes from now on is computed with these, each times its scale; what it
 * has read is read again when it is next needed. N_ADAPTERS 0: the model as it is. INPUT when one
 * was opened for another model. */
gboolean engine_session_set_adapters (EngineSession *session, EngineAdapter *const *adapters,
                                      const float *scales, gsize n_adapters, GError **error);
/* Writes MODEL's file again with the adapters merged into its weights, in the types they have. */
gboolean engine_adapt_file (EngineModel *model, EngineAdapter *const *adapters, const float *scales,
                            gsize n_adapters, const char *gguf_path, EngineFetchProgress progress,
                            gpointer user_data, GError **error);

/* ---- Compression: quantise.c (quantise-types.c, importance.c) ---------------------------------- */

typedef struct _EngineImportance EngineImportance;

/* Runs MODEL (a generator or an encoder) over TEXTS and notes what each of its matrices is
 * multiplied with; at most MAX_TOKENS tokens are read, with the threads, the KV cache and the memory
 * of OPTIONS. INPUT when there is too little text. */
EngineImportance *engine_importance_collect (EngineModel *model,
                                             const EngineSessionOptions *options,
                                             const char *const *texts, gsize n_texts,
                                             gsize max_tokens, EngineProgressFunc progress,
                                             gpointer user_data, GError **error);
void engine_importance_free (EngineImportance *importance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineImportance, engine_importance_free)

/* Writes MODEL's file again with its matrices in TYPE: "Q8_0", "Q4_K_M" and the like; INPUT names
 * them all. Norms, biases and routers stay as they are; rows that do not consist of whole blocks
 * get the next larger type. IMPORTANCE, from the same model, or NULL: whose errors count most. */
gboolean engine_quantise_file (EngineModel *model, const char *gguf_path, const char *type,
                               const EngineImportance *importance, EngineFetchProgress progress,
                               gpointer user_data, GError **error);

/* ---- Pruning: prune.c (prune-measure.c) -------------------------------------------------------- */

typedef struct
{
  guint drop_layers; /* how many; where windows follow a pattern, a multiple of its length */
  guint drop_heads;  /* of each layer; a multiple of those that share keys and values */
  const char *const *texts; /* of the kind that the model will read, to see what does least */
  gsize n_texts;
  gsize max_tokens;             /* of them to read */
  EngineSessionOptions session; /* threads, KV cache and memory to read them with */
} EnginePruneOptions;

/* Writes generator MODEL's file again without the layers and heads that do least in TEXTS. The last
 * layer stays. ret_layers: of guint, those that went. INPUT when so much cannot be left out or there
 * is too little text. */
gboolean engine_prune_file (EngineModel *model, const EnginePruneOptions *options,
                            const char *gguf_path, EngineProgressFunc progress, gpointer user_data,
                            GArray **ret_layers, GError **error);

/* ---- Distillation: distil.c (components.c) ---------------------------------------------------- */

typedef struct
{
  guint dimension;          /* of the new vectors; 0: 256, or the teacher's when it has fewer */
  const char *const *texts; /* in which words are counted: common ones say little; or NULL */
  gsize n_texts;
  guint n_threads;          /* 0: as many as this process may use */
  guint64 mem_limit_bytes;  /* 0: no limit */
} EngineDistilOptions;

/* Writes a static encoder: TEACHER's vector of each word of its vocabulary, reduced to the principal
 * components, so that a text's vector is the mean of its words'. Hundreds of times faster, and less
 * exact. ret_kept: share of the variance between words that the dimensions keep. INPUT
 * when TEACHER is no encoder or has fewer dimensions. */
gboolean engine_distil_file (EngineModel *teacher, const EngineDistilOptions *options,
                             const char *gguf_path, EngineProgressFunc progress,
                             gpointer user_data, double *ret_kept, GError **error);

/* ---- Machine: cpu.c, threads.c, bench.c -------------------------------------------------------- */

/* "portable", "avx2", "avx512" (with VNNI), "neon" or "neon-dotprod": what the kernels use here.
 * DOCENT_ISA forces one; opening a model fails when it names one that is not there. */
const char *engine_isa (void);
/* Processors this process may use: affinity and cgroup limits respected. */
guint engine_n_processors (void);

typedef struct
{
  guint n_threads;
  double read_gbps;        /* memory read bandwidth, 1e9 bytes per second */
  double gemm_gflops;      /* best measured matrix product, 1e9 multiply-adds × 2 per second */
  double prefill_tps, decode_tps, encode_tps; /* 0 when no such model was given */
  double decode_of_roofline, prefill_of_peak; /* shares, 0 to 1 */
} EngineBench;

/* Measures this machine, then GENERATOR (512 tokens read, 64 decoded at that context) and
 * ENCODER; either may be NULL. Median of three. OPTIONS: threads, KV cache and memory. */
gboolean engine_bench (EngineModel *generator, EngineModel *encoder,
                       const EngineSessionOptions *options, EngineProgressFunc progress,
                       gpointer user_data, EngineBench *ret_bench, GError **error);
/* A few hundred milliseconds: tokens per second at which GENERATOR would read a prompt here,
 * from one layer's products. For choosing a default model before loading all of it. */
gboolean engine_estimate_prefill (EngineModel *generator, guint n_threads, double *ret_tps,
                                  GError **error);
/* A second at most on most machines: tokens per second that ENCODER turns into vectors here. */
gboolean engine_estimate_encode (EngineModel *encoder, guint n_threads, double *ret_tps,
                                 GError **error);

G_END_DECLS

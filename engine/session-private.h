/* Under the public session: the decoder that reads blocks of tokens into a KV cache, and the
 * sampler that picks one token from logits. decoder.c, session.c, sampling.c. */
#pragma once

#include "engine/graph-private.h"

/* ---- Decoder: decoder.c --------------------------------------------------------------------- */

/* Tokens of a prompt that are read at once: enough that unpacking weights is paid once for many
 * tokens, few enough that stopping is prompt and the buffers stay small. */
#define ENGINE_DECODER_BLOCK 256

typedef struct
{
  EngineModel *model;
  EnginePool *pool;
  EngineGraph graph;
  EngineKvLayer **kv; /* [n_layer] */
  guint n_ctx;
  EngineKvType kv_type;
  float *logits; /* [n_vocab], of the last run that wanted them */
} EngineDecoder;

/* Bytes of the KV cache; G_MAXUINT64 when they cannot be counted. */
guint64 engine_decoder_kv_bytes (const EngineModel *model, guint n_ctx, EngineKvType type);
EngineDecoder *engine_decoder_new (EngineModel *model, guint n_ctx, EngineKvType kv_type,
                                   guint n_threads, GError **error);
void engine_decoder_free (EngineDecoder *decoder);
/* Reads N_TOKENS (≤ ENGINE_DECODER_BLOCK) at POS; what stands before POS is in the cache. With
 * RET_LOGITS [n_out, n_vocab] also the logits after each of the last N_OUT tokens. */
void engine_decoder_run (EngineDecoder *decoder, const gint32 *tokens, gsize n_tokens, gsize pos,
                         gsize n_out, float *ret_logits);
/* How far a cache that has held N_WRITTEN positions can go back without reading anew: windowed
 * layers overwrite what no later token can see. */
gboolean engine_decoder_can_rewind (const EngineDecoder *decoder, gsize n_written, gsize n_keep);

/* ---- Session: session.c --------------------------------------------------------------------- */

/* Whether a session with these would be made: MODEL writes text, was trained for as long a context
 * and fits into memory. */
gboolean engine_session_check_options (const EngineModel *model,
                                       const EngineSessionOptions *options, GError **error);
/* engine_session_read, with the logits after every token: ret_logits [n_tokens, n_vocab]. */
gboolean engine_session_read_all (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                  float *ret_logits, GError **error);
/* Computes the logits after the last token if they are not there (after rewinding, or when a
 * generation stopped at a token that was not read). INPUT when the session is empty. */
gboolean engine_session_ready (EngineSession *session, GError **error);
/* Tokens that may be read ahead at a time: so few that each is computed as if it were alone, to the
 * bit, so that guessing changes no answer. */
#define ENGINE_MAX_AHEAD 7
guint engine_session_max_ahead (const EngineSession *session);
/* engine_session_ready, and TOKENS (of the vocabulary, at most engine_session_max_ahead) read with
 * the last token: as long as they are the ones that are pushed, logits are there at once. */
gboolean engine_session_read_ahead (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                    GError **error);
/* Adds a token to the session without reading it yet; FALSE when the context is full. */
gboolean engine_session_push (EngineSession *session, gint32 token);
/* An empty session takes TOKENS as read: the caller puts their keys and values into the cache. FALSE
 * when they do not fit or are not in the vocabulary. */
gboolean engine_session_adopt (EngineSession *session, const gint32 *tokens, gsize n_tokens);
EngineDecoder *engine_session_decoder (EngineSession *session);
const EngineModel *engine_session_model (const EngineSession *session);

/* ---- Drafts: draft.c ------------------------------------------------------------------------ */

typedef struct _EngineDrafter EngineDrafter;

EngineDrafter *engine_drafter_new (void);
void engine_drafter_free (EngineDrafter *drafter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineDrafter, engine_drafter_free)
/* What may come after TOKENS: returns the number of tokens in RET_RUN, which points into TOKENS, at
 * most LONGEST; 0 when no guess is worth its time. */
gsize engine_drafter_guess (EngineDrafter *drafter, const gint32 *tokens, gsize n_tokens,
                            gsize longest, const gint32 **ret_run);
/* Reading one token and N_GUESSED more took MS. */
void engine_drafter_learn_time (EngineDrafter *drafter, gsize n_guessed, double ms);
/* Whether the next token of the last guess was the one that was chosen. */
void engine_drafter_learn_guess (EngineDrafter *drafter, gboolean came_true);

/* ---- Sampler: sampling.c -------------------------------------------------------------------- */

typedef struct _EngineSampler EngineSampler;

EngineSampler *engine_sampler_new (const EngineSampling *options, guint n_vocab);
void engine_sampler_free (EngineSampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineSampler, engine_sampler_free)
/* The next token, and its log probability before temperature and filters; -1 when LOGITS hold no
 * finite number. Equal options and logits give equal tokens on every machine. */
gint32 engine_sampler_pick (EngineSampler *sampler, const float *logits, double *ret_logprob);

/* Under the public encoder: token ids in, pooled vectors out. encoder.c, pooling.c. */
#pragma once

#include "engine/graph-private.h"

/* Reduces hidden [n_tokens, n_embd], the output of the last layer for one sequence, to one vector.
 * LAST and CLS copy a row; MEAN averages (Reimers & Gurevych 2019). ret_vec: [n_embd]. */
void engine_pool (EnginePooling pooling, const float *hidden, gsize n_tokens, gsize n_embd,
                  float *ret_vec);
/* Scales to length 1; returns the length before. A vector of zeros stays as it is. */
float engine_normalise (float *vec, gsize n);

/* Sequences packed one after the other (Σ lengths tokens) → ret_vectors [n_sequences, dimension],
 * pooled, through the model's dense layers, L2-normalised. NORMS [n_sequences] (or NULL): lengths
 * before. TOKEN_TYPES may be NULL. */
gboolean engine_encoder_run (EngineEncoder *encoder, const gint32 *tokens,
                             const guint8 *token_types, const guint *lengths, gsize n_sequences,
                             float *ret_vectors, float *ret_norms, GError **error);
/* The last layer's output of one sequence: [n_tokens, n_embd], valid until the next run. */
const float *engine_encoder_hidden (EngineEncoder *encoder, const gint32 *tokens,
                                    const guint8 *token_types, guint n_tokens, GError **error);
/* A reranker's score of one packed pair: classifier (tanh (pooler (first token))). */
gboolean engine_encoder_score (EngineEncoder *encoder, const gint32 *tokens,
                               const guint8 *token_types, guint n_tokens, float *ret_score,
                               GError **error);

/* Under the public encoder: token ids in, pooled vectors or scores out. encoder.c runs the model,
 * pooling.c reduces what it gives, encode.c turns texts into batches of ids. */
#pragma once

#include "engine/graph-private.h"

struct _EngineEncoder
{
  EngineModel *model;
  EnginePool *pool;
  EngineGraph graph;
  char *query_prefix, *passage_prefix;
  char *fingerprint;
  int family; /* what encoder.c knows about it by its name; −1: nothing */
  guint dimension; /* of a vector */
  guint window;    /* tokens of a passage that are not cut */
};

/* Sequences packed one after the other; Σ lengths tokens. */
typedef struct
{
  const gint32 *tokens;
  const guint8 *token_types; /* NULL: all 0 */
  const guint *lengths;      /* none is 0 */
  gsize n_sequences;
} EnginePacked;

/* ---- encoder.c ------------------------------------------------------------------------------ */

/* The last layer's output, [Σ lengths, n_embd], valid until the next run. */
const float *engine_encoder_hidden (EngineEncoder *encoder, const EnginePacked *packed,
                                    GError **error);
/* Some encoders send the pooled vector [n_embd] through two more matrices. */
void engine_encoder_apply_dense (EngineEncoder *encoder, float *vec);
/* ret_vectors: [n_sequences, dimension], pooled, through the model's dense layers, L2-normalised.
 * ret_norms: [n_sequences], their lengths before, or NULL. */
gboolean engine_encoder_embed (EngineEncoder *encoder, const EnginePacked *packed,
                               float *ret_vectors, float *ret_norms, GError **error);
/* ret_scores: [n_sequences], a reranker's: classifier (tanh (pooler (first token))). */
gboolean engine_encoder_score (EngineEncoder *encoder, const EnginePacked *packed,
                               float *ret_scores, GError **error);

/* ---- pooling.c ------------------------------------------------------------------------------ */

/* Reduces hidden [n_tokens, n_embd], the output of the last layer for one sequence, to one vector.
 * LAST and CLS copy a row; MEAN averages (Reimers & Gurevych 2019). ret_vec: [n_embd]. */
void engine_pool (EnginePooling pooling, const float *hidden, gsize n_tokens, gsize n_embd,
                  float *ret_vec);
/* Scales to length 1; returns the length before. A vector of zeros stays as it is. */
float engine_normalise (float *vec, gsize n);

/* From one vector per token to one vector per text, as each encoder was trained. */
#include "engine/encoder-private.h"

#include <math.h>
#include <string.h>

static void pool_mean (const float *hidden, gsize n_tokens, gsize n_embd, float *ret_vec)
{
  const EngineKernels *kernels = engine_kernels ();
  memcpy (ret_vec, hidden, n_embd * sizeof (float));
  for (gsize t = 1; t < n_tokens; t++)
    kernels->add (ret_vec, hidden + t * n_embd, n_embd, ret_vec);
  kernels->scale (ret_vec, n_embd, 1 / (float)n_tokens);
}

void engine_pool (EnginePooling pooling, const float *hidden, gsize n_tokens, gsize n_embd,
                  float *ret_vec)
{
  if (pooling == ENGINE_POOLING_CLS || pooling == ENGINE_POOLING_RANK)
    memcpy (ret_vec, hidden, n_embd * sizeof (float));
  else if (pooling == ENGINE_POOLING_LAST)
    memcpy (ret_vec, hidden + (n_tokens - 1) * n_embd, n_embd * sizeof (float));
  else
    pool_mean (hidden, n_tokens, n_embd, ret_vec);
}

float engine_normalise (float *vec, gsize n)
{
  const EngineKernels *kernels = engine_kernels ();
  float norm = sqrtf (kernels->dot (vec, vec, n));
  if (norm > 0)
    kernels->scale (vec, n, 1 / norm);
  return norm;
}

/* Looking into a model while it reads. observe.c. Under importance.c and prune-measure.c. */
#pragma once

#include "engine/graph-private.h"

typedef struct
{
  EngineObserve matrix;       /* may be NULL */
  EngineObserveStream stream; /* may be NULL */
  gpointer user_data;
} EngineObserver;

/* Runs MODEL over at most MAX_TOKENS tokens of TEXTS. OPTIONS: threads, type of the KV cache and
 * memory; the context is our own. INPUT when there is too little text. */
gboolean engine_observe_texts (EngineModel *model, const EngineSessionOptions *options,
                               const char *const *texts, gsize n_texts, gsize max_tokens,
                               const EngineObserver *observer, EngineProgressFunc progress,
                               gpointer user_data, GError **error);

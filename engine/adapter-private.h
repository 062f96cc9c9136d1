/* Low-rank adapters from the inside. adapter.c opens GGUF files and applies adapters to products,
 * adapter-peft.c reads the folders that PEFT writes. */
#pragma once

#include "engine/graph-private.h"

/* What an adapter adds to one tensor of the model: W + B·A. */
typedef struct
{
  const EngineGgufTensor *tensor;
  gsize rank;
  float *a; /* [rank, n_cols] */
  float *b; /* [n_rows, rank], times the adapter's own scale */
} EngineAdapterPair;

struct _EngineAdapter
{
  gatomicrefcount ref_count;
  EngineModel *model;
  char *path;
  GArray *pairs;     /* of EngineAdapterPair */
  GHashTable *parts; /* first weight of a matrix of the model -> what is added to it */
};

/* Room for a pair on the tensor called NAME, of which the file has A [rank, n_cols] and
 * B [n_rows, rank]; the caller fills it. UNSUPPORTED when the model has no such tensor, it has
 * another shape, or it is there already. */
EngineAdapterPair *engine_adapter_add_pair (EngineAdapter *adapter, const char *name, gsize rank,
                                            gsize n_cols, gsize n_rows, GError **error);
/* UNSUPPORTED with "PATH does not fit MODEL: WHAT". Always FALSE. */
gboolean engine_adapter_refuse (const EngineAdapter *adapter, GError **error, const char *format,
                                ...) G_GNUC_PRINTF (3, 4);
/* PATH: adapter_model.safetensors, or the folder that holds it, with adapter_config.json. */
gboolean engine_adapter_read_peft (EngineAdapter *adapter, GError **error);

/* y += Σ scale · B·(A·x) of what GRAPH's adapters have for W. */
void engine_adapters_apply (EngineGraph *graph, const EngineMatrix *w, const float *x,
                            gsize x_stride, gsize n_tokens, float *y, gsize y_stride);

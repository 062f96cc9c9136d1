/* Which parts of a model do least. prune-measure.c. Under prune.c. */
#pragma once

#include "engine/model-private.h"

/* How much each run of SPAN layers turns what passes through it: ret_angles[i], i < n_layer − SPAN,
 * is the mean angle in half turns between what comes to layer I and what comes to layer I + SPAN,
 * over at most MAX_TOKENS tokens of TEXTS (Gromov et al. 2024, “The Unreasonable Ineffectiveness of
 * the Deeper Layers”). A run with the last layer in it is not measured: that one is always kept. */
gboolean engine_prune_measure_layers (EngineModel *model, const EngineSessionOptions *options,
                                      const char *const *texts, gsize n_texts, gsize max_tokens,
                                      guint span, EngineProgressFunc progress, gpointer user_data,
                                      double *ret_angles, GError **error);
/* What each group of heads that share keys and values adds to the residual stream: ret_shares[il ·
 * n_head_kv + group] is its part of the mean square of what attention adds in layer IL, columns of
 * the output matrix taken as independent. */
gboolean engine_prune_measure_heads (EngineModel *model, const EngineSessionOptions *options,
                                     const char *const *texts, gsize n_texts, gsize max_tokens,
                                     EngineProgressFunc progress, gpointer user_data,
                                     double *ret_shares, GError **error);

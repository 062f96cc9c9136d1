/* Fewer dimensions for many vectors. components.c. Under distil.c. */
#pragma once

#include "engine/engine.h"

/* Principal components (Pearson 1901): rows [n_rows, n_cols] become [n_rows, n_keep] in place, each
 * its distance from the mean along the N_KEEP directions in which rows differ most, the widest
 * first. 0 < n_keep ≤ n_cols. ret_kept: share of all variance that is left. INPUT when the rows are
 * all alike. */
gboolean engine_components_keep (float *rows, gsize n_rows, guint n_cols, guint n_keep,
                                 double *ret_kept, GError **error);

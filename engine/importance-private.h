/* Which columns of which matrices matter, by what flows through them. importance.c. */
#pragma once

#include "engine/model-private.h"

/* [n_cols], 1 on average, for the matrix that begins at DATA in the model's file; NULL when nothing
 * went through it (an expert that was never asked). */
const float *engine_importance_find (const EngineImportance *importance, const guint8 *data);

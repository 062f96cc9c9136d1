/* Which type each tensor of a quantised file gets. quantise-types.c. */
#pragma once

#include "engine/model-private.h"

/* A name that people ask for: "Q4_K_M". */
typedef struct
{
  const char *name;
  EngineType type;   /* of most matrices */
  gboolean medium;   /* "_M": more bits where they help most */
  guint32 file_type; /* general.file_type, by which other programs name the file */
} EngineMixture;

/* NULL for a name that is none. Any case. */
const EngineMixture *engine_mixture_find (const char *name);
/* "F32, F16, …", for errors; the caller's. */
char *engine_mixture_list (void);

/* What the choice depends on besides the tensor's own name and shape. */
typedef struct
{
  const EngineMixture *mixture;
  guint n_layer, n_head_per_kv;
  gboolean tied;           /* the token embedding is the output matrix, too */
  gboolean has_importance;
} EngineMixtureContext;

/* The tensor's own type when it should stay as it is: norms, biases, routers and tables that are
 * only looked up. */
EngineType engine_mixture_type (const EngineMixtureContext *context,
                                const EngineGgufTensor *tensor);

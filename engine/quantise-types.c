/* Chooses a type for every tensor of a quantised file.
 *
 * A tensor's name and its layer come in, a type goes out. A few matrices suffer most from rounding:
 * the output, the values of attention and the way back from the feed-forward, in the first and last
 * layers above all; mixtures give them more bits. The choices are those of llama.cpp's quantiser, so
 * that a file called Q4_K_M is what everybody knows by that name. */
#include "engine/quantise-private.h"

#include <stdio.h>
#include <string.h>

#include "engine/rewrite-private.h"

static const EngineMixture mixtures[] = {
  { "F32", ENGINE_TYPE_F32, FALSE, 0 },       { "F16", ENGINE_TYPE_F16, FALSE, 1 },
  { "BF16", ENGINE_TYPE_BF16, FALSE, 32 },    { "Q8_0", ENGINE_TYPE_Q8_0, FALSE, 7 },
  { "Q6_K", ENGINE_TYPE_Q6_K, FALSE, 18 },    { "Q5_K_M", ENGINE_TYPE_Q5_K, TRUE, 17 },
  { "Q5_K", ENGINE_TYPE_Q5_K, FALSE, 16 },    { "Q5_1", ENGINE_TYPE_Q5_1, FALSE, 9 },
  { "Q5_0", ENGINE_TYPE_Q5_0, FALSE, 8 },     { "Q4_K_M", ENGINE_TYPE_Q4_K, TRUE, 15 },
  { "Q4_K", ENGINE_TYPE_Q4_K, FALSE, 14 },    { "Q4_1", ENGINE_TYPE_Q4_1, FALSE, 3 },
  { "Q4_0", ENGINE_TYPE_Q4_0, FALSE, 2 },     { "IQ4_NL", ENGINE_TYPE_IQ4_NL, FALSE, 25 },
  { "IQ4_XS", ENGINE_TYPE_IQ4_XS, FALSE, 30 }, { "MXFP4", ENGINE_TYPE_MXFP4, FALSE, 38 },
  { "Q3_K_M", ENGINE_TYPE_Q3_K, TRUE, 12 },   { "Q3_K", ENGINE_TYPE_Q3_K, FALSE, 11 },
  { "Q2_K", ENGINE_TYPE_Q2_K, FALSE, 10 },
};

const EngineMixture *engine_mixture_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (mixtures); i++)
    if (g_ascii_strcasecmp (mixtures[i].name, name) == 0)
      return &mixtures[i];
  return NULL;
}

char *engine_mixture_list (void)
{
  GString *list = g_string_new (mixtures[0].name);
  for (gsize i = 1; i < G_N_ELEMENTS (mixtures); i++)
    g_string_append_printf (list, ", %s", mixtures[i].name);
  return g_string_free (list, FALSE);
}

/* ---- Which tensors -------------------------------------------------------------------------- */

static gboolean is_matrix (const EngineGgufTensor *tensor)
{
  static const char *const kept[] = { "*_norm.weight", "*ffn_gate_inp.weight", "position_embd.*",
                                      "token_types.*", "cls.*" };
  if (tensor->n_dims < 2 || tensor->dims[1] == 1
      || !g_str_has_suffix (tensor->name.data, ".weight"))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    if (g_pattern_match_simple (kept[i], tensor->name.data))
      return FALSE;
  return TRUE;
}

/* "attn_v" of "blk.7.attn_v.weight", and 7. */
static gboolean is_part (const char *name, const char *part, guint *ret_layer)
{
  char found[32];
  return sscanf (name, "blk.%u.%31[a-z_0-9]", ret_layer, found) == 2 && strcmp (found, part) == 0;
}

/* ---- Mixtures ------------------------------------------------------------------------------- */

/* The first and the last eighth, and every third layer between. */
static gboolean is_favoured (guint il, guint n_layer)
{
  guint eighth = n_layer / 8;
  return il < eighth || il >= 7 * n_layer / 8 || (il - eighth) % 3 == 2;
}

static EngineType type_of_values (const EngineMixtureContext *context, guint il)
{
  const EngineMixture *mixture = context->mixture;
  gboolean shared = context->n_head_per_kv >= 4; /* few rows, which many heads use */
  switch (mixture->type)
    {
    case ENGINE_TYPE_Q2_K:
      return shared ? ENGINE_TYPE_Q4_K : ENGINE_TYPE_Q3_K;
    case ENGINE_TYPE_Q3_K:
      return !mixture->medium ? ENGINE_TYPE_Q3_K : il < 2 ? ENGINE_TYPE_Q5_K : ENGINE_TYPE_Q4_K;
    case ENGINE_TYPE_Q4_K:
      if (!mixture->medium)
        return il < 4 ? ENGINE_TYPE_Q5_K : ENGINE_TYPE_Q4_K;
      return is_favoured (il, context->n_layer) ? ENGINE_TYPE_Q6_K : ENGINE_TYPE_Q4_K;
    case ENGINE_TYPE_Q5_K:
      return mixture->medium && is_favoured (il, context->n_layer) ? ENGINE_TYPE_Q6_K
                                                                   : ENGINE_TYPE_Q5_K;
    case ENGINE_TYPE_IQ4_NL:
    case ENGINE_TYPE_IQ4_XS:
      return shared ? ENGINE_TYPE_Q5_K : mixture->type;
    default:
      return mixture->type;
    }
}

static EngineType type_of_down (const EngineMixtureContext *context, guint il)
{
  const EngineMixture *mixture = context->mixture;
  gboolean early = il < context->n_layer / 8;
  switch (mixture->type)
    {
    case ENGINE_TYPE_Q2_K:
      return ENGINE_TYPE_Q3_K;
    case ENGINE_TYPE_Q3_K:
      if (!mixture->medium)
        return ENGINE_TYPE_Q3_K;
      return il < context->n_layer / 16 ? ENGINE_TYPE_Q5_K : ENGINE_TYPE_Q4_K;
    case ENGINE_TYPE_Q4_K:
      if (!mixture->medium)
        return early ? ENGINE_TYPE_Q5_K : ENGINE_TYPE_Q4_K;
      return is_favoured (il, context->n_layer) ? ENGINE_TYPE_Q6_K : ENGINE_TYPE_Q4_K;
    case ENGINE_TYPE_Q5_K:
      return mixture->medium && is_favoured (il, context->n_layer) ? ENGINE_TYPE_Q6_K
                                                                   : ENGINE_TYPE_Q5_K;
    case ENGINE_TYPE_IQ4_NL:
    case ENGINE_TYPE_IQ4_XS:
      return early && !context->has_importance ? ENGINE_TYPE_Q5_K : mixture->type;
    case ENGINE_TYPE_Q4_0:
      return early && context->has_importance ? ENGINE_TYPE_Q4_1 : ENGINE_TYPE_Q4_0;
    case ENGINE_TYPE_Q5_0:
      return early && context->has_importance ? ENGINE_TYPE_Q5_1 : ENGINE_TYPE_Q5_0;
    default:
      return mixture->type;
    }
}

/* Matrices for which only the smallest mixtures make an exception. */
static EngineType type_of_others (const EngineMixture *mixture, const char *name)
{
  guint il;
  if (is_part (name, "attn_output", &il))
    return mixture->type == ENGINE_TYPE_Q2_K                        ? ENGINE_TYPE_Q3_K
           : mixture->type == ENGINE_TYPE_Q3_K && mixture->medium ? ENGINE_TYPE_Q4_K
                                                                  : mixture->type;
  if (mixture->medium && is_part (name, "attn_qkv", &il))
    return mixture->type == ENGINE_TYPE_Q3_K   ? ENGINE_TYPE_Q4_K
           : mixture->type == ENGINE_TYPE_Q4_K ? ENGINE_TYPE_Q5_K
                                               : ENGINE_TYPE_Q6_K;
  return mixture->type;
}

static EngineType type_of_output (const EngineMixture *mixture, guint64 n_cols)
{
  if (n_cols % engine_type_info (mixture->type)->block_elements != 0)
    return ENGINE_TYPE_Q8_0;
  return mixture->type == ENGINE_TYPE_Q8_0 ? ENGINE_TYPE_Q8_0 : ENGINE_TYPE_Q6_K;
}

EngineType engine_mixture_type (const EngineMixtureContext *context,
                                const EngineGgufTensor *tensor)
{
  const char *name = tensor->name.data;
  EngineType type = context->mixture->type;
  guint il;
  if (!is_matrix (tensor))
    return tensor->type;
  if (engine_type_info (type)->block_elements == 1)
    return type;
  if (strcmp (name, "output.weight") == 0
      || (context->tied && strcmp (name, "token_embd.weight") == 0))
    type = type_of_output (context->mixture, tensor->dims[0]);
  else if (is_part (name, "attn_v", &il))
    type = type_of_values (context, il);
  else if (is_part (name, "ffn_down", &il) || is_part (name, "ffn_down_exps", &il))
    type = type_of_down (context, il);
  else
    type = type_of_others (context->mixture, name);
  return engine_rewrite_fallback (type, tensor->dims[0]);
}

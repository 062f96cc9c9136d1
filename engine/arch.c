/* The families of models that the engine can run, one row each.
 *
 * A row says only what the file does not: where the norms stand, how positions are rotated, which
 * activation, which layers see a window. Everything else is read from the file, so that adding a
 * family of the usual kind is adding a row.
 *
 * Sources: the model papers and configurations; checked by the vectors in tests/golden. */
#include "engine/model-private.h"

#include <string.h>

static const EngineArch ARCHITECTURES[] = {
  /* Encoders */
  {
      .name = "bert", /* MiniLM, bge, e5, DistilBERT, XLM-RoBERTa and their rerankers */
      .norm = ENGINE_NORM_LAYER,
      .block = ENGINE_BLOCK_POST_NORM,
      .ffn = ENGINE_FFN_PLAIN,
      .activation = ENGINE_ACT_GELU_ERF,
      .bidirectional = TRUE,
  },
  {
      .name = "nomic-bert",
      .norm = ENGINE_NORM_LAYER,
      .block = ENGINE_BLOCK_POST_NORM,
      .rope = ENGINE_ROPE_HALVES,
      .ffn = ENGINE_FFN_GATED,
      .activation = ENGINE_ACT_SILU,
      .bidirectional = TRUE,
  },
  {
      .name = "modern-bert",
      .norm = ENGINE_NORM_LAYER,
      .block = ENGINE_BLOCK_PRE_NORM,
      .rope = ENGINE_ROPE_HALVES,
      .ffn = ENGINE_FFN_FUSED,
      .activation = ENGINE_ACT_GELU_ERF,
      .bidirectional = TRUE,
      .first_layer_bare = TRUE,
      .window_period = 3,
      .window_full = 0,
      .local_rope = TRUE,
  },
  {
      .name = "gemma-embedding",
      .block = ENGINE_BLOCK_SANDWICH,
      .rope = ENGINE_ROPE_HALVES,
      .activation = ENGINE_ACT_GELU_TANH,
      .bidirectional = TRUE,
      .norms_heads = TRUE,
      .scales_embedding = TRUE,
      .window_period = 6,
      .window_full = 5,
      .local_rope = TRUE,
  },
  {
      .name = "static-embedding", /* our own: what distil.c writes */
      .block = ENGINE_BLOCK_POST_NORM,
      .bidirectional = TRUE,
      .lookup_only = TRUE,
  },

  /* Decoders */
  {
      .name = "llama", /* Llama 3, SmolLM2, Mistral */
      .rope = ENGINE_ROPE_PAIRS,
  },
  {
      .name = "mistral3",
      .rope = ENGINE_ROPE_PAIRS,
  },
  {
      .name = "gemma",
      .rope = ENGINE_ROPE_HALVES,
      .activation = ENGINE_ACT_GELU_TANH,
      .scales_embedding = TRUE,
  },
  {
      .name = "gemma2",
      .block = ENGINE_BLOCK_SANDWICH,
      .rope = ENGINE_ROPE_HALVES,
      .activation = ENGINE_ACT_GELU_TANH,
      .scales_embedding = TRUE,
      .window_period = 2,
      .window_full = 1,
      .default_window = 4096,
      .attention_softcap = 50,
      .logit_softcap = 30,
      .wide_n_layer = 46, /* the 27B */
  },
  {
      .name = "gemma3",
      .block = ENGINE_BLOCK_SANDWICH,
      .rope = ENGINE_ROPE_HALVES,
      .activation = ENGINE_ACT_GELU_TANH,
      .norms_heads = TRUE,
      .scales_embedding = TRUE,
      .window_period = 6,
      .window_full = 5,
      .local_rope = TRUE,
      .wide_n_layer = 62, /* the 27B */
  },
  {
      .name = "phi2",
      .norm = ENGINE_NORM_LAYER,
      .block = ENGINE_BLOCK_PARALLEL,
      .rope = ENGINE_ROPE_HALVES,
      .ffn = ENGINE_FFN_PLAIN,
      .activation = ENGINE_ACT_GELU_TANH,
  },
  {
      .name = "phi3", /* Phi-3, Phi-4, Phi-4-mini */
      .rope = ENGINE_ROPE_HALVES,
      .ffn = ENGINE_FFN_FUSED,
  },
  {
      .name = "granite",
      .rope = ENGINE_ROPE_PAIRS,
      .rope_needs_finetune = TRUE,
  },
  {
      .name = "granitemoe",
      .rope = ENGINE_ROPE_PAIRS,
      .ffn = ENGINE_FFN_EXPERTS,
      .rope_needs_finetune = TRUE,
  },
  {
      .name = "qwen2",
      .rope = ENGINE_ROPE_HALVES,
  },
  {
      .name = "qwen3",
      .rope = ENGINE_ROPE_HALVES,
      .norms_heads = TRUE,
  },
};

const EngineArch *engine_arch_find (const char *name, gsize length)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ARCHITECTURES); i++)
    if (strlen (ARCHITECTURES[i].name) == length
        && memcmp (ARCHITECTURES[i].name, name, length) == 0)
      return &ARCHITECTURES[i];
  return NULL;
}

char *engine_arch_list (void)
{
  GString *list = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (ARCHITECTURES); i++)
    g_string_append_printf (list, "%s%s", i ? ", " : "", ARCHITECTURES[i].name);
  return g_string_free (list, FALSE);
}

/* neon: the vector operations for 64-bit ARM; the formulas stand in vector-ops.h, the products on
 * quantised weights in neon-matmul.c. Compiled twice: for every such processor, and, as
 * neon-dotprod, for those with the dot product instructions of ARMv8.2. */
#define LANES 4
#include "engine/kernels/vector-ops.h"

#include "engine/kernels/neon-private.h"

static void widen (EngineType type, const guint16 *halves, gsize n, float *ret_values)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      uint16x4_t packed = vld1_u16 (halves + i);
      vst1q_f32 (ret_values + i, type == ENGINE_TYPE_F16
                                     ? vcvt_f32_f16 (vreinterpret_f16_u16 (packed))
                                     : vreinterpretq_f32_u32 (vshll_n_u16 (packed, 16)));
    }
  engine_type_info (type)->dequantise (halves + i, n - i, ret_values + i);
}

static void narrow (const float *values, gsize n, guint16 *ret_halves)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      float32x4_t finite = vminq_f32 (vmaxq_f32 (vld1q_f32 (values + i), vdupq_n_f32 (-65504)),
                                      vdupq_n_f32 (65504));
      vst1_u16 (ret_halves + i, vreinterpret_u16_f16 (vcvt_f16_f32 (finite)));
    }
  for (; i < n; i++)
    ret_halves[i] = engine_f32_to_f16 (CLAMP (values[i], -65504, 65504));
}

static const struct EngineMatmulKernels matmul = {
  .panel_rows = ENGINE_NEON_PANEL_ROWS,
  .tile_tokens = ENGINE_NEON_TILE_TOKENS,
  .few_tokens = 2,
  .dot_tokens = ENGINE_NEON_DOT_TOKENS,
  .tile_bytes = engine_rounded_tile_bytes,
  .round_tile = engine_rounded_tile,
  .panel_bytes = engine_neon_panel_bytes,
  .unpack_panel = ENGINE_NEON (unpack_panel),
  .multiply = ENGINE_NEON (multiply),
  .row_bytes = engine_rounded_row_bytes,
  .round_row = engine_rounded_row,
  .dot_rows = ENGINE_NEON (dot_rows),
  VECTOR_PRODUCTS,
  .widen = widen,
  .narrow = narrow,
};

const EngineKernels ENGINE_NEON (kernels) = {
  .name = ENGINE_NEON_NAME,
  VECTOR_OPS,
  .matmul = &matmul,
};

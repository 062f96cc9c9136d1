/* avx2: the vector operations for processors with 256-bit registers; the formulas stand in
 * vector-ops.h, the products on quantised weights in avx2-matmul.c and avx2-dot.c. */
#define LANES 8
#include "engine/kernels/vector-ops.h"

#include "engine/kernels/avx2-private.h"

#include <immintrin.h>

static void widen (EngineType type, const guint16 *halves, gsize n, float *ret_values)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      __m128i packed = _mm_loadu_si128 ((const __m128i *)(halves + i));
      __m256 wide
          = type == ENGINE_TYPE_F16
                ? _mm256_cvtph_ps (packed)
                : _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_cvtepu16_epi32 (packed), 16));
      _mm256_storeu_ps (ret_values + i, wide);
    }
  engine_type_info (type)->dequantise (halves + i, n - i, ret_values + i);
}

static void narrow (const float *values, gsize n, guint16 *ret_halves)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      __m256 finite
          = _mm256_min_ps (_mm256_max_ps (_mm256_loadu_ps (values + i), _mm256_set1_ps (-65504)),
                           _mm256_set1_ps (65504));
      __m128i packed = _mm256_cvtps_ph (finite, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm_storeu_si128 ((__m128i *)(ret_halves + i), packed);
    }
  for (; i < n; i++)
    ret_halves[i] = engine_f32_to_f16 (CLAMP (values[i], -65504, 65504));
}

static const struct EngineMatmulKernels matmul = {
  .panel_rows = ENGINE_AVX2_PANEL_ROWS,
  .tile_tokens = ENGINE_AVX2_TILE_TOKENS,
  .few_tokens = 4,
  .dot_tokens = ENGINE_AVX2_DOT_TOKENS,
  .tile_bytes = engine_avx2_tile_bytes,
  .round_tile = engine_avx2_round_tile,
  .panel_bytes = engine_avx2_panel_bytes,
  .unpack_panel = engine_avx2_unpack_panel,
  .multiply = engine_avx2_multiply,
  .row_bytes = engine_avx2_row_bytes,
  .round_row = engine_avx2_round_row,
  .dot_rows = engine_avx2_dot_rows,
  VECTOR_PRODUCTS,
  .widen = widen,
  .narrow = narrow,
};

const EngineKernels engine_kernels_avx2 = {
  .name = "avx2",
  VECTOR_OPS,
  .matmul = &matmul,
};

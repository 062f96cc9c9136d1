/* avx512: the vector operations for processors with 512-bit registers; the formulas stand in
 * vector-ops.h, the products on quantised weights in avx512-matmul.c and avx512-dot.c. */
#define LANES 16
#include "engine/kernels/vector-ops.h"

#include "engine/kernels/avx512-private.h"

#include <immintrin.h>

static void widen (EngineType type, const guint16 *halves, gsize n, float *ret_values)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      __m256i packed = _mm256_loadu_si256 ((const __m256i *)(halves + i));
      __m512 wide
          = type == ENGINE_TYPE_F16
                ? _mm512_cvtph_ps (packed)
                : _mm512_castsi512_ps (_mm512_slli_epi32 (_mm512_cvtepu16_epi32 (packed), 16));
      _mm512_storeu_ps (ret_values + i, wide);
    }
  engine_type_info (type)->dequantise (halves + i, n - i, ret_values + i);
}

static void narrow (const float *values, gsize n, guint16 *ret_halves)
{
  gsize i = 0;
  for (; i + LANES <= n; i += LANES)
    {
      __m512 finite
          = _mm512_min_ps (_mm512_max_ps (_mm512_loadu_ps (values + i), _mm512_set1_ps (-65504)),
                           _mm512_set1_ps (65504));
      __m256i packed = _mm512_cvtps_ph (finite, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm256_storeu_si256 ((__m256i *)(ret_halves + i), packed);
    }
  for (; i < n; i++)
    ret_halves[i] = engine_f32_to_f16 (CLAMP (values[i], -65504, 65504));
}

static const struct EngineMatmulKernels matmul = {
  .panel_rows = ENGINE_AVX512_PANEL_ROWS,
  .tile_tokens = ENGINE_AVX512_TILE_TOKENS,
  .few_tokens = 8,
  .dot_tokens = ENGINE_AVX512_DOT_TOKENS,
  .tile_bytes = engine_avx512_tile_bytes,
  .round_tile = engine_avx512_round_tile,
  .panel_bytes = engine_avx512_panel_bytes,
  .unpack_panel = engine_avx512_unpack_panel,
  .multiply = engine_avx512_multiply,
  .row_bytes = engine_avx512_row_bytes,
  .round_row = engine_avx512_round_row,
  .dot_rows = engine_avx512_dot_rows,
  VECTOR_PRODUCTS,
  .widen = widen,
  .narrow = narrow,
};

const EngineKernels engine_kernels_avx512 = {
  .name = "avx512",
  VECTOR_OPS,
  .matmul = &matmul,
};

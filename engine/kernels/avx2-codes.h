/* avx2-codes: the parts of a block that AVX2 and AVX-512 take apart in the same way: halves, nibbles
 * and the 6-bit scales of Q4_K and Q5_K. */
#pragma once

#include <glib.h>
#include <immintrin.h>
#include <string.h>

static inline float read_f16 (const guint8 *bytes)
{
  guint16 half;
  memcpy (&half, bytes, sizeof half);
  return _cvtsh_ss (half);
}

/* 16 bytes: low nibbles, then high. */
static inline __m256i nibbles32 (const guint8 *bytes)
{
  __m128i packed = _mm_loadu_si128 ((const __m128i *)bytes);
  __m256i both
      = _mm256_inserti128_si256 (_mm256_castsi128_si256 (packed), _mm_srli_epi16 (packed, 4), 1);
  return _mm256_and_si256 (both, _mm256_set1_epi8 (15));
}

/* 16 where bit i of WORD is set, for element i. */
static inline __m256i fifth_bits (guint32 word)
{
  const __m256i which
      = _mm256_set_epi64x (0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
  const __m256i bit = _mm256_set1_epi64x (0x8040201008040201);
  __m256i bytes = _mm256_shuffle_epi8 (_mm256_set1_epi32 (word), which);
  __m256i set = _mm256_cmpeq_epi8 (_mm256_and_si256 (bytes, bit), bit);
  return _mm256_and_si256 (set, _mm256_set1_epi8 (16));
}

/* Eight scales in the low, eight mins in the high half: 6 bits each. The first four of both are
 * the low bits of bytes 0–7; the last four are nibbles of bytes 8–11 with the high bits of bytes
 * 0–7 above them. */
static inline __m128i scales_6bit (const guint8 *bytes)
{
  guint32 a, b, c;
  memcpy (&a, bytes, 4);
  memcpy (&b, bytes + 4, 4);
  memcpy (&c, bytes + 8, 4);
  guint32 last_scales = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
  guint32 last_mins = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
  return _mm_set_epi32 (last_mins, b & 0x3f3f3f3f, last_scales, a & 0x3f3f3f3f);
}

static inline void scales_k (const guint8 *block, __m256 *ret_scales, __m256 *ret_floors)
{
  __m128i packed = scales_6bit (block + 4);
  __m256 scales = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (packed));
  __m256 mins = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_srli_si128 (packed, 8)));
  *ret_scales = _mm256_mul_ps (scales, _mm256_set1_ps (read_f16 (block)));
  *ret_floors = _mm256_mul_ps (mins, _mm256_set1_ps (read_f16 (block + 2)));
}

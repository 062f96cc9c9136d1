/* avx512-codes: the codes of one block, spread to one byte each.
 *
 * avx512-dot.c multiplies them as they come, avx512-panel.c stores them for many tokens, so that
 * each type is taken apart in one place. Codes are unsigned here: 0 … 15, 31, 63 or 255. */
#pragma once

#include "engine/kernels/avx2-codes.h"

/* 32 bytes: low nibbles, then high. */
static inline __m512i nibbles64 (const guint8 *bytes)
{
  __m256i packed = _mm256_loadu_si256 ((const __m256i *)bytes);
  __m512i both
      = _mm512_inserti64x4 (_mm512_castsi256_si512 (packed), _mm256_srli_epi16 (packed, 4), 1);
  return _mm512_and_si512 (both, _mm512_set1_epi8 (15));
}

/* Q5_0 and Q5_1: bit i of the word at HIGH is the fifth bit of element i. */
static inline __m256i codes_q5 (const guint8 *high, const guint8 *low)
{
  guint32 bits;
  memcpy (&bits, high, sizeof bits);
  __m256i nibbles = nibbles32 (low);
  return _mm256_mask_add_epi8 (nibbles, bits, nibbles, _mm256_set1_epi8 (16));
}

static inline __m256i codes_q8_0 (const guint8 *block)
{
  __m256i codes = _mm256_loadu_si256 ((const __m256i *)(block + 2));
  return _mm256_xor_si256 (codes, _mm256_set1_epi8 (-128));
}

/* Elements 0–63 and 64–127 of one half of a Q6_K block: nibbles from 64 bytes at LOW, two more bits
 * from 32 bytes at HIGH, which hold them for elements i, i + 32, i + 64 and i + 96. */
static inline void codes_q6_k (const guint8 *low, const guint8 *high, __m512i *ret_first,
                               __m512i *ret_second)
{
  __m512i nibbles = _mm512_loadu_si512 (low);
  __m512i bits = _mm512_broadcast_i64x4 (_mm256_loadu_si256 ((const __m256i *)high));
  const __m512i up = _mm512_inserti64x4 (_mm512_set1_epi16 (2), _mm256_set1_epi16 (4), 0);
  const __m512i down = _mm512_inserti64x4 (_mm512_set1_epi16 (2), _mm256_setzero_si256 (), 0);
  const __m512i low4 = _mm512_set1_epi8 (15), high2 = _mm512_set1_epi8 (0x30);
  __m512i first_bits = _mm512_and_si512 (_mm512_sllv_epi16 (bits, up), high2);
  __m512i second_bits = _mm512_and_si512 (_mm512_srlv_epi16 (bits, down), high2);
  *ret_first = _mm512_or_si512 (_mm512_and_si512 (nibbles, low4), first_bits);
  *ret_second
      = _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi16 (nibbles, 4), low4), second_bits);
}

static inline __m512 scales_q6_k (const guint8 *block)
{
  __m512i multipliers = _mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *)(block + 192)));
  return _mm512_mul_ps (_mm512_cvtepi32_ps (multipliers), _mm512_set1_ps (read_f16 (block + 208)));
}

/* avx2-unpack: the types that few files use, taken apart 32 codes at a time.
 *
 * A block of the file comes in; its signed codes, scales and mins go out, exactly as ../quant.c
 * defines them. The types that our own models are made of are multiplied straight from their blocks;
 * these go through 256 bytes of the first cache, where the products of AVX2 and of AVX-512 alike find
 * them. Two to six instructions make 32 codes, where the definition takes a hundred. */
#include "engine/kernels/avx2-codes.h"
#include "engine/kernels/avx2-private.h"

static inline guint32 read_u32 (const guint8 *bytes)
{
  guint32 word;
  memcpy (&word, bytes, sizeof word);
  return word;
}

static inline __m256i load32 (const guint8 *bytes)
{
  return _mm256_loadu_si256 ((const __m256i *)bytes);
}

static inline void store32 (gint8 *codes, __m256i values)
{
  _mm256_storeu_si256 ((__m256i *)codes, values);
}

/* Bits [SHIFT, SHIFT + n) of each byte, MASK = 2ⁿ − 1. */
static inline __m256i bits_at (__m256i bytes, guint shift, guint8 mask)
{
  return _mm256_and_si256 (_mm256_srl_epi16 (bytes, _mm_cvtsi32_si128 (shift)),
                           _mm256_set1_epi8 (mask));
}

/* Eight or sixteen bytes, signed or not, times FACTOR. */
static inline void scale_bytes (__m256i eight, float factor, float *ret_values)
{
  _mm256_storeu_ps (ret_values,
                    _mm256_mul_ps (_mm256_cvtepi32_ps (eight), _mm256_set1_ps (factor)));
}

static void unpack_q5_1 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = -read_f16 (block + 2);
  store32 (codes, _mm256_or_si256 (nibbles32 (block + 8), fifth_bits (read_u32 (block + 4))));
}

static inline void unpack_table (const guint8 *nibbles, const gint8 *values, gint8 *codes)
{
  __m256i table = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *)values));
  store32 (codes, _mm256_shuffle_epi8 (table, nibbles32 (nibbles)));
}

static void unpack_iq4_nl (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  scales[0] = read_f16 (block);
  mins[0] = 0;
  unpack_table (block + 2, engine_iq4_values, codes);
}

/* 2^(e − 128) by its bits; the two smallest are subnormal. */
static void unpack_mxfp4 (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  guint32 bits = block[0] >= 2 ? (guint32)(block[0] - 1) << 23 : 0x00200000u << block[0];
  memcpy (scales, &bits, sizeof bits);
  mins[0] = 0;
  unpack_table (block + 1, engine_mxfp4_values, codes);
}

static void unpack_iq4_xs (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  float d = read_f16 (block);
  guint high_bits = block[2] | block[3] << 8;
  for (guint j = 0; j < 8; j++)
    {
      guint low = block[4 + j / 2] >> j % 2 * 4 & 15;
      scales[j] = d * ((gint)(low | (high_bits >> j * 2 & 3) << 4) - 32);
      mins[j] = 0;
      unpack_table (block + 8 + 16 * j, engine_iq4_values, codes + 32 * j);
    }
}

static void unpack_q2_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  float d = read_f16 (block + 80), dmin = read_f16 (block + 82);
  for (guint i = 0; i < 16; i += 8)
    {
      __m256i packed = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)(block + i)));
      scale_bytes (_mm256_and_si256 (packed, _mm256_set1_epi32 (15)), d, scales + i);
      scale_bytes (_mm256_srli_epi32 (packed, 4), dmin, mins + i);
    }
  for (guint half = 0; half < 2; half++)
    for (guint i = 0; i < 4; i++)
      store32 (codes + 128 * half + 32 * i, bits_at (load32 (block + 16 + 32 * half), 2 * i, 3));
}

/* Twelve bytes: sixteen low nibbles, and four bytes with two high bits of four scales each. */
static inline void scales_q3_k (const guint8 *packed, float d, float *scales)
{
  guint32 a = read_u32 (packed), b = read_u32 (packed + 4), high = read_u32 (packed + 8);
  guint32 words[4];
  words[0] = (a & 0x0f0f0f0f) | (high & 0x03030303) << 4;
  words[1] = (b & 0x0f0f0f0f) | (high >> 2 & 0x03030303) << 4;
  words[2] = (a >> 4 & 0x0f0f0f0f) | (high >> 4 & 0x03030303) << 4;
  words[3] = (b >> 4 & 0x0f0f0f0f) | (high >> 6 & 0x03030303) << 4;
  for (guint i = 0; i < 2; i++)
    {
      __m256i eight = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)(words + 2 * i)));
      scale_bytes (_mm256_sub_epi32 (eight, _mm256_set1_epi32 (32)), d, scales + 8 * i);
    }
}

static void unpack_q3_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  __m256i high = load32 (block);
  scales_q3_k (block + 96, read_f16 (block + 108), scales);
  memset (mins, 0, 16 * sizeof *mins);
  for (guint i = 0; i < 8; i++)
    {
      __m256i low = bits_at (load32 (block + 32 + i / 4 * 32), i % 4 * 2, 3);
      __m256i third = _mm256_slli_epi16 (bits_at (high, i, 1), 2);
      store32 (codes + 32 * i,
               _mm256_sub_epi8 (_mm256_or_si256 (low, third), _mm256_set1_epi8 (4)));
    }
}

static void unpack_q5_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  __m256i high = load32 (block + 16);
  __m256 scale, min;
  scales_k (block, &scale, &min);
  _mm256_storeu_ps (scales, scale);
  _mm256_storeu_ps (mins, min);
  for (guint i = 0; i < 8; i++)
    {
      __m256i low = bits_at (load32 (block + 48 + i / 2 * 32), i % 2 * 4, 15);
      __m256i fifth = _mm256_slli_epi16 (bits_at (high, i, 1), 4);
      store32 (codes + 32 * i, _mm256_or_si256 (low, fifth));
    }
}

void engine_avx2_unpack_codes (EngineType type, const guint8 *block, gint8 *codes, float *scales,
                               float *mins)
{
  switch (type)
    {
    case ENGINE_TYPE_Q5_1:
      unpack_q5_1 (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_Q2_K:
      unpack_q2_k (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_Q3_K:
      unpack_q3_k (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_Q5_K:
      unpack_q5_k (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_IQ4_NL:
      unpack_iq4_nl (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_IQ4_XS:
      unpack_iq4_xs (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_MXFP4:
      unpack_mxfp4 (block, codes, scales, mins);
      break;
    default:
      engine_type_unpacking (type)->block (block, codes, scales, mins);
    }
}

void engine_avx2_shift_codes (guint8 *codes, guint n, guint8 offset)
{
  __m256i offsets = _mm256_set1_epi8 ((gint8)offset);
  for (guint i = 0; i < n; i += 32)
    store32 ((gint8 *)codes + i, _mm256_add_epi8 (load32 (codes + i), offsets));
}

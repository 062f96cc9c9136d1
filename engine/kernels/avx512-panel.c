/* avx512-panel: 32 rows of weights laid out for avx512-matmul.c.
 *
 * In go rows of the file's blocks, out comes a panel in which four codes of each of 32 rows stand
 * side by side. Unpacking is paid once per panel however many tokens follow, but a short prompt has
 * few: so blocks are spread row by row into a buffer that stays in the first cache, and squares of
 * 16 rows by 16 words are turned around in registers, 64 shuffles for 1,024 codes. */
#include "engine/kernels/avx512-codes.h"
#include "engine/kernels/avx512-private.h"

#define ROWS ENGINE_AVX512_PANEL_ROWS
#define HALF 16
/* Columns that are turned around at a time. */
#define CHUNK 512
#define CHUNK_GROUPS (CHUNK / 16)

/* ---- Signed codes of one block -----------------------------------------------------------------
 */

static inline void store32 (gint8 *codes, __m256i values, guint offset)
{
  _mm256_storeu_si256 ((__m256i *)codes,
                       _mm256_sub_epi8 (values, _mm256_set1_epi8 ((gint8)offset)));
}

/* Codes may be written 16 or 64 at a time, up to the end of the block; MINS only of types that have
 * them. */
static inline void unpack_block (EngineType type, const guint8 *block, gint8 *codes, float *scales,
                                 float *mins)
{
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      store32 (codes, nibbles32 (block + 2), 8);
      *scales = read_f16 (block);
      break;
    case ENGINE_TYPE_Q4_1:
      store32 (codes, nibbles32 (block + 4), 0);
      *scales = read_f16 (block);
      *mins = -read_f16 (block + 2);
      break;
    case ENGINE_TYPE_Q5_0:
      store32 (codes, codes_q5 (block + 2, block + 6), 16);
      *scales = read_f16 (block);
      break;
    case ENGINE_TYPE_Q8_0:
      memcpy (codes, block + 2, 32);
      *scales = read_f16 (block);
      break;
    case ENGINE_TYPE_Q4_K:
      {
        __m256 scales8, mins8;
        scales_k (block, &scales8, &mins8);
        _mm256_storeu_ps (scales, scales8);
        _mm256_storeu_ps (mins, mins8);
        for (guint i = 0; i < 4; i++)
          _mm512_storeu_si512 (codes + 64 * i, nibbles64 (block + 16 + 32 * i));
        break;
      }
    case ENGINE_TYPE_Q6_K:
      _mm512_storeu_ps (scales, scales_q6_k (block));
      for (guint half = 0; half < 2; half++)
        {
          const __m512i offset = _mm512_set1_epi8 (32);
          __m512i first, second;
          codes_q6_k (block + 64 * half, block + 128 + 32 * half, &first, &second);
          _mm512_storeu_si512 (codes + 128 * half, _mm512_sub_epi8 (first, offset));
          _mm512_storeu_si512 (codes + 128 * half + 64, _mm512_sub_epi8 (second, offset));
        }
      break;
    default:
      engine_type_unpacking (type)->block (block, codes, scales, mins);
    }
}

/* ---- Turning around ----------------------------------------------------------------------------
 */

/* Words [16 rows][16], ROWS STRIDE bytes apart, become ret_words[16] of 16 rows each. */
static inline void transpose (const void *rows, gsize stride, __m512i ret_words[16])
{
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (guint i = 0; i < 16; i++)
    a[i] = _mm512_loadu_si512 ((const guint8 *)rows + i * stride);
#pragma GCC unroll 8
  for (guint i = 0; i < 16; i += 2)
    {
      b[i] = _mm512_unpacklo_epi32 (a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_epi32 (a[i], a[i + 1]);
    }
    /* a[4 i + j]: word 4 lane + j of rows 4 i … 4 i + 3, for each of four lanes. */
#pragma GCC unroll 4
  for (guint i = 0; i < 16; i += 4)
    {
      a[i] = _mm512_unpacklo_epi64 (b[i], b[i + 2]);
      a[i + 1] = _mm512_unpackhi_epi64 (b[i], b[i + 2]);
      a[i + 2] = _mm512_unpacklo_epi64 (b[i + 1], b[i + 3]);
      a[i + 3] = _mm512_unpackhi_epi64 (b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
  for (guint j = 0; j < 4; j++)
    {
      __m512i top01 = _mm512_shuffle_i32x4 (a[j], a[4 + j], 0x44);
      __m512i top23 = _mm512_shuffle_i32x4 (a[j], a[4 + j], 0xee);
      __m512i low01 = _mm512_shuffle_i32x4 (a[8 + j], a[12 + j], 0x44);
      __m512i low23 = _mm512_shuffle_i32x4 (a[8 + j], a[12 + j], 0xee);
      ret_words[j] = _mm512_shuffle_i32x4 (top01, low01, 0x88);
      ret_words[4 + j] = _mm512_shuffle_i32x4 (top01, low01, 0xdd);
      ret_words[8 + j] = _mm512_shuffle_i32x4 (top23, low23, 0x88);
      ret_words[12 + j] = _mm512_shuffle_i32x4 (top23, low23, 0xdd);
    }
}

/* One chunk of 16 rows on its way. */
typedef struct
{
  gint8 codes[HALF][CHUNK + 64];
  float scales[HALF][CHUNK_GROUPS], mins[HALF][CHUNK_GROUPS];
} Chunk;

static void unpack_chunk (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                          gsize n, Chunk *chunk)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  for (guint row = 0; row < n_rows; row++, rows += row_bytes)
    {
      const guint8 *block = rows;
      for (gsize k = 0; k < n; k += info->block_elements, block += info->block_bytes)
        unpack_block (type, block, chunk->codes[row] + k, chunk->scales[row] + k / group,
                      chunk->mins[row] + k / group);
    }
}

/* N columns to words [n / 4][ROWS], and -128 · Σ codes of each group to STARTS. */
static void store_codes (const Chunk *chunk, gsize n, guint group, guint32 *words, gint32 *starts)
{
  const __m512i ones = _mm512_set1_epi8 (1);
  __m512i sum = _mm512_setzero_si512 ();
  for (gsize k = 0; k < n; k += 64)
    {
      __m512i turned[16];
      transpose (&chunk->codes[0][k], sizeof chunk->codes[0], turned);
      for (guint i = 0; i < MIN (64, n - k) / 4; i++, words += ROWS)
        {
          _mm512_storeu_si512 (words, turned[i]);
          sum = _mm512_dpbusd_epi32 (sum, ones, turned[i]);
          if ((i + 1) % (group / 4) != 0)
            continue;
          _mm512_storeu_si512 (
              starts, _mm512_sub_epi32 (_mm512_setzero_si512 (), _mm512_slli_epi32 (sum, 7)));
          starts += ROWS;
          sum = _mm512_setzero_si512 ();
        }
    }
}

static void store_floats (const float (*from)[CHUNK_GROUPS], gsize n_groups, float *to)
{
  for (gsize g = 0; g < n_groups; g += 16)
    {
      __m512i turned[16];
      transpose (&from[0][g], sizeof from[0], turned);
      for (guint i = 0; i < MIN (16, n_groups - g); i++, to += ROWS)
        _mm512_storeu_si512 (to, turned[i]);
    }
}

gsize engine_avx512_panel_bytes (EngineType type, gsize n_cols)
{
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  return ROWS * (n_cols + n_cols / unpacking->group * (unpacking->has_min ? 12 : 8));
}

/* Rows that are not there have scale 0. */
void engine_avx512_unpack_panel (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                                 gsize n_cols, void *ret_panel)
{
  const EngineTypeInfo *info = engine_type_info (type);
  const EngineUnpacking *unpacking = engine_type_unpacking (type);
  EngineAvx512Panel panel = engine_avx512_panel_at (ret_panel, unpacking->group, n_cols);
  Chunk chunk;
  for (guint half = 0; half < ROWS; half += HALF)
    {
      guint n_half = n_rows > half ? MIN (n_rows - half, HALF) : 0;
      if (n_half < HALF)
        memset (&chunk, 0, sizeof chunk);
      for (gsize k = 0; k < n_cols; k += CHUNK)
        {
          gsize n = MIN (CHUNK, n_cols - k), place = k / unpacking->group * ROWS + half;
          unpack_chunk (type,
                        rows + half * row_bytes + k / info->block_elements * info->block_bytes,
                        row_bytes, n_half, n, &chunk);
          store_codes (&chunk, n, unpacking->group, panel.codes + k / 4 * ROWS + half,
                       panel.starts + place);
          store_floats (chunk.scales, n / unpacking->group, panel.scales + place);
          if (unpacking->has_min)
            store_floats (chunk.mins, n / unpacking->group, panel.mins + place);
        }
    }
}

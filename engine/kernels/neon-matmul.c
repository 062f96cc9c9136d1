/* neon-matmul: matrix products on quantised weights for 64-bit ARM.
 *
 * In go weights in the file's blocks and activations as in rounded-private.h; out come rows of
 * products. Codes stay signed bytes. One instruction multiplies four codes of four rows with four
 * of a token and adds them up (sdot); where it is missing, products of 16 bits are added in pairs,
 * twice, which gives the same sums. See matmul-private.h for the formula. */
#include "engine/kernels/neon-private.h"

#include <string.h>

#define ROWS ENGINE_NEON_PANEL_ROWS
#define BLOCK ENGINE_ROUND_BLOCK

/* ---- Codes of one block ------------------------------------------------------------------------
 */

static inline float read_f16 (const guint8 *bytes)
{
  guint16 half;
  memcpy (&half, bytes, sizeof half);
  return vgetq_lane_f32 (vcvt_f32_f16 (vreinterpret_f16_u16 (vdup_n_u16 (half))), 0);
}

/* 16 bytes: the low nibbles go to the first 16 codes at LOW, the high ones to those at HIGH. */
static inline void store_nibbles (const guint8 *bytes, guint8 offset, gint8 *low, gint8 *high)
{
  uint8x16_t packed = vld1q_u8 (bytes), shift = vdupq_n_u8 (offset);
  vst1q_s8 (low, vreinterpretq_s8_u8 (vsubq_u8 (vandq_u8 (packed, vdupq_n_u8 (15)), shift)));
  vst1q_s8 (high, vreinterpretq_s8_u8 (vsubq_u8 (vshrq_n_u8 (packed, 4), shift)));
}

/* Six bits each: the first four of eight scales and mins whole, the others split over the last four
 * bytes (low bits) and the top bits of the first eight. */
static void unpack_q4_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  const guint8 *packed = block + 4;
  float d = read_f16 (block), d_min = read_f16 (block + 2);
  for (guint i = 0; i < 4; i++)
    {
      scales[i] = d * (packed[i] & 63);
      mins[i] = d_min * (packed[i + 4] & 63);
      scales[i + 4] = d * ((packed[i + 8] & 15) | (packed[i] >> 6) << 4);
      mins[i + 4] = d_min * ((packed[i + 8] >> 4) | (packed[i + 4] >> 6) << 4);
    }
  for (guint i = 0; i < 128; i += 32)
    for (guint half = 0; half < 32; half += 16)
      store_nibbles (block + 16 + i + half, 0, codes + 2 * i + half, codes + 2 * i + 32 + half);
}

/* Four bits at LOW, the two above them at HIGH: one byte of it serves four codes, 32 apart. */
static void unpack_q6_k (const guint8 *block, gint8 *codes, float *scales, float *mins)
{
  float d = read_f16 (block + 208);
  for (guint i = 0; i < 16; i++)
    {
      scales[i] = d * (gint8)block[192 + i];
      mins[i] = 0;
    }
  for (guint half = 0; half < 2; half++, codes += 128)
    for (guint i = 0; i < 32; i += 16)
      {
        const guint8 *low = block + 64 * half + i;
        uint8x16_t bits = vld1q_u8 (block + 128 + 32 * half + i), mask = vdupq_n_u8 (0x30);
        uint8x16_t high[4]
            = { vshlq_n_u8 (bits, 4), vshlq_n_u8 (bits, 2), bits, vshrq_n_u8 (bits, 2) };
        store_nibbles (low, 0, codes + i, codes + 64 + i);
        store_nibbles (low + 32, 0, codes + 32 + i, codes + 96 + i);
        for (guint part = 0; part < 4; part++)
          {
            gint8 *part_codes = codes + 32 * part + i;
            uint8x16_t code = vorrq_u8 (vreinterpretq_u8_s8 (vld1q_s8 (part_codes)),
                                        vandq_u8 (high[part], mask));
            vst1q_s8 (part_codes, vsubq_s8 (vreinterpretq_s8_u8 (code), vdupq_n_s8 (32)));
          }
      }
}

static void unpack_block (EngineType type, const guint8 *block, gint8 *codes, float *scales,
                          float *mins)
{
  switch (type)
    {
    case ENGINE_TYPE_Q8_0:
      memcpy (codes, block + 2, 32);
      scales[0] = read_f16 (block);
      mins[0] = 0;
      break;
    case ENGINE_TYPE_Q4_0:
      store_nibbles (block + 2, 8, codes, codes + 16);
      scales[0] = read_f16 (block);
      mins[0] = 0;
      break;
    case ENGINE_TYPE_Q4_K:
      unpack_q4_k (block, codes, scales, mins);
      break;
    case ENGINE_TYPE_Q6_K:
      unpack_q6_k (block, codes, scales, mins);
      break;
    default:
      engine_type_unpacking (type)->block (block, codes, scales, mins);
    }
}

/* ---- Panels ------------------------------------------------------------------------------------
 */

typedef struct
{
  gint8 *codes;
  float *scales, *mins;
} Panel;

static inline Panel panel_at (const void *panel, guint group, gsize n_cols)
{
  gint8 *codes = (gint8 *)panel;
  float *scales = (float *)(codes + n_cols * ROWS);
  return (Panel){ codes, scales, scales + n_cols / group * ROWS };
}

void ENGINE_NEON (unpack_panel) (EngineType type, const guint8 *rows, gsize row_bytes, guint n_rows,
                                 gsize n_cols, void *ret_panel)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  Panel panel = panel_at (ret_panel, group, n_cols);
  memset (ret_panel, 0, n_rows < ROWS ? engine_neon_panel_bytes (type, n_cols) : 0);
  for (guint row = 0; row < n_rows; row++, rows += row_bytes)
    {
      const guint8 *block = rows;
      for (gsize begin = 0; begin < n_cols;
           begin += info->block_elements, block += info->block_bytes)
        {
          gint8 codes[256];
          float scales[16], mins[16];
          unpack_block (type, block, codes, scales, mins);
          for (guint i = 0; i < info->block_elements; i += 4)
            memcpy (panel.codes + (begin + i) * ROWS + 4 * row, codes + i, 4);
          for (guint i = 0; i < info->block_elements / group; i++)
            {
              panel.scales[(begin / group + i) * ROWS + row] = scales[i];
              panel.mins[(begin / group + i) * ROWS + row] = mins[i];
            }
        }
    }
}

/* ---- Products ----------------------------------------------------------------------------------
 */

/* sum[i] += Σ over four codes a[4i …] · b[4i …] */
static inline int32x4_t add_products (int32x4_t sum, int8x16_t a, int8x16_t b)
{
#ifdef __ARM_FEATURE_DOTPROD
  return vdotq_s32 (sum, a, b);
#else
  int32x4_t first = vpaddlq_s16 (vmull_s8 (vget_low_s8 (a), vget_low_s8 (b)));
  int32x4_t second = vpaddlq_s16 (vmull_high_s8 (a, b));
  return vaddq_s32 (sum, vpaddq_s32 (first, second));
#endif
}

/* The four codes at X in each quarter of a register. */
static inline int8x16_t repeat4 (const gint8 *x)
{
  gint32 four;
  memcpy (&four, x, sizeof four);
  return vreinterpretq_s8_s32 (vdupq_n_s32 (four));
}

/* N tokens against one panel; N is a constant where this is inlined, so that all sums stay in
 * registers. */
static inline __attribute__ ((always_inline)) void multiply_n (const guint n, guint group,
                                                               const Panel *panel,
                                                               const EngineRounded *tokens,
                                                               gsize n_cols, float *y)
{
  float32x4_t totals[ENGINE_NEON_TILE_TOKENS][2] = {};
  const gint8 *codes = panel->codes;
  for (gsize begin = 0; begin < n_cols; begin += group)
    {
      int32x4_t sums[ENGINE_NEON_TILE_TOKENS][2] = {};
      for (gsize k = begin; k < begin + group; k += 4, codes += 4 * ROWS)
        for (guint t = 0; t < n; t++)
          {
            int8x16_t x = repeat4 (tokens[t].codes + k);
            sums[t][0] = add_products (sums[t][0], vld1q_s8 (codes), x);
            sums[t][1] = add_products (sums[t][1], vld1q_s8 (codes + 16), x);
          }
      const float *scales = panel->scales + begin / group * ROWS;
      const float *mins = panel->mins + begin / group * ROWS;
      for (guint t = 0; t < n; t++)
        for (guint half = 0; half < 2; half++)
          {
            const float *x_sums = tokens[t].sums + begin / 16;
            float x_sum = x_sums[0] + (group == 32 ? x_sums[1] : 0);
            float32x4_t scale
                = vmulq_n_f32 (vld1q_f32 (scales + 4 * half), tokens[t].scales[begin / BLOCK]);
            totals[t][half] = vfmaq_f32 (totals[t][half], vcvtq_f32_s32 (sums[t][half]), scale);
            totals[t][half] = vfmsq_n_f32 (totals[t][half], vld1q_f32 (mins + 4 * half), x_sum);
          }
    }
  for (guint t = 0; t < n; t++)
    for (guint half = 0; half < 2; half++)
      vst1q_f32 (y + t * ROWS + 4 * half, totals[t][half]);
}

void ENGINE_NEON (multiply) (EngineType type, const void *panel_data, const void *tile,
                             guint n_tokens, gsize n_cols, float *y)
{
  guint group = engine_type_unpacking (type)->group;
  Panel panel = panel_at (panel_data, group, n_cols);
  EngineRounded tokens[ENGINE_NEON_TILE_TOKENS];
  for (guint t = 0; t < n_tokens; t++)
    tokens[t] = engine_rounded_at (tile, n_cols, t);
  switch (n_tokens)
    {
    case 1:
      multiply_n (1, group, &panel, tokens, n_cols, y);
      return;
    case 2:
      multiply_n (2, group, &panel, tokens, n_cols, y);
      return;
    case 3:
      multiply_n (3, group, &panel, tokens, n_cols, y);
      return;
    case 4:
      multiply_n (4, group, &panel, tokens, n_cols, y);
      return;
    }
}

static inline float32x4_t add_scaled (float32x4_t total, const gint8 *codes, const gint8 *x,
                                      float scale)
{
  int32x4_t products = add_products (vdupq_n_s32 (0), vld1q_s8 (codes), vld1q_s8 (x));
  return vfmaq_n_f32 (total, vcvtq_f32_s32 (products), scale);
}

/* One row, taken apart once for all tokens. */
static void dot_row (EngineType type, const guint8 *block, gsize n_cols, const EngineRounded *x,
                     guint n_tokens, float *y)
{
  const EngineTypeInfo *info = engine_type_info (type);
  guint group = engine_type_unpacking (type)->group;
  float32x4_t totals[ENGINE_NEON_DOT_TOKENS] = {};
  float min_totals[ENGINE_NEON_DOT_TOKENS] = { 0 };
  for (gsize begin = 0; begin < n_cols; begin += info->block_elements, block += info->block_bytes)
    {
      gint8 codes[256];
      float scales[16], mins[16];
      unpack_block (type, block, codes, scales, mins);
      for (guint i = 0; i < info->block_elements; i += 16)
        for (guint t = 0; t < n_tokens; t++)
          {
            gsize k = begin + i;
            float scale = scales[i / group] * x[t].scales[k / BLOCK];
            totals[t] = add_scaled (totals[t], codes + i, x[t].codes + k, scale);
            min_totals[t] += mins[i / group] * x[t].sums[k / 16];
          }
    }
  for (guint t = 0; t < n_tokens; t++)
    y[t] = vaddvq_f32 (totals[t]) - min_totals[t];
}

void ENGINE_NEON (dot_rows) (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows,
                             gsize n_cols, const void *x, gsize x_stride, guint n_tokens, float *y)
{
  EngineRounded tokens[ENGINE_NEON_DOT_TOKENS];
  for (guint t = 0; t < n_tokens; t++)
    tokens[t] = engine_rounded_at ((const guint8 *)x + t * x_stride, n_cols, 0);
  for (gsize row = 0; row < n_rows; row++)
    dot_row (type, rows + row * row_bytes, n_cols, tokens, n_tokens, y + row * n_tokens);
}

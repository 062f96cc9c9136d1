/* Rows of quantised weights times the rounded rows of a few tokens, the same for both widths of
 * register: every type and every number of tokens is compiled by itself, out of the products that
 * avx2-dot.c and avx512-dot.c define before they include this file, with
 *   ROW       the rounded row of a token
 *   ROW_AT    finds one in memory
 *   DOT_ROWS  the name to give to the whole */
#pragma once

static ALWAYS_INLINE void dot_row (EngineType type, const guint n, const guint8 *row, gsize n_cols,
                                   const ROW *x, float *y)
{
  switch (type)
    {
    case ENGINE_TYPE_Q4_0:
      dot_blocks32 (ENGINE_TYPE_Q4_0, n, row, n_cols, x, y);
      break;
    case ENGINE_TYPE_Q4_1:
      dot_blocks32 (ENGINE_TYPE_Q4_1, n, row, n_cols, x, y);
      break;
    case ENGINE_TYPE_Q5_0:
      dot_blocks32 (ENGINE_TYPE_Q5_0, n, row, n_cols, x, y);
      break;
    case ENGINE_TYPE_Q8_0:
      dot_blocks32 (ENGINE_TYPE_Q8_0, n, row, n_cols, x, y);
      break;
    case ENGINE_TYPE_Q4_K:
      dot_q4_k (n, row, n_cols, x, y);
      break;
    case ENGINE_TYPE_Q6_K:
      dot_q6_k (n, row, n_cols, x, y);
      break;
    default:
      dot_any (type, n, row, n_cols, x, y);
    }
}

void DOT_ROWS (EngineType type, const guint8 *rows, gsize row_bytes, gsize n_rows, gsize n_cols,
               const void *x_data, gsize x_stride, guint n_tokens, float *y)
{
  ROW x[MAX_N];
  for (guint t = 0; t < n_tokens; t++)
    x[t] = ROW_AT ((const guint8 *)x_data + t * x_stride, n_cols);
  for (gsize row = 0; row < n_rows; row++, rows += row_bytes, y += n_tokens)
    switch (n_tokens)
      {
      case 1:
        dot_row (type, 1, rows, n_cols, x, y);
        break;
      case 2:
        dot_row (type, 2, rows, n_cols, x, y);
        break;
      case 3:
        dot_row (type, 3, rows, n_cols, x, y);
        break;
      default:
        dot_row (type, 4, rows, n_cols, x, y);
      }
}

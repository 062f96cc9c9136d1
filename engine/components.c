/* Turns vectors so that their first dimensions say most, and drops the others.
 *
 * Vectors come in, shorter vectors go out whose distances are as close to the former ones as a
 * rotation allows: the eigenvectors of the covariance with the largest eigenvalues. The covariance
 * is summed in double precision over blocks of rows (a vocabulary has a quarter of a million), and
 * LAPACK takes it apart. */
#include "engine/components-private.h"

#include <cblas.h>
#include <string.h>

#define BLOCK_ROWS 1024

/* LAPACK: all eigenvalues of a symmetric matrix, ascending, and its eigenvectors in A's columns.
 * The last two are the lengths of the first two strings, as Fortran passes them. */
extern void dsyevd_ (const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
                     double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                     int *info, size_t jobz_length, size_t uplo_length);

static double *mean_of (const float *rows, gsize n_rows, guint n_cols)
{
  double *mean = g_new0 (double, n_cols);
  for (gsize i = 0; i < n_rows; i++)
    for (guint j = 0; j < n_cols; j++)
      mean[j] += rows[i * n_cols + j];
  for (guint j = 0; j < n_cols; j++)
    mean[j] /= n_rows;
  return mean;
}

/* block[n, n_cols] = rows − mean. */
static void centre (const float *rows, gsize n, guint n_cols, const double *mean, double *block)
{
  for (gsize i = 0; i < n; i++)
    for (guint j = 0; j < n_cols; j++)
      block[i * n_cols + j] = rows[i * n_cols + j] - mean[j];
}

/* Σ (row − mean)(row − mean)ᵀ; the upper triangle, row-major. */
static double *covariance_of (const float *rows, gsize n_rows, guint n_cols, const double *mean,
                              double *block)
{
  double *covariance = g_new0 (double, (gsize)n_cols *n_cols);
  for (gsize begin = 0, n; begin < n_rows; begin += n)
    {
      n = MIN (BLOCK_ROWS, n_rows - begin);
      centre (rows + begin * n_cols, n, n_cols, mean, block);
      cblas_dsyrk (CblasRowMajor, CblasUpper, CblasTrans, (int)n_cols, (int)n, 1, block,
                   (int)n_cols, 1, covariance, (int)n_cols);
    }
  return covariance;
}

/* Replaces MATRIX [n, n] by its eigenvectors, one a row; values [n] ascend. */
static gboolean take_apart (double *matrix, guint n, double *values, GError **error)
{
  const int order = (int)n, n_work = 1 + 6 * order + 2 * order * order, n_iwork = 3 + 5 * order;
  g_autofree double *work = g_new (double, n_work);
  g_autofree int *iwork = g_new (int, n_iwork);
  int info = 0;
  /* The upper triangle by rows is the lower one by columns, as Fortran counts. */
  dsyevd_ ("V", "L", &order, matrix, &order, values, work, &n_work, iwork, &n_iwork, &info, 1, 1);
  if (info == 0 && values[n - 1] > 0) /* NaN neither */
    return TRUE;
  g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                       "the vectors of this vocabulary have no directions to tell apart");
  return FALSE;
}

/* rows[n_rows, n_keep] = (rows − mean) · directionsᵀ, in place: rows only become shorter. */
static void project (float *rows, gsize n_rows, guint n_cols, guint n_keep, const double *mean,
                     const double *directions, double *block)
{
  g_autofree double *kept = g_new (double, (gsize)BLOCK_ROWS *n_keep);
  for (gsize begin = 0, n; begin < n_rows; begin += n)
    {
      n = MIN (BLOCK_ROWS, n_rows - begin);
      centre (rows + begin * n_cols, n, n_cols, mean, block);
      cblas_dgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)n_keep, (int)n_cols, 1,
                   block, (int)n_cols, directions, (int)n_cols, 0, kept, (int)n_keep);
      for (gsize i = 0; i < n; i++)
        for (guint j = 0; j < n_keep; j++) /* the widest direction is the last */
          rows[(begin + i) * n_keep + j] = (float)kept[i * n_keep + n_keep - 1 - j];
    }
}

gboolean engine_components_keep (float *rows, gsize n_rows, guint n_cols, guint n_keep,
                                 double *ret_kept, GError **error)
{
  g_return_val_if_fail (n_rows > 0 && n_keep > 0 && n_keep <= n_cols, FALSE);
  g_autofree double *mean = mean_of (rows, n_rows, n_cols);
  g_autofree double *block = g_new (double, (gsize)BLOCK_ROWS *n_cols);
  g_autofree double *matrix = covariance_of (rows, n_rows, n_cols, mean, block);
  g_autofree double *values = g_new (double, n_cols);
  if (!take_apart (matrix, n_cols, values, error))
    return FALSE;
  double all = 0, kept = 0;
  for (guint i = 0; i < n_cols; i++)
    {
      all += values[i];
      kept += i >= n_cols - n_keep ? values[i] : 0;
    }
  project (rows, n_rows, n_cols, n_keep, mean, matrix + (gsize)(n_cols - n_keep) * n_cols, block);
  *ret_kept = kept / all;
  return TRUE;
}

/* Vectors of large libraries, a byte for each number.
 *
 * A million vectors of 384 floats take 1.5 GB, and comparing a question with all of them takes as
 * long as reading 1.5 GB. Here each vector is kept as bytes and one scale, a quarter of both:
 *
 *   code[i] = round (127 · v[i] / max |v|)        v · q ≈ scale · Σ code[i] · query[i]
 *
 * Every vector is still compared, so filters stay exact and nothing is trained or rebuilt when
 * documents come and go. The error of a cosine is below .005; the caller takes more candidates than
 * it needs and scores them again by their rows. Two threads share the scan. FAISS's own scalar
 * quantiser is no help: Debian builds it without AVX2, and its C API has no filter.
 *
 * File: n ids (int64), n scales (float), n · dimension codes, little endian; SQLite has n,
 * dimension and the checksum. */
#include "index/dense-private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Below this a second thread costs more than it saves. */
#define MIN_SHARED 50000

void index_codes_init (IndexDenseCodes *codes)
{
  codes->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  codes->scales = g_array_new (FALSE, FALSE, sizeof (float));
  codes->codes = g_array_new (FALSE, FALSE, sizeof (gint8));
}

void index_codes_clear (IndexDenseCodes *codes)
{
  if (codes->ids)
    {
      g_array_unref (codes->ids);
      g_array_unref (codes->scales);
      g_array_unref (codes->codes);
    }
  memset (codes, 0, sizeof *codes);
}

void index_codes_append (IndexDenseCodes *codes, gint64 chunk, const float *vector, guint dimension)
{
  float largest = 0;

  for (guint i = 0; i < dimension; i++)
    largest = fmaxf (largest, fabsf (vector[i]));

  float scale = largest / 127, factor = largest > 0 ? 127 / largest : 0;
  gsize at = codes->codes->len;
  g_array_set_size (codes->codes, (guint)(at + dimension));
  gint8 *code = (gint8 *)codes->codes->data + at;

  for (guint i = 0; i < dimension; i++)
    code[i] = (gint8)lrintf (vector[i] * factor);
  g_array_append_val (codes->ids, chunk);
  g_array_append_val (codes->scales, scale);
}

void index_codes_truncate (IndexDenseCodes *codes, guint n, guint dimension)
{
  g_array_set_size (codes->ids, n);
  g_array_set_size (codes->scales, n);
  g_array_set_size (codes->codes, n * dimension);
}

/* Both are sorted: NEXT is the place in REMOVED, for the chunks that come after. */
static gboolean is_removed (const GArray *removed, gint64 chunk, guint *next)
{
  while (*next < removed->len && g_array_index (removed, gint64, *next) < chunk)
    ++*next;
  return *next < removed->len && g_array_index (removed, gint64, *next) == chunk;
}

void index_codes_remove (IndexDenseCodes *codes, const GArray *removed, guint dimension)
{
  gint8 *code = (gint8 *)codes->codes->data;
  guint kept = 0, next = 0;

  for (guint i = 0; i < codes->ids->len; i++)
    {
      gint64 chunk = g_array_index (codes->ids, gint64, i);

      if (is_removed (removed, chunk, &next))
        continue;
      g_array_index (codes->ids, gint64, kept) = chunk;
      g_array_index (codes->scales, float, kept) = g_array_index (codes->scales, float, i);
      memmove (code + (gsize)kept * dimension, code + (gsize)i * dimension, dimension);
      kept++;
    }
  index_codes_truncate (codes, kept, dimension);
}

/* ---- Compare ---- */

typedef gint32 (*DotFunc) (const gint16 *query, const gint8 *code, guint n);

static gint32 dot_portable (const gint16 *query, const gint8 *code, guint n)
{
  gint32 sum = 0;

  for (guint i = 0; i < n; i++)
    sum += query[i] * code[i];
  return sum;
}

#ifdef __x86_64__
/* Three instructions for 16 numbers: widen, multiply and add in pairs, add. */
__attribute__ ((target ("avx2"))) static gint32 dot_avx2 (const gint16 *query, const gint8 *code,
                                                          guint n)
{
  __m256i sums = _mm256_setzero_si256 ();
  gint32 parts[8], sum = 0;
  guint i = 0;

  for (; i + 16 <= n; i += 16)
    {
      __m256i wide = _mm256_cvtepi8_epi16 (_mm_loadu_si128 ((const __m128i_u *)(code + i)));
      __m256i q = _mm256_loadu_si256 ((const __m256i_u *)(query + i));
      sums = _mm256_add_epi32 (sums, _mm256_madd_epi16 (wide, q));
    }
  _mm256_storeu_si256 ((__m256i_u *)parts, sums);
  for (guint lane = 0; lane < 8; lane++)
    sum += parts[lane];
  return sum + dot_portable (query + i, code + i, n - i);
}
#endif

static DotFunc best_dot (void)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports ("avx2"))
    return dot_avx2;
#endif
  return dot_portable;
}

typedef struct
{
  const IndexDenseCodes *codes;
  const gint16 *query; /* codes of the question's vector, for products of 16 bits */
  guint dimension;
  const IndexFilter *filter;
  const GArray *removed;
  guint from, to;
  IndexTop top;
} Scan;

static gpointer scan (gpointer data)
{
  Scan *share = data;
  const gint8 *code = (const gint8 *)share->codes->codes->data;
  DotFunc dot = best_dot ();
  guint next_removed = 0;

  for (guint i = share->from; i < share->to; i++)
    {
      gint64 chunk = g_array_index (share->codes->ids, gint64, i);

      if (is_removed (share->removed, chunk, &next_removed)
          || (share->filter && !index_filter_has (share->filter, chunk)))
        continue;
      index_top_add (&share->top, chunk,
                     g_array_index (share->codes->scales, float, i)
                         * (float)dot (share->query, code + (gsize)i * share->dimension,
                                       share->dimension));
    }
  return NULL;
}

/* 14 bits: as the sum of products of up to INDEX_MAX_DIMENSION numbers has to fit 32. */
static void encode_query (const float *vector, guint dimension, gint16 *ret_query)
{
  float largest = 1e-9f;
  float most = dimension <= 1024 ? 16383.0f : 1023.0f;

  for (guint i = 0; i < dimension; i++)
    largest = fmaxf (largest, fabsf (vector[i]));
  for (guint i = 0; i < dimension; i++)
    ret_query[i] = (gint16)lrintf (vector[i] * most / largest);
}

GArray *index_codes_search (const IndexDenseCodes *codes, const float *vector, guint dimension,
                            const IndexFilter *filter, const GArray *removed, gsize k)
{
  g_autofree gint16 *query = g_new (gint16, dimension);
  guint n = codes->ids->len, middle = n >= MIN_SHARED ? n / 2 : n;
  Scan shares[2] = { { codes, query, dimension, filter, removed, 0, middle, { 0 } },
                     { codes, query, dimension, filter, removed, middle, n, { 0 } } };

  encode_query (vector, dimension, query);
  index_top_init (&shares[0].top, k);
  index_top_init (&shares[1].top, k);
  GThread *thread = middle < n ? g_thread_new ("docent-scan", scan, &shares[1]) : NULL;
  scan (&shares[0]);
  if (thread)
    g_thread_join (thread);

  g_autoptr (GArray) second = index_top_finish (&shares[1].top);
  for (guint i = 0; i < second->len; i++)
    index_top_add (&shares[0].top, g_array_index (second, IndexScore, i).chunk,
                   g_array_index (second, IndexScore, i).score);
  return index_top_finish (&shares[0].top);
}

/* ---- File ---- */

gboolean index_codes_are_in (const IndexDenseState *state)
{
  gsize rows;

  return state->n_vectors > 0 && state->n_vectors <= G_MAXINT32 && state->dimension > 0
         && state->dimension <= INDEX_MAX_DIMENSION
         && g_size_checked_mul (&rows, (gsize)state->n_vectors,
                                (gsize)state->dimension + sizeof (gint64) + sizeof (float))
         && (gsize)state->size_bytes == rows;
}

gboolean index_codes_read (int fd, const IndexDenseState *state, IndexDenseCodes *ret_codes)
{
  guint n = (guint)state->n_vectors;
  FILE *file = fdopen (dup (fd), "rb");
  IndexDenseCodes codes;

  if (!file)
    return FALSE;
  index_codes_init (&codes);
  index_codes_truncate (&codes, n, (guint)state->dimension);
  gboolean ok = fread (codes.ids->data, sizeof (gint64), n, file) == n
                && fread (codes.scales->data, sizeof (float), n, file) == n
                && fread (codes.codes->data, (gsize)state->dimension, n, file) == n
                && g_array_index (codes.ids, gint64, n - 1) <= state->last_chunk;
  fclose (file);
  for (guint i = 1; ok && i < n; i++)
    ok = g_array_index (codes.ids, gint64, i) > g_array_index (codes.ids, gint64, i - 1);
  if (ok)
    *ret_codes = codes;
  else
    index_codes_clear (&codes);
  return ok;
}

gboolean index_codes_print (FILE *file, gconstpointer data)
{
  const IndexDenseCodes *codes = data;
  guint n = codes->ids->len;

  return fwrite (codes->ids->data, sizeof (gint64), n, file) == n
         && fwrite (codes->scales->data, sizeof (float), n, file) == n
         && fwrite (codes->codes->data, 1, codes->codes->len, file) == codes->codes->len;
}

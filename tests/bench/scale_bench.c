/* How a library of a million passages behaves: build time, size, memory, latency, recall, and how soon
 * what is forgotten is out of sight.
 *
 * Usage: scale_bench DIR N_CHUNKS TEXT-FILE. DIR is made when missing and kept, so that a second run
 * measures without building; scale_plot draws the lines of several runs. Passages are sentences of TEXT-FILE recombined; vectors (384) lie
 * around 2,000 centres, as those of real text do. Prints one JSON object. */
#include "index/index-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIMENSION 384
#define N_CENTRES 2000
#define PER_DOCUMENT 100
#define N_QUERIES 200
#define N_EXACT 50
#define K 10

typedef struct
{
  char **sentences;
  guint n_sentences;
  float *centres; /* [N_CENTRES, DIMENSION] */
  GRand *rand;
} Maker;

/* Twelve uniform numbers make a good enough normal one. */
static float normal (GRand *rand)
{
  double sum = 0;

  for (guint i = 0; i < 12; i++)
    sum += g_rand_double (rand);
  return (float)(sum - 6);
}

static void normalise (float *vector)
{
  float square = 0;

  for (guint i = 0; i < DIMENSION; i++)
    square += vector[i] * vector[i];
  for (guint i = 0; i < DIMENSION; i++)
    vector[i] /= sqrtf (square);
}

/* A vector as far from its centre as the centre is long: cosines of .5 within a topic. */
static void make_vector (Maker *maker, float *ret_vector)
{
  const float *centre = maker->centres + (gsize)g_rand_int_range (maker->rand, 0, N_CENTRES) * DIMENSION;

  for (guint i = 0; i < DIMENSION; i++)
    ret_vector[i] = centre[i] + (float)g_rand_double_range (maker->rand, -1, 1) * sqrtf (3.0f / DIMENSION);
  normalise (ret_vector);
}

static void maker_init (Maker *maker, const char *file)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    g_error ("%s cannot be read", file);
  maker->sentences = g_strsplit (text, ". ", -1);
  maker->n_sentences = g_strv_length (maker->sentences);
  maker->rand = g_rand_new_with_seed (1);
  maker->centres = g_new (float, N_CENTRES * DIMENSION);
  for (guint i = 0; i < N_CENTRES * DIMENSION; i++)
    maker->centres[i] = normal (maker->rand);
  for (guint i = 0; i < N_CENTRES; i++)
    normalise (maker->centres + (gsize)i * DIMENSION);
}

static const char *sentence (Maker *maker)
{
  return maker->sentences[g_rand_int_range (maker->rand, 0, (gint32)maker->n_sentences)];
}

static void put_document (Index *index, Maker *maker, guint number)
{
  g_autofree char *path = g_strdup_printf ("/bench/%u", number);
  const IndexDocument document = { .path = path, .title = (char *)"A document" };
  g_autofree float *vectors = g_new (float, PER_DOCUMENT * DIMENSION);
  IndexChunk chunks[PER_DOCUMENT] = { 0 };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < PER_DOCUMENT; i++)
    {
      chunks[i].id = "x";
      chunks[i].text = g_strdup_printf ("%s. %s. %s. %s.", sentence (maker), sentence (maker),
                                        sentence (maker), sentence (maker));
      make_vector (maker, vectors + (gsize)i * DIMENSION);
    }
  if (!index_put_document (index, &document, chunks, PER_DOCUMENT, vectors, &error))
    g_error ("%s", error->message);
  for (guint i = 0; i < PER_DOCUMENT; i++)
    g_free ((char *)chunks[i].text);
}

static double seconds_since (gint64 start_us)
{
  return (double)(g_get_monotonic_time () - start_us) / G_USEC_PER_SEC;
}

/* Adds until there are N chunks, and makes them fast to search. Returns the seconds it took. */
static double fill (const char *dir, Maker *maker, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Index) index = index_open (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH, &error);
  gint64 start_us = g_get_monotonic_time ();
  IndexStats stats;

  if (!index || !index_set_encoder (index, "bench", DIMENSION, &error)
      || !index_stats (index, NULL, &stats, &error))
    g_error ("%s", error->message);
  for (guint i = stats.n_chunks / PER_DOCUMENT; i < n / PER_DOCUMENT; i++)
    {
      put_document (index, maker, i);
      if (i % 500 == 0)
        fprintf (stderr, "%u chunks, %.0f s\n", i * PER_DOCUMENT, seconds_since (start_us));
    }
  if (!index_flush (index, &error))
    g_error ("%s", error->message);
  return seconds_since (start_us);
}

static gint compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

/* Questions of six words, as people ask them, and a vector of a topic. */
static void measure_latency (Index *index, Maker *maker, IndexSearchMode mode, const char *name)
{
  double ms[N_QUERIES];

  for (guint i = 0; i < N_QUERIES; i++)
    {
      g_auto (GStrv) words = g_strsplit (sentence (maker), " ", 7);
      float vector[DIMENSION];
      g_free (g_strv_length (words) == 7 ? g_steal_pointer (&words[6]) : NULL);
      g_autofree char *text = g_strjoinv (" ", words);
      const IndexQuery query = { .mode = mode, .text = text, .vector = vector, .limit = K };

      make_vector (maker, vector);
      gint64 start_us = g_get_monotonic_time ();
      g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
      ms[i] = 1000 * seconds_since (start_us);
    }
  qsort (ms, N_QUERIES, sizeof ms[0], compare_doubles);
  printf ("\"%s_ms\": {\"p50\": %.1f, \"p95\": %.1f}, ", name, ms[N_QUERIES / 2],
          ms[N_QUERIES * 95 / 100]);
}

/* The share of the exact ten nearest that a dense search finds. */
static double measure_recall (Index *index, Maker *maker)
{
  g_autofree float *queries = g_new (float, N_EXACT * DIMENSION);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "dense_rows", NULL);
  IndexTop exact[N_EXACT];
  guint n_found = 0;

  for (guint q = 0; q < N_EXACT; q++)
    {
      make_vector (maker, queries + (gsize)q * DIMENSION);
      index_top_init (&exact[q], K);
    }
  index_bind (stmt, "i", (gint64)0);
  while (index_step (index, stmt, NULL) == SQLITE_ROW)
    for (guint q = 0; q < N_EXACT; q++)
      {
        const float *a = sqlite3_column_blob (stmt, 1), *b = queries + (gsize)q * DIMENSION;
        float sum = 0;
        for (guint i = 0; i < DIMENSION; i++)
          sum += a[i] * b[i];
        index_top_add (&exact[q], sqlite3_column_int64 (stmt, 0), sum);
      }
  for (guint q = 0; q < N_EXACT; q++)
    {
      const IndexQuery query = { .mode = INDEX_SEARCH_DENSE,
                                 .vector = queries + (gsize)q * DIMENSION,
                                 .limit = K };
      g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
      g_autoptr (GArray) best = index_top_finish (&exact[q]);
      for (guint i = 0; i < hits->len; i++)
        for (guint k = 0; k < best->len; k++)
          n_found += ((IndexHit *)g_ptr_array_index (hits, i))->chunk
                     == g_array_index (best, IndexScore, k).chunk;
    }
  return (double)n_found / (N_EXACT * K);
}

typedef struct
{
  Index *writer;
  gint64 document, end_us;
} Forgetting;

static gpointer forget (gpointer data)
{
  Forgetting *forgetting = data;
  g_autoptr (GError) error = NULL;

  if (!index_forget_document (forgetting->writer, forgetting->document, &error))
    g_error ("%s", error->message);
  forgetting->end_us = g_get_monotonic_time ();
  return NULL;
}

/* Forgets a document while another handle reads. ret_clear_s: until nothing of it can be read from the
 * files. Returns the seconds until the reader does not find it any more. */
static double measure_forget (const char *dir, Maker *maker, double *ret_clear_s)
{
  g_autoptr (Index) writer = index_open (dir, INDEX_WRITE, NULL);
  g_autoptr (Index) reader = index_open (dir, INDEX_READ, NULL);
  g_autoptr (IndexDocument) document = NULL;

  put_document (writer, maker, G_MAXINT32);
  g_autofree char *path = g_strdup_printf ("/bench/%u", G_MAXINT32);
  if (!index_flush (writer, NULL) || !(document = index_find_document (writer, path, NULL)))
    g_error ("the document to forget is not there");

  Forgetting forgetting = { writer, document->id, 0 };
  gint64 start_us = g_get_monotonic_time ();
  GThread *thread = g_thread_new ("forget", forget, &forgetting);
  for (gboolean there = TRUE; there; g_usleep (1000))
    {
      g_autoptr (IndexDocument) found = index_find_document (reader, path, NULL);
      there = found != NULL;
    }
  double seen_s = seconds_since (start_us);
  g_thread_join (thread);
  *ret_clear_s = (double)(forgetting.end_us - start_us) / G_USEC_PER_SEC;
  return seen_s;
}

static guint64 peak_kib (void)
{
  g_autofree char *status = NULL;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  return status ? g_ascii_strtoull (strstr (status, "VmHWM:") + 6, NULL, 10) : 0;
}

int main (int argc, char **argv)
{
  Maker maker;

  if (argc != 4)
    g_error ("usage: scale_bench DIR N_CHUNKS TEXT-FILE");
  guint n = (guint)atoi (argv[2]);
  maker_init (&maker, argv[3]);
  double build_s = fill (argv[1], &maker, n);
  double more_s = fill (argv[1], &maker, n + 10000);

  g_autoptr (Index) index = index_open (argv[1], INDEX_READ, NULL);
  gint64 start_us = g_get_monotonic_time ();
  float vector[DIMENSION];
  make_vector (&maker, vector);
  const IndexQuery first = { .mode = INDEX_SEARCH_DENSE, .vector = vector, .limit = K };
  g_autoptr (GPtrArray) hits = index_search (index, &first, NULL);
  printf ("{\"chunks\": %u, \"build_s\": %.0f, \"add_10000_s\": %.1f, \"first_search_s\": %.2f, ",
          n + 10000, build_s, more_s, seconds_since (start_us));
  measure_latency (index, &maker, INDEX_SEARCH_LEXICAL, "lexical");
  measure_latency (index, &maker, INDEX_SEARCH_DENSE, "dense");
  measure_latency (index, &maker, INDEX_SEARCH_HYBRID, "hybrid");
  printf ("\"peak_mib\": %" G_GUINT64_FORMAT ", \"recall@10\": %.3f, ", peak_kib () / 1024,
          measure_recall (index, &maker));
  double clear_s, forget_s = measure_forget (argv[1], &maker, &clear_s);
  printf ("\"forgotten_after_s\": %.2f, \"cleared_after_s\": %.1f}\n", forget_s, clear_s);
  return 0;
}

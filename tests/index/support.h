/* A throw-away library, and documents whose words and vectors are known. */
#pragma once

#include "index/index.h"

#include <check.h>
#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIMENSION 16
#define ENCODER "test-encoder"

static inline char *make_dir (void)
{
  char *dir = g_dir_make_tmp ("docent-index-XXXXXX", NULL);

  ck_assert_ptr_nonnull (dir);
  return dir;
}

static inline void remove_dir (char *dir)
{
  g_autoptr (GDir) folder = g_dir_open (dir, 0, NULL);
  const char *name;

  while (folder && (name = g_dir_read_name (folder)))
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);
      g_unlink (path);
    }
  g_rmdir (dir);
  g_free (dir);
}

/* Changes the library in DIR behind its back. */
static inline void tamper (const char *dir, const char *sql)
{
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);
  sqlite3 *db;

  ck_assert_int_eq (sqlite3_open (path, &db), SQLITE_OK);
  ck_assert_msg (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg (db));
  sqlite3_close (db);
}

/* A folder like DIR, file by file. */
static inline char *copy_dir (const char *dir)
{
  g_autoptr (GDir) folder = g_dir_open (dir, 0, NULL);
  char *copy = make_dir ();
  const char *name;

  while ((name = g_dir_read_name (folder)))
    {
      g_autofree char *from = g_build_filename (dir, name, NULL);
      g_autofree char *to = g_build_filename (copy, name, NULL);
      g_autofree char *bytes = NULL;
      gsize length;

      ck_assert (g_file_get_contents (from, &bytes, &length, NULL));
      ck_assert (g_file_set_contents (to, bytes, (gssize)length, NULL));
    }
  return copy;
}

static inline Index *open_with (const char *dir, IndexOpenFlags flags)
{
  g_autoptr (GError) error = NULL;
  Index *index = index_open (dir, flags, &error);

  ck_assert_msg (index != NULL, "%s", error ? error->message : "");
  ck_assert_msg (index_set_encoder (index, ENCODER, DIMENSION, &error), "%s",
                 error ? error->message : "");
  return index;
}

/* A library for writing in DIR. */
static inline Index *open_library (const char *dir)
{
  return open_with (dir, INDEX_WRITE | INDEX_CREATE);
}

/* The unit vector of SEED: always the same, different for every seed. */
static inline void make_vector (guint32 seed, float *ret_vector)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  double square = 0;

  for (guint i = 0; i < DIMENSION; i++)
    {
      ret_vector[i] = (float)g_rand_double_range (rand, -1, 1);
      square += (double)ret_vector[i] * ret_vector[i];
    }
  for (guint i = 0; i < DIMENSION; i++)
    ret_vector[i] = (float)(ret_vector[i] / sqrt (square));
}

/* Puts a document with one chunk per TEXT (NULL-terminated); vectors are those of seeds SEED,
 * SEED + 1, …; SEED 0: none. */
static inline gboolean put_texts (Index *index, const char *path, const char *collection,
                                  guint32 seed, const char *const *texts, GError **error)
{
  guint n = g_strv_length ((char **)texts);
  g_autofree IndexChunk *chunks = g_new0 (IndexChunk, n + 1);
  g_autofree float *vectors = g_new0 (float, (n + 1) * DIMENSION);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  const IndexDocument document = { .path = (char *)path,
                                   .title = (char *)"A title",
                                   .mime_type = (char *)"text/plain",
                                   .collection = (char *)collection,
                                   .sha256 = (char *)path,
                                   .size_bytes = 1000,
                                   .mtime_ns = 42,
                                   .n_pages = n };

  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (ids, g_strdup_printf ("chunk-%u-%08x", i, g_str_hash (texts[i])));
      chunks[i] = (IndexChunk){ .id = g_ptr_array_index (ids, i),
                                .text = texts[i],
                                .section = "Methods",
                                .first_page = i + 1,
                                .last_page = i + 1,
                                .first_label = "iv",
                                .start = 100 * i,
                                .end = 100 * i + 50,
                                .box = { 1, 2, 3, 4.5f } };
      make_vector (seed + i, vectors + i * DIMENSION);
    }
  return index_put_document (index, &document, chunks, n, seed ? vectors : NULL, error);
}

#define TEXTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline void put (Index *index, const char *path, guint32 seed, const char *const *texts)
{
  g_autoptr (GError) error = NULL;

  ck_assert_msg (put_texts (index, path, "default", seed, texts, &error), "%s",
                 error ? error->message : "");
}

static inline GPtrArray *search_text (Index *index, const char *text)
{
  g_autoptr (GError) error = NULL;
  const IndexQuery query = { .mode = INDEX_SEARCH_LEXICAL, .text = text, .limit = 10 };
  GPtrArray *hits = index_search (index, &query, &error);

  ck_assert_msg (hits != NULL, "%s", error ? error->message : "");
  return hits;
}

static inline GPtrArray *search_vector (Index *index, guint32 seed, guint limit)
{
  g_autoptr (GError) error = NULL;
  float vector[DIMENSION];
  const IndexQuery query = { .mode = INDEX_SEARCH_DENSE, .vector = vector, .limit = limit };

  make_vector (seed, vector);
  GPtrArray *hits = index_search (index, &query, &error);
  ck_assert_msg (hits != NULL, "%s", error ? error->message : "");
  return hits;
}

static inline const IndexHit *hit_at (const GPtrArray *hits, guint i)
{
  ck_assert_uint_lt (i, hits->len);
  return g_ptr_array_index (hits, i);
}

/* How many hits TEXT has. */
static inline guint n_found (Index *index, const char *text)
{
  g_autoptr (GPtrArray) hits = search_text (index, text);

  return hits->len;
}

static inline gint64 id_of (Index *index, const char *path)
{
  g_autoptr (IndexDocument) document = index_find_document (index, path, NULL);

  ck_assert_ptr_nonnull (document);
  return document->id;
}

/* Is the string NEEDLE[length] in any file of DIR? */
static inline gboolean dir_holds (const char *dir, const void *needle, gsize length)
{
  g_autoptr (GDir) folder = g_dir_open (dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)))
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);
      g_autofree char *bytes = NULL;
      gsize n;

      if (g_file_get_contents (path, &bytes, &n, NULL) && memmem (bytes, n, needle, length))
        return TRUE;
    }
  return FALSE;
}

/* main() of a test program: runs SUITE in one process per test, so that locks and limits stay
 * with the test that set them. */
static inline int run_suite (Suite *suite)
{
  SRunner *runner = srunner_create (suite);

  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Opens and closes the library, and keeps its few settings: the encoder and the sources.
 *
 * A folder comes in, an Index goes out. The folder is made for its owner alone (0700, files 0600)
 * before SQLite sees it. SQLite's rollback journal is used (journal_mode TRUNCATE, synchronous
 * FULL) rather than WAL, because Debian's 3.40.1 has a bug that can corrupt a WAL database. */
#include "index/index-private.h"

#include "index/analyze-private.h"
#include "index/dense-private.h"
#include "index/lexical-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A reader waits this long for a writer's commit, a writer for its readers. */
#define BUSY_TIMEOUT_MS 15000

/* NOMUTEX: an Index belongs to one thread at a time. */
#define OPEN_FLAGS (SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX)

/* Per connection. trusted_schema: a tampered file must not run functions through its schema;
 * temp_store: sorting must not leave text in temporary files; cache_size: 32 MiB. */
#define PRAGMAS                                                                                    \
  "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"            \
  "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;"              \
  "PRAGMA cache_size = -32768;"

static gboolean make_folder (const char *dir, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "library.db", NULL);

  if (g_mkdir_with_parents (dir, 0700) != 0)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_OPEN,
                   "the library folder %s cannot be made (%s): choose another one with --library",
                   dir, g_strerror (errno));
      return FALSE;
    }

  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_OPEN,
                   "%s cannot be made (%s): check that the folder is yours and writable", path,
                   g_strerror (errno));
      return FALSE;
    }
  close (fd);
  return TRUE;
}

/* A reader opens for writing too, where it may: rolling back what a killed writer left behind
 * (the hot journal) is the first reader's job. query_only keeps it from anything else. */
static gboolean open_database (Index *index, gboolean scratch, GError **error)
{
  g_autofree char *path = g_build_filename (index->dir, "library.db", NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND,
                   "there is no library in %s yet: `docent add` makes one", index->dir);
      return FALSE;
    }

  int rc = sqlite3_open_v2 (path, &index->db, SQLITE_OPEN_READWRITE | OPEN_FLAGS, NULL);
  if (rc == SQLITE_CANTOPEN && !index->writable)
    {
      sqlite3_close (g_steal_pointer (&index->db));
      rc = sqlite3_open_v2 (path, &index->db, SQLITE_OPEN_READONLY | OPEN_FLAGS, NULL);
    }
  if (rc == SQLITE_OK)
    {
      sqlite3_extended_result_codes (index->db, 1);
      sqlite3_busy_timeout (index->db, BUSY_TIMEOUT_MS);
      sqlite3_db_config (index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
      rc = sqlite3_exec (index->db, PRAGMAS, NULL, NULL, NULL);
    }
  if (rc == SQLITE_OK)
    rc = sqlite3_exec (
        index->db, index->writable ? "PRAGMA journal_mode = TRUNCATE" : "PRAGMA query_only = ON",
        NULL, NULL, NULL);
  if (rc == SQLITE_OK && scratch)
    rc = sqlite3_exec (index->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
  if (rc != SQLITE_OK)
    index_set_sqlite_error (index->dir, index->db, rc, error);
  return rc == SQLITE_OK;
}

static gboolean load_encoder (Index *index, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "get_encoder", error);

  if (!stmt || index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;

  const char *encoder = (const char *)sqlite3_column_text (stmt, 0);
  gint64 dimension = sqlite3_column_int64 (stmt, 1);

  if (dimension < 0 || dimension > INDEX_MAX_DIMENSION)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_CORRUPT,
                   "the library %s is damaged (vectors of %" G_GINT64_FORMAT
                   " numbers): run `docent fsck --repair` to see what can be saved",
                   index->dir, dimension);
      return FALSE;
    }
  if (g_strcmp0 (encoder, index->encoder) != 0)
    {
      g_free (index->encoder);
      index->encoder = g_strdup (encoder);
    }
  index->dimension = (guint)dimension;
  return TRUE;
}

static void finalize_statement (gpointer stmt)
{
  sqlite3_finalize (stmt);
}

static Index *new_index (const char *dir, IndexOpenFlags flags)
{
  Index *index = g_new0 (Index, 1);

  index->dir = g_strdup (dir);
  index->lock = -1;
  index->writable = (flags & INDEX_WRITE) != 0;
  index->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, finalize_statement);
  index->analyzer = index_analyzer_new ();
  index->exact_bytes = INDEX_EXACT_BYTES;
  index->dense = index_dense_new ();
  return index;
}

/* ret_outdated: it has an older layout, which only a writer brings up to date. */
static Index *open_once (const char *dir, IndexOpenFlags flags, const char *role,
                         gboolean *ret_outdated, GError **error)
{
  g_autoptr (Index) index = new_index (dir, flags);
  gboolean create = (flags & INDEX_WRITE) && (flags & INDEX_CREATE);

  if (index->writable && !create && !g_file_test (dir, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND,
                   "there is no library in %s yet: `docent add` makes one", dir);
      return NULL;
    }
  if (create && !make_folder (dir, error))
    return NULL;
  if (index->writable && (index->lock = index_lock (dir, error)) < 0)
    return NULL;
  if (!open_database (index, (flags & INDEX_SCRATCH) != 0, error)
      || !index_register_text_search (index, error)
      || !index_schema_prepare (index, create, ret_outdated, error)
      || (!*ret_outdated && !load_encoder (index, error)))
    return NULL;
  index->role = g_strdup (role);
  if (role && !*ret_outdated && !index_narrow_to_role (index, error))
    return NULL;
  return g_steal_pointer (&index);
}

static Index *open_as (const char *dir, IndexOpenFlags flags, const char *role, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean outdated;
  g_autoptr (Index) index = open_once (dir, flags, role, &outdated, error);

  if (index && outdated)
    {
      g_clear_pointer (&index, index_close);
      index = open_once (dir, INDEX_WRITE, NULL, &outdated, error);
      if (!index)
        return NULL;
      g_clear_pointer (&index, index_close);
      index = open_once (dir, flags, role, &outdated, error);
    }
  /* Should a killed `forget` have left work. Damage is no reason not to open: fsck must. */
  if (index && index->writable && !index_scrub_if_needed (index, &failure)
      && !g_error_matches (failure, INDEX_ERROR, INDEX_ERROR_CORRUPT))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  return g_steal_pointer (&index);
}

Index *index_open (const char *dir, IndexOpenFlags flags, GError **error)
{
  return open_as (dir, flags, NULL, error);
}

Index *index_open_as (const char *dir, const char *role, GError **error)
{
  return open_as (dir, INDEX_READ, role, error);
}

void index_close (Index *index)
{
  if (!index)
    return;
  g_hash_table_unref (index->statements);
  sqlite3_close (index->db);
  index_dense_free (index->dense);
  index_analyzer_free (index->analyzer);
  if (index->lock >= 0)
    close (index->lock);
  g_free (index->encoder);
  g_free (index->next_encoder);
  g_free (index->role);
  g_free (index->dir);
  g_free (index);
}

const char *index_encoder (Index *index, guint *ret_dimension)
{
  /* Another process may have stored the first vectors since. */
  load_encoder (index, NULL);
  if (ret_dimension)
    *ret_dimension = index->dimension;
  return index->encoder;
}

static gboolean store_encoder (Index *index, const char *fingerprint, guint dimension,
                               GError **error)
{
  gint64 has_vectors;

  if (!load_encoder (index, error)
      || !index_query_int (index, 0, &has_vectors, error, "has_vectors", ""))
    return FALSE;
  if (g_strcmp0 (index->encoder, fingerprint) == 0 && index->dimension == dimension)
    return TRUE;
  if (has_vectors)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_MISMATCH,
                   "the library %s was made with encoder %s (%u numbers), not %s (%u): use that "
                   "encoder, or another folder with --library",
                   index->dir, index->encoder ? index->encoder : "unknown", index->dimension,
                   fingerprint, dimension);
      return FALSE;
    }
  return index_run (index, error, "set_encoder", "tii", fingerprint, (gint64)dimension,
                    index_pair_checksum (fingerprint, NULL, dimension));
}

gboolean index_set_encoder (Index *index, const char *fingerprint, guint dimension, GError **error)
{
  if (!fingerprint || dimension == 0 || dimension > INDEX_MAX_DIMENSION)
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_INPUT,
                   "an encoder needs a name and a dimension from 1 to %d", INDEX_MAX_DIMENSION);
      return FALSE;
    }
  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index, store_encoder (index, fingerprint, dimension, error), error)
         && load_encoder (index, error);
}

/* ---- Sources ---- */

void index_source_free (IndexSource *source)
{
  if (!source)
    return;
  g_free (source->path);
  g_free (source->collection);
  g_free (source->include);
  g_free (source->exclude);
  g_free (source);
}

GPtrArray *index_list_sources (Index *index, GError **error)
{
  g_autoptr (GPtrArray) sources
      = g_ptr_array_new_with_free_func ((GDestroyNotify)index_source_free);
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "list_sources", error);
  int rc = SQLITE_ERROR;

  while (stmt && (rc = index_step (index, stmt, error)) == SQLITE_ROW)
    {
      IndexSource *source = g_new0 (IndexSource, 1);

      source->path = g_strdup ((const char *)sqlite3_column_text (stmt, 0));
      source->collection = g_strdup ((const char *)sqlite3_column_text (stmt, 1));
      source->include = g_strdup ((const char *)sqlite3_column_text (stmt, 2));
      source->exclude = g_strdup ((const char *)sqlite3_column_text (stmt, 3));
      g_ptr_array_add (sources, source);
    }
  return rc == SQLITE_DONE ? g_steal_pointer (&sources) : NULL;
}

/* As it was before there were rules, where there are none. */
gint64 index_source_checksum (const char *path, const char *collection, const char *include,
                              const char *exclude)
{
  gint64 rules = include || exclude ? index_pair_checksum (include, exclude, 0) : 0;

  return index_pair_checksum (path, collection, rules);
}

gboolean index_add_source (Index *index, const IndexSource *source, GError **error)
{
  if (!index_begin_write (index, error))
    return FALSE;
  const char *collection = source->collection ? source->collection : INDEX_DEFAULT_COLLECTION;
  gboolean ok = index_run (
      index, error, "add_source", "tttti", source->path, collection, source->include,
      source->exclude,
      index_source_checksum (source->path, collection, source->include, source->exclude));
  return index_end (index, ok, error);
}

gboolean index_remove_source (Index *index, const char *path, GError **error)
{
  if (!index_begin_write (index, error))
    return FALSE;
  return index_end (index, index_run (index, error, "remove_source", "t", path), error);
}

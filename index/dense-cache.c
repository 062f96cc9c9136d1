/* The FAISS file: a copy of the vectors that loads fast, and that nobody needs to trust.
 *
 * Vectors come in, vectors.<generation>.faiss goes out; SQLite remembers its size and checksum.
 * FAISS believes the sizes written in a file and would allocate and read whatever they say, so
 * nothing reaches faiss_read_index before size and checksum are those that we stored. FAISS also
 * truncates in place when it writes, so a new generation gets a new name: written, synced, renamed,
 * folder synced, and only then named in SQLite. */
#include "index/dense-private.h"

#include <errno.h>
#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/MetaIndexes_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_io_c.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_STATIC_ASSERT (sizeof (idx_t) == sizeof (gint64));

/* More than FAISS's headers around ids and floats have ever taken. */
#define MAX_HEADER_BYTES 4096
#define READ_BYTES (1 << 20)

static char *file_path (Index *index, gint64 generation, const char *suffix)
{
  g_autofree char *name = g_strdup_printf ("vectors.%" G_GINT64_FORMAT ".%s", generation, suffix);

  return g_build_filename (index->dir, name, NULL);
}

static gboolean set_faiss_error (GError **error)
{
  const char *detail = faiss_get_last_error ();

  g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED, "FAISS failed: %s",
               detail ? detail : "it does not say why");
  return FALSE;
}

gboolean index_dense_read_state (Index *index, IndexDenseState *ret_state, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = index_prepare (index, "dense_state", error);

  if (!stmt || index_step (index, stmt, error) != SQLITE_ROW)
    return FALSE;
  ret_state->generation = sqlite3_column_int64 (stmt, 0);
  ret_state->last_chunk = sqlite3_column_int64 (stmt, 1);
  ret_state->n_vectors = sqlite3_column_int64 (stmt, 2);
  ret_state->dimension = sqlite3_column_int64 (stmt, 3);
  ret_state->size_bytes = sqlite3_column_int64 (stmt, 4);
  ret_state->checksum = sqlite3_column_int64 (stmt, 5);
  ret_state->encoder_matches = sqlite3_column_int (stmt, 6);
  return TRUE;
}

void index_dense_block_clear (IndexDenseBlock *block)
{
  faiss_Index_free (block->faiss);
  memset (block, 0, sizeof *block);
}

/* ---- Load ---- */

static gboolean sum_file (int fd, gint64 *ret_size, gint64 *ret_checksum)
{
  g_autofree guint8 *buffer = g_malloc (READ_BYTES);
  IndexChecksum sum;
  gint64 size = 0;
  gssize n;

  index_checksum_init (&sum);
  while ((n = read (fd, buffer, READ_BYTES)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0)
      {
        index_checksum_add (&sum, buffer, (gsize)n);
        size += n;
      }
  if (n < 0 || lseek (fd, 0, SEEK_SET) != 0)
    return FALSE;
  *ret_size = size;
  *ret_checksum = index_checksum_end (&sum);
  return TRUE;
}

/* Could a file of this size hold what STATE says? */
static gboolean is_plausible (const IndexDenseState *state)
{
  gsize row, rows;

  return state->n_vectors >= 0 && state->dimension > 0 && state->dimension <= INDEX_MAX_DIMENSION
         && g_size_checked_add (&row, (gsize)state->dimension * sizeof (float), sizeof (gint64))
         && g_size_checked_mul (&rows, row, (gsize)state->n_vectors) && state->size_bytes >= 0
         && (gsize)state->size_bytes >= rows && (gsize)state->size_bytes - rows <= MAX_HEADER_BYTES;
}

/* Finds ids and floats inside FAISS's structures; FALSE when they are not of the kind we write. */
static gboolean look_inside (IndexDenseBlock *block, guint dimension)
{
  FaissIndexIDMap *map = faiss_IndexIDMap_cast (block->faiss);
  FaissIndexFlat *flat = map ? faiss_IndexFlat_cast (faiss_IndexIDMap_sub_index (map)) : NULL;
  size_t n_ids = 0, n_floats = 0;
  idx_t *ids = NULL;
  float *floats = NULL;

  if (!flat || faiss_Index_metric_type (flat) != METRIC_INNER_PRODUCT
      || faiss_Index_d (flat) != (int)dimension)
    return FALSE;
  faiss_IndexIDMap_set_own_fields (map, 1);
  faiss_IndexIDMap_id_map (map, &ids, &n_ids);
  faiss_IndexFlat_xb (flat, &floats, &n_floats);
  if (n_floats / dimension != n_ids || n_floats % dimension != 0)
    return FALSE;
  for (size_t i = 1; i < n_ids; i++)
    if (ids[i] <= ids[i - 1])
      return FALSE;
  block->ids = (const gint64 *)ids;
  block->floats = floats;
  block->n = n_ids;
  return TRUE;
}

static gboolean read_block (int fd, const IndexDenseState *state, IndexDenseBlock *ret_block)
{
  IndexDenseBlock block = { 0 };
  FaissIndex *faiss = NULL;
  FILE *file = fdopen (dup (fd), "rb");

  if (!file)
    return FALSE;
  if (faiss_read_index (file, 0, &faiss) != 0)
    faiss = NULL;
  fclose (file);
  block.faiss = faiss;
  if (!faiss || !look_inside (&block, (guint)state->dimension) || block.n != (gsize)state->n_vectors
      || (block.n > 0 && block.ids[block.n - 1] > state->last_chunk))
    {
      index_dense_block_clear (&block);
      return FALSE;
    }
  *ret_block = block;
  return TRUE;
}

/* Reads the file that STATE speaks of, once it is proved to be that: into BLOCK or CODES. */
static gboolean load (Index *index, const IndexDenseState *state, IndexDenseBlock *ret_block,
                      IndexDenseCodes *ret_codes, char **ret_why)
{
  g_autofree char *path = file_path (index, state->generation, ret_codes ? "codes" : "faiss");
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  gint64 size, checksum;
  const char *why = NULL;

  if (fd < 0)
    why = g_strerror (errno);
  else if (!sum_file (fd, &size, &checksum))
    why = g_strerror (errno);
  else if (size != state->size_bytes || checksum != state->checksum
           || !(ret_codes ? index_codes_are_in (state) : is_plausible (state)))
    why = "it is not the file that was written";
  else if (!(ret_codes ? index_codes_read (fd, state, ret_codes)
                       : read_block (fd, state, ret_block)))
    why = ret_codes ? "it makes no sense" : "FAISS cannot read it";
  if (fd >= 0)
    close (fd);
  if (why && ret_why)
    *ret_why = g_strdup_printf ("%s: %s", path, why);
  return why == NULL;
}

gboolean index_dense_load_file (Index *index, const IndexDenseState *state,
                                IndexDenseBlock *ret_block, char **ret_why)
{
  return load (index, state, ret_block, NULL, ret_why);
}

gboolean index_dense_load_codes (Index *index, const IndexDenseState *state,
                                 IndexDenseCodes *ret_codes, char **ret_why)
{
  return load (index, state, NULL, ret_codes, ret_why);
}

/* ---- Change ---- */

static gboolean create_faiss (IndexDenseBlock *block, guint dimension, GError **error)
{
  FaissIndexFlatIP *flat = NULL;
  FaissIndexIDMap *map = NULL;

  if (faiss_IndexFlatIP_new_with (&flat, dimension) != 0)
    return set_faiss_error (error);
  if (faiss_IndexIDMap_new (&map, flat) != 0)
    {
      faiss_Index_free (flat);
      return set_faiss_error (error);
    }
  faiss_IndexIDMap_set_own_fields (map, 1);
  block->faiss = map;
  return TRUE;
}

static gboolean remove_ids (IndexDenseBlock *block, const gint64 *ids, gsize n, GError **error)
{
  FaissIDSelectorBatch *selector = NULL;
  size_t n_removed;

  if (n == 0)
    return TRUE;
  if (faiss_IDSelectorBatch_new (&selector, n, (const idx_t *)ids) != 0)
    return set_faiss_error (error);

  int rc = faiss_Index_remove_ids (block->faiss, (FaissIDSelector *)selector, &n_removed);
  faiss_IDSelector_free ((FaissIDSelector *)selector);
  return rc == 0 || set_faiss_error (error);
}

gboolean index_dense_block_change (IndexDenseBlock *block, guint dimension, const gint64 *removed,
                                   gsize n_removed, const gint64 *added, const float *floats,
                                   gsize n_added, GError **error)
{
  if (!block->faiss && !create_faiss (block, dimension, error))
    return FALSE;
  if (!remove_ids (block, removed, n_removed, error))
    return FALSE;
  if (n_added > 0
      && faiss_Index_add_with_ids (block->faiss, (idx_t)n_added, floats, (const idx_t *)added) != 0)
    return set_faiss_error (error);
  if (!look_inside (block, dimension))
    {
      g_set_error (error, INDEX_ERROR, INDEX_ERROR_FAILED, "FAISS lost the order of its vectors");
      return FALSE;
    }
  return TRUE;
}

/* ---- Write ---- */

typedef gboolean (*PrintFunc) (FILE *file, gconstpointer data);

static gboolean print_faiss (FILE *file, gconstpointer faiss)
{
  return faiss_write_index (faiss, file) == 0;
}

/* Writes and syncs the bytes of PRINT to a new file and sums what arrived there. */
static gboolean write_and_sum (const char *path, PrintFunc print, gconstpointer data,
                               IndexDenseState *state, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILE *file = fd >= 0 ? fdopen (fd, "w+b") : NULL;

  if (!file)
    {
      index_set_file_error (path, errno, error);
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  errno = 0;
  gboolean ok = print (file, data) && fflush (file) == 0 && fsync (fd) == 0
                && lseek (fd, 0, SEEK_SET) == 0
                && sum_file (fd, &state->size_bytes, &state->checksum);
  if (!ok)
    index_set_file_error (path, errno ? errno : EIO, error);
  fclose (file);
  return ok;
}

static gboolean write_generation (Index *index, const char *suffix, PrintFunc print,
                                  gconstpointer data, gint64 generation,
                                  IndexDenseState *ret_state, GError **error)
{
  g_autofree char *path = file_path (index, generation, suffix);
  g_autofree char *temporary = file_path (index, generation, "tmp");
  IndexDenseState state = { .generation = generation };

  if (!write_and_sum (temporary, print, data, &state, error))
    {
      unlink (temporary);
      return FALSE;
    }
  if (rename (temporary, path) != 0)
    {
      index_set_file_error (path, errno, error);
      unlink (temporary);
      return FALSE;
    }
  if (!index_sync_folder (index->dir, error))
    return FALSE;
  ret_state->generation = generation;
  ret_state->size_bytes = state.size_bytes;
  ret_state->checksum = state.checksum;
  return TRUE;
}

gboolean index_dense_write_file (Index *index, const IndexDenseBlock *block, gint64 generation,
                                 IndexDenseState *ret_state, GError **error)
{
  return write_generation (index, "faiss", print_faiss, block->faiss, generation, ret_state, error);
}

gboolean index_dense_write_codes (Index *index, const IndexDenseCodes *codes, gint64 generation,
                                  IndexDenseState *ret_state, GError **error)
{
  return write_generation (index, "codes", index_codes_print, codes, generation, ret_state, error);
}

gboolean index_dense_delete_files (Index *index, gint64 keep, GError **error)
{
  g_autofree char *kept = g_strdup_printf ("vectors.%" G_GINT64_FORMAT ".", keep);

  return index_delete_others (index, "vectors.", kept, error);
}

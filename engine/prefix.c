/* Keeps on disk what a model made of the words that every prompt begins with.
 *
 * Instructions are the same for every question, and reading them takes a noticeable part of the
 * time to the first word. In go the tokens of such a beginning and a folder; the keys and values
 * come from a file there when one fits, and are computed and left there otherwise. A file belongs to
 * one model, instruction set, type of cache and run of tokens, all of which it names, and ends with
 * a checksum: whatever does not agree to the last byte is not used. */
#include "engine/session-private.h"

#include <glib/gstdio.h>
#include <string.h>

/* Goes up when kernels or layouts change what a cache holds. */
#define FORMAT "docent-prefix 1"
#define CHECKSUM_BYTES 64
/* Models, kinds of prompts and instruction sets of one user; the oldest files give way. */
#define MAX_FILES 12

/* All that keys and values depend on, and the tokens. */
static GByteArray *describe (EngineSession *session, const gint32 *tokens, gsize n_tokens)
{
  const EngineModel *model = engine_session_model (session);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  engine_model_digest (model, checksum);
  g_autofree char *text
      = g_strdup_printf ("%s\n%s\n%s\n%u %u %u %u %u %" G_GSIZE_FORMAT "\n", FORMAT,
                         g_checksum_get_string (checksum), engine_isa (),
                         engine_session_decoder (session)->kv_type, model->hyper.n_layer,
                         model->hyper.n_head_kv, model->hyper.head_dim, G_BYTE_ORDER, n_tokens);
  GByteArray *bytes = g_byte_array_new ();
  g_byte_array_append (bytes, (const guint8 *)text, strlen (text));
  g_byte_array_append (bytes, (const guint8 *)tokens, n_tokens * sizeof *tokens);
  return bytes;
}

static char *name_file (const char *folder, const GByteArray *description)
{
  g_autofree char *sum
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, description->data, description->len);
  g_autofree char *name = g_strdup_printf ("%.16s.kv", sum);
  return g_build_filename (folder, name, NULL);
}

static gsize payload_bytes (const EngineDecoder *decoder, gsize n_tokens)
{
  return decoder->model->hyper.n_layer * engine_kv_layer_copy (decoder->kv[0], n_tokens, NULL, FALSE);
}

/* Between the cache's layers, in order, and BYTES. */
static void copy_layers (const EngineDecoder *decoder, gsize n_tokens, guint8 *bytes,
                         gboolean to_bytes)
{
  for (guint il = 0; il < decoder->model->hyper.n_layer; il++)
    bytes += engine_kv_layer_copy (decoder->kv[il], n_tokens, bytes, to_bytes);
}

static gboolean is_sound (const guint8 *bytes, gsize n_bytes, const GByteArray *description,
                          gsize n_payload)
{
  if (n_bytes != description->len + n_payload + CHECKSUM_BYTES
      || memcmp (bytes, description->data, description->len) != 0)
    return FALSE;
  gsize n_summed = n_bytes - CHECKSUM_BYTES;
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, n_summed);
  return memcmp (sum, bytes + n_summed, CHECKSUM_BYTES) == 0;
}

static gboolean load (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                      const char *path, const GByteArray *description)
{
  const EngineDecoder *decoder = engine_session_decoder (session);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  if (file == NULL)
    return FALSE;
  guint8 *bytes = (guint8 *)g_mapped_file_get_contents (file);
  if (bytes == NULL
      || !is_sound (bytes, g_mapped_file_get_length (file), description,
                    payload_bytes (decoder, n_tokens))
      || !engine_session_adopt (session, tokens, n_tokens))
    return FALSE;
  copy_layers (decoder, n_tokens, bytes + description->len, FALSE);
  return TRUE;
}

static void remove_oldest (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *oldest = NULL;
  gint64 oldest_time = G_MAXINT64;
  guint n_files = 0;
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      GStatBuf status;
      if (!g_str_has_suffix (name, ".kv") || g_stat (path, &status) != 0)
        continue;
      n_files++;
      if (status.st_mtime < oldest_time)
        {
          g_free (oldest);
          oldest = g_steal_pointer (&path);
          oldest_time = status.st_mtime;
        }
    }
  if (n_files > MAX_FILES)
    g_unlink (oldest);
}

/* A folder that cannot be written to costs time and nothing else. */
static void save (EngineSession *session, gsize n_tokens, const char *folder, const char *path,
                  GByteArray *description)
{
  const EngineDecoder *decoder = engine_session_decoder (session);
  gsize begin = description->len;
  g_byte_array_set_size (description, begin + payload_bytes (decoder, n_tokens));
  copy_layers (decoder, n_tokens, description->data + begin, TRUE);
  g_autofree char *sum
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, description->data, description->len);
  g_byte_array_append (description, (const guint8 *)sum, CHECKSUM_BYTES);
  if (g_mkdir_with_parents (folder, 0700) == 0
      && g_file_set_contents_full (path, (const char *)description->data, description->len,
                                   G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL))
    remove_oldest (folder);
}

gboolean engine_session_read_prefix (EngineSession *session, const gint32 *tokens, gsize n_tokens,
                                     const char *folder, gboolean *ret_kept, GError **error)
{
  gsize n_read;
  *ret_kept = FALSE;
  engine_session_tokens (session, &n_read);
  if (n_read > 0 || n_tokens == 0 || n_tokens > ENGINE_DECODER_BLOCK
      || engine_session_decoder (session)->graph.n_adapters > 0)
    return engine_session_read (session, tokens, n_tokens, NULL, NULL, error);
  g_autoptr (GByteArray) description = describe (session, tokens, n_tokens);
  g_autofree char *path = name_file (folder, description);
  *ret_kept = load (session, tokens, n_tokens, path, description);
  if (*ret_kept)
    return TRUE;
  if (!engine_session_read (session, tokens, n_tokens, NULL, NULL, error))
    return FALSE;
  save (session, n_tokens, folder, path, description);
  return TRUE;
}

/* ZIP archives of strangers, through libarchive. Archives lie about sizes and hold bombs: 42 kB
 * that unpack to petabytes. So everything is unpacked into memory with one allowance for the whole
 * archive, entries are counted, and names are only compared, never opened. */
#include "ingest/archive-private.h"
#include "ingest/prose-private.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

void ingest_archive_free (IngestArchive *archive)
{
  if (archive == NULL)
    return;
  g_ptr_array_unref (archive->names);
  g_hash_table_unref (archive->parts);
  g_free (archive);
}

gboolean ingest_archive_has (const IngestArchive *archive, const char *name)
{
  return g_hash_table_contains (archive->parts, name);
}

/* Does a member of this name hold no text that we could read? */
static gboolean is_passed_over (const char *name)
{
  static const char *const endings[]
      = { ".png", ".jpg", ".jpeg", ".gif", ".emf",   ".wmf",   ".tif", ".tiff", ".bmp",
          ".svg", ".mp3", ".mp4",  ".wav", ".avi",   ".mov",   ".ttf", ".otf",  ".woff",
          ".css", ".bin", ".dll",  ".exe", ".woff2", ".odttf", ".js",  ".wdp",  ".fntdata" };
  g_autofree char *lower = g_ascii_strdown (name, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (lower, endings[i]))
      return TRUE;
  return g_str_has_suffix (lower, "/") || g_str_has_prefix (name, "__MACOSX/");
}

/* NULL with ERROR set; *LEFT is what may still be unpacked. */
static GBytes *unpack (struct archive *reader, gsize *left, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  guint8 buffer[64 * 1024];
  while (TRUE)
    {
      la_ssize_t n = archive_read_data (reader, buffer, sizeof buffer);
      if (n == 0)
        return g_byte_array_free_to_bytes (g_steal_pointer (&data));
      if (n < 0)
        {
          g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                               "is a damaged archive; copy or download it again");
          return NULL;
        }
      if ((gsize)n > *left)
        {
          g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT, "it unpacks to more than %d MB",
                       INGEST_ARCHIVE_BYTES_MAX >> 20);
          return NULL;
        }
      *left -= n;
      g_byte_array_append (data, buffer, n);
    }
}

static gboolean take_entry (IngestArchive *archive, struct archive *reader,
                            struct archive_entry *entry, gsize *left, GError **error)
{
  const char *path = archive_entry_pathname (entry);
  if (path == NULL || archive_entry_filetype (entry) != AE_IFREG || is_passed_over (path))
    return TRUE;
  if (archive_entry_is_encrypted (entry))
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_ENCRYPTED, "");
      return FALSE;
    }
  GBytes *data = unpack (reader, left, error);
  if (data == NULL)
    return FALSE;
  char *name = ingest_prose_clean (path, -1);
  if (ingest_archive_has (archive, name))
    g_bytes_unref (data), g_free (name); /* the first of two members of a name is the one */
  else
    {
      g_ptr_array_add (archive->names, name);
      g_hash_table_insert (archive->parts, name, data);
    }
  return TRUE;
}

static gboolean take_all (IngestArchive *archive, struct archive *reader, GError **error)
{
  gsize left = INGEST_ARCHIVE_BYTES_MAX;
  struct archive_entry *entry;
  guint entries = 0;
  int status;
  while ((status = archive_read_next_header (reader, &entry)) == ARCHIVE_OK
         || status == ARCHIVE_WARN)
    {
      if (++entries > INGEST_ARCHIVE_ENTRIES_MAX)
        {
          g_set_error (error, INGEST_ERROR, INGEST_ERROR_LIMIT, "it holds more than %d files",
                       INGEST_ARCHIVE_ENTRIES_MAX);
          return FALSE;
        }
      if (!take_entry (archive, reader, entry, &left, error))
        return FALSE;
    }
  if (status == ARCHIVE_EOF && entries > 0)
    return TRUE;
  g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                       "is a damaged archive; copy or download it again");
  return FALSE;
}

IngestArchive *ingest_archive_read (GBytes *bytes, GError **error)
{
  gsize length;
  const void *data = g_bytes_get_data (bytes, &length);
  g_autoptr (IngestArchive) archive = g_new0 (IngestArchive, 1);
  archive->names = g_ptr_array_new ();
  archive->parts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  struct archive *reader = archive_read_new ();
  gboolean ok = reader != NULL && archive_read_support_format_zip (reader) == ARCHIVE_OK
                && archive_read_open_memory (reader, data, length) == ARCHIVE_OK;
  if (!ok)
    g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                         "is a damaged archive; copy or download it again");
  ok = ok && take_all (archive, reader, error);
  archive_read_free (reader);
  return ok ? g_steal_pointer (&archive) : NULL;
}

xmlDoc *ingest_archive_xml (const IngestArchive *archive, const char *name, GError **error)
{
  GBytes *bytes = name != NULL ? g_hash_table_lookup (archive->parts, name) : NULL;
  if (bytes == NULL)
    {
      g_set_error_literal (error, INGEST_ERROR, INGEST_ERROR_FORMAT,
                           "lacks a part that it needs; open it in its program and save it again");
      return NULL;
    }
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  return ingest_xml_read (data, length, FALSE, error);
}

char *ingest_archive_resolve (const char *base, const char *target)
{
  g_autofree char *unescaped = g_uri_unescape_string (target, NULL);
  const char *relative = unescaped != NULL ? unescaped : target;
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  const char *slash = strrchr (base, '/');
  g_autofree char *folder
      = *relative == '/' || slash == NULL ? g_strdup ("") : g_strndup (base, slash - base);
  g_autofree char *joined = g_strconcat (folder, "/", relative, NULL);
  g_auto (GStrv) pieces = g_strsplit (joined, "/", -1);
  for (guint i = 0; pieces[i] != NULL; i++)
    if (strcmp (pieces[i], "..") == 0 && parts->len > 0)
      g_ptr_array_set_size (parts, parts->len - 1);
    else if (*pieces[i] != '\0' && strcmp (pieces[i], ".") != 0 && strcmp (pieces[i], "..") != 0)
      g_ptr_array_add (parts, g_strdup (pieces[i]));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv ("/", (char **)parts->pdata);
}

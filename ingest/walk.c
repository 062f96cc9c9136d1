/* Finds the documents in a folder. People point docent at their whole home: there are links that
 * lead in circles, pipes that block whoever opens them, folders that may not be read. In comes a
 * path, out come its documents in sorted order, each once, and a reason for whatever was asked for
 * but left out. Nothing is opened here but folders; each folder is known by its device and inode,
 * so no circle is walked twice. What is not wanted is said by the caller and by .docentignore files,
 * of which the one nearest to a file decides. */
#include "ingest/ingest.h"
#include "ingest/patterns-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger than any document that fits the extraction limits: a disk image with a lying name. */
#define FILE_MAX_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define DEPTH_MAX 64
#define IGNORE_FILE ".docentignore"
#define IGNORE_MAX_BYTES 100000

typedef struct
{
  IngestWalkFunc func;
  gpointer user_data;
  GHashTable *folders; /* "device:inode" of the folders entered */
  GHashTable *files;   /* resolved paths reported: a link to a document is that document */
  guint depth;
  GPtrArray *ignored;                 /* IngestPatterns* of the folders around, outermost first */
  IngestPatterns *include, *exclude; /* of the caller; or NULL */
} Walk;

static gboolean names_a_document (const char *name)
{
  static const char *const extensions[]
      = { "pdf",  "txt",  "text", "md",   "markdown", "html", "htm",  "xhtml",
          "xml",  "rss",  "atom", "docx", "docm",     "dotx", "pptx", "pptm",
          "ppsx", "xlsx", "xlsm", "odt",  "ott",      "ods",  "odp",  "fodt",
          "epub", "zip",  "rtf",  "eml",  "mbox",     "mht",  "mhtml" };
  const char *dot = strrchr (name, '.');
  for (gsize i = 0; dot != NULL && i < G_N_ELEMENTS (extensions); i++)
    if (g_ascii_strcasecmp (dot + 1, extensions[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean report (Walk *walk, IngestWalkEvent event, char *path, const struct stat *about,
                        const char *reason)
{
  IngestFile file = { .path = path };
  if (about != NULL)
    {
      file.size_bytes = MAX (about->st_size, 0);
      file.mtime_ns
          = (gint64)about->st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + about->st_mtim.tv_nsec;
    }
  return walk->func (event, &file, reason, walk->user_data);
}

static gboolean visit_file (Walk *walk, char *path, const struct stat *about)
{
  if (!g_hash_table_add (walk->files, g_strdup (path)))
    return TRUE;
  if (!S_ISREG (about->st_mode))
    return report (walk, INGEST_WALK_SKIPPED, path, about,
                   "is a device, pipe or socket, not a file");
  if (about->st_size == 0)
    return report (walk, INGEST_WALK_SKIPPED, path, about, "is empty");
  if ((guint64)about->st_size > FILE_MAX_BYTES)
    return report (walk, INGEST_WALK_SKIPPED, path, about, "is larger than 1 GB; split it");
  if (access (path, R_OK) != 0)
    return report (walk, INGEST_WALK_SKIPPED, path, about,
                   "may not be read by this user; change its permissions");
  return report (walk, INGEST_WALK_FILE, path, about, NULL);
}

static int compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Sorted names without hidden ones; NULL with errno set. */
static GPtrArray *list_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  if (folder == NULL)
    return NULL;
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  for (struct dirent *entry = readdir (folder); entry != NULL; entry = readdir (folder))
    if (entry->d_name[0] != '.')
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (folder);
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* ---- What is not wanted ---- */

static gboolean is_excluded (const Walk *walk, const char *path, gboolean is_folder)
{
  if (walk->exclude != NULL
      && ingest_patterns_judge (walk->exclude, path, is_folder) == INGEST_PATTERNS_MATCH)
    return TRUE;
  if (walk->include != NULL && !is_folder
      && ingest_patterns_judge (walk->include, path, FALSE) != INGEST_PATTERNS_MATCH)
    return TRUE;
  IngestPatternsVerdict verdict = INGEST_PATTERNS_SILENT;
  for (guint i = walk->ignored->len; i-- > 0 && verdict == INGEST_PATTERNS_SILENT;)
    verdict = ingest_patterns_judge (g_ptr_array_index (walk->ignored, i), path, is_folder);
  return verdict == INGEST_PATTERNS_MATCH;
}

/* The rules in FOLDER, which are none when its file is missing, no regular file or absurdly long. */
static void push_ignore_file (Walk *walk, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, IGNORE_FILE, NULL);
  g_autofree char *lines = NULL;
  struct stat about;
  gboolean usable = stat (path, &about) == 0 && S_ISREG (about.st_mode)
                    && about.st_size <= IGNORE_MAX_BYTES
                    && g_file_get_contents (path, &lines, NULL, NULL);
  g_ptr_array_add (walk->ignored, ingest_patterns_new (folder, usable ? lines : ""));
}

/* ---- Folders ---- */

static gboolean visit_folder (Walk *walk, char *path, const struct stat *about, GError **error);

static gboolean visit_entry (Walk *walk, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *resolved = realpath (path, NULL);
  struct stat about;
  if (resolved == NULL || stat (resolved, &about) != 0)
    {
      if (!names_a_document (name))
        return TRUE;
      return report (walk, INGEST_WALK_SKIPPED, path, NULL,
                     errno == ELOOP ? "is a link to itself" : "is a link that leads nowhere");
    }
  gboolean is_folder = S_ISDIR (about.st_mode);
  if (!is_folder && !names_a_document (name))
    return TRUE;
  if (is_excluded (walk, path, is_folder))
    return report (walk, INGEST_WALK_EXCLUDED, resolved, &about, NULL);
  return is_folder ? visit_folder (walk, resolved, &about, NULL)
                   : visit_file (walk, resolved, &about);
}

/* ERROR non-NULL: failing to open the folder is the caller's error, otherwise it is reported. */
static gboolean visit_folder (Walk *walk, char *path, const struct stat *about, GError **error)
{
  char *key = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)about->st_dev,
                               (guint64)about->st_ino);
  if (!g_hash_table_add (walk->folders, key))
    return TRUE;
  if (walk->depth >= DEPTH_MAX)
    return report (walk, INGEST_WALK_SKIPPED, path, about, "lies too deep in other folders");
  g_autoptr (GPtrArray) names = list_folder (path);
  if (names == NULL && error != NULL)
    {
      g_autofree char *display = g_filename_display_name (path);
      g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s cannot be opened: %s", display,
                   g_strerror (errno));
      return FALSE;
    }
  if (names == NULL)
    return report (walk, INGEST_WALK_SKIPPED, path, about, "is a folder that cannot be opened");
  walk->depth++;
  push_ignore_file (walk, path);
  gboolean go_on = TRUE;
  for (guint i = 0; i < names->len && go_on; i++)
    go_on = visit_entry (walk, path, g_ptr_array_index (names, i));
  g_ptr_array_set_size (walk->ignored, (int)walk->ignored->len - 1);
  walk->depth--;
  return go_on;
}

gboolean ingest_walk (const char *path, const IngestWalkRules *rules, IngestWalkFunc func,
                      gpointer user_data, GError **error)
{
  struct stat about;
  g_autofree char *resolved = realpath (path, NULL);
  if (resolved == NULL || stat (resolved, &about) != 0)
    {
      g_autofree char *name = g_filename_display_name (path);
      if (errno == ENOENT || errno == ENOTDIR)
        g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s does not exist", name);
      else
        g_set_error (error, INGEST_ERROR, INGEST_ERROR_FILE, "%s cannot be opened: %s", name,
                     g_strerror (errno));
      return FALSE;
    }
  Walk walk = { .func = func, .user_data = user_data };
  walk.folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  walk.files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  walk.ignored = g_ptr_array_new_with_free_func ((GDestroyNotify)ingest_patterns_free);
  if (rules != NULL && rules->include != NULL)
    walk.include = ingest_patterns_new (resolved, rules->include);
  if (rules != NULL && rules->exclude != NULL)
    walk.exclude = ingest_patterns_new (resolved, rules->exclude);
  g_autoptr (GError) failure = NULL;
  if (S_ISDIR (about.st_mode))
    visit_folder (&walk, resolved, &about, &failure);
  else
    visit_file (&walk, resolved, &about);
  g_hash_table_unref (walk.folders);
  g_hash_table_unref (walk.files);
  g_ptr_array_unref (walk.ignored);
  ingest_patterns_free (walk.include);
  ingest_patterns_free (walk.exclude);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return failure == NULL;
}

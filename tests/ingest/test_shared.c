/* Every PDF of the shared data, text-oracle, real and hostile alike, ends in a document or in a
 * sentence, within the limits. Skipped where that data is absent. */
#include "support.h"

static char *shared_path (const char *name)
{
  const char *given = g_getenv ("DOCENT_SHARED");
  g_autofree char *beside = g_build_filename (SOURCE_ROOT, "..", "shared", NULL);
  return g_build_filename (given != NULL ? given : beside, "data", "pdf", name, NULL);
}

typedef struct
{
  guint documents, failures;
} Tally;

static void try_document (const char *path, Tally *tally)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (IngestDocument) document = ingest_extract (path, NULL, NULL, &error);
  ck_assert_int_lt (g_get_monotonic_time () - start, 65 * G_USEC_PER_SEC);
  ck_assert ((document == NULL) == (error != NULL));
  if (error != NULL)
    {
      tally->failures++;
      ck_assert_ptr_nonnull (strstr (error->message, path));
      ck_assert (!g_error_matches (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR));
      return;
    }
  tally->documents++;
  check_document (document);
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, NULL);
  ck_assert_uint_gt (chunks->len, 0);
}

static void try_folder (const char *folder, Tally *tally)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        try_folder (path, tally);
      else if (g_str_has_suffix (name, ".pdf"))
        try_document (path, tally);
    }
  if (dir != NULL)
    g_dir_close (dir);
}

static void try_set (const char *name, guint at_least)
{
  g_autofree char *folder = shared_path (name);
  Tally tally = { 0 };
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      printf ("skipped: no %s\n", folder);
      return;
    }
  try_folder (folder, &tally);
  printf ("%s: %u documents, %u named failures\n", name, tally.documents, tally.failures);
  ck_assert_uint_ge (tally.documents, at_least);
}

START_TEST (test_oracle_documents_end_clearly)
{
  try_set ("text-oracle", 30);
}
END_TEST

START_TEST (test_real_documents_end_clearly)
{
  try_set ("real", 30);
}
END_TEST

START_TEST (test_hostile_documents_end_clearly)
{
  try_set ("hostile", 5);
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_oracle_documents_end_clearly, test_real_documents_end_clearly,
                                 test_hostile_documents_end_clearly };
  return run_suite ("ingest shared", tests, G_N_ELEMENTS (tests), NULL, NULL);
}

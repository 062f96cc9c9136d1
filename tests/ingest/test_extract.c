#include "pdf-maker.h"
#include "support.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static void make (void)
{
  folder = make_folder ();
}

static void clean (void)
{
  remove_folder (folder);
  g_clear_pointer (&folder, g_free);
}

/* Runs the fake helper MISBEHAVIOR on a file; it must fail with CODE and a sentence that names the
 * file and contains EXPECTED. */
static void check_failure (const char *misbehavior, IngestLimits limits, IngestError code,
                           const char *expected)
{
  g_autofree char *path = write_file (folder, "report.txt", "some text", -1);
  g_autofree char *extractor = g_build_filename (MISBEHAVIOR, misbehavior, NULL);
  g_autoptr (GError) error = NULL;
  limits.extractor = extractor;
  gint64 start = g_get_monotonic_time ();
  IngestDocument *document = ingest_extract (path, &limits, NULL, &error);
  ck_assert_ptr_null (document);
  ck_assert_int_lt (g_get_monotonic_time () - start, 30 * G_USEC_PER_SEC);
  ck_assert_msg (g_error_matches (error, INGEST_ERROR, code), "%s: %s", misbehavior,
                 error->message);
  ck_assert_msg (strstr (error->message, path) != NULL && strstr (error->message, expected) != NULL,
                 "%s: %s", misbehavior, error->message);
  ck_assert_ptr_null (strchr (error->message, '\n'));
}

START_TEST (test_a_helper_that_exits_early)
{
  check_failure ("exit", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "status 7");
}
END_TEST

START_TEST (test_a_helper_that_crashes)
{
  check_failure ("crash", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "crash");
}
END_TEST

START_TEST (test_a_helper_that_stalls_is_killed)
{
  check_failure ("stall", (IngestLimits){ .wall_ms = 300 }, INGEST_ERROR_LIMIT, "0 seconds");
  check_failure ("stall-closed", (IngestLimits){ .wall_ms = 300 }, INGEST_ERROR_LIMIT, "given up");
}
END_TEST

/* Whatever a helper does with its time: no document takes a second more than it was given. */
static void check_time (const char *misbehavior, guint wall_ms, guint allowed_ms)
{
  gint64 start = g_get_monotonic_time ();
  check_failure (misbehavior, (IngestLimits){ .wall_ms = wall_ms, .output_bytes = G_MAXINT64 },
                 INGEST_ERROR_LIMIT, "given up after");
  ck_assert_int_lt (g_get_monotonic_time () - start, (gint64)(allowed_ms + 1000) * 1000);
}

START_TEST (test_the_wall_limit_holds_whatever_the_helper_does)
{
  static const char *const ways[]
      = { "stall", "stall-closed", "drip", "flood", "linger", "deaf", "burn" };
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    check_time (ways[i], 400, 400);
}
END_TEST

/* Each picture has the document's limits once more. It had a minute, however little was allowed. */
START_TEST (test_the_wall_limit_holds_for_ocr)
{
  check_time ("stall-at-pictures", 400, 3 * 400);
}
END_TEST

START_TEST (test_a_helper_that_computes_for_ever)
{
  check_failure ("burn", (IngestLimits){ 0 }, INGEST_ERROR_LIMIT, "seconds of computing");
}
END_TEST

START_TEST (test_a_helper_without_memory)
{
  check_failure ("out-of-memory", (IngestLimits){ 0 }, INGEST_ERROR_LIMIT, "1024 MB of memory");
}
END_TEST

START_TEST (test_a_helper_that_says_nothing)
{
  check_failure ("silent", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "stopped early");
}
END_TEST

START_TEST (test_a_helper_that_sends_nonsense)
{
  check_failure ("garbage", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "not a frame");
  check_failure ("truncated", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "stopped early");
  check_failure ("huge-frame", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "too large");
}
END_TEST

START_TEST (test_a_helper_that_floods)
{
  check_failure ("flood", (IngestLimits){ .output_bytes = 100000 }, INGEST_ERROR_LIMIT,
                 "MB of text");
}
END_TEST

START_TEST (test_what_a_helper_prints_is_not_shown)
{
  check_failure ("chatty", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "status 1");
}
END_TEST

START_TEST (test_the_helper_sees_neither_environment_nor_files_of_ours)
{
  g_setenv ("DOCENT_TEST_SECRET", "1", TRUE);
  int spare = dup (0); /* without FD_CLOEXEC, as careless libraries open files */
  check_failure ("environment", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR, "status 0");
  close (spare);
}
END_TEST

START_TEST (test_a_missing_helper)
{
  check_failure ("no-such-program", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR,
                 "docent-extract is missing");
}
END_TEST

static gpointer cancel_soon (gpointer cancellable)
{
  g_usleep (200000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

START_TEST (test_cancelling_kills_the_helper)
{
  g_autofree char *path = write_file (folder, "report.txt", "some text", -1);
  g_autofree char *extractor = g_build_filename (MISBEHAVIOR, "stall", NULL);
  IngestLimits limits = { .extractor = extractor };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  ck_assert_ptr_null (ingest_extract (path, &limits, cancellable, &error));
  g_thread_join (thread);
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_CANCELLED));
}
END_TEST

static void check_bad_file (const char *path, IngestError code, const char *expected)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_extract (path, NULL, NULL, &error));
  ck_assert_msg (g_error_matches (error, INGEST_ERROR, code), "%s", error->message);
  ck_assert_msg (strstr (error->message, path) != NULL && strstr (error->message, expected) != NULL,
                 "%s", error->message);
}

START_TEST (test_files_that_are_none)
{
  g_autofree char *missing = g_build_filename (folder, "missing.pdf", NULL);
  g_autofree char *empty = write_file (folder, "empty.pdf", "", 0);
  g_autofree char *pipe_path = g_build_filename (folder, "pipe.pdf", NULL);
  ck_assert_int_eq (mkfifo (pipe_path, 0600), 0);
  check_bad_file (missing, INGEST_ERROR_FILE, "does not exist");
  check_bad_file (empty, INGEST_ERROR_FILE, "is empty");
  check_bad_file (folder, INGEST_ERROR_FILE, "folder");
  check_bad_file (pipe_path, INGEST_ERROR_FILE, "not a regular file");
  check_bad_file ("/dev/zero", INGEST_ERROR_FILE, "not a regular file");
}
END_TEST

START_TEST (test_files_that_are_something_else)
{
  g_autofree char *picture = write_file (folder, "picture.txt", "\x89PNG\r\n\x1A\n....", -1);
  g_autofree char *program = write_file (folder, "program.txt",
                                         "\x7F"
                                         "ELF\2\1\1",
                                         -1);
  g_autofree char *lie = write_file (folder, "letter.pdf", "Dear reader, this is no PDF.", -1);
  g_autofree char *binary = write_file (folder, "noise.txt", "a\0b\0\1\2\3c\4\5", 10);
  check_bad_file (picture, INGEST_ERROR_FORMAT, "picture");
  check_bad_file (program, INGEST_ERROR_FORMAT, "program");
  check_bad_file (lie, INGEST_ERROR_FORMAT, "is named .pdf but is not a PDF");
  check_bad_file (binary, INGEST_ERROR_FORMAT, "not a text file");
}
END_TEST

START_TEST (test_every_truncation_of_a_pdf_ends_clearly)
{
  g_autoptr (PdfMaker) maker = pdf_maker_new ();
  pdf_add_page (maker);
  pdf_put (maker, 'r', 11, 72, 100, "The night shift begins at nine.");
  g_autoptr (GBytes) pdf = pdf_finish (maker);
  gsize length;
  const char *data = g_bytes_get_data (pdf, &length);
  for (gsize n = 1; n < length; n += 97)
    {
      g_autofree char *path = write_file (folder, "cut.pdf", data, n);
      g_autoptr (GError) error = NULL;
      g_autoptr (IngestDocument) document = ingest_extract (path, NULL, NULL, &error);
      ck_assert ((document == NULL) == (error != NULL));
      ck_assert (error == NULL || strstr (error->message, path) != NULL);
    }
}
END_TEST

START_TEST (test_a_document_gets_its_file_name_as_title)
{
  g_autofree char *path = write_file (folder, "shift plan.v2.txt", "just a line of text", -1);
  g_autoptr (GError) error = NULL;
  g_autoptr (IngestDocument) document = ingest_extract (path, NULL, NULL, &error);
  ck_assert_msg (document != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq (document->title, "shift plan.v2");
  ck_assert_str_eq (document->mime_type, "text/plain");
  ck_assert_str_eq (document->text, "just a line of text");
  check_document (document);
}
END_TEST

START_TEST (test_a_bad_document_does_not_harm_the_next)
{
  g_autofree char *good = write_file (folder, "good.txt", "a good document", -1);
  for (int i = 0; i < 20; i++)
    {
      check_failure (i % 2 == 0 ? "crash" : "garbage", (IngestLimits){ 0 }, INGEST_ERROR_EXTRACTOR,
                     "");
      g_autoptr (IngestDocument) document = ingest_extract (good, NULL, NULL, NULL);
      ck_assert_ptr_nonnull (document);
    }
  ck_assert_int_lt (dup (0), 10); /* no descriptor leaked on the way */
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_a_helper_that_exits_early,
                                 test_a_helper_that_crashes,
                                 test_a_helper_that_stalls_is_killed,
                                 test_the_wall_limit_holds_whatever_the_helper_does,
                                 test_the_wall_limit_holds_for_ocr,
                                 test_a_helper_that_computes_for_ever,
                                 test_a_helper_without_memory,
                                 test_a_helper_that_says_nothing,
                                 test_a_helper_that_sends_nonsense,
                                 test_a_helper_that_floods,
                                 test_what_a_helper_prints_is_not_shown,
                                 test_the_helper_sees_neither_environment_nor_files_of_ours,
                                 test_a_missing_helper,
                                 test_cancelling_kills_the_helper,
                                 test_files_that_are_none,
                                 test_files_that_are_something_else,
                                 test_every_truncation_of_a_pdf_ends_clearly,
                                 test_a_document_gets_its_file_name_as_title,
                                 test_a_bad_document_does_not_harm_the_next };
  return run_suite ("ingest extract", tests, G_N_ELEMENTS (tests), make, clean);
}

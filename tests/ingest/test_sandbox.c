/* Programs that try to leave the sandbox, started as docent-extract is. */
#include "support.h"

#include "ingest/helper-private.h"
#include "malice/malice.h"

#include <errno.h>
#include <fcntl.h>
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

static IngestHelperResult run_malice (const char *name, gboolean unsandboxed)
{
  g_autofree char *path = write_file (folder, "report.pdf", "%PDF-1.4", -1);
  g_autofree char *program = g_build_filename (MALICE, name, NULL);
  const IngestLimits given = { .extractor = program, .unsandboxed = unsandboxed };
  const IngestLimits limits = ingest_limits_or_defaults (&given);
  g_autoptr (IngestFrameReader) reader = ingest_frame_reader_new ();
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  IngestHelperResult result = ingest_helper_run (&limits, fd, "pdf", reader, NULL);
  close (fd);
  return result;
}

static void check_done_without_sandbox (const char *name)
{
  IngestHelperResult result = run_malice (name, TRUE);
  ck_assert_msg (result.end == INGEST_HELPER_EXIT && result.number == MALICE_DONE,
                 "%s proves nothing: end %d, number %d", name, result.end, result.number);
}

static void check_fails (const char *name)
{
  IngestHelperResult result = run_malice (name, FALSE);
  ck_assert_msg (result.end == INGEST_HELPER_EXIT && result.number == MALICE_DENIED,
                 "%s: end %d, number %d", name, result.end, result.number);
}

static void check_is_ended (const char *name)
{
  IngestHelperResult result = run_malice (name, FALSE);
  ck_assert_msg (result.end == INGEST_HELPER_FORBIDDEN, "%s: end %d, number %d", name, result.end,
                 result.number);
}

START_TEST (test_programs_cannot_be_started)
{
  check_done_without_sandbox ("exec");
  check_is_ended ("exec");
  check_done_without_sandbox ("fork-bomb");
  check_fails ("fork-bomb");
}
END_TEST

START_TEST (test_files_can_be_neither_read_nor_written)
{
  static const char *const acts[] = { "read", "write", "reopen" };
  for (gsize i = 0; i < G_N_ELEMENTS (acts); i++)
    {
      check_done_without_sandbox (acts[i]);
      check_fails (acts[i]);
    }
}
END_TEST

START_TEST (test_there_is_no_network)
{
  check_done_without_sandbox ("socket");
  check_fails ("socket");
  check_done_without_sandbox ("connect");
  check_fails ("connect");
}
END_TEST

START_TEST (test_other_processes_are_out_of_reach)
{
  check_done_without_sandbox ("ptrace");
  check_is_ended ("ptrace");
  check_done_without_sandbox ("kill-parent");
  check_is_ended ("kill-parent");
}
END_TEST

START_TEST (test_memory_cannot_be_made_code)
{
  check_done_without_sandbox ("code");
  check_fails ("code");
}
END_TEST

START_TEST (test_limits_stay)
{
  check_done_without_sandbox ("limits");
  check_fails ("limits");
#if !defined(__SANITIZE_ADDRESS__)
  check_fails ("memory");
#endif
}
END_TEST

/* The search for leaks at the end of a test could not open what it needs. */
#if !defined(__SANITIZE_ADDRESS__)
/* As on a kernel without Landlock. Check runs each test in a process of its own. */
START_TEST (test_without_landlock_nothing_at_all_can_be_opened)
{
  struct stat about;
  ck_assert (ingest_sandbox_filter (FALSE));
  ck_assert_int_eq (open ("/usr/share/fonts", O_RDONLY), -1);
  ck_assert_int_eq (errno, EPERM);
  ck_assert_int_eq (open ("/etc/passwd", O_RDONLY), -1);
  ck_assert_int_eq (errno, EPERM);
  ck_assert_int_eq (stat ("/etc/passwd", &about), -1);
  ck_assert_int_eq (fstat (0, &about), 0);
}
END_TEST

START_TEST (test_with_landlock_fonts_can_be_read)
{
  if (!g_file_test ("/usr/share/fonts", G_FILE_TEST_IS_DIR) || !ingest_landlock_enter ())
    return;
  ck_assert_int_ge (open ("/usr/share/fonts", O_RDONLY), 0);
  ck_assert_int_eq (open ("/etc/passwd", O_RDONLY), -1);
  ck_assert_int_eq (errno, EACCES);
}
END_TEST

#endif

START_TEST (test_an_attempt_to_leave_is_called_that)
{
  g_autofree char *path = write_file (folder, "report.pdf", "%PDF-1.4", -1);
  g_autofree char *program = g_build_filename (MALICE, "exec", NULL);
  const IngestLimits limits = { .extractor = program };
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_extract (path, &limits, NULL, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR));
  ck_assert_ptr_nonnull (strstr (error->message, "tried to leave the sandbox"));
}
END_TEST

START_TEST (test_a_helper_without_sandbox_is_not_used)
{
  g_autofree char *path = write_file (folder, "report.txt", "some text", -1);
  g_autofree char *program = write_file (folder, "helper", "#!/bin/sh\nexit 3\n", -1);
  ck_assert_int_eq (g_chmod (program, 0700), 0);
  const IngestLimits limits = { .extractor = program };
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_extract (path, &limits, NULL, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_EXTRACTOR));
  ck_assert_ptr_nonnull (strstr (error->message, "--unsandboxed"));
}
END_TEST

int main (void)
{
  const TTest *const tests[]
      = { test_programs_cannot_be_started,
          test_files_can_be_neither_read_nor_written,
          test_there_is_no_network,
          test_other_processes_are_out_of_reach,
          test_memory_cannot_be_made_code,
#if !defined(__SANITIZE_ADDRESS__)
          test_without_landlock_nothing_at_all_can_be_opened,
          test_with_landlock_fonts_can_be_read,
#endif
          test_limits_stay,
          test_an_attempt_to_leave_is_called_that,
          test_a_helper_without_sandbox_is_not_used };
  return run_suite ("ingest sandbox", tests, G_N_ELEMENTS (tests), make, clean);
}

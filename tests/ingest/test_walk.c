#include "support.h"

#include "ingest/patterns-private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static void make (void)
{
  g_autofree char *made = make_folder ();
  folder = realpath (made, NULL);
}

static void clean (void)
{
  remove_folder (folder);
  free (folder);
}

static void put (const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  ck_assert_int_eq (g_mkdir_with_parents (parent, 0700), 0);
  ck_assert (g_file_set_contents (path, text, -1, NULL));
}

typedef struct
{
  GString *log;
  guint stop_after;
} Log;

/* "name" for files, "name!reason" for what was skipped, relative to the folder. */
static gboolean note (IngestWalkEvent event, const IngestFile *file, const char *reason,
                      gpointer user_data)
{
  Log *log = user_data;
  const char *name
      = g_str_has_prefix (file->path, folder) ? file->path + strlen (folder) + 1 : file->path;
  ck_assert ((reason != NULL) == (event == INGEST_WALK_SKIPPED));
  if (event == INGEST_WALK_FILE)
    {
      ck_assert_uint_gt (file->size_bytes, 0);
      ck_assert_int_gt (file->mtime_ns, 0);
    }
  g_string_append_printf (log->log, "%s%s%s%s", log->log->len > 0 ? "|" : "", name,
                          reason != NULL                  ? "!"
                          : event == INGEST_WALK_EXCLUDED ? " excluded"
                                                          : "",
                          reason != NULL ? reason : "");
  return log->stop_after == 0 || --log->stop_after > 0;
}

static void check_walk_by (const IngestWalkRules *rules, const char *path, guint stop_after,
                           const char *expected)
{
  Log log = { g_string_new (NULL), stop_after };
  g_autoptr (GError) error = NULL;
  ck_assert_msg (ingest_walk (path, rules, note, &log, &error), "%s", error ? error->message : "");
  ck_assert_str_eq (log.log->str, expected);
  g_string_free (log.log, TRUE);
}

static void check_walk (const char *path, guint stop_after, const char *expected)
{
  check_walk_by (NULL, path, stop_after, expected);
}

START_TEST (test_documents_in_sorted_order)
{
  put ("b.pdf", "x");
  put ("a/z.TXT", "x");
  put ("a/y.md", "x");
  put ("c.markdown", "x");
  put ("picture.png", "x");
  put ("Makefile", "x");
  check_walk (folder, 0, "a/y.md|a/z.TXT|b.pdf|c.markdown");
}
END_TEST

START_TEST (test_hidden_entries_are_passed_over)
{
  put (".hidden.txt", "x");
  put (".git/notes.txt", "x");
  put ("seen.txt", "x");
  check_walk (folder, 0, "seen.txt");
}
END_TEST

START_TEST (test_links_in_circles_end)
{
  put ("a/file.txt", "x");
  g_autofree char *loop = g_build_filename (folder, "a", "loop", NULL);
  g_autofree char *self = g_build_filename (folder, "self.txt", NULL);
  g_autofree char *dead = g_build_filename (folder, "dead.txt", NULL);
  ck_assert_int_eq (symlink (folder, loop), 0);
  ck_assert_int_eq (symlink (self, self), 0);
  ck_assert_int_eq (symlink ("/nowhere/at/all", dead), 0);
  check_walk (folder, 0,
              "a/file.txt|dead.txt!is a link that leads nowhere|self.txt!is a link to itself");
}
END_TEST

START_TEST (test_a_link_to_a_document_is_that_document)
{
  put ("real.txt", "x");
  g_autofree char *link_path = g_build_filename (folder, "also.txt", NULL);
  ck_assert_int_eq (symlink ("real.txt", link_path), 0);
  check_walk (folder, 0, "real.txt");
}
END_TEST

START_TEST (test_special_files_are_never_opened)
{
  g_autofree char *fifo = g_build_filename (folder, "pipe.txt", NULL);
  ck_assert_int_eq (mkfifo (fifo, 0600), 0);
  put ("empty.txt", "");
  check_walk (folder, 0, "empty.txt!is empty|pipe.txt!is a device, pipe or socket, not a file");
}
END_TEST

START_TEST (test_enormous_files_are_named)
{
  put ("image.txt", "x");
  g_autofree char *path = g_build_filename (folder, "image.txt", NULL);
  ck_assert_int_eq (truncate (path, (off_t)2 << 30), 0);
  check_walk (folder, 0, "image.txt!is larger than 1 GB; split it");
}
END_TEST

START_TEST (test_a_file_is_always_reported)
{
  put ("picture.png", "x");
  g_autofree char *path = g_build_filename (folder, "picture.png", NULL);
  check_walk (path, 0, "picture.png");
}
END_TEST

START_TEST (test_a_walk_can_be_ended)
{
  put ("a.txt", "x");
  put ("b/c.txt", "x");
  put ("d.txt", "x");
  check_walk (folder, 2, "a.txt|b/c.txt");
}
END_TEST

START_TEST (test_a_missing_path_is_an_error)
{
  Log log = { 0 };
  g_autoptr (GError) error = NULL;
  ck_assert (!ingest_walk ("/no/such/folder", NULL, note, &log, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_FILE));
  ck_assert_str_eq (error->message, "/no/such/folder does not exist");
}
END_TEST

START_TEST (test_sha256_of_a_file)
{
  put ("abc.txt", "abc");
  g_autofree char *path = g_build_filename (folder, "abc.txt", NULL);
  g_autofree char *hash = ingest_file_sha256 (path, NULL, NULL);
  ck_assert_str_eq (hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (ingest_file_sha256 (folder, NULL, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_FILE));
}
END_TEST

START_TEST (test_hashing_can_be_cancelled)
{
  put ("abc.txt", "abc");
  g_autofree char *path = g_build_filename (folder, "abc.txt", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_cancellable_cancel (cancellable);
  ck_assert_ptr_null (ingest_file_sha256 (path, cancellable, &error));
  ck_assert (g_error_matches (error, INGEST_ERROR, INGEST_ERROR_CANCELLED));
}
END_TEST

START_TEST (test_rules_say_what_is_wanted)
{
  put ("a.pdf", "x");
  put ("b.txt", "x");
  put ("drafts/c.pdf", "x");
  put ("reports/2024/d.pdf", "x");
  put ("reports/drafts/e.txt", "x");
  check_walk_by (
      &(IngestWalkRules){ "*.pdf", NULL }, folder, 0,
      "a.pdf|b.txt excluded|drafts/c.pdf|reports/2024/d.pdf|reports/drafts/e.txt excluded");
  check_walk_by (&(IngestWalkRules){ NULL, "drafts/" }, folder, 0,
                 "a.pdf|b.txt|drafts excluded|reports/2024/d.pdf|reports/drafts excluded");
  check_walk_by (&(IngestWalkRules){ NULL, "/drafts/" }, folder, 0,
                 "a.pdf|b.txt|drafts excluded|reports/2024/d.pdf|reports/drafts/e.txt");
  check_walk_by (&(IngestWalkRules){ "reports/**\nb.*", "e.*" }, folder, 0,
                 "a.pdf excluded|b.txt|drafts/c.pdf excluded|reports/2024/d.pdf|"
                 "reports/drafts/e.txt excluded");
}
END_TEST

START_TEST (test_the_nearest_ignore_file_decides)
{
  put (".docentignore", "# not for the library\n*.txt\n\nprivate/\n");
  put ("a.txt", "x");
  put ("a.pdf", "x");
  put ("private/b.pdf", "x");
  put ("notes/.docentignore", "!keep.txt\n");
  put ("notes/keep.txt", "x");
  put ("notes/other.txt", "x");
  check_walk (folder, 0,
              "a.pdf|a.txt excluded|notes/keep.txt|notes/other.txt excluded|private excluded");
}
END_TEST

START_TEST (test_a_file_that_is_named_is_taken_whatever_the_rules)
{
  put (".docentignore", "*\n");
  put ("a.txt", "x");
  g_autofree char *path = g_build_filename (folder, "a.txt", NULL);
  check_walk_by (&(IngestWalkRules){ "*.pdf", "*" }, path, 0, "a.txt");
}
END_TEST

START_TEST (test_globs)
{
  static const struct
  {
    const char *glob, *path;
    gboolean match;
  } cases[] = {
    { "*.pdf", "a.pdf", TRUE },
    { "*.pdf", "a.pdf.txt", FALSE },
    { "*.pdf", "x/a.pdf", FALSE },
    { "**/*.pdf", "a.pdf", TRUE },
    { "**/*.pdf", "x/y/a.pdf", TRUE },
    { "x/**", "x/y/a", TRUE },
    { "x/**", "y/x", FALSE },
    { "x/**/a", "x/a", TRUE },
    { "x/**/a", "x/1/2/a", TRUE },
    { "x/**/a", "x/1/2/b", FALSE },
    { "?.md", "ü.md", TRUE },
    { "?.md", "ab.md", FALSE },
    { "[a-c]x", "bx", TRUE },
    { "[!a-c]x", "bx", FALSE },
    { "[a-", "[a-", TRUE },
    { "[]]", "]", TRUE },
    { "a\\*", "a*", TRUE },
    { "a\\*", "ab", FALSE },
    { "", "a", FALSE },
    { "a*b*c", "a1b2b3c", TRUE },
    { "**", "a/b", TRUE },
    { "a/*", "a", FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    ck_assert_msg (ingest_glob_match (cases[i].glob, cases[i].path) == cases[i].match, "%s on %s",
                   cases[i].glob, cases[i].path);
}
END_TEST

START_TEST (test_a_spiteful_glob_takes_no_time)
{
  g_autofree char *path = g_strnfill (4000, 'a');
  g_autoptr (GString) glob = g_string_new (NULL);
  for (int i = 0; i < 200; i++)
    g_string_append (glob, "*a");
  g_string_append (glob, "*b");
  gint64 start = g_get_monotonic_time ();
  ck_assert (!ingest_glob_match (glob->str, path));
  ck_assert_int_lt (g_get_monotonic_time () - start, G_USEC_PER_SEC);
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_rules_say_what_is_wanted,
                                 test_the_nearest_ignore_file_decides,
                                 test_a_file_that_is_named_is_taken_whatever_the_rules,
                                 test_globs,
                                 test_a_spiteful_glob_takes_no_time,
                                 test_documents_in_sorted_order,
                                 test_hidden_entries_are_passed_over,
                                 test_links_in_circles_end,
                                 test_a_link_to_a_document_is_that_document,
                                 test_special_files_are_never_opened,
                                 test_enormous_files_are_named,
                                 test_a_file_is_always_reported,
                                 test_a_walk_can_be_ended,
                                 test_a_missing_path_is_an_error,
                                 test_sha256_of_a_file,
                                 test_hashing_can_be_cancelled };
  return run_suite ("ingest walk", tests, G_N_ELEMENTS (tests), make, clean);
}

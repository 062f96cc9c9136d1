/* What the tests of ingest share: looking at documents and writing files to a folder of their own.
 */
#pragma once

#include "ingest/ingest.h"

#include <check.h>
#include <glib/gstdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
/* fontconfig keeps what it knows of the system's fonts until the end. */
const char *__lsan_default_suppressions (void);
const char *__lsan_default_suppressions (void)
{
  return "leak:libfontconfig";
}
#endif

static inline const IngestBlock *block_at (const IngestDocument *document, guint i)
{
  ck_assert_uint_lt (i, document->blocks->len);
  return &g_array_index (document->blocks, IngestBlock, i);
}

static inline char *block_text (const IngestDocument *document, guint i)
{
  const IngestBlock *block = block_at (document, i);
  return g_strndup (document->text + block->start, block->end - block->start);
}

/* "H1 Title|P text|L • item|T a\tb|C caption|F note|K code|X hidden": the document on one line. */
static inline char *describe (const IngestDocument *document)
{
  static const char kinds[] = "PHLTCFKX";
  GString *out = g_string_new (NULL);
  for (guint i = 0; i < document->blocks->len; i++)
    {
      const IngestBlock *block = block_at (document, i);
      g_autofree char *text = block_text (document, i);
      g_string_append_printf (out, "%s%c", i > 0 ? "|" : "", kinds[block->kind]);
      if (block->kind == INGEST_BLOCK_HEADING)
        g_string_append_printf (out, "%u", block->level);
      g_string_append_printf (out, " %s", text);
    }
  return g_string_free (out, FALSE);
}

/* What every document must satisfy, wherever it came from. */
static inline void check_document (const IngestDocument *document)
{
  ck_assert (g_utf8_validate (document->text, document->text_length, NULL));
  ck_assert_uint_eq (strlen (document->text), document->text_length);
  ck_assert_uint_ge (document->pages->len, 1);
  gsize end = 0;
  for (guint i = 0; i < document->blocks->len; i++)
    {
      const IngestBlock *block = block_at (document, i);
      ck_assert_uint_lt (block->start, block->end);
      ck_assert_uint_ge (block->start, end);
      ck_assert_uint_le (block->end, document->text_length);
      ck_assert_uint_ge (block->page, 1);
      ck_assert_uint_le (block->page, document->pages->len);
      const IngestPage *page = &g_array_index (document->pages, IngestPage, block->page - 1);
      ck_assert_uint_ge (block->start, page->start);
      ck_assert_uint_le (block->end, page->end);
      end = block->end;
    }
}

static inline char *make_folder (void)
{
  char *folder = g_dir_make_tmp ("docent-ingest-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  return folder;
}

static inline char *write_file (const char *folder, const char *name, gconstpointer data,
                                gssize length)
{
  char *path = g_build_filename (folder, name, NULL);
  ck_assert (g_file_set_contents (path, data, length, NULL));
  return path;
}

static inline void remove_folder (const char *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        remove_folder (path);
      else
        g_unlink (path);
    }
  if (dir != NULL)
    g_dir_close (dir);
  g_rmdir (folder);
}

/* SETUP and TEARDOWN run around each test; NULL for none. */
static inline int run_suite (const char *name, const TTest *const *tests, gsize n_tests, SFun setup,
                             SFun teardown)
{
  Suite *suite = suite_create (name);
  TCase *group = tcase_create (name);
  tcase_set_timeout (group, 120);
  tcase_add_checked_fixture (group, setup, teardown);
  for (gsize i = 0; i < n_tests; i++)
    tcase_add_test (group, tests[i]);
  suite_add_tcase (suite, group);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

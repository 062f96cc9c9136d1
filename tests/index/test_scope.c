/* Searches kept to a part of the library find exactly the best of that part. */
#include "support.h"

#define N_DOCUMENTS 300

static const char *const languages[] = { "en", "de", "fr" };
static const char *const collections[] = { "a", "b" };

/* Two chunks each, of vectors 2i + 1 and 2i + 2, sections "Dosage of adults" and "Storage". */
static void put_numbered (Index *index, guint i)
{
  g_autofree char *path = g_strdup_printf ("/%s/d%u", i % 5 ? "x" : "x y", i);
  const IndexDocument document = { .path = path,
                                   .language = (char *)languages[i % 3],
                                   .collection = (char *)collections[i % 2],
                                   .mtime_ns = (gint64)(1000 + i) * 1000000000 };
  const IndexChunk chunks[] = { { .id = "0", .text = "okapi words", .section = "Dosage of adults" },
                                { .id = "1", .text = "okapi more", .section = "Storage" } };
  float vectors[2 * DIMENSION];

  make_vector (2 * i + 1, vectors);
  make_vector (2 * i + 2, vectors + DIMENSION);
  ck_assert (index_put_document (index, &document, chunks, 2, vectors, NULL));
}

static gboolean is_in (const IndexScope *scope, guint i)
{
  return (!scope->collection || g_str_equal (scope->collection, collections[i % 2]))
         && (!scope->language || g_str_equal (scope->language, languages[i % 3]))
         && (!scope->folder || (i % 5 ? g_str_equal (scope->folder, "/x")
                                      : g_str_equal (scope->folder, "/x y")))
         && (!scope->tag || i % 4 == 0) && (!scope->after_s || 1000 + i >= scope->after_s)
         && (!scope->before_s || 1000 + i < scope->before_s);
}

/* Does a search of everything, with what SCOPE leaves out struck, give the same list? */
static void assert_exact (Index *index, const IndexScope *scope, IndexSearchMode mode)
{
  float vector[DIMENSION];
  IndexQuery query = { .mode = mode, .text = "okapi", .vector = vector, .limit = 700 };
  guint n = 0;

  make_vector (9999, vector);
  g_autoptr (GPtrArray) all = index_search (index, &query, NULL);
  query.scope = *scope;
  g_autoptr (GPtrArray) found = index_search (index, &query, NULL);

  ck_assert_uint_eq (all->len, 2 * N_DOCUMENTS);
  for (guint k = 0; k < all->len; k++)
    {
      const IndexHit *hit = hit_at (all, k);
      guint i = (guint)atoi (strrchr (hit->path, 'd') + 1);

      if (!is_in (scope, i) || (scope->section && !g_str_equal (hit->section, "Dosage of adults")))
        continue;
      ck_assert_int_eq (hit_at (found, n)->chunk, hit->chunk);
      n++;
    }
  ck_assert_uint_eq (found->len, n);
  ck_assert_uint_gt (n, 0);
}

START_TEST (test_every_kind_of_scope_is_exact)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_with (dir, INDEX_WRITE | INDEX_CREATE | INDEX_SCRATCH);
  const IndexScope scopes[] = {
    { .collection = "b" },
    { .language = "de" },
    { .folder = "/x" },
    { .folder = "/x y" },
    { .tag = "fourth" },
    { .after_s = 1100 },
    { .before_s = 1050 },
    { .section = "adult dosage" },
    { .collection = "a", .language = "fr", .tag = "fourth", .after_s = 1010, .before_s = 1290,
      .section = "Dosage" },
  };
  for (guint i = 0; i < N_DOCUMENTS; i++)
    {
      put_numbered (index, i);
      g_autofree char *path = g_strdup_printf ("/%s/d%u", i % 5 ? "x" : "x y", i);
      if (i % 4 == 0)
        ck_assert (index_set_tag (index, path, "fourth", TRUE, NULL, NULL));
      if (i == N_DOCUMENTS / 2)
        ck_assert (index_flush (index, NULL));
    }

  for (guint i = 0; i < G_N_ELEMENTS (scopes); i++)
    {
      assert_exact (index, &scopes[i], INDEX_SEARCH_LEXICAL);
      assert_exact (index, &scopes[i], INDEX_SEARCH_DENSE);
    }
  remove_dir (dir);
}
END_TEST

START_TEST (test_nothing_in_scope_is_no_error)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const IndexScope scopes[] = { { .tag = "none" }, { .section = "none" }, { .section = "?!" } };
  put (index, "/a", 1, TEXTS ("okapi"));

  for (guint i = 0; i < G_N_ELEMENTS (scopes); i++)
    {
      const IndexQuery query
          = { .mode = INDEX_SEARCH_LEXICAL, .text = "okapi", .limit = 5, .scope = scopes[i] };
      g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
      ck_assert_uint_eq (hits->len, 0);
    }
  remove_dir (dir);
}
END_TEST

START_TEST (test_tags_survive_a_change_and_go_with_the_document)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  put (index, "/a", 1, TEXTS ("one"));
  ck_assert (index_set_tag (index, "/a", "zebra-tag", TRUE, NULL, NULL));
  put (index, "/a", 2, TEXTS ("two"));

  g_auto (GStrv) tags = index_document_tags (index, id_of (index, "/a"), NULL);
  ck_assert_str_eq (tags[0], "zebra-tag");
  ck_assert (dir_holds (dir, "zebra-tag", 9));
  ck_assert (index_forget_document (index, id_of (index, "/a"), NULL));
  ck_assert (!dir_holds (dir, "zebra-tag", 9));
  remove_dir (dir);
}
END_TEST

typedef struct
{
  const char *path, *language; /* of the document */
  const char *languages[3];    /* of its passages, "okapi" each; NULL: not known */
} Bilingual;

static void put_bilingual (Index *index, const Bilingual *from, guint seed)
{
  const IndexDocument document = { .path = (char *)from->path, .language = (char *)from->language };
  IndexChunk chunks[3];
  float vectors[3 * DIMENSION];

  for (guint i = 0; i < 3; i++)
    {
      chunks[i] = (IndexChunk){ .id = "c",
                                .text = "okapi",
                                .section = "Dosage",
                                .first_page = i + 1,
                                .language = from->languages[i] };
      make_vector (seed + i, vectors + i * DIMENSION);
    }
  ck_assert (index_put_document (index, &document, chunks, 3, vectors, NULL));
}

static gint compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* "/a1 /a3" of the passages, by document and page, that a search kept to SCOPE finds. */
static char *passages_in (Index *index, const IndexScope *scope, IndexSearchMode mode)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  float vector[DIMENSION];
  const IndexQuery query
      = { .mode = mode, .text = "okapi", .vector = vector, .limit = 100, .scope = *scope };

  make_vector (9999, vector);
  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
  for (guint i = 0; i < hits->len; i++)
    {
      const IndexHit *hit = hit_at (hits, i);
      g_ptr_array_add (names, g_strdup_printf ("%s%u", hit->path, hit->first_page));
      ck_assert_str_eq (hit->language, scope->language);
    }
  g_ptr_array_sort (names, compare_strings);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (char **)names->pdata);
}

/* Half of a document in two languages was found by the other language's filter, or not at all. */
START_TEST (test_language_is_that_of_the_passage)
{
  static const Bilingual documents[] = {
    { "/a", "en", { "en", "de-AT", NULL } },
    { "/b", "de", { NULL, "en", "de" } },
    { "/c", NULL, { "de", NULL, "fr" } },
  };
  static const struct
  {
    IndexScope scope;
    const char *passages, *documents;
  } cases[] = {
    { { .language = "en" }, "/a1 /a3 /b2", "/a /b" },
    { { .language = "de" }, "/a2 /b1 /b3 /c1", "/a /b /c" },
    { { .language = "fr" }, "/c3", "/c" },
    { { .language = "es" }, "", "" },
    { { .language = "de", .folder = "/a" }, "/a2", "/a" },
    { { .language = "de", .section = "dosage" }, "/a2 /b1 /b3 /c1", "/a /b /c" },
  };
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    put_bilingual (index, &documents[i], 10 * i + 1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *lexical = passages_in (index, &cases[i].scope, INDEX_SEARCH_LEXICAL);
      g_autofree char *dense = passages_in (index, &cases[i].scope, INDEX_SEARCH_DENSE);
      g_autoptr (GPtrArray) listed = index_list_documents (index, &cases[i].scope, NULL);
      g_autoptr (GString) paths = g_string_new ("");
      for (guint k = 0; k < listed->len; k++)
        g_string_append_printf (paths, "%s%s", k > 0 ? " " : "",
                                ((IndexDocument *)g_ptr_array_index (listed, k))->path);
      ck_assert_str_eq (lexical, cases[i].passages);
      ck_assert_str_eq (dense, cases[i].passages);
      ck_assert_str_eq (paths->str, cases[i].documents);
    }
  index_close (g_steal_pointer (&index));
  guint n_problems = 1;
  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  remove_dir (dir);
}
END_TEST

/* A document that says when it was written is of that day, whenever its file was changed. */
START_TEST (test_a_date_of_its_own_comes_before_that_of_the_file)
{
  char *dir = make_dir ();
  g_autoptr (Index) index = open_library (dir);
  const IndexChunk chunk = { .id = "c", .text = "a dated passage" };
  const struct
  {
    const char *path, *date;
  } documents[] = { { "/own", "2020-02-29" }, { "/none", NULL }, { "/nonsense", "yesterday" } };
  g_autoptr (GDateTime) noon = g_date_time_new_local (2024, 6, 1, 12, 0, 0);

  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      const IndexDocument document = { .path = (char *)documents[i].path,
                                       .date = (char *)documents[i].date,
                                       .mtime_ns = g_date_time_to_unix (noon) * G_GINT64_CONSTANT (1000000000) };
      ck_assert (index_put_document (index, &document, &chunk, 1, NULL, NULL));
    }

  g_autoptr (GDateTime) start = g_date_time_new_local (2020, 2, 29, 0, 0, 0);
  g_autoptr (GDateTime) end = g_date_time_new_local (2020, 3, 1, 0, 0, 0);
  const IndexScope leap_day
      = { .after_s = g_date_time_to_unix (start), .before_s = g_date_time_to_unix (end) };
  const IndexQuery query
      = { .mode = INDEX_SEARCH_LEXICAL, .text = "dated", .limit = 10, .scope = leap_day };
  g_autoptr (GPtrArray) hits = index_search (index, &query, NULL);
  ck_assert_uint_eq (hits->len, 1);
  ck_assert_str_eq (hit_at (hits, 0)->path, "/own");
  g_autoptr (GPtrArray) listed = index_list_documents (index, &leap_day, NULL);
  ck_assert_uint_eq (listed->len, 1);
  ck_assert_str_eq (((IndexDocument *)g_ptr_array_index (listed, 0))->date, "2020-02-29");

  const IndexScope later = { .after_s = g_date_time_to_unix (end) };
  g_autoptr (GPtrArray) others = index_list_documents (index, &later, NULL);
  ck_assert_uint_eq (others->len, 2);
  index_close (g_steal_pointer (&index));
  guint n_problems = 1;
  ck_assert (index_fsck (dir, NULL, &n_problems, NULL));
  ck_assert_uint_eq (n_problems, 0);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("scope");
  TCase *tests = tcase_create ("scope");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, test_every_kind_of_scope_is_exact);
  tcase_add_test (tests, test_nothing_in_scope_is_no_error);
  tcase_add_test (tests, test_tags_survive_a_change_and_go_with_the_document);
  tcase_add_test (tests, test_language_is_that_of_the_passage);
  tcase_add_test (tests, test_a_date_of_its_own_comes_before_that_of_the_file);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

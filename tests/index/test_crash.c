/* Killed at any moment, a library keeps what it acknowledged, once, and nothing by halves.
 *
 * DOCENT_CRASH_ROUNDS sets how often a writer is killed (40). */
#include "support.h"

#include "vfs_shim.h"

#include <signal.h>
#include <sys/wait.h>

#define N_PATHS 12
#define N_CHUNKS 6

static guint n_rounds (void)
{
  const char *rounds = g_getenv ("DOCENT_CRASH_ROUNDS");

  return rounds ? (guint)atoi (rounds) : 40;
}

/* What the parent knows: the last version of each path that was acknowledged (0: none, or
 * forgotten), and the version that may have been under way when the writer died. */
typedef struct
{
  guint acknowledged[N_PATHS], started[N_PATHS];
} Knowledge;

typedef struct
{
  guint32 path, version;
  gboolean done;
} Message;

static gboolean put_version (Index *index, guint path, guint version)
{
  g_autofree char *name = g_strdup_printf ("/document-%u", path);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < N_CHUNKS; i++)
    g_ptr_array_add (texts, g_strdup_printf ("document %u version%u passage %u", path, version, i));
  g_ptr_array_add (texts, NULL);
  return put_texts (index, name, NULL, version * 100 + 1, (const char *const *)texts->pdata, NULL);
}

static void tell (int pipe, guint path, guint version, gboolean done)
{
  const Message message = { path, version, done };

  if (write (pipe, &message, sizeof message) != sizeof message)
    _exit (1);
}

/* Puts, replaces, forgets and flushes until it is killed. */
static void work_until_killed (const char *dir, int pipe, guint32 seed, guint version)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Index *index = open_library (dir);

  for (guint i = 0; i < 1000; i++)
    {
      guint path = (guint)g_rand_int_range (rand, 0, N_PATHS);
      g_autofree char *name = g_strdup_printf ("/document-%u", path);
      g_autoptr (IndexDocument) known = index_find_document (index, name, NULL);
      gboolean forget = known && g_rand_int_range (rand, 0, 6) == 0;

      tell (pipe, path, forget ? 0 : ++version, FALSE);
      if (!(forget ? index_forget_document (index, known->id, NULL)
                   : put_version (index, path, version)))
        _exit (1);
      tell (pipe, path, forget ? 0 : version, TRUE);
      if (g_rand_int_range (rand, 0, 5) == 0 && !index_flush (index, NULL))
        _exit (1);
    }
  _exit (0);
}

/* Reads what the dead writer said. ret_version: the highest version it has used. */
static void listen_to (int pipe, Knowledge *knowledge, guint *ret_version)
{
  Message message;

  while (read (pipe, &message, sizeof message) == sizeof message)
    {
      knowledge->started[message.path] = message.version;
      if (message.done)
        knowledge->acknowledged[message.path] = message.version;
      *ret_version = MAX (*ret_version, message.version);
    }
}

/* The version of /document-PATH, which must be complete; 0 when it is not there. */
static guint version_of (Index *index, guint path)
{
  g_autofree char *name = g_strdup_printf ("/document-%u", path);
  g_autoptr (IndexDocument) document = index_find_document (index, name, NULL);
  guint version = 0, known = 0, passage = 0;

  if (!document)
    return 0;
  g_autoptr (GPtrArray) chunks = index_document_chunks (index, document->id, 0, 0, NULL);
  ck_assert_uint_eq (chunks->len, N_CHUNKS);
  for (guint i = 0; i < N_CHUNKS; i++)
    {
      ck_assert_int_eq (sscanf (hit_at (chunks, i)->text, "document %u version%u passage %u",
                                &known, &version, &passage),
                        3);
      ck_assert_uint_eq (known, path);
      ck_assert_uint_eq (passage, i);
    }
  return version;
}

static void check_library (const char *dir, Knowledge *knowledge)
{
  g_autoptr (GError) error = NULL;
  guint n_problems = 0, n_documents = 0;

  /* The first writer may have died before there was a library. */
  ck_assert_msg (index_fsck (dir, NULL, &n_problems, &error)
                     || g_error_matches (error, INDEX_ERROR, INDEX_ERROR_NOT_FOUND),
                 "%s", error ? error->message : "");
  ck_assert_uint_eq (n_problems, 0);

  g_autoptr (Index) index = open_library (dir);
  for (guint path = 0; path < N_PATHS; path++)
    {
      guint version = version_of (index, path);

      ck_assert_msg (version == knowledge->acknowledged[path]
                         || version == knowledge->started[path],
                     "document %u: version %u, acknowledged %u, started %u", path, version,
                     knowledge->acknowledged[path], knowledge->started[path]);
      knowledge->acknowledged[path] = knowledge->started[path] = version;
      n_documents += version != 0;
    }

  IndexStats stats;
  ck_assert (index_stats (index, NULL, &stats, NULL));
  ck_assert_uint_eq (stats.n_documents, n_documents);
  ck_assert_uint_eq (stats.n_chunks, n_documents * N_CHUNKS);
  ck_assert_uint_eq (stats.n_vectors, n_documents * N_CHUNKS);
  g_autoptr (GPtrArray) vectors = search_vector (index, 1, 1000);
  ck_assert_uint_eq (vectors->len, n_documents * N_CHUNKS);
}

START_TEST (test_killed_writers_lose_nothing_acknowledged)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  char *dir = make_dir ();
  Knowledge knowledge = { 0 };
  guint version = 0;

  for (guint round = 0; round < n_rounds (); round++)
    {
      int ends[2];
      ck_assert_int_eq (pipe (ends), 0);
      pid_t child = fork ();
      if (child == 0)
        {
          close (ends[0]);
          work_until_killed (dir, ends[1], round, version);
        }
      close (ends[1]);
      g_usleep ((gulong)g_rand_int_range (rand, 0, 120) * 1000);
      kill (child, SIGKILL);
      waitpid (child, NULL, 0);
      listen_to (ends[0], &knowledge, &version);
      close (ends[0]);

      check_library (dir, &knowledge);
    }
  ck_assert_uint_gt (version, n_rounds () / 4);
  remove_dir (dir);
}
END_TEST

START_TEST (test_power_cuts_lose_nothing_acknowledged)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  char *dir = make_dir ();
  Knowledge knowledge = { 0 };
  guint version = 0;

  for (guint round = 0; round < n_rounds (); round++)
    {
      guint countdown = (guint)g_rand_int_range (rand, 1, 1500);
      int ends[2];
      ck_assert_int_eq (pipe (ends), 0);
      pid_t child = fork ();
      if (child == 0)
        {
          close (ends[0]);
          vfs_shim_install ();
          vfs_shim_arm (SHIM_POWER_CUT, countdown, TRUE, round);
          work_until_killed (dir, ends[1], round, version);
        }
      close (ends[1]);
      listen_to (ends[0], &knowledge, &version);
      waitpid (child, NULL, 0);
      close (ends[0]);

      check_library (dir, &knowledge);
    }
  ck_assert_uint_gt (version, n_rounds () / 4);
  remove_dir (dir);
}
END_TEST

int main (void)
{
  Suite *suite = suite_create ("crash");
  TCase *tests = tcase_create ("crash");

  tcase_set_timeout (tests, 600);
  tcase_add_test (tests, test_killed_writers_lose_nothing_acknowledged);
  tcase_add_test (tests, test_power_cuts_lose_nothing_acknowledged);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

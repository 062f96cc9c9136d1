/* cpu: which kernels this processor can run, and how many processors this process may use.
 *
 * The same program runs on an old laptop and on a new server, so nothing is decided at build time.
 * In go the processor's own description, the environment variable DOCENT_ISA, the scheduler's
 * affinity mask and the control group's limit; out come one table of kernels, chosen once, and a
 * number of threads. */
#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef ENGINE_HAVE_NEON
#include <sys/auxv.h>
#endif

/* ---- Instruction sets --------------------------------------------------------------------------
 */

static gboolean can_run_portable (void)
{
  return TRUE;
}

#ifdef ENGINE_HAVE_X86
/* __builtin_cpu_supports asks XGETBV too: a feature whose registers the operating system does not
 * save counts as absent. */
static gboolean can_run_avx2 (void)
{
  __builtin_cpu_init ();
  return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")
         && __builtin_cpu_supports ("f16c");
}

static gboolean can_run_avx512 (void)
{
  __builtin_cpu_init ();
  return can_run_avx2 () && __builtin_cpu_supports ("avx512f")
         && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vl")
         && __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vnni");
}
#endif

#ifdef ENGINE_HAVE_NEON
/* Every 64-bit ARM processor has the basic registers. */
static gboolean can_run_neon (void)
{
  return TRUE;
}

static gboolean can_run_neon_dotprod (void)
{
  return (getauxval (AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#endif

/* Best last. */
static const struct
{
  const char *name;
  const EngineKernels *kernels;
  gboolean (*can_run) (void);
} instruction_sets[] = {
  { "portable", &engine_kernels_portable, can_run_portable },
#ifdef ENGINE_HAVE_X86
  { "avx2", &engine_kernels_avx2, can_run_avx2 },
  { "avx512", &engine_kernels_avx512, can_run_avx512 },
#endif
#ifdef ENGINE_HAVE_NEON
  { "neon", &engine_neon_kernels, can_run_neon },
  { "neon-dotprod", &engine_neon_dotprod_kernels, can_run_neon_dotprod },
#endif
};

const EngineKernels *engine_kernels_by_name (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (instruction_sets); i++)
    if (strcmp (instruction_sets[i].name, name) == 0)
      return instruction_sets[i].can_run () ? instruction_sets[i].kernels : NULL;
  return NULL;
}

static gpointer choose_kernels (gpointer unused)
{
  const char *forced = g_getenv ("DOCENT_ISA");
  const EngineKernels *kernels = forced != NULL ? engine_kernels_by_name (forced) : NULL;
  for (gsize i = G_N_ELEMENTS (instruction_sets); kernels == NULL; i--)
    if (instruction_sets[i - 1].can_run ())
      kernels = instruction_sets[i - 1].kernels;
  return (gpointer)kernels;
}

static char *list_runnable (void)
{
  GString *names = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (instruction_sets); i++)
    if (instruction_sets[i].can_run ())
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", instruction_sets[i].name);
  return g_string_free (names, FALSE);
}

gboolean engine_kernels_check (GError **error)
{
  const char *forced = g_getenv ("DOCENT_ISA");
  if (forced == NULL || engine_kernels_by_name (forced) != NULL)
    return TRUE;
  g_autofree char *names = list_runnable ();
  g_autofree char *shown = g_strescape (forced, NULL);
  g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
               "DOCENT_ISA asks for “%s” kernels, but this machine runs: %s", shown, names);
  return FALSE;
}

const EngineKernels *engine_kernels (void)
{
  static GOnce once = G_ONCE_INIT;
  return g_once (&once, choose_kernels, NULL);
}

const char *engine_isa (void)
{
  return engine_kernels ()->name;
}

/* ---- Processors --------------------------------------------------------------------------------
 */

static guint count_affinity (void)
{
  cpu_set_t set;
  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return MAX (CPU_COUNT (&set), 1);
  return g_get_num_processors (); /* more than 1024 processors do not fit into the set */
}

/* "max 100000" or "150000 100000": microseconds of processor time per period. */
static guint read_cgroup_limit (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "cpu.max", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return G_MAXUINT;
  char *end;
  guint64 quota = g_ascii_strtoull (text, &end, 10);
  guint64 period = end != text ? g_ascii_strtoull (end, NULL, 10) : 0;
  if (quota == 0 || period == 0)
    return G_MAXUINT;
  return MIN ((quota + period - 1) / period, G_MAXUINT);
}

/* The smallest limit from our own control group (version 2) up to the root. */
static guint count_cgroup (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return G_MAXUINT;
  const char *line = g_str_has_prefix (text, "0::") ? text : strstr (text, "\n0::");
  if (line == NULL)
    return G_MAXUINT;
  line = strstr (line, "::/") != NULL ? strstr (line, "::/") + 2 : "/";
  g_autofree char *group = g_strndup (line, strcspn (line, "\n"));
  guint limit = G_MAXUINT;
  for (;;)
    {
      g_autofree char *folder = g_build_filename ("/sys/fs/cgroup", group, NULL);
      limit = MIN (limit, read_cgroup_limit (folder));
      char *slash = strrchr (group, '/');
      if (slash == NULL || group[1] == '\0')
        return limit;
      slash[slash == group ? 1 : 0] = '\0';
    }
}

guint engine_n_processors (void)
{
  return MIN (count_affinity (), MAX (count_cgroup (), 1));
}

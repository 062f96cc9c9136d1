/* The order in which a helper gives up its rights. A document that takes over its parser finds a
 * process that can open nothing of the user's, talk to nobody and start nothing, and that ends when
 * its time or memory is used up. Limits come first because they need no kernel feature; Landlock
 * comes before the filter because the filter forbids setting it up. */
#include "ingest/sandbox-private.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__)
/* Its shadow memory alone is larger than any address space limit, and finding leaks at the end
 * takes a process that traces this one. Under it single allocations are limited instead,
 * and fail as they do without it. */
#define SANITIZED 1
const char *__asan_default_options (void);
const char *__asan_default_options (void)
{
  return "detect_leaks=0:max_allocation_size_mb=1024:allocator_may_return_null=1";
}
#else
#define SANITIZED 0
#endif

static gboolean limit (__rlimit_resource_t resource, guint64 soft, guint64 hard)
{
  struct rlimit now;
  if (getrlimit (resource, &now) != 0)
    return FALSE;
  struct rlimit wanted = { MIN (soft, now.rlim_max), MIN (hard, now.rlim_max) };
  return setrlimit (resource, &wanted) == 0;
}

static gboolean limit_myself (guint64 cpu_seconds, guint64 memory_bytes)
{
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl (PR_SET_DUMPABLE, 0) == 0
         && limit (RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)
         && (SANITIZED || limit (RLIMIT_AS, memory_bytes, memory_bytes))
         && limit (RLIMIT_NOFILE, 16, 16) && limit (RLIMIT_CORE, 0, 0)
         && limit (RLIMIT_FSIZE, 0, 0);
}

const char *ingest_sandbox_enter (IngestSandboxMode mode, guint64 cpu_seconds, guint64 memory_bytes)
{
  if (!limit_myself (cpu_seconds, memory_bytes))
    return "its limits on time and memory";
  if (mode == INGEST_SANDBOX_LIMITS_ONLY)
    return NULL;
  /* Without Landlock the filter cannot tell a font from a letter, and so nothing may be opened. */
  gboolean may_open = ingest_landlock_enter ();
  return ingest_sandbox_filter (may_open) ? NULL : "a system call filter (seccomp)";
}

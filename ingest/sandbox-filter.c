/* seccomp: which system calls a sandboxed parser has left. The list is what parsers of documents
 * were seen to need (memory, what is open already, the clock); everything else fails with EPERM, so
 * that a library that asks for a luxury goes on without it. What no parser ever tries by accident
 * ends the process at once, and the parent says so. */
#include "ingest/sandbox-private.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

static const int allowed[] = {
  /* memory */
  SCMP_SYS (brk), SCMP_SYS (munmap), SCMP_SYS (mremap), SCMP_SYS (madvise),
  /* what is open */
  SCMP_SYS (read), SCMP_SYS (pread64), SCMP_SYS (readv), SCMP_SYS (write), SCMP_SYS (writev),
  SCMP_SYS (close), SCMP_SYS (lseek), SCMP_SYS (fstat), SCMP_SYS (getdents64),
  /* time, numbers, waiting for oneself */
  SCMP_SYS (clock_gettime), SCMP_SYS (gettimeofday), SCMP_SYS (time), SCMP_SYS (clock_nanosleep),
  SCMP_SYS (nanosleep), SCMP_SYS (getrandom), SCMP_SYS (sysinfo), SCMP_SYS (uname),
  SCMP_SYS (getpid), SCMP_SYS (gettid), SCMP_SYS (getuid), SCMP_SYS (geteuid), SCMP_SYS (getgid),
  SCMP_SYS (getegid), SCMP_SYS (futex), SCMP_SYS (sched_yield), SCMP_SYS (sched_getaffinity),
  SCMP_SYS (restart_syscall),
  /* signals to oneself: abort() */
  SCMP_SYS (rt_sigaction), SCMP_SYS (rt_sigprocmask), SCMP_SYS (rt_sigreturn),
  SCMP_SYS (sigaltstack),
  /* the end */
  SCMP_SYS (exit), SCMP_SYS (exit_group)
};

static const int allowed_with_files[]
    = { SCMP_SYS (newfstatat), SCMP_SYS (stat),      SCMP_SYS (lstat),   SCMP_SYS (statx),
        SCMP_SYS (access),     SCMP_SYS (faccessat), SCMP_SYS (fstatfs), SCMP_SYS (statfs),
        SCMP_SYS (readlink),   SCMP_SYS (readlinkat) };

static const int fatal[] = { SCMP_SYS (execve),
                             SCMP_SYS (execveat),
                             SCMP_SYS (ptrace),
                             SCMP_SYS (process_vm_readv),
                             SCMP_SYS (process_vm_writev),
                             SCMP_SYS (kill),
                             SCMP_SYS (tkill),
                             SCMP_SYS (pidfd_send_signal),
                             SCMP_SYS (io_uring_setup),
                             SCMP_SYS (bpf),
                             SCMP_SYS (unshare),
                             SCMP_SYS (mount) };

static gboolean add_all (scmp_filter_ctx filter, guint32 action, const int *calls, gsize n)
{
  gboolean ok = TRUE;
  for (gsize i = 0; i < n; i++)
    ok = ok && seccomp_rule_add (filter, action, calls[i], 0) == 0;
  return ok;
}

/* No memory that can be both written and run, or made to run later. */
static gboolean add_memory (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp no_code = SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1, no_code) == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1, no_code) == 0;
}

static gboolean add_files (scmp_filter_ctx filter)
{
  const guint64 writing
      = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  const struct scmp_arg_cmp reads = SCMP_A2 (SCMP_CMP_MASKED_EQ, writing, 0);
  return add_all (filter, SCMP_ACT_ALLOW, allowed_with_files, G_N_ELEMENTS (allowed_with_files))
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (openat), 1, reads) == 0;
}

static gboolean add_oneself (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp me = SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t)getpid ());
  const struct scmp_arg_cmp my_limits = SCMP_A0 (SCMP_CMP_EQ, 0);
  const struct scmp_arg_cmp unchanged = SCMP_A2 (SCMP_CMP_EQ, 0);
  const struct scmp_arg_cmp flags = SCMP_A1 (SCMP_CMP_EQ, F_GETFD);
  const struct scmp_arg_cmp status = SCMP_A1 (SCMP_CMP_EQ, F_GETFL);
  const struct scmp_arg_cmp close_on_exec = SCMP_A1 (SCMP_CMP_EQ, F_SETFD);
  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1, me) == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prlimit64), 2, my_limits, unchanged)
                == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (fcntl), 1, flags) == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (fcntl), 1, status) == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (fcntl), 1, close_on_exec) == 0;
}

gboolean ingest_sandbox_filter (gboolean may_open)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  if (filter == NULL)
    return FALSE;
  gboolean ok
      = seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0
        && add_all (filter, SCMP_ACT_KILL_PROCESS, fatal, G_N_ELEMENTS (fatal))
        && add_all (filter, SCMP_ACT_ALLOW, allowed, G_N_ELEMENTS (allowed)) && add_memory (filter)
        && add_oneself (filter)
        && (may_open ? add_files (filter)
                     /* glibc implements fstat with it: a descriptor, no path */
                     : seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (newfstatat), 1,
                                         SCMP_A3 (SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH))
                           == 0)
        && seccomp_load (filter) == 0;
  seccomp_release (filter);
  return ok;
}

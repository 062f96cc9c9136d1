/* Keeps the promise that nothing leaves this machine: the kernel, not good intentions, refuses
 * sockets to every command that has no business with the network.
 *
 * In comes the command's name, out goes a process that cannot make a socket any more, nor can what
 * it starts. Unix sockets are left to `chat`, because a document viewer that is opened from there
 * has to reach the screen. A kernel without seccomp changes nothing else: docent itself has no code
 * that would open a connection. */
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "cli-private.h"

static gboolean uses_network (const char *command)
{
  static const char *const commands[] = { "models fetch", "feed poll" };
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (command, commands[i]) == 0)
      return TRUE;
  return FALSE;
}

void cli_deny_network (const char *command)
{
  /* crontab(1) needs rights that are lost with the filter, so that schedule calls in when it has begun. */
  if (!uses_network (command) && strcmp (command, "schedule") != 0)
    cli_deny_network_now (strcmp (command, "chat") == 0);
}

void cli_deny_network_now (gboolean viewers)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  if (filter == NULL)
    return;
  const guint32 refused = SCMP_ACT_ERRNO (EACCES);
  const struct scmp_arg_cmp not_local = SCMP_A0 (SCMP_CMP_NE, AF_UNIX);
  /* Libraries start threads before main(): the filter has to reach those too. */
  seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (seccomp_rule_add_array (filter, refused, SCMP_SYS (socket), viewers ? 1 : 0, &not_local) == 0
      /* which can make sockets past this filter */
      && seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (io_uring_setup), 0) == 0)
    seccomp_load (filter);
  seccomp_release (filter);
}

/* Loaded into docent by network.sh: makes a socket when the program ends, as a part of it could
 * that should not, and says whether the kernel let it. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__ ((destructor)) static void try_sockets (void)
{
  static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
  static const char *const names[] = { "inet", "inet6", "unix" };
  for (int i = 0; i < 3; i++)
    {
      int fd = socket (families[i], SOCK_STREAM, 0);
      dprintf (STDERR_FILENO, "%s %s\n", names[i], fd >= 0 ? "open" : "refused");
    }
}

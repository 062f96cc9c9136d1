/* Connects to a program on this machine, which need not listen: being refused by it is enough. */
#include "malice.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (1) };
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  int result = connect (fd, (struct sockaddr *)&address, sizeof address);
  return malice_end (result == 0 || errno == ECONNREFUSED);
}

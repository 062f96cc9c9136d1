/* Makes a socket to talk to the network with. */
#include "malice.h"

#include <sys/socket.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  return malice_end (socket (AF_INET, SOCK_DGRAM, 0) >= 0);
}

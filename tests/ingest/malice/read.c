/* Reads a file that every user may read but no parser needs. */
#include "malice.h"

#include <fcntl.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  char byte;
  int fd = open ("/etc/passwd", O_RDONLY);
  return malice_end (fd >= 0 && read (fd, &byte, 1) == 1);
}

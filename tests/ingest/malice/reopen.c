/* Opens the document again by its descriptor's name in /proc, to write into it. */
#include "malice.h"

#include <fcntl.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  return malice_end (open ("/proc/self/fd/0", O_WRONLY) >= 0);
}

/* Makes a file, or opens one for writing. */
#include "malice.h"

#include <fcntl.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  int fd = open ("/tmp", O_TMPFILE | O_RDWR, 0600);
  if (fd < 0)
    fd = open ("/dev/null", O_WRONLY);
  return malice_end (fd >= 0);
}

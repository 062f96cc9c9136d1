/* Makes a process that would make the next. */
#include "malice.h"

#include <sys/wait.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  pid_t child = fork ();
  if (child == 0)
    _exit (0);
  return malice_end (child > 0 && waitpid (child, NULL, 0) == child);
}

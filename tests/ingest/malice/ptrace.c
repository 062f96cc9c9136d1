/* Takes hold of the process that started it. */
#include "malice.h"

#include <sys/ptrace.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  /* Being traced is what an unprivileged process may always ask for. */
  return malice_end (ptrace (PTRACE_TRACEME, 0, NULL, NULL) == 0);
}

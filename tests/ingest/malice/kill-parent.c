/* Sends a signal to the process that started it; this one does no harm, another would. */
#include "malice.h"

#include <signal.h>
#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  return malice_end (kill (getppid (), SIGCONT) == 0);
}

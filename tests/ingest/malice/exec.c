/* Runs a program of the system; when that works the shell ends with MALICE_DONE. */
#include "malice.h"

#include <unistd.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  execl ("/bin/sh", "sh", "-c", "exit 42", NULL);
  return malice_end (FALSE);
}

/* Changes its own limits. */
#include "malice.h"

#include <sys/resource.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  const struct rlimit lower = { 8, 16 };
  return malice_end (setrlimit (RLIMIT_NOFILE, &lower) == 0);
}

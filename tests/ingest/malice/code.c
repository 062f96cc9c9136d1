/* Writes machine code into memory and runs it there. */
#include "malice.h"

#include <sys/mman.h>

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  void *page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return malice_end (FALSE);
  *(volatile char *)page = (char)0xC3;
  return malice_end (mprotect (page, 4096, PROT_READ | PROT_EXEC) == 0);
}

/* Takes 1 TB at once, or else two of the allowed gigabytes in pieces. Limits hold without the rest
 * of the sandbox too, so nothing may let this through. */
#include "malice.h"

#define PIECE ((gsize)64 << 20)

int main (int argc, char **argv)
{
  malice_begin (argc, argv);
  char *volatile all = malloc ((gsize)1 << 40);
  gsize total = 0;
  for (char *piece = malloc (PIECE); piece != NULL && total < 32 * PIECE; piece = malloc (PIECE))
    {
      *(char *volatile *)piece = all;
      total += PIECE;
    }
  return malice_end (all != NULL || total >= 32 * PIECE);
}

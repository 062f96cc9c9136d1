/* Zero retention: questions, answers and what a model made of them exist in memory only.
 *
 * docent writes none of them by itself but the history of `docent chat` and the digests, which the
 * commands leave out. What remains is the system: it would write a crashed program's memory to a
 * file, lets others look into it while it runs, and may swap it out. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli-private.h"

/* The first place on a disk that memory is swapped to; NULL: there is none. */
static char *swap_place (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/swaps", &text, NULL, NULL))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++)
    if (*lines[i] == '/' && !g_str_has_prefix (lines[i], "/dev/zram"))
      return g_strndup (lines[i], strcspn (lines[i], " \t"));
  return NULL;
}

void cli_leave_no_trace (const CliOptions *options)
{
  const struct rlimit none = { 0, 0 };
  setrlimit (RLIMIT_CORE, &none);
  prctl (PR_SET_DUMPABLE, 0);
  g_autofree char *swap = swap_place ();
  if (swap != NULL)
    cli_note (options,
              "This system swaps memory to %s, which docent cannot prevent: make sure that it is "
              "encrypted.",
              swap);
}

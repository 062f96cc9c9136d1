/* Landlock: which files a sandboxed parser may open. PDF files refer to fonts and character maps
 * that they do not contain; those of the system may be read, everything else is out of reach, by
 * whatever name. glibc has no functions for this, so the system calls are made by number
 * (Documentation/userspace-api/landlock.rst in the kernel). */
#include "ingest/sandbox-private.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The header of an older kernel lacks what a newer kernel can do, so the latest layout is here. */
typedef struct
{
  guint64 files, network, scope;
} Ruleset;

#define ALL_FILES_ABI_1 ((G_GUINT64_CONSTANT (1) << 13) - 1)
#define MOVE_BETWEEN_FOLDERS (G_GUINT64_CONSTANT (1) << 13) /* ABI 2 */
#define TRUNCATE (G_GUINT64_CONSTANT (1) << 14)             /* ABI 3 */
#define COMMAND_DEVICES (G_GUINT64_CONSTANT (1) << 15)      /* ABI 5 */
#define BIND_AND_CONNECT_TCP 3                              /* ABI 4 */
#define ABSTRACT_SOCKETS_AND_SIGNALS 3                      /* ABI 6 */

static const char *const readable[]
    = { "/usr/share/poppler", "/usr/share/fonts",      "/usr/local/share/fonts",
        "/etc/fonts",         "/usr/share/fontconfig", "/var/cache/fontconfig",
        "/usr/share/tesseract-ocr", "/usr/share/tessdata" };

static Ruleset everything (long abi)
{
  Ruleset set = { .files = ALL_FILES_ABI_1 };
  set.files |= abi >= 2 ? MOVE_BETWEEN_FOLDERS : 0;
  set.files |= abi >= 3 ? TRUNCATE : 0;
  set.files |= abi >= 5 ? COMMAND_DEVICES : 0;
  set.network = abi >= 4 ? BIND_AND_CONNECT_TCP : 0;
  set.scope = abi >= 6 ? ABSTRACT_SOCKETS_AND_SIGNALS : 0;
  return set;
}

/* A folder that does not exist needs no rule. */
static void let_read (int ruleset, const char *folder)
{
  struct landlock_path_beneath_attr rule
      = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
          .parent_fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC) };
  if (rule.parent_fd < 0)
    return;
  syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  close (rule.parent_fd);
}

gboolean ingest_landlock_enter (void)
{
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1)
    return FALSE;
  Ruleset set = everything (abi);
  gsize size = abi >= 6 ? sizeof set : abi >= 4 ? 2 * sizeof (guint64) : sizeof (guint64);
  int ruleset = (int)syscall (SYS_landlock_create_ruleset, &set, size, 0);
  if (ruleset < 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (readable); i++)
    let_read (ruleset, readable[i]);
  gboolean entered = syscall (SYS_landlock_restrict_self, ruleset, 0) == 0;
  close (ruleset);
  return entered;
}

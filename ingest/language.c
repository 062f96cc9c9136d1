/* Which language is this? libexttextcat compares the commonest groups of letters of a text with
 * those of each language (Cavnar & Trenkle 1994). Used for the rules of sentences and for what a
 * search may be kept to, so "unclear" is a fine answer. Its fingerprints come with the library;
 * only those of languages that people file documents in are loaded, once. */
#include "ingest/document-private.h"

#include <libexttextcat/textcat.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FINGERPRINTS "/usr/share/libexttextcat/"
/* Fewer letters are names and numbers. Those of other scripts tell more than Latin ones. */
#define MIN_LETTERS 60
#define LETTERS_OF_OTHER_SCRIPT 3
/* From here on the best of several candidates is right. */
#define ENOUGH_BYTES 400
/* More does not make it surer. */
#define SAMPLE_BYTES 6000

static const struct
{
  const char *file, *code; /* ISO 639-1 */
} languages[] = {
  { "en", "en" }, { "de", "de" }, { "fr", "fr" },      { "es", "es" },      { "it", "it" },
  { "pt", "pt" }, { "nl", "nl" }, { "sv", "sv" },      { "da", "da" },      { "nb", "no" },
  { "fi", "fi" }, { "pl", "pl" }, { "cs", "cs" },      { "sk", "sk" },      { "hu", "hu" },
  { "ro", "ro" }, { "bg", "bg" }, { "ru", "ru" },      { "uk", "uk" },      { "el", "el" },
  { "tr", "tr" }, { "ar", "ar" }, { "fa", "fa" },      { "he", "he" },      { "hi", "hi" },
  { "ja", "ja" }, { "ko", "ko" }, { "zh-Hans", "zh" }, { "zh-Hant", "zh" }, { "th", "th" },
  { "vi", "vi" }, { "id", "id" }, { "et", "et" },      { "lv", "lv" },      { "lt", "lt" },
  { "sl", "sl" }, { "hr", "hr" }, { "ca", "ca" },
};

/* The library reads the names of its fingerprints from a file. */
static void *load (void)
{
  g_autoptr (GString) list = g_string_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (languages); i++)
    {
      g_autofree char *file = g_strdup_printf (FINGERPRINTS "%s.lm", languages[i].file);
      if (g_file_test (file, G_FILE_TEST_EXISTS))
        g_string_append_printf (list, "%s.lm %s\n", languages[i].file, languages[i].code);
    }
  int fd = memfd_create ("languages", MFD_CLOEXEC);
  if (fd < 0 || list->len == 0)
    return NULL;
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  void *reader = NULL;
  if (write (fd, list->str, list->len) == (gssize)list->len)
    reader = special_textcat_Init (path, FINGERPRINTS);
  close (fd);
  return reader;
}

static gboolean has_letters (const char *text, gsize length)
{
  guint letters = 0;
  for (const char *at = text; at < text + length && letters < MIN_LETTERS;
       at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (g_unichar_isalpha (c))
        letters += c < 0x250 ? 1 : LETTERS_OF_OTHER_SCRIPT;
    }
  return letters >= MIN_LETTERS;
}

/* "[en][nl]", best first; "" when it is unclear. */
static char *candidates (const char *text, gsize length)
{
  static GMutex mutex;
  static void *reader;
  static gboolean loaded;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  if (!loaded)
    reader = load ();
  loaded = TRUE;
  if (reader == NULL || !has_letters (text, length))
    return g_strdup ("");
  const char *found = textcat_Classify (reader, text, MIN (length, SAMPLE_BYTES));
  return g_strdup (found != NULL && *found == '[' ? found : "");
}

/* One candidate alone. */
static gboolean is_clear (const char *list)
{
  return *list != '\0' && strchr (list + 1, '[') == NULL;
}

static const char *first_of (const char *list)
{
  for (gsize i = 0; *list != '\0' && i < G_N_ELEMENTS (languages); i++)
    if (strncmp (list + 1, languages[i].code, strlen (languages[i].code)) == 0)
      return languages[i].code;
  return NULL;
}

const char *ingest_guess_language (const char *text, gsize length)
{
  /* The beginning of a long document is titles and contents. */
  const char *from = length > 2 * SAMPLE_BYTES ? text + length / 4 : text;
  while ((*from & 0xC0) == 0x80)
    from++;
  g_autofree char *list = candidates (from, length - (from - text));
  return length >= ENOUGH_BYTES || is_clear (list) ? first_of (list) : NULL;
}

const char *ingest_language_of_part (const char *text, gsize length, const char *expected)
{
  g_autofree char *list = candidates (text, length);
  g_autofree char *known = g_strdup_printf ("[%s]", expected != NULL ? expected : "");
  return strstr (list, known) != NULL || !is_clear (list) ? expected : first_of (list);
}

/* Bytes of a text file into clean UTF-8. Old notes and exports come in UTF-16, Latin-1 or worse and
 * do not say so; a wrong guess turns every umlaut into noise that no search will find. The order of
 * belief: byte order mark, validity as UTF-8 (which hardly happens by chance), what the file says
 * of itself, ICU's statistics, Windows-1252, in which every byte means something. */
#include "ingest/parse-private.h"
#include "ingest/prose-private.h"

#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

/* Statistics need no more than this, and ICU copies what it looks at. */
#define DETECT_BYTES 65536

/* ICU carries its tables with it: unlike iconv it opens no file, which the sandbox would forbid. */
static char *convert (const guint8 *data, gsize length, const char *charset)
{
  UErrorCode status = U_ZERO_ERROR;
  if (length > G_MAXINT32 / 4)
    return NULL;
  /* Every byte of a source charset makes at most three of UTF-8, a replacement character. */
  gsize capacity = length * 3 + 16;
  g_autofree char *utf8 = g_try_malloc (capacity);
  if (utf8 == NULL)
    return NULL;
  gint32 written
      = ucnv_convert ("UTF-8", charset, utf8, capacity, (const char *)data, length, &status);
  return U_SUCCESS (status) ? ingest_prose_clean (utf8, written) : NULL;
}

/* An encoding that ICU is sure enough of, as iconv spells it; NULL otherwise. */
static char *detect (const guint8 *data, gsize length)
{
  UErrorCode status = U_ZERO_ERROR;
  UCharsetDetector *detector = ucsdet_open (&status);
  ucsdet_setText (detector, (const char *)data, MIN (length, DETECT_BYTES), &status);
  const UCharsetMatch *match = ucsdet_detect (detector, &status);
  char *name = NULL;
  if (U_SUCCESS (status) && match != NULL && ucsdet_getConfidence (match, &status) >= 20)
    name = g_strdup (ucsdet_getName (match, &status));
  ucsdet_close (detector);
  /* Files that claim Latin-1 use Windows' quotes and dashes, which Latin-1 lacks. */
  if (name != NULL && (strcmp (name, "ISO-8859-1") == 0 || g_str_has_prefix (name, "UTF-")))
    g_clear_pointer (&name, g_free);
  return name;
}

/* Text has hardly any control characters; anything else is a program or a picture. */
static gboolean is_binary (const guint8 *data, gsize length)
{
  gsize looked_at = MIN (length, 1 << 20), controls = 0;
  for (gsize i = 0; i < looked_at; i++)
    {
      if (data[i] == 0)
        return TRUE;
      if (data[i] < 0x20 && strchr ("\t\n\r\f\v\033\b\032", data[i]) == NULL)
        controls++;
    }
  return controls * 50 > looked_at;
}

/* UTF-16 without a mark: every other byte of European text is zero. In UTF-32 three of four are. */
static const char *unmarked_wide (const guint8 *data, gsize length)
{
  if (length >= 8 && data[0] != 0 && !data[1] && !data[2] && !data[3] && data[4] != 0 && !data[5])
    return "UTF-32LE";
  if (length >= 8 && !data[0] && !data[1] && !data[2] && data[3] != 0 && !data[6] && data[7] != 0)
    return "UTF-32BE";
  gsize zeros[2] = { 0, 0 }, looked_at = MIN (length, 4096) & ~(gsize)1;
  for (gsize i = 0; i < looked_at; i++)
    zeros[i % 2] += data[i] == 0;
  if (zeros[1] * 5 > looked_at * 2 && zeros[0] * 50 < looked_at)
    return "UTF-16LE";
  if (zeros[0] * 5 > looked_at * 2 && zeros[1] * 50 < looked_at)
    return "UTF-16BE";
  return NULL;
}

/* What a file says about itself is wrong in two ways often enough to matter: text that claims
 * Latin-1 was written by Windows, and text that claims to be wide cannot be when its declaration
 * was found byte by byte. */
static const char *usable_charset (const char *declared)
{
  if (declared == NULL || *declared == '\0' || g_ascii_strncasecmp (declared, "utf", 3) == 0
      || g_ascii_strncasecmp (declared, "ucs", 3) == 0
      || g_ascii_strncasecmp (declared, "iso-10646", 9) == 0)
    return NULL;
  UErrorCode status = U_ZERO_ERROR;
  const char *known = ucnv_getStandardName (declared, "MIME", &status);
  if (U_SUCCESS (status) && known != NULL
      && (strcmp (known, "ISO-8859-1") == 0 || strcmp (known, "US-ASCII") == 0))
    return "windows-1252";
  status = U_ZERO_ERROR;
  return ucnv_countAliases (declared, &status) > 0 ? declared : NULL;
}

char *ingest_decode (const guint8 *data, gsize length, const char *declared)
{
  static const struct
  {
    const char *mark;
    gsize length;
    const char *charset;
  } marks[] = { { "\xEF\xBB\xBF", 3, NULL },
                { "\xFF\xFE\0\0", 4, "UTF-32LE" },
                { "\0\0\xFE\xFF", 4, "UTF-32BE" },
                { "\xFF\xFE", 2, "UTF-16LE" },
                { "\xFE\xFF", 2, "UTF-16BE" } };
  for (gsize i = 0; i < G_N_ELEMENTS (marks); i++)
    if (length >= marks[i].length && memcmp (data, marks[i].mark, marks[i].length) == 0)
      {
        if (marks[i].charset != NULL)
          return convert (data + marks[i].length, length - marks[i].length, marks[i].charset);
        data += marks[i].length;
        length -= marks[i].length;
        break;
      }
  const char *wide = unmarked_wide (data, length);
  if (wide != NULL)
    return convert (data, length, wide);
  if (is_binary (data, length))
    return NULL;
  /* Japanese mail in ISO-2022 is seven bits wide and shifts by escapes. */
  if (memchr (data, '\033', length) == NULL
      && g_utf8_validate_len ((const char *)data, length, NULL))
    return ingest_prose_clean ((const char *)data, length);
  const char *known = usable_charset (declared);
  g_autofree char *detected = known == NULL ? detect (data, length) : NULL;
  const char *charset = known != NULL ? known : detected;
  char *text = charset != NULL ? convert (data, length, charset) : NULL;
  return text != NULL ? text : convert (data, length, "windows-1252");
}

/* Makes text of unknown origin harmless for a terminal.
 *
 * A document may hold escape sequences that retitle the window or answer for the user, and
 * characters that turn, hide or reorder what is read. In: any bytes. Out: UTF-8 in which each of
 * these is spelled out, so that the reader sees that something is there. The idea: decide by
 * Unicode category, not by a list of known attacks. */
#include <string.h>

#include "cli-private.h"

/* Letters by category, blank by sight. */
static gboolean is_invisible_letter (gunichar c)
{
  return c == 0x034F || c == 0x115F || c == 0x1160 || c == 0x17B4 || c == 0x17B5 || c == 0x3164
         || c == 0xFFA0;
}

static gboolean is_hazardous (gunichar c, gboolean keep_lines)
{
  if (keep_lines && (c == '\n' || c == '\t'))
    return FALSE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL: /* C0, DEL, C1 */
    case G_UNICODE_FORMAT:  /* bidi, zero width, tags, byte order mark */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return TRUE;
    default:
      return is_invisible_letter (c);
    }
}

static char *escape (const char *text, gboolean keep_lines)
{
  GString *out = g_string_new (NULL);
  const char *p = text;
  while (*p != '\0')
    {
      const gunichar c = g_utf8_get_char_validated (p, -1);
      if (c == (gunichar)-1 || c == (gunichar)-2)
        {
          g_string_append_printf (out, "<0x%02X>", (guchar)*p++);
          continue;
        }
      if (c == 0x00AD)
        ; /* a soft hyphen only says where a word may be broken */
      else if (is_hazardous (c, keep_lines))
        g_string_append_printf (out, "<U+%04X>", c);
      else
        g_string_append_unichar (out, c);
      p = g_utf8_next_char (p);
    }
  return g_string_free (out, FALSE);
}

char *cli_escape_line (const char *text)
{
  return escape (text, FALSE);
}

char *cli_escape_text (const char *text)
{
  return escape (text, TRUE);
}

static guint char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint cli_text_width (const char *text)
{
  guint width = 0;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    width += char_width (g_utf8_get_char (p));
  return width;
}

char *cli_shorten (const char *text, guint width)
{
  if (cli_text_width (text) <= width)
    return g_strdup (text);
  guint used = 0;
  const char *p = text;
  for (; *p != '\0'; p = g_utf8_next_char (p))
    {
      const guint w = char_width (g_utf8_get_char (p));
      if (used + w + 1 > width)
        break;
      used += w;
    }
  return g_strdup_printf ("%.*s%s", (int)(p - text), text, width > 0 ? "…" : "");
}

/* Numbers as lists count: decimal, Roman, in letters. Word and OpenDocument say the same of their
 * lists, under different names. */
#include "ingest/list-number-private.h"

static char *roman (guint number)
{
  static const struct
  {
    guint value;
    const char *digits;
  } parts[] = { { 1000, "m" }, { 900, "cm" }, { 500, "d" }, { 400, "cd" }, { 100, "c" },
                { 90, "xc" },  { 50, "l" },   { 40, "xl" }, { 10, "x" },   { 9, "ix" },
                { 5, "v" },    { 4, "iv" },   { 1, "i" } };
  GString *out = g_string_new (NULL);
  number = MIN (number, 3999);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    for (; number >= parts[i].value; number -= parts[i].value)
      g_string_append (out, parts[i].digits);
  return g_string_free (out, FALSE);
}

char *ingest_format_number (guint number, const char *format)
{
  g_autofree char *lower = NULL;
  if (g_str_has_suffix (format, "Roman"))
    lower = roman (number);
  else if (g_str_has_suffix (format, "Letter"))
    lower = g_strnfill (MIN ((number + 25) / 26, 10), 'a' + (number + 25) % 26);
  else
    return g_strdup_printf ("%u", number);
  return *format == 'u' ? g_ascii_strup (lower, -1) : g_steal_pointer (&lower);
}

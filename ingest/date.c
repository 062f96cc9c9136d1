/* Dates as files spell them. Feeds and mail write RFC 822 ("Tue, 03 Jun 2003 09:39:21 GMT"), all
 * others some ISO 8601; what an answer wants to say is the day. In comes either, out comes
 * "2003-06-03". */
#include "ingest/parse-private.h"

#include <string.h>

static char *format_day (gint64 year, gint64 month, gint64 day)
{
  if (year < 1900 || year > 2200 || month < 1 || month > 12 || day < 1
      || !g_date_valid_dmy (day, month, year))
    return NULL;
  return g_strdup_printf ("%04d-%02d-%02d", (int)year, (int)month, (int)day);
}

/* "2003-06-03T…", "2003-06", "20030603"; a missing day is the first. */
static char *parse_iso (const char *text)
{
  gsize digits = strspn (text, "0123456789");
  if (digits == 8)
    return format_day (g_ascii_strtoll (text, NULL, 10) / 10000,
                       g_ascii_strtoll (text, NULL, 10) / 100 % 100,
                       g_ascii_strtoll (text, NULL, 10) % 100);
  if (digits != 4 || text[4] != '-')
    return NULL;
  gsize month_digits = strspn (text + 5, "0123456789");
  if (month_digits == 0 || month_digits > 2)
    return NULL;
  const char *after = text + 5 + month_digits;
  gint64 day = *after == '-' ? g_ascii_strtoll (after + 1, NULL, 10) : 1;
  return format_day (g_ascii_strtoll (text, NULL, 10), g_ascii_strtoll (text + 5, NULL, 10), day);
}

static gint64 month_of (const char *name)
{
  static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  g_autofree char *key = g_ascii_strdown (name, 3);
  const char *at = strlen (key) == 3 ? strstr (months, key) : NULL;
  return at != NULL && (at - months) % 3 == 0 ? (at - months) / 3 + 1 : 0;
}

/* [weekday,] day month year, with blanks or hyphens between them. */
static char *parse_rfc822 (const char *text)
{
  const char *comma = strchr (text, ',');
  const char *at = comma != NULL ? comma + 1 : text;
  at += strspn (at, " \t");
  char *rest = NULL;
  gint64 day = g_ascii_strtoll (at, &rest, 10);
  if (rest == at || day < 1 || day > 31)
    return NULL;
  rest += strspn (rest, " \t-");
  gint64 month = month_of (rest);
  rest += strcspn (rest, " \t-");
  rest += strspn (rest, " \t-");
  gsize digits = strspn (rest, "0123456789");
  gint64 year = g_ascii_strtoll (rest, NULL, 10);
  if (digits == 2)
    year += year < 70 ? 2000 : 1900;
  return month > 0 && (digits == 2 || digits == 4) ? format_day (year, month, day) : NULL;
}

char *ingest_parse_date (const char *text)
{
  if (text == NULL)
    return NULL;
  g_autofree char *plain = g_strstrip (g_strdup (text));
  char *day = parse_iso (plain);
  return day != NULL ? day : parse_rfc822 (plain);
}

/* Small words and figures in the form that people read: sizes, counts, durations, pages, names.
 *
 * In: numbers and paths as the other rooms give them. Out: short strings, escaped where they came
 * from outside. Colours are off unless standard output is a terminal and NO_COLOR is unset. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli-private.h"

static gboolean window_size (struct winsize *ret_size)
{
  return isatty (STDOUT_FILENO) && ioctl (STDOUT_FILENO, TIOCGWINSZ, ret_size) == 0;
}

/* Lines longer than this tire the eye, however wide the window is. */
#define WIDEST_COLUMNS 100
#define NARROWEST_COLUMNS 30

guint cli_width (void)
{
  struct winsize size;
  guint64 columns = 0;
  if (window_size (&size))
    columns = size.ws_col > 0 ? size.ws_col : 80;
  else if (!g_ascii_string_to_unsigned (g_getenv ("COLUMNS") ? g_getenv ("COLUMNS") : "", 10, 1,
                                        10000, &columns, NULL))
    return 0;
  return CLAMP (columns, NARROWEST_COLUMNS, WIDEST_COLUMNS);
}

guint cli_height (void)
{
  struct winsize size;
  return window_size (&size) && size.ws_row > 0 ? size.ws_row : 24;
}

/* Terminals that say so put the background's palette number last: COLORFGBG="0;15". */
static gboolean on_light (void)
{
  const char *colours = g_getenv ("COLORFGBG");
  const char *background = colours != NULL ? strrchr (colours, ';') : NULL;
  return background != NULL
         && (strcmp (background + 1, "15") == 0 || strcmp (background + 1, "7") == 0);
}

const char *cli_style (const CliOptions *options, CliStyle style)
{
  static const char *const on_dark_sequences[] = {
    [CLI_PLAIN] = "\033[0m",  [CLI_BOLD] = "\033[1m",    [CLI_DIM] = "\033[2m",
    [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m", [CLI_RED] = "\033[31m",
  };
  /* Faint and yellow vanish on white: grey, brown and darker shades of the 256 colours. */
  static const char *const on_light_sequences[] = {
    [CLI_PLAIN] = "\033[0m",       [CLI_BOLD] = "\033[1m",         [CLI_DIM] = "\033[38;5;240m",
    [CLI_GREEN] = "\033[38;5;28m", [CLI_YELLOW] = "\033[38;5;94m", [CLI_RED] = "\033[38;5;124m",
  };
  if (!options->colour)
    return "";
  return on_light () ? on_light_sequences[style] : on_dark_sequences[style];
}

char *cli_format_bytes (guint64 bytes)
{
  static const char *const units[] = { "kB", "MB", "GB", "TB" };
  if (bytes < 1000)
    return g_strdup_printf ("%u bytes", (guint)bytes);
  double value = bytes / 1000.0;
  guint unit = 0;
  for (; value >= 999.5 && unit + 1 < G_N_ELEMENTS (units); unit++)
    value /= 1000.0;
  return g_strdup_printf (value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

char *cli_format_count (guint64 n)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, n);
  GString *out = g_string_new (digits);
  for (gssize at = (gssize)out->len - 3; at > 0; at -= 3)
    g_string_insert_c (out, at, ',');
  return g_string_free (out, FALSE);
}

char *cli_format_duration (double seconds)
{
  if (seconds < 0.95)
    return g_strdup_printf ("%.1f s", MAX (seconds, 0));
  if (seconds < 99.5)
    return g_strdup_printf ("%.0f s", seconds);
  const guint64 minutes = (guint64)(seconds / 60 + .5);
  if (minutes < 60)
    return g_strdup_printf ("%u min", (guint)minutes);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " h %02u min", minutes / 60, (guint)(minutes % 60));
}

char *cli_format_plural (guint64 n, const char *one, const char *many)
{
  g_autofree char *count = cli_format_count (n);
  return g_strdup_printf ("%s %s", count, n == 1 ? one : many);
}

char *cli_short_path (const char *path)
{
  const char *home = g_get_home_dir ();
  const gsize length = strlen (home);
  g_autofree char *escaped = cli_escape_line (path);
  if (length > 1 && g_str_has_prefix (path, home) && path[length] == '/')
    {
      g_autofree char *rest = cli_escape_line (path + length);
      return g_strconcat ("~", rest, NULL);
    }
  return g_steal_pointer (&escaped);
}

char *cli_document_name (const CliOptions *options, const char *path)
{
  if (options->verbose)
    return cli_short_path (path);
  g_autofree char *base = g_path_get_basename (path);
  return cli_escape_line (base);
}

const char *cli_ocr_mark (gboolean ocr)
{
  return ocr ? " (read by OCR)" : "";
}

char *cli_page_name (guint page, const char *label)
{
  if (page == 0)
    return g_strdup ("");
  g_autofree char *number = g_strdup_printf ("%u", page);
  if (label == NULL || *label == '\0' || g_strcmp0 (label, number) == 0)
    return g_strdup_printf ("p. %s", number);
  g_autofree char *escaped = cli_escape_line (label);
  return g_strdup_printf ("p. %s (%s)", escaped, number);
}

/* Numbers as lists count. */
#pragma once

#include <glib.h>

/* NUMBER as "lowerRoman" (iv), "upperRoman", "lowerLetter" (c, aa), "upperLetter", else decimal. */
char *ingest_format_number (guint number, const char *format);

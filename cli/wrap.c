/* Fills lines word by word, so that answers and passages fit the terminal's width.
 *
 * Text may come in pieces of any size, as a model writes it: a word is held back until its end is
 * known, everything before it is on the screen. Line breaks in the text are kept. Without a
 * terminal lines stay whole, so that grep finds a phrase. Everything is escaped on the way. */
#include <string.h>

#include "cli-private.h"

void cli_wrap_begin (CliWrap *wrap, const CliOptions *options, FILE *out, guint indent)
{
  *wrap = (CliWrap){ .options = options, .out = out, .indent = indent,
                     .width = options->plain ? 0 : cli_width () };
  wrap->word = g_string_new (NULL);
}

static void new_line (CliWrap *wrap)
{
  fputc ('\n', wrap->out);
  wrap->lines++;
  wrap->column = 0;
  wrap->space = FALSE;
}

static void set_style (CliWrap *wrap, CliStyle style)
{
  if (wrap->shown_style == style)
    return;
  if (wrap->shown_style != CLI_PLAIN)
    fputs (cli_style (wrap->options, CLI_PLAIN), wrap->out);
  if (style != CLI_PLAIN)
    fputs (cli_style (wrap->options, style), wrap->out);
  wrap->shown_style = style;
}

static void flush_word (CliWrap *wrap)
{
  if (wrap->word->len == 0)
    return;
  for (; wrap->newlines > 0; wrap->newlines--)
    new_line (wrap);
  if (wrap->column > 0 && wrap->width > 0
      && wrap->column + wrap->space + wrap->word_width > wrap->width)
    new_line (wrap);
  if (wrap->column == 0)
    {
      fprintf (wrap->out, "%*s", (int)wrap->indent, "");
      wrap->column = wrap->indent;
    }
  else if (wrap->space)
    {
      fputc (' ', wrap->out);
      wrap->column++;
    }
  set_style (wrap, wrap->style);
  fwrite (wrap->word->str, 1, wrap->word->len, wrap->out);
  wrap->column += wrap->word_width;
  wrap->space = FALSE;
  wrap->started = TRUE;
  wrap->word_width = 0;
  g_string_truncate (wrap->word, 0);
}

static void take_char (CliWrap *wrap, gunichar c)
{
  if (c == '\n')
    {
      flush_word (wrap);
      if (wrap->started && wrap->newlines < (wrap->dense ? 1 : 2))
        wrap->newlines++;
    }
  else if (c == ' ' || c == '\t')
    {
      flush_word (wrap);
      wrap->space = TRUE;
      if (c == '\t' && wrap->column > 0 && wrap->newlines == 0) /* cells of a table's row */
        {
          fputs ("  ", wrap->out);
          wrap->column += 2;
        }
    }
  else
    {
      g_string_append_unichar (wrap->word, c);
      wrap->word_width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
}

void cli_wrap_text (CliWrap *wrap, CliStyle style, const char *text, gssize length)
{
  g_autofree char *piece = length < 0 ? g_strdup (text) : g_strndup (text, length);
  g_autofree char *safe = cli_escape_text (piece);
  if (style != wrap->style)
    {
      flush_word (wrap);
      wrap->style = style;
    }
  for (const char *p = safe; *p != '\0'; p = g_utf8_next_char (p))
    take_char (wrap, g_utf8_get_char (p));
}

void cli_wrap_end (CliWrap *wrap)
{
  flush_word (wrap);
  set_style (wrap, CLI_PLAIN);
  if (wrap->column > 0)
    new_line (wrap);
  g_string_free (wrap->word, TRUE);
  wrap->word = NULL;
}

void cli_print_wrapped (const CliOptions *options, guint indent, CliStyle style, const char *text)
{
  CliWrap wrap;
  cli_wrap_begin (&wrap, options, stdout, indent);
  cli_wrap_text (&wrap, style, text, -1);
  cli_wrap_end (&wrap);
}

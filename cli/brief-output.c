/* Puts a brief where it is wanted, in the form that is wanted; for `digest` and `dossier`. */
#include <string.h>

#include "brief-private.h"

gboolean cli_brief_format (const char *name, const char *output, gboolean mail,
                           BriefFormat *ret_format, GError **error)
{
  static const struct
  {
    const char *name, *ending;
  } formats[] = { { "text", ".txt" }, { "markdown", ".md" }, { "html", ".html" }, { "pdf", ".pdf" }, { "mail", ".eml" } };
  *ret_format = BRIEF_TEXT;
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      if (i == BRIEF_MAIL && !mail)
        continue;
      const gboolean named = name != NULL && strcmp (name, formats[i].name) == 0;
      const gboolean ends
          = name == NULL && output != NULL && g_str_has_suffix (output, formats[i].ending);
      if (named || ends)
        {
          *ret_format = i;
          return TRUE;
        }
    }
  if (name == NULL)
    return TRUE;
  g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE, "--format takes text, markdown, html%s, not “%s”",
               mail ? ", pdf or mail" : " or pdf", name);
  return FALSE;
}

static GBytes *bytes_of (const RagBrief *brief, BriefFormat format, const CliMail *mail,
                         GError **error)
{
  char *text = NULL;
  switch (format)
    {
    case BRIEF_MAIL:
      return cli_brief_mail (brief, mail, error);
    case BRIEF_PDF:
      return cli_brief_pdf (brief, error);
    case BRIEF_HTML:
      text = cli_brief_html (brief);
      break;
    case BRIEF_MARKDOWN:
      text = cli_brief_markdown (brief, TRUE);
      break;
    case BRIEF_TEXT:
      text = cli_brief_markdown (brief, FALSE);
      break;
    }
  return g_bytes_new_take (text, strlen (text));
}

gboolean cli_brief_write (const CliOptions *options, const RagBrief *brief, BriefFormat format,
                          const CliMail *mail, const char *output, GError **error)
{
  if (options->json)
    {
      cli_brief_json (brief);
      return TRUE;
    }
  if (format == BRIEF_TEXT && output == NULL)
    {
      cli_brief_print (options, brief);
      return TRUE;
    }
  g_autoptr (GBytes) bytes = bytes_of (brief, format, mail, error);
  if (bytes == NULL)
    return FALSE;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  if (output != NULL)
    return g_file_set_contents_full (output, data, (gssize)size, G_FILE_SET_CONTENTS_CONSISTENT,
                                     0600, error);
  fwrite (data, 1, size, stdout);
  return TRUE;
}

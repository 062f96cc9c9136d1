/* A brief as one HTML page, for a browser or a mail program.
 *
 * In: a brief whose text came from documents. Out: a page without scripts, pictures, fonts or styles
 * that would be fetched; all text is escaped, and the only links are those to the sources. */
#include <string.h>

#include "brief-private.h"

static char *html_text (const char *text)
{
  g_autofree char *safe = cli_escape_line (text);
  return g_markup_escape_text (safe, -1);
}

char *cli_citation_uri (const RagCitation *citation)
{
  const char *document = citation->document;
  if (g_str_has_prefix (document, "https://") || g_str_has_prefix (document, "http://"))
    return g_uri_escape_string (document, ":/?#[]@!$&'()*+,;=%", FALSE);
  if (!g_path_is_absolute (document))
    return NULL;
  g_autofree char *uri = g_filename_to_uri (document, NULL, NULL);
  if (uri == NULL || citation->page <= 1)
    return g_steal_pointer (&uri);
  return g_strdup_printf ("%s#page=%u", uri, citation->page);
}

static const char head[]
    = "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n";

/* Mail programs drop style sheets: what matters is said in the elements. */
static const char style[]
    = "<style>\n"
      "body { font: 1em/1.5 Georgia, serif; max-width: 40em; margin: 2em auto; padding: 0 1em;\n"
      "  overflow-wrap: anywhere; }\n"
      "h1, h2 { font-family: sans-serif; line-height: 1.2; }\n"
      "h2 { font-size: 1.1em; margin: 1.6em 0 .4em; }\n"
      "ul { margin: 0; padding-left: 1.2em; }\n"
      "small, ol { color: GrayText; font-size: .85em; }\n"
      "</style>\n";

static void append_point (GString *out, const RagPoint *point)
{
  g_autofree char *text = html_text (point->text);
  g_string_append_printf (out, point->quoted ? "<li>“%s”" : "<li>%s", text);
  for (guint c = 0; c < point->citations->len; c++)
    {
      const guint n = ((RagCitation *)g_ptr_array_index (point->citations, c))->n;
      g_string_append_printf (out, " <a href=\"#source-%u\">[%u]</a>", n, n);
    }
  g_string_append (out, "</li>\n");
}

static void append_section (GString *out, const RagSection *section)
{
  g_autofree char *title = html_text (section->title);
  g_string_append_printf (out, "<h2>%s</h2>\n", title);
  if (section->points->len == 0)
    {
      g_string_append (out, "<p>Nothing found.</p>\n");
      return;
    }
  g_string_append (out, "<ul>\n");
  for (guint p = 0; p < section->points->len; p++)
    append_point (out, g_ptr_array_index (section->points, p));
  g_string_append (out, "</ul>\n");
}

static void append_source (GString *out, const RagCitation *citation)
{
  g_autofree char *place = cli_citation_place (citation);
  g_autofree char *name = html_text (place);
  g_autofree char *uri = cli_citation_uri (citation);
  g_autofree char *href = uri != NULL ? g_markup_escape_text (uri, -1) : NULL;
  g_autofree char *quote = html_text (citation->quote != NULL ? citation->quote : "");
  g_string_append_printf (out, "<li id=\"source-%u\" value=\"%u\">", citation->n, citation->n);
  if (href != NULL)
    g_string_append_printf (out, "<a href=\"%s\" rel=\"noreferrer\">%s</a>", href, name);
  else
    g_string_append (out, name);
  g_string_append_printf (out, ": “%s”</li>\n", quote);
}

char *cli_brief_html (const RagBrief *brief)
{
  g_autoptr (GString) out = g_string_new (head);
  g_autofree char *title = html_text (brief->title);
  g_string_append_printf (out, "<title>%s</title>\n%s</head>\n<body>\n<h1>%s</h1>\n", title, style,
                          title);
  for (guint s = 0; s < brief->sections->len; s++)
    append_section (out, g_ptr_array_index (brief->sections, s));
  g_autoptr (GPtrArray) sources = cli_brief_sources (brief);
  if (sources->len > 0)
    g_string_append (out, "<h2>Sources</h2>\n<ol>\n");
  for (guint i = 0; i < sources->len; i++)
    append_source (out, g_ptr_array_index (sources, i));
  g_string_append (out, sources->len > 0 ? "</ol>\n" : "");
  for (guint i = 0; i < brief->notes->len; i++)
    {
      g_autofree char *note = html_text (g_ptr_array_index (brief->notes, i));
      g_string_append_printf (out, "<p><small>%s</small></p>\n", note);
    }
  g_autofree char *figures = cli_brief_figures (brief);
  if (figures != NULL)
    g_string_append_printf (out, "<p><small>%s</small></p>\n", figures);
  g_string_append (out, "</body>\n</html>\n");
  return g_strdup (out->str);
}

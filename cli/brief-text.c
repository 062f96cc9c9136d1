/* A brief as text: on the terminal, as Markdown, as JSON.
 *
 * In: sections of statements with their citations. Out: the statements with the numbers of their
 * sources, and the sources with the sentence that proves each, as it stands on the page. */
#include <math.h>
#include <string.h>

#include "brief-private.h"

static gint compare_numbers (gconstpointer a, gconstpointer b)
{
  const RagCitation *first = *(RagCitation *const *)a, *second = *(RagCitation *const *)b;
  return (first->n > second->n) - (first->n < second->n);
}

GPtrArray *cli_brief_sources (const RagBrief *brief)
{
  GPtrArray *sources = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      for (guint p = 0; p < section->points->len; p++)
        {
          const RagPoint *point = g_ptr_array_index (section->points, p);
          for (guint c = 0; c < point->citations->len; c++)
            {
              RagCitation *citation = g_ptr_array_index (point->citations, c);
              if (g_hash_table_add (seen, GUINT_TO_POINTER (citation->n)))
                g_ptr_array_add (sources, citation);
            }
        }
    }
  g_ptr_array_sort (sources, compare_numbers);
  return sources;
}

char *cli_citation_place (const RagCitation *citation)
{
  const gboolean web = strstr (citation->document, "://") != NULL;
  g_autofree char *name
      = web ? g_strdup (citation->document) : g_path_get_basename (citation->document);
  g_autofree char *safe = cli_escape_line (name);
  g_autofree char *page = web ? g_strdup ("") : cli_page_name (citation->page, citation->page_label);
  return g_strdup_printf ("%s%s%s", safe, *page != '\0' ? ", " : "", page);
}

char *cli_brief_figures (const RagBrief *brief)
{
  g_autoptr (GString) line = g_string_new (NULL);
  if (brief->written > 0)
    {
      g_autofree char *written = cli_format_plural (brief->written, "sentence", "sentences");
      g_string_append_printf (line, "A model wrote %s; %u left out: the documents do not say so.",
                              written, brief->struck);
    }
  if (!isnan (brief->reading_ease))
    g_string_append_printf (line, "%sReading ease %.0f (Flesch; 60 to 70 is plain).",
                            line->len > 0 ? " " : "", brief->reading_ease);
  return line->len > 0 ? g_strdup (line->str) : NULL;
}

char *cli_brief_point (const RagPoint *point, const char *text)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_append_printf (line, point->quoted ? "“%s”" : "%s", text);
  for (guint c = 0; c < point->citations->len; c++)
    g_string_append_printf (line, "%s[%u]", c == 0 ? " " : "",
                            ((RagCitation *)g_ptr_array_index (point->citations, c))->n);
  return g_strdup (line->str);
}

/* ---- Terminal ---- */

static void print_heading (const CliOptions *options, const char *title)
{
  g_autofree char *safe = cli_escape_line (title);
  printf ("%s%s%s\n", cli_style (options, CLI_BOLD), safe, cli_style (options, CLI_PLAIN));
}

void cli_brief_print (const CliOptions *options, const RagBrief *brief)
{
  print_heading (options, brief->title);
  putchar ('\n');
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      print_heading (options, section->title);
      for (guint p = 0; p < section->points->len; p++)
        {
          const RagPoint *point = g_ptr_array_index (section->points, p);
          g_autofree char *line = cli_brief_point (point, point->text);
          cli_print_wrapped (options, 2, CLI_PLAIN, line);
        }
      if (section->points->len == 0)
        cli_print_wrapped (options, 2, CLI_DIM, "Nothing found.");
      putchar ('\n');
    }
  g_autoptr (GPtrArray) sources = cli_brief_sources (brief);
  if (sources->len > 0)
    cli_print_citations (options, sources);
  for (guint i = 0; i < brief->notes->len; i++)
    cli_print_wrapped (options, 0, CLI_DIM, g_ptr_array_index (brief->notes, i));
  g_autofree char *figures = cli_brief_figures (brief);
  if (figures != NULL && !options->quiet)
    cli_print_wrapped (options, 0, CLI_DIM, figures);
}

/* ---- Markdown ---- */

/* TEXT from a document must not become a heading, a link or HTML. */
static char *markdown_text (const char *text, gboolean escape)
{
  g_autofree char *safe = cli_escape_line (text);
  if (!escape)
    return g_steal_pointer (&safe);
  g_autoptr (GString) out = g_string_new (NULL);
  for (const char *p = safe; *p != '\0'; p++)
    {
      if (strchr ("\\`*_[]<>#|", *p) != NULL)
        g_string_append_c (out, '\\');
      g_string_append_c (out, *p);
    }
  return g_strdup (out->str);
}

static void append_source (GString *out, const RagCitation *citation, gboolean escape)
{
  g_autofree char *place = cli_citation_place (citation);
  g_autofree char *name = markdown_text (place, escape);
  g_autofree char *uri = escape ? cli_citation_uri (citation) : NULL;
  g_autofree char *quote = markdown_text (citation->quote != NULL ? citation->quote : "", escape);
  g_string_append_printf (out, escape ? "\\[%u\\] " : "[%u] ", citation->n);
  g_string_append_printf (out, uri != NULL ? "[%s](<%s>)" : "%s", name, uri);
  g_string_append_printf (out, ": “%s”\n\n", quote);
}

char *cli_brief_markdown (const RagBrief *brief, gboolean escape)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *title = markdown_text (brief->title, escape);
  g_string_append_printf (out, "# %s\n\n", title);
  for (guint s = 0; s < brief->sections->len; s++)
    {
      const RagSection *section = g_ptr_array_index (brief->sections, s);
      g_autofree char *heading = markdown_text (section->title, escape);
      g_string_append_printf (out, "## %s\n\n", heading);
      for (guint p = 0; p < section->points->len; p++)
        {
          const RagPoint *point = g_ptr_array_index (section->points, p);
          g_autofree char *text = markdown_text (point->text, escape);
          g_autofree char *line = cli_brief_point (point, text);
          g_string_append_printf (out, "- %s\n", line);
        }
      g_string_append (out, section->points->len > 0 ? "\n" : "Nothing found.\n\n");
    }
  g_autoptr (GPtrArray) sources = cli_brief_sources (brief);
  if (sources->len > 0)
    g_string_append (out, "## Sources\n\n");
  for (guint i = 0; i < sources->len; i++)
    append_source (out, g_ptr_array_index (sources, i), escape);
  for (guint i = 0; i < brief->notes->len; i++)
    {
      g_autofree char *note = markdown_text (g_ptr_array_index (brief->notes, i), escape);
      g_string_append_printf (out, "%s\n\n", note);
    }
  g_autofree char *figures = cli_brief_figures (brief);
  if (figures != NULL)
    g_string_append_printf (out, "%s\n", figures);
  return g_strdup (out->str);
}

/* ---- JSON ---- */

static void json_section (JsonBuilder *json, const RagSection *section)
{
  cli_json_object (json, NULL);
  cli_json_string (json, "title", section->title);
  cli_json_array (json, "documents");
  for (guint i = 0; i < section->documents->len; i++)
    cli_json_string (json, NULL, g_ptr_array_index (section->documents, i));
  json_builder_end_array (json);
  cli_json_array (json, "points");
  for (guint p = 0; p < section->points->len; p++)
    {
      const RagPoint *point = g_ptr_array_index (section->points, p);
      cli_json_object (json, NULL);
      cli_json_string (json, "text", point->text);
      cli_json_bool (json, "quoted", point->quoted);
      cli_json_citations (json, point->citations);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

void cli_brief_json (const RagBrief *brief)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_string (json, "title", brief->title);
  cli_json_string (json, "date", brief->date);
  cli_json_bool (json, "complete", brief->complete);
  cli_json_array (json, "sections");
  for (guint s = 0; s < brief->sections->len; s++)
    json_section (json, g_ptr_array_index (brief->sections, s));
  json_builder_end_array (json);
  cli_json_array (json, "notes");
  for (guint i = 0; i < brief->notes->len; i++)
    cli_json_string (json, NULL, g_ptr_array_index (brief->notes, i));
  json_builder_end_array (json);
  cli_json_object (json, "sentences");
  cli_json_int (json, "written", brief->written);
  cli_json_int (json, "struck", brief->struck);
  json_builder_end_object (json);
  cli_json_double (json, "reading_ease", brief->reading_ease);
  json_builder_end_object (json);
  cli_json_print (json);
}

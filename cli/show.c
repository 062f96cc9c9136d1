/* docent show DOCUMENT: what was read from a document, passage by passage, with its pages.
 *
 * This is what a question is answered from, so it is where to look when an answer is wrong: at
 * the page of a citation (--page) or for text that was not recognised. */
#include <string.h>

#include "cli-private.h"

static char *pages_text;

const GOptionEntry cli_show_options[] = {
  { "page", 'p', 0, G_OPTION_ARG_FILENAME, &pages_text, "only this page, or pages such as 3-5",
    "N" },
  { NULL },
};

/* "3" or "3-5"; all pages when TEXT is NULL. */
static gboolean parse_pages (const char *text, guint *ret_first, guint *ret_last)
{
  if (text == NULL)
    {
      *ret_first = *ret_last = 0;
      return TRUE;
    }
  g_auto (GStrv) parts = g_strsplit (text, "-", 2);
  guint64 first = 0, last = 0;
  if (parts[0] == NULL || !g_ascii_string_to_unsigned (parts[0], 10, 1, G_MAXINT, &first, NULL))
    return FALSE;
  last = first;
  if (parts[1] != NULL && !g_ascii_string_to_unsigned (parts[1], 10, first, G_MAXINT, &last, NULL))
    return FALSE;
  *ret_first = first;
  *ret_last = last;
  return TRUE;
}

static void passage_members (JsonBuilder *json, gconstpointer element)
{
  const RagHit *passage = element;
  cli_json_int (json, "page", passage->page);
  cli_json_int (json, "last_page", passage->last_page);
  cli_json_string (json, "page_label", passage->page_label);
  cli_json_string (json, "section", passage->section);
  cli_json_string (json, "text", passage->text);
  cli_json_bool (json, "hidden", passage->hidden);
  cli_json_bool (json, "ocr", passage->ocr);
}

static void print_json (const RagDocument *document, const GPtrArray *passages)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  cli_json_object (json, NULL);
  cli_json_document (json, document);
  cli_json_objects (json, "passages", passages, passage_members);
  json_builder_end_object (json);
  cli_json_print (json);
}

static void print_document (const CliOptions *options, const RagDocument *document)
{
  g_autofree char *title = cli_escape_line (document->title != NULL ? document->title : "");
  g_autofree char *path = cli_short_path (document->path);
  g_autofree char *pages = cli_format_plural (document->n_pages, "page", "pages");
  g_autofree char *chunks = cli_format_plural (document->n_chunks, "passage", "passages");
  printf ("%s%s%s\n%s\n%s, %s", cli_style (options, CLI_BOLD), title,
          cli_style (options, CLI_PLAIN), path, pages, chunks);
  if (document->language != NULL)
    printf (", language %s", document->language);
  puts ("");
  if (document->failure != NULL)
    {
      putchar ('\n');
      cli_print_wrapped (options, 0, CLI_YELLOW, document->failure);
    }
}

/* A rule for every new page, a line for every new section, then the text. */
static void print_passages (const CliOptions *options, const GPtrArray *passages)
{
  guint page = 0;
  const char *section = "";
  for (guint i = 0; i < passages->len; i++)
    {
      const RagHit *passage = g_ptr_array_index (passages, i);
      if (passage->page != page)
        {
          g_autofree char *name = cli_page_name (passage->page, passage->page_label);
          printf ("\n%s-- %s%s --%s\n", cli_style (options, CLI_GREEN), name,
                  cli_ocr_mark (passage->ocr), cli_style (options, CLI_PLAIN));
          page = passage->page;
        }
      if (passage->section != NULL && strcmp (passage->section, section) != 0)
        {
          section = passage->section;
          g_autofree char *safe = cli_escape_line (section);
          printf ("\n%s%s%s\n", cli_style (options, CLI_BOLD), safe,
                  cli_style (options, CLI_PLAIN));
        }
      putchar ('\n');
      if (passage->hidden)
        cli_print_wrapped (options, 2, CLI_YELLOW,
                           "Hidden text, invisible on the page, not used for answers:");
      cli_print_wrapped (options, 2, passage->hidden ? CLI_DIM : CLI_PLAIN, passage->text);
    }
}

CliExit cli_show (const CliOptions *options, int argc, char **argv)
{
  guint first, last;
  if (!parse_pages (pages_text, &first, &last))
    return cli_usage ("show", "--page takes a page such as 3 or pages such as 3-5, not “%s”",
                      pages_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (Rag) rag = cli_open (options, RAG_READ, &error);
  if (rag == NULL)
    return cli_fail (error);
  g_autoptr (RagDocument) document = rag_find (rag, argv[0], &error);
  if (document == NULL)
    return cli_fail (error);
  if (document->n_pages > 0 && first > document->n_pages)
    {
      g_autofree char *name = cli_document_name (options, document->path);
      cli_warn ("%s has %u pages; there is no page %u", name, document->n_pages, first);
      return CLI_REFUSED;
    }
  g_autoptr (GPtrArray) passages = rag_show (rag, document, first, last, &error);
  if (passages == NULL)
    return cli_fail (error);
  if (options->json)
    {
      print_json (document, passages);
      return CLI_DONE;
    }
  print_document (options, document);
  print_passages (options, passages);
  return CLI_DONE;
}

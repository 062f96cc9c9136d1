/* Prints what docent-extract makes of files, for fixtures and benchmarks:
 *
 *   # title: …   # type: …   # language: …   # date: …      (those that are known)
 *   = page N, its label
 *   H1 heading | P paragraph | L list item | T cells | C caption | F footnote | K code | X hidden
 *
 * usage: dump FILE…; line breaks within a block are shown as ⏎. Exit status 1 when one failed. */
#include "ingest/ingest.h"

#include <stdio.h>
#include <string.h>

static void print_field (const char *name, const char *value)
{
  if (value != NULL)
    printf ("# %s: %s\n", name, value);
}

static void print_document (const IngestDocument *document)
{
  static const char kinds[] = "PHLTCFKX";
  guint page = 0;
  print_field ("title", document->title);
  print_field ("type", document->mime_type);
  print_field ("language", document->language);
  print_field ("date", document->date);
  for (guint i = 0; i < document->blocks->len; i++)
    {
      const IngestBlock *block = &g_array_index (document->blocks, IngestBlock, i);
      for (; page < block->page; page++)
        {
          const IngestPage *at = &g_array_index (document->pages, IngestPage, page);
          printf ("= page %u%s%s\n", page + 1, at->label != NULL ? ", " : "",
                  at->label != NULL ? at->label : "");
        }
      g_autofree char *text = g_strndup (document->text + block->start, block->end - block->start);
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
      g_autofree char *line = g_strjoinv ("⏎", lines);
      printf ("%c", kinds[block->kind]);
      if (block->level > 0)
        printf ("%u", block->level);
      printf (" %s\n", line);
    }
}

int main (int argc, char **argv)
{
  int status = 0;
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;
      if (argc > 2)
        printf ("## %s\n", argv[i]);
      g_autoptr (IngestDocument) document = ingest_extract (argv[i], NULL, NULL, &error);
      if (document != NULL)
        print_document (document);
      else
        printf ("! %s\n", error->message);
      status = document != NULL ? status : 1;
    }
  return status;
}

/* An IngestDocument under construction and its end. Parsers say "page" and "block"; this file
 * keeps the text, the separators and the offsets into it consistent, so nobody else counts bytes.
 * Pages own the separator that precedes their first block's text, and blocks never touch. */
#include "ingest/document-private.h"
#include "ingest/prose-private.h"

#include <string.h>

static void page_clear (gpointer data)
{
  g_free (((IngestPage *)data)->label);
}

IngestDocument *ingest_document_new (const char *mime_type)
{
  IngestDocument *document = g_new0 (IngestDocument, 1);
  document->mime_type = g_strdup (mime_type);
  document->pages = g_array_new (FALSE, TRUE, sizeof (IngestPage));
  g_array_set_clear_func (document->pages, page_clear);
  document->blocks = g_array_new (FALSE, TRUE, sizeof (IngestBlock));
  document->text = g_strdup ("");
  return document;
}

void ingest_document_free (IngestDocument *document)
{
  if (document == NULL)
    return;
  g_free (document->title);
  g_free (document->mime_type);
  g_free (document->language);
  g_free (document->date);
  g_free (document->text);
  g_array_unref (document->pages);
  g_array_unref (document->blocks);
  g_free (document);
}

/* Grows by doubling: the allocated size is the next power of two, so it need not be stored. */
static void append (IngestDocument *document, const char *text, gsize length)
{
  gsize old = document->text_length;
  gsize capacity = 1;
  while (capacity <= old)
    capacity *= 2;
  if (old + length >= capacity)
    {
      while (capacity <= old + length)
        capacity *= 2;
      document->text = g_realloc (document->text, capacity);
    }
  memcpy (document->text + old, text, length);
  document->text_length = old + length;
  document->text[document->text_length] = '\0';
}

void ingest_document_add_page (IngestDocument *document, const char *label, float width,
                               float height, float quality)
{
  ingest_document_finish (document);
  IngestPage page = { .label = g_strdup (label),
                      .width = width,
                      .height = height,
                      .quality = quality,
                      .start = document->text_length,
                      .end = document->text_length };
  g_array_append_val (document->pages, page);
}

void ingest_document_finish (IngestDocument *document)
{
  if (document->pages->len > 0)
    ingest_document_page (document, document->pages->len - 1)->end = document->text_length;
}

static void add_piece (IngestDocument *document, IngestBlockKind kind, guint level,
                       const IngestBox *box, const char *text, gsize length)
{
  guint n = document->blocks->len;
  gboolean row_after_row = kind == INGEST_BLOCK_TABLE_ROW && n > 0
                           && ingest_document_block (document, n - 1)->kind == kind;
  if (n > 0)
    append (document, "\n\n", row_after_row ? 1 : 2);
  IngestPage *page = ingest_document_page (document, document->pages->len - 1);
  gboolean first_on_page
      = n == 0 || ingest_document_block (document, n - 1)->page != document->pages->len;
  if (first_on_page)
    page->start = document->text_length;
  IngestBlock block = { .kind = kind,
                        .level = kind == INGEST_BLOCK_HEADING ? CLAMP (level, 1, 6) : 0,
                        .page = document->pages->len,
                        .start = document->text_length };
  if (box != NULL)
    block.box = *box;
  append (document, text, length);
  block.end = document->text_length;
  g_array_append_val (document->blocks, block);
  page->end = document->text_length;
}

/* The last white space within the first INGEST_BLOCK_MAX_BYTES, else the last character border. */
static gsize split_point (const char *text)
{
  gsize at = INGEST_BLOCK_MAX_BYTES;
  for (gsize i = at; i > at / 2; i--)
    if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t')
      return i;
  while ((text[at] & 0xC0) == 0x80)
    at--;
  return at;
}

void ingest_document_add_block (IngestDocument *document, IngestBlockKind kind, guint level,
                                const IngestBox *box, const char *text, gssize length)
{
  gsize left = length < 0 ? strlen (text) : (gsize)length;
  gboolean keep_indent = kind == INGEST_BLOCK_CODE;
  const char *blanks = keep_indent ? "\n" : " \n\t";
  g_return_if_fail (document->pages->len > 0);
  while (TRUE)
    {
      /* A row may begin with an empty cell: its tab stays. */
      while (left > 0 && strchr (kind == INGEST_BLOCK_TABLE_ROW ? " \n" : blanks, *text) != NULL)
        text++, left--;
      while (left > 0 && strchr (" \n\t", text[left - 1]) != NULL)
        left--;
      if (left == 0)
        return;
      gsize piece = left > INGEST_BLOCK_MAX_BYTES ? split_point (text) : left;
      add_piece (document, kind, level, box, text, piece);
      text += piece;
      left -= piece;
    }
}

void ingest_document_add_text (IngestDocument *document, IngestBlockKind kind, guint level,
                               const char *text)
{
  g_autofree char *clean = ingest_prose_clean (text, -1);
  if (kind == INGEST_BLOCK_HEADING)
    ingest_prose_squeeze (clean);
  else if (kind != INGEST_BLOCK_TABLE_ROW)
    ingest_prose_trim_lines (clean);
  ingest_document_add_block (document, kind, level, NULL, clean, -1);
}

void ingest_document_append (IngestDocument *document, const IngestDocument *part,
                             const char *name)
{
  guint page = 0;
  for (guint i = 0; i < part->blocks->len; i++)
    {
      const IngestBlock *block = ingest_document_block (part, i);
      for (; page < block->page; page++)
        {
          const IngestPage *from = ingest_document_page (part, page);
          const char *label = from->label == NULL && part->pages->len == 1 ? name : from->label;
          ingest_document_add_page (document, label, from->width, from->height, from->quality);
          ingest_document_page (document, document->pages->len - 1)->source = from->source;
        }
      if (i == 0)
        ingest_document_add_text (document, INGEST_BLOCK_HEADING, 1, name);
      ingest_document_add_block (document, block->kind, block->level > 0 ? block->level + 1 : 0,
                                 &block->box, part->text + block->start, block->end - block->start);
    }
}

guint ingest_count_pictures (const IngestDocument *document)
{
  guint n = 0;
  for (guint i = 0; i < document->pages->len; i++)
    n += ingest_document_page (document, i)->source == INGEST_PAGE_PICTURE;
  return n;
}

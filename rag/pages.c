/* Cuts chunks at page borders, so that every passage is on one page and a citation cannot name the
 * wrong one.
 *
 * In come chunks that may run over a border, out come pieces that do not. A sentence that runs over
 * belongs to the page on which it begins, because that is where a reader looks for it. The border
 * is found by counting what stands behind it: white space differs between a chunk and its document,
 * and a repeated header row stands in front, but the letters up to the chunk's end are the same. */
#include "rag/rag-private.h"

#include <string.h>

static gsize count_black (const char *text, gsize start, gsize end)
{
  gsize n = 0;
  for (gsize i = start; i < end; i++)
    n += !g_ascii_isspace (text[i]);
  return n;
}

/* Where in CHUNK's text PAGE begins; its length when nothing of the page is in it. */
static gsize find_border (const IngestDocument *document, const IngestChunk *chunk, guint page)
{
  const IngestPage *at = &g_array_index (document->pages, IngestPage, page - 1);
  gsize offset = strlen (chunk->text);
  if (at->start >= chunk->end || chunk->end > document->text_length)
    return offset;
  for (gsize behind = count_black (document->text, at->start, chunk->end);
       behind > 0 && offset > 0;)
    behind -= !g_ascii_isspace (chunk->text[--offset]);
  return offset;
}

/* Number of the first sentence that begins at OFFSET or after it. */
static guint sentence_from (const IngestChunk *chunk, gsize offset)
{
  guint i = 0;
  while (i < chunk->sentences->len
         && g_array_index (chunk->sentences, IngestSentence, i).start < offset)
    i++;
  return i;
}

/* The sentences [first, end) of CHUNK, which lie on PAGE. */
static IngestChunk *piece_of (const IngestChunk *chunk, guint first, guint end, guint page)
{
  const IngestSentence *sentences = (const IngestSentence *)chunk->sentences->data;
  guint from = sentences[first].start, to = sentences[end - 1].end;
  IngestChunk *piece = g_new0 (IngestChunk, 1);
  piece->id = first == 0 ? g_strdup (chunk->id) : g_strdup_printf ("%s-%u", chunk->id, page);
  piece->text = g_strndup (chunk->text + from, to - from);
  piece->section = g_strdup (chunk->section);
  piece->language = g_strdup (chunk->language);
  piece->hidden = chunk->hidden;
  piece->ocr = chunk->ocr;
  piece->first_page = piece->last_page = page;
  piece->start = chunk->start + from;
  piece->end = MIN (chunk->start + to, chunk->end);
  if (page == chunk->first_page)
    piece->box = chunk->box;
  piece->sentences = g_array_new (FALSE, FALSE, sizeof (IngestSentence));
  for (guint i = first; i < end; i++)
    {
      IngestSentence sentence = { sentences[i].start - from, sentences[i].end - from };
      g_array_append_val (piece->sentences, sentence);
    }
  return piece;
}

static void add_pieces (const IngestDocument *document, const IngestChunk *chunk, GPtrArray *pieces)
{
  guint first = 0;
  for (guint page = chunk->first_page; page <= chunk->last_page; page++)
    {
      guint end = page < chunk->last_page
                      ? sentence_from (chunk, find_border (document, chunk, page + 1))
                      : chunk->sentences->len;
      if (end > first)
        g_ptr_array_add (pieces, piece_of (chunk, first, end, page));
      first = MAX (first, end);
    }
}

GPtrArray *rag_split_at_pages (const IngestDocument *document, GPtrArray *chunks)
{
  GPtrArray *pieces = g_ptr_array_new_with_free_func ((GDestroyNotify)ingest_chunk_free);
  for (guint i = 0; i < chunks->len; i++)
    {
      IngestChunk *chunk = g_ptr_array_index (chunks, i);
      if (chunk->first_page < chunk->last_page && chunk->first_page > 0
          && chunk->last_page <= document->pages->len && chunk->sentences->len > 0)
        add_pieces (document, chunk, pieces);
      else
        g_ptr_array_add (pieces, g_steal_pointer (&chunks->pdata[i]));
    }
  return pieces;
}

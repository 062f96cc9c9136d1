/* Cuts a document into units, the pieces that chunks are packed from. In come blocks, out come
 * sentences, rows and headings that know the section they are in, their span in the document and
 * their size in tokens; none is larger than a chunk may be. Paragraphs that a page break tore apart
 * are read as one here, because a sentence is the least that can be cited. */
#include "ingest/units-private.h"
#include "ingest/prose-private.h"
#include "ingest/sentences-private.h"

#include <string.h>

#define LEVELS 6
#define SEPARATOR " › "

typedef struct
{
  IngestUnits *out;
  const char *language;   /* of the paragraph in work, and of short ones after it */
  IngestBreaker *breaker; /* for it */
  GArray *spans;          /* IngestSentence, reused */
  char *headings[LEVELS]; /* the path to here, by level */
  const char *section;    /* the path as text */
  gsize section_tokens;
  IngestBorder border; /* of the next unit */
  gint header;         /* header unit of the table that we are in, or -1 */
} Cutter;

static gsize count_words (const char *text, gssize length, gpointer user_data)
{
  const char *end = text + (length < 0 ? strlen (text) : (gsize)length);
  gsize words = 0;
  gboolean inside = FALSE;
  for (const char *at = text; at < end; at++)
    {
      gboolean blank = *at == ' ' || *at == '\n' || *at == '\t';
      words += !blank && !inside;
      inside = !blank;
    }
  return (words * 13 + 9) / 10;
}

static gsize count (const IngestUnits *units, const char *text, gssize length)
{
  return units->options.count (text, length, units->options.user_data);
}

/* ---- Sections ---- */

/* The path must leave room for text: its far end goes first, then the end of a giant heading. */
static void fit_section (Cutter *cutter, GString *path)
{
  gsize room = MAX (cutter->out->options.max_tokens / 4, 1);
  while (path->len > 0 && count (cutter->out, path->str, path->len) > room)
    {
      char *cut = strstr (path->str, SEPARATOR);
      if (cut != NULL)
        g_string_erase (path, 0, cut - path->str + strlen (SEPARATOR));
      else
        {
          const char *half = path->str + path->len / 2;
          half = g_utf8_find_prev_char (path->str, half + 1);
          const char *blank = g_strrstr_len (path->str, half - path->str, " ");
          g_string_truncate (path, (blank != NULL ? blank : half) - path->str);
        }
    }
}

static void update_section (Cutter *cutter)
{
  g_autoptr (GString) path = g_string_new (NULL);
  for (guint i = 0; i < LEVELS; i++)
    if (cutter->headings[i] != NULL)
      g_string_append_printf (path, "%s%s", path->len > 0 ? SEPARATOR : "", cutter->headings[i]);
  fit_section (cutter, path);
  cutter->section_tokens = path->len > 0 ? count (cutter->out, path->str, path->len) : 0;
  char *section = g_string_free (g_steal_pointer (&path), FALSE);
  g_ptr_array_add (cutter->out->sections, section);
  cutter->section = section;
}

/* ---- Units ---- */

static IngestUnit *add_unit (Cutter *cutter, const char *text, gsize length, gsize start, gsize end,
                             guint first_block, guint last_block)
{
  IngestUnit unit = { .text = g_strndup (text, length),
                      .section = cutter->section,
                      .section_tokens = cutter->section_tokens,
                      .language = cutter->language,
                      .start = start,
                      .end = end,
                      .first_block = first_block,
                      .last_block = last_block,
                      .tokens = count (cutter->out, text, length),
                      .border = cutter->border,
                      .header = -1 };
  g_array_append_val (cutter->out->units, unit);
  cutter->border = INGEST_BORDER_NONE;
  return ingest_unit (cutter->out, cutter->out->units->len - 1);
}

/* The longest beginning of TEXT that has at most ROOM tokens and ends at white space, at least one
 * character. */
static gsize fitting_length (const IngestUnits *units, const char *text, gsize length, gsize room)
{
  gsize tokens = count (units, text, length);
  while (tokens > room)
    {
      gsize shorter = MIN ((gsize)((double)length * room / tokens), length - 1);
      const char *cut = g_utf8_find_prev_char (text, text + shorter + 1);
      gsize at = cut != NULL ? cut - text : 0;
      gsize blank = at;
      while (blank > 0 && text[blank] != ' ' && text[blank] != '\n' && text[blank] != '\t')
        blank--;
      length = blank > at / 2 ? blank : at;
      if (length == 0)
        return g_utf8_next_char (text) - text;
      tokens = count (units, text, length);
    }
  return length;
}

/* Room for one unit beside its section: what a chunk of nothing else may hold. */
static gsize room_for_unit (const Cutter *cutter)
{
  gsize header = cutter->header >= 0 ? ingest_unit (cutter->out, cutter->header)->tokens : 0;
  gsize used = cutter->section_tokens + header;
  gsize max = cutter->out->options.max_tokens;
  return used < max ? max - used : 1;
}

/* Where a span of joined blocks lies in the document. */
typedef struct
{
  gsize joined; /* offset in the joined text at which the block begins */
  guint block;
} Piece;

static guint piece_at (const GArray *pieces, gsize offset)
{
  guint i = pieces->len;
  while (i > 1 && g_array_index (pieces, Piece, i - 1).joined > offset)
    i--;
  return i - 1;
}

static gsize document_offset (const Cutter *cutter, const GArray *pieces, guint piece, gsize offset)
{
  const Piece *at = &g_array_index (pieces, Piece, piece);
  return ingest_document_block (cutter->out->document, at->block)->start + offset - at->joined;
}

static void add_sentence (Cutter *cutter, const char *text, const GArray *pieces, gsize start,
                          gsize end)
{
  gsize room = room_for_unit (cutter);
  while (start < end)
    {
      gsize length = fitting_length (cutter->out, text + start, end - start, room);
      gsize stop = start + length;
      while (stop > start + 1 && strchr (" \n\t", text[stop - 1]) != NULL)
        stop--;
      guint first = piece_at (pieces, start), last = piece_at (pieces, stop - 1);
      IngestUnit *unit = add_unit (
          cutter, text + start, stop - start, document_offset (cutter, pieces, first, start),
          document_offset (cutter, pieces, last, stop - 1) + 1,
          g_array_index (pieces, Piece, first).block, g_array_index (pieces, Piece, last).block);
      unit->continues = first > 0 && g_array_index (pieces, Piece, first).joined == start;
      start += length;
      while (start < end && strchr (" \n\t", text[start]) != NULL)
        start++;
    }
}

/* Does the paragraph of block I go on in block I + 1, on the next page? */
static gboolean goes_on (const IngestDocument *document, guint i)
{
  if (i + 1 >= document->blocks->len)
    return FALSE;
  const IngestBlock *block = ingest_document_block (document, i);
  const IngestBlock *next = ingest_document_block (document, i + 1);
  gboolean prose = (block->kind == INGEST_BLOCK_PARAGRAPH || block->kind == INGEST_BLOCK_LIST_ITEM)
                   && next->kind == INGEST_BLOCK_PARAGRAPH && next->page == block->page + 1;
  return prose
         && ingest_prose_goes_on (document->text + block->start, block->end - block->start,
                                  document->text + next->start);
}

/* What does not tell has the language of what is before it, and may share its chunk. */
#define TELLING_BYTES 200

static void set_language (Cutter *cutter, const char *text, gsize length)
{
  if (length < TELLING_BYTES)
    return;
  const char *language = ingest_language_of_part (text, length, cutter->out->document->language);
  if (language == NULL || g_strcmp0 (language, cutter->language) == 0)
    return;
  if (cutter->out->units->len > 0)
    cutter->border = MAX (cutter->border, INGEST_BORDER_PAGE);
  cutter->language = language;
  ingest_breaker_free (cutter->breaker);
  cutter->breaker = ingest_breaker_new (language);
}

/* Returns the index of the last block read. */
static guint add_prose (Cutter *cutter, guint i)
{
  const IngestDocument *document = cutter->out->document;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  while (TRUE)
    {
      const IngestBlock *block = ingest_document_block (document, i);
      Piece piece = { text->len, i };
      g_array_append_val (pieces, piece);
      g_string_append_len (text, document->text + block->start, block->end - block->start);
      if (!goes_on (document, i))
        break;
      g_string_append_c (text, ' ');
      i++;
    }
  g_array_set_size (cutter->spans, 0);
  set_language (cutter, text->str, text->len);
  ingest_breaker_split (cutter->breaker, text->str, text->len, cutter->spans);
  for (guint k = 0; k < cutter->spans->len; k++)
    {
      const IngestSentence *span = &g_array_index (cutter->spans, IngestSentence, k);
      add_sentence (cutter, text->str, pieces, span->start, span->end);
    }
  return i;
}

static void add_row (Cutter *cutter, guint i)
{
  const IngestBlock *block = ingest_document_block (cutter->out->document, i);
  Piece piece = { 0, i };
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_append_val (pieces, piece);
  g_autofree char *text
      = g_strndup (cutter->out->document->text + block->start, block->end - block->start);
  guint first = cutter->out->units->len;
  add_sentence (cutter, text, pieces, 0, block->end - block->start);
  for (guint k = first; cutter->header >= 0 && k < cutter->out->units->len; k++)
    ingest_unit (cutter->out, k)->header = cutter->header;
  /* A header that fills the window leaves no room for what it heads. */
  gboolean heads
      = cutter->header < 0 && cutter->out->units->len == first + 1
        && ingest_unit (cutter->out, first)->tokens * 3 <= cutter->out->options.max_tokens;
  if (heads)
    cutter->header = first;
}

/* Is there text below heading I before the next heading of its level or above? */
static gboolean has_body (const IngestDocument *document, guint i)
{
  guint level = ingest_document_block (document, i)->level;
  for (guint k = i + 1; k < document->blocks->len; k++)
    {
      const IngestBlock *block = ingest_document_block (document, k);
      if (block->kind != INGEST_BLOCK_HEADING)
        return TRUE;
      if (block->level <= level)
        return FALSE;
    }
  return FALSE;
}

static void add_heading (Cutter *cutter, guint i)
{
  const IngestDocument *document = cutter->out->document;
  const IngestBlock *block = ingest_document_block (document, i);
  gsize length = block->end - block->start;
  gboolean body = has_body (document, i);
  for (guint level = block->level - 1; level < LEVELS; level++)
    g_clear_pointer (&cutter->headings[level], g_free);
  guint n = cutter->out->units->len;
  const IngestUnit *before = n > 0 ? ingest_unit (cutter->out, n - 1) : NULL;
  gboolean apart = cutter->border == INGEST_BORDER_SECTION;
  /* Headings without text of their own go with what follows. */
  if (!apart && before != NULL && before->last_block + 1 == i && !before->in_section
      && ingest_document_block (document, i - 1)->kind == INGEST_BLOCK_HEADING)
    cutter->border = INGEST_BORDER_PARAGRAPH;
  else
    cutter->border = MAX (cutter->border,
                          block->level <= 2 ? INGEST_BORDER_SECTION : INGEST_BORDER_SUBSECTION);
  if (body)
    cutter->headings[block->level - 1]
        = ingest_prose_squeeze (g_strndup (document->text + block->start, length));
  update_section (cutter);
  gsize room = room_for_unit (cutter);
  length = fitting_length (cutter->out, document->text + block->start, length, room);
  add_unit (cutter, document->text + block->start, length, block->start, block->start + length, i,
            i)
      ->in_section
      = body;
}

static void cut (Cutter *cutter)
{
  const IngestDocument *document = cutter->out->document;
  update_section (cutter);
  for (guint i = 0; i < document->blocks->len; i++)
    {
      const IngestBlock *block = ingest_document_block (document, i);
      if (block->kind != INGEST_BLOCK_TABLE_ROW)
        cutter->header = -1;
      const IngestBlock *before = i > 0 ? ingest_document_block (document, i - 1) : NULL;
      /* What is hidden shares no chunk with what shows. */
      gboolean apart = block->kind == INGEST_BLOCK_HIDDEN
                       || (before != NULL && before->kind == INGEST_BLOCK_HIDDEN);
      gboolean new_page = before != NULL && before->page != block->page;
      cutter->border = apart      ? INGEST_BORDER_SECTION
                       : new_page ? INGEST_BORDER_PAGE
                                  : INGEST_BORDER_PARAGRAPH;
      if (block->kind == INGEST_BLOCK_HEADING)
        add_heading (cutter, i);
      else if (block->kind == INGEST_BLOCK_TABLE_ROW)
        add_row (cutter, i);
      else
        i = add_prose (cutter, i);
    }
}

static void unit_clear (gpointer data)
{
  g_free (((IngestUnit *)data)->text);
}

IngestUnits *ingest_units_new (const IngestDocument *document, const IngestChunkOptions *options)
{
  IngestUnits *units = g_new0 (IngestUnits, 1);
  units->document = document;
  if (options != NULL)
    units->options = *options;
  if (units->options.max_tokens == 0)
    units->options.max_tokens = 230;
  if (units->options.target_tokens == 0)
    units->options.target_tokens = 160;
  units->options.target_tokens = MIN (units->options.target_tokens, units->options.max_tokens);
  if (units->options.count == NULL)
    units->options.count = count_words;
  units->units = g_array_new (FALSE, TRUE, sizeof (IngestUnit));
  g_array_set_clear_func (units->units, unit_clear);
  units->sections = g_ptr_array_new_with_free_func (g_free);

  Cutter cutter = { .out = units, .header = -1 };
  cutter.language = document->language;
  cutter.breaker = ingest_breaker_new (document->language);
  cutter.spans = g_array_new (FALSE, FALSE, sizeof (IngestSentence));
  cut (&cutter);
  ingest_breaker_free (cutter.breaker);
  g_array_unref (cutter.spans);
  for (guint i = 0; i < LEVELS; i++)
    g_free (cutter.headings[i]);
  return units;
}

void ingest_units_free (IngestUnits *units)
{
  if (units == NULL)
    return;
  g_array_unref (units->units);
  g_ptr_array_unref (units->sections);
  g_free (units);
}

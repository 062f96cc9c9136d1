/* Packs a document into chunks: what is searched, shown, cited and given to a model. A chunk should
 * answer a question on its own, so it holds whole sentences of one section, travels with its
 * headings, and is as large as the encoder's window allows but no larger. The packer looks ahead:
 * it divides what is left of a section evenly instead of leaving a stump at its end, and prefers
 * the end of a paragraph to the end of a sentence. Ids are hashes of content and a new page
 * begins a new chunk, so an edit on page 3 leaves the chunks of page 4 what they were. */
#include "ingest/units-private.h"

#include <string.h>

#define ID_HEX_DIGITS 32

typedef struct
{
  const IngestUnits *units;
  GPtrArray *chunks;
  GHashTable *seen;       /* section and text → how often so far */
  gsize *tokens_to_end;   /* [n_units + 1], of unit i and those after it in its section */
  gsize *tokens_to_break; /* [n_units + 1], of unit i and those after it in its paragraph */
  guint first, next;      /* the open chunk: units [first, next) */
  gsize tokens;           /* of those, with section and repeated header: an estimate */
  gsize target;           /* of the open chunk */
} Packer;

void ingest_chunk_free (IngestChunk *chunk)
{
  if (chunk == NULL)
    return;
  g_free (chunk->id);
  g_free (chunk->text);
  g_free (chunk->section);
  g_free (chunk->language);
  g_array_unref (chunk->sentences);
  g_free (chunk);
}

/* ---- From units to one chunk ---- */

/* The first unit of [FIRST, END) that the section does not say already; END when there is none. */
static guint skip_headings (const IngestUnits *units, guint first, guint end)
{
  while (first < end && ingest_unit (units, first)->in_section)
    first++;
  return first;
}

static void append_sentence (GString *text, GArray *sentences, const char *sentence)
{
  IngestSentence span = { text->len, text->len + strlen (sentence) };
  g_string_append (text, sentence);
  g_array_append_val (sentences, span);
}

/* The text of units [first, end) as the document has it, but for the repeated header row in front
 * and page breaks within sentences. SENTENCES may be NULL. */
static char *compose (const IngestUnits *units, guint first, guint end, GArray *sentences)
{
  const char *source = units->document->text;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (IngestSentence));
  const IngestUnit *head = ingest_unit (units, first);
  if (head->header >= 0 && (guint)head->header < first)
    {
      append_sentence (text, spans, ingest_unit (units, head->header)->text);
      g_string_append_c (text, '\n');
    }
  for (guint i = first; i < end; i++)
    {
      const IngestUnit *unit = ingest_unit (units, i);
      const IngestUnit *before = i > first ? ingest_unit (units, i - 1) : NULL;
      if (before != NULL && unit->continues)
        g_string_append_c (text, ' ');
      else if (before != NULL)
        g_string_append_len (text, source + before->end, unit->start - before->end);
      append_sentence (text, spans, unit->text);
    }
  if (sentences != NULL)
    g_array_append_vals (sentences, spans->data, spans->len);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *make_id (Packer *packer, const char *section, const char *text)
{
  g_autofree char *key = g_strdup_printf ("%s\n\n%s", section, text);
  guint repetition = GPOINTER_TO_UINT (g_hash_table_lookup (packer->seen, key));
  g_autofree char *hashed = g_strdup_printf ("%s\n\n%u", key, repetition);
  g_hash_table_insert (packer->seen, g_steal_pointer (&key), GUINT_TO_POINTER (repetition + 1));
  char *id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, hashed, -1);
  id[ID_HEX_DIGITS] = '\0';
  return id;
}

static IngestBox box_on_first_page (const IngestUnits *units, guint first, guint end)
{
  const IngestDocument *document = units->document;
  guint last_block = ingest_unit (units, end - 1)->last_block;
  guint block = ingest_unit (units, first)->first_block;
  guint page = ingest_document_block (document, block)->page;
  IngestBox box = ingest_document_block (document, block)->box;
  for (; block <= last_block && ingest_document_block (document, block)->page == page; block++)
    {
      const IngestBox *other = &ingest_document_block (document, block)->box;
      box.x0 = MIN (box.x0, other->x0);
      box.y0 = MIN (box.y0, other->y0);
      box.x1 = MAX (box.x1, other->x1);
      box.y1 = MAX (box.y1, other->y1);
    }
  return box;
}

static void emit (Packer *packer, guint first, guint end)
{
  const IngestUnits *units = packer->units;
  first = skip_headings (units, first, end);
  if (first == end)
    return;
  const IngestUnit *head = ingest_unit (units, first), *tail = ingest_unit (units, end - 1);
  IngestChunk *chunk = g_new0 (IngestChunk, 1);
  chunk->sentences = g_array_new (FALSE, FALSE, sizeof (IngestSentence));
  chunk->text = compose (units, first, end, chunk->sentences);
  chunk->section = g_strdup (head->section);
  chunk->language = g_strdup (head->language);
  chunk->id = make_id (packer, chunk->section, chunk->text);
  chunk->first_page = ingest_document_block (units->document, head->first_block)->page;
  chunk->last_page = ingest_document_block (units->document, tail->last_block)->page;
  chunk->start = head->start;
  chunk->end = tail->end;
  chunk->hidden
      = ingest_document_block (units->document, head->first_block)->kind == INGEST_BLOCK_HIDDEN;
  chunk->ocr = ingest_document_page (units->document, chunk->first_page - 1)->source
               == INGEST_PAGE_OCR;
  chunk->box = box_on_first_page (units, first, end);
  g_ptr_array_add (packer->chunks, chunk);
}

/* ---- Where to end it ---- */

/* Would units [first, end) and their section fit? Sums of parts are an estimate; near the limit the
 * whole is counted as it will be. */
static gboolean fits (const Packer *packer, gsize estimate, guint end)
{
  const IngestUnits *units = packer->units;
  gsize max = units->options.max_tokens;
  if (estimate * 4 < max * 3)
    return TRUE;
  guint first = skip_headings (units, packer->first, end);
  if (first == end)
    return TRUE;
  g_autofree char *text = compose (units, first, end, NULL);
  g_autofree char *whole = g_strdup_printf ("%s\n%s", ingest_unit (units, first)->section, text);
  return units->options.count (whole, -1, units->options.user_data) <= max;
}

/* Headings at the end belong to what follows. */
static guint without_trailing_headings (const Packer *packer)
{
  guint end = packer->next;
  while (end > packer->first && ingest_unit (packer->units, end - 1)->in_section)
    end--;
  return end > packer->first ? end : packer->next;
}

/* Starts an empty chunk at unit FIRST, as large as an even share of its section. */
static void open_chunk (Packer *packer, guint first)
{
  packer->first = packer->next = first;
  packer->tokens = 0;
  if (first >= packer->units->units->len)
    return;
  const IngestUnit *unit = ingest_unit (packer->units, first);
  gsize target = packer->units->options.target_tokens, max = packer->units->options.max_tokens;
  gsize left = packer->tokens_to_end[first];
  gsize used = unit->section_tokens;
  if (unit->header >= 0)
    used += ingest_unit (packer->units, unit->header)->tokens;
  gsize room = used < max ? max - used : 1;
  gsize share = used < target ? target - used : 1;
  gsize n = MAX ((left + room - 1) / room, (left + share / 2) / share);
  packer->tokens = used;
  packer->target = used + (n > 1 ? (left + n - 1) / n : left);
}

static void close_chunk (Packer *packer)
{
  guint end = without_trailing_headings (packer);
  emit (packer, packer->first, end);
  guint reached = packer->next;
  open_chunk (packer, end);
  for (; packer->next < reached; packer->next++)
    packer->tokens += ingest_unit (packer->units, packer->next)->tokens;
}

/* Should the chunk end before unit I, at the border that lies there? */
static gboolean ends_before (const Packer *packer, guint i)
{
  const IngestUnit *unit = ingest_unit (packer->units, i);
  gsize max = packer->units->options.max_tokens;
  if (unit->border >= INGEST_BORDER_PAGE)
    return TRUE;
  if (packer->tokens + packer->tokens_to_end[i] <= max)
    return FALSE; /* all that is left of the section goes in */
  if (unit->border == INGEST_BORDER_SUBSECTION)
    return packer->tokens * 2 >= packer->target;
  gboolean paragraph_fits = packer->tokens + packer->tokens_to_break[i] <= max;
  if (unit->border == INGEST_BORDER_PARAGRAPH)
    return packer->tokens >= packer->target
           || (!paragraph_fits && packer->tokens * 5 >= packer->target * 3);
  return packer->tokens >= packer->target && !paragraph_fits;
}

static void pack (Packer *packer)
{
  guint n = packer->units->units->len;
  open_chunk (packer, 0);
  for (guint i = 0; i < n; i++)
    {
      const IngestUnit *unit = ingest_unit (packer->units, i);
      if (i > packer->first && ends_before (packer, i))
        close_chunk (packer);
      if (i > packer->first && !fits (packer, packer->tokens + unit->tokens + 1, i + 1))
        close_chunk (packer);
      packer->next = i + 1;
      packer->tokens += unit->tokens;
    }
  emit (packer, packer->first, n);
}

static void look_ahead (Packer *packer)
{
  guint n = packer->units->units->len;
  packer->tokens_to_end = g_new0 (gsize, n + 1);
  packer->tokens_to_break = g_new0 (gsize, n + 1);
  for (guint i = n; i-- > 0;)
    {
      gsize tokens = ingest_unit (packer->units, i)->tokens;
      IngestBorder after
          = i + 1 < n ? ingest_unit (packer->units, i + 1)->border : INGEST_BORDER_SECTION;
      packer->tokens_to_end[i]
          = tokens + (after >= INGEST_BORDER_PAGE ? 0 : packer->tokens_to_end[i + 1]);
      packer->tokens_to_break[i]
          = tokens + (after == INGEST_BORDER_NONE ? packer->tokens_to_break[i + 1] : 0);
    }
}

GPtrArray *ingest_chunk_document (const IngestDocument *document, const IngestChunkOptions *options)
{
  g_autoptr (IngestUnits) units = ingest_units_new (document, options);
  Packer packer = { .units = units };
  packer.chunks = g_ptr_array_new_with_free_func ((GDestroyNotify)ingest_chunk_free);
  packer.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  look_ahead (&packer);
  pack (&packer);
  ingest_drop_repeated (packer.chunks);
  g_hash_table_unref (packer.seen);
  g_free (packer.tokens_to_end);
  g_free (packer.tokens_to_break);
  return packer.chunks;
}

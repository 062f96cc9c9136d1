/* The last step from layout to document: a vocabulary of all pages is made, every page is drafted
 * with it, headings are told from text, and the drafts are written in order. What a page break
 * tears apart is put together, so that a search finds it: a word on the page where it begins, and a
 * paragraph past the footnotes between its halves. */
#include "ingest/layout-private.h"

#include <string.h>

static IngestVocabulary *collect_vocabulary (const LayoutDocument *layout)
{
  IngestVocabulary *vocabulary = ingest_vocabulary_new ();
  for (guint p = 0; p < layout->pages->len; p++)
    {
      const LayoutPage *page = g_ptr_array_index (layout->pages, p);
      for (guint i = 0; i < page->spans->len; i++)
        {
          const LayoutSpan *span = layout_span (page, i);
          ingest_vocabulary_add_line (vocabulary, layout_text (page, span), span->length);
        }
    }
  return vocabulary;
}

/* A document set in typewriter type throughout is not code. */
static void forget_common_mono (LayoutDocument *layout)
{
  gsize mono = 0, all = 0;
  for (guint p = 0; p < layout->pages->len; p++)
    {
      LayoutPage *page = g_ptr_array_index (layout->pages, p);
      for (guint i = 0; i < page->spans->len; i++)
        {
          all += layout_span (page, i)->length;
          mono += layout_span (page, i)->mono ? layout_span (page, i)->length : 0;
        }
    }
  for (guint p = 0; p < layout->pages->len && mono * 2 > all; p++)
    {
      LayoutPage *page = g_ptr_array_index (layout->pages, p);
      for (guint i = 0; i < page->spans->len; i++)
        layout_span (page, i)->mono = FALSE;
    }
}

static gboolean is_prose (const LayoutDraft *draft)
{
  return draft->kind == INGEST_BLOCK_PARAGRAPH || draft->kind == INGEST_BLOCK_LIST_ITEM;
}

static LayoutDraft *draft_at (GArray *drafts, guint i)
{
  return &g_array_index (drafts, LayoutDraft, i);
}

/* Footnotes at the foot of a page stand between the halves of a paragraph that goes on on the next:
 * they go before it, so that its sentence can be read. */
static void lift_footnotes (GArray *drafts)
{
  for (guint i = 0; i + 1 < drafts->len; i++)
    {
      const LayoutDraft paragraph = *draft_at (drafts, i);
      guint next = i + 1;
      while (next < drafts->len && draft_at (drafts, next)->kind == INGEST_BLOCK_FOOTNOTE
             && draft_at (drafts, next)->page == paragraph.page)
        next++;
      if (next == i + 1 || next == drafts->len || !is_prose (&paragraph)
          || !is_prose (draft_at (drafts, next))
          || draft_at (drafts, next)->page != paragraph.page + 1
          || !ingest_prose_goes_on (paragraph.text, strlen (paragraph.text),
                                    draft_at (drafts, next)->text))
        continue;
      memmove (draft_at (drafts, i), draft_at (drafts, i + 1),
               (next - i - 1) * sizeof (LayoutDraft));
      *draft_at (drafts, next - 1) = paragraph;
      i = next - 1;
    }
}

/* "inter-" at the end of one page and "national law" on the next: the word moves back whole. */
static void mend_torn_words (GArray *drafts, const IngestVocabulary *vocabulary)
{
  for (guint i = 0; i + 1 < drafts->len; i++)
    {
      LayoutDraft *draft = draft_at (drafts, i), *next = draft_at (drafts, i + 1);
      if (next->page != draft->page + 1 || !is_prose (draft) || !is_prose (next)
          || !ingest_prose_breaks_word (draft->text, strlen (draft->text), next->text))
        continue;
      gsize tail = strcspn (next->text, " ");
      g_autoptr (GString) text = g_string_new (draft->text);
      ingest_prose_join (text, next->text, tail, vocabulary);
      g_free (draft->text);
      draft->text = g_string_free (g_steal_pointer (&text), FALSE);
      memmove (next->text, next->text + tail, strlen (next->text + tail) + 1);
    }
}

static void add_notes (IngestDocument *document, const LayoutPage *page)
{
  g_auto (GStrv) notes = g_strsplit (page->notes->str, "\n", -1);
  for (char **note = notes; *note != NULL; note++)
    ingest_document_add_block (document, INGEST_BLOCK_FOOTNOTE, 0, NULL, *note, -1);
}

static void draft_clear (gpointer data)
{
  g_free (((LayoutDraft *)data)->text);
}

void layout_write (LayoutDocument *layout, IngestDocument *document)
{
  g_autoptr (IngestVocabulary) vocabulary = collect_vocabulary (layout);
  g_autoptr (GArray) drafts = g_array_new (FALSE, TRUE, sizeof (LayoutDraft));
  g_array_set_clear_func (drafts, draft_clear);
  forget_common_mono (layout);
  for (guint p = 0; p < layout->pages->len; p++)
    layout_draft_page (g_ptr_array_index (layout->pages, p), p + 1, vocabulary, drafts);
  layout_mark_headings (layout, drafts);
  lift_footnotes (drafts);
  mend_torn_words (drafts, vocabulary);
  guint next = 0;
  for (guint p = 0; p < layout->pages->len; p++)
    {
      const LayoutPage *page = g_ptr_array_index (layout->pages, p);
      ingest_document_add_page (document, page->label, page->width, page->height, page->quality);
      ingest_document_page (document, p)->source = page->source;
      for (; next < drafts->len && draft_at (drafts, next)->page == p + 1; next++)
        {
          const LayoutDraft *draft = draft_at (drafts, next);
          ingest_document_add_block (document, draft->kind, draft->level, &draft->box, draft->text,
                                     -1);
        }
      add_notes (document, page);
      ingest_document_add_block (document, INGEST_BLOCK_HIDDEN, 0, NULL, page->hidden->str, -1);
    }
  ingest_document_finish (document);
}

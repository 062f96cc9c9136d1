/* Answers by looking at everything: which documents mention something, and what the library holds.
 *
 * In comes what to look for, out goes an answer that names every document that has it, with all
 * pages and one sentence of each as proof. No model and no ranking: the best few passages of a
 * search cannot tell how many there are. */
#include "rag/answer-private.h"

#include <string.h>

/* Longer lists are cut, and the answer says so. */
#define MAX_NAMED 50

typedef struct
{
  const char *object;
  GHashTable *forms; /* of OBJECT in the language of the document at hand */
  RagLanguage language;
  RagCited *cited;
  guint n_documents, n_passages;
} Search;

static void set_language (Search *search, const char *code)
{
  RagLanguage language = rag_language_from_code (code);
  if (search->forms != NULL && search->language == language)
    return;
  g_clear_pointer (&search->forms, g_hash_table_unref);
  search->language = language;
  search->forms = rag_word_set (search->object, -1, language);
}

static gboolean has_all (GHashTable *set, GHashTable *wanted)
{
  GHashTableIter iter;
  gpointer form;
  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &form, NULL))
    if (!g_hash_table_contains (set, form))
      return FALSE;
  return TRUE;
}

/* The first sentence of CHUNK with all words of what is looked for, one line; NULL: none. */
static char *sentence_with (const Search *search, const IndexHit *chunk)
{
  g_autoptr (GArray) sentences
      = ingest_sentences (chunk->text, rag_language_code (search->language));
  for (guint i = 0; i < sentences->len; i++)
    {
      const IngestSentence *sentence = &g_array_index (sentences, IngestSentence, i);
      gsize length = sentence->end - sentence->start;
      g_autoptr (GHashTable) set
          = rag_word_set (chunk->text + sentence->start, (gssize)length, search->language);
      if (has_all (set, search->forms))
        return rag_one_line (chunk->text + sentence->start, (gssize)length);
    }
  return NULL;
}

static guint cite (Search *search, const IndexHit *chunk, const char *quote)
{
  RagHit *hit = rag_hit_from_index (chunk);
  RagCitation *citation = rag_citation_new (hit, quote);
  citation->n = search->cited->citations->len + 1;
  rag_hit_free (hit);
  g_ptr_array_add (search->cited->citations, citation);
  return citation->n;
}

static void add_page (GString *pages, const IndexHit *chunk, guint *last_page)
{
  if (chunk->first_page == *last_page)
    return;
  *last_page = chunk->first_page;
  g_string_append (pages, pages->len > 0 ? ", " : "");
  if (chunk->first_label != NULL)
    g_string_append (pages, chunk->first_label);
  else
    g_string_append_printf (pages, "%u", chunk->first_page);
}

static void add_sentence (RagCited *cited, const char *text, guint citation)
{
  RagSentence *sentence = g_new0 (RagSentence, 1);
  sentence->text = g_strdup (text);
  sentence->supported = TRUE;
  sentence->citations = g_array_new (FALSE, FALSE, sizeof (guint));
  if (citation > 0)
    g_array_append_val (sentence->citations, citation);
  g_ptr_array_add (cited->sentences, sentence);
}

static void look_at (Search *search, const IndexDocument *document, const GPtrArray *chunks)
{
  g_autoptr (GString) pages = g_string_new (NULL);
  guint n = 0, last_page = 0, citation = 0;
  set_language (search, document->language);
  for (guint i = 0; i < chunks->len; i++)
    {
      const IndexHit *chunk = g_ptr_array_index (chunks, i);
      g_autofree char *quote
          = (chunk->flags & INDEX_CHUNK_HIDDEN) ? NULL : sentence_with (search, chunk);
      if (quote == NULL)
        continue;
      n++;
      add_page (pages, chunk, &last_page);
      if (citation == 0 && search->n_documents < MAX_NAMED)
        citation = cite (search, chunk, quote);
    }
  if (n == 0)
    return;
  search->n_documents++;
  search->n_passages += n;
  if (citation == 0)
    return;
  g_autofree char *name = g_path_get_basename (document->path);
  g_autofree char *line = g_strdup_printf (
      "%s: %s %s.", name, strchr (pages->str, ',') != NULL ? "pages" : "page", pages->str);
  add_sentence (search->cited, line, citation);
}

static void summarise (const Search *search, guint n_searched)
{
  RagSentence *first;
  g_autofree char *more
      = search->n_documents > MAX_NAMED ? g_strdup_printf (" The first %d:", MAX_NAMED) : NULL;
  g_autofree char *text = g_strdup_printf (
      "%u of %u document%s mention%s “%s”, in %u passage%s.%s", search->n_documents, n_searched,
      n_searched == 1 ? "" : "s", search->n_documents == 1 ? "s" : "", search->object,
      search->n_passages, search->n_passages == 1 ? "" : "s", more != NULL ? more : "");
  add_sentence (search->cited, text, 0);
  /* It says what the others prove, so it comes before them. */
  GPtrArray *sentences = search->cited->sentences;
  first = g_ptr_array_steal_index (sentences, sentences->len - 1);
  g_ptr_array_insert (sentences, 0, first);
}

gboolean rag_find_mentions (Rag *rag, const char *object, const char *collection,
                            GCancellable *cancellable, RagCited *ret_cited, guint *ret_n_documents,
                            GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = rag_index_scope (rag, collection);
  RagCited cited
      = { .sentences = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_sentence_free),
          .citations = g_ptr_array_new_with_free_func ((GDestroyNotify)rag_citation_free),
          .source = -1 };
  Search search = { .object = object, .cited = &cited };
  guint n_searched = 0;
  g_autoptr (GPtrArray) documents = index_list_documents (rag->index, &scope, &inner);
  for (guint i = 0; documents != NULL && i < documents->len && inner == NULL; i++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, i);
      if (g_cancellable_set_error_if_cancelled (cancellable, &inner) || document->failure != NULL)
        continue;
      g_autoptr (GPtrArray) chunks = index_document_chunks (rag->index, document->id, 0, 0, &inner);
      n_searched++;
      if (chunks != NULL)
        look_at (&search, document, chunks);
    }
  g_clear_pointer (&search.forms, g_hash_table_unref);
  if (inner != NULL)
    {
      rag_cited_clear (&cited);
      return rag_translate_error (error, inner);
    }
  summarise (&search, n_searched);
  cited.n_supported = cited.sentences->len;
  *ret_n_documents = search.n_documents;
  *ret_cited = cited;
  return TRUE;
}

char *rag_describe_library (Rag *rag, const char *collection, GError **error)
{
  GError *inner = NULL;
  const IndexScope scope = rag_index_scope (rag, collection);
  g_autoptr (GPtrArray) documents = index_list_documents (rag->index, &scope, &inner);
  if (documents == NULL)
    {
      rag_translate_error (error, inner);
      return NULL;
    }
  guint64 n_pages = 0;
  g_autoptr (GString) names = g_string_new (NULL);
  for (guint i = 0; i < documents->len; i++)
    {
      const IndexDocument *document = g_ptr_array_index (documents, i);
      g_autofree char *name = g_path_get_basename (document->path);
      n_pages += document->n_pages;
      if (i < MAX_NAMED)
        g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", name);
    }
  return g_strdup_printf ("The library holds %u document%s with %" G_GUINT64_FORMAT " page%s%s%s%s "
                          "Ask about what they say; every answer comes with its pages.",
                          documents->len, documents->len == 1 ? "" : "s", n_pages,
                          n_pages == 1 ? "" : "s", documents->len > 0 ? ": " : "", names->str,
                          documents->len > MAX_NAMED ? " and more." : ".");
}

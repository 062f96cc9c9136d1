#include "ingest/document-private.h"
#include "support.h"

static gsize count_words (const char *text, gssize length, gpointer user_data)
{
  g_autofree char *copy = length < 0 ? g_strdup (text) : g_strndup (text, length);
  g_auto (GStrv) words = g_strsplit_set (copy, " \n\t", -1);
  gsize n = 0;
  for (gsize i = 0; words[i] != NULL; i++)
    n += *words[i] != '\0';
  return n;
}

/* Tokens that only the whole has: as with encoders that do not split at white space. */
static gsize count_letters (const char *text, gssize length, gpointer user_data)
{
  return (length < 0 ? strlen (text) : (gsize)length) / 4 + 2;
}

static const IngestChunkOptions small
    = { .target_tokens = 20, .max_tokens = 30, .count = count_words };

/* A document out of "H1 Title", "P text", "T a\tb", "-" for the next page. */
static IngestDocument *make (const char *const *blocks)
{
  IngestDocument *document = ingest_document_new ("text/plain");
  document->language = g_strdup ("en");
  ingest_document_add_page (document, NULL, 595, 842, 1);
  for (; *blocks != NULL; blocks++)
    {
      const char *block = *blocks;
      IngestBox box = { 72, 10 + document->blocks->len * 20, 500, 25 + document->blocks->len * 20 };
      if (*block == '-')
        ingest_document_add_page (document, NULL, 595, 842, 1);
      else if (*block == 'H')
        ingest_document_add_block (document, INGEST_BLOCK_HEADING, block[1] - '0', &box, block + 3,
                                   -1);
      else
        ingest_document_add_block (document,
                                   *block == 'T' ? INGEST_BLOCK_TABLE_ROW : INGEST_BLOCK_PARAGRAPH,
                                   0, &box, block + 2, -1);
    }
  ingest_document_finish (document);
  return document;
}

static const IngestChunk *chunk_at (const GPtrArray *chunks, guint i)
{
  ck_assert_uint_lt (i, chunks->len);
  return g_ptr_array_index (chunks, i);
}

/* What every list of chunks must satisfy. */
static GPtrArray *chunk (const IngestDocument *document, const IngestChunkOptions *options)
{
  GPtrArray *chunks = ingest_chunk_document (document, options);
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);
  gsize end = 0;
  for (guint i = 0; i < chunks->len; i++)
    {
      const IngestChunk *it = chunk_at (chunks, i);
      g_autofree char *whole = g_strdup_printf ("%s\n%s", it->section, it->text);
      if (options != NULL && options->count != NULL)
        ck_assert_uint_le (options->count (whole, -1, options->user_data), options->max_tokens);
      ck_assert (g_hash_table_add (ids, it->id));
      ck_assert_uint_eq (strlen (it->id), 32);
      ck_assert_uint_ge (it->start, end);
      ck_assert_uint_lt (it->start, it->end);
      ck_assert_uint_le (it->end, document->text_length);
      ck_assert_uint_le (it->first_page, it->last_page);
      end = it->end;
      gsize covered = 0;
      for (guint s = 0; s < it->sentences->len; s++)
        {
          const IngestSentence *span = &g_array_index (it->sentences, IngestSentence, s);
          ck_assert_uint_le (span->end, strlen (it->text));
          for (gsize k = covered; k < span->start; k++)
            ck_assert (g_ascii_isspace (it->text[k]));
          covered = span->end;
        }
      ck_assert_uint_eq (covered, strlen (it->text));
    }
  return chunks;
}

/* TEXT from word FIRST on: "w7 w8 w9." */
static char *words (guint first, guint n)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%sw%u", i > 0 ? " " : "", first + i);
  return g_string_free (g_string_append_c (text, '.'), FALSE);
}

/* A German paragraph in an English document: its ordinals do not end sentences. */
START_TEST (test_a_passage_has_a_language_of_its_own)
{
  g_autoptr (IngestDocument) document = ingest_document_new ("text/plain");
  document->language = g_strdup ("en");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL,
                             "The night shift begins at nine and it is the duty of the nurse to "
                             "read the report. Whoever is "
                             "late calls the ward before that, and the report is read together "
                             "because it names the patients "
                             "who need attention.",
                             -1);
  ingest_document_add_block (document, INGEST_BLOCK_HEADING, 1, NULL, "Anhang", -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL,
                             "Die Nachtschicht beginnt am 3. Montag des Monats um neun Uhr, und es "
                             "ist die Aufgabe der Pflege, "
                             "den Bericht zu lesen, der auf dem Tisch liegt. Wer zu spät kommt, "
                             "ruft vorher auf der Station an, "
                             "damit die Übergabe warten kann.",
                             -1);
  ingest_document_finish (document);
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, NULL);
  ck_assert_uint_eq (chunks->len, 2);
  const IngestChunk *english = g_ptr_array_index (chunks, 0);
  const IngestChunk *german = g_ptr_array_index (chunks, 1);
  ck_assert_str_eq (english->language, "en");
  ck_assert_str_eq (german->language, "de");
  ck_assert_uint_eq (german->sentences->len, 2);
}
END_TEST

/* Filters and stemming go by passage: one that begins in English and ends in German is both. */
START_TEST (test_a_passage_is_in_one_language)
{
  static const char *const english
      = "The night shift begins at nine and it is the duty of the nurse to read the report. "
        "Whoever "
        "is late calls the ward before that, and the report is read together because it names the "
        "patients who need attention.";
  static const char *const german
      = "Die Nachtschicht beginnt um neun Uhr, und es ist die Aufgabe der Pflege, den Bericht zu "
        "lesen, der auf dem Tisch liegt. Wer zu spät kommt, ruft vorher auf der Station an, damit "
        "die Übergabe warten kann.";
  g_autoptr (IngestDocument) document = ingest_document_new ("text/plain");
  document->language = g_strdup ("de");
  ingest_document_add_page (document, NULL, 0, 0, 1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, english, -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, "Ask for zebras.", -1);
  ingest_document_add_block (document, INGEST_BLOCK_HEADING, 3, NULL, "Auf Deutsch", -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, german, -1);
  ingest_document_finish (document);
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (
      document, &(IngestChunkOptions){ .target_tokens = 400, .max_tokens = 500 });
  ck_assert_uint_eq (chunks->len, 2);
  const IngestChunk *first = g_ptr_array_index (chunks, 0), *second = g_ptr_array_index (chunks, 1);
  ck_assert_str_eq (first->language, "en");
  ck_assert (g_str_has_suffix (first->text, "Ask for zebras."));
  ck_assert_str_eq (second->language, "de");
  ck_assert_str_eq (second->section, "Auf Deutsch");
}
END_TEST

START_TEST (test_a_short_document_is_one_chunk)
{
  g_autoptr (IngestDocument) document
      = make ((const char *[]){ "H1 Rules", "P Wash your hands. Dry them.", "P Then work.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, NULL);
  ck_assert_uint_eq (chunks->len, 1);
  const IngestChunk *it = chunk_at (chunks, 0);
  ck_assert_str_eq (it->section, "Rules");
  ck_assert_str_eq (it->text, "Wash your hands. Dry them.\n\nThen work.");
  ck_assert_uint_eq (it->sentences->len, 3);
  ck_assert_uint_eq (it->first_page, 1);
  g_autofree char *span = g_strndup (document->text + it->start, it->end - it->start);
  ck_assert_str_eq (span, it->text);
  ck_assert_float_eq (it->box.y0, 30);
  ck_assert_float_eq (it->box.y1, 65);
}
END_TEST

START_TEST (test_chunks_end_at_sentence_borders_and_fit)
{
  g_autoptr (GString) paragraph = g_string_new ("P ");
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *sentence = words (100 + i * 10, 5 + i % 7);
      g_string_append_printf (paragraph, "%sThe %s", i > 0 ? " " : "", sentence);
    }
  g_autoptr (IngestDocument) document = make ((const char *[]){ "H1 A", paragraph->str, NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_gt (chunks->len, 10);
  for (guint i = 0; i < chunks->len; i++)
    {
      const IngestChunk *it = chunk_at (chunks, i);
      ck_assert (g_str_has_suffix (it->text, "."));
      ck_assert (g_str_has_prefix (it->text, "The "));
      ck_assert_uint_ge (count_words (it->text, -1, NULL), 12); /* no stumps */
      g_autofree char *span = g_strndup (document->text + it->start, it->end - it->start);
      ck_assert_str_eq (span, it->text);
    }
}
END_TEST

START_TEST (test_hidden_text_shares_no_chunk)
{
  g_autoptr (IngestDocument) document = make ((const char *const[]){ "P Seen.", NULL });
  ingest_document_add_block (document, INGEST_BLOCK_HIDDEN, 0, NULL, "Unseen.", -1);
  ingest_document_add_page (document, NULL, 595, 842, 1);
  ingest_document_add_block (document, INGEST_BLOCK_HEADING, 4, NULL, "A small heading", -1);
  ingest_document_add_block (document, INGEST_BLOCK_PARAGRAPH, 0, NULL, "Seen again.", -1);
  ingest_document_finish (document);
  g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, NULL);
  ck_assert_uint_eq (chunks->len, 3);
  for (guint i = 0; i < 3; i++)
    ck_assert_int_eq (chunk_at (chunks, i)->hidden, i == 1);
  ck_assert_str_eq (chunk_at (chunks, 1)->text, "Unseen.");
}
END_TEST

START_TEST (test_a_giant_sentence_is_split_at_white_space)
{
  g_autofree char *giant = words (0, 500);
  g_autofree char *block = g_strconcat ("P ", giant, NULL);
  g_autoptr (IngestDocument) document = make ((const char *[]){ "H1 Title", block, NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  g_autoptr (GString) all = g_string_new (NULL);
  for (guint i = 0; i < chunks->len; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? " " : "", chunk_at (chunks, i)->text);
  ck_assert_str_eq (all->str, giant);
}
END_TEST

START_TEST (test_a_giant_word_is_split_between_characters)
{
  g_autoptr (GString) block = g_string_new ("P ");
  for (guint i = 0; i < 3000; i++)
    g_string_append (block, "ü");
  IngestChunkOptions options = { .target_tokens = 40, .max_tokens = 50, .count = count_letters };
  g_autoptr (IngestDocument) document = make ((const char *[]){ block->str, NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &options);
  ck_assert_uint_gt (chunks->len, 20);
  for (guint i = 0; i < chunks->len; i++)
    ck_assert (g_utf8_validate (chunk_at (chunks, i)->text, -1, NULL));
}
END_TEST

START_TEST (test_sections_are_not_mixed)
{
  g_autoptr (IngestDocument) document
      = make ((const char *[]){ "H1 2 Methods", "H2 2.1 Patients", "P Forty came.", "H2 2.2 Drugs",
                                "P None.", "H1 3 Results", "P Good.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, NULL);
  ck_assert_uint_eq (chunks->len, 3);
  ck_assert_str_eq (chunk_at (chunks, 0)->section, "2 Methods › 2.1 Patients");
  ck_assert_str_eq (chunk_at (chunks, 0)->text, "Forty came.");
  ck_assert_str_eq (chunk_at (chunks, 1)->section, "2 Methods › 2.2 Drugs");
  ck_assert_str_eq (chunk_at (chunks, 2)->section, "3 Results");
}
END_TEST

START_TEST (test_small_subsections_share_a_chunk_with_their_headings)
{
  g_autoptr (IngestDocument) document = make ((const char *[]){
      "H1 Tools", "P Intro.", "H3 Hammer", "P It hits.", "H3 Saw", "P It cuts.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, NULL);
  ck_assert_uint_eq (chunks->len, 1);
  ck_assert_str_eq (chunk_at (chunks, 0)->text, "Intro.\n\nHammer\n\nIt hits.\n\nSaw\n\nIt cuts.");
  ck_assert_str_eq (chunk_at (chunks, 0)->section, "Tools");
}
END_TEST

START_TEST (test_a_heading_never_ends_a_chunk)
{
  g_autofree char *first = words (0, 18), *second = words (100, 18), *third = words (200, 18);
  g_autofree char *p1 = g_strconcat ("P ", first, NULL), *p2 = g_strconcat ("P ", second, NULL),
                  *p3 = g_strconcat ("P ", third, NULL);
  g_autoptr (IngestDocument) document
      = make ((const char *[]){ "H1 T", p1, "H3 One", p2, "H4 Two", p3, NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_eq (chunks->len, 3);
  ck_assert_str_eq (chunk_at (chunks, 1)->section, "T › One");
  ck_assert_str_eq (chunk_at (chunks, 1)->text, second);
  ck_assert_str_eq (chunk_at (chunks, 2)->section, "T › One › Two");
}
END_TEST

START_TEST (test_headings_without_text_are_not_lost)
{
  g_autoptr (IngestDocument) document
      = make ((const char *[]){ "H1 Part one", "H1 Chapter", "P Text.", "H1 The end", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, NULL);
  ck_assert_uint_eq (chunks->len, 2);
  ck_assert_str_eq (chunk_at (chunks, 0)->text, "Part one\n\nChapter\n\nText.");
  ck_assert_str_eq (chunk_at (chunks, 1)->text, "The end");
}
END_TEST

START_TEST (test_a_split_table_repeats_its_header)
{
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (blocks, g_strdup ("T drug\tdose"));
  for (guint i = 0; i < 40; i++)
    g_ptr_array_add (blocks, g_strdup_printf ("T drug%u\t%u mg", i, i));
  g_ptr_array_add (blocks, NULL);
  g_autoptr (IngestDocument) document = make ((const char *const *)blocks->pdata);
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_gt (chunks->len, 3);
  for (guint i = 0; i < chunks->len; i++)
    {
      const IngestChunk *it = chunk_at (chunks, i);
      ck_assert (g_str_has_prefix (it->text, "drug\tdose\ndrug"));
      const char *own = i > 0 ? it->text + strlen ("drug\tdose\n") : it->text;
      g_autofree char *span = g_strndup (document->text + it->start, it->end - it->start);
      ck_assert_str_eq (span, own);
    }
}
END_TEST

START_TEST (test_a_sentence_across_pages_is_one)
{
  g_autoptr (IngestDocument) document = make (
      (const char *[]){ "P The nurse reads the", "-", "P report at nine. Then she works.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, NULL);
  const IngestChunk *it = chunk_at (chunks, 0);
  ck_assert_str_eq (it->text, "The nurse reads the report at nine. Then she works.");
  ck_assert_uint_eq (it->sentences->len, 2);
  ck_assert_uint_eq (it->first_page, 1);
  ck_assert_uint_eq (it->last_page, 2);
}
END_TEST

START_TEST (test_pages_contain_what_is_cited)
{
  g_autoptr (IngestDocument) document = make (
      (const char *[]){ "P One one one one one. Two two two two two two two.",
                        "P Three three three three three three three three three.", "-",
                        "P Four four four four four four four four four four four.", "-", "-",
                        "P Five five five five five five five five five five.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  for (guint i = 0; i < chunks->len; i++)
    {
      const IngestChunk *it = chunk_at (chunks, i);
      gsize start = g_array_index (document->pages, IngestPage, it->first_page - 1).start;
      gsize end = g_array_index (document->pages, IngestPage, it->last_page - 1).end;
      g_autofree char *pages = g_strndup (document->text + start, end - start);
      for (guint s = 0; s < it->sentences->len; s++)
        {
          const IngestSentence *span = &g_array_index (it->sentences, IngestSentence, s);
          g_autofree char *sentence = g_strndup (it->text + span->start, span->end - span->start);
          ck_assert_msg (strstr (pages, sentence) != NULL, "%s", sentence);
        }
    }
  ck_assert_uint_eq (chunk_at (chunks, chunks->len - 1)->last_page, 4);
}
END_TEST

static GHashTable *ids_of (const char *const *blocks)
{
  g_autoptr (IngestDocument) document = make (blocks);
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  GHashTable *ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < chunks->len; i++)
    g_hash_table_add (ids, g_strdup (chunk_at (chunks, i)->id));
  return ids;
}

START_TEST (test_ids_survive_edits_elsewhere)
{
  g_autoptr (GHashTable) before = ids_of ((const char *[]){
      "H1 A", "P Old text of A.", "H1 B", "P Text of B.", "H1 C", "P Text of C.", NULL });
  g_autoptr (GHashTable) after
      = ids_of ((const char *[]){ "H1 A", "P New text of A, longer.", "-", "H1 B", "P Text of B.",
                                  "H1 C", "P Text of C.", NULL });
  guint kept = 0;
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    kept += g_hash_table_contains (after, id);
  ck_assert_uint_eq (g_hash_table_size (before), 3);
  ck_assert_uint_eq (kept, 2);
}
END_TEST

/* Six pages of one section; page EDITED (from 1) has other words, and more of them. */
static GHashTable *ids_of_pages (guint edited)
{
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (blocks, g_strdup ("H1 One section"));
  for (guint page = 1; page <= 6; page++)
    for (guint i = 0; i < 11; i++)
      {
        guint first = page * 1000 + i * 50 + (page == edited ? 25 : 0);
        g_autofree char *text = words (first, page == edited ? 9 : 5 + (page * i) % 4);
        g_ptr_array_add (blocks, g_strconcat ("P ", text, NULL));
        if (i == 10 && page < 6)
          g_ptr_array_add (blocks, g_strdup ("-"));
      }
  g_ptr_array_add (blocks, NULL);
  return ids_of ((const char *const *)blocks->pdata);
}

START_TEST (test_an_edit_of_one_page_leaves_the_chunks_of_all_others)
{
  g_autoptr (GHashTable) before = ids_of_pages (0), after = ids_of_pages (3);
  guint gone = 0, fresh = 0;
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    gone += !g_hash_table_contains (after, id);
  g_hash_table_iter_init (&iter, after);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    fresh += !g_hash_table_contains (before, id);
  /* Page 3 has 79 words before and 110 after: at most 30 to a chunk, 20 or so in most. */
  ck_assert_uint_ge (g_hash_table_size (before), 18);
  ck_assert_uint_ge (gone, 3);
  ck_assert_uint_le (gone, 5);
  ck_assert_uint_ge (fresh, 4);
  ck_assert_uint_le (fresh, 7);
}
END_TEST

#define NOTICE "This message is confidential and meant for nobody but the one it was sent to."

START_TEST (test_a_notice_on_every_page_is_stored_once)
{
  g_autoptr (IngestDocument) document = make ((const char *[]){
      "H1 A", "P First text.", "H1 B", "P " NOTICE, "-", "H1 C", "P " NOTICE, "-", "H1 D",
      "P This message is confidential, and meant for nobody "
      "but the one it was sent to",
      "-", "H1 E", "P Last text.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_eq (chunks->len, 3);
  ck_assert_str_eq (chunk_at (chunks, 1)->section, "B");
  ck_assert_str_eq (chunk_at (chunks, 2)->text, "Last text.");
}
END_TEST

START_TEST (test_the_same_words_in_two_sections_or_with_other_numbers_stay)
{
  g_autoptr (IngestDocument) document = make (
      (const char *[]){ "H1 Adults", "P The dose is given twice a day with a glass of water.",
                        "H1 Children", "P The dose is given twice a day with a glass of water.",
                        "H1 1", "P The dose is given 1.5 times a day with a glass of water.",
                        "H1 2", "P The dose is given 15 times a day with a glass of water.", "H1 3",
                        "P The dose is given -15 times a day with a glass of water.", NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_eq (chunks->len, 5);
}
END_TEST

START_TEST (test_repeated_text_has_ids_of_its_own)
{
  g_autoptr (GHashTable) ids
      = ids_of ((const char *[]){ "H1 A", "P Same.", "H1 A", "P Same.", "H1 A", "P Same.", NULL });
  ck_assert_uint_eq (g_hash_table_size (ids), 3);
}
END_TEST

START_TEST (test_a_long_section_path_leaves_room)
{
  g_autofree char *h1 = words (0, 40), *h2 = words (100, 40), *body = words (200, 60);
  g_autofree char *a = g_strconcat ("H1 ", h1, NULL), *b = g_strconcat ("H2 ", h2, NULL),
                  *c = g_strconcat ("P ", body, NULL);
  g_autoptr (IngestDocument) document = make ((const char *[]){ a, b, c, NULL });
  g_autoptr (GPtrArray) chunks = chunk (document, &small);
  ck_assert_uint_ge (chunks->len, 2);
  ck_assert (g_str_has_prefix (chunk_at (chunks, 0)->section, "w100 "));
}
END_TEST

START_TEST (test_tiny_windows_do_not_hang)
{
  g_autoptr (IngestDocument) document = make ((const char *[]){
      "H1 A heading of words", "P One two three. Four five.", "T a b\tc", "T d\te", NULL });
  for (guint max = 1; max < 12; max++)
    {
      IngestChunkOptions options
          = { .target_tokens = max, .max_tokens = max, .count = count_words };
      g_autoptr (GPtrArray) chunks = ingest_chunk_document (document, &options);
      ck_assert_uint_gt (chunks->len, 0);
    }
}
END_TEST

/* Random documents: everything is covered, in order, and fits. */
START_TEST (test_nothing_is_lost)
{
  for (guint seed = 0; seed < 200; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
      guint word = 0, n = g_rand_int_range (random, 1, 30);
      for (guint i = 0; i < n; i++)
        {
          guint length = g_rand_int_range (random, 1, 40);
          g_autofree char *text = words (word, length);
          word += length;
          switch (g_rand_int_range (random, 0, 6))
            {
            case 0:
              g_ptr_array_add (blocks,
                               g_strdup_printf ("H%d head", g_rand_int_range (random, 1, 5)));
              break;
            case 1:
              g_ptr_array_add (blocks, g_strdup ("-"));
              G_GNUC_FALLTHROUGH;
            case 2:
              g_ptr_array_add (blocks, g_strdup_printf ("T %s", text));
              break;
            default:
              g_ptr_array_add (blocks, g_strdup_printf ("P %s", text));
            }
        }
      g_ptr_array_add (blocks, NULL);
      g_autoptr (IngestDocument) document = make ((const char *const *)blocks->pdata);
      g_autoptr (GPtrArray) chunks = chunk (document, &small);
      g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      for (guint i = 0; i < chunks->len; i++)
        {
          g_auto (GStrv) found = g_strsplit_set (chunk_at (chunks, i)->text, " \n\t.", -1);
          for (gsize k = 0; found[k] != NULL; k++)
            g_hash_table_add (seen, g_strdup (found[k]));
        }
      g_auto (GStrv) all = g_strsplit_set (document->text, " \n\t.", -1);
      for (gsize k = 0; all[k] != NULL; k++)
        if (*all[k] == 'w')
          ck_assert_msg (g_hash_table_contains (seen, all[k]), "seed %u lost %s", seed, all[k]);
    }
}
END_TEST

int main (void)
{
  const TTest *const tests[] = { test_a_passage_has_a_language_of_its_own,
                                 test_a_passage_is_in_one_language,
                                 test_hidden_text_shares_no_chunk,
                                 test_a_short_document_is_one_chunk,
                                 test_chunks_end_at_sentence_borders_and_fit,
                                 test_a_giant_sentence_is_split_at_white_space,
                                 test_a_giant_word_is_split_between_characters,
                                 test_sections_are_not_mixed,
                                 test_small_subsections_share_a_chunk_with_their_headings,
                                 test_a_heading_never_ends_a_chunk,
                                 test_headings_without_text_are_not_lost,
                                 test_a_split_table_repeats_its_header,
                                 test_a_sentence_across_pages_is_one,
                                 test_pages_contain_what_is_cited,
                                 test_ids_survive_edits_elsewhere,
                                 test_an_edit_of_one_page_leaves_the_chunks_of_all_others,
                                 test_a_notice_on_every_page_is_stored_once,
                                 test_the_same_words_in_two_sections_or_with_other_numbers_stay,
                                 test_repeated_text_has_ids_of_its_own,
                                 test_a_long_section_path_leaves_room,
                                 test_tiny_windows_do_not_hang,
                                 test_nothing_is_lost };
  return run_suite ("ingest chunk", tests, G_N_ELEMENTS (tests), NULL, NULL);
}
